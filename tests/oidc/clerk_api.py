"""A small Clerk: its Backend API on loopback, which holds every request against the published shapes.

The shapes are those of Clerk's own client, `clerk-backend-api`: a field that they do not have, or a
value of another type, is refused as Clerk refuses it.
"""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

import pydantic
from clerk_backend_api import models

if TYPE_CHECKING:
    from collections.abc import Mapping

SECRET_KEY = "sk_test_of_clerk"
USERS, INVITATIONS, SIGN_IN = "/v1/users", "/v1/invitations", "/v1/sign_in_tokens"


class ProblemError(Exception):
    """What Clerk answers when it will not."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"errors": [{"code": code, "message": message, "long_message": message}]}


class Asked(NamedTuple):
    """A request as Clerk took it."""

    method: str
    path: str
    body: Any


def strict(shape: type[pydantic.BaseModel], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was given, if it is of the published shape and has no field besides."""
    names = {field.alias or name for name, field in shape.model_fields.items()}
    strange = sorted({*given} - names)
    if strange:
        raise ProblemError(422, "form_param_unknown", f"{strange[0]} is not a valid parameter.")
    try:
        shape.model_validate(dict(given), strict=True)
    except pydantic.ValidationError as exc:
        raise ProblemError(422, "form_param_format_invalid", str(exc)) from exc
    return dict(given)


class ClerkApi:
    """Users and invitations in memory. `asked` is what was accepted; `away` answers nothing but 503."""

    def __init__(self) -> None:
        self.users: dict[str, dict[str, Any]] = {}
        self.invited: list[str] = []
        self.asked: list[Asked] = []
        self.away = False
        clerk = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                clerk.serve(self)

            def do_POST(self) -> None:
                clerk.serve(self)

            def do_PATCH(self) -> None:
                clerk.serve(self)

            def do_DELETE(self) -> None:
                clerk.serve(self)

            def log_message(self, *args: object) -> None:
                del args

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"

    def serve(self, handler: BaseHTTPRequestHandler) -> None:
        length = int(handler.headers.get("content-length") or 0)
        given = json.loads(handler.rfile.read(length) or b"{}")
        try:
            self.check(handler.headers["authorization"])
            parts = urlsplit(handler.path)
            status, answer = 200, self.answer(handler.command, parts.path, parts.query, given)
            self.asked.append(Asked(handler.command, parts.path, given))
        except ProblemError as exc:
            status, answer = exc.status, exc.body
        body = json.dumps(answer).encode()
        handler.send_response(status)
        handler.send_header("content-type", "application/json")
        handler.send_header("content-length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def check(self, authorization: str | None) -> None:
        if self.away:
            raise ProblemError(503, "unavailable", "Later.")
        if authorization != f"Bearer {SECRET_KEY}":
            raise ProblemError(401, "authentication_invalid", "Invalid secret key.")

    def answer(self, method: str, path: str, query: str, given: dict[str, Any]) -> Any:
        match method, path.removeprefix("/v1").strip("/").split("/"):
            case "POST", ["users"]:
                return self.create(strict(models.CreateUserRequestBody, given))
            case "GET", ["users"]:
                return self.find(parse_qsl(query))
            case "PATCH", ["users", user, "metadata"]:
                return self.merge(user, strict(models.UpdateUserMetadataRequestBody, given))
            case "DELETE", ["users", user]:
                self.known(user)
                del self.users[user]
                return {"object": "user", "id": user, "deleted": True}
            case "POST", ["invitations"]:
                return self.invite(strict(models.CreateInvitationRequestBody, given))
            case "POST", ["sign_in_tokens"]:
                body = strict(models.CreateSignInTokenRequestBody, given)
                self.known(body["user_id"])
                return {"object": "sign_in_token", "id": "sit_1", "token": "ticket", **body}
        raise ProblemError(404, "resource_not_found", "Not found.")

    def create(self, body: dict[str, Any]) -> dict[str, Any]:
        if len(body.get("password", "")) < 8:
            raise ProblemError(
                422, "form_password_length_too_short", "Passwords must be 8 characters."
            )
        self.check_free(body["email_address"][0])
        user = f"user_{len(self.users) + 1}"
        self.users[user] = made = _user(user, body)
        return made

    def find(self, query: list[tuple[str, str]]) -> list[dict[str, Any]]:
        fields = models.GetUserListRequest.model_fields
        strange = [name for name, _ in query if name not in fields]
        if strange:
            raise ProblemError(422, "form_param_unknown", f"{strange[0]} is not a valid parameter.")
        wanted = [value for name, value in query if name == "email_address"]
        return [each for each in self.users.values() if _address(each) in wanted]

    def merge(self, user: str, body: dict[str, Any]) -> dict[str, Any]:
        known = self.known(user)
        merged = {**known["public_metadata"], **body.get("public_metadata", {})}
        known["public_metadata"] = {name: v for name, v in merged.items() if v is not None}
        return known

    def invite(self, body: dict[str, Any]) -> dict[str, Any]:
        address = body["email_address"]
        self.check_free(address)
        if address in self.invited:
            raise ProblemError(400, "duplicate_record", "There is an invitation already.")
        self.invited.append(address)
        return {"object": "invitation", "id": "inv_1", "status": "pending", **body}

    def check_free(self, address: str) -> None:
        if address in map(_address, self.users.values()):
            raise ProblemError(422, "form_identifier_exists", "That email address is taken.")

    def known(self, user: str) -> dict[str, Any]:
        if user not in self.users:
            raise ProblemError(404, "resource_not_found", "Not found.")
        return self.users[user]


def _address(user: Mapping[str, Any]) -> str:
    return str(user["email_addresses"][0]["email_address"])


def _user(user: str, body: Mapping[str, Any]) -> dict[str, Any]:
    address = {
        "object": "email_address",
        "id": f"idn_{user}",
        "email_address": body["email_address"][0],
        "verification": {"status": "verified", "strategy": "admin"},
    }
    return {
        "object": "user",
        "id": user,
        "first_name": body.get("first_name"),
        "last_name": body.get("last_name"),
        "primary_email_address_id": f"idn_{user}",
        "email_addresses": [address],
        "public_metadata": body.get("public_metadata", {}),
    }

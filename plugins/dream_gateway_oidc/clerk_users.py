"""Clerk's users, by its Backend API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx

from dream_gateway.errors import (
    ConflictError,
    GatewayError,
    IdentityUnavailableError,
    InvalidRequestError,
)
from dream_gateway.hookspecs import Identified
from dream_gateway_oidc.web import client

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dream_gateway.hookspecs import NewUser

API = "https://api.clerk.com/v1"
TENANT = "publishableKey"
"""The member of a user's public metadata that names their project; their tokens' claim is made of it."""

_TAKEN = frozenset({"form_identifier_exists", "duplicate_record", "already_a_member"})
_NOT_THERE = 404


class ClerkUsers:
    """The users of one instance: a `UserAdministration`. One that is there is not made again."""

    def __init__(self, issuer: str, secret_key: str, api_url: str = API) -> None:
        self._issuer = issuer
        self._client = client(
            api_url.rstrip("/"), headers={"authorization": f"Bearer {secret_key}"}
        )

    async def create(self, user: NewUser) -> Identified:
        """Create a user, who may sign in at once: Clerk takes the address for verified."""
        body = {
            "email_address": [user.email],
            "password": user.password,
            "first_name": user.first_name,
            "last_name": user.last_name,
            "public_metadata": {TENANT: user.tenant},
        }
        given = {name: value for name, value in body.items() if value is not None}
        return self._identified(await self._ask("POST", "/users", json=given))

    async def find(self, email: str) -> Identified | None:
        """Return the user who has this address."""
        found = await self._ask("GET", "/users", params={"email_address": email, "limit": 1})
        return self._identified(found[0]) if isinstance(found, list) and found else None

    async def set_metadata(self, subject: str, public: Mapping[str, object]) -> None:
        """Merge members into a user's public metadata; `None` takes one away."""
        path = f"/users/{quote(subject, safe='')}/metadata"
        await self._ask("PATCH", path, json={"public_metadata": dict(public)})

    async def delete(self, subject: str) -> None:
        """Delete a user; nobody is there to delete the second time."""
        await self._ask("DELETE", f"/users/{quote(subject, safe='')}", absent_ok=True)

    async def invite(self, email: str, tenant: str) -> None:
        """Have Clerk invite somebody by e-mail."""
        body = {"email_address": email, "public_metadata": {TENANT: tenant}}
        await self._ask("POST", "/invitations", json=body)

    async def sign_in_token(self, subject: str, seconds: int) -> str:
        """Return a token that signs a user in once, within some seconds. It is a secret."""
        body = {"user_id": subject, "expires_in_seconds": seconds}
        return str((await self._ask("POST", "/sign_in_tokens", json=body))["token"])

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _ask(self, method: str, path: str, *, absent_ok: bool = False, **content: Any) -> Any:
        try:
            answer = await self._client.request(method, path, **content)
            if answer.is_success:
                return answer.json() if answer.content else None
        except (httpx.HTTPError, ValueError) as exc:
            raise IdentityUnavailableError from exc
        if absent_ok and answer.status_code == _NOT_THERE:
            return None
        raise _error(answer)

    def _identified(self, user: Mapping[str, Any]) -> Identified:
        primary = user.get("primary_email_address_id")
        addresses = [a for a in user.get("email_addresses", []) if a.get("id") == primary]
        address: Mapping[str, Any] = addresses[0] if addresses else {}
        verification = address.get("verification") or {}
        return Identified(
            issuer=self._issuer,
            subject=user["id"],
            email=address.get("email_address"),
            email_verified=verification.get("status") == "verified",
            tenant=(user.get("public_metadata") or {}).get(TENANT),
            first_name=user.get("first_name"),
            last_name=user.get("last_name"),
        )


def _error(answer: httpx.Response) -> GatewayError:
    """Return the error for a refusal. Clerk's own texts are made to be shown to users."""
    try:
        faults = answer.json()["errors"]
        codes = {fault["code"] for fault in faults}
        text = " ".join(str(fault.get("long_message") or fault["message"]) for fault in faults)
    except (ValueError, KeyError, TypeError, AttributeError):
        codes, text = set(), ""
    if not codes.isdisjoint(_TAKEN):
        return ConflictError("A user of that e-mail address is there already.")
    if answer.status_code in {400, 422} and text:
        return InvalidRequestError(text)
    return IdentityUnavailableError(f"The identity provider answered {answer.status_code}.")

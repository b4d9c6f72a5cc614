"""Stripe's API over HTTP: who asks, whether the request is well formed, and what is answered."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from hmac import compare_digest
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response

from dream_gateway_stripe.testing.call import Call
from dream_gateway_stripe.testing.contract import Contract, check_answer, read_params
from dream_gateway_stripe.testing.contract.checks import Violation
from dream_gateway_stripe.testing.faults import Moment, OAuthFault, StripeFault, Trouble
from dream_gateway_stripe.testing.form import read_form
from dream_gateway_stripe.testing.heeded import Heeded
from dream_gateway_stripe.testing.passing import pass_time
from dream_gateway_stripe.testing.routes import INERT, ROUTES
from dream_gateway_stripe.testing.world import API_VERSION, KEYS, Origin

if TYPE_CHECKING:
    from threading import RLock

    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

    from dream_gateway_stripe.testing.books import JSON, Books
    from dream_gateway_stripe.testing.contract import Operation
    from dream_gateway_stripe.testing.world import World

LONGEST_KEY = 255
KEPT_SECONDS = 24 * 3_600
"""For so long a key makes a request once, and no longer."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What a request with an idempotency key was, and how it was answered."""

    request: tuple[str, str, str]
    status: int
    body: JSON
    at: int


class Cut(Response):
    """An answer that begins and does not end: clients see a connection that was cut off."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Begin, and no more."""
        await send({"type": "http.response.start", "status": 200, "headers": []})


class Lost(Exception):  # noqa: N818
    """The connection is to be closed without an answer."""


@dataclass(slots=True)
class Api:
    """Answers requests, one at a time. `violations` are those that are not as the types have it."""

    world: World
    contract: Contract
    lock: RLock
    violations: list[str] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
    requests: list[tuple[str, str]] = field(default_factory=list)
    _kept: dict[tuple[str, bool, str], Kept] = field(default_factory=dict)

    async def answer(self, request: Request) -> Response:
        """Answer a request."""
        text = request.url.query
        if request.method == "POST":
            text = (await request.body()).decode()
        request_id = self.world.id("req")
        try:
            with self.lock:
                status, body, extra = self._answer(request, text, request_id)
        except Lost:
            return Cut()
        headers = {"request-id": request_id, "stripe-version": API_VERSION, **extra}
        return JSONResponse(body, status, headers)

    def _answer(
        self, request: Request, text: str, request_id: str
    ) -> tuple[int, JSON, dict[str, str]]:
        method, path = request.method.lower(), request.url.path
        self.requests.append((method, path))
        key = request.headers.get("idempotency-key") if method == "post" else None
        try:
            self._trouble(method, path, Moment.BEFORE)
            books = self._let_in(request)
            pass_time(self.world)
            kept = self._replayed(books, key, (method, path, text))
            if kept is not None:
                self._trouble(method, path, Moment.AFTER)
                return kept.status, kept.body, {"idempotent-replayed": "true"}
            self.world.origin = Origin(request_id, key)
            try:
                status, body = self._served(books, method, path, text)
            finally:
                self.world.origin = Origin()
            if key is not None:
                kept = Kept((method, path, text), status, body, self.world.now)
                self._kept[books.account, books.live, key] = kept
            self._trouble(method, path, Moment.AFTER)
        except (StripeFault, OAuthFault) as fault:
            return fault.status, fault.body, {}
        return status, body, {}

    def _trouble(self, method: str, path: str, moment: Moment) -> None:
        """Fail if that is asked for."""
        for trouble in self.troubles:
            fits = method == trouble.method and path.startswith(trouble.path)
            if trouble.times and trouble.moment is moment and fits:
                trouble.times -= 1
                if trouble.status == 0:
                    raise Lost
                kind = "invalid_request_error" if trouble.status == 429 else "api_error"
                raise StripeFault("As it was asked to fail.", status=trouble.status, type=kind)

    def _let_in(self, request: Request) -> Books:
        """Return the books that a request may see, by its key and the account it names."""
        scheme, _, secret = request.headers.get("authorization", "").partition(" ")
        given = secret.encode()
        modes = [m for m, keys in KEYS.items() if compare_digest(keys.secret.encode(), given)]
        if scheme != "Bearer" or not modes:
            raise StripeFault("Invalid API Key provided.", status=401)
        return self.world.reached(request.headers.get("stripe-account"), live=modes[0])

    def _replayed(
        self, books: Books, key: str | None, request: tuple[str, str, str]
    ) -> Kept | None:
        if key is None:
            return None
        if len(key) > LONGEST_KEY:
            raise StripeFault("Idempotency keys are at most 255 characters long.")
        kept = self._kept.get((books.account, books.live, key))
        if kept is not None and kept.at + KEPT_SECONDS < self.world.now:
            return None
        if kept is not None and kept.request != request:
            raise StripeFault(
                "Keys for idempotent requests can only be used with the same parameters they were "
                f"first used with. Try using a key other than '{key}' if you meant to execute a "
                "different request.",
                type="idempotency_error",
            )
        return kept

    def _served(self, books: Books, method: str, path: str, text: str) -> tuple[int, JSON]:
        """Do what is asked. Only what was begun is kept for a repeat: a bad request is not."""
        found = self.contract.find(method, path)
        if found is None:
            self._violated(f"{method} {path}", "there is no such call")
            raise StripeFault(f"Unrecognized request URL ({method}: {path}).", status=404)
        operation, parts = found
        name = f"{method} {operation.template}"
        handler = ROUTES.get((method, operation.template))
        if handler is None:
            self._violated(name, "the fake does not do that")
            raise StripeFault(f"The fake does not do {name}.")
        params = Heeded(self._read(operation, name, text))
        _check_metadata(params)
        try:
            made = handler(Call(self.world, books, params, parts))
        except StripeFault as fault:
            if fault.status != 402:
                raise
            return fault.status, fault.body
        if missed := ", ".join(params.missed(INERT)):
            self._violated(name, f"the fake does nothing about {missed}")
            raise StripeFault(f"The fake does nothing about {missed}.")
        is_page = made.get("object") == "list"
        body = made if is_page or "id" not in made else books.seen(made, params.get("expand", ()))
        self._check(operation, name, body)
        return 200, body

    def _read(self, operation: Operation, name: str, text: str) -> JSON:
        try:
            return read_params(self.contract, operation, read_form(text))
        except Violation as violation:
            self._violated(name, str(violation))
            raise StripeFault(
                f"Received wrong parameter: {violation}",
                code="parameter_unknown" if violation.what.startswith("unknown") else None,
                param=violation.where,
            ) from violation

    def _check(self, operation: Operation, name: str, body: JSON) -> None:
        try:
            check_answer(self.contract, operation, json.loads(json.dumps(body)))
        except Violation as violation:
            self._violated(f"answer to {name}", str(violation))
            raise StripeFault(f"The fake's own answer is wrong: {violation}") from violation

    def _violated(self, name: str, what: str) -> None:
        self.violations.append(f"{name}: {what}")


def _check_metadata(params: JSON) -> None:
    """Refuse metadata beyond Stripe's bounds: 50 entries, names of 40 and values of 500 characters."""
    metadata = params.get("metadata") or {}
    if len(metadata) > 50:
        raise StripeFault("Metadata has at most 50 keys.", param="metadata")
    for name, value in metadata.items():
        if len(name) > 40 or len(value) > 500:
            raise StripeFault(f"Metadata is too long: {name}", param=f"metadata[{name}]")

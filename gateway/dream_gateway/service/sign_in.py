"""`POST /api/auth/exchange`: the token of a user who signed in on the white-label pages."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 # msgspec reads the annotations
from typing import TYPE_CHECKING, Annotated

from msgspec import Meta

from dream_gateway.errors import (
    BadRequestError,
    ForbiddenError,
    InvalidCodeError,
    InvalidRequestError,
    StoreUnavailableError,
)
from dream_gateway.service.authentication import Auth
from dream_gateway.service.operation import Operation
from dream_gateway.service.reply import Answer
from dream_gateway.service.values import Shape, instant

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dream_gateway.hookspecs import CodeExchange
    from dream_gateway.service.call import Call

LONGEST_CODE = 256
LONGEST_URL = 2048


class CodeToExchange(Shape):
    """A one-time code. `redirectUrl`, if given, must be where it was sent to."""

    code: Annotated[str, Meta(min_length=1, max_length=LONGEST_CODE)]
    redirect_url: Annotated[str, Meta(max_length=LONGEST_URL)] | None = None


class SignedInView(Shape):
    """An access token, until when it holds, and whose it is."""

    token: str
    token_type: str
    expires_at: datetime
    user_id: str
    email: str


class SignInRoutes:
    """Gives tokens for codes; without a plugin that makes codes every one is unknown."""

    def __init__(self, exchanges: Sequence[CodeExchange]) -> None:
        self._exchanges = exchanges

    def operations(self) -> tuple[Operation, ...]:
        """Return the operations of this module."""
        return (
            Operation(
                "POST",
                "/api/auth/exchange",
                "Exchange the code of a sign-in for the user's token",
                self.exchange,
                SignedInView,
                auth=frozenset({Auth.SECRET}),
                request=CodeToExchange,
                errors=(
                    BadRequestError,
                    ForbiddenError,
                    InvalidCodeError,
                    InvalidRequestError,
                    StoreUnavailableError,
                ),
            ),
        )

    async def exchange(self, call: Call) -> Answer:
        """Exchange a code, once."""
        asked: CodeToExchange = call.body
        if not self._exchanges:
            raise InvalidCodeError
        found = await self._exchanges[0].exchange(
            call.known.project, asked.code, asked.redirect_url
        )
        view = SignedInView(
            token=found.token,
            token_type="Bearer",  # noqa: S106 - a kind of token
            expires_at=instant(found.expires_at),
            user_id=found.subject,
            email=found.email,
        )
        return Answer(view)

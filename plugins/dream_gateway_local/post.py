"""Links by mail: which page each kind leads to, and who carries it there."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from dream_gateway.facilities import Mailer
    from dream_gateway_local.letters import Letters
    from dream_gateway_local.mailroom import Mailroom
    from dream_gateway_local.realm import Realm

PATHS = {
    "verify": "/verify",
    "known": "/reset",
    "reset": "/reset",
    "changed": "/reset",
    "invited": "/reset",
}


class Post:
    """Sends mails behind the requests that cause them. Never blocks, but for `send_now`."""

    def __init__(self, letters: Letters, mailer: Mailer, mailroom: Mailroom) -> None:
        self._letters = letters
        self._mailer = mailer
        self._mailroom = mailroom

    def errand(self, errand: Callable[[], Awaitable[None]]) -> None:
        """Have something done after the answer."""
        self._mailroom.post(errand)

    def send(self, kind: str, realm: Realm, to: str, ticket: str = "", onward: str = "") -> None:
        """Have a mail sent, with a link that holds a ticket, and where to go on to from there."""
        self._mailroom.post(lambda: self.send_now(kind, realm, to, ticket, onward))

    async def send_now(
        self, kind: str, realm: Realm, to: str, ticket: str = "", onward: str = ""
    ) -> None:
        """Send a mail; raises what the mailer does."""
        query = "?" + "&".join(part for part in (f"ticket={ticket}", onward) if part)
        query = query if ticket else ""
        await self._mailer.send(self._letters.write(kind, realm, to, PATHS[kind] + query))

"""The plugin `smtp` against a real server."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import aiosmtplib
import pytest
from aiosmtpd.handlers import Message
from aiosmtpd.smtp import SMTP

from dream_gateway.errors import ConfigurationError
from dream_gateway.facilities import Mail
from dream_gateway.plugins import Plugins
from dream_gateway_smtp.plugin import compose

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from email.message import Message as Text

MAIL = Mail("ada@example.com", "Acme Wetter", "Bestätigen", "Grüße,\nhttps://id.example.com/x")


class Box(Message):
    """Keeps what it is sent."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[Text] = []

    def handle_message(self, message: Text) -> None:
        """Keep a message."""
        self.kept.append(message)


@pytest.fixture
async def box() -> AsyncIterator[tuple[Box, int]]:
    kept = Box()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(kept, loop=loop), "127.0.0.1", 0)
    yield kept, server.sockets[0].getsockname()[1]
    server.close()


def mailer(**table: Any) -> Any:
    (found,) = Plugins({"smtp": {"sender": "no-reply@example.com", **table}}).mailers()
    return found


async def test_a_message_arrives_whole(box: tuple[Box, int]) -> None:
    kept, port = box
    await mailer(host="127.0.0.1", port=port, security="none").send(MAIL)
    (message,) = kept.kept
    assert str(message["From"]) == "Acme Wetter <no-reply@example.com>"
    assert str(message["To"]) == "ada@example.com"
    assert message["Auto-Submitted"] == "auto-generated"
    payload = message.get_payload(decode=True)
    assert isinstance(payload, bytes)
    assert payload.decode().replace("\r\n", "\n").strip() == MAIL.text


async def test_a_server_that_does_not_encrypt_gets_nothing(box: tuple[Box, int]) -> None:
    kept, port = box
    with pytest.raises(aiosmtplib.SMTPException):
        await mailer(host="127.0.0.1", port=port).send(MAIL)
    assert kept.kept == []


def test_a_name_cannot_add_fields() -> None:
    with pytest.raises(ValueError, match="line"):
        compose(Mail("ada@example.com", "Acme", "a\nBcc: eve@example.com", ""), "a@example.com")


@pytest.mark.parametrize(
    "table", [{}, {"host": ""}, {"host": "h", "port": 0}, {"host": "h", "x": 1}]
)
def test_a_table_that_is_wrong_is_refused(table: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=r"plugins\.smtp"):
        mailer(**table)

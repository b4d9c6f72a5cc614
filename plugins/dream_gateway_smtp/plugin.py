"""The plugin: its table of settings, and a mailer that opens a connection for each message."""

from __future__ import annotations

from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import TYPE_CHECKING, Annotated, Literal

import aiosmtplib
import msgspec
from msgspec import Meta

from dream_gateway.hookspecs import hookimpl

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dream_gateway.facilities import Mail, Mailer


class SmtpOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The `[plugins.smtp]` table."""

    host: Annotated[str, Meta(min_length=1, description="The mail server.")]
    port: Annotated[int, Meta(ge=1, le=65535, description="Its TCP port.")] = 587
    security: Annotated[
        Literal["starttls", "tls", "none"], Meta(description="How the connection is encrypted.")
    ] = "starttls"
    username: Annotated[str, Meta(description="Who logs in; empty: nobody.")] = ""
    password: Annotated[str, Meta(description="That user's password.", extra={"secret": True})] = ""
    sender: Annotated[
        str, Meta(pattern="^[^@\\s]+@[^@\\s]+$", description="The address mails are from.")
    ]
    timeout: Annotated[float, Meta(gt=0, le=600, description="Seconds to hand one over.")] = 20.0


class SmtpMailer:
    """Hands messages to one server. The certificate is checked, and a refusal to encrypt is final."""

    def __init__(self, options: SmtpOptions) -> None:
        self._options = options

    async def send(self, mail: Mail) -> None:
        """Return once the server has taken the message; raises `aiosmtplib.SMTPException`."""
        options = self._options
        await aiosmtplib.send(
            compose(mail, options.sender),
            hostname=options.host,
            port=options.port,
            username=options.username or None,
            password=options.password or None,
            use_tls=options.security == "tls",
            start_tls=options.security == "starttls",
            timeout=options.timeout,
        )


class SmtpPlugin:
    """Registers the mailer."""

    @hookimpl
    def settings_type(self) -> type[SmtpOptions]:
        """Have the table checked against the options."""
        return SmtpOptions

    @hookimpl
    def mailers(self, settings: SmtpOptions) -> Sequence[Mailer]:
        """Send by SMTP."""
        return [SmtpMailer(settings)]


def compose(mail: Mail, sender: str) -> EmailMessage:
    """Return a message as it is sent (RFC 5322). Raises `ValueError` for fields with line ends."""
    message = EmailMessage()
    message["From"] = Address(mail.sender_name, addr_spec=sender)
    message["To"] = Address(addr_spec=mail.to)
    message["Subject"] = mail.subject
    message["Date"] = formatdate(localtime=False)
    message["Message-ID"] = make_msgid(domain=sender.partition("@")[2])
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text)
    return message

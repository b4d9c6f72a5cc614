"""What is wrong with what somebody entered, by the field it is about."""

from __future__ import annotations

import re

from dream_gateway_local.accounts import email_key
from dream_gateway_local.passwords import LONGEST_PASSWORD

LONGEST_EMAIL = 254
LONGEST_NAME = 100
_EMAIL = re.compile(r"[^@\s\x00-\x1f\x7f]+@[^@\s\x00-\x1f\x7f]+")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f]")


class FormError(Exception):
    """Something entered cannot be taken; `field` is the form's name for it."""

    def __init__(self, field: str, text: str) -> None:
        super().__init__(text)
        self.field = field
        self.text = text


class WrongPasswordError(FormError):
    """The address has no account, or another password: which of them is not told."""

    def __init__(self) -> None:
        super().__init__("password", "The address and the password do not fit together.")


def check_email(email: str) -> str:
    """Return an address without the spaces around it. Raises `FormError`."""
    email = email.strip()
    if len(email) > LONGEST_EMAIL or not _EMAIL.fullmatch(email):
        raise FormError("email", "Enter an e-mail address, such as name@example.com.")
    return email


def check_name(field: str, name: str) -> str | None:
    """Return a name, `None` for none. Raises `FormError`."""
    name = name.strip()
    if len(name) > LONGEST_NAME or _UNPRINTABLE.search(name):
        raise FormError(field, f"A name has at most {LONGEST_NAME} characters.")
    return name or None


def refuse_weak(password: str, email: str, shortest: int) -> None:
    """Raise `FormError` for a password that is short, very long, or the address itself."""
    if len(password) < shortest:
        raise FormError("new-password", f"Use at least {shortest} characters.")
    if len(password) > LONGEST_PASSWORD:
        raise FormError("new-password", f"Use at most {LONGEST_PASSWORD} characters.")
    if email_key(password) in {email_key(email), email_key(email).partition("@")[0]}:
        raise FormError("new-password", "Use something other than your address.")

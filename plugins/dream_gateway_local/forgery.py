"""Against forged requests: a form's token, signed for the browser, and where the request came from.

The browser's half is a random value in a cookie; the form's is an HMAC-SHA256 of it, of the realm and of
the session, so neither another site nor another subdomain can make a pair of them.
"""

from __future__ import annotations

import hmac
from hashlib import sha256


def form_token(key: bytes, browser: str, realm: str, session: str) -> str:
    """Return the token for the forms of one browser, realm and session."""
    return hmac.new(key, "\0".join(("form", browser, realm, session)).encode(), sha256).hexdigest()


def device_token(key: bytes, device: str, realm: str, email_key: str) -> str:
    """Return the proof that a browser has signed in to an account before."""
    text = "\0".join(("device", device, realm, email_key))
    return hmac.new(key, text.encode("utf-8", "surrogateescape"), sha256).hexdigest()


def is_same(one: str, other: str) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(
        one.encode("utf-8", "surrogateescape"), other.encode("utf-8", "surrogateescape")
    )

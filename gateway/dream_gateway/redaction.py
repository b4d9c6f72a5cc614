"""Blots secrets out of text that is about to be logged or echoed.

The last line of defence: nothing here is meant to have a secret in it in the first place, but a caller
may put a key where none belongs, such as the path.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

BLOTTED = "***"

_SECRETS = re.compile(
    r"""
      (?P<key>\b[sa]k_)[0-9A-Za-z_-]{8,}            # secret and customer keys, imported ones too
    | (?P<hook>\bwhsec_)[0-9A-Za-z+/=_-]{8,}        # signing secrets of webhooks
    | (?P<jwt>\bey)[0-9A-Za-z_-]{8,}\.[0-9A-Za-z_-]{8,}\.[0-9A-Za-z_-]*   # tokens (RFC 7519)
    | (?P<bearer>\bbearer\s+)[0-9A-Za-z._~+/=-]{8,}                       # RFC 6750
    | (?P<user>://[^\s:/@]*:)[^\s/@]+(?=@)          # the password of a URL
    """,
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)


_NAMES = re.compile(
    r"key|token|ticket|jwt|otp|assertion|secret|passw|code|sign|auth|session", re.IGNORECASE
)
"""What a parameter's name has in it whose value is nobody's business."""


def redacted(text: str) -> str:
    """Return a text with its secrets blotted out, each but for its beginning. Never raises."""
    return _SECRETS.sub(_blotted, text)


def redacted_path(path: str) -> str:
    """Return a URL's path with its secrets blotted out, escaped ones too. Never raises."""
    if "%" in path:
        plain = unquote(path)
        shown = redacted(plain)
        if shown != plain:
            return shown.encode("ascii", "backslashreplace").decode("ascii")
    return redacted(path)


def redacted_query(query: str, private: str = "") -> str:
    """Return a URL's query with its secrets blotted out: those known by their look, or by their name.

    `private` is the name of one more parameter that holds one. Never raises.
    """
    return "&".join(_redacted_parameter(each, private) for each in query.split("&"))


def _redacted_parameter(parameter: str, private: str) -> str:
    name, equals, value = parameter.partition("=")
    plain = unquote(name)
    if value and (_NAMES.search(plain) or (private and plain == private)):
        value = BLOTTED
    return redacted_path(name) + equals + redacted_path(value)


def _blotted(match: re.Match[str]) -> str:
    return next(part for part in match.groups() if part) + BLOTTED

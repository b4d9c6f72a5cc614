"""Blots secrets out of text that is about to be logged or echoed.

The last line of defence: nothing here is meant to have a secret in it in the first place, but a caller
may put a key where none belongs, such as the path.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

BLOTTED = "***"

LONGEST = 1_024
"""How much is shown of what a caller sent, in characters."""

MARGIN = 8_192
"""How much more is looked at, so that a secret that is cut in two is known by its whole look."""

# Each takes a time that grows with the length of the text and no faster, whatever is in it: what is
# looked at is any caller's. So a token is looked for once in each run of a token's characters.
_SECRETS = re.compile(
    r"""
      (?P<key>\b[sa]k_)[0-9A-Za-z_-]{8,}            # secret and customer keys, imported ones too
    | (?P<hook>\bwhsec_)[0-9A-Za-z+/=_-]{8,}        # signing secrets of webhooks
    | (?<![0-9A-Za-z_-])(?=[0-9A-Za-z_-]++\.[0-9A-Za-z_-]{8,}+\.)         # tokens (RFC 7519)
      (?P<jwt>(?:[0-9A-Za-z_-]*?-)??ey)[0-9A-Za-z_-]{8,}+\.[0-9A-Za-z_-]{8,}+\.[0-9A-Za-z_-]*+
    | (?P<bearer>\bbearer\s+)[0-9A-Za-z._~+/=-]{8,}                       # RFC 6750
    | (?P<user>://[^\s:/@]*:)[^\s/@]++(?=@)         # the password of a URL
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


def shown(text: str) -> str:
    """Return the beginning of what a caller sent, `LONGEST` at most, redacted. Never raises."""
    return redacted(text[: LONGEST + MARGIN])[:LONGEST]


def shown_path(path: str) -> str:
    """Return the beginning of a URL's path likewise, without escaped secrets, too. Never raises."""
    return _redacted_path(path[: LONGEST + MARGIN])[:LONGEST]


def shown_query(query: str, private: str = "") -> str:
    """Return the beginning of a URL's query likewise: secrets are known by their look or their name.

    `private` is the name of one more parameter that holds one. Never raises.
    """
    parameters = query[: LONGEST + MARGIN].split("&")
    return "&".join(_redacted_parameter(each, private) for each in parameters)[:LONGEST]


def _redacted_path(path: str) -> str:
    if "%" in path:
        plain = unquote(path)
        blotted = redacted(plain)
        if blotted != plain:
            return blotted.encode("ascii", "backslashreplace").decode("ascii")
    return redacted(path)


def _redacted_parameter(parameter: str, private: str) -> str:
    name, equals, value = parameter.partition("=")
    plain = unquote(name)
    if value and (_NAMES.search(plain) or (private and plain == private)):
        value = BLOTTED
    return _redacted_path(name) + equals + _redacted_path(value)


def _blotted(match: re.Match[str]) -> str:
    return next(part for part in match.groups() if part) + BLOTTED

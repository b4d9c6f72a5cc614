"""The constrained values that request bodies, headers and query parameters are made of."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

MAX_COST = 1_000_000_000
"""Units that one request may cost. Far above any real one, far below where counters overflow."""

MAX_BATCH = 1_000
MAX_PAGE = 100
DEFAULT_PAGE = 20
MAX_GRACE_SECONDS = 30 * 86_400

END = "$(?!\\n)"
"""The end of a pattern. Python's `$` also matches before a line feed that ends the text; the one of JSON
Schema (ECMA-262), which patterns are read as, too, does not."""

# No control characters: these values are put in header fields, log lines and counters' names.
_PRINTABLE = "^[^\\u0000-\\u001f\\u007f]*" + END
_NAME = Meta(min_length=1, max_length=255, pattern=_PRINTABLE)

Cost = Annotated[
    int, Meta(ge=0, le=MAX_COST, description="Units to charge; 0 tells usage and charges nothing.")
]
UserId = Annotated[str, _NAME, Meta(description="The developer's own id of a customer.")]
TierName = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=64,
        pattern="^[A-Za-z0-9][A-Za-z0-9._-]*" + END,
        description="What customers' `plan` says.",
    ),
]
PlanName = Annotated[str, _NAME, Meta(description="The name of a tier of the project.")]
IdempotencyKey = Annotated[
    str, _NAME, Meta(description="Makes a repeat of the request harmless: the first one counts.")
]
ObjectId = Annotated[str, _NAME, Meta(description="An id of the gateway's.")]
Text = Annotated[str, Meta(max_length=255, pattern=_PRINTABLE)]
_NOT_WHITE = "[^@\\s\\u0000-\\u001f\\u007f\\u0085\\ufeff]+"
Email = Annotated[
    str,
    Meta(
        max_length=254,
        # One @ with something on both sides; more than that only a delivered mail can tell.
        # What is white is not the same to every engine: U+0085 and U+FEFF are, here.
        pattern=f"^{_NOT_WHITE}@{_NOT_WHITE}{END}",
    ),
]
Metadata = Annotated[
    dict[str, Any], Meta(max_length=50, description="Anything the developer wants kept with it.")
]
ScopeName = Annotated[str, Meta(min_length=1, max_length=128, pattern="^[!#-\\[\\]-~]+" + END)]
"""A scope token (RFC 6749 3.3)."""

Scopes = Annotated[list[ScopeName], Meta(max_length=100)]
Cidr = Annotated[
    str, Meta(min_length=2, max_length=64, description="An address, or a CIDR block of them.")
]
Cidrs = Annotated[list[Cidr], Meta(max_length=100)]
Money = Annotated[int, Meta(ge=0, le=10**12, description="In the currency's minor unit.")]
Currency = Annotated[str, Meta(pattern="^[a-z]{3}" + END, description="ISO 4217, in lower case.")]
WebUrl = Annotated[
    str,
    Meta(
        max_length=2048,
        # Printable ASCII without what would end an attribute or a tag: the rest is to be encoded.
        pattern="^https?://[!#-;=?-~]+" + END,
        description="An http or https URL (RFC 3986).",
    ),
]
Feature = Annotated[str, Meta(min_length=1, max_length=255, pattern=_PRINTABLE)]
Features = Annotated[list[Feature], Meta(max_length=100)]
LongText = Annotated[str, Meta(max_length=4096)]
Instant = Annotated[datetime, Meta(tz=True, description="ISO 8601, with its offset from UTC.")]
Units = Annotated[int, Meta(ge=0)]
Unlimited = Literal["unlimited"]
Cursor = Annotated[str, Meta(max_length=512, description="`nextCursor` of the page before.")]
PageSize = Annotated[int, Meta(ge=1, le=MAX_PAGE, description="Items on a page, at most.")]


class Shape(Struct, rename="camel", forbid_unknown_fields=True, kw_only=True, gc=False):
    """The base of everything that is read from or written to JSON."""


class NoFields(Shape):
    """A body or a query that has nothing in it."""


def instant(seconds: float) -> datetime:
    """Return an instant (seconds since the epoch) as UTC, which is written with a `Z`."""
    return datetime.fromtimestamp(seconds, UTC)


def optional_instant(seconds: float | None) -> datetime | None:
    """Return an instant as UTC, `None` if there is none."""
    return None if seconds is None else instant(seconds)

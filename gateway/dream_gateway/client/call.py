"""One call of the API, before anything of HTTP: what a method asks, with what was left out left out."""

from __future__ import annotations

import re
from collections.abc import Mapping  # noqa: TC003 # a dataclass's fields
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from typing import Any, Final, Literal
from urllib.parse import quote

IDEMPOTENCY_KEY = "Idempotency-Key"
IF_MATCH = "If-Match"

_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
"""What no field's value has (RFC 9110 5.5)."""


class Omit(Enum):
    """What a field that may be `None` is by default: not sent."""

    OMIT = "omit"


OMIT: Final[Literal[Omit.OMIT]] = Omit.OMIT


@dataclass(frozen=True, slots=True)
class Call:
    """A method on a path with what goes along.

    What is `None` in `query`, `header` and `body` is not sent; in `nullable`, more fields of the
    body, it is, and `OMIT` is not. `repeatable` says of a POST that to ask it twice is harmless.
    """

    method: str
    path: str
    query: Mapping[str, Any] = field(default_factory=dict)
    header: Mapping[str, str | None] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    nullable: Mapping[str, Any] = field(default_factory=dict)
    repeatable: bool = False

    @property
    def takes_key(self) -> bool:
        """Whether an idempotency key makes a repeat harmless, and none was given."""
        return IDEMPOTENCY_KEY in self.header and self.header[IDEMPOTENCY_KEY] is None

    def keyed(self, key: str) -> Call:
        """Return the call with an idempotency key."""
        return replace(self, header={**self.header, IDEMPOTENCY_KEY: key})

    @property
    def may_repeat(self) -> bool:
        """Whether the call may be made again though the first may have been heard.

        Not with `If-Match`: the first would have made it false.
        """
        if self.header.get(IF_MATCH) is not None:
            return False
        keyed = self.header.get(IDEMPOTENCY_KEY) is not None
        return self.repeatable or keyed or self.method != "POST"

    @property
    def fields(self) -> dict[str, str]:
        """The header fields of this call. Raises `ValueError` for a value that none can have."""
        given = {name: value for name, value in self.header.items() if value is not None}
        for name, value in given.items():
            if _CONTROL.search(value):
                raise ValueError(f"No {name}: {value!r} has a control character.")
        return given

    @property
    def parameters(self) -> dict[str, Any]:
        """The query parameters."""
        return {
            name: value.isoformat() if isinstance(value, datetime) else value
            for name, value in self.query.items()
            if value is not None
        }

    @property
    def content(self) -> dict[str, Any] | None:
        """The body's fields, `None` if there is no body."""
        if self.body is None and not self.nullable:
            return None
        plain = {name: value for name, value in (self.body or {}).items() if value is not None}
        return plain | {name: value for name, value in self.nullable.items() if value is not OMIT}


def path(template: str, *values: str) -> str:
    """Return a path with values in the place of its `{names}`, each as one segment.

    Raises `ValueError` for a value that no segment can be: nothing, or a way up.
    """
    for value in values:
        if value in {"", ".", ".."}:
            raise ValueError(f"Not an id: {value!r}")
        begin, end = template.index("{"), template.index("}")
        template = template[:begin] + quote(value, safe="") + template[end + 1 :]
    return template

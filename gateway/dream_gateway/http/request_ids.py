"""`X-Request-Id`: take over one that is safe to log, mint one otherwise."""

from __future__ import annotations

import secrets
from functools import partial
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_LONGEST = 128
_SAFE = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:/+=@"


_KEYS = (b"sk_", b"ak_")
"""What a key begins with: an id is logged, a key never."""


class RequestIds:
    """Unique ids: a random prefix for the process and a counter, which costs no entropy each."""

    __slots__ = ("_counter", "_prefix")

    def __init__(self) -> None:
        self._prefix = b"req_" + secrets.token_hex(8).encode() + b"-"
        self._counter = count(1)

    def take_over(self, inbound: bytes | None) -> bytes:
        """Return the inbound id if it is sane in length and characters, else a new one."""
        if (
            inbound
            and len(inbound) <= _LONGEST
            and not inbound.translate(None, _SAFE)
            and not inbound.startswith(_KEYS)
        ):
            return inbound
        return self.mint()

    def source(self, inbound: bytes | None) -> Callable[[], bytes]:
        """Return what gives the ids of requests that bring this one, or none."""
        if self.take_over(inbound) == inbound:
            return partial(self.take_over, inbound)
        return self.mint

    def mint(self) -> bytes:
        """Return a new id."""
        return b"%b%x" % (self._prefix, next(self._counter))

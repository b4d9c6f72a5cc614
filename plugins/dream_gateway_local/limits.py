"""How often anybody may try: rates per address and per account, kept in the gateway's ledger.

Nobody is ever locked out: a rate fills up again by itself, and a browser that signed in to an account
before has a bucket of its own there, which strangers cannot empty.
"""

from __future__ import annotations

import secrets
from hashlib import sha256
from ipaddress import IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING

from dream_gateway.errors import RateLimitedError
from dream_gateway.gcra import Rate
from dream_gateway.storage import Claim, Return, shard_of

if TYPE_CHECKING:
    from dream_gateway.storage import Ledger

MINUTE_US = 60_000_000
BUCKET_BYTES = 2
"""Of a bucket's number: 65,536 for each realm and action, so that two rarely share one."""

HOST_BITS = 64
"""Of an IPv6 address, what one subscriber has to itself."""


class Attempts:
    """Counts attempts. Both rates are per minute, and may be used up at once."""

    def __init__(self, ledger: Ledger, *, per_address: int, per_account: int) -> None:
        self._ledger = ledger
        self._per_address = Rate(per_address, MINUTE_US, per_address)
        self._per_account = Rate(per_account, MINUTE_US, per_account)

    async def count(
        self, realm: str, action: str, *, address: str | None, account: str, device: str = ""
    ) -> None:
        """Count an attempt on an account, which need not exist, or raise `RateLimitedError`.

        A refused one counts for neither rate. `device` names a browser that is known there.
        """
        prefix = f"{realm}/attempts/{action}"
        wishes = (
            (f"{prefix}/address/{bucket_of(network_of(address))}", self._per_address),
            (f"{prefix}/account/{bucket_of(account, device)}", self._per_account),
        )
        claims = [
            Claim(f"att_{secrets.token_hex(16)}", counter, rate, 1, 1) for counter, rate in wishes
        ]
        grants = await self._ledger.take(claims)
        denied = [grant for grant in grants if not grant.granted]
        spent = 0 if denied else 1
        shard = shard_of(prefix)
        await self._ledger.give_back(
            [Return(grant.lease, spent, shard) for grant in grants if grant.granted]
        )
        if denied:
            wait = max(grant.retry_after or 1.0 for grant in denied)
            raise RateLimitedError("Too many attempts; wait a little.", retry_after=wait)


def bucket_of(*names: str) -> str:
    """Return the number of somebody's bucket.

    There are so many and no more: a ledger keeps a rate for ever, and anybody can make up names.
    """
    digest = sha256("\0".join(names).encode("utf-8", "surrogateescape")).digest()
    return digest[:BUCKET_BYTES].hex()


def network_of(address: str | None) -> str:
    """Return what counts as one caller: an IPv4 address, or the /64 of an IPv6 address."""
    try:
        parsed = ip_address(address or "")
    except ValueError:
        return "unknown"
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ip_network((parsed, HOST_BITS), strict=False))

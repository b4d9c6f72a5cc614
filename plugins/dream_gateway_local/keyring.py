"""Signing keys of one app: ES256 (RFC 7518 3.4), sealed in the records, and replaced in time.

A new key is published before it signs, so that whoever keeps the key set for a while knows it in
time; and an old one stays published until the last token it signed has expired.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)
from jwt.algorithms import ECAlgorithm
from sqlalchemy import delete, insert, select, update

from dream_gateway_local import secret
from dream_gateway_local.tables import signing_keys

if TYPE_CHECKING:
    from sqlalchemy import RowMapping
    from sqlalchemy.ext.asyncio import AsyncConnection

    from dream_gateway.facilities import Facilities, Writing

ALGORITHM = "ES256"

PUBLISHED_SECONDS = 600.0
"""How long a key is published before it signs: twice what the key set may be kept for."""

READ_AGAIN_SECONDS = 60.0
SOONEST_SECONDS = 5.0
"""How soon an unknown key may make the keys be read again: made-up ids cost no more than that."""

LEEWAY_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key of the set: `public` is its JWK (RFC 7517)."""

    id: str
    public: dict[str, Any]
    private: ec.EllipticCurvePrivateKey
    created_at: float

    @property
    def verifier(self) -> ec.EllipticCurvePublicKey:
        """Return the public key."""
        return self.private.public_key()


class Keyring:
    """The keys of one use; every worker that has the same records has the same ones."""

    def __init__(self, lent: Facilities, use: str, *, lasts: float, token_seconds: float) -> None:
        self._lent = lent
        self._use = use
        self._lasts = lasts
        self._overlap = PUBLISHED_SECONDS + token_seconds + LEEWAY_SECONDS
        self._keys: dict[str, SigningKey] = {}
        self._read_at = float("-inf")

    async def open(self) -> None:
        """See to it that there is a key. Raises `ConfigurationError` if none can be sealed."""
        await self._refresh()

    async def signing(self) -> SigningKey:
        """Return the key to sign with: the newest that was published for long enough."""
        await self._refresh_if_older(READ_AGAIN_SECONDS)
        known = sorted(self._keys.values(), key=lambda key: key.created_at, reverse=True)
        latest = self._lent.clock.now() - PUBLISHED_SECONDS
        return next((key for key in known if key.created_at <= latest), known[-1])

    async def published(self) -> list[dict[str, Any]]:
        """Return the key set, the newest first."""
        await self._refresh_if_older(READ_AGAIN_SECONDS)
        known = sorted(self._keys.values(), key=lambda key: key.created_at, reverse=True)
        return [key.public for key in known]

    async def find(self, key_id: str) -> SigningKey | None:
        """Return a key of the set, from memory if it is known there."""
        if key_id not in self._keys:
            await self._refresh_if_older(SOONEST_SECONDS)
        return self._keys.get(key_id)

    async def _refresh_if_older(self, seconds: float) -> None:
        if self._lent.clock.monotonic() - self._read_at >= seconds:
            await self._refresh()

    async def _refresh(self) -> None:
        self._read_at = self._lent.clock.monotonic()
        async with self._lent.read() as connection:
            self._keys = await self._load(connection, self._lent.clock.now())
        if self._is_due(self._lent.clock.now()):
            await self._rotate()

    async def _rotate(self) -> None:
        async with self._lent.write("local") as writer:
            # Another worker may have been faster.
            self._keys = await self._load(writer.connection, writer.now)
            if self._is_due(writer.now):
                key = await self._replace(writer)
                self._keys[key.id] = key

    def _is_due(self, now: float) -> bool:
        return all(key.created_at + self._lasts <= now for key in self._keys.values())

    async def _load(self, connection: AsyncConnection, now: float) -> dict[str, SigningKey]:
        table = signing_keys.c
        there = table.retires_at.is_(None) | (table.retires_at > now)
        query = select(signing_keys).where(table.use == self._use, there)
        rows = (await connection.execute(query)).mappings().all()
        # A key that is open already is not opened again.
        return {row["id"]: self._keys.get(row["id"]) or self._opened(row) for row in rows}

    def _opened(self, row: RowMapping) -> SigningKey:
        der = self._lent.vault.open(row["sealed"], _context(row["id"]))
        private = load_der_private_key(der, None)
        if not isinstance(private, ec.EllipticCurvePrivateKey):
            raise TypeError("a signing key is of the curve P-256")
        return SigningKey(row["id"], row["public"], private, row["created_at"])

    async def _replace(self, writer: Writing) -> SigningKey:
        """Make a key, and let those that sign until it does retire after it."""
        table, run = signing_keys.c, writer.connection.execute
        key = make_key(writer.now)
        der = key.private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        mine = table.use == self._use
        await run(delete(signing_keys).where(mine, table.retires_at <= writer.now))
        retiring = update(signing_keys).where(mine, table.retires_at.is_(None))
        await run(retiring.values(retires_at=writer.now + self._overlap))
        await run(
            insert(signing_keys).values(
                id=key.id,
                use=self._use,
                public=key.public,
                sealed=self._lent.vault.seal(der, _context(key.id)),
                created_at=key.created_at,
            )
        )
        return key


def make_key(now: float) -> SigningKey:
    """Return a new key."""
    private = ec.generate_private_key(ec.SECP256R1())
    key_id = secret.mint_id("sig")
    public = json.loads(ECAlgorithm.to_jwk(private.public_key()))
    public |= {"kid": key_id, "use": "sig", "alg": ALGORITHM}
    return SigningKey(key_id, public, private, now)


def _context(key_id: str) -> str:
    return f"local_signing_keys.sealed:{key_id}"

"""Everything the fake knows: accounts, who is connected, what happened, and what time it is."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any, Protocol

from dream_gateway_stripe.testing.books import JSON, Books
from dream_gateway_stripe.testing.deliveries import Post, Target
from dream_gateway_stripe.testing.faults import StripeFault, missing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dream_gateway_stripe.testing.cards import Card

API_VERSION = "2026-10-28.endive"
PLATFORM = "acct_platform"


class Clock(Protocol):
    """Where the time comes from."""

    def now(self) -> float:
        """Seconds since the epoch, UTC."""
        ...


@dataclass(frozen=True, slots=True)
class Keys:
    """What the platform shows for itself in one mode."""

    secret: str
    publishable: str
    client_id: str


KEYS = {
    False: Keys("sk_test_fake", "pk_test_fake", "ca_test_fake"),
    True: Keys("sk_live_fake", "pk_live_fake", "ca_live_fake"),
}


@dataclass(slots=True)
class Origin:
    """The request that causes what happens, if it is one."""

    request_id: str | None = None
    idempotency_key: str | None = None


@dataclass(slots=True)
class Policy:
    """What an account does about payments that fail: after how many days, and what then."""

    retries: tuple[int, ...] = (3, 5, 7)
    then: str = "canceled"


@dataclass(slots=True)
class World:
    """The whole state. Not safe for use by many threads at once: `FakeStripe` has one lock."""

    clock: Clock
    base_url: str = ""
    post: Post = field(default_factory=Post)
    accounts: dict[str, JSON] = field(default_factory=dict)
    connected: set[tuple[str, bool]] = field(default_factory=set)
    codes: dict[str, JSON] = field(default_factory=dict)
    orders: dict[str, JSON] = field(default_factory=dict)
    links: dict[str, JSON] = field(default_factory=dict)
    cards: dict[str, Card] = field(default_factory=dict)
    pending_lines: dict[str, list[JSON]] = field(default_factory=dict)
    usage: dict[tuple[str, str], JSON] = field(default_factory=dict)
    policy: Policy = field(default_factory=Policy)
    warned: set[str] = field(default_factory=set)
    passed_until: int | None = None
    origin: Origin = field(default_factory=Origin)
    at: int | None = None
    _books: dict[tuple[str, bool], Books] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def now(self) -> int:
        """Seconds since the epoch, UTC; while the past is made up for, the instant it is at."""
        return int(self.clock.now()) if self.at is None else self.at

    def id(self, prefix: str) -> str:
        """Return a new id."""
        number = next(self._numbers)
        mark = hashlib.sha256(f"{prefix}/{number}".encode()).hexdigest()[:10]
        return f"{prefix}_{number:06d}{mark}"

    def books(self, account: str, *, live: bool) -> Books:
        """Return what an account has in a mode."""
        key = (account, live)
        if key not in self._books:
            self._books[key] = Books(account, live=live)
        return self._books[key]

    @property
    def all_books(self) -> list[Books]:
        """What every account has."""
        return list(self._books.values())

    def books_with(self, id_: str) -> Books:
        """Return the books that an object is in. Raises Stripe's refusal if it is in none."""
        for books in self.all_books:
            if id_ in books:
                return books
        raise missing("object", id_)

    def reached(self, account: str | None, *, live: bool) -> Books:
        """Return what a request may see: an account that is connected, or the platform's own.

        Raises Stripe's refusal for any other account.
        """
        if account is None or account == PLATFORM:
            return self.books(PLATFORM, live=live)
        if (account, live) not in self.connected:
            raise StripeFault(
                f"The provided key does not have access to account '{account}' (or that account "
                "does not exist). Application access may have been revoked.",
                status=403,
                code="account_invalid",
            )
        return self.books(account, live=live)

    def happened(self, books: Books, type_: str, thing: JSON, previous: JSON | None = None) -> JSON:
        """Tell of something: an event, and its deliveries to those who listen."""
        data: JSON = {"object": books.seen(thing)}
        if previous is not None:
            data["previous_attributes"] = previous
        connected = books.account != PLATFORM
        event = {
            "id": self.id("evt"),
            "object": "event",
            "api_version": API_VERSION,
            "created": self.now,
            "data": data,
            "livemode": books.live,
            "pending_webhooks": 1,
            "request": {
                "id": self.origin.request_id,
                "idempotency_key": self.origin.idempotency_key,
            },
            "type": type_,
        }
        books.add(event)
        # Only what is delivered names the account: who lists events has named it already.
        if connected:
            self.post.add(Target.CONNECT, {**books.seen(event), "account": books.account})
        else:
            self.post.add(Target.PLATFORM, books.seen(event))
        return event

    def updated(self, books: Books, type_: str, thing: JSON, before: JSON) -> None:
        """Tell that an object changed, if it did, with what was there before."""
        names: Iterable[str] = {*thing, *before}
        changed: dict[str, Any] = {
            name: before.get(name) for name in names if thing.get(name) != before.get(name)
        }
        if changed:
            self.happened(books, type_, thing, changed)

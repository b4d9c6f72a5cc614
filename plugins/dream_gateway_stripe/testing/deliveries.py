"""Webhooks: signed as Stripe signs them, and delivered as it does: late, twice, in any order."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Target(StrEnum):
    """The two endpoints: events of connected accounts, and those of the platform's own."""

    CONNECT = "connect"
    PLATFORM = "platform"


@dataclass(slots=True)
class Hook:
    """Where events are sent, and the secrets they are signed with: two while they are rotated."""

    url: str
    secrets: tuple[str, ...]


@dataclass(slots=True)
class Delivery:
    """One event on its way to one endpoint. `status` is what its last attempt was answered."""

    target: Target
    event: dict[str, Any]
    attempts: int = 0
    status: int | None = None
    dropped: bool = False

    @property
    def id(self) -> str:
        """The event's id."""
        return str(self.event["id"])

    @property
    def type(self) -> str:
        """The event's type, such as `customer.subscription.updated`."""
        return str(self.event["type"])

    @property
    def done(self) -> bool:
        """Whether it was taken."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def body(self) -> bytes:
        """What is sent."""
        return json.dumps(self.event, indent=2).encode()


@dataclass(slots=True)
class Post:
    """Events that are not delivered, in the order they happened."""

    hooks: dict[Target, Hook] = field(default_factory=dict)
    deliveries: list[Delivery] = field(default_factory=list)

    def add(self, target: Target, event: dict[str, Any]) -> None:
        """Have an event delivered."""
        self.deliveries.append(Delivery(target, event))

    def pending(self, target: Target | None = None) -> list[Delivery]:
        """Return what is still to be delivered, oldest first."""
        return [
            each
            for each in self.deliveries
            if not each.done and not each.dropped and target in (None, each.target)
        ]

    def succeeded(self, event_id: str) -> bool:
        """Tell whether an event was taken by whoever it was sent to."""
        ours = [each for each in self.deliveries if each.id == event_id]
        return bool(ours) and all(each.done for each in ours)


def signature(body: bytes, secrets: Iterable[str], at: int) -> str:
    """Return the field `Stripe-Signature`: `t=...,v1=...`, one `v1` for each secret.

    Scheme: https://docs.stripe.com/webhooks#verify-manually
    """
    payload = str(at).encode() + b"." + body
    marks = [hmac.new(each.encode(), payload, hashlib.sha256).hexdigest() for each in secrets]
    return ",".join([f"t={at}", *(f"v1={mark}" for mark in marks)])


def arranged(
    pending: Sequence[Delivery],
    order: Sequence[int] | None,
    duplicate: Iterable[int],
    drop: Iterable[int],
) -> list[Delivery]:
    """Return what is sent now, in which order.

    `order` are places in `pending` (those it leaves out are sent later), `duplicate` are places that
    are sent twice, the second time after all others, `drop` those that are lost.
    """
    lost = set(drop)
    places = [at for at in (range(len(pending)) if order is None else order) if at not in lost]
    again = set(duplicate)
    return [pending[at] for at in [*places, *(at for at in places if at in again)]]

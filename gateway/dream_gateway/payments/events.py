"""What a provider tells without being asked."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dream_gateway.payments.accounts import Account


class About(StrEnum):
    """What an event is about: of a price its product, of an invoice or schedule its subscription."""

    SUBSCRIPTION = "subscription"
    CHECKOUT = "checkout"
    PAYMENT = "payment"
    ACCOUNT = "account"
    CATALOGUE = "catalogue"
    CUSTOMER = "customer"
    NOTHING = "nothing"


class Endpoint(StrEnum):
    """Where events arrive: those of developers' accounts, and those of the operator's own."""

    CONNECT = "connect"
    PLATFORM = "platform"


@dataclass(frozen=True, slots=True)
class Event:
    """News of one object. What it says of it is not kept: `ref` is asked for anew.

    `type` is the provider's own word. `gone` tells that the object's account was disconnected.
    """

    id: str
    type: str
    account: Account
    created_at: float
    about: About
    ref: str
    gone: bool = False

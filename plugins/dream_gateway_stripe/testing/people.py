"""What people do at Stripe, without a browser: owners of accounts, customers, and their banks."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from dream_gateway_stripe.testing import completion, connect, customers, payments
from dream_gateway_stripe.testing.cards import Card
from dream_gateway_stripe.testing.passing import pass_time
from dream_gateway_stripe.testing.subscription import pay_invoice

if TYPE_CHECKING:
    from threading import RLock

    from dream_gateway_stripe.testing.books import JSON
    from dream_gateway_stripe.testing.world import World


class People:
    """Acts on the pages. Ids are found in whichever account they are. Safe from any thread."""

    def __init__(self, world: World, lock: RLock) -> None:
        self._world = world
        self._lock = lock

    def owner(self, email: str = "owner@example.com", name: str = "Example") -> str:
        """Have somebody who has an account, and return its id; it is not connected."""
        with self._lock:
            return str(connect.new_account(self._world, email, name)["id"])

    def connected(self, *, live: bool = False, account: str | None = None) -> str:
        """Have an account that is connected already, and return its id."""
        with self._lock:
            id_ = account or str(connect.new_account(self._world, "owner@example.com")["id"])
            self._world.connected.add((id_, live))
            return id_

    def allow(self, authorize_url: str, account: str) -> str:
        """Allow the platform to act for an account; return where the browser is sent."""
        with self._lock:
            return connect.allow(self._world, account, _query(authorize_url))

    def deny(self, authorize_url: str) -> str:
        """Do not allow it; return where the browser is sent."""
        return connect.deny(_query(authorize_url))

    def revoke(self, account: str, *, live: bool = False) -> None:
        """Disconnect the platform, from the account's own dashboard."""
        with self._lock:
            connect.revoke(self._world, account, live=live)

    def onboard(self, link_url: str) -> str:
        """Complete an account by its link; return where the browser is sent."""
        with self._lock:
            return connect.onboard(self._world, urlsplit(link_url).path.rsplit("/", 1)[-1])

    def check_out(
        self, session_id: str, card: Card | None = Card.WORKS, email: str | None = None
    ) -> JSON:
        """Complete a checkout, and return it. `StripeFault` if that is not possible now."""
        with self._lock:
            pass_time(self._world)
            books = self._world.books_with(session_id)
            session = books.get(session_id, "checkout.session")
            completion.complete(self._world, books, session, card, email)
            return books.seen(session)

    def settle(self, session_id: str, *, succeeds: bool) -> None:
        """Let the money of a checkout with a slow card come, or not."""
        with self._lock:
            pass_time(self._world)
            books = self._world.books_with(session_id)
            session = books.get(session_id, "checkout.session")
            completion.arrive(self._world, books, session, succeeds=succeeds)

    def use_card(self, customer: str, card: Card | None) -> None:
        """Let a customer pay with another card from now on, or have none."""
        with self._lock:
            if card is None:
                self._world.cards.pop(customer, None)
            else:
                self._world.cards[customer] = card

    def rename(self, customer: str, name: str) -> None:
        """Change a customer's name, in the account's dashboard."""
        with self._lock:
            books = self._world.books_with(customer)
            found = books.get(customer, "customer")
            before = books.seen(found)
            found["name"] = name
            self._world.updated(books, "customer.updated", found, before)

    def delete_customer(self, customer: str) -> None:
        """Delete a customer, in the account's dashboard; what they pay for ends at once."""
        with self._lock:
            pass_time(self._world)
            books = self._world.books_with(customer)
            customers.remove(self._world, books, books.get(customer, "customer"))

    def pay_open(self, customer: str) -> bool:
        """Pay all that a customer owes with their card, and tell whether all is paid."""
        with self._lock:
            pass_time(self._world)
            books = self._world.books_with(customer)
            paid = True
            for invoice in books.all("invoice"):
                if invoice["customer"] != customer or invoice["status"] not in ("open", "draft"):
                    continue
                paid = pay_invoice(self._world, books, invoice) and paid
            return paid

    def refund(self, payment_intent: str, amount: int | None = None) -> None:
        """Give money back, from the account's dashboard."""
        with self._lock:
            books = self._world.books_with(payment_intent)
            charge = books.get(
                books.get(payment_intent, "payment_intent")["latest_charge"], "charge"
            )
            payments.refund(self._world, books, charge, amount, None)

    def dispute(self, payment_intent: str) -> str:
        """Have a payment disputed by the cardholder's bank; return the dispute's id."""
        with self._lock:
            books = self._world.books_with(payment_intent)
            charge = books.get(
                books.get(payment_intent, "payment_intent")["latest_charge"], "charge"
            )
            return str(payments.dispute(self._world, books, charge)["id"])

    def close_dispute(self, dispute_id: str, *, won: bool) -> None:
        """Have a dispute decided."""
        with self._lock:
            books = self._world.books_with(dispute_id)
            payments.close_dispute(self._world, books, books.get(dispute_id, "dispute"), won=won)


def _query(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query))

"""What an order becomes, by its checkout and its payment: every pair of them."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from dream_gateway.billing.orders import SETTLED, paid, settled
from dream_gateway.payments import Account, CheckoutState, CheckoutStatus, PaymentState
from dream_gateway.records.orders import HOLDING, LOST, Order, OrderStatus

NOW = 1_800_000_000.0
ORDER = Order(
    id="ord_1",
    project_id="prj_1",
    account=Account("acct_1", live=False),
    status=OrderStatus.OPEN,
    amount=100,
    currency="eur",
    created_at=NOW - 60,
    expires_at=NOW + 60,
    lines=(),
)
CHECKOUT = CheckoutState("cs_1", CheckoutStatus.PAID, 119, "eur", payment_id="pi_1")
PAYMENT = PaymentState("pi_1", 119, "eur", refunded=0, disputed=False)


@pytest.mark.parametrize(("before", "says"), product(OrderStatus, CheckoutStatus))
def test_what_is_decided_is_never_open_again(before: OrderStatus, says: CheckoutStatus) -> None:
    order = replace(ORDER, status=before, settled_at=None if before in HOLDING else NOW - 1)
    after = settled(order, replace(CHECKOUT, status=says), None, NOW)
    if before in SETTLED:
        # What was paid stays paid, whatever is told late; only the payment says more of it.
        assert after.status is before
    elif before in LOST:
        # Its stock went back: only money that came after all counts.
        assert after.status in {before, OrderStatus.PAID}
    elif before is OrderStatus.PAYING:
        assert after.status is not OrderStatus.OPEN
    else:
        assert after.status.value == says.value
    assert (after.settled_at is None) is (after.status in HOLDING)


@pytest.mark.parametrize(
    ("refunded", "disputed", "status"),
    [
        (0, False, OrderStatus.PAID),
        (118, False, OrderStatus.PAID),
        (119, False, OrderStatus.REFUNDED),
        (0, True, OrderStatus.DISPUTED),
        (119, True, OrderStatus.DISPUTED),
    ],
)
@pytest.mark.parametrize("before", sorted(SETTLED))
def test_what_was_paid_is_as_its_payment(
    before: OrderStatus, refunded: int, disputed: bool, status: OrderStatus
) -> None:
    payment = replace(PAYMENT, refunded=refunded, disputed=disputed)
    assert paid(replace(ORDER, status=before), payment).status is status
    by_checkout = settled(replace(ORDER, status=before), CHECKOUT, payment, NOW)
    assert (by_checkout.status, by_checkout.refunded) == (status, refunded)


def test_what_the_buyer_really_pays_is_the_amount() -> None:
    assert settled(ORDER, CHECKOUT, PAYMENT, NOW).amount == 119


def test_what_cost_nothing_is_paid_and_not_refunded() -> None:
    assert paid(ORDER, replace(PAYMENT, amount=0)).status is OrderStatus.PAID

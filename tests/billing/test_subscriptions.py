"""What subscriptions do to customers: `POST /api/create-checkout`, `POST /webhook/stripe`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.billing.till import Till

DAY = 86_400.0


async def test_who_pays_has_the_tier_as_soon_as_it_is_heard_of(till: Till) -> None:
    begun = await till.choose("pro")
    assert (begun["change"], begun["effectiveAt"]) == ("checkout", None)
    assert await till.plan() == "free"
    till.fake.people.check_out(begun["sessionId"])
    assert await till.plan() == "free"
    await till.hear()
    assert (await till.usage())["limit"] == 1_000
    (row,) = await till.rows()
    assert (row.plan, row.status, row.amount, row.currency) == ("pro", "active", 1_900, "usd")

"""`/api/tiers`: what a project's customers can be on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dream_gateway.errors import ConflictError, NotFoundError
from dream_gateway.model import Allowance, AllowanceKind, Interval, Overage, Role, Tier
from dream_gateway.records import projects, tiers
from dream_gateway.service.authentication import MANAGERS, READERS
from dream_gateway.service.catalogue_shapes import (
    NewTier,
    OverageShape,
    TierList,
    TierValues,
    TierView,
)
from dream_gateway.service.failures import CHANGE, CREATE, READ
from dream_gateway.service.fields import IDEMPOTENCY_KEY, IF_MATCH, PROJECT_ID
from dream_gateway.service.key_values import allowance, rate_view
from dream_gateway.service.operation import Operation
from dream_gateway.service.reply import Answer
from dream_gateway.service.validation import Fault, invalid
from dream_gateway.service.versions import check_match, versioned
from dream_gateway.tierspec import overage_fault

if TYPE_CHECKING:
    from dream_gateway.service.call import Call
    from dream_gateway.service.directory import Directory, Reading

PATH = "/api/tiers"
ONE = PATH + "/{name}"


class TierRoutes:
    """Shows, creates, changes and removes the tiers of the caller's project."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    def operations(self) -> tuple[Operation, ...]:
        """Return the operations of this module."""
        return (
            Operation(
                "GET",
                PATH,
                "List the project's tiers",
                self.show_all,
                TierList,
                auth=READERS,
                fields=(PROJECT_ID,),
                errors=READ,
            ),
            Operation(
                "GET",
                ONE,
                "Show a tier",
                self.show,
                TierView,
                auth=READERS,
                fields=(PROJECT_ID,),
                errors=READ,
            ),
            *self._changes(),
        )

    def _changes(self) -> tuple[Operation, ...]:
        return (
            Operation(
                "POST",
                PATH,
                "Create a tier",
                self.create,
                TierView,
                auth=MANAGERS,
                least=Role.ADMIN,
                status=201,
                request=NewTier,
                fields=(IDEMPOTENCY_KEY, PROJECT_ID),
                creates=True,
                errors=CREATE,
            ),
            Operation(
                "PUT",
                ONE,
                "Replace a tier; usage stays, and the new limit holds at once",
                self.replace,
                TierView,
                auth=MANAGERS,
                least=Role.ADMIN,
                request=TierValues,
                fields=(IF_MATCH, PROJECT_ID),
                errors=CHANGE,
            ),
            Operation(
                "DELETE",
                ONE,
                "Remove a tier that nobody is on",
                self.remove,
                None,
                auth=MANAGERS,
                least=Role.ADMIN,
                fields=(IF_MATCH, PROJECT_ID),
                errors=CHANGE,
            ),
        )

    async def show_all(self, call: Call) -> Answer:
        """List every tier."""
        async with self._directory.read() as reading:
            found = await reading.tiers(call.known.project.id)
        return Answer(TierList(tiers=[tier_view(tier) for tier in found]))

    async def show(self, call: Call) -> Answer:
        """Show one tier."""
        async with self._directory.read() as reading:
            return _shown(await _find(reading, call))

    async def create(self, call: Call) -> Answer:
        """Create a tier whose name is not taken."""
        asked: NewTier = call.body
        project, connection = call.known.project.id, call.writing.connection
        if await tiers.named(connection, project, asked.name) is not None:
            raise ConflictError("The project has a tier of this name.")
        tier = _tier(asked.name, asked)
        await tiers.put(call.writing.writer, project, tier)
        return _shown(tier)

    async def replace(self, call: Call) -> Answer:
        """Put new values in the place of a tier's."""
        async with self._directory.write(call.actor) as writing:
            found = await _find(writing, call)
            check_match(call, tier_view(found))
            tier = _tier(found.name, call.body)
            tier = replace(
                tier,
                # The provider's word for it, unless the developer has another one.
                price_id=tier.price_id or found.price_id,
                product_id=tier.product_id or found.product_id,
            )
            if tier != found:
                await tiers.put(writing.writer, call.known.project.id, tier)
        return _shown(tier)

    async def remove(self, call: Call) -> Answer:
        """Remove a tier that nobody is on."""
        async with self._directory.write(call.actor) as writing:
            found = await _find(writing, call)
            check_match(call, tier_view(found))
            project = await projects.find(writing.connection, call.known.project.id)
            if project is None:
                raise NotFoundError
            await tiers.remove(writing.writer, project, found.name)
        return Answer(None)


def tier_view(tier: Tier) -> TierView:
    """Return a tier as callers see it."""
    quota, overage = tier.quota, tier.overage
    return TierView(
        name=tier.name,
        display_name=tier.display_name or tier.name,
        price=tier.price,
        currency=tier.currency,
        limit="unlimited" if quota is None or quota.limit is None else quota.limit,
        interval=None if quota is None else quota.interval,
        rate=rate_view(tier.rate),
        price_id=tier.price_id,
        product_id=tier.product_id,
        features=list(tier.features),
        popular=tier.popular,
        trial_days=tier.trial_days,
        overage=None if overage is None else OverageShape(price=overage.price, per=overage.per),
        billing_interval=tier.billing_interval,
    )


def _tier(name: str, asked: TierValues) -> Tier:
    overage = asked.overage
    tier = Tier(
        name=name,
        allowances=_allowances(asked),
        display_name=asked.display_name or name,
        price=asked.price,
        currency=asked.currency,
        features=tuple(asked.features),
        popular=asked.popular,
        trial_days=asked.trial_days,
        billing_interval=Interval(asked.billing_interval),
        price_id=asked.price_id,
        product_id=asked.product_id,
        overage=None if overage is None else Overage(overage.price, overage.per),
    )
    fault = overage_fault(tier)
    if fault is not None:
        raise invalid([Fault("/overage", fault)])
    return tier


def _allowances(asked: TierValues) -> tuple[Allowance, ...]:
    rate = allowance(asked.rate)
    rates = () if rate is None else (rate,)
    limit = None if asked.limit == "unlimited" else asked.limit
    if asked.interval is not None:
        return (Allowance(AllowanceKind.QUOTA, limit, Interval(asked.interval)), *rates)
    if limit is not None:
        raise invalid([Fault("/interval", "A limit needs the interval it is for.")])
    return rates


def _shown(tier: Tier) -> Answer:
    view = tier_view(tier)
    return Answer(view, headers=versioned(view))


async def _find(reading: Reading, call: Call) -> Tier:
    found = await tiers.named(reading.connection, call.known.project.id, call.parameters["name"])
    if found is None:
        raise NotFoundError("There is no such tier.")
    return found

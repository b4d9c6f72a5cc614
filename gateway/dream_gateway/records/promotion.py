"""Makes a live project like a test project, without any of its customers and keys."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from dream_gateway import keys
from dream_gateway.errors import ConflictError
from dream_gateway.model import Mode
from dream_gateway.records import products, projects, tiers

if TYPE_CHECKING:
    from dream_gateway.model import Project
    from dream_gateway.records.database import Writer


class Promoted(NamedTuple):
    """The live project. `made` has its keys if it was not there before."""

    project: Project
    made: projects.NewProject | None


async def promote(writer: Writer, source: Project) -> Promoted:
    """Copy a test project's settings, tiers and products to its live project, made if need be.

    What the live one has beside them stays: customers may be on it. So do its stock and the ids
    of its prices at the payment provider, where test and live share nothing either. Raises
    `ConflictError` for a project that is live.
    """
    if source.mode is not Mode.TEST:
        raise ConflictError("Only a test project can be promoted.")
    live, made = await _live_project(writer, source)
    await _copy_tiers(writer, source, live)
    await _copy_products(writer, source, live)
    details: dict[str, object] = {"from": source.id}
    await writer.audit("project.promote", live.id, details, project=live.id)
    return Promoted(live, made)


async def _live_project(
    writer: Writer, source: Project
) -> tuple[Project, projects.NewProject | None]:
    settings = {
        "name": source.name,
        "type": source.type,
        "default_tier": source.default_tier,
        "alignment": source.alignment,
        "allowances": source.allowances,
        "origins": source.origins,
        "branding": source.branding,
    }
    there = await projects.live_of(writer.connection, source.id)
    if there is not None:
        live = replace(there, **settings)  # type: ignore[arg-type] # each is a project's own value
        await projects.change(writer, live)
        return live, None
    draft = projects.ProjectDraft(mode=Mode.LIVE, promoted_from=source.id, **settings)  # type: ignore[arg-type] # as above
    made = await projects.create(writer, source.platform_id, draft)
    return made.project, made


async def _copy_tiers(writer: Writer, source: Project, live: Project) -> None:
    there = {tier.name: tier for tier in await tiers.of_project(writer.connection, live.id)}
    for tier in await tiers.of_project(writer.connection, source.id):
        old = there.get(tier.name)
        price_id, product_id = (old.price_id, old.product_id) if old else (None, None)
        wanted = replace(tier, price_id=price_id, product_id=product_id)
        if wanted != old:
            await tiers.put(writer, live.id, wanted)


async def _copy_products(writer: Writer, source: Project, live: Project) -> None:
    there = {each.name: each for each in await products.of_project(writer.connection, live.id)}
    for product in await products.of_project(writer.connection, source.id):
        old = there.get(product.name)
        if old is None:
            fresh = replace(
                product,
                id=keys.mint_id("prod"),
                project_id=live.id,
                created_at=writer.now,
                price_id=None,
                product_id=None,
            )
            await products.add(writer, fresh)
        else:
            await products.change(
                writer,
                replace(
                    old,
                    price=product.price,
                    currency=product.currency,
                    display_name=product.display_name,
                    description=product.description,
                    image_url=product.image_url,
                    features=product.features,
                ),
            )

"""The platform of the demo: two tiers, two customers with a key each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dream_gateway.administration import Administration
from dream_gateway.command_stores import open_records
from dream_gateway.model import Mode, Project
from dream_gateway.records import projects
from dream_gateway.tierspec import parse_tier

if TYPE_CHECKING:
    from dream_gateway.settings import Settings

FREE_TIER = "free=10/month"
PRO_TIER = "pro=100000/month"
PRO_PRICE = 1900
"""What the pro tier costs each month, in cents of the US dollar."""


@dataclass(frozen=True, slots=True)
class Seeded:
    """What the show needs to know. The secrets are the demo's own, and die with its store."""

    free_tier: str
    pro_tier: str
    secret_key: str
    free_key: str
    pro_key: str
    project: Project


async def seed(settings: Settings, origin: str) -> Seeded:
    """Create the demo's platform in an empty store; its customers come back to `origin`."""
    tiers = [parse_tier(FREE_TIER), replace(parse_tier(PRO_TIER), price=PRO_PRICE)]
    async with open_records(settings) as records:
        admin = Administration(records)
        platform = await admin.create_platform("Demo", Mode.TEST, tiers, ())
        project = platform.project.id
        async with records.write("demo") as writer:
            await projects.change(writer, replace(platform.project, origins=(origin,)))
        keys = []
        for customer, tier in (("ada", "free"), ("grace", "pro")):
            await admin.create_customer(project, customer, tier)
            keys.append((await admin.create_key(project, customer)).secret)
    free, pro = keys
    return Seeded(FREE_TIER, PRO_TIER, platform.secret_key, free, pro, platform.project)

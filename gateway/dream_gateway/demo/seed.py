"""The platform of the demo: two tiers, two customers, and a key for each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dream_gateway.administration import open_administration
from dream_gateway.model import Mode
from dream_gateway.tierspec import parse_tier

if TYPE_CHECKING:
    from dream_gateway.settings import Settings

FREE_TIER = "free=10/month"
PRO_TIER = "pro=100000/month"


@dataclass(frozen=True, slots=True)
class Seeded:
    """What the show needs to know. The secrets are the demo's own, and die with its store."""

    free_tier: str
    pro_tier: str
    secret_key: str
    free_key: str
    pro_key: str


async def seed(settings: Settings) -> Seeded:
    """Create the demo's platform in an empty store."""
    tiers = [parse_tier(FREE_TIER), parse_tier(PRO_TIER)]
    async with open_administration(settings) as admin:
        platform = await admin.create_platform("Demo", Mode.TEST, tiers, ())
        project = platform.project.id
        keys = []
        for customer, tier in (("ada", "free"), ("grace", "pro")):
            await admin.create_customer(project, customer, tier)
            keys.append((await admin.create_key(project, customer)).secret)
    return Seeded(FREE_TIER, PRO_TIER, platform.secret_key, *keys)

"""The platform of the demo: two tiers, two customers with a key each, and a project with a past."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from dream_gateway.administration import open_administration, open_stores
from dream_gateway.clock import SystemClock
from dream_gateway.demo.crowd import ACTOR, Crowd, populate
from dream_gateway.hookspecs import Identified
from dream_gateway.model import Mode
from dream_gateway.model import Role as Standing
from dream_gateway.records import dashboard_sessions, developers, projects
from dream_gateway.records.projects import ProjectDraft
from dream_gateway.storage import Role
from dream_gateway.tierspec import parse_tier

if TYPE_CHECKING:
    from dream_gateway.settings import Settings

FREE_TIER = "free=10/month"
PRO_TIER = "pro=100000/month"


CROWD = Crowd(customers=400, days=90, events=120, orders=60)
DEVELOPER = Identified("demo", "demo", "demo@example.com", email_verified=True)
"""Who looks at the dashboard. No identity provider knows them: their link is the only way in."""

LINK_SECONDS = 12 * 3600.0


@dataclass(frozen=True, slots=True)
class Seeded:
    """What the show needs to know. The secrets are the demo's own, and die with its store."""

    free_tier: str
    pro_tier: str
    secret_key: str
    free_key: str
    pro_key: str
    platform: str


async def seed(settings: Settings) -> Seeded:
    """Create the demo's platform in an empty store."""
    tiers = [parse_tier(FREE_TIER), parse_tier(PRO_TIER)]
    async with open_administration(settings) as admin:
        platform = await admin.create_platform("Demo", Mode.TEST, tiers, ())
        project = platform.project.id
        keys: list[str] = []
        for customer, tier in (("ada", "free"), ("grace", "pro")):
            await admin.create_customer(project, customer, tier)
            keys.append((await admin.create_key(project, customer)).secret)
    free_key, pro_key = keys
    return Seeded(
        free_tier=FREE_TIER,
        pro_tier=PRO_TIER,
        secret_key=platform.secret_key,
        free_key=free_key,
        pro_key=pro_key,
        platform=platform.project.platform_id,
    )


async def seed_dashboard(settings: Settings, platform: str, crowd: Crowd = CROWD) -> str:
    """Give the demo's platform a project with a past; return the path that signs in there, once."""
    async with open_stores(settings, SystemClock(), tuple(Role)) as (records, stores):
        async with records.write(ACTOR) as writer:
            await developers.invite(writer, platform, DEVELOPER.email or "", Standing.OWNER)
            developer = await developers.register(writer, DEVELOPER)
            draft = ProjectDraft("Weather", Mode.LIVE, "free")
            made = await projects.create(writer, platform, draft)
            secret = secrets.token_urlsafe(32)
            digest = sha256(secret.encode()).digest()
            until = writer.now + LINK_SECONDS
            await dashboard_sessions.issue_link(writer, digest, developer.id, until)
        await populate(records, stores.ledger(), made.project.id, crowd)
    query = urlencode({"code": secret, "next": f"/dashboard/{made.project.id}"})
    return f"/dashboard/link?{query}"

"""The demo's project with a past, and the link that leads to its dashboard."""

from __future__ import annotations

import secrets
from hashlib import sha256
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from dream_gateway.clock import SystemClock
from dream_gateway.command_stores import open_stores
from dream_gateway.demo.crowd import ACTOR, Crowd, populate
from dream_gateway.hookspecs import Identified
from dream_gateway.model import Mode
from dream_gateway.model import Role as Standing
from dream_gateway.records import dashboard_sessions, developers, projects
from dream_gateway.records.projects import ProjectDraft
from dream_gateway.storage import Role

if TYPE_CHECKING:
    from dream_gateway.settings import Settings

CROWD = Crowd(customers=400, days=90, events=120, orders=60)
DEVELOPER = Identified("demo", "demo", "demo@example.com", email_verified=True)
"""Who looks at the dashboard. No identity provider knows them: their link is the only way in."""

LINK_SECONDS = 12 * 3600.0


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

"""The payments of the demo: by a fake Stripe, where no money moves, unless another is set."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from msgspec.structs import replace

from dream_gateway.billing.catalogue import Catalogue
from dream_gateway.billing.connections import Connections
from dream_gateway.clock import SystemClock
from dream_gateway.command_stores import open_records
from dream_gateway.model import Actor
from dream_gateway.plugins import Plugins
from dream_gateway.records.connect_states import Way

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dream_gateway.model import Project
    from dream_gateway.settings import Settings
    from dream_gateway_stripe.testing import FakeStripe

PLUGIN = "stripe"
KEY = "STRIPE_SECRET_KEY"
ACTOR = Actor("demo")
CONNECT_SECRET, PLATFORM_SECRET = "whsec_demo_connect", "whsec_demo_platform"
PUSH_SECONDS = 0.05
"""How soon the fake tells what happened."""


@dataclass(frozen=True, slots=True)
class FakePayments:
    """A fake Stripe in a thread of this process, and the gateway's part in it."""

    fake: FakeStripe

    @property
    def url(self) -> str:
        """Where its pages are."""
        return self.fake.base_url

    def settings(self, settings: Settings) -> Settings:
        """Return settings by which a gateway takes payments by the fake."""
        keys = self.fake.keys()
        table: dict[str, object] = {
            "secret_key": keys.secret,
            "client_id": keys.client_id,
            "webhook_secret": CONNECT_SECRET,
            "platform_webhook_secret": PLATFORM_SECRET,
            "api_url": self.url,
            "connect_url": self.url,
        }
        return replace(settings, plugins={**settings.plugins, PLUGIN: table})

    async def sell(self, settings: Settings, project: Project) -> None:
        """Connect an account at the fake to a project's platform, and put its tiers on sale there."""
        plugins = Plugins(settings.plugins)
        (provider, *_) = plugins.billings()
        try:
            async with open_records(settings) as records:
                way = Way(project.platform_id, "", project.mode, "")
                url = provider.connect_url("demo", f"{self.url}/", live=False)
                back = self.fake.people.allow(url, self.fake.people.owner(name="Demo"))
                (code,) = parse_qs(urlsplit(back).query)["code"]
                await Connections(provider, records).connect(way, code, ACTOR)
                await Catalogue(provider, records, SystemClock()).push(project.id, ACTOR)
        finally:
            await plugins.aclose()

    def tell(self, service: str) -> None:
        """Have the fake tell the service what happens, from now on."""
        self.fake.connect_webhooks(f"{service}/webhook/{PLUGIN}", CONNECT_SECRET)
        self.fake.platform_webhooks(f"{service}/webhook/{PLUGIN}/platform", PLATFORM_SECRET)
        self.fake.push(PUSH_SECONDS)

    def pay(self, session_id: str) -> None:
        """Do what a customer does on the fake's page of a checkout."""
        self.fake.people.check_out(session_id)

    def close(self) -> None:
        """Stop the fake; all that is in it is gone."""
        self.fake.stop()


def open_payments(settings: Settings, environment: Mapping[str, str]) -> FakePayments | None:
    """Start a fake Stripe; `None` if there are other payments, or the extra `stripe` is missing."""
    if PLUGIN in settings.plugins or environment.get(KEY) or find_spec("stripe") is None:
        return None
    # A part of the plugin, which may not be installed, and nothing to load where it is not used.
    from dream_gateway_stripe.testing import FakeStripe  # noqa: PLC0415

    fake = FakeStripe()
    fake.start()
    return FakePayments(fake)

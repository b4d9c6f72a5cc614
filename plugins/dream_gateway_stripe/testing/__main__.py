"""Runs the fake by itself: `python -m dream_gateway_stripe.testing --help`."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import click

from dream_gateway_stripe.testing.fake import FakeStripe

if TYPE_CHECKING:
    from collections.abc import Sequence


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option("--port", default=12111, show_default=True, help="The port; 0 is any that is free.")
@click.option("--webhooks", help="Where events of connected accounts go.")
@click.option("--webhook-secret", default="whsec_connect", show_default=True)
@click.option("--platform-webhooks", help="Where events of the platform's own account go.")
@click.option("--platform-webhook-secret", default="whsec_platform", show_default=True)
def main(
    *,
    host: str,
    port: int,
    webhooks: str | None,
    webhook_secret: str,
    platform_webhooks: str | None,
    platform_webhook_secret: str,
) -> None:
    """Serve a fake Stripe with pages to click on. Nothing is kept when it ends."""
    # Whichever thread would take them otherwise, this one waits for them.
    stops = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, stops)
    fake = FakeStripe(host=host, port=port)
    if webhooks:
        fake.connect_webhooks(webhooks, webhook_secret)
    if platform_webhooks:
        fake.platform_webhooks(platform_webhooks, platform_webhook_secret)
    fake.start()
    fake.push()
    for line in _told(fake, (webhook_secret, platform_webhook_secret)):
        click.echo(line)
    try:
        signal.sigwait(stops)
    finally:
        fake.stop()
    if fake.violations:
        raise click.ClickException("\n".join(fake.violations))


def _told(fake: FakeStripe, secrets: Sequence[str]) -> list[str]:
    """Say what the gateway is to be started with."""
    keys = [fake.keys(live=live) for live in (False, True)]
    return [
        f"Fake Stripe listens on {fake.base_url}; no money moves here.",
        f"STRIPE_SECRET_KEY={keys[0].secret}",
        f"STRIPE_CLIENT_ID={keys[0].client_id}",
        f"STRIPE_WEBHOOK_SECRET={secrets[0]}",
        f"STRIPE_PLATFORM_WEBHOOK_SECRET={secrets[1]}",
        f"In live mode: {keys[1].secret} and {keys[1].client_id}.",
    ]


if __name__ == "__main__":
    main()

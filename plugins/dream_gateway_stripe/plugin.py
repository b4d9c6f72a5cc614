"""The plugin `stripe`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from dream_gateway.hookspecs import hookimpl
from dream_gateway_stripe.billing import StripeBilling
from dream_gateway_stripe.settings import StripeSettings, configured

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dream_gateway.payments import Billing


class StripePlugin:
    """Reads `[plugins.stripe]`, and the environment for what is not there."""

    @hookimpl
    def settings_type(self) -> type[StripeSettings]:
        """Declare the table."""
        return StripeSettings

    @hookimpl
    def billings(self, settings: StripeSettings) -> Sequence[Billing]:
        """Take money by Stripe."""
        return [StripeBilling(configured(settings, os.environ))]

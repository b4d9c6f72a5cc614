"""`docs/guides/billing.md`: what it shows works, and no setting or event is missing in it."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import msgspec

from dream_gateway.plugins import Plugins
from dream_gateway_stripe.events import ABOUT
from dream_gateway_stripe.settings import VARIABLES, StripeSettings

GUIDE = (Path(__file__).parents[3] / "docs" / "guides" / "billing.md").read_text()
EXAMPLES = re.findall(r"^```toml\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
EVENTS = {
    word
    for line in re.findall(r"^- `[a-z_]+\.[\s\S]*?(?=\n[-\n])", GUIDE, re.MULTILINE)
    for word in re.findall(r"`([a-z_.]+)`", line)
}


def test_the_examples_can_be_opened() -> None:
    assert EXAMPLES
    for example in EXAMPLES:
        table = tomllib.loads(example)["plugins"]["stripe"]
        assert Plugins({"stripe": {"secret_key": "sk_test_1", **table}}).billings()


def test_every_setting_and_variable_is_described() -> None:
    fields = [field.name for field in msgspec.structs.fields(StripeSettings)]
    assert [n for n in (*fields, *VARIABLES.values()) if f"`{n}`" not in GUIDE] == []


def test_every_event_that_is_to_be_sent_is_about_something_and_nothing_is_left_out() -> None:
    assert {kind for kind in EVENTS if not kind.startswith(tuple(ABOUT))} == set()
    silent = {prefix for prefix in ABOUT if not any(kind.startswith(prefix) for kind in EVENTS)}
    assert silent == {"payment_intent.", "customer.created", "customer.updated"}

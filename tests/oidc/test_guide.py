"""`docs/guides/identity.md`: what it shows works, and no setting is missing in it."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import msgspec
import pytest

from dream_gateway.plugins import Plugins
from dream_gateway_oidc.clerk import VARIABLES, ClerkSettings
from dream_gateway_oidc.settings import ALGORITHMS, ClaimNames, ProviderSettings

GUIDE = (Path(__file__).parents[2] / "docs" / "guides" / "identity.md").read_text()
EXAMPLES = re.findall(r"^```toml\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_can_be_opened(example: str) -> None:
    plugins = Plugins(tomllib.loads(example)["plugins"])
    assert len(plugins.identities() + plugins.developer_identities()) == 1


def test_every_setting_and_variable_is_described() -> None:
    assert len(EXAMPLES) >= 4
    fields = [
        field.name
        for kind in (ProviderSettings, ClaimNames, ClerkSettings)
        for field in msgspec.structs.fields(kind)
    ]
    variables = [name for app in VARIABLES.values() for name in app.values()]
    assert [n for n in (*fields, *variables) if not re.search(rf"\b{n}\b", GUIDE)] == []
    assert {name[:2] for name in ALGORITHMS} == {"RS", "PS", "ES", "Ed"}

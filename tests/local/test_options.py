"""The `[plugins.local]` table."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from dream_gateway.errors import ConfigurationError
from dream_gateway.plugins import Plugins
from dream_gateway_local.options import LocalOptions

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "sign-in.md"


@pytest.mark.parametrize(
    ("table", "named"),
    [
        ({"isuer": "https://id.example.com"}, "isuer"),
        ({"issuer": "id.example.com"}, "issuer"),
        ({"issuer": "https://id.example.com/path"}, "issuer"),
        ({"developer_origins": ["https://a.example.com/"]}, "developer_origins"),
        ({"token_seconds": 1}, "token_seconds"),
        ({"argon2_memory": "much"}, "argon2_memory"),
        ({"hash_processes": 0}, "hash_processes"),
        ({"password_length": 7}, "password_length"),
    ],
)
def test_a_table_that_is_wrong_is_refused_by_name(table: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigurationError, match=f"plugins.local.*{named}"):
        Plugins({"local": table}).sites()


def test_an_empty_table_is_enough_and_all_hooks_are_about_one_site() -> None:
    plugins = Plugins({"local": {}})
    plugins.open()
    (site,), (exchange,) = plugins.sites(), plugins.code_exchanges()
    assert id(site) == id(exchange)
    assert [len(each) for each in (plugins.identities(), plugins.developer_identities())] == [1, 1]


def test_the_guide_names_every_option_and_no_other() -> None:
    rows = re.findall(r"^\| `(\w+)` \| `?([^|`]*)`? \|", GUIDE.read_text(), re.MULTILINE)
    fields = msgspec.structs.fields(LocalOptions)
    assert [name for name, _ in rows] == [field.name for field in fields]
    for (name, default), field in zip(rows, fields, strict=True):
        assert default.strip() == _written(field.default), name


def _written(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.0f}"
    return str(value) if value else "-"

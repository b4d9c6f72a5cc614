"""The tables `[plugins.oidc.users]` and `[plugins.oidc.developers]`: what can work, and what cannot."""

from __future__ import annotations

from typing import Any

import pytest

from dream_gateway.errors import ConfigurationError
from dream_gateway.plugins import Plugins

GOOD: dict[str, Any] = {"issuer": "https://id.example.com/", "audience": ["gateway"]}


def opened(**apps: object) -> tuple[int, int]:
    plugins = Plugins({"oidc": apps})
    return len(plugins.identities()), len(plugins.developer_identities())


def test_each_application_is_for_itself() -> None:
    assert opened(users=GOOD) == (1, 0)
    assert opened(developers=GOOD) == (0, 1)
    assert opened(users=GOOD, developers={**GOOD, "issuer": "http://localhost:9000"}) == (1, 1)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"issuer": "http://id.example.com"}, "issuer: a URL with https"),
        ({"issuer": "https://user:password@id.example.com"}, "issuer"),
        ({"issuer": "https://id.example.com/?a=1"}, "issuer"),
        ({"issuer": "https://[::1"}, "issuer: not a URL"),
        ({"issuer": ""}, "issuer"),
        ({"issuer": 1}, "Expected `str`"),
        ({"jwks_uri": "http://keys.example.com"}, "jwks_uri"),
        ({"algorithms": ["RS256", "HS256"]}, "algorithms: .*not HS256"),
        ({"algorithms": ["none"]}, "not none"),
        ({"algorithms": []}, "at least one"),
        ({"audience": []}, "audience or authorized_parties"),
        ({"audience": "gateway"}, "Expected `array`"),
        ({"leeway": 301}, "leeway"),
        ({"claims": {"plan": "plan"}}, "unknown field `plan`"),
        ({"secret": "x"}, "unknown field `secret`"),
    ],
)
def test_what_cannot_work_is_told(change: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told) as refused:
        opened(users={**GOOD, **change})
    assert refused.value.detail.startswith("plugins.oidc.users")


def test_the_issuer_has_to_be_there() -> None:
    with pytest.raises(ConfigurationError, match="issuer"):
        opened(users={"audience": ["x"]})


def test_other_tables_and_none() -> None:
    with pytest.raises(ConfigurationError, match=r"oidc\.issuer: no such setting"):
        opened(issuer="https://id.example.com")
    with pytest.raises(ConfigurationError, match="neither"):
        opened()

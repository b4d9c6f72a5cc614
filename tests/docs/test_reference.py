"""The reference names every error and every route, and none that is not there."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from codegen.document import unbound

from dream_gateway import errors
from dream_gateway.client import AsyncDreamAPI
from dream_gateway.edge import request_body
from dream_gateway.integrate.frameworks import FRAMEWORKS
from dream_gateway.mcp_server.tools import ReadingTools, WritingTools
from dream_gateway.plugins import Plugins

if TYPE_CHECKING:
    from collections.abc import Iterator

CLERK = {"issuer": "https://clerk.example.com", "webhook_secret": "whsec_c2VjcmV0"}
"""What has every route of the plugins be there."""

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"


def tree(root: Any = errors.GatewayError) -> Iterator[Any]:
    yield root
    for kind in root.__subclasses__():
        yield from tree(kind)


def rows() -> dict[str, str]:
    text = (REFERENCE / "errors.md").read_text()
    return dict(re.findall(r"^\| `(\w+)` \| (.*)$", text, re.MULTILINE))


def test_every_error_code_is_explained_and_no_other() -> None:
    codes = {k.code for k in tree() if k.__module__ in {errors.__name__, request_body.__name__}}
    assert set(rows()) == codes


# A class without a code of its own only groups others.
@pytest.mark.parametrize(
    "kind", [k for k in tree() if k.__module__ == errors.__name__ and "code" in vars(k)]
)
def test_every_error_says_what_to_do(kind: Any) -> None:
    cells = [cell.strip() for cell in rows()[kind.code].strip(" |").split(" | ")]
    statuses = [cell for cell in cells if re.fullmatch(r"\d{3}", cell)]
    assert all(cells)
    assert len(cells) - len(statuses) == 2
    assert statuses in ([], [str(kind.status)])


def test_every_route_is_described() -> None:
    text = (REFERENCE / "api.md").read_text()
    plugins = Plugins({"clerk": {"users": CLERK}})
    billing = SimpleNamespace(provider=SimpleNamespace(name="stripe"))
    table = unbound(plugins=plugins, billing=billing)
    missing = [f"{e.method} {e.path}" for e in table if f"{e.method} {e.path}`" not in text]
    assert missing == []


def test_every_framework_and_every_tool_is_in_its_guide() -> None:
    integrate = (REFERENCE.parent / "guides" / "integrate.md").read_text()
    assert re.findall(r"^\| `(\w+)` \|", integrate, re.MULTILINE) == list(FRAMEWORKS)
    mcp = (REFERENCE.parent / "guides" / "mcp.md").read_text()
    api = AsyncDreamAPI(base_url="http://service", secret_key="sk_test_")
    tools = [each.__name__ for kind in (ReadingTools, WritingTools) for each in kind(api).all()]
    rows = " ".join(re.findall(r"^\| (`.*?) \|", mcp, re.MULTILINE))
    assert sorted(re.findall(r"`(\w+)`", rows)) == sorted(tools)

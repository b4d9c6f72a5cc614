"""`dream-gateway mcp`, started as assistants start it, and spoken to by the SDK's own client."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from mcp import Client, StdioServerParameters
from tests.servers.gateway import PROGRAM
from tests.servers.ports import free_port
from tests.servers.shop import LIMIT, Shop
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.long

READING = {
    "get_project",
    "get_usage",
    "list_customers",
    "get_customer",
    "list_keys",
    "list_tiers",
}
WRITING = {"create_key", "change_plan"}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, migrated: Path) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("shop")
    shutil.copy(migrated, folder / "dream.db")
    made = Shop(folder)
    made.furnish()
    made.edge, made.service = made.serve()
    yield made
    made.stop()


def stdio(shop: Shop, *options: str, secret: str | None = None) -> Client:
    """Return a client whose server is a process of its own."""
    environ = {
        **os.environ,
        "GATEWAY_SECRET_KEY": secret or shop.secret,
        "GATEWAY_URL": shop.service,
    }
    program, *words = PROGRAM
    arguments = [*words, "mcp", *options]
    return Client(StdioServerParameters(command=program, args=arguments, env=environ))


async def call(client: Client, tool: str, **arguments: object) -> dict[str, Any]:
    """Call a tool, which must succeed."""
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    told = result.structured_content
    assert isinstance(told, dict)
    return told


async def refused(client: Client, tool: str, **arguments: object) -> str:
    """Call a tool, which must fail, for what it says."""
    result = await client.call_tool(tool, arguments)
    assert result.is_error
    return " ".join(getattr(each, "text", "") for each in result.content)


async def test_it_reads_and_can_do_no_more(shop: Shop) -> None:
    async with stdio(shop) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert set(tools) == READING
        for tool in tools.values():
            assert tool.annotations is not None
            assert tool.annotations.read_only_hint
            assert tool.description
        (project,) = (await call(client, "get_project"))["projects"]
        assert (project["id"], project["name"]) == (shop.project, "Acme Shop")
        (tier,) = (await call(client, "list_tiers"))["tiers"]
        assert (tier["name"], tier["limit"]) == ("free", LIMIT)
        before = await call(client, "get_usage", user_id="ada")
        bearer = {"Authorization": f"Bearer {shop.keys['ada']}"}
        async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
            answer = await http.get(f"{shop.edge}/authorize", headers=bearer)
        assert answer.status_code == 200
        await until_used(client, "ada", before["usageCount"] + 1)
        page = await call(client, "list_customers", limit=1)
        assert [each["externalId"] for each in page["data"]] == ["ada"]
        rest = await call(client, "list_customers", cursor=page["nextCursor"])
        assert [each["externalId"] for each in rest["data"]] == ["bob"]
        (found,) = (await call(client, "list_customers", external_id="ada"))["data"]
        one = await call(client, "get_customer", customer_id=found["id"])
        assert one["customer"]["plan"] == "free"
        (key,) = (await call(client, "list_keys", customer_id=found["id"]))["data"]
        assert "key" not in key
        assert shop.keys["ada"].endswith(key["last4"])
        assert "not_found" in await refused(client, "get_customer", customer_id="../tiers")
        assert "not_found" in await refused(client, "get_customer", customer_id="..")


async def until_used(client: Client, user: str, count: int) -> None:
    """Wait until leases went back: until then, what is told is an upper bound."""

    async def is_used() -> bool:
        return bool((await call(client, "get_usage", user_id=user))["usageCount"] == count)

    await eventually(is_used, f"used {count}")


async def test_allowed_to_it_creates_keys_and_changes_plans(shop: Shop) -> None:
    async with stdio(shop, "--allow-writes") as client:
        tools = {tool.name: tool.annotations for tool in (await client.list_tools()).tools}
        assert set(tools) == READING | WRITING
        create, change = tools["create_key"], tools["change_plan"]
        assert create is not None
        assert change is not None
        assert (create.read_only_hint, create.destructive_hint) == (False, False)
        assert (change.read_only_hint, change.destructive_hint) == (False, True)
        (bob,) = (await call(client, "list_customers", external_id="bob"))["data"]
        made = await call(client, "create_key", customer_id=bob["id"], name="ci", scopes=["read"])
        bearer = {"Authorization": f"Bearer {made['key']}"}
        async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
            answer = await http.get(f"{shop.edge}/authorize", headers=bearer)
        assert (answer.status_code, answer.headers["x-dream-customer"]) == (200, "bob")
        listed = await call(client, "list_keys", customer_id=bob["id"])
        assert made["key"] not in str(listed)
        told = await refused(client, "change_plan", customer_id=bob["id"], plan="gold")
        assert "no tier of this name" in told
        async with httpx.AsyncClient(
            base_url=shop.service, headers={"Authorization": f"Bearer {shop.secret}"}, timeout=60
        ) as http:
            new = {"name": "pro", "limit": "unlimited"}
            assert (await http.post("/api/tiers", json=new)).status_code == 201
        changed = await call(client, "change_plan", customer_id=bob["id"], plan="pro")
        assert changed["customer"]["plan"] == "pro"
        assert (await call(client, "get_usage", user_id="bob"))["limit"] == "unlimited"


async def test_a_wrong_key_is_refused_and_not_repeated(shop: Shop) -> None:
    wrong = "sk_test_" + "x" * 36
    async with stdio(shop, secret=wrong) as client:
        told = await refused(client, "list_tiers")
    assert "invalid_credential" in told
    assert wrong not in told


async def test_over_http(shop: Shop) -> None:
    port = free_port()
    environ = {"GATEWAY_SECRET_KEY": shop.secret, "GATEWAY_URL": shop.service}
    command = [*PROGRAM, "mcp", "--http", "--http-port", str(port)]
    process = shop.start(command, shop.folder, environ)
    url = f"http://127.0.0.1:{port}/mcp"
    await asyncio.to_thread(shop.until_up, f"http://127.0.0.1:{port}/mcp", process)
    async with Client(url) as client:
        assert {tool.name for tool in (await client.list_tools()).tools} == READING
        assert (await call(client, "list_tiers"))["tiers"][0]["name"] == "free"
    elsewhere = {"Host": "rebound.example.com", "Accept": "application/json, text/event-stream"}
    async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
        answer = await http.post(url, json={}, headers=elsewhere)
    assert answer.status_code in {403, 421}


def test_without_a_key_it_does_not_start() -> None:
    environ = {name: value for name, value in os.environ.items() if name != "GATEWAY_SECRET_KEY"}
    command = [*PROGRAM, "mcp"]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "GATEWAY_SECRET_KEY" in done.stderr

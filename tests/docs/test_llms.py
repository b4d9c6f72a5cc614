"""`/llms.txt` lists every page, its links lead somewhere, and what it says to do exists."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from dream_gateway.cli.root import COMMANDS
from dream_gateway.gateway import Gateway
from dream_gateway.server.composition import open_service
from dream_gateway.service.documentation import index, read_pages
from dream_gateway.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
async def service(tmp_path: Path, migrated: Path) -> AsyncIterator[httpx.AsyncClient]:
    """The service as it is composed."""
    shutil.copy(migrated, tmp_path / "dream.db")
    gateway = Gateway(Settings(store=f"sqlite:///{tmp_path / 'dream.db'}"))
    try:
        await gateway.start()
        transport = httpx.ASGITransport(app=open_service(gateway))
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
            yield client
    finally:
        await gateway.close()


async def test_it_is_served_and_every_link_leads_somewhere(service: httpx.AsyncClient) -> None:
    answer = await service.get("/llms.txt")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    links = re.findall(r"\]\(([^)]+)\)", answer.text)
    pages = {f"/docs/{path.relative_to(DOCS).as_posix()}" for path in DOCS.rglob("*.md")}
    pages -= {"/docs/index.md", "/docs/changes.md"}
    assert set(links) == pages | {"/openapi.json"}
    for link in links:
        followed = await service.get(link)
        assert followed.status_code == 200, link
        if link in pages:
            assert followed.text == (DOCS / link.removeprefix("/docs/")).read_text()


async def test_nothing_else_is_served_there(service: httpx.AsyncClient) -> None:
    for path in (
        "/docs",
        "/docs/",
        "/docs/../pyproject.toml",
        "/docs/%2e%2e/README.md",
        "/llms.txt/x",
    ):
        assert (await service.get(path)).status_code == 404, path
    posted = await service.post("/llms.txt")
    assert (posted.status_code, posted.headers["allow"]) == (405, "GET, HEAD")
    head = await service.head("/llms.txt")
    assert (head.status_code, head.content) == (200, b"")


async def test_what_it_says_is_there(service: httpx.AsyncClient) -> None:
    text = (await service.get("/llms.txt")).text
    commands = re.findall(r"`dream-gateway ([a-z]+)", text)
    assert {"integrate", "mcp"} <= set(commands) <= set(COMMANDS)
    document = (await service.get("/openapi.json")).json()
    for method, path in re.findall(r"`(POST|GET) (/api/\w+)`", text):
        assert method.lower() in document["paths"][path]
    defaults = Settings()
    ports = {int(port) for port in re.findall(r"port (\d+)", text)}
    assert ports == {defaults.port, defaults.service_port}


def test_a_page_is_listed_with_its_title_and_first_sentence() -> None:
    pages = {
        "guides/x.md": "# Doing x\n\n```sh\nls. Now\n```\n\nTo do [x](y.md), ask. Then wait.\n",
        "bare.md": "| a |\n|---|\n",
    }
    text = index(pages)
    assert "## Guides\n\n- [Doing x](/docs/guides/x.md): To do x, ask.\n" in text
    assert "## Explanation\n\n- [bare](/docs/bare.md)\n" in text


def test_without_documentation_there_is_the_head_alone(tmp_path: Path) -> None:
    assert read_pages([tmp_path / "none"]) == {}
    assert "## " not in index({})

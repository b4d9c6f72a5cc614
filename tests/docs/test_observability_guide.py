"""The guide to observability: its edge for other ASGI servers runs as it is printed, and is traced."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from tests.server.conftest import customer_key
from tests.server.receiving import attributes, received
from tests.servers.ports import free_port
from tests.traces import PARENT, SAMPLED
from tests.waiting import PATIENCE_SECONDS, eventually

from dream_gateway.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.server.receiving import Receiver

GUIDE = (Path(__file__).parents[2] / "docs/guides/observability.md").read_text()
SECTION = GUIDE.partition("### In another ASGI server")[2].partition("\n## ")[0]


@asynccontextmanager
async def as_printed(folder: Path, receiver: Receiver) -> AsyncIterator[str]:
    """Run what the guide has, in a folder with a database, and end it; yields the edge's URL."""
    (code,) = re.findall(r"^```python\n(.*?)^```", SECTION, re.DOTALL | re.MULTILINE)
    (command,) = re.findall(r"^```sh\n(.*?)^```", SECTION, re.DOTALL | re.MULTILINE)
    for shown in ("http://collector:4318", "http://127.0.0.1:3000"):
        assert shown in code
        code = code.replace(shown, receiver.url)
    (folder / "traced_edge.py").write_text(code)
    port = str(free_port())
    assert "8080" in command
    process = await asyncio.create_subprocess_exec(
        *[sys.executable, "-m", *shlex.split(command.replace("8080", port))],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
    )
    try:
        url = f"http://127.0.0.1:{port}"
        await eventually(lambda: _listens(url), "listened")
        yield url
    finally:
        process.terminate()
        async with asyncio.timeout(PATIENCE_SECONDS):
            await process.wait()


async def _listens(url: str) -> bool:
    try:
        async with httpx.AsyncClient(trust_env=False) as client:
            return (await client.get(url)).status_code == 401
    except httpx.TransportError:
        return False


@pytest.mark.long
async def test_the_edge_for_another_server_is_traced_also_unasked(tmp_path: Path) -> None:
    key = await customer_key(Settings(store=f"sqlite:///{tmp_path / 'dream.db'}"))
    headers = {"authorization": f"Bearer {key}"}
    async with (
        received() as receiver,
        httpx.AsyncClient(headers=headers, timeout=60, trust_env=False) as client,
    ):
        async with as_printed(tmp_path, receiver) as url:
            assert (await client.get(url + "/a", headers=SAMPLED)).text == "done"

            async def unasked() -> bool:
                """Ask until the upstream is told of a trace that nobody asked for."""
                assert (await client.get(url + "/b")).text == "done"
                parents = [fields.get("traceparent", "") for fields in receiver.asked]
                return any(
                    parent and SAMPLED["traceparent"][:35] not in parent for parent in parents
                )

            await eventually(unasked, "traced unasked")
        # What had ended was sent with the server's end.
        asked, roots = [], []
        for span in receiver.spans:
            if span.parent_span_id.hex() == PARENT:
                asked.append(span)
            elif not span.parent_span_id:
                roots.append(span)
    (span,) = asked
    assert span.name == "GET /*"
    assert attributes(span)["dream_gateway.code"] == "allowed"
    assert "/b" in {attributes(each)["url.path"] for each in roots}

"""`dream-gateway health` asks a gateway that runs, by its settings."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING, Any

import httpx
import msgspec
import pytest
from tests.waiting import becomes

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from tests.servers.tls import Authority

    from dream_gateway.settings import Settings

    Supervise = Callable[..., AbstractAsyncContextManager[Any]]

pytestmark = pytest.mark.long

NOWHERE = "http://127.0.0.1:9"


async def health(environ: dict[str, str], *options: str) -> tuple[int | None, str]:
    """Return the exit code, and what was printed, beside proxies that lead nowhere."""
    proxies = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy"), NOWHERE)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "dream_gateway", "health", *options),
        env={**os.environ, **proxies, **environ},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    return process.returncode, said.decode()


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_it_tells_how_the_service_is_by_its_settings(
    scheme: str, supervise: Supervise, settings: Settings, authority: Authority, tmp_path: Path
) -> None:
    # The name of another address is in it.
    issued = authority.issue("127.0.0.2", tmp_path / "service.pem")
    files = {
        "service_tls_certificate": str(issued.certificate),
        "service_tls_key": str(issued.key),
    }
    given = files if scheme == "https" else {}
    settings = msgspec.structs.replace(settings, drain_delay=600.0, **given)
    async with supervise(settings) as running:
        port = httpx.URL(running.addresses.service).port
        environ = {f"DREAM_GATEWAY_{name.upper()}": value for name, value in given.items()}
        environ["DREAM_GATEWAY_SERVICE_HOST"] = "0.0.0.0"  # noqa: S104 # what it would listen on
        environ["DREAM_GATEWAY_SERVICE_PORT"] = str(port)
        url = f"{scheme}://127.0.0.1:{port}"
        code, said = await health(environ)
        assert (code, said.split()) == (0, ["url", f"{url}/health", "status", "200"])
        assert await health(environ, "--ready", "--json") == (
            0,
            f'{{"url":"{url}/ready","status":200}}\n',
        )
        running.supervisor.stop()
        refused = f"error: operator_error: {url}/ready answers 503.\n"
        await becomes(lambda: health(environ, "--ready"), (1, refused))
        assert (await health(environ))[0] == 0
    code, said = await health(environ)
    assert code == 1
    assert f"{url}/health does not answer: " in said


async def test_a_port_that_nobody_knows_must_be_said() -> None:
    code, said = await health({"DREAM_GATEWAY_SERVICE_PORT": "0"})
    assert code == 1
    assert "say which with --service-port" in said

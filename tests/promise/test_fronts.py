"""nginx and Caddy in front of a plain upstream, asking `GET /authorize`: keys and quotas hold."""

from __future__ import annotations

import asyncio
import shutil
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

if TYPE_CHECKING:
    from conftest import Running  # type: ignore[import-not-found] # pytest's own, beside this file

LIMIT = 5
TRIES = 100

NGINX = """
daemon off; pid {folder}/nginx.pid; error_log stderr;
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{
    listen 127.0.0.1:{port};
    location / {{ auth_request /gate; proxy_pass {upstream}; }}
    location = /gate {{
      internal; proxy_pass {edge}/authorize; proxy_pass_request_body off;
      proxy_set_header Content-Length ""; proxy_set_header X-Original-URI $request_uri;
    }}
  }}
}}
"""

CADDY = """
{{
  admin off
  auto_https off
}}
http://127.0.0.1:{port} {{
  forward_auth {edge} {{
    uri /authorize
    copy_headers X-Dream-Customer
  }}
  reverse_proxy {upstream}
}}
"""

FRONTS = {
    "nginx": (NGINX, ["nginx", "-c"], 403),
    "caddy": (CADDY, ["caddy", "run", "--adapter", "caddyfile", "--config"], 429),
}


def program(name: str) -> str | None:
    """Return the program's path, from the system or beside this Python."""
    return shutil.which(name) or shutil.which(name, path=str(Path(sys.executable).parent))


async def up(url: str) -> None:
    for _ in range(TRIES):
        try:
            async with httpx.AsyncClient(timeout=60) as http:
                await http.get(url)
        except httpx.TransportError:
            await asyncio.sleep(0.05)
        else:
            return
    pytest.fail(f"nothing answers at {url}")


@pytest.mark.parametrize("front", FRONTS)
async def test_a_front_proxy_enforces_keys_and_quotas(running: Running, front: str) -> None:
    template, command, over_limit = FRONTS[front]
    path = program(front)
    if path is None:
        pytest.skip(f"{front} is not installed")
    running.config.write_text(f"authorize_limit_status = {over_limit}\n")
    key = await running.furnish(LIMIT)
    await asyncio.to_thread(running.start, 1)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    upstream = f"http://127.0.0.1:{running.upstream.port}"
    config = running.folder / "front.conf"
    config.write_text(
        template.format(folder=running.folder, port=port, upstream=upstream, edge=running.edge)
    )
    process = await asyncio.create_subprocess_exec(path, *command[1:], str(config))
    try:
        await up(f"http://127.0.0.1:{port}/")
        async with httpx.AsyncClient(timeout=60) as http:
            url = f"http://127.0.0.1:{port}/things"
            assert (await http.get(url)).status_code == 401
            own = {"Authorization": f"Bearer {key}"}
            statuses = [(await http.get(url, headers=own)).status_code for _ in range(LIMIT + 2)]
    finally:
        process.terminate()
        await process.wait()
    assert statuses == [200] * LIMIT + [over_limit] * 2
    assert running.upstream.hits == LIMIT

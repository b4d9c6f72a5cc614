"""nginx and Caddy in front of a plain upstream, asking `GET /authorize`: keys and quotas hold."""

from __future__ import annotations

import asyncio
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from tests.servers.ports import free_port
from tests.waiting import status_of, until

if TYPE_CHECKING:
    from conftest import Running  # type: ignore[import-not-found] # pytest's own, beside this file

LIMIT = 5

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


@pytest.mark.parametrize("front", FRONTS)
async def test_a_front_proxy_enforces_keys_and_quotas(running: Running, front: str) -> None:
    template, command, over_limit = FRONTS[front]
    path = program(front)
    if path is None:
        pytest.skip(f"{front} is not installed")
    key = await running.furnish(LIMIT)
    await asyncio.to_thread(running.start, 1, authorize_limit_status=over_limit)
    port = free_port()
    upstream = f"http://127.0.0.1:{running.upstream.port}"
    config = running.folder / "front.conf"
    config.write_text(
        template.format(folder=running.folder, port=port, upstream=upstream, edge=running.edge)
    )
    process = await asyncio.create_subprocess_exec(path, *command[1:], str(config))
    try:
        url = f"http://127.0.0.1:{port}/things"
        await asyncio.to_thread(until, lambda: status_of(url), f"answered at {url}")
        async with httpx.AsyncClient(timeout=60) as http:
            assert (await http.get(url)).status_code == 401
            own = {"Authorization": f"Bearer {key}"}
            statuses = [(await http.get(url, headers=own)).status_code for _ in range(LIMIT + 2)]
    finally:
        process.terminate()
        await process.wait()
    assert statuses == [200] * LIMIT + [over_limit] * 2
    assert running.upstream.hits == LIMIT

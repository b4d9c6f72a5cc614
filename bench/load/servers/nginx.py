"""nginx: the yardsticks, and the API behind everybody."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from bench.load.contender import Contender
from bench.load.machine import CLIENT_CORE, SERVER_CORE, find, free_port, start
from bench.load.wrk import Job

if TYPE_CHECKING:
    from pathlib import Path

    from bench.load.contender import Setting
    from bench.load.machine import Server

BODY = "x" * 1024
SOURCE = "apt install nginx-light"
ANSWER, PROXY = "nginx return 200", "nginx proxy_pass"


def answer() -> Contender:
    """Return the yardstick of those that answer themselves."""
    return Contender(ANSWER, "answer", "none", _answer, programs=("nginx",), source=SOURCE)


def proxy() -> Contender:
    """Return the yardstick of proxies."""
    return Contender(PROXY, "proxy", "none", _proxy, programs=("nginx",), source=SOURCE)


def upstream(folder: Path, sizes: tuple[int, ...] = ()) -> Server:
    """Start the API behind all of them: 1 KB at any path, and a file of each size at `/sized/`."""
    place = folder / "sized"
    place.mkdir(exist_ok=True)
    for size in sizes:
        (place / str(size)).write_bytes(b"x" * size)
    locations = (
        f'location / {{ return 200 "{BODY}"; }} location /sized/ {{ root {folder}; }}'
        # Mirroring reads a request to its end before it is answered, as an API does; `return` does not.
        f" location /sink {{ mirror /void; client_body_buffer_size 16m; root {folder};"
        " error_page 404 405 =200 /void; }"
        " location = /void { internal; return 200 ok; }"
    )
    return _nginx(folder, free_port(), locations, core=CLIENT_CORE)


def _answer(setting: Setting) -> tuple[Server, Job]:
    port = free_port()
    server = _nginx(setting.folder, port, 'location / { return 200 "ok"; }')
    return server, Job(f"http://127.0.0.1:{port}/")


def _proxy(setting: Setting) -> tuple[Server, Job]:
    port = free_port()
    location = (
        'location / { proxy_http_version 1.1; proxy_set_header Connection "";'
        " proxy_max_temp_file_size 0; proxy_request_buffering off; proxy_pass http://api; }"
    )
    api = f"upstream api {{ server 127.0.0.1:{setting.upstream_port}; keepalive 128; }}"
    server = _nginx(setting.folder, port, location, api)
    return server, Job(f"http://127.0.0.1:{port}/")


def _nginx(
    folder: Path, port: int, location: str, more: str = "", core: int = SERVER_CORE
) -> Server:
    own = folder / f"nginx-{port}"
    own.mkdir()
    user = "user root;" if os.geteuid() == 0 else ""  # So that it may read what this user wrote.
    (own / "nginx.conf").write_text(
        f"{user} worker_processes 1; daemon off; pid {own}/pid; error_log {own}/error.log;\n"
        "events { worker_connections 16384; }\n"
        f"http {{ access_log off; keepalive_requests 1000000000; sendfile on; {more}\n"
        "client_max_body_size 0;\n"
        f"server {{ listen 127.0.0.1:{port} backlog=4096; {location} }} }}\n"
    )
    command = [find("nginx") or "nginx", "-p", str(own), "-c", str(own / "nginx.conf")]
    return start(command, (port,), folder, core=core)

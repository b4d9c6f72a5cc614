"""HAProxy, run on `deploy/haproxy.cfg`: what it tells the nodes of callers, and how long it waits."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx
import pytest
import yaml
from tests.servers.balancer import haproxy, haproxy_on
from tests.servers.ports import free_port
from tests.waiting import PATIENCE_SECONDS

from dream_gateway.configuration import load_settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.skipif(haproxy() is None, reason="HAProxy is not installed")

DEPLOY = Path(__file__).parents[2] / "deploy"
CONFIGURATION = (DEPLOY / "haproxy.cfg").read_text()
PLANES = {"edge": 8080, "service": 8787}
FORGED = [
    ("X-Forwarded-For", "203.0.113.9"),
    ("X-Forwarded-For", "203.0.113.10"),
    ("X-Forwarded-Host", "evil.example.com"),
    ("X-Forwarded-Proto", "https"),
    ("X-Real-IP", "203.0.113.9"),
    ("Forwarded", "for=203.0.113.9;host=evil.example.com;proto=https"),
]


def told(head: str) -> list[tuple[str, str]]:
    """Return what a head says of the caller."""
    fields = [line.split(": ", 1) for line in head.split("\r\n")[1:] if line]
    names = {name.lower() for name, _ in FORGED}
    return sorted((name.lower(), value) for name, value in fields if name.lower() in names)


@contextlib.asynccontextmanager
async def balanced(folder: Path, text: str = CONFIGURATION) -> AsyncIterator[dict[str, str]]:
    """Run HAProxy in front of a node that answers with the head it got; yield the planes' URLs."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            fields = b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(head)
            writer.write(b"HTTP/1.1 200 OK\r\n" + fields + head)
            await writer.drain()
        writer.close()

    node = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = node.sockets[0].getsockname()[1]
    text = re.sub(r"(server \w+) \w+:\d+", rf"\1 127.0.0.1:{port}", text)
    text = text.replace("check port 8787", f"check port {port}")
    text = text.replace("maxconn 20000", "maxconn 400")  # as many as the open files allow anywhere
    urls = {plane: f"http://127.0.0.1:{free_port()}" for plane in PLANES}
    for plane, bound in PLANES.items():
        text = text.replace(f"bind :{bound}\n", f"bind {urlsplit(urls[plane]).netloc}\n")
    try:
        async with haproxy_on(text, folder, urls["service"]):
            yield urls
    finally:
        node.close()


@pytest.mark.parametrize("plane", PLANES)
async def test_what_a_caller_says_of_itself_does_not_arrive(tmp_path: Path, plane: str) -> None:
    async with balanced(tmp_path) as urls, httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(urls[plane], headers=FORGED)
    assert told(answer.text) == [("x-forwarded-for", "127.0.0.1")]


@pytest.mark.parametrize("plane", PLANES)
async def test_a_tls_proxy_in_front_is_believed_as_the_file_says(
    tmp_path: Path, plane: str
) -> None:
    behind = re.findall(r"`(unless \{ src 192\.0\.2\.1 \})`", CONFIGURATION)[0]
    for source, believed in (("127.0.0.1", True), ("192.0.2.1", False)):
        text = re.sub(
            r"(?m)^(  http-request .* X-Forwarded-(?:For|Host|Proto)\b.*)$",
            rf"\1 {behind.replace('192.0.2.1', source)}",
            CONFIGURATION,
        )
        async with balanced(tmp_path, text) as urls, httpx.AsyncClient(trust_env=False) as client:
            answer = await client.get(urls[plane], headers=FORGED[1:])
        passed = sorted((name.lower(), value) for name, value in FORGED[1:4])
        assert told(answer.text) == (passed if believed else [("x-forwarded-for", "127.0.0.1")])


@pytest.mark.parametrize("plane", PLANES)
async def test_a_head_that_does_not_end_is_not_waited_for(tmp_path: Path, plane: str) -> None:
    shorter = CONFIGURATION.replace("timeout http-request 10s", "timeout http-request 500ms")
    assert shorter != CONFIGURATION
    async with balanced(tmp_path, shorter) as urls, asyncio.timeout(PATIENCE_SECONDS):
        place = urlsplit(urls[plane])
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 408 ")
        writer.close()


def test_the_nodes_believe_nobody_outside_their_network() -> None:
    (network,) = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["networks"].values()
    (subnet,) = [each["subnet"] for each in network["ipam"]["config"]]
    assert load_settings(DEPLOY / "gateway.toml", {}, {}).settings.trusted_proxies == (subnet,)
    assert ipaddress.ip_network(subnet).is_private
    assert ipaddress.ip_network(subnet).num_addresses <= 256

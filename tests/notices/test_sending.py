"""One attempt over HTTP and TLS: where it goes, and what it takes for an answer."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import pytest
from starlette.responses import RedirectResponse
from tests.notices.conftest import LOOPBACK, Receiver, served
from tests.servers.tls import Authority
from tests.waiting import PATIENCE_SECONDS

from dream_gateway.notices import sending
from dream_gateway.notices.sending import Sender

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from starlette.types import Receive, Scope, Send

FIELDS = {"webhook-id": "msg_1"}


@pytest.fixture
async def sender() -> AsyncIterator[Sender]:
    made = Sender(LOOPBACK)
    yield made
    await made.aclose()


@pytest.fixture
async def strict() -> AsyncIterator[Sender]:
    """One that may reach nothing private, as it comes."""
    made = Sender(())
    yield made
    await made.aclose()


@asynccontextmanager
async def over_tls(authority: Authority, address: str) -> AsyncIterator[tuple[Sender, int]]:
    """Serve with a certificate for `address`; yield who trusts its authority, and the port."""
    chain = authority.context(address)
    trusting = Sender(LOOPBACK, ssl.create_default_context(cafile=authority.path))
    listening = await asyncio.start_server(_nothing, "127.0.0.1", 0, ssl=chain)
    try:
        yield trusting, listening.sockets[0].getsockname()[1]
    finally:
        listening.close()
        await trusting.aclose()


async def _nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer any request with 204."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n")
    await writer.drain()
    writer.close()


async def test_the_host_field_names_the_host_and_not_the_address(
    sender: Sender, receiver: Receiver
) -> None:
    url = receiver.url.replace("127.0.0.1", "localhost") + "?a=1"
    outcome = await sender.post(url, b"{}", FIELDS)
    assert outcome.answer == 204
    (request,) = receiver.seen
    assert request.headers["host"] == url.removeprefix("http://").partition("/")[0]
    assert request.headers["webhook-id"] == "msg_1"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433"])
async def test_what_only_the_gateway_can_reach_is_not_reached(
    strict: Sender, receiver: Receiver, host: str
) -> None:
    port = receiver.url.rpartition(":")[2].partition("/")[0]
    for scheme in ("http", "https"):
        outcome = await strict.post(f"{scheme}://{host}:{port}/", b"{}", FIELDS)
        assert outcome.answer is None
        assert outcome.fault is not None
        assert outcome.fault.startswith("The URL is not allowed.")
    assert receiver.seen == []


async def test_a_redirect_is_a_failure_and_is_not_followed(
    sender: Sender, receiver: Receiver
) -> None:
    async def redirect(scope: Scope, receive: Receive, send: Send) -> None:
        await RedirectResponse(receiver.url, 307)(scope, receive, send)

    async with served(redirect) as port:
        outcome = await sender.post(f"http://127.0.0.1:{port}/", b"{}", FIELDS)
    assert outcome.answer == 307
    assert outcome.fault == "It redirects, which is not followed: 307."
    assert receiver.seen == []


async def test_no_proxy_of_the_environment_is_used(
    monkeypatch: pytest.MonkeyPatch, receiver: Receiver
) -> None:
    async with served(Receiver()) as port:
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "https_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{port}")
        sender = Sender(LOOPBACK)
        assert (await sender.post(receiver.url, b"{}", FIELDS)).answer == 204
        await sender.aclose()
    assert len(receiver.seen) == 1


async def test_an_answer_without_an_end_is_not_read(sender: Sender) -> None:
    left = asyncio.Event()

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n")
        with suppress(ConnectionError):
            while True:
                writer.write(b"x" * 65_536)
                await writer.drain()
        left.set()

    server = await asyncio.start_server(endless, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with asyncio.timeout(PATIENCE_SECONDS):
        outcome = await sender.post(f"http://127.0.0.1:{port}/", b"{}", FIELDS)
        await left.wait()
    assert outcome.answer == 200
    server.close()


async def test_one_who_never_answers_is_left(
    monkeypatch: pytest.MonkeyPatch, sender: Sender
) -> None:
    monkeypatch.setattr(sending, "ATTEMPT_SECONDS", 0.05)
    held = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await held.wait()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    outcome = await sender.post(f"http://127.0.0.1:{port}/", b"{}", FIELDS)
    assert outcome.fault == "It took too long."
    held.set()
    server.close()


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("http://127.0.0.1:9/", "No connection can be made."),
        ("http://no-such-host.invalid/", "The host cannot be found."),
        ("http://" + "a" * 64 + ".example/", "The host cannot be found."),
        ("ftp://127.0.0.1/", "The URL is not allowed. It is not an https URL."),
    ],
)
async def test_whatever_goes_wrong_is_told(sender: Sender, url: str, fault: str) -> None:
    outcome = await sender.post(url, b"{}", FIELDS)
    assert (outcome.answer, outcome.fault) == (None, fault)


async def test_a_certificate_holds_for_its_own_name_alone(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with over_tls(authority, "127.0.0.1") as (sender, port):
        assert (await sender.post(f"https://127.0.0.1:{port}/", b"{}", FIELDS)).answer == 204
        named = await sender.post(f"https://localhost:{port}/", b"{}", FIELDS)
        assert named.fault == "Its certificate does not hold, or TLS failed."
        stranger = Sender(LOOPBACK)
        unknown = await stranger.post(f"https://127.0.0.1:{port}/", b"{}", FIELDS)
        await stranger.aclose()
        assert unknown.fault == "Its certificate does not hold, or TLS failed."

"""A gateway that speaks TLS on both listeners, with real workers: served, reloaded, drained, refused."""

from __future__ import annotations

import asyncio
import os
import signal
import ssl
import threading
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from tests.server.conftest import customer_key
from tests.servers.tls import DAY, all_of, ask
from tests.waiting import PATIENCE_SECONDS, becomes, eventually
from websockets.asyncio.client import connect
from websockets.asyncio.server import serve as serve_websocket

from dream_gateway.errors import ConfigurationError, NotReloadableError
from dream_gateway.server.certificates import Place, places, read_pair, worries
from dream_gateway.server.reload import check_reloadable
from dream_gateway.settings import RouteSettings, Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from tests.servers.tls import Authority, Issued

    Supervise = Callable[..., AbstractAsyncContextManager[Any]]

pytestmark = pytest.mark.long

SIZE = 1 << 20


@pytest.fixture
def issued(authority: Authority, tmp_path: Path) -> Issued:
    return authority.issue("127.0.0.1", tmp_path / "gateway.pem")


@pytest.fixture
def secured(settings: Settings, issued: Issued) -> Settings:
    """The settings of a gateway that has one certificate for both of its listeners."""
    certificate, key = str(issued.certificate), str(issued.key)
    return msgspec.structs.replace(
        settings,
        tls_certificate=certificate,
        tls_key=key,
        service_tls_certificate=certificate,
        service_tls_key=key,
    )


async def _serial(url: str, context: ssl.SSLContext) -> int:
    """Return the serial number of the certificate that is served there."""
    address = httpx.URL(url)
    _, writer = await asyncio.open_connection(address.host, address.port, ssl=context)
    found = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    return x509.load_der_x509_certificate(found).serial_number


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1:DeprecationWarning")
async def test_both_planes_are_served_and_upstreams_hear_of_it(
    supervise: Supervise, secured: Settings, authority: Authority
) -> None:
    key = await customer_key(secured)
    context = authority.client()
    bearer = {"authorization": f"Bearer {key}"}
    async with (
        _upstreams() as (routes, heard),
        supervise(msgspec.structs.replace(secured, routes=routes)) as running,
        httpx.AsyncClient(verify=context, timeout=60, headers=bearer) as client,
    ):
        edge, service = running.addresses.edge, running.addresses.service
        assert edge.startswith("https://127.0.0.1:")
        assert service.startswith("https://127.0.0.1:")
        body = os.urandom(SIZE)
        answers = [await client.get(edge + "/authorize"), await client.post(edge, content=body)]
        assert [answer.status_code for answer in answers] == [200, 200]
        assert answers[1].content == body
        assert b"\r\nx-forwarded-proto: https\r\n" in heard[0]
        assert b";proto=https\r\n" in heard[0]
        await _websockets_pass(edge, context, bearer)
        assert (await client.get(service + "/health")).json() == {"status": "ok"}
        page = await client.get(service + "/dashboard", follow_redirects=True)
        assert "Secure" in page.headers["set-cookie"]
        assert page.headers.get_list("strict-transport-security") == ["max-age=15552000"]
        assert "strict-transport-security" not in answers[1].headers
        await _is_what_it_says(edge, context)


async def test_a_service_that_speaks_no_tls_keeps_nobody_to_it(
    supervise: Supervise, secured: Settings
) -> None:
    settings = msgspec.structs.replace(secured, service_tls_certificate="", service_tls_key="")
    async with supervise(settings) as running, httpx.AsyncClient(timeout=60) as client:
        page = await client.get(running.addresses.service + "/dashboard", follow_redirects=True)
        assert page.status_code == 200
        assert "strict-transport-security" not in page.headers


@asynccontextmanager
async def _upstreams() -> AsyncIterator[tuple[tuple[RouteSettings, ...], list[bytes]]]:
    """Serve two that say again what they are told; yields routes to them, and heads they heard."""
    heard: list[bytes] = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        heard.append(head)
        body = await reader.readexactly(SIZE if head.startswith(b"POST") else 0)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))
        await writer.drain()
        writer.close()

    async def echo(websocket: Any) -> None:
        async for message in websocket:
            await websocket.send(message)

    async with (
        await asyncio.start_server(listen, "127.0.0.1", 0) as api,
        serve_websocket(echo, "127.0.0.1", 0) as websockets,
    ):
        at, there = (s.sockets[0].getsockname()[1] for s in (api, websockets))
        routes = (
            RouteSettings(upstreams=(f"http://127.0.0.1:{at}",)),
            RouteSettings(prefix="/ws", upstreams=(f"http://127.0.0.1:{there}",)),
        )
        yield routes, heard


async def _websockets_pass(edge: str, context: ssl.SSLContext, bearer: dict[str, str]) -> None:
    wss, message = edge.replace("https://", "wss://") + "/ws", os.urandom(65_536)
    async with connect(wss, additional_headers=bearer, ssl=context, proxy=None) as websocket:
        await websocket.send(message)
        assert await websocket.recv() == message


async def _is_what_it_says(edge: str, context: ssl.SSLContext) -> None:
    """See that TLS 1.2 and 1.3 are spoken, nothing older, and HTTP/1.1 within."""
    address = httpx.URL(edge)
    for version, is_spoken in ((ssl.TLSVersion.TLSv1_2, True), (ssl.TLSVersion.TLSv1_1, False)):
        other = ssl.create_default_context(cafile=None)
        other.check_hostname, other.verify_mode = False, ssl.CERT_NONE
        other.set_alpn_protocols(["h2", "http/1.1"])
        other.set_ciphers("DEFAULT@SECLEVEL=0")
        other.minimum_version = other.maximum_version = version
        try:
            _, writer = await asyncio.open_connection(address.host, address.port, ssl=other)
        except (ssl.SSLError, ConnectionError):
            assert not is_spoken
            continue
        assert is_spoken
        assert writer.get_extra_info("ssl_object").selected_alpn_protocol() == "http/1.1"
        assert "GCM" in writer.get_extra_info("cipher")[0]
        writer.close()
    _, writer = await asyncio.open_connection(address.host, address.port, ssl=context)
    assert writer.get_extra_info("ssl_object").version() == "TLSv1.3"
    writer.close()


@pytest.mark.long
async def test_a_renewed_certificate_is_served_after_a_reload_that_loses_no_request(
    supervise: Supervise, secured: Settings, authority: Authority, issued: Issued, upstream: Any
) -> None:
    upstream.answer.set()
    context = authority.client()
    serials, done = {issued.serial}, asyncio.Event()

    async def go_on_asking(edge: str, headers: dict[str, str]) -> None:
        async with httpx.AsyncClient(verify=context, timeout=60, headers=headers) as client:
            while not done.is_set():
                answer = await client.get(edge)
                assert (answer.status_code, answer.text) == (200, "done")

    async with supervise(secured) as running, asyncio.timeout(PATIENCE_SECONDS):
        edge = running.addresses.edge
        keeps: list[dict[str, str]] = [{}, {"connection": "close"}]
        asking = [asyncio.create_task(go_on_asking(edge, keep)) for keep in keeps * 2]
        assert await _serial(edge, context) == issued.serial
        (old,) = running.supervisor.worker_pids
        serials.add(authority.issue("127.0.0.1", issued.certificate).serial)
        running.supervisor.reload()
        assert (await running.told(0)).startswith("reloaded")
        (renewed,) = serials - {issued.serial}
        # The old worker accepts for a moment yet.
        await becomes(lambda: _serial(edge, context), renewed)
        # Until it has drained, with those who asked it all the while.
        await eventually(lambda: not _is_there(old), "ended")
        assert await _serial(running.addresses.service, context) == renewed
        done.set()
        await asyncio.gather(*asking)


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_a_pair_that_is_no_good_leaves_the_old_one_in_service_whoever_dies(
    supervise: Supervise, secured: Settings, authority: Authority, issued: Issued, upstream: Any
) -> None:
    upstream.answer.set()
    context = authority.client()
    async with supervise(secured) as running, httpx.AsyncClient(verify=context) as client:
        before = running.supervisor.worker_pids
        issued.key.write_text("no key")
        running.supervisor.reload()
        told = await running.told(0)
        assert told.startswith("not reloaded: configuration_error: ")
        assert f"tls_key {issued.key} holds no private key in PEM" in told
        assert running.supervisor.worker_pids == before
        # What takes its place does not look at the files either.
        os.kill(before[0], signal.SIGKILL)
        await running.replaced(before[0])
        assert (await client.get(running.addresses.edge, timeout=60)).text == "done"
        assert await _serial(running.addresses.edge, context) == issued.serial


async def test_a_key_that_vanishes_once_it_was_read_is_nobodys_trouble(
    supervise: Supervise, secured: Settings, authority: Authority, issued: Issued
) -> None:
    context = authority.client()
    settings = msgspec.structs.replace(secured, service_tls_certificate="", service_tls_key="")
    async with supervise(settings) as running:
        renewed = authority.issue("127.0.0.1", issued.certificate)
        _let_read_once(renewed.key)
        running.supervisor.reload()
        assert (await running.told(0)).startswith("reloaded")
        assert not renewed.key.exists()
        await becomes(lambda: _serial(running.addresses.edge, context), renewed.serial)
        again = authority.issue("127.0.0.1", issued.certificate)
        running.supervisor.reload()
        assert (await running.told(1)).startswith("reloaded")
        await becomes(lambda: _serial(running.addresses.edge, context), again.serial)


def _let_read_once(path: Path) -> None:
    """Put a pipe into the place of a file, which is gone before its first reader has all of it."""
    content = path.read_bytes()
    path.unlink()
    os.mkfifo(path, 0o600)

    def write() -> None:
        with path.open("wb") as pipe:
            path.unlink()
            pipe.write(content)

    threading.Thread(target=write, daemon=True).start()


async def test_a_stop_finishes_what_is_under_way_and_says_goodbye(
    supervise: Supervise, secured: Settings, authority: Authority, upstream: Any
) -> None:
    context = authority.client()
    async with supervise(secured) as running, asyncio.timeout(PATIENCE_SECONDS):
        address = httpx.URL(running.addresses.edge)
        tls = await asyncio.to_thread(
            ask, address.host, address.port or 0, context, b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"
        )
        await upstream.reached.wait()
        running.supervisor.stop()
        upstream.answer.set()
        got = await asyncio.to_thread(all_of, tls)
        assert got.endswith(b"\r\n\r\ndone")
        await running.task
        assert running.events == []


async def test_a_pair_that_is_no_good_is_refused_at_the_start(
    supervise: Supervise, secured: Settings
) -> None:
    half = msgspec.structs.replace(secured, tls_key="")
    with pytest.raises(ConfigurationError, match="tls_certificate and tls_key go together"):
        async with supervise(half):
            pass


def _place(certificate: Path, key: Path) -> Place:
    edge, _ = places(Settings(tls_certificate=str(certificate), tls_key=str(key)))
    return edge


def test_what_is_wrong_with_a_pair_is_said(
    authority: Authority, issued: Issued, tmp_path: Path
) -> None:
    other = authority.issue("127.0.0.1", tmp_path / "other.pem")
    text, locked = tmp_path / "text", tmp_path / "locked"
    text.write_text("hello")
    loaded = serialization.load_pem_private_key(issued.key.read_bytes(), None)
    locked.write_bytes(
        loaded.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"x"),
        )
    )
    cases = [
        (issued.certificate, other.key, "tls_key .*other.key is not the key of tls_certificate"),
        (issued.certificate, text, "tls_key .*text holds no private key in PEM"),
        (text, issued.key, "tls_certificate .*text holds no certificate in PEM"),
        (issued.certificate, locked, "tls_key .*locked is encrypted"),
        (tmp_path / "none", issued.key, "tls_certificate .*none cannot be read: No such file"),
        (issued.certificate, tmp_path, "tls_key .* cannot be read: Is a directory"),
    ]
    for certificate, key, words in cases:
        with pytest.raises(ConfigurationError, match=words) as raised:
            read_pair(_place(certificate, key))
        assert "PRIVATE" not in raised.value.detail


def test_one_file_may_hold_both(issued: Issued, tmp_path: Path) -> None:
    both = tmp_path / "both.pem"
    both.write_bytes(issued.certificate.read_bytes() + issued.key.read_bytes())
    assert read_pair(_place(both, both)) is not None


def test_what_should_be_set_right_is_told(authority: Authority, tmp_path: Path) -> None:
    expired = authority.issue("127.0.0.1", tmp_path / "expired.pem", until=-timedelta(hours=1))
    place = _place(expired.certificate, expired.key)
    pair = read_pair(place)
    assert pair is not None
    now = (x509.load_pem_x509_certificate(pair.certificate)).not_valid_after_utc.timestamp()
    assert list(worries(place, pair, now - 1)) == []
    (told,) = worries(place, pair, now)
    assert "expired at" in told
    (told,) = worries(place, pair, now - 3 * DAY.total_seconds())
    assert "is not valid until" in told
    expired.key.chmod(0o644)
    pair = read_pair(place)
    assert pair is not None
    (told,) = worries(place, pair, now - 1)
    assert f"tls_key {expired.key} can be read by every user" in told
    # What was read is judged, not what is there by now.
    expired.key.unlink()
    (told,) = worries(place, pair, now - 1)
    assert "can be read by every user" in told


@pytest.mark.parametrize("setting", ["tls_certificate", "service_tls_certificate"])
def test_a_reload_may_change_a_certificate_but_not_whether_there_is_one(setting: str) -> None:
    names = ("", "/one", "/other")
    plain, one, other = (msgspec.structs.replace(Settings(), **{setting: n}) for n in names)
    check_reloadable(one, other)
    for before, after in ((plain, one), (one, plain)):
        with pytest.raises(NotReloadableError, match=setting):
            check_reloadable(before, after)

"""The parts of the demo that need no gateway: the example API, and the caller."""

from __future__ import annotations

import asyncio
import socket

import pytest

from dream_gateway.demo.caller import Answer, call
from dream_gateway.demo.example_api import example_api, forecast
from dream_gateway.demo.payments import open_payments
from dream_gateway.server.serving import Planes
from dream_gateway.settings import Settings


async def test_the_example_api_answers_the_caller() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    base = f"http://127.0.0.1:{listener.getsockname()[1]}"
    planes = Planes(Settings(drain_seconds=1))
    planes.add(example_api, listener)
    ready = asyncio.Event()
    serving = asyncio.create_task(planes.serve(ready.set))
    await ready.wait()
    assert await call(base, "/forecast?city=Oslo", "k") == Answer(
        "/forecast?city=Oslo", 200, None, None, None
    )
    assert (await call(base, "/elsewhere", "k")).status == 404
    planes.drain()
    await serving


@pytest.mark.parametrize(
    ("head", "answer"),
    [
        (b'RateLimit: "quota";r=7;t=60\r\n', (7, None)),
        (b'RateLimit: "quota";r=7;t=60, "rate";r=3;t=1\r\n', (3, None)),
        (b"Retry-After: 9\r\n", (None, "9")),
    ],
)
async def test_the_caller_reads_what_is_left(
    head: bytes, answer: tuple[int | None, str | None]
) -> None:
    body = b'{"code": "quota_exceeded"}'
    text = b"HTTP/1.1 429 Too Many Requests\r\n" + head + b"Content-Length: 26\r\n\r\n" + body

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert b"Authorization: Bearer k\r\n" in await reader.readuntil(b"\r\n\r\n")
        writer.write(text)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        got = await call(base, "/", "k")
    assert (got.status, got.code) == (429, "quota_exceeded")
    assert (got.remaining, got.retry_after) == answer


def test_a_city_has_one_forecast() -> None:
    assert forecast("Oslo") == forecast("Oslo")
    assert forecast("Oslo") != forecast("Rome")


def test_the_demo_fakes_no_payments_beside_a_stripe_of_ones_own() -> None:
    own = Settings(plugins={"stripe": {"secret_key": "sk_test_1"}})
    assert open_payments(own, {}) is None
    assert open_payments(Settings(), {"STRIPE_SECRET_KEY": "sk_test_1"}) is None

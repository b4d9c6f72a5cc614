from __future__ import annotations

import asyncio
import getpass
import secrets
from typing import TYPE_CHECKING

import asyncpg
import pytest
from tests.servers.ports import free_port
from tests.servers.postgres import PostgresServer, execute, own_server
from tests.servers.stores import opened
from tests.waiting import PATIENCE_SECONDS

from dream_gateway import plugins
from dream_gateway.clock import SystemClock
from dream_gateway.errors import ConfigurationError, StoreUnavailableError
from dream_gateway.gcra import Rate
from dream_gateway.storage import Charge, Claim, Event, Outcome, Quota, Return, Role, Tally, Void
from dream_gateway.testing import FakeClock
from dream_gateway_postgres import open_backend
from dream_gateway_postgres.address import parse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dream_gateway.storage import Backend

SECRET = "s3cret"
FAST = Rate(1000, 1_000_000, 1000)


@pytest.fixture(scope="module")
def durable() -> Iterator[PostgresServer]:
    """A server that waits for its disk."""
    with own_server() as server:
        yield server


@pytest.mark.parametrize(
    "url",
    [
        "postgresql:", "postgresql:/x", "mysql://h/d", "postgresql://h/d#part",
        f"postgresql://u:{SECRET}@h/d?pooler=statement", f"postgresql://u:{SECRET}@h/d?pool=0",
        f"postgresql://u:{SECRET}@h/d?pool=many", f"postgresql://u:{SECRET}@h/d?x",
        f"postgresql://u:{SECRET}@h/d?connect_timeout=soon", f"postgresql://u:{SECRET}@[::1/d",
        f"postgresql://u:{SECRET}/x@h/d", f"postgresql://u:{SECRET}@h:{SECRET}/d",
        f"postgresql://u:{SECRET}@h/d?port={SECRET}", f"postgresql://u:{SECRET}@/d?host=a,b,c&port=1,2",
    ],
)  # fmt: skip
def test_a_wrong_url_is_a_configuration_error_without_the_password(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        open_backend(url, FakeClock())
    error: BaseException | None = caught.value
    while error is not None:
        assert SECRET not in str(error)
        error = None if error.__suppress_context__ else error.__context__


def test_an_address_does_not_show_its_password() -> None:
    assert SECRET not in repr(parse(f"postgresql://u:{SECRET}@h/d"))


def test_own_options_are_taken_out_and_the_drivers_are_passed_on() -> None:
    url = (
        "postgres://u:p%40%2F@a:1,b:2/d?pooler=transaction&pool=3&connect_timeout=2"
        "&keepalives=1&channel_binding=require&target_session_attrs=read-write&sslmode=require"
    )
    address = parse(url)
    assert (address.pooled, address.pool, address.connect_timeout) == (True, 3, 2.0)
    wanted = "target_session_attrs=read-write&sslmode=require"
    assert address.dsns == (
        f"postgresql://u:p%40%2F@a:1/d?{wanted}", f"postgresql://u:p%40%2F@b:2/d?{wanted}",
    )  # fmt: skip
    assert parse("postgresql:///d?connect_timeout=0").connect_timeout == 5.0
    assert parse("postgresql://x:1/d?host=/run/pg").dsns == ("postgresql:///d?host=%2Frun%2Fpg",)
    assert parse("postgresql:///d?host=a,b&port=1").dsns == (
        "postgresql:///d?host=a&port=1", "postgresql:///d?host=b&port=1",
    )  # fmt: skip


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
def test_both_schemes_open_it(scheme: str) -> None:
    backend = plugins.open_backend(f"{scheme}://localhost/d", FakeClock())
    assert backend.roles == {Role.RECORDS, Role.LEDGER, Role.FEED}
    assert backend.shareable
    with pytest.raises(ConfigurationError):
        backend.kv()
    # The gateway has a folder for journals on this machine, and they name their ledger.
    assert backend.journal_dir() is None


async def test_it_connects_however_libpq_would(
    durable: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = "postgres:right%20horse"
    here = f"127.0.0.1:{durable.port}"
    urls = [
        f"postgresql://{user}@{here}/postgres",
        f"postgres://{user}@{here}",
        f"postgresql://{user}@/postgres?host={durable.folder}&port={durable.port}",
        f"postgresql://{user}@elsewhere.invalid/postgres?host={durable.folder}&port={durable.port}",
        f"postgresql:///postgres?host=127.0.0.1&port={durable.port}"
        "&user=postgres&password=right%20horse&sslmode=prefer&application_name=mine",
        f"postgresql://{user}@127.0.0.1:{free_port()},{here}/postgres?target_session_attrs=primary",
    ]
    for url in urls:
        async with opened(url) as backend:
            assert await backend.ledger().usage(["q"]) == [Tally()]
    monkeypatch.setenv("PGHOST", str(durable.folder))
    monkeypatch.setenv("PGPORT", str(durable.port))
    monkeypatch.setenv("PGUSER", "postgres")
    monkeypatch.setenv("PGPASSWORD", "right horse")
    monkeypatch.setenv("PGDATABASE", "postgres")
    async with opened("postgresql://") as backend:
        assert await backend.ledger().usage(["q"]) == [Tally()]
    monkeypatch.delenv("PGUSER")
    # The variable's password is right, but the user is whoever runs this.
    assert getpass.getuser() != "postgres"
    with pytest.raises(ConfigurationError):
        await open_backend("postgresql://", FakeClock()).start()


async def test_a_host_that_hangs_leaves_time_for_the_next(durable: PostgresServer) -> None:
    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(1024):
            pass
        writer.close()

    async with await asyncio.start_server(accept, "127.0.0.1") as silent:
        port = silent.sockets[0].getsockname()[1]
        hosts = f"127.0.0.1:{port},127.0.0.1:{durable.port}"
        url = f"postgresql://postgres:right%20horse@{hosts}/postgres?connect_timeout=1"
        async with opened(url) as backend:
            assert await backend.ledger().usage(["q"]) == [Tally()]


async def test_it_says_what_a_crash_can_lose(
    durable: PostgresServer, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(durable.url) as backend:
        assert "loses anything" in backend.durability
    assert not caplog.records
    slack = f"{durable.url}?synchronous_commit=off"
    async with opened(slack) as backend:
        assert "synchronous_commit is off" in backend.durability
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    await execute(durable.url, "ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")
    await reloaded(durable.url, "off")
    async with opened(durable.url) as backend:
        assert "fsync is off" in backend.durability
    await execute(durable.url, "ALTER SYSTEM RESET fsync", "SELECT pg_reload_conf()")
    await reloaded(durable.url, "on")


async def reloaded(url: str, fsync: str) -> None:
    """Wait until new connections see a setting."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            connection = await asyncpg.connect(url)
            found = await connection.fetchval("SHOW fsync")
            await connection.close()
            if found == fsync:
                return


async def test_a_closed_store_is_unavailable(backend: Backend) -> None:
    await backend.close()
    await backend.close()
    with pytest.raises(StoreUnavailableError):
        await backend.ledger().usage(["q"])


async def test_closing_commits_what_is_queued(url: str, backend: Backend) -> None:
    taking = asyncio.ensure_future(backend.ledger().take([Claim("a", "q", Quota(10), 4, 4)]))
    await asyncio.sleep(0)
    await backend.close()
    assert (await taking)[0].granted == 4
    async with opened(url) as again:
        assert await again.ledger().usage(["q"]) == [Tally(0, 4)]


async def test_the_identity_is_one_for_all_who_start_at_once(url: str) -> None:
    backends = [open_backend(url, FakeClock()) for _ in range(8)]
    await asyncio.gather(*(backend.start() for backend in backends))
    names = await asyncio.gather(*(backend.ledger().identity() for backend in backends))
    assert len(set(names)) == 1
    await asyncio.gather(*(backend.close() for backend in backends))


async def test_a_bad_neighbour_in_a_group_harms_nobody(backend: Backend) -> None:
    ledger = backend.ledger()
    good = [Claim(f"g{n}", "q", Quota(None), 1, 1) for n in range(20)]
    bad = [
        Claim("huge", "q", Quota(None), 2**70, 1), Claim("\ud800", "q", Quota(9), 1, 1),
        Claim(secrets.token_hex(50_000), "q", Quota(None), 1, 1),
        Claim("sum", "full", Quota(None), 2**63 - 1, 1),
    ]  # fmt: skip
    await ledger.take([Claim("first", "full", Quota(None), 1, 1)])
    answers = await asyncio.gather(
        *(ledger.take([claim]) for claim in good[:10] + bad + good[10:]), return_exceptions=True
    )
    failed = [getattr(answer, "code", None) for answer in answers[10:14]]
    assert failed == ["invalid_request"] * 4
    assert [tally.out for tally in await ledger.usage(["q", "full"])][1] == 1
    assert [answer[0].granted for answer in answers[:10] + answers[14:]] == [1] * 20  # type: ignore[index]  # no errors here


async def test_nodes_that_touch_the_same_rows_in_any_order_never_deadlock(url: str) -> None:
    """Each call names the same counters, events and leases, in an order of its own."""
    nodes = [open_backend(url, SystemClock()) for _ in range(4)]
    await asyncio.gather(*(node.start() for node in nodes))

    async def work(number: int) -> None:
        ledger = nodes[number].ledger()
        names = [f"c{n}" for n in range(8)]
        names = names if number % 2 else names[::-1]
        for turn in range(15):
            leases = [f"{name}-{number}-{turn}" for name in names]
            rule = FAST if turn % 2 else Quota(None)
            kind = "r" if turn % 2 else "q"
            await ledger.take(
                [Claim(x, kind + n, rule, 2, 1) for x, n in zip(leases, names, strict=True)]
            )
            charges = tuple(Charge("q" + name, Quota(None)) for name in names)
            await ledger.record(
                [
                    Event(f"e{number}-{turn}", "s", f"k{number}-{turn}", "f", "c", 1, charges, 1.0),
                    Void(
                        f"v{number}-{turn}", "s", f"v{number}-{turn}", "f", f"e{number}-{turn}",
                        None, 1.0,
                    ),
                    Event(f"e{turn}", "s", f"k{turn}", "f", "c", 1, charges, 1.0),
                ]
            )  # fmt: skip
            await ledger.give_back([Return(lease, 1, 0) for lease in leases])

    await asyncio.gather(*(work(number) for number in range(len(nodes))))
    # Per node eight turns on quotas; and fifteen events, whoever came first.
    tallies = await nodes[0].ledger().usage([f"qc{n}" for n in range(8)])
    assert tallies == [Tally(4 * 8 + 15, 0)] * 8
    await asyncio.gather(*(node.close() for node in nodes))


async def test_a_void_from_another_node_finds_the_counters(url: str) -> None:
    async with opened(url) as one, opened(url) as two:
        charge = Charge("q", Quota(10))
        await one.ledger().record([Event("e", "s", "k", "f", "c", 4, (charge,), 1.0)])
        (answer,) = await two.ledger().record([Void("v", "s", "w", "f", "e", 3, 1.0)])
        assert (answer.outcome, answer.tallies) == (Outcome.RECORDED, (Tally(1, 0),))
        await one.ledger().take([Claim("a", "q", Quota(10), 5, 5)])
        await two.ledger().give_back([Return("a", 2, 0)])
        assert await one.ledger().usage(["q"]) == [Tally(3, 0)]


async def test_pruning_goes_on_while_others_take(url: str) -> None:
    async with opened(url) as backend:
        ledger = backend.ledger()
        claims = [Claim(f"l{n}", f"q{n}", Quota(9, 1000), 1, 1) for n in range(1200)]
        await ledger.take(claims)
        await ledger.give_back([Return(claim.lease, 1, 0) for claim in claims])
        takes = (ledger.take([Claim(f"n{n}", f"q{n}", Quota(9), 1, 1)]) for n in range(50))
        pruning = asyncio.ensure_future(ledger.prune(2000.0, 1100))
        await asyncio.gather(*takes)
        gone = await pruning + await ledger.prune(2000.0, 1100)
        kept = await ledger.usage([claim.counter for claim in claims])
        assert sum(tally.out for tally in kept) == 50
        assert gone == 1200 - sum(1 for tally in kept if tally.used)

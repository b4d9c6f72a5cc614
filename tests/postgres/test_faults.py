"""Servers that die, hang, refuse, or lose a connection at the worst moment."""

from __future__ import annotations

import asyncio
import signal
import traceback
from typing import TYPE_CHECKING

import asyncpg
import pytest
from tests.servers.ports import free_port
from tests.servers.postgres import PASSWORD, PostgresServer, execute, own_server
from tests.servers.proxy import proxied
from tests.servers.stores import opened
from tests.waiting import PATIENCE_SECONDS, eventually

from dream_gateway.clock import SystemClock
from dream_gateway.errors import ConfigurationError, SchemaTooNewError, StoreUnavailableError
from dream_gateway.gcra import Rate
from dream_gateway.records.database import Records
from dream_gateway.records.migrate import migrate
from dream_gateway.storage import Charge, Claim, Event, Outcome, Quota, Refund, Return, Tally
from dream_gateway.testing import FakeClock
from dream_gateway_postgres import open_backend
from dream_gateway_postgres.transaction import LOCK_SPACE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterator

    from dream_gateway.storage import Ledger

"""What a call may take when the server does not answer at all."""


@pytest.fixture(scope="module")
def own() -> Iterator[PostgresServer]:
    """A server that a test may stop, if it starts it again."""
    with own_server() as server:
        yield server


@pytest.fixture
async def fresh(own: PostgresServer) -> str:
    """The URL of its database, empty."""
    await execute(own.url, "DROP SCHEMA public CASCADE", "CREATE SCHEMA public")
    return own.url


def claim(lease: str, wanted: int = 1) -> Claim:
    return Claim(lease, "q", Quota(None), wanted, wanted)


def event(key: str) -> Event:
    charges = (Charge("q", Quota(10)), Charge("r", Rate(1, 10**9, 10)))
    return Event(f"evt-{key}", "s", key, "f", "cus", 3, charges, 1.0)


async def taken(ledger: Ledger, lease: str) -> int:
    """Take one unit as soon as the server answers again; return how often it did not."""
    failures = 0
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                await ledger.take([claim(lease)])
            except StoreUnavailableError:
                failures += 1
            else:
                return failures


async def unavailable(call: Awaitable[object]) -> StoreUnavailableError:
    async with asyncio.timeout(PATIENCE_SECONDS):
        with pytest.raises(StoreUnavailableError) as caught:
            await call
    assert caught.value.__cause__ is not None
    return caught.value


@pytest.mark.parametrize("how", [signal.SIGQUIT, signal.SIGINT])
async def test_a_server_that_restarts_under_calls_loses_nothing_answered(
    own: PostgresServer, fresh: str, how: signal.Signals
) -> None:
    answered: list[str] = []
    failed: list[str] = []
    is_over = asyncio.Event()

    async def spend(ledger: Ledger, name: str) -> None:
        number = 0
        while not is_over.is_set():
            lease, number = f"{name}{number}", number + 1
            try:
                await ledger.take([claim(lease)])
                await ledger.give_back([Return(lease, 1, 0)])
                answered.append(lease)
            except StoreUnavailableError:
                failed.append(lease)

    async with opened(fresh) as backend:
        ledger = backend.ledger()
        spenders = [asyncio.create_task(spend(ledger, name)) for name in "abcdefgh"]
        await taken(ledger, "first")
        await asyncio.to_thread(own.stop, how)
        await eventually(lambda: failed, "without an answer")
        before = len(answered)
        await asyncio.to_thread(own.start)
        await eventually(lambda: len(answered) >= before + 100, "answered")
        is_over.set()
        await asyncio.gather(*spenders)
        # The owner does not know what became of these: it gives them back as unspent.
        await ledger.give_back([Return(lease, 0, 0) for lease in failed])
        (tally,) = await ledger.usage(["q"])
        assert tally.out == 1
        assert len(answered) <= tally.used <= len(answered) + len(failed)


async def test_a_connection_that_was_cut_is_replaced_unnoticed(fresh: str) -> None:
    cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
    async with opened(fresh) as backend:
        ledger = backend.ledger()
        for number in range(3):
            assert (await ledger.take([claim(f"l{number}")]))[0].granted == 1
            assert (await ledger.usage(["q"]))[0].out == number + 1
            await execute(fresh, f"{cut} AND backend_type = 'client backend'")


async def test_the_records_connections_that_were_cut_are_replaced_unnoticed(fresh: str) -> None:
    cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
    async with opened(fresh) as backend:
        records = Records(backend.records_engine(), SystemClock(), backend.feed())
        for _ in range(5):
            async with records.read() as one, records.read() as two:
                await one.exec_driver_sql("SELECT 1")
                await two.exec_driver_sql("SELECT 1")
            await execute(fresh, f"{cut} AND backend_type = 'client backend'")


async def test_a_commit_whose_answer_is_lost_counts_once(own: PostgresServer, fresh: str) -> None:
    async with proxied(own.port) as proxy:
        url = fresh.replace(str(own.port), str(proxy.port))
        async with opened(url) as backend:
            ledger = backend.ledger()

            async def cut() -> None:
                await ledger.take([claim("warm")])
                proxy.cut_after = b"COMMIT\x00"

            await cut()
            assert (await ledger.take([claim("a", 5)]))[0].granted == 5
            await cut()
            await ledger.give_back([Return("a", 4, 0)])
            await cut()
            await ledger.refund([Refund("ref", "q", 1)])
            await cut()
            (answer,) = await ledger.record([event("k")])
            assert (answer.outcome, answer.id, answer.cost) == (Outcome.RECORDED, "evt-k", 3)
            assert answer.tallies == (Tally(6, 1), Tally(3, 0))
            (again,) = await ledger.record([event("k")])
            assert again.outcome is Outcome.DUPLICATE
            assert await ledger.usage(["q", "r"]) == [Tally(6, 1), Tally(3, 0)]
            assert proxy.cuts == 4


async def test_a_server_that_hangs_is_unavailable_in_bounded_time_and_recovers(
    own: PostgresServer, fresh: str
) -> None:
    async with opened(fresh) as backend:
        await migrate(backend.records_engine())
        records = Records(backend.records_engine(), SystemClock(), backend.feed())
        ledger, follower = backend.ledger(), aiter(backend.feed().follow())

        async def read() -> None:
            async with records.read() as connection:
                await connection.exec_driver_sql("SELECT 1")

        async def follow() -> None:
            while True:
                await anext(follower)

        await read()
        await ledger.take([claim("a")])
        await ledger.usage(["q"])
        await anext(follower)
        own.pause()
        try:
            calls = (ledger.take([claim("b")]), ledger.usage(["q"]), read(), follow())
            errors = await asyncio.gather(*(unavailable(call) for call in calls))
        finally:
            own.resume()
        assert "in time" in errors[0].detail
        assert await taken(ledger, "c") == 0
        await read()
        await ledger.give_back([Return("b", 0, 0)])
        assert (await ledger.usage(["q"]))[0] == Tally(0, 2)
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert list(await anext(aiter(backend.feed().follow()))) == []


async def test_a_server_that_is_gone_is_unavailable_to_all_roles(
    own: PostgresServer, fresh: str
) -> None:
    async with opened(fresh) as backend:
        await migrate(backend.records_engine())
        records = Records(backend.records_engine(), SystemClock(), backend.feed())
        follower = aiter(backend.feed().follow())

        async def read() -> None:
            async with records.read() as connection:
                await connection.exec_driver_sql("SELECT 1")

        async def follow() -> None:
            while True:
                await anext(follower)

        await read()
        await anext(follower)
        own.stop()
        try:
            calls = (backend.ledger().take([claim("b")]), read(), follow())
            await asyncio.gather(*(unavailable(call) for call in calls))
        finally:
            own.start()
        await read()
        assert await taken(backend.ledger(), "c") == 0


async def test_locks_that_stay_are_an_unavailable_store_and_change_nothing(fresh: str) -> None:
    async with opened(fresh) as backend:
        holder = await asyncpg.connect(fresh)
        for stripe in range(1024):
            await holder.execute("SELECT pg_advisory_lock($1, $2)", LOCK_SPACE, stripe)
        looking = await backend.ledger().usage(["q"])
        error = await unavailable(backend.ledger().take([claim("a")]))
        await holder.close()
        assert looking == [Tally()]
        assert "busy" in error.detail
        assert await backend.ledger().usage(["q"]) == [Tally()]
        assert (await backend.ledger().take([claim("a")]))[0].granted == 1


@pytest.mark.parametrize("fault", ["password", "database", "user"])
async def test_what_the_operator_must_fix_is_told_at_start_without_the_password(
    own: PostgresServer, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    user, password, database = "postgres", "right%20horse", "postgres"
    if fault == "password":
        password = "wrong-horse"
    elif fault == "database":
        database = "nowhere"
    else:
        user = "nobody"
    url = f"postgresql://{user}:{password}@127.0.0.1:{own.port}/{database}"
    backend = open_backend(url, FakeClock())
    with pytest.raises(ConfigurationError) as caught:
        await backend.start()
    told = "".join(traceback.format_exception(caught.value)) + caplog.text + repr(backend)
    assert "horse" not in told
    assert PASSWORD not in told
    await backend.close()


async def test_a_server_that_is_not_there_is_unavailable_at_start() -> None:
    backend = open_backend(f"postgresql://postgres@127.0.0.1:{free_port()}/postgres", FakeClock())
    await unavailable(backend.start())
    await backend.close()


async def test_a_user_who_may_create_nothing_is_told(own: PostgresServer, fresh: str) -> None:
    await execute(fresh, "DROP ROLE IF EXISTS guest", "CREATE ROLE guest LOGIN PASSWORD 'x'")
    url = f"postgresql://guest:x@127.0.0.1:{own.port}/postgres"
    with pytest.raises(ConfigurationError, match="to create tables in"):
        await open_backend(url, FakeClock()).start()
    async with opened(fresh):
        await execute(fresh, "GRANT USAGE ON SCHEMA public TO guest")
        await execute(fresh, "GRANT ALL ON ALL TABLES IN SCHEMA public TO guest")
        async with opened(url) as backend:
            assert (await backend.ledger().take([claim("a")]))[0].granted == 1
    await execute(fresh, "DROP OWNED BY guest", "DROP ROLE guest")


async def test_a_newer_ledger_is_refused(fresh: str) -> None:
    async with opened(fresh):
        await execute(fresh, "UPDATE ledger_identity SET version = version + 1")
    with pytest.raises(SchemaTooNewError):
        await open_backend(fresh, FakeClock()).start()


async def test_a_clock_that_was_set_back_counts_no_lease_too_early(fresh: str) -> None:
    rate = Rate(1, 3600 * 10**6, 10)
    async with opened(fresh) as backend:
        ledger = backend.ledger()
        await ledger.take([Claim("a", "r", rate, 10, 10)])
        await execute(fresh, "UPDATE ledger_leases SET opened_us = opened_us + 86400000000")
        await ledger.prune(0, 10)
        assert await ledger.usage(["r"]) == [Tally(0, 10)]
        await ledger.give_back([Return("a", 0, 0)])
        assert await ledger.usage(["r"]) == [Tally(0, 0)]


async def test_rates_go_by_the_servers_clock_and_old_leases_count_as_spent(fresh: str) -> None:
    rate = Rate(1, 3600 * 10**6, 10)
    async with opened(fresh) as backend:
        ledger = backend.ledger()
        await ledger.take([Claim("a", "r", rate, 10, 10)])
        await execute(fresh, "UPDATE ledger_leases SET opened_us = opened_us - 61000000")
        assert await ledger.usage(["r"]) == [Tally(10, 0)]
        await ledger.prune(0, 10)
        await ledger.give_back([Return("a", 0, 0)])
        assert await ledger.usage(["r"]) == [Tally(10, 0)]

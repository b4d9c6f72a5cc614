"""Servers that die, hang, fill up or refuse: a documented error in bounded time, and recovery."""

from __future__ import annotations

import asyncio
import traceback
from typing import TYPE_CHECKING, Any

import pytest
from tests.servers.ports import free_port
from tests.servers.stores import opened
from tests.servers.valkey import DURABLE, Server
from tests.waiting import PATIENCE_SECONDS, eventually, until

from dream_gateway.clock import SystemClock
from dream_gateway.errors import (
    ConfigurationError,
    SchemaTooNewError,
    StoreCorruptError,
    StoreUnavailableError,
)
from dream_gateway.storage import Change, Claim, Quota, Return, Subject, Tally, shard_of
from dream_gateway.testing import FakeClock
from dream_gateway_valkey import open_backend

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterator
    from contextlib import AbstractAsyncContextManager

    from dream_gateway.storage import Backend, Ledger

TIMEOUT = 0.8
SECRET = "right-horse"


@pytest.fixture(scope="module")
def own() -> Iterator[Server]:
    """A server that a test may harm, if it mends it again."""
    server = Server(*DURABLE)
    yield server
    server.remove()


@pytest.fixture
def admin(own: Server) -> Iterator[Any]:
    with own.client() as client:
        client.flushall()
        yield client


def impatient(url: str) -> AbstractAsyncContextManager[Backend]:
    return opened(f"{url}?timeout={TIMEOUT}")


def claim(lease: str, wanted: int = 1) -> Claim:
    return Claim(lease, "q", Quota(None), wanted, wanted)


async def taken(ledger: Ledger, lease: str) -> None:
    """Take one unit as soon as the server answers again."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                await ledger.take([claim(lease)])
            except StoreUnavailableError:
                continue
            return


async def unavailable(call: Awaitable[object]) -> StoreUnavailableError:
    """Return the error of a call: in time, with its cause, and without a word of the driver's."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        with pytest.raises(StoreUnavailableError) as caught:
            await call
    assert caught.value.__cause__ is not None
    assert str(caught.value).startswith(("The Valkey server", "The Valkey user", "The ledger's"))
    return caught.value


async def test_a_server_that_restarts_under_calls_loses_nothing_answered(
    own: Server, admin: Any
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
                await ledger.give_back([Return(lease, 1, shard_of("q"))])
                answered.append(lease)
            except StoreUnavailableError:
                failed.append(lease)

    async with impatient(own.url) as backend:
        ledger = backend.ledger()
        await ledger.take([claim("first")])
        spenders = [asyncio.create_task(spend(ledger, name)) for name in "abcdefgh"]
        await eventually(lambda: len(answered) >= 100, "answered")
        await asyncio.to_thread(own.kill)
        await asyncio.to_thread(own.start)
        before = len(answered)
        await eventually(lambda: len(answered) >= before + 100, "answered")
        is_over.set()
        await asyncio.gather(*spenders)
        # The owner does not know what became of these: it gives them back as unspent.
        await ledger.give_back([Return(lease, 0, shard_of("q")) for lease in failed])
        (tally,) = await ledger.usage(["q"])
        assert tally.out == 1
        assert len(answered) <= tally.used <= len(answered) + len(failed)


async def test_a_server_that_hangs_is_unavailable_in_bounded_time_and_recovers(
    own: Server, admin: Any
) -> None:
    async with impatient(own.url) as backend:
        ledger = backend.ledger()
        await ledger.take([claim("a")])
        fresh = open_backend(f"{own.url}?timeout={TIMEOUT}", SystemClock())
        own.pause()
        try:
            calls = (ledger.take([claim("b")]), ledger.usage(["q"]), ledger.usage([]))
            errors = await asyncio.gather(*(unavailable(call) for call in (*calls, fresh.start())))
        finally:
            own.resume()
        assert all("cannot be reached" in error.detail for error in errors)
        await taken(ledger, "c")
        await ledger.give_back([Return("b", 0, shard_of("q"))])
        assert await ledger.usage(["q"]) == [Tally(0, 2)]
        await fresh.close()


async def test_a_server_that_is_gone_is_unavailable_to_all_roles_and_comes_back(
    own: Server, admin: Any
) -> None:
    async with impatient(own.url) as backend:
        ledger, kv, feed = backend.ledger(), backend.kv(), backend.feed()
        await ledger.take([claim("a")])
        await kv.put("k", b"v", 60)
        own.kill()
        calls = (
            ledger.take([claim("b")]),
            kv.get("k"),
            feed.publish([Change(Subject.TIER, "p")]),
            anext(aiter(feed.follow())),
        )
        await asyncio.gather(*(unavailable(call) for call in calls))
        own.start()
        await taken(ledger, "c")
        assert await kv.get("k") == b"v"


async def test_a_full_memory_is_told_and_changes_nothing(own: Server, admin: Any) -> None:
    async with impatient(own.url) as backend:
        ledger, feed = backend.ledger(), backend.feed()
        await ledger.take([claim("a")])
        admin.config_set("maxmemory", 1)
        try:
            calls = (
                ledger.take([claim("b")]),
                ledger.give_back([Return("a", 1, shard_of("q"))]),
                backend.kv().put("k", b"v", 1),
                feed.publish([Change(Subject.TIER, "p")]),
            )
            errors = [await unavailable(call) for call in calls]
        finally:
            admin.config_set("maxmemory", 0)
        assert {error.detail for error in errors} == {"The Valkey server's memory is full."}
        assert await ledger.usage(["q"]) == [Tally(0, 1)]
        assert (await ledger.take([claim("c")]))[0].granted == 1


async def test_a_disk_that_cannot_be_written_is_told(own: Server, admin: Any) -> None:
    async with impatient(own.url) as backend:
        ledger = backend.ledger()
        await ledger.take([claim("a")])
        admin.config_set("save", "3600 100000")
        in_the_way = own.folder / "dump.rdb"
        in_the_way.mkdir()
        try:
            admin.bgsave()
            until(
                lambda: admin.info("persistence")["rdb_last_bgsave_status"] == "err", "out of disk"
            )
            error = await unavailable(ledger.take([claim("b")]))
            assert "cannot write to its disk" in error.detail
        finally:
            in_the_way.rmdir()
            admin.config_set("save", "")
        assert (await ledger.take([claim("b")]))[0].granted == 1


async def test_a_replica_is_told_and_serves_once_it_is_promoted(own: Server, admin: Any) -> None:
    async with impatient(own.url) as backend:
        ledger = backend.ledger()
        await ledger.take([claim("a")])
        admin.replicaof("127.0.0.1", free_port())
        try:
            async with impatient(own.url) as other:
                calls = (each.take([claim("b")]) for each in (other.ledger(), ledger))
                errors = await asyncio.gather(*(unavailable(call) for call in calls))
            assert all("replica" in error.detail for error in errors)
        finally:
            admin.replicaof("NO", "ONE")
        await taken(ledger, "c")
        assert await ledger.usage(["q"]) == [Tally(0, 2)]


async def test_one_that_loads_its_data_is_told_and_waited_for(own: Server, admin: Any) -> None:
    async with impatient(own.url) as backend:
        ledger = backend.ledger()
        await ledger.take([claim("a")])
        own.kill()
        # Slow down how it reads the thousands of commands that made the ledger.
        own.launch("--key-load-delay", "50")

        async def loads() -> str:
            fresh = open_backend(f"{own.url}?timeout={TIMEOUT}", SystemClock())
            return (await unavailable(fresh.start())).detail

        async with asyncio.timeout(PATIENCE_SECONDS):
            while "loading" not in await loads():
                pass
        await unavailable(ledger.take([claim("b")]))
        with own.client() as client:
            client.config_set("key-load-delay", 0)
        await taken(ledger, "c")
        # The server may have read the claim that nobody waited for any more, and granted it.
        assert await ledger.usage(["q"]) in ([Tally(0, 2)], [Tally(0, 3)])


@pytest.mark.parametrize("fault", ["password", "user", "none", "database"])
async def test_what_the_operator_must_mend_is_told_at_start_without_the_password(
    own: Server, admin: Any, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    admin.config_set("requirepass", SECRET)
    try:
        credentials = {
            "password": "default:wrong-horse@", "user": f"nobody:{SECRET}@", "none": "",
            "database": f":{SECRET}@",
        }[fault]  # fmt: skip
        database = "/99" if fault == "database" else ""
        url = f"valkey://{credentials}127.0.0.1:{own.port}{database}"
        backend = open_backend(url, FakeClock())
        with pytest.raises(ConfigurationError) as caught:
            await backend.start()
        await backend.close()
    finally:
        admin.config_set("requirepass", "")
    told = "".join(traceback.format_exception(caught.value)) + caplog.text + repr(backend)
    assert "horse" not in told
    assert ("database" if fault == "database" else "password") in caught.value.detail


async def test_a_password_that_nobody_asks_for_is_told(own: Server) -> None:
    with pytest.raises(ConfigurationError, match="password"):
        await open_backend(f"valkey://u:{SECRET}@127.0.0.1:{own.port}", FakeClock()).start()


async def test_a_password_that_is_changed_under_calls_is_told(own: Server, admin: Any) -> None:
    admin.execute_command("ACL", "SETUSER", "app", "on", ">old", "~*", "&*", "+@all")
    async with impatient(own.url.replace("//", "//app:old@")) as backend:
        await backend.ledger().take([claim("a")])
        admin.execute_command("ACL", "SETUSER", "app", "resetpass", ">new")
        admin.client_kill_filter(_type="normal", skipme=True)
        error = await unavailable(backend.ledger().take([claim("b")]))
        assert "password" in error.detail
        admin.execute_command("ACL", "SETUSER", "app", "resetpass", ">old")
        await taken(backend.ledger(), "c")


async def test_a_user_who_may_too_little_is_told(own: Server, admin: Any) -> None:
    admin.execute_command("ACL", "SETUSER", "guest", "on", ">x", "~dg:*", "+@all", "-fcall")
    async with impatient(own.url.replace("//", "//guest:x@")) as backend:
        error = await unavailable(backend.ledger().take([claim("a")]))
        assert "lacks a permission" in error.detail
        admin.execute_command("ACL", "SETUSER", "guest", "+fcall", "resetkeys", "~other:*")
        error = await unavailable(backend.ledger().take([claim("a")]))
        assert "lacks a permission" in error.detail


async def test_functions_that_were_flushed_are_loaded_again(own: Server, admin: Any) -> None:
    async with impatient(own.url) as backend:
        ledger = backend.ledger()
        for number in range(3):
            admin.function_flush()
            claims = [claim(f"l{number}-{each}") for each in range(5)]
            assert [grant.granted for grant in await ledger.take(claims)] == [1] * 5
        assert await ledger.usage(["q"]) == [Tally(0, 15)]


async def test_data_that_were_flushed_are_missed_until_the_gateway_starts_again(
    own: Server, admin: Any
) -> None:
    async with impatient(own.url) as backend:
        ledger = backend.ledger()
        await ledger.take([claim("a")])
        before = await ledger.identity()
        admin.flushall()
        assert "lost" in (await unavailable(ledger.take([claim("b")]))).detail
        async with impatient(own.url) as again:
            await again.ledger().take([claim("b")])
            assert await again.ledger().identity() != before
        # Another ledger is in its place: this one's leases are not of it.
        assert "lost" in (await unavailable(ledger.take([claim("c")]))).detail
        with pytest.raises(StoreUnavailableError, match="Another ledger"):
            await ledger.identity()


async def test_a_part_that_was_lost_begins_anew_at_a_start(
    own: Server, admin: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async with impatient(own.url) as backend:
        ledger = backend.ledger()
        await ledger.take([claim("a", 5), Claim("b", "other", Quota(None), 3, 3)])
        admin.delete(*admin.keys(f"dg:{{{shard_of('q')}}}:*"))
        assert "lost" in (await unavailable(ledger.take([claim("c")]))).detail
        assert await ledger.usage(["other"]) == [Tally(0, 3)]
        async with impatient(own.url) as again:
            assert await again.ledger().usage(["q", "other"]) == [Tally(), Tally(0, 3)]
            assert await again.ledger().identity() == await ledger.identity()
        assert "lost 1 of 1024 parts" in caplog.text
        assert (await ledger.take([claim("d")]))[0].granted == 1


async def test_a_newer_ledger_and_a_damaged_one_are_refused(own: Server, admin: Any) -> None:
    for version, error in ((2, SchemaTooNewError), ("x", StoreCorruptError)):
        admin.hset("dg:ledger", mapping={"name": "n", "version": version})
        async with impatient(own.url) as backend:
            with pytest.raises(error):
                await backend.ledger().identity()


async def test_a_server_that_is_not_there_is_unavailable_at_start() -> None:
    backend = open_backend(f"valkey://127.0.0.1:{free_port()}", FakeClock())
    await unavailable(backend.start())
    await backend.close()


async def test_one_server_is_no_cluster(own: Server) -> None:
    with pytest.raises(ConfigurationError, match="not a cluster"):
        await open_backend(f"valkey+cluster://127.0.0.1:{own.port}", FakeClock()).start()

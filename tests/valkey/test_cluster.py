"""A cluster whose slots move, and whose servers go away and come back."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing
from typing import TYPE_CHECKING

import pytest
from tests.servers.stores import opened
from tests.servers.valkey import Cluster, Server
from tests.waiting import PATIENCE_SECONDS, until

from dream_gateway.clock import SystemClock
from dream_gateway.counter import Counter
from dream_gateway.errors import StoreUnavailableError
from dream_gateway.journal import Journal
from dream_gateway.lease_policy import MeterOptions
from dream_gateway.meter import Meter
from dream_gateway.storage import SHARDS, Change, Claim, Quota, Return, Subject, Tally, shard_of
from dream_gateway.testing.feed import generator
from dream_gateway_valkey.slots import slot_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from dream_gateway.storage import Ledger

LIMIT = 400
FAILOVER_SECONDS = 10.0
"""Well more than the second after which a server counts as failed, and the vote about its replica."""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Three primaries, the first with a replica, which takes its place in the last test."""
    made = Cluster(replicas=1)
    yield made
    made.remove()


@pytest.fixture
def url(cluster: Cluster) -> str:
    return f"{cluster.url}?prefix=t{time.time_ns()}"


def slot(counter: str) -> int:
    """Return the slot of a counter's shard."""
    return slot_of(f"{{{shard_of(counter)}}}".encode())


def owner(cluster: Cluster, number: int) -> Server:
    """Return the server that serves a slot now."""
    with cluster.servers[2].client() as client:
        for first, last, primary, *_ in client.execute_command("CLUSTER", "SLOTS"):
            if first <= number <= last:
                return next(server for server in cluster.servers if server.port == primary[1])
    raise AssertionError(number)


def counters_of(cluster: Cluster, server: Server, count: int = 1) -> list[str]:
    """Return counters, each of a shard of its own, that a server has."""
    named = {shard_of(f"g{number}"): f"g{number}/q" for number in range(4 * SHARDS)}
    found = [name for name in named.values() if owner_port(cluster, slot(name)) == server.port]
    return found[:count]


def owner_port(cluster: Cluster, number: int) -> int:
    bounds = (5461, 10923, 16384)
    return next(s.port for s, end in zip(cluster.servers, bounds, strict=False) if number < end)


def claim(counter: str, lease: str, wanted: int = 1, limit: int | None = LIMIT) -> Claim:
    return Claim(lease, counter, Quota(limit), wanted, wanted)


class Reshard:
    """Moves slots from one server to another as an operator's tool does, key by key."""

    def __init__(self, cluster: Cluster, number: int, target: Server) -> None:
        self._cluster = cluster
        self._slot = number
        self._target = target
        self._source = owner(cluster, number)

    def begin(self) -> None:
        self._setslot(self._target, "IMPORTING", self._cluster.id_of(self._source))
        self._setslot(self._source, "MIGRATING", self._cluster.id_of(self._target))

    def keys(self) -> list[bytes]:
        with self._source.client() as client:
            return list(client.execute_command("CLUSTER", "GETKEYSINSLOT", self._slot, 1000))

    def move(self, keys: list[bytes]) -> None:
        with self._source.client() as client:
            for key in keys:
                client.execute_command("MIGRATE", "127.0.0.1", self._target.port, key, 0, 5000)

    def end(self) -> None:
        while keys := self.keys():
            self.move(keys)
        for server in (self._target, self._source):
            self._setslot(server, "NODE", self._cluster.id_of(self._target))

    def _setslot(self, server: Server, *words: str) -> None:
        with server.client() as client:
            client.execute_command("CLUSTER", "SETSLOT", self._slot, *words)


def by_keys(cluster: Cluster, number: int, target: Server) -> None:
    """Move a slot key by key."""
    moving = Reshard(cluster, number, target)
    moving.begin()
    moving.end()


def at_once(cluster: Cluster, number: int, target: Server) -> None:
    """Move a slot as Valkey 9 does: all of it in the moment it is complete."""
    with owner(cluster, number).client() as client:
        client.execute_command(
            "CLUSTER", "MIGRATESLOTS", "SLOTSRANGE", number, number, "NODE", cluster.id_of(target)
        )
        until(lambda: owner(cluster, number) is target, "moved")


async def spend(ledger: Ledger, counter: str, name: str, is_over: asyncio.Event) -> int:
    """Take and settle one unit after the other; return how many were granted."""
    granted = number = 0
    while not is_over.is_set():
        lease, number = f"{counter}-{name}-{number}", number + 1
        try:
            (grant,) = await ledger.take([claim(counter, lease)])
            granted += grant.granted
            if grant.granted:
                await ledger.give_back([Return(lease, 1, shard_of(counter))])
        except StoreUnavailableError:
            await retried(ledger, counter, lease)
    return granted


async def retried(ledger: Ledger, counter: str, lease: str) -> None:
    """Give a lease whose fate is unknown back as unspent, however long that takes."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                await ledger.give_back([Return(lease, 0, shard_of(counter))])
            except StoreUnavailableError:
                continue
            return


@pytest.mark.parametrize("move", [by_keys, at_once])
async def test_slots_are_moved_under_load_and_counts_stay_exact(
    cluster: Cluster, url: str, move: Callable[[Cluster, int, Server], None]
) -> None:
    first, second, third = cluster.servers[:3]
    moved = counters_of(cluster, second, 3)
    counters = [*moved, *counters_of(cluster, first), *counters_of(cluster, third)]
    is_over = asyncio.Event()
    async with opened(url) as backend:
        ledger = backend.ledger()
        await ledger.take([claim(each, f"{each}-first") for each in counters])
        with third.client() as client:
            client.function_flush()
        spenders = [
            asyncio.create_task(spend(ledger, counter, name, is_over))
            for counter in counters
            for name in "ab"
        ]
        for counter in moved:
            await asyncio.to_thread(move, cluster, slot(counter), third)
            assert owner(cluster, slot(counter)) is third
        before = await ledger.usage(moved)
        assert all(tally.used > 0 for tally in before)
        for counter in moved:
            await asyncio.to_thread(move, cluster, slot(counter), second)
        while not all(tally.used == LIMIT - 1 for tally in await ledger.usage(counters)):
            pass
        is_over.set()
        granted = await asyncio.gather(*spenders)
        assert await ledger.usage(counters) == [Tally(LIMIT - 1, 1)] * len(counters)
        assert sum(granted) == (LIMIT - 1) * len(counters)


async def test_a_slot_between_two_servers_is_read_and_written_where_it_is(
    cluster: Cluster, url: str
) -> None:
    first, second, third = cluster.servers[:3]
    (counter,), (other,) = counters_of(cluster, second), counters_of(cluster, first)
    async with opened(f"{url}&timeout=0.8") as backend:
        ledger, kv = backend.ledger(), backend.kv()
        prefix = url.rpartition("=")[2]
        key = next(
            f"k{n}" for n in range(9999) if owner_port(cluster, kv_slot(prefix, n)) == second.port
        )
        await ledger.take([claim(counter, "before", 3)])
        await kv.put(key, b"before", 60)
        entry = Reshard(cluster, slot_of(f"{prefix}:kv:{key}".encode()), third)
        shard = Reshard(cluster, slot(counter), third)
        entry.begin()
        shard.begin()
        # Nothing has moved: reading is served here, and what is new belongs there (ASK).
        assert await kv.get(key) == b"before"
        entry.move(entry.keys())
        assert await kv.get(key) == b"before"
        await kv.put(key, b"after", 60)
        assert await kv.get(key) == b"after"
        assert entry.keys() == []
        # A shard is never counted in while a part of it is elsewhere.
        for _ in range(2):
            with pytest.raises(StoreUnavailableError, match="moving this slot"):
                await ledger.take([claim(counter, "during")])
            keys = shard.keys()
            shard.move(keys[: len(keys) // 2])
            assert (await ledger.take([claim(other, f"elsewhere{len(keys)}")]))[0].granted == 1
        entry.end()
        shard.end()
        assert (await ledger.take([claim(counter, "during")]))[0].granted == 1
        assert await ledger.usage([counter]) == [Tally(0, 4)]
        assert await kv.get(key) == b"after"
        by_keys(cluster, slot(counter), second)
        by_keys(cluster, slot_of(f"{prefix}:kv:{key}".encode()), second)


def kv_slot(prefix: str, number: int) -> int:
    return slot_of(f"{prefix}:kv:k{number}".encode())


async def test_the_stream_may_move_and_its_follower_begins_again(
    cluster: Cluster, url: str
) -> None:
    place = slot_of(f"{url.rpartition('=')[2]}:changes".encode())
    home = owner(cluster, place)
    target = next(server for server in cluster.servers[:3] if server is not home)
    change = Change(Subject.TIER, "prj_1")
    async with opened(url) as backend:
        feed = backend.feed()
        follower = generator(feed)
        await anext(follower)
        by_keys(cluster, place, target)
        with pytest.raises(StoreUnavailableError):
            await drained(follower)
        async with aclosing(generator(feed)) as again:
            await anext(again)
            await feed.publish([change])
            assert list(await anext(again)) == [change]
        by_keys(cluster, place, home)


async def drained(follower: AsyncIterator[object]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        async for _ in follower:
            pass


async def test_a_batch_is_one_write_to_each_server(cluster: Cluster, url: str) -> None:
    names = {shard_of(f"g{number}"): f"g{number}/q" for number in range(600)}
    async with opened(url) as backend:
        ledger = backend.ledger()
        await ledger.take([claim(name, f"{name}-warm") for name in names.values()])
        before = [reads(server) for server in cluster.servers[:3]]
        grants = await ledger.take([claim(name, f"{name}-a") for name in names.values()])
        after = [reads(server) for server in cluster.servers[:3]]
        assert sum(grant.granted for grant in grants) == len(names)
    for start, end in zip(before, after, strict=True):
        # A server reads at most 16 KiB at once, and hears from others meanwhile.
        assert end - start < len(names) / 3 / 4


def reads(server: Server) -> int:
    with server.client() as client:
        return int(client.info("stats")["total_reads_processed"])


def patient(url: str) -> str:
    """Return a URL whose calls are given up later than a slow machine makes many of them."""
    return url.replace("timeout=0.8", "timeout=6")


class TestAServerThatHangs:
    """The second; the ledger was made before, and its own key is there."""

    @pytest.fixture(scope="class")
    @classmethod
    def url(cls, cluster: Cluster) -> Iterator[str]:
        second = cluster.servers[1]
        prefix = prefix_of(cluster, second)
        url = f"{cluster.url}?prefix={prefix}&timeout=0.8"

        async def prepare() -> None:
            async with opened(url) as backend:
                (counter,) = counters_of(cluster, second)
                await backend.ledger().take([claim(counter, "before")])

        asyncio.run(prepare())
        second.pause()
        yield url
        second.resume()
        until(lambda: is_well(cluster), "well")

    @pytest.fixture
    def kept(self, cluster: Cluster) -> list[str]:
        """Counters that the others have."""
        first, _, third = cluster.servers[:3]
        return counters_of(cluster, first, 5) + counters_of(cluster, third, 5)

    @pytest.fixture
    def lost(self, cluster: Cluster) -> str:
        return counters_of(cluster, cluster.servers[1])[0]

    async def test_only_its_own_shards_are_away(self, url: str, lost: str, kept: list[str]) -> None:
        async with opened(patient(url)) as backend:
            ledger = backend.ledger()
            # Its name is told by the shards that can be reached.
            assert await ledger.identity()
            failing = asyncio.create_task(ledger.take([claim(lost, "b")]))
            for number in range(20):
                grants = await ledger.take([claim(each, f"{each}-{number}") for each in kept])
                assert all(grant.granted for grant in grants)
            # Nobody waited for what is waited for still.
            assert not failing.done()
            with pytest.raises(StoreUnavailableError):
                await failing
            # So the gateway stays ready.
            assert await ledger.usage([]) == []

    async def test_a_worker_serves_the_others_customers(
        self, url: str, lost: str, kept: list[str], tmp_path: Path
    ) -> None:
        async with opened(patient(url)) as backend:
            ledger = backend.ledger()
            before = await ledger.usage(kept)
            journal = Journal(tmp_path, await ledger.identity(), "boot")
            meter = Meter(ledger, journal, SystemClock(), MeterOptions(strict=True))
            away, *here = (
                meter.counter(Counter(key, "quota", Quota(None), None)) for key in (lost, *kept)
            )
            failing = []
            for _ in range(10):
                # They come together with one that cannot be answered.
                failing.append(asyncio.create_task(meter.spend([away], 1)))
                answers = await asyncio.gather(*(meter.spend([each], 1) for each in here))
                assert answers == [None] * len(here)
            assert not any(each.done() for each in failing)
            results = await asyncio.gather(*failing, return_exceptions=True)
            assert {type(each) for each in results} == {StoreUnavailableError}
            await meter.release(here)
            assert await ledger.usage(kept) == [Tally(t.used + 10, t.out) for t in before]


async def test_what_hung_is_as_it_was(cluster: Cluster) -> None:
    prefix = prefix_of(cluster, cluster.servers[1])
    (lost,) = counters_of(cluster, cluster.servers[1])
    async with opened(f"{cluster.url}?prefix={prefix}") as backend:
        await backend.ledger().give_back([Return("b", 0, shard_of(lost))])
        assert await backend.ledger().usage([lost]) == [Tally(0, 1)]


def prefix_of(cluster: Cluster, server: Server) -> str:
    """Return the prefix of a ledger whose own key a server has."""
    slots = {f"h{number}": slot_of(f"h{number}:ledger".encode()) for number in range(99)}
    return next(name for name, at in slots.items() if owner_port(cluster, at) == server.port)


def is_well(cluster: Cluster) -> bool:
    """Return whether every server thinks that all of them are up."""
    for server in cluster.servers:
        with server.client() as client:
            nodes = client.execute_command("CLUSTER", "NODES")
            text = nodes.decode() if isinstance(nodes, bytes) else str(nodes)
            if "fail" in text or client.info("persistence")["loading"]:
                return False
    return True


async def test_one_seed_that_is_up_and_in_the_cluster_is_enough(cluster: Cluster, url: str) -> None:
    stranger = Server("--cluster-enabled", "yes")
    try:
        options = url.partition("?")[2]
        last = cluster.servers[2]
        seeds = f"127.0.0.1:1,127.0.0.1:{stranger.port},127.0.0.1:{last.port}"
        async with opened(f"valkey+cluster://{seeds}?{options}") as backend:
            grants = await backend.ledger().take(
                [claim(each, f"{each}-a") for each in counters_of(cluster, cluster.servers[0], 3)]
            )
            assert [grant.granted for grant in grants] == [1, 1, 1]
    finally:
        stranger.remove()


async def test_a_replica_takes_over_and_calls_go_on_by_themselves(
    cluster: Cluster, url: str
) -> None:
    first = cluster.servers[0]
    (counter,) = counters_of(cluster, first)
    async with opened(f"{url}&wait=1") as careful, opened(url) as backend:
        assert backend.durability.endswith(
            "a failover loses what the replica had not received yet."
        )
        assert careful.durability.endswith("; a replica has what was answered.")
        for number in range(50):
            lease = f"a{number}"
            await careful.ledger().take([claim(counter, lease)])
            await careful.ledger().give_back([Return(lease, 1, shard_of(counter))])
        first.kill()
        async with asyncio.timeout(FAILOVER_SECONDS):
            await taken(backend.ledger(), claim(counter, "after"))
        assert await backend.ledger().usage([counter]) == [Tally(50, 1)]
        with pytest.raises(StoreUnavailableError, match="Too few replicas"):
            await careful.ledger().take([claim(counter, "alone")])
        await asyncio.to_thread(first.start)
        await asyncio.to_thread(until, lambda: is_replica(first), "a replica")
        assert (await careful.ledger().take([claim(counter, "alone")]))[0].granted == 1
        assert await careful.ledger().usage([counter]) == [Tally(50, 2)]


async def taken(ledger: Ledger, wanted: Claim) -> None:
    """Take a lease as soon as that is possible."""
    while True:
        try:
            await ledger.take([wanted])
        except StoreUnavailableError:
            continue
        return


def is_replica(server: Server) -> bool:
    with server.client() as client:
        return bool(client.info("replication").get("master_link_status") == "up")

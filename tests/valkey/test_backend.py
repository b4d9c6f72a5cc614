"""Ways to connect, and what the server says about how it keeps data."""

from __future__ import annotations

import logging
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.servers.stores import opened
from tests.servers.tls import Authority, fronted
from tests.servers.valkey import Server

import dream_gateway_valkey
from dream_gateway.errors import ConfigurationError, StoreUnavailableError
from dream_gateway.gcra import Rate
from dream_gateway.storage import (
    Change,
    Charge,
    Claim,
    Event,
    Outcome,
    Quota,
    Refund,
    Return,
    Subject,
    Tally,
    Void,
    shard_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


PAGE = Path(__file__).parents[2] / "docs" / "backends" / "valkey.md"
DEFAULTS = {
    "appendonly": "no", "appendfsync": "everysec", "save": "", "maxmemory-policy": "noeviction",
    "no-appendfsync-on-rewrite": "no",
}  # fmt: skip


@pytest.fixture(scope="module")
def own() -> Iterator[Server]:
    """A server whose settings the tests change; it listens on a socket as well."""
    server = Server("--unixsocket", "valkey.sock")
    yield server
    server.remove()


@pytest.fixture
def admin(own: Server) -> Iterator[Any]:
    """A connection to change its settings, which are as they were afterwards."""
    with own.client() as client:
        client.config_set("appendonly", "no")
        yield client
        for name, value in DEFAULTS.items():
            client.config_set(name, value)


def claim(lease: str, wanted: int = 1) -> Claim:
    return Claim(lease, "q", Quota(None), wanted, wanted)


async def test_a_socket_a_database_and_a_prefix_are_places_of_their_own(own: Server) -> None:
    here = f"127.0.0.1:{own.port}"
    socket = f"valkey+unix://{own.folder}/valkey.sock"
    places = [
        f"valkey://{here}?prefix=places", f"valkey://{here}/1?prefix=places",
        f"{socket}?db=2&prefix=places", f"{socket}?prefix=places2",
    ]  # fmt: skip
    for number, url in enumerate(places):
        async with opened(url) as backend:
            await backend.ledger().take([claim("a", number + 1)])
    for number, url in enumerate(places):
        async with opened(url) as backend:
            assert await backend.ledger().usage(["q"]) == [Tally(0, number + 1)]
    async with opened(f"{socket}?prefix=places") as backend:
        assert await backend.ledger().usage(["q"]) == [Tally(0, 1)]


async def test_a_user_and_a_password_may_have_any_characters(own: Server, admin: Any) -> None:
    admin.execute_command("ACL", "SETUSER", "m@e", "on", ">p:@/% ä", "~dg:*", "+@all")
    url = f"valkey://m%40e:p%3A%40%2F%25%20%C3%A4@127.0.0.1:{own.port}"
    async with opened(url) as backend:
        assert (await backend.ledger().take([claim("escaped")]))[0].granted == 1


async def test_the_documented_user_may_all_that_is_needed(own: Server, admin: Any) -> None:
    (line,) = re.findall(r"^ACL SETUSER .*", PAGE.read_text(), re.MULTILINE)
    admin.execute_command(*line.replace("PASSWORD", "x").split())
    async with opened(own.url.replace("//", "//gateway:x@")) as backend:
        assert "not known" not in backend.durability
        ledger, rate = backend.ledger(), Rate(10, 1_000_000, 10)
        for name, rule in (("s/q", Quota(9, 2_000_000_000)), ("s/r", rate)):
            await ledger.take([Claim(f"{name}-acl", name, rule, 2, 2)])
            await ledger.give_back([Return(f"{name}-acl", 1, shard_of(name))])
        event = Event(
            "e", "s", "k", "f", "c", 1, (Charge("s/q", Quota(9)), Charge("s/r", rate)), 1.0
        )
        void = Void("v", "s", "kv", "f", "e", None, 2.0)
        outcomes = [each.outcome for each in await ledger.record([event, event, void])]
        assert outcomes == [Outcome.RECORDED, Outcome.DUPLICATE, Outcome.RECORDED]
        await ledger.refund([Refund("r", "s/q", 1)])
        assert await ledger.prune(3.0, 10) == 2
        assert (await ledger.usage(["s/q"]))[0] == Tally()
        kv, follower = backend.kv(), aiter(backend.feed().follow())
        await kv.put("k", b"v", 60)
        assert await kv.get("k") == b"v"
        await kv.delete(["k"])
        await anext(follower)
        await backend.feed().publish([Change(Subject.TIER, "p")])
        assert list(await anext(follower)) == [Change(Subject.TIER, "p")]


async def test_tls_is_spoken_only_with_whom_the_authority_signed(
    own: Server, tmp_path: Path
) -> None:
    authority, other = Authority(tmp_path), Authority(tmp_path, "other authority")
    here, there = authority.context("127.0.0.1"), authority.context("127.0.0.2")
    async with fronted(own.port, here) as port, fronted(own.port, there) as strange:
        async with opened(f"valkeys://127.0.0.1:{port}?ca={authority.path}&prefix=tls") as backend:
            await backend.ledger().take([claim("a", 3)])
            assert await backend.ledger().usage(["q"]) == [Tally(0, 3)]
        for url in (
            f"valkeys://127.0.0.1:{port}",
            f"valkeys://127.0.0.1:{port}?ca={other.path}",
            f"valkeys://127.0.0.1:{strange}?ca={authority.path}",
        ):
            with pytest.raises(ConfigurationError, match="certificate"):
                await started(url)
        with pytest.raises(StoreUnavailableError):
            await started(f"valkey://127.0.0.1:{port}?timeout=0.4")
    with pytest.raises(StoreUnavailableError):
        await started(f"valkeys://127.0.0.1:{own.port}?ca={authority.path}&timeout=0.4")


@pytest.mark.parametrize("content", [None, "no certificate"])
async def test_a_file_of_authorities_that_cannot_be_read_is_told(
    own: Server, tmp_path: Path, content: str | None
) -> None:
    file = tmp_path / "ca"
    if content is not None:
        file.write_text(content)
    with pytest.raises(ConfigurationError, match="option ca"):
        await started(f"valkeys://127.0.0.1:{own.port}?ca={file}")


async def started(url: str) -> None:
    async with opened(url):
        pass


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"appendonly": "yes", "appendfsync": "always"}, "loses nothing that was answered"),
        ({"appendonly": "yes", "appendfsync": "everysec"}, "the last second or two"),
        ({"appendonly": "yes", "appendfsync": "no"}, "its system had not written yet"),
        (
            {"appendonly": "yes", "appendfsync": "always", "no-appendfsync-on-rewrite": "yes"},
            "its system had not written yet",
        ),
        ({"save": "3600 1"}, "everything since its last snapshot"),
        ({}, "keeps nothing on disk"),
    ],
)
async def test_durability_is_what_the_server_is_set_to(
    own: Server,
    admin: Any,
    caplog: pytest.LogCaptureFixture,
    settings: dict[str, str],
    sentence: str,
) -> None:
    for name, value in settings.items():
        admin.config_set(name, value)
    async with opened(own.url) as backend:
        assert sentence in backend.durability
        backend.kv()
        backend.feed()
        assert caplog.text == ""
        backend.ledger()
        backend.ledger()
    warnings = [each for each in caplog.records if each.levelno == logging.WARNING]
    assert len(warnings) == (0 if "loses nothing" in sentence else 1)


async def test_a_server_that_does_not_tell_is_not_vouched_for(
    own: Server, admin: Any, caplog: pytest.LogCaptureFixture
) -> None:
    admin.config_set("appendonly", "yes")
    for name, forbidden in (("managed", "config"), ("mute", "config info")):
        admin.execute_command(
            "ACL", "SETUSER", name, "on", ">x", "~*", "&*", "+@all",
            *(f"-{command}" for command in forbidden.split()),
        )  # fmt: skip
        async with opened(own.url.replace("//", f"//{name}:x@")) as backend:
            assert "is not known" in backend.durability
            assert (await backend.ledger().take([claim(name)]))[0].granted == 1
    assert caplog.text.count("does not tell whether a crash loses counted usage") == 2
    admin.config_set("appendonly", "no")
    async with opened(own.url.replace("//", "//managed:x@")) as backend:
        assert "since its last snapshot" in backend.durability


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-ttl", "allkeys-random"])
@pytest.mark.parametrize("user", ["", "managed2:x@"])
async def test_a_server_that_may_forget_counters_holds_no_ledger(
    own: Server, admin: Any, policy: str, user: str
) -> None:
    admin.execute_command("ACL", "SETUSER", "managed2", "on", ">x", "~*", "&*", "+@all", "-config")
    admin.config_set("maxmemory-policy", policy)
    async with opened(own.url.replace("//", f"//{user}")) as backend:
        with pytest.raises(ConfigurationError, match="noeviction"):
            backend.ledger()
        # A cache may forget, and a feed says so.
        await backend.kv().put("k", b"v", 60)
        assert await backend.kv().get("k") == b"v"


async def test_what_replicas_have_is_part_of_the_sentence(own: Server) -> None:
    async with opened(f"{own.url}?wait=2") as backend:
        assert "; 2 replicas have what" in backend.durability
    async with opened(f"{own.url}?wait=1&timeout=0.8") as backend:
        assert "; a replica has what" in backend.durability
        with pytest.raises(StoreUnavailableError, match="Too few replicas"):
            await backend.ledger().take([claim("w")])


@pytest.mark.parametrize("sync", ["always", "everysec", "no"])
async def test_a_server_that_is_killed_has_what_it_answered(sync: str) -> None:
    server = Server("--appendonly", "yes", "--appendfsync", sync)
    try:
        async with opened(server.url) as backend:
            ledger = backend.ledger()
            await ledger.take([claim(f"l{number}") for number in range(300)])
            if sync == "everysec":
                with server.client() as client:
                    client.execute_command("SET", "later", "")
                    assert client.execute_command("WAITAOF", 1, 0, 10_000) == [1, 0]
            server.kill()
            server.start()
            assert await ledger.usage(["q"]) == [Tally(0, 300)]
    finally:
        server.remove()


async def test_snapshots_lose_what_came_after_them() -> None:
    server = Server("--save", "3600 1")
    try:
        async with opened(server.url) as backend:
            ledger = backend.ledger()
            await ledger.take([claim("a", 3)])
            with server.client() as client:
                client.save()
            await ledger.take([claim("b", 4)])
            server.kill()
            server.start()
            assert await ledger.usage(["q"]) == [Tally(0, 3)]
    finally:
        server.remove()


COUNT = """
import asyncio, sys
from dream_gateway.clock import SystemClock
from dream_gateway.storage import Claim, Quota
from dream_gateway_valkey import library, open_backend

async def main():
    backend = open_backend(sys.argv[1], SystemClock())
    await backend.start()
    for number in range(50):
        lease = f"{sys.argv[2]}{number}"
        await backend.ledger().take([Claim(lease, "q", Quota(100), 1, 1)])
    await backend.close()
    print(library.load().version)

asyncio.run(main())
"""


@pytest.fixture
def another_version(tmp_path: Path) -> Path:
    """A folder with this package, but for a line in its functions."""
    folder = tmp_path / "other"
    package = Path(dream_gateway_valkey.__file__).parent
    shutil.copytree(package, folder / package.name)
    with (folder / package.name / "gcra.lua").open("a") as file:
        file.write("\n-- Another version.\n")
    return folder


def count_together(url: str, folders: dict[str, str]) -> set[str]:
    """Have a process for each name count, with the packages in its folder; return their versions."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", COUNT, url, name],
            env={**os.environ, "PYTHONPATH": folder},
            stdout=subprocess.PIPE,
            text=True,
        )
        for name, folder in folders.items()
    ]
    return {process.communicate(timeout=30)[0].strip() for process in processes}


async def test_two_versions_of_the_functions_count_together(
    own: Server, another_version: Path
) -> None:
    url = f"{own.url}?prefix=versions"
    versions = count_together(url, {"old": "", "new": str(another_version)})
    assert len(versions) == 2
    assert "" not in versions
    async with opened(url) as backend:
        assert await backend.ledger().usage(["q"]) == [Tally(0, 100)]
        assert (await backend.ledger().take([Claim("over", "q", Quota(100), 1, 1)]))[0].granted == 0
    with own.client() as client:
        names = {library[1].decode() for library in client.function_list()}
    assert {f"dream_gateway_{version}" for version in versions} <= names

"""`/auth/{publishableKey}/sign-in` and its like: how often anybody may try; nobody is locked out."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.local.conftest import PASSWORD, Browser

from dream_gateway.errors import OverloadedError
from dream_gateway_local.hasher import NICENESS
from dream_gateway_local.limits import network_of
from dream_gateway_local.options import LocalOptions
from dream_gateway_local.passwords import Passwords

if TYPE_CHECKING:
    from tests.local.conftest import World

ADA = "ada@example.com"
HERE, THERE = "192.0.2.1", "192.0.2.2"


def from_address(world: World, address: str) -> Browser:
    return Browser(world, address)


@pytest.mark.parametrize("options", [{"address_rate": 3, "account_rate": 100}])
async def test_one_address_tries_so_often_and_others_are_not_concerned(world: World) -> None:
    for number in range(3):
        answer = await from_address(world, HERE).sign_in(f"{number}@example.com")
        assert answer.status_code == 422
    answer = await from_address(world, HERE).sign_in("4@example.com")
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) == 20
    assert (await from_address(world, THERE).sign_in("4@example.com")).status_code == 422
    world.clock.advance(21)
    assert (await from_address(world, HERE).sign_in("4@example.com")).status_code == 422


@pytest.mark.parametrize("options", [{"address_rate": 100, "account_rate": 3}])
async def test_guesses_at_an_account_are_slowed_down_and_its_owner_is_not_locked_out(
    world: World,
) -> None:
    owner = await world.user(ADA)
    await owner.open(f"{world.path}/account")
    await owner.send({}, form=1)
    world.clock.advance(60)
    for number in range(3):
        guesser = from_address(world, f"198.51.100.{number}")
        assert (await guesser.sign_in(ADA, "a guess")).status_code == 422
    stranger = from_address(world, THERE)
    assert (await stranger.sign_in(ADA)).status_code == 429
    # Other accounts, and the browser that this one knows, go on.
    assert (await stranger.sign_in("bob@example.com", "a guess")).status_code == 422
    assert (await owner.sign_in(ADA)).status_code == 303


@pytest.mark.parametrize("options", [{"address_rate": 100, "account_rate": 2}])
@pytest.mark.parametrize("page", ["sign-up", "reset"])
async def test_mails_to_one_address_are_bounded_too(world: World, page: str) -> None:
    statuses = []
    for number in range(3):
        browser = from_address(world, f"198.51.100.{number}")
        await browser.open(f"{world.path}/{page}")
        answer = await browser.send({"email": ADA, "new-password": PASSWORD})
        statuses.append(answer.status_code)
    assert statuses == [200, 200, 429]


@pytest.mark.parametrize("options", [{"address_rate": 2}])
async def test_a_tenants_visitors_use_up_nothing_of_another_tenants(world: World) -> None:
    other = await world.neighbour()
    for _ in range(2):
        assert (await from_address(world, HERE).sign_in(ADA)).status_code == 422
    assert (await from_address(world, HERE).sign_in(ADA)).status_code == 429
    assert (await from_address(other, HERE).sign_in(ADA)).status_code == 422


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("nonsense", "unknown"),
        (None, "unknown"),
    ],
)
def test_an_address_counts_as_what_one_subscriber_has(address: str | None, network: str) -> None:
    assert network_of(address) == network


async def test_past_the_bound_of_those_who_wait_nobody_waits() -> None:
    options = LocalOptions(argon2_memory=8, argon2_passes=1, hash_waiting=2)
    passwords = Passwords(options)
    tasks = [asyncio.create_task(passwords.hash(PASSWORD)) for _ in range(5)]
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert [isinstance(each, OverloadedError) for each in outcomes] == [False] * 3 + [True] * 2
    assert await passwords.check(str(outcomes[0]), PASSWORD)
    await passwords.aclose()


async def test_what_hashes_gives_way_and_is_replaced_if_it_dies() -> None:
    passwords = Passwords(LocalOptions(argon2_memory=8, argon2_passes=1))
    hashed = await passwords.hash(PASSWORD)
    (child,) = children()
    assert os.getpriority(os.PRIO_PROCESS, child) == NICENESS
    assert os.sched_getscheduler(child) == os.SCHED_IDLE
    os.kill(child, signal.SIGKILL)
    assert await passwords.check(hashed, PASSWORD)
    assert not await passwords.check(hashed, "another")
    assert not await passwords.check(None, PASSWORD)
    assert children() != [child]
    await passwords.aclose()
    assert children() == []


async def test_a_caller_who_gives_up_leaves_no_answer_for_the_next() -> None:
    passwords = Passwords(LocalOptions(argon2_memory=65_536, argon2_passes=3))
    hashed = await passwords.hash(PASSWORD)
    waiting = asyncio.create_task(passwords.check(hashed, "another"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    waiting.cancel()
    assert await passwords.check(hashed, PASSWORD)
    await passwords.aclose()


def children() -> list[int]:
    """Return the process ids of this process's children."""
    found = Path("/proc/self/task").glob("*/children")
    return [int(pid) for each in found for pid in each.read_text().split()]


async def test_new_parameters_are_told_from_old_ones() -> None:
    old = Passwords(LocalOptions(argon2_memory=8, argon2_passes=1))
    new = Passwords(LocalOptions(argon2_memory=16, argon2_passes=1))
    hashed = await old.hash(PASSWORD)
    assert not old.is_outdated(hashed)
    assert new.is_outdated(hashed)
    assert await new.check(hashed, PASSWORD)
    for each in (old, new):
        await each.aclose()

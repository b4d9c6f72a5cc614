"""`secrets`, against a real SQLite file."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import insert

from dream_gateway.command_stores import open_records
from dream_gateway.records.schema import stripe_tokens
from dream_gateway.records.sealed import ACCESS_TOKEN
from dream_gateway.settings import Settings
from dream_gateway.vault import Vault

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Result

    Command = Callable[..., Any]

VARIABLE = "DREAM_GATEWAY_ENCRYPTION_KEYS"


@pytest.fixture
def sealed(done: Command, store: str, project: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Store a token that is sealed with a key, the only one in the environment; return that key."""
    key: str = done("secrets", "key")["encryptionKey"]
    platform = done("platform", "list")["data"][0]["platformId"]

    async def store_token() -> None:
        async with open_records(Settings(store=store)) as records, records.write("t") as writer:
            row = {
                "id": "stk_1",
                "platform_id": platform,
                "mode": "test",
                "account_id": "acct_1",
                "access_token": Vault([key]).seal(b"token", ACCESS_TOKEN.context("stk_1")),
                "created_at": 0.0,
            }
            await writer.connection.execute(insert(stripe_tokens).values(row))

    asyncio.run(store_token())
    monkeypatch.setenv(VARIABLE, key)
    return key


def test_a_new_key_takes_over_and_the_old_one_can_go(
    done: Command, sealed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (before,) = done("secrets", "list")["data"]
    assert (before["rows"], before["isNewest"]) == (1, True)
    new = done("secrets", "key")["encryptionKey"]
    monkeypatch.setenv(VARIABLE, f"{new},{sealed}")
    (listed,) = done("secrets", "list")["data"]
    assert listed == {**before, "isNewest": False}
    rotated = done("secrets", "rotate")
    assert (rotated["resealed"], rotated["unreadable"]) == (1, [])
    monkeypatch.setenv(VARIABLE, new)
    assert done("secrets", "rotate")["current"] == 1
    (after,) = done("secrets", "list")["data"]
    assert (after["keyId"], after["isNewest"]) == (rotated["keyId"], True)


def test_a_missing_key_is_a_clear_error(
    run: Command, done: Command, sealed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (row,) = done("secrets", "list")["data"]
    monkeypatch.setenv(VARIABLE, done("secrets", "key")["encryptionKey"])
    result = run("secrets", "rotate")
    assert result.code == 1
    assert result.err.startswith("error: encryption_key_missing: ")
    assert (
        f"stripe_tokens.access_token:stk_1: A secret is sealed with the key {row['keyId']}"
        in result.err
    )
    assert sealed not in result.err + result.out


def test_doctor_says_which_keys_are_missing(
    run: Command, done: Command, sealed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (row,) = done("secrets", "list")["data"]
    assert "ok   secrets   1 sealed with 1 keys" in run("doctor").out
    monkeypatch.setenv(VARIABLE, done("secrets", "key")["encryptionKey"])
    result = run("doctor")
    assert result.code == 1
    assert f"put the keys with these ids back into encryption_keys: {row['keyId']}" in result.out


def test_without_a_key_there_is_nothing_to_seal_with(refused: Command) -> None:
    assert refused("secrets", "rotate").startswith("error: configuration_error: ")


@pytest.mark.parametrize("command", [("settings",), ("settings", "--json"), ("doctor",)])
def test_no_command_shows_the_keys(run: Command, sealed: str, command: tuple[str, ...]) -> None:
    result = run(*command)
    assert sealed not in result.out + result.err
    if command[0] == "settings":
        assert "***" in result.out


def test_a_key_is_printed_alone_so_that_a_shell_can_put_it_into_the_environment(
    run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, run("secrets", "key").out.strip())
    assert run("secrets", "list").code == 0

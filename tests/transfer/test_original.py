"""What the system before this one kept goes on working: keys, plans and counts, on each engine."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select
from tests.transfer.original_system import (
    NOW,
    PERIOD_END,
    PERIOD_START,
    PUBLISHABLE_KEY,
    SECRET_KEY,
    Original,
)

from dream_gateway.cli.importing import ROLES
from dream_gateway.command_stores import open_stores
from dream_gateway.encryption_keys import mint_key
from dream_gateway.errors import ConfigurationError, InvalidCredentialError
from dream_gateway.gateway import Gateway
from dream_gateway.model import KeyKind
from dream_gateway.records.schema import events, stripe_tokens, subscriptions
from dream_gateway.records.sealed import ACCESS_TOKEN
from dream_gateway.settings import Settings
from dream_gateway.testing import FakeClock
from dream_gateway.transfer.files import read_files
from dream_gateway.transfer.gathering import gather
from dream_gateway.transfer.importing import Importer
from dream_gateway.transfer.values import instant
from dream_gateway.vault import Vault

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from dream_gateway.transfer.report import Report

SECRET, PUBLISHABLE = frozenset({KeyKind.SECRET}), frozenset({KeyKind.PUBLISHABLE})
VAULT = Vault([mint_key()])

pytestmark = pytest.mark.usefixtures("database")


def clock() -> FakeClock:
    return FakeClock(NOW)


@pytest.fixture
def original(tmp_path: Path) -> Original:
    return Original(tmp_path)


async def imported(store: str, *files: Path, dry: bool = False, vault: Vault = VAULT) -> Report:
    bundles, notes = gather(read_files(files), NOW)
    async with open_stores(Settings(store=store), clock(), ROLES) as (records, stores):
        importer = Importer(records, stores.ledger(), vault, clock(), actor="test", dry=dry)
        report = await importer.run(bundles)
    report.notes += notes
    return report


@asynccontextmanager
async def running(
    store: str, folder: Path, *, imported_keys: bool = True
) -> AsyncIterator[Gateway]:
    settings = Settings(store=store, journal_dir=f"{folder}/journals", imported_keys=imported_keys)
    gateway = Gateway(settings, clock())
    await gateway.start()
    yield gateway
    await gateway.close()


async def used(gateway: Gateway, user: str) -> tuple[str, int, Any]:
    _, project = await gateway.admission.holders.project_of(SECRET_KEY, SECRET)
    verdict = await gateway.admission.usage(project, user)
    assert verdict.tier is not None
    assert verdict.usage is not None
    return verdict.tier.name, verdict.usage.used, verdict.usage


@pytest.mark.parametrize("kind", ["sqlite", "dump"])
async def test_keys_plans_and_counts_are_kept(
    store: str, original: Original, tmp_path: Path, kind: str
) -> None:
    report = await imported(store, getattr(original, kind)())
    assert report.refused == []
    assert +report.created == {
        "platform": 1, "stripeAccount": 1, "event": 1, "project": 1, "tier": 2, "customer": 3,
        "key": 2, "subscription": 1, "usage": 2,
    }  # fmt: skip
    assert "api_keys: not imported are the columns legacy." in report.notes
    async with running(store, tmp_path) as gateway:
        credential, project = await gateway.admission.holders.project_of(SECRET_KEY, SECRET)
        _, same = await gateway.admission.holders.project_of(PUBLISHABLE_KEY, PUBLISHABLE)
        assert (credential.kind, project.id, project.mode) == (KeyKind.SECRET, same.id, "live")
        plan, count, usage = await used(gateway, "ada")
        assert (plan, count, usage.remaining) == ("free", 97, 3)
        assert (usage.period.start, usage.period.end) == (
            instant(PERIOD_START),
            instant(PERIOD_END),
        )
        assert (await used(gateway, "alan"))[:2] == ("free", 5)
        # A subscription that is active gives the tier; the count of a period that is over is none.
        assert (await used(gateway, "grace"))[:2] == ("pro", 0)
        for fits in (True, True, True, False):
            assert (await gateway.admission.track(project, "ada", 1, None)).allowed is fits


async def test_a_second_import_counts_and_makes_nothing(
    store: str, original: Original, tmp_path: Path
) -> None:
    file = original.sqlite()
    first = await imported(store, file)
    second = await imported(store, file)
    assert (+second.created, second.kept) == ({}, first.created)
    async with running(store, tmp_path) as gateway:
        assert (await used(gateway, "ada"))[1] == 97


async def test_a_dry_run_does_nothing_and_says_all(store: str, original: Original) -> None:
    file = original.sqlite()
    planned = await imported(store, file, dry=True)
    done = await imported(store, file)
    assert +planned.created == +done.created
    assert (await imported(store, file, dry=True)).kept["customer"] == 3


async def test_tokens_are_sealed_and_subscriptions_and_events_are_kept(
    store: str, original: Original
) -> None:
    await imported(store, original.sqlite())
    async with open_stores(Settings(store=store), clock()) as (records, _), records.read() as read:
        (token,) = (await read.execute(select(stripe_tokens))).all()
        (subscription,) = (await read.execute(select(subscriptions))).all()
        (event,) = (await read.execute(select(events))).all()
    assert b"token-to-seal" not in token.access_token
    assert VAULT.open(token.access_token, ACCESS_TOKEN.context(token.id)) == b"token-to-seal"
    assert (subscription.status, subscription.subscription_id) == ("active", "sub_1")
    assert (event.event_id, event.type) == ("evt_1", "invoice.paid")


async def test_without_an_encryption_key_a_platform_with_tokens_stays_out(
    store: str, original: Original
) -> None:
    report = await imported(store, original.sqlite(), vault=Vault([]))
    assert "encryption_keys" in report.refused[0].reason
    assert +report.created == {}


async def test_a_project_with_a_refused_row_stays_out_whole(
    store: str, original: Original, tmp_path: Path
) -> None:
    other = "pk_live_" + "a" * 30
    for table, rows in list(original.tables.items()):
        extra = [{**row, "publishableKey": other} for row in rows if "publishableKey" in row]
        original.tables[table] = rows + extra
    original.tables["api_keys"][1]["secretKeyHash"] = "0" * 64
    bad = next(row for row in original.tables["usage_counts"] if row["publishableKey"] == other)
    bad["usageCount"] = "many"
    report = await imported(store, original.sqlite())
    assert [refusal.place for refusal in report.refused] == ["usage_counts row 4"]
    assert "'many'" in report.refused[0].reason
    assert report.left_out == [report.refused[0].owner]
    assert (report.created["project"], report.created["customer"]) == (1, 3)
    async with running(store, tmp_path) as gateway:
        assert (await used(gateway, "ada"))[1] == 97
        with pytest.raises(InvalidCredentialError):
            await gateway.admission.holders.project_of(other, PUBLISHABLE)


@pytest.mark.parametrize(
    ("cell", "value", "reason"),
    [
        ("end_users 0 plan", "gold", "tier 'gold'"),
        ("end_users 0 userId", None, "has no userId"),
        ("api_keys 0 secretKeyHash", "abc", "no SHA-256"),
        ("tiers 0 limit", -5, "limit that cannot be"),
        ("tiers 1 price", "dear", "price that is none"),
        ("tiers 1 name", "free", "a second tier"),
        ("subscriptions 0 currentPeriodEnd", "soon", "time that cannot be read"),
        ("usage_counts 0 usageCount", -1, "count below zero"),
        ("end_users 1 userId", "ada", "is there twice"),
    ],
)
async def test_each_refused_row_says_why_and_keeps_its_project_out(
    tmp_path: Path, original: Original, cell: str, value: object, reason: str
) -> None:
    table, number, column = cell.split()
    original.tables[table][int(number)][column] = value
    report = await imported(f"sqlite:///{tmp_path}/dream.db", original.sqlite())
    assert reason in report.refused[0].reason
    assert report.refused[0].place == f"{table} row {int(number) + 1}"
    assert report.created["project"] == 0


async def test_a_row_of_no_project_is_told_and_keeps_nobody_out(
    tmp_path: Path, original: Original
) -> None:
    original.tables["usage_counts"][2]["publishableKey"] = "pk_live_gone"
    report = await imported(f"sqlite:///{tmp_path}/dream.db", original.sqlite())
    (refusal,) = report.refused
    assert refusal.reason.startswith("belongs to no project")
    assert report.created["project"] == 1


async def test_optional_columns_and_tables_may_be_missing(
    tmp_path: Path, original: Original
) -> None:
    """Names in another spelling, too."""
    whole = original.tables
    original.tables = {
        "api_keys": [
            {
                "PUBLISHABLE_KEY": PUBLISHABLE_KEY,
                "platform_id": "plt_old",
                "secret_key_hash": whole["api_keys"][0]["secretKeyHash"],
            }
        ],
        "tiers": [{"platform_id": "plt_old", "name": "only", "monthly_limit": 10}],
    }
    report = await imported(f"sqlite:///{tmp_path}/dream.db", original.sqlite())
    assert report.refused == []
    assert +report.created == {"platform": 1, "project": 1, "tier": 1, "key": 2}


@pytest.mark.parametrize(
    ("table", "column"), [("api_keys", "secretKeyHash"), ("tiers", "limit"), ("events", "eventId")]
)
def test_a_missing_column_that_must_be_is_named(
    original: Original, table: str, column: str
) -> None:
    for row in original.tables[table]:
        del row[column]
    with pytest.raises(ConfigurationError, match=f"The table {table} has no column {column}"):
        read_files([original.sqlite()])


async def test_a_kv_export_adds_what_the_tables_lack_and_later_counts(
    store: str, original: Original, tmp_path: Path
) -> None:
    pairs = {
        f"usage:{PUBLISHABLE_KEY}:ada": {
            "usageCount": 99, "periodStart": PERIOD_START, "periodEnd": PERIOD_END,
        },
        f"user:{PUBLISHABLE_KEY}:linus": {"plan": "pro"},
        "ratelimit:ada": 3,
    }  # fmt: skip
    report = await imported(store, original.sqlite(), original.kv(pairs))
    assert report.refused == []
    assert "1 pairs of the KV export" in " ".join(report.notes)
    async with running(store, tmp_path) as gateway:
        assert (await used(gateway, "ada"))[1] == 99
        assert (await used(gateway, "linus"))[0] == "pro"


async def test_keys_of_another_shape_are_refused_unless_they_are_awaited(
    tmp_path: Path, original: Original
) -> None:
    store = f"sqlite:///{tmp_path}/dream.db"
    await imported(store, original.sqlite())
    async with running(store, tmp_path, imported_keys=False) as gateway:
        with pytest.raises(InvalidCredentialError):
            await gateway.admission.holders.project_of(SECRET_KEY, SECRET)
    async with running(store, tmp_path) as gateway:
        for secret, kinds in ((SECRET_KEY, PUBLISHABLE), (SECRET_KEY + "x", SECRET)):
            with pytest.raises(InvalidCredentialError):
                await gateway.admission.holders.project_of(secret, kinds)
        assert not (await gateway.admission.key(SECRET_KEY, 1)).allowed

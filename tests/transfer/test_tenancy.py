"""An import stays in its own platform: what it names of another's keeps it out, and changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from dream_gateway.administration import Administration
from dream_gateway.cli.importing import ROLES
from dream_gateway.command_stores import open_stores
from dream_gateway.model import Mode
from dream_gateway.settings import Settings
from dream_gateway.testing import FakeClock
from dream_gateway.tierspec import parse_tier
from dream_gateway.transfer.bundles import Bundles, Line
from dream_gateway.transfer.exporting import Exporter
from dream_gateway.transfer.importing import Importer
from dream_gateway.vault import Vault

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    Document = list[dict[str, Any]]


class Two:
    """Two platforms in one store, each with a customer who has a key."""

    def __init__(self, records: Any, ledger: Any) -> None:
        self.records = records
        self.ledger = ledger
        self.platforms: list[str] = []

    async def make(self, name: str) -> None:
        admin = Administration(self.records)
        made = await admin.create_platform(name, Mode.TEST, [parse_tier("free=5/day")], [])
        await admin.create_customer(made.project.id, "ada", None)
        await admin.create_key(made.project.id, "ada")
        self.platforms.append(made.project.platform_id)

    async def get(self, number: int) -> Document:
        async with self.records.read() as connection:
            exporter = Exporter(connection, self.ledger, FakeClock().now(), digests=True)
            return [line async for line in exporter.lines(self.platforms[number])]

    async def put(self, document: Document) -> list[str]:
        """Import, and return the reasons for what was refused."""
        bundles = Bundles()
        bundles.add_all(Line(f"line {n}", line) for n, line in enumerate(document, 1))
        importer = Importer(
            self.records, self.ledger, Vault([]), FakeClock(), actor="test", dry=False
        )
        report = await importer.run(bundles)
        return [refusal.reason for refusal in report.refused]


@pytest.fixture
async def two(store: str) -> AsyncIterator[Two]:
    async with open_stores(Settings(store=store), FakeClock(), ROLES) as (records, stores):
        made = Two(records, stores.ledger())
        await made.make("mine")
        await made.make("theirs")
        yield made


def renamed(document: Document, kinds: tuple[str, ...]) -> Document:
    """Return a document with other ids of its own, but for those of the lines of some kinds."""
    ids = {
        line["id"]: f"{line['id']}x"
        for line in document
        if "id" in line and line["record"] not in kinds
    }
    return [
        {k: ids.get(v, v) if isinstance(v, str) else v for k, v in line.items()}
        for line in document
    ]


@pytest.mark.parametrize(
    ("kinds", "digests", "reason"),
    [
        (("project",), "00", "has a id that is taken"),
        (("customer",), "00", "has a id that is taken"),
        (("key",), "00", "has a id that is taken"),
        ((), "", "has a digest that is taken"),
    ],
)
async def test_an_import_cannot_touch_what_is_somebody_elses(
    two: Two, kinds: tuple[str, ...], digests: str, reason: str
) -> None:
    theirs = await two.get(1)
    document = renamed(theirs, kinds)
    for line in document:
        if digests and line["record"] == "key":
            line["digest"] = digests + line["digest"][2:]
    reasons = await two.put(document)
    assert reason in reasons
    assert await two.get(1) == theirs


async def test_a_key_or_a_count_for_a_customer_of_another_project_is_refused(two: Two) -> None:
    mine, theirs = await two.get(0), await two.get(1)
    (stranger,) = [line["id"] for line in theirs if line["record"] == "customer"]
    (own,) = [line["id"] for line in mine if line["record"] == "project"]
    key = next(line for line in mine if line["record"] == "key" and line["customerId"])
    wrong: Document = [
        {**key, "id": "key_new", "digest": "1" * 64, "customerId": stranger},
        {
            "record": "usage",
            "projectId": own,
            "customerId": stranger,
            "name": "quota",
            "interval": "lifetime",
            "periodStart": 0,
            "periodEnd": None,
            "used": 5,
        },
    ]
    for line in wrong:
        assert await two.put([*mine, line]) == ["names a customer that is not of its project"]
    assert (await two.get(0), await two.get(1)) == (mine, theirs)

"""Writes the bundles of an import, each whole or not at all; what is there already stays as it is.

The ledger is charged first, by events whose keys are those of the counters, and then the records are
written: so nobody has a key before what they used is counted, and an import that was broken off, or
is run again, counts nothing twice.
"""

from __future__ import annotations

from collections import Counter
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, tuple_

from dream_gateway.errors import ConflictError
from dream_gateway.keys import id_from
from dream_gateway.records.schema import end_users, projects
from dream_gateway.storage import Change, Charge, Event, Outcome, Quota, Subject
from dream_gateway.transfer.parts import (
    CUSTOMER,
    LEFT_OUT,
    OF_A_PLATFORM,
    OF_A_PROJECT,
    PROJECT,
    camel,
)
from dream_gateway.transfer.report import Refusal, Report

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from sqlalchemy import RowMapping
    from sqlalchemy.ext.asyncio import AsyncConnection

    from dream_gateway.clock import Clock
    from dream_gateway.records.database import Records, Writer
    from dream_gateway.storage import Ledger
    from dream_gateway.transfer.bundles import Bundle, Bundles, Row, UsageRow
    from dream_gateway.transfer.parts import Part
    from dream_gateway.vault import Vault

AT_ONCE = 500
"""Rows looked up, written or charged in one statement."""

GLOBAL = frozenset({"id", "digest"})
"""Columns that tell rows apart whoever they belong to; the others do among those of one owner."""


class Importer:
    """Imports bundles for one actor; `dry`: finds out what would be done, and does nothing."""

    def __init__(
        self, records: Records, ledger: Ledger, vault: Vault, clock: Clock, *, actor: str, dry: bool
    ) -> None:
        self._records = records
        self._ledger = ledger
        self._vault = vault
        self._clock = clock
        self._actor = actor
        self._dry = dry
        self._missing: set[str] = set()
        """Platforms and projects that were refused."""

    async def run(self, bundles: Bundles) -> Report:
        """Import all bundles but those in which a line is refused, and those that need one of these."""
        report = Report(refused=list(bundles.stray))
        for bundle in bundles.each():
            try:
                await self._import(bundle, report)
            except ConflictError as exc:
                # Somebody wrote the same between our look and our write.
                bundle.refused.append(Refusal(bundle.owner, bundle.owner, exc.detail))
            if bundle.refused:
                report.refused += bundle.refused
                report.left_out.append(bundle.owner)
                self._missing.add(bundle.owner)
        return report

    async def _import(self, bundle: Bundle, report: Report) -> None:
        """Import one bundle, or add to its refusals."""
        async with self._records.read() as connection:
            fresh = await self._look(connection, bundle)
        current = [each for each in bundle.usage if not _is_over(each, self._clock.now())]
        if bundle.refused:
            return
        outcomes = await self._charge(bundle, current)
        if not self._dry:
            await self._write(bundle, fresh)
        for part, rows in fresh.items():
            report.created[part.kind] += len(rows)
            report.kept[part.kind] += len(bundle.rows.get(part.kind, [])) - len(rows)
        report.created["usage"] += outcomes[Outcome.RECORDED]
        report.kept["usage"] += outcomes[Outcome.DUPLICATE] + outcomes[Outcome.CONFLICT]
        if outcomes[Outcome.CONFLICT]:
            report.notes.append(
                f"{bundle.owner}: {outcomes[Outcome.CONFLICT]} counts were imported before with "
                "other numbers, and stay as they were."
            )
        if len(current) < len(bundle.usage):
            count = len(bundle.usage) - len(current)
            report.notes.append(f"{bundle.owner}: {count} counts are of periods that are over.")

    async def _look(self, connection: AsyncConnection, bundle: Bundle) -> dict[Part, list[Row]]:
        """Return the rows to create, part by part; add to the refusals what cannot be."""
        if bundle.platform in self._missing:
            _refuse(bundle, bundle.owner, f"its platform {bundle.platform} is refused")
        fresh = {}
        for part in OF_A_PLATFORM if bundle.project is None else OF_A_PROJECT:
            rows = bundle.rows.get(part.kind, [])
            kept = await _kept(connection, part, bundle, rows)
            fresh[part] = [row for row in rows if row.place not in kept]
            if part.sealed and not self._vault.is_usable:
                self._refuse_secrets(part, bundle, fresh[part])
        if bundle.project is not None:
            await self._check_references(connection, bundle)
        return fresh

    def _refuse_secrets(self, part: Part, bundle: Bundle, rows: Sequence[Row]) -> None:
        for row in rows:
            if any(row.values[column.column.name] is not None for column in part.sealed):
                _refuse(
                    bundle, row.place, "holds a secret, and encryption_keys has no key to seal it"
                )

    async def _check_references(self, connection: AsyncConnection, bundle: Bundle) -> None:
        """Refuse rows that name a customer or project which is not of the same owner."""
        known = {row.values["id"] for row in bundle.rows.get(CUSTOMER.kind, [])}
        named = [
            (row.place, row.values["customer_id"])
            for part in OF_A_PROJECT
            if part.of_customer
            for row in bundle.rows.get(part.kind, [])
            if row.values["customer_id"] is not None
        ]
        named += [(u.place, u.customer) for u in bundle.usage if u.customer is not None]
        asked = sorted({customer for _, customer in named} - known)
        for chunk in _chunks(asked):
            query = select(end_users.c.id).where(
                end_users.c.id.in_(chunk), end_users.c.project_id == bundle.project
            )
            known |= set((await connection.execute(query)).scalars())
        for place, customer in named:
            if customer not in known:
                _refuse(bundle, place, "names a customer that is not of its project")
        for row in bundle.rows.get(PROJECT.kind, []):
            await self._check_origin(connection, bundle, row)

    async def _check_origin(self, connection: AsyncConnection, bundle: Bundle, row: Row) -> None:
        source = row.values["promoted_from"]
        if source is None or (self._dry and source not in self._missing):
            return
        query = select(projects.c.id).where(
            projects.c.id == source, projects.c.platform_id == bundle.platform
        )
        if (await connection.execute(query)).first() is None:
            _refuse(bundle, row.place, "was made from a project that is not of its platform")

    async def _charge(self, bundle: Bundle, usage: Sequence[UsageRow]) -> Counter[Outcome]:
        """Charge what was used, once for each counter; of a dry run, say that all would be."""
        if self._dry:
            return Counter({Outcome.RECORDED: len(usage)})
        outcomes: Counter[Outcome] = Counter()
        for chunk in _chunks(usage):
            events = [_event(bundle, each, self._clock.now()) for each in chunk]
            outcomes.update(done.outcome for done in await self._ledger.record(events))
        return outcomes

    async def _write(self, bundle: Bundle, fresh: dict[Part, list[Row]]) -> None:
        """Write one bundle's new rows in one transaction, and tell running workers."""
        if not any(fresh.values()):
            return
        async with self._records.write(self._actor) as writer:
            for part, rows in fresh.items():
                for chunk in _chunks([self._stored(part, row, writer.now) for row in rows]):
                    await writer.connection.execute(insert(part.table), chunk)
            counts = {part.kind: len(rows) for part, rows in fresh.items() if rows}
            await _announce(writer, bundle, counts)

    def _stored(self, part: Part, row: Row, now: float) -> dict[str, Any]:
        """Return what is stored of a row: its secrets sealed."""
        left_out = [column for column in part.table.columns if column.name in LEFT_OUT]
        values: dict[str, Any] = {column.name: None for column in left_out if column.nullable}
        values |= row.values
        if part is CUSTOMER:
            # What they used before is for whoever counted it to bill.
            values["plan_since"] = now
        for column in part.sealed:
            secret = values[column.column.name]
            if secret is not None:
                context = column.context(values[column.id.name])
                values[column.column.name] = self._vault.seal(secret.encode(), context)
        return values


async def _announce(writer: Writer, bundle: Bundle, counts: dict[str, int]) -> None:
    platform, project = bundle.platform, bundle.project
    if project is None:
        await writer.audit("platform.import", platform, {"created": counts}, platform=platform)
        return
    details = {"created": counts}
    await writer.changed(Subject.PROJECT, project, "project.import", details, platform=platform)
    writer.changes.append(Change(Subject.TIER, project))


async def _kept(
    connection: AsyncConnection, part: Part, bundle: Bundle, rows: Sequence[Row]
) -> set[str]:
    """Return the places of rows that are there already; add to the refusals those that clash."""
    kept: set[str] = set()
    for number, names in enumerate(part.unique):
        shown = " and ".join(camel(name) for name in names)
        by_value: dict[tuple[object, ...], Row] = {}
        for row in rows:
            value = _values(row.values, names)
            if None not in value and by_value.setdefault(value, row) is not row:
                _refuse(bundle, row.place, f"has the same {shown} as {by_value[value].place}")
        async for found in _found(connection, part, bundle, names, list(by_value)):
            row = by_value[_values(found, names)]
            if _is_same(part, found, row):
                kept.add(row.place)
            elif number == 0 or row.place not in kept:
                _refuse(bundle, row.place, f"has a {shown} that is taken")
    return kept


def _values(row: Any, names: tuple[str, ...]) -> tuple[object, ...]:
    return tuple(row[name] for name in names)


def _is_same(part: Part, found: Any, row: Row) -> bool:
    names = (part.owner, *part.unique[0])
    return _values(found, names) == _values(row.values, names)


async def _found(
    connection: AsyncConnection,
    part: Part,
    bundle: Bundle,
    names: tuple[str, ...],
    values: Sequence[tuple[object, ...]],
) -> AsyncIterator[RowMapping]:
    """Yield the stored rows that have one of these values where it must be unlike any other's."""
    table = part.table
    for chunk in _chunks(values):
        query = select(table).where(tuple_(*(table.c[name] for name in names)).in_(chunk))
        if GLOBAL.isdisjoint(names):
            query = query.where(table.c[part.owner] == bundle.owner)
            if "deleted_at" in table.c:
                query = query.where(table.c.deleted_at.is_(None))
        for found in (await connection.execute(query)).mappings():
            yield found


def _event(bundle: Bundle, usage: UsageRow, now: float) -> Event:
    fingerprint = sha256(f"{usage.counter} {usage.used}".encode()).hexdigest()
    return Event(
        id=id_from("evt", "import", usage.counter),
        scope=bundle.owner,
        key=f"import {id_from('use', usage.counter)}",
        fingerprint=fingerprint,
        subject=usage.customer or bundle.owner,
        cost=usage.used,
        # What was used was used, whatever the limit is now.
        charges=(Charge(usage.counter, Quota(None, usage.end)),),
        at=now,
    )


def _is_over(usage: UsageRow, now: float) -> bool:
    return usage.end is not None and usage.end <= now


def _refuse(bundle: Bundle, place: str, reason: str) -> None:
    bundle.refused.append(Refusal(place, bundle.owner, reason))


def _chunks(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for at in range(0, len(values), AT_ONCE):
        yield values[at : at + AT_ONCE]

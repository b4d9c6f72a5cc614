"""The tables of the system before this one, as lines of an export.

There, a project was a row of `api_keys`, and everything else named it by its publishable key. Ids that
it did not have are made from what it had, so that they come out the same each time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from dream_gateway.keys import digest, id_from, last4_of, prefix_of
from dream_gateway.model import Mode, Tier
from dream_gateway.periods import period
from dream_gateway.transfer import values
from dream_gateway.transfer.bundles import USAGE, Line
from dream_gateway.transfer.original_tiers import default_of, tier_of
from dream_gateway.transfer.parts import RECORD, Unfit
from dream_gateway.transfer.report import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from dream_gateway.transfer.columns import Entry, Found

    Rows = Iterable[tuple[str, Entry]]

ENTITLING = ("active", "trialing", "past_due")
"""The states of a subscription in which a customer has its tier."""

WORKING = ("", "active", "enabled")
"""The states in which a platform or a key works."""


@dataclass(slots=True)
class Project:
    """What is known of a project: `plans` and `begun` are of its customers, by their external ids."""

    id: str
    platform: str
    mode: str
    tiers: dict[str, Tier] = field(default_factory=dict)
    default_tier: str = ""
    plans: dict[str, str] = field(default_factory=dict)
    begun: dict[str, float] = field(default_factory=dict)
    people: dict[str, tuple[str, Entry]] = field(default_factory=dict)

    def customer(self, user: str) -> str:
        """Return the id of a customer."""
        return id_from("cus", self.id, user)


class Conversion:
    """Converts tables to lines, as of `now`; use it once. `refused` are rows that cannot be."""

    def __init__(self, tables: Mapping[str, Found], now: float) -> None:
        self._tables = tables
        self._now = now
        self._projects: dict[str, Project] = {}
        self.lines: list[Line] = []
        self.refused: list[Refusal] = []

    def run(self) -> list[Line]:
        """Return the lines of all rows but those that are refused."""
        self._each(self._platforms(), self._platform)
        self._each(self._rows("api_keys"), self._gather)
        self._each(self._rows("tiers"), self._tier)
        self._each(self._rows("api_keys"), self._project)
        self._each(self._rows("stripe_tokens"), self._token)
        self._each(self._rows("events"), self._event)
        self._each(self._rows("subscriptions"), self._note_subscription)
        self._each(self._rows("usage_counts"), self._note_usage)
        self._each(self._rows("end_users"), self._note_user)
        for project in self._projects.values():
            self._each(project.people.values(), self._customer)
        self._each(self._rows("usage_counts"), self._usage)
        self._each(self._rows("subscriptions"), self._subscription)
        return self.lines

    def _each(self, rows: Rows, convert: Callable[[str, Entry], None]) -> None:
        refused = {refusal.place for refusal in self.refused}
        for place, entry in rows:
            if place in refused:
                continue
            try:
                convert(place, entry)
            except Unfit as exc:
                self.refused.append(Refusal(place, self._owner(entry), str(exc)))

    def _rows(self, table: str) -> list[tuple[str, Entry]]:
        found = self._tables.get(table)
        return [] if found is None else found.rows

    def _owner(self, entry: Entry) -> str:
        project = self._projects.get(str(entry.get("publishableKey")))
        return project.id if project else str(entry.get("platformId") or "-")

    def _add(self, place: str, record: str, **fields: object) -> None:
        self.lines.append(Line(place, {RECORD: record, **fields}))

    def _platforms(self) -> list[tuple[str, Entry]]:
        """Return the platforms; one that only a key names is there, too."""
        found = {
            str(entry.get("platformId")): (place, entry) for place, entry in self._rows("platforms")
        }
        for place, entry in self._rows("api_keys"):
            name = values.text(entry.get("platformId"))
            if name is not None:
                found.setdefault(name, (f"{place}, its platform", {"platformId": name}))
        return list(found.values())

    def _platform(self, place: str, entry: Entry) -> None:
        name = _needed(entry, "platformId")
        self._add(
            place,
            "platform",
            id=name,
            name=values.text(entry.get("name")) or name,
            suspended=not _works(entry),
            createdAt=self._created(entry),
        )

    def _gather(self, place: str, entry: Entry) -> None:
        del place
        key = _needed(entry, "publishableKey")
        if key in self._projects:
            raise Unfit("has a publishableKey that is there twice")
        mode = values.text(entry.get("mode")) or (Mode.LIVE if "_live_" in key else Mode.TEST)
        self._projects[key] = Project(
            id_from("prj", key), _needed(entry, "platformId"), mode.lower()
        )

    def _tier(self, place: str, entry: Entry) -> None:
        """Put a tier on its project, or on all of its platform's."""
        key, platform = (
            values.text(entry.get("publishableKey")),
            values.text(entry.get("platformId")),
        )
        if key is not None:
            owners = [self._found(entry)]
        else:
            owners = [each for each in self._projects.values() if each.platform == platform]
        if not owners:
            raise Unfit("belongs to no project")
        tier = tier_of(entry)
        for project in owners:
            if tier.name in project.tiers and key is not None:
                raise Unfit(f"is a second tier {tier.name!r}")
            project.tiers.setdefault(tier.name, tier)
            definition = msgspec.to_builtins(tier)
            self._add(place, "tier", projectId=project.id, name=tier.name, definition=definition)

    def _project(self, place: str, entry: Entry) -> None:
        """Add a project, its publishable key and its secret key."""
        key = _needed(entry, "publishableKey")
        project = self._projects[key]
        project.default_tier = values.text(entry.get("defaultTier")) or default_of(project.tiers)
        created, name = self._created(entry), values.text(entry.get("name")) or project.mode
        self._add(
            place,
            "project",
            id=project.id,
            platformId=project.platform,
            name=name,
            mode=project.mode,
            defaultTier=project.default_tier,
            alignment="anniversary",
            allowances=[],
            publishableKey=key,
            createdAt=created,
            type=values.text(entry.get("projectType")) or "saas",
            branding={},
        )
        secret = _digest(entry)
        both = {
            "projectId": project.id,
            "name": "",
            "scopes": [],
            "status": "active" if _works(entry) else "revoked",
            "allowedIps": [],
            "metadata": {},
            "createdAt": created,
        }
        shown = {"kind": "pk", "prefix": prefix_of(key), "last4": last4_of(key)}
        hidden = {"kind": "sk", "prefix": f"sk_{project.mode}_", "last4": ""}
        for hashed, own in ((digest(key).hex(), shown), (secret, hidden)):
            self._add(place, "key", id=id_from("key", hashed), digest=hashed, **own, **both)

    def _token(self, place: str, entry: Entry) -> None:
        platform = _needed(entry, "platformId")
        mode = (values.text(entry.get("mode")) or Mode.LIVE).lower()
        self._add(
            place,
            "stripeAccount",
            id=id_from("stk", platform, mode),
            platformId=platform,
            mode=mode,
            accountId=_needed(entry, "stripeUserId"),
            scope=values.text(entry.get("scope")),
            accessToken=values.text(entry.get("accessToken")),
            refreshToken=values.text(entry.get("refreshToken")),
            createdAt=self._created(entry),
        )

    def _event(self, place: str, entry: Entry) -> None:
        self._add(
            place,
            "event",
            platformId=_needed(entry, "platformId"),
            eventId=_needed(entry, "eventId"),
            type=values.text(entry.get("type")),
            at=self._created(entry),
        )

    def _note_user(self, place: str, entry: Entry) -> None:
        """Note a customer, and the tier that their own row says."""
        project, user = self._found(entry), _needed(entry, "userId")
        if user in project.people and project.people[user][0].startswith(("end_users", "KV user")):
            raise Unfit("is there twice")
        project.people[user] = (place, entry)
        plan = values.text(entry.get("plan"))
        if plan is not None:
            project.plans[user] = plan

    def _note_usage(self, place: str, entry: Entry) -> None:
        """Note since when the period of a customer is, and the tier that their count is for."""
        project, user = self._found(entry), _needed(entry, "userId")
        project.people.setdefault(user, (place, entry))
        values.whole(entry["usageCount"])
        end, start = (
            values.instant(entry.get("periodEnd")),
            values.instant(entry.get("periodStart")),
        )
        if end is not None and end <= self._now:
            return
        if start is not None:
            project.begun[user] = start
        plan = values.text(entry.get("plan"))
        if plan is not None:
            project.plans[user] = plan

    def _note_subscription(self, place: str, entry: Entry) -> None:
        """Note the tier that a subscription gives."""
        project, user = self._found(entry), _needed(entry, "userId")
        project.people.setdefault(user, (place, entry))
        plan = values.text(entry.get("plan"))
        if plan is not None and str(entry["status"]).lower() in ENTITLING:
            project.plans[user] = plan

    def _customer(self, place: str, entry: Entry) -> None:
        project, user = self._found(entry), _needed(entry, "userId")
        plan = project.plans.get(user, project.default_tier)
        if plan not in project.tiers:
            raise Unfit(f"is on the tier {plan!r}, which its project does not have")
        own = entry if place.startswith(("end_users", "KV user")) else {}
        created = self._created(own)
        self._add(
            place,
            "customer",
            id=project.customer(user),
            projectId=project.id,
            externalId=user,
            plan=plan,
            anchor=project.begun.get(user, created),
            createdAt=created,
            email=values.text(own.get("email")),
            firstName=values.text(own.get("firstName")),
            lastName=values.text(own.get("lastName")),
            metadata=values.mapping(own.get("metadata")),
        )

    def _usage(self, place: str, entry: Entry) -> None:
        """Add a count of the period that is now; what is of another is history."""
        project, user = self._found(entry), _needed(entry, "userId")
        used, end = values.whole(entry["usageCount"]), values.instant(entry.get("periodEnd"))
        if used < 0:
            raise Unfit("has a count below zero")
        tier = project.tiers.get(project.plans.get(user, project.default_tier))
        if (
            used == 0
            or (end is not None and end <= self._now)
            or tier is None
            or tier.quota is None
        ):
            return
        place_of_user, row = project.people[user]
        own = row if place_of_user.startswith(("end_users", "KV user")) else {}
        anchor = project.begun.get(user, self._created(own))
        interval = tier.quota.interval
        span = period(anchor, interval, max(self._now, anchor))
        self._add(
            place,
            USAGE,
            projectId=project.id,
            customerId=project.customer(user),
            name="quota",
            interval=interval.value,
            periodStart=span.start,
            periodEnd=span.end,
            used=used,
        )

    def _subscription(self, place: str, entry: Entry) -> None:
        project, user = self._found(entry), _needed(entry, "userId")
        name = _needed(entry, "subscriptionId")
        self._add(
            place,
            "subscription",
            id=id_from("sub", project.id, name),
            projectId=project.id,
            customerId=project.customer(user),
            subscriptionId=name,
            stripeCustomerId=values.text(entry.get("stripeCustomerId")),
            plan=values.text(entry.get("plan")),
            priceId=values.text(entry.get("priceId")),
            status=_needed(entry, "status").lower(),
            periodStart=values.instant(entry.get("currentPeriodStart")),
            periodEnd=values.instant(entry.get("currentPeriodEnd")),
            cancelAt=values.instant(entry.get("cancelAt")),
            createdAt=self._created(entry),
        )

    def _found(self, entry: Entry) -> Project:
        project = self._projects.get(_needed(entry, "publishableKey"))
        if project is None:
            raise Unfit("belongs to no project: its publishableKey is in no row of api_keys")
        return project

    def _created(self, entry: Entry) -> float:
        created = values.instant(entry.get("createdAt"))
        return self._now if created is None else created


def _needed(entry: Entry, name: str) -> str:
    value = values.text(entry.get(name))
    if value is None:
        raise Unfit(f"has no {name}")
    return value


def _works(entry: Entry) -> bool:
    return str(entry.get("status") or "").lower() in WORKING


def _digest(entry: Entry) -> str:
    """Return the SHA-256 digest of a secret key, in hexadecimal, as which it was written or as bytes."""
    found: Any = entry.get("secretKeyHash")
    text = found.hex() if isinstance(found, bytes) else str(found or "").strip().lower()
    if len(text) == 64 and all(each in "0123456789abcdef" for each in text):
        return text
    raise Unfit("has a secretKeyHash that is no SHA-256 in hexadecimal")

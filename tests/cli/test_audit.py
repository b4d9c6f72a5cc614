"""`audit`, against a real SQLite file."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    Command = Callable[..., Any]


def entries(done: Command, *filters: str) -> list[dict[str, Any]]:
    data: list[dict[str, Any]] = done("audit", *filters)["data"]
    return data


def test_everything_is_listed_with_whose_it_is_newest_first(done: Command, project: str) -> None:
    done("customer", "create", "--project", project, "--id", "ada")
    key = done("key", "create", "--project", project, "--customer", "ada")["keyId"]
    done("key", "revoke", key)
    found = entries(done)
    actions = [entry["action"] for entry in found]
    assert actions[:3] == ["key.revoke", "key.create", "customer.create"]
    made = Counter(actions[3:])
    assert made == {"tier.set": 2, "key.create": 2, "project.create": 1, "platform.create": 1}
    assert {entry["actor"] for entry in found} == {"operator"}
    for entry in found:
        assert entry["projectId"] == (None if entry["action"] == "platform.create" else project)
    (platform,) = {entry["platformId"] for entry in found}
    assert platform.startswith("plt_")
    assert found[0]["object"] == key
    assert found[0]["details"] == {
        "changed": ["status"],
        "before": {"status": "active"},
        "after": {"status": "revoked"},
    }


def test_filters_narrow_it(done: Command, project: str) -> None:
    other = done("platform", "create", "--name", "Other", "--tier", "free=1/day")
    assert {e["projectId"] for e in entries(done, "--project", project)} == {project}
    of_other = entries(done, "--platform", other["platformId"])
    assert {e["projectId"] for e in of_other} == {None, other["projectId"]}
    assert {e["action"] for e in entries(done, "--action", "tier")} == {"tier.set"}
    assert len(entries(done, "--action", "tier.set", "--project", project)) == 2
    assert entries(done, "--action", "tier.s") == []
    assert entries(done, "--actor", "nobody") == []
    assert entries(done, "--since", "2999-01-01T00:00Z") == []
    assert len(entries(done, "--until", "2999-01-01T00:00Z")) == len(entries(done))


def test_it_can_be_read_in_pages(done: Command, project: str) -> None:
    every = entries(done)
    assert len(every) == 6
    first = entries(done, "--limit", "2")
    second = entries(done, "--before", str(first[-1]["position"]))
    assert first + second == every


def test_a_changed_tier_shows_what_it_was(done: Command, project: str) -> None:
    done("tier", "set", "--project", project, "free=200/month")
    (entry, *_) = entries(done, "--action", "tier.set")
    assert entry["details"]["tier"] == "free"
    before, after = (entry["details"][when]["allowances"] for when in ("before", "after"))
    assert (before[0]["limit"], after[0]["limit"]) == (100, 200)


def test_no_secret_is_in_it(done: Command, run: Command, project: str) -> None:
    done("customer", "create", "--project", project, "--id", "ada")
    key = done("key", "create", "--project", project, "--customer", "ada")
    done("key", "rotate", key["keyId"])
    assert key["key"] not in run("audit", "--json").out
    assert run("audit").out.splitlines()[0].split()[:3] == ["at", "actor", "action"]


def test_a_time_that_cannot_be_read_is_refused(refused: Command, store: str) -> None:
    assert "ISO 8601" in refused("audit", "--since", "yesterday")

"""`platform`, `customer`, `key`, `tier` and `usage`, against a real SQLite file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Command = Callable[..., Any]


def test_a_platform_comes_with_its_project_and_keys(done: Command) -> None:
    made = done(
        "platform",
        "create",
        "--name",
        "Acme",
        "--tier",
        "free=100/month",
        "--limit",
        "1000/day",
        "--mode",
        "live",
    )
    assert set(made) == {"platformId", "projectId", "publishableKey", "secretKey"}
    assert made["publishableKey"].startswith("pk_live_")
    assert made["secretKey"].startswith("sk_live_")
    (row,) = done("platform", "list")["data"]
    assert (row["platformId"], row["projectId"]) == (made["platformId"], made["projectId"])
    assert (row["name"], row["mode"], row["defaultTier"]) == ("Acme", "live", "free")
    assert row["limits"] == ["1000/day"]


def test_no_command_shows_a_secret_again(done: Command, run: Command, project: str) -> None:
    done("customer", "create", "--project", project, "--id", "ada")
    key = done("key", "create", "--project", project, "--customer", "ada")["key"]
    for arguments in (
        ("platform", "list"),
        ("key", "list", "--project", project, "--customer", "ada"),
        ("customer", "list", "--project", project),
    ):
        assert key[-30:] not in run(*arguments).out


def test_customers_are_listed_with_their_plans(done: Command, project: str) -> None:
    done("customer", "create", "--project", project, "--id", "ada")
    done("customer", "create", "--project", project, "--id", "grace", "--plan", "pro")
    rows = done("customer", "list", "--project", project)["data"]
    assert [(row["id"], row["plan"]) for row in rows] == [("ada", "free"), ("grace", "pro")]


def test_a_key_is_made_listed_rotated_and_revoked(done: Command, project: str) -> None:
    done("customer", "create", "--project", project, "--id", "ada")
    made = done(
        "key",
        "create",
        "--project",
        project,
        "--customer",
        "ada",
        "--name",
        "laptop",
        "--scope",
        "read",
        "--scope",
        "write",
        "--expires",
        "2099-01-31T12:00Z",
        "--rate",
        "5/s",
    )
    assert set(made) == {"keyId", "key"}
    assert made["key"].startswith("ak_test_")
    listing = ("key", "list", "--project", project, "--customer", "ada")
    (row,) = done(*listing)["data"]
    assert row["keyId"] == made["keyId"]
    assert (row["name"], row["scopes"], row["rate"]) == ("laptop", ["read", "write"], "5/second")
    assert (row["expiresAt"], row["status"]) == ("2099-01-31T12:00:00Z", "active")
    assert made["key"].endswith(row["last4"])

    rotated = done("key", "rotate", made["keyId"], "--grace", "60")
    assert rotated["key"] != made["key"]
    assert done("key", "revoke", rotated["keyId"])["status"] == "revoked"
    statuses = {row["keyId"]: row["status"] for row in done(*listing)["data"]}
    assert statuses[rotated["keyId"]] == "revoked"


def test_tiers_are_added_and_changed(done: Command, project: str) -> None:
    done("tier", "set", "--project", project, "free=200/month", "max=5/day@2/s")
    rows = {row["name"]: row for row in done("tier", "list", "--project", project)["data"]}
    assert set(rows) == {"free", "pro", "max"}
    assert (rows["free"]["quota"], rows["free"]["rate"]) == ("200/month", None)
    assert (rows["max"]["quota"], rows["max"]["rate"]) == ("5/day", "2/second")


def test_a_tier_keeps_its_price_when_its_limit_changes(done: Command, project: str) -> None:
    price = ("--price", "9900", "--currency", "eur", "--billing-interval", "year")
    done("tier", "set", "--project", project, "max=5/day", *price, "--trial-days", "14")
    (row,) = done("tier", "set", "--project", project, "max=6/day")["data"]
    assert row == {
        "name": "max",
        "price": 9900,
        "currency": "eur",
        "billingInterval": "year",
        "trialDays": 14,
        "overage": None,
        "quota": "6/day",
        "rate": None,
        "burst": None,
    }


def test_usage_of_somebody_who_has_used_nothing(done: Command, project: str) -> None:
    usage = done("usage", "show", "--project", project, "--customer", "nobody-yet")
    assert (usage["userId"], usage["plan"]) == ("nobody-yet", "free")
    assert (usage["usageCount"], usage["limit"], usage["remaining"]) == (0, 100, 100)
    assert usage["periodStart"] < usage["periodEnd"]


def test_lists_are_tables_for_people(run: Command, project: str) -> None:
    head, row = run("platform", "list").out.splitlines()
    assert head.split()[:2] == ["platformId", "projectId"]
    assert project in row


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("customer", "list", "--project", "prj_none"), "not_found"),
        (("customer", "create", "--project", "prj_none", "--id", "a"), "not_found"),
        (("key", "list", "--project", "prj_none", "--customer", "a"), "not_found"),
        (("key", "revoke", "key_none"), "not_found"),
        (("key", "rotate", "key_none"), "not_found"),
        (("tier", "list", "--project", "prj_none"), "not_found"),
        (("tier", "set", "--project", "prj_none", "a=1/day"), "not_found"),
        (("usage", "show", "--project", "prj_none", "--customer", "a"), "not_found"),
    ],
)
def test_what_is_not_there_is_not_found(
    refused: Command, arguments: tuple[str, ...], code: str
) -> None:
    assert refused(*arguments).startswith(f"error: {code}: ")


def test_a_customer_is_created_once(refused: Command, done: Command, project: str) -> None:
    arguments = ("customer", "create", "--project", project, "--id", "ada")
    done(*arguments)
    assert refused(*arguments).startswith("error: conflict: ")


def test_a_key_needs_its_customer(refused: Command, project: str) -> None:
    line = refused("key", "create", "--project", project, "--customer", "nobody")
    assert line.startswith("error: not_found: ")


def test_a_customer_needs_a_tier_that_exists(refused: Command, project: str) -> None:
    arguments = ("customer", "create", "--project", project, "--id", "a", "--plan", "gold")
    assert "gold" in refused(*arguments)


@pytest.mark.parametrize("spec", ["free", "free=", "free=-1", "=5", "free=1/fortnight", "free=1@x"])
def test_a_tier_spec_that_cannot_be_read_is_refused(refused: Command, spec: str) -> None:
    refused("platform", "create", "--name", "Acme", "--tier", spec)


def test_a_time_that_cannot_be_read_is_refused(refused: Command, project: str) -> None:
    line = refused("key", "create", "--project", project, "--customer", "a", "--expires", "soon")
    assert "ISO 8601" in line


def test_a_store_in_memory_cannot_be_reached(refused: Command) -> None:
    assert "lives in one process" in refused("platform", "list", "--store", "memory://")


def test_a_project_is_promoted_deleted_and_restored(
    done: Command, refused: Command, project: str
) -> None:
    done("product", "set", "--project", project, "--name", "mug", "--price", "1999")
    live = done("project", "promote", project)
    assert live["secretKey"].startswith("sk_live_")
    names = [row["name"] for row in done("tier", "list", "--project", live["projectId"])["data"]]
    assert names == ["free", "pro"]
    (product,) = done("product", "list", "--project", live["projectId"])["data"]
    assert (product["name"], product["price"]) == ("mug", 1999)
    assert set(done("project", "promote", project)) == {"platformId", "projectId"}
    assert "test project" in refused("project", "promote", live["projectId"])
    done("project", "delete", project)
    assert refused("tier", "list", "--project", project).startswith("error: not_found: ")
    (gone,) = done("project", "list", "--deleted")["data"]
    assert (gone["projectId"], gone["deletedAt"] is None) == (project, False)
    assert done("project", "restore", project) == {"projectId": project}
    listed = [row["projectId"] for row in done("project", "list")["data"]]
    assert listed == [project, live["projectId"]]


def test_a_project_deleted_long_ago_stays_so(
    done: Command, refused: Command, project: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    done("project", "delete", project)
    monkeypatch.setenv("DREAM_GATEWAY_RESTORE_DAYS", "0")
    assert refused("project", "restore", project).startswith("error: conflict: ")


def test_a_platform_is_suspended_and_resumed(done: Command, project: str) -> None:
    (row,) = done("platform", "list")["data"]
    for verb, suspended in (("suspend", True), ("resume", False)):
        answer = done("platform", verb, row["platformId"])
        assert answer == {"platformId": row["platformId"], "suspended": suspended}
        (row,) = done("platform", "list")["data"]
        assert row["suspended"] is suspended


def test_a_customer_is_suspended_and_resumed(done: Command, refused: Command, project: str) -> None:
    done("customer", "create", "--project", project, "--id", "ada")
    for verb, suspended in (("suspend", True), ("suspend", True), ("resume", False)):
        answer = done("customer", verb, "--project", project, "--id", "ada")
        assert (answer["id"], answer["suspended"]) == ("ada", suspended)
        (row,) = done("customer", "list", "--project", project)["data"]
        assert row["suspended"] is suspended
    audited = [each["action"] for each in done("audit", "--action", "customer")["data"]]
    assert audited == ["customer.resume", "customer.suspend", "customer.create"]
    assert "grace" in refused("customer", "suspend", "--project", project, "--id", "grace")


def test_products_are_set_by_name_and_deleted(
    done: Command, refused: Command, project: str
) -> None:
    mug = ("product", "set", "--project", project, "--name", "mug")
    made = done(*mug, "--price", "1999", "--inventory", "0")
    assert made["soldOut"] is True
    again = done(*mug, "--price", "5", "--currency", "eur")
    assert again["productId"] == made["productId"]
    assert (again["price"], again["currency"], again["inventory"]) == (5, "eur", None)
    assert "--currency" in refused(*mug, "--price", "5", "--currency", "EUR")
    assert "--image-url" in refused(*mug, "--price", "5", "--image-url", "javascript:alert(1)")
    done("product", "delete", "mug", "--project", project)
    assert done("product", "list", "--project", project)["data"] == []
    assert refused("product", "delete", "mug", "--project", project).startswith(
        "error: not_found: "
    )


def test_a_tier_is_deleted_unless_somebody_is_on_it(
    done: Command, refused: Command, project: str
) -> None:
    assert refused("tier", "delete", "free", "--project", project).startswith("error: conflict: ")
    done("customer", "create", "--project", project, "--id", "ada", "--plan", "pro")
    assert refused("tier", "delete", "pro", "--project", project).startswith("error: conflict: ")
    done("tier", "set", "--project", project, "max=5/day")
    done("tier", "delete", "max", "--project", project)
    assert refused("tier", "delete", "max", "--project", project).startswith("error: not_found: ")


@pytest.mark.parametrize("name", ["", "a\tb", "a\nb", "a" * 300])
def test_an_id_that_the_api_would_not_take_is_no_customers(
    refused: Command, done: Command, project: str, name: str
) -> None:
    line = refused("customer", "create", "--project", project, "--id", name)
    assert line.startswith("error: usage: Invalid value for --id: ")
    assert done("customer", "list", "--project", project)["data"] == []

"""`GET /api/dashboard`, `/api/dashboard/totals`, `/api/dashboard/series`, `/operator/overview`."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event, update
from tests.service.conftest import OPERATOR, Tenant, WithIdentities

from dream_gateway.administration import Administration
from dream_gateway.demo.crowd import TIERS, Crowd, populate
from dream_gateway.gateway import Gateway
from dream_gateway.model import Mode
from dream_gateway.records.schema import subscriptions
from dream_gateway.server.composition import ServiceHost
from dream_gateway.service.app import create_service
from dream_gateway.settings import Settings
from dream_gateway.testing.clock import FakeClock
from dream_gateway.tierspec import parse_tier

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx
    from tests.service.conftest import Developer, Speak

CROWD = Crowd(customers=120, days=12, hours=2, events=30, orders=20)
MONTH = 30 * 86_400


@pytest.fixture(params=["asgi"])
def speak(speak: Speak) -> Speak:
    """Nothing here depends on how a request came."""
    return speak


@pytest.fixture
async def crowded(store: str, speak: Speak) -> AsyncIterator[tuple[Gateway, Tenant]]:
    """A project with a crowd, on each engine."""
    settings = Settings(store=store, operator_tokens=(OPERATOR,))
    gateway = Gateway(settings, FakeClock())
    gateway.plugins = WithIdentities(())
    try:
        await gateway.start()
        made = await Administration(gateway.records).create_platform("a", Mode.TEST, TIERS, ())
        await populate(gateway.records, gateway.stores.ledger(), made.project.id, CROWD)
        service = create_service(ServiceHost(gateway))
        async with speak(service, made.secret_key) as client:
            yield gateway, Tenant(made.project, made.secret_key, made.publishable_key, client)
    finally:
        await gateway.close()


async def get(client: httpx.AsyncClient, path: str, **query: Any) -> dict[str, Any]:
    answer = await client.get(path, params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


@asynccontextmanager
async def counted(gateway: Gateway) -> AsyncIterator[list[str]]:
    """Give a list of the statements that this task asks the records meanwhile: others go on, too."""
    seen: list[str] = []
    here = asyncio.current_task()

    def on_execute(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        # How a transaction begins is not a query.
        if asyncio.current_task() is here and not statement.startswith(("BEGIN", "SET ")):
            seen.append(statement)

    engine = gateway.stores.records_engine().sync_engine
    event.listen(engine, "before_cursor_execute", on_execute)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", on_execute)


async def test_the_dashboard_tells_of_everything(crowded: tuple[Gateway, Tenant]) -> None:
    gateway, tenant = crowded
    found = await get(tenant.client, "/api/dashboard", limit=100)
    metrics = found["metrics"]
    assert metrics["customers"] == 120
    assert 0 < metrics["cancelingSubs"] < metrics["activeSubs"] <= 36
    assert metrics["usageThisPeriod"] >= metrics["requestsThisPeriod"] > 0
    assert metrics["storeRevenueByCurrency"] == [
        {"currency": "usd", "amount": metrics["storeTotalRevenue"]}
    ]
    assert [tier["name"] for tier in found["tiers"]] == ["free", "starter", "pro", "scale"]
    assert len(found["webhook"]["recent"]) == 10
    assert found["webhook"]["lastEventAt"] == found["webhook"]["recent"][0]["receivedAt"]
    keys = found["keys"]
    assert keys["publishableKey"] == tenant.publishable_key
    assert keys["secretKeyMasked"] == f"sk_test_...{tenant.secret_key[-4:]}"
    assert tenant.secret_key not in str(found)
    assert {key["kind"] for key in keys["apiKeys"]} == {"secret", "publishable"}
    rest = await get(tenant.client, "/api/dashboard", limit=100, cursor=found["nextCursor"])
    assert (found["hasMore"], rest["hasMore"], rest["nextCursor"]) == (True, False, None)
    people = found["customers"] + rest["customers"]
    assert [each["userId"] for each in people] == [f"user-{n:05}" for n in range(120)]
    for each in people[::17]:
        usage = await gateway.admission.usage(tenant.project, each["userId"])
        assert usage.usage is not None
        assert each["usageCount"] == usage.usage.used
    paying = [each for each in people if each["subscriptionId"] is not None]
    assert len(paying) == 36
    assert {each["status"] for each in people} >= {"none", "active"}


async def test_the_number_of_queries_is_the_same_for_any_page(
    crowded: tuple[Gateway, Tenant],
) -> None:
    gateway, tenant = crowded
    expected = {
        ("/api/dashboard", "limit", 1): 12,
        ("/api/dashboard", "limit", 100): 12,
        ("/api/dashboard/totals", "", 0): 5,
        ("/api/dashboard/series", "metric", "latency"): 1,
        ("/api/dashboard/series", "metric", "units"): 1,
    }
    await get(tenant.client, "/api/dashboard")
    for (path, name, value), number in expected.items():
        async with counted(gateway) as seen:
            await get(tenant.client, path, **({name: value} if name else {}))
        assert len(seen) == number, seen


@pytest.mark.parametrize("granularity", ["minute", "hour", "day"])
async def test_series_have_no_gaps_and_agree(
    crowded: tuple[Gateway, Tenant], granularity: str
) -> None:
    gateway, tenant = crowded
    path, seconds = "/api/dashboard/series", {"minute": 60, "hour": 3600, "day": 86400}[granularity]
    for metric in ("requests", "units", "denied", "latency"):
        found = await get(tenant.client, path, metric=metric, granularity=granularity)
        starts = [datetime.fromisoformat(each["start"]).timestamp() for each in found["points"]]
        assert starts == [starts[0] + seconds * n for n in range(len(starts))]
        assert 0 <= gateway.clock.now() - starts[-1] < seconds
        assert sum(each["value"] for each in found["points"]) > 0
        for each in found["points"]:
            if metric == "denied":
                assert sum(each["byCode"].values()) == each["value"]
            if metric == "latency" and each["value"]:
                assert 0 < each["p50"] <= each["p95"] <= each["p99"] <= 10
    whole = await get(tenant.client, path, metric="units", granularity="day")
    one = whole["points"][-3]["start"]
    end = datetime.fromtimestamp(datetime.fromisoformat(one).timestamp() + 86_400, UTC)
    span = {"from": one, "to": end.isoformat().replace("+00:00", "Z")}
    hours = await get(tenant.client, path, metric="units", granularity="hour", **span)
    assert len(hours["points"]) == 24
    assert sum(each["value"] for each in hours["points"]) == whole["points"][-3]["value"]


async def test_a_series_that_is_too_long_or_not_one_is_refused(tenant: Tenant) -> None:
    path = "/api/dashboard/series"
    for query, parameter in (
        ({"granularity": "minute", "from": "2020-01-01T00:00:00Z"}, "from"),
        ({"metric": "secrets"}, "metric"),
        ({"granularity": "month"}, "granularity"),
        ({"from": "yesterday"}, "from"),
    ):
        answer = await tenant.client.get(path, params=query)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["parameter"] == parameter
    nothing = {"from": "9999-12-31T00:00:00Z", "to": "0001-01-01T00:00:00Z"}
    assert (await get(tenant.client, path, **nothing))["points"] == []


async def test_what_a_request_did_is_told(gateway: Gateway, tenant: Tenant) -> None:
    for _ in range(12):
        await tenant.client.post("/api/data", headers={"x-user-id": "u"})
    assert gateway._meter is not None
    gateway._meter.sweep()
    assert gateway.rollup is not None
    gateway.rollup.collect()
    await gateway.rollup.write()
    found = (await get(tenant.client, "/api/dashboard"))["metrics"]
    told = [found[f"{name}ThisPeriod"] for name in ("requests", "usage", "denied")]
    assert told == [10, 10, 2]
    assert found["activeCustomers"] == 1
    denied = await get(tenant.client, "/api/dashboard/series", metric="denied")
    assert denied["points"][-1]["byCode"] == {"quota_exceeded": 2}


async def test_revenue_is_never_of_two_currencies(crowded: tuple[Gateway, Tenant]) -> None:
    gateway, tenant = crowded
    rows = subscriptions.c
    async with gateway.records.write("test") as writer:
        run = writer.connection.execute
        await run(update(subscriptions).values(status="canceled"))
        here = rows.subscription_id.in_(["sub_crowd00014", "sub_crowd00015"])
        values = {"status": "active", "cancel_at": None, "amount": 1_000, "quantity": 3}
        await run(update(subscriptions).where(here).values(values))
        yearly = {"interval": "year", "currency": "eur", "amount": 10_001}
        one = rows.subscription_id == "sub_crowd00015"
        await run(update(subscriptions).where(one).values(yearly))
        ending = {**values, "cancel_at": writer.now + 60, "amount": 99_999}
        other = rows.subscription_id == "sub_crowd00016"
        await run(update(subscriptions).where(other).values(ending))
    found = (await get(tenant.client, "/api/dashboard"))["metrics"]
    assert (found["mrr"], found["currency"]) == (3_000, "usd")
    assert found["mrrByCurrency"] == [
        {"currency": "eur", "amount": 2_500},
        {"currency": "usd", "amount": 3_000},
    ]
    assert (found["activeSubs"], found["cancelingSubs"]) == (3, 1)


async def test_a_platforms_projects_are_told_each_and_together(
    ada: Developer, stranger: Tenant
) -> None:
    one, two = await ada.project(), await ada.project(mode="live")
    place = {"x-project-id": one["project"]["id"]}
    answer = await ada.client.get("/api/dashboard/totals", headers=place)
    found = answer.json()
    assert [each["id"] for each in found["projects"]] == [
        one["project"]["id"],
        two["project"]["id"],
    ]
    assert found["live"]["customers"] == found["test"]["customers"] == 0
    theirs = {"x-project-id": stranger.project.id}
    for path in ("", "/totals", "/series"):
        refused = await ada.client.get(f"/api/dashboard{path}", headers=theirs)
        assert refused.status_code == 404


async def test_a_secret_key_tells_of_its_own_project_alone(tenant: Tenant) -> None:
    await tenant.customer("u")
    found = await get(tenant.client, "/api/dashboard/totals")
    assert [each["id"] for each in found["projects"]] == [tenant.project.id]
    assert found["test"]["customers"] == 1


async def test_the_operator_sees_how_the_gateway_does(
    gateway: Gateway, tenant: Tenant, operator: httpx.AsyncClient
) -> None:
    await tenant.client.post("/api/data", headers={"x-user-id": "u"})
    await gateway.admission.key("ak_test_nobody", 1)
    assert gateway.rollup is not None
    gateway.rollup.collect()
    await gateway.rollup.write()
    found = await get(operator, "/operator/overview")
    assert (found["platforms"], found["suspendedPlatforms"], found["projects"]) == (1, 0, 1)
    assert found["test"]["customers"] == 1
    assert found["denied"] == {"invalid_credential": 1}
    assert found["parts"] == {
        "ledger": {"ok": True, "detail": None},
        "feed": {"ok": True, "detail": None},
    }
    (worker,) = found["workers"]
    assert worker["leases"] == 1
    assert worker["upstreams"] == []


async def test_the_operator_sees_test_and_live_apart_and_nothing_that_is_deleted(
    gateway: Gateway, tenant: Tenant, operator: httpx.AsyncClient
) -> None:
    await tenant.customer("u")
    admin = Administration(gateway.records)
    tiers = [parse_tier("free=10/month")]
    live = (await admin.create_platform("Two", Mode.LIVE, tiers, ())).project
    gone = (await admin.create_platform("Three", Mode.LIVE, tiers, ())).project
    for project, user in ((live, "a"), (live, "b"), (gone, "c")):
        await admin.create_customer(project.id, user, None)
    await admin.delete_project(gone.id)
    found = await get(operator, "/operator/overview")
    assert (found["platforms"], found["projects"]) == (3, 2)
    assert (found["test"]["customers"], found["live"]["customers"]) == (1, 2)

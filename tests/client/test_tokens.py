"""What developers and the operator do, who have a token and no key of a project."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.client.conftest import OPERATOR

from dream_gateway.client import AuthenticationError, DreamAPI, PermissionDeniedError

if TYPE_CHECKING:
    from tests.client.conftest import Project


async def test_a_developer_manages_platform_and_projects(project: Project) -> None:
    async with project.client(secret_key=None, token="dev:grace") as api:
        platform = (await api.platform.sign_up(name="Grace Ltd"))["platform"]
        made = await api.projects.create(name="shop")
        shop = made["project"]["id"]
        listed = [each["id"] async for each in api.projects.iterate()]
        assert shop in listed
        key = (await api.credentials.create(shop, name="ci"))["key"]
    async with project.client(secret_key=key) as api:
        await api.customers.create(email="ada@example.com", external_id="ada")
    async with project.client(secret_key=None, token="dev:grace", project_id=shop) as api:
        assert [each["externalId"] async for each in api.customers.iterate()] == ["ada"]
    named = {"token": "dev:grace", "platform_id": platform["id"]}
    with project.blocking(secret_key=None, **named) as blocking:
        assert blocking.platform.get()["platform"]["name"] == "Grace Ltd"


async def test_the_operator_sees_every_platform(project: Project) -> None:
    async with project.client(secret_key=None, token=OPERATOR) as api:
        found = {each["id"]: each async for each in api.operator.iterate_platforms(limit=2)}
        assert found
        chosen = next(iter(found))
        assert (await api.operator.suspend_platform(chosen))["suspended"]
        assert not (await api.operator.resume_platform(chosen))["suspended"]
        assert (await api.status.ready())["ready"]


async def test_nobody_else_does(project: Project) -> None:
    async with project.client() as api:
        with pytest.raises(PermissionDeniedError):
            await api.operator.get_overview()
    async with project.client(secret_key=None, token="dev:") as api:
        with pytest.raises((AuthenticationError, PermissionDeniedError)):
            await api.operator.get_overview()


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"token": "t", "secret_key": "sk_test_x"},
        {"token": "t", "publishable_key": "pk_test_x"},
        {"secret_key": "sk_test_x", "project_id": "prj_1"},
        {"publishable_key": "pk_test_x", "platform_id": "plat_1"},
    ],
)
def test_one_kind_of_caller_is_one_client(given: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="token"):
        DreamAPI(base_url="http://service", **given)


def test_a_developer_is_no_user() -> None:
    with (
        DreamAPI(base_url="http://service", token="t") as api,
        pytest.raises(ValueError, match="publishable_key"),
    ):
        api.set_user_token("u")

"""The JavaScript SDK's table and types against the document, and against the Python client."""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path
from typing import Any

import pytest
from codegen.shapes import closure, references
from tests.contract.conftest import for_keys, operations
from tests.contract.typescript import aliases, interfaces, members, of_schema

from dream_gateway.client import AsyncDreamAPI
from dream_gateway.client.auth_pages import AuthPages

SDK = Path(__file__).parents[2] / "sdk/javascript"
CLAIMED = {"secretKey": "secret", "publishableKey": "publishable", "userToken": "user"}
IN_BOTH = {"set_user_token", "clear_user_token", "close"}
"""What asks nothing."""

OF_PLUGINS = re.compile(r"POST /webhook/")
"""Routes that are in the document only with a plugin."""


@pytest.fixture(scope="module")
def table() -> dict[str, dict[str, Any]]:
    routes: dict[str, dict[str, Any]] = json.loads((SDK / "routes.json").read_text())["routes"]
    return routes


@pytest.fixture(scope="module")
def left_out() -> set[tuple[str, str]]:
    listed = json.loads((SDK / "routes.json").read_text())["leftOut"]
    assert all(listed.values()), "each has its reason"
    return {tuple(each.split(" ")) for each in listed if not OF_PLUGINS.match(each)}


@pytest.fixture(scope="module")
def types() -> str:
    return (SDK / "src/generated.ts").read_text()


def test_each_route_has_a_method_or_a_reason(
    document: dict[str, Any], table: dict[str, dict[str, Any]], left_out: set[tuple[str, str]]
) -> None:
    asked = {(each["method"], each["path"]) for each in table.values()}
    there = {route for route, _ in operations(document)}
    assert asked <= there, "a method without a route"
    assert left_out <= there, "a reason without a route"
    assert asked.isdisjoint(left_out), "a reason for a route that has a method"
    assert asked | left_out == there
    assert for_keys(document) <= asked


def test_whom_it_says_a_route_lets_in(
    document: dict[str, Any], table: dict[str, dict[str, Any]]
) -> None:
    """A user's token goes beside a publishable key."""
    for name, each in table.items():
        security = document["paths"][each["path"]][each["method"].lower()]["security"]
        alternatives = {frozenset(one) for one in security}
        wanted = {"secret"} if frozenset({"secretKey"}) in alternatives else set()
        wanted |= {"publishable"} if frozenset({"publishableKey"}) in alternatives else set()
        wanted |= {"user"} if frozenset({"publishableKey", "userToken"}) in alternatives else set()
        assert set(each["auth"]) & set(CLAIMED.values()) == wanted, name


def test_both_clients_have_the_same_names(table: dict[str, dict[str, Any]]) -> None:
    api = AsyncDreamAPI(base_url="http://service", token="t")
    groups = {name: each for name, each in vars(api).items() if not name.startswith("_")}
    found = {f"{group}.{name}" for group, each in groups.items() for name in routines(each)}
    own = {name for name in routines(api) if name not in IN_BOTH}
    pages = {f"auth.{name}" for name in routines(AuthPages)}
    lists = {name for name in found if ".iterate" in name}
    wanted = {camel(name) for name in (found | own) - pages - lists}
    assert wanted == set(table)


def routines(of: Any) -> set[str]:
    members = inspect.getmembers(of, inspect.isroutine)
    return {name for name, _ in members if not name.startswith("_")}


def test_both_send_users_to_the_same_pages() -> None:
    text = (SDK / "src/auth.ts").read_text()
    inside = text.partition("export interface SignInPages {")[2].partition("}")[0]
    found = set(re.findall(r"^  (get\w+)\(", inside, re.MULTILINE))
    assert found == {camel(name) for name in dir(AuthPages) if not name.startswith("_")}
    # It goes by the cookies that a browser has of the gateway: no program has them.
    assert "fetchUserToken(" in inside


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def test_types_field_by_field(
    document: dict[str, Any], table: dict[str, dict[str, Any]], types: str
) -> None:
    schemas = document["components"]["schemas"]
    described = [document["paths"][each["path"]][each["method"].lower()] for each in table.values()]
    found, named = interfaces(types), aliases(types)
    for name in sorted(closure(schemas, references(described))):
        if "enum" in schemas[name]:
            assert named[name] == of_schema(schemas[name]), name
        elif schemas[name]["properties"]:
            assert found[name] == members(schemas[name]), name

"""The Python client against the document: each route has a method, and both say the same.

It is looked at from outside: signatures and annotations as Python has them, requests as they are
sent. What the service makes of them is in tests/client.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_type_hints

import httpx
import pytest
from codegen.routes import LEFT_OUT, ROUTES, Route
from tests.contract.conftest import for_keys, operations
from tests.contract.schemas import of_annotation, optional, plain

from dream_gateway.client import AsyncDreamAPI, DreamAPI
from dream_gateway.client.auth_pages import AuthPages
from dream_gateway.client.made import shapes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FIELDS_LEFT_OUT = {
    "X-Usage-Cost": "the body says the cost",
    "X-Project-Id": "it goes with a developer's token, and the client is told it once",
    "X-Platform-Id": "likewise",
}
OWN = {"set_user_token", "clear_user_token", "close"}
"""Methods that ask nothing."""

SECOND_NAMES = {("GET", "/api/tiers"): {"tiers.list", "products.list_tiers"}}
"""Routes that have two names, for those who know the original's."""

NAMES = {
    "X-User-Id": "user_id",
    "X-User-Plan": "plan",
    "Idempotency-Key": "idempotency_key",
    "If-Match": "if_match",
    "from": "from_",
    "type": "type_",
}
NULL = {"type": "null"}


@dataclass(frozen=True)
class Parameter:
    """What a route takes, as the document has it."""

    place: str
    key: str
    schema: dict[str, Any]
    required: bool

    @property
    def says_null(self) -> bool:
        """Whether null says something else than to leave it out."""
        nullable = NULL in self.schema.get("anyOf", ()) and self.place == "body"
        return nullable and not self.required and self.schema.get("default", 0) is not None


class Recorded:
    """A client of each colour whose requests are kept, and answered with as little as can be."""

    def __init__(self) -> None:
        self.sent: list[httpx.Request] = []
        url, key = "http://service/base", "sk_test_x"
        transport = httpx.MockTransport(self._keep)
        self.blocking = DreamAPI(base_url=url, secret_key=key, transport=transport)
        self.awaiting = AsyncDreamAPI(base_url=url, secret_key=key, transport=transport)

    def _keep(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(request)
        return httpx.Response(200, json={})

    def ask(self, route: Route, **values: Any) -> httpx.Request:
        """Call a route's method; return what was sent."""
        method_of(self.blocking, route)(**values)
        return self.sent[-1]


@pytest.fixture(scope="module")
def recorded() -> Recorded:
    return Recorded()


each_route = pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.full_name)


def method_of(api: Any, route: Route) -> Callable[..., Any]:
    owner = getattr(api, route.group) if route.group else api
    found: Callable[..., Any] = getattr(owner, route.name)
    return found


def operation_of(document: dict[str, Any], route: Route) -> dict[str, Any]:
    found: dict[str, Any] = document["paths"][route.path][route.method.lower()]
    return found


def taken(document: dict[str, Any], route: Route) -> dict[str, Parameter]:
    """Return what a route takes by the name that Python has for it."""
    operation = operation_of(document, route)
    found = {
        each["name"]: Parameter(each["in"], each["name"], each["schema"], each["required"])
        for each in operation["parameters"]
        if each["name"] not in FIELDS_LEFT_OUT
    }
    if "requestBody" in operation:
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        shape = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        for key, field in shape["properties"].items():
            found[key] = Parameter("body", key, field, key in shape["required"])
    return {python_name(key, route): each for key, each in found.items()}


def python_name(key: str, route: Route) -> str:
    if key == "id":
        return route.subject
    return NAMES.get(key) or re.sub(r"(?=[A-Z])", "_", key).lower()


def test_each_route_has_a_method_and_no_other(document: dict[str, Any]) -> None:
    asked = {(each.method, each.path) for each in ROUTES}
    there = {route for route, _ in operations(document)}
    assert asked == there - {tuple(each.split(" ")) for each in LEFT_OUT}
    assert for_keys(document) <= asked


def test_no_two_methods_ask_the_same_but_for_second_names() -> None:
    by_route: dict[tuple[str, str], set[str]] = {}
    for each in ROUTES:
        by_route.setdefault((each.method, each.path), set()).add(each.full_name)
    assert {route: names for route, names in by_route.items() if len(names) > 1} == SECOND_NAMES


def test_fields_that_are_left_out_are_there(document: dict[str, Any]) -> None:
    parameters = [each for route in ROUTES for each in operation_of(document, route)["parameters"]]
    assert set(FIELDS_LEFT_OUT) <= {each["name"] for each in parameters}


@pytest.mark.parametrize("colour", ["blocking", "awaiting"])
def test_no_method_is_without_a_route(recorded: Recorded, colour: str) -> None:
    api = getattr(recorded, colour)
    found = set(public(api)) | {
        f"{name}.{method}" for name, group in groups(api) for method in public(group)
    }
    pages = {f"auth.{name}" for name in public(AuthPages)}
    lists = {name for name in found if ".iterate" in name}
    assert found - lists - OWN - pages == {route.full_name for route in ROUTES}
    assert OWN | pages <= found
    assert all(found & listed(name) for name in lists)


def listed(name: str) -> set[str]:
    """Return what the method may be called that asks for the pages of an iteration."""
    group, _, rest = name.partition(".iterate")
    return {f"{group}.list{rest}", f"{group}.{rest.removeprefix('_')}"}


def groups(api: Any) -> Iterator[tuple[str, Any]]:
    for name, each in vars(api).items():
        if not name.startswith("_"):
            yield name, each


def public(thing: Any) -> list[str]:
    methods = inspect.getmembers(thing, inspect.isroutine)
    return [name for name, _ in methods if not name.startswith("_")]


@each_route
def test_parameters(document: dict[str, Any], recorded: Recorded, route: Route) -> None:
    """By name, each of the document's and no other; required where it says so; alike in both."""
    signature = inspect.signature(method_of(recorded.blocking, route))
    found = {
        name: each.default is inspect.Parameter.empty for name, each in signature.parameters.items()
    }
    assert found == {name: each.required for name, each in taken(document, route).items()}
    assert inspect.signature(method_of(recorded.awaiting, route)) == signature


@each_route
async def test_what_is_sent(document: dict[str, Any], recorded: Recorded, route: Route) -> None:
    """Each parameter goes where the document has it, under the name that it has there."""
    places: dict[str, dict[str, str]] = {"path": {}, "query": {}, "header": {}, "body": {}}
    values = {}
    for name, each in taken(document, route).items():
        values[name] = places[each.place][each.key] = f"value of {name}"
    method_of(recorded.blocking, route)(**values)
    await method_of(recorded.awaiting, route)(**values)
    for request in recorded.sent[-2:]:
        assert request.method == route.method
        assert request.url.path == "/base" + route.path.format(**places["path"])
        assert dict(request.url.params) == places["query"]
        assert {key: request.headers[key] for key in places["header"]} == places["header"]
        body = json.loads(request.content) if request.content else None
        assert body == (places["body"] or None)


@each_route
def test_what_is_left_out_is_not_sent(
    document: dict[str, Any], recorded: Recorded, route: Route
) -> None:
    required = {name: each for name, each in taken(document, route).items() if each.required}
    request = recorded.ask(route, **dict.fromkeys(required, "v"))
    in_body = {each.key for each in required.values() if each.place == "body"}
    assert set(json.loads(request.content or "{}")) == in_body
    assert not request.url.params


@each_route
def test_null_is_sent_where_it_says_something(
    document: dict[str, Any], recorded: Recorded, route: Route
) -> None:
    parameters = taken(document, route)
    values = {name: "v" for name, each in parameters.items() if each.required}
    telling = {name: each for name, each in parameters.items() if each.says_null}
    request = recorded.ask(route, **values, **dict.fromkeys(telling))
    sent = json.loads(request.content or "{}")
    assert {key for key in sent if sent[key] is None} == {each.key for each in telling.values()}


@each_route
def test_types_of_parameters(document: dict[str, Any], recorded: Recorded, route: Route) -> None:
    """Field by field, as JSON schemas that somebody else makes of the annotations."""
    hints = hints_of(method_of(recorded.blocking, route))
    components = document["components"]["schemas"]
    for name, each in taken(document, route).items():
        found, named = of_annotation(hints[name])
        wanted = plain(each.schema, components)
        assert found == (wanted if each.required else optional(wanted)), name
        for shape, schema in named.items():
            assert schema == plain(components[shape], components), shape


@each_route
def test_types_of_answers(document: dict[str, Any], recorded: Recorded, route: Route) -> None:
    answer = hints_of(method_of(recorded.awaiting, route))["return"]
    responses = operation_of(document, route)["responses"]
    told = [each for status, each in responses.items() if status < "3" and "content" in each]
    if not told:
        assert answer is type(None)
        return
    components = document["components"]["schemas"]
    found, named = of_annotation(answer)
    assert found == told[0]["content"]["application/json"]["schema"]
    for shape, schema in named.items():
        assert schema == plain(components[shape], components), shape


def test_each_shape_is_of_the_document(document: dict[str, Any]) -> None:
    components = document["components"]["schemas"]
    for name in shapes.__all__:
        found, named = of_annotation(getattr(shapes, name))
        assert named.get(name, found) == plain(components[name], components), name


def hints_of(method: Any) -> dict[str, Any]:
    """Return a method's annotations; times are text in JSON, and what is not sent is like null."""
    names = {**vars(shapes), "Sequence": Sequence, "datetime": str, "Omit": None}
    return get_type_hints(method.__func__, localns=names)

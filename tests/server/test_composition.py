"""Settings become routes of the edge."""

from __future__ import annotations

import pytest

from dream_gateway.errors import ConfigurationError
from dream_gateway.server.composition import edge_routes
from dream_gateway.settings import RouteSettings, Settings


def test_the_setting_upstream_is_behind_everything_without_a_route() -> None:
    settings = Settings(upstream="http://api", routes=(RouteSettings(prefix="/a", cost=3),))
    routes = edge_routes(settings)
    routed = {path: routes.match(path) for path in ("/a/b", "/x")}
    assert [route and route.cost for route in routed.values()] == [3, 1]
    assert {route and route.upstreams for route in routed.values()} == {("http://api",)}


def test_without_an_upstream_only_the_routes_lead_anywhere() -> None:
    routes = edge_routes(Settings(routes=(RouteSettings(prefix="/a", upstreams=("http://b",)),)))
    assert routes.match("/a") is not None
    assert routes.match("/b") is None


def test_a_route_leaves_to_the_settings_what_it_does_not_say() -> None:
    settings = Settings(
        read_timeout=7.0,
        max_body=9,
        charge="success",
        routes=(
            RouteSettings(upstreams=("http://b",), methods=("get",)),
            RouteSettings(prefix="/a", upstreams=("http://b",), read_timeout=1.0, max_body=0),
        ),
    )
    rest, own = edge_routes(settings).routes
    assert (rest.read_timeout, rest.max_body, rest.charge) == (7.0, 9, "success")
    assert rest.methods == {"GET"}
    assert (own.read_timeout, own.max_body) == (1.0, 0)


def test_two_routes_with_one_prefix_are_refused() -> None:
    routes = (RouteSettings(prefix="/a"), RouteSettings(prefix="/a/"))
    with pytest.raises(ConfigurationError):
        edge_routes(Settings(upstream="http://b", routes=routes))

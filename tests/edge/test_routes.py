from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dream_gateway.edge.routes import Route, RouteTable, has_dot_segments, strip_prefix
from dream_gateway.errors import ConfigurationError

segments = st.lists(st.sampled_from(["a", "b", "ab", "c"]), max_size=5)


def joined(parts: Any) -> Any:
    return "/" + "/".join(parts)


@given(st.lists(segments, min_size=1, max_size=6), segments)
def test_the_longest_prefix_on_segment_boundaries_wins(prefixes: Any, path: Any) -> None:
    routes = [Route(prefix) for prefix in {joined(p) for p in prefixes}]
    fitting = [p for p in prefixes if path[: len(p)] == p]
    expected = joined(max(fitting, key=len)) if fitting else None
    route = RouteTable(routes).match(joined(path))
    assert (route.prefix if route else None) == expected


@pytest.mark.parametrize(
    ("path", "prefix"),
    [
        ("/", "/"),
        ("/apix", "/"),
        ("/api", "/api"),
        ("/api/", "/api"),
        ("/api/v1x", "/api"),
        ("/api/v1", "/api/v1"),
        ("/api/v1/", "/api/v1"),
        ("//api///v1/x", "/api/v1"),
    ],
)
def test_examples(path: Any, prefix: Any) -> None:
    table = RouteTable([Route("/"), Route("/api"), Route("/api/v1/")])
    route = table.match(path)
    assert route is not None
    assert route.prefix == prefix


def test_no_route() -> None:
    assert RouteTable([]).match("/") is None
    assert RouteTable([Route("/a/b")]).match("/a") is None


@pytest.mark.parametrize(
    "bad",
    [
        {"prefix": "a"},
        {"prefix": "/a//b"},
        {"cost": -1},
        {"read_timeout": 0},
        {"charge": "never"},
        {"on_store_failure": "?"},
    ],
)
def test_bad_routes(bad: Any) -> None:
    with pytest.raises(ConfigurationError):
        Route(**bad)


def test_twice_the_same_prefix() -> None:
    with pytest.raises(ConfigurationError):
        RouteTable([Route("/a"), Route("/a/")])


@pytest.mark.parametrize(
    ("path", "bad"),
    [("/a/..", True), ("/./a", True), ("/.a/..b/...", False), ("/a.", False), ("/", False)],
)
def test_dot_segments(path: Any, bad: Any) -> None:
    assert has_dot_segments(path) is bad


@given(st.text("a/%b~é", max_size=8), st.data())
def test_stripping_leaves_the_rest_as_it_was_spelt(rest: Any, data: Any) -> None:
    """However the prefix is percent-encoded, what follows it is untouched."""
    spelt = "".join(
        data.draw(st.sampled_from([char, f"%{ord(char):02x}", f"%{ord(char):02X}"]))
        for char in "/ap"
    )
    raw = spelt.encode() + b"/" + rest.encode("ascii", "ignore").replace(b"%", b"%25")
    assert unquote(spelt) == "/ap"
    assert strip_prefix(raw, "/ap") == raw[len(spelt) :]

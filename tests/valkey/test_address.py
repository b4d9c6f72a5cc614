from __future__ import annotations

import pytest

from dream_gateway import plugins
from dream_gateway.errors import ConfigurationError
from dream_gateway.storage import Role
from dream_gateway.testing import FakeClock
from dream_gateway_valkey import open_backend
from dream_gateway_valkey.address import Node, parse

SECRET = "s3cret"


@pytest.mark.parametrize(
    "url",
    [
        "valkey:", "valkey://", "valkey:/x", "redis://h", "valkey://h#part", "valkey://[::1",
        f"valkey://{SECRET}@h", f"valkey://u:{SECRET}@h:{SECRET}", f"valkey://u:{SECRET}@h:0",
        f"valkey://u:{SECRET}/x@h", f"valkey://u:{SECRET}@h/db", f"valkey://u:{SECRET}@h/1?db=1",
        f"valkey://u:{SECRET}@h?db={SECRET}", f"valkey://u:{SECRET}@h?db=-1",
        f"valkey://u:{SECRET}@h?db=1&db=2", f"valkey://u:{SECRET}@h?password={SECRET}",
        f"valkey://u:{SECRET}@h?timeout=soon", f"valkey://u:{SECRET}@h?timeout=0",
        f"valkey://u:{SECRET}@h?timeout=61", f"valkey://u:{SECRET}@h?wait=all",
        f"valkey://u:{SECRET}@h?prefix=a{{b}}", f"valkey://u:{SECRET}@h?prefix=",
        f"valkey://u:{SECRET}@h?ca=/x", f"valkey://u:{SECRET}@h,i",
        f"valkey+cluster://u:{SECRET}@h,i?db=1", f"valkey+cluster://u:{SECRET}@h,i/1",
        f"valkey+cluster://u:{SECRET}@h,", "valkey+unix://", f"valkey+unix://u:{SECRET}@h/path",
        f"valkey://u:{SECRET}@h?x",
    ],
)  # fmt: skip
def test_a_wrong_url_is_a_configuration_error_without_the_password(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        open_backend(url, FakeClock())
    error: BaseException | None = caught.value
    while error is not None:
        assert SECRET not in str(error)
        error = None if error.__suppress_context__ else error.__context__


def test_an_address_does_not_show_its_password() -> None:
    assert SECRET not in repr(parse(f"valkey://u:{SECRET}@h"))


def test_a_url_says_where_and_who_and_which_part() -> None:
    address = parse(
        "valkeys://m%40e:p%3A%40%2F%25@[::1]:7000/3?prefix=a.b&timeout=0.5&wait=1&ca=/c"
    )
    assert address.nodes == (Node("::1", 7000),)
    assert (address.user, address.password) == ("m@e", "p:@/%")
    assert (address.db, address.prefix, address.timeout, address.wait) == (3, "a.b", 0.5, 1)
    assert (address.tls, address.cluster, address.ca) == (True, False, "/c")
    assert str(address.nodes[0]) == "[::1]:7000"


def test_what_a_url_leaves_out_is_as_everybody_has_it() -> None:
    address = parse("valkey://:secret@h")
    assert (address.nodes, address.user, address.password) == ((Node("h", 6379),), "", "secret")
    assert (address.db, address.prefix, address.timeout, address.wait) == (0, "dg", 2.0, 0)
    assert parse("valkey://h?db=2") == parse("valkey://h/2")


def test_a_cluster_has_several_servers_and_a_socket_a_path() -> None:
    address = parse("valkeys+cluster://u:p@a,b:1,[::2]:3?prefix=x")
    assert address.nodes == (Node("a", 6379), Node("b", 1), Node("::2", 3))
    assert (address.tls, address.cluster, address.user) == (True, True, "u")
    (node,) = parse("valkey+unix:///run/val%20key.sock?db=1").nodes
    assert str(node) == node.path == "/run/val key.sock"
    assert parse("valkey+unix://u:p@/run/valkey.sock").password == "p"


@pytest.mark.parametrize(
    "scheme", ["valkey", "valkeys", "valkey+cluster", "valkeys+cluster", "valkey+unix"]
)
def test_each_scheme_opens_it(scheme: str) -> None:
    place = "/run/v.sock" if scheme.endswith("unix") else "localhost"
    backend = plugins.open_backend(f"{scheme}://{place}", FakeClock())
    assert backend.roles == {Role.LEDGER, Role.KV, Role.FEED}
    assert backend.shareable
    with pytest.raises(ConfigurationError):
        backend.records_engine()
    assert backend.journal_dir() is None

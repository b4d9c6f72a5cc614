from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dream_gateway.edge.fields import field_value, is_ours
from dream_gateway.errors import ConfigurationError
from dream_gateway.http.inbound import Inbound, from_scope
from dream_gateway.http.peers import TrustedProxies
from dream_gateway.http.request_ids import RequestIds


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_field_value_is_plain_and_can_be_decoded(text: Any) -> None:
    value = field_value(text)
    assert all(0x20 <= byte <= 0x7E for byte in value)
    assert unquote(value.decode()) == text


@pytest.mark.parametrize(
    "name", [b"x-dream-plan", b"x_dream_plan", b"x-dream_new", b"x_forwarded_for"]
)
def test_ours_however_spelt(name: Any) -> None:
    assert is_ours(name)


@pytest.mark.parametrize("name", [b"x-dreamy", b"x_custom", b"dream"])
def test_not_ours(name: Any) -> None:
    assert not is_ours(name)


def inbound(client: str | None, headers: Any) -> Inbound:
    peer = None if client is None else (client, 1)
    return from_scope({"path": "/", "client": peer, "headers": headers})


@given(st.binary(max_size=60))
def test_a_hostile_chain_never_raises(chain: Any) -> None:
    proxies = TrustedProxies(("10.0.0.0/8",))
    peer = proxies.peer(inbound("10.0.0.1", [(b"x-forwarded-for", chain)]))
    assert peer.trusted
    assert peer.address


def test_an_untrusted_peer_is_itself() -> None:
    proxies = TrustedProxies(("10.0.0.0/8", "::1"))
    headers = [(b"x-forwarded-for", b"1.1.1.1")]
    assert proxies.peer(inbound("11.0.0.1", headers)) == ("11.0.0.1", False)
    assert proxies.peer(inbound("::ffff:10.0.0.1", headers))[0] == "1.1.1.1"
    assert proxies.peer(inbound(None, headers)) == (None, False)


def test_a_bad_block_is_named() -> None:
    with pytest.raises(ConfigurationError):
        TrustedProxies(("nonsense",))


@given(st.none() | st.binary(max_size=200))
def test_request_ids_are_safe(inbound: Any) -> None:
    taken = RequestIds().take_over(inbound)
    assert 0 < len(taken) <= 128
    assert all(0x21 <= byte <= 0x7E for byte in taken)


def test_request_ids_are_unique() -> None:
    ids = RequestIds()
    assert len({ids.take_over(None) for _ in range(1000)}) == 1000

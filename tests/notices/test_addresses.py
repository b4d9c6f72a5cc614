"""Where webhooks may go."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dream_gateway.notices.addresses import (
    ForbiddenPlaceError,
    is_public,
    judge,
    networks,
    place_of,
)
from dream_gateway.notices.resolver import Resolver

PRIVATE = [
    "0.0.0.0",  # noqa: S104 - a place, not a listener
    "10.0.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "192.0.2.1",
    "192.168.1.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:a00:1::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fec0::1",
    "feff:ffff::1",
    "ff02::1",
]
PUBLIC = ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "64:ff9b::101:101"]


@pytest.mark.parametrize("text", PRIVATE)
def test_an_address_that_is_not_everybodys_is_refused(text: str) -> None:
    assert not is_public(ip_address(text))
    host = f"[{text}]" if ":" in text else text
    with pytest.raises(ForbiddenPlaceError):
        place_of(f"https://{host}/hooks", ())


@pytest.mark.parametrize("text", PUBLIC)
def test_a_public_address_is_allowed(text: str) -> None:
    assert is_public(ip_address(text))
    host = f"[{text}]" if ":" in text else text
    assert place_of(f"https://{host}:8443/hooks?a=b", ()) == ("https", text, 8443, "/hooks?a=b")


@given(st.ip_addresses(v=4))
def test_whatever_leads_to_an_address_is_judged_like_it(address: object) -> None:
    number = int(address)  # type: ignore[call-overload]
    public = is_public(ip_address(str(address)))
    assert is_public(ip_address((0x64FF9B << 96) + number)) is public
    assert not is_public(ip_address((0xFFFF << 32) + number)) or public
    assert not is_public(ip_address((0x2002 << 112) + (number << 80))) or public


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hooks",
        "ftp://example.com/",
        "https:///hooks",
        "http://example.com/",
        "https://user:secret@example.com/",
        "https://user@example.com/",
        "https://example.com/#part",
        "https://example.com:99999/",
        "https://[::1",
        "file:///etc/passwd",
    ],
)
def test_what_is_no_https_url_is_refused(url: str) -> None:
    with pytest.raises(ForbiddenPlaceError):
        place_of(url, ())


def test_a_network_that_is_allowed_may_be_reached_without_tls_and_no_other() -> None:
    allowed = networks(["127.0.0.0/8"])
    assert place_of("http://127.0.0.1:9/", allowed).port == 9
    with pytest.raises(ForbiddenPlaceError):
        place_of("http://10.0.0.1/", allowed)
    with pytest.raises(ForbiddenPlaceError, match="https"):
        place_of("http://1.1.1.1/", allowed)
    named = place_of("http://example.com/", allowed)
    with pytest.raises(ForbiddenPlaceError, match="https"):
        judge(named, [ip_address("1.1.1.1")], allowed)


def test_one_private_address_among_several_is_enough_to_be_refused() -> None:
    place = place_of("https://example.com/", ())
    with pytest.raises(ForbiddenPlaceError, match="not public"):
        judge(place, [ip_address("1.1.1.1"), ip_address("127.0.0.1")], ())


# What a resolver takes for an address, though it is none in the usual spelling.
@pytest.mark.parametrize("host", ["localhost", "127.1", "0x7f000001", "2130706433", "017700000001"])
async def test_other_spellings_of_loopback_are_known_once_they_are_resolved(host: str) -> None:
    resolver = Resolver()
    place = place_of(f"https://{host}/", ())
    with pytest.raises(ForbiddenPlaceError):
        judge(place, await resolver.resolve(place), ())

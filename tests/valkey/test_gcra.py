"""The Lua arithmetic is that of `dream_gateway.gcra`, to the last tick."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import valkey
from hypothesis import given, settings
from hypothesis import strategies as st

from dream_gateway import gcra
from dream_gateway.gcra import Bucket, Rate
from dream_gateway_valkey.calls import MOST_BURST_US, MOST_PERIOD

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Ask = Callable[..., list[int]]

NOW = 1_800_000_000_000_000
SECOND_US = 1_000_000
MONTH_US = 31 * 86_400 * SECOND_US


def large(bits: int) -> st.SearchStrategy[int]:
    """Whole numbers below 2^bits, of every order of magnitude."""
    return st.integers(1, bits).flatmap(lambda n: st.integers(1, 2**n - 1))


periods = st.one_of(st.sampled_from([1, SECOND_US, 60 * SECOND_US, MONTH_US]), large(42))
rates = st.builds(Rate, large(42), periods, large(45)).filter(
    lambda rate: rate.span(rate.burst) < MOST_BURST_US
)


@st.composite
def scenes(draw: st.DrawFn) -> tuple[Rate, Bucket, int]:
    """Draw a rate, a bucket that may be anywhere under it, and a time."""
    rate = draw(rates)
    full = rate.span(rate.burst)
    ahead = draw(st.one_of(st.integers(-full, full), st.integers(-(10**15), 2 * full + 1)))
    out = draw(st.integers(0, rate.burst + 3))
    surplus = draw(st.integers(0, rate.limit - 1))
    return rate, Bucket(max(0, NOW + ahead), out, surplus), NOW


@pytest.fixture(scope="module")
def ask(shared_url: str) -> Iterator[Ask]:
    arithmetic = files("dream_gateway_valkey").joinpath("gcra.lua").read_text()
    probe = Path(__file__).with_name("gcra_probe.lua").read_text()
    client: Any = valkey.Valkey.from_url(shared_url)  # its types change from release to release
    client.function_load(f"#!lua name=gcra_probe\n{arithmetic}\n{probe}", replace=True)

    def call(name: str, *arguments: int) -> list[int]:
        answer: Any = client.fcall(name, 0, *map(str, arguments))
        return [int(each) for each in answer]

    yield call
    client.connection_pool.disconnect()


def flat(rate: Rate) -> tuple[int, int, int]:
    return rate.limit, rate.period_us, rate.burst


def numbers(bucket: Bucket) -> list[int]:
    return [bucket.tat_us, bucket.out, bucket.surplus]


@settings(max_examples=200)
@given(a=large(53), b=large(53), c=large(42))
def test_a_product_is_divided_exactly(ask: Ask, a: int, b: int, c: int) -> None:
    if a * b // c < 2**53:
        assert tuple(ask("gcra_muldiv", a, b, c)) == divmod(a * b, c)


@settings(max_examples=300)
@given(scene=scenes(), data=st.data())
def test_taking_agrees(ask: Ask, scene: tuple[Rate, Bucket, int], data: st.DataObject) -> None:
    rate, bucket, now = scene
    wanted = data.draw(st.one_of(st.integers(1, rate.burst + 2), st.integers(1, 5)))
    at_least = data.draw(st.integers(1, wanted))
    took = gcra.take(rate, bucket, now, wanted, at_least)
    wait = -1 if took.retry_after_us is None else took.retry_after_us
    after = [took.granted, wait, gcra.remaining(rate, took.bucket, now)]
    answer = ask("gcra_take", *flat(rate), *numbers(bucket), now, wanted, at_least)
    assert answer == numbers(took.bucket) + after


@settings(max_examples=300)
@given(scene=scenes(), data=st.data())
def test_settling_agrees(ask: Ask, scene: tuple[Rate, Bucket, int], data: st.DataObject) -> None:
    rate, bucket, now = scene
    granted = data.draw(st.integers(1, rate.burst))
    spent = data.draw(st.integers(0, granted))
    after = gcra.settle(rate, bucket, now, granted, spent)
    answer = ask("gcra_settle", *flat(rate), *numbers(bucket), now, granted, spent)
    assert answer == numbers(after)


@settings(max_examples=300)
@given(scene=scenes(), before=rates)
def test_adopting_agrees(ask: Ask, scene: tuple[Rate, Bucket, int], before: Rate) -> None:
    rate, bucket, now = scene
    after = gcra.adopt(rate, before, bucket, now)
    answer = ask("gcra_adopt", *flat(rate), *numbers(bucket), now, *flat(before))
    assert answer == numbers(after)


def test_the_rates_drawn_are_beyond_what_a_double_holds() -> None:
    rate = Rate(999_983, 86_400 * SECOND_US, 999_983)
    assert rate.burst * rate.period_us > 2**53
    assert rate.period_us < MOST_PERIOD

"""Verified tokens: remembered until they expire, and never longer."""

from __future__ import annotations

import pytest

from dream_gateway import keys
from dream_gateway.errors import IdentityUnavailableError, InvalidCredentialError
from dream_gateway.hookspecs import Identified
from dream_gateway.testing import FakeClock
from dream_gateway.tokens import ENDLESS_SECONDS, LONGEST_TOKEN, Tokens


class Named:
    """Knows every token that begins with its name; counts what it verifies."""

    def __init__(self, name: str, until: float | None = None) -> None:
        self.name = name
        self.until = until
        self.asked: list[str] = []
        self.failure: Exception | None = None

    async def verify(self, token: str) -> Identified | None:
        self.asked.append(token)
        if self.failure is not None:
            raise self.failure
        if not token.startswith(self.name):
            return None
        return Identified(self.name, token, expires_at=self.until)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


async def test_the_first_that_knows_a_token_wins(clock: FakeClock) -> None:
    first, second, third = Named("a"), Named("b"), Named("b")
    tokens = Tokens([first, second, third], clock, 10)
    assert (await tokens.identify("b1")).issuer == "b"
    assert (len(first.asked), len(second.asked), len(third.asked)) == (1, 1, 0)


async def test_a_token_is_verified_once_until_it_expires(clock: FakeClock) -> None:
    identity = Named("a", until=clock.now() + 10)
    tokens = Tokens([identity], clock, 10)
    assert tokens.recall(keys.digest("a1")) is None
    for _ in range(3):
        await tokens.identify("a1")
    assert tokens.recall(keys.digest("a1")) == await tokens.identify("a1")
    assert identity.asked == ["a1"]
    clock.advance(10)
    assert tokens.recall(keys.digest("a1")) is None
    identity.failure = InvalidCredentialError()
    with pytest.raises(InvalidCredentialError):
        await tokens.identify("a1")
    assert len(tokens) == 0


async def test_a_token_without_an_end_is_verified_again_after_a_minute(clock: FakeClock) -> None:
    identity = Named("a")
    tokens = Tokens([identity], clock, 10)
    await tokens.identify("a1")
    clock.advance(ENDLESS_SECONDS - 0.001)
    await tokens.identify("a1")
    assert len(identity.asked) == 1
    clock.advance(0.001)
    await tokens.identify("a1")
    assert len(identity.asked) == 2


async def test_no_more_than_size_are_remembered_and_the_oldest_goes(clock: FakeClock) -> None:
    identity = Named("a")
    tokens = Tokens([identity], clock, 3)
    for number in range(5):
        await tokens.identify(f"a{number}")
    assert len(tokens) == 3
    assert [n for n in range(5) if tokens.recall(keys.digest(f"a{n}"))] == [2, 3, 4]


async def test_expired_ones_take_no_room(clock: FakeClock) -> None:
    identity = Named("a")
    tokens = Tokens([identity], clock, 1000)
    for number in range(100):
        identity.until = clock.now() + 60
        await tokens.identify(f"a{number}")
        clock.advance(10)
    assert len(tokens) <= 6


@pytest.mark.parametrize("failure", [InvalidCredentialError(), IdentityUnavailableError()])
async def test_a_failure_is_not_remembered(clock: FakeClock, failure: Exception) -> None:
    identity = Named("a")
    tokens = Tokens([identity], clock, 10)
    identity.failure = failure
    with pytest.raises(type(failure)):
        await tokens.identify("a1")
    identity.failure = None
    assert (await tokens.identify("a1")).subject == "a1"


async def test_what_nobody_knows_and_what_is_endless_is_refused(clock: FakeClock) -> None:
    identity = Named("a")
    for token, asked in (("b1", 1), ("a" * (LONGEST_TOKEN + 1), 1)):
        with pytest.raises(InvalidCredentialError):
            await Tokens([identity], clock, 10).identify(token)
        assert len(identity.asked) == asked
    with pytest.raises(InvalidCredentialError):
        await Tokens([], clock, 10).identify("a1")

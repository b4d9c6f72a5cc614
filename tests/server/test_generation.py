"""What a worker is given to begin with."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dream_gateway.server.certificates import Pair
from dream_gateway.server.generation import Generation, decode, encode
from dream_gateway.settings import RouteSettings, Settings


@given(
    port=st.integers(0, 65535),
    share=st.floats(0.001, 1),
    host=st.text(),
    prefixes=st.lists(st.text(alphabet="ab/"), max_size=3),
    key=st.none() | st.binary(),
)
def test_another_process_reads_the_same(
    port: int, share: float, host: str, prefixes: list[str], key: bytes | None
) -> None:
    routes = tuple(RouteSettings(prefix="/" + text) for text in prefixes)
    settings = Settings(port=port, lease_share=share, host=host, routes=routes)
    generation = Generation(settings, None if key is None else Pair(b"chain", key))
    line = encode(generation)
    assert decode(line) == generation
    assert line.index(b"\n") == len(line) - 1


def test_a_key_is_not_shown() -> None:
    assert "secret" not in repr(Generation(Settings(), Pair(b"chain", b"secret")))

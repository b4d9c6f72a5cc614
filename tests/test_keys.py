"""Keys: what is minted parses, and nothing else does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dream_gateway import keys
from dream_gateway.model import KeyKind, Mode


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("kind", KeyKind)
def test_a_minted_key_says_what_it_is(kind: KeyKind, mode: Mode) -> None:
    key = keys.mint(kind, mode)
    assert keys.parse(key) == (kind, mode)
    assert key.startswith(keys.prefix_of(key))
    assert key.endswith(keys.last4_of(key))


@given(st.text())
def test_any_other_text_is_no_key(text: str) -> None:
    assert keys.parse(text) is None
    assert keys.parse(f"ak_live_{text}") is None


@given(st.integers(8, keys.LENGTH - 1), st.sampled_from(keys.ALPHABET))
def test_a_key_with_one_character_changed_is_refused(at: int, character: str) -> None:
    key = keys.mint(KeyKind.CUSTOMER, Mode.LIVE)
    changed = key[:at] + character + key[at + 1 :]
    assert (keys.parse(changed) is None) == (changed != key)


@given(st.text())
def test_what_another_system_minted_is_recognised_by_its_beginning(text: str) -> None:
    fits = 13 <= len(text) <= 253 and text.isascii() and text.isprintable()
    assert keys.recognise(f"sk_{text}") == (KeyKind.SECRET if fits else None)
    assert keys.recognise(f"tk_{text}") == (KeyKind.CUSTOMER if fits else None)


@given(st.lists(st.text(), min_size=1, max_size=3))
def test_an_id_made_from_names_is_always_the_same(names: list[str]) -> None:
    made = keys.id_from("prj", *names)
    assert made == keys.id_from("prj", *names)
    assert made != keys.id_from("prj", *names, "more")
    assert len(made) == len(keys.mint_id("prj"))
    assert made.removeprefix("prj_").isalnum()

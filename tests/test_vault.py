"""The vault: what it sealed opens with its key and in its place, and in no other way."""

from __future__ import annotations

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dream_gateway.encryption_keys import mint_key, parse_key
from dream_gateway.errors import ConfigurationError, EncryptionKeyMissingError, SealBrokenError
from dream_gateway.vault import SHORTEST, Vault, key_id_of

OLD, NEW = mint_key(), mint_key()


@given(st.binary(max_size=200), st.text(max_size=40))
def test_what_was_sealed_opens_in_its_place(plaintext: bytes, context: str) -> None:
    sealed = Vault([OLD]).seal(plaintext, context)
    assert Vault([NEW, OLD]).open(sealed, context) == plaintext
    assert len(sealed) == SHORTEST + len(plaintext)


@given(st.binary(max_size=40), st.text(max_size=20), st.text(max_size=20))
def test_in_another_place_it_does_not_open(plaintext: bytes, here: str, there: str) -> None:
    sealed = Vault([OLD]).seal(plaintext, here)
    if here != there:
        with pytest.raises(SealBrokenError):
            Vault([OLD]).open(sealed, there)


@given(st.binary(max_size=40), st.data())
def test_one_bit_changed_anywhere_is_noticed(plaintext: bytes, data: st.DataObject) -> None:
    vault = Vault([OLD])
    changed = bytearray(vault.seal(plaintext, "place"))
    at = data.draw(st.integers(0, len(changed) * 8 - 1))
    changed[at // 8] ^= 1 << at % 8
    with pytest.raises((SealBrokenError, EncryptionKeyMissingError)):
        vault.open(bytes(changed), "place")


@given(st.binary(max_size=100))
def test_anything_else_is_refused(noise: bytes) -> None:
    with pytest.raises((SealBrokenError, EncryptionKeyMissingError)):
        Vault([OLD]).open(noise, "place")


def test_two_seals_of_one_secret_have_nothing_in_common() -> None:
    vault = Vault([OLD])
    assert vault.seal(b"secret", "place") != vault.seal(b"secret", "place")


def test_the_first_key_seals_and_the_others_only_open() -> None:
    before = Vault([OLD]).seal(b"secret", "place")
    both = Vault([NEW, OLD])
    after = both.seal(both.open(before, "place"), "place")
    assert (both.is_current(before), both.is_current(after)) == (False, True)
    assert Vault([NEW]).open(after, "place") == b"secret"


def test_a_missing_key_is_named_and_not_shown() -> None:
    sealed = Vault([OLD]).seal(b"secret", "place")
    with pytest.raises(EncryptionKeyMissingError) as caught:
        Vault([NEW]).open(sealed, "place")
    assert key_id_of(sealed) in caught.value.detail
    assert OLD not in caught.value.detail
    assert NEW not in caught.value.detail


def test_without_a_key_nothing_is_sealed() -> None:
    assert not Vault([]).is_usable
    with pytest.raises(ConfigurationError, match="encryption_keys"):
        Vault([]).seal(b"secret", "place")


@given(st.binary(min_size=32, max_size=32))
def test_a_key_may_be_in_either_alphabet_padded_or_not(key: bytes) -> None:
    text = b64encode(key).decode()
    forms = [text, text.rstrip("="), text.translate(str.maketrans("+/", "-_"))]
    assert [parse_key(form) for form in forms] == [key] * 3


@given(
    st.one_of(
        st.text(), st.binary().filter(lambda b: len(b) != 32).map(lambda b: b64encode(b).decode())
    )
)
def test_what_is_no_key_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_key(text)
    assert caught.value.detail == "An encryption key is not 32 bytes in base64."

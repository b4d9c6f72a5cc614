"""Redaction: a secret in any text is blotted out, and what is none is left as it is."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dream_gateway import keys
from dream_gateway.model import KeyKind, Mode
from dream_gateway.redaction import redacted, redacted_path, redacted_query

AROUND = st.text(st.sampled_from(" /?&=\"'<>:,;\n"), max_size=5)


@given(AROUND, AROUND, st.sampled_from([KeyKind.SECRET, KeyKind.CUSTOMER]), st.sampled_from(Mode))
def test_a_key_in_a_text_is_blotted_out(before: str, after: str, kind: KeyKind, mode: Mode) -> None:
    key = keys.mint(kind, mode)
    assert redacted(before + key + after) == f"{before}{kind}_***{after}"


@given(st.sets(st.integers(0, keys.LENGTH - 1)))
def test_a_key_in_a_path_is_blotted_out_however_it_is_escaped(escaped: set[int]) -> None:
    key = keys.mint(KeyKind.SECRET, Mode.LIVE)
    spelt = "".join(
        f"%{ord(each):02x}" if number in escaped else each for number, each in enumerate(key)
    )
    assert redacted_path(f"/v1/{spelt}/x") == "/v1/sk_***/x"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Authorization: Bearer abcdefghij", "Authorization: Bearer ***"),
        ("eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.c2lnbmF0dXJl", "ey***"),
        ("postgres://me:hunter2@db/x", "postgres://me:***@db/x"),
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_***"),
        ("sk_live_51H8xyzABC_def-ghi rest", "sk_*** rest"),
        ("pk_live_0123456789abcdef", "pk_live_0123456789abcdef"),
        ("key_0123456789abcdef", "key_0123456789abcdef"),
        ("task_completed_in_time", "task_completed_in_time"),
        ("http://127.0.0.1:8080/a@b", "http://127.0.0.1:8080/a@b"),
        ("", ""),
    ],
)
def test_what_is_a_secret(text: str, shown: str) -> None:
    assert redacted(text) == shown


@given(st.text())
def test_redaction_never_fails_and_is_done_once(text: str) -> None:
    assert redacted(redacted(text)) == redacted(text)
    assert redacted_path(quote(text)).isascii()


def test_a_querys_secrets_are_known_by_their_names() -> None:
    asked = "page=2&ticket=abc&J%57T=abc&k=abc"
    assert redacted_query(asked, "k") == "page=2&ticket=***&J%57T=***&k=***"

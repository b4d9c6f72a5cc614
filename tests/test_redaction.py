"""Redaction: a secret in any text is blotted out, and what is none is left as it is."""

from __future__ import annotations

import time
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dream_gateway import keys
from dream_gateway.model import KeyKind, Mode
from dream_gateway.redaction import LONGEST, MARGIN, redacted, shown, shown_path, shown_query

TOKEN = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.c2lnbmF0dXJl"
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
    assert shown_path(f"/v1/{spelt}/x") == "/v1/sk_***/x"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Authorization: Bearer abcdefghij", "Authorization: Bearer ***"),
        (TOKEN, "ey***"),
        (f"a.b-{TOKEN}/c", "a.b-ey***/c"),
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
    assert shown_path(quote(text)).isascii()


def test_a_querys_secrets_are_known_by_their_names() -> None:
    asked = "page=2&ticket=abc&J%57T=abc&k=abc"
    assert shown_query(asked, "k") == "page=2&ticket=***&J%57T=***&k=***"


@given(st.text())
def test_what_is_shown_is_the_beginning_of_what_is_redacted(text: str) -> None:
    assert shown(text) == redacted(text)[:LONGEST]


def test_a_secret_that_is_cut_in_two_is_blotted_out() -> None:
    begins = "/" + "a" * (LONGEST - 6) + "/"
    assert shown_path(f"{begins}{TOKEN}/{'b' * MARGIN}") == f"{begins}ey**"


@pytest.mark.parametrize(
    "part",
    [
        "ey-",
        "-ey.",
        "-eyaaaaaaaa.",
        "-eyaaaaaaaa.a.",
        "://a:",
        "://",
        ":",
        "bearer ",
        " ",
        "sk_-",
        "-a",
    ],
)
@pytest.mark.parametrize("last", ["", ".aaaaaaaa.", "@"])
def test_no_text_takes_long(part: str, last: str) -> None:
    """What anybody may send is looked at before it is refused: in proportion to its length."""

    def seconds(length: int) -> float:
        text, took = "/" + part * (length // len(part)) + last, []
        for _ in range(5):
            began = time.process_time()
            redacted(text)
            took.append(time.process_time() - began)
        return min(took)

    assert seconds(40_000) < 10 * seconds(10_000)  # 4 by length; 16 if it went by its square

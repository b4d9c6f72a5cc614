"""The short form of chaos: a store killed under load, and a judge that sees what is wrong."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
from chaos.__main__ import trial
from chaos.crowd import Answers
from chaos.faults import faults
from chaos.places import places
from chaos.trial import RECOVERY_SECONDS, judged

if TYPE_CHECKING:
    from chaos.trial import Trial

LIMIT = 3_000


@pytest.mark.long
async def test_a_store_that_is_killed_loses_and_admits_nothing_too_much() -> None:
    found: Trial | None = await trial(places()["postgres"], faults()["store"], LIMIT)
    assert found is not None
    assert found.broken == []
    assert found.answers.admitted == found.counted == LIMIT


@pytest.mark.parametrize(
    ("answers", "counted", "recovery", "word"),
    [
        (Answers(admitted=LIMIT + 1), LIMIT + 1, 0.0, "too many"),
        (Answers(admitted=LIMIT), LIMIT + 2, 0.0, "above the limit"),
        (Answers(admitted=50), 49, 0.0, "lost 1"),
        (Answers(admitted=50, unanswered=2), 53, 0.0, "stranded 1"),
        (Answers(admitted=50), 50, RECOVERY_SECONDS, "no recovery"),
        (Answers(admitted=50, refused=Counter({"503 nonsense": 1})), 50, 0.0, "nonsense"),
    ],
)
def test_the_judge_sees_what_is_wrong(
    answers: Answers, counted: int, recovery: float, word: str
) -> None:
    assert any(word in each for each in judged(answers, counted, recovery, LIMIT))


def test_the_judge_is_content_with_what_is_right() -> None:
    answers = Answers(admitted=LIMIT - 1, unanswered=1)
    answers.count(503, "store_unavailable")
    assert judged(answers, LIMIT, 1.0, LIMIT) == []

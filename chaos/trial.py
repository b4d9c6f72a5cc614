"""One trial: a crowd, a fault in the middle, and what must hold afterwards."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from chaos.crowd import Crowd
from chaos.field import CUSTOMER
from dream_gateway import errors

if TYPE_CHECKING:
    from chaos.crowd import Answers
    from chaos.faults import Fault
    from chaos.field import Field

LIMIT = 12_000
CALM_SECONDS = 1.5
RECOVERY_SECONDS = 40.0
LAST_SECONDS = 3.0
"""So long nobody is admitted before it is believed that nothing is left: leases come back by then."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What became of a field under a fault. `broken` names what did not hold; empty: all did."""

    place: str
    fault: str
    limit: int
    answers: Answers
    counted: int
    recovery: float
    broken: list[str] = field(default_factory=list)


async def attempt(ground: Field, fault: Fault, limit: int = LIMIT) -> Trial:
    """Inflict a fault on a field under load, and hold what is left against the promise."""
    crowd = Crowd(ground.nodes, ground.secret, CUSTOMER)
    crowd.begin()
    await asyncio.sleep(CALM_SECONDS)
    await fault.inflict(ground)
    recovery = await _recovered(ground, crowd)
    await _used_up(crowd)
    answers = await crowd.end()
    counted = await ground.settled()
    broken = judged(answers, counted, recovery, limit)
    broken += [f"raised {error}" for node in ground.nodes for error in node.raised()]
    return Trial(ground.place.name, fault.name, limit, answers, counted, recovery, broken)


async def _recovered(ground: Field, crowd: Crowd) -> float:
    """Return the seconds until every node admits or denies again, without a restart."""
    now = asyncio.get_running_loop().time
    mended = now()

    def serves() -> bool:
        return all(crowd.last.get(node, 0) > mended for node in ground.nodes)

    await crowd.until(serves, RECOVERY_SECONDS)
    return now() - mended


async def _used_up(crowd: Crowd) -> None:
    """Wait until the quota is gone for good, so that one unit too many would show."""
    now = asyncio.get_running_loop().time
    denied = crowd.answers.denied

    def gone() -> bool:
        return crowd.answers.denied > denied and now() - crowd.admitted_at > LAST_SECONDS

    await crowd.until(gone, RECOVERY_SECONDS)


def judged(answers: Answers, counted: int, recovery: float, limit: int) -> list[str]:
    """Return what did not hold."""
    broken = []
    if answers.admitted > limit:
        broken.append(f"admitted {answers.admitted - limit} too many")
    if counted > limit:
        broken.append(f"counted {counted - limit} above the limit")
    if counted < answers.admitted:
        broken.append(f"lost {answers.admitted - counted} admitted units")
    if counted > answers.admitted + answers.unanswered:
        broken.append(f"stranded {counted - answers.admitted - answers.unanswered} units")
    if recovery >= RECOVERY_SECONDS:
        broken.append("no recovery without a restart")
    unknown = [code for code in answers.refused if code.partition(" ")[2] not in _codes()]
    broken += [f"answered {code}, which no page explains" for code in unknown]
    return broken


def _codes() -> set[str]:
    """Return the codes of all errors, which the reference explains one by one."""
    return {kind.code for kind in _kinds(errors.GatewayError)}


def _kinds(kind: type[errors.GatewayError]) -> list[type[errors.GatewayError]]:
    return [kind, *(each for under in kind.__subclasses__() for each in _kinds(under))]

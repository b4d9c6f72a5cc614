"""`RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers), and their ancestors.

Both are lists of structured fields (RFC 9651): a policy's name as a string, with parameters `q`
(limit) and `w` (window, seconds), or `r` (remaining) and `t` (seconds until more is to be had).
"""

from __future__ import annotations

from math import ceil, gcd
from typing import TYPE_CHECKING

from dream_gateway.storage import Quota
from dream_gateway.verdicts import MICROSECONDS, Admitted, policies

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dream_gateway.gcra import Rate
    from dream_gateway.http.asgi import Headers
    from dream_gateway.model import PolicyState, Verdict
    from dream_gateway.subjects import Subject

_MAX_POLICIES = 4096
"""Policies whose text is kept; a tier has a handful, so this is only reached by odd settings."""


class RateLimitHeaders:
    """Renders the policies of a verdict as header fields; `legacy` adds `X-RateLimit-*`."""

    __slots__ = ("_legacy", "_texts")

    def __init__(self, *, legacy: bool = False) -> None:
        self._legacy = legacy
        self._texts: dict[tuple[str, int, int | None], tuple[str, bytes]] = {}

    def add(self, headers: Headers, verdict: Verdict) -> None:
        """Append the fields for a verdict; nothing if it has no limits."""
        if self._legacy or not isinstance(verdict, Admitted):
            self.add_to(headers, verdict.policies)
            return
        limits = self.live(verdict.subject)
        if limits.policy:
            headers.append((b"ratelimit-policy", limits.policy))
            headers.append((b"ratelimit", limits.state(verdict.now)))

    def lines(self, subject: Subject, now: float) -> bytes:
        """Return the same for an admitted subject, as lines of a head, each ended by CRLF."""
        limits: LiveLimits | None = subject.limits
        if limits is None:
            limits = self.live(subject)
        return limits.lines(now)

    def lines_of(self, verdict: Verdict) -> bytes:
        """Return any verdict's fields as lines of a head, each ended by CRLF."""
        if isinstance(verdict, Admitted) and not self._legacy:
            return self.lines(verdict.subject, verdict.now)
        headers: Headers = []
        self.add(headers, verdict)
        return b"".join([b"%b: %b\r\n" % field for field in headers])

    @property
    def legacy(self) -> bool:
        """Whether the old fields are added, which `live` and `lines` have not."""
        return self._legacy

    def live(self, subject: Subject) -> LiveLimits:
        """Return the subject's limits, which are rendered once for each of its periods."""
        limits: LiveLimits | None = subject.limits
        if limits is None:
            states = policies(subject, subject.since)
            limits = subject.limits = LiveLimits(subject, [self._text(each) for each in states])
        return limits

    def add_to(self, headers: Headers, policies: Sequence[PolicyState]) -> None:
        """Append the fields for these policies; nothing if there are none."""
        if not policies:
            return
        if len(policies) == 1:
            name, policy = self._text(policies[0])
            state = _state(name, policies[0])
        else:
            texts = [self._text(each) for each in policies]
            policy = b", ".join([text for _, text in texts])
            state = b", ".join(
                [_state(name, each) for (name, _), each in zip(texts, policies, strict=True)]
            )
        headers.append((b"ratelimit-policy", policy))
        headers.append((b"ratelimit", state))
        if self._legacy:
            _add_legacy(headers, policies)

    def _text(self, policy: PolicyState) -> tuple[str, bytes]:
        key = (policy.name, policy.limit, policy.window)
        text = self._texts.get(key)
        if text is None:
            if len(self._texts) >= _MAX_POLICIES:
                self._texts.clear()
            text = self._texts[key] = _policy(policy)
        return text


class LiveLimits:
    """A subject's limits as text that only the numbers are missing from.

    The seconds until a quota's end are put in once for each second.
    """

    __slots__ = ("_counters", "_lines", "_names", "_second", "policy")

    def __init__(self, subject: Subject, texts: Sequence[tuple[str, bytes]]) -> None:
        self.policy = b", ".join([text for _, text in texts])
        self._names = [name.encode("ascii").replace(b"%", b"%%") for name, _ in texts]
        limited = [c for c in subject.counters if c.rule.limit is not None]
        self._counters = [
            (c, 0, 0, 0) if isinstance(c.rule, Quota) else (c, c.rule.burst, *_recovery(c.rule))
            for c in limited
        ]
        self._lines = b""
        self._second = -1.0

    def lines(self, now: float) -> bytes:
        """Return the lines of a head for this moment, none for no limits."""
        if not 0.0 <= now - self._second < 1.0:
            self._begin_second(now)
        numbers: tuple[int, ...] = ()
        for counter, burst, seconds, units in self._counters:
            left = counter.available + counter.beyond
            if not burst:
                numbers += (left,)
            elif left >= burst:
                numbers += (burst, 0)
            else:
                numbers += (left, -((left - burst) * seconds // units))
        return self._lines % numbers

    def state(self, now: float) -> bytes:
        """Return the value of `RateLimit` at this moment."""
        return self.lines(now).rpartition(b": ")[2][:-2]

    def _begin_second(self, now: float) -> None:
        self._second = now // 1
        states = []
        for name, (counter, *_) in zip(self._names, self._counters, strict=True):
            if isinstance(counter.rule, Quota):
                seconds = ceil(max(0, (counter.rule.period_end or 0) - self._second))
                states.append(b"%b;r=%%d;t=%d" % (name, seconds))
            else:
                states.append(name + b";r=%d;t=%d")
        policy = self.policy.replace(b"%", b"%%")
        if policy:
            state = b", ".join(states)
            self._lines = b"ratelimit-policy: %b\r\nratelimit: %b\r\n" % (policy, state)


def _recovery(rate: Rate) -> tuple[int, int]:
    """Return in how many seconds how many of a rate's units come back, in lowest terms.

    Small numbers are divided several times as fast.
    """
    seconds, units = rate.period_us, rate.limit * MICROSECONDS
    common = gcd(seconds, units)
    return seconds // common, units // common


def _policy(policy: PolicyState) -> tuple[str, bytes]:
    name = _string(policy.name)
    window = "" if policy.window is None else f";w={policy.window}"
    return name, f"{name};q={policy.limit}{window}".encode("ascii")


def _state(name: str, policy: PolicyState) -> bytes:
    return b"%s;r=%d;t=%d" % (name.encode("ascii"), max(0, policy.remaining), _seconds(policy))


def _seconds(policy: PolicyState) -> int:
    return max(0, ceil(policy.reset))


def _string(text: str) -> str:
    """Return an RFC 9651 string: printable ASCII in quotes, others replaced."""
    plain = "".join(char if " " <= char <= "~" else "?" for char in text)
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _add_legacy(headers: Headers, policies: Sequence[PolicyState]) -> None:
    """Append the old fields, which have room for one policy: the one with least left."""
    tightest = min(policies, key=lambda policy: policy.remaining)
    headers.append((b"x-ratelimit-limit", b"%d" % tightest.limit))
    headers.append((b"x-ratelimit-remaining", b"%d" % max(0, tightest.remaining)))
    headers.append((b"x-ratelimit-reset", b"%d" % _seconds(tightest)))

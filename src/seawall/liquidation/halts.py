"""Halts: trading halt, withdrawal gate, deleveraging switch. Rules fixed beforehand, with an end; rights survive.

A halt is a function of a rule and of what was observed, so anyone can recompute when it held and why. Nothing here can
be closed by hand: a rule counts only for observations after it was published.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from typing import NamedTuple, TypeVar

from seawall.errors import InputError
from seawall.money import exact_text


class HaltKind(Enum):
    """What stands still."""

    TRADING = "trading"  # no orders match; liquidation may be exempt, that is the policy's choice
    WITHDRAWALS = "withdrawals"  # nothing leaves the venue
    DELEVERAGING = "deleveraging"  # on: winners may be deleveraged; a switch, not a stop


class Sense(Enum):
    """On which side of the threshold a criterion is met."""

    BELOW = "below"
    ABOVE = "above"
    AT_MOST = "at_most"
    AT_LEAST = "at_least"


_TEST = {
    Sense.BELOW: operator.lt,
    Sense.ABOVE: operator.gt,
    Sense.AT_MOST: operator.le,
    Sense.AT_LEAST: operator.ge,
}


@dataclass(frozen=True, slots=True)
class Criterion:
    """``measure`` (fund balance, unpaid deficit, price move, seconds of outage, ...) against a threshold."""

    measure: str
    sense: Sense
    threshold: Fraction

    def met(self, value: Fraction) -> bool:
        """Does ``value`` meet it?"""
        return bool(_TEST[self.sense](value, self.threshold))

    def __str__(self) -> str:
        return f"{self.measure} {self.sense.value.replace('_', ' ')} {exact_text(self.threshold)}"


@dataclass(frozen=True, slots=True)
class HaltRule:
    """When something stands still, and for how long.

    Attributes:
        starts: any of these starts the halt.
        ends: it ends before its time once *all* of these are met (each at its last observation); empty: never early.
            Thresholds apart from ``starts`` give hysteresis.
        length_ns: how long it lasts from the last observation that met ``starts``.
        longest_ns: never longer than this from its beginning, whatever is observed: the expiry.
        rest_ns: halts less than this apart are one chain, and ``longest_ns`` counts from the beginning of the chain:
            so halts cannot be chained for ever, and after an expiry there is a rest.
        published_ns: observations before this, or at it, do not count: criteria are fixed beforehand.
    """

    kind: HaltKind
    starts: tuple[Criterion, ...]
    length_ns: int
    longest_ns: int
    rest_ns: int
    published_ns: int
    ends: tuple[Criterion, ...] = ()

    def __post_init__(self) -> None:
        if not self.starts:
            raise InputError("a halt needs a criterion to start", field="starts")
        if not 0 < self.length_ns <= self.longest_ns:
            raise InputError(
                "a halt needs an expiry",
                field="length_ns, longest_ns",
                value=(self.length_ns, self.longest_ns),
                expected="0 < length_ns <= longest_ns",
            )
        if self.rest_ns <= 0:
            raise InputError("a halt needs a rest after its expiry", field="rest_ns", value=self.rest_ns)


class Observation(NamedTuple):
    """A measure at a time."""

    time_ns: int
    measure: str
    value: Fraction


class Interval(NamedTuple):
    """A halt from ``start_ns`` (inclusive) to ``end_ns`` (exclusive), why it started and why it ended."""

    start_ns: int
    end_ns: int
    reason: str
    ended: str


class HaltState(NamedTuple):
    """At one time: is it on, why, since when, and until when if nothing new is observed."""

    on: bool
    reason: str
    since_ns: int | None = None
    until_ns: int | None = None


class HaltTrack:
    """The halts of one rule, observation by observation (in time order). What it keeps does not grow."""

    __slots__ = ("_chain", "_ended", "_last", "_previous", "_running", "rule")

    def __init__(self, rule: HaltRule) -> None:
        self.rule = rule
        self._last: dict[str, Fraction] = {}
        self._running: _Running | None = None
        self._chain = 0  # when the present chain of halts began
        self._ended: int | None = None  # when the last halt ended
        self._previous: int | None = None

    def observe(self, seen: Observation) -> Interval | None:
        """Take in one observation; the halt that has ended by it, or with it.

        Raises:
            InputError: earlier than the one before.
        """
        rule, now = self.rule, seen.time_ns
        if self._previous is not None and now < self._previous:
            raise InputError(
                "observations out of order", field="time_ns", value=now, expected=f"{self._previous} or later"
            )
        self._previous = now
        if now <= rule.published_ns:
            return None
        found: Interval | None = None
        if self._running is not None and now >= self._running.until:
            found = self._running.interval(expired=self._running.until == self._chain + rule.longest_ns)
            self._running, self._ended = None, found.end_ns
        self._last[seen.measure] = seen.value
        why = next((c for c in rule.starts if c.measure == seen.measure and c.met(seen.value)), None)
        running = self._running
        if why is not None:
            if running is None and (self._ended is None or now >= self._ended + rule.rest_ns):
                self._chain = now
            until = min(self._chain + rule.longest_ns, now + rule.length_ns)
            if running is not None:
                self._running = running._replace(until=max(running.until, until))
            elif now < until:
                self._running = _Running(now, until, f"{why}: {exact_text(seen.value)}")
        elif running is not None and rule.ends and all(self._met(c) for c in rule.ends):
            ended = "ended: " + ", ".join(map(str, rule.ends))
            found = Interval(running.start, now, running.reason, ended)
            self._running, self._ended = None, now
        return found

    def _met(self, criterion: Criterion) -> bool:
        return criterion.measure in self._last and criterion.met(self._last[criterion.measure])

    def running(self) -> Interval | None:
        """The halt that the last observation left running, up to its end if nothing new is observed."""
        if self._running is None:
            return None
        return self._running.interval(expired=self._running.until == self._chain + self.rule.longest_ns)

    def at(self, now_ns: int) -> HaltState:
        """Is the halt on at ``now_ns``, not before the last observation?"""
        found = self.running()
        if found is not None and found.start_ns <= now_ns < found.end_ns:
            return HaltState(True, found.reason, found.start_ns, found.end_ns)
        return HaltState(False, "no criterion is met")

    def canonical(self) -> str:
        """Everything that decides what comes next, as text."""
        last = {measure: str(value) for measure, value in sorted(self._last.items())}
        running = None if self._running is None else tuple(self._running)
        return f"{last} {running} {self._chain} {self._ended}"


def halt_intervals(rule: HaltRule, observations: Iterable[Observation]) -> tuple[Interval, ...]:
    """Every halt that the observations (in time order) lead to; the last may end after the last of them.

    Observations of one time count in the order given.

    Raises:
        InputError: observations out of order.
    """
    track = HaltTrack(rule)
    found = [track.observe(seen) for seen in observations]
    return tuple(interval for interval in (*found, track.running()) if interval is not None)


class _Running(NamedTuple):
    start: int
    until: int
    reason: str

    def interval(self, *, expired: bool) -> Interval:
        ended = "expired" if expired else "no criterion was met again in its length"
        return Interval(self.start, self.until, self.reason, ended)


def halt_state(rule: HaltRule, observations: Sequence[Observation], now_ns: int) -> HaltState:
    """Is the halt on at ``now_ns``? Only observations up to then are looked at."""
    track = HaltTrack(rule)
    for seen in observations:
        if seen.time_ns <= now_ns:
            track.observe(seen)
    return track.at(now_ns)


# --- rights -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Right:
    """Something owed: ``amount`` to ``owner``, payable from ``due_ns`` on."""

    owner: str
    amount: int
    due_ns: int


R = TypeVar("R", bound=Right)


class Sorted(NamedTuple):
    """Rights that may be paid now, and those that wait: together what was given, each unchanged, in order of time due."""

    payable: tuple[Right, ...]
    waiting: tuple[Right, ...]


def sort_rights(rights: Sequence[R], halts: Iterable[Interval], now_ns: int) -> Sorted:
    """What may be paid at ``now_ns``. A halt makes rights wait; it never takes from them or reorders them."""
    ordered = sorted(rights, key=lambda r: r.due_ns)
    if any(h.start_ns <= now_ns < h.end_ns for h in halts):
        return Sorted((), tuple(ordered))
    return Sorted(tuple(r for r in ordered if r.due_ns <= now_ns), tuple(r for r in ordered if r.due_ns > now_ns))


def extended_deadline(deadline_ns: int, halts: Iterable[Interval]) -> int:
    """A deadline to act (claim, object, top up) after every halt on the way has stopped its clock.

    Whoever had time left when a halt began has it left when the halt ends. Overlapping halts count once.
    """
    reached = deadline_ns
    covered: int | None = None
    for halt in sorted(halts):
        start = halt.start_ns if covered is None else max(halt.start_ns, covered)
        if halt.end_ns <= start:
            continue
        if start >= reached:
            break
        reached += halt.end_ns - start
        covered = halt.end_ns
    return reached

"""Cash calls on surviving members: who is asked for how much, within caps, when some do not pay."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Generic, NamedTuple, TypeVar

from seawall.errors import InputError
from seawall.members.shares import check_amounts, multiple_of, pro_rata

N = TypeVar("N", int, Fraction)


class CallRound(NamedTuple, Generic[N]):
    """One call: what each active member was asked for, and what came in."""

    asked: dict[str, N]
    paid: dict[str, N]


@dataclass(frozen=True, slots=True)
class CashCall(Generic[N]):
    """All calls for one need. ``paid`` per member over all rounds; ``sum(paid) + shortfall = need``."""

    rounds: tuple[CallRound[N], ...]
    paid: dict[str, N]
    shortfall: N

    def first_call(self) -> dict[str, N]:
        """What each member was asked for at first, zero for who was not asked."""
        asked = self.rounds[0].asked if self.rounds else {}
        return {member: asked.get(member, x - x) for member, x in self.paid.items()}

    def collected_first(self) -> N:
        """What came in on the first call."""
        zero = self.shortfall - self.shortfall
        return sum(self.rounds[0].paid.values(), zero) if self.rounds else zero


def call_limits(contribution: Mapping[str, N], multiple: Fraction) -> dict[str, N]:
    """Each member's cap: a multiple of its contribution; units are rounded down."""
    return {member: multiple_of(multiple, x) for member, x in contribution.items()}


def cash_call(
    need: N, contribution: Mapping[str, N], limits: Mapping[str, N], fails_to_pay: Collection[str] = ()
) -> CashCall[N]:
    """Call members for ``need``, pro rata to contribution, nobody beyond its limit over all calls.

    A call asks every active member (not known to fail, limit not used up) for
    ``min(need left x contribution / sum of active contributions, limit left)``. Members in ``fails_to_pay`` are asked
    once, pay nothing and are out of later calls. Calls repeat on what is still needed until it is met or nobody is
    active. Fractions are exact; units are split by largest remainder, ties by name.

    Source: Regulation (EU) 648/2012 art. 43(3) (limited exposure); ESMA Q&A 886 (fixed caps or multiples).

    Raises:
        InputError: a negative amount, or a contributor without a limit.
    """
    check_amounts(contribution, "a contribution")
    check_amounts(limits, "a limit")
    if need < 0:
        raise InputError("a need is negative", value=need, expected="zero or more")
    missing = sorted(set(contribution) - set(limits))
    if missing:
        raise InputError("a contributor has no limit", field=missing[0])
    zero = need - need
    paid = dict.fromkeys(contribution, zero)
    failed: set[str] = set()
    rounds: list[CallRound[N]] = []
    left = need
    while left > 0:
        active = {m: w for m, w in contribution.items() if w > 0 and m not in failed and limits[m] - paid[m] > 0}
        if not active:
            break
        shares = pro_rata(left, active)
        asked = {m: min(shares[m], limits[m] - paid[m]) for m in active}
        came = {m: zero if m in fails_to_pay else x for m, x in asked.items()}
        for member, amount in came.items():
            paid[member] += amount
            left -= amount
        failed |= {m for m in active if m in fails_to_pay}
        rounds.append(CallRound(asked, came))
    return CashCall(tuple(rounds), paid, left)


@dataclass(frozen=True, slots=True)
class CallCaps:
    """How much a member can be called for, as multiples of its contribution when the window opened.

    Attributes:
        single: for one default.
        window: for all defaults inside one cooling-off window.
        cooling_off_ns: length of the window; 0: every default has a window of its own.
        extends: a further default inside the window starts its clock again (the caps do not start again).
    """

    single: Fraction
    window: Fraction
    cooling_off_ns: int = 0
    extends: bool = False

    def __post_init__(self) -> None:
        if self.single < 0 or self.window < 0 or self.cooling_off_ns < 0:
            raise InputError("caps and the length of a window must not be negative", value=self)


class Assessments(NamedTuple, Generic[N]):
    """Per default what was called and what stayed unmet; ``cumulative`` is the sum called."""

    called: tuple[N, ...]
    unmet: tuple[N, ...]
    cumulative: N


def assessments(contribution: N, caps: CallCaps, needs: Sequence[N]) -> Assessments[N]:
    """Calls on one contribution for several defaults inside one window.

    ``called = min(need, single x contribution, window x contribution - called so far)``.

    Source: CME rule 802 style: one multiple for a single default, another within the window.
    """
    zero = contribution - contribution
    so_far = zero
    called: list[N] = []
    for need in needs:
        if need < 0:
            raise InputError("a need is negative", value=need, expected="zero or more")
        amount = min(need, call_room(contribution, caps, so_far))
        called.append(amount)
        so_far += amount
    return Assessments(tuple(called), tuple(n - c for n, c in zip(needs, called, strict=True)), so_far)


def call_room(contribution: N, caps: CallCaps, so_far: N) -> N:
    """What one member can still be called for in one default: both caps, never below zero."""
    zero = contribution - contribution
    return max(zero, min(multiple_of(caps.single, contribution), multiple_of(caps.window, contribution) - so_far))


@dataclass(frozen=True, slots=True)
class CallWindow:
    """A cooling-off window in minor units: opened by a default, closed by time. An immutable value.

    Attributes:
        opened_ns, closes_ns: nanoseconds UTC; a default at ``closes_ns`` is outside.
        base: each member's contribution when the window opened: what caps and shares are counted on.
        taken: what each member paid beyond its contribution since (calls, and replenishment paid inside the window).
    """

    opened_ns: int
    closes_ns: int
    base: Mapping[str, int]
    taken: Mapping[str, int] = field(default_factory=dict)

    def is_open(self, at_ns: int) -> bool:
        """Whether a default at that time falls into this window."""
        return at_ns < self.closes_ns

    def room(self, caps: CallCaps) -> dict[str, int]:
        """What each member can still be called for in one default."""
        return {m: call_room(x, caps, self.taken.get(m, 0)) for m, x in self.base.items()}

    def window_room(self, caps: CallCaps) -> dict[str, int]:
        """What each member can still be asked for until the window closes, by the window's cap alone."""
        return {m: max(0, multiple_of(caps.window, x) - self.taken.get(m, 0)) for m, x in self.base.items()}

    def take(self, paid: Mapping[str, int]) -> CallWindow:
        """The window after members paid."""
        taken = dict(self.taken)
        for member, amount in paid.items():
            if amount:
                taken[member] = taken.get(member, 0) + amount
        return replace(self, taken=taken)


def window_for(window: CallWindow | None, caps: CallCaps, contribution: Mapping[str, int], at_ns: int) -> CallWindow:
    """The window that a default at ``at_ns`` belongs to: the open one, or a new one with fresh caps.

    Raises:
        InputError: a time before the open window's start.
    """
    if window is not None and at_ns < window.opened_ns:
        raise InputError("a default before the window that is open", value=at_ns, expected=f">= {window.opened_ns}")
    if window is None or not window.is_open(at_ns):
        return CallWindow(at_ns, at_ns + caps.cooling_off_ns, dict(contribution))
    if caps.extends:
        return replace(window, closes_ns=max(window.closes_ns, at_ns + caps.cooling_off_ns))
    return window

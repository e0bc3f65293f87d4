"""How much is to be collected: the budget of a last resort, chosen apart from who gives it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from seawall.errors import InputError
from seawall.money import Rounding, muldiv


def deficit_of(equities: Iterable[int]) -> int:
    """Sum of what accounts owe beyond what they have: ``-equity`` over equity below zero."""
    return sum(-e for e in equities if e < 0)


def needed(lots: Sequence[int], marks: Sequence[int], executions: Sequence[int]) -> int:
    """Sum of ``|mark - execution| x |lots|``: what closing at the execution prices instead of the marks moves.

    Integers; the unit is that of one lot times one unit of price. Source: needed budget of arXiv 2512.01112.
    """
    return sum(abs(m - x) * abs(q) for q, m, x in zip(lots, marks, executions, strict=True))


def severity_of(deficit: int, capacity: int) -> Fraction:
    """Largest share of the deficit that winners can bear: ``min(1, capacity / deficit)``, 1 without a deficit."""
    return Fraction(1) if deficit <= capacity else Fraction(capacity, deficit)


def severe(deficit: int, severity: Fraction) -> int:
    """``severity x deficit``, rounded down.

    Raises:
        InputError: severity outside 0 to 1.
    """
    if not 0 <= severity <= 1:
        raise InputError("severity outside 0 to 1", field="severity", value=str(severity))
    return muldiv(deficit, severity.numerator, severity.denominator, Rounding.FLOOR)


@dataclass(frozen=True, slots=True)
class Backoff:
    """Severity falling by a constant factor with each round: ``start x factor^k``.

    Source: exponential back-off of arXiv 2512.01112, section on severity control.
    """

    start: Fraction
    factor: Fraction

    def __post_init__(self) -> None:
        if not (0 <= self.start <= 1 and 0 <= self.factor <= 1):
            raise InputError("start and factor are within 0 to 1", value=f"{self.start}, {self.factor}")

    def severity(self, turn: int) -> Fraction:
        """Severity of round ``turn``, 0 first."""
        return self.start * self.factor**turn

    def budget(self, deficit: int, turn: int) -> int:
        """What round ``turn`` collects of a deficit, rounded down."""
        return severe(deficit, self.severity(turn))


class CapRoom(NamedTuple):
    """``least`` that brings profit to the cap, ``most`` that keeps it at the lower bound; both 0 when not enabled."""

    enabled: bool
    least: int
    most: int


@dataclass(frozen=True, slots=True)
class ProfitCap:
    """Winners' pending profit may be at most ``cap`` of the pool that pays it; cuts stop at ``floor``.

    Attributes:
        cap: enabled when profit / pool is above it.
        floor: no step may bring the share below it.
        paid_from_pool: closed profit is paid by the pool, which shrinks with it.

    Source: GMX v2, ``MAX_PNL_FACTOR_FOR_ADL`` and ``MIN_PNL_FACTOR_AFTER_ADL``.
    """

    cap: Fraction
    floor: Fraction
    paid_from_pool: bool = True

    def __post_init__(self) -> None:
        if not 0 <= self.floor <= self.cap < 1:
            raise InputError("floor and cap are 0 <= floor <= cap < 1", value=f"{self.floor}, {self.cap}")

    def enabled(self, profit: int, pool: int) -> bool:
        """Is the share strictly above the cap? A pool that is empty or worse is, when there is profit."""
        return profit > 0 and profit > self.cap * max(pool, 0)

    def room(self, profit: int, pool: int) -> CapRoom:
        """What may be closed now: least rounded up, most rounded down."""
        if not self.enabled(profit, pool):
            return CapRoom(False, 0, 0)
        pool = max(pool, 0)
        part = [1 - bound if self.paid_from_pool else Fraction(1) for bound in (self.cap, self.floor)]
        to_cap = (profit - self.cap * pool) / part[0]  # exact: Fraction
        to_floor = (profit - self.floor * pool) / part[1]  # exact: Fraction
        most = min(profit, to_floor.__floor__())
        return CapRoom(True, min(to_cap.__ceil__(), most), most)

    def payable(self, profit: int, pool: int) -> bool:
        """Does paying a part of the profit lower the share? From 100 % on it does not: the pool falls faster."""
        return not self.paid_from_pool or profit < pool

    def check_step(self, profit: int, pool: int, profit_after: int, pool_after: int) -> str | None:
        """Why a step is not allowed: ``not_enabled``, ``not_lower`` or ``overcorrected``; None when it is."""
        if not self.enabled(profit, pool):
            return "not_enabled"
        if profit_after * max(pool, 0) >= profit * max(pool_after, 0) and not (pool <= 0 and profit_after < profit):
            return "not_lower"
        if profit_after < self.floor * max(pool_after, 0):
            return "overcorrected"
        return None


@dataclass(frozen=True, slots=True)
class ProfitCapRule:
    """The profit cap of a policy.

    Attributes:
        account: house account whose money pays profits, and which takes the other side of what is closed.
        cap, floor: of the pool, by tier of the market; a tier that is not named has no cap.
    """

    account: str
    cap: Mapping[str, Fraction]
    floor: Mapping[str, Fraction]

    def at(self, tier: str) -> ProfitCap | None:
        """The cap of a market of that tier, None without one."""
        return ProfitCap(self.cap[tier], self.floor[tier]) if tier in self.cap else None

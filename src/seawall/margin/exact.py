"""One account in plain integers: the slow, obvious arithmetic that kernels are held against and rules are read from.

No book, no arrays: an account is its cash in one asset and a list of holdings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from seawall.errors import InputError
from seawall.margin.rules import MarginRule
from seawall.market import Instrument
from seawall.money import Rounding, div, muldiv


@dataclass(frozen=True, slots=True)
class Holding:
    """A position: signed lots, entry value, mark, and funding carried per lot (book units)."""

    instrument: Instrument
    lots: int
    entry: int
    mark: int
    carry: int = 0

    def value(self, rounding: Rounding, lots: int | None = None) -> int:
        """Worth of ``lots`` (default: all) at the mark, book units.

        Inverse contracts are worth lots x the value published per lot (``Instrument.unit_value``), so that lots that
        net to zero are worth nothing; linear values are rounded per position as named, if they need rounding at all.
        """
        size = self.lots if lots is None else lots
        return self.notional(size, rounding) * self.instrument.sign - size * self.carry

    def notional(self, lots: int, rounding: Rounding) -> int:
        """Worth of ``lots`` before sign and funding."""
        if self.instrument.inverse:
            return lots * self.instrument.unit_value(self.mark)
        return self.instrument.value(lots, self.mark, rounding)


class Assessment(NamedTuple):
    """Equity and requirements of an account, book units; ``requirements`` are exact, per holding."""

    equity: int
    maintenance: int
    initial: int
    values: tuple[int, ...]
    requirements: tuple[int | Fraction, ...]
    at_risk: bool

    @property
    def bankrupt(self) -> bool:
        """Equity below zero."""
        return self.equity < 0


def requirement_of(holding: Holding, lots: int, rule: MarginRule, *, initial: bool = False) -> int | Fraction:
    """Requirement of ``lots`` of a holding at its mark: exact, or rounded as the profile's unit says."""
    if lots == 0:
        return 0
    profile = rule.profile
    notional = holding.notional(abs(lots), profile.value)
    brackets = holding.instrument.brackets
    if profile.requirement_unit == "position":
        first = _rounded(brackets.requirement(notional, initial=True), profile.requirement)
        if initial:
            return first
        share = rule.maintenance_of_initial or brackets.maintenance_share
        if share is not None:
            return _rounded(first * share, profile.requirement)
        return _rounded(brackets.requirement(notional), profile.requirement)
    exact = brackets.requirement(notional, initial=initial or rule.maintenance_of_initial is not None)
    if not initial and rule.maintenance_of_initial is not None:
        exact *= rule.maintenance_of_initial
    return exact


def _rounded(exact: Fraction, rounding: Rounding) -> int:
    return div(exact.numerator, exact.denominator, rounding)


def assess(holdings: Sequence[Holding], cash: int, rule: MarginRule) -> Assessment:
    """Equity = cash + sum of (worth - entry); requirement = sum over holdings, rounded once at the end.

    At risk: some requirement and equity strictly below it. Equality is safe; without a position never.
    """
    profile = rule.profile
    values = tuple(h.value(profile.value) for h in holdings)
    equity = cash + sum(v - h.entry for v, h in zip(values, holdings, strict=True))
    needs = tuple(requirement_of(h, h.lots, rule) for h in holdings)
    first = sum((Fraction(requirement_of(h, h.lots, rule, initial=True)) for h in holdings), Fraction(0))
    maintenance = _rounded(sum(map(Fraction, needs), Fraction(0)), profile.requirement)
    initial = _rounded(first, profile.requirement)
    return Assessment(equity, maintenance, initial, values, needs, maintenance > 0 and equity < maintenance)


def check_slice(holding: Holding, delta: int) -> None:
    """A slice reduces the position: opposite sign, not zero, not larger.

    Raises:
        InputError: it does not.
    """
    if holding.lots == 0 or delta == 0 or (delta > 0) == (holding.lots > 0) or abs(delta) > abs(holding.lots):
        raise InputError(
            "not a slice of the position",
            field="delta",
            value=delta,
            expected=f"opposite to {holding.lots} and not larger",
        )


def bankruptcy_quote(holdings: Sequence[Holding], cash: int, index: int, delta: int, rule: MarginRule) -> int:
    """Quote change of the account for a slice ``delta`` (signed lots) that uses up exactly the slice's part of equity.

    ``-(change of value) - equity x |change of maintenance| / maintenance``, the division rounded as the profile's
    ``equity_share`` (toward minus infinity: toward the fund). Positive when a long is sold.

    Source: dydxprotocol/v4-chain x/clob/keeper/liquidations.go, GetBankruptcyPriceInQuoteQuantums.

    Raises:
        InputError: not a slice of the position.
    """
    holding = holdings[index]
    check_slice(holding, delta)
    found = assess(holdings, cash, rule)
    after = holding.lots + delta
    profile = rule.profile
    change = holding.value(profile.value, after) - found.values[index]
    part = Fraction(found.requirements[index]) - requirement_of(holding, after, rule)
    total = sum(map(Fraction, found.requirements), Fraction(0))
    if total == 0:
        return -change - found.equity
    share = abs(part) / total  # exact: Fraction
    return -change - muldiv(found.equity, share.numerator, share.denominator, profile.equity_share)


def bankruptcy_mark(holdings: Sequence[Holding], cash: int, index: int, rule: MarginRule) -> int | None:
    """The mark of one market at which the account's equity would be exactly used up, the others unchanged.

    The last integer mark on the solvent side (equity >= 0); None when no mark above zero reaches it.
    """
    return _crossing(holdings, index, lambda hs: assess(hs, cash, rule).equity >= 0)


def liquidation_mark(holdings: Sequence[Holding], cash: int, index: int, rule: MarginRule) -> int | None:
    """The first integer mark of one market at which the account is at risk, the others unchanged; None if there is none.

    For a position that loses as the mark falls it is the highest such mark, else the lowest. Both sides of the
    crossing are evaluated exactly.
    """
    last = _crossing(holdings, index, lambda hs: not assess(hs, cash, rule).at_risk)
    if last is None:
        return None
    return last - 1 if holdings[index].lots > 0 else last + 1


MAX_MARK = 1 << 62


def _crossing(holdings: Sequence[Holding], index: int, safe: object) -> int | None:
    """The last safe mark going against the position, by bisection; None when there is no crossing above zero."""
    assert callable(safe)

    def at(mark: int) -> bool:
        moved = list(holdings)
        h = moved[index]
        moved[index] = Holding(h.instrument, h.lots, h.entry, mark, h.carry)
        return bool(safe(moved))

    long = holdings[index].lots > 0
    now = holdings[index].mark
    if long:
        low, high = 1, now
        while not at(high):
            if high > MAX_MARK:
                return None
            high *= 2
        if at(low):
            return None
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if at(middle) else (middle, high)
        return high
    low, high = now, now
    while not at(low):
        if low == 1:
            return None
        low = max(1, low // 2)
    while at(high):
        if high > MAX_MARK:
            return None
        high *= 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if at(middle) else (low, middle)
    return low

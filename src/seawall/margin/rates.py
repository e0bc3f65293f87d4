"""Bracket rates as integers over one common denominator, and the per-mark tables that kernels read.

With every rate a fraction ``a / R``, the requirement of a position in tier ``t`` is
``(|lots| * Q * a_t - D_t) / R`` where ``Q`` is the notional of one lot and ``D_t`` makes marginal brackets continuous.
``Q * a_t`` is split into ``WH * R + WL`` and ``D_t`` into ``DH * R + DL``, so that 64-bit sums cannot wrap:

* ``g += |lots| * WH - DH`` (whole book units), ``f += |lots| * WL - DL`` (R-ths), requirement = ``g + ceil(f / R)``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm

import numpy as np

from seawall.errors import InputError, MoneyOverflow
from seawall.market import Brackets, Instrument

TIERS = 8
MAX_LOTS = 1 << 32  # lots of one position
MAX_WORTH = 1 << 54  # |lots| x value of a lot, book units
MAX_CASH = 1 << 61  # one cash balance, book units
MAX_POSITIONS = 256  # positions of one account in one asset
MAX_DENOMINATOR = 1 << 22  # common denominator of all rates
# Columns of a kernel row: one cache line per (leg, tier).
LO, SPAN, WH, WL, DH, DL, VALUE, SPARE = range(8)


@dataclass(frozen=True, slots=True)
class Rates:
    """Rates of one market over the book's common denominator R. ``deducts`` are in R-ths of a book unit.

    ``share`` is maintenance over initial where it is the same at every size: what profiles that round per position
    apply to the rounded initial requirement.
    """

    floors: tuple[int, ...]
    maintenance: tuple[int, ...]
    maintenance_deducts: tuple[int, ...]
    initial: tuple[int, ...]
    initial_deducts: tuple[int, ...]
    share: Fraction | None = None

    def tier(self, notional: int) -> int:
        """Index of the bracket a notional falls in."""
        floors = self.floors
        tier = len(floors) - 1
        while notional < floors[tier]:
            tier -= 1
        return tier


def common_denominator(instruments: Sequence[Instrument], maintenance_of_initial: Fraction | None) -> int:
    """Least common denominator of all rates in use.

    Raises:
        InputError: above 2^22, where 64-bit sums could wrap.
    """
    denominators = {1}
    for instrument in instruments:
        for step in instrument.brackets.steps:
            denominators.add(step.initial.denominator)
            denominators.add(_maintenance(step.initial, step.maintenance, maintenance_of_initial).denominator)
    whole = lcm(*denominators)
    if whole > MAX_DENOMINATOR:
        raise InputError(
            "margin rates have no small common denominator",
            field="brackets",
            value=whole,
            expected=f"rates whose least common denominator is at most {MAX_DENOMINATOR}",
        )
    return whole


def _maintenance(initial: Fraction, maintenance: Fraction, scale: Fraction | None) -> Fraction:
    return maintenance if scale is None else initial * scale


def rates_of(brackets: Brackets, denominator: int, maintenance_of_initial: Fraction | None) -> Rates:
    """A market's rates as integers over ``denominator``."""
    floors = tuple(s.floor for s in brackets.steps)
    initial = tuple(int(s.initial * denominator) for s in brackets.steps)
    maintenance = tuple(
        int(_maintenance(s.initial, s.maintenance, maintenance_of_initial) * denominator) for s in brackets.steps
    )
    return Rates(
        floors,
        maintenance,
        _deducts(floors, maintenance, brackets.marginal),
        initial,
        _deducts(floors, initial, brackets.marginal),
        maintenance_of_initial or brackets.maintenance_share,
    )


def _deducts(floors: Sequence[int], rates: Sequence[int], marginal: bool) -> tuple[int, ...]:
    out = [0]
    for i in range(1, len(floors)):
        out.append(out[-1] + floors[i] * (rates[i] - rates[i - 1]) if marginal else 0)
    return tuple(out)


class RateColumns:
    """Every market's maintenance rates as columns that kernels read: int64 [markets, 8]."""

    def __init__(self, rates: Sequence[Rates], denominator: int) -> None:
        shape = (len(rates), TIERS)
        self.floors, self.rates = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
        self.high, self.low = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
        self.counts = [len(r.floors) for r in rates]
        for market, r in enumerate(rates):
            for tier in range(len(r.floors)):
                self.floors[market, tier], self.rates[market, tier] = r.floors[tier], r.maintenance[tier]
                deduct = divmod(r.maintenance_deducts[tier], denominator)
                self.high[market, tier], self.low[market, tier] = deduct


def check_value(instrument: Instrument, largest_lots: int, value: int, worth: int) -> None:
    """Refuse a mark at which the largest position would not fit 2^54.

    Raises:
        MoneyOverflow: it would not.
    """
    if largest_lots * max(value, abs(worth)) > MAX_WORTH:
        raise MoneyOverflow(
            f"market {instrument.symbol}: a position of {largest_lots} lots at {max(value, abs(worth))} book units "
            f"each exceeds 2^54 book units of {instrument.settle.name}"
        )


def leg_values(instruments: Sequence[Instrument], values: Mapping[int, int]) -> list[int]:
    """Opening notional per lot of each market, 0 for a market without a mark yet."""
    return [values.get(m, 0) for m in range(len(instruments))]

"""Bracket rates as integers over one common denominator, and the per-mark tables that kernels read.

With every rate a fraction ``a / R``, the requirement of a position in tier ``t`` is
``(|lots| * Q * a_t - D_t) / R`` where ``Q`` is the notional of one lot and ``D_t`` makes marginal brackets continuous.
``Q * a_t`` is split into ``WH * R + WL`` and ``D_t`` into ``DH * R + DL``, so that 64-bit sums cannot wrap:

* ``g += |lots| * WH - DH`` (whole book units), ``f += |lots| * WL - DL`` (R-ths), requirement = ``g + ceil(f / R)``.

Why nothing wraps, for one row (an account's cash and positions in one asset):

* its positions are in different markets, so the worth of all of them is at most the sum over the asset's markets of
  the largest position there, which is held at ``MAX_ROW`` = 2^61; so are its requirements, as no rate exceeds 1;
* ``|cash - entry values| <= MAX_BASE`` = 3 x 2^60, so ``|equity| < 2^62 + 2^61`` and ``|surplus| < 2^63``;
* ``f`` is at most 256 positions x ``largest_lots(R)`` x R <= 2^62.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm

import numpy as np
from numpy.typing import NDArray

from seawall.errors import InputError
from seawall.market import Brackets, Instrument, Kind

TIERS = 8
MAX_LOTS = 1 << 32  # lots of one position
MAX_WORTH = 1 << 54  # |lots| x value of a lot, book units
MAX_CASH = 1 << 61  # one cash balance or entry value, book units
MAX_ROW = 1 << 61  # sum over an asset's markets of the largest position's worth
MAX_BASE = 3 << 60  # |cash - entry values| of a row
MAX_POSITIONS = 256  # positions of one account in one asset
MAX_DENOMINATOR = 1 << 31  # common denominator of all rates
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
        InputError: above 2^31, where 64-bit products could wrap and hardly any lots would be left.
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


def largest_lots(denominator: int) -> int:
    """Most lots of one position: 256 positions of fractions below R each must fit 2^62."""
    return min(MAX_LOTS, (1 << 54) // denominator)


def fraction_limit(denominator: int) -> int:
    """A bound of |fraction| / R over a row; times R it fits 2^62."""
    return MAX_POSITIONS * largest_lots(denominator)


def terms_of(rates: Sequence[Rates], denominator: int) -> NDArray[np.int64]:
    """Maintenance terms for kernels: int64 [markets, 5, 8].

    By tier: floor, rate, whole and fractional part of the deduct; and the number of tiers in [market, 4, 0]. A floor
    beyond every allowed worth is cut to one that is just as unreachable.
    """
    terms = np.zeros((len(rates), 5, TIERS), dtype=np.int64)
    for market, r in enumerate(rates):
        terms[market, 4, 0] = len(r.floors)
        for tier, floor in enumerate(r.floors):
            terms[market, 0, tier], terms[market, 1, tier] = min(floor, 2 * MAX_WORTH), r.maintenance[tier]
            if floor <= MAX_WORTH:
                terms[market, 2:4, tier] = divmod(r.maintenance_deducts[tier], denominator)
    return terms


def opening_requirements(instrument: Instrument, value: int) -> tuple[int, int]:
    """Notional per lot that requirements are charged on, long and short side: V, but nothing for a long option."""
    return (0 if instrument.kind is Kind.OPTION else value), value


def leg_values(instruments: Sequence[Instrument], values: Mapping[int, int]) -> list[int]:
    """Opening notional per lot of each market, 0 for a market without a mark yet."""
    return [values.get(m, 0) for m in range(len(instruments))]

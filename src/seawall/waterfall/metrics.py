"""What an allocation did: needed, collected, residual, overshoot, and how hard it fell on whom, in two units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from seawall.errors import InputError
from seawall.money import Rounding
from seawall.waterfall.waterfilling import Amounts, amounts, total_of

RATE_SCALE = 10**9
RATE_CAP = 1 << 40
MAX_VALUES = 1 << 20


@dataclass(frozen=True, slots=True)
class InUnits:
    """The same burden measured against one base (profit or equity).

    Attributes:
        base: sum of the positive bases.
        needed, collected, overshoot: shares of ``base``; 0 without one. Overshoot is negative when less was collected.
        max_haircut: largest ``amount / base`` of one claimant, exact.
        gini: Gini coefficient of the haircuts (billionths, rounded down, at most about a thousand times) over
            claimants with a positive base.
        outside: amount given by claimants whose base is not positive: no haircut can be stated for them.
    """

    base: int
    needed: Fraction
    collected: Fraction
    overshoot: Fraction
    max_haircut: Fraction
    gini: Fraction
    outside: int


@dataclass(frozen=True, slots=True)
class Metrics:
    """``overshoot`` is collected less needed, ``residual`` is what is missing, never negative.

    ``gini`` is of the amounts over all claimants; ``top_share`` maps k to the share of what was collected that the k
    largest givers gave.
    """

    needed: int
    collected: int
    residual: int
    overshoot: int
    touched: int
    largest: int
    gini: Fraction
    top_share: dict[int, Fraction]
    in_profit: InUnits
    in_equity: InUnits


def measure(needed: int, given: Any, profit: Any, equity: Any, top: Sequence[int] = (1, 10, 20)) -> Metrics:
    """Metrics of ``given`` (int64 [n]) against what was needed; profit and equity int64 [n], any sign.

    Source: metrics of arXiv 2512.01112, section on evaluation, in both numeraires.
    """
    out, profits, equities = amounts(given, "given"), amounts(profit, "profit"), amounts(equity, "equity")
    collected = total_of(out, "given")
    return Metrics(
        needed=needed,
        collected=collected,
        residual=max(0, needed - collected),
        overshoot=collected - needed,
        touched=int(np.count_nonzero(out)),
        largest=int(out.max(initial=0)),
        gini=gini(out),
        top_share={k: _top(out, k, collected) for k in top},
        in_profit=_in_units(needed, collected, out, profits),
        in_equity=_in_units(needed, collected, out, equities),
    )


def _top(out: Amounts, k: int, collected: int) -> Fraction:
    if not collected:
        return Fraction(0)
    largest = out if k >= out.size else np.partition(out, out.size - k)[out.size - k :]
    return Fraction(int(largest.sum()), collected)


def _in_units(needed: int, collected: int, out: Amounts, base: Amounts) -> InUnits:
    from seawall.money.kernels import muldiv_array

    good = base > 0
    given, whole = out[good], base[good]
    total = int(total_of(whole, "base"))
    scale = np.full(given.size, RATE_SCALE, dtype=np.int64)
    rates = muldiv_array(given, scale, whole, Rounding.FLOOR, cap=RATE_CAP)
    hardest = np.flatnonzero(rates == rates.max(initial=0))
    pairs = {(int(a), int(b)) for a, b in zip(given[hardest], whole[hardest], strict=True)}

    def share(amount: int) -> Fraction:
        return Fraction(amount, total) if total else Fraction(0)

    return InUnits(
        base=total,
        needed=share(needed),
        collected=share(collected),
        overshoot=share(collected - needed),
        max_haircut=max((Fraction(a, b) for a, b in pairs), default=Fraction(0)),
        gini=gini(rates),
        outside=int(out[~good].sum()),
    )


def gini(values: Amounts) -> Fraction:
    """Gini coefficient of non-negative integers, exact: ``sum (2 i - n - 1) x_i / (n sum x)``, x ascending, i from 1.

    0: all equal; towards 1: one has all. 0 for nobody and for nothing. At most 2^20 values.
    """
    n, total = values.size, total_of(values, "values")
    if n > MAX_VALUES:
        raise InputError("too many values", value=n, expected=f"at most {MAX_VALUES}")
    if not n or not total:
        return Fraction(0)
    ordered = np.sort(values)
    places = 2 * np.arange(1, n + 1, dtype=np.int64) - n - 1
    weighted = 0
    for part in range(3):  # three pieces of 21 bits: each weighted sum stays below 2^63
        piece = (ordered >> (21 * part)) & ((1 << 21) - 1)
        weighted += int((places * piece).sum()) << (21 * part)
    return Fraction(weighted, n * total)

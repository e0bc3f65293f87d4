"""Water-filling: shares in proportion to weights, each between two bounds, exact to the unit."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from seawall.errors import InputError, MoneyOverflow

Amounts = NDArray[np.int64]
N = TypeVar("N", int, Fraction)


def amounts(values: Any, name: str = "amounts") -> Amounts:
    """Whole numbers of any sequence as int64 [n].

    Raises:
        InputError: not one row of whole numbers, or a number beyond 64 bits.
    """
    try:
        found = np.asarray(values)
    except (ValueError, OverflowError):
        raise InputError("not a row of whole numbers", field=name, expected="int64 [n]") from None
    if found.size == 0:
        return np.zeros(0, dtype=np.int64)
    if found.ndim != 1 or found.dtype.kind not in "iu" or (found.dtype.kind == "u" and int(found.max()) >> 63):
        raise InputError("not a row of whole numbers", field=name, value=str(found.dtype), expected="int64 [n]")
    return np.ascontiguousarray(found, dtype=np.int64)


def total_of(values: Amounts, name: str = "amounts") -> int:
    """Their sum, none negative.

    Raises:
        InputError: a negative value; MoneyOverflow: the sum does not fit 64 bits.
    """
    from seawall.waterfall.kernels import checked_sum

    found = int(checked_sum(values))
    if found == -1:
        row = int(np.argmax(values < 0))
        raise InputError("negative amount", field=name, row=row + 1, value=int(values[row]), expected="zero or more")
    if found == -2:
        raise MoneyOverflow(f"the sum of {name} does not fit 64 bits")
    return found


def bounded(values: Amounts, name: str, most: int) -> Amounts:
    """The same column, where no magnitude is above ``most``.

    Raises:
        MoneyOverflow: one is; sums and differences of such columns would not fit 64 bits.
    """
    if values.size and (int(values.max()) > most or int(values.min()) < -most):
        raise MoneyOverflow(f"{name} beyond {most} in magnitude")
    return values


def fill(total: int, weights: Any, highs: Any, lows: Any = None) -> Amounts:
    """Shares ``clamp(level x weight, low, high)`` at the one level where they sum to ``total``, to the unit.

    Between the bounds shares are rounded down, and the units left over go one each to the largest remainders, equal
    ones to the earlier index; no share leaves its bounds. A weight of zero gives ``low``.

    Args:
        total: from the sum of ``lows`` to the sum of ``highs`` (those of zero weight count with ``low``).
        weights, highs, lows: int64 [n], zero or more; ``lows`` defaults to zeros and never exceeds ``highs``. Weights
            and upper bounds each sum to less than 2^63.

    Returns:
        int64 [n].

    Source: water-filling by exact pivots; remainders as ``money.split``, whose capped form is the slow twin.

    Raises:
        InputError: shapes, signs, or a total out of reach; MoneyOverflow: a sum beyond 64 bits.
    """
    weights, highs = amounts(weights, "weights"), amounts(highs, "upper bounds")
    lows = np.zeros_like(highs) if lows is None else amounts(lows, "lower bounds")
    if not weights.shape == highs.shape == lows.shape:
        raise InputError("columns differ in length", value=f"{weights.size}, {highs.size}, {lows.size}")
    total_of(highs, "upper bounds")
    whole, least = total_of(weights, "weights"), total_of(lows, "lower bounds")
    if (lows > highs).any():
        raise InputError("lower bound above the upper", field="lower bounds", row=int(np.argmax(lows > highs)) + 1)
    most = int(np.where(weights > 0, highs, lows).sum()) if weights.size else 0
    if not least <= total <= most:
        raise InputError("total cannot be shared", field="total", value=total, expected=f"{least} to {most}")
    return _fill(total, weights, lows, highs, whole, least)


def _fill(total: int, weights: Amounts, lows: Amounts, highs: Amounts, whole: int, least: int) -> Amounts:
    """``fill`` on checked columns; first as if no bound held, which is often so."""
    from seawall.waterfall.kernels import AT_HIGH, BETWEEN, find_classes

    n = weights.size
    if total == least:
        return lows.copy()
    rest = np.empty(n, dtype=np.int64)
    if least == 0:
        classes = np.full(n, BETWEEN, dtype=np.uint8)
        out, over = _share(total, weights, highs, classes, whole, lows, rest)
        if not over:
            return out
    classes = np.empty(n, dtype=np.uint8)
    fixed, free = find_classes(total, weights, lows, highs, classes, rest, np.empty(n, dtype=np.uint8))
    base = np.where(classes == AT_HIGH, highs, lows)
    if not int(free):
        return base
    return _share(total - int(fixed), weights, highs, classes, int(free), base, rest)[0]


def _share(
    left: int, weights: Amounts, highs: Amounts, classes: NDArray[np.uint8], whole: int, base: Amounts, rest: Amounts
) -> tuple[Amounts, int]:
    """Largest-remainder shares of ``left`` for those between the bounds, ``base`` for the others."""
    from seawall.waterfall.kernels import give_dust, share_out

    out = base.copy()
    divisor, inverse, shift = reciprocal(whole)
    given, over = share_out(left, weights, highs, classes, divisor, inverse, shift, out, rest)
    if not over:
        give_dust(left - int(given), rest, whole.bit_length(), np.empty(weights.size, dtype=np.int64), out)
    return out, int(over)


def reciprocal(divisor: int) -> NDArray[np.uint64]:
    """(shifted divisor, inverse, shift) of a divisor from 1 to 2^63 - 1, for ``kernels.divide_by``."""
    shift = 64 - divisor.bit_length()
    shifted = divisor << shift
    return np.array([shifted, ((1 << 128) - 1) // shifted - (1 << 64), shift], dtype=np.uint64)


def fill_wide(total: int, weights: Sequence[int], highs: Sequence[int]) -> list[int]:
    """``fill`` on Python integers of any size, without lower bounds: for weights beyond 64 bits.

    Expected work is a few times the length.

    Raises:
        InputError: negative numbers, or a total out of reach.
    """
    between, left, free = open_shares(total, weights, highs)
    out, rest = [0 if between[i] or not w else highs[i] for i, w in enumerate(weights)], []
    for i, inside in enumerate(between):
        if inside:
            out[i], remainder = divmod(left * weights[i], free)
            rest.append((-remainder, i))
    for _, i in sorted(rest)[: total - sum(out)]:
        out[i] += 1
    return out


def fill_fractions(total: Fraction, weights: Sequence[Fraction], highs: Sequence[Fraction]) -> list[Fraction]:
    """``fill_wide`` without rounding: exact shares ``min(high, level x weight)`` that sum to ``total``."""
    between, left, free = open_shares(total, weights, highs)
    zero = Fraction(0)
    return [
        left * w / free if inside else Fraction(h) if w else zero  # exact: Fraction
        for inside, w, h in zip(between, weights, highs, strict=True)
    ]


def open_shares(total: N, weights: Sequence[N], highs: Sequence[N]) -> tuple[list[bool], N, N]:
    """Whose share is below the bound, what is left for them, and the sum of their weights.

    At the level where ``min(high, level x weight)`` sum to ``total``: exact, no rounding.

    Raises:
        InputError: negative numbers, or a total out of reach.
    """
    if len(weights) != len(highs):
        raise InputError("columns differ in length", value=f"{len(weights)}, {len(highs)}")
    if min(weights, default=0) < 0 or min(highs, default=0) < 0:
        raise InputError("negative weight or bound")
    most = sum((h for w, h in zip(weights, highs, strict=True) if w), total - total)
    if not 0 <= total <= most:
        raise InputError("total cannot be shared", field="total", value=total, expected=f"0 to {most}")
    open_ = [i for i, w in enumerate(weights) if w and highs[i]]
    left, free, state, between = total, total - total, 1, [False] * len(weights)
    while open_:
        state = (state * 6364136223846793005 + 1442695040888963407) & ((1 << 64) - 1)
        pivot = open_[(state >> 33) % len(open_)]
        top, bottom = highs[pivot], weights[pivot]
        low: list[int] = []
        high: list[int] = []
        same: list[int] = []
        for i in open_:
            sign = highs[i] * bottom - top * weights[i]
            (same if sign == 0 else low if sign < 0 else high).append(i)
        under = sum((highs[i] for i in low), total - total)
        over = sum((weights[i] for i in (*same, *high)), total - total)
        if under * bottom + (free + over) * top >= left * bottom:  # the level is not above the pivot
            for i in (*same, *high):
                between[i] = True
            free += over
            open_ = low
        else:
            left -= under + sum((highs[i] for i in same), total - total)
            open_ = high
    return between, left, free

"""Funding: what a lot pays for one interval."""

from __future__ import annotations

from fractions import Fraction

from seawall.money import Rounding, muldiv


def funding_per_lot(unit_value: int, rate: Fraction) -> int:
    """Book units of the settle asset that one long lot pays to a short one.

    Args:
        unit_value: V, what a lot is worth at the mark, ``>= 0``.
        rate: signed fraction of notional for the interval; positive: longs pay shorts.

    Rounded to nearest, ties to even, once per lot: because lots net to zero, payments net to exactly zero over the
    market and no remainder is left to anyone. The same for inverse contracts: the payment is in the coin.
    """
    return muldiv(unit_value, rate.numerator, rate.denominator, Rounding.HALF_EVEN)

"""Risk-aware shares: leverage weighs beside the claim, so that the next step's expected deficit is least."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Context, Decimal
from enum import Enum
from fractions import Fraction
from typing import Any

import numpy as np

from seawall.errors import InputError
from seawall.money import Rounding
from seawall.waterfall.waterfilling import Amounts, amounts, reciprocal

PPM = 10**6
WEIGHT_BITS = 62
DIGITS = Context(prec=50)


class RiskCurve(Enum):
    """How leverage weighs in a risk-aware share."""

    POWER = "power"  # g(x) = x ^ parameter
    EXCESS = "excess"  # g(x) = max(0, x - parameter)


def risk_weights(
    gains: Any, exposure: Any, equity: Any, curve: RiskCurve = RiskCurve.POWER, parameter: Fraction = Fraction(0)
) -> Amounts:
    """``gain x leverage x g(leverage)`` as whole weights, leverage in millionths rounded down.

    Leverage and each factor are held below 2^40 millionths (a million times); the weights are divided by one number so
    that they sum below 2^62. Gains and exposures below zero count as zero. A gain keeps at least weight 1 while its
    factor is not zero.

    Raises:
        InputError: a power that is not whole (0 to 8), or a column that does not fit.
    """
    gains, exposure, equity = (amounts(c, n) for c, n in ((gains, "gains"), (exposure, "exposure"), (equity, "equity")))
    if not gains.size == exposure.size == equity.size:
        raise InputError("columns differ in length", value=f"{gains.size}, {exposure.size}, {equity.size}")
    most = 1 << 40
    gains, exposure = np.maximum(gains, 0), np.maximum(exposure, 0)
    leverage = scaled(exposure, np.full(exposure.size, PPM, dtype=np.int64), np.maximum(equity, 1), most)
    factor = leverage
    if curve is RiskCurve.EXCESS:
        beyond = leverage - int(parameter * PPM)
        factor = scaled(leverage, np.maximum(beyond, 0), PPM, most)
    else:
        if parameter.denominator != 1 or not 0 <= parameter <= 8:
            raise InputError("power is not whole", field="parameter", value=str(parameter), expected="0 to 8")
        for _ in range(int(parameter)):
            factor = scaled(factor, leverage, PPM, most)
    down = max(0, max(1, gains.size).bit_length() + 1)
    room = (1 << WEIGHT_BITS) >> down
    largest = max(1, int(gains.max(initial=0)) * max(1, int(factor.max(initial=0))))
    divisor = max(1, -(-largest // room))
    if divisor >> 62:
        raise InputError("gains too large to be weighted", field="gains", value=int(gains.max()))
    weights = scaled(gains, factor, divisor, room)
    found: Amounts = np.where((gains > 0) & (factor > 0), np.maximum(weights, 1), 0)
    return found


def scaled(a: Amounts, b: Amounts, c: Any, cap: int) -> Amounts:
    """``min(cap, floor(a x b / c))`` of columns that are not negative; ``c`` a column, or one number above zero."""
    if not isinstance(c, int):
        from seawall.money.kernels import muldiv_array

        return muldiv_array(a, b, c, Rounding.FLOOR, cap=cap)
    from seawall.waterfall.kernels import scale_all

    out = np.empty(a.size, dtype=np.int64)
    divisor, inverse, shift = reciprocal(c)
    scale_all(a, b, divisor, inverse, shift, cap, out)
    return out


def risk_aware_shares(
    shares: Sequence[Fraction], leverage: Sequence[Fraction], curve: RiskCurve, parameter: Fraction
) -> list[Fraction]:
    """``share x leverage x g(leverage)`` made to sum to 1; all zero when every weight is.

    Exact fractions; a power that is not whole is taken to 50 significant digits, the same on every machine. Leverage
    of zero weighs nothing.

    Source: risk-aware pro rata (RAP) of arXiv 2512.01112.

    Raises:
        InputError: columns that differ in length, or a negative share or leverage.
    """
    if len(shares) != len(leverage) or min((*shares, *leverage), default=0) < 0:
        raise InputError("columns differ in length, or a negative share or leverage")
    weights = [s * x * _curve(curve, x, parameter) if x else Fraction(0) for s, x in zip(shares, leverage, strict=True)]
    whole = sum(weights, Fraction(0))
    return [w / whole if whole else Fraction(0) for w in weights]  # exact: Fraction


def _curve(curve: RiskCurve, x: Fraction, parameter: Fraction) -> Fraction:
    """``g(x)`` for x above zero."""
    if curve is RiskCurve.EXCESS:
        return max(Fraction(0), x - parameter)
    if parameter.denominator == 1:
        return Fraction(x ** int(parameter))
    base, power = (DIGITS.divide(Decimal(f.numerator), Decimal(f.denominator)) for f in (x, parameter))
    return Fraction(DIGITS.power(base, power))

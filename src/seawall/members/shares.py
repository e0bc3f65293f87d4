"""Shares by name: the same split whatever order the members come in."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import TypeVar

from seawall.errors import InputError
from seawall.money import Rounding, muldiv, split

N = TypeVar("N", int, Fraction)


def pro_rata(total: N, weights: Mapping[str, N]) -> dict[str, N]:
    """Share ``total`` pro rata to ``weights``; a zero sum of weights gives zero to everyone.

    Fractions are shared exactly. Integers (minor units) by largest remainder, equal remainders in order of name, so
    that the shares sum to ``total`` and the order of the mapping changes nothing.

    Raises:
        InputError: a negative weight, or a negative integer total.
    """
    for name, weight in weights.items():
        if weight < 0:
            raise InputError("a weight is negative", field=name, value=weight, expected="zero or more")
    if not any(weights.values()):
        return dict.fromkeys(weights, total - total)
    if isinstance(total, Fraction):
        whole = sum(weights.values(), Fraction(0))
        return {name: total * weight / whole for name, weight in weights.items()}  # exact: Fraction
    if total < 0:
        raise InputError("a negative amount cannot be shared in units", value=total, expected="zero or more")
    names = sorted(weights)
    shares = dict(zip(names, split(total, [weights[name] for name in names]), strict=True))
    return {name: shares[name] for name in weights}


def to_units(shares: Mapping[str, Fraction]) -> dict[str, int]:
    """Exact shares as whole units that sum to the floor of their sum.

    Every share is rounded down; the units left over go one each to the largest remainders, equal ones in order of
    name.
    """
    floors = {name: muldiv(x.numerator, 1, x.denominator, Rounding.FLOOR) for name, x in shares.items()}
    whole = sum(shares.values(), Fraction(0))
    left = muldiv(whole.numerator, 1, whole.denominator, Rounding.FLOOR) - sum(floors.values())
    for name in sorted(shares, key=lambda n: (floors[n] - shares[n], n))[:left]:
        floors[name] += 1
    return floors


def multiple_of(multiple: Fraction, amount: N) -> N:
    """``multiple x amount``: exact for fractions, rounded down for units (a cap is never rounded over)."""
    if isinstance(amount, Fraction):
        return multiple * amount
    return muldiv(amount, multiple.numerator, multiple.denominator, Rounding.FLOOR)


def check_amounts(amounts: Mapping[str, N], what: str) -> None:
    """Raise InputError unless every amount is zero or more."""
    for name, amount in amounts.items():
        if amount < 0:
            raise InputError(f"{what} is negative", field=name, value=amount, expected="zero or more")

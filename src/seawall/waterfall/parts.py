"""Pro-rata parts of an amount: whole units by largest remainder, or exact fractions, as the amounts are."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, TypeVar

from seawall.money import split
from seawall.waterfall.waterfilling import fill_fractions, fill_wide

N = TypeVar("N", int, Fraction)


def parts(total: N, weights: Sequence[N]) -> list[N]:
    """``total x weight / sum of weights``; weights that sum to zero give zero to everyone.

    Integers are whole units: rounded down, the units left go to the largest remainders, then the earlier index.
    Fractions are exact. Nobody gets more than the weight while ``total`` is not above their sum.
    """
    whole = sum(weights)
    if not whole:
        return [total - total for _ in weights]
    if isinstance(total, int) and all(isinstance(w, int) for w in weights):
        units: Any = split(int(total), [int(w) for w in weights])
        return list(units)
    exact: Any = [Fraction(total) * w / whole for w in weights]  # exact: Fraction
    return list(exact)


def capped_parts(total: N, weights: Sequence[N], highs: Sequence[N]) -> list[N]:
    """``min(high, level x weight)`` at the level where they sum to ``total``: whole units or exact, as the amounts are.

    Source: water-filling (``waterfilling.fill_wide``, ``fill_fractions``), whose errors it raises.
    """
    if all(isinstance(x, int) for x in (total, *weights, *highs)):
        units: Any = fill_wide(int(total), [int(w) for w in weights], [int(h) for h in highs])
        return list(units)
    exact: Any = fill_fractions(Fraction(total), [Fraction(w) for w in weights], [Fraction(h) for h in highs])
    return list(exact)

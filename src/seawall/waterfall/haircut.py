"""Gains haircut: unrealised gains are cut pro rata to pay what no layer could."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from seawall.money import Rounding, muldiv, split


class Haircut(NamedTuple):
    """``cuts`` in the order of the gains; ``collected`` is their exact sum; ``residual`` what stays unpaid."""

    cuts: tuple[int, ...]
    collected: int
    residual: int


def haircut_gains(loss: int, gains: Sequence[int], *, cap: Fraction = Fraction(1)) -> Haircut:
    """Cut positive gains by one rate, so that the cuts sum to ``min(loss, floor(cap x sum of gains))`` to the unit.

    Gains that are not positive are not touched. Shares by largest remainder, ties to the earlier index; no cut
    exceeds its gain.

    Source: variation-margin gains haircutting of clearing-house recovery plans.
    """
    if loss < 0:
        raise ValueError(f"negative loss {loss}")
    weights = [max(0, g) for g in gains]
    most = muldiv(sum(weights), cap.numerator, cap.denominator, Rounding.FLOOR)
    amount = min(loss, most)
    cuts = split(amount, weights) if amount else [0] * len(weights)
    return Haircut(tuple(cuts), amount, loss - amount)

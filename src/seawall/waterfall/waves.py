"""Waves of deleveraging side by side: what each rule took against what was needed, and losses counted once."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from seawall.errors import InputError


class PolicySummary(NamedTuple):
    """One rule over all waves; money in the unit given, haircuts as shares of equity.

    Attributes:
        collected: sum of what was taken.
        net: collected less needed; overs and unders cancel.
        absolute: sum of the distances of the waves; nothing cancels.
        mean_hardest: mean over waves of the largest haircut of one account.
        worst_hardest: the largest of these.
        fairness_regret: sum of ``|largest haircut - that of the reference rule| x needed``: being fairer than the
            reference counts as regret too.
    """

    collected: Fraction
    net: Fraction
    absolute: Fraction
    mean_hardest: Fraction
    worst_hardest: Fraction
    fairness_regret: Fraction


def summarise_policy(
    needed: Sequence[Fraction],
    collected: Sequence[Fraction],
    hardest: Sequence[Fraction],
    reference: Sequence[Fraction],
) -> PolicySummary:
    """Sum up one rule; parallel columns, one entry a wave, exact.

    Source: arXiv 2512.01112, overshoot and fairness regret.

    Raises:
        InputError: columns that differ in length, or no wave.
    """
    n = len(needed)
    if not n or not n == len(collected) == len(hardest) == len(reference):
        raise InputError("columns differ in length, or no wave", value=n)
    gaps = [c - b for b, c in zip(needed, collected, strict=True)]
    regret = sum((abs(h - r) * b for b, h, r in zip(needed, hardest, reference, strict=True)), Fraction(0))
    return PolicySummary(
        collected=sum(collected, Fraction(0)),
        net=sum(gaps, Fraction(0)),
        absolute=sum((abs(g) for g in gaps), Fraction(0)),
        mean_hardest=sum(hardest, Fraction(0)) / n,  # exact: Fraction
        worst_hardest=max(hardest),
        fairness_regret=regret,
    )


class CountedOnce(NamedTuple):
    """``published`` adds every wave; ``counted_once`` adds a repeated largest loss one time only.

    ``repeats`` maps a largest loss (in cents) that stands in several waves to the number of waves.
    """

    published: int
    counted_once: int
    repeats: dict[int, int]


def count_once(deficits: Sequence[int], largest: Sequence[int]) -> CountedOnce:
    """Deficits of waves without account ids: a largest loss that is equal to the cent is taken as one account.

    All in cents. The other losses of a wave (deficit less its largest) are added as they stand, so repeats among
    them remain: the result is an upper bound of what was lost once. With ids, use ``DeficitBook``, which refuses a
    second charge.

    Raises:
        InputError: columns that differ in length, or a largest loss above its wave's deficit.
    """
    if len(deficits) != len(largest) or any(m > d or m < 0 for d, m in zip(deficits, largest, strict=True)):
        raise InputError("columns differ in length, or a largest loss above the deficit")
    seen: dict[int, int] = {}
    for loss in largest:
        seen[loss] = seen.get(loss, 0) + 1
    others = sum(deficits) - sum(largest)
    return CountedOnce(sum(deficits), others + sum(seen), {loss: k for loss, k in seen.items() if k > 1})

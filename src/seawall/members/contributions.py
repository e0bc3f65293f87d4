"""Who puts how much into the fund, and how the clearing house's own money is split over several funds."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import TypeVar

from seawall.errors import InputError
from seawall.members.shares import check_amounts, pro_rata, to_units

N = TypeVar("N", int, Fraction)


def contributions_with_minimum(target: N, exposure: Mapping[str, N], minimum: N) -> dict[str, N]:
    """Share ``target`` pro rata to ``exposure``, nobody below ``minimum``.

    Members below the minimum are fixed at it, all of them at once; what is left of the target is shared again among
    the others, until nobody new is below. The sum is the target, unless the minima alone exceed it (then everybody
    pays the minimum) or nobody has an exposure (then everybody pays the minimum, which may be nothing).

    Fractions are exact; integers are split by largest remainder, ties by name.

    Source: Regulation (EU) 648/2012 art. 42(2): a minimum, and proportional to exposure.
    """
    check_amounts(exposure, "an exposure")
    if target < 0 or minimum < 0:
        raise InputError("target and minimum must not be negative", value=min(target, minimum))
    active = dict(exposure)
    left = target
    while active:
        whole = sum(active.values(), target - target)
        # share < minimum, without dividing; with no exposure at all every share is zero
        below = [m for m, x in active.items() if (left * x < minimum * whole if whole else minimum > 0)]
        if not below:
            break
        for member in below:
            del active[member]
            left -= minimum
    shares = pro_rata(left, active) if active else {}
    return {member: shares.get(member, minimum) for member in exposure}


def weighted_contributions(
    fund: Fraction | int,
    fixed_each: Fraction | int,
    weights: Mapping[str, Fraction],
    measures: Mapping[str, Mapping[str, Fraction | int]],
) -> dict[str, Fraction]:
    """A fixed part each, and the rest of the fund by several measures at their weights. Exact.

    ``fixed_each + (fund - fixed_each x members) x sum over measures of weight x own / all members'``. ``measures``
    holds, per member, one number per measure. A measure that is zero for everybody gives nothing to anybody. The sum
    is the fund when the weights sum to one and no measure is zero throughout.

    Source: clearing-fund allocation of OCC after 2018 (fixed, then 70/15/15 risk, open interest, volume).

    Raises:
        InputError: a member lacks a measure, or a measure is negative.
    """
    for member, own in measures.items():
        for name in weights:
            if name not in own:
                raise InputError(f"the member has no measure {name!r}", field=member)
            if own[name] < 0:
                raise InputError(f"measure {name!r} is negative", field=member, value=own[name])
    rest = Fraction(fund) - Fraction(fixed_each) * len(measures)
    share = {member: Fraction(0) for member in measures}
    for name, weight in weights.items():
        for member, part in pro_rata(weight, {m: Fraction(own[name]) for m, own in measures.items()}).items():
            share[member] += part
    return {member: Fraction(fixed_each) + rest * part for member, part in share.items()}


def weighted_contributions_in_units(
    fund: int,
    fixed_each: int,
    weights: Mapping[str, Fraction],
    measures: Mapping[str, Mapping[str, Fraction | int]],
) -> dict[str, int]:
    """As ``weighted_contributions``, in minor units: largest remainder, ties by name; the sum is that of the shares."""
    return to_units(weighted_contributions(fund, fixed_each, weights, measures))


def own_resources_split(capital: N, fraction: Fraction, fund_sizes: Mapping[str, N]) -> tuple[N, dict[str, N]]:
    """Own resources ``capital x fraction`` and their split over funds, pro rata to size.

    Fractions are exact. Integers: the product is rounded up (a requirement on the clearing house), then split by
    largest remainder.

    Source: Delegated Regulation (EU) 153/2013 art. 35(2)-(3): 25 % of minimum capital, in proportion to fund size;
    (EU) 2023/840 for the second slice.
    """
    own: N
    if isinstance(capital, Fraction):
        own = capital * fraction
    else:
        own = -((-capital * fraction.numerator) // fraction.denominator)  # ceil
    return own, pro_rata(own, fund_sizes)

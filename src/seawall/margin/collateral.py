"""What collateral counts for: haircuts scaled to the horizon, days that beat them, limits on single assets. Exact."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

from seawall.errors import InputError
from seawall.margin.addons import root

Number = int | Fraction
ZERO = Fraction(0)


def scaled_haircut(h10: Fraction, revaluation_days: Number, holding_days: Number) -> Fraction:
    """A ten-day haircut for other days: ``h10 x sqrt((NR + TM - 1) / 10)``, rounded up as ``addons.root`` says.

    Source: Basel comprehensive approach.

    Raises:
        InputError: a horizon below zero.
    """
    horizon = Fraction(revaluation_days) + Fraction(holding_days) - 1
    return h10 * root(horizon / 10)  # exact: Fraction


class HaircutBreaches(NamedTuple):
    """How often a fall beat the haircut, and by how much at most."""

    breaches: int
    worst_excess: Fraction


def haircut_breaches(haircut: Fraction, returns: Sequence[Number]) -> HaircutBreaches:
    """Count returns over the holding period that fell by more than ``haircut``, strictly.

    Source: CPMI-IOSCO public quantitative disclosure, section 5.3.
    """
    excess = [-Fraction(r) - haircut for r in returns]
    return HaircutBreaches(sum(x > 0 for x in excess), max([ZERO, *excess]))


class RecognisedValue(NamedTuple):
    """Per asset the value after haircut and what of it counts; the total that counts."""

    eligible: dict[str, Fraction]
    recognised: dict[str, Fraction]
    total: Fraction


def recognised_value(
    holdings: Mapping[str, Number],
    haircut: Mapping[str, Number],
    wrong_way: Collection[str] = (),
    single_asset_limit: Number = 1,
) -> RecognisedValue:
    """Value after haircut, wrong-way assets at zero, no asset above a share of what counts in total.

    The limit is on the recognised total T itself: T is the largest number with ``T = sum of min(eligible, limit x T)``.
    With the k largest assets limited, ``T = (sum of the others) / (1 - k x limit)``, for the smallest k at which none of
    the others exceeds ``limit x T``.

    Source: CPMI-IOSCO Principles, principle 5; Delegated Regulation (EU) 153/2013 on concentration.

    Raises:
        InputError: a negative holding or limit, a haircut missing or outside 0 to 1.
    """
    limit = Fraction(single_asset_limit)
    if limit < 0:
        raise InputError("a limit is negative", value=limit)
    eligible = {name: _eligible(name, value, haircut, wrong_way) for name, value in holdings.items()}
    order = sorted(eligible.values(), reverse=True)
    total = others = sum(order, ZERO)
    for k, largest in enumerate([*order, ZERO]):
        total = others / (1 - k * limit)  # exact: Fraction
        if largest <= limit * total or k == len(order):
            break
        others -= largest
    return RecognisedValue(eligible, {name: min(x, limit * total) for name, x in eligible.items()}, total)


def _eligible(name: str, value: Number, haircut: Mapping[str, Number], wrong_way: Collection[str]) -> Fraction:
    if value < 0:
        raise InputError("a holding is negative", field=name, value=value)
    if name in wrong_way:
        return ZERO
    if name not in haircut or not 0 <= haircut[name] <= 1:
        raise InputError("a haircut is missing or outside 0 to 1", field=name, value=haircut.get(name))
    return Fraction(value) * (1 - Fraction(haircut[name]))

"""Named rounding and the one exact multiply-then-divide.

Python integers are exact at any size, so ``muldiv`` here is the reference; the 64-bit kernel twin with a
128-bit product lives in ``money.kernels``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from seawall.errors import InputError


class Rounding(Enum):
    """How a division that does not come out even is rounded. The name is what policies and events print."""

    FLOOR = "floor"  # toward minus infinity
    CEIL = "ceil"  # toward plus infinity
    TRUNC = "trunc"  # toward zero
    AWAY = "away"  # away from zero
    HALF_EVEN = "half_even"  # nearest, ties to the even quotient
    HALF_UP = "half_up"  # nearest, ties away from zero


def div(numerator: int, denominator: int, rounding: Rounding) -> int:
    """Divide exactly and round once, as named.

    Raises:
        ZeroDivisionError: the denominator is zero.
    """
    if denominator < 0:
        numerator, denominator = -numerator, -denominator
    quotient, remainder = divmod(numerator, denominator)
    if remainder == 0 or rounding is Rounding.FLOOR:
        return quotient
    if rounding is Rounding.CEIL:
        return quotient + 1
    if rounding is Rounding.TRUNC:
        return quotient + (1 if numerator < 0 else 0)
    if rounding is Rounding.AWAY:
        return quotient + (1 if numerator > 0 else 0)
    twice = 2 * remainder
    if twice != denominator:
        return quotient + (1 if twice > denominator else 0)
    if rounding is Rounding.HALF_EVEN:
        return quotient + (quotient & 1)
    return quotient + (1 if numerator > 0 else 0)


def muldiv(a: int, b: int, c: int, rounding: Rounding) -> int:
    """``a * b / c``, exact product, rounded once as named. Any size.

    >>> muldiv(10, 10, 3, Rounding.CEIL)
    34
    """
    return div(a * b, c, rounding)


@dataclass(frozen=True, slots=True)
class RoundingProfile:
    """A named set of roundings, one per kind of division on the path of money.

    ``name`` is what a policy file says. Keys are the operations that Seawall divides in; a profile must name
    every one of them, so that no division has an unstated direction.

    * ``value``: value of a position from lots and mark, when one lot is not a whole number of minor units
    * ``requirement``: margin requirement
    * ``requirement_unit``: "account" (one rounding for the whole account) or "position" (each position, the
      initial requirement first, then the maintenance share of it)
    * ``equity_share``: the part of an account's equity that belongs to a slice of a position
    * ``release``: entry value released when a position is reduced
    * ``fee``: fees charged to traders
    * ``fill_value``: quote amount of a fill
    """

    name: str
    value: Rounding
    requirement: Rounding
    requirement_unit: str
    equity_share: Rounding
    release: Rounding
    fee: Rounding
    fill_value: Rounding


PROFILES: Mapping[str, RoundingProfile] = {
    # The default: whenever a unit is in doubt, the fund keeps it.
    "toward_fund": RoundingProfile(
        name="toward_fund",
        value=Rounding.FLOOR,
        requirement=Rounding.CEIL,
        requirement_unit="account",
        equity_share=Rounding.FLOOR,
        release=Rounding.CEIL,
        fee=Rounding.CEIL,
        fill_value=Rounding.FLOOR,
    ),
    # Source: dydxprotocol/v4-chain, x/perpetuals/lib and x/clob/keeper/liquidations.go (reference: venue 1.1).
    "quantum_chain": RoundingProfile(
        name="quantum_chain",
        value=Rounding.TRUNC,
        requirement=Rounding.CEIL,
        requirement_unit="position",
        equity_share=Rounding.FLOOR,
        release=Rounding.CEIL,
        fee=Rounding.FLOOR,
        fill_value=Rounding.FLOOR,
    ),
}


def profile(name: str) -> RoundingProfile:
    """The rounding profile of that name.

    Raises:
        InputError: no such profile.
    """
    try:
        return PROFILES[name]
    except KeyError:
        raise InputError(
            "unknown rounding profile", field="rounding", value=name, expected=" or ".join(PROFILES)
        ) from None

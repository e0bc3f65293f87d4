"""Exact prices to order ticks."""

from __future__ import annotations

from fractions import Fraction

from seawall.errors import InputError
from seawall.money import Rounding, div


def to_tick(price: Fraction, tick: int, *, selling: bool, largest: int = (1 << 64) - 1) -> int:
    """An exact price in smallest price steps as the nearest allowed order price that does not harm the account.

    Two roundings, each up for a sale (a long is closed) and down for a purchase: to a whole step, then to a multiple
    of ``tick``. The result is at least one tick, and at most the largest multiple not above ``largest``.

    Source: dydxprotocol/v4-chain x/clob/keeper/liquidations.go, ConvertFillablePriceToSubticks.

    Raises:
        InputError: the tick is not between 1 and ``largest``.
    """
    if not 1 <= tick <= largest:
        raise InputError("bad tick", field="tick", value=tick, expected=f"1 to {largest}")
    rounding = Rounding.CEIL if selling else Rounding.FLOOR
    steps = div(price.numerator, price.denominator, rounding)
    ticks = div(steps, tick, rounding)
    return min(max(1, ticks), largest // tick) * tick

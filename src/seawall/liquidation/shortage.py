"""How much to close so that what is missing is there again, at which fee, and how fast.

Rates are integers in millionths, because the fund's fee is itself rounded to a millionth. Amounts: quote in minor units
(millionths of quote), prices in millionths of quote per ``BASE`` units of base. Every division rounds down where it
stands, left to right; what is closed is then raised to a whole order step.

Source: drift-labs/protocol-v2 programs/drift/src/math/liquidation.rs.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from seawall.errors import InputError
from seawall.money import Rounding, div, muldiv

PPM = 10**6
BASE = 10**9
EVERYTHING = (1 << 64) - 1  # "no amount of base can cover it": close all there is
KEEP = Fraction(19, 20)  # share of the free room that the fund may take
FLOOR = Rounding.FLOOR


def base_to_cover_shortage(
    shortage: int, *, ratio_ppm: int, liquidator_fee_ppm: int, fund_fee_ppm: int, price: int, quote_price: int = PPM
) -> int:
    """Base amount whose closing brings equity back to the requirement.

    Closing one unit of base frees ``price x ratio`` of requirement and costs ``price x (liquidator + fund fee)``.

    Args:
        shortage: requirement less equity, ``>= 0``.
        ratio_ppm: the requirement's rate of notional, with any buffer.
        price, quote_price: oracle prices of base in quote, and of quote in the unit of account.

    Returns:
        The amount rounded down, or ``EVERYTHING`` when closing does not help: no price, or fees eat what is freed.
    """
    if price == 0 or ratio_ppm <= liquidator_fee_ppm:
        return EVERYTHING
    freed = muldiv(muldiv(price, quote_price, PPM, FLOOR), ratio_ppm - liquidator_fee_ppm, PPM, FLOOR)
    per_base = freed - muldiv(price, fund_fee_ppm, PPM, FLOOR)
    if per_base <= 0:
        return EVERYTHING
    return muldiv(shortage, BASE, per_base, FLOOR)


def fund_fee_from_room(
    shortage: int,
    base: int,
    *,
    ratio_ppm: int,
    liquidator_fee_ppm: int,
    max_fee_ppm: int,
    price: int,
    quote_price: int = PPM,
) -> int:
    """The fund's fee rate in millionths: only from room that the shortage and the liquidator's fee leave.

    ``min(max, 19/20 x (ratio - liquidator fee - shortage / (base x price)))``, never below zero, so that a fee never
    makes an account bankrupt.
    """
    worth = muldiv(price, quote_price, PPM, FLOOR)
    if base == 0 or worth == 0 or ratio_ppm <= liquidator_fee_ppm:
        return 0
    used = muldiv(muldiv(shortage, BASE, base, FLOOR), PPM, worth, FLOOR)
    room = max(0, ratio_ppm - liquidator_fee_ppm - used)
    return min(max_fee_ppm, muldiv(room, KEEP.numerator, KEEP.denominator, FLOOR))


@dataclass(frozen=True, slots=True)
class ShortageRule:
    """Terms of a liquidation that closes as much as is missing.

    ``buffer_ppm`` is added to the maintenance ratio, so that the account leaves with something to spare.
    """

    maintenance_ppm: int
    buffer_ppm: int
    liquidator_fee_ppm: int
    max_fund_fee_ppm: int
    step: int = 1

    @property
    def ratio_ppm(self) -> int:
        """Maintenance and buffer."""
        return self.maintenance_ppm + self.buffer_ppm


class ShortageClose(NamedTuple):
    """One call. ``base`` and ``quote`` are what the account holds afterwards; the liquidator's are what it received."""

    base: int
    quote: int
    liquidator_base: int
    liquidator_quote: int
    fund_fee: int
    fund_fee_ppm: int
    shortage: int


def close_shortage(
    rule: ShortageRule, *, base: int, quote: int, collateral: int, price: int, max_base: int
) -> ShortageClose:
    """Hand over to a liquidator, at the oracle price less its fee, as much of one position as covers the shortage.

    Args:
        base: signed size; quote: its signed quote balance; collateral: everything else.
        price: oracle price; max_base: what the liquidator takes at most (absolute).

    Lots and quote are conserved: what the account lost, liquidator and fund got.
    """
    size, sign = abs(base), (base > 0) - (base < 0)
    value = muldiv(size, price, BASE, FLOOR)
    equity = collateral + quote + sign * value
    ratio = rule.ratio_ppm
    shortage = max(0, muldiv(value, ratio, PPM, FLOOR) - equity)
    fee = fund_fee_from_room(
        shortage,
        size,
        ratio_ppm=ratio,
        liquidator_fee_ppm=rule.liquidator_fee_ppm,
        max_fee_ppm=rule.max_fund_fee_ppm,
        price=price,
    )
    need = base_to_cover_shortage(
        shortage, ratio_ppm=ratio, liquidator_fee_ppm=rule.liquidator_fee_ppm, fund_fee_ppm=fee, price=price
    )
    need = div(need, rule.step, Rounding.CEIL) * rule.step
    take = min(size, max_base, need)
    worth = muldiv(take, price, BASE, FLOOR)
    reward = muldiv(worth, rule.liquidator_fee_ppm, PPM, FLOOR)
    to_fund = muldiv(worth, fee, PPM, FLOOR)
    return ShortageClose(
        base=base - sign * take,
        quote=quote + sign * worth - reward - to_fund,
        liquidator_base=sign * take,
        liquidator_quote=-sign * worth + reward,
        fund_fee=to_fund,
        fund_fee_ppm=fee,
        shortage=shortage,
    )


@dataclass(frozen=True, slots=True)
class FeeRamp:
    """A liquidator's fee that rises while nobody acts, so that what nobody wants becomes worth taking.

    ``base`` holds for ``grace`` idle time; then ``step`` is added per unit of time, up to ``most``. Time in whatever
    unit the caller counts (slots, nanoseconds); rates exact.
    """

    base: Fraction
    grace: int
    step: Fraction
    most: Fraction

    def at(self, idle: int) -> Fraction:
        """The fee after ``idle`` time without progress."""
        return max(self.base, min(self.most, self.base + max(0, idle - self.grace) * self.step))


@dataclass(frozen=True, slots=True)
class PacedShare:
    """How much of what is missing may be closed by now: ``initial + elapsed / duration``, all when it is small.

    ``small_shortage`` and ``small_position`` in the unit of the amounts given.
    """

    initial: Fraction
    duration_ns: int
    small_shortage: int = 0
    small_position: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.initial <= 1 or self.duration_ns <= 0:
            raise InputError(
                "bad pace",
                field="initial, duration_ns",
                value=f"{self.initial}, {self.duration_ns}",
                expected="a share from 0 to 1 and a positive time",
            )

    def share(self, elapsed_ns: int, *, shortage: int, position: int) -> Fraction:
        """Share of the shortage that may be closed in all after ``elapsed_ns``, exact."""
        if shortage < self.small_shortage or position < self.small_position:
            return Fraction(1)
        return min(Fraction(1), self.initial + Fraction(max(0, elapsed_ns), self.duration_ns))

    def room(self, elapsed_ns: int, *, shortage: int, position: int, closed: int) -> int:
        """Amount of the shortage that may be closed now, after ``closed`` of it: rounded down, at least 0.

        ``shortage`` is the one at the start, so that closing slowly does not lower what may be closed.
        """
        share = self.share(elapsed_ns, shortage=shortage, position=position)
        return max(0, muldiv(shortage, share.numerator, share.denominator, FLOOR) - closed)


def transfer_price(price: int, fee: Fraction, *, selling: bool) -> int:
    """Price at which a liquidator takes a slice: oracle x (1 - fee) when a long is sold, x (1 + fee) for a short.

    Rounded toward the account (up for a sale, down for a purchase), so that rounding never adds to the fee.
    """
    factor = 1 - fee if selling else 1 + fee
    return muldiv(price, factor.numerator, factor.denominator, Rounding.CEIL if selling else Rounding.FLOOR)

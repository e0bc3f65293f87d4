"""Limit prices of close-out orders, exact, as integer marks."""

from __future__ import annotations

from fractions import Fraction

from seawall.liquidation.rules import LimitKind, LimitPrice
from seawall.liquidation.shortage import FeeRamp, transfer_price
from seawall.market import Instrument
from seawall.money import Rounding, div, muldiv


def bankruptcy_share(equity: int, part: Fraction | int, total: Fraction | int, rounding: Rounding) -> int:
    """The part of an account's equity that belongs to a slice of a position.

    Equity is attributed to positions in proportion to their maintenance requirement: ``equity * part / total``,
    rounded as named (venues round down, toward the fund, also when equity is negative). With no requirement at all
    the slice carries everything.

    Source: dydxprotocol/v4-chain x/clob/keeper/liquidations.go, GetBankruptcyPriceInQuoteQuantums.
    """
    if not total:
        return equity
    if isinstance(part, int) and isinstance(total, int):
        return muldiv(equity, part, total, rounding)
    ratio = Fraction(part) / Fraction(total)  # exact: Fraction
    return muldiv(equity, ratio.numerator, ratio.denominator, rounding)


def fillable_rating(equity: int, total: Fraction | int, limit: LimitPrice) -> Fraction:
    """clamp(adjustment x (1 - equity / maintenance), 0, 1), exact.

    Without any requirement (one that rounds to zero) it is what the ratio tends to: 1 below zero equity, else 0.
    """
    if not total:
        return Fraction(equity < 0)
    rating = limit.adjustment * (1 - Fraction(equity) / Fraction(total))  # exact: Fraction
    return min(Fraction(1), max(Fraction(0), rating))


def fillable_price(
    limit: LimitPrice, *, value: int, lots: int, requirement: Fraction | int, equity: int, maintenance: Fraction | int
) -> Fraction:
    """The worst price per lot at which a position may be closed under a FILLABLE limit, exact.

    ``(value - rating x spread x requirement) / lots`` with the whole position's signed value and lots, so that a
    long may be sold lower and a short bought back higher. Source: dYdX v4 GetFillablePrice.
    """
    give = fillable_rating(equity, maintenance, limit) * limit.spread * requirement
    return (value - give) / lots  # exact: Fraction


def limit_mark(
    instrument: Instrument,
    limit: LimitPrice,
    *,
    lots: int,
    position_lots: int,
    unit_value: int,
    equity: int,
    requirement: Fraction | int,
    total_requirement: Fraction | int,
    denominator: int = 1,
    mark: int = 0,
    idle_ns: int = 0,
) -> int | None:
    """The worst mark at which ``lots`` (signed: negative sells) of a position may fill, or None for no limit.

    ``mark`` and ``idle_ns`` (time without progress) belong to SPREAD.
    Requirements are in ``denominator``-ths of a book unit. The amount that may be given up against the mark is, for the whole position, its share of equity (BANKRUPTCY)
    or ``rating x spread x requirement`` (FILLABLE); per lot it is spread evenly and rounded down. The mark is then
    rounded to the order tick away from the account's harm: up for a sale, down for a purchase, never below one tick.
    """
    if limit.kind is LimitKind.MARKET:
        return None
    if limit.kind is LimitKind.SPREAD:
        return _spread_limit(instrument, limit, mark, idle_ns, selling=lots < 0)
    if limit.kind is LimitKind.BANKRUPTCY:
        give = bankruptcy_share(equity, requirement, total_requirement, Rounding.FLOOR)
    else:
        rating = fillable_rating(equity, Fraction(total_requirement, denominator), limit)
        amount = rating * limit.spread * Fraction(requirement, denominator)
        give = div(amount.numerator, amount.denominator, Rounding.FLOOR)
    per_lot = div(give, abs(position_lots), Rounding.FLOOR)
    selling = lots < 0
    # A sale of a linear contract may be worth less per lot by per_lot; for inverse contracts value moves the other way.
    worth = unit_value + (per_lot if selling == instrument.inverse else -per_lot)
    return _mark_at_worth(instrument, worth, selling)


def _spread_limit(instrument: Instrument, limit: LimitPrice, mark: int, idle_ns: int, *, selling: bool) -> int:
    """Mark x (1 -+ fee), rounded toward the account to the order tick, at least one tick."""
    growth = limit.growth / 10**9  # exact: Fraction
    fee = FeeRamp(limit.spread, limit.grace_ns, growth, max(limit.most, limit.spread)).at(idle_ns)
    tick = instrument.tick
    price = transfer_price(mark, fee, selling=selling)
    count = div(price, tick, Rounding.CEIL if selling else Rounding.FLOOR)
    return min(MAX_LIMIT, max(1, count) * tick)


def _mark_at_worth(instrument: Instrument, worth: int, selling: bool) -> int | None:
    """The mark whose lot value is ``worth``, rounded to the tick: up for a sale, down for a purchase."""
    tick = instrument.tick
    if worth <= 0:
        # Linear sale: any price will do. Linear purchase or inverse sale: no price is good enough but the best tick.
        if instrument.inverse:
            return None if not selling else MAX_LIMIT
        return tick
    if instrument.inverse:
        ticks = Fraction(instrument.num, instrument.den * worth * tick)
    else:
        ticks = Fraction(worth * instrument.den, instrument.num * tick)
    count = div(ticks.numerator, ticks.denominator, Rounding.CEIL if selling else Rounding.FLOOR)
    return min(MAX_LIMIT, max(1, count) * tick)


MAX_LIMIT = (1 << 62) - 1

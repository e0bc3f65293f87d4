"""Conversions between the asset a unit is judged in and the asset a market settles in.

With pool "asset" both are the same and nothing converts. With pool "account" units are judged in the numeraire at
index prices, and every conversion names its rounding.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from seawall.engine.state import State
from seawall.liquidation import MarketAmount
from seawall.margin import PositionState, UnitState
from seawall.money import Rounding, muldiv
from seawall.waterfall import OTHER_TIER

QUOTE_SCALE = 6


def price_of(state: State, st: UnitState, asset: int) -> Fraction:
    """Units of the unit's currency per book unit of ``asset``, exact."""
    return Fraction(1) if asset == st.asset else state.index_prices[asset]


def to_settle(state: State, st: UnitState, market: int, amount: int, rounding: Rounding) -> int:
    """An amount of the unit's currency in book units of the market's settle asset."""
    asset = state.settle_asset[market]
    if asset == st.asset:
        return amount
    price = state.index_prices[asset]
    return muldiv(amount, price.denominator, price.numerator, rounding)


def requirement(state: State, st: UnitState, position: PositionState) -> int | Fraction:
    """Exact maintenance requirement of one position, in R-ths of a unit of the unit's currency."""
    asset = state.settle_asset[position.market]
    return position.maintenance if asset == st.asset else position.maintenance * state.index_prices[asset]


def total_requirement(state: State, st: UnitState) -> int | Fraction:
    """Sum of the position requirements, in R-ths of a unit of the unit's currency."""
    total: int | Fraction = 0
    for position in st.positions:
        total += requirement(state, st, position)
    return total


def quote_notional(state: State, market: int, lots: int) -> int:
    """Notional of ``lots`` at the mark in millionths of the quote currency, rounded down."""
    instrument = state.instrument(market)
    if instrument.inverse:
        return int(abs(lots) * instrument.lot * 10**QUOTE_SCALE)
    return int(abs(lots) * state.unit_values[market] * 10**QUOTE_SCALE // 10**instrument.settle.book_scale)


def tiered(state: State, market: int, amounts: MarketAmount) -> int:
    """What a rule by market or tier says for a market, millionths of the quote currency."""
    return amounts.of(state.policy.tiers.get(state.instrument(market).base, OTHER_TIER))


def lot_size(state: State, market: int) -> int:
    """What one lot counts where a market is limited: its notional at the mark in book units of the settle asset; of an
    inverse market, whose lots are worth the same at any mark, 1. Exact; 0 before the first mark."""
    return 1 if state.instrument(market).inverse else state.unit_values[market]


def size_of_quote(state: State, market: int) -> Fraction:
    """How many units of ``lot_size`` a millionth of the quote currency is, exact."""
    instrument = state.instrument(market)
    if instrument.inverse:
        lot: Fraction = instrument.lot * 10**QUOTE_SCALE
        return Fraction(lot.denominator, lot.numerator)  # exact: Fraction
    return Fraction(10**instrument.settle.book_scale, 10**QUOTE_SCALE)


def quote_value(state: State, market: int, amount: int) -> int:
    """An amount of a market's settle asset in millionths of the quote currency, rounded up; a coin at the mark."""
    instrument = state.instrument(market)
    if not instrument.inverse:
        return muldiv(amount, 10**QUOTE_SCALE, 10**instrument.settle.book_scale, Rounding.CEIL)
    face = instrument.lot * 10**QUOTE_SCALE
    return muldiv(amount, face.numerator, state.unit_values[market] * face.denominator, Rounding.CEIL)


def asset_quote_value(state: State, asset: int, amount: int) -> int:
    """An amount of any asset in millionths of the quote currency, rounded up, at ``quote_price``."""
    price = quote_price(state, asset)
    return muldiv(amount, price.numerator, price.denominator, Rounding.CEIL)


def from_quote(state: State, asset: int, millionths: int) -> int:
    """Millionths of the quote currency in book units of any asset, rounded down, at ``quote_price``."""
    price = quote_price(state, asset)
    return muldiv(millionths, price.denominator, price.numerator, Rounding.FLOOR)


def quote_price(state: State, asset: int) -> Fraction:
    """Millionths of the quote currency per book unit of an asset, exact.

    A coin that markets settle in: at the mark of its first inverse market. Collateral that an index prices: at the index.
    Any other asset is a unit of the quote currency.
    """
    market = next((m for m, a in enumerate(state.settle_asset) if a == asset and state.unit_values[m]), None)
    if market is not None and state.instrument(market).inverse:
        return Fraction(10**QUOTE_SCALE) * state.instrument(market).lot / state.unit_values[market]  # exact: Fraction
    one = Fraction(10**QUOTE_SCALE, 10 ** state.asset(asset).book_scale)
    index = state.index_prices.get(asset) if market is None else None
    if index is None or state.policy.numeraire is None:
        return one
    numeraire = state.asset(state.asset_index[state.policy.numeraire])
    return index * Fraction(10**QUOTE_SCALE, 10**numeraire.book_scale)  # exact: Fraction


def gross_of(state: State, st: UnitState) -> list[int]:
    """Notional of each position of a unit in the unit's currency, rounded up."""
    found = []
    for p in st.positions:
        price = price_of(state, st, state.settle_asset[p.market])
        found.append(muldiv(abs(p.lots) * p.unit_value, price.numerator, price.denominator, Rounding.CEIL))
    return found


def backed(state: State, accounts: NDArray[np.int64], asset: int, amounts: NDArray[np.int64]) -> NDArray[np.int64]:
    """``amounts`` of an asset, each no more than its account (number) can bear before it falls below zero as it is judged.

    Pool "asset": as they are, a row is judged alone. Pool "account": only accounts with a row below zero are looked at;
    all others are worth at least what one row shows. Rounded down.
    """
    book = state.book
    if not book.pooled:
        return amounts
    owing = np.unique(book.row_account[: book.rows][book.row_equities() < 0])
    out = amounts.copy()
    for at in np.nonzero(np.isin(accounts, owing))[0].tolist():
        st = book.unit_state(int(accounts[at]))
        price = price_of(state, st, asset)
        out[at] = min(int(out[at]), muldiv(max(0, st.equity), price.denominator, price.numerator, Rounding.FLOOR))
    return out

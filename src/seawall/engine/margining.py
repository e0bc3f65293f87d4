"""What an account may hold: the initial requirement, and the bounds of the book."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from seawall.engine.events import Refused, Rejection
from seawall.engine.state import State
from seawall.margin import MAX_WORTH, UnitState


def initial_of(state: State, st: UnitState, positions: Sequence[tuple[int, int]]) -> Fraction:
    """Initial requirement of (market, lots) positions in the unit's currency, exact."""
    total = Fraction(0)
    for market, lots in positions:
        settle = state.settle_asset[market]
        rate = Fraction(1) if settle == st.asset else state.index_prices[settle]
        total += Fraction(state.book.initial(market, lots), st.denominator) * rate
    return total


def look_at(state: State, account: int, asset: int) -> UnitState:
    """The unit that judges an account's holdings in an asset; an empty one (number -1) where there is none yet.

    Looking makes no row in the book, so that a refused command leaves nothing behind.
    """
    if not state.book.pooled and int(state.book.row_of[asset, account]) < 0:
        return UnitState(-1, account, asset, {}, (), 0, 0, state.book.denominator)
    return state.book.unit_state(state.book.unit_of(account, asset))


def beyond_book(state: State, account: int, market: int, lots: int, worth: int) -> Rejection | None:
    """Would taking ``lots`` (signed) at ``worth`` a lot leave the bounds of the book?"""
    held, entry = state.book.position(account, market)
    after = held + lots
    most = max(state.unit_values[market], abs(state.worth(market)), abs(worth))
    fits = state.book.fits_position(market, after) and abs(after) * most <= MAX_WORTH and abs(lots) * most <= MAX_WORTH
    # Whatever part of both values is realised, cash takes it.
    if fits and state.book.fits_cash(account, state.settle_asset[market], abs(lots * worth) + abs(entry)):
        return None
    return Rejection(Refused.OVERFLOW, {"account": state.account_name(account), "lots": after})


def may_take(state: State, account: int, market: int, lots: int, worth: int) -> Rejection | None:
    """May an account take ``lots`` (signed) at ``worth`` a lot? Afterwards equity covers the initial requirement, or
    the position only became smaller, at no worse than the mark. The outside account needs no margin.
    """
    found = beyond_book(state, account, market, lots, worth)
    if found is not None or state.snapshot.roles[account] == "outside":
        return found
    name, settle = state.account_name(account), state.settle_asset[market]
    st = look_at(state, account, settle)
    if settle != st.asset and settle not in state.index_prices:
        return Rejection(Refused.BAD_MARK, {"asset": state.asset(settle).name, "why": "no index price yet"})
    rate = Fraction(1) if settle == st.asset else state.index_prices[settle]
    change = lots * (state.worth(market) - worth)
    held = state.book.position(account, market)[0]
    after = held + lots
    others = [(p.market, p.lots) for p in st.positions if p.market != market]
    initial = initial_of(state, st, [*others, (market, after)])
    equity = st.equity + change * rate
    # Through zero is a new position: a long option needs no margin, the short one it would turn into does.
    smaller = abs(after) < abs(held) and after * held >= 0
    if equity < initial and not (smaller and change * rate >= 0):
        return Rejection(Refused.INSUFFICIENT_MARGIN, {"account": name, "equity": int(equity), "initial": int(initial)})
    return None

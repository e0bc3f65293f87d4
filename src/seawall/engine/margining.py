"""The initial requirement of positions that an account would hold."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from seawall.engine.state import State
from seawall.margin import UnitState


def initial_of(state: State, st: UnitState, positions: Sequence[tuple[int, int]]) -> Fraction:
    """Initial requirement of (market, lots) positions in the unit's currency, exact."""
    total = Fraction(0)
    for market, lots in positions:
        settle = state.settle_asset[market]
        rate = Fraction(1) if settle == st.asset else state.index_prices[settle]
        total += Fraction(state.book.initial(market, lots), st.denominator) * rate
    return total

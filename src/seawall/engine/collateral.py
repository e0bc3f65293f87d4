"""Selling what an account holds in one asset for what it owes in another."""

from __future__ import annotations

from seawall.engine.events import Converted
from seawall.engine.posting import Step
from seawall.engine.state import State
from seawall.engine.units import price_of
from seawall.margin import UnitState
from seawall.money import Rounding, muldiv


def cover_with_collateral(state: State, step: Step, st: UnitState) -> UnitState:
    """A unit that owes in one asset and has cash in others: sell the others, at the index price, as needed.

    What it owes is its balance in the asset, unrealised profit and loss included. So a haircut on collateral is nobody's
    loss: the coin is sold for what it is worth before a fund pays for what it was not counted at.
    """
    balances = dict(st.cash)
    for p in st.positions:
        balances[state.settle_asset[p.market]] += p.worth - p.entry
    short_of, spare_of = [a for a, v in balances.items() if v < 0], [a for a, v in balances.items() if v > 0]
    if not short_of or not spare_of:
        return st
    for short in sorted(short_of):
        for spare in sorted(spare_of):
            owed, have = -balances[short], min(balances[spare], state.book.cash(st.account, spare))
            if owed <= 0 or have <= 0:
                continue
            rate = price_of(state, st, spare) / price_of(state, st, short)  # exact: Fraction
            sold = min(have, muldiv(owed, rate.denominator, rate.numerator, Rounding.CEIL))
            bought = min(owed, muldiv(sold, rate.numerator, rate.denominator, Rounding.FLOOR))
            if bought == 0:
                continue
            step.pay(st.account, state.outside, spare, sold, "convert")
            step.pay(state.outside, st.account, short, bought, "convert")
            balances[spare] -= sold
            balances[short] += bought
            inputs = {"have": have, "short": owed, "num": rate.numerator, "den": rate.denominator}
            step.emit(
                Converted(
                    state.account_name(st.account),
                    state.asset(spare).name,
                    sold,
                    state.asset(short).name,
                    bought,
                    state.account_name(state.outside),
                    (("collateral.convert", inputs),),
                )
            )
    return state.book.unit_state(st.unit)

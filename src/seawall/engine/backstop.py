"""The backstop as a holder: what it may take over, what it may not go on holding, and what it need not keep."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from seawall.engine.deleverage import at_other_price
from seawall.engine.events import SurplusPassed, Why
from seawall.engine.layers import Need, free_cash
from seawall.engine.margining import look_at
from seawall.engine.posting import Step
from seawall.engine.state import State
from seawall.engine.units import from_quote, gross_of, lot_size, size_of_quote, tiered
from seawall.liquidation import (
    BackstopRule,
    MarketAmount,
    OverLimit,
    excess_in_market,
    excess_over_limits,
    may_take_over,
)
from seawall.margin import UnitState
from seawall.money import Rounding, muldiv
from seawall.waterfall import PriceRule


def units_of_backstop(state: State) -> list[int]:
    """The margin units that judge the backstop, by number; none where there is no backstop."""
    if state.policy.liquidation.backstop is None or state.backstop is None:
        return []
    return list(state.book.unit_ids_of(state.backstop))


# --- limits ----------------------------------------------------------------------------------------------------------


def has_room(state: State, st: UnitState) -> bool:
    """May the backstop hold the account's positions on top of its own? Always, if it passes the excess on."""
    rule = state.policy.liquidation.backstop
    if rule is None or state.backstop is None or not _markets_have_room(state, rule, st):
        return False
    if state.book.pooled:
        own = state.book.unit_state(state.backstop)
        gross, extra = sum(gross_of(state, own)), sum(gross_of(state, st))
        return may_take_over(
            _in_units(state, rule, own.asset), equity=own.equity, gross=gross, extra_gross=extra, extra_equity=st.equity
        )
    own = look_at(state, state.backstop, st.asset)
    return may_take_over(
        _in_units(state, rule, st.asset),
        equity=own.equity,
        gross=sum(gross_of(state, own)),
        extra_gross=sum(gross_of(state, st)),
        extra_equity=st.equity,
    )


def _markets_have_room(state: State, rule: BackstopRule, st: UnitState) -> bool:
    """Would it stay within its limit in each market that grows? One position too large is enough to refuse them all."""
    if rule.max_per_market is None or rule.over_limit is OverLimit.DELEVERAGE or state.backstop is None:
        return True
    for p in st.positions:
        held = state.book.position(state.backstop, p.market)[0]
        after = held + p.lots
        most = _most_in(state, p.market, rule.max_per_market)
        if abs(after) > abs(held) and excess_in_market(after, lot_size(state, p.market), most):
            return False
    return True


def _most_in(state: State, market: int, amounts: MarketAmount) -> int:
    """The limit in a market in units of ``lot_size``, rounded down."""
    rate = size_of_quote(state, market)
    return muldiv(tiered(state, market, amounts), rate.numerator, rate.denominator, Rounding.FLOOR)


def _in_units(state: State, rule: BackstopRule, asset: int) -> BackstopRule:
    """The rule with its limit in money (millionths of the quote currency) as book units of the asset judged in."""
    if rule.max_notional is None:
        return rule
    return replace(rule, max_notional=from_quote(state, asset, rule.max_notional))


def over_limits(state: State) -> list[Need]:
    """What the backstop may not hold and must be closed, solvent units only: first what is too much in one market, then
    of the rest what is too much in all. Nothing without a deleveraging rule."""
    rule = state.policy.liquidation.backstop
    if rule is None or state.policy.deleverage is None:
        return []
    needs: list[Need] = []
    for unit in units_of_backstop(state):
        st = state.book.unit_state(unit)
        if st.positions and st.equity >= 0:
            mine, st = _over_in_markets(state, rule, st)
            needs += mine
            needs += _over_in_all(state, rule, st)
    return needs


def _over_in_markets(state: State, rule: BackstopRule, st: UnitState) -> tuple[list[Need], UnitState]:
    """What is too much in a single market, and the unit as it is without it."""
    if rule.max_per_market is None:
        return [], st
    needs, rest = [], []
    for p in st.positions:
        worth, most = lot_size(state, p.market), _most_in(state, p.market, rule.max_per_market)
        excess = excess_in_market(p.lots, worth, most)
        if excess:
            lots = muldiv(abs(p.lots), excess, abs(p.lots) * worth, Rounding.CEIL)
            signed = lots if p.lots > 0 else -lots
            inputs = {"size": abs(p.lots), "worth": worth, "most": most, "held": p.lots}
            needs.append(_need(state, p.market, signed, (("backstop.over_market", inputs),)))
            p = p._replace(lots=p.lots - signed)
        if p.lots:
            rest.append(p)
    return needs, st._replace(positions=tuple(rest))


def _over_in_all(state: State, rule: BackstopRule, st: UnitState) -> list[Need]:
    """What is too much over all markets of a unit: the same part of every position."""
    gross = gross_of(state, st)
    in_units, whole = _in_units(state, rule, st.asset), sum(gross)
    excess = excess_over_limits(in_units, equity=st.equity, gross=whole)
    if excess <= 0:
        return []
    needs = []
    for p in st.positions:
        lots = -(-abs(p.lots) * excess // whole)  # rounded up: the limit must hold afterwards
        needs.append(
            _need(state, p.market, lots if p.lots > 0 else -lots, _why_limit(in_units, st.equity, whole, p.lots))
        )
    return needs


def _need(state: State, market: int, lots: int, why: Why) -> Need:
    """Close so many lots of the backstop's, at the price of the deleveraging rule: the mark, the one before, or the index."""
    assert state.backstop is not None and state.policy.deleverage is not None
    price = state.policy.deleverage.price
    if price in (PriceRule.MARK, PriceRule.BANKRUPTCY):
        return Need(state.backstop, market, lots, 0, 0, (*why, ("deleverage.at_mark",)))
    cost, more = at_other_price(state, price, market, lots, "deleverage.backstop_")
    return Need(state.backstop, market, lots, cost, 0, (*why, *more))


def _why_limit(rule: BackstopRule, equity: int, gross: int, held: int) -> Why:
    """By how much the backstop is over its limits, and what a position of ``held`` lots gives."""
    inputs = {"gross": gross, "held": held}
    if rule.max_notional is not None:
        inputs["most"] = rule.max_notional
    if rule.max_leverage is not None:
        inputs |= {"equity": equity, "num": rule.max_leverage.numerator, "den": rule.max_leverage.denominator}
    if rule.max_notional is None:
        return (("backstop.over_leverage", inputs),)
    return (("backstop.over_notional" if rule.max_leverage is None else "backstop.over_both", inputs),)


# --- surplus ---------------------------------------------------------------------------------------------------------


class Surplus(NamedTuple):
    """Cash of the backstop in an asset, what it keeps of it, and what it may pay as it is judged as a whole."""

    asset: int
    cash: int
    keep: int
    free: int

    @property
    def amount(self) -> int:
        """What goes on."""
        return min(self.cash - self.keep, self.free)


def next_surplus(state: State, first: int = 0) -> Surplus | None:
    """The surplus in the first asset from number ``first`` on that has one.

    None while the backstop holds a position, and while a loss of its own is unpaid.
    """
    rule = state.policy.liquidation.backstop
    if rule is None or not rule.surplus_to or state.backstop is None or state.book.positions_of(state.backstop):
        return None
    to, name = state.house[rule.surplus_to], state.account_name(state.backstop)
    if any(row.account == name for row in state.deficits.unpaid()):
        return None
    for asset in range(first, len(state.snapshot.assets)):
        unit = 10 ** state.asset(asset).book_scale
        keep = muldiv(rule.surplus_above, unit, 10**6, Rounding.CEIL)
        cash = state.book.cash(state.backstop, asset)
        found = Surplus(asset, cash, keep, free_cash(state, state.backstop, asset)) if cash > keep else None
        if found is not None and found.amount > 0 and state.book.fits_cash(to, asset, found.amount):
            return found
    return None


def pass_on_surplus(state: State, step: Step) -> None:
    """What the backstop has above what it keeps, asset by asset, to the account the policy names.

    One after another: where accounts are judged as a whole, what went on in one asset counts for the next. Source:
    vegaprotocol/vega, where the insurance pool bears and earns what the network party makes of its positions.
    """
    rule = state.policy.liquidation.backstop
    found = next_surplus(state)
    while rule is not None and found is not None:
        assert state.backstop is not None
        to = state.house[rule.surplus_to]
        step.pay(state.backstop, to, found.asset, found.amount, "surplus")
        inputs = {"cash": found.cash, "keep": found.keep, "free": found.free}
        step.emit(
            SurplusPassed(
                state.account_name(state.backstop),
                state.account_name(to),
                state.asset(found.asset).name,
                found.amount,
                (("backstop.surplus", inputs),),
            )
        )
        found = next_surplus(state, found.asset + 1)

"""The ladder under the market: backstop, loss layers, deleveraging, gains haircut, residual.

``resolve`` is one walk down the ladder for every account still at risk:

1. intents past their deadline lapse;
2. who is whole again leaves; whom the backstop may take over, it takes over;
3. every bankrupt account left: its loss is recognised; the layers before deleveraging pay; its positions are
   deleveraged at the price of the policy; the gains haircut and later layers pay; what nobody paid is residual
   once the account is flat, and carried while it still holds positions;
4. the backstop's own limit: what it may not hold is deleveraged at the mark; if it is bankrupt itself it goes
   through step 3 like anyone else.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from seawall.engine.closeout import below_takeover, end_case, lapse_intents
from seawall.engine.deleverage import deleverage
from seawall.engine.events import Converted, DeleverageNeeded, LossCarried, Residual, TakenOver, Why
from seawall.engine.haircut import cut_gains
from seawall.engine.layers import Default, Need, cash_layers, layer_states, post_draws, recognise
from seawall.engine.posting import Step
from seawall.engine.state import State
from seawall.engine.units import price_of, requirement, to_settle, total_requirement
from seawall.errors import InvariantBroken
from seawall.liquidation import BackstopRule, bankruptcy_share, excess_over_limits, may_take_over
from seawall.margin import UnitState
from seawall.money import Rounding, muldiv
from seawall.waterfall import LayerKind, PriceRule, allocate


def resolve(state: State, step: Step) -> None:
    """Walk every open case down the ladder. See the module."""
    unfilled = lapse_intents(state, step)
    defaults: list[UnitState] = []
    for unit in sorted(set(state.cases) | state.watch):
        st = state.book.unit_state(unit)
        if not st.positions:
            st = cover_with_collateral(state, step, st)
            if st.equity < 0:
                defaults.append(st)
            elif unit in state.cases:
                end_case(state, step, st, "closed")
        elif unit not in state.cases:
            continue
        elif not st.at_risk:
            end_case(state, step, st, "restored")
        elif _wants_backstop(state, st, unit in unfilled) and _backstop_has_room(state, st):
            take_over(state, step, st)
        elif st.equity < 0:
            defaults.append(st)
    if defaults:
        settle_defaults(state, step, defaults)
    _hold_backstop_to_its_limits(state, step)


def cover_with_collateral(state: State, step: Step, st: UnitState) -> UnitState:
    """A flat unit with one balance below zero and others above: sell the others, at the index price, as needed."""
    if len(st.cash) < 2 or not any(v < 0 for v in st.cash.values()) or not any(v > 0 for v in st.cash.values()):
        return st
    for short in sorted(a for a, v in st.cash.items() if v < 0):
        for spare in sorted(a for a, v in st.cash.items() if v > 0):
            cash = state.book.cash(st.account, short)
            have = state.book.cash(st.account, spare)
            if cash >= 0 or have <= 0:
                continue
            rate = price_of(state, st, spare) / price_of(state, st, short)  # exact: Fraction
            sold = min(have, muldiv(-cash, rate.denominator, rate.numerator, Rounding.CEIL))
            bought = min(-cash, muldiv(sold, rate.numerator, rate.denominator, Rounding.FLOOR))
            if bought == 0:
                continue
            step.pay(st.account, state.outside, spare, sold, "convert")
            step.pay(state.outside, st.account, short, bought, "convert")
            inputs = {"have": have, "short": -cash, "num": rate.numerator, "den": rate.denominator}
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


def _wants_backstop(state: State, st: UnitState, unfilled: bool) -> bool:
    rule = state.policy.liquidation.backstop
    if rule is None or st.account == state.backstop:
        return False
    if st.equity < 0:
        return rule.takes_bankrupt
    return below_takeover(state, st) or (unfilled and rule.takes_unfilled)


def _backstop_has_room(state: State, st: UnitState) -> bool:
    """May the backstop hold the account's positions on top of its own? Always, if it passes the excess on."""
    rule = state.policy.liquidation.backstop
    if rule is None or state.backstop is None:
        return False
    taken: dict[int, int] = {}
    margin: dict[int, int] = dict(st.cash)
    for p in st.positions:
        asset = state.settle_asset[p.market]
        taken[asset] = taken.get(asset, 0) + abs(p.lots) * p.unit_value
        margin[asset] = margin.get(asset, 0) + p.worth - p.entry
    for asset in sorted(taken):
        own = state.book.unit_state(state.book.unit_of(state.backstop, asset))
        gross = sum(abs(p.lots) * p.unit_value for p in own.positions if state.settle_asset[p.market] == asset)
        if not may_take_over(
            rule, equity=own.equity, gross=gross, extra_gross=taken[asset], extra_equity=margin.get(asset, 0)
        ):
            return False
    return True


def take_over(state: State, step: Step, st: UnitState) -> None:
    """All positions at the mark, then all cash: the account ends at zero, which is its bankruptcy price."""
    backstop = state.backstop
    assert backstop is not None
    rule = state.policy.liquidation.backstop
    assert rule is not None
    notional = 0
    why: list[tuple[str, Mapping[str, Any]]] = []
    before = {asset: state.book.cash(st.account, asset) for asset in st.cash}
    settles = [state.settle_asset[p.market] for p in st.positions]
    for asset in sorted({*st.cash, *settles}):
        named = {} if asset == st.asset else {"asset": state.asset(asset).name}
        for p in (p for p, settle in zip(st.positions, settles, strict=True) if settle == asset):
            backstops, given = step.exchange(backstop, st.account, p.market, p.lots, p.worth, "take_over")
            notional += abs(p.lots) * p.unit_value
            where = {**named, "market": state.instrument(p.market).symbol, "lots": -p.lots}
            why.append(("take_over.position", {**where, "worth": state.worth(p.market), "entry": p.entry}))
            _, other = step.why_sides(given, backstops, -p.lots)
            why.extend((name, {**where, **given[0]}) for name, *given in other)
        cash = state.book.cash(st.account, asset)
        whole = "take_over.asset" if state.book.pooled else "take_over.all"
        why.append((whole, {**named, "cash": before.get(asset, 0)}))
        if cash > 0:
            step.pay(st.account, backstop, asset, cash, "take_over")
        elif cash < 0:
            step.pay(backstop, st.account, asset, -cash, "take_over")
    if state.book.pooled:
        why.append(("take_over.equity", {"equity": st.equity}))
    share = rule.takes_below
    why.append(("take_over.below", {"maintenance": st.maintenance, "num": share.numerator, "den": share.denominator}))
    step.emit(
        TakenOver(
            state.account_name(st.account),
            state.account_name(backstop),
            state.asset(st.asset).name,
            st.equity,
            notional,
            tuple((state.instrument(p.market).symbol, p.lots) for p in st.positions),
            tuple(why),
        )
    )
    end_case(state, step, state.book.unit_state(st.unit), "taken_over")


def settle_defaults(state: State, step: Step, bankrupt: list[UnitState]) -> None:
    """Step 3 of the ladder for all bankrupt units of one Resolve, in unit order."""
    defaults = [_recognise_and_draw(state, step, st) for st in bankrupt]
    has_deleverage = any(rule.kind is LayerKind.DELEVERAGE for rule in state.policy.layers)
    if has_deleverage:
        for default in defaults:
            default.needs = _needs(state, default)
            if default.needs and default.left:
                name, asset = state.account_name(default.account), state.asset(default.asset).name
                step.emit(DeleverageNeeded(default.loss, name, asset, default.left))
        deleverage(state, step, [need for default in defaults for need in default.needs])
    for default in defaults:
        left = max(0, -state.book.unit_state(default.unit).equity)
        paid = default.left - left
        if paid < 0:
            raise InvariantBroken(f"deleveraging deepened loss {default.loss} by {-paid}")
        if paid:
            state.deficits.cover(state.account_name(default.account), default.loss, paid)
        default.left = left
    if any(rule.kind is LayerKind.GAINS_HAIRCUT for rule in state.policy.layers):
        cut_gains(state, step, [d for d in defaults if d.left > 0])
    for default in defaults:
        _pay_later_layers(state, step, default)
        _finish(state, step, default)


def _recognise_and_draw(state: State, step: Step, st: UnitState) -> Default:
    amount = -st.equity
    why: Why = (("loss.recognise", {"equity": st.equity}),)
    loss = recognise(state, step, st.account, st.asset, amount, "default", why)
    rules = cash_layers(state, before_deleverage=True)
    allocation = allocate(amount, layer_states(state, rules, st.asset, st.account), cause="default")
    post_draws(state, step, allocation, st.account, st.asset, amount, "default", why, loss=loss)
    return Default(st.unit, st.account, st.asset, loss, allocation.residual, [])


def _needs(state: State, default: Default) -> list[Need]:
    """What must be closed and what it must collect, position by position.

    At the bankruptcy price each position carries the share of the remaining loss that its maintenance requirement
    is of the account's, the last one what is left, so that the account ends at exactly zero.
    """
    st = state.book.unit_state(default.unit)
    rule = state.policy.deleverage
    assert rule is not None
    needs: list[Need] = []
    equity = min(0, st.equity)
    total = total_requirement(state, st)
    for p in st.positions:
        part = requirement(state, st, p)
        if rule.price is PriceRule.BANKRUPTCY:
            why = _why_bankruptcy(state, st, p.market, equity, part, total)
            share = -bankruptcy_share(equity, part, total, state.policy.margin.profile.equity_share)
            equity += share
            total -= part
            cost = to_settle(state, st, p.market, share, Rounding.CEIL)
        elif rule.price is PriceRule.MARK:
            cost, why = 0, (("deleverage.at_mark",),)
        else:
            # The mark before, but never a price that would deepen the loss.
            worth, previous = state.worth(p.market), state.previous_worth(p.market)
            cost = max(0, -p.lots * (worth - previous))
            why = (("deleverage.at_previous", {"worth": worth, "previous": previous}),)
        needs.append(Need(default.account, p.market, p.lots, cost, default.loss, why))
    return needs


def _why_bankruptcy(
    state: State, st: UnitState, market: int, equity: int, part: int | Fraction, total: int | Fraction
) -> Why:
    ratio = Fraction(part) / Fraction(total) if total else Fraction(1)  # exact: Fraction
    inputs = {"equity": equity, "part": ratio.numerator, "total": ratio.denominator}
    asset = state.settle_asset[market]
    if asset == st.asset:
        return (("deleverage.at_bankruptcy", inputs),)
    price = state.index_prices[asset]
    inputs |= {"num": price.numerator, "den": price.denominator}
    return (("deleverage.at_bankruptcy_converted", inputs),)


def _pay_later_layers(state: State, step: Step, default: Default) -> None:
    rules = cash_layers(state, before_deleverage=False)
    if not rules or default.left <= 0:
        return
    allocation = allocate(default.left, layer_states(state, rules, default.asset, default.account), cause="default")
    why: Why = (("loss.recognise", {"equity": -default.left}),)
    post_draws(state, step, allocation, default.account, default.asset, default.left, "default", why, loss=default.loss)
    default.left = allocation.residual


def _finish(state: State, step: Step, default: Default) -> None:
    """End the case when the account is flat; what is unpaid becomes the residual on the deficit account."""
    st = cover_with_collateral(state, step, state.book.unit_state(default.unit))
    name, asset_name = state.account_name(default.account), state.asset(default.asset).name
    if st.positions:
        if default.left > 0:
            row = state.deficits.get(name, default.loss)
            why: Why = (("loss.carried", {"recognised": row.recognised, "covered": row.covered}),)
            state.deficits.carry(name, default.loss, default.left)
            step.emit(LossCarried(default.loss, name, asset_name, default.left, why))
        return
    if st.equity < 0:
        owed = -st.equity
        deficit = state.ledger.open(f"deficit:{default.loss}", state.asset(default.asset), floor=None)
        target = state.cash_id(default.account, default.asset)
        step.post(deficit, target, state.asset(default.asset).to_minor(owed), "residual")
        step.sync_cash(default.account, default.asset)
        step.emit(Residual(default.loss, name, asset_name, owed, (("loss.residual", {"equity": st.equity}),)))
    if default.unit in state.cases:
        end_case(state, step, state.book.unit_state(default.unit), "deleveraged" if default.needs else "closed")


def _hold_backstop_to_its_limits(state: State, step: Step) -> None:
    """Deleverage at the mark what the backstop may not hold; a bankrupt backstop defaults like anyone else."""
    rule = state.policy.liquidation.backstop
    if rule is None or state.backstop is None:
        return
    broke: list[UnitState] = []
    needs: list[Need] = []
    for unit in state.book.unit_ids_of(state.backstop):
        st = state.book.unit_state(unit)
        if st.equity < 0:
            broke.append(st)
            continue
        if not st.positions or state.policy.deleverage is None:
            continue
        gross = [abs(p.lots) * p.unit_value for p in st.positions]
        excess = excess_over_limits(rule, equity=st.equity, gross=sum(gross))
        if excess <= 0:
            continue
        whole = sum(gross)
        for p in st.positions:
            lots = -(-abs(p.lots) * excess // whole)  # rounded up: the limit must hold afterwards
            signed = lots if p.lots > 0 else -lots
            why = _why_limit(rule, st.equity, whole, p.lots)
            if state.policy.deleverage.price is PriceRule.PREVIOUS_MARK:
                worth, previous = state.worth(p.market), state.previous_worth(p.market)
                cost = -signed * (worth - previous)
                why += (("deleverage.backstop_at_previous", {"worth": worth, "previous": previous}),)
            else:
                cost = 0
                why += (("deleverage.at_mark",),)
            needs.append(Need(state.backstop, p.market, signed, cost, 0, why))
    if needs:
        deleverage(state, step, needs)
    if broke:
        settle_defaults(state, step, broke)


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

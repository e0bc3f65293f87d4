"""The ladder under the market: backstop, loss layers, deleveraging, gains haircut, residual.

``resolve`` is one walk down the ladder for every account still at risk:

1. intents past their deadline lapse; what layers are owed and is due comes back (``engine.replenish``);
2. who is whole again leaves; whom the backstop may take over, it takes over;
3. every bankrupt account left: its loss is recognised and walks down the layers of the policy (``engine.losses``);
   what nobody paid is residual once the account is flat, and carried while it still holds positions;
4. the backstop's own limit: what it may not hold is deleveraged at the mark; if it is bankrupt itself it goes
   through step 3 like anyone else;
5. the profit cap (``engine.profitcap``): a bankrupt pool goes through step 3, else winners are closed until their
   profits are within what the pool may owe;
6. a backstop that is through with its work passes its surplus on, where the policy says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from seawall.engine.backstop import has_room, over_limits, pass_on_surplus, units_of_backstop
from seawall.engine.closeout import below_takeover, end_case, lapse_intents
from seawall.engine.collateral import cover_with_collateral
from seawall.engine.deleverage import deleverage
from seawall.engine.events import TakenOver
from seawall.engine.losses import default_of, forget_made_good, settle
from seawall.engine.posting import Step
from seawall.engine.profitcap import bankrupt_pool, cap_profits
from seawall.engine.replenish import put_back
from seawall.engine.state import State, watched
from seawall.margin import UnitState
from seawall.waterfall import LayerKind


def resolve(state: State, step: Step) -> None:
    """Walk every open case down the ladder. See the module."""
    unfilled = lapse_intents(state, step)
    forget_made_good(state)
    put_back(state, step)
    defaults: list[int] = []
    for unit in sorted(set(state.cases) | watched(state)):
        st = state.book.unit_state(unit)
        if st.account == state.outside:
            continue  # it stands for everyone beyond the venue: nobody here owes for it
        if not st.positions:
            st = cover_with_collateral(state, step, st)
            if st.equity < 0:
                defaults.append(unit)
            elif unit in state.cases:
                end_case(state, step, st, "closed")
            continue
        if unit not in state.cases:
            continue
        if st.equity < 0:
            st = cover_with_collateral(state, step, st)
        if not st.at_risk:
            end_case(state, step, st, "restored")
        elif _wants_backstop(state, st, unit in unfilled) and has_room(state, st):
            take_over(state, step, st)
        elif st.equity < 0 and not state.policy.liquidation.defaults_when_flat:
            defaults.append(unit)
    if defaults:
        settle_defaults(state, step, defaults)
    _hold_backstop_to_its_limits(state, step)
    broke = bankrupt_pool(state)
    if broke:
        settle_defaults(state, step, broke)
    cap_profits(state, step)
    pass_on_surplus(state, step)


def _wants_backstop(state: State, st: UnitState, unfilled: bool) -> bool:
    rule = state.policy.liquidation.backstop
    if rule is None or st.account == state.backstop:
        return False
    if st.equity < 0:
        return rule.takes_bankrupt
    return below_takeover(state, st) or (unfilled and rule.takes_unfilled)


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
        for p in (p for p, own in zip(st.positions, settles, strict=True) if own == asset):
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


def settle_defaults(state: State, step: Step, units: Sequence[int]) -> None:
    """All bankrupt units of one Resolve down the waterfall, in unit order; whoever is flat then leaves."""
    losses = [default_of(state, step, unit) for unit in units]
    settle(state, step, losses)
    for loss in losses:
        unit = loss.unit
        assert unit is not None
        st = cover_with_collateral(state, step, state.book.unit_state(unit))
        if not st.positions and unit in state.cases:
            end_case(state, step, st, "deleveraged" if loss.needs else "closed")


def _hold_backstop_to_its_limits(state: State, step: Step) -> None:
    """Deleverage at the mark what the backstop may not hold; a bankrupt backstop defaults like anyone else."""
    needs, terms = over_limits(state), state.policy.deleverage
    if needs and terms is not None:
        layer = next((r for r in state.policy.layers if r.kind is LayerKind.DELEVERAGE), None)
        deleverage(state, step, needs, terms, layer)
    # Looked at afterwards: being closed at another price than the mark may have cost it what it had left.
    broke = [unit for unit in units_of_backstop(state) if state.book.unit_state(unit).equity < 0]
    if broke:
        settle_defaults(state, step, broke)

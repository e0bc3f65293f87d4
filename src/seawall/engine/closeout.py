"""Who is liquidated and how: cases, close-out intents, and the fills that answer them."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from seawall.engine.cashflow import returned
from seawall.engine.collateral import cover_with_collateral
from seawall.engine.events import (
    Filled,
    IntentLapsed,
    IntentOpened,
    LiquidationEnded,
    LiquidationStarted,
    Moved,
    Refused,
    Rejection,
    Why,
)
from seawall.engine.layers import Loss, draw_group, fill_layers, layer_state, recognise
from seawall.engine.margining import beyond_book, look_at, may_take
from seawall.engine.posting import Step
from seawall.engine.sizes import sizes as sizes_of
from seawall.engine.sizes import within_caps, within_window
from seawall.engine.state import MEMBER_ROLES, Case, Intent, State
from seawall.engine.units import lot_size, quote_value, requirement, to_settle, total_requirement
from seawall.errors import InputError
from seawall.liquidation import (
    NO_SETTLEMENT,
    FeeKind,
    FillSettlement,
    LimitKind,
    limit_mark,
    settle_fill,
)
from seawall.margin import UnitState
from seawall.money import Rounding, div
from seawall.waterfall import allocate

CLOSE_OUT = "close_out"
WORK_OUT = "work_out"


def unit_asset(state: State, st: UnitState) -> str:
    """Name of the asset that a unit is judged in."""
    return state.asset(st.asset).name


def below_takeover(state: State, st: UnitState) -> bool:
    """Is equity under the share of maintenance at which the backstop takes over without trying the market?"""
    rule = state.policy.liquidation.backstop
    if rule is None:
        return False
    return st.equity * rule.takes_below.denominator < rule.takes_below.numerator * st.maintenance


def consider(state: State, step: Step, unit: int) -> None:
    """Look at one unit after new marks: open a case, and ask the venue to close out what the pace allows."""
    st = state.book.unit_state(unit)
    if not st.at_risk:
        if not st.positions and st.equity < 0:
            state.watch.add(unit)  # flat, and it owes: the next Resolve must find the loss
        elif unit in state.cases:
            end_case(state, step, st, "restored" if st.positions else "closed")
        return
    case = state.cases.get(unit)
    if case is None:
        largest = max(st.positions, key=lambda p: requirement(state, st, p))
        case = state.cases[unit] = Case(unit, state.time_ns, largest.market)
        step.emit(
            LiquidationStarted(
                state.account_name(st.account),
                unit_asset(state, st),
                st.equity,
                st.maintenance,
                sum(abs(p.lots) * p.unit_value for p in st.positions),
                len(st.positions),
                (("at_risk",),),
            )
        )
    if st.equity < 0:
        st = cover_with_collateral(state, step, st)
    if case.intents or state.time_ns < case.next_ns or not st.at_risk:
        return
    limit = state.policy.liquidation.limit.kind
    if limit is LimitKind.BANKRUPTCY and (st.equity < 0 or below_takeover(state, st)):
        return  # no order at the bankruptcy price can help: the ladder decides at the next Resolve
    if limit is not LimitKind.BANKRUPTCY and st.equity >= 0 and below_takeover(state, st):
        return
    open_intents(state, step, st, case)


def open_intents(state: State, step: Step, st: UnitState, case: Case) -> None:
    """Emit one intent per position slice that the pace asks for now and the market's window has room for.

    An account that only waits has made no attempt.
    """
    rule = state.policy.liquidation
    case.attempts += 1
    sizes = sizes_of(state, st, case)
    let = [within_window(state, step, case, st.account, st.positions[s.position].market, s.lots) for s in sizes]
    if sizes and not any(let):
        case.attempts -= 1
        return
    case.next_ns = state.time_ns + (rule.pace.cooldown_ns if any(s.partial for s in sizes) else 0)
    total = total_requirement(state, st)
    for size, most in zip(sizes, let, strict=True):
        position = st.positions[size.position]
        count = within_caps(state, case, position.market, most) if most else 0
        if not count:
            continue
        lots = -count if position.lots > 0 else count
        limit = limit_mark(
            state.instrument(position.market),
            rule.limit,
            lots=lots,
            position_lots=position.lots,
            unit_value=position.unit_value,
            equity=to_settle(state, st, position.market, st.equity, Rounding.FLOOR),
            requirement=requirement(state, st, position),
            total_requirement=total,
            denominator=st.denominator,
            mark=state.marks[position.market],
            idle_ns=state.time_ns - case.started_ns,
        )
        _open_intent(state, step, st.account, position.market, lots, limit, CLOSE_OUT, st.unit)


def _over_cap(state: State, intent: Intent, draw: int) -> Rejection | None:
    """Would a draw take the account beyond what its fills may cost the fund between two marks?"""
    caps, case = state.policy.liquidation.caps, state.cases.get(intent.unit)
    if caps is None or case is None:
        return None
    cost = quote_value(state, intent.market, draw)
    if case.use.fund_loss + cost > caps.max_fund_loss:
        detail = {"intent": intent.number, "used": case.use.fund_loss, "cost": cost, "most": caps.max_fund_loss}
        return Rejection(Refused.CAP_REACHED, detail)
    return None


def _open_intent(
    state: State, step: Step, account: int, market: int, lots: int, limit: int | None, purpose: str, unit: int
) -> None:
    number = state.next_intent
    state.next_intent += 1
    deadline = state.time_ns + state.policy.liquidation.deadline_ns
    intent = state.intents[number] = Intent(number, account, market, lots, limit, deadline, purpose, unit)
    if purpose == CLOSE_OUT:
        state.cases[unit].intents.add(number)
        if state.policy.liquidation.window is not None:
            intent.counts = lot_size(state, market)
            state.windows.ordered(market, abs(lots) * intent.counts)
    step.emit(
        IntentOpened(
            number,
            state.account_name(account),
            state.instrument(market).symbol,
            lots,
            limit,
            deadline,
            purpose,
        )
    )


def open_work_out(state: State, step: Step) -> None:
    """The backstop offers a share of each position it holds to the market, at market."""
    rule = state.policy.liquidation.backstop
    if rule is None or state.backstop is None or rule.work_out_share == 0:
        return
    if any(i.purpose == WORK_OUT for i in state.intents.values()):
        return
    share = rule.work_out_share
    for market, lots, _ in state.book.positions_of(state.backstop):
        size = -(-abs(lots) * share.numerator // share.denominator)  # rounded up: the last lot must go too
        unit = state.book.unit_of(state.backstop, state.settle_asset[market])
        _open_intent(state, step, state.backstop, market, -size if lots > 0 else size, None, WORK_OUT, unit)


def fill(state: State, step: Step, number: int, counterparty: int, lots: int, price: int) -> Rejection | None:
    """Apply one fill of an open intent; every check first, then the postings."""
    intent = state.intents.get(number)
    if intent is None:
        return Rejection(Refused.UNKNOWN_INTENT, {"intent": number})
    if state.time_ns > intent.deadline_ns:
        return Rejection(Refused.INTENT_LAPSED, {"intent": number, "deadline_ns": intent.deadline_ns})
    if counterparty == intent.account:
        return Rejection(Refused.SELF_TRADE, {"intent": number})
    if lots <= 0:
        return Rejection(Refused.BAD_AMOUNT, {"lots": lots})
    if lots > abs(intent.lots):
        return Rejection(Refused.TOO_LARGE, {"intent": number, "lots": lots, "open": abs(intent.lots)})
    selling = intent.lots < 0
    if intent.limit is not None and (price < intent.limit if selling else price > intent.limit):
        return Rejection(Refused.WORSE_THAN_LIMIT, {"intent": number, "price": price, "limit": intent.limit})
    try:
        worth = state.worth_at(intent.market, price)
    except InputError as error:
        return Rejection(Refused.BAD_MARK, {"price": price, "why": error.problem})
    delta = -lots if selling else lots
    refused = _other_side(state, intent, counterparty, delta, worth)
    if refused is not None:
        return refused
    value = delta * worth
    mark = state.worth(intent.market)
    gain = delta * mark - value
    instrument, asset = state.instrument(intent.market), state.settle_asset[intent.market]
    settled = NO_SETTLEMENT
    if intent.purpose == CLOSE_OUT:
        st = state.book.unit_state(intent.unit)
        settled = _settlement(state, st, intent, delta, gain, lots * instrument.unit_value(price))
        if settled.draw and state.policy.liquidation.defaults_when_flat:
            settled = NO_SETTLEMENT  # the account bears it, and is in default once it is flat
        if settled.draw:
            over = _over_cap(state, intent, settled.draw)
            if over is not None:
                return over
            missing = _missing(state, intent, settled.draw)
            if missing:
                return Rejection(Refused.FUND_SHORT, {"intent": number, "needed": settled.draw, "missing": missing})
    before = step.exchange(intent.account, counterparty, intent.market, delta, value, "fill")
    own, other = step.why_sides(*before, delta)
    fee_to = None
    if settled.fee:
        house = state.house[state.policy.liquidation.fee.account]
        fee_to = state.account_name(house)
        step.pay(intent.account, house, asset, settled.fee, "liquidation_fee")
    step.emit(
        Filled(
            number,
            state.account_name(intent.account),
            state.account_name(counterparty),
            instrument.symbol,
            state.asset(asset).name,
            delta,
            price,
            value,
            gain,
            settled.fee,
            settled.draw,
            lots * instrument.unit_value(price),
            intent.purpose,
            _why_fill(worth, mark, own, other, settled),
            fee_to,
        )
    )
    if settled.draw:
        case = state.cases.get(intent.unit)
        if case is not None:
            cost = quote_value(state, intent.market, settled.draw)
            case.use = replace(case.use, fund_loss=case.use.fund_loss + cost)
        _pay_for_fill(state, step, intent, settled.draw, (("loss.of_fill", {"gain": gain, "share": settled.share}),))
    _worked(state, intent, delta)
    state.watch.add(intent.unit)
    _watch(state, counterparty, asset)
    return None


def _worked(state: State, intent: Intent, delta: int) -> None:
    """So many lots (signed) of an order are done: they count in the market's window, and stand no more."""
    window = state.policy.liquidation.window
    if window is not None:
        state.windows.filled(intent.market, state.time_ns, abs(delta) * intent.counts, window.window_ns)
    intent.lots -= delta
    if intent.lots == 0:
        state.drop_intent(intent.number)


def _other_side(state: State, intent: Intent, counterparty: int, delta: int, worth: int) -> Rejection | None:
    """Does the account still hold what its intent closes, and may the counterparty take it?

    A position may have shrunk since the intent was opened: by deleveraging, or because its holder was itself the other
    side of somebody's close-out. A member that takes a fill needs margin for it like for any trade; one under
    liquidation may only reduce.
    """
    market = intent.market
    held = state.book.position(intent.account, market)[0]
    if held * delta >= 0 or abs(delta) > abs(held):
        return Rejection(Refused.TOO_LARGE, {"intent": intent.number, "lots": abs(delta), "open": abs(held)})
    refused = beyond_book(state, intent.account, market, delta, worth)
    if refused is not None or state.snapshot.roles[counterparty] not in MEMBER_ROLES:
        return refused or beyond_book(state, counterparty, market, -delta, worth)
    if look_at(state, counterparty, state.settle_asset[market]).unit in state.cases:
        other = state.book.position(counterparty, market)[0]
        if other * -delta >= 0 or abs(delta) > abs(other):
            return Rejection(Refused.UNDER_LIQUIDATION, {"account": state.account_name(counterparty)})
        return beyond_book(state, counterparty, market, -delta, worth)
    return may_take(state, counterparty, market, -delta, worth)


def _why_fill(worth: int, mark: int, own: Why, other: Why, settled: FillSettlement) -> Why:
    """What explains a fill: its value and what it realises, fee or draw, and what the other side realises."""
    inputs = {"worth": worth, "mark": mark}
    match own:
        case ((str(name), dict(position)),) if name.startswith("own.release"):
            # The usual case in one item, so that events stay small.
            first: Why = ((name.replace("own.release", "fill.close"), {**inputs, **position}),)
        case _:
            first = (("fill.value", inputs), *own)
    return (*first, *((settled.why,) if settled.why else ()), *other)


def _settlement(state: State, st: UnitState, intent: Intent, delta: int, gain: int, notional: int) -> FillSettlement:
    """Fee or draw of a close-out fill: what it brought against the slice's bankruptcy value."""
    position = next(p for p in st.positions if p.market == intent.market)
    part = requirement(state, st, position)
    left = position.lots + delta
    if left:
        part -= requirement(state, st, position._replace(maintenance=state.book.maintenance(intent.market, left)))
    fee = state.policy.liquidation.fee
    if fee.kind is FeeKind.PENALTY:  # charged on the requirement that goes, not on the notional
        whole = div(Fraction(part).numerator, Fraction(part).denominator * st.denominator, Rounding.FLOOR)
        notional = to_settle(state, st, intent.market, whole, Rounding.FLOOR)
    return settle_fill(
        gain=gain,
        equity=to_settle(state, st, intent.market, st.equity, Rounding.FLOOR),
        part=part,
        total=total_requirement(state, st),
        notional=notional,
        fee=fee,
        profile=state.policy.margin.profile,
    )


def _missing(state: State, intent: Intent, draw: int) -> int:
    """What the layers could not pay of what a fill would cost beyond bankruptcy; nothing is written."""
    asset = state.settle_asset[intent.market]
    probe = Loss(
        state.next_loss,
        state.account_name(intent.account),
        asset,
        "default",
        draw,
        -1,
        intent.account,
        None,
        intent.market,
        event=state.cases[intent.unit].event or state.next_loss,
    )
    states = [layer_state(state, rule, probe) for rule in fill_layers(state)]
    return allocate(draw, states, cause="default").residual


def _pay_for_fill(state: State, step: Step, intent: Intent, draw: int, why: Why) -> None:
    """Recognise what a fill cost beyond bankruptcy as a loss of its own and let the layers pay it."""
    loss = recognise(
        state,
        step,
        holder=state.account_name(intent.account),
        asset=state.settle_asset[intent.market],
        amount=draw,
        cause="default",
        why=why,
        account=intent.account,
        unit=intent.unit,
        market=intent.market,
    )
    layers = fill_layers(state)
    for at, rule in enumerate(layers):
        if not rule.beside:
            group = [rule]
            for other in layers[at + 1 :]:
                if not other.beside:
                    break
                group.append(other)
            draw_group(state, step, group, loss)


def lapse_intents(state: State, step: Step) -> set[int]:
    """Drop intents whose deadline has passed; the units that had any left unfilled."""
    unfilled: set[int] = set()
    for number in sorted(n for n, i in state.intents.items() if i.deadline_ns <= state.time_ns):
        intent = state.intents[number]
        step.emit(IntentLapsed(number, intent.lots))
        if intent.purpose == CLOSE_OUT:
            unfilled.add(intent.unit)
        state.drop_intent(number)
    return unfilled


def end_case(state: State, step: Step, st: UnitState, outcome: str) -> None:
    """Close a case; what is left of an isolated position goes back to its account."""
    case = state.cases.pop(st.unit, None)
    if case is not None:
        state.limits.forget(case.event)
        for number in sorted(case.intents):
            step.emit(IntentLapsed(number, state.intents[number].lots))
            state.drop_intent(number)
    step.emit(LiquidationEnded(state.account_name(st.account), unit_asset(state, st), outcome, st.equity))
    parent = int(state.snapshot.parents[st.account])
    if parent >= 0 and not st.positions:
        for asset, amount in st.cash.items():
            if amount > 0:
                step.pay(st.account, parent, asset, amount, "isolated_return")
                a = state.asset(asset)
                minor = a.to_minor(amount)
                why: Why = (("isolated.return", {"from": state.account_name(st.account), "cash": minor}),)
                step.emit(Moved(state.account_name(parent), a.name, minor, "isolated_return", why))
            if amount >= 0:
                returned(state, st.account, parent, asset)


def _watch(state: State, account: int, asset: int) -> None:
    """Have an account looked at with the next marks."""
    if state.snapshot.roles[account] in ("trader", "market_maker"):
        state.watch.add(state.book.unit_of(account, asset))

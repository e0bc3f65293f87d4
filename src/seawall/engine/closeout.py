"""Who is liquidated and how: cases, close-out intents, and the fills that answer them."""

from __future__ import annotations

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
from seawall.engine.layers import cash_layers, layer_states, post_draws
from seawall.engine.posting import Step
from seawall.engine.state import Case, Intent, State
from seawall.engine.units import quote_notional, requirement, to_settle, total_requirement
from seawall.errors import InputError
from seawall.liquidation import NO_SETTLEMENT, FillSettlement, LimitKind, close_out_sizes, limit_mark, settle_fill
from seawall.margin import MAX_WORTH, UnitState
from seawall.money import Rounding
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
        if unit in state.cases:
            end_case(state, step, st, "restored" if st.positions else "closed")
        return
    case = state.cases.get(unit)
    if case is None:
        case = state.cases[unit] = Case(unit, state.time_ns)
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
    if case.intents or state.time_ns < case.next_ns:
        return
    limit = state.policy.liquidation.limit.kind
    if limit is LimitKind.BANKRUPTCY and (st.equity < 0 or below_takeover(state, st)):
        return  # no order at the bankruptcy price can help: the ladder decides at the next Resolve
    if limit is not LimitKind.BANKRUPTCY and st.equity >= 0 and below_takeover(state, st):
        return
    open_intents(state, step, st, case)


def open_intents(state: State, step: Step, st: UnitState, case: Case) -> None:
    """Emit one intent per position slice that the pace asks for now."""
    rule = state.policy.liquidation
    case.attempts += 1
    sizes = close_out_sizes(
        [(p.lots, quote_notional(state, p.market, p.lots)) for p in st.positions],
        rule.pace,
        equity=st.equity,
        maintenance=st.maintenance,
        attempt=case.attempts,
    )
    case.next_ns = state.time_ns + (rule.pace.cooldown_ns if any(s.partial for s in sizes) else 0)
    total = total_requirement(state, st)
    for size in sizes:
        position = st.positions[size.position]
        lots = -size.lots if position.lots > 0 else size.lots
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
        )
        _open_intent(state, step, st.account, position.market, lots, limit, CLOSE_OUT, st.unit)


def _open_intent(
    state: State, step: Step, account: int, market: int, lots: int, limit: int | None, purpose: str, unit: int
) -> None:
    number = state.next_intent
    state.next_intent += 1
    deadline = state.time_ns + state.policy.liquidation.deadline_ns
    state.intents[number] = Intent(number, account, market, lots, limit, deadline, purpose, unit)
    if purpose == CLOSE_OUT:
        state.cases[unit].intents.add(number)
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
    after = state.book.position(counterparty, intent.market)[0] - delta
    fits = state.book.fits_position(intent.market, after)
    if not fits or abs(after) * max(state.unit_values[intent.market], abs(worth)) > MAX_WORTH:
        return Rejection(Refused.OVERFLOW, {"account": state.account_name(counterparty), "lots": after})
    value = delta * worth
    mark = state.worth(intent.market)
    gain = delta * mark - value
    instrument, asset = state.instrument(intent.market), state.settle_asset[intent.market]
    settled, draws = NO_SETTLEMENT, None
    if intent.purpose == CLOSE_OUT:
        st = state.book.unit_state(intent.unit)
        settled = _settlement(state, st, intent, delta, gain, lots * instrument.unit_value(price))
        if settled.draw:
            layers = cash_layers(state, before_deleverage=True, for_fill=True)
            draws = allocate(settled.draw, layer_states(state, layers, asset, intent.account), cause="default")
            if draws.residual:
                return Rejection(
                    Refused.FUND_SHORT, {"intent": number, "needed": settled.draw, "missing": draws.residual}
                )
    before = step.exchange(intent.account, counterparty, intent.market, delta, value, "fill")
    own, other = step.why_sides(*before, delta)
    name = state.asset(asset).name
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
            name,
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
    if draws is not None:
        why: Why = (("loss.of_fill", {"gain": gain, "share": settled.share}),)
        post_draws(state, step, draws, intent.account, asset, settled.draw, "default", why)
    intent.lots -= delta
    if intent.lots == 0:
        _drop_intent(state, intent)
    state.watch.add(intent.unit)
    _watch(state, counterparty, asset)
    return None


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
    return settle_fill(
        gain=gain,
        equity=to_settle(state, st, intent.market, st.equity, Rounding.FLOOR),
        part=part,
        total=total_requirement(state, st),
        notional=notional,
        fee=state.policy.liquidation.fee,
        profile=state.policy.margin.profile,
    )


def _drop_intent(state: State, intent: Intent) -> None:
    del state.intents[intent.number]
    case = state.cases.get(intent.unit)
    if case is not None:
        case.intents.discard(intent.number)


def lapse_intents(state: State, step: Step) -> set[int]:
    """Drop intents whose deadline has passed; the units that had any left unfilled."""
    unfilled: set[int] = set()
    for number in sorted(n for n, i in state.intents.items() if i.deadline_ns <= state.time_ns):
        intent = state.intents[number]
        step.emit(IntentLapsed(number, intent.lots))
        if intent.purpose == CLOSE_OUT:
            unfilled.add(intent.unit)
        _drop_intent(state, intent)
    return unfilled


def end_case(state: State, step: Step, st: UnitState, outcome: str) -> None:
    """Close a case; what is left of an isolated position goes back to its account."""
    case = state.cases.pop(st.unit, None)
    if case is not None:
        for number in sorted(case.intents):
            step.emit(IntentLapsed(number, state.intents[number].lots))
            del state.intents[number]
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


def _watch(state: State, account: int, asset: int) -> None:
    """Have an account looked at with the next marks."""
    if state.snapshot.roles[account] in ("trader", "market_maker"):
        state.watch.add(state.book.unit_of(account, asset))

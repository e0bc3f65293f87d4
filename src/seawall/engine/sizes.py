"""How much of each position an account at risk must close now: by the pace of the policy, within the market's window
and the account's caps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction

from seawall.engine.events import CloseOutHeld
from seawall.engine.posting import Step
from seawall.engine.state import Case, State
from seawall.engine.units import lot_size, quote_notional, requirement, size_of_quote, tiered
from seawall.liquidation import (
    BlockCap,
    BlockUse,
    CapRefused,
    CloseOut,
    FeeKind,
    Pace,
    PaceKind,
    Series,
    close_by_series,
    close_out_sizes,
    room_for,
    window_capacity,
)
from seawall.margin import UnitState
from seawall.money import Rounding, muldiv


def sizes(state: State, st: UnitState, case: Case) -> list[CloseOut]:
    """How much of each position to close now: by the pace, or whole series in the order of relief per cost."""
    rule = state.policy.liquidation
    if rule.pace.kind is PaceKind.SERIES:
        return _series(st, rule.pace, [requirement(state, st, p) for p in st.positions])
    return close_out_sizes(
        [(p.lots, quote_notional(state, p.market, p.lots)) for p in st.positions],
        rule.pace,
        equity=st.equity,
        maintenance=st.maintenance,
        attempt=case.attempts,
        elapsed_ns=state.time_ns - case.started_ns,
        penalty=rule.fee.rate if rule.fee.kind is FeeKind.PENALTY else Fraction(0),
    )


def _series(st: UnitState, pace: Pace, requirements: Sequence[int | Fraction]) -> list[CloseOut]:
    """Whole positions until equity covers the requirement, everything when no order of them does."""
    share = pace.share
    book = [
        Series(
            str(p.market), p.lots, muldiv(abs(p.lots) * p.unit_value, share.numerator, share.denominator, Rounding.CEIL)
        )
        for p in st.positions
    ]

    def left(indexes: frozenset[int]) -> int:
        total = sum((Fraction(requirements[i]) for i in indexes), Fraction(0)) / st.denominator  # exact: Fraction
        return -(-total.numerator // total.denominator)

    plan = close_by_series(book, left, equity=st.equity)
    chosen = [step.series for step in plan.steps] if plan.enough else list(range(len(book)))
    return [CloseOut(i, abs(st.positions[i].lots), len(chosen) < len(book)) for i in chosen]


def in_turn(state: State, units: Iterable[int]) -> list[int]:
    """Units in the order in which they are looked at: by number; where markets have windows, those that wait for room
    first, the longest wait before the others.

    Whoever was let through, be it with one lot, goes behind all that still wait: an order that nobody answers cannot
    take the room from the others over and over, so nobody starves.
    """
    if state.policy.liquidation.window is None:
        return sorted(units)

    def since(unit: int) -> tuple[int, int]:
        case = state.cases.get(unit)
        waits = case.waits.values() if case is not None else ()
        return min(waits, default=state.marks_seen + 1), unit

    return sorted(units, key=since)


def within_window(state: State, step: Step, case: Case, account: int, market: int, lots: int) -> int:
    """How many of ``lots`` the market's window lets through now, rounded down; says so where it is not all of them.

    All accounts count together: what was closed inside the window and what orders still stand for. The capacity is
    rounded down to a unit. An empty window lets at least one lot through (``liquidation.room_for``).
    """
    rule, worth = state.policy.liquidation.window, lot_size(state, market)
    if rule is None or not worth:
        return lots
    rate = window_capacity(rule.fee, size_of_quote(state, market), rule.multiplier, Fraction(rule.window_ns, 10**9))
    depth = tiered(state, market, rule.depth)
    capacity = muldiv(depth, rate.numerator, rate.denominator, Rounding.FLOOR)
    closed, open_ = state.windows.closed(market, state.time_ns), state.windows.open(market)
    through = room_for(lots, worth, capacity=capacity, filled=closed, open_=open_)
    waited = market in case.waits
    if through:
        case.waits.pop(market, None)
    else:
        case.waits.setdefault(market, state.marks_seen)
    if through < lots and not (waited and not through):
        step.emit(
            CloseOutHeld(
                state.account_name(account),
                state.instrument(market).symbol,
                state.asset(state.settle_asset[market]).name,
                lots,
                through,
                rule.window_ns,
                capacity,
                closed,
                open_,
                (
                    ("window.capacity", {"depth": depth, "num": rate.numerator, "den": rate.denominator}),
                    ("window.room", {"worth": worth}),
                ),
            )
        )
    return through


def within_caps(state: State, case: Case, market: int, lots: int) -> int:
    """How many of ``lots`` the caps between two marks let through, rounded down; counted as used."""
    caps = state.policy.liquidation.caps
    if caps is None:
        return lots
    if case.block != state.marks_seen:
        case.block, case.use = state.marks_seen, BlockUse()
    symbol = state.instrument(market).symbol
    room = case.use.headroom(BlockCap(caps.max_notional, caps.max_fund_loss), symbol)
    if isinstance(room, CapRefused):
        return 0
    notional = quote_notional(state, market, lots)
    if notional > room.notional:
        lots = lots * max(0, room.notional) // notional
    case.use = case.use.after(symbol, notional=quote_notional(state, market, lots), fund_loss=0)
    return lots

"""How much of each position an account at risk must close now: by the pace of the policy, within its caps."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from seawall.engine.state import Case, State
from seawall.engine.units import quote_notional, requirement
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

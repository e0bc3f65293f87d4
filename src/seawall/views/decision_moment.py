"""What a decision saw: the account before, the queue, the layers; and what would have avoided it, checked both ways."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import numpy as np

from seawall.engine import State
from seawall.engine.deleverage import Queue, match
from seawall.engine.events import LiquidationStarted
from seawall.engine.socialise import Charges
from seawall.errors import InputError
from seawall.margin import Holding, UnitState, assess, requirement_of
from seawall.market import Kind
from seawall.money import Rounding, div
from seawall.waterfall import LayerState, RankRule

MOST = 1 << 60
Marks = dict[int, int]


@dataclass(slots=True)
class Moment:
    """Seen while one record was applied. ``units`` are by (account, asset); ``at_start`` and ``charges`` by event
    number; ``layers``: (loss, what was left of it, what the layer had), as they were asked."""

    units: dict[tuple[str, str], UnitState] = field(default_factory=dict)
    at_start: dict[int, tuple[UnitState, list[Avoided]]] = field(default_factory=dict)
    queues: list[tuple[int, Queue]] = field(default_factory=list)
    layers: list[tuple[int, int, LayerState[int]]] = field(default_factory=list)
    charges: dict[int, Charges] = field(default_factory=dict)
    marks: Marks = field(default_factory=dict)
    previous: Marks = field(default_factory=dict)
    time_ns: int = 0
    avoided: dict[tuple[str, str], list[Avoided]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Avoided:
    """Something that would have avoided a decision. ``value`` in book units of ``asset``, mark units, or lots.

    ``kind``: "collateral", "mark", "size" or "none". ``checked`` says what was evaluated on either side.
    """

    kind: str
    value: int
    asset: str
    market: str
    checked: str
    note: str = ""


def unit_of(state: State, account: str, asset: str) -> UnitState | None:
    """The margin unit that judges an account's holdings in an asset, or None when it has none."""
    number, a = state.account_index.get(account), state.asset_index.get(asset)
    if number is None or a is None:
        return None
    if not state.book.pooled and int(state.book.row_of[a, number]) < 0:
        return None
    return state.book.unit_state(state.book.unit_of(number, a))


def watch_record(
    state: State, moment: Moment, accounts: set[tuple[str, str]], starts: set[int]
) -> Callable[[str, Any], None]:
    """Fill a moment before and while a record is applied. ``starts``: events whose account is to be judged there."""
    for account, asset in sorted(accounts):
        st = unit_of(state, account, asset)
        if st is not None:
            moment.units[account, asset] = st
            if st.at_risk:
                moment.avoided[account, asset] = avoid_liquidation(state, st)
    count = 0
    moment.previous = dict(enumerate(state.marks))

    def watch(kind: str, seen: Any) -> None:
        nonlocal count
        if kind == "queue":
            moment.queues.append((count, seen))
        elif kind == "layer":
            moment.layers.append(seen)
        elif kind == "open_interest":
            moment.charges[count + 1] = seen  # the event comes next
        elif kind == "event":
            count += 1
            moment.marks, moment.time_ns = dict(enumerate(state.marks)), state.time_ns
            if count in starts and isinstance(seen, LiquidationStarted):
                st = unit_of(state, seen.account, seen.asset)
                if st is not None:
                    moment.at_start[count] = (st, avoid_liquidation(state, st))

    return watch


def judge(state: State, st: UnitState, *, extra: int = 0, marks: Mapping[int, int] | None = None) -> tuple[int, int]:
    """Equity and maintenance of a unit in plain integers, with ``extra`` cash in its asset, at other marks.

    The slow arithmetic of ``margin.exact``, not the book's. Raises InputError for a mark that gives no value.
    """
    rule, changed = state.policy.margin, marks or {}
    cash = dict(st.cash)
    cash[st.asset] = cash.get(st.asset, 0) + extra
    by_asset: dict[int, list[Holding]] = {asset: [] for asset in cash}
    for p in st.positions:
        mark = changed.get(p.market, state.marks[p.market])
        holding = Holding(state.instrument(p.market), p.lots, p.entry, mark, state.carries[p.market])
        by_asset.setdefault(state.settle_asset[p.market], []).append(holding)
    if state.book.portfolio is None:
        found = assess(by_asset[st.asset], cash[st.asset], rule)
        return found.equity, found.maintenance
    equity = maintenance = 0
    for asset, holdings in by_asset.items():
        balance = cash.get(asset, 0) + sum(h.value(rule.profile.value) - h.entry for h in holdings)
        if balance:
            equity += state.book.portfolio.value(asset, balance)
        need = sum((Fraction(requirement_of(h, h.lots, rule)) for h in holdings), Fraction(0))
        need *= Fraction(1) if asset == st.asset else state.index_prices[asset]
        maintenance += div(need.numerator, need.denominator, Rounding.CEIL)
    return equity, maintenance


def avoid_liquidation(state: State, st: UnitState) -> list[Avoided]:
    """The least extra collateral, and the nearest mark of the largest position, with which a unit is not at risk."""
    asset = state.asset(st.asset).name
    if any(state.instrument(p.market).kind is Kind.OPTION for p in st.positions):
        return [Avoided("none", 0, asset, "", "", "not computed for accounts that hold options")]
    if judge(state, st) != (st.equity, st.maintenance):
        return [Avoided("none", 0, asset, "", "", "not computed: the account is not judged by its own marks alone")]

    def whole(extra: int) -> bool:
        equity, maintenance = judge(state, st, extra=extra)
        return equity >= maintenance

    out = []
    least = smallest(whole, st.maintenance - st.equity)
    if least is not None:
        (e1, m1), (e0, m0) = judge(state, st, extra=least), judge(state, st, extra=least - 1)
        checked = f"with it equity {e1} >= maintenance {m1}; with one unit less {e0} < {m0}"
        out.append(Avoided("collateral", least, asset, "", checked))
    largest = max(st.positions, key=lambda p: (abs(p.lots) * p.unit_value, -p.market))
    found = crossing(state, st, largest.market, up=largest.lots > 0)
    if found is not None:
        out.append(found)
    return out


def crossing(state: State, st: UnitState, market: int, *, up: bool, safe: bool = True) -> Avoided | None:
    """The first mark in one direction at which the unit is not at risk (``safe``) or is; other marks as they are."""
    now, step = state.marks[market], 1 if up else -1

    def there(distance: int) -> bool:
        mark = now + step * distance
        if mark < 1:
            return False
        try:
            equity, maintenance = judge(state, st, marks={market: mark})
        except InputError:
            return False
        return (equity >= maintenance) is safe

    distance = smallest(there, 1, most=MOST if up else now - 1)
    if distance is None:
        return None
    mark = now + step * distance
    (e1, m1), (e0, m0) = (judge(state, st, marks={market: k}) for k in (mark, mark - step))
    sign1, sign0 = (">=", "<") if safe else ("<", ">=")
    checked = f"there equity {e1} {sign1} maintenance {m1}; one step of the mark before {e0} {sign0} {m0}"
    return Avoided("mark", mark, state.asset(st.asset).name, state.instrument(market).symbol, checked)


def smallest(holds: Callable[[int], bool], first: int, most: int = MOST) -> int | None:
    """The smallest n >= 1 for which ``holds``, by doubling from ``first`` and bisection; None up to ``most``.

    ``holds`` must stay true once it is; where it does not, n is one crossing and n - 1 is still checked.
    """
    high = max(1, first)
    while not holds(high):
        if high >= most:
            return None
        high = min(most, 2 * high)
    low = 0
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


# ---- the queue of a deleveraging


def taken_in(state: State, queue: Queue) -> dict[int, int]:
    """Lots taken by candidate index when a queue is served."""
    symbol = state.instrument(queue.market).symbol
    taken: dict[int, int] = {}
    for matched in match(queue.rule, queue, symbol):
        for index, lots, _, _ in matched:
            taken[index] = taken.get(index, 0) + lots
    return taken


# Why collateral or a smaller position would not have kept an account out, where who gives is no matter of rank.
_EVERYONE = {
    RankRule.PRO_RATA: "everyone gives in proportion to lots",
    RankRule.BY_PROFIT: "everyone gives in proportion to the profit of their position",
    RankRule.BY_EQUITY: "everyone gives in proportion to equity: more of it gives more",
    RankRule.EQUAL: "everyone gives the same, as far as their positions go",
    RankRule.RISK_AWARE: "everyone gives in proportion to profit times leverage",
    RankRule.RELIEF: "the order is by how much closing takes off the account's net exposure",
    RankRule.PROJECTION: "everyone gives in proportion to the square of lots: large positions give a larger part",
    RankRule.MIN_MAX: "everyone gives whole lots so that the largest part of equity is least: more equity gives more",
    RankRule.WALK: "the place is drawn by seed",
}


def avoid_deleveraging(state: State, queue: Queue, index: int) -> list[Avoided]:
    """The least extra collateral, and the least smaller position, that would have left a candidate untouched.

    Checked by ranking and serving the whole queue again. A smaller position keeps its entry price and the account's
    equity; its profit, entry value (rounded down) and requirement go with its lots.
    """
    rule = queue.rule
    asset, symbol = state.instrument(queue.market).settle.name, state.instrument(queue.market).symbol
    if rule.rank in _EVERYONE:
        note = f"collateral does not change who is taken: {_EVERYONE[rule.rank]}"
        return [Avoided("none", 0, asset, symbol, "", note)]
    out = []

    def with_collateral(extra: int) -> bool:
        return index not in taken_in(state, _richer(queue, index, extra))

    least = smallest(with_collateral, int(queue.candidates.equity[index]))
    if least is not None:
        checked = "ranked and served again: not reached with it, reached with one unit less"
        out.append(Avoided("collateral", least, asset, symbol, checked))
    size = int(queue.candidates.lots[index])

    def smaller(by: int) -> bool:
        return by < size and index not in taken_in(state, _smaller(queue, index, size - by))

    if size > 1 and smaller(size - 1):
        by = smallest(smaller, 1, most=size - 1)
        if by is not None:
            checked = "ranked and served again: not reached at that size, reached with one lot more"
            out.append(Avoided("size", size - by, asset, symbol, checked))
    if not out:
        note = "all the others in the queue hold too little: with any collateral or size, part of it would have been closed"
        out.append(Avoided("none", 0, asset, symbol, "", note))
    return out


def _richer(queue: Queue, index: int, extra: int) -> Queue:
    c = queue.candidates
    return queue._replace(
        candidates=replace(c, equity=_plus(c.equity, index, extra), wallet=_plus(c.wallet, index, extra))
    )


def _smaller(queue: Queue, index: int, lots: int) -> Queue:
    c, whole = queue.candidates, int(queue.candidates.lots[index])

    def part(column: Any) -> Any:
        value = int(column[index])
        return _plus(column, index, value * lots // whole - value)

    return queue._replace(
        candidates=replace(
            c,
            lots=_plus(c.lots, index, lots - whole),
            profit=part(c.profit),
            notional=part(c.notional),
            entry=part(c.entry),
            maintenance=part(c.maintenance),
        )
    )


def _plus(column: Any, index: int, extra: int) -> Any:
    out = column.copy()
    out[index] = min(int(column[index]) + extra, int(np.iinfo(np.int64).max))
    return out

"""Deleveraging: closing positions that nobody took against members on the other side, by rule.

All needs of one Resolve are gathered per market and side, matched against one queue ranked at the current marks, and
posted. ``cost`` is what a member gives up against the mark: positive for a loss covered, zero at the mark.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from seawall.engine.events import Deleveraged, DeleverageShared, Why
from seawall.engine.layers import Need, open_claim
from seawall.engine.posting import Step
from seawall.engine.state import State
from seawall.errors import InvariantBroken
from seawall.money import Rounding, muldiv, split
from seawall.waterfall import Candidates, DeleverageRule, RankRule, rank, take_pro_rata


def deleverage(state: State, step: Step, needs: Sequence[Need]) -> None:
    """Serve the needs in order. Each need's ``done`` (lots) and ``collected`` (book units) are filled in."""
    groups: dict[tuple[int, int], list[Need]] = {}
    for need in needs:
        if need.lots:
            groups.setdefault((need.market, 1 if need.lots > 0 else -1), []).append(need)
    for market, side in sorted(groups):
        _serve(state, step, market, side, groups[market, side])


def _candidates(state: State, market: int, side: int, defaulters: set[int]) -> Candidates:
    """Members holding the opposite of ``side`` with a profit, solvent, and not themselves under liquidation."""
    holders = state.book.holders(market)
    asset = state.settle_asset[market]
    worth = state.worth(market)
    profit = holders.lots * worth - holders.entry
    barred = {state.book.account_of(unit) for unit in state.cases} | defaulters | state.house_accounts
    ok = (holders.lots * side < 0) & (profit > 0)
    ok &= ~np.isin(holders.accounts, np.fromiter(barred, dtype=np.int64, count=len(barred)))
    accounts, lots = holders.accounts[ok], np.abs(holders.lots[ok])
    equity, maintenance = state.book.equities(accounts, asset)
    solvent = equity > 0
    return Candidates(
        accounts=accounts[solvent],
        lots=lots[solvent],
        profit=profit[ok][solvent],
        equity=equity[solvent],
        maintenance=maintenance[solvent],
        wallet=state.book.cash_of(accounts[solvent], asset),
        notional=lots[solvent] * state.unit_values[market],
        entry=np.abs(holders.entry[ok][solvent]),
    )


def _serve(state: State, step: Step, market: int, side: int, needs: list[Need]) -> None:
    """Match the needs of one market and side against its queue, first need first."""
    rule = state.policy.deleverage
    if rule is None:
        raise InvariantBroken("deleveraging asked of a policy that has none")
    candidates = _candidates(state, market, side, {n.account for n in needs})
    unit = 10 ** state.instrument(market).settle.book_scale
    queue = Queue(market, side, tuple(needs), candidates, state.marks_seen, unit)
    step.note("queue", queue)
    for need, matched in zip(needs, match(rule, queue, state.instrument(market).symbol), strict=True):
        _post(state, step, need, matched, candidates)


class Queue(NamedTuple):
    """Who was asked what in one market, and who could be made to take it. ``unit``: one unit of the settle asset."""

    market: int
    side: int
    needs: tuple[Need, ...]
    candidates: Candidates
    turn: int
    unit: int


def match(rule: DeleverageRule, queue: Queue, symbol: str) -> list[list[tuple[int, int, int, int]]]:
    """Per need: (candidate index, lots, place in the queue from 1, score) of those who take it, first need first."""
    candidates, needs = queue.candidates, queue.needs
    order, scores = rank(rule, candidates, market=symbol, turn=queue.turn, unit=queue.unit)
    capacity = candidates.lots.tolist()
    if rule.rank is RankRule.PRO_RATA:
        total = sum(abs(n.lots) for n in needs)
        capacity = [0] * len(order)
        for index, lots in take_pro_rata(total, candidates.lots.tolist(), candidates.lots.tolist()):
            capacity[index] = lots
    spare = candidates.equity.tolist()
    at, out = 0, []
    for need in needs:
        left, matched = abs(need.lots), []
        while left and at < len(order):
            index = order[at]
            take = min(left, capacity[index])
            if need.cost > 0:
                # Nobody is pushed below zero to save another: no more than their equity bears.
                take = min(take, spare[index] * abs(need.lots) // need.cost)
                spare[index] -= -(-need.cost * take // abs(need.lots))
            if take:
                matched.append((index, take, at + 1, scores[at]))
                capacity[index] -= take
                left -= take
            if left:
                at += 1
        out.append(matched)
    return out


def _why_score(state: State, candidates: Candidates, index: int, market: int) -> Why:
    """The score of one candidate, from what it was ranked by; nothing where the order is not by score."""
    rule = state.policy.deleverage
    c = candidates
    if rule is not None and rule.rank is RankRule.PROFIT_LEVERAGE:
        columns = {"profit": c.profit, "entry": c.entry, "notional": c.notional, "equity": c.equity}
        return (("rank.profit_leverage", {name: int(column[index]) for name, column in columns.items()}),)
    if rule is not None and rule.rank is RankRule.PROFIT_MARGIN_RATIO:
        columns = {"profit": c.profit, "wallet": c.wallet, "maintenance": c.maintenance, "equity": c.equity}
        inputs = {name: int(column[index]) for name, column in columns.items()}
        inputs["unit"] = 10 ** state.instrument(market).settle.book_scale
        return (("rank.profit_margin_ratio", inputs),)
    return ()


def _post(
    state: State, step: Step, need: Need, matched: list[tuple[int, int, int, int]], candidates: Candidates
) -> None:
    """Exchange lots at the mark less each taker's part of the cost; parts sum to the unit."""
    need.done = sum(m[1] for m in matched)
    if not need.done:
        return
    size = abs(need.lots)
    exact = need.cost if need.done == size else muldiv(need.cost, need.done, size, Rounding.FLOOR)
    parts = split(abs(exact), [m[1] for m in matched])
    sign = 1 if exact >= 0 else -1
    worth, unit = state.worth(need.market), state.unit_values[need.market]
    asset = state.settle_asset[need.market]
    asset_name, symbol = state.asset(asset).name, state.instrument(need.market).symbol
    closed_by = state.account_name(need.account)
    direction = -1 if need.lots > 0 else 1
    step.emit(
        DeleverageShared(
            need.loss,
            symbol,
            asset_name,
            closed_by,
            need.lots,
            need.done * -direction,
            need.cost,
            exact,
            tuple(sign * part for part in parts),
            (*need.why, ("deleverage.share", {"takers": [m[1] for m in matched]})),
        )
    )
    for (index, lots, place, score), part in zip(matched, parts, strict=True):
        account = int(candidates.accounts[index])
        cost = sign * part
        delta = -direction * lots
        value = delta * worth + cost
        closed, taker = step.exchange(need.account, account, need.market, -delta, -value, "deleverage")
        own, other = step.why_sides(taker, closed, delta)
        why: Why = (
            *_why_score(state, candidates, index, need.market),
            ("deleverage.take", {"worth": worth}),
            *own,
            *other,
        )
        step.emit(
            Deleveraged(
                need.loss,
                symbol,
                asset_name,
                state.account_name(account),
                closed_by,
                delta,
                value,
                cost,
                lots * unit,
                place,
                score,
                why,
            )
        )
        if cost > 0:
            open_claim(state, step, need.loss, state.account_name(account), asset_name, cost, rank=1)
        state.watch.add(state.book.unit_of(account, asset))
    need.collected = exact

"""Deleveraging: closing positions that nobody took against members on the other side, by rule.

All needs of one Resolve are gathered per market and side, matched against one queue ranked at the current marks, and
posted. ``cost`` is what a member gives up against the mark: positive for a loss covered, zero at the mark.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from seawall.engine.events import Deleveraged, DeleverageNeeded, DeleverageShared, Why
from seawall.engine.halts import may_deleverage
from seawall.engine.layers import Loss, Need, open_claim
from seawall.engine.posting import Step
from seawall.engine.state import State
from seawall.engine.units import backed, requirement, to_settle, total_requirement
from seawall.errors import InvariantBroken
from seawall.liquidation import bankruptcy_share
from seawall.margin import UnitState
from seawall.money import Rounding, muldiv, split
from seawall.waterfall import (
    Backoff,
    Candidates,
    DeleverageRule,
    LayerRule,
    PriceRule,
    RankRule,
    queue_of,
    relief_scores,
)


def deleverage_losses(state: State, step: Step, rule: LayerRule, losses: Sequence[Loss]) -> None:
    """Close the positions of accounts in default; what their equity gained covers their losses."""
    terms = rule.deleverage or state.policy.deleverage
    if terms is None:
        raise InvariantBroken("deleveraging asked of a policy that has none")
    if not may_deleverage(state):
        return
    if rule.closes == "unpaid":
        losses = [loss for loss in losses if loss.left > 0]
    for loss in losses:
        loss.needs = _needs(state, loss, terms)
        if loss.needs and loss.left:
            step.emit(DeleverageNeeded(loss.number, loss.holder, state.asset(loss.asset).name, loss.left))
    deleverage(state, step, [need for loss in losses for need in loss.needs], terms, rule)
    for loss in losses:
        if loss.unit is None:
            continue
        left = max(0, -state.book.unit_state(loss.unit).equity)
        if left > loss.left:
            raise InvariantBroken(f"deleveraging deepened loss {loss.number} by {left - loss.left}")
        if left < loss.left:
            state.deficits.cover(loss.holder, loss.number, loss.left - left)
        loss.left = left


def _needs(state: State, loss: Loss, terms: DeleverageRule) -> list[Need]:
    """What must be closed and what it must collect, position by position.

    At the bankruptcy price each position carries the share of the remaining loss that its maintenance requirement
    is of the account's, the last one what is left, so that the account ends at exactly zero.
    """
    if loss.unit is None:
        return []
    st = state.book.unit_state(loss.unit)
    needs: list[Need] = []
    equity = min(0, st.equity)
    total = total_requirement(state, st)
    severity = _severity(state, loss.unit, terms)
    for p in st.positions:
        part = requirement(state, st, p)
        if terms.price is PriceRule.BANKRUPTCY:
            why = _why_bankruptcy(state, st, p.market, equity, part, total)
            share = -bankruptcy_share(equity, part, total, state.policy.margin.profile.equity_share)
            equity += share
            total -= part
            cost = to_settle(state, st, p.market, share, Rounding.CEIL)
        elif terms.price is PriceRule.MARK:
            cost, why = 0, (("deleverage.at_mark",),)
        else:
            # The mark before or the index, but never a price that would deepen the loss.
            (cost, why) = at_other_price(state, terms.price, p.market, p.lots, "deleverage.")
            cost = max(0, cost)
        most = muldiv(abs(p.lots), severity.numerator, severity.denominator, Rounding.CEIL)
        needs.append(Need(st.account, p.market, p.lots, cost, loss.number, why, most))
    return needs


def at_other_price(state: State, price: PriceRule, market: int, lots: int, program: str) -> tuple[int, Why]:
    """What closing ``lots`` at the mark before, or at the index, asks of the takers against the mark, and its program."""
    worth = state.worth(market)
    name, other = (
        ("oracle", state.oracle_worth(market))
        if price is PriceRule.ORACLE
        else ("previous", state.previous_worth(market))
    )
    return -lots * (worth - other), ((f"{program}at_{name}", {"worth": worth, name: other}),)


def _severity(state: State, unit: int, terms: DeleverageRule) -> Fraction:
    """The part of each position to close at this attempt; the attempt is counted."""
    case = state.cases.get(unit)
    if case is None:
        return terms.share
    severity = Backoff(terms.share, terms.backoff).severity(case.deleveragings)
    case.deleveragings += 1
    return severity


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


def deleverage(state: State, step: Step, needs: Sequence[Need], terms: DeleverageRule, layer: LayerRule | None) -> None:
    """Serve the needs in order. Each need's ``done`` (lots) and ``collected`` (book units) are filled in."""
    groups: dict[tuple[int, int], list[Need]] = {}
    for need in needs:
        if need.lots:
            groups.setdefault((need.market, 1 if need.lots > 0 else -1), []).append(need)
    for market, side in sorted(groups):
        _serve(state, step, market, side, groups[market, side], terms, layer)


def candidates_of(state: State, market: int, side: int, defaulters: set[int], rule: DeleverageRule) -> Candidates:
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
    equity = backed(state, accounts, asset, equity)
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
        relief=_relief(state, asset, market, accounts[solvent], holders.lots[ok][solvent])
        if rule.rank is RankRule.RELIEF
        else None,
    )


def _relief(
    state: State, asset: int, market: int, accounts: NDArray[np.int64], lots: NDArray[np.int64]
) -> NDArray[np.int64]:
    """By how much closing the position takes off each account's net exposure, billionths of a unit per lot.

    Net exposure: the absolute sum of signed notionals over the account's markets that settle in the asset. A hedge
    has a negative relief: without it the account is more exposed.
    """
    net = np.zeros(len(state.snapshot.account_ids), dtype=np.int64)
    for other, settle in enumerate(state.settle_asset):
        if settle == asset and state.unit_values[other]:
            held = state.book.holders(other)
            np.add.at(net, held.accounts, held.lots * (state.instrument(other).sign * state.unit_values[other]))
    own = lots * (state.instrument(market).sign * state.unit_values[market])
    before, after = np.abs(net[accounts]), np.abs(net[accounts] - own)
    return relief_scores(before, after, np.abs(lots))


def _serve(
    state: State,
    step: Step,
    market: int,
    side: int,
    needs: list[Need],
    rule: DeleverageRule,
    layer: LayerRule | None,
) -> None:
    """Match the needs of one market and side against its queue, first need first."""
    candidates = candidates_of(state, market, side, {n.account for n in needs}, rule)
    unit = 10 ** state.instrument(market).settle.book_scale
    queue = Queue(market, side, tuple(needs), candidates, state.marks_seen, unit, rule)
    step.note("queue", queue)
    for need, matched in zip(needs, match(rule, queue, state.instrument(market).symbol), strict=True):
        _post(state, step, need, matched, candidates, rule, layer)


class Queue(NamedTuple):
    """Who was asked what in one market, and who could be made to take it. ``unit``: one unit of the settle asset."""

    market: int
    side: int
    needs: tuple[Need, ...]
    candidates: Candidates
    turn: int
    unit: int
    rule: DeleverageRule


def closing(need: Need) -> int:
    """How many lots of a need may be closed now."""
    return abs(need.lots) if need.most is None else min(need.most, abs(need.lots))


def match(rule: DeleverageRule, queue: Queue, symbol: str) -> list[list[tuple[int, int, int, int]]]:
    """Per need: (candidate index, lots, place in the queue from 1, score) of those who take it, first need first."""
    candidates, needs = queue.candidates, queue.needs
    total = sum(closing(n) for n in needs)
    order, scores, capacity = queue_of(rule, candidates, total, market=symbol, turn=queue.turn, unit=queue.unit)
    spare = candidates.equity.tolist()
    at, out = 0, []
    for need in needs:
        left, matched = closing(need), []
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


def _why_score(state: State, rule: DeleverageRule, c: Candidates, index: int, market: int) -> Why:
    """The score of one candidate, from what it was ranked by; nothing where the order is not by score."""
    if rule.rank is RankRule.PROFIT_LEVERAGE:
        columns = {"profit": c.profit, "entry": c.entry, "notional": c.notional, "equity": c.equity}
        return (("rank.profit_leverage", {name: int(column[index]) for name, column in columns.items()}),)
    if rule.rank is RankRule.PROFIT_MARGIN_RATIO:
        columns = {"profit": c.profit, "wallet": c.wallet, "maintenance": c.maintenance, "equity": c.equity}
        inputs = {name: int(column[index]) for name, column in columns.items()}
        inputs["unit"] = 10 ** state.instrument(market).settle.book_scale
        return (("rank.profit_margin_ratio", inputs),)
    if rule.rank is RankRule.RELIEF and c.relief is not None:
        return (("rank.relief", {"relief": int(c.relief[index])}),)
    return ()


def _post(
    state: State,
    step: Step,
    need: Need,
    matched: list[tuple[int, int, int, int]],
    candidates: Candidates,
    rule: DeleverageRule,
    layer: LayerRule | None,
) -> None:
    """Exchange lots at the mark less each taker's part of the cost; parts sum to the unit."""
    need.done = sum(m[1] for m in matched)
    if not need.done:
        return
    size = abs(need.lots)
    exact = need.cost if need.done == size else muldiv(need.cost, need.done, size, Rounding.FLOOR)
    parts = split(abs(exact), [m[1] for m in matched])
    sign = 1 if exact >= 0 else -1
    asset = state.settle_asset[need.market]
    asset_name, symbol = state.asset(asset).name, state.instrument(need.market).symbol
    closed_by = state.account_name(need.account)
    direction = 1 if need.lots > 0 else -1
    step.emit(
        DeleverageShared(
            need.loss,
            symbol,
            asset_name,
            closed_by,
            need.lots,
            need.done * direction,
            need.cost,
            exact,
            tuple(sign * part for part in parts),
            (*need.why, ("deleverage.share", {"takers": [m[1] for m in matched]})),
        )
    )
    for match_, part in zip(matched, parts, strict=True):
        account, cost = int(candidates.accounts[match_[0]]), sign * part
        close_winner(state, step, need, match_, candidates, rule, cost)
        if cost > 0:
            open_claim(state, step, need.loss, state.account_name(account), asset_name, cost, layer=layer)
        state.watch.add(state.book.unit_of(account, asset))
    need.collected = exact


def close_winner(
    state: State,
    step: Step,
    need: Need,
    matched: tuple[int, int, int, int],
    candidates: Candidates,
    rule: DeleverageRule,
    cost: int,
    cause: str | None = None,
) -> None:
    """Exchange the lots of one match (as ``match`` gives it) at the mark less ``cost``, and say so."""
    index, lots, place, score = matched
    account, worth = int(candidates.accounts[index]), state.worth(need.market)
    delta = lots if need.lots > 0 else -lots
    value = delta * worth + cost
    closed, taker = step.exchange(need.account, account, need.market, -delta, -value, "deleverage")
    own, other = step.why_sides(taker, closed, delta)
    why: Why = (
        *_why_score(state, rule, candidates, index, need.market),
        ("deleverage.take", {"worth": worth}),
        *own,
        *other,
    )
    step.emit(
        Deleveraged(
            need.loss,
            state.instrument(need.market).symbol,
            state.asset(state.settle_asset[need.market]).name,
            state.account_name(account),
            state.account_name(need.account),
            delta,
            value,
            cost,
            lots * state.unit_values[need.market],
            place,
            score,
            why,
            cause,
        )
    )

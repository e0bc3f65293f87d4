"""The profit cap: pending profits of one side of a market are kept within a share of the pool that pays them.

The pool is a house account as everybody's counterparty. Here positions face each other through a market's clearing
account, which realised losses go to and realised profits come from; so the pool's money before pending profits is the
account's cash *and* the clearing balances of the asset's markets, however the account's own positions stand. Paying a
profit x leaves exactly x less of both, which is what ``waterfall.ProfitCap`` counts on.

Above the cap the members who win on that side are closed at the mark, in the order of the policy's deleveraging rule,
until what they realise brings the share back to the cap, and never below the floor. The account takes their positions:
at the mark its equity does not change. Nothing is closed

* while the account's equity is below zero: it is in default itself and its loss goes down the layers first;
* while the share is 100 % or more: paying some in full out of what cannot pay all would raise it, a run by rank;
* while a switch keeps deleveraging off.

Whoever is closed gave nothing up against the mark, so no claim arises.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from seawall.engine.deleverage import Queue, candidates_of, close_winner, match
from seawall.engine.events import ProfitCapped, Why
from seawall.engine.halts import may_deleverage
from seawall.engine.layers import Need
from seawall.engine.margining import beyond_book, look_at
from seawall.engine.posting import Step
from seawall.engine.state import State
from seawall.errors import InvariantBroken
from seawall.waterfall import OTHER_TIER, CapRoom, ProfitCap, queue_of, shares_out

Parts = NDArray[np.int64]


class Side(NamedTuple):
    """What members hold on one side of a market: signed lots and entry values summed; ``sign`` 1 long, -1 short."""

    market: int
    sign: int
    held: int
    entry: int


def bankrupt_pool(state: State) -> list[int]:
    """Units of the pool whose equity is below zero; none where it is the backstop, which is settled as that."""
    rule = state.policy.profit_cap
    if rule is None or state.house[rule.account] == state.backstop:
        return []
    units = state.book.unit_ids_of(state.house[rule.account])
    return [unit for unit in units if state.book.unit_state(unit).equity < 0]


def cap_profits(state: State, step: Step) -> None:
    """Bring every market's profits within the cap of the policy, longs before shorts. See the module."""
    rule = state.policy.profit_cap
    if rule is None or not may_deleverage(state):
        return
    for market, value in enumerate(state.unit_values):
        cap = rule.at(state.policy.tiers.get(state.instrument(market).base, OTHER_TIER)) if value else None
        if cap is None:
            continue
        for side in sides_of(state, market):
            profit = max(0, side.held * state.worth(market) - side.entry)
            cash, clearing = money_of(state, state.house[rule.account], state.settle_asset[market])
            if cap.enabled(profit, cash + clearing):
                _close(state, step, side, state.house[rule.account], cap, (profit, cash, clearing))


def sides_of(state: State, market: int) -> tuple[Side, Side]:
    """Members' longs and shorts of a market, summed exactly; house accounts and ``outside`` are left out."""
    holders = state.book.holders(market)
    house = np.fromiter(state.house_accounts, dtype=np.int64, count=len(state.house_accounts))
    member = ~np.isin(holders.accounts, house)
    found = []
    for sign in (1, -1):
        mine = member & (holders.lots * sign > 0)
        found.append(Side(market, sign, exact_sum(holders.lots[mine]), exact_sum(holders.entry[mine])))
    return found[0], found[1]


def exact_sum(values: NDArray[np.int64]) -> int:
    """Sum of int64 values, exact at any size."""
    return int((values >> 32).sum()) * (1 << 32) + int((values & 0xFFFFFFFF).sum())


def money_of(state: State, account: int, asset: int) -> tuple[int, int]:
    """The account's cash in an asset and what the clearing accounts of its markets hold, book units."""
    clearing = sum(
        state.ledger.balance(state.clearing[market]) for market, own in enumerate(state.settle_asset) if own == asset
    )
    return state.book.cash(account, asset), state.asset(asset).to_book(clearing)


def _close(state: State, step: Step, side: Side, pool: int, cap: ProfitCap, found: tuple[int, int, int]) -> None:
    """Say what has to be paid and what may be, close the winners who are, and say what is left."""
    profit, cash, clearing = found
    market, asset = side.market, state.settle_asset[side.market]
    rule = state.policy.deleverage
    if rule is None:
        raise InvariantBroken("a profit cap in a policy that deleverages nobody")
    room = cap.room(profit, cash + clearing)
    unit = 10 ** state.asset(asset).book_scale
    candidates = candidates_of(state, market, -side.sign, set(), rule)
    queue = Queue(market, -side.sign, (), candidates, state.marks_seen, unit, rule)
    lots = 0
    if look_at(state, pool, asset).equity >= 0 and cap.payable(profit, cash + clearing) and room.least:
        lots = _lots_to_close(state, side, queue, room)
        if lots and beyond_book(state, pool, market, side.sign * lots, state.worth(market)) is not None:
            lots = 0  # the pool's position would leave the bounds of the book
    need = Need(pool, market, -side.sign * lots, 0, 0)
    queue = queue._replace(needs=(need,))
    matched = match(rule, queue, state.instrument(market).symbol)[0] if lots else []
    parts = np.zeros(len(candidates.accounts), dtype=np.int64)
    for index, taken, *_ in matched:
        parts[index] = taken
    realised = realised_by(state, side, queue)(parts)[[index for index, *_ in matched]].tolist()
    collected = sum(realised)
    step.emit(
        ProfitCapped(
            state.instrument(market).symbol,
            "long" if side.sign > 0 else "short",
            state.asset(asset).name,
            state.account_name(pool),
            profit,
            cash + clearing,
            room.least,
            room.most,
            lots,
            collected,
            max(0, room.least - collected),
            _why(state, side, cap, cash, clearing, realised),
        )
    )
    if not matched:
        return
    step.note("queue", queue)
    for one in matched:
        close_winner(state, step, need, one, candidates, rule, 0, "profit_cap")
        state.watch.add(state.book.unit_of(int(candidates.accounts[one[0]]), asset))


def _why(state: State, side: Side, cap: ProfitCap, cash: int, clearing: int, realised: list[int]) -> Why:
    """What gives every figure of the event."""
    now = {"held": side.held, "worth": state.worth(side.market), "entry": side.entry}
    return (
        ("profit_cap.share", {**now, "cash": cash, "clearing": clearing}),
        ("profit_cap.needed", {"cap_num": cap.cap.numerator, "cap_den": cap.cap.denominator}),
        ("profit_cap.most", {"floor_num": cap.floor.numerator, "floor_den": cap.floor.denominator}),
        ("profit_cap.closed", {"realised": realised}),
    )


def realised_by(state: State, side: Side, queue: Queue) -> Callable[[Parts], Parts]:
    """What closing so many lots of each candidate at the mark realises, book units: as ``Step.exchange`` will post it."""
    from seawall.money.kernels import muldiv_array

    holders, candidates = state.book.holders(side.market), queue.candidates
    order = np.argsort(holders.accounts, kind="stable")
    entry = holders.entry[order][np.searchsorted(holders.accounts[order], candidates.accounts)]
    worth, rounding = side.sign * state.worth(side.market), state.policy.margin.profile.release

    def realised(parts: Parts) -> Parts:
        return parts * worth - muldiv_array(entry, parts, candidates.lots, rounding)

    return realised


def _parts_of(queue: Queue, symbol: str) -> Callable[[int], Parts]:
    """Lots of each candidate when so many are closed in all, as ``match`` gives them out."""
    rule, candidates = queue.rule, queue.candidates

    def parts(total: int) -> tuple[list[int], list[int]]:
        order, _, most = queue_of(rule, candidates, total, market=symbol, turn=queue.turn, unit=queue.unit)
        return order, most

    if shares_out(rule):
        return lambda total: np.array(parts(total)[1], dtype=np.int64)
    order = np.array(parts(0)[0], dtype=np.int64)
    held = candidates.lots[order]
    before = np.cumsum(held) - held

    def in_order(total: int) -> Parts:
        out = np.zeros_like(held)
        out[order] = np.clip(total - before, 0, held)
        return out

    return in_order


def _lots_to_close(state: State, side: Side, queue: Queue, room: CapRoom) -> int:
    """The fewest lots that realise ``room.least``; one less where the last one would pass ``room.most``.

    A rule that shares may give somebody a lot less of a larger total (largest remainders), so the total found is one
    that reaches what is needed while one lot less does not.
    """
    parts_of = _parts_of(queue, state.instrument(side.market).symbol)
    realised = realised_by(state, side, queue)

    def pays(lots: int) -> int:
        return exact_sum(realised(parts_of(lots)))

    low, high = 0, exact_sum(queue.candidates.lots)
    if pays(high) >= room.least:
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if pays(middle) >= room.least else (middle, high)
    if pays(high) > room.most:
        high -= 1
    return high

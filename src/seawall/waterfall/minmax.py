"""Integer min-max: whole contracts, the smallest largest share of anyone's equity, then the least overshoot.

``min_max`` serves contracts of any value and is bounded; inside one market every lot is worth the same, and
``min_max_lots`` finds the optimum for any number of claimants."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from seawall.errors import InputError
from seawall.waterfall.allocation import Assigned
from seawall.waterfall.waterfilling import amounts, total_of

MAX_CLAIMANTS = 4096
MAX_EXCESS = 1 << 22


def min_max(budget: int, contracts: Any, per_contract: Any, equity: Any) -> Assigned:
    """Close whole contracts so that they meet the budget with the least ``max_i (amount_i / equity_i)``.

    Among those, the least amount beyond the budget; among these, one that a fixed search finds (contracts are given
    back from the earliest claimant on). Both steps are exact. If all contracts together do not meet the budget, all
    are closed.

    Args:
        budget: money to collect, zero or more; what comes out may be more (whole contracts), never less if there is
            enough: ``residual`` is negative by the overshoot.
        contracts: int64 [n], lots held, at most 4096 claimants.
        per_contract: int64 [n], money that one contract gives; zero: the claimant is not touched.
        equity: int64 [n], above zero for those touched.

    Returns:
        amounts in money; divide by ``per_contract`` for contracts.

    Source: min-max integer rule of arXiv 2512.01112.

    Raises:
        InputError: more than 4096 claimants, or an excess of more than 2^22 common units to give back (the second
            step is a subset sum, whose work grows with it); bad columns.
    """
    if budget < 0:
        raise InputError("negative budget", field="budget", value=budget, expected="zero or more")
    lots, gives, own = (
        amounts(column, name).tolist()
        for column, name in ((contracts, "contracts"), (per_contract, "per_contract"), (equity, "equity"))
    )
    n = len(lots)
    if n > MAX_CLAIMANTS:
        raise InputError("too many claimants for the integer rule", value=n, expected=f"at most {MAX_CLAIMANTS}")
    if not n == len(gives) == len(own) or min((*lots, *gives), default=0) < 0:
        raise InputError("columns differ in length or are negative")
    able = [i for i in range(n) if lots[i] and gives[i] and own[i] > 0]
    whole = sum(lots[i] * gives[i] for i in able)
    counts = [0] * n
    if whole <= budget:
        for i in able:
            counts[i] = lots[i]
    elif budget:
        level = _least_level(budget, able, lots, gives, own)
        for i in able:
            counts[i] = _count_at(level, lots[i], gives[i], own[i])
        excess = sum(counts[i] * gives[i] for i in able) - budget
        for i, back in _give_back(excess, able, counts, gives):
            counts[i] -= back
    out = np.array([k * v for k, v in zip(counts, gives, strict=True)], dtype=np.int64)
    collected = int(out.sum())
    return Assigned(out, collected, budget - collected)


def min_max_lots(total: int, lots: Any, equity: Any) -> Assigned:
    """Close ``total`` lots that are all worth the same, with the least ``max_i (k_i / equity_i)``; no search is needed.

    Lots are taken one after the other from whoever gives the smallest part of equity by it; equal parts: from the
    earlier index, so dust falls there. Who holds nothing, or has no equity above zero, is not touched.

    Not proof against hiding equity: an owner who moves cash to another account gives less.

    Args:
        total: lots to close, zero or more; with fewer lots among those who can be touched all are closed.
        lots: int64 [n], held.
        equity: int64 [n].

    Returns:
        lots of each.

    Source: min-max integer rule of arXiv 2512.01112 where every contract has one value; there it is the highest-averages
    apportionment of d'Hondt with equities for votes.

    Raises:
        InputError: negative total or lots, columns of different length; MoneyOverflow: more than 2^63 lots.
    """
    from seawall.waterfall.levels import counts_at, find_level, give_next

    if total < 0:
        raise InputError("negative budget", field="total", value=total, expected="zero or more")
    held, own = amounts(lots, "lots"), amounts(equity, "equity")
    if held.size != own.size:
        raise InputError("columns differ in length", field="equity", value=own.size, expected=str(held.size))
    total_of(held, "lots")
    own = np.maximum(own, 0)
    reach = np.where(own > 0, held, 0)
    whole = int(reach.sum())
    if whole <= total or not total:
        out = reach if total else np.zeros_like(reach)
        return Assigned(out, int(out.sum()), total - int(out.sum()))
    level, shift = (int(x) for x in find_level(total, own, reach))
    above, out = np.empty_like(reach), np.empty_like(reach)
    counts_at(own, reach, np.uint64(level), np.uint64(shift), above)
    left = total - int(counts_at(own, reach, np.uint64(level - 1), np.uint64(shift), out))
    give_next(left, np.flatnonzero(above > out), own, reach, out)
    return Assigned(out, total, 0)


def _count_at(level: Fraction, lots: int, gives: int, own: int) -> int:
    """Whole contracts of one claimant whose amount is at most ``level`` of the equity."""
    return min(lots, level.numerator * own // (level.denominator * gives))


def _least_level(budget: int, able: list[int], lots: list[int], gives: list[int], own: list[int]) -> Fraction:
    """The smallest ``k x v / e`` over whole contracts at which everyone closing up to it meets the budget.

    Halving closes in on the level; then the next level above one that fails is the least of everybody's next
    contract, until one does not fail.
    """

    def counts(level: Fraction) -> list[int]:
        return [_count_at(level, lots[i], gives[i], own[i]) for i in able]

    def met(level: Fraction) -> bool:
        return sum(k * gives[i] for i, k in zip(able, counts(level), strict=True)) >= budget

    low, high = Fraction(0), max(Fraction(lots[i] * gives[i], own[i]) for i in able)
    for _ in range(96):
        middle = (low + high) / 2  # exact: Fraction
        if met(middle):
            high = middle
        else:
            low = middle
    while True:
        following = min(
            Fraction((k + 1) * gives[i], own[i]) for i, k in zip(able, counts(low), strict=True) if k < lots[i]
        )
        if met(following):
            return following
        low = following


def _give_back(excess: int, able: list[int], counts: list[int], gives: list[int]) -> list[tuple[int, int]]:
    """Contracts to give back so that as much as possible of ``excess``, and never more, is returned.

    A bounded subset sum over sums 0..excess in the common unit; exact. Each sum remembers the piece that first
    reached it, and pieces are tried once in a fixed order, so walking back is unique.
    """
    items = [(i, gives[i], min(counts[i], excess // gives[i])) for i in able]
    items = [item for item in items if item[2]]
    if sum(value * count for _, value, count in items) <= excess:
        return [(i, count) for i, _, count in items]
    common = int(np.gcd.reduce([v for _, v, _ in items]))
    reach = excess // common
    if reach > MAX_EXCESS:
        raise InputError("excess too fine for the integer rule", value=reach, expected=f"at most {MAX_EXCESS} units")
    pieces: list[tuple[int, int, int]] = []
    for i, value, count in items:
        size = 1
        while count:
            size = min(size, count)
            pieces.append((i, size, size * value // common))
            count -= size
            size *= 2
    by = np.full(reach + 1, -1, dtype=np.int64)
    by[0] = len(pieces)
    for k, (_, _, value) in enumerate(pieces):
        if value <= reach:
            fresh = (by[: reach + 1 - value] >= 0) & (by[value:] < 0)
            by[value:][fresh] = k
        if by[reach] >= 0:
            break
    at = int(np.flatnonzero(by >= 0)[-1])
    found: dict[int, int] = {}
    while at:
        i, size, value = pieces[int(by[at])]
        found[i] = found.get(i, 0) + size
        at -= value
    return sorted(found.items())

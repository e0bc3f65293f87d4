"""Deleveraging: who gives up how much, by rule. Two independent choices: an order (or shares), and a budget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from seawall.errors import InputError
from seawall.waterfall.allocation import Allocator, Claimants, Rule
from seawall.waterfall.minmax import min_max_lots
from seawall.waterfall.rules import DeleverageRule, RankRule
from seawall.waterfall.scores import ScoreRule, order_of, walk_start

N = TypeVar("N", int, Fraction)


@dataclass(frozen=True, slots=True)
class Candidates:
    """Members on one side of one market who could be deleveraged; parallel arrays, ascending account.

    ``lots`` absolute; ``profit`` unrealised, of this position; ``equity`` and ``maintenance`` of the account;
    ``wallet`` cash; ``notional`` at the mark; ``entry`` absolute entry value. Profits and equities are above zero.
    Book units of one asset.
    """

    accounts: NDArray[np.int64]
    lots: NDArray[np.int64]
    profit: NDArray[np.int64]
    equity: NDArray[np.int64]
    maintenance: NDArray[np.int64]
    wallet: NDArray[np.int64]
    notional: NDArray[np.int64]
    entry: NDArray[np.int64]
    relief: NDArray[np.int64] | None = None


def binance_score(profit: N, wallet: N, margin_ratio: N) -> tuple[Any, Any]:
    """(profit percent, leverage profit): max(0, profit) / max(1, wallet), and that times the margin ratio, exact.

    Source: formula of a Binance developer-community thread on the deleveraging quantile.
    """
    percent = Fraction(max(profit - profit, profit)) / Fraction(max(Fraction(1), Fraction(wallet)))  # exact: Fraction
    return percent, percent * margin_ratio


def rank(
    rule: DeleverageRule, candidates: Candidates, *, market: str, turn: int, unit: int = 1
) -> tuple[list[int], list[int]]:
    """Indexes into the candidates, first to be deleveraged first, and the score of each in that order.

    Ties go to the lower account number. WALK: account order, starting at a place drawn from SHA-256 of seed, market
    and turn, so that it is the same on every machine. Rules that share are in ``queue_of``.
    """
    n = len(candidates.accounts)
    if n == 0:
        return [], []
    if rule.rank is RankRule.WALK:
        start = walk_start(n, seed=rule.seed, market=market, turn=turn)
        return [*range(start, n), *range(start)], [0] * n
    scores = Allocator(Rule.QUEUE, SCORES[rule.rank], unit=unit).scores(_claimants(candidates))
    ranked = order_of(scores)
    return ranked.tolist(), scores[ranked].tolist()


def _claimants(c: Candidates) -> Claimants:
    """Candidates who can give as many lots as they hold."""
    return Claimants(
        capacity=c.lots,
        contracts=c.lots,
        profit=c.profit,
        equity=c.equity,
        notional=c.notional,
        entry=c.entry,
        wallet=c.wallet,
        maintenance=c.maintenance,
        relief=c.relief,
    )


SCORES = {
    RankRule.PROFIT_LEVERAGE: ScoreRule.PROFIT_LEVERAGE,
    RankRule.PROFIT_MARGIN_RATIO: ScoreRule.PROFIT_MARGIN_RATIO,
    RankRule.RELIEF: ScoreRule.RELIEF,
}
SHARES = {
    RankRule.PRO_RATA: Rule.CONTRACTS,
    RankRule.BY_PROFIT: Rule.PROFIT,
    RankRule.BY_EQUITY: Rule.EQUITY,
    RankRule.EQUAL: Rule.EQUAL,
    RankRule.LEVERAGE: Rule.LEVERAGE,
    RankRule.RISK_AWARE: Rule.RISK_AWARE,
    RankRule.PROJECTION: Rule.PROJECTION,
    RankRule.MIN_MAX: Rule.MIN_MAX,
}


def shares_out(rule: DeleverageRule) -> bool:
    """Does the rule give everyone a part of the lots, rather than close one after the other?"""
    return rule.rank in SHARES


def queue_of(
    rule: DeleverageRule, candidates: Candidates, total: int, *, market: str, turn: int, unit: int = 1
) -> tuple[list[int], list[int], list[int]]:
    """Who takes how many of ``total`` lots: the order, the score of each in that order, and the most of each by index.

    A rule that orders lets everyone take all they hold until the lots are gone; a rule that shares gives everyone a
    part, to the lot (``allocation``), and the score is that part. MIN_MAX is the case of equal lots, which has no bound
    on the number of candidates.
    """
    shares = SHARES.get(rule.rank)
    if shares is None or not len(candidates.accounts):
        order, scores = rank(rule, candidates, market=market, turn=turn, unit=unit)
        return order, scores, candidates.lots.tolist()
    if shares is Rule.MIN_MAX:
        parts = min_max_lots(total, candidates.lots, candidates.equity).amounts.tolist()
        return list(range(len(parts))), parts, parts
    columns = _claimants(candidates)
    if shares is Rule.LEVERAGE:  # levels are found in the unit that is given, lots
        columns = replace(columns, notional=candidates.lots)
    parts = Allocator(shares).assign(total, columns).amounts.tolist()
    return list(range(len(parts))), parts, parts


def order_by_score(scores: Sequence[Any]) -> list[int]:
    """Indexes, highest score first; equal scores in listed order."""
    return sorted(range(len(scores)), key=lambda i: -scores[i])


def take_in_order(need: N, capacities: Sequence[N], order: Sequence[int]) -> list[tuple[int, N]]:
    """Take up to each capacity in the given order until ``need`` is met; (index, amount) of those touched."""
    taken: list[tuple[int, N]] = []
    left = need
    for i in order:
        if left <= 0:
            break
        amount = min(left, capacities[i])
        if amount > 0:
            taken.append((i, amount))
            left -= amount
    return taken


@dataclass(frozen=True, slots=True)
class Endowments:
    """What winners could lose to cover what losers owe, exact fractions, parallel to the accounts.

    ``deficit`` is the sum of -equity over equity < 0. An account's endowment is max(0, profit) when its equity is
    positive, else 0: the cash part of its equity is never touched. Source: arXiv 2512.01112.
    """

    equity: tuple[Fraction, ...]
    endowments: tuple[Fraction, ...]
    deficit: Fraction

    @classmethod
    def of(cls, equity: Sequence[Fraction], profit: Sequence[Fraction]) -> Endowments:
        """From equity and unrealised profit per account."""
        zero = Fraction(0)
        gains = tuple(max(zero, p) if e > 0 else zero for e, p in zip(equity, profit, strict=True))
        return cls(tuple(equity), gains, sum((-e for e in equity if e < 0), zero))


class Seizure(NamedTuple, Generic[N]):
    """What each account gave (parallel to the endowments), the sum, and the rate where there is one."""

    seized: list[N]
    collected: N
    haircut: Any = None


def seize_in_order(budget: N, endowments: Sequence[N], order: Sequence[int]) -> Seizure[N]:
    """Take whole endowments in the given order until the budget is used, the last one partly.

    Source: queue policy, arXiv 2512.01112, section on deleveraging policies.

    Raises:
        InputError: somebody stands in the queue twice, and would give more than there is.
    """
    if len(set(order)) != len(order):
        raise InputError("an account stands in the queue twice", field="order", value=list(order))
    zero = budget - budget
    seized = [zero] * len(endowments)
    for i, amount in take_in_order(budget, endowments, order):
        seized[i] += amount
    return Seizure(seized, sum(seized, zero))


def seize_pro_rata(budget: Fraction, endowments: Sequence[Fraction]) -> Seizure[Fraction]:
    """The same fraction ``min(1, budget / sum)`` of every endowment, exact; 0 when there is nothing.

    Source: wealth pro-rata policy, arXiv 2512.01112.
    """
    whole = sum(endowments, Fraction(0))
    rate = min(Fraction(1), budget / whole) if whole else Fraction(0)  # exact: Fraction
    seized = [rate * w for w in endowments]
    return Seizure(seized, sum(seized, Fraction(0)), rate)

"""Who gives how much: a budget shared over claimants, in an order or by shares. Exact to the unit, never wraps.

Allocation, budget (``budget``) and price are independent choices. Amounts are int64 in one unit, which the caller
names: money, lots or notional. Every rule gives ``sum(amounts) + residual = budget`` with
``sum(amounts) = min(budget, what can be taken)``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from seawall.errors import InputError
from seawall.waterfall.risk_aware import RiskCurve, risk_weights, scaled
from seawall.waterfall.scores import (
    ScoreRule,
    order_of,
    position_leverage_scores,
    profit_leverage_scores,
    profit_margin_ratio_scores,
    signed_leverage_scores,
    walk_start,
)
from seawall.waterfall.waterfilling import Amounts, amounts, bounded, fill, total_of


class Assigned(NamedTuple):
    """What each claimant gives (int64 [n]), the sum, and what stays uncovered."""

    amounts: Amounts
    collected: int
    residual: int


def _start(budget: int, capacity: Any) -> tuple[Amounts, int]:
    """Checked capacity, and the part of the budget it can meet."""
    if budget < 0:
        raise InputError("negative budget", field="budget", value=budget, expected="zero or more")
    column = amounts(capacity, "capacity")
    return column, min(budget, total_of(column, "capacity"))


def _assigned(budget: int, out: Amounts) -> Assigned:
    collected = int(out.sum())
    return Assigned(out, collected, budget - collected)


def in_order(budget: int, capacity: Any, order: Any) -> Assigned:
    """Take capacities in full along ``order`` (indexes; those not listed are not touched), the last one partly.

    Permuting claimants of one rank moves money between them: the order decides, nothing else.

    Raises:
        InputError: negative budget or capacity, an index out of range or twice in ``order``.
    """
    from seawall.waterfall.kernels import walk

    column, most = _start(budget, capacity)
    indexes = amounts(order, "order")
    if indexes.size and (int(indexes.min()) < 0 or int(indexes.max()) >= column.size):
        raise InputError("index out of range", field="order", expected=f"0 to {column.size - 1}")
    if indexes.size and int(np.bincount(indexes).max()) > 1:
        raise InputError("index listed twice", field="order", value=int(np.argmax(np.bincount(indexes))))
    out = np.zeros(column.size, dtype=np.int64)
    walk(most, column, indexes, out)
    return _assigned(budget, out)


def by_score(budget: int, capacity: Any, scores: Any, *, pari_passu: bool = False) -> Assigned:
    """A queue: highest score first, each in full. Equal scores in listed order, or together.

    With ``pari_passu`` those of the score where the budget ends share it pro rata to capacity, so that no place in
    the list matters.
    """
    column, most = _start(budget, capacity)
    marks = amounts(scores, "scores")
    if marks.size != column.size:
        raise InputError("columns differ in length", field="scores", value=marks.size, expected=str(column.size))
    order = order_of(marks)
    found = _walk(budget, most, column, order)
    if pari_passu and most > 0:
        taken = np.cumsum(column[order])
        last = marks[order[np.searchsorted(taken, most)]]
        tied = marks == last
        out = np.where(marks > last, column, 0)
        out[tied] = fill(most - int(out.sum()), column[tied], column[tied])
        found = _assigned(budget, out)
    return found


def _walk(budget: int, most: int, column: Amounts, order: NDArray[np.int64]) -> Assigned:
    from seawall.waterfall.kernels import walk

    out = np.zeros(column.size, dtype=np.int64)
    walk(most, column, order, out)
    return _assigned(budget, out)


def random_walk(budget: int, capacity: Any, *, seed: int, market: str = "", turn: int = 0) -> Assigned:
    """Index order from a pseudo-random claimant onward and around, each in full.

    Not proof against splitting: every account is another chance to be where the walk starts, or never to be reached.

    Source: dYdX v4, which ranks nobody; ours draws the start from SHA-256 so that a replay finds it again.
    """
    from seawall.waterfall.kernels import walk_from

    column, most = _start(budget, capacity)
    out = np.zeros(column.size, dtype=np.int64)
    walk_from(most, column, walk_start(column.size, seed=seed, market=market, turn=turn), out)
    return _assigned(budget, out)


def pro_rata(budget: int, capacity: Any, weights: Any = None) -> Assigned:
    """Shares in proportion to ``weights`` (default: the capacity), nobody above capacity; what a cap refuses goes on.

    The level is the exact water level; shares below it round down, dust by largest remainder, then earlier index. So
    equal claims differ by a unit at most, and an owner who splits into many accounts gains only such units. Without a
    weight nothing is given; the residual says so.

    Source: capped pro rata of arXiv 2512.01112, ``h_i = min(eta, beta_i)``.
    """
    column, most = _start(budget, capacity)
    if weights is None:
        return _assigned(budget, fill(most, column, column))
    shares = amounts(weights, "weights")
    if shares.size != column.size:
        raise InputError("columns differ in length", field="weights", value=shares.size, expected=str(column.size))
    reach = np.where(shares > 0, column, 0)
    return _assigned(budget, fill(min(most, int(reach.sum())), shares, reach))


def equal_heads(budget: int, capacity: Any) -> Assigned:
    """The same amount from each, up to the capacity; units left over go to the earlier index.

    Not neutral to accounts: an owner with ten accounts pays ten heads, whoever holds all in one account pays one.
    """
    column, most = _start(budget, capacity)
    return _assigned(budget, fill(most, np.ones(column.size, dtype=np.int64), column))


def by_leverage(budget: int, exposure: Any, equity: Any, capacity: Any = None) -> Assigned:
    """Reduce the most levered first until the highest leverage is equal: ``max(0, exposure - level x equity)``.

    Args:
        budget: in the unit of ``exposure``.
        exposure: int64 [n], the account's whole exposure (notional, or lots where one market is all there is).
        equity: int64 [n]; not positive: no leverage is high enough, so these give first, pro rata to capacity.
        capacity: int64 [n], most that each may be reduced by, up to ``exposure`` (the default).

    What each keeps rounds down, dust of the kept amounts by largest remainder, then earlier index. Splitting an account
    changes nothing as long as its parts have its leverage.

    Source: water-filling on leverage; our own rule, named in the deleveraging literature as minimising the largest
    leverage left.
    """
    whole = amounts(exposure, "exposure")
    column, most = _start(budget, whole if capacity is None else capacity)
    own = amounts(equity, "equity")
    if not whole.size == column.size == own.size:
        raise InputError("columns differ in length", value=f"{whole.size}, {own.size}, {column.size}")
    if (column > whole).any():
        raise InputError("capacity above exposure", field="capacity", row=int(np.argmax(column > whole)) + 1)
    total_of(whole, "exposure")
    bare = own <= 0
    if bare.any():
        out = np.zeros(column.size, dtype=np.int64)
        first = min(most, int(column[bare].sum()))
        out[bare] = fill(first, column[bare], column[bare])
        rest = by_leverage(most - first, whole[~bare], own[~bare], column[~bare])
        out[~bare] = rest.amounts
        return _assigned(budget, out)
    kept = fill(int(whole.sum()) - most, own, whole, whole - column)
    return _assigned(budget, whole - kept)


def haircut_caps(gains: Any, cash: Any, *, max_haircut: Fraction = Fraction(1), min_equity: int = 0) -> Amounts:
    """Most that may be cut of each gain: ``min(max_haircut x gain, gain + cash - min_equity)``, floor, not below 0.

    Source: arXiv 2512.01112, ``beta_i = min(max haircut, 1 - (min equity - c_i) / w_i)``.
    """
    gains, cash = (bounded(amounts(c, n), n, 1 << 60) for c, n in ((gains, "gains"), (cash, "cash")))
    if not 0 <= max_haircut <= 1 or not 0 <= min_equity <= 1 << 60:
        raise InputError(
            "haircut outside 0 to 1, or an equity floor out of range", value=f"{max_haircut}, {min_equity}"
        )
    part = scaled(
        np.maximum(gains, 0),
        np.full(gains.size, max_haircut.numerator, dtype=np.int64),
        max_haircut.denominator,
        1 << 62,
    )
    found: Amounts = np.maximum(np.minimum(part, gains + cash - min_equity), 0)
    return found


class Rule(Enum):
    """How a budget is shared."""

    QUEUE = "queue"
    WALK = "walk"
    PROFIT = "profit"
    EQUITY = "equity"
    CONTRACTS = "contracts"
    EQUAL = "equal"
    RISK_AWARE = "risk_aware"
    LEVERAGE = "leverage"
    PROJECTION = "projection"
    MIN_MAX = "min_max"


@dataclass(frozen=True, slots=True)
class Claimants:
    """Who could give: parallel int64 columns of one unit; a rule asks for those it needs.

    ``capacity`` most each can give; ``profit`` of the position; ``equity`` of the account; ``contracts`` lots held,
    of which one gives ``per_contract``;
    ``notional`` absolute value at the mark; ``entry`` absolute entry value; ``wallet`` cash; ``maintenance``
    requirement of the account; ``cushion`` mark value less bankruptcy value; ``relief`` the account's marginal risk,
    ready as a score (``relief_scores``).
    """

    capacity: Amounts
    profit: Amounts | None = None
    equity: Amounts | None = None
    contracts: Amounts | None = None
    per_contract: Amounts | None = None
    notional: Amounts | None = None
    entry: Amounts | None = None
    wallet: Amounts | None = None
    maintenance: Amounts | None = None
    cushion: Amounts | None = None
    relief: Amounts | None = None

    def need(self, *names: str) -> list[Amounts]:
        """These columns. Raises InputError for one that is missing."""
        found = [getattr(self, name) for name in names]
        for name, column in zip(names, found, strict=True):
            if column is None:
                raise InputError("the rule needs a column that is missing", field=name)
        return found


@dataclass(frozen=True, slots=True)
class Allocator:
    """An allocation rule as data.

    Attributes:
        rule: see ``Rule``.
        score: QUEUE: what puts a claimant first.
        pari_passu: QUEUE: equal scores share.
        seed: WALK.
        curve, parameter: RISK_AWARE.
        unit: one whole unit of the asset, for scores that divide by a wallet.
    """

    rule: Rule
    score: ScoreRule = ScoreRule.PROFIT_LEVERAGE
    pari_passu: bool = False
    seed: int = 0
    curve: RiskCurve = RiskCurve.POWER
    parameter: Fraction = Fraction(0)
    unit: int = 1

    def scores(self, c: Claimants) -> Amounts:
        """The score of each claimant under ``score``."""
        if self.score is ScoreRule.PROFIT_LEVERAGE:
            return profit_leverage_scores(*c.need("profit", "entry", "notional", "equity"))
        if self.score is ScoreRule.PROFIT_MARGIN_RATIO:
            profit, wallet, maintenance, equity = c.need("profit", "wallet", "maintenance", "equity")
            return profit_margin_ratio_scores(profit, wallet, maintenance, equity, self.unit)
        if self.score is ScoreRule.SIGNED_LEVERAGE:
            return signed_leverage_scores(*c.need("profit", "entry", "notional", "cushion"))
        if self.score is ScoreRule.POSITION_LEVERAGE:
            return position_leverage_scores(*c.need("profit", "entry", "notional", "cushion"))
        return c.need("relief")[0]

    def assign(self, budget: int, c: Claimants, *, market: str = "", turn: int = 0) -> Assigned:
        """Share ``budget`` over the claimants.

        Raises:
            InputError: a column the rule needs is missing, or does not fit; MoneyOverflow: a sum beyond 64 bits.
        """
        if self.rule is Rule.QUEUE:
            return by_score(budget, c.capacity, self.scores(c), pari_passu=self.pari_passu)
        if self.rule is Rule.WALK:
            return random_walk(budget, c.capacity, seed=self.seed, market=market, turn=turn)
        if self.rule is Rule.EQUAL:
            return equal_heads(budget, c.capacity)
        if self.rule is Rule.LEVERAGE:
            notional, equity = c.need("notional", "equity")
            return by_leverage(budget, notional, equity, c.capacity)
        if self.rule is Rule.RISK_AWARE:
            profit, notional, equity = c.need("profit", "notional", "equity")
            weights = risk_weights(profit, notional, equity, self.curve, self.parameter)
            return pro_rata(budget, c.capacity, weights)
        if self.rule is Rule.PROJECTION:
            from seawall.waterfall.projection import project

            return project(budget, c.capacity)
        if self.rule is Rule.MIN_MAX:
            from seawall.waterfall.minmax import min_max

            return min_max(budget, *c.need("contracts", "per_contract", "equity"))
        column = {Rule.PROFIT: "profit", Rule.EQUITY: "equity", Rule.CONTRACTS: "contracts"}[self.rule]
        return pro_rata(budget, c.capacity, np.maximum(c.need(column)[0], 0))

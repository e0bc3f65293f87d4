"""Who bore how much: shares of the hardest hit, Gini coefficients, and the largest share any winner gave up.

All from integers; ratios are rounded half to even to four decimals when they are printed.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Any, TypeVar

import numpy as np

from seawall.engine import Outcome, State
from seawall.engine.events import CashCut, Deleveraged, GainsHaircut, OpenInterestCharged
from seawall.money import Rounding, muldiv

DIGITS = 4
RATE_SCALE = 10**9
K = TypeVar("K", int, tuple[int, int])


def ratio_text(num: int, den: int) -> str:
    """``num / den`` as decimal text with four decimals, rounded half to even."""
    whole = muldiv(num, 10**DIGITS, den, Rounding.HALF_EVEN)
    sign = "-" if whole < 0 else ""
    return f"{sign}{abs(whole) // 10**DIGITS}.{abs(whole) % 10**DIGITS:0{DIGITS}d}"


def concentration(amounts: Iterable[int]) -> dict[str, Any]:
    """How unequally an amount fell on those it fell on; amounts that are not above zero are left out.

    Returns:
        ``accounts``: their number; ``top1``, ``top10``, ``top20``: share of the 1, 10, 20 largest; ``gini``: Gini
        coefficient among them, ``(2 sum(i x_i) - (n + 1) sum(x)) / (n sum(x))`` with x ascending from i = 1, so one
        account alone has 0. Shares are decimal text, None when nobody was hit.
    """
    found = sorted(a for a in amounts if a > 0)
    total, n = sum(found), len(found)
    if not n:
        return {"accounts": 0, "top1": None, "top10": None, "top20": None, "gini": None}
    weighted = sum(i * amount for i, amount in enumerate(found, 1))
    return {
        "accounts": n,
        **{f"top{k}": ratio_text(sum(found[-k:]), total) for k in (1, 10, 20)},
        "gini": ratio_text(2 * weighted - (n + 1) * total, n * total),
    }


class LargestShares:
    """The largest share that any winner gave up in one command, of its profit and of its equity, exact.

    Profit is the unrealised profit before the command: of the position for a deleveraging, net over the asset for a
    gains haircut. Equity is the account's in that asset before the command, deleveraging and haircut together.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self.of_profit = Fraction(0)
        self.of_equity = Fraction(0)
        self._of_profit: dict[int, int] = {}  # the largest of each winner so far, billionths
        self._of_equity: dict[int, int] = {}

    def gini_of_profit(self) -> str | None:
        """Gini coefficient among winners of the largest share of profit that each gave up at once; None: nobody did."""
        return concentration(self._of_profit.values())["gini"]  # type: ignore[no-any-return]

    def gini_of_equity(self) -> str | None:
        """The same for shares of equity."""
        return concentration(self._of_equity.values())["gini"]  # type: ignore[no-any-return]

    def note(self, outcome: Outcome) -> None:
        """Look at one command that deleveraged or cut gains, after it was applied."""
        state = self._state
        gave: dict[int, dict[int, int]] = {}
        closed: dict[tuple[int, int], list[int]] = {}
        cuts: list[tuple[int, dict[int, int]]] = []
        charged: dict[tuple[int, int], int] = {}  # by account and market
        cash_cut: dict[tuple[int, int], int] = {}  # by account and asset
        for event in outcome.events:
            if isinstance(event, Deleveraged):
                account, market = state.account_index[event.account], state.market_index[event.market]
                held = closed.setdefault((account, market), [0, 0, 0])
                held[0] += event.lots
                held[1] += event.value
                held[2] += event.cost
                _add(gave.setdefault(state.settle_asset[market], {}), account, event.cost)
            elif isinstance(event, GainsHaircut):
                asset = state.asset_index[event.asset]
                cuts.append((asset, {state.account_index[name]: cut for name, cut in event.cuts}))
                for account, cut in cuts[-1][1].items():
                    _add(gave.setdefault(asset, {}), account, cut)
            elif isinstance(event, OpenInterestCharged):
                market = state.market_index[event.market]
                for name, amount in charges_of(state, event):
                    _add(charged, (state.account_index[name], market), amount)
            elif isinstance(event, CashCut):
                asset = state.asset_index[event.asset]
                for name, cut in event.cuts:
                    _add(cash_cut, (state.account_index[name], asset), cut)
        realised = self._realised(outcome, closed)
        for asset, by_account in cuts:
            self._haircut(asset, by_account, closed, realised, charged)
        self._positions(closed, realised, charged)
        for asset, amounts in gave.items():
            for (account, market), amount in charged.items():
                if state.settle_asset[market] == asset:
                    _add(cash_cut, (account, asset), amount)
            self._equities(asset, amounts, cash_cut)

    def _realised(self, outcome: Outcome, closed: Iterable[tuple[int, int]]) -> dict[tuple[int, int], int]:
        """Cash that each position's deleveraging brought its account, book units."""
        state, width = self._state, len(self._state.snapshot.assets)
        moved: dict[tuple[int, int], int] = {}
        for source, target, minor, code in outcome.transfers:
            if code == "deleverage":
                _add(moved, (source, target), minor)
        found = {}
        for account, market in closed:
            asset = state.settle_asset[market]
            clearing, cash = state.clearing[market], state.cash_ids.get(account * width + asset, -1)
            found[account, market] = state.asset(asset).to_book(
                moved.get((clearing, cash), 0) - moved.get((cash, clearing), 0)
            )
        return found

    def _positions(
        self,
        closed: dict[tuple[int, int], list[int]],
        realised: dict[tuple[int, int], int],
        charged: dict[tuple[int, int], int],
    ) -> None:
        """Profit of a position before it was closed: what is left of it, what it released, what it was charged."""
        state = self._state
        for (account, market), (lots, value, cost) in closed.items():
            if cost <= 0:
                continue
            released = -realised[account, market] - value
            left, entry = state.book.position(account, market)
            before = entry + released - charged.get((account, market), 0)
            profit = (left - lots) * state.worth(market) - before
            if profit > 0:
                self.of_profit = max(self.of_profit, Fraction(cost, profit))
                _keep(self._of_profit, [(account, cost, profit)])

    def _haircut(
        self,
        asset: int,
        cuts: dict[int, int],
        closed: dict[tuple[int, int], list[int]],
        realised: dict[tuple[int, int], int],
        charged: dict[tuple[int, int], int],
    ) -> None:
        """Profit before: what it is now, what closing realised or cost, and what was charged to positions."""
        state = self._state
        accounts = np.fromiter(cuts, dtype=np.int64, count=len(cuts))
        equity, _ = state.book.equities(accounts, asset)
        profits = dict(zip(cuts, (equity - state.book.cash_of(accounts, asset)).tolist(), strict=True))
        for (account, market), (_, _, cost) in closed.items():
            if account in profits and state.settle_asset[market] == asset:
                profits[account] += cost + realised[account, market]
        for (account, market), amount in charged.items():
            if account in profits and state.settle_asset[market] == asset:
                profits[account] += amount
        self.of_profit = max(self.of_profit, _largest(cuts.values(), profits.values()))
        _keep(self._of_profit, zip(cuts, cuts.values(), profits.values(), strict=True))

    def _equities(self, asset: int, amounts: dict[int, int], others: dict[tuple[int, int], int]) -> None:
        paid = {account: amount for account, amount in amounts.items() if amount > 0}
        accounts = np.fromiter(paid, dtype=np.int64, count=len(paid))
        equity, _ = self._state.book.equities(accounts, asset)
        before = [
            left + amount + others.get((account, asset), 0)
            for left, (account, amount) in zip(equity.tolist(), paid.items(), strict=True)
        ]
        self.of_equity = max(self.of_equity, _largest(paid.values(), before))
        _keep(self._of_equity, zip(paid, paid.values(), before, strict=True))


def _add(where: dict[K, int], key: K, amount: int) -> None:
    where[key] = where.get(key, 0) + amount


def charges_of(state: State, event: OpenInterestCharged) -> list[tuple[str, int]]:
    """Who was charged what: each of them holds a claim of the layer's rank for exactly that; no event names them."""
    layers = state.policy.layers
    rank = len(layers) - next(i for i, rule in enumerate(layers) if rule.name == event.layer)
    return [(c.holder, c.amount) for c in state.claims.of_loss(event.loss) if c.rank == rank and c.asset == event.asset]


def _keep(found: dict[int, int], shares: Iterable[tuple[int, int, int]]) -> None:
    """Keep the largest part / whole of each account, billionths rounded down; a whole that is not above zero is none."""
    for account, part, whole in shares:
        if whole > 0 and part > 0:
            found[account] = max(found.get(account, 0), muldiv(part, RATE_SCALE, whole, Rounding.FLOOR))


def _largest(parts: Iterable[int], wholes: Iterable[int]) -> Fraction:
    """Largest part / whole where the whole is above zero, compared without rounding."""
    num, den = 0, 1
    for part, whole in zip(parts, wholes, strict=True):
        if whole > 0 and part * den > num * whole:
            num, den = part, whole
    return Fraction(num, den)

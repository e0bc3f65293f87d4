"""Who bore how much: shares of the hardest hit, Gini coefficients, and the largest share any winner gave up.

All from integers; ratios are rounded half to even to four decimals when they are printed.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

import numpy as np

from seawall.engine import Outcome, State
from seawall.engine.events import Deleveraged, GainsHaircut
from seawall.money import Rounding, muldiv

DIGITS = 4


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

    def note(self, outcome: Outcome) -> None:
        """Look at one command that deleveraged or cut gains, after it was applied."""
        gave: dict[int, dict[int, int]] = {}
        closed: dict[tuple[int, int], list[int]] = {}
        for event in outcome.events:
            if isinstance(event, Deleveraged):
                account = self._state.account_index[event.account]
                market = self._state.market_index[event.market]
                held = closed.setdefault((account, market), [0, 0, 0])
                held[0] += event.lots
                held[1] += event.value
                held[2] += event.cost
                in_asset = gave.setdefault(self._state.settle_asset[market], {})
                in_asset[account] = in_asset.get(account, 0) + event.cost
            elif isinstance(event, GainsHaircut):
                asset = self._state.asset_index[event.asset]
                cuts = {self._state.account_index[name]: cut for name, cut in event.cuts}
                self._haircut(asset, cuts)
                in_asset = gave.setdefault(asset, {})
                for account, cut in cuts.items():
                    in_asset[account] = in_asset.get(account, 0) + cut
        if closed:
            self._positions(outcome, closed)
        for asset, amounts in gave.items():
            self._equities(asset, amounts)

    def _positions(self, outcome: Outcome, closed: dict[tuple[int, int], list[int]]) -> None:
        """Profit of a position before it was closed: what is left of it, and what its transfers released."""
        state, width = self._state, len(self._state.snapshot.assets)
        realised: dict[tuple[int, int], int] = {}
        for source, target, minor, code in outcome.transfers:
            if code == "deleverage":
                realised[source, target] = realised.get((source, target), 0) + minor
        for (account, market), (lots, value, cost) in closed.items():
            if cost <= 0:
                continue
            asset = state.settle_asset[market]
            clearing, cash = state.clearing[market], state.cash_ids.get(account * width + asset, -1)
            minor = realised.get((clearing, cash), 0) - realised.get((cash, clearing), 0)
            released = -state.asset(asset).to_book(minor) - value
            left, entry = state.book.position(account, market)
            profit = (left - lots) * state.worth(market) - (entry + released)
            if profit > 0:
                self.of_profit = max(self.of_profit, Fraction(cost, profit))

    def _haircut(self, asset: int, cuts: dict[int, int]) -> None:
        accounts = np.fromiter(cuts, dtype=np.int64, count=len(cuts))
        equity, _ = self._state.book.equities(accounts, asset)
        profits = (equity - self._state.book.cash_of(accounts, asset)).tolist()
        self.of_profit = max(self.of_profit, _largest(cuts.values(), profits))

    def _equities(self, asset: int, amounts: dict[int, int]) -> None:
        paid = {account: amount for account, amount in amounts.items() if amount > 0}
        accounts = np.fromiter(paid, dtype=np.int64, count=len(paid))
        equity, _ = self._state.book.equities(accounts, asset)
        before = [left + amount for left, amount in zip(equity.tolist(), paid.values(), strict=True)]
        self.of_equity = max(self.of_equity, _largest(paid.values(), before))


def _largest(parts: Iterable[int], wholes: Iterable[int]) -> Fraction:
    """Largest part / whole where the whole is above zero, compared without rounding."""
    num, den = 0, 1
    for part, whole in zip(parts, wholes, strict=True):
        if whole > 0 and part * den > num * whole:
            num, den = part, whole
    return Fraction(num, den)

"""Amounts of any asset in the one unit that a run reports in, and what every account is worth in it."""

from __future__ import annotations

from bisect import bisect_right

import numpy as np
from numpy.typing import NDArray

from seawall.engine import State
from seawall.money import Rounding, format_amount, muldiv

QUOTE_SCALE = 6
SIZE_CLASSES = ("under 1k", "1k to 10k", "10k to 100k", "100k to 1m", "1m to 10m", "over 10m")
MEMBERS = ("trader", "market_maker")
_FLOORS = (10**3, 10**4, 10**5, 10**6, 10**7)


class Valuer:
    """Book units of any asset in the reporting unit.

    The unit is the asset itself when all markets settle in one; otherwise the quote currency. A coin that inverse
    markets settle in is valued at their mark, other collateral at its index price, both at the moment of the question;
    linear settle assets are the quote currency; an asset that nothing prices counts for nothing. Rounded half to even
    to ``scale`` decimals.

    Attributes:
        unit: name of the reporting unit.
        scale: its decimals.
        single: the one asset that markets settle in, or None.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        settles = {i.settle.name for i in state.snapshot.instruments}
        self.single = settles.pop() if len(settles) == 1 else None
        self._single = -1 if self.single is None else state.asset_index[self.single]
        self._coin_market: dict[int, int] = {}
        for market, instrument in enumerate(state.snapshot.instruments):
            if instrument.inverse:
                self._coin_market.setdefault(state.settle_asset[market], market)
        if self.single is not None:
            self.scale = state.asset(self._single).book_scale
            self.unit = self.single
        else:
            self.scale = QUOTE_SCALE
            self.unit = state.snapshot.instruments[0].quote if state.snapshot.instruments else ""

    def rate(self, asset: int) -> tuple[int, int]:
        """Reporting units per book unit of an asset now, as an exact fraction (num, den)."""
        state = self._state
        if asset == self._single:
            return 1, 1
        market = self._coin_market.get(asset)
        if market is not None and self.single is None:
            face = state.instrument(market).lot * 10**QUOTE_SCALE
            return face.numerator, state.unit_values[market] * face.denominator
        price = state.index_prices.get(asset)
        if price is not None:
            numeraire = state.asset(state.asset_index[state.policy.numeraire or ""])
            return price.numerator * 10**self.scale, price.denominator * 10**numeraire.book_scale
        if self.single is None and asset in state.settle_asset:
            return 10**QUOTE_SCALE, 10 ** state.asset(asset).book_scale
        return 0, 1

    def value(self, asset: int, amount: int) -> int:
        """``amount`` book units of ``asset`` in reporting units now (integer at ``scale``)."""
        return amount if asset == self._single else in_units(amount, self.rate(asset))

    def text(self, amount: int) -> str:
        """A reporting amount as a decimal string."""
        return format_amount(amount, self.scale)

    def size_class(self, equity: int) -> str:
        """Name of the size class of an equity (reporting units); below zero counts as the smallest."""
        return SIZE_CLASSES[bisect_right(_FLOORS, equity // 10**self.scale)]


def in_units(amount: int, rate: tuple[int, int]) -> int:
    """An amount at a rate, rounded half to even."""
    return amount if rate == (1, 1) else muldiv(amount, rate[0], rate[1], Rounding.HALF_EVEN)


class Equities:
    """Equity of every account at one moment, kept as columns: asked for the few that something happens to."""

    def __init__(self, state: State, valuer: Valuer) -> None:
        book = state.book
        self._valuer = valuer
        self._roles = state.snapshot.roles
        self._parts: list[tuple[NDArray[np.int64], NDArray[np.int64], tuple[int, int]]] = []
        for asset in range(len(state.snapshot.assets)):
            accounts = np.nonzero(book.row_of[asset] >= 0)[0]
            if len(accounts):
                self._parts.append((accounts, book.equities(accounts, asset)[0], valuer.rate(asset)))

    def of(self, account: int) -> int:
        """Reporting units at the marks of that moment."""
        total = 0
        for accounts, equity, rate in self._parts:
            at = int(accounts.searchsorted(account))
            if at < len(accounts) and int(accounts[at]) == account:
                total += in_units(int(equity[at]), rate)
        return total

    def members_by_class(self) -> dict[str, tuple[int, int]]:
        """Size class -> (number of members, sum of their equity); house accounts are left out."""
        worth = [0] * len(self._roles)
        for accounts, equity, rate in self._parts:
            for account, amount in zip(accounts.tolist(), equity.tolist(), strict=True):
                worth[account] += in_units(amount, rate)
        floors = [floor * 10**self._valuer.scale for floor in _FLOORS]
        counts, sums = [0] * len(SIZE_CLASSES), [0] * len(SIZE_CLASSES)
        for role, amount in zip(self._roles, worth, strict=True):
            if role in MEMBERS:
                place = bisect_right(floors, amount)
                counts[place] += 1
                sums[place] += amount
        return {name: (counts[i], sums[i]) for i, name in enumerate(SIZE_CLASSES)}

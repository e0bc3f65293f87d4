"""What still fits the running book, and writes that touch many rows at once."""

from __future__ import annotations

from collections.abc import Collection
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from seawall.errors import MoneyOverflow
from seawall.margin import rates as rt
from seawall.margin.bookrows import BookRows
from seawall.margin.portfolio import Portfolio
from seawall.margin.units import UnitState


class BookRoom(BookRows):
    """See the module. All amounts in book units of the row's or market's asset."""

    portfolio: Portfolio | None
    slack: int
    _kernels: ModuleType
    _limit: int

    # ---- room

    def fits_cash(self, account: int, asset: int, change: int) -> bool:
        """Would the book take any change of cash, or of an entry value, up to ``change`` (>= 0) in this row?"""
        row = int(self.row_of[asset, account])
        cash, base = (0, 0) if row < 0 else (int(self.row_cash[row]), int(self.row_base[row]))
        return abs(cash) + change <= rt.MAX_CASH and abs(base) + change <= rt.MAX_BASE

    def fits_deposit(self, account: int, asset: int, change: int) -> bool:
        """May so much cash be brought in? Half of the bound is kept for what positions and layers will still move."""
        row = int(self.row_of[asset, account])
        after = change + (0 if row < 0 else int(self.row_cash[row]))
        if self.portfolio is not None and abs(self.portfolio.value(asset, after)) > rt.MAX_CASH // 2:
            return False
        return abs(after) <= rt.MAX_CASH // 2 and self.fits_cash(account, asset, abs(change))

    def priced(self, asset: int) -> bool:
        """Pool "account": does the asset have an index price? Pool "asset": always."""
        return self.portfolio is None or asset in self.portfolio.prices

    def equity_without(self, st: UnitState, asset: int, amount: int) -> int:
        """Equity of a unit after ``amount`` (book units of ``asset``) has left it, haircut and index price counted."""
        if self.portfolio is None:
            return st.equity - amount
        balance = st.cash[asset] + sum(p.worth - p.entry for p in st.positions if self.settle[p.market] == asset)
        return st.equity - self.portfolio.value(asset, balance) + self.portfolio.value(asset, balance - amount)

    # ---- many rows at once

    def charge_holders(self, market: int, amounts: NDArray[np.int64]) -> None:
        """Raise the entry value of every open position by ``amounts`` (>= 0, in the order of ``holders``), at once:
        an entry value that is higher is a profit that is lower.

        Raises:
            MoneyOverflow: beyond the bounds of ``margin.rates``; nothing was changed.
        """
        c = self.columns[market]
        held = np.nonzero(c.lots[: c.count])[0]
        places = held[np.argsort(self.row_account[c.rows[held]], kind="stable")]
        rows = c.rows[places]
        entries, bases = c.entries[places] + amounts, self.row_base[rows] - amounts
        if len(amounts) and max(int(amounts.max()), int(np.abs(entries).max())) > rt.MAX_CASH:
            raise MoneyOverflow(f"a charge on {self.instruments[market].symbol} takes an entry value beyond 2^61")
        if len(amounts) and int(np.abs(bases).max()) > rt.MAX_BASE:
            raise MoneyOverflow(f"a charge on {self.instruments[market].symbol} takes cash less entry values too far")
        c.entries[places] = entries
        self.row_base[rows] = bases
        self.state[rows, 0] -= amounts
        if self.pooled:
            self._touch_all(self.row_account[rows[amounts > 0]])

    def set_cash_of(self, accounts: NDArray[np.int64], asset: int, amounts: NDArray[np.int64]) -> None:
        """``set_cash`` of many accounts that have a row in the asset, each named once.

        Raises:
            MoneyOverflow: beyond the bounds; nothing was changed.
        """
        rows = self.row_of[asset, accounts]
        changes = amounts - self.row_cash[rows]
        bases = self.row_base[rows] + changes
        if len(rows) and (int(np.abs(amounts).max()) > rt.MAX_CASH or int(np.abs(bases).max()) > rt.MAX_BASE):
            raise MoneyOverflow("cash of many accounts does not fit the book")
        self.state[rows, 0] += changes
        self.row_base[rows] = bases
        self.row_cash[rows] = amounts
        if self.pooled:
            self._touch_all(accounts)

    def _touch_all(self, accounts: NDArray[np.int64]) -> None:
        """Pool "account": remember accounts to be looked at."""
        out = np.empty(len(accounts), dtype=np.int64)
        self._found.append(out[: self._kernels.touch(accounts.astype(np.int64), out, self.marked)])

    def units_of(self, accounts: NDArray[np.int64], asset: int) -> list[int]:
        """Units that judge what these accounts, each with a row in the asset, hold in it."""
        found: list[int] = (accounts if self.portfolio is not None else self.row_of[asset, accounts]).tolist()
        return found

    def in_trouble(self, units: Collection[int]) -> set[int]:
        """Those of ``units`` that may be at risk, or flat and owing: one scan of all rows instead of a look at each.

        Pool "account": all of them; the caller looks.
        """
        if self.portfolio is not None:
            return set(units)
        rows = np.fromiter(units, dtype=np.int64, count=len(units))
        owing = rows[(self.row_positions[rows] == 0) & (self.row_cash[rows] < 0)]
        out = np.empty(self.rows, dtype=np.int64)
        count = self._kernels.scan(
            self.state, self.row_positions, self.rows, self.denominator, self._limit, self.slack, out
        )
        return {*owing.tolist(), *np.intersect1d(rows, out[:count]).tolist()}

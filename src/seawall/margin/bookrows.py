"""The rows and positions under the running book: building them from a snapshot, finding them, growing them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seawall.errors import InputError, MoneyOverflow
from seawall.margin import rates as rt
from seawall.margin.columns import MarketColumns, grown
from seawall.margin.snapshot import BookSnapshot
from seawall.market import Instrument


@dataclass(frozen=True, slots=True)
class Holders:
    """Open positions of one market, parallel arrays by place: account numbers, signed lots, entry values."""

    accounts: NDArray[np.int64]
    lots: NDArray[np.int64]
    entry: NDArray[np.int64]


class BookRows:
    """Columns by row and by market. ``Book`` keeps the running margin state on top of them."""

    snapshot: BookSnapshot
    instruments: tuple[Instrument, ...]
    settle: list[int]
    values: list[int]
    worths: list[int]
    state: NDArray[np.int64]
    denominator: int
    pooled: bool

    def _open_rows(self) -> None:
        snapshot, width = self.snapshot, len(self.snapshot.assets)
        settle = np.array(self.settle, dtype=np.int64)
        cash_keys = snapshot.cash_account.astype(np.int64) * width + snapshot.cash_asset
        pos_keys = snapshot.pos_account.astype(np.int64) * width
        if len(settle):
            pos_keys = pos_keys + settle[snapshot.pos_market]
        keys = np.unique(np.concatenate([cash_keys, pos_keys]))
        self.rows = len(keys)
        self.row_account = (keys // width).astype(np.int64)
        self.row_asset = (keys % width).astype(np.int64)
        self.row_of = np.full((width, len(snapshot.account_ids)), -1, dtype=np.int64)
        self.row_of[self.row_asset, self.row_account] = np.arange(self.rows)
        self.row_cash = np.zeros(self.rows, dtype=np.int64)
        book_cash: list[int] = []
        for asset, minor in zip(snapshot.cash_asset.tolist(), snapshot.cash_minor, strict=True):
            amount = snapshot.assets[asset].to_book(minor)
            if abs(amount) > rt.MAX_CASH:
                account = snapshot.account_ids[int(snapshot.cash_account[len(book_cash)])]
                raise MoneyOverflow(
                    f"cash of {account}: {amount} book units of {snapshot.assets[asset].name} exceed 2^61"
                )
            book_cash.append(amount)
        rows = self.row_of[snapshot.cash_asset, snapshot.cash_account]
        np.add.at(self.row_cash, rows, np.array(book_cash, dtype=np.int64))
        self.row_positions = np.zeros(self.rows, dtype=np.int64)
        self._pos_row = self.row_of[settle[snapshot.pos_market], snapshot.pos_account] if len(settle) else pos_keys
        # Per row: surplus and fraction; where accounts are judged as a whole also requirement and account, so that a
        # mark finds all of it in one place.
        self.state = np.zeros((self.rows, 4 if self.pooled else 2), dtype=np.int64)
        if self.pooled:
            self.state[:, 3] = self.row_account
        self._found: list[NDArray[np.int64]] = []
        self._out = np.empty(0, dtype=np.int64)
        # A mark per unit: accounts when they are judged as a whole, else rows.
        self.marked = np.zeros(len(snapshot.account_ids) if self.pooled else self.rows, dtype=np.uint8)

    def _open_positions(self) -> None:
        snapshot, rows = self.snapshot, self._pos_row
        markets = snapshot.pos_market.astype(np.int64)
        if len(rows) and len(np.unique(rows * len(self.values) + markets)) != len(rows):
            raise InputError("two positions of one account in one market", field="positions")
        self._check_opening(rt.largest_lots(self.denominator))
        np.add.at(self.row_positions, rows, 1)
        if len(self.row_positions) and int(self.row_positions.max()) > rt.MAX_POSITIONS:
            account = snapshot.account_ids[int(self.row_account[int(self.row_positions.argmax())])]
            raise MoneyOverflow(f"{account} has more than {rt.MAX_POSITIONS} positions in one asset")
        self.row_base = self._opening_bases(rows)
        order = np.lexsort((rows, markets))
        starts = np.searchsorted(markets[order], np.arange(len(self.values) + 1))
        self.columns = [
            MarketColumns(rows[part], snapshot.pos_lots[part], snapshot.pos_entry[part])
            for part in (order[starts[m] : starts[m + 1]] for m in range(len(self.values)))
        ]
        place = np.empty(len(rows), dtype=np.int64)
        place[order] = np.arange(len(rows)) - starts[markets[order]]
        by_row = np.lexsort((markets, rows))
        self._row_start = np.searchsorted(rows[by_row], np.arange(self.rows + 1))
        self._row_market, self._row_place = markets[by_row], place[by_row]
        self._places: dict[int, dict[int, int]] = {}

    def _check_opening(self, most: int) -> None:
        """Refuse sizes and entry values beyond the bounds. Compared without abs(): -2^63 has none."""
        snapshot = self.snapshot
        for column, bound, name in ((snapshot.pos_lots, most, "lots"), (snapshot.pos_entry, rt.MAX_CASH, "entry")):
            bad = np.nonzero((column > bound) | (column < -bound))[0]
            if len(bad):
                at = int(bad[0])
                account = snapshot.account_ids[int(snapshot.pos_account[at])]
                symbol = self.instruments[int(snapshot.pos_market[at])].symbol
                raise MoneyOverflow(f"position of {account} in {symbol}: {name} {int(column[at])} exceeds {bound}")

    def _opening_bases(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Cash less entry values per row, summed in two halves so that a sum beyond 64 bits is seen, not wrapped."""
        entries = self.snapshot.pos_entry
        high, low = np.zeros(self.rows, dtype=np.int64), np.zeros(self.rows, dtype=np.int64)
        np.add.at(high, rows, entries >> 32)
        np.add.at(low, rows, entries & 0xFFFFFFFF)
        high += low >> 32
        wide = (high >= 1 << 30) | (high < -(1 << 30))  # the sum is beyond 2^62
        base = self.row_cash - ((np.where(wide, 0, high) << 32) + (low & 0xFFFFFFFF))
        bad = np.nonzero(wide | (base > rt.MAX_BASE) | (base < -rt.MAX_BASE))[0]
        if len(bad):
            account = self.snapshot.account_ids[int(self.row_account[int(bad[0])])]
            raise MoneyOverflow(f"cash less entry values of {account} exceeds {rt.MAX_BASE} book units")
        return base

    def row(self, account: int, asset: int) -> int:
        """Row of an account in an asset, made on first use."""
        row = int(self.row_of[asset, account])
        if row >= 0:
            return row
        if self.rows == len(self.row_account):
            size = max(8, 2 * self.rows)
            self.row_account, self.row_asset = grown(self.row_account, size), grown(self.row_asset, size)
            self.row_cash, self.row_positions = grown(self.row_cash, size), grown(self.row_positions, size)
            self.state, self.row_base = grown(self.state, size), grown(self.row_base, size)
            if not self.pooled:
                self.marked = grown(self.marked, size)
        row = self.rows
        self.rows += 1
        self.row_account[row], self.row_asset[row] = account, asset
        self.row_of[asset, account] = row
        if self.pooled:
            self.state[row, 3] = account
        return row

    def _slots(self, row: int) -> dict[int, int]:
        """market -> place of every position this row ever had here."""
        found = self._places.get(row)
        if found is None:
            found = {}
            if row < len(self._row_start) - 1:
                part = slice(self._row_start[row], self._row_start[row + 1])
                found = dict(zip(self._row_market[part].tolist(), self._row_place[part].tolist(), strict=True))
            self._places[row] = found
        return found

    def position(self, account: int, market: int) -> tuple[int, int]:
        """(signed lots, entry value) of an account in a market; (0, 0) without one."""
        row = int(self.row_of[self.settle[market], account])
        if row < 0:
            return 0, 0
        place = self._slots(row).get(market)
        if place is None:
            return 0, 0
        columns = self.columns[market]
        return int(columns.lots[place]), int(columns.entries[place])

    def cash(self, account: int, asset: int) -> int:
        """Cash of an account in an asset, book units."""
        row = int(self.row_of[asset, account])
        return 0 if row < 0 else int(self.row_cash[row])

    def cash_of(self, accounts: NDArray[np.int64], asset: int) -> NDArray[np.int64]:
        """Cash of accounts that have a row in the asset."""
        cash: NDArray[np.int64] = self.row_cash[self.row_of[asset, accounts]]
        return cash

    def holders(self, market: int) -> Holders:
        """Open positions of a market, ascending account."""
        c = self.columns[market]
        lots = c.lots[: c.count]
        held = np.nonzero(lots)[0]
        accounts = self.row_account[c.rows[held]]
        order = np.argsort(accounts, kind="stable")
        held = held[order]
        return Holders(accounts[order], lots[held], c.entries[held])

    def net_lots(self, market: int) -> int:
        """Sum of lots; zero when every position has its other side."""
        c = self.columns[market]
        return int(c.lots[: c.count].sum())

    def entry_sum(self, market: int) -> int:
        """Sum of entry values, exact at any size."""
        c = self.columns[market]
        entries = c.entries[: c.count][c.lots[: c.count] != 0]
        low = int((entries & 0xFFFFFFFF).sum())
        return int((entries >> 32).sum()) * (1 << 32) + low

    def canonical_positions(
        self,
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Account, market, lots, entry of every open position, by account then market."""
        parts = [(m, self.holders(m)) for m in range(len(self.columns))]
        accounts = np.concatenate([h.accounts for _, h in parts] or [np.empty(0, dtype=np.int64)])
        markets = np.concatenate([np.full(len(h.lots), m, dtype=np.int64) for m, h in parts] or [accounts])
        lots = np.concatenate([h.lots for _, h in parts] or [accounts])
        entries = np.concatenate([h.entry for _, h in parts] or [accounts])
        order = np.lexsort((markets, accounts))
        return accounts[order], markets[order], lots[order], entries[order]

"""The running book: who holds what, what it is worth, and who may be at risk, after every mark.

A *row* is an account's cash and positions in one asset. Positions are kept market by market, so a new mark touches
that market's positions and nothing else; per row the surplus (equity less requirement) is kept exact. A *unit* is
what is judged: a row (pool "asset") or all rows of an account together in the numeraire (pool "account").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from seawall.errors import InputError, InvariantBroken, MoneyOverflow
from seawall.margin import rates as rt
from seawall.margin.bookrows import BookRows
from seawall.margin.portfolio import Portfolio
from seawall.margin.rules import HaircutSchedule
from seawall.margin.snapshot import BookSnapshot
from seawall.margin.units import PositionState, UnitState


class Book(BookRows):
    """See the module. All amounts in book units of the row's or market's asset."""

    def __init__(
        self,
        snapshot: BookSnapshot,
        values: Sequence[int],
        *,
        pool: Literal["asset", "account"],
        numeraire: str | None,
        collateral: Mapping[str, HaircutSchedule] | None,
        maintenance_of_initial: Fraction | None,
        round_positions: bool,
    ) -> None:
        self.snapshot = snapshot
        self.instruments = snapshot.instruments
        self.denominator = rt.common_denominator(snapshot.instruments, maintenance_of_initial)
        self.rates = [rt.rates_of(i.brackets, self.denominator, maintenance_of_initial) for i in snapshot.instruments]
        self.rate_columns = rt.RateColumns(self.rates, self.denominator)
        self._new_rows = np.zeros((16, rt.TIERS), dtype=np.int64)
        self.maintenance_of_initial = maintenance_of_initial
        # Rounding per position can only raise a requirement, by less than two units a position: rows within that
        # slack are reported too, and the exact state decides.
        self.round_positions = round_positions
        self.slack = 2 * rt.MAX_POSITIONS if round_positions else 0
        self.values = list(values)
        self.carries = [0] * len(self.values)
        self.worths = [i.sign * v for i, v in zip(snapshot.instruments, self.values, strict=True)]
        self.requirement_values: list[tuple[int, int]] = [(v, v) for v in self.values]
        self._own_requirement: set[int] = set()
        self.table = np.zeros((16 * len(self.values), rt.TIERS), dtype=np.int64)
        for market in range(len(self.values)):
            self._fill_table(market, self.table[16 * market : 16 * market + 16])
        self.settle = [snapshot.assets.index(i.settle) for i in snapshot.instruments]
        self._open_rows()
        self._open_positions()
        self.portfolio = Portfolio(snapshot, numeraire, collateral or {}) if pool == "account" else None
        self.required = np.zeros(len(self.state) if self.portfolio else 0, dtype=np.int64)
        self._accumulate()

    @classmethod
    def of(
        cls,
        snapshot: BookSnapshot,
        unit_values: Mapping[int, int],
        *,
        pool: Literal["asset", "account"] = "asset",
        numeraire: str | None = None,
        collateral: Mapping[str, HaircutSchedule] | None = None,
        maintenance_of_initial: Fraction | None = None,
        round_positions: bool = False,
    ) -> Book:
        """Build the book at opening marks.

        Args:
            snapshot: accounts, cash and positions.
            unit_values: market number -> V at its opening mark; a market with positions must have one.
            pool, numeraire, collateral: what is judged together, see ``MarginRule``; haircuts by asset name.
            maintenance_of_initial: see ``MarginRule``.
            round_positions: requirements are rounded per position instead of once per account.

        Raises:
            MoneyOverflow: cash, lots or worth beyond the bounds of ``margin.rates``, or too many positions.
            InputError: rates without a small common denominator, or a missing value.
        """
        values = rt.leg_values(snapshot.instruments, unit_values)
        for market in set(snapshot.pos_market.tolist()):
            if not values[market]:
                raise InputError(
                    "market with positions has no mark", field="market", value=snapshot.instruments[market].symbol
                )
        return cls(
            snapshot,
            values,
            pool=pool,
            numeraire=numeraire,
            collateral=collateral,
            maintenance_of_initial=maintenance_of_initial,
            round_positions=round_positions,
        )

    # ---- building

    def _fill_table(self, market: int, rows: NDArray[np.int64]) -> None:
        """Write a market's sixteen rows, long leg first, at its current requirement values."""
        from seawall.margin import kernels

        c = self.rate_columns
        long_value, short_value = self.requirement_values[market]
        columns = (c.floors[market], c.rates[market], c.high[market], c.low[market], c.counts[market])
        for base, value in ((0, long_value), (8, short_value)):
            kernels.fill_leg(rows, base, *columns, value, self.denominator, rt.MAX_LOTS + 1)

    def _accumulate(self) -> None:
        from seawall.margin import kernels

        self.state[:, 0] = self.row_cash
        for market, c in enumerate(self.columns):
            kernels.accumulate(
                c.rows,
                c.lots,
                c.tiers,
                c.entries,
                c.count,
                self.worths[market],
                16 * market,
                16 * market + 8,
                self.table,
                self.state,
                self.required,
            )

    # ---- marks

    def tick(self, market: int, unit_value: int, carry: int = 0) -> None:
        """New mark of one market; see ``tick_many``."""
        self.tick_many([market], [unit_value], [carry])

    def tick_many(self, markets: Sequence[int], unit_values: Sequence[int], carries: Sequence[int]) -> None:
        """New marks: V and the funding carried per lot for each market. All or none.

        Raises:
            MoneyOverflow: a position would exceed the bounds; nothing was changed.
        """
        worths = []
        for market, value, carry in zip(markets, unit_values, carries, strict=True):
            worth = self.instruments[market].sign * value - carry
            columns = self.columns[market]
            if columns.largest * max(value, abs(worth)) > rt.MAX_WORTH:
                rt.check_value(self.instruments[market], columns.refresh_largest(), value, worth)
            worths.append(worth)
        for market, value, carry, worth in zip(markets, unit_values, carries, worths, strict=True):
            self.values[market], self.carries[market] = value, carry
            if market not in self._own_requirement:
                self.requirement_values[market] = (value, value)
            self._move(market, worth)

    def fits(self, market: int, value: int) -> bool:
        """Would every position of the market stay within bounds with a lot worth ``value``?"""
        columns = self.columns[market]
        return columns.largest * value <= rt.MAX_WORTH or columns.refresh_largest() * value <= rt.MAX_WORTH

    def set_requirement_value(self, market: int, long_value: int, short_value: int) -> None:
        """Notional per lot that requirements are charged on, where it is not V (options): long and short side."""
        columns = self.columns[market]
        rt.check_value(self.instruments[market], columns.refresh_largest(), max(long_value, short_value), 0)
        self._own_requirement.add(market)
        self.requirement_values[market] = (long_value, short_value)
        self._move(market, self.worths[market])

    def _move(self, market: int, worth: int) -> None:
        from seawall.margin import kernels

        c = self.columns[market]
        self._fill_table(market, self._new_rows)
        if len(self._out) < c.count:
            self._out = np.empty(2 * c.count, dtype=np.int64)
        found = kernels.tick(
            c.rows,
            c.lots,
            c.tiers,
            c.count,
            worth - self.worths[market],
            self._new_rows,
            self.table[16 * market : 16 * market + 16],
            self.denominator,
            self.slack,
            self.state,
            self.required,
            self._out,
            self.marked,
        )
        self.worths[market] = worth
        if found:
            self._found.append(self._out[:found].copy())
        if self.portfolio is not None:
            self.portfolio.touch(self.row_account[c.rows[: c.count]])

    def set_collateral_price(self, asset: str, num: int, den: int) -> None:
        """Index price of an asset: numeraire book units per book unit. Touches accounts with that asset only."""
        if self.portfolio is None:
            return
        number = self.portfolio.set_price(asset, num, den)
        self.portfolio.touch(self.row_account[: self.rows][self.row_asset[: self.rows] == number])

    # ---- who may be at risk

    def take_flagged(self) -> list[int]:
        """Units that marks since the last call may have put at risk, ascending. ``unit_state`` decides exactly."""
        if self.portfolio is not None:
            self._found.clear()
            self.marked[:] = 0
            return self.portfolio.screen(self)
        found = np.concatenate(self._found) if self._found else np.empty(0, dtype=np.int64)
        self._found.clear()
        self.marked[found] = 0
        return [row for row in np.sort(found).tolist() if self.row_positions[row] > 0]

    def at_risk_units(self) -> list[int]:
        """All units that are at risk now, exact, ascending: a scan of every row."""
        from seawall.margin import kernels

        if self.portfolio is not None:
            self.portfolio.touch(np.unique(self.row_account[: self.rows]))
            return [u for u in self.portfolio.screen(self) if self.unit_state(u).at_risk]
        out = np.empty(self.rows, dtype=np.int64)
        count = kernels.scan(self.state, self.row_positions, self.rows, self.denominator, self.slack, out)
        found = out[:count].tolist()
        return [u for u in found if self.unit_state(u).at_risk] if self.slack else found

    # ---- rows and units

    def unit_of(self, account: int, asset: int) -> int:
        """Unit that judges an account's holdings in an asset."""
        return account if self.portfolio is not None else self.row(account, asset)

    def account_of(self, unit: int) -> int:
        """Account of a unit."""
        return unit if self.portfolio is not None else int(self.row_account[unit])

    def unit_ids_of(self, account: int) -> list[int]:
        """Units of an account, by asset number."""
        if self.portfolio is not None:
            return [account]
        return [r for r in self.row_of[:, account].tolist() if r >= 0]

    def unit_state(self, unit: int) -> UnitState:
        """Everything about one unit in plain integers, computed from its positions, exact."""
        if self.portfolio is not None:
            return self.portfolio.unit_state(self, unit)
        asset = int(self.row_asset[unit])
        cash = int(self.row_cash[unit])
        positions = self.row_states(unit)
        equity = cash
        for p in positions:
            equity += p.worth - p.entry
        return UnitState(
            unit,
            int(self.row_account[unit]),
            asset,
            {asset: cash},
            positions,
            equity,
            self.round_requirement(sum(p.maintenance for p in positions)),
            self.denominator,
        )

    def round_requirement(self, numerator: int) -> int:
        """R-ths to book units, rounded up."""
        return -(-numerator // self.denominator)

    def row_states(self, row: int) -> tuple[PositionState, ...]:
        """Open positions of one row, by market number."""
        out = []
        places = self._slots(row)
        for market in sorted(places):
            columns, place = self.columns[market], places[market]
            lots = int(columns.lots[place])
            if lots:
                out.append(
                    PositionState(
                        market,
                        lots,
                        int(columns.entries[place]),
                        self.values[market],
                        lots * self.worths[market],
                        self.maintenance(market, lots),
                    )
                )
        return tuple(out)

    def maintenance(self, market: int, lots: int) -> int:
        """Exact maintenance requirement of a position of ``lots`` in R-ths of a book unit."""
        rates = self.rates[market]
        share = rates.share
        if self.round_positions and share is not None:
            whole = self.round_requirement(self.initial(market, lots))
            return -(-whole * share.numerator // share.denominator) * self.denominator
        notional = abs(lots) * self.requirement_values[market][0 if lots > 0 else 1]
        tier = rates.tier(notional)
        exact = notional * rates.maintenance[tier] - rates.maintenance_deducts[tier]
        return self.round_requirement(exact) * self.denominator if self.round_positions else exact

    def initial(self, market: int, lots: int) -> int:
        """Exact initial requirement of a position of ``lots`` in R-ths of a book unit."""
        rates = self.rates[market]
        notional = abs(lots) * self.requirement_values[market][0 if lots > 0 else 1]
        tier = rates.tier(notional)
        return notional * rates.initial[tier] - rates.initial_deducts[tier]

    # ---- positions and cash

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

    def set_position(self, account: int, market: int, lots: int, entry: int) -> None:
        """Overwrite one position; the running state follows.

        Raises:
            MoneyOverflow: beyond the bounds of ``margin.rates``; nothing was changed.
        """
        value, worth = self.values[market], self.worths[market]
        size = abs(lots)
        if size > rt.MAX_LOTS or size * max(value, abs(worth)) > rt.MAX_WORTH or abs(entry) > rt.MAX_CASH:
            raise MoneyOverflow(
                f"position of {self.snapshot.account_ids[account]} in {self.instruments[market].symbol}: "
                f"{lots} lots at {value} do not fit the book"
            )
        row = self.row(account, self.settle[market])
        slots, columns = self._slots(row), self.columns[market]
        place = slots.get(market)
        if place is None:
            if len(slots) >= rt.MAX_POSITIONS:
                raise MoneyOverflow(f"{self.snapshot.account_ids[account]} has {rt.MAX_POSITIONS} positions already")
            place = slots[market] = columns.append(row)
        before = int(columns.lots[place])
        whole, part, _ = self._parts(market, before)
        new_whole, new_part, tier = self._parts(market, lots)
        self.state[row, 0] += (lots - before) * worth - (entry - int(columns.entries[place])) - (new_whole - whole)
        self.state[row, 1] += new_part - part
        if self.portfolio is not None:
            self.required[row] += new_whole - whole
            self.portfolio.touch_one(account)
        self.row_positions[row] += (lots != 0) - (before != 0)
        columns.lots[place] = lots
        columns.entries[place] = entry
        columns.tiers[place] = tier
        columns.largest = max(columns.largest, size)

    def _parts(self, market: int, lots: int) -> tuple[int, int, int]:
        """Whole and fractional running requirement of a position as the kernels count it, and its tier."""
        if lots == 0:
            return 0, 0, 0
        rates = self.rates[market]
        value = self.requirement_values[market][0 if lots > 0 else 1]
        tier = rates.tier(abs(lots) * value)
        high, low = divmod(value * rates.maintenance[tier], self.denominator)
        deduct_high, deduct_low = divmod(rates.maintenance_deducts[tier], self.denominator)
        return abs(lots) * high - deduct_high, abs(lots) * low - deduct_low, tier

    def cash(self, account: int, asset: int) -> int:
        """Cash of an account in an asset, book units."""
        row = int(self.row_of[asset, account])
        return 0 if row < 0 else int(self.row_cash[row])

    def cash_of(self, accounts: NDArray[np.int64], asset: int) -> NDArray[np.int64]:
        """Cash of accounts that have a row in the asset."""
        cash: NDArray[np.int64] = self.row_cash[self.row_of[asset, accounts]]
        return cash

    def set_cash(self, account: int, asset: int, amount: int) -> None:
        """Overwrite the view of one cash balance.

        Raises:
            MoneyOverflow: beyond 2^61.
        """
        if abs(amount) > rt.MAX_CASH:
            raise MoneyOverflow(f"cash of {self.snapshot.account_ids[account]} does not fit the book: {amount}")
        row = self.row(account, asset)
        self.state[row, 0] += amount - int(self.row_cash[row])
        self.row_cash[row] = amount
        if self.portfolio is not None:
            self.portfolio.touch_one(account)

    # ---- whole-book views

    def positions_of(self, account: int) -> list[tuple[int, int, int]]:
        """(market, lots, entry) of every open position of an account, by market number."""
        out: list[tuple[int, int, int]] = []
        for row in self.row_of[:, account].tolist():
            if row >= 0:
                out.extend((p.market, p.lots, p.entry) for p in self.row_states(row))
        return sorted(out)

    def equities(self, accounts: NDArray[np.int64], asset: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Equity and whole requirement of these accounts in an asset, int64 arrays."""
        required = self._whole_requirements()
        rows = self.row_of[asset, accounts]
        return self.state[rows, 0] + required[rows], required[rows]

    def gains(self, asset: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Accounts with positions in an asset: account numbers, net unrealised profit, equity."""
        used = np.nonzero((self.row_asset[: self.rows] == asset) & (self.row_positions[: self.rows] > 0))[0]
        equity = self.state[used, 0] + self._whole_requirements()[used]
        return self.row_account[used], equity - self.row_cash[used], equity

    def _whole_requirements(self) -> NDArray[np.int64]:
        from seawall.margin import kernels

        if self.portfolio is not None:
            return self.required
        out = np.zeros(len(self.state), dtype=np.int64)
        for market, c in enumerate(self.columns):
            kernels.whole_requirements(c.rows, c.lots, c.tiers, c.count, 16 * market, 16 * market + 8, self.table, out)
        return out

    def verify_running(self, *, threads: int = 1) -> None:
        """Recompute every row from its positions in the account-major layout and compare.

        Raises:
            InvariantBroken: the running state differs.
        """
        from seawall.margin.fullpass import account_major

        layout = account_major(self)
        equity, required, _ = layout.run(threads=threads)
        state = self.state[layout.order]
        rounded = -(-state[:, 1] // self.denominator)
        if not np.array_equal(equity - required, state[:, 0] - rounded):
            at = int(layout.order[np.nonzero(equity - required != state[:, 0] - rounded)[0][0]])
            raise InvariantBroken(
                f"running margin state of {self.snapshot.account_ids[int(self.row_account[at])]} differs from a full pass"
            )

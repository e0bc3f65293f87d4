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
from seawall.margin.bookroom import BookRoom
from seawall.margin.bounds import Bounds
from seawall.margin.portfolio import Portfolio
from seawall.margin.rules import HaircutSchedule
from seawall.margin.snapshot import BookSnapshot
from seawall.margin.units import FullPass, PositionState, UnitState


class Book(BookRoom):
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
        from seawall.margin import kernels  # loads numba: not before there is a book

        self._kernels = kernels
        self.snapshot = snapshot
        self.instruments = snapshot.instruments
        self.denominator = rt.common_denominator(snapshot.instruments, maintenance_of_initial)
        self.rates = [rt.rates_of(i.brackets, self.denominator, maintenance_of_initial) for i in snapshot.instruments]
        self.terms = rt.terms_of(self.rates, self.denominator)
        self.max_lots = rt.largest_lots(self.denominator)
        self._limit, self._shift = rt.fraction_limit(self.denominator), self.denominator.bit_length() - 1
        self.pooled = pool == "account"
        self.maintenance_of_initial = maintenance_of_initial
        # Rounding per position can only raise a requirement, by less than two units a position: rows within that
        # slack are reported too, and the exact state decides.
        self.round_positions = round_positions
        self.slack = 2 * rt.MAX_POSITIONS if round_positions else 0
        self.values = list(values)
        self.carries = [0] * len(self.values)
        self._signs = [i.sign for i in snapshot.instruments]
        self.worths = [s * v for s, v in zip(self._signs, self.values, strict=True)]
        self.requirement_values = [
            rt.opening_requirements(i, v) for i, v in zip(snapshot.instruments, self.values, strict=True)
        ]
        self._own_requirement: set[int] = set()
        self.table = np.zeros((16 * len(self.values), rt.TIERS), dtype=np.int64)
        self._fill_table()
        self.settle = [snapshot.assets.index(i.settle) for i in snapshot.instruments]
        self._open_rows()
        self._open_positions()
        self.bounds = Bounds(self.instruments, self.settle, self.columns, self._name_of_row)
        self.bounds.admit({m: self._lot_worth(m, v, self.worths[m]) for m, v in enumerate(self.values)})
        self.portfolio = Portfolio(snapshot, numeraire, collateral or {}) if self.pooled else None
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

    def _fill_table(self) -> None:
        """Write every market's sixteen rows, long leg first, at its current requirement values."""
        for market, (long_value, short_value) in enumerate(self.requirement_values):
            for base, value in ((16 * market, long_value), (16 * market + 8, short_value)):
                self._kernels.fill_leg(self.table, base, self.terms, market, value, self.denominator, self.max_lots + 1)

    def _accumulate(self) -> None:
        self.state[:, 0] = self.row_cash
        for market, c in enumerate(self.columns):
            self._kernels.accumulate(
                c.rows, c.lots, c.tiers, c.entries, c.count, self.worths[market], 16 * market, self.table, self.state,
            )  # fmt: skip

    def _name_of_row(self, row: int) -> str:
        return self.snapshot.account_ids[int(self.row_account[row])]

    # ---- marks

    def tick(self, market: int, unit_value: int, carry: int = 0) -> None:
        """New mark of one market: V and the funding carried per lot.

        Raises:
            MoneyOverflow: a position would exceed the bounds; nothing was changed.
        """
        worth = self._signs[market] * unit_value - carry
        self.bounds.admit_one(market, self._lot_worth(market, unit_value, worth))
        self._mark(market, unit_value, carry, worth)

    def tick_many(self, markets: Sequence[int], unit_values: Sequence[int], carries: Sequence[int]) -> None:
        """New marks: V and the funding carried per lot for each market, each named once. All or none.

        Raises:
            MoneyOverflow: a position would exceed the bounds; nothing was changed.
            InputError: a market named twice; nothing was changed.
        """
        if len(set(markets)) != len(markets):
            raise InputError("a market is named twice in one step", field="marks", value=list(markets))
        worths = [self._signs[m] * v - c for m, v, c in zip(markets, unit_values, carries, strict=True)]
        self.bounds.admit({m: self._lot_worth(m, v, w) for m, v, w in zip(markets, unit_values, worths, strict=True)})
        for market, value, carry, worth in zip(markets, unit_values, carries, worths, strict=True):
            self._mark(market, value, carry, worth)

    def _mark(self, market: int, value: int, carry: int, worth: int) -> None:
        self.values[market], self.carries[market] = value, carry
        if market not in self._own_requirement:
            self.requirement_values[market] = rt.opening_requirements(self.instruments[market], value)
        self._move(market, worth)

    def _lot_worth(self, market: int, value: int, worth: int) -> int:
        """The most that a lot can count for, in equity or in requirements, at these values."""
        if value < 0:
            raise InputError(
                "the value of a lot must not be negative",
                where=f"market {self.instruments[market].symbol}",
                value=value,
            )
        if market in self._own_requirement:
            return max(value, abs(worth), *self.requirement_values[market])
        return max(value, abs(worth))

    def fits(self, market: int, value: int) -> bool:
        """Would every position of the market stay within bounds with a lot worth ``value``?"""
        return not self.bounds.problem({market: max(value, self.bounds.lot[market])})

    def fits_position(self, market: int, lots: int) -> bool:
        """Would ``set_position`` take this size (signed lots) at the current mark?"""
        size = abs(lots)
        return size <= self.max_lots and not self.bounds.problem({market: self.bounds.lot[market]}, {market: size})

    def fits_price(self, asset: int, price: Fraction) -> bool:
        """Pool "account": does every balance of the asset fit the book at this index price, with room to spare?"""
        if self.portfolio is None:
            return True
        if not Fraction(1, 1 << 64) <= price <= 1 << 64:
            return False
        equities = self.row_equities()[self.rows_of_asset(asset)]
        most = max((abs(int(e)) for e in (equities.min(), equities.max())), default=0) if len(equities) else 0
        return most * price <= rt.MAX_CASH // 2

    def set_requirement_value(self, market: int, long_value: int, short_value: int) -> None:
        """Notional per lot that requirements are charged on, where it is not V (options): long and short side.

        From now on the market's requirements follow these values only.

        Raises:
            MoneyOverflow: a position would exceed the bounds; nothing was changed.
            InputError: a negative value.
        """
        if min(long_value, short_value) < 0:
            raise InputError(
                "a requirement value must not be negative",
                where=f"market {self.instruments[market].symbol}",
                value=f"long {long_value}, short {short_value}",
            )
        worth = self.worths[market]
        self.bounds.admit({market: max(self.values[market], abs(worth), long_value, short_value)})
        self._own_requirement.add(market)
        self.requirement_values[market] = (long_value, short_value)
        self._move(market, worth)

    def _move(self, market: int, worth: int) -> None:
        c = self.columns[market]
        if len(self._out) < c.count:
            self._out = np.empty(2 * c.count, dtype=np.int64)
        found = self._kernels.tick(
            market, c.rows, c.lots, c.tiers, c.count, worth - self.worths[market], *self.requirement_values[market],
            self.terms, self.table, self.denominator, self._shift, self._limit, self.max_lots + 1, self.slack,
            self.state, self._out, self.marked,
        )  # fmt: skip
        self.worths[market] = worth
        if found:
            self._found.append(self._out[:found].copy())

    def set_collateral_price(self, asset: str, num: int, den: int) -> None:
        """Index price of an asset: numeraire book units per book unit. Touches accounts with that asset only.

        Nothing to do in pool "asset".

        Raises:
            InputError: unknown asset, or a price that is not positive.
        """
        if self.portfolio is None:
            return
        accounts = np.nonzero(self.row_of[self.portfolio.set_price(asset, num, den)] >= 0)[0]
        out = np.empty(len(accounts), dtype=np.int64)
        self._found.append(out[: self._kernels.touch(accounts, out, self.marked)])

    def _touch(self, account: int) -> None:
        """Pool "account": remember one account to be looked at."""
        if not self.marked[account]:
            self.marked[account] = 1
            self._found.append(np.array([account], dtype=np.int64))

    # ---- who may be at risk

    def take_flagged(self) -> list[int]:
        """Units that marks since the last call may have put at risk, ascending. ``unit_state`` decides exactly.

        Pool "asset": exact, except where rounding per position adds to a requirement. Pool "account": those that the
        float screen cannot clear; here changes of cash and positions count too.
        """
        found = np.concatenate(self._found) if self._found else np.empty(0, dtype=np.int64)
        self._found.clear()
        self.marked[found] = 0
        if self.portfolio is not None:
            found = self.portfolio.screen(self, found)
        else:
            found = found[self.row_positions[found] > 0]
        units: list[int] = np.sort(found).tolist()
        return units

    def at_risk_units(self) -> list[int]:
        """All units that are at risk now, exact, ascending: a scan of every row. Takes no flag away."""
        if self.portfolio is not None:
            found = self.portfolio.screen(self, np.unique(self.row_account[: self.rows])).tolist()
            return [u for u in found if self.unit_state(u).at_risk]
        out = np.empty(self.rows, dtype=np.int64)
        count = self._kernels.scan(
            self.state, self.row_positions, self.rows, self.denominator, self._limit, self.slack, out
        )
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

    def set_position(self, account: int, market: int, lots: int, entry: int) -> None:
        """Overwrite one position; the running state follows.

        Raises:
            MoneyOverflow: beyond the bounds of ``margin.rates``; nothing was changed.
        """
        size, columns = abs(lots), self.columns[market]
        if size > self.max_lots or abs(entry) > rt.MAX_CASH:
            raise self._refused(account, market, f"{lots} lots with entry value {entry}")
        if not lots and entry:
            raise InvariantBroken(f"{self._position_name(account, market)}: no lots, but an entry value of {entry}")
        if size > columns.largest:
            at = {market: self.bounds.lot[market]}
            problem = self.bounds.problem(at, {market: size})
            if problem:
                raise self._refused(account, market, problem)
        row = self.row(account, self.settle[market])
        slots = self._slots(row)
        place = slots.get(market)
        old_entry = 0 if place is None else int(columns.entries[place])
        base = int(self.row_base[row]) + old_entry - entry
        if abs(base) > rt.MAX_BASE:
            raise self._refused(account, market, f"entry value {entry}: cash less entry values is {base}")
        if lots and (place is None or not columns.lots[place]) and self.row_positions[row] >= rt.MAX_POSITIONS:
            raise self._refused(account, market, f"there are {rt.MAX_POSITIONS} positions already")
        if place is None:
            place = slots[market] = columns.append(row)
        if size > columns.largest:
            self.bounds.take(at, {market: size})
        before = int(columns.lots[place])
        whole, part, _ = self._parts(market, before)
        new_whole, new_part, tier = self._parts(market, lots)
        self.state[row, 0] += (lots - before) * self.worths[market] - (entry - old_entry) - (new_whole - whole)
        self.state[row, 1] += new_part - part
        self.row_base[row] = base
        if self.pooled:
            self.state[row, 2] += new_whole - whole
            self._touch(account)
        self.row_positions[row] += (lots != 0) - (before != 0)
        columns.lots[place] = lots
        columns.entries[place] = entry
        columns.tiers[place] = tier

    def _position_name(self, account: int, market: int) -> str:
        return f"position of {self.snapshot.account_ids[account]} in {self.instruments[market].symbol}"

    def _refused(self, account: int, market: int, why: str) -> MoneyOverflow:
        return MoneyOverflow(f"{self._position_name(account, market)} does not fit the book: {why}")

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

    def set_cash(self, account: int, asset: int, amount: int) -> None:
        """Overwrite the view of one cash balance.

        Raises:
            MoneyOverflow: beyond 2^61, or with the entry values beyond ``MAX_BASE``; nothing was changed.
        """
        if abs(amount) > rt.MAX_CASH:
            raise MoneyOverflow(f"cash of {self.snapshot.account_ids[account]} does not fit the book: {amount}")
        row = self.row(account, asset)
        change = amount - int(self.row_cash[row])
        base = int(self.row_base[row]) + change
        if abs(base) > rt.MAX_BASE:
            raise MoneyOverflow(f"cash of {self.snapshot.account_ids[account]} less entry values is {base}: too large")
        self.state[row, 0] += change
        self.row_base[row] = base
        self.row_cash[row] = amount
        if self.pooled:
            self._touch(account)

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

    def row_equities(self) -> NDArray[np.int64]:
        """Cash plus unrealised profit of every row, int64 copy, book units of the row's asset."""
        equity: NDArray[np.int64] = (self.state[:, 0] + self._whole_requirements())[: self.rows]
        return equity

    def rows_of_asset(self, asset: int) -> NDArray[np.int64]:
        """Rows of an asset, ascending."""
        return np.nonzero(self.row_asset[: self.rows] == asset)[0]

    def _whole_requirements(self) -> NDArray[np.int64]:
        if self.pooled:
            return self.state[:, 2]
        out = np.zeros(len(self.state), dtype=np.int64)
        for market, c in enumerate(self.columns):
            self._kernels.whole_requirements(c.rows, c.lots, c.tiers, c.count, 16 * market, self.table, out)
        return out

    def full_pass(self, *, threads: int = 1) -> FullPass:
        """Equity, maintenance and at-risk flag of every row, recomputed from its positions; see ``FullPass``."""
        from seawall.margin.fullpass import full_pass

        return full_pass(self, threads=threads)

    def verify_running(self, *, threads: int = 1) -> None:
        """Recompute everything that is kept running and compare.

        Raises:
            InvariantBroken: something differs; names the account.
        """
        from seawall.margin.fullpass import check_running

        check_running(self, threads=threads)

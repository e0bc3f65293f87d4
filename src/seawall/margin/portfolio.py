"""Pool "account": all assets of an account judged together in the numeraire, with collateral haircuts.

A float screen with a proven bound clears accounts that cannot be at risk; exact integers decide all the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from seawall.errors import InputError
from seawall.margin.rules import HaircutSchedule
from seawall.margin.snapshot import BookSnapshot
from seawall.margin.units import PositionState, UnitState
from seawall.money import Rounding, div

if TYPE_CHECKING:
    from seawall.margin.book import Book

# Each row contributes at most two products and a handful of sums of numbers below 2^63 that floats hold to 2^-53:
# 64 units of the last place of the largest term bounds all of it with room to spare.
SCREEN_ULPS = 64
FLOAT_EPSILON = np.finfo(np.float64).eps


class Portfolio:
    """Index prices, haircuts, and the accounts that marks have touched."""

    def __init__(
        self, snapshot: BookSnapshot, numeraire: str | None, collateral: Mapping[str, HaircutSchedule]
    ) -> None:
        names = [a.name for a in snapshot.assets]
        if numeraire not in names:
            raise InputError(
                "pool 'account' needs a numeraire among the assets",
                field="numeraire",
                value=numeraire,
                expected=" or ".join(names),
            )
        self.numeraire = names.index(numeraire)
        self.names = names
        self.haircuts = {names.index(a): s for a, s in collateral.items() if a in names}
        self.prices: dict[int, Fraction] = {self.numeraire: Fraction(1)}
        self._touched: set[int] = set()

    def set_price(self, asset: str, num: int, den: int) -> int:
        """Set an index price; returns the asset number."""
        number = self.names.index(asset)
        if number != self.numeraire:
            self.prices[number] = Fraction(num, den)
        return number

    def touch(self, accounts: NDArray[np.int64]) -> None:
        """Remember accounts to be looked at."""
        self._touched.update(accounts.tolist())

    def touch_one(self, account: int) -> None:
        """Remember one account."""
        self._touched.add(account)

    def value(self, asset: int, balance: int) -> int:
        """A balance in numeraire book units: positive ones after haircut, rounded down either way (toward the fund).

        Raises:
            InputError: no index price yet.
        """
        price = self._price(asset)
        exact = Fraction(balance)
        if balance > 0 and asset in self.haircuts:
            exact = self.haircuts[asset].recognised(balance)
        exact *= price
        return div(exact.numerator, exact.denominator, Rounding.FLOOR)

    def _price(self, asset: int) -> Fraction:
        try:
            return self.prices[asset]
        except KeyError:
            raise InputError(
                "no index price for an asset that counts as collateral", field="indexes", value=self.names[asset]
            ) from None

    def unit_state(self, book: Book, account: int) -> UnitState:
        """Exact state of one account in the numeraire."""
        cash: dict[int, int] = {}
        positions: list[PositionState] = []
        equity, maintenance = 0, 0
        for asset, row in enumerate(book.row_of[:, account].tolist()):
            if row < 0:
                continue
            held = book.row_states(row)
            cash[asset] = int(book.row_cash[row])
            balance = cash[asset] + sum(p.worth - p.entry for p in held)
            if balance:
                equity += self.value(asset, balance)
            if held:
                need = Fraction(sum(p.maintenance for p in held), book.denominator) * self._price(asset)
                maintenance += div(need.numerator, need.denominator, Rounding.CEIL)
            positions.extend(held)
        positions.sort()
        return UnitState(
            account, account, self.numeraire, cash, tuple(positions), equity, maintenance, book.denominator
        )

    def screen(self, book: Book) -> list[int]:
        """Touched accounts that the float screen cannot clear, ascending; forgets what was touched.

        Clears an account when its float surplus exceeds the error bound ``64 ulp x (sum of |terms|)`` plus one unit
        per row for the roundings; a haircut schedule is replaced by its highest step, which can only understate.
        """
        accounts = np.array(sorted(self._touched), dtype=np.int64)
        self._touched.clear()
        if not len(accounts):
            return []
        surplus = np.zeros(len(accounts))
        size = np.zeros(len(accounts))
        units = np.zeros(len(accounts))
        held = np.zeros(len(accounts), dtype=bool)
        for asset in range(len(self.names)):
            rows = book.row_of[asset, accounts]
            have = np.nonzero(rows >= 0)[0]
            if not len(have):
                continue
            rows = rows[have]
            required = book.required[rows] + book.state[rows, 1] / book.denominator
            balance = (book.state[rows, 0] + book.required[rows]).astype(np.float64)
            held[have] |= book.row_positions[rows] > 0
            if asset not in self.prices:
                surplus[have] = -np.inf
                continue
            price = float(self.prices[asset])
            schedule = self.haircuts.get(asset)
            worst = 1.0 if schedule is None else float(1 - schedule.steps[-1].haircut)
            value = np.where(balance > 0, balance * worst, balance) * price
            surplus[have] += value - required * price
            size[have] += np.abs(balance) * price + np.abs(required) * price
            units[have] += 2.0 + 2.0 * book.slack
        bound = SCREEN_ULPS * FLOAT_EPSILON * size + units
        keep = held & ~(surplus > bound)
        return [int(a) for a in accounts[keep]]

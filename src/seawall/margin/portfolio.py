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
# 64 units of the last place of the sum of sizes bounds all of it with room to spare.
SCREEN_ULPS = 64
FLOAT_EPSILON = np.finfo(np.float64).eps


class Portfolio:
    """Index prices and haircuts."""

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

    def set_price(self, asset: str, num: int, den: int) -> int:
        """Set an index price; returns the asset number.

        Raises:
            InputError: no such asset, or a price that is not positive.
        """
        if asset not in self.names:
            raise InputError("unknown asset", field="indexes", value=asset, expected=" or ".join(self.names))
        if num <= 0 or den <= 0:
            raise InputError("an index price must be positive", field="indexes", value=f"{asset} at {num}/{den}")
        number = self.names.index(asset)
        if number != self.numeraire:
            self.prices[number] = Fraction(num, den)
        return number

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

    def screen(self, book: Book, accounts: NDArray[np.int64]) -> NDArray[np.int64]:
        """Those of ``accounts`` that the float screen cannot clear, in the order given.

        It clears an account whose float surplus exceeds the error bound ``64 ulp x (sum of |terms|)`` plus, per row,
        two numeraire units for the roundings and what rounding per position may add; a haircut schedule is replaced
        by its highest step, which can only understate. An account with an asset that has no price is never cleared.
        """
        from seawall.margin import kernels

        width = len(self.names)
        prices = np.array([float(self.prices.get(a, 0)) for a in range(width)])
        shares = np.ones(width)
        for asset, schedule in self.haircuts.items():
            shares[asset] = float(1 - schedule.steps[-1].haircut)
        out = np.empty(len(accounts), dtype=np.int64)
        found = kernels.screen(
            accounts,
            book.row_of,
            book.state,
            book.row_positions,
            prices,
            shares,
            np.array([a in self.prices for a in range(width)], dtype=np.uint8),
            1.0 / book.denominator,
            SCREEN_ULPS * float(FLOAT_EPSILON),
            2.0 + book.slack * prices,
            out,
        )
        return out[:found]

    def owing(self, book: Book) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Accounts whose equity is below zero, with or without positions, and by how much, numeraire book units.

        Floats clear whom they can, with the bound of ``screen``; exact fractions decide all the others.

        Raises:
            InputError: a balance without an index price.
        """
        equities, width = book.row_equities(), len(self.names)
        about, size = np.zeros(len(book.snapshot.account_ids)), np.zeros(len(book.snapshot.account_ids))
        look = np.zeros(len(about), dtype=bool)
        for asset in range(width):
            rows = book.rows_of_asset(asset)
            accounts, equity = book.row_account[rows], equities[rows]
            if asset not in self.prices:
                look[accounts[equity != 0]] = True
                continue
            schedule = self.haircuts.get(asset)
            share = (
                1.0 if schedule is None else float(1 - schedule.steps[-1].haircut)
            )  # understates: clears nobody more
            worth = equity * float(self.prices[asset]) * np.where(equity > 0, share, 1.0)
            about[accounts] += worth
            size[accounts] += np.abs(worth)
        look |= about < SCREEN_ULPS * FLOAT_EPSILON * size + 2 * width  # each asset's value is rounded down once
        found: list[tuple[int, int]] = []
        for account in np.nonzero(look)[0].tolist():
            held = [
                (asset, int(equities[row])) for asset, row in enumerate(book.row_of[:, account].tolist()) if row >= 0
            ]
            equity_now = sum(self.value(asset, amount) for asset, amount in held if amount)
            if equity_now < 0:
                found.append((account, -equity_now))
        return np.array([a for a, _ in found], dtype=np.int64), np.array([x for _, x in found], dtype=np.int64)

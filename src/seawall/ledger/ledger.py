"""Double-entry accounts: the ledger alone owns cash.

Money moves only by transfers between two accounts of one asset, so per asset all balances always sum to zero;
money enters and leaves the venue through an account that stands for the outside world and may go negative.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from seawall.errors import InputError
from seawall.money import Asset


class LedgerRefusal(Enum):
    """Why transfers were refused. Nothing was posted."""

    NO_SUCH_ACCOUNT = "no_such_account"  # an account number that was never opened
    SAME_ACCOUNT = "same_account"  # source and target are one account
    ASSETS_DIFFER = "assets_differ"  # source and target count different assets
    NOT_POSITIVE = "not_positive"  # the amount is zero or negative
    BELOW_FLOOR = "below_floor"  # an account would end below its lowest allowed balance


class Transfer(NamedTuple):
    """``amount`` (> 0, minor units) from account ``source`` to account ``target``; ``code`` says what for."""

    source: int
    target: int
    amount: int
    code: str


class Refusal(NamedTuple):
    """The first transfer of a linked list that cannot stand, and why."""

    place: int
    reason: LedgerRefusal
    account: int


@dataclass(frozen=True, slots=True)
class TrialBalance:
    """One asset at a glance, minor units. ``debit`` and ``credit`` are the sums of positive and negative balances."""

    asset: str
    accounts: int
    debit: int
    credit: int

    @property
    def difference(self) -> int:
        """Zero, or the ledger is broken."""
        return self.debit + self.credit


class Ledger:
    """Accounts and balances. No history: the journal keeps that. Amounts may be of any size."""

    __slots__ = ("_assets", "_balances", "_floors", "_index", "_names")

    def __init__(self) -> None:
        self._names: list[str] = []
        self._assets: list[Asset] = []
        self._balances: list[int] = []
        self._floors: list[int | None] = []
        self._index: dict[tuple[str, str], int] = {}

    def __len__(self) -> int:
        return len(self._names)

    def open(self, name: str, asset: Asset, *, floor: int | None = 0) -> int:
        """Open an account; its number counts from 0 in opening order.

        ``floor`` is the lowest balance it may end a posting with; None for no limit.

        Raises:
            InputError: the name is open already in that asset.
        """
        key = (name, asset.name)
        if key in self._index:
            raise InputError("account is open already", field="account", value=f"{name} in {asset.name}")
        number = len(self._names)
        self._index[key] = number
        self._names.append(name)
        self._assets.append(asset)
        self._balances.append(0)
        self._floors.append(floor)
        return number

    def find(self, name: str, asset: str) -> int | None:
        """Number of an account by name and asset name, or None."""
        return self._index.get((name, asset))

    def balance(self, account: int) -> int:
        """Balance in minor units."""
        return self._balances[account]

    def asset(self, account: int) -> Asset:
        """Asset an account counts."""
        return self._assets[account]

    def post(self, transfers: Sequence[Transfer]) -> Refusal | None:
        """Post linked transfers: all of them or none.

        Floors are judged on the balances after the whole list, so money may pass through an account. Returns None
        when posted, else the reason and nothing has changed.
        """
        balances, opened = self._balances, len(self._balances)
        change: dict[int, int] = {}
        last: dict[int, int] = {}
        for index, (source, target, amount, _) in enumerate(transfers):
            for account in (source, target):
                if not 0 <= account < opened:
                    return Refusal(index, LedgerRefusal.NO_SUCH_ACCOUNT, account)
            if source == target:
                return Refusal(index, LedgerRefusal.SAME_ACCOUNT, source)
            if amount <= 0:
                return Refusal(index, LedgerRefusal.NOT_POSITIVE, source)
            if self._assets[source].name != self._assets[target].name:
                return Refusal(index, LedgerRefusal.ASSETS_DIFFER, target)
            change[source] = change.get(source, 0) - amount
            change[target] = change.get(target, 0) + amount
            last[source] = index
        for account, by in change.items():
            floor = self._floors[account]
            if by < 0 and floor is not None and balances[account] + by < floor:
                return Refusal(last[account], LedgerRefusal.BELOW_FLOOR, account)
        for account, by in change.items():
            balances[account] += by
        return None

    def post_one(self, source: int, target: int, amount: int, code: str) -> Refusal | None:
        """Post a single transfer; the fast path of ``post``."""
        balances = self._balances
        opened = len(balances)
        if not (0 <= source < opened and 0 <= target < opened and amount > 0 and source != target):
            return self.post([Transfer(source, target, amount, code)])
        if self._assets[source].name != self._assets[target].name:
            return Refusal(0, LedgerRefusal.ASSETS_DIFFER, target)
        after = balances[source] - amount
        floor = self._floors[source]
        if floor is not None and after < floor:
            return Refusal(0, LedgerRefusal.BELOW_FLOOR, source)
        balances[source] = after
        balances[target] += amount
        return None

    def rows(self) -> Iterator[tuple[str, Asset, int]]:
        """Name, asset and balance of every account in opening order."""
        return zip(self._names, self._assets, self._balances, strict=True)

    def trial_balance(self) -> dict[str, TrialBalance]:
        """Per asset: how many accounts, and the sums of positive and negative balances."""
        sums: dict[str, list[int]] = {}
        for asset, balance in zip(self._assets, self._balances, strict=True):
            row = sums.setdefault(asset.name, [0, 0, 0])
            row[0] += 1
            row[1 if balance > 0 else 2] += balance
        return {name: TrialBalance(name, *row) for name, row in sums.items()}

    def canonical_lines(self) -> Iterator[str]:
        """``cash <name> <asset> <minor units>`` per account in opening order: part of the state hash."""
        for name, asset, balance in self.rows():
            yield f"cash {name} {asset.name} {balance}"

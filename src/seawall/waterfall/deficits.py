"""Deficit accounts: one per account and loss, so that no loss is charged twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from seawall.errors import InvariantBroken


@dataclass(slots=True)
class Deficit:
    """One loss of one account. ``pending`` is what is neither covered nor carried: the residual once it is final.

    ``carried`` was not final when it was recognised (the account still held positions) and is recognised anew
    under another number.
    """

    account: str
    loss: int
    recognised: int
    covered: int = 0
    carried: int = 0

    @property
    def pending(self) -> int:
        """Recognised and not yet covered or carried."""
        return self.recognised - self.covered - self.carried


class DeficitBook:
    """All deficits, keyed by account and loss number."""

    __slots__ = ("_open", "_rows")

    def __init__(self) -> None:
        self._rows: dict[tuple[str, int], Deficit] = {}
        self._open: dict[tuple[str, int], Deficit] = {}

    def recognise(self, account: str, loss: int, amount: int) -> None:
        """Book a loss once.

        Raises:
            InvariantBroken: that account and loss are booked already, or the amount is negative.
        """
        if (account, loss) in self._rows:
            raise InvariantBroken(f"loss {loss} of {account} is recognised twice")
        if amount < 0:
            raise InvariantBroken(f"loss {loss} of {account} is negative: {amount}")
        row = self._rows[account, loss] = Deficit(account, loss, amount)
        if amount:
            self._open[account, loss] = row

    def cover(self, account: str, loss: int, amount: int) -> None:
        """Record that ``amount`` of the loss was paid.

        Raises:
            InvariantBroken: more than is pending, or negative.
        """
        self._take(account, loss, amount)
        row = self._rows[account, loss]
        row.covered += amount
        self._settled(row)

    def _settled(self, row: Deficit) -> None:
        if not row.pending:
            self._open.pop((row.account, row.loss), None)

    def carry(self, account: str, loss: int, amount: int) -> None:
        """Record that ``amount`` of the loss is not final and will be recognised anew."""
        self._take(account, loss, amount)
        row = self._rows[account, loss]
        row.carried += amount
        self._settled(row)

    def _take(self, account: str, loss: int, amount: int) -> None:
        row = self._rows.get((account, loss))
        if row is None:
            raise InvariantBroken(f"loss {loss} of {account} was never recognised")
        if not 0 <= amount <= row.pending:
            raise InvariantBroken(f"loss {loss} of {account}: {amount} of {row.pending} pending cannot be covered")

    def get(self, account: str, loss: int) -> Deficit:
        """One deficit."""
        return self._rows[account, loss]

    def unpaid(self) -> Iterator[Deficit]:
        """Those with something pending: few, however many losses there were."""
        return iter(self._open.values())

    def __iter__(self) -> Iterator[Deficit]:
        return iter(self._rows.values())

    def __len__(self) -> int:
        return len(self._rows)

    def check(self) -> None:
        """Raise InvariantBroken unless every deficit is between zero and what was recognised."""
        for row in self:
            if row.covered < 0 or row.carried < 0 or row.pending < 0:
                raise InvariantBroken(f"deficit out of balance: {row}")
        if list(self._open.values()) != [row for row in self if row.pending]:
            raise InvariantBroken("the list of unpaid deficits differs from the deficits")

    def canonical_lines(self) -> Iterator[str]:
        """One line a deficit in order of recognition: part of the state hash."""
        for row in self:
            yield f"deficit {row.account} {row.loss} {row.recognised} {row.covered} {row.carried}"

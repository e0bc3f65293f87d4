"""The replenishment clock: who owes the fund how much until when, what is late, and when the fund is whole again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from seawall.errors import InputError


@dataclass(frozen=True, slots=True)
class ReplenishRule:
    """Deadlines.

    Attributes:
        members_ns: members put back what was used this long after the window closes (or after the use, inside one).
        own_ns: the clearing house puts back its own slices this long after the use.
        inside_window: members owe at once, as far as the window's cap has room; else only when the window has closed.
    """

    members_ns: int
    own_ns: int
    inside_window: bool = False

    def __post_init__(self) -> None:
        if self.members_ns < 0 or self.own_ns < 0:
            raise InputError("a deadline before the use", value=self)


class Debt(NamedTuple):
    """``amount`` minor units owed by ``payer`` for a use at ``since_ns``; paid in full at ``settled_ns``."""

    payer: str
    amount: int
    since_ns: int
    due_ns: int
    paid: int = 0
    settled_ns: int | None = None

    @property
    def left(self) -> int:
        """Not yet paid."""
        return self.amount - self.paid


class ClockStatus(NamedTuple):
    """At one time: what is overdue per payer, what is still to come, and the last deadline (None: the fund is whole)."""

    overdue: dict[str, int]
    upcoming: tuple[Debt, ...]
    whole_by_ns: int | None


@dataclass(frozen=True, slots=True)
class Clock:
    """All replenishment debts, an immutable value."""

    debts: tuple[Debt, ...] = ()

    def owe(self, amounts: Mapping[str, int], since_ns: int, due_ns: int) -> Clock:
        """The clock with a new debt for every positive amount."""
        new = tuple(Debt(payer, x, since_ns, due_ns) for payer, x in sorted(amounts.items()) if x > 0)
        return replace(self, debts=self.debts + new)

    def owed(self, payer: str) -> int:
        """All that a payer still owes."""
        return sum(d.left for d in self.debts if d.payer == payer)

    def pay(self, payer: str, amount: int, at_ns: int) -> Clock:
        """The clock after a payment, earliest deadline first.

        Raises:
            InputError: nothing or more than is owed is paid: nobody is billed beyond what is due.
        """
        if not 0 < amount <= self.owed(payer):
            raise InputError(
                "a payment that is not owed", field=payer, value=amount, expected=f"1 to {self.owed(payer)}"
            )
        debts = list(self.debts)
        left = amount
        for i in sorted(range(len(debts)), key=lambda k: (debts[k].due_ns, k)):
            debt = debts[i]
            if debt.payer == payer and debt.left and left:
                part = min(left, debt.left)
                left -= part
                done = at_ns if part == debt.left else None
                debts[i] = debt._replace(paid=debt.paid + part, settled_ns=done)
        return replace(self, debts=tuple(debts))

    def forgive(self, payer: str) -> Clock:
        """The clock without what a payer still owes (it failed, or its slice was put back otherwise)."""
        kept = tuple(d if d.payer != payer else d._replace(amount=d.paid) for d in self.debts)
        return replace(self, debts=tuple(d for d in kept if d.amount))

    def status(self, at_ns: int) -> ClockStatus:
        """What is overdue (its deadline has passed) and what is still to come, by deadline then name."""
        opened = sorted((d for d in self.debts if d.left), key=lambda d: (d.due_ns, d.payer, d.since_ns))
        overdue: dict[str, int] = {}
        for debt in opened:
            if debt.due_ns < at_ns:
                overdue[debt.payer] = overdue.get(debt.payer, 0) + debt.left
        upcoming = tuple(d for d in opened if d.due_ns >= at_ns)
        return ClockStatus(overdue, upcoming, opened[-1].due_ns if opened else None)

    def late(self) -> tuple[Debt, ...]:
        """Debts that were settled after their deadline: amount and duration go in the report."""
        return tuple(d for d in self.debts if d.settled_ns is not None and d.settled_ns > d.due_ns)

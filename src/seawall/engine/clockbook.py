"""What payers of layers still have to put back: one replenishment clock per asset and event."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from seawall.members import Clock


class Use(NamedTuple):
    """A layer paid ``amount`` book units for event ``event`` out of an account; ``member``: whose contribution, else ""."""

    event: int
    account: int
    asset: int
    amount: int
    member: str


class DueDebt(NamedTuple):
    """What one account has to put back now for one event: the debts that are due, book units each."""

    payer: str
    asset: int
    event: int
    owed: tuple[int, ...]


@dataclass(slots=True)
class ClockBook:
    """Debts by asset and event; payers are accounts by name. Settled debts are not kept.

    Attributes:
        clocks: by (asset, event): what is owed for it.
        soonest_ns: no debt falls due before it; None: nothing is owed. It saves looking; it decides nothing.
    """

    clocks: dict[tuple[int, int], Clock] = field(default_factory=dict)
    soonest_ns: int | None = None

    def owe(self, payer: str, asset: int, event: int, amount: int, since_ns: int, due_ns: int) -> None:
        """A new debt (> 0)."""
        clock = self.clocks.get((asset, event), Clock())
        self.clocks[asset, event] = clock.owe({payer: amount}, since_ns, due_ns)
        self.soonest_ns = due_ns if self.soonest_ns is None else min(self.soonest_ns, due_ns)

    def owed(self, payer: str, asset: int) -> int:
        """All that an account still has to put back in an asset."""
        return sum(clock.owed(payer) for (at, _), clock in self.clocks.items() if at == asset)

    def due(self, time_ns: int, running: Collection[int]) -> list[DueDebt]:
        """What is due, of events that are over: by asset, event, payer."""
        if self.soonest_ns is None or time_ns < self.soonest_ns:
            return []
        found: list[DueDebt] = []
        for asset, event in sorted(self.clocks):
            if event in running:
                continue
            by_payer: dict[str, list[int]] = {}
            for debt in self.clocks[asset, event].debts:
                if debt.due_ns <= time_ns:
                    by_payer.setdefault(debt.payer, []).append(debt.left)
            found += [DueDebt(payer, asset, event, tuple(owed)) for payer, owed in sorted(by_payer.items())]
        return found

    def pay(self, payer: str, asset: int, event: int, amount: int, at_ns: int) -> None:
        """A payment on what is owed for one event, earliest deadline first."""
        self._keep((asset, event), self.clocks[asset, event].pay(payer, amount, at_ns))

    def settle(self, payer: str, asset: int, amount: int, at_ns: int) -> int:
        """Money that came otherwise settles debts, earliest deadline first; how much of it did."""
        first = {
            key: min(d.due_ns for d in clock.debts if d.payer == payer)
            for key, clock in self.clocks.items()
            if key[0] == asset and clock.owed(payer)
        }
        left = amount
        for key in sorted(first, key=lambda k: (first[k], k)):
            part = min(left, self.clocks[key].owed(payer))
            if part:
                self._keep(key, self.clocks[key].pay(payer, part, at_ns))
                left -= part
        return amount - left

    def forgive(self, payer: str) -> dict[int, int]:
        """An account owes nothing any more; what it owed by asset."""
        gone: dict[int, int] = {}
        for key, clock in sorted(self.clocks.items()):
            owed = clock.owed(payer)
            if owed:
                gone[key[0]] = gone.get(key[0], 0) + owed
                self._keep(key, clock.forgive(payer))
        return gone

    def _keep(self, key: tuple[int, int], clock: Clock) -> None:
        debts = tuple(debt for debt in clock.debts if debt.left)
        if debts:
            self.clocks[key] = Clock(debts)
        else:
            del self.clocks[key]

    def looked(self) -> None:
        """What was due is paid, as far as it may be: find the soonest again."""
        self.soonest_ns = min((d.due_ns for c in self.clocks.values() for d in c.debts), default=None)

    def canonical_lines(self) -> Iterator[str]:
        """Part of the state hash; nothing where nothing is owed."""
        for (asset, event), clock in sorted(self.clocks.items()):
            for debt in clock.debts:
                yield f"owed {asset} {event} {debt.payer!r} {debt.left} {debt.since_ns} {debt.due_ns}"

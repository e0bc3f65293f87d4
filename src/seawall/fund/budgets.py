"""Draw budgets: how much of the fund each market, tier or period may use, always backed by the balance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from seawall.errors import InputError
from seawall.money import split


@dataclass(frozen=True, slots=True)
class Budget:
    """A lifetime budget: ``used`` only grows. Several markets may draw on one (a tier)."""

    name: str
    limit: int
    used: int = 0

    def __post_init__(self) -> None:
        if self.limit < 0 or self.used < 0:
            raise InputError("a budget is not negative", field=self.name, value=(self.limit, self.used))

    @property
    def left(self) -> int:
        """``limit - used``, at least 0 (the limit may have been lowered)."""
        return max(0, self.limit - self.used)

    def draw(self, amount: int) -> Budget:
        """After using ``amount``.

        Raises:
            InputError: negative, or more than is left.
        """
        if not 0 <= amount <= self.left:
            raise InputError("beyond the budget", field=self.name, value=amount, expected=f"0 to {self.left}")
        return replace(self, used=self.used + amount)


def draw_limit(need: int, *, vault: int, left: int, reserve: int = 1) -> int:
    """What the fund pays for one loss: ``min(need, vault - reserve, budget left)``, at least 0.

    Source: drift-labs/protocol-v2 resolve_perp_bankruptcy (one unit stays in the vault).
    """
    return max(0, min(need, vault - reserve, left))


def backed(budgets: Sequence[Budget], balance: int) -> dict[str, int]:
    """What each budget can count on now, if all were used: together never more than the balance.

    Budgets that promise more than there is are cut in proportion (largest remainder, earlier first), so no market's
    use can eat what another one was promised.

    Raises:
        InputError: a name twice.
    """
    names = [b.name for b in budgets]
    if len(set(names)) != len(names):
        raise InputError("a budget is named twice", field="budgets", value=names)
    left = [b.left for b in budgets]
    balance = max(0, balance)
    if sum(left) <= balance:
        return dict(zip(names, left, strict=True))
    return dict(zip(names, split(balance, left), strict=True))


@dataclass(frozen=True, slots=True)
class PeriodBudget:
    """At most ``limit`` in any stretch of ``length_ns``; ``draws`` are (time, amount)."""

    limit: int
    length_ns: int
    draws: tuple[tuple[int, int], ...] = ()

    def __post_init__(self) -> None:
        if self.limit < 0 or self.length_ns <= 0:
            raise InputError("bad period budget", field="limit, length_ns", value=(self.limit, self.length_ns))

    def left(self, now_ns: int) -> int:
        """What may be drawn now."""
        return max(0, self.limit - sum(a for t, a in self.draws if t > now_ns - self.length_ns))

    def draw(self, now_ns: int, amount: int) -> PeriodBudget:
        """After drawing ``amount``.

        Raises:
            InputError: more than is left, negative, or time going back.
        """
        if not 0 <= amount <= self.left(now_ns) or (self.draws and now_ns < self.draws[-1][0]):
            raise InputError(
                "beyond the budget of the period", field="amount", value=amount, expected=f"0 to {self.left(now_ns)}"
            )
        kept = tuple(d for d in self.draws if d[0] > now_ns - self.length_ns)
        return replace(self, draws=(*kept, (now_ns, amount)))


class Collected(NamedTuple):
    """What was really collected of a charge. Only ``collect`` makes one, and budgets grow by nothing else."""

    owner: str
    amount: int


def collect(owner: str, charge: int, cash: int) -> Collected:
    """Collect a charge from what cash there is: the rest was never income.

    Crediting what was asked instead of what was paid let attackers fund the cover for their own loss
    (aeyakovenko/percolator-prog#59 and others).
    """
    if charge < 0:
        raise InputError("a charge is not negative", field=owner, value=charge)
    return Collected(owner, max(0, min(charge, cash)))


def fed(budget: Budget, income: Collected) -> Budget:
    """A budget that grows by income of its own market, as collected."""
    return replace(budget, limit=budget.limit + income.amount)


def draw_each(
    needs: Mapping[str, int], budgets: Sequence[Budget], vault: int, reserve: int = 1
) -> tuple[dict[str, int], tuple[Budget, ...]]:
    """Pay several markets' losses at once out of one vault: each within what its budget is backed with.

    Because the backing is fixed before anybody draws, the result does not depend on the order of the losses.

    Raises:
        InputError: a negative need, or a need without a budget.
    """
    known = {b.name for b in budgets}
    for name, need in needs.items():
        if name not in known or need < 0:
            raise InputError("no such budget, or a negative need", field=name, value=need)
    share = backed(budgets, vault - reserve)
    paid = {b.name: min(needs.get(b.name, 0), share[b.name]) for b in budgets}
    return paid, tuple(b.draw(paid[b.name]) for b in budgets)

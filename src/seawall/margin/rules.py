"""Margin rules of a policy: what is judged together, how requirements are rounded, and collateral haircuts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from seawall.errors import InputError
from seawall.money import RoundingProfile


@dataclass(frozen=True, slots=True)
class MarginRule:
    """How accounts are judged.

    Attributes:
        pool: "asset": every settle asset of an account is a margin unit of its own, judged in that asset.
            "account": all assets together, in the numeraire, other assets at index price less haircut.
        profile: rounding profile of every division on the path of money.
        maintenance_of_initial: the maintenance requirement as a share of the initial one, where a venue says it
            so; None: the brackets' own maintenance rates.
    """

    pool: Literal["asset", "account"]
    profile: RoundingProfile
    maintenance_of_initial: Fraction | None = None


@dataclass(frozen=True, slots=True)
class HaircutStep:
    """From this balance on (book units of the asset, inclusive) the haircut is this fraction."""

    floor: int
    haircut: Fraction


@dataclass(frozen=True, slots=True)
class HaircutSchedule:
    """Tiered collateral haircuts of one asset, marginal: each slice of the balance by its own step."""

    steps: tuple[HaircutStep, ...]

    @classmethod
    def of(cls, steps: Sequence[HaircutStep]) -> HaircutSchedule:
        """Check and build: first floor 0, floors rise, haircuts within [0, 1] and do not fall."""
        if not steps or steps[0].floor != 0:
            raise InputError("the first haircut step must start at 0", field="haircuts")
        for i, step in enumerate(steps):
            if not 0 <= step.haircut <= 1:
                raise InputError("haircut out of range", field=f"haircuts[{i}]", value=step.haircut, expected="0 to 1")
            if i and (step.floor <= steps[i - 1].floor or step.haircut < steps[i - 1].haircut):
                raise InputError("floors must rise and haircuts must not fall", field=f"haircuts[{i}]")
        return cls(tuple(steps))

    def recognised(self, balance: int) -> Fraction:
        """What a positive balance counts for, in book units of the asset, exact."""
        total = Fraction(0)
        for i, step in enumerate(self.steps):
            if balance <= step.floor:
                break
            top = balance if i + 1 == len(self.steps) else min(balance, self.steps[i + 1].floor)
            total += (top - step.floor) * (1 - step.haircut)
        return total

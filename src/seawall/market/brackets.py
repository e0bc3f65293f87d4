"""Margin brackets: rates that step with the size of a position, as exact fractions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from seawall.errors import InputError

MAX_BRACKETS = 8


@dataclass(frozen=True, slots=True)
class Bracket:
    """One step. ``floor`` is the notional (settle asset, book units) from which the rates hold, inclusive."""

    floor: int
    initial: Fraction
    maintenance: Fraction


@dataclass(frozen=True, slots=True)
class Brackets:
    """The steps of one market, lowest first; the first floor is 0.

    ``marginal`` True: each slice of the notional is charged the rate of its own bracket (income-tax style; the
    requirement has no jumps). False: the whole position is charged the rate of the bracket its notional is in.
    """

    steps: tuple[Bracket, ...]
    marginal: bool = True

    @classmethod
    def of(cls, steps: Sequence[Bracket], *, marginal: bool = True) -> Brackets:
        """Check and build.

        Raises:
            InputError: no step, first floor not 0, floors or maintenance rates that do not rise, a rate outside
                [0, 1], maintenance above initial, or more than 8 steps.
        """
        if not 1 <= len(steps) <= MAX_BRACKETS:
            raise InputError("bad number of brackets", field="brackets", value=len(steps), expected="1 to 8")
        if steps[0].floor != 0:
            raise InputError("the first bracket must start at 0", field="brackets", value=steps[0].floor)
        for i, step in enumerate(steps):
            if not 0 <= step.maintenance <= step.initial <= 1:
                raise InputError(
                    "rates out of order",
                    field=f"brackets[{i}]",
                    value=f"initial {step.initial}, maintenance {step.maintenance}",
                    expected="0 <= maintenance <= initial <= 1",
                )
            if i and (step.floor <= steps[i - 1].floor or step.maintenance < steps[i - 1].maintenance):
                raise InputError(
                    "floors must rise and maintenance rates must not fall", field=f"brackets[{i}]", value=step.floor
                )
        return cls(tuple(steps), marginal)

    @classmethod
    def flat(cls, initial: Fraction, maintenance: Fraction) -> Brackets:
        """One bracket for every size."""
        return cls.of([Bracket(0, initial, maintenance)])

    @property
    def maintenance_share(self) -> Fraction | None:
        """Maintenance over initial, when it is the same in every bracket; else None."""
        shares = {s.maintenance / s.initial for s in self.steps if s.initial}  # exact: Fraction
        return shares.pop() if len(shares) == 1 else None

    def tier(self, notional: int) -> int:
        """Index of the bracket that a notional (book units, ``>= 0``) is in."""
        best = 0
        for i, step in enumerate(self.steps):
            if notional >= step.floor:
                best = i
        return best

    def requirement(self, notional: int, *, initial: bool = False) -> Fraction:
        """Exact requirement of one position in book units, before any rounding."""
        tier = self.tier(notional)
        steps = self.steps
        rate = steps[tier].initial if initial else steps[tier].maintenance
        if not self.marginal:
            return notional * rate
        total = Fraction(0)
        for i in range(tier + 1):
            top = notional if i == tier else steps[i + 1].floor
            total += (top - steps[i].floor) * (steps[i].initial if initial else steps[i].maintenance)
        return total

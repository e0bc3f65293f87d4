"""Cutting every position by one share: the smallest step after which the margin ratio is below a target."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from seawall.errors import InputError
from seawall.money import Rounding, muldiv


@dataclass(frozen=True, slots=True)
class StepDown:
    """Terms. ``fee`` is charged on the maintenance requirement that is removed, and goes to the fund.

    A step is worth trying at ``step``, ``2 x step``, ... below one; at one everything is closed.
    """

    step: Fraction
    fee: Fraction
    target: Fraction

    def __post_init__(self) -> None:
        if not 0 < self.step <= 1 or self.fee < 0 or self.target <= 0:
            raise InputError(
                "bad terms of a step-down",
                field="step, fee, target",
                value=f"{self.step}, {self.fee}, {self.target}",
                expected="0 < step <= 1, fee >= 0, target > 0",
            )


class StepRow(NamedTuple):
    """The account after closing ``share`` of everything; ``ratio`` is None when no value is left."""

    share: Fraction
    maintenance: Fraction
    penalty: Fraction
    value: Fraction
    ratio: Fraction | None


class StepChoice(NamedTuple):
    """All rows that were looked at, and the share to close."""

    rows: tuple[StepRow, ...]
    share: Fraction


def step_down(rule: StepDown, *, value: Fraction | int, maintenance: Fraction | int) -> StepChoice:
    """Which share of every position to close, exact.

    Closing at the mark keeps the account's value but for the penalty ``share x fee x maintenance`` and removes that
    share of the requirement; ratio = requirement left over value left. The smallest share with a ratio strictly below
    the target is chosen, else everything.

    Source: Paradex documentation, Liquidations.
    """
    rows = tuple(_rows(rule, Fraction(value), Fraction(maintenance)))
    for row in rows:
        if row.ratio is not None and row.ratio < rule.target:
            return StepChoice(rows, row.share)
    return StepChoice(rows, Fraction(1))


def _rows(rule: StepDown, value: Fraction, maintenance: Fraction) -> Iterator[StepRow]:
    share = rule.step
    while share < 1:
        penalty = share * rule.fee * maintenance
        left, after = maintenance * (1 - share), value - penalty
        yield StepRow(share, left, penalty, after, left / after if after > 0 else None)  # exact: Fraction
        share += rule.step


def step_penalty(rule: StepDown, share: Fraction, *, value: int, maintenance: int) -> int:
    """What the fund collects, in minor units: rounded down, and never more than the account has."""
    due = share * rule.fee
    return min(max(0, value), muldiv(maintenance, due.numerator, due.denominator, Rounding.FLOOR))

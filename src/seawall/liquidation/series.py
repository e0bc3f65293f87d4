"""Closing an option book series by series.

Options of one underlying offset each other, so the requirement of a book is not a sum over positions: closing a hedge
can raise it. Whole series are closed one at a time, each time the one that lowers the requirement most per unit of cost.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from seawall.errors import InputError


@dataclass(frozen=True, slots=True)
class Series:
    """One series of the book.

    ``cost`` (minor units, ``>= 0``) is what closing all of it loses against the mark: spread, impact and fee.
    """

    symbol: str
    lots: int
    cost: int


class SeriesStep(NamedTuple):
    """One series closed: the requirement and the equity afterwards."""

    series: int
    requirement: int
    equity: int


class SeriesPlan(NamedTuple):
    """Steps in order; ``enough`` when the account is whole afterwards."""

    steps: tuple[SeriesStep, ...]
    enough: bool


def close_by_series(book: Sequence[Series], requirement: Callable[[frozenset[int]], int], *, equity: int) -> SeriesPlan:
    """Which series to close, in which order, until equity covers the requirement.

    Args:
        book: the series.
        requirement: of the book with only these series (by index) left, minor units; the venue's own margin model.
        equity: of the account now.

    Only series whose closing lowers what is missing (requirement less equity) are closed. Of those, the one with the
    largest fall of requirement per cost goes first (compared exactly; a series without cost before all others; ties to
    the earlier one). When none is left and the account is still short, ``enough`` is False: it needs a take-over.

    Raises:
        InputError: a series with a negative cost or no lots.
    """
    for i, series in enumerate(book):
        if series.cost < 0 or series.lots == 0:
            raise InputError("not a series to close", row=i + 1, field="cost, lots", value=(series.cost, series.lots))
    left = frozenset(range(len(book)))
    need = requirement(left)
    steps: list[SeriesStep] = []
    while equity < need:
        best: tuple[int, int, int] | None = None  # fall, cost, index
        for i in sorted(left):
            fall, cost = need - requirement(left - {i}), book[i].cost
            if fall <= cost:
                continue  # costs at least as much as it frees
            if best is None or _better(fall, cost, best):
                best = (fall, cost, i)
        if best is None:
            return SeriesPlan(tuple(steps), False)
        fall, cost, i = best
        left, need, equity = left - {i}, need - fall, equity - cost
        steps.append(SeriesStep(i, need, equity))
    return SeriesPlan(tuple(steps), True)


def _better(fall: int, cost: int, best: tuple[int, int, int]) -> bool:
    """More fall per cost than the best so far, by cross products; without cost the larger fall."""
    if cost == 0 or best[1] == 0:
        return (cost == 0) > (best[1] == 0) or (cost == best[1] == 0 and fall > best[0])
    return fall * best[1] > best[0] * cost

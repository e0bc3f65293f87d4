"""What the book says of one unit: plain integers, exact."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class PositionState(NamedTuple):
    """One position at the current mark, book units of its settle asset.

    ``unit_value`` is V, the worth of a lot before sign and funding; ``worth`` is lots x U (signed, funding
    included); ``maintenance`` is exact, in R-ths of a book unit (``UnitState.denominator``).
    """

    market: int
    lots: int
    entry: int
    unit_value: int
    worth: int
    maintenance: int


class UnitState(NamedTuple):
    """A margin unit: what is judged at risk together.

    Attributes:
        unit, account: numbers.
        asset: number of the asset that equity and requirements are in.
        cash: asset number -> book units.
        positions: by market number.
        equity, maintenance: book units of ``asset``; maintenance is rounded once, as the policy's profile says.
        denominator: R, see ``PositionState``.
    """

    unit: int
    account: int
    asset: int
    cash: dict[int, int]
    positions: tuple[PositionState, ...]
    equity: int
    maintenance: int
    denominator: int

    @property
    def at_risk(self) -> bool:
        """Equity strictly below maintenance, with a position open. Equality is safe."""
        return bool(self.positions) and self.equity < self.maintenance

    @property
    def bankrupt(self) -> bool:
        """Equity below zero."""
        return self.equity < 0

    def requirement_of(self, position: PositionState) -> Fraction:
        """Exact maintenance requirement of one position in book units."""
        return Fraction(position.maintenance, self.denominator)


class FullPass(NamedTuple):
    """Every row of the book from scratch, parallel arrays by row number.

    ``equity`` and ``maintenance``: int64, book units of the row's asset; the requirement is the exact sum, rounded up
    once a row, whatever the policy's rounding. ``at_risk``: a position is open and equity is strictly below it.
    """

    equity: NDArray[np.int64]
    maintenance: NDArray[np.int64]
    at_risk: NDArray[np.bool_]

"""How many lots of each position to close now."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from seawall.liquidation.rules import Pace, PaceKind
from seawall.liquidation.shortage import PacedShare
from seawall.liquidation.stepdown import StepDown, step_down
from seawall.money import Rounding, muldiv


class CloseOut(NamedTuple):
    """``lots`` (> 0) of position number ``position``; ``partial`` when some of it stays."""

    position: int
    lots: int
    partial: bool


def close_out_sizes(
    positions: Sequence[tuple[int, int]],
    pace: Pace,
    *,
    equity: int,
    maintenance: int,
    attempt: int,
    elapsed_ns: int = 0,
    penalty: Fraction = Fraction(0),
) -> list[CloseOut]:
    """What to close at one attempt.

    Args:
        positions: (signed lots, notional in millionths of quote) each.
        pace: the policy's pace.
        equity, maintenance: of the account, one unit of account.
        attempt: 1 for the first.
        elapsed_ns: since the account came under liquidation (RAMP).
        penalty: rate that the fund charges on the requirement that is removed (TARGET counts with it).

    Returns:
        One entry per position, lots rounded up, so that a position of one lot can be closed.

    The share for BUFFER is the smallest ``x`` with ``equity >= (1 + buffer) x maintenance x (1 - x)``: closing at
    the mark keeps equity and removes that share of the requirement.
    """
    out = []
    for index, (lots, notional) in enumerate(positions):
        share = _share(pace, notional, equity, maintenance, attempt, elapsed_ns, penalty)
        size = muldiv(abs(lots), share.numerator, share.denominator, Rounding.CEIL)
        size = min(abs(lots), max(1, size))
        out.append(CloseOut(index, size, size < abs(lots)))
    return out


def _share(
    pace: Pace, notional: int, equity: int, maintenance: int, attempt: int, elapsed_ns: int, penalty: Fraction
) -> Fraction:
    if pace.kind is PaceKind.SHARE:
        large = pace.above is None or notional > pace.above
        return pace.share if large and attempt == 1 else Fraction(1)
    if pace.kind is PaceKind.BUFFER:
        target = maintenance * (1 + pace.buffer)
        if target <= 0 or equity <= 0:
            return Fraction(1)
        return max(Fraction(0), 1 - Fraction(equity) / target)  # exact: Fraction
    if pace.kind is PaceKind.TARGET:
        return step_down(StepDown(pace.share, penalty, pace.target), value=equity, maintenance=maintenance).share
    if pace.kind is PaceKind.RAMP:
        small = 0 if pace.above is None else pace.above
        return PacedShare(pace.share, pace.duration_ns, small_position=small).share(
            elapsed_ns, shortage=1, position=notional
        )
    return Fraction(1)

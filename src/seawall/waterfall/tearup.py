"""Partial tear-up: what nobody takes over is closed against the other side, at the mark."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Generic, NamedTuple, TypeVar

from seawall.errors import InputError
from seawall.waterfall.parts import parts

N = TypeVar("N", int, Fraction)


class TearUp(NamedTuple, Generic[N]):
    """Torn, settled profit and what stays open of each holder; what found no holder."""

    torn: list[N]
    profit: list[N]
    open_after: list[N]
    unmatched: N


def tear_up(unmatched: N, lots: Sequence[N], entry: Sequence[N], mark: N, side: int) -> TearUp[N]:
    """Close ``min(unmatched, sum of lots)`` of the holders on one side pro rata to lots, settled at the mark.

    Args:
        unmatched: contracts without a counterparty.
        lots, entry: of each holder on the side that is torn, absolute lots.
        mark: settlement price; nobody's gain is cut.
        side: 1 when longs are torn, -1 for shorts.

    Whole lots round by largest remainder; fractions are exact. Profit is ``side x (mark - entry) x torn``.

    Source: CPMI-IOSCO, Recovery of financial market infrastructures (2014), tear-up.

    Raises:
        InputError: negative contracts, or a side that is neither.
    """
    if unmatched < 0 or any(q < 0 for q in lots):
        raise InputError("negative contracts", field="lots")
    if side not in (1, -1):
        raise InputError("no such side", field="side", value=side, expected="1 or -1")
    torn = parts(min(unmatched, sum(lots, unmatched - unmatched)), lots)
    profit = [side * (mark - e) * t for e, t in zip(entry, torn, strict=True)]
    done = sum(torn, unmatched - unmatched)
    return TearUp(torn, profit, [q - t for q, t in zip(lots, torn, strict=True)], unmatched - done)

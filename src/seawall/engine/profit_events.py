"""Events of the profit cap: what a pool may owe the winners of one side of a market."""

from __future__ import annotations

from typing import NamedTuple

from seawall.engine.why import Why


class ProfitCapped(NamedTuple):
    """Pending profits of one ``side`` ("long" or "short") of a market were above the cap of ``pool``, book units.

    ``needed`` is the profit to be paid so that the share is at the cap again, ``most`` what may be paid before it is at
    the floor; ``lots`` were closed at the mark against ``account``, which paid ``collected`` of profit; their
    ``deleveraged`` events follow. ``residual`` is what is still above the cap: nobody could be closed, the next lot
    would pass the floor, or paying could not lower the share.
    """

    market: str
    side: str
    asset: str
    account: str
    profit: int
    pool: int
    needed: int
    most: int
    lots: int
    collected: int
    residual: int
    why: Why

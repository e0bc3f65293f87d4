"""Vector projection: the haircuts nearest to a target that meet the budget exactly."""

from __future__ import annotations

from typing import Any

import numpy as np

from seawall.errors import InputError
from seawall.waterfall.allocation import Assigned
from seawall.waterfall.waterfilling import amounts, fill_wide, total_of


def project(budget: int, capacity: Any, target: Any = None) -> Assigned:
    """Minimise the squared distance of haircuts to their targets, with haircuts in 0..1 and money equal to the budget.

    With haircuts ``x_i = y_i / c_i``: minimise ``sum (x_i - t_i / c_i)^2`` subject to ``0 <= y_i <= c_i`` and
    ``sum y_i = min(budget, sum c_i)``. The solution is ``y_i = clamp(t_i + m c_i^2, 0, c_i)`` at one multiplier ``m``,
    found by halving on the exact breakpoints, in integers throughout. Shares between the bounds round down, dust by
    largest remainder, then earlier index.

    A large winner takes a larger haircut: not proof against splitting (two halves pay half of what the whole pays).

    Args:
        budget: zero or more.
        capacity: int64 [n], ``c``.
        target: int64 [n], ``t``, each from 0 to its capacity; default 0: the least haircuts that pay.

    Source: weighted projection onto a box and a plane; vector policy of arXiv 2512.01112.

    Raises:
        InputError: bad columns.
    """
    if budget < 0:
        raise InputError("negative budget", field="budget", value=budget, expected="zero or more")
    column = amounts(capacity, "capacity")
    most = min(budget, total_of(column, "capacity"))
    aim = np.zeros_like(column) if target is None else amounts(target, "target")
    if aim.size != column.size or (aim < 0).any() or (aim > column).any():
        raise InputError("target outside 0 to capacity", field="target")
    full = column.tolist()
    start = aim.tolist()
    rise = most >= sum(start)
    room = [c - t for c, t in zip(full, start, strict=True)] if rise else start
    move = fill_wide(abs(most - sum(start)), [c * c for c in full], room)
    out = [t + d if rise else t - d for t, d in zip(start, move, strict=True)]
    return Assigned(np.array(out, dtype=np.int64), most, budget - most)

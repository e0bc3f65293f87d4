"""Compiled kernels over the book. Exact 64-bit integers inside the bounds of ``margin.rates``; no floats.

Each has a slow, obvious twin in the tests.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from seawall.money.jit import inlined, jit


@jit
def find_tier(table: Any, base: int, lots: int) -> int:
    """Tier of ``lots`` (absolute) in the eight rows from ``base``: the row whose lo <= lots < lo + span."""
    for tier in range(8):
        low = table[base + tier, 0]
        if low <= lots < low + table[base + tier, 1]:
            return tier
    return 7


LIMIT = 1 << 40


@inlined
def flagged(surplus: int, fraction: int, denominator: int) -> bool:
    """surplus < ceil(fraction / denominator), without a division or a branch.

    For integers it is the same as surplus * denominator < fraction. |fraction| < 2^40 * denominator always (256
    positions of at most 2^32 lots), so a surplus clamped to 2^40 gives the same answer and the product fits.
    """
    return bool(min(max(surplus, -LIMIT), LIMIT) * denominator < fraction)


@jit
def fill_leg(
    rows: Any, base: int, floors: Any, rates: Any, high: Any, low: Any, count: int, value: int, denominator: int,
    most: int,
) -> None:  # fmt: skip
    """Write the eight rows of one leg for ``value``, the notional of a lot: see ``margin.rates``.

    ``value * rate`` is split through ``value = q * R + r``, so that no product exceeds 64 bits. Tiers beyond the
    last repeat it with an empty span.
    """
    quotient = value // denominator
    remainder = value - quotient * denominator
    for tier in range(8):
        t = tier if tier < count else count - 1
        start = 0 if tier == 0 else most
        if 0 < tier < count and value > 0:
            start = min(most, (floors[tier] + value - 1) // value)
        end = most
        if tier + 1 < count and value > 0:
            end = min(most, (floors[tier + 1] + value - 1) // value)
        at = base + tier
        small = remainder * rates[t]
        whole = small // denominator
        rows[at, 0] = start
        rows[at, 1] = end - start if tier < count else 0
        rows[at, 2] = quotient * rates[t] + whole
        rows[at, 3] = small - whole * denominator
        rows[at, 4] = high[t]
        rows[at, 5] = low[t]
        rows[at, 6] = value
        rows[at, 7] = 0


@jit
def tick(
    rows: Any, lots: Any, tiers: Any, count: int, worth_change: int, new: Any, old: Any, denominator: int, slack: int,
    state: Any, required: Any, out: Any, marked: Any,
) -> int:  # fmt: skip
    """Move one market to new tables and collect rows that may be at risk.

    Args:
        rows, lots, tiers: the market's positions (row number, signed lots, tier hint), first ``count`` used.
        worth_change: new U less old U.
        new, old: int64 [16, 8]: the market's rows, long leg first; ``old`` is overwritten with ``new``.
        denominator, slack: R, and units by which rounding per position may raise a requirement.
        state: int64 [n, 2]: surplus (equity less whole part of the requirement) and fraction per row; updated.
        required: int64 [n] whole requirement per row, or empty when nobody needs it; updated.
        out, marked: rows found, and a byte per row that says it is in ``out`` already.

    Returns:
        number of rows written to ``out``.
    """
    keep = required.size > 0
    found = 0
    change = np.empty((16, 2), dtype=np.int64)
    for leg in range(16):
        change[leg, 0] = new[leg, 2] - old[leg, 2]
        change[leg, 1] = new[leg, 3] - old[leg, 3]
    for i in range(count):
        place = np.uint64(i)
        held = lots[place]
        if held == 0:
            continue
        size = abs(held)
        side = np.uint64(0) if held > 0 else np.uint64(8)
        at = side + np.uint64(tiers[place])
        if np.uint64(size - new[at, 0]) < np.uint64(new[at, 1]):  # the tier is still right: deducts do not move
            whole = size * change[at, 0]
            part = size * change[at, 1]
        else:
            tier = find_tier(new, 0 if held > 0 else 8, size)
            tiers[place] = tier
            after = side + np.uint64(tier)
            whole = size * (new[after, 2] - old[at, 2]) - (new[after, 4] - old[at, 4])
            part = size * (new[after, 3] - old[at, 3]) - (new[after, 5] - old[at, 5])
        row = np.uint64(rows[place])
        surplus = state[row, 0] + held * worth_change - whole
        fraction = state[row, 1] + part
        state[row, 0] = surplus
        state[row, 1] = fraction
        if keep:
            required[row] += whole
        if flagged(surplus - slack, fraction, denominator) and marked[row] == 0:
            marked[row] = 1
            out[found] = row
            found += 1
    for leg in range(16):
        for column in range(8):
            old[leg, column] = new[leg, column]
    return found


@jit
def accumulate(
    rows: Any,
    lots: Any,
    tiers: Any,
    entries: Any,
    count: int,
    worth: int,
    long_base: int,
    short_base: int,
    table: Any,
    state: Any,
    required: Any,
) -> None:
    """Add one market's positions to the running state from nothing, setting the tier hints."""
    keep = required.size > 0
    for i in range(count):
        held = lots[i]
        if held == 0:
            continue
        row = rows[i]
        size = held if held > 0 else -held
        base = long_base if held > 0 else short_base
        tier = find_tier(table, base, size)
        tiers[i] = tier
        whole = size * table[base + tier, 2] - table[base + tier, 4]
        state[row, 0] += held * worth - entries[i] - whole
        state[row, 1] += size * table[base + tier, 3] - table[base + tier, 5]
        if keep:
            required[row] += whole


@jit
def whole_requirements(
    rows: Any, lots: Any, tiers: Any, count: int, long_base: int, short_base: int, table: Any, out: Any
) -> None:
    """Add the whole part of one market's requirements to ``out`` per row."""
    for i in range(count):
        held = lots[i]
        if held == 0:
            continue
        size = held if held > 0 else -held
        at = (long_base if held > 0 else short_base) + tiers[i]
        out[rows[i]] += size * table[at, 2] - table[at, 4]


@jit
def scan(state: Any, has_position: Any, count: int, denominator: int, slack: int, out: Any) -> int:
    """Rows with a position that may be at risk, in row order."""
    found = 0
    for row in range(count):
        if has_position[row] > 0 and flagged(state[row, 0] - slack, state[row, 1], denominator):
            out[found] = row
            found += 1
    return found

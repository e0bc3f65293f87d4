"""Compiled kernels over the book. Exact 64-bit integers inside the bounds of ``margin.rates``; no floats.

Each has a slow, obvious twin in the tests.
"""

from __future__ import annotations

from typing import Any

from seawall.money.jit import jit


@jit
def find_tier(table: Any, base: int, lots: int) -> int:
    """Tier of ``lots`` (absolute) in the eight rows from ``base``: the row whose lo <= lots < lo + span."""
    for tier in range(8):
        low = table[base + tier, 0]
        if low <= lots < low + table[base + tier, 1]:
            return tier
    return 7


@jit
def flagged(surplus: int, fraction: int, denominator: int) -> bool:
    """surplus < ceil(fraction / denominator), without a division.

    For integers it is the same as surplus * denominator < fraction; the product is formed only where it fits:
    |fraction| < 2^40 * denominator always (256 positions of at most 2^32 lots).
    """
    if surplus >= (1 << 40):
        return False
    if surplus < -(1 << 40):
        return True
    return surplus * denominator < fraction


@jit
def tick(
    rows: Any,
    lots: Any,
    tiers: Any,
    count: int,
    worth_change: int,
    old_long: int,
    old_short: int,
    new: Any,
    table: Any,
    denominator: int,
    slack: int,
    state: Any,
    required: Any,
    out: Any,
    marked: Any,
) -> int:
    """Move one market to new tables and collect rows that may be at risk.

    Args:
        rows, lots, tiers: the market's positions (row number, signed lots, tier hint), first ``count`` used.
        worth_change: new U less old U.
        old_long, old_short: first table row of the long and the short leg.
        new: int64 [16, 8]: the new rows, long leg first.
        table: all legs' current rows; overwritten by the caller afterwards.
        state: int64 [n, 2]: surplus (equity less whole part of the requirement) and fraction per row; updated.
        required: int64 [n] whole requirement per row, or empty when nobody needs it; updated.
        out, marked: rows found, and a byte per row that says it is in ``out`` already.

    Returns:
        number of rows written to ``out``.
    """
    keep = required.size > 0
    found = 0
    for i in range(count):
        held = lots[i]
        if held == 0:
            continue
        row = rows[i]
        size = held if held > 0 else -held
        before = (old_long if held > 0 else old_short) + tiers[i]
        base = 0 if held > 0 else 8
        after = base + tiers[i]
        if size < new[after, 0] or size >= new[after, 0] + new[after, 1]:
            tier = find_tier(new, base, size)
            tiers[i] = tier
            after = base + tier
        whole = size * (new[after, 2] - table[before, 2]) - (new[after, 4] - table[before, 4])
        part = size * (new[after, 3] - table[before, 3]) - (new[after, 5] - table[before, 5])
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

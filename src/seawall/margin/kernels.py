"""Compiled kernels over the book. Exact 64-bit integers inside the bounds of ``margin.rates``.

The only floats are in ``screen``, which clears accounts that cannot be at risk and decides nothing else. Each kernel
has a slow, obvious twin in the tests.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from seawall.margin.prefetch import prefetch_row
from seawall.money.jit import inlined, jit

AHEAD = 16  # positions between a hint and its use: enough to cover a fetch from the last cache
FRACTION_ROOM = 513  # see ``_move``


@jit
def find_tier(table: Any, base: int, lots: int) -> int:
    """Tier of ``lots`` (absolute) in the eight rows from ``base``: the row whose lo <= lots < lo + span."""
    for tier in range(8):
        low = table[base + tier, 0]
        if low <= lots < low + table[base + tier, 1]:
            return tier
    return 7


@inlined
def flagged(surplus: int, fraction: int, denominator: int, limit: int) -> bool:
    """surplus < ceil(fraction / denominator), without a division or a branch.

    For integers it is the same as surplus * denominator < fraction. |fraction| <= limit * denominator always
    (``rates.fraction_limit``), so a surplus clamped to +-limit gives the same answer and the product fits.
    """
    return bool(min(max(surplus, -limit), limit) * denominator < fraction)


@jit
def fill_leg(rows: Any, base: int, terms: Any, market: int, value: int, denominator: int, most: int) -> None:
    """Write the eight rows of one leg for ``value``, the notional of a lot: see ``margin.rates``.

    ``value * rate`` is split through ``value = q * R + r``, so that no product exceeds 64 bits. ``most`` is one more
    than the largest size. Tiers beyond the last repeat it with an empty span.
    """
    quotient = value // denominator
    remainder = value - quotient * denominator
    count = terms[market, 4, 0]
    for tier in range(8):
        t = tier if tier < count else count - 1
        start = 0 if tier == 0 else most
        if 0 < tier < count and value > 0:
            start = min(most, (terms[market, 0, tier] + value - 1) // value)
        end = most
        if tier + 1 < count and value > 0:
            end = min(most, (terms[market, 0, tier + 1] + value - 1) // value)
        at = base + tier
        small = remainder * terms[market, 1, t]
        whole = small // denominator
        rows[at, 0] = start
        rows[at, 1] = end - start if tier < count else 0
        rows[at, 2] = quotient * terms[market, 1, t] + whole
        rows[at, 3] = small - whole * denominator
        rows[at, 4] = terms[market, 2, t]
        rows[at, 5] = terms[market, 3, t]
        rows[at, 6] = value
        rows[at, 7] = 0


@jit
def _move(
    pooled: bool, rows: Any, lots: Any, tiers: Any, count: int, worth_change: int, new: Any, old: Any,
    denominator: int, shift: int, limit: int, slack: int, state: Any, out: Any,
    marked: Any,
) -> int:  # fmt: skip
    """Positions of one market from the rows ``old`` to ``new``; see ``tick``.

    While a position stays in its tier the deducts cancel: its surplus moves by size x (change of U with the sign of
    the side, less change of WH) and its fraction by size x change of WL.

    A row is looked at closely only if surplus - slack < (fraction >> shift) + 513, with 2^shift <= R < 2^(shift+1).
    That misses nothing: a positive fraction has fraction / R < (fraction >> shift) + 1; a negative one has
    fraction / R < 0, and fraction >> shift is at least -512, for 256 positions take off less than 256 R.
    """
    legs = np.empty((16, 4), dtype=np.int64)
    for leg in range(16):
        legs[leg, 0] = new[leg, 0]
        legs[leg, 1] = new[leg, 1]
        legs[leg, 2] = (worth_change if leg < 8 else -worth_change) - (new[leg, 2] - old[leg, 2])
        legs[leg, 3] = new[leg, 3] - old[leg, 3]
    room = FRACTION_ROOM + slack
    last = np.uint64(count - 1)
    found = 0
    for i in range(count):
        place = np.uint64(i)
        prefetch_row(state, np.uint64(rows[min(place + np.uint64(AHEAD), last)]))
        held = lots[place]
        size = abs(held)
        at = np.uint64(tiers[place]) + (np.uint64(0) if held >= 0 else np.uint64(8))
        row = np.uint64(rows[place])
        whole = 0
        if np.uint64(size - legs[at, 0]) < np.uint64(legs[at, 1]):
            surplus = state[row, 0] + size * legs[at, 2]
            fraction = state[row, 1] + size * legs[at, 3]
            if pooled:
                whole = size * (new[at, 2] - old[at, 2])
        else:
            tier = find_tier(new, 0 if held >= 0 else 8, size)
            tiers[place] = tier
            after = np.uint64(tier) + (np.uint64(0) if held >= 0 else np.uint64(8))
            whole = size * (new[after, 2] - old[at, 2]) - (new[after, 4] - old[at, 4])
            surplus = state[row, 0] + held * worth_change - whole
            fraction = state[row, 1] + size * (new[after, 3] - old[at, 3]) - (new[after, 5] - old[at, 5])
        state[row, 0] = surplus
        state[row, 1] = fraction
        if pooled:
            state[row, 2] += whole
            account = np.uint64(state[row, 3])
            if held != 0 and marked[account] == 0:
                marked[account] = 1
                out[found] = account
                found += 1
        elif (
            surplus < (fraction >> shift) + room
            and held != 0
            and marked[row] == 0
            and flagged(surplus - slack, fraction, denominator, limit)
        ):
            marked[row] = 1
            out[found] = row
            found += 1
    return found


@jit
def tick(
    market: int, rows: Any, lots: Any, tiers: Any, count: int, worth_change: int, long_value: int, short_value: int,
    terms: Any, table: Any, denominator: int, shift: int, limit: int, most: int, slack: int, state: Any,
    out: Any, marked: Any,
) -> int:  # fmt: skip
    """Move one market to new values and collect what may be at risk.

    Args:
        market: number; its sixteen rows of ``table`` are overwritten.
        rows, lots, tiers: the market's positions (row number, signed lots, tier hint), first ``count`` used.
        worth_change: new U less old U.
        long_value, short_value: new notional of a lot that requirements are charged on, per side.
        terms: see ``margin.rates.terms_of``.
        table: int64 [16 x markets, 8]: rows per market, long leg first.
        denominator, shift: R, and the largest shift with 2^shift <= R.
        limit, most: see ``flagged`` and ``fill_leg``.
        slack: units by which rounding per position may raise a requirement.
        state: int64 [n, 2] in pool "asset": surplus (equity less whole part of the requirement) and fraction per
            row; [n, 4] in pool "account": also the whole requirement and the account's number; updated.
        out, marked: pool "asset": rows at risk, and a byte per row that says it is in ``out`` already; pool
            "account": accounts touched, and a byte per account.

    Returns:
        number of entries written to ``out``.
    """
    base = 16 * market
    new = np.empty((16, 8), dtype=np.int64)
    fill_leg(new, 0, terms, market, long_value, denominator, most)
    fill_leg(new, 8, terms, market, short_value, denominator, most)
    old = table[base : base + 16]
    found = _move(
        state.shape[1] == 4, rows, lots, tiers, count, worth_change, new, old, denominator, shift, limit, slack, state,
        out, marked,
    )  # fmt: skip
    for leg in range(16):
        for column in range(8):
            old[leg, column] = new[leg, column]
    return found


@jit
def accumulate(
    rows: Any, lots: Any, tiers: Any, entries: Any, count: int, worth: int, base: int, table: Any, state: Any,
) -> None:  # fmt: skip
    """Add one market's positions to the running state from nothing, setting the tier hints."""
    wide = state.shape[1] == 4
    for i in range(count):
        held = lots[i]
        if held == 0:
            continue
        row = rows[i]
        size = abs(held)
        leg = base if held > 0 else base + 8
        tier = find_tier(table, leg, size)
        tiers[i] = tier
        whole = size * table[leg + tier, 2] - table[leg + tier, 4]
        state[row, 0] += held * worth - entries[i] - whole
        state[row, 1] += size * table[leg + tier, 3] - table[leg + tier, 5]
        if wide:
            state[row, 2] += whole


@jit
def whole_requirements(rows: Any, lots: Any, tiers: Any, count: int, base: int, table: Any, out: Any) -> None:
    """Add the whole part of one market's requirements to ``out`` per row."""
    for i in range(count):
        held = lots[i]
        if held == 0:
            continue
        at = (base if held > 0 else base + 8) + tiers[i]
        out[rows[i]] += abs(held) * table[at, 2] - table[at, 4]


@jit
def scan(state: Any, has_position: Any, count: int, denominator: int, limit: int, slack: int, out: Any) -> int:
    """Rows with a position that may be at risk, in row order."""
    found = 0
    for row in range(count):
        if has_position[row] > 0 and flagged(state[row, 0] - slack, state[row, 1], denominator, limit):
            out[found] = row
            found += 1
    return found


@jit
def touch(accounts: Any, out: Any, marked: Any) -> int:
    """Mark accounts and write those not marked before to ``out``; returns how many."""
    found = 0
    for i in range(accounts.size):
        account = accounts[i]
        if marked[account] == 0:
            marked[account] = 1
            out[found] = account
            found += 1
    return found


@jit
def screen(
    accounts: Any, row_of: Any, state: Any, has_position: Any, prices: Any, shares: Any, priced: Any,
    per_unit: Any, error: Any, room: Any, out: Any,
) -> int:  # fmt: skip
    """Accounts (pool "account") that floats cannot clear, in the order given.

    Args:
        accounts: numbers to look at.
        row_of: int64 [assets, accounts], -1 for no row.
        state, has_position: per row, see ``tick``.
        prices, shares, priced: per asset: index price, least share of a positive balance that counts, price known.
        per_unit: 1 / R.
        error: relative error of a sum of sizes.
        room: per asset, numeraire units that roundings of one row can make.
        out: numbers found.

    Returns:
        number of entries written to ``out``.
    """
    found = 0
    for i in range(accounts.size):
        account = accounts[i]
        surplus = np.float64(0)
        bound = np.float64(0)
        held, known = False, True
        for asset in range(row_of.shape[0]):
            row = row_of[asset, account]
            if row < 0:
                continue
            held |= has_position[row] > 0
            known &= priced[asset] > 0
            balance = np.float64(state[row, 0] + state[row, 2])
            need = np.float64(state[row, 2]) + np.float64(state[row, 1]) * per_unit
            worth = balance * shares[asset] if balance > 0 else balance
            surplus += (worth - need) * prices[asset]
            bound += (abs(balance) + abs(need)) * prices[asset] * error + room[asset]
        if held and not (known and surplus > bound):
            out[found] = account
            found += 1
    return found

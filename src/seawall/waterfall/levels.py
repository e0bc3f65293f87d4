"""Compiled parts of the whole-lot rule: counting lots under a level, and the next lots in order. Exact, nothing wraps.

Importing this module loads numba, so the rule imports it inside its function. The slow twin is a heap of fractions in
the tests.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from seawall.money.jit import jit
from seawall.money.wide import wide_product

_ZERO, _ONE, _WORD = np.uint64(0), np.uint64(1), np.uint64(64)


@jit
def lots_at(equity: Any, lots: Any, level: Any, shift: Any) -> Any:
    """``min(lots, floor(equity x level / 2^shift))``; none negative, level and shift uint64, shift below 127."""
    high, low = wide_product(np.uint64(equity), level)
    if shift >= _WORD:
        found = high >> (shift - _WORD)
    elif high >> shift:
        return np.int64(lots)
    elif shift == _ZERO:
        found = low
    else:
        found = (low >> shift) | (high << (_WORD - shift))
    return np.int64(min(found, np.uint64(lots)))


@jit
def reaches(total: int, equity: Any, lots: Any, level: Any, shift: Any) -> bool:
    """Do the lots under a level sum to ``total`` or more?"""
    left = total
    for i in range(lots.size):
        left -= lots_at(equity[i], lots[i], level, shift)
        if left <= 0:
            return True
    return left <= 0


@jit
def counts_at(equity: Any, lots: Any, level: Any, shift: Any, out: Any) -> Any:
    """``lots_at`` of everyone into ``out``; their sum."""
    whole = 0
    for i in range(lots.size):
        out[i] = lots_at(equity[i], lots[i], level, shift)
        whole += out[i]
    return whole


@jit
def find_level(total: int, equity: Any, lots: Any) -> Any:
    """(level, shift): the next lower level on the grid of ``shift`` does not reach ``total``, this one does.

    The first search finds the power of two above it, the second the 63 bits of the level.
    """
    top = _ONE << np.uint64(63)
    met, missed = 0, 127
    while missed - met > 1:
        middle = (met + missed) // 2
        if reaches(total, equity, lots, top, np.uint64(middle)):
            met = middle
        else:
            missed = middle
    shift = np.uint64(met)
    low, high = top >> _ONE, top
    while high - low > _ONE:
        half = low + ((high - low) >> _ONE)
        if reaches(total, equity, lots, half, shift):
            high = half
        else:
            low = half
    return high, shift


@jit
def _before(i: int, j: int, equity: Any, out: Any) -> bool:
    """Is the next lot of ``i`` a smaller part of its equity than that of ``j``? Equal parts: the earlier index."""
    a_high, a_low = wide_product(np.uint64(out[i] + 1), np.uint64(equity[j]))
    b_high, b_low = wide_product(np.uint64(out[j] + 1), np.uint64(equity[i]))
    if a_high != b_high:
        return bool(a_high < b_high)
    if a_low != b_low:
        return bool(a_low < b_low)
    return i < j


@jit
def _sink(at: int, size: int, heap: Any, equity: Any, out: Any) -> None:
    """Restore the heap below one place."""
    while True:
        child = 2 * at + 1
        if child >= size:
            return
        if child + 1 < size and _before(heap[child + 1], heap[child], equity, out):
            child += 1
        if not _before(heap[child], heap[at], equity, out):
            return
        heap[at], heap[child] = heap[child], heap[at]
        at = child


@jit
def give_next(units: int, members: Any, equity: Any, lots: Any, out: Any) -> None:
    """One lot after the other to whoever gives the smallest part of equity by it, ``units`` in all.

    ``members`` (indexes of those with lots left) becomes the heap.
    """
    size = members.size
    for at in range(size // 2 - 1, -1, -1):
        _sink(at, size, members, equity, out)
    for _ in range(units):
        first = members[0]
        out[first] += 1
        if out[first] == lots[first]:
            size -= 1
            members[0] = members[size]
        _sink(0, size, members, equity, out)

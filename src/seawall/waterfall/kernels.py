"""Compiled parts of the allocation rules: exact 64-bit integers with 128-bit products, nothing wraps, no float.

Importing this module loads numba, so the rules import it inside functions. Each kernel has a slow twin of plain
Python integers in the tests.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from seawall.money.jit import jit
from seawall.money.wide import wide_product

AT_LOW, AT_HIGH, BETWEEN = 0, 1, 2
_LOW_KNOWN, _HIGH_KNOWN = 1, 2
_DIGIT = 11

_ZERO, _ONE, _BITS = np.uint64(0), np.uint64(1), np.uint64(64)


@jit
def checked_sum(values: Any) -> Any:
    """Sum of int64 values, none negative; -1 when one is negative, -2 when the sum does not fit.

    Unsigned on purpose: the compiler may take it that a signed sum of numbers that are not negative is not either.
    """
    total = _ZERO
    for i in range(values.size):
        if values[i] < 0:
            return -1
        total += np.uint64(values[i])
        if total >> np.uint64(63):
            return -2
    return np.int64(total)


@jit
def walk(left: int, capacity: Any, order: Any, out: Any) -> int:
    """Take each capacity in full along ``order`` until ``left`` is used; returns what is left."""
    for k in range(order.size):
        if left == 0:
            break
        i = order[k]
        amount = min(left, capacity[i])
        out[i] = amount
        left -= amount
    return left


@jit
def walk_from(left: int, capacity: Any, start: int, out: Any) -> int:
    """``walk`` in index order from ``start`` around the end; needs no order array."""
    n = capacity.size
    for k in range(n):
        if left == 0:
            break
        i = start + k
        if i >= n:
            i -= n
        amount = min(left, capacity[i])
        out[i] = amount
        left -= amount
    return left


@jit
def divide_by(high: Any, low: Any, divisor: Any, inverse: Any, shift: Any) -> Any:
    """Quotient and remainder of ``high * 2^64 + low`` by a divisor known beforehand; quotient below 2^64.

    ``divisor`` is shifted left by ``shift`` until its top bit is set; ``inverse = (2^128 - 1) // divisor - 2^64``.
    Source: Moller and Granlund, Improved division by invariant integers (2011), algorithm 4.
    """
    if shift > _ZERO:
        high = (high << shift) | (low >> (_BITS - shift))
    low = low << shift
    quotient, part = wide_product(inverse, high)
    part += low  # modulo 2^64 on purpose, with the carry by hand
    quotient += high + _ONE + (_ONE if part < low else _ZERO)
    rest = low - quotient * divisor
    if rest > part:
        quotient -= _ONE
        rest += divisor
    if rest >= divisor:
        quotient += _ONE
        rest -= divisor
    return quotient, rest >> shift


@jit
def scale_all(a: Any, b: Any, divisor: Any, inverse: Any, shift: Any, cap: int, out: Any) -> None:
    """``min(cap, floor(a x b / divisor))`` into ``out``; none negative, the divisor as for ``divide_by``."""
    plain = divisor >> shift
    for i in range(out.size):
        high, low = wide_product(np.uint64(a[i]), np.uint64(b[i]))
        if high >= plain:
            out[i] = cap
            continue
        quotient, _ = divide_by(high, low, divisor, inverse, shift)
        out[i] = np.int64(min(quotient, np.uint64(cap)))


@jit
def share_out(
    left: int, weights: Any, highs: Any, classes: Any, divisor: Any, inverse: Any, shift: Any, out: Any, rest: Any
) -> Any:
    """``floor(left * weight / whole)`` for those BETWEEN; ``rest`` is the remainder, -1 for the others.

    Returns:
        (sum of these shares, how many exact shares are above their upper bound).
    """
    given, over = np.int64(0), 0
    wide = np.uint64(left)
    for i in range(weights.size):
        if classes[i] != BETWEEN:
            rest[i] = -1
            continue
        high, low = wide_product(wide, np.uint64(weights[i]))
        quotient, remainder = divide_by(high, low, divisor, inverse, shift)
        share = np.int64(quotient)
        out[i] = share
        rest[i] = np.int64(remainder)
        given += share
        if share > highs[i] or (share == highs[i] and remainder > _ZERO):
            over += 1
    return given, over


@jit
def give_dust(units: int, rest: Any, bits: int, members: Any, out: Any) -> None:
    """One unit each to the ``units`` largest of ``rest`` (-1: never), equal ones to the earlier index.

    The smallest remainder that still gets one is found digit by digit; ``bits`` bounds the remainders. ``members``
    is scratch: those that agree with all digits found so far, in index order.
    """
    if units == 0:
        return
    shift = max(bits - _DIGIT, 0)
    counts = np.zeros(1 << _DIGIT, dtype=np.int64)
    for i in range(rest.size):
        if rest[i] >= 0:
            counts[rest[i] >> shift] += 1
    digit, need = counts.size - 1, units
    while counts[digit] < need:
        need -= counts[digit]
        digit -= 1
    count = 0
    for i in range(rest.size):
        top = rest[i] >> shift
        out[i] += 1 if top > digit else 0
        members[count] = i
        count += 1 if top == digit else 0
    while shift > 0 and count > need:
        lower = max(shift - _DIGIT, 0)
        mask = (1 << (shift - lower)) - 1
        counts[:] = 0
        for k in range(count):
            counts[(rest[members[k]] >> lower) & mask] += 1
        digit = mask
        while counts[digit] < need:
            need -= counts[digit]
            digit -= 1
        keep = 0
        for k in range(count):
            i = members[k]
            found = (rest[i] >> lower) & mask
            if found > digit:
                out[i] += 1
            elif found == digit:
                members[keep] = i
                keep += 1
        count, shift = keep, lower
    for k in range(need):
        out[members[k]] += 1


@jit
def compare_products(a: Any, b: Any, c: Any, d: Any) -> int:
    """Sign of ``a * b - c * d``, uint64 each."""
    high, low = wide_product(a, b)
    other_high, other_low = wide_product(c, d)
    if high != other_high:
        return 1 if high > other_high else -1
    if low != other_low:
        return 1 if low > other_low else -1
    return 0


@jit
def place(weight: int, low: int, high: int, top: Any, bottom: Any) -> int:
    """Where ``weight * top / bottom`` stands: AT_LOW, AT_HIGH or BETWEEN."""
    product, rest = wide_product(np.uint64(weight), top)
    if low > 0 or top == _ZERO:
        bound, bound_rest = wide_product(np.uint64(low), bottom)
        if product < bound or (product == bound and rest <= bound_rest):
            return AT_LOW
    bound, bound_rest = wide_product(np.uint64(high), bottom)
    if product > bound or (product == bound and rest >= bound_rest):
        return AT_HIGH
    return BETWEEN


@jit
def find_classes(total: int, weights: Any, lows: Any, highs: Any, classes: Any, open_: Any, known: Any) -> Any:
    """Which shares ``clamp(level * weight, low, high)`` are at a bound when they sum to ``total``.

    The level lies between the sums of the bounds. It is closed in on by pivots, each the exact ratio of a bound to
    its weight: expected work is a few times the length. ``open_`` (int64) and ``known`` (uint8) are scratch.

    Returns:
        (sum of the bounds of those at a bound, sum of the weights of those BETWEEN).
    """
    fixed, free, count = np.int64(0), np.int64(0), 0
    for i in range(weights.size):
        if weights[i] == 0 or lows[i] == highs[i]:
            classes[i] = AT_LOW
            fixed += lows[i]
        else:
            known[i] = _LOW_KNOWN if lows[i] == 0 else 0  # the level is not negative: a bound of zero is passed
            open_[count] = i
            count += 1
    state = np.uint64(0x9E3779B97F4A7C15)
    while count > 0:
        state = state * np.uint64(6364136223846793005) + np.uint64(1442695040888963407)
        pivot = open_[np.int64((state >> np.uint64(33)) % np.uint64(count))]
        use_high = known[pivot] & _LOW_KNOWN
        top = np.uint64(highs[pivot] if use_high else lows[pivot])
        bottom = np.uint64(weights[pivot])
        bound, weight = fixed, free
        for k in range(count):
            i = open_[k]
            found = place(weights[i], lows[i], highs[i], top, bottom)
            classes[i] = found
            if found == AT_LOW:
                bound += lows[i]
            elif found == AT_HIGH:
                bound += highs[i]
            else:
                weight += weights[i]
        sign = 1 if bound > total else compare_products(np.uint64(weight), top, np.uint64(total - bound), bottom)
        if sign == 0:
            return bound, weight
        keep = 0
        for k in range(count):
            i = open_[k]
            found = classes[i]
            if sign < 0:  # the level is higher
                if found == AT_HIGH:
                    fixed += highs[i]
                    continue
                if found == BETWEEN or compare_products(np.uint64(weights[i]), top, np.uint64(lows[i]), bottom) == 0:
                    known[i] |= _LOW_KNOWN
            else:  # the level is lower
                if found == AT_LOW:
                    fixed += lows[i]
                    continue
                known[i] |= (
                    0
                    if found == AT_HIGH
                    and compare_products(np.uint64(weights[i]), top, np.uint64(highs[i]), bottom) > 0
                    else _HIGH_KNOWN
                )
            if known[i] == _LOW_KNOWN | _HIGH_KNOWN:
                classes[i] = BETWEEN
                free += weights[i]
                continue
            open_[keep] = i
            keep += 1
        count = keep
    return fixed, free

"""Exact multiply-then-divide on 64-bit integers, with a 128-bit product: the compiled twin of ``money.muldiv``.

Nothing wraps: a result that does not fit is a status of the kernel and a named error of the wrapper. Importing this
module loads numba, so pure modules import it inside functions.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from seawall.errors import MoneyOverflow
from seawall.money.jit import jit
from seawall.money.rounding import Rounding

FITS, OVERFLOW, BY_ZERO = 0, 1, 2
MODES: dict[Rounding, int] = {
    Rounding.FLOOR: 0,
    Rounding.CEIL: 1,
    Rounding.TRUNC: 2,
    Rounding.AWAY: 3,
    Rounding.HALF_EVEN: 4,
    Rounding.HALF_UP: 5,
}
LARGEST = (1 << 63) - 1

# uint64 with a plain literal would become a float: every constant beside one is typed.
_ZERO, _ONE, _HALF_WORD, _LOW = np.uint64(0), np.uint64(1), np.uint64(32), np.uint64(0xFFFFFFFF)
_WORD, _TOP = np.uint64(1 << 32), np.uint64(1 << 63)


@jit
def magnitude(number: int) -> Any:
    """Absolute value as uint64; right for -2^63 too."""
    if number < 0:
        return np.uint64(-(number + 1)) + _ONE
    return np.uint64(number)


@jit
def product_128(a: Any, b: Any) -> Any:
    """High and low uint64 of ``a * b``, both uint64 (schoolbook, four 32-bit products)."""
    a_high, a_low = a >> _HALF_WORD, a & _LOW
    b_high, b_low = b >> _HALF_WORD, b & _LOW
    low = a_low * b_low
    cross = a_high * b_low + (low >> _HALF_WORD)
    other = a_low * b_high + (cross & _LOW)
    high = a_high * b_high + (cross >> _HALF_WORD) + (other >> _HALF_WORD)
    return high, (other << _HALF_WORD) | (low & _LOW)


@jit
def divide_128(high: Any, low: Any, divisor: Any) -> Any:
    """Quotient and remainder of ``(high * 2^64 + low) / divisor``; needs ``high < divisor``.

    Source: Hacker's Delight, 2nd edition, section 9-4 (``divlu``), after Knuth volume 2, section 4.3.1, algorithm D.
    """
    shift = _ZERO
    while (divisor << shift) < _TOP:
        shift += _ONE
    divisor = divisor << shift
    d_high, d_low = divisor >> _HALF_WORD, divisor & _LOW
    if shift > _ZERO:
        high = (high << shift) | (low >> (np.uint64(64) - shift))
    low = low << shift
    next_high, next_low = low >> _HALF_WORD, low & _LOW
    first = high // d_high
    rest = high - first * d_high
    while first >= _WORD or first * d_low > ((rest << _HALF_WORD) | next_high):
        first -= _ONE
        rest += d_high
        if rest >= _WORD:
            break
    middle = ((high << _HALF_WORD) | next_high) - first * divisor  # modulo 2^64 on purpose
    second = middle // d_high
    rest = middle - second * d_high
    while second >= _WORD or second * d_low > ((rest << _HALF_WORD) | next_low):
        second -= _ONE
        rest += d_high
        if rest >= _WORD:
            break
    remainder = ((middle << _HALF_WORD) | next_low) - second * divisor
    return (first << _HALF_WORD) + second, remainder >> shift


@jit
def rounds_away(mode: int, negative: bool, quotient: Any, remainder: Any, divisor: Any) -> bool:
    """Does a non-zero remainder move the magnitude of the quotient one away from zero, in this mode?"""
    if mode == 0:
        return negative
    if mode == 1:
        return not negative
    if mode == 2:
        return False
    if mode == 3:
        return True
    left = divisor - remainder
    if remainder != left:
        return bool(remainder > left)
    return mode == 5 or (quotient & _ONE) == _ONE


@jit
def muldiv_i64(a: int, b: int, c: int, mode: int) -> Any:
    """``a * b / c`` of int64, exact product, rounded once; ``mode`` from ``MODES``.

    Returns:
        (value, status): status ``FITS``, or ``OVERFLOW`` with the sign of the result (-1, 1) as the value, or
        ``BY_ZERO`` with 0.
    """
    if c == 0:
        return 0, BY_ZERO
    if a == 0 or b == 0:
        return 0, FITS
    negative = ((a < 0) != (b < 0)) != (c < 0)
    sign = -1 if negative else 1
    divisor = magnitude(c)
    high, low = product_128(magnitude(a), magnitude(b))
    if high >= divisor:
        return sign, OVERFLOW
    if high == _ZERO:
        quotient = low // divisor
        remainder = low - quotient * divisor
    else:
        quotient, remainder = divide_128(high, low, divisor)
    if remainder != _ZERO and rounds_away(mode, negative, quotient, remainder, divisor):
        quotient += _ONE
        if quotient == _ZERO:
            return sign, OVERFLOW
    if quotient >= _TOP:
        if negative and quotient == _TOP:
            return -LARGEST - 1, FITS
        return sign, OVERFLOW
    value = np.int64(quotient)
    return (-value if negative else value), FITS


@jit
def muldiv_all(a: Any, b: Any, c: Any, mode: int, cap: int, out: Any) -> int:
    """``muldiv_i64`` over arrays into ``out``; with ``cap`` > 0 magnitudes saturate at it, overflow included.

    Returns:
        -1, or the first index whose result does not fit (``cap`` 0) or whose divisor is 0; ``out`` is then unfinished.
    """
    for i in range(out.size):
        value, status = muldiv_i64(a[i], b[i], c[i], mode)
        if status == BY_ZERO or (status == OVERFLOW and cap == 0):
            return i
        if cap > 0:
            if status == OVERFLOW:
                value = value * cap
            value = min(max(value, -cap), cap)
        out[i] = value
    return -1


def muldiv_array(
    a: NDArray[np.int64], b: NDArray[np.int64], c: NDArray[np.int64], rounding: Rounding, *, cap: int | None = None
) -> NDArray[np.int64]:
    """``a * b / c`` element by element, int64 arrays of one shape [n], rounded once as named.

    Args:
        a, b, c: factors and divisor.
        rounding: see ``Rounding``.
        cap: 1 to 2^62: results beyond it in magnitude become ``cap`` with their sign. For scores, never for money.

    Raises:
        MoneyOverflow: without ``cap``, a result that does not fit int64; names the index and the numbers.
        ZeroDivisionError: a divisor is zero.
        ValueError: arrays of different shapes, or a cap out of range.
    """
    if not a.shape == b.shape == c.shape or a.ndim != 1:
        raise ValueError(f"muldiv_array of shapes {a.shape}, {b.shape}, {c.shape}")
    if cap is not None and not 1 <= cap <= 1 << 62:
        raise ValueError(f"cap {cap} out of range")
    out = np.empty(len(a), dtype=np.int64)
    wrong = muldiv_all(a, b, c, MODES[rounding], cap or 0, out)
    if wrong >= 0:
        numbers = int(a[wrong]), int(b[wrong]), int(c[wrong])
        if numbers[2] == 0:
            raise ZeroDivisionError(f"muldiv_array: divisor {wrong} is zero")
        raise MoneyOverflow(f"{numbers[0]} * {numbers[1]} / {numbers[2]} does not fit 64 bits (element {wrong})")
    return out

"""Small exact arithmetic that every rule needs: signs of rounding, pro rata, clamps. Nothing of the library."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

Inputs = dict[str, Any]
Rule = Callable[[Inputs], dict[str, Any]]


class OutOfDomainError(Exception):
    """The rule's text gives no answer here (a division by zero it does not speak of): the case says nothing."""


def trunc_div(a: int, b: int) -> int:
    """Quotient toward zero."""
    quotient = abs(a) // abs(b)
    return quotient if (a >= 0) == (b > 0) else -quotient


def ceil_div(a: int, b: int) -> int:
    return -(-a // b)


def floor_div(a: int, b: int) -> int:
    if b == 0:
        raise OutOfDomainError("division by zero")
    return a // b


def power_of_ten(exponent: int) -> Fraction:
    return Fraction(10) ** exponent


def clamp(x: Fraction, low: Fraction, high: Fraction) -> Fraction:
    return max(low, min(high, x))


def real(x: int | Fraction) -> Fraction:
    return Fraction(x)


def ratio(a: int | Fraction, b: int | Fraction) -> Fraction:
    if b == 0:
        raise OutOfDomainError("division by zero")
    return Fraction(a) / Fraction(b)


def pro_rata(total: int | Fraction, weights: Mapping[Any, int | Fraction]) -> dict[Any, Fraction]:
    """amount_i * total / sum of the weights; a zero sum gives zero to everyone."""
    whole = sum(weights.values())
    if whole == 0:
        return {key: Fraction(0) for key in weights}
    return {key: Fraction(weight) * Fraction(total) / Fraction(whole) for key, weight in weights.items()}


def two_largest(xs: list[int | Fraction]) -> Fraction:
    return Fraction(sum(sorted(xs, reverse=True)[:2]))

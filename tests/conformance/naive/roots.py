"""Square root and logarithm to 40 digits, so that the twin's own error is nothing beside a tolerance."""

from __future__ import annotations

from decimal import Context, Decimal
from fractions import Fraction

DIGITS = Context(prec=40)


def _decimal(x: Fraction) -> Decimal:
    return DIGITS.divide(Decimal(x.numerator), Decimal(x.denominator))


def square_root(x: Fraction) -> Fraction:
    return Fraction(DIGITS.sqrt(_decimal(x)))


def logarithm(x: Fraction) -> Fraction:
    return Fraction(DIGITS.ln(_decimal(x)))

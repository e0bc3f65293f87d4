"""The binomial distribution in exact fractions, for decisions on counts that must not hang on a rounding."""

from __future__ import annotations

from fractions import Fraction

from seawall.errors import InputError


def binomial_cdf(n: int, p: Fraction, k: int) -> Fraction:
    """``P(X <= k)`` for X binomial(n, p). Exact; work grows with ``n x k``.

    Raises:
        InputError: ``n`` negative or ``p`` outside 0 to 1.
    """
    check_binomial(n, p)
    if k < 0:
        return Fraction(0)
    if k >= n:
        return Fraction(1)
    a, b = p.numerator, p.denominator
    return Fraction(sum(binomial_counts(n, p, k)), b**n) if a < b else Fraction(0)


def binomial_counts(n: int, p: Fraction, upto: int) -> list[int]:
    """``P(X = i) x denominator(p)^n`` for i = 0 .. ``upto`` (< n): whole numbers. ``p`` is below one."""
    a, b = p.numerator, p.denominator
    term = (b - a) ** n
    out = [term]
    for i in range(upto):
        term = term * (n - i) * a // ((i + 1) * (b - a))  # divides evenly: the next term is whole
        out.append(term)
    return out


def check_binomial(n: int, p: Fraction) -> None:
    """Raise InputError unless ``n >= 0`` and ``0 <= p <= 1``."""
    if n < 0:
        raise InputError("a number of trials is negative", value=n)
    if not 0 <= p <= 1:
        raise InputError("a probability is outside 0 to 1", value=p)

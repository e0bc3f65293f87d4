"""Back-tests of margin coverage: traffic light, Kupiec's test, the public disclosure. Counts are decided exactly."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Context, Decimal
from enum import Enum
from fractions import Fraction
from typing import NamedTuple

from seawall.errors import InputError
from seawall.models.binomial import binomial_cdf, binomial_counts, check_binomial

YELLOW = Fraction(95, 100)
RED = Fraction(9999, 10_000)
NINETY_NINE = Fraction(99, 100)
THREE_NINES = Fraction(999, 1000)
DIGITS = Context(prec=60)  # logarithms: far beyond what any critical value is given to
INFINITE = Decimal("Infinity")


class Zone(Enum):
    """Basel traffic light. The name is what reports print."""

    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"


class TrafficLight(NamedTuple):
    """``P(X <= exceptions)``, exact, and the zone it falls in."""

    cumulative_probability: Fraction
    zone: Zone


def traffic_light(n: int, coverage: Fraction, exceptions: int) -> TrafficLight:
    """Zone of ``exceptions`` in ``n`` days at ``coverage``, for any horizon (365 days for a venue that never closes).

    X is binomial(n, 1 - coverage). Green below 95 %, yellow from 95 % and below 99.99 %, red from 99.99 %.

    Source: Basel back-testing framework.

    Raises:
        InputError: exceptions outside 0 to ``n``, or a coverage outside 0 to 1.
    """
    _check_count(n, exceptions)
    found = binomial_cdf(n, 1 - coverage, exceptions)
    zone = Zone.GREEN if found < YELLOW else Zone.YELLOW if found < RED else Zone.RED
    return TrafficLight(found, zone)


class ZoneThresholds(NamedTuple):
    """First count in yellow (or red, when they coincide), first count in red."""

    yellow_from: int
    red_from: int


def zone_thresholds(n: int, coverage: Fraction) -> ZoneThresholds:
    """Smallest counts with ``P(X <= k)`` at or above 95 % and 99.99 %. Exact."""
    p = 1 - coverage
    check_binomial(n, p)
    if n == 0 or p == 0:
        return ZoneThresholds(0, 0)
    if p == 1:
        return ZoneThresholds(n, n)
    whole = p.denominator**n
    return ZoneThresholds(_first_at(n, p, YELLOW * whole), _first_at(n, p, RED * whole))


def _first_at(n: int, p: Fraction, level: Fraction) -> int:
    """Smallest k whose cumulative count reaches ``level``; the counts are made in growing batches."""
    upto = min(n - 1, 16)
    while True:
        total = 0
        for k, count in enumerate(binomial_counts(n, p, upto)):
            total += count
            if total >= level:
                return k
        if upto == n - 1:
            return n
        upto = min(n - 1, 2 * upto)


def _log_term(count: int, p: Fraction) -> Decimal:
    """``count x ln p``; a term with factor 0 is 0."""
    if count == 0:
        return Decimal(0)
    if p == 0:
        return -INFINITE
    ratio = DIGITS.divide(Decimal(p.numerator), Decimal(p.denominator))
    return DIGITS.multiply(Decimal(count), DIGITS.ln(ratio))


def _statistic(n: int, p: Fraction, exceptions: int) -> Decimal:
    q = Fraction(exceptions, n)
    if p == q:
        return Decimal(0)  # exactly: not a difference of rounded logarithms
    null = DIGITS.add(_log_term(n - exceptions, 1 - p), _log_term(exceptions, p))
    best = DIGITS.add(_log_term(n - exceptions, 1 - q), _log_term(exceptions, q))
    return DIGITS.multiply(Decimal(2), DIGITS.subtract(best, null))


def kupiec_lr(n: int, coverage: Fraction, exceptions: int) -> float:
    """Kupiec's proportion-of-failures likelihood ratio, chi-squared with one degree of freedom.

    With ``p = 1 - coverage`` and ``q = x / n``: ``-2 (ln L(p) - ln L(q))``, ``ln L(r) = (n - x) ln(1 - r) + x ln r``.
    Worked in 60 digits, rounded once. Infinite when ``p`` is 0 or 1 and the count contradicts it.

    Source: Kupiec (1995).

    Raises:
        InputError: no days, exceptions outside 0 to ``n``, or a coverage outside 0 to 1.
    """
    _check_days(n, coverage)
    _check_count(n, exceptions)
    return float(_statistic(n, 1 - coverage, exceptions))


def kupiec_region(n: int, coverage: Fraction, critical_value: Fraction) -> tuple[int, int] | None:
    """Smallest and largest count whose likelihood ratio is at or below ``critical_value``; None when there is none.

    Both ends matter: too few exceptions are rejected too. The ratio falls up to ``n x p`` and rises after it, so each
    end is found by bisection.
    """
    _check_days(n, coverage)
    p = 1 - coverage
    limit = DIGITS.divide(Decimal(critical_value.numerator), Decimal(critical_value.denominator))
    low = int(n * p)  # rounded down: the two whole counts around n x p are the best candidates
    inside = [x for x in (low, low + 1) if x <= n and _statistic(n, p, x) <= limit]
    if not inside:
        return None
    first, last = inside[0], inside[-1]
    outside = -1
    while first - outside > 1:
        middle = (first + outside) // 2
        if _statistic(n, p, middle) <= limit:
            first = middle
        else:
            outside = middle
    outside = n + 1
    while outside - last > 1:
        middle = (last + outside) // 2
        if _statistic(n, p, middle) <= limit:
            last = middle
        else:
            outside = middle
    return first, last


class CoverageDisclosure(NamedTuple):
    """Fields 6.5 of the public quantitative disclosure; amounts are zero without a breach."""

    breaches: int
    observations: int
    achieved_coverage: Fraction
    peak_uncovered: Fraction
    average_uncovered: Fraction
    meets_99: bool
    meets_99_9: bool


def coverage_disclosure(observations: int, uncovered: Sequence[int | Fraction]) -> CoverageDisclosure:
    """Achieved coverage of margin over ``observations``, with one uncovered amount per breach.

    Whether 99 % and 99.9 % are met is decided on the counts.

    Source: CPMI-IOSCO public quantitative disclosure, section 6.5.

    Raises:
        InputError: no observations, or more breaches than observations.
    """
    breaches = len(uncovered)
    if observations <= 0 or breaches > observations:
        raise InputError("breaches and observations do not fit", value=(breaches, observations))
    coverage = Fraction(observations - breaches, observations)
    exact = [Fraction(x) for x in uncovered]
    return CoverageDisclosure(
        breaches,
        observations,
        coverage,
        max(exact, default=Fraction(0)),
        sum(exact, Fraction(0)) / breaches if breaches else Fraction(0),  # exact: Fraction
        coverage >= NINETY_NINE,
        coverage >= THREE_NINES,
    )


def _check_days(n: int, coverage: Fraction) -> None:
    if n < 1:
        raise InputError("a back-test needs at least one day", value=n)
    check_binomial(n, 1 - coverage)


def _check_count(n: int, exceptions: int) -> None:
    if not 0 <= exceptions <= n:
        raise InputError("a number of exceptions is outside the days", value=exceptions, expected=f"0 to {n}")

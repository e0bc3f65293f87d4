"""Traffic light, Kupiec, disclosure, capital. Ids backtest-*."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.errors import InputError
from seawall.risk import (
    Exposure,
    Zone,
    coverage_disclosure,
    k_ccp,
    kupiec_lr,
    kupiec_region,
    member_charge,
    traffic_light,
    zone_thresholds,
)

CHI2_95 = Fraction("3.841458820694124")


@pytest.mark.parametrize(
    ("n", "coverage", "yellow", "red", "source"),
    [
        (250, "0.99", 5, 10, "Basel: green 0-4, yellow 5-9, red from 10"),
        (750, "0.995", 7, 13, "clearing-house reference 1.4"),
        (365, "0.99", 7, 13, "a year of a venue that never closes, reference 1.4"),
        (365, "0.995", 4, 9, "the same at 99.5 %"),
    ],
)
def test_backtest_thresholds(n, coverage, yellow, red, source):
    assert zone_thresholds(n, Fraction(coverage)) == (yellow, red), source
    zones = [traffic_light(n, Fraction(coverage), k).zone for k in (yellow - 1, yellow, red - 1, red)]
    assert zones == [Zone.GREEN, Zone.YELLOW, Zone.YELLOW, Zone.RED], source


@settings(max_examples=50)
@given(n=st.integers(1, 120), coverage=st.fractions(0, 1, max_denominator=50))
def test_backtest_thresholds_are_the_first_counts_of_their_zone(n, coverage):
    yellow, red = zone_thresholds(n, coverage)
    zones = [traffic_light(n, coverage, k).zone for k in range(n + 1)]
    assert next(k for k, z in enumerate(zones) if z is not Zone.GREEN) == yellow
    assert next(k for k, z in enumerate(zones) if z is Zone.RED) == red


def test_backtest_a_probability_exactly_on_the_line_is_yellow():
    assert traffic_light(1, Fraction(95, 100), 0) == (Fraction(95, 100), Zone.YELLOW)
    assert traffic_light(1, Fraction(9999, 10_000), 0).zone is Zone.RED


def slow_lr(n, p, x):
    q = x / n

    def log_likelihood(r):
        return ((n - x) * math.log(1 - r) if n - x else 0.0) + (x * math.log(r) if x else 0.0)

    return -2 * (log_likelihood(p) - log_likelihood(q))


@settings(max_examples=60)
@given(n=st.integers(1, 300), coverage=st.fractions(Fraction(1, 10), Fraction(999, 1000), max_denominator=1000))
def test_backtest_region_is_every_count_the_statistic_accepts(n, coverage):
    accepted = [x for x in range(n + 1) if slow_lr(n, float(1 - coverage), x) <= float(CHI2_95)]
    expected = (accepted[0], accepted[-1]) if accepted else None
    assert kupiec_region(n, coverage, CHI2_95) == expected


@pytest.mark.parametrize(("n", "first", "last"), [(250, 1, 6), (255, 1, 6), (510, 2, 10)])
def test_backtest_kupiec_rejects_none_at_all_too(n, first, last):
    # The usual table prints "fewer than 7" for 255 days; zero exceptions are rejected as well (LR 5.13).
    assert kupiec_region(n, Fraction("0.99"), CHI2_95) == (first, last)


def test_backtest_kupiec_at_the_ends():
    assert kupiec_lr(255, Fraction("0.99"), 0) == pytest.approx(5.1257, abs=1e-4)
    assert kupiec_lr(200, Fraction("0.99"), 2) == 0
    assert kupiec_region(200, Fraction("0.99"), Fraction(0)) == (2, 2)
    assert kupiec_region(250, Fraction("0.99"), Fraction(0)) is None  # 2.5 is not a count
    assert kupiec_lr(10, Fraction(1), 0) == 0
    assert kupiec_lr(10, Fraction(1), 1) == math.inf
    assert kupiec_region(10, Fraction(1), CHI2_95) == (0, 0)
    with pytest.raises(InputError, match="outside the days"):
        kupiec_lr(10, Fraction("0.99"), 11)
    with pytest.raises(InputError, match="at least one day"):
        kupiec_region(0, Fraction("0.99"), CHI2_95)


def test_backtest_disclosure_decides_on_counts():
    exact = coverage_disclosure(1000, [2])
    assert (exact.meets_99, exact.meets_99_9, exact.achieved_coverage) == (True, True, Fraction(999, 1000))
    assert not coverage_disclosure(1000, [1, 3]).meets_99_9
    assert coverage_disclosure(100, [5]).meets_99
    assert not coverage_disclosure(99, [5]).meets_99
    assert coverage_disclosure(10, [])[3:5] == (0, 0)
    with pytest.raises(InputError, match="do not fit"):
        coverage_disclosure(1, [1, 1])


def test_backtest_capital_ignores_surplus_collateral_and_keeps_a_floor():
    exposures = [Exposure(100, 60, 10).ead, Exposure(50, 60, 10).ead]
    assert exposures == [30, 0]
    assert k_ccp([*exposures, -5], Fraction(1, 5), Fraction(8, 100)) == Fraction(48, 100)
    floor = member_charge(Fraction(1, 100), 20, 180, 45, Fraction(8, 100), Fraction(2, 100))
    assert floor.k_cm == floor.floor == Fraction(72, 1000)
    assert floor.rwa == Fraction(9, 10)
    with pytest.raises(InputError, match="without prefunded"):
        member_charge(1, 0, 0, 0, Fraction(8, 100), Fraction(2, 100))

"""Budgets and the metrics of an allocation. Ids budget-*, metrics-*."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.errors import InputError
from seawall.waterfall import Backoff, CapRoom, ProfitCap, deficit_of, gini, measure, needed, severe, severity_of
from seawall.waterfall.waterfilling import amounts


def test_budget_deficit_needed_and_severity():
    assert deficit_of([10, 5, 1, -3, -12]) == 15
    assert needed([2, -3], [100, 50], [90, 55]) == 35
    assert severity_of(15, 20) == 1
    assert severity_of(15, 10) == Fraction(2, 3)
    assert severity_of(0, 0) == 1
    assert severe(15, Fraction(1, 2)) == 7
    with pytest.raises(InputError, match="severity outside"):
        severe(15, Fraction(3, 2))


def test_budget_backoff_halves_each_round():
    rule = Backoff(Fraction(1), Fraction(1, 2))
    assert [rule.budget(1001, k) for k in range(4)] == [1001, 500, 250, 125]
    with pytest.raises(InputError, match="within 0 to 1"):
        Backoff(Fraction(2), Fraction(1, 2))


CAP = ProfitCap(Fraction(85, 100), Fraction(77, 100))


def test_budget_profit_cap_worked_example():
    """Pool 1000, profit 900: (900 - x) / (1000 - x) = 0.85 at 333.3, = 0.77 at 565.2. Source: GMX v2 base config 85 % / 77 %."""
    assert CAP.room(900, 1000) == CapRoom(True, 334, 565)
    assert CAP.room(850, 1000) == CapRoom(False, 0, 0)
    fixed = ProfitCap(Fraction(85, 100), Fraction(77, 100), paid_from_pool=False)
    assert fixed.room(900, 1000) == CapRoom(True, 50, 130)
    assert CAP.check_step(900, 1000, 566, 666) is None
    assert CAP.check_step(900, 1000, 900, 1000) == "not_lower"
    assert CAP.check_step(900, 1000, 334, 434) == "overcorrected"
    assert CAP.check_step(100, 1000, 50, 950) == "not_enabled"
    with pytest.raises(InputError, match="floor <= cap"):
        ProfitCap(Fraction(1, 2), Fraction(3, 4))


@given(profit=st.integers(1, 10**6), pool=st.integers(0, 10**6))
def test_budget_profit_cap_room_passes_its_own_check(profit, pool):
    found = CAP.room(profit, pool)
    if not found.enabled:
        assert profit <= CAP.cap * pool
        return
    assert 0 < found.least <= found.most <= profit
    assert CAP.check_step(profit, pool, profit - found.most, pool - found.most) in (None, "not_lower")
    if found.most < profit and pool > profit:
        beyond = found.most + 1
        assert CAP.check_step(profit, pool, profit - beyond, pool - beyond) == "overcorrected"
        assert not CAP.enabled(profit - found.least, pool - found.least) or found.least == found.most


@given(values=st.lists(st.one_of(st.integers(0, 20), st.integers(0, 1 << 58)), max_size=9))
def test_metrics_gini_is_the_mean_difference(values):
    """Twin from the definition: mean absolute difference over twice the mean."""
    n, total = len(values), sum(values)
    far = sum(abs(a - b) for a in values for b in values)
    assert gini(amounts(values)) == (Fraction(far, 2 * n * total) if total else 0)


def test_metrics_of_a_small_case_in_both_units():
    found = measure(30, [20, 10, 0, 5], [40, 10, 10, 0], [100, 40, 0, -3], top=(1, 2, 9))
    assert (found.collected, found.residual, found.overshoot, found.touched, found.largest) == (35, 0, 5, 3, 20)
    assert found.top_share == {1: Fraction(20, 35), 2: Fraction(30, 35), 9: Fraction(1)}
    assert (found.in_profit.base, found.in_profit.max_haircut, found.in_profit.outside) == (60, Fraction(1), 5)
    assert (found.in_equity.base, found.in_equity.max_haircut, found.in_equity.outside) == (140, Fraction(1, 4), 5)
    assert found.in_equity.needed == Fraction(30, 140)
    assert found.in_profit.overshoot == Fraction(5, 60)
    short = measure(30, [1, 0], [5, 5], [5, 5])
    assert (short.residual, short.overshoot) == (29, -29)


def test_metrics_of_nothing():
    found = measure(5, [0, 0], [1, 1], [0, 0])
    assert (found.collected, found.residual, found.touched, found.gini) == (0, 5, 0, 0)
    assert found.top_share[1] == 0
    assert found.in_equity.base == 0

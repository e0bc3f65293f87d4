"""10 October 2025 in figures: published policy table, horizons, deficits once, our rules on real winners. Ids waves-*."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from conformance.waves import (
    BUDGET,
    UNIT,
    allocation_table,
    allocators,
    deficit_report,
    horizon_table,
    policy_table,
    report,
    winners,
)

from seawall.errors import InputError
from seawall.waterfall import count_once, summarise_policy
from seawall.waterfall import deficits as deficit_room


@pytest.fixture(scope="module")
def folder(shared):
    return shared / "data" / "hyperliquid_20251010"


# Source: pluriholonomic/autodeleveraging-analysis, policy table over 16 waves (target 15.08m), as printed.
PUBLISHED = {
    "production": (60.11, 45.03, 53.78, 0.754, 1.00, 11.08),
    "wealth pro rata": (15.08, 0.00, 0.00, 0.013, 0.165, 2.73),
    "profit pro rata": (15.08, 0.00, 0.00, 0.028, 0.185, 1.68),
    "equity pro rata": (15.08, 0.00, 0.00, 0.005, 0.063, 2.80),
    "vector projection": (13.29, -1.79, 1.79, 0.007, 0.023, 2.62),
    "contract pro rata": (12.06, -3.02, 3.02, 0.115, 0.736, 0.38),
    "integer fixed point": (15.17, 0.09, 0.11, 0.062, 0.374, 0),
}


@pytest.mark.shared
@pytest.mark.parametrize("policy", PUBLISHED)
def test_waves_policy_table_is_the_published_one(folder, policy):
    found = policy_table(folder)[policy]
    collected, net, absolute, mean, worst, regret = PUBLISHED[policy]
    got = [float(x) for x in found]
    for value, expected, unit in zip(got, (collected, net, absolute), (1e6,) * 3, strict=False):
        assert abs(value / unit - expected) <= 0.005 + 1e-9, (policy, got)
    assert abs(got[3] - mean) <= 0.0005 + 1e-9, (policy, got)
    assert abs(got[4] - worst) <= 0.0005 + 1e-9, (policy, got)
    assert abs(got[5] / 1e6 - regret) <= 0.005 + 1e-9, (policy, got)


@pytest.mark.shared
def test_waves_overshoot_by_horizon_is_the_published_one(folder):
    found = horizon_table(folder)
    over = {h: round(float(row.overshoot) / 1e6, 2) for h, row in found.items()}
    assert over == {0: 45.03, 500: 51.67, 1000: 51.01, 2000: 47.45, 5000: 49.27}
    assert round(float(found[0].needed), 2) == 15_079_669.61
    assert round(float(found[0].taken), 2) == 60_108_335.33
    assert found[0].under == [1, 2, 4, 5, 9, 10]


@pytest.mark.shared
def test_waves_deficits_counted_once_are_an_eighth_of_what_was_published(folder):
    found = deficit_report(folder)
    assert found.published == 10_006_338_669
    assert round(found.counted_once / 1e8, 1) == 12.7
    assert found.repeats == {1_092_570_716: 9}


def test_waves_counted_once_by_hand():
    """Wave A loses 10 (largest 7), B 9 (largest 7, the same account), C 4 (largest 4)."""
    assert count_once([10, 9, 4], [7, 7, 4]) == (23, 16, {7: 2})
    assert count_once([], []) == (0, 0, {})
    with pytest.raises(InputError, match="largest loss above"):
        count_once([3], [4])
    book = deficit_room.DeficitBook()  # with ids no counting is needed: the second charge is refused
    book.recognise("x", 1, 7)
    with pytest.raises(Exception, match="recognised twice"):
        book.recognise("x", 1, 7)


def test_waves_policy_summary_by_hand():
    found = summarise_policy(*[[Fraction(x) for x in row] for row in ((10, 20), (13, 15), (1, 0), (0, 1))])
    assert found == (28, -2, 8, Fraction(1, 2), 1, 30)
    with pytest.raises(InputError, match="no wave"):
        summarise_policy([], [], [], [])


@pytest.mark.shared
@pytest.mark.parametrize("base", ["profit", "equity proxy"])
def test_waves_our_rules_collect_the_needed_budget_to_the_unit(folder, base):
    w = winners(folder)
    assert len(w.profit) == 12_112
    table = allocation_table(w, base)
    for name, m in table.items():
        assert (m.collected, m.residual, m.overshoot) == (BUDGET, 0, 0), name
        assert m.needed == 15_079_669_610_000
    capacity = np.maximum(w.profit if base == "profit" else w.equity, 0)
    whole = Fraction(BUDGET, int(capacity.sum()))
    given = allocators(w, capacity)["pro rata to the base"](BUDGET).amounts
    assert max(abs(int(a) - whole * int(c)) for a, c in zip(given, capacity, strict=True)) < 1
    if base == "profit":
        # One rate for all: nobody's haircut is above the rate by more than a unit of dust, which weighs on tiny profits.
        assert table["pro rata to the base"].touched == int((given > 0).sum())
        fair = [int(a) <= whole * int(c) + 1 for a, c in zip(given, capacity, strict=True)]
        assert all(fair)
        queue = table["queue, profit x leverage"]
        assert queue.touched < table["pro rata to the base"].touched
        assert queue.in_profit.max_haircut == 1


@pytest.mark.shared
def test_waves_report_prints_what_it_found(folder):
    text = "\n".join(report(folder))
    assert "| production | 60.11 | +45.03 | 53.78 | 0.754 | 1.000 | 11.08 |" in text
    assert "12,657,729.41 USD" in text
    assert text.count(f"{BUDGET / UNIT:,.2f}") == 18

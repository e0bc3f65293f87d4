"""Contributions, splits of own resources, tiers. Ids contributions-*."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.errors import InputError
from seawall.members import (
    OwnSlice,
    Tier,
    contributions_with_minimum,
    own_resources_split,
    pro_rata,
    tiers_in_order,
    to_units,
    use_by_tier,
    weighted_contributions,
    weighted_contributions_in_units,
)

AMOUNTS = st.dictionaries(st.sampled_from("ABCDEF"), st.integers(0, 400), min_size=1)


@given(target=st.integers(0, 2_000), exposure=AMOUNTS, minimum=st.integers(0, 300))
def test_contributions_with_minimum_hold(target, exposure, minimum):
    found = contributions_with_minimum(target, exposure, minimum)
    exact = contributions_with_minimum(
        Fraction(target), {m: Fraction(x) for m, x in exposure.items()}, Fraction(minimum)
    )
    assert all(x >= minimum for x in found.values())
    if any(exposure.values()) and minimum * len(exposure) <= target:
        assert sum(found.values()) == sum(exact.values()) == target
    elif minimum:
        assert set(found.values()) == set(exact.values()) == {minimum}
    for m in exposure:
        assert abs(found[m] - exact[m]) < 1
        for other in exposure:  # more exposure never pays less
            if exposure[m] >= exposure[other]:
                assert exact[m] >= exact[other]
    above = [m for m in exposure if exact[m] > minimum]
    rates = {exact[m] / exposure[m] for m in above}
    assert len(rates) <= 1, "those above the minimum pay at one rate"


def test_contributions_minimum_is_fixed_for_all_at_once_and_again():
    # 100 over 60, 30, 6, 4 with a minimum of 10: D and C are fixed at once; then B and A share 80 at 2 : 1.
    assert contributions_with_minimum(100, {"A": 60, "B": 30, "C": 6, "D": 4}, 10) == {
        "A": 53, "B": 27, "C": 10, "D": 10,
    }  # fmt: skip
    # second round: 60 over 50, 11, 9 at a minimum of 8 fixes C; then B's share of 52 is 9.4 and stays.
    assert contributions_with_minimum(60, {"A": 50, "B": 11, "C": 9}, 8)["C"] == 8


@given(total=st.integers(0, 10_000), weights=AMOUNTS, data=st.data())
def test_contributions_split_ignores_the_order_of_members(total, weights, data):
    order = data.draw(st.permutations(sorted(weights)))
    found = pro_rata(total, weights)
    assert pro_rata(total, {m: weights[m] for m in order}) == found
    assert sum(found.values()) == (total if any(weights.values()) else 0)
    for m, w in weights.items():
        if any(weights.values()):
            assert abs(found[m] - Fraction(total * w, sum(weights.values()))) < 1


def test_contributions_units_of_exact_shares_sum_to_the_floor():
    assert to_units({"A": Fraction(5, 2), "B": Fraction(5, 2), "C": Fraction(1, 4)}) == {"A": 3, "B": 2, "C": 0}


def test_contributions_weighted_shares_sum_to_the_fund():
    measures = {"A": {"risk": 600, "volume": 1}, "B": {"risk": 300, "volume": 1}, "C": {"risk": 100, "volume": 1}}
    weights = {"risk": Fraction(7, 10), "volume": Fraction(3, 10)}
    exact = weighted_contributions(1_000, 10, weights, measures)
    assert exact["A"] == 10 + 970 * (Fraction(7, 10) * Fraction(6, 10) + Fraction(1, 10))
    units = weighted_contributions_in_units(1_000, 10, weights, measures)
    assert sum(units.values()) == sum(exact.values()) == 1_000
    with pytest.raises(InputError, match="no measure 'volume'"):
        weighted_contributions(1_000, 10, weights, {"A": {"risk": 1}})


def test_contributions_own_resources_round_up_and_split_exactly():
    assert own_resources_split(101, Fraction(1, 4), {"x": 1, "y": 2}) == (26, {"x": 9, "y": 17})
    assert own_resources_split(Fraction(80), Fraction(1, 4), {"x": Fraction(0)}) == (20, {"x": 0})


def test_contributions_own_slice_is_lifted_before_a_later_default_when_the_rule_says_so():
    used = OwnSlice.of(25, reinstated=True).use(25)
    assert (used.left, used.before_default().left, used.restore().left) == (0, 25, 25)
    assert OwnSlice.of(25).use(20).before_default().left == 5
    with pytest.raises(InputError, match="cannot pay"):
        used.use(1)


@given(amount=st.integers(0, 2_000), available=AMOUNTS, data=st.data())
def test_contributions_tiers_are_used_in_order(amount, available, data):
    tiers = {m: data.draw(st.sampled_from(list(Tier))) for m in sorted(available)}
    order = tiers_in_order(tiers)
    found = use_by_tier(amount, available, order)
    assert sum(found.used.values()) + found.residual == amount
    assert all(0 <= found.used[m] <= available[m] for m in available)
    for earlier, later in pairwise(order):
        if any(found.used[m] for m in later):
            assert all(found.used[m] == available[m] for m in earlier)


def test_contributions_everybody_is_in_one_tier():
    with pytest.raises(InputError, match="every member once"):
        use_by_tier(1, {"A": 1, "B": 1}, [["A"]])
    with pytest.raises(InputError, match="every member once"):
        use_by_tier(1, {"A": 1}, [["A"], ["A"]])

"""Cover-k, fund minimum, averages, concentration, more defaults than covered. Ids sizing-*."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.errors import InputError
from seawall.members import (
    Roster,
    concentration_response,
    cover_k,
    cover_table,
    fund_minimum,
    prefunded_test,
    probability_of_more_defaults,
)

MATRIX = st.integers(1, 3).flatmap(
    lambda n: st.dictionaries(
        st.sampled_from("ABCDE"), st.lists(st.integers(-50, 90), min_size=n, max_size=n), min_size=1
    )
)


@given(stress=MATRIX, k=st.integers(1, 5), data=st.data())
def test_sizing_cover_is_the_worst_of_all_sets_of_groups_in_one_scenario(stress, k, data):
    group_of = {m: data.draw(st.sampled_from(["g1", "g2", m])) for m in sorted(stress)}
    groups = {g: [m for m in stress if group_of[m] == g] for g in ("g1", "g2")}
    roster = Roster.of(stress, {g: names for g, names in groups.items() if names})
    days = len(next(iter(stress.values())))
    found = cover_k(stress, [f"s{i}" for i in range(days)], k, roster)
    names = [g.name for g in roster.groups]
    every = [
        sum(max(0, stress[m][s]) for g in chosen for m in stress if group_of[m] == g)
        for s in range(days)
        for chosen in combinations(names, min(k, len(names)))
    ]
    assert found.amount == max(every)
    assert len(found.groups) == min(k, len(names))
    order = data.draw(st.permutations(sorted(stress)))
    assert cover_k({m: stress[m] for m in order}, [f"s{i}" for i in range(days)], k, roster) == found


@given(stress=MATRIX)
def test_sizing_cover_grows_with_k_by_less_and_less_of_the_largest(stress):
    days = [str(i) for i in range(len(next(iter(stress.values()))))]
    amounts = [c.amount for c in cover_table(stress, days)]
    assert amounts == sorted(amounts)
    assert all(x <= (k + 1) * amounts[0] for k, x in enumerate(amounts))


def test_sizing_affiliates_do_not_net_and_ties_are_told():
    stress = {"A": [50, 50], "B": [-40, 10], "C": [60, 60], "D": [60, 50]}
    roster = Roster.of(stress, {"AB": ["A", "B"]})
    assert cover_k(stress, ["x", "y"], 1, roster) == (1, 60, "x", ("C",))  # C and D tie in x; AB ties in y, later
    assert cover_k(stress, ["x", "y"], 2, roster) == (2, 120, "x", ("C", "D"))
    assert roster.affiliates("B") == ("A", "B")


@pytest.mark.parametrize(
    ("groups", "problem"),
    [
        ({"g": ["A", "Z"]}, "not a member"),
        ({"g": ["A"], "h": ["A"]}, "two groups"),
        ({"B": ["A"]}, "name of a group"),
    ],
)
def test_sizing_a_roster_that_is_wrong_is_refused(groups, problem):
    with pytest.raises(InputError, match=problem):
        Roster.of(["A", "B"], groups)


@pytest.mark.parametrize(
    ("stress", "scenarios", "k"),
    [({"A": [1, 2]}, ["s"], 1), ({"A": [1]}, ["s"], 0), ({}, ["s"], 1), ({"A": []}, [], 1)],
)
def test_sizing_a_matrix_that_does_not_fit_is_refused(stress, scenarios, k):
    with pytest.raises(InputError):
        cover_k(stress, scenarios, k)


@pytest.mark.parametrize(
    ("exposures", "minimum"), [([100, 70, 50, 10], 120), ([10, 200, 50, 100], 200), ([5, 5, 5], 10), ([0, 0, 0], 0)]
)
def test_sizing_fund_minimum(exposures, minimum):
    assert fund_minimum(exposures) == minimum


def test_sizing_prefunded_exactly_enough_is_covered():
    assert prefunded_test([Fraction("0.1"), Fraction("0.2"), 0], Fraction("0.3"), 0) == (
        Fraction("0.3"), Fraction("0.3"), True, 0,
    )  # fmt: skip


def test_sizing_concentration_is_strict_at_every_level():
    at = concentration_response(100, {"A": 45, "B": 45, "C": 40}, Fraction("0.40"), Fraction("0.90"), Fraction("0.45"))
    assert at == (("A", "B"), 90, False, {}, 90)
    over = concentration_response(100, {"B": 46, "A": 45}, Fraction("0.40"), Fraction("0.90"), Fraction("0.45"))
    assert over == (("A", "B"), 91, True, {"B": 1}, 90)
    third = concentration_response(100, {"A": 90, "B": 80, "C": 44}, Fraction("0.40"), Fraction(9), Fraction("0.45"))
    assert third == (("A", "B", "C"), 170, False, {"A": 45, "B": 35}, 90)


@pytest.mark.parametrize(("n", "k", "published"), [(100, 2, "0.0794"), (10, 2, "0.0001")])
def test_sizing_cover_two_leaves_more_risk_in_a_larger_house(n, k, published):
    # Clearing-house reference, section 4: 7.9 % with 100 members at 1 % each, 0.01 % with 10.
    found = probability_of_more_defaults(n, Fraction(1, 100), k)
    slow = sum(Fraction(comb(n, i) * 99 ** (n - i), 100**n) for i in range(k + 1, n + 1))
    assert found == slow
    assert abs(found - Fraction(published)) < Fraction(1, 20_000)


def test_sizing_odds_at_the_ends():
    assert probability_of_more_defaults(5, Fraction(1), 4) == 1
    assert probability_of_more_defaults(5, Fraction(1), 5) == 0
    assert probability_of_more_defaults(5, Fraction(0), 0) == 0
    assert probability_of_more_defaults(0, Fraction(1, 2), 0) == 0
    with pytest.raises(InputError, match="outside 0 to 1"):
        probability_of_more_defaults(5, Fraction(2), 0)

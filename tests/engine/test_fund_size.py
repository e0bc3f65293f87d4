"""The default fund a venue opens with: by stress, by weights. Ids fund-size-*.

Source: CPMI-IOSCO Principles, principle 4 (Cover-k); Regulation (EU) 648/2012 art. 42; buffer as at Eurex Clearing;
contributions as at OCC after 2018 (a fixed part, then by measures). Every figure below is worked out by hand.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.books import perp, policy, snapshot

from seawall.engine import check_all, open_state

UNIT = 10**6
LAYERS = [{"name": "default fund", "kind": "members"}]
HALF = {"name": "half", "moves": {"BTC": "-0.5"}, "other": "0"}
RISE = {"name": "rise", "move": "0.2"}
# At half price ann's member owes 5 x 50 - 20 = 230, bob's 3 x 50 - 30 = 120, cyd's 2 x 50 - 10 = 90, dan's nothing.
# At 20 % more only dan's is short: 20 x 20 - 300 = 100.
LONGS = {"ann": (20, 5), "bob": (30, 3), "cyd": (10, 2)}


def opened(size: Any = None, **keys: Any) -> dict[str, int]:
    """Contributions by member, whole units of USDC to the millionth, of four members at a mark of 100."""
    cash = {name: held * UNIT for name, (held, _) in LONGS.items()} | {"dan": 300 * UNIT}
    positions = [(name, "BTC-PERP", lots, 100) for name, (_, lots) in LONGS.items()] + [("dan", "BTC-PERP", -20, 100)]
    made = replace(snapshot(cash, positions, [perp()], marks={"BTC-PERP": 100}), members=("A", "B", "C", "D"))
    rules = policy(
        layers=LAYERS, deleverage=None, house=[], members={**({} if size is None else {"size": size}), **keys}
    )
    state = open_state(made, rules, {})
    check_all(state)
    paid = state.members.paid_in[0]
    assert {name: state.book.cash(state.members.accounts[name], 0) for name in paid} == paid
    return paid


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ({"cover": 1}, 230),
        ({"cover": 2}, 350),
        ({"cover": 3}, 440),
        ({"cover": 5}, 440),  # the fourth is fine in that stress; worsts of different stresses are never added
        ({"cover": 2, "buffer": "0.05"}, 367.5),
        ({"cover": 1, "emir_minimum": True}, 230),  # 120 + 90 is less than the largest alone
        ({"cover": 1, "least": "1000"}, 1_000),
        ({"cover": 1, "stresses": [RISE]}, 100),
        ({"cover": 1, "buffer": "1/3", "stresses": [RISE]}, 133.333334),  # rounded up
    ],
    ids=str,
)
def test_fund_size_is_what_the_largest_owe_in_the_worst_stress(size, expected):
    paid = opened({"stresses": [HALF, RISE], **size}, contribution="equal")
    assert sum(paid.values()) == round(expected * UNIT), paid


def test_fund_size_emir_minimum_counts_the_second_and_third_where_they_are_more():
    """Losses of 20, 20 and 20: Cover-1 is 20, article 42(3) asks for the second and third together, 40."""
    made = snapshot(
        dict.fromkeys("abcd", 30 * UNIT), [(n, "BTC-PERP", 1, 100) for n in "abc"], [perp()], marks={"BTC-PERP": 100}
    )
    made = replace(made, members=("A", "B", "C", "D"))
    for emir, expected in ((False, 20), (True, 40)):
        members = {"size": {"cover": 1, "emir_minimum": emir, "stresses": [HALF]}}
        state = open_state(made, policy(layers=LAYERS, deleverage=None, house=[], members=members), {})
        assert sum(state.members.paid_in[0].values()) == expected * UNIT, emir


def test_fund_size_by_stress_is_shared_by_gross_notional():
    """350 over positions of 500, 300, 200 and 2,000; the millionth left over goes to the first by name."""
    paid = opened({"cover": 2, "stresses": [HALF]})
    assert paid == {"A": 58_333_334, "B": 35 * UNIT, "C": 23_333_333, "D": 233_333_333}


def test_fund_size_nobody_short_leaves_the_least_or_an_empty_fund():
    calm = {"name": "calm", "move": "0.01"}
    assert sum(opened({"cover": 2, "stresses": [calm]}).values()) == 0
    assert sum(opened({"cover": 2, "stresses": [calm], "least": "12"}).values()) == 12 * UNIT


def test_fund_size_weighted_contributions_by_hand():
    """A fund of 440, 10 each, 400 left: 200 by open interest (5, 3, 2, 20 of 30), 200 by stress (230, 120, 90, 100 of 540)."""
    size = {"cover": 3, "stresses": [HALF, RISE]}
    paid = opened(size, contribution="weighted", fixed_each="10", weights={"open_interest": "0.5", "stress": "0.5"})
    exact = {
        n: 10 + 200 * oi / 30 + 200 * s / 540
        for n, oi, s in (("A", 5, 230), ("B", 3, 120), ("C", 2, 90), ("D", 20, 100))
    }
    assert sum(paid.values()) == 440 * UNIT
    assert all(abs(paid[n] - exact[n] * UNIT) < 1 for n in paid), (paid, exact)


def test_fund_size_weighted_by_risk_follows_the_initial_requirement():
    """One rate of 10 % for all: risk is open interest here."""
    paid = opened(None, fund="300", contribution="weighted", weights={"risk": "1"})
    assert paid == {"A": 50 * UNIT, "B": 30 * UNIT, "C": 20 * UNIT, "D": 200 * UNIT}


def test_fund_size_a_measure_that_is_zero_for_all_passes_its_weight_on():
    calm = {"cover": 1, "least": "100", "stresses": [{"name": "calm", "move": "0.01"}]}
    paid = opened(calm, contribution="weighted", weights={"open_interest": "0.6", "stress": "0.4"})
    assert paid == {"A": 16_666_667, "B": 10 * UNIT, "C": 6_666_667, "D": 66_666_666}
    equal = opened(calm, contribution="weighted", weights={"stress": "1"})
    assert equal == dict.fromkeys("ABCD", 25 * UNIT)


def test_fund_size_the_fixed_parts_are_always_paid():
    paid = opened(None, fund="10", contribution="weighted", fixed_each="5", weights={"open_interest": "1"})
    assert paid == dict.fromkeys("ABCD", 5 * UNIT)

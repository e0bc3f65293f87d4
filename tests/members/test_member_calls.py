"""Cash calls, caps, windows. Ids calls-*. Slow twins call one unit at a time, or follow the written rule word by word."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.errors import InputError
from seawall.members import CallCaps, CallWindow, assessments, call_limits, cash_call, window_for

NAMES = "ABCDEF"
MEMBERS = st.lists(st.tuples(st.integers(0, 200), st.integers(0, 300), st.booleans()), min_size=1, max_size=6)


def unpack(rows):
    contribution = {NAMES[i]: c for i, (c, _, _) in enumerate(rows)}
    limits = {NAMES[i]: x for i, (_, x, _) in enumerate(rows)}
    return contribution, limits, {NAMES[i] for i, row in enumerate(rows) if row[2]}


def exact_twin(need, contribution, limits, fails):
    """The README's words, on exact fractions, with plain lists."""
    paid = {m: Fraction(0) for m in contribution}
    out = set()
    left = Fraction(need)
    first = None
    while True:
        active = [m for m in contribution if contribution[m] and m not in out and paid[m] < limits[m]]
        if not active or left == 0:
            return first or {}, paid, left
        whole = sum(contribution[m] for m in active)
        asked = {m: min(left * contribution[m] / whole, limits[m] - paid[m]) for m in active}
        first = first or asked
        for m in active:
            if m in fails:
                out.add(m)
            else:
                paid[m] += asked[m]
        left = need - sum(paid.values())


@given(need=st.integers(0, 1_500), rows=MEMBERS)
def test_calls_exact_call_follows_the_rule_word_by_word(need, rows):
    contribution, limits, fails = unpack(rows)
    exact = {m: Fraction(x) for m, x in contribution.items()}
    caps = {m: Fraction(x) for m, x in limits.items()}
    found = cash_call(Fraction(need), exact, caps, fails)
    first, paid, left = exact_twin(need, exact, caps, fails)
    assert (found.paid, found.shortfall) == (paid, left)
    assert found.first_call() == {m: first.get(m, 0) for m in contribution}


@given(need=st.integers(0, 1_500), rows=MEMBERS)
def test_calls_in_units_meet_the_need_or_use_up_every_cap(need, rows):
    contribution, limits, fails = unpack(rows)
    found = cash_call(need, contribution, limits, fails)
    assert sum(found.paid.values()) + found.shortfall == need
    assert all(0 <= found.paid[m] <= limits[m] for m in contribution)
    assert all(found.paid[m] == 0 for m in fails)
    if found.shortfall:
        assert all(found.paid[m] == limits[m] for m in contribution if m not in fails and contribution[m])
    exact = cash_call(
        Fraction(need),
        {m: Fraction(x) for m, x in contribution.items()},
        {m: Fraction(x) for m, x in limits.items()},
        fails,
    )
    for m in contribution:  # a round rounds by less than a unit
        assert abs(found.paid[m] - exact.paid[m]) < len(found.rounds) + len(contribution)


@given(need=st.integers(0, 1_500), rows=MEMBERS, data=st.data())
def test_calls_order_of_members_changes_nothing(need, rows, data):
    contribution, limits, fails = unpack(rows)
    order = data.draw(st.permutations(sorted(contribution)))
    other = cash_call(need, {m: contribution[m] for m in order}, limits, fails)
    assert other.paid == cash_call(need, contribution, limits, fails).paid


@given(need=st.integers(0, 1_500), more=st.integers(0, 300), rows=MEMBERS)
def test_calls_a_larger_need_costs_nobody_less_when_exact(need, more, rows):
    contribution, limits, fails = unpack(rows)
    exact = {m: Fraction(x) for m, x in contribution.items()}
    caps = {m: Fraction(x) for m, x in limits.items()}
    small, large = (cash_call(Fraction(x), exact, caps, fails) for x in (need, need + more))
    assert sum(small.paid.values()) <= sum(large.paid.values())
    assert small.shortfall <= large.shortfall
    assert all(small.paid[m] <= large.paid[m] for m in contribution)


def test_calls_one_unit_goes_to_the_largest_remainder_then_the_first_name():
    limits = {"B": 9, "A": 9, "C": 9}
    assert cash_call(1, {"B": 1, "A": 1, "C": 1}, limits).paid == {"B": 0, "A": 1, "C": 0}
    assert cash_call(1, {"B": 2, "A": 1, "C": 1}, limits).paid == {"B": 1, "A": 0, "C": 0}


def test_calls_refuse_what_cannot_be():
    with pytest.raises(InputError, match="no limit"):
        cash_call(5, {"A": 1}, {})
    with pytest.raises(InputError, match="need is negative"):
        cash_call(-5, {"A": 1}, {"A": 1})
    with pytest.raises(InputError, match="contribution is negative"):
        cash_call(5, {"A": -1}, {"A": 1})
    with pytest.raises(InputError, match="must not be negative"):
        CallCaps(Fraction(-1), Fraction(1))


def test_calls_caps_in_units_are_rounded_down():
    assert call_limits({"A": 101}, Fraction(11, 4)) == {"A": 277}  # 277.75


@given(
    contribution=st.integers(0, 200),
    single=st.fractions(0, 4, max_denominator=8),
    window=st.fractions(0, 6, max_denominator=8),
    needs=st.lists(st.integers(0, 900), max_size=6),
)
def test_calls_assessments_never_cross_a_cap(contribution, single, window, needs):
    found = assessments(contribution, CallCaps(single, window), needs)
    assert all(c <= single * contribution for c in found.called)
    assert found.cumulative == sum(found.called) <= window * contribution
    assert [c + u for c, u in zip(found.called, found.unmet, strict=True)] == needs
    for i, (called, unmet) in enumerate(zip(found.called, found.unmet, strict=True)):
        if unmet:  # one unit more would cross one of the caps
            assert called + 1 > single * contribution or sum(found.called[: i + 1]) + 1 > window * contribution


def test_calls_window_keeps_caps_until_it_closes():
    caps = CallCaps(Fraction(2), Fraction(3), cooling_off_ns=100)
    window = window_for(None, caps, {"A": 10}, at_ns=1_000)
    assert window.room(caps) == {"A": 20}
    window = window.take({"A": 20})
    later = window_for(window, caps, {"A": 4}, at_ns=1_099)
    assert later is window
    assert later.room(caps) == {"A": 10}  # the window's cap, on the contribution when it opened
    assert window_for(window, caps, {"A": 4}, at_ns=1_100).room(caps) == {"A": 8}
    with pytest.raises(InputError, match="before the window"):
        window_for(window, caps, {"A": 4}, at_ns=999)


def test_calls_window_that_extends_moves_its_end_and_not_its_caps():
    caps = CallCaps(Fraction(2), Fraction(3), cooling_off_ns=100, extends=True)
    window = CallWindow(0, 100, {"A": 10}, {"A": 25})
    assert window_for(window, caps, {"A": 10}, at_ns=90) == CallWindow(0, 190, {"A": 10}, {"A": 25})

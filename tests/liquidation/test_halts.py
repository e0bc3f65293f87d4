"""Halts with criteria fixed beforehand, an expiry, and rights that survive. Ids halts-*."""

from __future__ import annotations

import itertools
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.errors import InputError
from seawall.liquidation import (
    Criterion,
    HaltKind,
    HaltRule,
    Interval,
    Observation,
    Right,
    Sense,
    extended_deadline,
    halt_intervals,
    halt_state,
    sort_rights,
)

DEFICIT = Criterion("unpaid_deficit", Sense.ABOVE, Fraction(0))
OUTAGE = Criterion("outage_s", Sense.AT_LEAST, Fraction(300))
PAID = Criterion("unpaid_deficit", Sense.AT_MOST, Fraction(0))


def gate(**changes):
    # dYdX v4: a negative account that could not be deleveraged, or an outage of 5 minutes, gates withdrawals for 50
    # blocks. The longest time and the rest are ours: the venue's gate may be renewed without end.
    terms = {
        "kind": HaltKind.WITHDRAWALS, "starts": (DEFICIT, OUTAGE), "length_ns": 50, "longest_ns": 120, "rest_ns": 30,
        "published_ns": 0, "ends": (),
    }  # fmt: skip
    return HaltRule(**{**terms, **changes})


def deficit(time, value):
    return Observation(time, "unpaid_deficit", Fraction(value))


def test_halts_a_gate_holds_for_its_length():
    seen = [deficit(10, 7)]
    assert not halt_state(gate(), seen, 9).on
    for now in (10, 59):
        assert halt_state(gate(), seen, now) == (True, "unpaid_deficit above 0: 7", 10, 60)
    assert halt_state(gate(), seen, 60) == (False, "no criterion is met", None, None)
    assert halt_state(gate(), [Observation(10, "outage_s", Fraction(300))], 11).reason == "outage_s at least 300: 300"
    assert not halt_state(gate(), [Observation(10, "outage_s", Fraction(299))], 11).on


def test_halts_renewal_stops_at_the_longest_and_rests():
    seen = [deficit(t, 7) for t in range(10, 400, 20)]
    found = halt_intervals(gate(), seen)
    assert [(i.start_ns, i.end_ns, i.ended) for i in found[:2]] == [(10, 130, "expired"), (170, 290, "expired")]


def test_halts_that_follow_each_other_are_one_chain():
    # A halt of 50 that ends, and starts again at its very end, twice: the third is cut at 120 from the first.
    seen = [deficit(t, 7) for t in (10, 60, 110, 130, 155, 160)]
    found = halt_intervals(gate(), seen)
    assert [(i.start_ns, i.end_ns) for i in found] == [(10, 60), (60, 110), (110, 130), (160, 210)]
    assert found[2].ended == "expired"


def test_halts_end_early_only_where_the_rule_says_so():
    seen = [deficit(10, 7), deficit(20, 0)]
    assert halt_intervals(gate(), seen)[0].end_ns == 60
    found = halt_intervals(gate(ends=(PAID,)), seen)
    assert found == (Interval(10, 20, "unpaid_deficit above 0: 7", "ended: unpaid_deficit at most 0"),)


def test_halts_switch_with_hysteresis():
    # Bybit: deleveraging starts when the symbol's loss ratio falls below -30 %, stops above a second level.
    low = Criterion("pnl_ratio", Sense.BELOW, Fraction(-3, 10))
    high = Criterion("pnl_ratio", Sense.ABOVE, Fraction(-1, 4))
    rule = gate(kind=HaltKind.DELEVERAGING, starts=(low,), ends=(high,), length_ns=1_000, longest_ns=1_000)
    path = [(10, "-0.31"), (20, "-0.28"), (30, "-0.26"), (40, "-0.2"), (50, "-0.3")]
    seen = [Observation(t, "pnl_ratio", Fraction(v)) for t, v in path]
    assert [halt_state(rule, seen, t).on for t, _ in path] == [True, True, True, False, False]


def test_halts_criteria_are_fixed_beforehand():
    assert halt_intervals(gate(published_ns=10), [deficit(10, 7)]) == ()
    assert len(halt_intervals(gate(published_ns=9), [deficit(10, 7)])) == 1


@pytest.mark.parametrize("bad", [{"starts": ()}, {"length_ns": 0}, {"longest_ns": 49}, {"rest_ns": 0}])
def test_halts_without_criterion_or_end_are_refused(bad):
    with pytest.raises(InputError):
        gate(**bad)


def test_halts_order_of_observations():
    with pytest.raises(InputError):
        halt_intervals(gate(), [deficit(10, 1), deficit(9, 1)])


SEEN = st.lists(
    st.tuples(st.integers(0, 40), st.sampled_from(["unpaid_deficit", "outage_s"]), st.sampled_from([0, 1, 300])),
    max_size=25,
)


def timeline(steps):
    now, out = 0, []
    for wait, measure, value in steps:
        now += wait
        out.append(Observation(now, measure, Fraction(value)))
    return out


@given(steps=SEEN, ends=st.sampled_from([(), (PAID,)]), now=st.integers(0, 1_200))
def test_halts_always_end_and_need_a_reason(steps, ends, now):
    rule, seen = gate(ends=ends), timeline(steps)
    found = halt_intervals(rule, seen)
    times = {o.time_ns for o in seen if any(c.measure == o.measure and c.met(o.value) for c in rule.starts)}
    chain = None
    for one, two in itertools.pairwise((None, *found)):
        assert one is None or one.end_ns <= two.start_ns
        if one is None or two.start_ns >= one.end_ns + rule.rest_ns:
            chain = two.start_ns
        assert two.end_ns <= chain + rule.longest_ns, "halts with no rest between them are together within the longest"
    for interval in found:
        assert interval.start_ns in times, "a halt starts at an observation that meets a criterion"
        assert 0 <= interval.end_ns - interval.start_ns <= rule.longest_ns
    state = halt_state(rule, seen, now)
    # what is known later does not change what held now, but for an early end at that very time
    assert state.on == any(i.start_ns <= now < i.end_ns for i in found), (steps, now)


RIGHTS = st.lists(st.builds(Right, st.sampled_from("abc"), st.integers(1, 99), st.integers(0, 500)), max_size=8)
HALTS = st.lists(st.tuples(st.integers(0, 500), st.integers(1, 200)), max_size=5)


def intervals(raw):
    return [Interval(s, s + n, "r", "e") for s, n in raw]


@given(rights=RIGHTS, raw=HALTS, now=st.integers(0, 1_500))
def test_halts_a_pause_never_destroys_a_right(rights, raw, now):
    halts = intervals(raw)
    found = sort_rights(rights, halts, now)
    assert sorted(map(str, found.payable + found.waiting)) == sorted(map(str, rights))
    after = max([h.end_ns for h in halts] + [r.due_ns for r in rights], default=0)
    assert sort_rights(rights, halts, after).waiting == (), "once every halt is over all that is due is payable"
    plain = sort_rights(rights, [], now)
    assert set(found.payable) <= set(plain.payable), "and a halt never makes anything due earlier"
    assert found.payable in ((), plain.payable), "nor pays some and not others"


@given(deadline=st.integers(0, 600), raw=HALTS)
def test_halts_a_deadline_keeps_the_time_that_was_left(deadline, raw):
    halts = intervals(raw)
    found = extended_deadline(deadline, halts)
    open_time = sum(1 for t in range(found) if not any(h.start_ns <= t < h.end_ns for h in halts))
    assert open_time == deadline, (deadline, raw, found)

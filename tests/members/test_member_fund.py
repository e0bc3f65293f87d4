"""A fund through sequences of defaults; nobody's bill is exceeded. Ids fund-*."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.errors import InputError
from seawall.members import (
    CallCaps,
    Clock,
    Default,
    FundState,
    FundTerms,
    OwnSlice,
    ReplenishRule,
    Tier,
    absorb,
    close_window,
    give_notice,
    most_by_tier,
    replenish,
    survivors,
    tiers_in_order,
    use_by_tier,
    worst_case_bill,
    worst_case_bills,
)

NAMES = "ABCDE"
EMIR = (("own_first",), ("members",), ("own_second",), ("calls",))
ORDERS = (
    EMIR,
    (("own_second",), ("members", "own_first"), ("calls",)),  # side by side
    (("calls",), ("members",)),
    (("members",),),
)
STEP = st.tuples(
    st.sampled_from(["default", "default", "default", "pay", "notice"]),
    st.integers(0, 40),  # nanoseconds later
    st.one_of(st.integers(0, 400), st.just(2_000)),  # loss, or what is paid
    st.integers(0, 10**6),  # who
    st.booleans(),
)


def terms_of(order, single, window, inside, extends, cooling=100):
    return FundTerms(order, CallCaps(single, window, cooling, extends), ReplenishRule(30, 50, inside_window=inside))


def whole_fund(amounts, **own):
    return FundState.of(dict(zip(NAMES, amounts, strict=False)), own)


class Watch:
    """Follows what each member lost inside each window, with nothing but the outcomes."""

    def __init__(self, terms, state):
        self.terms, self.state, self.lost, self.gone = terms, state, {}, set()

    def default(self, default):
        before = self.state
        bills = worst_case_bills(before.required, self.terms.caps)
        self.state, outcome = absorb(self.terms, before, default)
        paid = {m: outcome.paid_by(m) for m in before.held}
        assert all(x >= 0 for _, part in outcome.used for x in part.values())
        assert sum(sum(part.values()) for _, part in outcome.used) + outcome.residual == default.loss
        if before.window is None or not before.window.is_open(default.at_ns):
            self.lost = {}
        for member, amount in paid.items():
            self.lost[member] = self.lost.get(member, 0) + amount
            assert amount <= bills[member].one_default, (member, amount, bills[member])
            assert self.lost[member] <= bills[member].window, (member, self.lost, bills[member])
        self.gone |= set(outcome.returned)
        assert not any(paid.get(m) for m in outcome.returned)
        return outcome


@settings(max_examples=150)
@given(
    amounts=st.lists(st.integers(0, 120), min_size=2, max_size=5),
    order=st.sampled_from(ORDERS),
    single=st.fractions(0, 3, max_denominator=4),
    window=st.fractions(0, 4, max_denominator=4),
    inside=st.booleans(),
    extends=st.booleans(),
    reinstated=st.booleans(),
    cooling=st.sampled_from([0, 30, 100]),
    steps=st.lists(STEP, max_size=12),
    data=st.data(),
)
def test_fund_no_sequence_of_defaults_exceeds_a_bill(
    amounts, order, single, window, inside, extends, reinstated, cooling, steps, data
):
    terms = terms_of(order, single, window, inside, extends, cooling)
    own = {"own_first": OwnSlice.of(20, reinstated=reinstated), "own_second": OwnSlice.of(15)}
    watch = Watch(terms, whole_fund(amounts, **own))
    now = 0
    for kind, later, amount, who, flag in steps:
        now += later
        watch.state, returned = close_window(terms, watch.state, now)
        watch.gone |= set(returned)
        assert not watch.gone & set(watch.state.held)
        names = survivors(watch.state)
        payers = [p for p in [*names, *own] if watch.state.clock.owed(p)]
        if kind == "default" and names:
            failing = (names[who % len(names)],)
            rest = survivors(watch.state, failing)
            tiers = {m: data.draw(st.sampled_from(list(Tier))) for m in rest} if flag else None
            fails = frozenset(rest[:1]) if who % 3 == 0 else frozenset()
            watch.default(Default(failing, amount, now, tiers, fails))
        elif kind == "pay" and payers:
            payer = payers[who % len(payers)]
            owed = watch.state.clock.owed(payer)
            watch.state = replenish(terms, watch.state, payer, max(1, amount % (owed + 1)), now)
        elif kind == "notice" and names:
            watch.state = give_notice(watch.state, names[who % len(names)])
        state = watch.state
        assert all(0 <= state.held[m] <= state.required[m] for m in state.required)
        assert all(state.held[m] + state.clock.owed(m) <= state.required[m] for m in state.required)
        assert all(d.payer in state.held or d.payer in own for d in state.clock.debts if d.left)
        assert all(0 <= s.left <= s.full for s in state.own.values())


@settings(max_examples=150)
@given(
    amounts=st.lists(st.integers(0, 120), min_size=2, max_size=5),
    order=st.sampled_from(ORDERS),
    loss=st.integers(0, 900),
    more=st.integers(0, 200),
    data=st.data(),
)
def test_fund_order_holds_larger_losses_cost_more_and_names_do_not_matter(amounts, order, loss, more, data):
    terms = terms_of(order, Fraction(3, 2), Fraction(2), False, False)
    state = whole_fund(amounts, own_first=OwnSlice.of(20), own_second=OwnSlice.of(15))
    small = absorb(terms, state, Default(("A",), loss, 5))[1]
    large = absorb(terms, state, Default(("A",), loss + more, 5))[1]
    assert small.residual <= large.residual
    for (name, part), (same, bigger) in zip(small.used, large.used, strict=True):
        assert name == same
        if sum(map(len, order)) == len(order):  # side by side, a unit may change sides
            assert sum(part.values()) <= sum(bigger.values())
    if large.residual:  # every layer is used up
        assert large.paid_by("A") == amounts[0]
        for i, member in enumerate(NAMES[1 : len(amounts)], 1):
            reached = {name for name, _ in large.used}
            call = amounts[i] * 3 // 2 if "calls" in reached else 0
            assert large.paid_by(member) == amounts[i] + call
    shuffled = dict(data.draw(st.permutations(sorted(state.required.items()))))
    other = absorb(terms, FundState.of(shuffled, state.own), Default(("A",), loss, 5))[1]
    assert {m: other.paid_by(m) for m in shuffled} == {m: small.paid_by(m) for m in shuffled}


def test_fund_layer_order_decides_who_pays_first():
    # KRX 2013: survivors' fund before the exchange's own capital; EMIR art. 45: own capital first.
    state = whole_fund([0, 60, 40], own_first=OwnSlice.of(30))
    caps, clock = CallCaps(Fraction(1), Fraction(2)), ReplenishRule(1, 1)
    emir = absorb(FundTerms((("own_first",), ("members",)), caps, clock), state, Default(("A",), 50, 1))[1]
    krx = absorb(FundTerms((("members",), ("own_first",)), caps, clock), state, Default(("A",), 50, 1))[1]
    assert (emir.paid_by("own_first"), emir.paid_by("B"), emir.paid_by("C")) == (30, 12, 8)
    assert (krx.paid_by("own_first"), krx.paid_by("B"), krx.paid_by("C")) == (0, 30, 20)
    assert krx.return_order()[-1] == ("defaulter", {"A": 0})


def test_fund_side_by_side_is_pro_rata_to_what_each_holds():
    terms = FundTerms((("members", "own_second"),), CallCaps(Fraction(0), Fraction(0)), ReplenishRule(1, 1))
    outcome = absorb(terms, whole_fund([0, 60, 30], own_second=OwnSlice.of(10)), Default(("A",), 50, 1))[1]
    assert dict(outcome.used) == {"defaulter": {"A": 0}, "members": {"B": 30, "C": 15}, "own_second": {"own_second": 5}}


def test_fund_affiliates_fail_together_and_what_they_leave_is_kept():
    terms = terms_of(EMIR, Fraction(1), Fraction(1), False, False)
    state, outcome = absorb(terms, whole_fund([30, 10, 50]), Default(("A", "B"), 20, 1))
    assert dict(outcome.used)["defaulter"] == {"A": 15, "B": 5}
    assert state.estate == {"A": 15, "B": 5}
    assert (state.required, outcome.residual) == ({"C": 50}, 0)


def test_fund_used_contributions_are_owed_when_the_window_closes():
    terms = terms_of(EMIR, Fraction(1), Fraction(1), False, False)
    state, _ = absorb(terms, whole_fund([0, 60, 40], own_first=OwnSlice.of(30)), Default(("A",), 50, 1_000))
    assert state.clock.status(1_000).upcoming == (("own_first", 30, 1_000, 1_050, 0, None),)
    state = give_notice(state, "C")
    state, returned = close_window(terms, state, 1_100)
    assert returned == {"C": 32}  # what was not used of 40
    status = state.clock.status(1_100)
    assert status.overdue == {"own_first": 30}
    assert (status.upcoming, status.whole_by_ns) == ((("B", 12, 1_100, 1_130, 0, None),), 1_130)
    state = replenish(terms, state, "B", 12, 1_131)
    state = replenish(terms, state, "own_first", 30, 1_131)
    assert state.held == {"B": 60}
    assert state.own["own_first"].left == 30
    assert state.clock.status(1_131) == ({}, (), None)
    assert [(d.payer, d.settled_ns - d.due_ns) for d in state.clock.late()] == [("own_first", 81), ("B", 1)]


def test_fund_a_member_that_leaves_takes_its_debt_along():
    terms = terms_of((("members",),), Fraction(0), Fraction(0), False, False)
    state, _ = absorb(terms, whole_fund([0, 30]), Default(("A",), 10, 0))
    state, _ = close_window(terms, state, 100)
    assert state.clock.owed("B") == 10
    state, returned = close_window(terms, give_notice(state, "B"), 101)
    assert (returned, state.held, state.clock.owed("B")) == ({"B": 20}, {}, 0)


def test_fund_inside_a_window_replenishment_counts_against_the_cap():
    terms = terms_of(EMIR, Fraction(2), Fraction(1, 2), True, False)
    state, _ = absorb(terms, whole_fund([0, 0, 40]), Default(("A",), 40, 10))
    assert state.clock.owed("C") == 20  # half of 40 is all that can still be asked for
    state = replenish(terms, state, "C", 20, 20)
    _, outcome = absorb(terms, state, Default(("B",), 100, 30))
    assert (outcome.paid_by("C"), outcome.residual) == (20, 80)  # nothing more can be called
    assert worst_case_bill(40, terms.caps).window == 60


def test_fund_calls_of_several_defaults_share_the_cap_of_their_window():
    terms = terms_of((("calls",),), Fraction(1), Fraction(3, 2), False, False)
    state, first = absorb(terms, whole_fund([0, 0, 0, 40]), Default(("A",), 100, 10))
    state, second = absorb(terms, state, Default(("B",), 100, 109))
    _, third = absorb(terms, state, Default(("C",), 100, 110))
    assert [x.paid_by("D") for x in (first, second, third)] == [40, 20, 40]  # the third opens a window of its own


def test_fund_who_misses_a_call_is_named():
    terms = terms_of((("calls",),), Fraction(1), Fraction(1), False, False)
    outcome = absorb(terms, whole_fund([0, 40, 40]), Default(("A",), 50, 1, None, frozenset({"B"})))[1]
    assert outcome.missed == {"B": 25}
    assert (outcome.paid_by("B"), outcome.paid_by("C"), outcome.residual) == (0, 40, 10)


@pytest.mark.parametrize(
    ("order", "problem"),
    [((("members", "calls"),), "stand alone"), ((("members",), ("members",)), "layers"), ((("magic",),), "layers")],
)
def test_fund_bad_orders_are_refused(order, problem):
    with pytest.raises(InputError, match=problem):
        terms_of(order, Fraction(1), Fraction(1), False, False)


def test_fund_bad_steps_are_refused_and_change_nothing():
    terms = terms_of(EMIR, Fraction(1), Fraction(1), False, False)
    state = whole_fund([10, 20])
    with pytest.raises(InputError, match="not a member"):
        absorb(terms, state, Default(("Z",), 1, 1))
    with pytest.raises(InputError, match="loss is negative"):
        absorb(terms, state, Default(("A",), -1, 1))
    with pytest.raises(InputError, match="every survivor"):
        absorb(terms, state, Default(("A",), 1, 1, {"A": Tier.POOR}))
    with pytest.raises(InputError, match="not owed"):
        replenish(terms, state, "A", 1, 1)
    with pytest.raises(InputError, match="not a member"):
        give_notice(state, "Z")
    late, _ = close_window(terms, state, 50)
    with pytest.raises(InputError, match="backwards"):
        close_window(terms, late, 49)
    with pytest.raises(InputError, match="name it cannot have"):
        FundState.of({"members": 1})
    assert state == whole_fund([10, 20])


def test_fund_bill_says_what_one_default_and_a_window_can_cost():
    caps = CallCaps(Fraction(11, 4), Fraction(11, 2))
    assert worst_case_bill(100, caps) == (100, 275, 375, 650, 2)
    assert worst_case_bill(100, CallCaps(Fraction(3), Fraction(1))) == (100, 100, 200, 200, 1)
    assert worst_case_bill(100, CallCaps(Fraction(0), Fraction(1))).defaults_to_window is None


@settings(max_examples=60)
@given(amounts=st.lists(st.integers(0, 40), min_size=1, max_size=4), amount=st.integers(0, 170))
def test_fund_most_by_tier_bounds_every_behaviour_of_the_others(amounts, amount):
    available = dict(zip(NAMES, amounts, strict=False))
    bound = most_by_tier(amount, available, "A")
    worst = dict.fromkeys(Tier, 0)
    for choice in product(Tier, repeat=len(amounts)):
        if choice.count(Tier.WINNER) > 1:
            continue
        used = use_by_tier(amount, available, tiers_in_order(dict(zip(available, choice, strict=True)))).used
        worst[choice[0]] = max(worst[choice[0]], used["A"])
    for tier in Tier:
        assert worst[tier] <= bound[tier] <= worst[tier] + 1, tier


def test_fund_clock_pays_the_earliest_deadline_first_and_forgives():
    clock = Clock().owe({"A": 5}, 0, 20).owe({"A": 5, "B": 2}, 1, 10)
    clock = clock.pay("A", 6, 3)
    assert [(d.payer, d.left, d.settled_ns) for d in clock.debts] == [("A", 4, None), ("A", 0, 3), ("B", 2, None)]
    assert clock.status(11).overdue == {"B": 2}
    assert clock.forgive("A").owed("A") == 0
    with pytest.raises(InputError, match="1 to 4"):
        clock.pay("A", 5, 4)

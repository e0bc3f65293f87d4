"""The fund as a state machine. Ids fund-*."""

from __future__ import annotations

import copy
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from seawall.errors import InputError
from seawall.fund import (
    Asked,
    AskOut,
    ChangeTerms,
    CloseIncident,
    DrawLoss,
    Earn,
    Earned,
    FundRefused,
    FundState,
    FundStep,
    FundTerms,
    OpenIncident,
    PaidOut,
    PayQueue,
    Pool,
    PutIn,
    Staked,
    TakeBack,
    TakenBack,
    apply_fund,
    revenue_due,
    share_rebase,
)

TERMS = FundTerms(cooldown_ns=100, incident_longest_ns=50)


def run(state, *commands):
    events = []
    for command in commands:
        found = apply_fund(state, command)
        assert isinstance(found, FundStep), (command, found)
        state, events = found.state, [*events, *found.events]
    return state, events


def start(terms=TERMS, **stakes):
    return run(FundState(terms), *(PutIn(0, owner, amount) for owner, amount in stakes.items()))[0]


def test_fund_leavers_bear_losses_and_leave_gains():
    state = start(a=1_000, b=1_000)
    state, _ = run(state, AskOut(1, "a", 1_000), DrawLoss(2, 500))
    state, events = run(state, PayQueue(101))
    assert events == [PaidOut(101, "a", 750, 1_000, 0, 0)]
    state = start(a=1_000, b=1_000)
    state, _ = run(state, AskOut(1, "a", 1_000), Earn(2, 500))
    state, events = run(state, PayQueue(101))
    assert events == [PaidOut(101, "a", 1_000, 1_000, 0, 250)]
    assert state.worth("b") == 1_500


def test_fund_cooldown_is_the_one_at_the_request():
    state = start(a=1_000, b=1_000)
    longer = replace(TERMS, cooldown_ns=10_000)
    state, _ = run(state, AskOut(1, "a", 500), ChangeTerms(2, longer))
    assert apply_fund(state, ChangeTerms(3, longer)) is FundRefused.ANNOUNCED
    # whoever asks before the change begins (2 + 100) keeps the old cool-down, also when it ends after that
    state, _ = run(state, AskOut(101, "b", 500))
    state, events = run(state, PayQueue(201))
    assert [(e.owner, e.amount) for e in events] == [("a", 500), ("b", 500)]
    state, events = run(state, AskOut(201, "a", 100))
    assert events[0].due_ns == 10_201


def test_fund_incident_locks_payments_and_runs_out():
    state = start(a=1_000)
    state, _ = run(state, AskOut(1, "a", 500), OpenIncident(90, "hack"))
    assert apply_fund(state, PayQueue(101)) is FundRefused.INCIDENT
    assert apply_fund(state, PutIn(101, "b", 5)) is FundRefused.INCIDENT
    assert apply_fund(state, OpenIncident(101, "hack")) is FundRefused.KNOWN_INCIDENT
    # the cool-down went on; the lock is over after 50 by the terms, whether anyone closes it or not
    _, events = run(state, PayQueue(140))
    assert events[0].amount == 500
    _, events = run(state, CloseIncident(102, "hack"), PayQueue(102))
    assert events[-1].amount == 500
    assert apply_fund(state, CloseIncident(140, "hack")) is FundRefused.UNKNOWN_INCIDENT


def test_fund_a_mass_exit_cannot_drain_cover():
    terms = replace(TERMS, exit_share=Fraction(1, 10), exit_window_ns=1_000)
    state = start(terms, a=500, b=300, c=200)
    state, _ = run(state, AskOut(1, "a", 500), AskOut(2, "b", 300), AskOut(3, "c", 200))
    state, events = run(state, PayQueue(200))
    assert [(e.owner, e.amount, e.left) for e in events] == [("a", 100, 400)]
    state, events = run(state, PayQueue(1_199))
    assert events == []
    state, events = run(state, PayQueue(1_200))
    assert [(e.owner, e.amount) for e in events] == [("a", 90)]
    # cover in force is a second limit
    assert run(state, PayQueue(9_999, keep=800))[1][0].amount == 10
    assert run(state, PayQueue(9_999, keep=810))[1] == []


def test_fund_splitting_one_owner_does_not_jump_the_queue():
    terms = replace(TERMS, exit_share=Fraction(1, 10), exit_window_ns=1_000)
    whole = start(terms, other=500, one=500)
    whole, _ = run(whole, AskOut(1, "other", 500), AskOut(2, "one", 500))
    parts = start(terms, other=500, **{f"p{i}": 50 for i in range(10)})
    parts, _ = run(parts, AskOut(1, "other", 500), *(AskOut(2, f"p{i}", 50) for i in range(10)))
    for time in range(200, 9_000, 1_000):
        whole, paid = run(whole, PayQueue(time))
        parts, split_paid = run(parts, PayQueue(time))
        mine = sum(e.amount for e in paid if e.owner == "one")
        assert sum(e.amount for e in split_paid if e.owner != "other") == mine


def test_fund_drained_takes_no_new_money_and_keeps_requests():
    state = start(replace(TERMS, reserve=0), a=1_000)
    state, _ = run(state, AskOut(1, "a", 600), DrawLoss(2, 1_000))
    assert apply_fund(state, PutIn(3, "b", 100)) is FundRefused.DRAINED
    state, events = run(state, PayQueue(500))
    assert events == []
    # what is recovered later still reaches who asked
    state, events = run(state, Earn(600, 500), PayQueue(700))
    assert [(e.owner, e.amount) for e in events if isinstance(e, PaidOut)] == [("a", 300)]


def test_fund_dear_shares_cannot_swallow_a_stake():
    # One unit staked, a large gain: one share is worth 1,000,001. A stake of 1.9 shares would lose 0.9 of one.
    state, _ = run(start(thief=1), Earn(1, 10**6))
    assert apply_fund(state, PutIn(2, "victim", 1_900_000)) is FundRefused.DUST
    assert apply_fund(state, PutIn(2, "victim", 5)) is FundRefused.DUST
    after, events = run(state, PutIn(2, "victim", 10**6 + 1))
    assert events == [Staked(2, "victim", 10**6 + 1, 1)]
    assert after.worth("victim") == 10**6 + 1


def test_fund_cancel_burns_the_gain_but_never_a_sole_owner():
    state, _ = run(start(a=1_000, b=1_000), AskOut(1, "a", 1_000), Earn(2, 1_000))
    state, events = run(state, TakeBack(3, "a"))
    assert events == [TakenBack(3, "a", 500)]  # 500 of 1,500 shares of 3,000 are worth the frozen 1,000
    assert state.worth("a") == 1_000
    state, _ = run(start(a=1_000), AskOut(1, "a", 1_000), Earn(2, 1_000))
    state, events = run(state, TakeBack(3, "a"))
    assert events == [TakenBack(3, "a", 0)]
    assert state.worth("a") == 2_000


def test_fund_the_venue_owns_what_nobody_does_and_its_part_of_income():
    state, _ = run(FundState(TERMS), Earn(0, 700), PutIn(1, "a", 300))
    assert state.pool == Pool(1_000, 1_000, 300, 0)
    state = replace(state, terms=replace(TERMS, protocol_share=Fraction(1, 2)))
    state, events = run(state, Earn(2, 1_000))
    assert events == [Earned(2, 1_000, 333)]  # 500 buy at 1,500 / 1,000
    assert state.worth("a") == 450  # 300 x 2000 / 1333: 300 and their part of the other half


def test_fund_refusals():
    state = start(a=1_000)
    assert apply_fund(state, PutIn(0, "a", 0)) is FundRefused.AMOUNT
    assert apply_fund(state, AskOut(0, "a", 1_001)) is FundRefused.NO_STAKE
    assert apply_fund(state, AskOut(0, "x", 1)) is FundRefused.NO_STAKE
    assert apply_fund(state, AskOut(0, "a", 0)) is FundRefused.AMOUNT
    assert apply_fund(state, TakeBack(0, "a")) is FundRefused.NO_REQUEST
    assert apply_fund(state, DrawLoss(0, 1_000)) is FundRefused.SHORT
    assert apply_fund(state, PayQueue(0, keep=-1)) is FundRefused.AMOUNT
    later, _ = run(state, AskOut(5, "a", 1))
    assert apply_fund(later, AskOut(5, "a", 1)) is FundRefused.PENDING
    assert apply_fund(later, PutIn(4, "a", 1)) is FundRefused.TIME_BACKWARDS


@pytest.mark.parametrize(
    "bad", [{"exit_share": Fraction(0)}, {"dust": Fraction(2)}, {"reserve": -1}, {"exit_window_ns": 0}]
)
def test_fund_terms_out_of_range(bad):
    with pytest.raises(InputError):
        FundTerms(cooldown_ns=1, **bad)


def test_fund_revenue_is_capped_by_share_and_rate():
    year = 365 * 24 * 3600 * 10**9
    terms = {"share": Fraction(1, 10), "max_apr": Fraction(10)}
    assert revenue_due(1_000, 10**9, year, **terms) == 100
    assert revenue_due(10**9, 1_000, year // 1_000, **terms) == 10
    assert revenue_due(10**9, 0, year, **terms) == 0


# --- properties ---------------------------------------------------------------------------------------------------

OWNERS = st.sampled_from("abcd")
AMOUNT = st.one_of(st.integers(1, 20), st.integers(1, 10**6), st.integers(1, 10**12))


class FundMachine(RuleBasedStateMachine):
    """Any sequence of commands. What was promised is remembered beside the state, in plain dicts."""

    @initialize(
        cooldown=st.integers(0, 50),
        share=st.sampled_from([Fraction(1), Fraction(1, 10), Fraction(1, 3)]),
        own=st.sampled_from([Fraction(0), Fraction(1, 4)]),
    )
    def begin(self, cooldown, share, own):
        terms = FundTerms(cooldown, share, 40, protocol_share=own, incident_longest_ns=30)
        self.state, self.now, self.promised, self.paid = FundState(terms), 0, {}, []
        self.income = self.losses = 0
        for owner, amount in (("a", 10**6), ("b", 10**9), ("c", 777)):
            assert self.do(PutIn(0, owner, amount))

    def do(self, command):
        kept = copy.deepcopy(self.state)
        found = apply_fund(self.state, command)
        assert self.state == kept, "the old value was changed"
        if isinstance(found, FundRefused):
            return None
        self.state = found.state
        for event in found.events:
            if isinstance(event, Asked):
                assert event.due_ns == self.now + self.state.terms.cooldown_ns
                self.promised[event.owner] = [event.value, event.due_ns]
            if isinstance(event, PaidOut):
                promise = self.promised[event.owner]
                assert self.now >= promise[1], "paid before its cool-down was over"
                assert event.amount <= promise[0], "paid more than the value at the request"
                promise[0] -= event.amount
                self.paid.append((self.now, event.amount))
            if isinstance(event, TakenBack):
                del self.promised[event.owner]
        return found

    @rule(owner=OWNERS, amount=AMOUNT)
    def put_in(self, owner, amount):
        before = self.state.worth(owner)
        pool_before = self.state.pool.vault
        if self.do(PutIn(self.now, owner, amount)):
            gain = self.state.worth(owner) - before - amount
            assert gain <= 1 or pool_before == 0, "staking is no way to gain"

    @precondition(lambda self: set(self.state.stakes) - set(self.state.queue))
    @rule(data=st.data(), part=st.one_of(st.just(Fraction(1)), st.fractions(Fraction(1, 100), 1)))
    def ask(self, data, part):
        owner = data.draw(st.sampled_from(sorted(set(self.state.stakes) - set(self.state.queue))))
        self.do(AskOut(self.now, owner, int(self.state.stakes[owner].shares * part)))

    @precondition(lambda self: self.state.queue)
    @rule(data=st.data())
    def take_back(self, data):
        owner = data.draw(st.sampled_from(self.state.queue))
        before = self.state.worth(owner)
        if self.do(TakeBack(self.now, owner)):
            assert self.state.worth(owner) <= before + 1

    @precondition(lambda self: self.state.queue)
    @rule(keep=st.sampled_from([0, 0, 0, 10, 10**8]), dt=st.integers(0, 120))
    def pay(self, keep, dt):
        self.now += dt
        locked, gone, vault = self.locked(), self.recent(), self.state.pool.vault
        found = self.do(PayQueue(self.now, keep))
        if found:
            assert not locked
            paid = vault - self.state.pool.vault
            assert paid == 0 or self.state.pool.vault >= keep
            assert gone + paid <= (vault + gone) * self.state.terms.exit_share or paid == 0

    @precondition(lambda self: self.state.stakes and not self.locked())
    @rule(data=st.data(), change=st.sampled_from([None, "gain", "loss"]))
    def leave(self, data, change):
        """Ask, see something happen, and be paid: the road that single steps rarely walk to its end."""
        owner = data.draw(st.sampled_from(sorted(self.state.stakes)))
        self.do(AskOut(self.now, owner, self.state.stakes[owner].shares))
        if change == "gain":
            self.earn(self.state.pool.vault + 1)
        if change == "loss" and self.state.drawable:
            self.draw(Fraction(1, 3))
        self.pay(0, 150)

    def recent(self):
        return sum(a for t, a in self.paid if t > self.now - self.state.terms.exit_window_ns)

    def locked(self):
        return any(until > self.now for until in self.state.incidents.values())

    @rule(amount=AMOUNT)
    def earn(self, amount):
        self.do(Earn(self.now, amount))
        self.income += amount

    @precondition(lambda self: self.state.queue)
    @rule(part=st.sampled_from([Fraction(n, 10_000) for n in (1, 10, 100, 1_000, 5_000, 9_990, 10_000)]))
    def draw(self, part):
        amount = int(self.state.drawable * part)
        if amount:
            assert self.do(DrawLoss(self.now, amount))
            self.losses += amount

    @precondition(lambda self: len(self.state.incidents) < 2 and self.state.queue)
    @rule()
    def incident(self):
        self.do(OpenIncident(self.now, f"i{len(self.state.incidents)}"))

    @precondition(lambda self: self.state.next_terms is None and self.state.queue)
    @rule(cooldown=st.integers(0, 100))
    def change(self, cooldown):
        self.do(ChangeTerms(self.now, replace(self.state.terms, cooldown_ns=cooldown)))

    @invariant()
    def money_is_conserved(self):
        s = self.state
        assert s.pool.vault == s.put_in + s.earned - s.paid_out - s.drawn
        assert (s.earned, s.drawn) == (self.income, self.losses)
        assert s.paid_out == sum(a for _, a in self.paid)
        assert s.pool.vault >= 0

    @invariant()
    def shares_belong_to_someone(self):
        s = self.state
        assert 0 <= s.pool.user_shares <= s.pool.total_shares
        held = sum(x.shares // 10 ** (s.pool.base - x.base) for x in s.stakes.values())
        assert held <= s.pool.user_shares
        assert sum(s.worth(o) for o in s.stakes) <= s.pool.vault

    @invariant()
    def requests_are_in_the_queue(self):
        s = self.state
        assert len(set(s.queue)) == len(s.queue)
        for owner, stake in s.stakes.items():
            assert 0 <= stake.request_shares <= stake.shares
            if owner not in s.queue:
                assert (stake.request_shares, stake.request_value) == (0, 0)
        for owner in s.queue:
            assert s.stakes[owner].request_value == self.promised[owner][0], "a right was changed without payment"
            assert s.stakes[owner].request_ns + s.stakes[owner].cooldown_ns == self.promised[owner][1]


TestFundMachine = FundMachine.TestCase
TestFundMachine.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)

ACTS = st.lists(
    st.tuples(st.sampled_from(["in", "ask", "back", "pay"]), st.fractions(0, 1), AMOUNT), min_size=1, max_size=15
)


@settings(max_examples=300, deadline=None)
@given(vault=st.integers(1, 10**12), others=st.integers(1, 10**12), own=st.integers(0, 10**12), mine=AMOUNT, acts=ACTS)
def test_fund_no_cycle_of_stakes_and_requests_gains(vault, others, own, mine, acts):
    """One staker acts, nobody else does, nothing is earned or lost: out plus what is left is at most what went in.

    The pool starts anywhere: after gains (shares dear), after losses (a rebase is due), with shares of the venue.
    """
    pool = Pool(vault, others + own, others)
    state = replace(FundState(FundTerms(0)), pool=pool, put_in=vault)
    put, out = 0, 0
    for time, (kind, part, amount) in enumerate([("in", Fraction(1), mine), *acts], 1):
        held = state.stakes.get("me")
        command = {
            "in": PutIn(time, "me", amount),
            "ask": AskOut(time, "me", int(part * held.shares) if held else 0),
            "back": TakeBack(time, "me"),
            "pay": PayQueue(time),
        }[kind]
        found = apply_fund(state, command)
        if isinstance(found, FundStep):
            put += amount if kind == "in" else 0
            out += sum(e.amount for e in found.events if isinstance(e, PaidOut))
            state = found.state
        assert out + state.worth("me") <= put, (pool, mine, acts)


def test_fund_shares_of_an_empty_vault_cannot_be_rebased():
    with pytest.raises(InputError, match="empty vault"):
        share_rebase(5, 0)

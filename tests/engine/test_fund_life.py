"""The life of a default fund in the engine, held against ``members`` and worked examples. Ids life-*.

Source: Delegated Regulation (EU) 153/2013 art. 36 (own resources come back within a month, a later default finds what is
left); Regulation (EU) 648/2012 art. 43(3) (limited exposure of members); ``members.fund`` and ``waterfall.tiers``, which
are held against vectors of their own.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.books import FLAT, USDC, policy, snapshot
from tests.explained import ledger_names, unexplained

from seawall.engine import (
    DeclareLoss,
    Fill,
    Marks,
    Recover,
    Reinstate,
    Resolve,
    StopPaying,
    WindDown,
    apply,
    check_all,
    command_from_plain,
    command_to_plain,
    event_to_plain,
    open_state,
    state_hash,
)
from seawall.engine.events import (
    Called,
    CallUnpaid,
    DebtEnded,
    Drawn,
    MemberDefaulted,
    MembersDrawn,
    Refused,
    Replenished,
    ReplenishmentOwed,
)
from seawall.errors import InputError
from seawall.market import Instrument
from seawall.members import (
    CallCaps,
    Default,
    FundState,
    FundTerms,
    OwnSlice,
    ReplenishRule,
    absorb,
    close_window,
    replenish,
    worst_case_bills,
)
from seawall.waterfall import DefaultLoss, Slice, successive_defaults

NAMES = "ABCDE"
HOUSE = [{"name": "first", "role": "fund"}, {"name": "second", "role": "fund"}]
OWN = {"name": "own", "kind": "own_contribution"}
FIRST = {"name": "first", "kind": "account", "account": "first", "causes": ["default", "custody"]}
FUND = {"name": "fund", "kind": "members"}
SECOND = {"name": "second", "kind": "account", "account": "second", "causes": ["default", "custody"]}
CALLS = {"name": "calls", "kind": "assessment"}
FLAT_FIRST = {
    "deadline_s": 1,
    "pace": {"kind": "at_once"},
    "limit": {"kind": "market"},
    "fee": {"kind": "none"},
    "defaults": "flat",
}
CASH, ENTRY = 2_000, 10_000
S = 10**9


def market(number):
    """One unit of money a mark and lot, so that a loss is any whole number of units."""
    lot = Fraction(1, 10**6)
    return Instrument.of(f"M{number}-PERP", USDC, base=f"M{number}", quote="USD", lot=lot, mark_scale=0, brackets=FLAT)


def rules(layers, **members):
    house = [h for h in HOUSE if h["name"] in {row.get("account") for row in layers}]
    fund = {"fund": "0.003", "contribution": "proportional", **members}
    needs = any(row["kind"] in ("own_contribution", "members", "assessment") for row in layers)
    return policy(
        layers=layers, liquidation=FLAT_FIRST, deleverage=None, house=house, members=fund if needs else None,
        wind_down={"price": "last_index", "claims_s": 8, "interim_share": "1/2"},
    )  # fmt: skip


def venue(terms, defaulters, sizes, first=0, second=0):
    """Account ``x0``, ``x1``, ... of these members, one lot long in a market of its own each; and a member's rest."""
    accounts = {f"x{i}": CASH for i in range(len(defaulters))} | {f"rest {m}": 10**9 for m in NAMES[: len(sizes)]}
    accounts |= {"first": first, "second": second}
    positions = [(f"x{i}", f"M{i}-PERP", 1, ENTRY) for i in range(len(defaulters))]
    positions += [(f"rest {m}", "M0-PERP", size, ENTRY) for m, size in zip(NAMES, sizes, strict=False) if size]
    markets = [market(i) for i in range(len(defaulters))]
    roles = {"first": "fund", "second": "fund"}
    book = snapshot(accounts, positions, markets, roles=roles, marks={m.symbol: ENTRY for m in markets})
    names = [*defaulters, *NAMES[: len(sizes)], "", ""]
    return open_state(replace(book, members=tuple(names)), terms, {}, 0)


def do(state, command):
    """Apply it; every posting is explained, and the command comes back from its journal line."""
    assert command_from_plain(command_to_plain(command)) == command
    outcome = apply(state, command)
    assert outcome.rejection is None, (command, outcome.rejection)
    plain = [event_to_plain(e) for e in outcome.events]
    wrong = unexplained(plain, outcome.transfers, ledger_names(state), {a.name: a for a in state.snapshot.assets})
    assert not wrong, (command, wrong, plain)
    check_all(state)
    return outcome.events


def fall(state, number, loss, at):
    """Account ``x{number}`` is closed at a mark that leaves this loss, and the loss goes down the layers."""
    mark = ENTRY - CASH - loss
    events = [*do(state, Marks(at, {f"M{number}-PERP": mark}))]
    for intent in sorted(state.intents):
        events += do(state, Fill(at, intent, "outside", 1, mark))
    return [*events, *do(state, Resolve(at))]


def quiet(state, at):
    return do(state, Marks(at, {}))


def of(events, kind):
    return [e for e in events if isinstance(e, kind)]


def cash(state, name):
    return state.book.cash(state.account_index[name], 0)


def paid_by(state, events):
    """What each payer paid: house accounts by name, members by name."""
    paid: dict[str, int] = {}
    for event in events:
        rows = []
        if isinstance(event, Drawn):
            rows = [(event.source, event.amount)]
        elif isinstance(event, MembersDrawn):
            rows = event.parts
        elif isinstance(event, Called):
            rows = [(event.member, event.amount)]
        for name, amount in rows:
            name = name.removeprefix("contribution:")
            paid[name] = paid.get(name, 0) + amount
    return {name: amount for name, amount in paid.items() if amount}


# --- own slices -----------------------------------------------------------------------------------------------------


def test_life_an_own_slice_comes_back_a_month_after_its_use():
    state = venue(rules([{**FIRST, "reinstated_after_s": 30}, SECOND]), "AA", [0], first=100, second=100)
    events = fall(state, 0, 70, 10 * S)
    assert of(events, ReplenishmentOwed)[0][:5] == (1, "first", "USDC", 70, 40 * S), events
    assert not quiet(state, 40 * S - 1)[1:]
    assert cash(state, "first") == 30
    assert of(quiet(state, 40 * S), Replenished)[0][:4] == (1, "first", "USDC", 70)
    assert cash(state, "first") == 100 and not state.clock.clocks
    assert not any(line.startswith("owed ") for line in state.clock.canonical_lines())


def test_life_what_came_back_otherwise_is_not_paid_twice():
    state = venue(rules([{**FIRST, "reinstated_after_s": 30}]), "A", [0], first=100)
    fall(state, 0, 70, 10 * S)
    back = do(state, Recover(11 * S, 1, "USDC", 25))
    assert [e[:4] for e in of(back, DebtEnded)] == [("first", "USDC", 25, "recovery")], back
    more = do(state, Reinstate(12 * S, "first", "USDC", 15))
    assert [e[:4] for e in of(more, DebtEnded)] == [("first", "USDC", 15, "reinstated")], more
    assert [e.amount for e in of(quiet(state, 40 * S), Replenished)] == [30]
    assert cash(state, "first") == 100
    assert not of(do(state, Reinstate(41 * S, "first", "USDC", 5)), DebtEnded)  # beyond the debt: as before
    assert cash(state, "first") == 105


def test_life_nothing_comes_back_while_the_default_runs():
    """At a limit of bankruptcy the account keeps its position and its loss is recognised anew: it is one default."""
    layers = [{**FIRST, "reinstated_after_s": 0}]
    terms = replace(rules(layers), liquidation=policy().liquidation)
    state = venue(terms, "A", [0], first=100)
    do(state, Marks(S, {"M0-PERP": ENTRY - CASH - 400}))
    assert of(do(state, Resolve(3 * S)), Drawn)[0].amount == 100
    assert state.cases and not of(do(state, Resolve(4 * S)), Replenished | Drawn)
    assert cash(state, "first") == 0 and state.clock.owed("first", 0) == 100
    after = [*do(state, Marks(5 * S, {"M0-PERP": ENTRY})), *do(state, Resolve(6 * S)), *quiet(state, 7 * S)]
    assert not state.cases and [e.amount for e in of(after, Replenished)] == [100], after


def test_life_defaults_of_one_resolve_find_the_same_slice():
    state = venue(rules([{**FIRST, "reinstated_after_s": 0}]), "AB", [0, 0], first=100)
    do(state, Marks(S, {"M0-PERP": 7_920, "M1-PERP": 7_930}))
    for intent, mark in zip(sorted(state.intents), (7_920, 7_930), strict=True):
        do(state, Fill(S, intent, "outside", 1, mark))
    assert [e.amount for e in of(do(state, Resolve(S)), Drawn)] == [80, 20]
    assert sum(e.amount for e in of(do(state, Resolve(S)), Replenished)) == 100


def test_life_after_a_wind_down_the_clock_stands_still():
    state = venue(rules([{**FIRST, "reinstated_after_s": 5}]), "A", [0], first=100)
    fall(state, 0, 70, S)
    do(state, WindDown(2 * S))
    assert cash(state, "first") == 30
    do(state, Recover(9 * S, 1, "USDC", 10))
    assert cash(state, "first") == 40


@settings(max_examples=60, deadline=None)
@given(
    losses=st.lists(st.integers(1, 300), min_size=1, max_size=5),
    amounts=st.tuples(st.integers(0, 150), st.integers(0, 150)),
    lifted=st.tuples(st.booleans(), st.booleans()),
)
def test_life_successive_defaults_pay_as_the_slices_say(losses, amounts, lifted):
    """``waterfall.successive_defaults`` with reinstated slices is ``reinstated_after_s = 0``."""
    layers = [{**row, "reinstated_after_s": 0} if up else row for row, up in zip((FIRST, SECOND), lifted, strict=True)]
    state = venue(rules(layers), "A" * len(losses), [0], *amounts)
    slices = [Slice(n, a, up) for n, a, up in zip(("first", "second"), amounts, lifted, strict=True)]
    expected = successive_defaults(slices, [DefaultLoss(loss, 0) for loss in losses])
    for number, (loss, (draws, residual)) in enumerate(zip(losses, expected.defaults, strict=True)):
        paid = paid_by(state, fall(state, number, loss, (number + 1) * S))
        want = {d.name: d.amount for d in draws if d.amount}
        assert paid == want and sum(want.values()) + residual == loss, (losses, amounts, lifted, number, paid, want)


def test_life_a_policy_without_a_clock_keeps_no_line_of_it():
    plain = rules([FIRST])
    assert "reinstated_after_ns" not in plain.canonical() and "later" not in plain.canonical()
    state = venue(plain, "A", [0], first=100)
    fall(state, 0, 70, S)
    assert not list(state.clock.canonical_lines())
    clocked = venue(rules([{**FIRST, "reinstated_after_s": 9}]), "A", [0], first=100)
    fall(clocked, 0, 70, S)
    assert list(clocked.clock.canonical_lines()) == [f"owed 0 1 'first' 70 {S} {10 * S}"]
    assert state_hash(state) != state_hash(clocked)


# --- members --------------------------------------------------------------------------------------------------------


def members(defaulters, sizes, layers=(OWN, FUND, CALLS), **terms):
    caps = {"call_per_default": "1", "call_per_window": "2", "window_s": 100}
    return venue(rules(list(layers), contribution="equal", **{**caps, **terms}), defaulters, sizes)


def test_life_the_window_opens_when_a_loss_reaches_members_money():
    state = members("A", [0, 0, 0], reinstated_after_s=7)  # 1,000 each
    assert not state.members.windows
    events = fall(state, 0, 1_500, 10 * S)
    window = state.members.windows[0]
    assert (window.opened_ns, window.closes_ns, dict(window.taken)) == (10 * S, 110 * S, {}), window
    owed = {(e.account, e.amount, e.due_ns) for e in of(events, ReplenishmentOwed)}
    due = 117 * S
    assert owed == {("contribution:A", 1_000, due), ("contribution:B", 250, due), ("contribution:C", 250, due)}, events
    assert not of(quiet(state, due - 1), Replenished)
    assert sum(e.amount for e in of(quiet(state, due), Replenished)) == 1_500
    assert [cash(state, f"contribution:{m}") for m in "ABC"] == [1_000] * 3


def test_life_a_member_that_does_not_pay_is_asked_once():
    state = members("AAB", [0, 0, 0], layers=(OWN, CALLS))
    do(state, StopPaying(S, "C"))
    events = fall(state, 0, 1_600, 2 * S)  # 1,000 of its own, 600 called of B and C
    assert [(e.member, e.amount) for e in of(events, CallUnpaid)] == [("C", 300)], events
    assert [e[:3] for e in of(events, MemberDefaulted)] == [("C", ("C",), "call_unpaid")]
    assert paid_by(state, events) == {"A": 1_000, "B": 600}
    later = fall(state, 1, 100, 3 * S)
    assert not of(later, CallUnpaid) and paid_by(state, later) == {"B": 100}
    assert set(state.members.others(state.account_index["x2"])) == {"A"}
    assert cash(state, "contribution:C") == 1_000  # what it had paid in stays


@pytest.mark.parametrize(
    ("member", "before", "code"),
    [
        ("Z", [], Refused.UNKNOWN_MEMBER),
        ("", [], Refused.UNKNOWN_MEMBER),
        ("B", [StopPaying(S, "B")], Refused.STOPPED_PAYING),
    ],
)
def test_life_stopping_is_refused_for_strangers_and_the_second_time(member, before, code):
    state = members("A", [0, 0])
    for command in before:
        do(state, command)
    was = state_hash(state)
    assert apply(state, StopPaying(2 * S, member)).rejection.code is code
    assert state_hash(state) == was


def test_life_nobody_stops_paying_a_venue_without_members():
    state = venue(rules([FIRST]), "A", [0], first=5)
    assert apply(state, StopPaying(S, "A")).rejection.code is Refused.UNKNOWN_MEMBER


def test_life_who_does_not_put_back_is_in_default_and_owes_no_more():
    state = members("A", [0, 0, 0], reinstated_after_s=0, window_s=10)
    fall(state, 0, 1_500, S)
    do(state, StopPaying(2 * S, "B"))
    assert state.clock.owed("contribution:B", 0) == 250
    events = quiet(state, 11 * S)
    assert [e[:3] for e in of(events, MemberDefaulted)] == [("B", ("B",), "replenishment_unpaid")], events
    assert [e[:4] for e in of(events, DebtEnded)] == [("contribution:B", "USDC", 250, "default")]
    assert {e.account: e.amount for e in of(events, Replenished)} == {"contribution:A": 1_000, "contribution:C": 250}
    assert apply(state, StopPaying(12 * S, "B")).rejection.code is Refused.STOPPED_PAYING


def test_life_a_member_whose_loss_used_up_its_contribution_is_in_default():
    state = members("AAB", [0, 0, 0], fails="used_up", reinstated_after_s=0, window_s=10)
    events = fall(state, 0, 1_000, S)  # all of it and no more: it stands
    assert not of(events, MemberDefaulted) and not state.members.failed
    events = fall(state, 1, 1, 2 * S)
    assert [e[:3] for e in of(events, MemberDefaulted)] == [("A", ("A",), "used_up")], events
    assert [e[:4] for e in of(events, DebtEnded)] == [("contribution:A", "USDC", 1_000, "default")]
    assert paid_by(state, events) == {"B": 1}  # of two equal remainders, the first by name
    assert not of(fall(state, 2, 1_500, 3 * S), Called)


def test_life_affiliates_are_one():
    state = members("A", [0, 0, 0, 0], fails="used_up", groups=[["B", "A"]])  # 750 each
    events = fall(state, 0, 1_600, S)
    own = [e for e in of(events, MembersDrawn) if e.layer == "own"]
    assert own[0].parts == (("contribution:A", 750), ("contribution:B", 750)), events
    assert paid_by(state, events) == {"A": 750, "B": 750, "C": 50, "D": 50}
    assert of(events, MemberDefaulted)[0][:3] == ("A", ("A", "B"), "used_up")
    assert set(state.members.others(None)) == {"C", "D"}


def test_life_affiliates_share_a_loss_that_they_can_bear():
    state = members("A", [0, 0, 0, 0], fails="used_up", groups=[["B", "A"]])
    events = fall(state, 0, 101, S)
    assert paid_by(state, events) == {"A": 51, "B": 50}, events
    assert not state.members.failed


def test_life_a_group_names_members_of_the_book():
    with pytest.raises(InputError, match="not a member") as caught:
        members("A", [0, 0], groups=[["A", "Z"]])
    error = caught.value
    assert (error.where, error.field, error.value, error.expected) == ("policy", "members.groups", "Z", "A, B"), error


# --- the twin -------------------------------------------------------------------------------------------------------


class Twin:
    """``members.absorb`` and its clock through the same defaults. ``stopped`` will not pay when asked next."""

    def __init__(self, terms, contributions, own, groups):
        self.terms, self.state = terms, FundState.of(contributions, own)
        self.groups, self.stopped, self.failed = groups, set(), set()

    def group(self, member):
        return next((g for g in self.groups if member in g), (member,))

    def fail(self, member):
        """Not called again, puts nothing back; what it had paid in stays usable."""
        for name in self.group(member):
            self.failed.add(name)
            self.stopped.discard(name)
            clock = self.state.clock.forgive(name)
            window, required = self.state.window, dict(self.state.required)
            if name in required:
                required[name] = 0
            if window is not None:
                window = replace(window, base={m: 0 if m == name else x for m, x in window.base.items()})
            self.state = replace(self.state, clock=clock, required=required, window=window)

    def until(self, now):
        self.state, _ = close_window(self.terms, self.state, now)
        due = {}
        for debt in self.state.clock.debts:
            if debt.due_ns <= now and debt.left:
                due[debt.payer] = due.get(debt.payer, 0) + debt.left
        for payer in sorted(due):
            if payer in self.stopped:
                self.fail(payer)
        for payer, amount in sorted(due.items()):
            if payer not in self.failed:
                self.state = replenish(self.terms, self.state, payer, amount, now)

    def default(self, member, loss, now):
        members = tuple(m for m in self.group(member) if m in self.state.held)
        standing = frozenset(self.stopped & set(self.state.held) - set(members))
        before = self.state.window
        self.state, outcome = absorb(self.terms, self.state, Default(members, loss, now, None, standing))
        self.failed.update(self.group(member))
        used = dict(outcome.used)
        touched = sum(sum(used[name].values()) for name in ("defaulter", "members", "calls"))
        if not touched and not outcome.residual and (before is None or not before.is_open(now)):
            self.state = replace(self.state, window=before)  # members' money was not reached: no window opens
        for name in sorted(outcome.missed):
            self.fail(name)
        paid = {}
        for _, part in outcome.used:
            for name, amount in part.items():
                if amount:
                    paid[name] = paid.get(name, 0) + amount
        return {{"own_first": "first", "own_second": "second"}.get(n, n): x for n, x in paid.items()}


STEP = st.tuples(
    st.sampled_from(["default", "default", "default", "stop", "wait"]),
    st.integers(0, 45),  # seconds later
    st.one_of(st.integers(1, 400), st.integers(1, 4_000)),  # loss beyond what the group put in
    st.integers(0, 4),  # who
)


@settings(max_examples=120, deadline=None)
@given(
    sizes=st.lists(st.integers(0, 9), min_size=2, max_size=5),
    fund=st.integers(1, 900),
    own=st.tuples(st.integers(0, 60), st.integers(0, 60)),
    own_after=st.sampled_from([0, 25, 60]),
    after=st.sampled_from([0, 20]),
    inside=st.booleans(),
    beside=st.booleans(),
    caps=st.tuples(st.fractions(Fraction(1, 4), 2, max_denominator=4), st.fractions(0, 2, max_denominator=4)),
    window=st.sampled_from([30, 100]),
    grouped=st.booleans(),
    steps=st.lists(STEP, min_size=1, max_size=9),
)
def test_life_the_engine_pays_as_the_library_does(
    sizes, fund, own, own_after, after, inside, beside, caps, window, grouped, steps
):
    """What each payer pays for each of several defaults is the same to the unit, and nobody is billed beyond its bill."""
    names = NAMES[: len(sizes)]
    single, whole = caps[0], caps[0] + caps[1]
    groups = [(names[0], names[-1])] if grouped and len(names) > 2 else []
    layers = [
        OWN,
        {**FIRST, "reinstated_after_s": own_after},
        FUND,
        {**SECOND, "reinstated_after_s": own_after, "beside": beside, "causes": ["default"]},
        CALLS,
    ]
    terms = rules(
        layers,
        fund=f"0.{fund:06d}",
        call_per_default=str(single),
        call_per_window=str(whole),
        window_s=window,
        reinstated_after_s=after,
        reinstated_inside_window=inside,
        fails="used_up",
        groups=[list(g) for g in groups],
    )
    defaulters = [names[who % len(names)] for _, _, _, who in steps]
    state = venue(terms, defaulters, sizes, *own)
    contributions = dict(state.members.paid_in[0])
    limits = CallCaps(single, whole, window * S)
    middle = (("members", "own_second"),) if beside else (("members",), ("own_second",))
    slices = {
        n: OwnSlice.of(x, reinstated=not own_after) for n, x in zip(("own_first", "own_second"), own, strict=True)
    }
    order = (("own_first",), *middle, ("calls",))
    twin = Twin(
        FundTerms(order, limits, ReplenishRule(after * S, own_after * S, inside)), contributions, slices, groups
    )
    bills = worst_case_bills(contributions, limits)
    lost, opened, now = {}, None, 0
    for number, (kind, later, extra, _) in enumerate(steps):
        now += later * S
        member = defaulters[number]
        case = (contributions, own, groups, defaulters, number, kind, now)
        twin.until(now)
        if kind == "wait":
            quiet(state, now)
        elif kind == "stop":
            quiet(state, now)
            known = member in twin.stopped or member in twin.failed
            outcome = apply(state, StopPaying(now, member))
            assert (outcome.rejection is not None) == known, (case, outcome)
            twin.stopped |= set() if known else {member}
        else:
            loss = extra + sum(twin.state.held.get(m, 0) for m in twin.group(member))
            expected = twin.default(member, loss, now)
            paid = paid_by(state, fall(state, number, loss, now))
            assert paid == expected, (case, paid, expected)
            at = state.members.windows.get(0)
            if at is not None and at.opened_ns != opened:
                lost, opened = {}, at.opened_ns
            for name in names:
                lost[name] = lost.get(name, 0) + paid.get(name, 0)
                assert paid.get(name, 0) <= bills[name].one_default, (case, name, paid, bills[name])
                assert lost[name] <= bills[name].window, (case, name, lost, bills[name])
        for name, held in twin.state.held.items():
            assert cash(state, f"contribution:{name}") == held, (case, name, held)
        for name in twin.state.held:
            # What the library adds when the window closes, the engine has noted with the use: nothing else is owed.
            assert state.clock.owed(f"contribution:{name}", 0) >= twin.state.clock.owed(name), (case, name)
        assert state.members.stopped - state.members.failed == twin.stopped - twin.failed, case


def test_life_a_declared_loss_finds_what_was_due_before():
    """Two incidents with no mark between them: what is due comes back before the second."""
    state = venue(rules([{**FIRST, "reinstated_after_s": 3}]), "A", [0], first=100)
    do(state, DeclareLoss(S, "one", "USDC", 80, "custody"))
    assert of(do(state, DeclareLoss(3 * S, "two", "USDC", 10, "custody")), Drawn)[0].amount == 10
    events = do(state, DeclareLoss(4 * S, "three", "USDC", 90, "custody"))
    assert [e.amount for e in of(events, Replenished)] == [80] and of(events, Drawn)[0].amount == 90, events

"""Attacks on a default fund: its clock, its calls, its auctions, members that fail on purpose. Ids member-attack-*.

Source: Regulation (EU) 648/2012 art. 43(3) (limited exposure of members), art. 48 (default procedures); each case states
what an attacker would gain, and docs/explanation-attacks.md has the cap.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.books import perp, policy, snapshot
from tests.engine.test_auction import LIQUIDATION
from tests.engine.test_fund_life import CALLS, FUND, NAMES, OWN, S, cash, do, fall, of, quiet, rules, venue

from seawall.engine import (
    Auction,
    DeclareLoss,
    Marks,
    Recover,
    Reinstate,
    Resolve,
    StopPaying,
    WindDown,
    Withdraw,
    apply,
    open_state,
    state_hash,
)
from seawall.engine.events import AuctionHeld, Called, DebtEnded, LossRecognised, Replenished, ReplenishmentOwed
from seawall.members import CallCaps, worst_case_bills

UNIT = 10**6
STOLEN = {"causes": ["default", "custody"]}
MONEY = [OWN, {**FUND, **STOLEN}, {**CALLS, **STOLEN}]


def fund(sizes, **changes):
    terms = {"call_per_default": "1", "call_per_window": "2", "window_s": 10, "reinstated_after_s": 0, **changes}
    return venue(rules(MONEY, fund="0.000300", **terms), "A", sizes)


def test_member_attack_a_recovery_does_not_make_every_later_bill_larger():
    """member-attack-recovery: money came back for what a member had put back already; it was billed twice ever after."""
    state, now = fund([1, 1]), S
    do(state, DeclareLoss(now, "one", "USDC", 300, "custody"))
    now += 20 * S
    quiet(state, now)
    do(state, Recover(now, 1, "USDC", 300))
    held = [cash(state, f"contribution:{m}") for m in "AB"]
    assert held == [2 * x for x in state.members.paid_in[0].values()], held
    paid = []
    for name in ("two", "three"):
        now += S
        events = do(state, DeclareLoss(now, name, "USDC", 600, "custody"))
        assert sum(e.amount for e in of(events, ReplenishmentOwed)) == 300, events
        now += 20 * S
        paid.append(sum(e.amount for e in of(quiet(state, now), Replenished)))
    assert paid == [300, 300], paid


MOVE = st.tuples(
    st.sampled_from(["loss", "loss", "back", "back", "lift", "wait"]),
    st.integers(0, 14),
    st.integers(1, 900),
    st.integers(1, 4),
)


@settings(max_examples=150, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 5), min_size=2, max_size=4),
    inside=st.booleans(),
    caps=st.tuples(st.sampled_from(["1/2", "1"]), st.sampled_from(["1", "2"])),
    moves=st.lists(MOVE, min_size=2, max_size=12),
)
def test_member_attack_nobody_is_billed_beyond_the_bill_with_recoveries_between(sizes, inside, caps, moves):
    """member-attack-bill: per window, what a member owes net of what came back, and what it is called for."""
    single, whole = caps
    state = fund(sizes, call_per_default=single, call_per_window=whole, reinstated_inside_window=inside)
    base = dict(state.members.paid_in[0])
    bills = worst_case_bills(base, CallCaps(Fraction(single), Fraction(whole), 10 * S))
    bill, opened, now = {}, None, 0
    for number, (kind, later, amount, which) in enumerate(moves):
        now += later * S
        loss = state.next_loss - which
        if kind == "wait":
            events = quiet(state, now)
        elif kind == "loss":
            events = do(state, DeclareLoss(now, f"loss {number}", "USDC", amount, "custody"))
        elif kind == "lift":
            name = NAMES[which % len(sizes)]
            events = do(state, Reinstate(now, f"contribution:{name}", "USDC", amount))
        elif loss > 0:
            events = do(state, Recover(now, loss, "USDC", amount))
        else:
            continue
        window = state.members.windows.get(0)
        if window is not None and window.opened_ns != opened:
            bill, opened = dict.fromkeys(base, 0), window.opened_ns
        for e in events:
            if isinstance(e, Called | ReplenishmentOwed):
                name = e.account.removeprefix("contribution:")
                bill[name] += e.amount
            elif isinstance(e, DebtEnded) and bill:
                bill[e.account.removeprefix("contribution:")] -= e.amount
        for name, paid_in in base.items():
            case = (base, inside, caps, moves[: number + 1], name)
            held, owed = cash(state, f"contribution:{name}"), state.clock.owed(f"contribution:{name}", 0)
            assert owed <= max(0, paid_in - held), (case, held, owed)
            assert bill.get(name, 0) <= bills[name].window, (case, bill, bills[name])


def auctioned(owners=None, **changes):
    """ann, of member A, is long one at 1,000; C has two accounts, and the mark is 700."""
    terms = policy(
        layers=[{"name": "own", "kind": "own_contribution"}, {"name": "default fund", "kind": "members"}],
        deleverage=None,
        members={"fund": "400", "contribution": "equal", **changes},
        liquidation=LIQUIDATION | {"deadline_s": 20},
        house=[],
    )
    money = {"ann": 200, "bob": 900, "cyd": 900, "dan": 900}
    book = snapshot(
        {name: amount * UNIT for name, amount in money.items()},
        [("ann", "BTC-PERP", 1, 1_000), ("bob", "BTC-PERP", -1, 1_000)],
        [perp("BTC-PERP")],
        marks={"BTC-PERP": 1_000},
    )
    book = replace(book, members=("A", "B", "C", "C"), owners=tuple(owners or money))
    state = open_state(book, terms, {}, 0)
    do(state, Marks(S, {"BTC-PERP": 700}))
    return state


def held_auction(*bids, reserve=-140):
    rows = tuple((member, account, amount * UNIT, at * S) for member, account, amount, at in bids)
    sent = (("B", 2 * S), ("C", 2 * S))
    return Auction(10 * S, "ann", "USDC", 2 * S, 9 * S, reserve * UNIT, 5 * UNIT, sent, rows)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("C", "cyd", -20, 3), ("C", "dan", -50, 10)),  # late
        (("C", "cyd", -20, 4), ("C", "dan", -50, 3)),  # superseded, though it is listed later
    ],
    ids=["late", "superseded"],
)
def test_member_attack_the_account_of_the_bid_that_won_takes_the_positions(first, second):
    """member-attack-account: a bid that does not count named another account, and that one got the portfolio."""
    state = auctioned()
    (held,) = of(do(state, held_auction(first, second)), AuctionHeld)
    assert (held.winner, held.buyer, held.amount) == ("C", "cyd", -20 * UNIT), held
    assert state.book.position(state.account_index["cyd"], 0)[0] == 1
    assert state.book.position(state.account_index["dan"], 0)[0] == 0


def test_member_attack_every_bid_names_an_account_of_its_member():
    state = auctioned()
    refused = apply(state, held_auction(("C", "bob", -50, 3), ("C", "cyd", -20, 4))).rejection
    assert refused is not None and refused.code.value == "unknown_account", refused


def test_member_attack_nobody_is_paid_for_its_own_portfolio():
    """member-attack-self: ann's owner bids the reserve through dan, of member C: 140 of the fund for its own positions."""
    same = auctioned(owners=("one", "bob", "cyd", "one"))
    command = held_auction(("C", "dan", -140, 3))
    before = state_hash(same)
    refused = apply(same, command).rejection
    assert refused is not None and refused.code.value == "self_trade", refused
    assert state_hash(same) == before
    # Under another name it is a bid like any other: what the fund pays more for it is at most the reserve.
    events = [*do(auctioned(), command)]
    assert of(events, AuctionHeld)[0].amount == -140 * UNIT, events


RULE = {"least": "500", "length_s": 7, "reserve": "1/10", "competitive_within": "1/100"}


@pytest.mark.parametrize("asked", [70, 71, 700])
def test_member_attack_a_bid_takes_the_policys_reserve_of_the_fund_at_most(asked):
    """member-attack-reserve: the only bidder, a friend, asks for as much as it likes. Notional 700, reserve 70."""
    state = auctioned(auction=RULE)
    command = held_auction(("C", "dan", -asked, 3), reserve=-70)._replace(competitive_within=7 * UNIT)
    (held,) = of(do(state, command), AuctionHeld)
    assert held.amount == (-70 * UNIT if asked == 70 else 0), held
    paid = sum(e.amount for e in do(state, Resolve(30 * S)) if isinstance(e, LossRecognised))
    assert paid <= (100 + 70) * UNIT, paid  # what ann owed at the mark, and the reserve


def test_member_attack_an_account_at_risk_takes_no_portfolio():
    """member-attack-at-risk: whoever is nearly broke bids for a gain it keeps and a loss it leaves to the fund."""
    state = auctioned()
    dan = state.account_index["dan"]
    initial = 70  # a tenth of the mark of 700
    apply(state, Withdraw(S, "dan", "USDC", (900 - initial - 19) * UNIT))
    assert state.book.cash(dan, 0) == (initial + 19) * UNIT
    refused = apply(state, held_auction(("C", "dan", 20, 3))).rejection
    assert refused is not None and refused.code.value == "insufficient_margin", refused
    do(state, held_auction(("C", "dan", 19, 3)))


def test_member_attack_a_default_of_one_unit_ends_no_more_than_what_is_owed():
    """member-attack-on-purpose: a member that owes lets a client's account fail by one unit, and owes nothing. What it gains
    is what it owed and what it could still be called for; with ``fails`` left out, nothing."""
    for fails, forgiven in (({"fails": "used_up"}, 100), ({}, 0)):
        state = fund([1, 1], **fails)
        do(state, DeclareLoss(S, "one", "USDC", 300, "custody"))
        owed = {m: state.clock.owed(f"contribution:{m}", 0) for m in "AB"}
        events = fall(state, 0, 1, 2 * S)
        ended = [(e.account, e.amount) for e in of(events, DebtEnded)]
        assert ended == ([("contribution:A", owed["A"])] if forgiven else []), (fails, ended)
        again = do(state, DeclareLoss(3 * S, "two", "USDC", 30, "custody"))
        called = {e.member for e in of(again, Called)}
        assert called == ({"B"} if forgiven else {"A", "B"}), (fails, again)


def test_member_attack_stopping_and_then_a_recovery_pays_nobody_twice():
    """member-attack-stop: a member stops paying; what comes back for the loss settles what it owed, so it is never asked,
    and nobody else pays its part."""
    state = fund([1, 1])
    do(state, DeclareLoss(S, "one", "USDC", 300, "custody"))
    do(state, StopPaying(2 * S, "A"))
    do(state, Recover(3 * S, 1, "USDC", 300))
    events = quiet(state, 30 * S)
    assert not of(events, Replenished) and not state.members.failed, events
    assert {m: cash(state, f"contribution:{m}") for m in "AB"} == state.members.paid_in[0]


@pytest.mark.parametrize("later", [9, 10])
def test_member_attack_the_end_of_the_window_opens_one_more_bill_and_no_more(later):
    """member-attack-window: a loss a nanosecond before the window closes counts in its caps, one at the close does not."""
    state = fund([1, 1])
    base = state.members.paid_in[0]
    first = do(state, DeclareLoss(S, "one", "USDC", 600, "custody"))
    assert {e.member: e.amount for e in of(first, Called)} == base
    at = (1 + later) * S - (1 if later < 10 else 0)
    second = do(state, DeclareLoss(at, "two", "USDC", 10_000, "custody"))
    third = do(state, DeclareLoss(at, "three", "USDC", 10_000, "custody"))
    called = {m: sum(e.amount for e in [*of(second, Called), *of(third, Called)] if e.member == m) for m in "AB"}
    times = 1 if later < 10 else 2
    assert called == {m: times * x for m, x in base.items()}, (called, base)


def test_member_attack_a_wind_down_before_the_day_ends_what_is_owed():
    """member-attack-end: the venue stops before its own slice and its members put anything back: they keep what they owed.
    What they had paid in before is spent, and money that comes back goes to those who paid."""
    state = fund([1, 1])
    do(state, DeclareLoss(S, "one", "USDC", 300, "custody"))
    do(state, WindDown(2 * S))
    do(state, Recover(30 * S, 1, "USDC", 120))
    assert sum(cash(state, f"contribution:{m}") for m in "AB") == 120

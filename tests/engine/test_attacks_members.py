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
from tests.engine.test_fund_life import CALLS, FUND, NAMES, OWN, S, cash, do, of, quiet, rules, venue

from seawall.engine import Auction, DeclareLoss, Marks, Recover, Reinstate, apply, open_state
from seawall.engine.events import AuctionHeld, Called, DebtEnded, Replenished, ReplenishmentOwed
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

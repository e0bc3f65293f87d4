"""The auction of a defaulter's portfolio in the engine. Ids auction-*. Source: Nasdaq Clearing 2018 (log of invitations
and bids), BIS Working Paper 938 (tiers)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.books import perp, policy, snapshot
from tests.explained import ledger_names, unexplained

from seawall.engine import (
    Auction,
    Marks,
    Resolve,
    apply,
    check_all,
    command_from_plain,
    command_to_plain,
    event_to_plain,
    open_state,
    state_hash,
)
from seawall.engine.events import AuctionHeld, MembersDrawn

UNIT, SECOND = 10**6, 10**9
MEMBERS = {"ann": "A", "bob": "B", "cyd": "C", "dan": "D"}


def venue(**members):
    rules = policy(
        layers=[
            {"name": "own", "kind": "own_contribution"},
            {"name": "default fund", "kind": "members"},
        ],
        deleverage=None,
        members={"fund": "400", "contribution": "equal", **members},
        house=[],
    )
    book = snapshot(
        {"ann": 200 * UNIT, "bob": 900 * UNIT, "cyd": 900 * UNIT, "dan": 900 * UNIT},
        [("ann", "BTC-PERP", 1, 1000), ("bob", "BTC-PERP", -1, 1000)],
        [perp("BTC-PERP")],
        marks={"BTC-PERP": 1000},
    )
    state = open_state(replace(book, members=tuple(MEMBERS[n] for n in book.account_ids)), rules, {}, 0)
    do(state, Marks(SECOND, {"BTC-PERP": 700}))
    return state


def bids(*rows, reserve=-150 * UNIT, invited="BCD"):
    return Auction(
        10 * SECOND,
        "ann",
        "USDC",
        2 * SECOND,
        9 * SECOND,
        reserve,
        5 * UNIT,
        tuple((m, 2 * SECOND) for m in invited),
        tuple((m, a, n * UNIT, 3 * SECOND) for m, a, n in rows),
    )


def do(state, command, ok=True):
    before = state_hash(state)
    outcome = apply(state, command)
    plain = [event_to_plain(e) for e in outcome.events]
    scales = {a.name: a for a in state.snapshot.assets}
    assert not unexplained(plain, outcome.transfers, ledger_names(state), scales), plain
    check_all(state)
    assert (outcome.rejection is None) == ok, outcome.rejection
    assert ok or state_hash(state) == before
    return outcome.events


def test_auction_the_best_bid_takes_the_positions_and_bidders_pay_in_tiers():
    state = venue()  # ann: equity -100, long 1 at a mark of 700
    command = bids(("B", "bob", -40), ("C", "cyd", -20), ("D", "dan", -22))
    assert command_from_plain(command_to_plain(command)) == command
    (held,) = [e for e in do(state, command) if isinstance(e, AuctionHeld)]
    assert (held.winner, held.buyer, held.amount) == ("C", "cyd", -20 * UNIT)
    assert dict(held.tiers) == {"B": "poor", "C": "winner", "D": "competitive"}
    cyd = state.account_index["cyd"]
    assert state.book.position(cyd, 0) == (1, 700 * UNIT)
    assert state.book.cash(cyd, 0) == 920 * UNIT
    events = do(state, Resolve(12 * SECOND))
    drawn = [(e.layer, e.amount, dict(e.parts)) for e in events if isinstance(e, MembersDrawn)]
    # The loss is 100 + 20; ann's member paid in 100; B bid poorly, so it pays the other 20 alone.
    assert drawn == [("default fund", 20 * UNIT, {"contribution:B": 20 * UNIT})], events


def test_auction_without_a_bid_at_the_reserve_moves_nothing_but_the_tiers():
    state = venue()
    (held,) = [e for e in do(state, bids(("B", "bob", -160))) if isinstance(e, AuctionHeld)]
    assert (held.winner, held.amount, held.thin) == (None, 0, True)
    assert dict(held.tiers) == {"B": "poor", "C": "no_bid", "D": "no_bid"}
    assert state.book.position(state.account_index["ann"], 0)[0] == 1


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (bids(("C", "bob", -20)), "unknown_account"),
        (bids(("C", "cyd", 880)), "insufficient_margin"),
        (bids(("C", "cyd", -20))._replace(account="bob"), "not_in_default"),
        (bids(("C", "cyd", -20))._replace(account="zoe"), "unknown_account"),
        (bids(("C", "cyd", -20))._replace(closes_ns=0), "bad_auction"),
        (bids(("C", "cyd", -20), invited="BCDX"), "bad_auction"),
    ],
)
def test_auction_that_cannot_stand_is_refused_whole(command, code):
    state = venue()
    before = state_hash(state)
    refused = apply(state, command).rejection
    assert refused is not None and refused.code.value == code, refused
    assert state_hash(state) == before


def test_auction_affiliates_and_members_in_default_do_not_bid():
    """B is of ann's group, C was in default before: their bids are refused, their invitations make no auction."""
    state = venue(groups=[["A", "B"]])
    state.members.failed.add("C")
    rows = (("B", "bob", -50), ("C", "cyd", -60), ("D", "dan", -140))
    was = state_hash(state)
    for invited in ("BD", "CD"):
        refused = apply(state, bids(*rows, invited=invited))
        assert refused.rejection.code.value == "bad_auction", (invited, refused)
        assert state_hash(state) == was
    held = next(e for e in do(state, bids(*rows, invited="D")) if isinstance(e, AuctionHeld))
    assert held.winner == "D" and dict(held.tiers) == {"D": "winner"}, held
    assert {(member, reason) for member, _, reason in held.refused} == {("B", "defaulter"), ("C", "defaulter")}, held

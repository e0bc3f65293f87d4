"""The auction of a defaulter's portfolio in the engine. Ids auction-*. Source: Nasdaq Clearing 2018 (log of invitations
and bids), BIS Working Paper 938 (tiers)."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from tests.books import FLAT, USDC, perp, policy, snapshot
from tests.explained import ledger_names, unexplained

from seawall.engine import (
    Auction,
    DeclareLoss,
    Fill,
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
from seawall.engine.auctionterms import invited, large_enough, terms_of
from seawall.engine.events import AuctionHeld, IntentLapsed, MembersDrawn
from seawall.engine.explain import evaluate_event
from seawall.market import Instrument, Kind, Right
from seawall.money import Asset
from seawall.tables.policies import policy_from_canonical

UNIT, SECOND = 10**6, 10**9
MEMBERS = {"ann": "A", "bob": "B", "cyd": "C", "dan": "D"}


LIQUIDATION = {"deadline_s": 1, "pace": {"kind": "at_once"}, "limit": {"kind": "bankruptcy"}, "fee": {"kind": "none"}}


def venue(auction=None, groups=None, **liquidation):
    causes = ["default", "exploit"]
    rules = policy(
        layers=[
            {"name": "own", "kind": "own_contribution"},
            {"name": "default fund", "kind": "members", "causes": causes},
        ],
        deleverage=None,
        members={
            "fund": "400",
            "contribution": "equal",
            **({} if auction is None else {"auction": auction}),
            **({} if groups is None else {"groups": groups}),
        },
        liquidation={**LIQUIDATION, **liquidation},
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
        (bids(("C", "cyd", -20))._replace(time_ns=8 * SECOND), "bad_auction"),  # bids are taken until second 9
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
    for sent in ("BD", "CD"):
        refused = apply(state, bids(*rows, invited=sent))
        assert refused.rejection.code.value == "bad_auction", (sent, refused)
        assert state_hash(state) == was
    held = next(e for e in do(state, bids(*rows, invited="D")) if isinstance(e, AuctionHeld))
    assert held.winner == "D" and dict(held.tiers) == {"D": "winner"}, held
    assert {(member, reason) for member, _, reason in held.refused} == {("B", "defaulter"), ("C", "defaulter")}, held


# ---- orders of what was sold


def test_auction_what_is_sold_is_no_longer_for_sale():
    """auction-orders: the attack is a fill of an order whose lots went to the winner, and a window that stays full."""
    window = {"fee": "1/1000", "depth": "1000000", "multiplier": "1", "window_s": 60}
    state = venue(limit={"kind": "market"}, window=window, deadline_s=20)
    (intent,) = state.intents
    assert state.windows.open(0) > 0
    events = do(state, bids(("C", "cyd", -20)))
    assert [e.lots for e in events if isinstance(e, IntentLapsed)] == [-1], events
    assert not state.intents and state.windows.open(0) == 0
    refused = apply(state, Fill(10 * SECOND, intent, "outside", 1, 700)).rejection
    assert refused is not None and refused.code.value == "unknown_intent", refused
    do(state, Resolve(30 * SECOND))
    assert not state.cases


def test_auction_that_fails_leaves_orders_as_they_were():
    state = venue(limit={"kind": "market"}, deadline_s=20)
    (intent,) = state.intents
    do(state, bids(("B", "bob", -160)))
    assert list(state.intents) == [intent]
    do(state, Fill(10 * SECOND, intent, "outside", 1, 700))


def test_auction_tiers_order_money_for_losses_of_that_account_only():
    """auction-tiers: a loss of somebody whose portfolio was not auctioned is shared pro rata."""
    state = venue()
    do(state, bids(("B", "bob", -160)))  # nobody won; B bid poorly, C and D not at all
    first = [e for e in do(state, Resolve(12 * SECOND)) if isinstance(e, MembersDrawn)]
    assert not first, first  # A's own contribution of 100 covers the 100
    loss = [
        e for e in do(state, DeclareLoss(13 * SECOND, "x", "USDC", 90 * UNIT, "exploit")) if isinstance(e, MembersDrawn)
    ]
    assert [dict(e.parts) for e in loss] == [{f"contribution:{m}": 30 * UNIT for m in "BCD"}], loss


# ---- by the terms of the policy

RULE = {"least": "500", "length_s": 7, "reserve": "1/7", "competitive_within": "1/100", "invites": 2}


def ruled(*rows, **changes):
    terms = {"reserve": -100 * UNIT, "competitive_within": 7 * UNIT, "invited": "BC"}
    terms.update({k: v for k, v in changes.items() if k in terms})
    command = bids(*rows, reserve=terms["reserve"], invited=terms["invited"])
    rest = {k: v for k, v in changes.items() if k not in terms}
    return command._replace(competitive_within=terms["competitive_within"], **rest)


def test_auction_by_the_policy_is_explained_and_names_its_reserve():
    state = venue(deadline_s=20, auction=RULE)
    st = state.book.unit_state(next(iter(state.cases)))
    assert terms_of(state, st) == (700 * UNIT, 100 * UNIT, 7 * UNIT)
    assert invited(state, st.account, 0) == ["B", "C"]  # equal contributions: by name
    (held,) = [e for e in do(state, ruled(("B", "bob", -40), ("C", "cyd", -34))) if isinstance(e, AuctionHeld)]
    assert (held.winner, dict(held.tiers)) == ("C", {"B": "competitive", "C": "winner", "D": "competitive"})
    assert evaluate_event(event_to_plain(held))[1].results[:2] == (("reserve", 100 * UNIT), ("within", 7 * UNIT))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"reserve": -101 * UNIT}, "the reserve is -100000000"),
        ({"competitive_within": 8 * UNIT}, "competitive is within 7000000"),
        ({"invited": "BCD"}, "whom the policy invites"),
        ({"opens_ns": SECOND, "closes_ns": 9 * SECOND}, "for longer"),
    ],
)
def test_auction_by_other_terms_than_the_policys_is_refused(changes, why):
    state = venue(deadline_s=20, auction=RULE)
    before = state_hash(state)
    refused = apply(state, ruled(("C", "cyd", -20), **changes)).rejection
    assert refused is not None and refused.code.value == "bad_auction" and why in str(refused.detail), refused
    assert state_hash(state) == before


def test_auction_of_a_small_portfolio_is_refused():
    state = venue(deadline_s=20, auction={**RULE, "least": "701"})
    refused = apply(state, ruled(("C", "cyd", -20))).rejection
    assert refused is not None and "smaller" in str(refused.detail), refused


def test_auction_a_policy_without_the_table_keeps_its_hash():
    rules = policy(layers=[{"name": "m", "kind": "members"}], deleverage=None, members={"fund": "4"}, house=[])
    assert '"auction"' not in rules.canonical()
    assert policy_from_canonical(rules.canonical()) == rules


# ---- other books: judged as a whole, coin-margined, options


def test_auction_of_an_account_judged_as_a_whole_is_in_the_numeraire_and_counts_haircuts():
    """auction-pooled: the bid is paid in the numeraire, and the winner's equity counts its collateral after haircut."""
    btc = Asset.of("BTC", 8, 8)
    rules = policy(
        margin={"pool": "account", "numeraire": "USDC", "haircuts": [{"asset": "BTC", "haircut": "1/2"}]},
        layers=[{"name": "default fund", "kind": "members"}],
        deleverage=None,
        members={"fund": "400", "contribution": "equal"},
        house=[],
    )
    cash = {"ann": {"USDC": 200 * UNIT}, "bob": {"USDC": 900 * UNIT}, "cyd": {"USDC": 1, "BTC": 10**8}}
    book = snapshot(
        cash,
        [("ann", "BTC-PERP", 1, 1000), ("bob", "BTC-PERP", -1, 1000)],
        [perp("BTC-PERP")],
        assets=(USDC, btc),
        marks={"BTC-PERP": 1000},
    )
    book = replace(book, members=tuple(MEMBERS[n] for n in book.account_ids))
    price = {"BTC": (700 * UNIT, 10**8)}
    state = open_state(book, rules, {}, 0, indexes={"BTC": (1000 * UNIT, 10**8)})
    do(state, Marks(SECOND, {"BTC-PERP": 700}, price))
    # cyd's coin is worth 350 after haircut, 70 is required: a bid of 280 leaves just that, one more unit does not.
    command = bids(("C", "cyd", 0), invited="BC")
    for amount, code in ((280 * UNIT + 2, "insufficient_margin"), (280 * UNIT + 1, None)):
        refused = apply(state, command._replace(bids=(("C", "cyd", amount, 3 * SECOND),))).rejection
        assert (None if refused is None else refused.code.value) == code, (amount, refused)
    check_all(state)
    refused = apply(state, command._replace(asset="BTC")).rejection
    assert refused is not None and refused.code.value in ("unknown_asset", "not_in_default"), refused


def test_auction_of_an_inverse_position_pays_in_coins():
    """auction-inverse: long 10,000 dollars at 10,000 with a coin of margin 0.1; at 9,000 it is 0.0111 below zero."""
    coin = Asset.of("BTC", 8, 8)
    market = Instrument.of(
        "BTC-USD", coin, base="BTC", quote="USD", lot=Fraction(100), mark_scale=0, brackets=FLAT, inverse=True
    )
    rules = policy(
        layers=[{"name": "own", "kind": "own_contribution"}, {"name": "default fund", "kind": "members"}],
        deleverage=None,
        members={"fund": "1", "contribution": "equal", "auction": {**RULE, "least": "10000", "invites": "all"}},
        liquidation={**LIQUIDATION, "deadline_s": 20},
        house=[],
    )
    book = snapshot(
        {"ann": 10**7, "bob": 10**9, "cyd": 10**9},
        [("ann", "BTC-USD", 100, 10_000), ("bob", "BTC-USD", -100, 10_000)],
        [market],
        assets=(coin,),
        marks={"BTC-USD": 10_000},
    )
    state = open_state(replace(book, members=tuple(MEMBERS[n] for n in book.account_ids)), rules, {}, 0)
    do(state, Marks(SECOND, {"BTC-USD": 9_000}))
    st = state.book.unit_state(next(iter(state.cases)))
    terms = terms_of(state, st)
    assert terms is not None and large_enough(state, st)
    command = Auction(10 * SECOND, "ann", "BTC", 2 * SECOND, 9 * SECOND, -terms.reserve, terms.within,
                      (("B", 0), ("C", 0)), (("C", "cyd", -1_000_000, 3 * SECOND),))  # fmt: skip
    (held,) = [e for e in do(state, command) if isinstance(e, AuctionHeld)]
    assert (held.buyer, held.amount, held.thin) == ("cyd", -1_000_000, True)
    assert state.book.position(state.account_index["cyd"], 0)[0] == 100
    assert state.cash_minor(state.account_index["cyd"], 0) == 10**9 + 1_000_000
    do(state, Resolve(30 * SECOND))


def test_auction_of_a_short_option_needs_the_margin_of_its_underlying():
    """auction-option: the winner of a short option is charged as its writer is."""
    call = Instrument.of("BTC-C", USDC, base="BTC", quote="USD", lot=Fraction(1), mark_scale=0, brackets=FLAT,
                         kind=Kind.OPTION, strike=1000, expiry_ns=10**18, right=Right.CALL)  # fmt: skip
    rules = policy(
        layers=[{"name": "own", "kind": "own_contribution"}, {"name": "default fund", "kind": "members"}],
        deleverage=None,
        members={"fund": "400", "contribution": "equal"},
        house=[],
    )
    book = snapshot(
        {"ann": 150 * UNIT, "bob": 900 * UNIT, "cyd": 99 * UNIT, "dan": 100 * UNIT},
        [("ann", "BTC-C", -1, 50), ("bob", "BTC-C", 1, 50)],
        [call, perp("BTC-PERP")],
        marks={"BTC-C": 50, "BTC-PERP": 1000},
    )
    state = open_state(replace(book, members=tuple(MEMBERS[n] for n in book.account_ids)), rules, {}, 0)
    do(state, Marks(SECOND, {"BTC-C": 160}))
    do(state, bids(("C", "cyd", 0)), ok=False)  # 10 % of the coin's 1000 is required
    do(state, bids(("D", "dan", 0)))
    assert state.book.position(state.account_index["dan"], 0)[0] == -1

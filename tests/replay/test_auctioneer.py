"""Auctions held by a replay. Ids auctioneer-*. Source: the issue of default management (auction with invitation and bid log
and tiers; debt and surplus auctions); Nasdaq Clearing 2018 (few bidders make a breach expensive)."""

from __future__ import annotations

import json
import tomllib
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from tests.books import perp, policy, snapshot
from tests.explained import hold

import seawall as sw
from seawall.engine import Marks, Withdraw, apply, check_all, open_state
from seawall.engine.events import AuctionHeld
from seawall.members import Tier
from seawall.models import BiddingParameters, MarketResponse
from seawall.replay.auctioneer import Auctioneer
from seawall.replay.check import check_run
from seawall.tables import policy_from_mapping, preset_text

UNIT, SECOND = 10**6, 10**9
EVENT, BOOK = "2025-10-10", "generate:accounts=400,seed=1"
FUND = Path(__file__).resolve().parents[2] / "examples" / "fund_auctions.toml"


def emir(**changes):
    """The clearing house with small portfolios auctioned too, so that a small book has many."""
    rules = tomllib.loads(preset_text("emir-ccp"))
    rules["members"]["auction"] = {**rules["members"]["auction"], "least": "5000", **changes}
    return policy_from_mapping(rules)


@pytest.fixture(scope="module")
def auctioned(tmp_path_factory):
    """A written run under the clearing house's rules."""
    path = tmp_path_factory.mktemp("auctioned") / "run"
    return sw.replay(BOOK, EVENT, emir(), out=path), path


def test_auctioneer_every_posting_is_explained_and_the_result_follows_from_the_log(auctioned):
    run, path = auctioned
    seen = hold(path)
    found = run.summary["auctions"]
    assert seen["auction_held"] == found["held"] > 5 and seen["position_sold"] >= found["won"] > 5, (seen, found)
    checked = check_run(path)
    assert checked.ok and checked.checked, checked.differences
    assert run.summary["conservation"]["ok"]


def test_auctioneer_a_log_holds_no_refusal_of_its_making(auctioned):
    _, path = auctioned
    lines = [json.loads(line) for line in (path / "log.jsonl").read_text().splitlines()]
    kinds = Counter(line["c"]["kind"] for line in lines if "c" in line)
    assert kinds["auction"] and not [line for line in lines if line.get("r")], kinds


def test_auctioneer_bids_are_told_one_by_one(auctioned):
    run, _ = auctioned
    found, rows = run.summary["auctions"], run.frames()["bids"].to_dicts()
    assert Counter(r["tier"] for r in rows if r["tier"]) == Counter(found["tiers"]), found
    won = [r for r in rows if r["outcome"] == "won"]
    assert len(won) == found["won"]
    assert -sum(min(Decimal(0), r["bid"]) for r in won) == Decimal(found["cost"])
    by_auction: dict[int, list] = {}
    for row in rows:
        by_auction.setdefault(row["record"], []).append(row)
    for record, bids in by_auction.items():
        best = max((r["bid"] for r in bids if r["outcome"] in ("won", "lost")), default=None)
        assert all(r["bid"] == best and r["tier"] == "winner" for r in bids if r["outcome"] == "won"), (record, bids)
        assert all(-r["bid"] <= r["reserve"] for r in bids if r["outcome"] == "won"), (record, bids)
        assert all(r["tier"] == "no_bid" for r in bids if r["outcome"] in ("late", "no_bid")), (record, bids)


def test_auctioneer_a_late_bid_is_told_to_the_member_and_in_the_auction(auctioned):
    run, path = auctioned
    late = run.frames()["bids"].filter(pl.col("outcome") == "late").to_dicts()[0]
    story = " ".join(text for *_, text in sw.explain(path, late["member"]).story)
    assert "(late)" in story and f"{late['member']} " in story and "its tier is 'no bid'" in story, story


@pytest.mark.parametrize("when", ["first", "unfilled"])
@pytest.mark.parametrize("seed", range(10))
def test_auctioneer_conserves_on_other_books_and_seeds(when, seed):
    """Twenty runs; of an account in liquidation the portfolio is auctioned once at most."""
    rules = emir(when=when, invites=5)
    run = sw.replay(
        f"generate:accounts=150,seed={seed}", EVENT, rules, bidding=BiddingParameters(seed=seed, absent=0.4)
    )
    check_all(run.state)
    assert run.summary["conservation"]["ok"], (when, seed)
    found = run.summary["auctions"]
    assert when == "unfilled" or found["held"], (when, seed, found)


def test_auctioneer_the_same_seed_gives_the_same_run_and_another_one_another():
    hashes = [
        sw.replay(BOOK, EVENT, emir(), bidding=BiddingParameters(seed=seed)).summary["state_hash"] for seed in (1, 1, 2)
    ]
    assert hashes[0] == hashes[1] != hashes[2], hashes


def test_auctioneer_is_not_there_without_a_rule():
    """auctioneer-none: nothing is asked, so nothing changes; and no row of bids is written."""
    state = small(policy(), ["bob"])
    assert Auctioneer.of(state, MarketResponse(), None, lambda command: apply(state, command)) is None
    run = sw.replay(BOOK, EVENT, "hyperliquid")
    assert "bids" not in run.frames() and set(run.summary["auctions"]) == {"held", "won", "notional", "paid"}


# ---- a small book


RULE = {"least": "1", "length_s": 5, "reserve": "1/2", "competitive_within": "1/100"}


def small(rules, bidders, held=()):
    """ann is long 10 at 1000 and falls at 900; every bidder has plenty, and holds what ``held`` says."""
    positions = [("ann", "BTC-PERP", 10, 1000), *((n, "BTC-PERP", lots, 1000) for n, lots in held)]
    rest = -sum(lots for _, _, lots, _ in positions)
    if rest:
        positions.append(("zed", "BTC-PERP", rest, 1000))
    cash = {"ann": 1_100 * UNIT, **dict.fromkeys(bidders, 100_000 * UNIT), "zed": 100_000 * UNIT}
    book = snapshot(cash, positions, [perp("BTC-PERP")], marks={"BTC-PERP": 1000})
    book = replace(book, members=tuple("" if n == "zed" else n.upper() for n in book.account_ids))
    return open_state(book, rules, {}, 0)


def house():
    return policy(
        layers=[{"name": "m", "kind": "members"}],
        deleverage=None,
        members={"fund": "1000", "contribution": "equal", "auction": RULE},
        liquidation={
            "deadline_s": 20,
            "pace": {"kind": "at_once"},
            "limit": {"kind": "market"},
            "fee": {"kind": "none"},
        },
        house=[],
    )


def held_auction(bidders, held=(), depth=100_000.0, **parameters):
    state = small(house(), bidders, held)
    assert apply(state, Marks(SECOND, {"BTC-PERP": 900})).rejection is None
    response = MarketResponse()
    response.begin("BTC-PERP", depth, 1.0)
    events: list = []

    def do(command):
        outcome = apply(state, command)
        assert outcome.rejection is None, (command, outcome.rejection)
        events.extend(outcome.events)
        return outcome

    sure = {"absent": 0.0, "late": 0.0, "poor": 0.0, **parameters}
    auctioneer = Auctioneer.of(state, response, BiddingParameters(**sure), do)
    assert auctioneer is not None
    auctioneer.before_orders()
    auctioneer.before_orders()  # once only
    check_all(state)
    return next(e for e in events if isinstance(e, AuctionHeld)), state


def test_auctioneer_who_offsets_it_bids_the_mark_and_wins():
    """auctioneer-offset: bob is short 10, so ann's long 10 costs him nothing to take."""
    held, state = held_auction(["bob", "cyd"], [("bob", -10)])
    assert (held.winner, held.amount, dict(held.tiers)["BOB"]) == ("BOB", 0, Tier.WINNER.value), held
    assert state.book.position(state.account_index["bob"], 0)[0] == 0
    assert not state.intents


def test_auctioneer_a_bid_is_impact_and_charge_rounded_up():
    """auctioneer-ask: 9000 into a depth of 9000: 1 % x 2/3 on average = 60, charge 0.2 % = 18; nobody's taste differs."""
    held, _ = held_auction(["bob"], depth=9000.0, taste=0.0)
    (member, amount), thin = held.ranking[0], held.thin
    assert (member, thin) == ("BOB", True)
    assert -78 * UNIT - 1 <= amount <= -78 * UNIT, held


def test_auctioneer_fewer_bidders_cost_more():
    """auctioneer-thin: over twenty seeds the best of many bids is never worse than that of the first of them alone."""
    names = [f"b{i}" for i in range(12)]
    alone, many = [], []
    for seed in range(20):
        alone.append(-held_auction(names[:1], seed=seed)[0].amount)
        many.append(-held_auction(names, seed=seed)[0].amount)
        assert many[-1] <= alone[-1], (seed, alone, many)
    assert sum(many) < 0.8 * sum(alone), (alone, many)


def test_auctioneer_order_of_members_does_not_matter():
    names = ["bob", "cyd", "dan", "eve"]
    one, other = held_auction(names)[0], held_auction(names[::-1])[0]
    assert (one.ranking, one.winner, one.tiers) == (other.ranking, other.winner, other.tiers)


def test_auctioneer_who_has_no_margin_does_not_bid():
    """auctioneer-margin: 10 % of 9000 is required; who has 100 does not bid, and is not refused either."""
    state = small(house(), ["bob", "cyd"])
    cyd = state.account_index["cyd"]
    assert apply(state, Withdraw(1, "cyd", "USDC", 99_900 * UNIT)).rejection is None
    assert apply(state, Marks(SECOND, {"BTC-PERP": 900})).rejection is None
    response = MarketResponse()
    response.begin("BTC-PERP", 1e6, 1.0)
    out: list = []
    auctioneer = Auctioneer.of(
        state, response, BiddingParameters(absent=0, late=0), lambda c: out.append(apply(state, c)) or out[-1]
    )
    assert auctioneer is not None
    auctioneer.before_orders()
    held = next(e for e in out[0].events if isinstance(e, AuctionHeld))
    assert [m for m, _ in held.ranking] == ["BOB"] and dict(held.tiers)["CYD"] == "no_bid", held
    assert state.cash_minor(cyd, 0) == 100 * UNIT


# ---- the fund's own


def test_auctioneer_debt_is_sold_and_surplus_buys_shares_back(tmp_path):
    """auctioneer-fund: the example, on its own book, opens, decides, nets and burns; every posting explained."""
    run = sw.replay("generate:accounts=10000,seed=1", EVENT, str(FUND), out=tmp_path / "run")
    found = run.summary["fund_auctions"]
    made = found["shares"]["USDC"]
    assert found["won"] > 1 and Decimal(found["residual"]) > 0 and Decimal(found["sold"]) > 0, found
    assert 0 < made["burned"] <= made["issued"], found
    assert hold(tmp_path / "run")["fund_bid"] > 1
    assert check_run(tmp_path / "run").ok
    lines = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert not [line for line in lines if line.get("r")]

"""Auctions of the fund's debt and of its surplus in the engine. Ids fund-auction-*.

Source: Maker, vow, flop and flap: debt may be used only after a wait and is never auctioned twice; no surplus may be left
then; the lot is fixed and ever fewer shares are asked for, by 5 %; a restart raises the offer by half; surplus is sold
only above debt, lot and buffer, for shares that are burned, and so much of it at one time.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.books import USDC, perp, policy, snapshot
from tests.explained import ledger_names, unexplained

from seawall.engine import (
    BidFundAuction,
    CloseFundAuction,
    DeclareLoss,
    Deposit,
    Distribute,
    Marks,
    NetFundDebt,
    OpenFundAuction,
    Recover,
    Reinstate,
    Resolve,
    Trade,
    WindDown,
    Withdraw,
    apply,
    check_all,
    command_from_plain,
    command_to_plain,
    event_to_plain,
    open_state,
    state_hash,
)
from seawall.engine.auctionbook import BURNED, ISSUED
from seawall.engine.events import (
    ClaimOpened,
    FundAuctionClosed,
    FundAuctionOpened,
    FundAuctionRestarted,
    FundBid,
    Residual,
    ResidualPaid,
)
from seawall.engine.fundauction import MOST_SHARES
from seawall.engine.fundshares import shares_of
from seawall.engine.socialise import capital_of
from seawall.errors import InputError
from seawall.money import Asset

UNIT, S = 10**6, 10**9
DEBT = {
    "lot": "50",
    "first_shares": 1000,
    "wait_s": 5,
    "restart": "1.5",
    "improvement": "1.05",
    "bid_s": 3,
    "length_s": 10,
}
SURPLUS = {"account": "fund", "lot": "40", "buffer": "100", "most_at_once": "80", "bid_s": 3, "length_s": 10}
FUND = {"name": "insurance fund", "kind": "account", "account": "fund", "causes": ["default", "exploit"]}
HOUSE = [{"name": "fund", "role": "fund"}]


def rules(debt=DEBT, surplus=SURPLUS, **more):
    tables = {"debt": debt, "surplus": surplus}
    layers = more.pop("layers", [FUND])
    return policy(
        layers=layers, deleverage=None, house=HOUSE, auctions={k: v for k, v in tables.items() if v is not None}, **more
    )


def venue(fund=0, terms=None, cash=1000):
    """ann, bob and cyd with 1000 each; bob and cyd hold 5 BTC against each other at 100: initial 50 each."""
    book = snapshot(
        {"ann": cash * UNIT, "bob": cash * UNIT, "cyd": cash * UNIT, "dan": cash * UNIT, "fund": fund * UNIT},
        [("bob", "BTC-PERP", 5, 100), ("cyd", "BTC-PERP", -5, 100)],
        [perp("BTC-PERP")],
        roles={"fund": "fund"},
        marks={"BTC-PERP": 100},
    )
    return open_state(book, terms or rules(), {}, 0)


def do(state, command, code=None):
    """Apply; every transfer is explained, everything adds up, a refusal changes nothing."""
    assert command_from_plain(command_to_plain(command)) == command
    before = state_hash(state)
    outcome = apply(state, command)
    found = None if outcome.rejection is None else outcome.rejection.code.value
    assert found == code, (command, outcome)
    plain = [event_to_plain(e) for e in outcome.events]
    wrong = unexplained(plain, outcome.transfers, ledger_names(state), {a.name: a for a in state.snapshot.assets})
    assert not wrong, (command, wrong, plain)
    check_all(state)
    assert code is None or state_hash(state) == before
    return outcome.events


def stolen(state, amount, at=1, reference="vault"):
    """A declared loss; what the fund does not pay is residual from second ``at`` on."""
    return do(state, DeclareLoss(at * S, reference, "USDC", amount * UNIT, "exploit"))


def cash(state, name):
    account = state.account_index[name]
    exact, rest = divmod(state.cash_minor(account, 0), UNIT)
    assert not rest
    return exact


def shares(state, *names):
    return tuple(shares_of(state, name, "USDC") for name in names)


def sells_debt(at=6):
    return OpenFundAuction(at * S, "debt", "USDC")


def sells_surplus(at=6):
    return OpenFundAuction(at * S, "surplus", "USDC")


def bid(at, who, count, auction=1):
    return BidFundAuction(at * S, auction, who, count)


def close(at, auction=1):
    return CloseFundAuction(at * S, auction)


def owed(state):
    return [(d.loss, d.pending // UNIT) for d in state.deficits.unpaid()]


# ---- debt


def test_fund_auction_debt_worked_by_hand():
    """120 stolen, no fund: residual 120 from second 1. A lot of 50 from second 6 on; 1000 shares, then 5 % fewer."""
    state = venue()
    (residual,) = [e for e in stolen(state, 120) if isinstance(e, Residual)]
    assert residual.amount == 120 * UNIT
    (opened,) = do(state, sells_debt(6))
    assert opened[:6] == (1, "debt", "USDC", 50 * UNIT, 1000, 16 * S)
    (first,) = do(state, bid(7, "ann", 900))
    assert (first.account, first.counterparty, first.amount, first.returned) == ("ann", "", 50 * UNIT, 0)
    assert (cash(state, "ann"), first.decides_ns) == (950, 10 * S)
    (second,) = do(state, bid(9, "dan", 800))
    assert (second.counterparty, second.returned, second.decides_ns) == ("ann", 50 * UNIT, 12 * S)
    assert (cash(state, "ann"), cash(state, "dan")) == (1000, 950)
    paid, claim, closed = do(state, close(12))
    assert (paid.loss, paid.source, paid.amount) == (1, "auction:1", 50 * UNIT)
    # What comes back for the loss later is the fund's: its share holders paid for it. It is repaid before any layer.
    assert (claim.holder, claim.amount, claim.rank) == ("fund", 50 * UNIT, 0)
    assert closed[2:5] == ("won", "", "dan") and (closed.amount, closed.shares, closed.returned) == (50 * UNIT, 800, 0)
    assert owed(state) == [(1, 70)]
    assert shares(state, "dan", ISSUED, BURNED) == (800, -800, 0)
    do(state, Recover(13 * S, 1, "USDC", 100 * UNIT))
    assert (owed(state), cash(state, "fund")) == ([], 30)


@pytest.mark.parametrize(
    ("name", "stolen_at", "open_at", "amount", "fund_later", "code"),
    [
        ("a lot that has waited", 1, 6, 50, 0, None),
        ("one unit less than a lot", 1, 6, 49, 0, "debt_too_small"),
        ("a second too early", 2, 6, 50, 0, "debt_too_small"),
        ("no debt", 1, 6, 0, 0, "debt_too_small"),
        ("as much as the buffer in the fund", 1, 6, 50, 100, None),
        ("one more than the buffer", 1, 6, 50, 101, "surplus_left"),
    ],
)
def test_fund_auction_debt_start_conditions_on_both_sides(name, stolen_at, open_at, amount, fund_later, code):
    state = venue()
    if amount:
        stolen(state, amount, stolen_at)
    if fund_later:
        do(state, Reinstate(5 * S, "fund", "USDC", fund_later * UNIT))
    do(state, sells_debt(open_at), code)


def test_fund_auction_debt_on_auction_is_not_auctioned_twice():
    state = venue()
    stolen(state, 120)
    do(state, sells_debt(6))
    do(state, sells_debt(6))
    do(state, sells_debt(6), "debt_too_small")  # 20 are left
    stolen(state, 30, 7, "again")
    do(state, sells_debt(11), "debt_too_small")
    do(state, sells_debt(12))  # 30 more have waited


def test_fund_auction_debt_carried_with_open_positions_is_not_debt():
    """A default at a mark that leaves positions open is carried: nothing is residual until the account is flat."""
    book = snapshot(
        {"ann": 1000 * UNIT, "bob": 20 * UNIT, "cyd": 1000 * UNIT},
        [("bob", "BTC-PERP", 2, 100), ("cyd", "BTC-PERP", -2, 100)],
        [perp("BTC-PERP")],
        marks={"BTC-PERP": 100},
    )
    state = open_state(book, rules(debt={**DEBT, "lot": "10", "wait_s": 0}, surplus=None, layers=[]), {}, 0)
    do(state, Marks(S, {"BTC-PERP": 80}))
    do(state, Resolve(3 * S))
    assert next(d for d in state.deficits).carried == 20 * UNIT
    do(state, sells_debt(9), "debt_too_small")


def test_fund_auction_restarts_with_half_more_shares_until_somebody_bids():
    state = venue()
    stolen(state, 50)
    do(state, sells_debt(6))
    do(state, close(15), "auction_open")
    (again,) = do(state, close(16))
    assert isinstance(again, FundAuctionRestarted) and (again.shares, again.until_ns) == (1500, 26 * S)
    do(state, bid(17, "ann", 1429), "bid_too_small")  # 1429 x 1.05 is above 1500
    do(state, bid(17, "ann", 1428))
    assert isinstance(do(state, close(20))[-1], FundAuctionClosed)
    assert shares(state, "ann") == (1428,)


@pytest.mark.parametrize(
    ("what", "reason"), [("paid", "debt_too_small"), ("rich", "surplus_left"), ("waits", "no_bid")]
)
def test_fund_auction_does_not_restart_when_it_could_not_start(what, reason):
    terms = rules(debt={**DEBT, "first_shares": MOST_SHARES}) if what == "waits" else rules()
    state = venue(terms=terms)
    stolen(state, 50)
    do(state, sells_debt(6))
    if what == "paid":
        do(state, Recover(7 * S, 1, "USDC", 1 * UNIT))
    if what == "rich":
        do(state, Reinstate(7 * S, "fund", "USDC", 101 * UNIT))
    (ended,) = do(state, close(16))
    assert (ended.outcome, ended.reason, ended.account, ended.returned) == ("called_off", reason, "", 0)
    assert not state.auctions.open
    do(state, close(17), "unknown_auction")


@pytest.mark.parametrize(
    ("count", "code"),
    [
        (953, "bid_too_small"),  # 953 x 1.05 = 1000.65
        (952, None),
        (1000, "bid_too_small"),
        (1, None),
        (0, "bad_amount"),
        (-5, "bad_amount"),
        (10**40, "bid_too_small"),
    ],
)
def test_fund_auction_a_bid_must_improve_by_five_per_cent(count, code):
    state = venue()
    stolen(state, 50)
    do(state, sells_debt(6))
    do(state, bid(7, "ann", count), code)


def test_fund_auction_ties_go_to_the_first():
    state = venue()
    stolen(state, 50)
    do(state, sells_debt(6))
    do(state, bid(7, "ann", 500))
    do(state, bid(7, "dan", 500), "bid_too_small")
    assert state.auctions.open[1].auction.leader == "ann"


def test_fund_auction_ends_by_itself_and_is_decided_once():
    state = venue()
    stolen(state, 50)
    do(state, sells_debt(6))
    for at, who, count in ((8, "ann", 900), (10, "dan", 800), (12, "ann", 700), (14, "dan", 600)):
        do(state, bid(at, who, count))
    assert state.auctions.open[1].auction.decides_at == 16 * S  # not 17: the longest duration is over
    do(state, close(15), "auction_open")
    do(state, bid(16, "ann", 500), "auction_over")
    do(state, close(16))
    do(state, close(16), "unknown_auction")
    do(state, bid(16, "ann", 500), "unknown_auction")
    assert (cash(state, "ann"), cash(state, "dan")) == (1000, 950)


def test_fund_auction_what_was_paid_meanwhile_is_not_paid_twice():
    """40 of 50 come back while ann leads: 10 are paid, 40 go back, and shares are for the fifth that was paid."""
    state = venue()
    stolen(state, 50)
    do(state, sells_debt(6))
    do(state, bid(7, "ann", 903))
    do(state, Recover(8 * S, 1, "USDC", 40 * UNIT))
    *_, closed = do(state, close(10))
    assert (closed.amount, closed.returned, closed.shares) == (10 * UNIT, 40 * UNIT, 180)  # 180.6 rounded down
    assert (cash(state, "ann"), owed(state), shares(state, "ann")) == (990, [], (180,))


@pytest.mark.parametrize(("back", "count"), [(50, 900), (49, 49)])
def test_fund_auction_without_debt_the_leader_has_its_money_back(back, count):
    """All of it came back; or so much that the rest is worth less than one share."""
    state = venue()
    stolen(state, 50)
    do(state, sells_debt(6))
    do(state, bid(7, "ann", count))
    do(state, Recover(8 * S, 1, "USDC", back * UNIT))
    (closed,) = do(state, close(10))
    assert (closed.outcome, closed.reason, closed.returned) == ("called_off", "debt_paid", 50 * UNIT)
    assert (cash(state, "ann"), shares(state, "ann", ISSUED)) == (1000, (0, 0))


def test_fund_auction_pays_the_oldest_first_and_none_that_still_waits():
    state = venue()
    stolen(state, 30, 1)
    stolen(state, 40, 2, "again")
    do(state, sells_debt(7))
    do(state, bid(8, "ann", 900))
    stolen(state, 60, 8, "third")
    do(state, Recover(9 * S, 1, "USDC", 25 * UNIT))
    paid = [(e.loss, e.amount // UNIT) for e in do(state, close(11)) if isinstance(e, ResidualPaid)]
    assert paid == [(1, 5), (2, 40)]  # loss 3 waits until second 13: 5 of the lot go back
    assert (cash(state, "ann"), owed(state)) == (955, [(3, 60)])


def test_fund_auction_without_surplus_auctions_the_winner_holds_the_claim():
    state = venue(terms=rules(surplus=None))
    stolen(state, 50)
    do(state, sells_debt(6))
    do(state, bid(7, "ann", 900))
    (claim,) = [e for e in do(state, close(10)) if isinstance(e, ClaimOpened)]
    assert (claim.holder, claim.rank) == ("ann", 0)
    do(state, Recover(11 * S, 1, "USDC", 50 * UNIT))
    assert cash(state, "ann") == 1000
    do(state, sells_surplus(12), "no_auctions")
    do(state, NetFundDebt(12 * S, "USDC"), "no_auctions")


# ---- who may bid


@pytest.mark.parametrize(
    ("who", "code"),
    [
        ("ann", None),
        ("fund", "house_account"),
        ("outside", "house_account"),
        ("nobody", "unknown_account"),
        ("external", "unknown_account"),
        ("shares:issued", "unknown_account"),
        ("auction:1", "unknown_account"),
    ],
)
def test_fund_auction_who_may_bid(who, code):
    state = venue()
    stolen(state, 50)
    do(state, sells_debt(6))
    do(state, bid(7, who, 900), code)


@pytest.mark.parametrize(("left", "code"), [(49, "insufficient_balance"), (50, None)])
def test_fund_auction_the_lot_must_be_there(left, code):
    state = venue()
    stolen(state, 50)
    do(state, Withdraw(5 * S, "ann", "USDC", (1000 - left) * UNIT))
    do(state, sells_debt(6))
    do(state, bid(7, "ann", 900), code)


@pytest.mark.parametrize(("left", "code"), [(99, "insufficient_margin"), (100, None)])
def test_fund_auction_margin_is_checked_as_for_a_withdrawal(left, code):
    """bob needs 50 for 5 BTC at 100: with 99 in cash, 50 cannot go."""
    state = venue()
    stolen(state, 50)
    do(state, Withdraw(5 * S, "bob", "USDC", (1000 - left) * UNIT))
    do(state, sells_debt(6))
    do(state, bid(7, "bob", 900), code)


def test_fund_auction_an_account_under_liquidation_may_not_bid():
    state = venue()
    stolen(state, 50)
    do(state, Withdraw(5 * S, "bob", "USDC", 900 * UNIT))
    do(state, sells_debt(6))
    do(state, Marks(6 * S, {"BTC-PERP": 84}))  # equity 20, maintenance 21
    do(state, bid(6, "bob", 900), "under_liquidation")


def test_fund_auction_nobody_bids_whose_owner_left_a_loss_unpaid():
    """bob falls, and nobody pays: neither bob with new money nor another account of its owner buys shares; ann may."""
    book = snapshot(
        {"ann": 1000 * UNIT, "bob": 20 * UNIT, "bob 2": 1000 * UNIT, "cyd": 1000 * UNIT},
        [("bob", "BTC-PERP", 2, 100), ("cyd", "BTC-PERP", -2, 100)],
        [perp("BTC-PERP")],
        marks={"BTC-PERP": 100},
    )
    book = replace(book, owners=tuple("bob" if n == "bob 2" else n for n in book.account_ids))
    terms = rules(debt={**DEBT, "lot": "10"}, surplus=None, layers=[{"name": "adl", "kind": "deleverage", "deleverage": {"rank": "pro_rata", "price": "mark"}}])  # fmt: skip
    state = open_state(book, terms, {}, 0)
    do(state, Marks(S, {"BTC-PERP": 70}))
    events = do(state, Resolve(3 * S))
    assert [e.amount for e in events if isinstance(e, Residual)] == [40 * UNIT], events
    do(state, Deposit(4 * S, "bob", "USDC", 500 * UNIT))
    do(state, sells_debt(9))
    do(state, bid(9, "bob", 900), "in_default")
    do(state, bid(9, "bob 2", 900), "in_default")
    do(state, bid(9, "ann", 900))
    do(state, Recover(10 * S, 1, "USDC", 40 * UNIT))
    do(state, bid(11, "bob 2", 800))  # nothing is unpaid any more


def test_fund_auction_no_bid_at_full_value_while_withdrawals_are_cut():
    """Withdrawals are paid below one while socialised losses stand: a bid must not be the way around."""
    layers = [FUND, {"name": "w", "kind": "withdrawal_rate", "limit_per_event": "40", "causes": ["exploit"]}]
    state = venue(terms=rules(layers=layers))
    stolen(state, 100)
    do(state, sells_debt(6))
    do(state, bid(7, "ann", 900), "withdrawals_cut")


def test_fund_auction_a_bid_spends_no_profit_that_bears_losses_and_makes_no_capital_of_it():
    """bob has 100 in cash, all of it profit, of which 40 bear a loss: no bid for him. ann's capital may bid, and what she gets
    back when dan leads is capital as before."""
    layers = [FUND, {"name": "p", "kind": "withdrawal_rate", "of": "profit", "limit_per_event": "40", "causes": ["exploit"]}]  # fmt: skip
    state = venue(terms=rules(layers=layers))
    do(state, Marks(S, {"BTC-PERP": 120}))
    do(state, Trade(S, "outside", "bob", "BTC-PERP", 5, 120))
    do(state, Withdraw(S, "bob", "USDC", 1000 * UNIT))
    stolen(state, 140)
    do(state, sells_debt(6))
    do(state, bid(7, "bob", 900), "withdrawals_cut")
    do(state, bid(7, "ann", 900))
    assert capital_of(state, state.account_index["ann"], 0) < 1000 * UNIT
    do(state, bid(8, "dan", 800))
    assert capital_of(state, state.account_index["ann"], 0) == 1000 * UNIT


def test_fund_auction_money_parked_in_a_bid_still_counts_for_the_rate_of_withdrawals():
    """ann leads with 50 in escrow when 100 of 4000 are put on withdrawals: 3900 / 4000 for everybody, not 3850 / 3950."""
    layers = [FUND, {"name": "w", "kind": "withdrawal_rate", "limit_per_event": "100", "causes": ["oracle"]}]
    state = venue(terms=rules(layers=layers))
    stolen(state, 50)
    do(state, sells_debt(6))
    do(state, bid(7, "ann", 900))
    do(state, DeclareLoss(8 * S, "feed", "USDC", 100 * UNIT, "oracle"))
    do(state, Withdraw(9 * S, "dan", "USDC", 400 * UNIT))
    assert state.ledger.balance(state.ledger.find("socialised:USDC", "USDC")) == -90 * UNIT


def test_fund_auction_the_leader_may_improve_on_itself_without_more_money():
    state = venue()
    stolen(state, 50)
    do(state, Withdraw(5 * S, "ann", "USDC", 950 * UNIT))
    do(state, sells_debt(6))
    do(state, bid(7, "ann", 900))
    assert cash(state, "ann") == 0
    (again,) = do(state, bid(8, "ann", 800))
    assert (again.counterparty, again.returned, cash(state, "ann")) == ("ann", 50 * UNIT, 0)


# ---- surplus


def shared(state, count=800, who="dan"):
    """Give ``who`` shares: 50 stolen, auctioned and closed by second 10 at the latest."""
    stolen(state, 50)
    do(state, sells_debt(6))
    do(state, bid(6, who, count))
    do(state, close(9))
    return state


def test_fund_auction_surplus_worked_by_hand():
    """The fund has 145 and owes nothing: 40 above the buffer of 100 are sold to who burns most shares."""
    state = shared(venue())
    do(state, Reinstate(9 * S, "fund", "USDC", 145 * UNIT))
    (opened,) = do(state, sells_surplus(10))
    assert opened[:6] == (2, "surplus", "USDC", 40 * UNIT, 0, 20 * S)
    assert cash(state, "fund") == 145  # nothing is set aside
    do(state, bid(11, "ann", 1, 2), "insufficient_balance")
    do(state, bid(11, "dan", 801, 2), "insufficient_balance")
    do(state, bid(11, "dan", 100, 2))
    assert shares(state, "dan", "auction:2") == (700, 100)
    (own,) = do(state, bid(12, "dan", 105, 2))
    assert (own.counterparty, own.returned) == ("dan", 100)
    do(state, bid(12, "dan", 110, 2), "bid_too_small")  # 110.25 would be 5 % more
    do(state, close(14, 2), "auction_open")
    (closed,) = do(state, close(15, 2))
    assert (closed.outcome, closed.amount, closed.shares) == ("won", 40 * UNIT, 105)
    assert (cash(state, "fund"), cash(state, "dan")) == (105, 990)
    assert shares(state, "dan", ISSUED, BURNED) == (695, -800, 105)


@pytest.mark.parametrize(
    ("name", "fund", "debt", "code"),
    [
        ("lot and buffer are there", 140, 0, None),
        ("one unit less", 139, 0, "surplus_too_small"),
        ("debt that waits is beside it", 150, 10, None),
        ("debt that waits is not beside it", 149, 10, "surplus_too_small"),
    ],
)
def test_fund_auction_surplus_start_conditions_on_both_sides(name, fund, debt, code):
    state = venue(terms=rules(layers=[{**FUND, "causes": ["default"]}]), fund=fund)
    if debt:
        stolen(state, debt, 3)
    do(state, sells_surplus(4), code)


def test_fund_auction_surplus_pays_debt_first():
    """60 are residual and the fund has 180: neither is auctioned before the fund has paid what is above its buffer."""
    state = venue(terms=rules(layers=[{**FUND, "causes": ["default"]}]), fund=180)
    stolen(state, 60)
    do(state, NetFundDebt(5 * S, "USDC"), "debt_too_small")  # still waits
    do(state, sells_surplus(6), "debt_left")
    do(state, sells_debt(6), "surplus_left")
    paid, claim = do(state, NetFundDebt(6 * S, "USDC"))
    assert (paid.loss, paid.source, paid.amount, claim.holder) == (1, "fund", 60 * UNIT, "fund")
    assert (cash(state, "fund"), owed(state)) == (120, [])
    do(state, NetFundDebt(6 * S, "USDC"), "debt_too_small")


def test_fund_auction_netting_stops_at_the_buffer_and_at_what_is_on_auction():
    state = venue(terms=rules(layers=[{**FUND, "causes": ["default"]}]), fund=100)
    stolen(state, 120)
    do(state, NetFundDebt(6 * S, "USDC"), "surplus_too_small")
    do(state, sells_debt(6))
    do(state, Reinstate(6 * S, "fund", "USDC", 90 * UNIT))
    do(state, NetFundDebt(7 * S, "USDC"))
    assert (cash(state, "fund"), owed(state)) == (120, [(1, 50)])  # 70 were not on auction
    # 20 more than the buffer are there when nobody has bid: they pay first, before shares are offered again.
    assert [e.reason for e in do(state, close(16)) if isinstance(e, FundAuctionClosed)] == ["surplus_left"]
    do(state, NetFundDebt(16 * S, "USDC"))
    assert (cash(state, "fund"), owed(state)) == (100, [(1, 30)])


def test_fund_auction_so_much_surplus_at_one_time():
    state = venue(fund=1000)
    do(state, sells_surplus(1))
    do(state, sells_surplus(1))
    do(state, sells_surplus(1), "too_much_on_sale")


def test_fund_auction_lots_on_sale_count_although_they_are_not_set_aside():
    state = venue(fund=179)
    do(state, sells_surplus(1))
    do(state, sells_surplus(1), "surplus_too_small")
    do(state, Reinstate(1 * S, "fund", "USDC", 1 * UNIT))
    do(state, sells_surplus(1))


def test_fund_auction_a_loss_comes_before_surplus_that_is_on_sale():
    """Opening auctions locks no money: the fund pays 30 of its 145, and the auction is called off."""
    state = shared(venue())
    do(state, Reinstate(9 * S, "fund", "USDC", 145 * UNIT))
    do(state, sells_surplus(10))
    do(state, bid(11, "dan", 300, 2))
    stolen(state, 30, 12, "again")
    assert cash(state, "fund") == 115
    (closed,) = do(state, close(14, 2))
    assert (closed.outcome, closed.reason, closed.returned) == ("called_off", "surplus_gone", 300)
    assert (cash(state, "fund"), shares(state, "dan", "auction:2")) == (115, (800, 0))


def test_fund_auction_of_two_the_first_decided_is_paid():
    state = shared(venue())
    do(state, Reinstate(9 * S, "fund", "USDC", 180 * UNIT))
    do(state, sells_surplus(10))
    do(state, sells_surplus(10))
    do(state, bid(10, "dan", 300, 2))
    do(state, bid(10, "dan", 300, 3))
    stolen(state, 1, 11, "again")
    assert do(state, close(13, 2))[0].outcome == "won"
    assert do(state, close(13, 3))[0].reason == "surplus_gone"
    assert (cash(state, "fund"), shares(state, "dan", BURNED)) == (139, (500, 300))


def test_fund_auction_surplus_without_bids_restarts_or_ends():
    state = venue(fund=140)
    do(state, sells_surplus(1))
    (again,) = do(state, close(11))
    assert isinstance(again, FundAuctionRestarted) and (again.shares, again.until_ns) == (0, 21 * S)
    stolen(state, 1, 12)
    (ended,) = do(state, close(21))
    assert (ended.outcome, ended.reason) == ("called_off", "surplus_too_small")


# ---- halts and the end


def test_fund_auction_bids_go_on_while_withdrawals_are_halted():
    """A gate begins when something is unpaid, which is when debt is auctioned: a bid takes no money out of the venue."""
    gate = {"kind": "withdrawals", "starts": [{"measure": "unpaid", "is": "above", "threshold": "0"}], "length_s": 100, "longest_s": 100, "rest_s": 1}  # fmt: skip
    state = venue(terms=rules(halts=[gate]))
    stolen(state, 50)
    do(state, Withdraw(6 * S, "ann", "USDC", UNIT), "halted")
    do(state, sells_debt(6))
    do(state, bid(7, "ann", 900))


def test_fund_auction_when_the_venue_stops_bidders_have_back_what_they_put_in():
    end = {"price": "last_index", "claims_s": 5, "interim_share": "1"}
    state = shared(venue(terms=rules(wind_down=end)))
    do(state, Reinstate(9 * S, "fund", "USDC", 140 * UNIT))
    do(state, sells_surplus(10))
    do(state, bid(10, "dan", 500, 2))
    stolen(state, 190, 11, "again")
    do(state, sells_debt(16))
    do(state, bid(17, "ann", 500, 3))
    assert (cash(state, "ann"), shares(state, "dan")) == (950, (300,))
    closed = [e for e in do(state, WindDown(18 * S)) if isinstance(e, FundAuctionClosed)]
    assert [(e.auction, e.reason, e.account, e.returned) for e in closed] == [
        (2, "wound_down", "dan", 500),
        (3, "wound_down", "ann", 50 * UNIT),
    ]
    assert (cash(state, "ann"), shares(state, "dan"), state.auctions.open) == (1000, (800,), {})
    for command in (sells_debt(18), bid(18, "ann", 100, 3), close(18, 3), NetFundDebt(18 * S, "USDC")):
        do(state, command, "wound_down")
    do(state, Distribute(19 * S, "USDC", final=True))
    # Shares are no claim on the estate: dan is paid for its cash like everybody else.
    assert -state.ledger.balance(state.external[0]) == 0


# ---- attacks


def test_fund_auction_bidding_against_oneself_only_worsens_ones_own_terms():
    """ann and dan are one owner: 900, 850, ... the pair pays one lot in the end, for fewer shares than a single bid."""
    state = venue()
    stolen(state, 50)
    do(state, sells_debt(6))
    for count, who in ((900, "ann"), (850, "dan"), (800, "dan"), (750, "ann")):
        do(state, bid(7, who, count))
        assert cash(state, "ann") + cash(state, "dan") == 1950
    do(state, close(10))
    assert (cash(state, "ann") + cash(state, "dan"), shares(state, "ann", "dan")) == (1950, (750, 0))


def test_fund_auction_a_bidder_that_falls_after_its_bid_has_paid_already():
    """Griefing by bids that fail at the close: bob bids, then falls. Its lot pays the debt all the same."""
    state = venue()
    stolen(state, 50)
    do(state, Withdraw(5 * S, "bob", "USDC", 850 * UNIT))
    do(state, sells_debt(6))
    do(state, bid(7, "bob", 900))
    do(state, Marks(8 * S, {"BTC-PERP": 84}))
    assert state.cases
    *_, closed = do(state, close(10))
    assert (closed.outcome, closed.account, closed.shares, owed(state)) == ("won", "bob", 900, [])


def test_fund_auction_the_only_share_holder_takes_a_lot_for_one_share_and_never_the_buffer():
    """The documented cap: a single holder without a rival gets every lot above debt and buffer, a share each."""
    state = shared(venue())
    do(state, Reinstate(9 * S, "fund", "USDC", 1000 * UNIT))
    at, number = 10, 1
    while apply(state, sells_surplus(at)).rejection is None:
        number += 1
        do(state, bid(at, "dan", 1, number))
        do(state, close(at + 3, number))
        at += 3
    assert cash(state, "fund") == 120  # 22 lots of 40: one more would leave less than the buffer
    assert shares(state, "dan", BURNED) == (778, 22)


def test_fund_auction_opening_is_bounded_by_debt_and_surplus():
    """Nobody can fill the state with auctions: each stands for a lot of debt, or of surplus, of its own."""
    state = venue(fund=0)
    stolen(state, 120)
    for _ in range(10):
        apply(state, sells_debt(6))
    assert len(state.auctions.open) == 2


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (OpenFundAuction(9 * S, "gold", "USDC"), "no_auctions"),
        (OpenFundAuction(9 * S, "debt", "DOGE"), "unknown_asset"),
        (OpenFundAuction(0, "debt", "USDC"), "time_backwards"),
        (BidFundAuction(9 * S, 7, "ann", 5), "unknown_auction"),
        (BidFundAuction(9 * S, -1, "ann", 10**40), "unknown_auction"),
        (CloseFundAuction(9 * S, 10**30), "unknown_auction"),
        (NetFundDebt(9 * S, "DOGE"), "unknown_asset"),
    ],
)
def test_fund_auction_nonsense_is_refused(command, code):
    state = venue()
    stolen(state, 50)
    do(state, command, code)


@pytest.mark.parametrize("surplus", [SURPLUS, None])
def test_fund_auction_a_policy_without_them_refuses_and_keeps_its_hash(surplus):
    plain = policy(layers=[FUND], deleverage=None, house=HOUSE)
    assert "auctions" not in plain.canonical()
    state = venue(terms=plain)
    stolen(state, 50)
    do(state, sells_debt(6), "no_auctions")
    do(state, sells_surplus(6), "no_auctions")
    assert not state.auctions.since
    with_them = rules(surplus=surplus)
    assert "auctions" in with_them.canonical() and with_them.hash != plain.hash


def test_fund_auction_a_lot_below_the_smallest_unit_of_an_asset_is_refused():
    """An asset with two decimals: a lot of 0.001 is nothing."""
    cents = Asset.of("JPC", 2, 2)
    book = snapshot({"ann": 100}, [], [perp("BTC-PERP", settle=cents)], assets=(cents,), marks={"BTC-PERP": 1})
    terms = rules(debt={**DEBT, "lot": "0.001"}, surplus=None, layers=[])
    state = open_state(book, terms, {}, 0)
    do(state, DeclareLoss(S, "v", "JPC", 50, "exploit"))
    do(state, OpenFundAuction(6 * S, "debt", "JPC"), "bad_auction")


def test_fund_auction_every_asset_has_its_own_debt_and_shares():
    coin = Asset.of("BTC", 8, 8)
    book = snapshot(
        {"ann": {"USDC": 100 * UNIT, "BTC": 90 * 10**8}, "bob": {"USDC": 100 * UNIT}},
        [],
        [perp("BTC-PERP"), perp("ETH-PERP", settle=coin)],
        assets=(USDC, coin),
        marks={"BTC-PERP": 1, "ETH-PERP": 1},
    )
    state = open_state(book, rules(surplus=None, layers=[]), {}, 0)
    do(state, DeclareLoss(S, "v", "BTC", 60 * 10**8, "exploit"))
    do(state, OpenFundAuction(6 * S, "debt", "USDC"), "debt_too_small")
    (opened,) = do(state, OpenFundAuction(6 * S, "debt", "BTC"))
    assert isinstance(opened, FundAuctionOpened) and opened.amount == 50 * 10**8
    do(state, bid(7, "bob", 900), "insufficient_balance")
    assert isinstance(do(state, bid(7, "ann", 900))[0], FundBid)
    do(state, close(10))
    assert shares_of(state, "ann", "BTC") == 900 and shares_of(state, "ann", "USDC") == 0


@pytest.mark.parametrize("name", ["auction:1", "shares:issued"])
def test_fund_auction_names_of_its_accounts_are_reserved(name):
    book = snapshot({name: UNIT}, [], [perp("BTC-PERP")], marks={"BTC-PERP": 1})
    with pytest.raises(InputError, match="reserved"):
        open_state(book, rules(), {}, 0)


def test_fund_auction_the_name_of_shares_is_reserved():
    asset = Asset.of("shares:USDC", 6, 6)
    book = snapshot({"ann": UNIT}, [], [perp("BTC-PERP", settle=asset)], assets=(asset,), marks={"BTC-PERP": 1})
    with pytest.raises(InputError, match="asset name is reserved"):
        open_state(book, rules(surplus=None, layers=[]), {}, 0)

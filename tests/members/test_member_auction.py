"""The auction of a defaulter's portfolio. Ids auction-*."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.errors import InputError
from seawall.members import AuctionTerms, Bid, BidRefusal, Invitation, LogLine, Tier, hold_auction

TERMS = AuctionTerms(opens_ns=100, closes_ns=200, reserve=-50, competitive_within=10)
MEMBERS = ["A", "B", "C", "D"]
SENT = [Invitation(m, 90) for m in MEMBERS]


def hold(bids, terms=TERMS, sent=SENT):
    return hold_auction(terms, MEMBERS, ["X"], sent, bids)


def test_auction_tiers_from_no_bid_to_winner():
    found = hold([Bid("A", -20, 150), Bid("B", -30, 150), Bid("C", -31, 150)])
    assert found.winner == Bid("A", -20, 150)
    assert found.cost == 20
    assert found.tiers == {"A": Tier.WINNER, "B": Tier.COMPETITIVE, "C": Tier.POOR, "D": Tier.NO_BID}
    assert not found.thin


def test_auction_below_the_reserve_nobody_wins_and_bids_are_judged_against_it():
    found = hold([Bid("A", -60, 150), Bid("B", -61, 150)])
    assert (found.winner, found.cost) == (None, None)
    assert found.tiers["A"] is Tier.COMPETITIVE
    assert found.tiers["B"] is Tier.POOR
    assert hold([Bid("A", -50, 150)]).winner == Bid("A", -50, 150)  # at the reserve


def test_auction_thin_and_uninvited():
    # Nasdaq Clearing 2018: four firms were invited. Who was not is not punished for silence.
    found = hold([Bid("A", 5, 150)], sent=[Invitation("A", 90), Invitation("B", 90)])
    assert found.thin
    assert found.tiers == {"A": Tier.WINNER, "B": Tier.NO_BID, "C": Tier.COMPETITIVE, "D": Tier.COMPETITIVE}


@pytest.mark.parametrize(
    ("bid", "sent", "reason"),
    [
        (Bid("X", 9, 150), SENT, BidRefusal.DEFAULTER),
        (Bid("Z", 9, 150), SENT, BidRefusal.NOT_A_MEMBER),
        (Bid("A", 9, 150), SENT[1:], BidRefusal.NOT_INVITED),
        (Bid("A", 9, 120), [Invitation("A", 130)], BidRefusal.BEFORE_INVITATION),
        (Bid("A", 9, 99), SENT, BidRefusal.EARLY),
        (Bid("A", 9, 201), SENT, BidRefusal.LATE),
    ],
    ids=lambda x: x.value if isinstance(x, BidRefusal) else "",
)
def test_auction_a_bid_that_does_not_count_says_why(bid, sent, reason):
    found = hold([bid], sent=sent)
    assert found.refused == ((bid, reason),)
    assert found.winner is None
    assert LogLine(bid.at_ns, bid.member, "refused", bid.amount, reason) in found.log


def test_auction_last_bid_in_time_counts_and_a_late_one_does_not_undo_it():
    bids = [Bid("A", 30, 150), Bid("A", 10, 160), Bid("A", 99, 201), Bid("B", 20, 150)]
    found = hold(bids)
    assert found.winner == Bid("B", 20, 150)
    assert found.refused == ((bids[0], BidRefusal.SUPERSEDED), (bids[2], BidRefusal.LATE))
    assert hold([bids[1], bids[0]]).ranking == (bids[1],)  # time, not the order of the list
    assert [line.what for line in found.log] == [*["invited"] * 4, "refused", "bid", "bid", "refused", "won"]


def test_auction_equal_bids_go_to_the_earlier_then_to_the_name():
    assert hold([Bid("B", 5, 150), Bid("A", 5, 151)]).winner == Bid("B", 5, 150)
    assert hold([Bid("B", 5, 150), Bid("A", 5, 150)]).winner == Bid("A", 5, 150)


def test_auction_bad_terms_are_refused():
    with pytest.raises(InputError, match="closes after"):
        AuctionTerms(2, 1, 0, 0)
    with pytest.raises(InputError, match="not a survivor"):
        hold([], sent=[Invitation("X", 90)])
    with pytest.raises(InputError, match="at once"):
        hold_auction(TERMS, ["A"], ["A"], [], [])


BIDS = st.lists(
    st.builds(Bid, st.sampled_from([*MEMBERS, "X"]), st.integers(-90, 30), st.integers(95, 205)), max_size=8
)


@given(bids=BIDS, data=st.data())
def test_auction_every_bid_is_ranked_or_refused_and_the_best_wins(bids, data):
    bids = list({(b.member, b.at_ns): b for b in bids}.values())
    found = hold(bids)
    assert sorted(found.ranking + tuple(b for b, _ in found.refused)) == sorted(bids)
    assert set(found.tiers) == set(MEMBERS)
    assert sum(t is Tier.WINNER for t in found.tiers.values()) == (found.winner is not None)
    if found.winner:
        assert found.winner.amount == max(b.amount for b in found.ranking) >= TERMS.reserve
    other = hold(data.draw(st.permutations(bids)))
    assert (other.winner, other.ranking, other.tiers) == (found.winner, found.ranking, found.tiers)
    ranks = [list(Tier).index(found.tiers[b.member]) for b in found.ranking]
    assert ranks == sorted(ranks, reverse=True)  # a better bid is never in an earlier tier

"""What members bid. Ids bidding-*; source: the formulas in the module; a small book worked by hand."""

from __future__ import annotations

import statistics

import pytest

from seawall.errors import InputError
from seawall.models import BiddingParameters, MarketResponse
from seawall.models.bidding import cost_of, draw, how_bids, left_over, log_normal, share_factor

M = 1_000_000.0
MEMBERS = [f"m{i}" for i in range(400)]


@pytest.mark.parametrize(
    ("portfolio", "own", "left"),
    [
        ({"BTC": 10.0}, {}, {"BTC": 10.0}),
        ({"BTC": 10.0}, {"BTC": -4.0}, {"BTC": 6.0}),
        ({"BTC": 10.0}, {"BTC": -25.0}, {}),
        ({"BTC": 10.0}, {"BTC": 4.0}, {"BTC": 10.0}),
        ({"BTC": -10.0, "ETH": 3.0}, {"BTC": 4.0, "ETH": 1.0}, {"BTC": -6.0, "ETH": 3.0}),
    ],
)
def test_bidding_what_offsets_costs_nothing(portfolio, own, left):
    assert left_over(portfolio, own) == left, (portfolio, own)


def test_bidding_cost_is_the_impact_of_the_market_as_it_is_now():
    """100m into a depth of 100m within 1 %: two thirds of a per cent on average, and 0.2 % charged."""
    response = MarketResponse()
    response.begin("BTC", 100 * M, 0.0)
    assert cost_of({"BTC": 100 * M}, response.impact, 0.002) == pytest.approx(100 * M * (0.02 / 3 + 0.002))
    before = response.impact("BTC", -1, 10 * M)
    _, average = response.fill("BTC", -1, 10 * M, None)
    assert average == pytest.approx(1 - before)  # asking changed nothing, and says what a fill costs
    assert response.impact("BTC", -1, 10 * M) > before  # the depth that was taken is gone


def test_bidding_a_thin_market_costs_more():
    asks = []
    for depth in (100 * M, 25 * M):
        response = MarketResponse()
        response.begin("BTC", depth, 0.0)
        asks.append(cost_of({"BTC": 10 * M}, response.impact, 0.0))
    assert asks[1] == pytest.approx(2 * asks[0]), asks  # square root of four


def test_bidding_draws_belong_to_names_and_nothing_else():
    p = BiddingParameters(seed=7)
    forward = {m: how_bids(p, m, "case") for m in MEMBERS}
    backward = {m: how_bids(p, m, "case") for m in reversed(MEMBERS)}
    assert forward == backward
    assert forward != {m: how_bids(BiddingParameters(seed=8), m, "case") for m in MEMBERS}
    assert draw(1, "a", "bc") != draw(1, "ab", "c")


def test_bidding_shares_of_absent_late_and_poor_are_as_asked():
    p = BiddingParameters(absent=0.25, late=0.25, poor=0.0, taste=0.5)
    found = [how_bids(p, m, f"case {n}") for m in MEMBERS for n in range(5)]
    made = [a for a in found if a is not None]
    assert 1 - len(made) / len(found) == pytest.approx(0.25, abs=0.03)
    assert sum(a.at > 1 for a in made) / len(made) == pytest.approx(0.25, abs=0.03)
    assert statistics.median(a.factor for a in made) == pytest.approx(1.0, abs=0.06)
    assert all(0 < a.at < 2 for a in made)
    same = [how_bids(BiddingParameters(absent=0, poor=1, taste=0, poor_factor=4.0), m, "c") for m in MEMBERS]
    assert {a.factor for a in same if a is not None} == {4.0}


def test_bidding_log_normal_has_median_one_and_the_deviation_asked_for():
    logs = [statistics.NormalDist().inv_cdf(draw(3, m)) for m in MEMBERS]
    assert statistics.fmean(logs) == pytest.approx(0.0, abs=0.15)
    assert statistics.stdev(logs) == pytest.approx(1.0, abs=0.15)
    assert log_normal(0.0, 3, "x") == 1.0
    assert share_factor(BiddingParameters(share_worth=2.0, share_taste=0.0), "x") == 2.0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("taste", -0.1),
        ("taste", float("nan")),
        ("charge", float("inf")),
        ("absent", 1.1),
        ("late", -0.1),
        ("poor_factor", 0.5),
        ("accounts", 0),
        ("share_worth", 0.0),
        ("bidders", 1.5),
        ("seed", 0.5),
        ("seed", True),
        ("accounts", True),
        ("taste", "wild"),  # was a TypeError
        ("taste", None),
        ("taste", 1e5),  # was an OverflowError at the first bid
        ("share_taste", 10**400),
        ("charge", 1e308),
        ("poor_factor", float("inf")),
    ],
)
def test_bidding_refuses_a_parameter_out_of_range(name, value):
    with pytest.raises(InputError) as caught:
        BiddingParameters(**{name: value})
    assert caught.value.field == name

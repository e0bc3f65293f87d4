"""How a market answers close-outs. Ids response-*; source: the formulas in the module, integrated numerically here, and
the depth of 10 October 2025 (374m before, 57m at the worst)."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.errors import InputError
from seawall.models import MarketResponse, ResponseParameters

M = 1_000_000.0


def opened(depth: float = 100 * M, **parameters: float) -> MarketResponse:
    response = MarketResponse(ResponseParameters(**parameters))
    response.begin("BTC", depth, 0.0)
    return response


@pytest.mark.parametrize("side", [-1, 1])
def test_response_order_of_the_depth_moves_the_price_one_percent(side):
    share, average = opened().fill("BTC", side, 100 * M, None)
    assert share == 1
    # Square root: the mean of the curve is two thirds of its end.
    assert average == pytest.approx(1 + side * 0.01 * 2 / 3, rel=1e-12)


@given(
    size=st.floats(1e3, 1e10),
    before=st.floats(0, 1e9),
    depth=st.floats(1e5, 1e9),
    exponent=st.sampled_from([0.5, 0.7, 0.875, 1.0]),
)
@settings(max_examples=60, deadline=None)
def test_response_average_is_the_integral_of_the_marginal_price(size, before, depth, exponent):
    """The mean is compared with a midpoint sum of the marginal curve, cut off at the largest displacement."""
    response = opened(depth, exponent=exponent)
    if before:
        response.fill("BTC", -1, before, None)
        response.begin("BTC", depth, 0.0)
    start = min(before, depth * (0.9 / 0.01) ** (1 / exponent))
    _, average = response.fill("BTC", -1, size, None)
    slices = 20_000
    curve = [min(0.9, 0.01 * ((start + size * (i + 0.5) / slices) / depth) ** exponent) for i in range(slices)]
    marked = min(0.9, 0.01 * (start / depth) ** exponent)
    expected = 1 - (sum(curve) / slices - marked)
    case = f"size {size}, before {before}, depth {depth}, exponent {exponent}: {average}, expected {expected}"
    assert average == pytest.approx(expected, abs=2e-4), case


@given(limit=st.floats(0.9, 0.9999), size=st.floats(1e4, 1e10))
@settings(max_examples=60, deadline=None)
def test_response_fills_until_the_marginal_price_is_the_limit(limit, size):
    response = opened()
    share, average = response.fill("BTC", -1, size, limit)
    most = 100 * M * ((1 - limit) / 0.01) ** 2
    assert share * size == pytest.approx(min(size, most), rel=1e-9), f"limit {limit}, size {size}, share {share}"
    assert average >= limit - 1e-12
    again, _ = response.fill("BTC", -1, size, limit)
    assert (share + again) * size <= most * (1 + 1e-9), "a second order went past the limit"


@pytest.mark.parametrize(("side", "limit"), [(-1, 1.0), (-1, 1.01), (1, 1.0), (1, 0.99)])
def test_response_limit_at_or_inside_the_mark_fills_nothing(side, limit):
    assert opened().fill("BTC", side, M, limit) == (0.0, 1.0)


def test_response_splitting_an_order_within_a_step_changes_nothing():
    whole, parts = opened(), opened()
    _, price = whole.fill("BTC", -1, 30 * M, None)
    prices = [parts.fill("BTC", -1, 10 * M, None)[1] for _ in range(3)]
    assert sum(prices) / 3 == pytest.approx(price, rel=1e-12)
    assert prices[0] > prices[1] > prices[2], f"later parts must be worse: {prices}"
    for response in (whole, parts):
        response.begin("BTC", 100 * M, 60.0)
    assert parts.shift("BTC") == pytest.approx(whole.shift("BTC"), rel=1e-12)


def test_response_price_is_continuous_over_steps_and_recovers_to_the_permanent_share():
    response = opened(permanent=0.25, half_life_s=120)
    response.fill("BTC", -1, 100 * M, None)
    assert response.shift("BTC") == 1.0, "the marks of the step itself do not move"
    response.begin("BTC", 100 * M, 0.0)
    assert response.shift("BTC") == pytest.approx(0.99), "without time nothing recovers"
    response.begin("BTC", 100 * M, 120.0)
    assert response.shift("BTC") == pytest.approx(1 - 0.0025 - 0.0075 / 2), "half of the rest in a half-life"
    response.begin("BTC", 100 * M, 12_000.0)
    assert response.shift("BTC") == pytest.approx(1 - 0.0025)


def test_response_falling_depth_alone_moves_no_price():
    response = opened(374 * M, half_life_s=math.inf)
    response.fill("BTC", -1, 50 * M, None)
    response.begin("BTC", 374 * M, 15.0)
    before = response.shift("BTC")
    response.begin("BTC", 57 * M, 15.0)
    assert response.shift("BTC") == before


def test_response_october_depth_makes_the_same_order_2_6_times_dearer():
    cost = {}
    for depth in (374.0, 57.0):
        _, average = opened(depth * M).fill("BTC", -1, 20 * M, None)
        cost[depth] = 1 - average
    assert cost[57.0] / cost[374.0] == pytest.approx(math.sqrt(374 / 57), rel=1e-12)
    assert 2.5 < cost[57.0] / cost[374.0] < 2.6, cost


def test_response_sides_and_markets_are_apart():
    response = opened()
    response.begin("ETH", 50 * M, 0.0)
    response.fill("BTC", -1, 100 * M, None)
    assert response.fill("BTC", 1, M, None)[1] > 1
    response.begin("BTC", 100 * M, 0.0)
    response.begin("ETH", 50 * M, 0.0)
    assert response.shift("BTC") < 1
    assert response.shift("ETH") == 1.0
    assert response.shift("nothing known") == 1.0


def test_response_never_takes_a_price_to_zero():
    response = opened(1.0)
    share, average = response.fill("BTC", -1, 1e15, None)
    assert share == 1
    assert average == pytest.approx(0.1)
    response.begin("BTC", 1.0, 0.0)
    assert response.shift("BTC") == pytest.approx(0.1)


@pytest.mark.parametrize(
    "bad",
    [
        {"exponent": 0.0},
        {"exponent": 1.5},
        {"permanent": -0.1},
        {"permanent": 1.1},
        {"half_life_s": 0.0},
        {"largest": 1.0},
        {"exponent": math.nan},
    ],
    ids=str,
)
def test_response_bad_parameters_are_refused(bad):
    with pytest.raises(InputError) as caught:
        ResponseParameters(**bad)
    assert caught.value.field in bad

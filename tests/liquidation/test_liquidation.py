"""Sizes, limits, fees, backstop. Ids liquidation-*. Sources: reference rules of the venues named in each docstring."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.books import FLAT, perp

from seawall.liquidation import (
    BackstopRule,
    FeeKind,
    LimitKind,
    LimitPrice,
    LiquidationFee,
    OverLimit,
    Pace,
    PaceKind,
    close_out_sizes,
    excess_over_limits,
    fillable_price,
    fillable_rating,
    fund_delta,
    fund_flow,
    limit_mark,
    may_take_over,
    settle_fill,
)
from seawall.market import Instrument
from seawall.money import Asset, Rounding, profile

UNIT = 10**6


def test_liquidation_pace_share_then_the_rest():
    # Hyperliquid: positions above 100k: 20 % first, everything after the cool-down; small ones at once.
    pace = Pace(PaceKind.SHARE, above=100_000 * UNIT, share=Fraction(1, 5), cooldown_ns=30)
    positions = [(-101, 150_000 * UNIT), (7, 50_000 * UNIT)]
    first = close_out_sizes(positions, pace, equity=1, maintenance=2, attempt=1)
    assert [(s.lots, s.partial) for s in first] == [(21, True), (7, False)]
    second = close_out_sizes(positions, pace, equity=1, maintenance=2, attempt=2)
    assert [(s.lots, s.partial) for s in second] == [(101, False), (7, False)]


@given(
    lots=st.integers(1, 1000),
    equity=st.integers(1, 10**6),
    maintenance=st.integers(1, 10**6),
    buffer=st.fractions(0, 1),
)
def test_liquidation_buffer_closes_enough_and_hardly_more(lots, equity, maintenance, buffer):
    pace = Pace(PaceKind.BUFFER, buffer=buffer)
    size = close_out_sizes([(lots, 1)], pace, equity=equity, maintenance=maintenance, attempt=1)[0].lots
    assert 1 <= size <= lots
    target = (1 + buffer) * maintenance
    assert equity >= target * (1 - Fraction(size, lots))
    if size > 1:
        assert equity < target * (1 - Fraction(size - 1, lots))


def limit(kind, instrument, lots, position, equity, need, total, mark, **extra):
    return limit_mark(
        instrument,
        LimitPrice(kind, **extra),
        lots=lots,
        position_lots=position,
        unit_value=instrument.unit_value(mark),
        equity=equity,
        requirement=need,
        total_requirement=total,
    )


def test_liquidation_bankruptcy_limit_by_hand():
    # 10 long at 1,000 with equity 200: may be sold down to 980. Short: bought back up to 1,020.
    args = (200 * UNIT, 5, 5, 1_000)
    assert limit(LimitKind.BANKRUPTCY, perp(), -10, 10, *args) == 980
    assert limit(LimitKind.BANKRUPTCY, perp(), 10, -10, *args) == 1_020
    assert limit(LimitKind.MARKET, perp(), -10, 10, *args) is None


def test_liquidation_fillable_limit_goes_beyond_bankruptcy():
    # Equity 0: rating 1, so 1.5 x requirement 500 = 750 over 10 lots: 925 (dYdX genesis spread 150 %).
    found = limit(LimitKind.FILLABLE, perp(), -10, 10, 0, 500 * UNIT, 500 * UNIT, 1_000, spread=Fraction(3, 2))
    assert found == 925


def test_liquidation_fillable_rating_without_a_requirement():
    """A position so small that its requirement rounds to zero: as the requirement shrinks the ratio has these ends."""
    terms = LimitPrice(LimitKind.FILLABLE, Fraction(1), Fraction(3, 2))
    assert [fillable_rating(equity, 0, terms) for equity in (-1, 0, 1)] == [1, 0, 0]
    price = fillable_price(terms, value=7, lots=-2, requirement=0, equity=-5, maintenance=0)
    assert price == Fraction(-7, 2), "nothing can be given up of a requirement of nothing"


@given(
    inverse=st.booleans(),
    position=st.integers(-50, 50).filter(bool),
    equity=st.integers(0, 10**12),
    mark=st.integers(10, 10**6),
)
def test_liquidation_a_fill_at_the_bankruptcy_limit_never_causes_a_loss(inverse, position, equity, mark):
    coin = Asset.of("BTC", 10, 10)
    instrument = (
        Instrument.of("I", coin, base="BTC", quote="USD", lot=Fraction(100), mark_scale=0, brackets=FLAT, inverse=True)
        if inverse
        else perp()
    )
    value = instrument.unit_value(mark)
    equity = equity % max(1, value * abs(position) // 2)
    at = limit(LimitKind.BANKRUPTCY, instrument, -position, position, equity, 7, 7, mark)
    if at is None or at >= 1 << 40:
        return
    gain = -position * instrument.sign * (value - instrument.unit_value(at))
    # Inverse values are rounded to nearest once per mark: at most half a unit a lot.
    assert gain + equity >= (-abs(position) if inverse else 0), (at, gain, equity)


def test_liquidation_fee_is_capped_and_never_makes_a_loss():
    fee = LiquidationFee(FeeKind.IMPROVEMENT, Fraction(5, 1000))
    assert fund_delta(1_000, 10_000, fee, Rounding.FLOOR) == 50
    assert fund_delta(10, 10_000, fee, Rounding.FLOOR) == 10
    assert fund_delta(-70, 10_000, fee, Rounding.FLOOR) == -70
    assert fund_delta(1_000, 10_000, LiquidationFee(FeeKind.NONE), Rounding.FLOOR) == 0


def test_liquidation_settle_fill_splits_fee_and_draw():
    fee = LiquidationFee(FeeKind.CLEARANCE, Fraction(1, 100))
    common = {"part": 1, "total": 2, "notional": 1_000, "fee": fee, "profile": profile("toward_fund")}
    good = settle_fill(gain=0, equity=100, **common)
    assert (good.fee, good.draw) == (10, 0)
    bad = settle_fill(gain=-80, equity=100, **common)
    assert (bad.fee, bad.draw) == (0, 30)


def test_liquidation_fund_flow_both_sides():
    assert fund_flow(True, Fraction(2), Fraction(99), Fraction(100)) == 2
    assert fund_flow(False, Fraction(2), Fraction(99), Fraction(100)) == -2


def backstop(**changes):
    base = {
        "account": "backstop",
        "takes_below": Fraction(2, 3),
        "takes_unfilled": False,
        "takes_bankrupt": False,
        "max_leverage": Fraction(10),
        "max_notional": None,
        "over_limit": OverLimit.REFUSE,
        "work_out_share": Fraction(1, 10),
    }
    return BackstopRule(**{**base, **changes})


def test_liquidation_backstop_limits():
    assert excess_over_limits(backstop(), equity=100, gross=1_200) == 200
    assert excess_over_limits(backstop(max_notional=900), equity=100, gross=1_200) == 300
    assert excess_over_limits(backstop(max_leverage=None), equity=-5, gross=1_200) == 0
    assert may_take_over(backstop(), equity=100, gross=900, extra_gross=100, extra_equity=0)
    assert not may_take_over(backstop(), equity=100, gross=900, extra_gross=101, extra_equity=0)
    passing_on = backstop(over_limit=OverLimit.DELEVERAGE)
    assert may_take_over(passing_on, equity=100, gross=900, extra_gross=9_000, extra_equity=-100)
    assert not may_take_over(passing_on, equity=100, gross=0, extra_gross=1, extra_equity=-101)


@pytest.mark.parametrize("kind", list(PaceKind))
def test_liquidation_one_lot_can_always_be_closed(kind):
    sizes = close_out_sizes(
        [(1, 1)], Pace(kind, share=Fraction(1, 100), duration_ns=10**9), equity=1, maintenance=10**9, attempt=1
    )
    assert [s.lots for s in sizes] == [1]


def test_liquidation_target_pace_closes_the_smallest_step_that_undercuts_the_ratio():
    """Paradex documentation: value 1,000 and requirement 1,000: with steps of 20 % the ratio is below 90 % at 20 %."""
    pace = Pace(PaceKind.TARGET, share=Fraction(1, 5), target=Fraction(9, 10))
    sizes = close_out_sizes([(100, 1), (-10, 1)], pace, equity=1_000, maintenance=1_000, attempt=1)
    assert [(s.lots, s.partial) for s in sizes] == [(20, True), (2, True)]
    assert close_out_sizes([(100, 1)], pace, equity=0, maintenance=1_000, attempt=1)[0].lots == 100


def test_liquidation_ramp_pace_grows_with_time():
    pace = Pace(PaceKind.RAMP, share=Fraction(1, 10), duration_ns=10 * 10**9)
    lots = [
        close_out_sizes([(100, 1)], pace, equity=1, maintenance=2, attempt=1, elapsed_ns=s * 10**9)[0].lots
        for s in (0, 5, 9, 60)
    ]
    assert lots == [10, 60, 100, 100]

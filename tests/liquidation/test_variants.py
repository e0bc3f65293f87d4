"""Caps, ticks, shortages, windows, steps, disposal, option series. Ids variants-*. Sources in each function's docstring."""

from __future__ import annotations

import itertools
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.errors import InputError
from seawall.liquidation import (
    EVERYTHING,
    BlockCap,
    BlockUse,
    CapRefused,
    DisposalRule,
    FeeRamp,
    PacedShare,
    RollingWindow,
    Series,
    ShortageRule,
    StepDown,
    base_to_cover_shortage,
    close_by_series,
    close_shortage,
    position_range,
    step_down,
    step_penalty,
    steps_to_dispose,
    to_tick,
    transfer_price,
)

# --- caps ---------------------------------------------------------------------------------------------------------


def test_variants_one_close_out_per_account_and_market_in_a_block():
    cap, use = BlockCap(1_000, 50), BlockUse()
    assert use.admit(cap, "A", notional=600, fund_loss=20) is None
    use = use.after("A", notional=600, fund_loss=20)
    assert use.admit(cap, "A", notional=1, fund_loss=0) is CapRefused.ALREADY_LIQUIDATED
    assert use.admit(cap, "B", notional=401, fund_loss=0) is CapRefused.NOTIONAL
    assert use.admit(cap, "B", notional=400, fund_loss=31) is CapRefused.FUND_LOSS
    assert use.admit(cap, "B", notional=400, fund_loss=30) is None


def test_variants_income_of_the_fund_gives_no_room_back():
    use = BlockUse().after("A", notional=1, fund_loss=40).after("B", notional=1, fund_loss=-1_000)
    assert use.fund_loss == 40
    with pytest.raises(InputError):
        BlockCap(-1, 0)


@given(
    cap=st.integers(0, 100),
    fills=st.lists(st.tuples(st.sampled_from("ABCD"), st.integers(0, 60), st.integers(0, 60)), max_size=8),
)
def test_variants_caps_are_never_crossed(cap, fills):
    rule, use = BlockCap(cap, cap), BlockUse()
    for market, notional, loss in fills:
        if use.admit(rule, market, notional=notional, fund_loss=loss) is None:
            assert market not in use.markets
            use = use.after(market, notional=notional, fund_loss=loss)
        assert use.notional <= cap and use.fund_loss <= cap, (cap, fills)


@given(notional=st.integers(0, 10**6), least=st.integers(0, 10**6), portion=st.fractions(0, 1))
def test_variants_a_position_can_always_be_closed_and_leaves_no_dust(notional, least, portion):
    found = position_range(notional, least, portion)
    assert 0 <= found.least <= found.most <= notional
    steps = 0
    while notional and least:
        notional -= position_range(notional, least, portion).most
        steps += 1
        assert steps <= 10**6 // least + 1


@given(price=st.fractions(-(10**6), 10**6), tick=st.integers(1, 1_000))
def test_variants_a_tick_never_harms_the_account(price, tick):
    up, down = to_tick(price, tick, selling=True), to_tick(price, tick, selling=False)
    assert up % tick == down % tick == 0 and up >= tick and down >= tick
    assert up >= price
    assert down <= max(price, tick)
    assert up - down <= max(tick, 0) or price < tick


# --- shortage -----------------------------------------------------------------------------------------------------

AMOUNTS = st.integers(0, 10**15)


@given(
    base=st.integers(-(10**11), 10**11),
    price=st.integers(1, 10**10),
    short=st.integers(0, 10**10),
    maintenance=st.integers(10_000, 200_000),
    liquidator=st.integers(0, 20_000),
    fund=st.integers(0, 50_000),
    most=st.integers(0, 10**11),
    step=st.sampled_from([1, 1_000, 10**8]),
)
def test_variants_shortage_conserves_lots_and_quote(base, price, short, maintenance, liquidator, fund, most, step):
    rule = ShortageRule(maintenance, 1_000, liquidator, fund, step)
    found = close_shortage(rule, base=base, quote=0, collateral=short, price=price, max_base=most)
    assert found.base + found.liquidator_base == base
    assert found.quote + found.liquidator_quote + found.fund_fee == 0
    assert abs(found.base) <= abs(base) and (found.base >= 0) == (base >= 0 or found.base == 0)
    assert found.fund_fee >= 0
    assert found.fund_fee_ppm <= fund


@given(
    size=st.integers(10**6, 10**11),
    price=st.integers(10**6, 10**10),
    part=st.fractions(0, 1),
    liquidator=st.integers(0, 20_000),
    fund=st.integers(0, 50_000),
)
def test_variants_fees_never_make_an_account_bankrupt(size, price, part, liquidator, fund):
    # Equity between 0 and the requirement. The fund takes only from what liquidator and shortage leave; what the whole
    # position costs is at most its equity, whenever that holds for the liquidator's fee alone.
    rule = ShortageRule(50_000, 0, liquidator, fund)
    value = size * price // 10**9
    equity = int(value * Fraction(50_000, 10**6) * part)
    if equity < value * liquidator // 10**6:
        return  # the published liquidator fee itself may take more than the account has: not the fund's doing
    found = close_shortage(rule, base=size, quote=-value, collateral=equity, price=price, max_base=size)
    left = equity + found.quote + value + (found.base * price // 10**9) - value
    # two units: value of the slice and of the rest are both rounded down
    assert left >= -2, (found, equity, left)


def test_variants_a_fee_vanishes_when_there_is_no_room():
    rule = ShortageRule(50_000, 0, 10_000, 50_000)
    # value 100, requirement 5, equity 0: the shortage is the whole requirement
    found = close_shortage(rule, base=10**9, quote=-(10**8), collateral=0, price=10**8, max_base=10**9)
    assert found.shortage == 5 * 10**6
    assert found.fund_fee == 0


def test_variants_everything_when_closing_does_not_help():
    common = {"ratio_ppm": 50_000, "liquidator_fee_ppm": 10_000}
    assert base_to_cover_shortage(1, price=0, fund_fee_ppm=0, **common) == EVERYTHING
    assert base_to_cover_shortage(1, price=10**6, fund_fee_ppm=40_000, **common) == EVERYTHING
    assert base_to_cover_shortage(1, price=10**6, fund_fee_ppm=39_000, **common) < EVERYTHING


def test_variants_fee_ramp():
    ramp = FeeRamp(Fraction(1, 100), 1_500, Fraction(1, 10**6), Fraction(3, 100))
    assert ramp.at(0) == ramp.at(1_500) == Fraction(1, 100)
    assert ramp.at(1_501) == Fraction(10_001, 10**6)
    assert ramp.at(10**9) == Fraction(3, 100)
    # a cap below the base never lowers the base
    assert FeeRamp(Fraction(1, 100), 0, Fraction(1), Fraction(0)).at(5) == Fraction(1, 100)


def test_variants_paced_share():
    pace = PacedShare(Fraction(1, 10), 100, small_shortage=50, small_position=50)
    room = lambda t, closed: pace.room(t, shortage=1_000, position=9_999, closed=closed)  # noqa: E731
    assert [room(0, 0), room(10, 100), room(10, 150), room(90, 0), room(900, 400)] == [100, 100, 50, 1_000, 600]
    assert room(0, 500) == 0
    assert pace.share(0, shortage=49, position=9_999) == 1
    assert pace.share(0, shortage=9_999, position=49) == 1
    with pytest.raises(InputError):
        PacedShare(Fraction(2), 100)


def test_variants_transfer_price_rounds_to_the_account():
    assert transfer_price(1_001, Fraction(1, 100), selling=True) == 991  # 990.99
    assert transfer_price(1_001, Fraction(1, 100), selling=False) == 1_011  # 1011.01


# --- steps, windows, disposal -------------------------------------------------------------------------------------


@given(
    value=st.integers(-100, 10**6), maintenance=st.integers(1, 10**6), step=st.sampled_from(["1/5", "1/3", "3/10", "1"])
)
def test_variants_step_down_is_the_smallest_that_is_enough(value, maintenance, step):
    rule = StepDown(Fraction(step), Fraction(1, 2), Fraction(9, 10))
    found = step_down(rule, value=value, maintenance=maintenance)

    def good(share):
        left = value - share * Fraction(maintenance, 2)
        return left > 0 and maintenance * (1 - share) < Fraction(9, 10) * left

    tried = [k * Fraction(step) for k in range(1, 6) if k * Fraction(step) < 1]
    assert found.share == next((s for s in tried if good(s)), 1), (value, maintenance, step)
    penalty = step_penalty(rule, found.share, value=value, maintenance=maintenance)
    assert 0 <= penalty <= max(0, value)


@given(
    uses=st.lists(st.tuples(st.integers(0, 30), st.integers(0, 50)), max_size=20),
    capacity=st.integers(0, 60),
    length=st.integers(1, 40),
)
def test_variants_no_stretch_of_time_sees_more_than_the_capacity(uses, capacity, length):
    window, now, done = RollingWindow(capacity, length), 0, []
    for wait, wanted in uses:
        now += wait
        amount = min(wanted, window.room(now))
        window = window.after(now, amount)
        done.append((now, amount))
    for end, _ in done:
        assert sum(a for t, a in done if end - length < t <= end) <= capacity, (done, capacity, length)
    with pytest.raises(InputError):
        window.after(now, window.room(now) + 1)


def test_variants_disposal_ends_and_respects_depth():
    rule = DisposalRule(Fraction(1, 2), full_below=3, depth_share=Fraction(1, 10))
    assert steps_to_dispose(rule, -20, [1_000] * 9) == [10, 5, 3, 2]
    assert steps_to_dispose(rule, 20, [0, 9, 40, 1_000]) == [0, 0, -4, -8]
    with pytest.raises(InputError):
        DisposalRule(Fraction(0), 1, Fraction(1))


# --- option books -------------------------------------------------------------------------------------------------


def spread_book():
    """Short call 10, its hedge (long call), a short put: closing the hedge alone raises the requirement."""
    book = [Series("C-100", -10, 30), Series("C-110", 10, 20), Series("P-90", -5, 10)]
    table = {(): 0, (0,): 500, (1,): 0, (2,): 200, (0, 1): 100, (0, 2): 700, (1, 2): 200, (0, 1, 2): 300}
    return book, lambda left: table[tuple(sorted(left))]


def test_variants_series_whole_and_best_first():
    book, requirement = spread_book()
    # P-90 frees 200 for 10, C-100 frees 100 for 30, C-110 would add 400.
    plan = close_by_series(book, requirement, equity=120)
    assert [(s.series, s.requirement, s.equity) for s in plan.steps] == [(2, 100, 110)]
    assert plan.enough
    # With less: then the short call; its hedge is never closed first.
    plan = close_by_series(book, requirement, equity=80)
    assert [(s.series, s.requirement, s.equity) for s in plan.steps] == [(2, 100, 70), (0, 0, 40)]
    assert close_by_series(book, requirement, equity=300) == ((), True)


def test_variants_series_says_when_it_is_not_enough():
    book, requirement = spread_book()
    plan = close_by_series(book, requirement, equity=-60)
    assert not plan.enough
    assert [s.series for s in plan.steps] == [2, 0]


@given(
    costs=st.lists(st.integers(0, 50), min_size=1, max_size=4),
    values=st.lists(st.integers(0, 200), min_size=16, max_size=16),
    equity=st.integers(-50, 200),
)
def test_variants_series_against_the_obvious_loop(costs, values, equity):
    book = [Series(f"S{i}", 1, c) for i, c in enumerate(costs)]
    requirement = lambda left: 0 if not left else values[sum(1 << i for i in left)]  # noqa: E731
    plan = close_by_series(book, requirement, equity=equity)
    left, cash = frozenset(range(len(book))), equity
    for step in plan.steps:
        assert cash < requirement(left), "closed although the account was whole"
        gains = {
            i: (requirement(left) - requirement(left - {i}), costs[i])
            for i in left
            if requirement(left) - requirement(left - {i}) > costs[i]
        }
        ratio = {i: (1, f) if c == 0 else (0, Fraction(f, c)) for i, (f, c) in gains.items()}
        assert ratio[step.series] == max(ratio.values())
        left, cash = left - {step.series}, cash - costs[step.series]
        assert (step.requirement, step.equity) == (requirement(left), cash)
    assert plan.enough == (cash >= requirement(left))
    if not plan.enough:
        assert all(requirement(left) - requirement(left - {i}) <= costs[i] for i in left)


def test_variants_series_greedy_is_not_always_cheapest():
    """Stated openly: one at a time may miss a pair that only helps together."""
    book = [Series("A", 1, 1), Series("B", -1, 1)]
    requirement = lambda left: 100 if left else 0  # noqa: E731
    assert not close_by_series(book, requirement, equity=50).enough
    best = min(
        (sum(book[i].cost for i in closed), closed)
        for n in range(3)
        for closed in itertools.combinations(range(2), n)
        if 50 - sum(book[i].cost for i in closed) >= requirement(frozenset(range(2)) - set(closed))
    )
    assert best == (2, (0, 1))

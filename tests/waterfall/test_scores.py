"""Queue scores against plain integers, and worked examples. Ids scores-*."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.errors import InputError
from seawall.waterfall import (
    lights,
    order_of,
    position_leverage_scores,
    profit_leverage_scores,
    profit_margin_ratio_scores,
    relief_scores,
    signed_leverage_scores,
)
from seawall.waterfall.scores import LARGEST, SCALE, walk_start

SIZE = st.one_of(st.integers(0, 50), st.integers(0, (1 << 62) - 1))
SIGNED = st.one_of(st.integers(-50, 50), st.integers(-(1 << 62), 1 << 62))
ROWS = st.lists(st.tuples(SIGNED, SIZE, SIZE, SIZE), min_size=1, max_size=5)


@pytest.fixture(autouse=True, scope="module")
def compiled():
    profit_leverage_scores([1], [1], [1], [1])


def held(number):
    return max(-LARGEST, min(LARGEST, number))


def two_steps(a, b, c, d):
    """floor(floor(a x 1e9 / b) x c / d), each held within 2^62."""
    return held(held(a * SCALE // max(b, 1)) * c // max(d, 1))


@settings(max_examples=200)
@given(rows=ROWS)
def test_scores_are_their_plain_integer_twins(rows):
    profit, entry, notional, equity = (list(c) for c in zip(*rows, strict=True))
    whole = [two_steps(*r) for r in rows]
    assert profit_leverage_scores(profit, entry, notional, equity).tolist() == whole
    assert position_leverage_scores(profit, entry, notional, equity).tolist() == whole
    signed = [
        two_steps(p, e, n, q) if held(p * SCALE // max(e, 1)) > 0 else two_steps(p, e, max(q, 1), max(n, 1))
        for p, e, n, q in rows
    ]
    expected = [
        two_steps(p, e, max(n, 1), q) if held(p * SCALE // max(e, 1)) > 0 else s
        for (p, e, n, q), s in zip(rows, signed, strict=True)
    ]
    assert signed_leverage_scores(profit, entry, notional, equity).tolist() == expected
    ratio = [two_steps(max(0, p), max(w, 7), m, q) if q > 0 else 0 for p, w, m, q in rows]
    assert profit_margin_ratio_scores(profit, entry, notional, equity, 7).tolist() == ratio
    sizes = [max(1, q) for q in equity]
    relief = [held((e - n) * SCALE // q) for e, n, q in zip(entry, notional, sizes, strict=True)]
    assert relief_scores(entry, notional, sizes).tolist() == relief


def test_scores_of_a_short_and_a_long_with_the_same_gain_and_leverage_are_equal():
    """A long bought at 100 and a short sold at 100, both up 20 of 100 with equity 60. Source: OtterSec's form of the index."""
    assert profit_leverage_scores([20, 20], [100, 100], [120, 80], [60, 40]).tolist() == [400_000_000] * 2


def test_scores_signed_leverage_moves_the_levered_forward_on_both_sides():
    """Divided by leverage in loss, so that more leverage is nearer the front there too. Source: BitMEX, ranking formula."""
    scores = signed_leverage_scores([20, 20, -20, -20], [100] * 4, [120, 120, 80, 80], [12, 60, 8, 40])
    assert scores.tolist() == [2_000_000_000, 400_000_000, -20_000_000, -100_000_000]
    assert order_of(scores).tolist() == [0, 1, 2, 3]
    product = position_leverage_scores([20, -20, -20], [100] * 3, [120, 80, 80], [12, 8, 40])
    assert product.tolist() == [2_000_000_000, -2_000_000_000, -400_000_000]


def test_scores_a_hedge_goes_last_and_ties_keep_their_place():
    """Closing a naked position takes risk off its account; closing one leg of a hedge adds it."""
    scores = relief_scores([100, 20, 50, 100], [0, 90, 50, 0], [10, 10, 10, 10])
    assert order_of(scores).tolist() == [0, 3, 2, 1]
    assert scores[1] < 0
    with pytest.raises(InputError, match="size below one"):
        relief_scores([1], [0], [0])


def test_scores_lights_are_fifths_of_the_queue():
    assert lights(range(10)).tolist() == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert lights([5, 5, 5]).tolist() == [5, 4, 2]
    assert lights([7]).tolist() == [5]
    assert lights([]).tolist() == []


def test_scores_walk_start_is_the_same_everywhere():
    """Fixed numbers: SHA-256 of the text, first eight bytes, modulo the number of claimants."""
    assert [walk_start(1000, seed=7, market="BTC", turn=t) for t in range(3)] == [144, 980, 181]
    assert walk_start(0, seed=7, market="BTC", turn=0) == 0


def test_scores_columns_must_agree():
    with pytest.raises(InputError, match="differ in length"):
        profit_leverage_scores([1, 2], [1], [1], [1])

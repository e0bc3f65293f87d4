"""Whole lots of one value, the largest part of anyone's equity as small as can be. Ids minmax-lots-*.

Source: min-max integer rule of arXiv 2512.01112; for equal values the highest averages of d'Hondt.
"""

from __future__ import annotations

import heapq
import time
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.errors import InputError, MoneyOverflow
from seawall.waterfall import (
    Candidates,
    DeleverageRule,
    PriceRule,
    RankRule,
    min_max,
    min_max_lots,
    project,
    queue_of,
)

LOTS = st.one_of(st.integers(0, 5), st.integers(0, 400))
EQUITY = st.one_of(st.integers(-2, 9), st.integers(0, 10**9), st.integers(1, (1 << 63) - 1))
ROWS = st.lists(st.tuples(LOTS, EQUITY), min_size=1, max_size=9)


def one_by_one(total, lots, equity):
    """The slow twin: a heap of the next lot's part of equity, as a fraction."""
    out = [0] * len(lots)
    heap = [(Fraction(1, e), i) for i, (k, e) in enumerate(zip(lots, equity, strict=True)) if k and e > 0]
    heapq.heapify(heap)
    for _ in range(total):
        if not heap:
            break
        _, i = heapq.heappop(heap)
        out[i] += 1
        if out[i] < lots[i]:
            heapq.heappush(heap, (Fraction(out[i] + 1, equity[i]), i))
    return out


def parts(out, equity):
    """Parts of equity given up, the largest first."""
    return sorted((Fraction(k, e) for k, e in zip(out, equity, strict=True) if k), reverse=True)


@settings(max_examples=400, deadline=None)
@given(rows=ROWS, share=st.fractions(0, 1), same=st.booleans())
def test_minmax_lots_is_its_twin(rows, share, same):
    lots, equity = (list(c) for c in zip(*rows, strict=True))
    if same:
        equity = [equity[0]] * len(equity)
    total = int(share * sum(lots))
    found = min_max_lots(total, lots, equity)
    assert found.amounts.tolist() == one_by_one(total, lots, equity), (lots, equity, total)
    assert found.collected == int(found.amounts.sum())
    assert found.collected + found.residual == total


@settings(max_examples=200, deadline=None)
@given(
    rows=st.lists(st.tuples(st.integers(0, 4), st.integers(1, 30)), min_size=1, max_size=5),
    total=st.integers(0, 20),
)
def test_minmax_lots_no_other_choice_is_easier_on_the_hardest_hit(rows, total):
    """Brute force: the largest part given up is the least of all choices."""
    lots, equity = (list(c) for c in zip(*rows, strict=True))
    total = min(total, sum(lots))
    found = min_max_lots(total, lots, equity).amounts.tolist()
    points = [p for p in product(*(range(k + 1) for k in lots)) if sum(p) == total]
    best = min(parts(p, equity)[:1] for p in points)
    assert parts(found, equity)[:1] == best, (lots, equity, total, found)


@settings(max_examples=150, deadline=None)
@given(
    rows=st.lists(st.tuples(st.integers(0, 50), st.integers(1, 10**6)), min_size=1, max_size=40),
    share=st.fractions(0, 1),
)
def test_minmax_lots_largest_part_is_that_of_the_general_rule(rows, share):
    lots, equity = (list(c) for c in zip(*rows, strict=True))
    total = int(share * sum(lots))
    found, general = min_max_lots(total, lots, equity), min_max(total, lots, [1] * len(lots), equity)
    assert found.collected == general.collected == total
    assert parts(found.amounts.tolist(), equity)[:1] == parts(general.amounts.tolist(), equity)[:1]


@settings(max_examples=100, deadline=None)
@given(rows=ROWS, share=st.fractions(0, 1), shuffle=st.randoms())
def test_minmax_lots_order_matters_among_equals_only(rows, share, shuffle):
    """Permuted claimants: the largest part stays; only lots that cost the same part may move."""
    total, order = int(share * sum(k for k, _ in rows)), list(range(len(rows)))
    shuffle.shuffle(order)
    plain = min_max_lots(total, *(list(c) for c in zip(*rows, strict=True))).amounts.tolist()
    moved = min_max_lots(total, *(list(c) for c in zip(*(rows[i] for i in order), strict=True))).amounts.tolist()
    equity = [e for _, e in rows]
    there = dict(zip(order, moved, strict=True))
    changed = [(Fraction(max(plain[i], there[i]), equity[i])) for i in range(len(rows)) if plain[i] != there[i]]
    assert len(set(changed)) <= 1, (rows, total, plain, there)
    assert all(abs(plain[i] - there[i]) <= 1 for i in range(len(rows)))


def test_minmax_lots_worked_example():
    """Equities 100, 60, 40 and 8 lots. Parts by lot: 1/100, 1/60, 2/100, 1/40, 3/100, 2/60, 4/100, then 2/40 = 5/100 = 3/60.

    Seven lots are (4, 2, 1); the eighth costs 5 % whoever gives it, and the first in the list does.
    """
    assert min_max_lots(7, [10, 10, 10], [100, 60, 40]).amounts.tolist() == [4, 2, 1]
    assert min_max_lots(8, [10, 10, 10], [100, 60, 40]).amounts.tolist() == [5, 2, 1]
    assert min_max_lots(8, [10, 10, 10], [40, 60, 100]).amounts.tolist() == [2, 2, 4]


def test_minmax_lots_extremes():
    most = (1 << 63) - 1
    assert min_max_lots(3, [5, 5], [most, 1]).amounts.tolist() == [3, 0]
    assert min_max_lots(7, [5, 5], [most, 1]).amounts.tolist() == [5, 2]
    assert min_max_lots(most - 1, [most], [1]).amounts.tolist() == [most - 1]
    assert min_max_lots(10, [3, 4], [0, 5])[1:] == (4, 6)
    assert min_max_lots(0, [3], [1]).amounts.tolist() == [0]
    assert min_max_lots(5, [], []).residual == 5


@pytest.mark.parametrize(
    ("call", "kind", "says"),
    [
        (lambda: min_max_lots(-1, [1], [1]), InputError, "negative budget"),
        (lambda: min_max_lots(1, [1, 2], [1]), InputError, "differ in length"),
        (lambda: min_max_lots(1, [-1], [1]), InputError, "negative amount"),
        (lambda: min_max_lots(1, [1 << 62, 1 << 62], [1, 1]), MoneyOverflow, "lots"),
    ],
)
def test_minmax_lots_refuses(call, kind, says):
    with pytest.raises(kind, match=says):
        call()


def candidates(lots, equity):
    n = len(lots)
    one = np.ones(n, dtype=np.int64)
    held, own = np.array(lots, dtype=np.int64), np.array(equity, dtype=np.int64)
    return Candidates(np.arange(n), held, one, own, one, own, held * 100, held * 90)


@pytest.mark.parametrize(
    ("rank", "rule"),
    [
        (RankRule.MIN_MAX, lambda t, lots, equity: min_max_lots(t, lots, equity)),
        (RankRule.PROJECTION, lambda t, lots, equity: project(t, lots)),
    ],
)
def test_minmax_lots_and_projection_as_rules_of_a_policy(rank, rule):
    lots, equity = [7, 3, 40], [900, 50, 300]
    order, scores, most = queue_of(
        DeleverageRule(rank, PriceRule.MARK), candidates(lots, equity), 20, market="M", turn=1
    )
    expected = rule(20, lots, equity).amounts.tolist()
    assert (order, scores, most) == ([0, 1, 2], expected, expected)
    assert sum(most) == 20


@pytest.mark.slow
def test_minmax_lots_takes_many_claimants():
    """100,000 claimants, far beyond the bound of the general rule; a loose guard on time."""
    rng = np.random.default_rng(5)
    lots, equity = rng.integers(1, 10**4, 100_000), rng.integers(1, 10**12, 100_000)
    total = int(lots.sum()) // 3
    min_max_lots(total, lots, equity)
    started = time.thread_time()
    found = min_max_lots(total, lots, equity)
    assert time.thread_time() - started < 1
    assert found.collected == total
    k, e = found.amounts.tolist(), equity.tolist()
    hardest = max(Fraction(a, b) for a, b in zip(k, e, strict=True))
    easiest = min(Fraction(a + 1, b) for a, b, c in zip(k, e, lots.tolist(), strict=True) if a < c)
    assert hardest <= easiest, "a lot could move from the hardest hit to somebody whom it hurts less"

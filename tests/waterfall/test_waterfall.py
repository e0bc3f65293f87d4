"""Layers, deleveraging, haircut, deficits, claims. Ids waterfall-*."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.waterfall import twins

from seawall.errors import InputError, InvariantBroken, PolicyError
from seawall.waterfall import (
    Candidates,
    ClaimBook,
    DeficitBook,
    DeleverageRule,
    Endowments,
    LayerKind,
    LayerRule,
    LayerState,
    PriceRule,
    RankRule,
    allocate,
    haircut_gains,
    order_by_score,
    order_layers,
    rank,
    seize_in_order,
    seize_pro_rata,
    take_in_order,
)

LAYERS = st.lists(
    st.builds(
        lambda *row: row,
        st.integers(0, 500),
        st.one_of(st.none(), st.integers(0, 300)),
        st.booleans(),
        st.booleans(),
    ),
    max_size=6,
)


def states(rows):
    return [
        LayerState(f"l{i}", a, limit, partial, frozenset({"default"}) if covers else frozenset({"custody"}))
        for i, (a, limit, partial, covers) in enumerate(rows)
    ]


@given(loss=st.integers(0, 2_000), rows=LAYERS)
def test_waterfall_draws_and_residual_are_the_loss_and_order_holds(loss, rows):
    found = allocate(loss, states(rows), cause="default")
    assert sum(d.amount for d in found.draws) + found.residual == loss
    left = loss
    for draw, (available, limit, partial, covers) in zip(found.draws, rows, strict=True):
        most = available if limit is None else min(available, limit)
        assert 0 <= draw.amount <= most
        if not covers or (not partial and most < left):
            assert draw.amount == 0
        else:  # nothing later is touched while this layer still has money
            assert draw.amount == most or left == draw.amount
        left -= draw.amount


@given(loss=st.integers(0, 2_000), more=st.integers(0, 500), rows=LAYERS)
def test_waterfall_partial_layers_pay_more_for_a_larger_loss(loss, more, rows):
    rows = [(a, limit, True, c) for a, limit, _, c in rows]
    small, large = (allocate(x, states(rows), cause="default") for x in (loss, loss + more))
    assert all(a.amount <= b.amount for a, b in zip(small.draws, large.draws, strict=True))
    assert small.residual <= large.residual


def test_waterfall_negative_and_double_are_errors():
    with pytest.raises(ValueError, match="negative loss"):
        allocate(-1, [])
    with pytest.raises(ValueError, match="named twice"):
        allocate(1, [LayerState("a", 1), LayerState("a", 1)])


def layer(name, then=None):
    return LayerRule(name, LayerKind.ACCOUNT, "fund", then=then)


def test_waterfall_order_follows_then():
    found = order_layers([layer("a", then="c"), layer("b", then="residual"), layer("c", then="b")])
    assert [rule.name for rule in found] == ["a", "c", "b"]


@pytest.mark.parametrize(
    ("rules", "problem"),
    [
        ([layer("a", then="b"), layer("b", then="a")], "cycle"),
        ([layer("a", then="x")], "no such layer"),
        ([layer("a", then="residual"), layer("b")], "never reached"),
        ([layer("a"), layer("a")], "named twice"),
    ],
)
def test_waterfall_bad_orders_are_refused(rules, problem):
    with pytest.raises(PolicyError, match=problem):
        order_layers(rules)


def five_accounts():
    return Endowments.of([Fraction(x) for x in (10, 5, 1, -3, -12)], [Fraction(x) for x in (8, 4, "1/2", -3, -12)])


def test_adl_five_accounts_of_the_paper():
    # arXiv 2512.01112: deficit 15, severity 1/2: the queue leaves 6.5, 1, 1; pro rata takes 60 %: 5.2, 2.6, 0.7.
    found = five_accounts()
    queue = seize_in_order(Fraction(15, 2), found.endowments, [1, 0, 2])
    assert [e - s for e, s in zip(found.equity, queue.seized, strict=True)][:3] == [Fraction(13, 2), 1, 1]
    shared_out = seize_pro_rata(Fraction(15, 2), found.endowments)
    assert shared_out.haircut == Fraction(3, 5)
    left = [e - s for e, s in zip(found.equity, shared_out.seized, strict=True)][:3]
    assert left == [Fraction(26, 5), Fraction(13, 5), Fraction(7, 10)]


def test_adl_nobody_stands_in_the_queue_twice():
    # The first account's profit is 8: named twice it would have given 15 of it, out of its cash.
    with pytest.raises(InputError, match="twice"):
        seize_in_order(Fraction(15), five_accounts().endowments, [0, 0])


def test_adl_pro_rata_without_winners_takes_nothing():
    found = seize_pro_rata(Fraction(10), [Fraction(0), Fraction(0)])
    assert (found.haircut, found.collected) == (0, 0)


def candidates(rows):
    columns = [np.array(c, dtype=np.int64) for c in zip(*rows, strict=True)]
    return Candidates(*columns)


# account, lots, profit, equity, maintenance, wallet, notional, entry
ROWS = [
    (3, 5, 100, 1_000, 50, 900, 2_000, 1_900),
    (4, 5, 400, 1_000, 50, 600, 2_000, 1_600),
    (7, 5, 100, 200, 50, 100, 2_000, 1_900),
    (9, 5, 100, 1_000, 50, 900, 2_000, 1_900),
]


def test_adl_rank_by_profit_and_leverage_ties_to_the_lower_account():
    order, scores = rank(DeleverageRule(RankRule.PROFIT_LEVERAGE, PriceRule.MARK), candidates(ROWS), market="M", turn=1)
    assert order == [2, 1, 0, 3]
    assert scores[2] == scores[3]


def test_adl_rank_by_margin_ratio():
    order, _ = rank(DeleverageRule(RankRule.PROFIT_MARGIN_RATIO, PriceRule.MARK), candidates(ROWS), market="M", turn=1)
    assert order[0] == 2


POSITIVE = st.integers(1, 2**54)


@given(
    rows=st.lists(
        st.tuples(
            POSITIVE, POSITIVE, POSITIVE, st.integers(0, 2**54), st.integers(-(2**61), 2**61), POSITIVE, POSITIVE
        ),
        min_size=1,
        max_size=20,
    ),
    unit=st.sampled_from([1, 10**6, 10**12]),
)
def test_adl_compiled_scores_equal_plain_integers(rows, unit):
    found = candidates([(i, *row) for i, row in enumerate(rows)])
    for rule, score in (
        (RankRule.PROFIT_LEVERAGE, lambda r: twins.profit_leverage(r[1], r[6], r[5], r[2])),
        (RankRule.PROFIT_MARGIN_RATIO, lambda r: twins.profit_margin_ratio(r[1], r[4], r[3], r[2], unit)),
    ):
        plain = [score(row) for row in rows]
        order, scores = rank(DeleverageRule(rule, PriceRule.MARK), found, market="M", turn=1, unit=unit)
        assert order == order_by_score(plain)
        assert scores == [plain[i] for i in order]


def test_adl_walk_starts_anywhere_and_is_the_same_every_time():
    rule = DeleverageRule(RankRule.WALK, PriceRule.BANKRUPTCY, seed=5)
    orders = [tuple(rank(rule, candidates(ROWS), market="M", turn=t)[0]) for t in range(40)]
    assert orders == [tuple(rank(rule, candidates(ROWS), market="M", turn=t)[0]) for t in range(40)]
    assert {o[0] for o in orders} == {0, 1, 2, 3}
    assert all(sorted(o) == [0, 1, 2, 3] for o in orders)


@given(need=st.integers(0, 100), capacities=st.lists(st.integers(0, 30), max_size=8), seed=st.randoms())
def test_adl_take_in_order_meets_the_need(need, capacities, seed):
    order = list(range(len(capacities)))
    seed.shuffle(order)
    taken = take_in_order(need, capacities, order)
    assert sum(a for _, a in taken) == min(need, sum(capacities))
    assert all(0 < a <= capacities[i] for i, a in taken)


@given(loss=st.integers(0, 500), gains=st.lists(st.integers(-50, 100), max_size=8), cap=st.fractions(0, 1))
def test_haircut_cuts_sum_and_never_exceed_gains(loss, gains, cap):
    found = haircut_gains(loss, gains, cap=cap)
    assert sum(found.cuts) == found.collected
    assert found.collected + found.residual == loss
    assert all(0 <= c <= max(0, g) for c, g in zip(found.cuts, gains, strict=True))
    assert found.collected <= cap * sum(max(0, g) for g in gains)


def test_deficit_cannot_be_charged_twice():
    book = DeficitBook()
    book.recognise("ann", 1, 100)
    with pytest.raises(InvariantBroken, match="twice"):
        book.recognise("ann", 1, 100)
    book.cover("ann", 1, 60)
    with pytest.raises(InvariantBroken, match="60 of 40 pending"):
        book.cover("ann", 1, 60)
    book.carry("ann", 1, 10)
    assert book.get("ann", 1).pending == 30


def test_claims_are_paid_by_rank_then_pro_rata():
    book = ClaimBook()
    book.open("fund", 100, rank=2, loss=1, asset="USD")
    book.open("ann", 30, rank=1, loss=1, asset="USD")
    book.open("bob", 10, rank=1, loss=1, asset="USD")
    assert book.pay(20, "USD") == [("ann", 15), ("bob", 5)]
    assert book.pay(200, "USD") == [("ann", 15), ("bob", 5), ("fund", 100)]
    assert book.pay(1, "USD") == []

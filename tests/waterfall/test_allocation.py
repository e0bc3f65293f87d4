"""Allocation rules against slow twins, and their properties. Ids allocation-*."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.waterfall import twins

from seawall.errors import InputError, MoneyOverflow
from seawall.waterfall import (
    Allocator,
    Claimants,
    RiskCurve,
    Rule,
    ScoreRule,
    by_leverage,
    by_score,
    equal_heads,
    fill,
    fill_wide,
    haircut_caps,
    in_order,
    min_max,
    pro_rata,
    project,
    random_walk,
    relief_scores,
    risk_weights,
)

AMOUNT = st.one_of(st.integers(0, 9), st.integers(0, 10**7), st.integers(0, 1 << 57))
ROW = st.tuples(AMOUNT, AMOUNT, AMOUNT)
ROWS = st.lists(ROW, min_size=1, max_size=9)
SHARE = st.fractions(0, 2)


def columns(rows):
    return [list(c) for c in zip(*rows, strict=True)]


@settings(max_examples=400)
@given(rows=ROWS, part=st.fractions(0, 1), floors=st.booleans())
def test_allocation_water_filling_is_its_twin(rows, part, floors):
    weights, highs, lows = columns(rows)
    lows = [min(lo, hi) for lo, hi in zip(lows, highs, strict=True)] if floors else [0] * len(rows)
    most = sum(hi if w else lo for w, hi, lo in zip(weights, highs, lows, strict=True))
    total = sum(lows) + int(part * (most - sum(lows)))
    expected = twins.water(total, weights, highs, lows)
    assert fill(total, weights, highs, lows).tolist() == expected
    if not any(lows):
        assert fill_wide(total, weights, highs) == expected


@pytest.mark.parametrize("shift", [0, 1, 10, 11, 12, 22, 40, 44])
def test_allocation_dust_goes_to_the_largest_remainders_at_any_size(shift):
    """Many remainders, many equal ones: every digit of the search is used."""
    rng = np.random.default_rng(shift)
    for size in (1, 2, 3, 50, 3000):
        weights = rng.integers(1, 40, size) << shift
        total = int(weights.sum()) // 3 + 1
        shares = [Fraction(total * int(w), int(weights.sum())) for w in weights]
        assert fill(total, weights, weights).tolist() == twins.dust(shares, total), (shift, size)


def rules():
    """Every rule as budget, rows -> Assigned; capacity is the first column."""

    def claimants(rows):
        capacity, equity, notional = (np.array(c, dtype=np.int64) for c in columns(rows))
        return Claimants(capacity=capacity, profit=capacity, equity=equity, contracts=notional, notional=capacity + 0,
                         entry=notional, wallet=equity, maintenance=notional, cushion=equity, relief=notional)  # fmt: skip

    found = {
        f"queue {s.value} {tie}": Allocator(Rule.QUEUE, s, pari_passu=tie) for s in ScoreRule for tie in (False, True)
    }
    found |= {r.value: Allocator(r) for r in Rule if r not in (Rule.QUEUE, Rule.MIN_MAX)}
    found["excess"] = Allocator(Rule.RISK_AWARE, curve=RiskCurve.EXCESS, parameter=Fraction(1, 2))
    return found, claimants


RULES, CLAIMANTS = rules()


@pytest.fixture(autouse=True, scope="module")
def compiled():
    """Every kernel is compiled before a clock runs."""
    for rule in RULES.values():
        rule.assign(3, CLAIMANTS([(2, 1, 3), (5, 4, 1)]))


MONEY = st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6)), min_size=1, max_size=8)
POSITIVE = st.lists(
    st.tuples(st.integers(1, 10**6), st.integers(1, 10**6), st.integers(1, 10**6)), min_size=1, max_size=8
)


@pytest.mark.parametrize("name", RULES)
@settings(max_examples=30)
@given(rows=MONEY, budget=st.integers(0, 10**7))
def test_allocation_used_and_residual_are_the_budget_within_caps(name, rows, budget):
    found = RULES[name].assign(budget, CLAIMANTS(rows))
    capacity = [r[0] for r in rows]
    assert int(found.amounts.sum()) == found.collected
    assert found.collected + found.residual == budget
    assert all(0 <= a <= c for a, c in zip(found.amounts.tolist(), capacity, strict=True))
    if name in ("equity", "contracts", "risk_aware", "excess"):  # weights of zero may leave capacity
        assert found.residual >= 0
    else:
        assert found.collected == min(budget, sum(capacity)), (name, rows, budget)


@pytest.mark.parametrize("name", RULES)
@settings(max_examples=30)
@given(rows=POSITIVE, budget=st.integers(0, 10**6), more=st.integers(0, 10**6))
def test_allocation_a_larger_loss_never_takes_less(name, rows, budget, more):
    """Monotone up to the unit of dust that largest remainder may move (the Alabama paradox)."""
    small, large = (RULES[name].assign(b, CLAIMANTS(rows)) for b in (budget, budget + more))
    slack = 0 if (name.startswith("queue") and "True" not in name) or name == "walk" else 1
    assert all(a <= b + slack for a, b in zip(small.amounts.tolist(), large.amounts.tolist(), strict=True))
    assert small.residual <= large.residual


@pytest.mark.parametrize("name", [n for n in RULES if n != "walk" and not n.endswith("False")])
@settings(max_examples=30)
@given(rows=POSITIVE, budget=st.integers(0, 10**6), seed=st.randoms())
def test_allocation_permuting_claimants_moves_dust_only(name, rows, budget, seed):
    places = list(range(len(rows)))
    seed.shuffle(places)
    plain = RULES[name].assign(budget, CLAIMANTS(rows)).amounts.tolist()
    moved = RULES[name].assign(budget, CLAIMANTS([rows[p] for p in places])).amounts.tolist()
    for at, p in enumerate(places):
        assert abs(moved[at] - plain[p]) <= 1, (name, rows, places)


@given(rows=POSITIVE, budget=st.integers(0, 10**6))
def test_allocation_queue_permuted_within_distinct_scores_changes_nothing(rows, budget):
    capacity = [r[0] for r in rows]
    scores = [r[1] * 8 + i for i, r in enumerate(rows)]
    plain = by_score(budget, capacity, scores).amounts.tolist()
    moved = by_score(budget, capacity[::-1], scores[::-1]).amounts.tolist()
    assert plain == moved[::-1]
    assert plain == twins.queue(budget, capacity, sorted(range(len(rows)), key=lambda i: -scores[i]))


@pytest.mark.parametrize(
    "name", ["profit", "equity", "contracts", "risk_aware", "excess", "equal", "leverage", "projection"]
)
@given(row=st.tuples(*[st.integers(1, 10**6)] * 3), count=st.integers(2, 9), budget=st.integers(0, 10**7))
def test_allocation_equal_claims_differ_by_a_unit_at_most(name, row, count, budget):
    found = RULES[name].assign(budget, CLAIMANTS([row] * count)).amounts.tolist()
    assert max(found) - min(found) <= 1


@pytest.mark.parametrize("name", ["profit", "equity", "contracts", "leverage"])
@settings(max_examples=30)
@given(rows=POSITIVE, parts=st.integers(2, 5), budget=st.integers(0, 10**6))
def test_allocation_splitting_an_owner_gains_dust_only(name, rows, parts, budget):
    """One owner in several accounts, each with the same mix: less is taken by one unit an account at most."""
    first = tuple(x * parts for x in rows[0])
    whole = RULES[name].assign(budget, CLAIMANTS([first, *rows[1:]])).amounts.tolist()
    split = RULES[name].assign(budget, CLAIMANTS([rows[0]] * parts + rows[1:])).amounts.tolist()
    assert abs(sum(split[:parts]) - whole[0]) <= parts


@settings(max_examples=30)
@given(rows=POSITIVE, parts=st.integers(2, 5), budget=st.integers(0, 10**6))
def test_allocation_splitting_an_owner_gains_nothing_in_a_queue_with_ties_together(rows, parts, budget):
    """The parts keep the score of the whole: profit share and leverage are ratios."""
    rule = RULES["queue profit_leverage True"]
    first = tuple(x * parts for x in rows[0])
    whole = rule.assign(budget, CLAIMANTS([first, *rows[1:]])).amounts.tolist()
    split = rule.assign(budget, CLAIMANTS([rows[0]] * parts + rows[1:])).amounts.tolist()
    assert abs(sum(split[:parts]) - whole[0]) <= parts


def test_allocation_number_of_accounts_matters_under_equal_heads_and_projection():
    """Stated, not hidden: one head holds all and pays once; a projection spares those who split."""
    assert equal_heads(30, [100, 100]).amounts.tolist() == [15, 15]
    assert equal_heads(30, [50, 50, 100]).amounts.tolist() == [10, 10, 10]  # the owner of two gives 20, not 15
    assert project(30, [100, 100]).amounts.tolist() == [15, 15]
    assert project(30, [50, 50, 100]).amounts.tolist() == [5, 5, 20]  # 10, not 15: the owner gains


@settings(max_examples=300)
@given(rows=POSITIVE, part=st.fractions(0, 1))
def test_allocation_leverage_is_levelled_from_the_top(rows, part):
    exposure, equity, _ = columns(rows)
    budget = int(part * sum(exposure))
    found = by_leverage(budget, exposure, equity)
    assert found.amounts.tolist() == twins.leverage(budget, exposure, equity)
    after = [Fraction(x - a, e) for x, a, e in zip(exposure, found.amounts.tolist(), equity, strict=True)]
    top = max(after)
    for a, e, left in zip(found.amounts.tolist(), equity, after, strict=True):
        if a:  # whoever gave anything is now among the most levered, within a unit of dust
            assert top - left <= Fraction(1, e) + Fraction(1, min(equity))


def test_allocation_leverage_takes_from_the_bare_first_and_stops_at_capacity():
    assert by_leverage(10, [100, 8, 50], [10, 0, 50]).amounts.tolist() == [2, 8, 0]
    assert by_leverage(90, [100, 100], [10, 20], [30, 100]).amounts.tolist() == [30, 60]
    with pytest.raises(InputError, match="capacity above exposure"):
        by_leverage(1, [5], [5], [6])


def test_allocation_walk_starts_from_the_seed_and_goes_around():
    seen = set()
    for turn in range(64):
        found = random_walk(25, [10, 10, 10, 10], seed=7, market="BTC", turn=turn)
        assert found == (found.amounts, 25, 0) or found.collected == 25
        assert sorted(found.amounts.tolist()) == [0, 5, 10, 10]
        start = next(i for i in range(4) if found.amounts[i] == 10 and found.amounts[i - 1] == 0)
        seen.add(start)
        again = random_walk(25, [10, 10, 10, 10], seed=7, market="BTC", turn=turn)
        assert again.amounts.tolist() == found.amounts.tolist()
    assert seen == {0, 1, 2, 3}


def nearest(budget, capacity, target):
    """The least squared distance of haircuts over all whole-unit points: brute force."""
    best = None
    for point in product(*(range(c + 1) for c in capacity)):
        if sum(point) == budget:
            far = sum((Fraction(y - t, c)) ** 2 for y, t, c in zip(point, target, capacity, strict=True) if c)
            best = far if best is None else min(best, far)
    return best


@settings(max_examples=80, deadline=None)
@given(rows=st.lists(st.tuples(st.integers(1, 6), st.integers(0, 6)), min_size=1, max_size=4), part=st.fractions(0, 1))
def test_allocation_projection_is_nearest_up_to_rounding(rows, part):
    capacity = [c for c, _ in rows]
    target = [min(c, t) for c, t in rows]
    budget = int(part * sum(capacity))
    found = project(budget, capacity, target)
    assert found.collected == budget
    # Scale up a hundredfold: rounding vanishes, and no whole point may be nearer than the scaled one, rounding aside.
    fine = project(budget * 1000, [c * 1000 for c in capacity], [t * 1000 for t in target]).amounts.tolist()
    far = sum(Fraction(y - t * 1000, c * 1000) ** 2 for y, t, c in zip(fine, target, capacity, strict=True))
    assert far <= nearest(budget, capacity, target) + Fraction(len(rows), 100)


@settings(max_examples=150, deadline=None)
@given(
    rows=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 12), st.integers(0, 60)), min_size=1, max_size=5),
    budget=st.integers(0, 120),
)
def test_allocation_min_max_is_the_best_of_all_points(rows, budget):
    lots, gives, own = columns(rows)
    found = min_max(budget, lots, gives, own)
    able = [k if v and e > 0 else 0 for k, v, e in rows]
    amounts = found.amounts.tolist()
    for a, k, v in zip(amounts, able, gives, strict=True):
        assert a == 0 or (a % v == 0 and a // v <= k)
    points = [[k * v for k, v in zip(p, gives, strict=True)] for p in product(*(range(k + 1) for k in able))]
    enough = [p for p in points if sum(p) >= budget]
    if not enough:
        assert found.collected == max(sum(p) for p in points)
        return
    best = min(
        (max((Fraction(a, e) for a, e in zip(p, own, strict=True) if a), default=Fraction(0)), sum(p)) for p in enough
    )
    hardest = max((Fraction(a, e) for a, e in zip(amounts, own, strict=True) if a), default=Fraction(0))
    assert (hardest, found.collected) == best


def test_allocation_min_max_says_what_it_cannot_take():
    with pytest.raises(InputError, match="at most 4096"):
        min_max(1, [1] * 4097, [1] * 4097, [1] * 4097)
    with pytest.raises(InputError, match="at most 4194304 units"):
        min_max(5, [1, 1], [(1 << 25) + 1, (1 << 25) + 3], [(1 << 25) + 1, (1 << 25) + 3])


def test_allocation_risk_weights_prefer_the_levered():
    weights = risk_weights([100, 100, 100], [100, 200, 400], [100, 100, 100])
    assert weights[1] == 2 * weights[0]
    assert weights[2] == 4 * weights[0]
    squared = risk_weights([100, 100, 100], [100, 200, 400], [100, 100, 100], RiskCurve.POWER, Fraction(1))
    assert squared[2] == 16 * squared[0]
    excess = risk_weights([100, 100, 100], [100, 200, 400], [100, 100, 100], RiskCurve.EXCESS, Fraction(2))
    assert excess.tolist()[:2] == [0, 0]
    assert excess[2] > 0
    with pytest.raises(InputError, match="power is not whole"):
        risk_weights([1], [1], [1], RiskCurve.POWER, Fraction(1, 2))
    huge = risk_weights([1 << 60] * 3, [1 << 60] * 3, [1, 2, 1 << 59])
    assert huge.tolist() == sorted(huge.tolist(), reverse=True)
    assert min(huge.tolist()) > 0


@given(rows=st.lists(st.tuples(st.integers(-50, 50), st.integers(-50, 50)), min_size=1, max_size=6),
       most=st.fractions(0, 1, max_denominator=100), least=st.integers(0, 20))  # fmt: skip
def test_allocation_haircut_caps_keep_the_least_equity(rows, most, least):
    gains, cash = columns(rows)
    for g, c, cap in zip(
        gains, cash, haircut_caps(gains, cash, max_haircut=most, min_equity=least).tolist(), strict=True
    ):
        assert 0 <= cap <= max(0, most * max(0, g))
        assert cap == 0 or g + c - cap >= least
        assert cap == max(0, min((most * max(0, g)).__floor__(), g + c - least))


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        (lambda: pro_rata(-1, [1]), "negative budget"),
        (lambda: pro_rata(1, [1, -2]), "negative amount"),
        (lambda: pro_rata(1, [0.5]), "not a row of whole numbers"),
        (lambda: pro_rata(1, [[1]]), "not a row of whole numbers"),
        (lambda: pro_rata(1, [1 << 63]), "not a row of whole numbers"),
        (lambda: pro_rata(1, [1, 2], [1]), "differ in length"),
        (lambda: in_order(1, [1, 2], [2]), "out of range"),
        (lambda: in_order(1, [1, 2], [1, 1]), "listed twice"),
        (lambda: Allocator(Rule.EQUITY).assign(1, Claimants(np.array([1]))), "missing"),
        (lambda: fill(7, [1, 0], [3, 9]), "total cannot be shared"),
        (lambda: fill(3, [1, 1], [3, 9], [4, 0]), "lower bound above"),
        (lambda: fill_wide(4, [1], [3]), "total cannot be shared"),
        (lambda: project(1, [2], [3]), "target outside"),
    ],
)
def test_allocation_bad_input_is_named(call, problem):
    with pytest.raises(InputError, match=problem):
        call()


def test_allocation_sums_beyond_64_bits_are_named_and_never_wrap():
    with pytest.raises(MoneyOverflow, match="capacity does not fit"):
        pro_rata(5, [(1 << 62), (1 << 62)])
    with pytest.raises(MoneyOverflow, match="capacity does not fit"):
        pro_rata(5, [1 << 60] * 3000)
    for call in (
        lambda: haircut_caps([1 << 61], [1]),
        lambda: relief_scores([1 << 62], [0], [1]),
        lambda: by_score(1, [1], [-(1 << 63)]),
    ):
        with pytest.raises(MoneyOverflow, match="in magnitude"):
            call()
    whole = (1 << 63) - 1
    assert pro_rata(whole, [whole - 1, 1]).amounts.tolist() == [whole - 1, 1]
    assert pro_rata(whole // 2, [whole - 1, 1], [1, whole - 1]).amounts.tolist() == [whole // 2 - 1, 1]


def test_allocation_of_nobody_leaves_the_budget():
    for rule in (Allocator(Rule.PROFIT), Allocator(Rule.WALK), Allocator(Rule.EQUAL), Allocator(Rule.PROJECTION)):
        none = np.zeros(0, dtype=np.int64)
        found = rule.assign(7, Claimants(none, profit=none))
        assert (found.amounts.size, found.collected, found.residual) == (0, 0, 7)

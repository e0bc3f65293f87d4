"""Draw budgets. Ids budgets-*."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.errors import InputError
from seawall.fund import Budget, PeriodBudget, backed, collect, draw_each, draw_limit, fed


def test_budgets_by_contract_tier():
    # Drift v2: tier A 100m, B 1m, C 100k, speculative 0; a lifetime counter; one unit stays in the vault.
    tier = Budget("B", 1_000_000, used=999_000)
    assert draw_limit(5_000, vault=10_000_000, left=tier.left) == 1_000
    assert draw_limit(5_000, vault=501, left=10_000) == 500
    assert draw_limit(5_000, vault=0, left=10_000) == 0
    assert draw_limit(5_000, vault=10_000, left=Budget("S", 0).left) == 0
    assert Budget("lowered", 10, used=20).left == 0
    with pytest.raises(InputError):
        tier.draw(1_001)


@given(limits=st.lists(st.integers(0, 10**12), max_size=8), balance=st.integers(-5, 10**12))
def test_budgets_are_backed_by_the_balance(limits, balance):
    budgets = [Budget(str(i), limit) for i, limit in enumerate(limits)]
    found = backed(budgets, balance)
    assert sum(found.values()) == min(sum(limits), max(0, balance))
    assert all(0 <= found[b.name] <= b.left for b in budgets)
    if sum(limits):
        for b in budgets:  # in proportion, to the unit
            assert abs(found[b.name] - min(b.limit, b.limit * max(0, balance) // sum(limits))) <= 1


@given(
    limits=st.lists(st.integers(0, 1_000), min_size=1, max_size=4),
    needs=st.lists(st.integers(0, 2_000), min_size=4, max_size=4),
    vault=st.integers(0, 2_000),
)
def test_budgets_drawn_at_once_do_not_race(limits, needs, vault):
    budgets = [Budget(str(i), limit) for i, limit in enumerate(limits)]
    wanted = {b.name: n for b, n in zip(budgets, needs, strict=False)}
    paid, after = draw_each(wanted, budgets, vault)
    assert sum(paid.values()) <= max(0, vault - 1)
    assert [b.used for b in after] == [paid[b.name] for b in budgets]
    for order in itertools.permutations(wanted):
        assert draw_each({k: wanted[k] for k in order}, budgets, vault)[0] == paid
    # what one market loses does not change what another may draw
    for name in wanted:
        alone, _ = draw_each({name: wanted[name]}, budgets, vault)
        assert alone[name] == paid[name]


def test_budgets_names():
    with pytest.raises(InputError):
        backed([Budget("a", 1), Budget("a", 2)], 5)
    with pytest.raises(InputError):
        draw_each({"b": 1}, [Budget("a", 1)], 5)


@given(
    steps=st.lists(st.tuples(st.integers(0, 20), st.integers(0, 50)), max_size=15),
    limit=st.integers(0, 60),
    length=st.integers(1, 30),
)
def test_budgets_no_period_draws_more_than_its_limit(steps, limit, length):
    budget, now, done = PeriodBudget(limit, length), 0, []
    for wait, need in steps:
        now += wait
        amount = min(need, budget.left(now))
        budget = budget.draw(now, amount)
        done.append((now, amount))
    for end, _ in done:
        assert sum(a for t, a in done if end - length < t <= end) <= limit, (steps, limit, length)


@given(charges=st.lists(st.tuples(st.integers(0, 100), st.integers(-50, 100)), max_size=10))
def test_budgets_credit_is_only_what_was_collected(charges):
    budget, vault = Budget("m", 0), 0
    for charge, cash in charges:
        income = collect("m", charge, cash)
        vault += income.amount
        budget = fed(budget, income)
        assert income.amount <= max(0, cash)
    assert budget.left == vault, "a budget fed by income is backed by exactly that cash"

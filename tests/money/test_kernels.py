"""The 64-bit multiply-then-divide against Python's integers.

Id: muldiv-kernel-*. Source: ``seawall.money.muldiv``, which is exact at any size.
"""

from __future__ import annotations

import itertools
import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.errors import MoneyOverflow
from seawall.money import Rounding, muldiv
from seawall.money.kernels import BY_ZERO, FITS, MODES, OVERFLOW, muldiv_array, muldiv_i64

LOW, HIGH = -(1 << 63), (1 << 63) - 1
EXAMPLES = 400 * int(os.environ.get("SEAWALL_CAMPAIGN", "1"))
EDGES = sorted(
    {0, LOW, LOW + 1, HIGH, HIGH - 1}
    | {sign * ((1 << p) + d) for sign in (-1, 1) for p in (1, 2, 16, 31, 32, 33, 48, 61, 62) for d in (-1, 0, 1)}
)
# Numbers near powers of two reach the corrections of the long division; uniform ones hardly ever do.
NUMBERS = st.one_of(st.integers(LOW, HIGH), st.integers(-40, 40), st.sampled_from(EDGES))


def expected(a, b, c, rounding):
    if c == 0:
        return 0, BY_ZERO
    exact = muldiv(a, b, c, rounding)
    if LOW <= exact <= HIGH:
        return exact, FITS
    return (1 if exact > 0 else -1), OVERFLOW


@pytest.mark.parametrize("rounding", list(Rounding), ids=lambda r: r.value)
def test_muldiv_kernel_equals_python_on_every_triple_of_edges(rounding):
    mode = MODES[rounding]
    for a, b, c in itertools.product(EDGES[::2], EDGES, EDGES):
        got = muldiv_i64(a, b, c, mode)
        assert tuple(map(int, got)) == expected(a, b, c, rounding), f"{a} * {b} / {c} {rounding.value}: got {got}"


@settings(max_examples=EXAMPLES, deadline=None)
@given(a=NUMBERS, b=NUMBERS, c=NUMBERS, rounding=st.sampled_from(list(Rounding)))
def test_muldiv_kernel_equals_python(a, b, c, rounding):
    assert tuple(map(int, muldiv_i64(a, b, c, MODES[rounding]))) == expected(a, b, c, rounding)


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    quotient=st.integers(1, HIGH),
    c=st.integers(1, HIGH),
    b=st.integers(1, HIGH),
    rounding=st.sampled_from(list(Rounding)),
    signs=st.tuples(*[st.sampled_from([-1, 1])] * 3),
)
def test_muldiv_kernel_equals_python_where_the_product_is_wide_and_the_result_fits(quotient, c, b, rounding, signs):
    # a is chosen so that a * b / c is near the quotient: uniform triples overflow half the time.
    a = min(HIGH, quotient * c // b)
    a, b, c = signs[0] * a, signs[1] * b, signs[2] * c
    assert tuple(map(int, muldiv_i64(a, b, c, MODES[rounding]))) == expected(a, b, c, rounding), (a, b, c)


@pytest.mark.parametrize(
    ("a", "b", "c", "rounding", "result"),
    [
        # 5 % of $184M at scale 6, in ppm: the plain 64-bit product wraps (DESIGN section 3).
        (184_000_000 * 10**6, 50_000, 10**6, Rounding.CEIL, 9_200_000 * 10**6),
        (HIGH, HIGH, HIGH, Rounding.FLOOR, HIGH),
        (LOW, HIGH, HIGH, Rounding.CEIL, LOW),
        (-7, 1, 2, Rounding.HALF_UP, -4),
        (-7, 1, 2, Rounding.HALF_EVEN, -4),
        (-5, 1, 2, Rounding.HALF_EVEN, -2),
        (-5, 1, 2, Rounding.HALF_UP, -3),
        (5, 1, -2, Rounding.FLOOR, -3),
        (-5, -1, 2, Rounding.AWAY, 3),
    ],
)
def test_muldiv_kernel_worked(a, b, c, rounding, result):
    one = [np.array([x], dtype=np.int64) for x in (a, b, c)]
    assert muldiv_array(*one, rounding).tolist() == [result]


def test_muldiv_kernel_overflow_names_the_numbers():
    columns = [np.array(x, dtype=np.int64) for x in ([1, HIGH], [1, 2], [1, 1])]
    with pytest.raises(MoneyOverflow, match=rf"{HIGH} \* 2 / 1 .*element 1"):
        muldiv_array(*columns, Rounding.FLOOR)


def test_muldiv_kernel_division_by_zero_and_shapes_are_errors():
    one, zero = np.ones(1, dtype=np.int64), np.zeros(1, dtype=np.int64)
    with pytest.raises(ZeroDivisionError, match="divisor 0"):
        muldiv_array(one, one, zero, Rounding.FLOOR, cap=5)
    with pytest.raises(ValueError, match="shapes"):
        muldiv_array(one, one, np.ones(2, dtype=np.int64), Rounding.FLOOR)
    with pytest.raises(ValueError, match="cap"):
        muldiv_array(one, one, one, Rounding.FLOOR, cap=1 << 63)


@settings(max_examples=100, deadline=None)
@given(
    rows=st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS.filter(bool)), min_size=1, max_size=8),
    cap=st.integers(1, 1 << 62),
    rounding=st.sampled_from(list(Rounding)),
)
def test_muldiv_kernel_saturates_like_its_twin(rows, cap, rounding):
    columns = [np.array(column, dtype=np.int64) for column in zip(*rows, strict=True)]
    twin = [min(max(muldiv(a, b, c, rounding), -cap), cap) for a, b, c in rows]
    assert muldiv_array(*columns, rounding, cap=cap).tolist() == twin, (rows, cap, rounding)

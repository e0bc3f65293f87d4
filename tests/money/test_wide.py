"""The wide product against Python integers. Ids wide-*."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

WORD = st.one_of(st.integers(0, 9), st.integers(0, (1 << 64) - 1), st.sampled_from([1 << 63, (1 << 64) - 1]))


@pytest.fixture(scope="module")
def product():
    from seawall.money.jit import jit
    from seawall.money.wide import wide_product

    @jit
    def call(a, b):
        return wide_product(a, b)

    call(np.uint64(1), np.uint64(1))
    return call


@given(a=WORD, b=WORD)
def test_wide_product_is_exact(product, a, b):
    high, low = product(np.uint64(a), np.uint64(b))
    assert (int(high) << 64) + int(low) == a * b


@settings(deadline=None)  # the first call may compile
@given(high=WORD, low=WORD, divisor=st.one_of(st.integers(1, 9), st.integers(1, (1 << 63) - 1)))
def test_wide_division_by_a_known_divisor_is_exact(high, low, divisor):
    """The reciprocal division of the sharing kernel, on every kind of divisor; the quotient fits one word."""
    from seawall.waterfall.kernels import divide_by

    high %= divisor
    shift = 64 - divisor.bit_length()
    inverse = ((1 << 128) - 1) // (divisor << shift) - (1 << 64)
    words = np.array([high, low, divisor << shift, inverse, shift], dtype=np.uint64)
    quotient, rest = divide_by(*words)
    assert (int(quotient), int(rest)) == divmod((high << 64) + low, divisor)

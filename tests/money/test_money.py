"""Division, splits and decimals. Ids money-*. Sources: definitions of the roundings; Hamilton's method."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor, trunc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.errors import InputError, ScaleError
from seawall.money import Asset, Rounding, div, format_amount, muldiv, parse_amount, profile, split

BIG = st.integers(-(10**40), 10**40)


def nearest(x: Fraction, even: bool) -> int:
    low = floor(x)
    if x - low != Fraction(1, 2):
        return low + (x - low > Fraction(1, 2))
    return low + (low % 2) if even else (low + 1 if x > 0 else low)


DEFINITIONS = {
    Rounding.FLOOR: floor,
    Rounding.CEIL: ceil,
    Rounding.TRUNC: trunc,
    Rounding.AWAY: lambda x: ceil(x) if x > 0 else floor(x),
    Rounding.HALF_EVEN: lambda x: nearest(x, even=True),
    Rounding.HALF_UP: lambda x: nearest(x, even=False),
}


@pytest.mark.parametrize("rounding", Rounding)
@given(a=BIG, b=BIG, c=BIG.filter(bool))
def test_money_muldiv_is_the_exact_quotient_rounded_once(rounding, a, b, c):
    assert muldiv(a, b, c, rounding) == DEFINITIONS[rounding](Fraction(a * b, c))


@pytest.mark.parametrize(
    ("n", "d", "rounding", "expected"),
    [
        (5, 2, Rounding.HALF_EVEN, 2),
        (7, 2, Rounding.HALF_EVEN, 4),
        (-5, 2, Rounding.HALF_EVEN, -2),
        (5, 2, Rounding.HALF_UP, 3),
        (-5, 2, Rounding.HALF_UP, -3),
        (-7, 3, Rounding.TRUNC, -2),
        (-7, 3, Rounding.AWAY, -3),
        (7, -3, Rounding.FLOOR, -3),
    ],
)
def test_money_division_by_hand(n, d, rounding, expected):
    assert div(n, d, rounding) == expected


def test_money_division_by_zero_is_an_error():
    with pytest.raises(ZeroDivisionError):
        div(1, 0, Rounding.FLOOR)


@given(total=st.integers(0, 10**30), weights=st.lists(st.integers(0, 10**20), min_size=1, max_size=12))
def test_money_split_sums_and_is_within_one_unit(total, weights):
    if not sum(weights):
        if total:
            with pytest.raises(ValueError, match="sum to 0"):
                split(total, weights)
        return
    shares = split(total, weights)
    assert sum(shares) == total
    for share, weight in zip(shares, weights, strict=True):
        assert abs(share - Fraction(total * weight, sum(weights))) < 1
        assert weight or not share


def test_money_split_by_hand_ties_go_to_the_earlier():
    assert split(1000, [3, 3, 1]) == [429, 428, 143]
    assert split(2, [1, 1, 1, 1]) == [1, 1, 0, 0]


@given(st.integers(-(10**45), 10**45), st.integers(0, 24))
def test_money_decimal_text_round_trips(minor, scale):
    assert parse_amount(format_amount(minor, scale), scale) == minor


@pytest.mark.parametrize("text", ["", "1,5", "nan", "1e", "0x10", "1.2.3"])
def test_money_refuses_what_is_no_decimal(text):
    with pytest.raises(ScaleError):
        parse_amount(text, 6, field="cash")


def test_money_refuses_more_decimals_than_the_scale():
    with pytest.raises(ScaleError, match="at most 2 decimals"):
        parse_amount("1.005", 2)
    assert parse_amount("1.500", 1) == 15
    assert parse_amount("12e-1", 1) == 12


def test_money_asset_scales():
    asset = Asset.of("ETH", 18)
    assert (asset.book_scale, asset.to_book(10**10 - 1), asset.to_book(-1), asset.to_minor(3)) == (8, 0, -1, 3 * 10**10)
    with pytest.raises(InputError, match="book scale"):
        Asset.of("X", 2, 3)
    with pytest.raises(InputError, match="rounding profile"):
        profile("upwards")

"""Stress losses over margin against one account after another in fractions. Ids stress-*.

Source: issue of default management, "members": a member x scenario matrix of stress losses over margin. The twin below
values every position anew from lots, entry and stressed mark; it knows nothing of the book.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.books import FLAT, USDC, perp, snapshot
from tests.margin.test_pool_twin import COIN, HAIRCUTS, PRICE, counted, opening

from seawall.errors import InputError
from seawall.margin import Book, Stress, loss_over_margin, stressed_marks
from seawall.market import Instrument, Kind, Right

F = Fraction
UNIT = 10**6
MOVE = st.fractions(F(-9, 10), F(3), max_denominator=50)


def nearest(number: Fraction) -> int:
    """To nearest, ties to even: what ``round`` does with a fraction; no mark below 1."""
    return max(1, round(number))


def moved_price(instrument, mark, stress, btc):
    """The stressed mark, written out for the four markets of the pool's book."""
    named = stress.moves.get(instrument.symbol, stress.moves.get(instrument.base))
    if instrument.kind is not Kind.OPTION:
        return nearest(mark * (1 + (stress.other if named is None else named)))
    if instrument.symbol in stress.moves:
        return nearest(mark * (1 + stress.moves[instrument.symbol]))
    coin = stress.moves.get("BTC", stress.other)
    now, then = max(0, btc - instrument.strike), max(F(0), btc * (1 + coin) - instrument.strike)
    return nearest(max(0, mark - now) + then)


def worth(instrument, lots, mark):
    """What a position is worth: dollars in millionths, or minus the coins of an inverse contract."""
    if instrument.inverse:
        return -lots * round(F(100 * 10**8, mark))
    return lots * mark * UNIT


def twin(made, marks, stress, member_of, members, pooled):
    totals = {asset: [0] * members for asset in ((0,) if pooled else (0, 1))}
    btc = marks[2]
    after = {m: moved_price(i, marks[m], stress, btc) for m, i in enumerate(made.instruments)}
    for account, member in enumerate(member_of):
        equity = [0, 0]
        for a, asset, minor in zip(made.cash_account, made.cash_asset, made.cash_minor, strict=True):
            if a == account:
                equity[asset] += minor
        for a, m, lots, entry in zip(made.pos_account, made.pos_market, made.pos_lots, made.pos_entry, strict=True):
            if a == account:
                equity[1 if m == 2 else 0] += worth(made.instruments[m], int(lots), after[int(m)]) - int(entry)
        if pooled:
            coin = stress.moves.get("BTC", stress.other)
            equity = [equity[0] + counted(equity[1], F(*PRICE) * (1 + coin))]
        for asset, left in enumerate(equity):
            if member >= 0:
                totals[asset][member] += max(0, -left)
    return totals


@settings(max_examples=60, deadline=None)
@given(data=st.data(), pooled=st.booleans())
def test_stress_losses_are_those_of_one_account_after_another(data, pooled):
    count = data.draw(st.integers(1, 5))
    thousandths = st.integers(0, 2_000_000)
    cash = [(data.draw(thousandths), data.draw(st.integers(0, 50_000))) for _ in range(count)]
    lots = [[data.draw(st.integers(-9, 9)) for _ in range(4)] for _ in range(count)]
    made = opening(cash, lots)
    marks = {0: 1_000, 1: 1_200, 2: 1_100, 3: data.draw(st.integers(1, 300))}
    member_of = [data.draw(st.integers(-1, 1)) for _ in range(count)]
    named = data.draw(st.dictionaries(st.sampled_from(["A", "BTC", "B-PERP", "D-CALL"]), MOVE, max_size=4))
    stresses = [Stress("drawn", named, data.draw(MOVE)), Stress("all", {}, data.draw(MOVE))]
    terms = {"pool": "account", "numeraire": "USDC", "collateral": HAIRCUTS} if pooled else {}
    book = Book.of(made, {m: made.instruments[m].unit_value(mark) for m, mark in marks.items()}, **terms)
    indexes = {"BTC": PRICE}
    book.set_collateral_price("BTC", *PRICE)
    found = loss_over_margin(book, marks, stresses, np.array(member_of), 2, indexes)
    expected = [twin(made, marks, stress, member_of, 2, pooled) for stress in stresses]
    for asset, rows in found.items():
        for member, row in enumerate(rows):
            assert row == [e[asset][member] for e in expected], (asset, member, stresses, cash, lots, marks)


def test_stress_a_gain_of_one_account_pays_nothing_of_another():
    """Ann's client of the same member loses 30 beyond its 20; the other one's gain of 50 is its own."""
    made = snapshot(
        {"ann": 20 * UNIT, "bob": 20 * UNIT}, [("ann", "BTC-PERP", 1, 100), ("bob", "BTC-PERP", -1, 100)], [perp()]
    )
    book = Book.of(made, {0: 100 * UNIT})
    found = loss_over_margin(book, {0: 100}, [Stress("half", {"BTC": F(-1, 2)}, F(0))], np.array([0, 0]), 1)
    assert found == {0: [[30 * UNIT]]}


def test_stress_sums_beyond_sixty_four_bits_are_exact():
    """Ten accounts that owe 2^60 book units each are one member's 10 x 2^60, which no 64-bit number holds."""
    names = [f"a{i}" for i in range(10)]
    made = snapshot(dict.fromkeys(names, -(2**60)), [], [perp()])
    found = loss_over_margin(Book.of(made, {0: 100}), {}, [Stress("any", {}, F(1))], np.zeros(10, dtype=np.int64), 1)
    assert found == {0: [[10 * 2**60]]}


def test_stress_moves_by_market_go_before_those_by_coin_and_marks_never_reach_nothing():
    made = [perp("BTC-PERP"), perp("BTC-NEXT"), perp("ETH-PERP")]
    stress = Stress("s", {"BTC": F(-1, 2), "BTC-NEXT": F(-1, 4)}, F(1, 10))
    assert stressed_marks(made, {0: 100, 1: 100, 2: 5}, stress) == {0: 50, 1: 75, 2: 6}  # 5.5 to even
    assert stressed_marks(made, {0: 1}, Stress("s", {}, F(-99, 100))) == {0: 1}


def option(right, strike, *, settle=USDC, scale=0):
    return Instrument.of(
        f"BTC-{strike}-{right.value}", settle, base="BTC", quote="USD", lot=F(1), mark_scale=scale, kind=Kind.OPTION,
        expiry_ns=10, strike=strike * 10**scale, right=right, brackets=FLAT,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("right", "strike", "mark", "move", "expected"),
    [
        ("call", 1_000, 30, "1/5", 230),  # at the money: time value 30 stays, 200 in the money
        ("call", 900, 150, "-1/5", 50),  # 100 in the money, 50 of time value: only that stays
        ("put", 900, 20, "-1/5", 120),
        ("put", 900, 20, "1/5", 20),
        ("call", 900, 80, "0", 100),  # below its worth at expiry: no time value, so that it stands at that worth
    ],
    ids=lambda x: str(x),
)
def test_stress_options_keep_their_time_value(right, strike, mark, move, expected):
    made = [perp("BTC-PERP"), option(Right(right), strike)]
    assert stressed_marks(made, {0: 1_000, 1: mark}, Stress("s", {}, F(move)))[1] == expected


def test_stress_an_option_in_coin_is_worth_its_part_of_a_coin():
    """A put at 1,000 in BTC, marked 0.010 at 1,000: at 800 it is 200 of 800 dollars in the money, 0.250, and 0.010 more."""
    made = [perp("BTC-PERP"), option(Right.PUT, 1_000, settle=COIN, scale=3)]
    assert stressed_marks(made, {0: 1_000, 1: 10}, Stress("s", {}, F(-1, 5)))[1] == 260


def test_stress_an_option_alone_needs_the_price_of_its_coin_or_its_own_move():
    made = [perp("ETH-PERP"), option(Right.PUT, 1_000)]
    with pytest.raises(InputError, match="what the coin costs") as caught:
        stressed_marks(made, {0: 10, 1: 5}, Stress("fall", {}, F(-1, 5)))
    assert (caught.value.value, caught.value.where) == ("BTC-1000-put", "stress fall")
    assert stressed_marks(made, {1: 5}, Stress("fall", {"BTC-1000-put": F(3)}, F(0))) == {1: 20}


def test_stress_pooled_coin_collateral_falls_with_its_coin_and_a_stable_coin_does_not():
    """One coin of collateral at 1,000 backs a loss of 600. At 400 the loss is 1,200 and the coin pays 400 of it."""
    made = replace(
        snapshot({"ann": {"BTC": 10**8}}, [("ann", "BTC-PERP", 1, 1_600)], [perp()], assets=(USDC, COIN)),
        marks={0: 1_000},
    )
    terms = {"pool": "account", "numeraire": "USDC"}
    book = Book.of(made, {0: 1_000 * UNIT}, **terms)
    index = {"BTC": (1_000 * UNIT, 10**8)}
    book.set_collateral_price("BTC", *index["BTC"])
    stresses = [Stress("still", {"BTC": F(0)}, F(-1, 2)), Stress("fall", {"BTC": F(-3, 5)}, F(0))]
    # 1,000 - 600 = 400; then 400 of collateral against a loss of 1,200
    assert loss_over_margin(book, {0: 1_000}, stresses, np.array([0]), 1, index) == {0: [[0, 800 * UNIT]]}


def test_stress_a_price_beyond_the_book_names_the_stress():
    """It named the market's mark, which is fine: the move is what is wrong."""
    made = snapshot({"a": 10**9}, [("a", "BTC-PERP", 1, 100)], [perp("BTC-PERP")], marks={"BTC-PERP": 100})
    book = Book.of(made, {0: made.instruments[0].unit_value(100)})
    with pytest.raises(InputError) as caught:
        loss_over_margin(book, {0: 100}, [Stress("moon", {}, F(10**30))], np.array([0]), 1)
    error = caught.value
    assert (error.where, error.field, error.value) == ("stress moon", "moves", "BTC-PERP"), error

"""Books that look legal and would wrap 64 bits: refused by name, and nothing has changed.

Id: bounds-*. Source: ``seawall.margin.rates`` (why nothing wraps); each case is beyond one bound only.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from tests.books import USDC, brackets, perp, snapshot

from seawall.errors import InputError, InvariantBroken, MoneyOverflow
from seawall.margin import MAX_CASH, Book
from seawall.margin.rates import MAX_BASE, MAX_POSITIONS, MAX_ROW, MAX_WORTH, fraction_limit, largest_lots
from seawall.market import Brackets

FULL = Brackets.flat(Fraction(1), Fraction(1))
UNIT = 10**6


def venue(count, lots=1, cash=0, rates=FULL):
    """One account, "ann", with ``lots`` in each of ``count`` markets, entered at 1; "bob" holds the other side."""
    made = [perp(f"M{m}-PERP", rates) for m in range(count)]
    positions = [(name, i.symbol, n, 1) for i in made for name, n in (("ann", lots), ("bob", -lots)) if n]
    return snapshot({"ann": cash, "bob": 0}, positions, made)


def seen(book):
    """Everything a refusal must leave alone."""
    return (
        book.state.tobytes(), book.row_base.tobytes(), book.row_cash.tobytes(), book.row_positions.tobytes(),
        list(book.values), list(book.worths), list(book.requirement_values), list(book.bounds.lot),
        [book.positions_of(a) for a in range(2)], book.table.tobytes(),
    )  # fmt: skip


def refused(book, match, act, error=MoneyOverflow):
    before = seen(book)
    with pytest.raises(error, match=match):
        act()
    assert seen(book) == before
    book.verify_running()


def test_bounds_entry_values_that_sum_beyond_64_bits():
    # Four entry values of 2^62 sum to 2^64, which wraps to 0: the account would look solvent and is bankrupt.
    snap = venue(4)
    entries = np.where(snap.pos_lots > 0, 1 << 60, -(1 << 60))
    with pytest.raises(MoneyOverflow, match="ann"):
        Book.of(replace(snap, pos_entry=entries), dict.fromkeys(range(4), UNIT))
    with pytest.raises(MoneyOverflow, match=r"ann in M0-PERP: entry"):
        Book.of(replace(snap, pos_entry=4 * entries), dict.fromkeys(range(4), UNIT))


def test_bounds_entry_values_set_one_by_one():
    book = Book.of(venue(4), dict.fromkeys(range(4), UNIT))
    book.set_position(0, 0, 1, MAX_CASH)
    refused(book, r"ann in M1-PERP", lambda: book.set_position(0, 1, 1, MAX_CASH))
    book.set_cash(0, 0, MAX_CASH)
    book.set_position(0, 1, 1, MAX_CASH)
    refused(book, "ann", lambda: book.set_cash(0, 0, -MAX_CASH))
    state = book.unit_state(0)
    assert state.equity == MAX_CASH - 2 * MAX_CASH + 4 * UNIT - 2 * UNIT
    assert book.at_risk_units() == [0, 1]  # bob, short four lots and without cash, owes their whole value


def test_bounds_worst_row_is_still_exact():
    # 128 short positions of 2^54 each, requirements of all of it, cash and entry values at the bound.
    size, value = 1 << 20, 1 << 34
    snap = venue(128, lots=-size, cash=0)
    book = Book.of(replace(snap, pos_entry=np.zeros_like(snap.pos_entry)), dict.fromkeys(range(128), value))
    assert size * value == MAX_WORTH and 128 * size * value == MAX_ROW
    book.set_cash(0, 0, -MAX_CASH)
    book.set_position(0, 0, -size, MAX_BASE - MAX_CASH)
    state = book.unit_state(0)
    expected = -MAX_BASE - MAX_ROW - MAX_ROW
    assert state.equity - state.maintenance == expected == int(book.state[0, 0])
    book.verify_running()
    assert book.at_risk_units() == [0]  # bob, long, is rich


def test_bounds_sum_of_the_largest_positions():
    size, value = 1 << 20, 1 << 34
    book = Book.of(venue(129, lots=size), {**dict.fromkeys(range(127), value), 127: 1, 128: 1})
    book.tick(127, value - 1)
    assert book.bounds.totals[0] == MAX_ROW
    refused(book, r"M128-PERP.*USDC markets together", lambda: book.tick(128, 1 << 20))
    refused(book, r"M128-PERP.*together", lambda: book.tick_many([3, 128], [value, 1 << 20], [0, 0]))
    book.tick_many([3, 128], [value >> 1, 1 << 20], [0, 0])  # the step itself makes room
    refused(book, "together", lambda: book.tick(3, value))
    # Closed positions make room, although the book only notices when it needs to.
    book.set_position(0, 5, 0, 0)
    book.set_position(1, 5, 0, 0)
    book.tick(3, value)
    book.verify_running()


def test_bounds_one_position_names_account_and_market():
    book = Book.of(venue(2, lots=3), dict.fromkeys(range(2), UNIT))
    book.set_position(0, 1, 5, 5 * UNIT)
    refused(book, r"M1-PERP: ann: a position of 5 lots", lambda: book.tick(1, 1 << 52))
    refused(book, r"M1-PERP: ann", lambda: book.tick_many([0, 1], [2 * UNIT, 1 << 52], [0, 0]))
    refused(book, r"M1-PERP", lambda: book.tick(1, UNIT, carry=-(1 << 53)))
    refused(book, r"ann in M0-PERP", lambda: book.set_position(0, 0, 1 << 40, 0))
    refused(book, r"bob in M0-PERP", lambda: book.set_position(1, 0, -(1 << 35), 0))
    assert not book.fits_position(0, 1 << 40) and book.fits_position(0, MAX_WORTH // UNIT >> 10)
    assert book.fits(0, MAX_WORTH // 3) and not book.fits(0, MAX_WORTH // 3 + 1)


def test_bounds_requirement_values_count():
    # A short option's requirement may be charged on far more than the option is worth.
    book = Book.of(venue(1), {0: UNIT})
    book.set_requirement_value(0, 0, 1 << 50)
    refused(book, r"bob in M0-PERP", lambda: book.set_position(1, 0, -(1 << 10), 0))
    refused(book, "M0-PERP", lambda: book.set_requirement_value(0, 0, 1 << 55))
    refused(book, "negative", lambda: book.set_requirement_value(0, -1, 5), InputError)
    book.tick(0, 2 * UNIT)
    assert book.requirement_values[0] == (0, 1 << 50)
    book.verify_running()


def test_bounds_lots_shrink_with_the_common_denominator():
    # Rates in 1/7, 1/11, 1/13 and ppm have R = 1001 x 10^6: beyond 2^54 / R lots the fractions of 256 positions could wrap.
    rates = brackets((0, "1/7", "1/13"), (10**9, "1/5", "1/11"), (10**10, "1/5", "123457/1000000"))
    book = Book.of(venue(1, rates=rates), {0: 1})
    assert book.denominator == 1001 * 10**6
    most = largest_lots(book.denominator)
    assert MAX_POSITIONS * most * book.denominator <= 1 << 62 < MAX_POSITIONS * (most + 1) * book.denominator
    assert fraction_limit(book.denominator) * book.denominator <= 1 << 62
    refused(book, "ann in M0-PERP", lambda: book.set_position(0, 0, most + 1, 0))
    book.set_position(0, 0, most, 0)
    assert book.unit_state(0).maintenance == -(-most // 13)
    book.verify_running()


def test_bounds_lots_at_opening():
    snap = venue(1)
    for lots in (1 << 40, -(1 << 63)):
        with pytest.raises(MoneyOverflow, match=r"ann in M0-PERP: lots"):
            Book.of(replace(snap, pos_lots=np.array([lots, 1])), {0: 1})


def test_bounds_denominator_without_room_is_refused():
    rates = brackets((0, "1/999979", "1/999983"))
    with pytest.raises(InputError, match="common denominator"):
        Book.of(venue(1, rates=rates), {0: UNIT})


def test_bounds_brackets_beyond_reach_do_not_wrap():
    rates = brackets((0, "1/10", "1/20"), (1 << 70, "1/2", "1/4"))
    book = Book.of(venue(1, rates=rates), {0: UNIT})
    assert book.unit_state(0).maintenance == UNIT // 20
    book.tick(0, 2 * UNIT)
    assert book.unit_state(0).maintenance == UNIT // 10
    book.verify_running()


def test_bounds_number_of_positions_counts_open_ones():
    made = [perp(f"M{m}-PERP") for m in range(MAX_POSITIONS + 2)]
    book = Book.of(snapshot({"ann": 0, "bob": 0}, [], made), dict.fromkeys(range(len(made)), UNIT))
    for market in range(MAX_POSITIONS):
        book.set_position(0, market, 1, UNIT)
    refused(book, "256 positions", lambda: book.set_position(0, MAX_POSITIONS, 1, UNIT))
    book.set_position(0, 7, 0, 0)
    book.set_position(0, MAX_POSITIONS, 1, UNIT)
    refused(book, "256 positions", lambda: book.set_position(0, 7, 1, UNIT))
    with pytest.raises(MoneyOverflow, match="bob has more than 256"):
        Book.of(
            snapshot({"bob": 0}, [("bob", i.symbol, 1, 1) for i in made], made), dict.fromkeys(range(len(made)), UNIT)
        )


def test_bounds_entry_value_without_lots_is_a_fault():
    book = Book.of(venue(1), {0: UNIT})
    refused(book, "no lots, but an entry value", lambda: book.set_position(0, 0, 0, 5), InvariantBroken)


def test_bounds_a_market_named_twice_or_a_negative_value_is_refused():
    book = Book.of(venue(2), dict.fromkeys(range(2), UNIT))
    refused(book, "twice", lambda: book.tick_many([0, 0], [UNIT, 2 * UNIT], [0, 0]), InputError)
    refused(book, "negative", lambda: book.tick(0, -UNIT), InputError)


def test_bounds_cash_names_the_account():
    with pytest.raises(MoneyOverflow, match="cash of ann"):
        Book.of(snapshot({"bob": 0, "ann": MAX_CASH + 1}, [], [perp()], assets=(USDC,)), {0: UNIT})


def test_bounds_verify_finds_a_wrong_figure():
    for spoil, name in (
        (lambda b: b.state.__setitem__((0, 0), b.state[0, 0] + 1), "surplus of ann"),
        (lambda b: b.state.__setitem__((1, 1), b.state[1, 1] + 1), "fraction of bob"),
        (lambda b: b.row_positions.__setitem__(0, 9), "number of positions of ann"),
        (lambda b: b.row_base.__setitem__(1, 9), "entry values of bob"),
    ):
        book = Book.of(venue(2, rates=brackets((0, "1/3", "1/7"))), dict.fromkeys(range(2), UNIT))
        spoil(book)
        with pytest.raises(InvariantBroken, match=name):
            book.verify_running()

"""What accounts would owe beyond what they have if prices moved at once: the losses that size a default fund.

The book itself is marked to the stressed prices, so that a stress loss is what a default would leave: an account whose
equity would be below zero owes the rest. Nothing is liquidated on the way and no market impact is added.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from seawall.errors import InputError
from seawall.margin.book import Book
from seawall.market import Instrument, Kind, Right
from seawall.money import Rounding, muldiv


@dataclass(frozen=True, slots=True)
class Stress:
    """A named move of all prices at once.

    Attributes:
        name: shown in every table.
        moves: change of price by base coin, or by market symbol, which goes first; above -1.
        other: change of every coin that is not named.
    """

    name: str
    moves: Mapping[str, Fraction]
    other: Fraction

    def of(self, instrument: Instrument) -> Fraction:
        """The change of one market's price (of an option: of its coin's)."""
        return self.moves.get(instrument.symbol, self.moves.get(instrument.base, self.other))


def stressed_marks(instruments: Sequence[Instrument], marks: Mapping[int, int], stress: Stress) -> dict[int, int]:
    """Marks after a stress: to nearest, ties to even, at least 1.

    An option that the stress does not name itself keeps its time value, and its worth at expiry is that of its coin's
    stressed price: no model is asked, so that the same integers come out on every machine. An option that nears its
    strike is understated by this; name its market in ``moves`` to say more.

    Raises:
        InputError: an option on a coin of which no other market is marked.
    """
    found: dict[int, int] = {}
    for market, mark in marks.items():
        instrument = instruments[market]
        if instrument.kind is Kind.OPTION and instrument.symbol not in stress.moves:
            exact = _option(instruments, marks, market, stress)
        else:
            exact = mark * (1 + stress.of(instrument))  # exact: Fraction
        found[market] = max(1, muldiv(exact.numerator, 1, exact.denominator, Rounding.HALF_EVEN))
    return found


def _option(instruments: Sequence[Instrument], marks: Mapping[int, int], option: int, stress: Stress) -> Fraction:
    """Mark of an option, in its own mark units: what is time value now, and the stressed worth at expiry."""
    mine = instruments[option]
    priced = [m for m in sorted(marks) if instruments[m].base == mine.base and instruments[m].kind is not Kind.OPTION]
    if not priced:
        raise InputError(
            "a stress moves the coin of an option, but no other market says what the coin costs",
            where=f"stress {stress.name}",
            field="moves",
            value=mine.symbol,
            expected=f"a marked market on {mine.base}, or the change of {mine.symbol} itself",
        )
    under = min(priced, key=lambda m: (instruments[m].inverse, instruments[m].settle != mine.settle, m))
    now = Fraction(marks[under], 10 ** instruments[under].mark_scale)
    moved = now * (1 + stress.of(instruments[under]))
    unit = 10**mine.mark_scale

    def at_expiry(price: Fraction) -> Fraction:
        assert mine.strike is not None
        strike = Fraction(mine.strike, unit)
        worth = max(Fraction(0), price - strike if mine.right is Right.CALL else strike - price)
        marked: Fraction = unit * (worth / price if mine.settle.name == mine.base else worth)  # exact: Fraction
        return marked

    time_value: Fraction = max(Fraction(0), marks[option] - at_expiry(now))
    return time_value + at_expiry(moved)


def loss_over_margin(
    book: Book,
    marks: Mapping[int, int],
    stresses: Sequence[Stress],
    member_of: NDArray[np.int64],
    members: int,
    indexes: Mapping[str, tuple[int, int]] | None = None,
) -> dict[int, list[list[int]]]:
    """Stress loss over margin by asset, member and stress: ``max(0, -equity)`` summed over the member's accounts.

    An account's gain offsets nothing of another's: clients do not pay for each other. With pool "asset" each asset is
    judged alone and owed in itself; with pool "account" an account is judged as a whole, and owes the numeraire.

    Args:
        book: a book of the caller's own at the opening marks: it is left at the marks of the last stress.
        marks: opening marks of every market with positions.
        member_of: number of each account's member, -1 for none; shape [accounts].
        members: how many there are.
        indexes: index price (num, den) of collateral, as the book was opened with; a coin that has a market moves
            with it, one that a stress names moves by that, any other stays.

    Returns:
        settle asset (pool "account": the numeraire alone) -> [members][stresses], whole book units.

    Raises:
        MoneyOverflow: a stressed price does not fit the book.
        InputError: see ``stressed_marks``; a stressed price that does not fit its market; a balance without an index price (pool "account").
    """
    assets = sorted(set(book.settle)) if book.portfolio is None else [book.portfolio.numeraire]
    found = {asset: [[0] * len(stresses) for _ in range(members)] for asset in assets}
    for number, stress in enumerate(stresses):
        moved = stressed_marks(book.instruments, marks, stress)
        markets = sorted(moved)
        book.tick_many(markets, _values(book, moved, stress), [book.carries[m] for m in markets])
        book.take_flagged()
        if book.portfolio is not None:
            _move_collateral(book, stress, indexes or {})
        for asset in assets:
            accounts, losses = _owing(book, asset) if book.portfolio is None else book.portfolio.owing(book)
            for member, amount in enumerate(_sums(member_of[accounts], losses, members)):
                found[asset][member][number] = amount
    return found


def _values(book: Book, moved: Mapping[int, int], stress: Stress) -> list[int]:
    """Value of a lot at stressed marks, markets in order."""
    found = []
    for market in sorted(moved):
        try:
            found.append(book.instruments[market].unit_value(moved[market]))
        except InputError as error:
            raise InputError(
                f"a stress moves a price beyond the book: {error.problem}",
                where=f"stress {stress.name}",
                field="moves",
                value=book.instruments[market].symbol,
                expected="a smaller move",
            ) from None
    return found


def _owing(book: Book, asset: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Accounts below zero in an asset, and by how much."""
    rows = book.rows_of_asset(asset)
    equity = book.row_equities()[rows]
    below = equity < 0
    return book.row_account[rows[below]], -equity[below]


def _move_collateral(book: Book, stress: Stress, indexes: Mapping[str, tuple[int, int]]) -> None:
    """Index prices under a stress, from those at the opening."""
    bases = {i.base for i in book.instruments}
    for asset, (num, den) in indexes.items():
        move = stress.moves.get(asset, stress.other if asset in bases else Fraction(0))
        price = Fraction(num, den) * (1 + move)
        book.set_collateral_price(asset, price.numerator, price.denominator)


def _sums(member_of: NDArray[np.int64], amounts: NDArray[np.int64], members: int) -> list[int]:
    """Sum by member, exact at any size: in two halves, so that no sum wraps."""
    mine = member_of >= 0
    high, low = np.zeros(members, dtype=np.int64), np.zeros(members, dtype=np.int64)
    np.add.at(high, member_of[mine], amounts[mine] >> 32)
    np.add.at(low, member_of[mine], amounts[mine] & 0xFFFFFFFF)
    return [(h << 32) + x for h, x in zip(high.tolist(), low.tolist(), strict=True)]

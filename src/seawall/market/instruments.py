"""Instruments: what one lot is worth at a mark, in integers.

Every kind is reduced to two integers per mark, so that the book's kernels know no kinds:

* ``unit_value(mark)``: what one lot is worth, in book units of the settle asset, ``> 0``;
* ``sign``: +1 when a long gains as the mark rises in the settle asset (linear), -1 for inverse contracts, whose
  long is short of the coin it settles in (a long earns ``face * (1/entry - 1/mark)``).

A long of ``n`` lots is worth ``sign * n * unit_value(mark)``; profit is that less the entry value.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

from seawall.errors import InputError, ScaleError
from seawall.market.brackets import Brackets
from seawall.money import Asset, Rounding, muldiv

MAX_UNIT_VALUE = 1 << 50
MAX_MARK_SCALE = 18


class Kind(Enum):
    """What is traded."""

    PERPETUAL = "perpetual"
    FUTURE = "future"
    OPTION = "option"


class Right(Enum):
    """Right of a European option."""

    CALL = "call"
    PUT = "put"


@dataclass(frozen=True, slots=True)
class Instrument:
    """One market.

    Attributes:
        symbol: unified symbol; any text without blanks.
        kind, base, quote: ``base`` is also the price source of the underlying index.
        settle: the asset that profit and loss are paid in.
        inverse: profit in coin: one lot is a fixed amount of ``quote``.
        mark_scale: a mark is an integer count of ``10**-mark_scale`` quote units.
        tick: order price step in mark units (a mark may be finer than the tick).
        num, den: linear: ``unit_value = mark * num / den``; inverse: ``unit_value = num / (mark * den)``.
        lot: base units (linear) or quote units (inverse) in one lot, for people and for files.
        brackets: margin brackets on notional in settle book units.
        expiry_ns: last moment of a future or option, else None.
        strike: option strike in mark units of the underlying index, else None.
        right: option right, else None.
    """

    symbol: str
    kind: Kind
    base: str
    quote: str
    settle: Asset
    inverse: bool
    mark_scale: int
    tick: int
    num: int
    den: int
    lot: Fraction
    brackets: Brackets
    expiry_ns: int | None = None
    strike: int | None = None
    right: Right | None = None

    @classmethod
    def of(
        cls,
        symbol: str,
        settle: Asset,
        *,
        base: str,
        quote: str,
        lot: Fraction,
        mark_scale: int,
        brackets: Brackets,
        kind: Kind = Kind.PERPETUAL,
        inverse: bool = False,
        tick: int = 1,
        expiry_ns: int | None = None,
        strike: int | None = None,
        right: Right | None = None,
    ) -> Instrument:
        """Build from the contract's own terms; ``num / den`` follow from lot, mark scale and book scale.

        Raises:
            InputError: terms that contradict each other.
            ScaleError: a linear lot at one mark unit is not a whole number of book units, so values could not be
                exact: choose a larger lot or a coarser mark scale.
        """
        where = f"market {symbol}"
        if not symbol or any(c.isspace() for c in symbol):
            raise InputError("market symbol is empty or has blanks", field="market", value=symbol)
        if lot <= 0 or tick < 1 or not 0 <= mark_scale <= MAX_MARK_SCALE:
            raise InputError(
                "lot, tick and mark scale must be positive",
                where=where,
                field="lot",
                value=f"lot {lot}, tick {tick}, mark_scale {mark_scale}",
            )
        if (kind is Kind.OPTION) != (strike is not None and right is not None):
            raise InputError("an option needs strike and right, nothing else has them", where=where, field="strike")
        if kind is Kind.OPTION and inverse:
            raise InputError(
                "an option is not inverse",
                where=where,
                field="inverse",
                expected="a premium quoted in the settle asset",
            )
        if (kind is Kind.PERPETUAL) != (expiry_ns is None):
            raise InputError("a future or option needs an expiry, a perpetual has none", where=where, field="expiry")
        if inverse:
            # lot quote units / (mark * 10^-mark_scale) coins, in book units
            factor = lot * Fraction(10) ** (mark_scale + settle.book_scale)
        else:
            factor = lot * Fraction(10) ** (settle.book_scale - mark_scale)
            if factor.denominator != 1:
                raise ScaleError(
                    "one lot at one mark unit is not a whole number of book units",
                    where=where,
                    field="lot",
                    value=str(lot),
                    expected=f"a multiple of {Fraction(1, factor.denominator)} mark scales, or a coarser mark",
                )
        return cls(
            symbol,
            kind,
            base,
            quote,
            settle,
            inverse,
            mark_scale,
            tick,
            factor.numerator,
            factor.denominator,
            lot,
            brackets,
            expiry_ns,
            strike,
            right,
        )

    @property
    def sign(self) -> int:
        """+1 linear, -1 inverse."""
        return -1 if self.inverse else 1

    def unit_value(self, mark: int) -> int:
        """Book units of the settle asset that one lot is worth at ``mark`` (``> 0``).

        Linear: exact. Inverse: rounded once, to nearest with ties to even, so the relative error is at most
        ``0.5 / unit_value`` and positions that net to zero lots are worth exactly zero.

        Raises:
            InputError: mark not positive.
            ScaleError: the value is 0 or does not fit 2^50.
        """
        if mark <= 0:
            raise InputError("mark must be positive", where=f"market {self.symbol}", field="mark", value=mark)
        if self.inverse:
            value = muldiv(self.num, 1, self.den * mark, Rounding.HALF_EVEN)
        else:
            value = muldiv(mark, self.num, self.den, Rounding.HALF_EVEN)
        if not 0 < value <= MAX_UNIT_VALUE:
            raise ScaleError(
                "value of one lot does not fit the book",
                where=f"market {self.symbol}",
                field="mark",
                value=mark,
                expected=f"1 to {MAX_UNIT_VALUE} book units of {self.settle.name} per lot",
            )
        return value

    def value(self, lots: int, mark: int, rounding: Rounding) -> int:
        """Signed value of ``lots`` at ``mark`` in book units: exact product, one division, rounded as named.

        For a linear market built by ``of`` it is exact; chains that quote in finer steps than they settle
        (num / den not whole) round here, per position.
        """
        if self.inverse:
            return muldiv(-lots, self.num, self.den * mark, rounding)
        return muldiv(lots * mark, self.num, self.den, rounding)

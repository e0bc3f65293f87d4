"""Options: a long one requires nothing, a short one is charged on the value of what it is written on.

The notional of a short option's lot is, in book units of its settle asset, rounded up:

* the option settles in its base coin: its lot of coins;
* the book has another market on the same base that settles in the same asset: that market's value of the lot;
* else: the lot at the strike.

Source: short-option margins of venues and clearing houses are a share of underlying notional on top of the option's
own mark, which equity already carries.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from seawall.engine.state import State
from seawall.market import Instrument, Kind
from seawall.money import Rounding, muldiv


def underlying_market(instruments: tuple[Instrument, ...], option: int) -> int | None:
    """The first linear market on the option's base and settle asset that is no option itself."""
    mine = instruments[option]
    for market, other in enumerate(instruments):
        if (
            other.kind is not Kind.OPTION
            and not other.inverse
            and (other.base, other.settle) == (mine.base, mine.settle)
        ):
            return market
    return None


def short_notional(instruments: tuple[Instrument, ...], unit_values: Sequence[int], option: int) -> int:
    """Notional of one short lot at these values of a lot by market (0: none), see the module."""
    instrument = instruments[option]
    if instrument.settle.name == instrument.base:
        whole = instrument.lot * 10**instrument.settle.book_scale
        return muldiv(whole.numerator, 1, whole.denominator, Rounding.CEIL)
    market = underlying_market(instruments, option)
    if market is None or not unit_values[market]:
        return instrument.unit_value(instrument.strike or 1)
    ratio = instrument.lot / instruments[market].lot  # exact: Fraction
    return muldiv(unit_values[market], ratio.numerator, ratio.denominator, Rounding.CEIL)


def too_large(state: State, values: Mapping[int, int]) -> int | None:
    """The first option whose charge would not fit the book once these markets are worth ``values`` per lot."""
    instruments = state.snapshot.instruments
    for option in options_on(state, list(values)):
        market = underlying_market(instruments, option)
        if market is None:
            continue
        ratio = instruments[option].lot / instruments[market].lot  # exact: Fraction
        if not state.book.fits(option, int(values[market] * ratio) + 1):
            return option
    return None


def options_on(state: State, markets: list[int]) -> list[int]:
    """Options whose charge follows one of these markets."""
    moved = set(markets)
    instruments = state.snapshot.instruments
    return [
        number
        for number, instrument in enumerate(instruments)
        if instrument.kind is Kind.OPTION and underlying_market(instruments, number) in moved
    ]


def open_options(state: State) -> None:
    """Set the charge of every option of a freshly opened book."""
    for number, instrument in enumerate(state.snapshot.instruments):
        if instrument.kind is Kind.OPTION and state.unit_values[number]:
            state.book.set_requirement_value(
                number, 0, short_notional(state.snapshot.instruments, state.unit_values, number)
            )

"""Book units, lots and marks as people read them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from seawall.engine import State
from seawall.engine.memberbook import CONTRIBUTION
from seawall.market import Instrument
from seawall.money import Asset, format_amount
from seawall.waterfall import CAUSES


@dataclass(frozen=True, slots=True)
class Terms:
    """The assets and markets of a run."""

    assets: dict[str, Asset]
    markets: dict[str, Instrument]

    @classmethod
    def of(cls, state: State) -> Terms:
        """From a state of the run."""
        return cls({a.name: a for a in state.snapshot.assets}, {i.symbol: i for i in state.snapshot.instruments})

    def exact(self, asset: str, units: int) -> str:
        """Book units as an exact decimal, with thousands separators."""
        return grouped(format_amount(units, self.assets[asset].book_scale))

    def money(self, asset: str, units: int) -> str:
        """Book units for reading: two decimals from 100 on, four from 1 on, else exact; and the asset."""
        value = Decimal(units).scaleb(-self.assets[asset].book_scale)
        places = 2 if abs(value) >= 100 else 4 if abs(value) >= 1 else None
        text = (
            grouped(format_amount(units, self.assets[asset].book_scale)) if places is None else f"{value:,.{places}f}"
        )
        return f"{text} {asset}"

    def mark(self, market: str, mark: int) -> str:
        """A mark or price, exact."""
        return grouped(format_amount(mark, self.markets[market].mark_scale))

    def price_of_worth(self, market: str, worth: float) -> str:
        """The price at which a lot is worth this (funding aside), for reading: six significant digits."""
        instrument = self.markets[market]
        worth = abs(worth)
        mark = (
            instrument.num / (instrument.den * worth) if instrument.inverse else worth * instrument.den / instrument.num
        )
        return (
            f"{mark / 10.0**instrument.mark_scale:,.6g}"
            if mark < 10.0 ** (6 + instrument.mark_scale)
            else f"{mark / 10.0**instrument.mark_scale:,.0f}"
        )

    def price_of_value(self, market: str, value: int, lots: int) -> str:
        """The price at which so many lots are worth ``value``: exact where it is a mark, else as ``price_of_worth``."""
        instrument = self.markets[market]
        if not value or not lots:
            return "0"
        mark = Fraction(abs(value) * instrument.den, abs(lots) * instrument.num)  # exact: a mark, where it is whole
        if not instrument.inverse and mark.denominator == 1:
            return self.mark(market, mark.numerator)
        return self.price_of_worth(market, abs(value) / abs(lots))

    def size(self, market: str, lots: int) -> str:
        """Unsigned lots as a size: base coins, or contracts of so much quote for an inverse market."""
        instrument = self.markets[market]
        if instrument.inverse:
            return f"{abs(lots):,} contract{'' if abs(lots) == 1 else 's'} of {instrument.lot} {instrument.quote}"
        amount = abs(lots) * instrument.lot
        return f"{_decimal(amount)} {instrument.base}"


def _decimal(amount: Any) -> str:
    value = Decimal(amount.numerator) / Decimal(amount.denominator)
    return grouped(f"{value:f}".rstrip("0").rstrip(".") if "." in f"{value:f}" else f"{value:f}")


def grouped(text: str) -> str:
    """A decimal text with thousands separators."""
    sign, rest = ("-", text[1:]) if text.startswith("-") else ("", text)
    whole, dot, tail = rest.partition(".")
    return f"{sign}{int(whole):,}{dot}{tail}"


def clock(time_ns: int) -> str:
    """A time, UTC, to the second."""
    return datetime.fromtimestamp(time_ns // 10**9, tz=UTC).strftime("%Y-%m-%d %H:%M:%S")


def whose(account: str, me: str | None) -> str:
    """The start of a sentence that names its account, unless it is the one whose story it is."""
    return "" if account == me else f"{payer(account)}: "


def payer(account: str) -> str:
    """An account as people say it: what a member paid in by its member, any other by its name."""
    member = account.removeprefix(CONTRIBUTION)
    return account if member == account else f"the contribution of {member}"


def loss_of(account: str) -> str:
    """Whose loss it is, as it goes on after "loss 7": " of ann"; of the venue itself by cause: " (custody: wallet)"."""
    cause, colon, reference = account.partition(":")
    return f" ({cause}: {reference})" if colon and cause in CAUSES else f" of {account}"


def halt_reason(reason: str) -> str:
    """A criterion and what was seen, with numbers as people read them: "unpaid above 1,000,000: 9,665,188.81"."""
    return re.sub(r"(?<![\w.,-])\d+(?:\.\d+)?(?![\w./])", lambda found: _read(found[0]), reason)


def _read(number: str) -> str:
    """Two decimals from 100 on, all of them below."""
    value = Decimal(number)
    return f"{value:,.2f}" if "." in number and value >= 100 else grouped(number)

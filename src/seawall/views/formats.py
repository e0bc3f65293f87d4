"""How a figure is written for people: one short text per kind, always derived from the exact value.

A *kind* names what a value is. Texts are roundings for reading (half to even); the exact value stands beside them, in the
document and in the ``value`` attribute of the page.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any

Scalar = int | float | str | Decimal | bool | None

MINUS = "−"
NONE = "–"
NARROW = "\u202f"  # between a number and its sign: a line does not break there
_WIDE = Context(prec=60)  # more digits than any amount has
_SIZES = ((Decimal(10) ** 12, "tn"), (Decimal(10) ** 9, "bn"), (Decimal(10) ** 6, "m"), (Decimal(10) ** 3, "k"))

KINDS = (
    "count",  # a whole number
    "amount",  # short: k, m, bn, tn
    "size",  # the same without its sign: the words say gained or lost
    "signed",  # the same with a plus
    "money",  # in full, for tables
    "exact",  # every digit
    "share",  # a fraction of one, in per cent
    "change",  # the same with a plus
    "part",  # an exact fraction "n/d" of one, in per cent
    "factor",  # an exact fraction "n/d"
    "millionths",  # an amount in millionths
    "price",
    "ratio",
    "measure",  # whatever its row is (tables only)
    "seconds",  # nanoseconds that last
    "clock",  # nanoseconds since 1970, the time of day
    "time",  # the same with the date
    "text",
    "name",  # an identifier: never broken
    "hash",
)
NUMERIC = frozenset(KINDS) - {"text", "name", "hash"}


def plain(value: Scalar) -> Any:
    """A value as it stands in JSON: decimals as text without exponent, all else as it is."""
    return format(value, "f") if isinstance(value, Decimal) else value


def exact(value: Scalar) -> str:
    """The value as one text, nothing lost: what stands in a ``value`` attribute and in CSV."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, float) else str(plain(value))


def show(kind: str, value: Scalar) -> str:
    """The text of a value of a kind, for reading."""
    if value is None or value == "":
        return NONE
    return _SHOW[kind](value)


def number(value: Scalar) -> Decimal:
    """The value as an exact decimal (a float as its shortest text)."""
    return Decimal(repr(value)) if isinstance(value, float) else Decimal(str(value))


def _digits(value: Decimal, places: int) -> str:
    text = f"{value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN, _WIDE):,f}"
    return _minus("0" if places == 0 and text in ("-0", "0") else text)


def _minus(text: str) -> str:
    bare = text.lstrip("-")
    if text.startswith("-"):
        return bare if not bare.strip("0.,") else MINUS + bare
    return text


def _count(value: Scalar) -> str:
    return _digits(number(value), 0)


def _amount(value: Scalar) -> str:
    """Three or four significant digits with k, m, bn, tn."""
    size = number(value)
    for scale, mark in _SIZES:
        if abs(size) >= scale:
            text = _digits(size / scale, 2 if abs(size) < 100 * scale else 1)
            if text.endswith("1,000.0") and mark != "tn":
                return _amount(scale * 1000 if size > 0 else -scale * 1000)  # 999.96k is 1.00m
            return text + mark
    if Decimal("999.995") <= abs(size) < 1000:
        return _amount(Decimal(1000).copy_sign(size))
    if size and abs(size) < Decimal("0.01"):
        return (
            _minus(f"{size:.2g}")
            if abs(size) >= Decimal("0.000001")
            else _minus(f"{size:.1E}").replace("E-", f"E{MINUS}")
        )
    return _digits(size, 0 if size == size.to_integral_value() else 2)


def _size(value: Scalar) -> str:
    return _amount(abs(number(value)))


def _signed(value: Scalar) -> str:
    return ("+" if number(value) > 0 else "") + _amount(value)


def _money(value: Scalar) -> str:
    size = number(value)
    if abs(size) >= 1000 or size == size.to_integral_value():
        return _digits(size, 0)
    return _digits(size, 2) if abs(size) >= Decimal("0.01") else _amount(value)


def _exact(value: Scalar) -> str:
    return _minus(f"{number(value):,f}")


def _share(value: Scalar) -> str:
    """A fraction of one in per cent with one decimal (two under one per cent, so that small is not nothing)."""
    part = number(value) * 100
    places = 0 if part == part.to_integral_value() else 1 if abs(part) >= 1 else 2
    return _digits(part, places) + NARROW + "%"


def _change(value: Scalar) -> str:
    return ("+" if number(value) > 0 else "") + _share(value)


def _price(value: Scalar) -> str:
    """Six significant digits."""
    size = number(value)
    if size == 0:
        return "0"
    places = max(0, 5 - size.adjusted())
    text = _digits(size, places)
    return text.rstrip("0").rstrip(".") if "." in text else text


def _part(value: Scalar) -> str:
    text = _digits(_fraction(value) * 100, 4)
    return (text.rstrip("0").rstrip(".") if "." in text else text) + NARROW + "%"


def _factor(value: Scalar) -> str:
    size = _fraction(value)
    text = _digits(size, 4)
    return text.rstrip("0").rstrip(".") if "." in text else text


def _fraction(value: Scalar) -> Decimal:
    top, _, bottom = str(value).partition("/")
    return Decimal(top) / Decimal(bottom or "1")


def _millionths(value: Scalar) -> str:
    return _amount(number(value) / 10**6)


def _seconds(value: Scalar) -> str:
    size = number(value) / 10**9
    for length, mark in ((86400, "d"), (3600, "h"), (60, "min")):
        if size and size % length == 0:
            return _digits(size / length, 0) + NARROW + mark
    text = _digits(size, 0) if size == size.to_integral_value() else _digits(size, 3).rstrip("0")
    return text + NARROW + "s"


def _ratio(value: Scalar) -> str:
    return _digits(number(value), 2)


def moment(time_ns: int) -> datetime:
    """Nanoseconds since 1970 as a UTC time (to the microsecond)."""
    return datetime.fromtimestamp(time_ns // 10**9, UTC).replace(microsecond=time_ns % 10**9 // 1000)


def _clock(value: Scalar) -> str:
    """Time of day, UTC; seconds only where there are some."""
    when = moment(int(number(value)))
    return f"{when:%H:%M:%S}" if when.second else f"{when:%H:%M}"


def _time(value: Scalar) -> str:
    return f"{moment(int(number(value))):%Y-%m-%d} {_clock(value)}"


def _text(value: Scalar) -> str:
    return exact(value)


_SHOW = {
    "count": _count,
    "amount": _amount,
    "size": _size,
    "signed": _signed,
    "money": _money,
    "exact": _exact,
    "change": _change,
    "share": _share,
    "part": _part,
    "factor": _factor,
    "millionths": _millionths,
    "seconds": _seconds,
    "price": _price,
    "ratio": _ratio,
    "clock": _clock,
    "time": _time,
    "text": _text,
    "name": _text,
    "hash": _text,
}

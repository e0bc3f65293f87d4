"""Decimal text in and out. The only place where a decimal becomes money."""

from __future__ import annotations

import re
from fractions import Fraction

from seawall.errors import ScaleError

_DECIMAL = re.compile(r"([+-]?)([0-9]+)(?:\.([0-9]*))?(?:[eE]([+-]?[0-9]{1,3}))?")


def parse_amount(text: str | int, scale: int, *, field: str = "", where: str = "", row: int | None = None) -> int:
    """The integer count of ``10**-scale`` units that a decimal text names, exactly.

    Raises:
        ScaleError: not a decimal number, or not whole at that scale (nothing is rounded).
    """
    if isinstance(text, int):
        return text * int(10**scale)
    match = _DECIMAL.fullmatch(text.strip())
    if match is None:
        raise ScaleError(
            "not a decimal number", where=where, row=row, field=field, value=text, expected="digits such as 1234.56"
        )
    sign, whole, fraction, exponent = match.groups()
    digits = whole + (fraction or "")
    shift = scale - len(fraction or "") + int(exponent or 0)
    number = int(digits)
    if shift >= 0:
        number *= 10**shift
    else:
        number, rest = divmod(number, 10**-shift)
        if rest:
            raise ScaleError(
                "too many decimals",
                where=where,
                row=row,
                field=field,
                value=text,
                expected=f"at most {scale} decimals",
            )
    return -int(number) if sign == "-" else int(number)


def format_amount(minor: int, scale: int) -> str:
    """The decimal text of an integer count of ``10**-scale`` units: exact, no exponent, no trailing zeros."""
    sign = "-" if minor < 0 else ""
    if scale == 0:
        return f"{minor}"
    whole, fraction = divmod(abs(minor), 10**scale)
    tail = f"{fraction:0{scale}d}".rstrip("0")
    return f"{sign}{whole}.{tail}" if tail else f"{sign}{whole}"


def exact_text(value: Fraction | int, *, places: int = 9) -> str:
    """A number as a decimal where at most ``places`` digits after the point give it exactly, else as n/d."""
    number = Fraction(value)
    scaled = number * 10**places
    if scaled.denominator != 1:
        return f"{number.numerator}/{number.denominator}"
    return format_amount(scaled.numerator, places)

"""Cells of a row as values, and a row of the markets table as an instrument; errors say where."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from seawall.errors import InputError
from seawall.market import Bracket, Brackets, Instrument, Kind, Right, scaled_price
from seawall.market.oracle import Quarantine
from seawall.money import Asset
from seawall.tables.keys import nearest
from seawall.tables.prices import text_times


def text_cell(row: dict[str, Any], key: str, default: str = "") -> str:
    """A cell as stripped text."""
    value = row.get(key)
    text = "" if value is None else str(value).strip()
    return text or default


def decimal_cell(row: dict[str, Any], key: str, where: str, number: int) -> Fraction:
    """A cell as an exact number."""
    value = row.get(key)
    text = repr(value) if isinstance(value, float) else str(value).strip()
    try:
        result = Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise InputError(
            "not a number", where=where, row=number, field=key, value=value, expected="a decimal such as 12.5"
        ) from None
    if abs(result) > 10**30:
        raise InputError("absurdly large", where=where, row=number, field=key, value=value, expected="at most 1e30")
    return result


def whole_cell(row: dict[str, Any], key: str, where: str, number: int, default: int | None = None) -> int:
    """A cell as a whole number."""
    if default is not None and not text_cell(row, key):
        return default
    value = decimal_cell(row, key, where, number)
    if value.denominator != 1:
        raise InputError("not a whole number", where=where, row=number, field=key, value=row.get(key))
    return int(value)


def choice_cell(row: dict[str, Any], key: str, allowed: list[str], default: str, where: str, number: int) -> str:
    """A cell as one of a set of names."""
    value = text_cell(row, key, default).lower()
    if value not in allowed:
        raise InputError(
            "unknown name", where=where, row=number, field=key, value=row.get(key), expected=nearest(value, allowed)
        )
    return value


def price_cell(row: dict[str, Any], key: str, scale: int, where: str, number: int) -> int:
    """A cell as a mark at a scale."""
    value = row.get(key)
    price = scaled_price(value if isinstance(value, float) else str(value).strip(), scale)
    if isinstance(price, Quarantine):
        raise InputError(
            f"bad price: {price.value.replace('_', ' ')}",
            where=where,
            row=number,
            field=key,
            value=value,
            expected="a price above 0",
        )
    return price


def market_of(row: dict[str, Any], where: str, number: int, assets: dict[str, Asset]) -> Instrument:
    """One row of the markets table."""
    settle = text_cell(row, "settle")
    if settle not in assets:
        raise InputError(
            "unknown asset", where=where, row=number, field="settle", value=settle, expected=nearest(settle, assets)
        )
    kind = Kind(choice_cell(row, "kind", [k.value for k in Kind], "perpetual", where, number))
    inverse = choice_cell(row, "inverse", ["true", "false", "1", "0", "yes", "no"], "false", where, number) in (
        "true",
        "1",
        "yes",
    )
    scale = whole_cell(row, "mark_scale", where, number)
    right = text_cell(row, "right").lower()
    try:
        return Instrument.of(
            text_cell(row, "market"),
            assets[settle],
            base=text_cell(row, "base"),
            quote=text_cell(row, "quote"),
            lot=decimal_cell(row, "lot", where, number),
            mark_scale=scale,
            brackets=_brackets(row, where, number, assets[settle]),
            kind=kind,
            inverse=inverse,
            tick=whole_cell(row, "tick", where, number, default=1),
            expiry_ns=_expiry(row, where, number) if text_cell(row, "expiry") else None,
            strike=price_cell(row, "strike", scale, where, number) if text_cell(row, "strike") else None,
            right=Right(choice_cell(row, "right", ["call", "put"], "", where, number)) if right else None,
        )
    except InputError as error:
        if error.row is None:
            raise type(error)(
                error.problem, where=where, row=number, field=error.field, value=error.value, expected=error.expected
            ) from None
        raise


def _expiry(row: dict[str, Any], where: str, number: int) -> int:
    import polars as pl

    frame = pl.DataFrame({"time": [text_cell(row, "expiry")], "row": [number]})
    return int(text_times(frame, where)[0]["time_ns"][0])


def _brackets(row: dict[str, Any], where: str, number: int, settle: Asset) -> Brackets:
    steps = []
    for part in filter(None, (p.strip() for p in text_cell(row, "brackets").split(";"))):
        try:
            floor, initial, maintenance = (Fraction(x.strip()) for x in part.split(":"))
        except (ValueError, ZeroDivisionError):
            raise InputError(
                "bad bracket",
                where=where,
                row=number,
                field="brackets",
                value=part,
                expected="floor:initial:maintenance",
            ) from None
        start = floor * 10**settle.book_scale
        if start.denominator != 1:
            raise InputError(
                "floor is finer than the asset's scale", where=where, row=number, field="brackets", value=part
            )
        steps.append(Bracket(int(start), initial, maintenance))
    mode = choice_cell(row, "bracket_mode", ["marginal", "whole"], "marginal", where, number)
    return Brackets.of(steps, marginal=mode == "marginal")

"""Rows of metrics as frames, and how they spread over seeds."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from seawall.replay.incidents import TOTALS
from seawall.replay.outcome import metrics_of

if TYPE_CHECKING:
    import polars as pl

QUARTERS = {"min": (0, 4), "q1": (1, 4), "median": (2, 4), "q3": (3, 4), "max": (4, 4)}
PRECISION = 38
WHOLE = ("seed",)  # columns of whole numbers that may have no value at all


def quantiles(values: Sequence[Decimal | int]) -> dict[str, Decimal | int]:
    """Minimum, quartiles and maximum by nearest rank: the ceil(p x n)-th smallest, at least the first.

    Each is a value that occurred, so amounts stay exact; of an even number the median is the lower middle.
    """
    ordered = sorted(values)
    found = {}
    for name, (num, den) in QUARTERS.items():
        rank = max(1, -(-num * len(ordered) // den))  # rounded up
        found[name] = ordered[rank - 1]
    return found


def intervals(rows: Sequence[dict[str, Any]], policies: Sequence[str]) -> list[dict[str, Any]]:
    """Per policy and metric the spread over rows that have a value. Values as decimal text."""
    out = []
    for policy in policies:
        mine = [r for r in rows if r["policy"] == policy]
        for metric in (m for m in metrics_of(mine) if m.kind != "name"):
            values = [Decimal(str(r[metric.name])) for r in mine if r[metric.name] is not None]
            if values:
                spread = {name: format(value, "f") for name, value in quantiles(values).items()}
                out.append(
                    {"policy": policy, "metric": metric.name, "kind": metric.kind, "count": len(values), **spread}
                )
    return out


def metric_frame(rows: Sequence[dict[str, Any]], layers: Iterable[dict[str, Any]], scale: int) -> pl.DataFrame:
    """Rows of metrics as a frame, with what each kind of layer paid beside: ``used_<kind>``, null where the policy has
    no such layer. Money as exact decimals, shares as floats."""
    import polars as pl

    layers = list(layers)
    used: dict[tuple[Any, ...], dict[str, Decimal]] = {}
    for layer in layers:
        mine = used.setdefault(_key(layer), {})
        spent = Decimal(layer["used"]) - Decimal(layer.get("paid_out") or 0)  # what a wind-down pays out bears no loss
        mine[layer["kind"]] = mine.get(layer["kind"], Decimal(0)) + spent
    kinds = _in_order(layers)
    money = pl.Decimal(PRECISION, scale)
    schema: dict[str, Any] = {"policy": pl.String, "seed": pl.Int64, "leverage": pl.String, "mark_rule": pl.String}
    types = {"count": pl.Int64, "money": money, "share": pl.Float64, "name": pl.String}
    schema |= {m.name: types[m.kind] for m in metrics_of(rows)}
    schema |= {f"used_{kind}": money for kind in kinds}
    schema |= {"conservation": pl.Boolean}
    schema |= dict.fromkeys(("policy_hash", "book_hash", "path_hash", "state_hash"), pl.String)
    data: dict[str, list[Any]] = {name: [] for name in schema}
    for row in rows:
        for name, kind in schema.items():
            if name.startswith("used_"):
                value: Any = used.get(_key(row), {}).get(name.removeprefix("used_"))
            else:
                value = row[name]
            if value is not None and kind == money:
                value = Decimal(value)
            data[name].append(float(value) if kind == pl.Float64 and value is not None else value)
    return pl.DataFrame(data, schema=schema)


def _in_order(layers: Sequence[dict[str, Any]]) -> list[str]:
    """Kinds of layers over all policies in the order of use: the further from the last layer of its policy, the
    earlier; so the residual is last."""
    cells: dict[tuple[Any, ...], list[str]] = {}
    for layer in layers:
        cells.setdefault(_key(layer), []).append(layer["kind"])
    place: dict[str, int] = {}
    for kinds in cells.values():
        for i, kind in enumerate(kinds):
            place[kind] = max(place.get(kind, 0), len(kinds) - i)
    return sorted(place, key=lambda kind: -place[kind])


def _key(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["policy"], row["seed"], row["leverage"], row["marks"]


INCIDENT_AMOUNTS = ("asked_for", *TOTALS, "withdrawn")


def incident_frame(rows: Sequence[dict[str, Any]], scale: int) -> pl.DataFrame:
    """Rows of incidents as a frame: amounts as exact decimals; what layers and classes were paid as JSON text."""
    import polars as pl

    money = pl.Decimal(PRECISION, scale)
    schema: dict[str, Any] = {"policy": pl.String, "seed": pl.Int64, "minute": pl.String, "time_ns": pl.Int64}
    schema |= dict.fromkeys(("kind", "status", "ruling", "event"), pl.String)
    schema |= dict.fromkeys(("commands", "accepted", "refused"), pl.Int64)
    schema |= dict.fromkeys(INCIDENT_AMOUNTS, money)
    schema |= dict.fromkeys(("paid_by", "back_to", "paid_out", "members", "reasons", "asked"), pl.String)
    data: dict[str, list[Any]] = {name: [] for name in schema}
    for row in rows:
        for name, kind in schema.items():
            value = row[name]
            value = Decimal(value) if kind == money else value
            data[name].append(json.dumps(value) if isinstance(value, dict | list) else value)
    return pl.DataFrame(data, schema=schema)


def text_frame(rows: Sequence[dict[str, Any]], amounts: Sequence[str], scale: int) -> pl.DataFrame:
    """Plain rows as a frame; columns of decimal text become exact decimals."""
    import polars as pl

    if not rows:
        return pl.DataFrame()
    money = pl.Decimal(PRECISION, scale)
    columns: dict[str, pl.Series] = {}
    for name in rows[0]:
        values = [r[name] for r in rows]
        if name in amounts:
            columns[name] = pl.Series(name, [None if v is None else Decimal(v) for v in values], dtype=money)
        else:
            empty = pl.Int64 if name in WHOLE else pl.String
            columns[name] = pl.Series(name, values, dtype=empty if all(v is None for v in values) else None)
    return pl.DataFrame(columns)

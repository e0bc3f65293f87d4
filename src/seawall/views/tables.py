"""A table: columns with unit and kind, rows of exact values; on a page, and as CSV, JSON and Parquet."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from seawall.views.document import Fig, join
from seawall.views.formats import NUMERIC, Scalar, exact, plain

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class Column:
    """One column. ``kind``: see ``formats.KINDS``; ``unit`` is shown in the heading."""

    key: str
    title: str
    kind: str = "text"
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of values by column key.

    Attributes:
        id: unique in a report; the name of its files, and its place in the document (``tables.ID``).
        title: what the table shows.
        best: {row number: {column key: "best" or "worst"}}, for comparisons; shown by a sign and a word.
        head: key of the column that names a row.
        shown: keys of the columns of the page; None: all. Files always have all.
        row_kinds: {row number: kind} of the cells of columns of kind "measure", whose rows are different things.
    """

    id: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[Mapping[str, Scalar], ...]
    note: str = ""
    best: Mapping[int, Mapping[str, str]] = field(default_factory=dict)
    head: str = ""
    shown: tuple[str, ...] | None = None
    row_kinds: Mapping[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        keys = {c.key for c in self.columns}
        for number, row in enumerate(self.rows):
            if set(row) != keys:
                raise ValueError(f"table {self.id}, row {number}: {sorted(set(row) ^ keys)} do not match the columns")

    @classmethod
    def of(
        cls, ident: str, title: str, columns: Sequence[Column], rows: Sequence[Sequence[Scalar]], **more: Any
    ) -> Table:
        """A table from rows in the order of the columns."""
        keyed = tuple(dict(zip((c.key for c in columns), row, strict=True)) for row in rows)
        return cls(ident, title, tuple(columns), keyed, **more)

    def as_json(self) -> dict[str, Any]:
        """Plain JSON data; amounts as decimal text."""
        return {
            "title": self.title,
            "columns": [{"key": c.key, "title": c.title, "kind": c.kind, "unit": c.unit} for c in self.columns],
            "rows": [{k: plain(v) for k, v in row.items()} for row in self.rows],
        }

    def to_json(self) -> str:
        """``as_json`` as text."""
        return json.dumps(self.as_json(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"

    def to_csv(self) -> str:
        """Heading of column keys, then exact values; nothing for no value.

        Text that a spreadsheet would take for a formula gets a quote in front.
        """
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow([c.key for c in self.columns])
        for row in self.rows:
            writer.writerow([_cell(row[c.key], c.kind) for c in self.columns])
        return out.getvalue()

    def frame(self) -> pl.DataFrame:
        """The table as a frame: counts int64, amounts and shares Decimal, prices float64, times int64."""
        import polars as pl

        series = [_series(pl, c, [row[c.key] for row in self.rows]) for c in self.columns]
        return pl.DataFrame(series)

    def to_parquet(self) -> bytes:
        """The frame as a Parquet file."""
        out = io.BytesIO()
        self.frame().write_parquet(out)
        return out.getvalue()

    def fig(self, row: int, key: str) -> Fig:
        """One cell as a figure."""
        kind = next(c.kind for c in self.columns if c.key == key)
        if kind == "measure":
            kind = self.row_kinds.get(row, "money")
        return Fig(join("tables", self.id, "rows", row, key), plain(self.rows[row][key]), kind)

    def html(self) -> Markup:
        """The table as page markup; it scrolls inside its own box when it is wider than the page."""
        columns = [c for c in self.columns if self.shown is None or c.key in self.shown]
        head = "".join(
            f'<th scope="col"{_side(c)}>{self._title(c)}'
            + (f' <span class="unit">{escape(c.unit)}</span>' if c.unit else "")
            + "</th>"
            for c in columns
        )
        body = "".join(self._row(number, columns) for number in range(len(self.rows)))
        if not self.rows:
            body = f'<tr><td colspan="{len(columns)}" class="none">none</td></tr>'
        return Markup(
            f'<div class="scroll" role="region" tabindex="0" aria-label="{escape(self.title)}">'
            f'<table id="t-{self.id}"><caption>{escape(self.title)}</caption>'
            f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
        )

    def _title(self, column: Column) -> str:
        """A heading; it may hold a name that data brought (a policy), so it carries its path too."""
        return Fig(
            join("tables", self.id, "columns", self.columns.index(column), "title"), column.title, "text"
        ).__html__()

    def _row(self, number: int, columns: Sequence[Column]) -> str:
        cells = []
        for column in columns:
            inner = self.fig(number, column.key).__html__()
            verdict = self.best.get(number, {}).get(column.key)
            if verdict:
                sign = {"best": "▲", "worst": "▼"}[verdict]
                inner += f' <span class="{verdict}" title="{verdict}">{sign}<span class="hid"> {verdict}</span></span>'
            if column.key == self.head:
                cells.append(f'<th scope="row"{_side(column)}>{inner}</th>')
            else:
                cells.append(f"<td{_side(column)}>{inner}</td>")
        return f"<tr>{''.join(cells)}</tr>"


def _side(column: Column) -> str:
    if column.kind in NUMERIC:
        return ' class="n"'
    return ' class="id"' if column.kind == "name" else ""


def _cell(value: Scalar, kind: str) -> str:
    text = exact(value)
    if kind not in NUMERIC and text[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return "'" + text
    return text


def _series(pl: Any, column: Column, values: list[Scalar]) -> Any:
    if column.kind in ("clock", "time", "count"):
        return pl.Series(column.key, [None if v is None else int(v) for v in values], dtype=pl.Int64)
    if column.kind == "price":
        return pl.Series(column.key, [None if v is None else float(v) for v in values], dtype=pl.Float64)
    if column.kind not in NUMERIC:
        return pl.Series(column.key, [None if v is None else str(v) for v in values], dtype=pl.String)
    exact_values = [None if v is None else Decimal(exact(v)) for v in values]
    scale = max((max(0, -int(v.as_tuple().exponent)) for v in exact_values if v is not None), default=0)
    return pl.Series(column.key, exact_values, dtype=pl.Decimal(38, scale))

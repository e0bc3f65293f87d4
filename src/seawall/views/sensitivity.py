"""How much the answer hangs on the draw of the generated book: many seeds, more and less leverage."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from seawall.views.document import Document, Fig, Parts
from seawall.views.figure import Figure
from seawall.views.material import Material
from seawall.views.measures import MEASURES, Measure, exact
from seawall.views.page import Block, Commands, Prose, Section
from seawall.views.spreads import SPREAD, Strip, strips
from seawall.views.svg import Svg
from seawall.views.tables import Column, Table

TITLE = "How much hangs on the generated book"
SHOWN = ("liquidated_accounts", "backstop_pnl", "bad_debt", "deleveraged_notional", "collected", "residual")
NAMES = ("one seed", "middle half", "the seed of this run", "less leverage", "more leverage")


def sensitivity_section(material: Material, doc: Document) -> Section:
    """Read from what lies beside the run; says how to get it where it is missing."""
    if material.summary["book"]["kind"] != "generated":
        said = "The book is the venue’s own, not generated: there is no draw to vary."
        return Section("sensitivity", TITLE, [Prose([said])])
    found = material.sensitivity
    if found is None or not found["rows"]:
        name = "RUN" if material.path is None else material.path.name
        lines = [
            "from seawall.replay.sensitivity import sensitivity",
            f'sensitivity("{material.summary["book"]["source"].get("generator", "")}", ...).write("{name}")',
        ]
        said = "Not run for this report. The demo does it after its main run; for another run, in Python:"
        return Section("sensitivity", TITLE, [Prose([said]), Commands(lines)])
    doc.data["sensitivity"] = {k: v for k, v in found.items() if k not in ("layers", "notes")}
    table = _table(material, found)
    return Section("sensitivity", TITLE, [Prose(_said(found, doc)), *_figure(material, found, doc, table), table])


def _said(found: dict[str, Any], doc: Document) -> Parts:
    out: Parts = [
        "The same event and rules on other draws of the book: ",
        doc.fig("sensitivity.statement", "text"),
        ".",
    ]
    if found["accounts"] != found["accounts_given"]:
        out = [
            *out,
            " Depth was cut alike (to ",
            doc.fig("sensitivity.depth_share", "part"),
            " of the run’s), so that forced orders weigh as much; amounts are of books of that size and are not scaled up.",
        ]
    for key, before, after in (
        ("backstop_gained", " The backstop gained in ", " seeds."),
        ("residual_left", " Something was left unpaid in ", "."),
    ):
        if found.get(key):
            out = [
                *out,
                before,
                doc.fig(f"sensitivity.{key}.count", "count"),
                " of ",
                doc.fig(f"sensitivity.{key}.of", "count"),
                after,
            ]
    if found["failed"] or found["missing"]:
        doc.put("sensitivity", failed=len(found["failed"]), missing=len(found["missing"]))
        failed, missing = (doc.derived("sensitivity", k, "count") for k in ("failed", "missing"))
        out = [*out, " Not all could be run: ", failed, " failed, ", missing, " are missing."]
    return out


def _own(found: dict[str, Any]) -> dict[str, Any] | None:
    """The row of the run's own seed."""
    seeds = [r for r in found["rows"] if r["case"] == "seed"]
    return next((r for r in seeds if r["seed"] == found["seeds"][0]), None)


def _levered(found: dict[str, Any], lower: bool) -> dict[str, Any] | None:
    own = _own(found)
    rows = [r for r in found["rows"] if r["case"] == "leverage"]
    if own is None or not rows:
        return None
    row = (min if lower else max)(rows, key=lambda r: _fraction(r["leverage"]))
    return row if (_fraction(row["leverage"]) < _fraction(own["leverage"])) == lower else None


def _fraction(text: str) -> Decimal:
    top, _, bottom = str(text).partition("/")
    return Decimal(top) / Decimal(bottom or "1")


def _table(material: Material, found: dict[str, Any]) -> Table:
    """One row a metric: the spread over the seeds, the run's own seed, and its two other leverages."""
    spread = {row["metric"]: row for row in found["summary"]}
    own, less, more = _own(found), _levered(found, True), _levered(found, False)
    columns = [
        Column("key", "metric", "name"),
        Column("measure", "over the seeds"),
        Column("kind", "kind", "name"),
        *(
            Column(k, t, "measure")
            for k, t in (
                *SPREAD,
                ("own", "seed of this run"),
                ("less", "less leverage"),
                ("more", "more leverage"),
            )
        ),
    ]
    rows: list[list[Any]] = []
    kinds: dict[int, str] = {}
    for measure in MEASURES:
        row = spread.get(measure.key)
        if row is None:
            continue
        kinds[len(rows)] = measure.kind
        unit = f", {material.unit}" if measure.kind == "money" else ""
        rows.append(
            [
                measure.key,
                measure.title + unit,
                measure.kind,
                *(_value(measure, row[k]) for k in ("min", "q1", "median", "q3", "max")),
                *(None if r is None else exact(measure, r[measure.key]) for r in (own, less, more)),
            ]
        )
    hidden = {"key", "kind"} | ({"less", "more"} if less is None and more is None else set())
    shown = tuple(c.key for c in columns if c.key not in hidden)
    title = "Spread over the seeds (each value one that occurred)"
    return Table.of("sensitivity", title, columns, rows, head="measure", shown=shown, row_kinds=kinds)


def _value(measure: Measure, text: str) -> Decimal | int:
    return int(text) if measure.kind == "count" else Decimal(text)


def _figure(material: Material, found: dict[str, Any], doc: Document, table: Table) -> list[Block]:
    seeds = [r for r in found["rows"] if r["case"] == "seed"]
    own, less, more = _own(found), _levered(found, True), _levered(found, False)
    places = {str(row["key"]): n for n, row in enumerate(table.rows)}
    rows = []
    for measure in MEASURES:
        number = places.get(measure.key)
        if measure.key not in SHOWN or number is None:
            continue
        row = table.rows[number]
        if row["min"] == row["max"] and measure.key != "liquidated_accounts":
            continue  # nothing to see: the table says it
        rows.append(
            Strip(
                [str(row["measure"])],
                [float(r[measure.key]) for r in seeds if r[measure.key] is not None],
                _float(own, measure),
                float(str(row["q1"])),
                float(str(row["median"])),
                float(str(row["q3"])),
                [
                    _short(table, number, "min"),
                    " to ",
                    _short(table, number, "max"),
                    ", median ",
                    _short(table, number, "median"),
                ],
                _float(less, measure),
                _float(more, measure),
            )
        )
    if not rows:
        return []
    names = NAMES if less is not None or more is not None else NAMES[:3]

    def draw(ident: str, width: float) -> Svg:
        told = "; ".join(f"{r.name[0]} {''.join(map(str, r.label))}" for r in rows)
        return strips(ident, width, rows, f"Spread over seeds: {told}", names)

    number = places["liquidated_accounts"]
    title: Parts = [
        "Over the seeds ",
        _short(table, number, "min"),
        " to ",
        _short(table, number, "max"),
        " accounts were liquidated",
    ]
    if found.get("backstop_gained"):
        title = [
            *title,
            ", and the backstop gained in ",
            doc.fig("sensitivity.backstop_gained.count", "count"),
            " of ",
            doc.fig("sensitivity.backstop_gained.of", "count"),
        ]
    caption: Parts = [
        "Each row has a scale of its own. Metrics that came out the same for every seed are in the table only."
    ]
    if names == NAMES:
        caption = [
            *caption,
            " Triangles: the run’s own seed with less and with more leverage (a quarter, unless asked otherwise).",
        ]
    return [Figure("sensitivity", title, caption, draw)]


def _float(row: dict[str, Any] | None, measure: Measure) -> float | None:
    return None if row is None or row[measure.key] is None else float(row[measure.key])


def _short(table: Table, number: int, key: str) -> Fig:
    fig = table.fig(number, key)
    return Fig(fig.path, fig.value, "amount" if fig.kind == "money" else fig.kind)

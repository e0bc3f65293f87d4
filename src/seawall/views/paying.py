"""Who pays, in order: the waterfall as a table and as a picture; the backstop's profit and loss by source."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from seawall.engine import Policy
from seawall.views.bars import Bar, bars
from seawall.views.document import Document, Fig, Parts
from seawall.views.figure import Figure
from seawall.views.material import Material
from seawall.views.svg import Svg
from seawall.views.tables import Column, Table
from seawall.views.waterfall import Rung, waterfall

DOES = {
    "backstop": "takes over positions with what margin is left, and works them out",
    "account": "pays cash",
    "deleverage": "winners on the other side are closed by rule",
    "gains_haircut": "unrealised gains are cut by one rate",
    "residual": "what nobody paid",
}
SOURCES = {
    "take_over_value": "profit or loss of positions when taken over",
    "margin_received": "margin received with them",
    "fills": "its own orders’ fills against the mark",
    "fees": "liquidation fees received",
    "draws": "paid towards losses",
    "deleveraging": "winners closed against it, against the mark",
    "covered": "paid by others for its own losses",
    "marks": "marks moving while held, and funding",
}


def waterfall_table(material: Material) -> Table:
    """The layers in order of use: before, gained, used, after, and the loss still unpaid below each."""
    unit = material.unit
    rows = material.rows("layers")
    left = unpaid_below(material.summary, rows, material.policy)
    columns = [
        Column("layer", "layer", "name"),
        Column("kind", "kind"),
        Column("does", "what it does"),
        Column("account", "account"),
        *(Column(k, k, "money", unit) for k in ("before", "gained", "used", "after")),
        Column("net", "net", "money", unit),
        Column("unpaid_below", "loss still unpaid below", "money", unit),
    ]
    cells = []
    for number, row in enumerate(rows):
        before, after = row["before"], row["after"]
        cells.append(
            [
                row["layer"],
                row["kind"],
                DOES.get(row["kind"], row["kind"].replace("_", " ")),
                row["account"] or None,
                before,
                row["gained"] if before is not None else None,
                row["used"],
                after,
                None if before is None else after - before,
                None if left is None else left[number],
            ]
        )
    return Table.of(
        "waterfall",
        "Who pays, in order",
        columns,
        cells,
        head="layer",
        shown=("layer", "does", "before", "gained", "used", "after", "net", "unpaid_below"),
    )


def unpaid_below(
    summary: dict[str, Any], rows: Sequence[dict[str, Any]], policy: Policy | None
) -> list[Decimal] | None:
    """The part of all losses that is still unpaid below each layer.

    A house account pays what it drew towards losses, a haircut what it took; deleveraging bears the rest of what did not stay a
    residual. None where that cannot be told apart: several layers drawing on one account, or several that deleverage.
    """
    draws = {r["name"]: -Decimal(r["by_source"]["draws"]) for r in summary["layers"]}
    accounts = [r["account"] for r in rows if r["kind"] == "account"]
    deleverages = sum(1 for r in rows if r["kind"] == "deleverage")
    if len(set(accounts)) < len(accounts) or deleverages > 1:
        return None
    loss, residual = Decimal(summary["bad_debt"]), Decimal(summary["residual"])
    haircut = Decimal(summary["haircut"]["amount"])
    drawn = sum((draws.get(a, Decimal(0)) for a in accounts), Decimal(0))
    rest = loss - residual - haircut - drawn
    if rest < 0 or (rest > 0 and not deleverages):
        return None
    out, left = [], loss
    for row in rows:
        if row["kind"] == "account":
            left -= draws.get(row["account"], Decimal(0))
        elif row["kind"] == "gains_haircut":
            left -= haircut
        elif row["kind"] == "deleverage":
            left -= rest
        out.append(left)
    return out


def waterfall_figure(material: Material, doc: Document, table: Table) -> Figure:
    """The picture over the table."""
    unit = material.unit
    loss = doc.fig("bad_debt", "amount")
    source: Parts = [
        doc.fig("liquidated.accounts", "count"),
        " accounts came under liquidation. The market took ",
        doc.fig("liquidated.notional", "amount"),
        f" {unit}; the backstop took over ",
        doc.fig("taken_over.notional", "amount"),
        f" {unit} of ",
        doc.fig("taken_over.accounts", "count"),
        " accounts.",
    ]
    if not any(r["kind"] == "backstop" for r in table.rows):
        source = [*source[:3], f" {unit}."]
    rungs = [_rung(material, doc, table, number) for number in range(len(table.rows))]

    def draw(ident: str, width: float) -> Svg:
        told = "; ".join(
            f"{r.name}: " + (f"before {r.before}, gained {r.gained}, " if r.before else "") + f"used {r.used}"
            for r in rungs
        )
        return waterfall(ident, width, source, loss, rungs, f"Waterfall in {unit}. {told}")

    caption: Parts = [
        f"Amounts in {unit}; all bars share one scale. The stream at the left is the loss beyond the traders’ margin that is",
        " still unpaid: dotted where there is none. Before + gained − used = after.",
    ]
    return Figure("waterfall", _waterfall_title(material, doc), caption, draw)


def _rung(material: Material, doc: Document, table: Table, number: int) -> Rung:
    row = table.rows[number]

    def cell(key: str) -> Fig | None:
        if row[key] is None:
            return None
        fig = table.fig(number, key)
        return Fig(fig.path, fig.value, "amount")

    used = cell("used")
    assert used is not None
    deleverage = row["kind"] == "deleverage"
    needed = doc.fig("deleveraged.needed", "amount") if deleverage and doc.get("deleveraged.needed") else None
    ground = row["kind"] == "residual"
    does: Parts = [str(row["does"])]
    if deleverage and doc.get("deleveraged.accounts"):
        does = [
            *does,
            ": ",
            doc.fig("deleveraged.accounts", "count"),
            " accounts, ",
            doc.fig("deleveraged.notional", "amount"),
            " closed",
        ]
        if material.summary["deleveraged"]["of_backstop_notional"] != "0":
            does = [*does, ", of it ", doc.fig("deleveraged.of_backstop_notional", "amount"), " held by the backstop"]
    return Rung(
        str(row["layer"]).replace("_", " "),
        does,
        used,
        cell("before"),
        cell("gained"),
        cell("after"),
        needed,
        None if ground else cell("unpaid_below"),
        ground,
    )


def _waterfall_title(material: Material, doc: Document) -> Parts:
    unit = material.unit
    if Decimal(material.summary["residual"]) > 0:
        return ["The layers did not suffice: ", doc.fig("residual", "amount"), f" {unit} stayed unpaid"]
    if Decimal(material.summary["bad_debt"]) > 0:
        return ["Losses of ", doc.fig("bad_debt", "amount"), f" {unit} went down the layers; all of it was paid"]
    return ["No account lost more than its margin before somebody took it over"]


def backstop_blocks(material: Material, doc: Document) -> tuple[Figure, Table] | None:
    """The backstop's profit and loss by source; None when the policy has no backstop."""
    pnl = material.summary.get("backstop_pnl")
    if not pnl:
        return None
    unit = material.unit
    doc.data["backstop_pnl"] = dict(pnl)
    names = [k for k in pnl if k != "total"]
    columns = [Column("source", "source"), Column("says", "what it is"), Column("amount", "amount", "money", unit)]
    rows = [[k, SOURCES.get(k, k.replace("_", " ")), Decimal(pnl[k])] for k in names]
    rows.append(["total", "after less before", Decimal(pnl["total"])])
    table = Table.of(
        "backstop", "The backstop’s profit and loss by source", columns, rows, head="says", shown=("says", "amount")
    )
    figs = [doc.fig(f"backstop_pnl.{k}", "signed") for k in [*names, "total"]]

    def draw(ident: str, width: float) -> Svg:
        lines = [
            Bar([str(row[1])], [(float(str(row[2])), 2 if Decimal(str(row[2])) < 0 else 3)], [fig])
            for row, fig in zip(rows, figs, strict=True)
            if row[2]
        ]
        told = ", ".join(f"{row[1]} {fig}" for row, fig in zip(rows, figs, strict=True))
        return bars(ident, width, lines, unit, f"Backstop: {told}")

    total = Decimal(pnl["total"])
    doc.put("backstop", result=abs(total))
    title: Parts = [
        "The backstop " + ("made " if total >= 0 else "lost "),
        doc.derived("backstop", "result", "amount"),
        f" {unit}",
    ]
    caption: Parts = [
        "Gains to the right, losses hatched to the left; sources without any are in the table only. The parts sum exactly to",
        " after less before.",
    ]
    return Figure("backstop", title, caption, draw), table

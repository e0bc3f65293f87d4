"""Who pays, in order: the waterfall as a table and as a picture; the backstop's profit and loss by source."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

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
    "gains_haircut": "gains are cut by one rate",
    "own_contribution": "pays what the defaulter’s own member had paid in",
    "members": "the other members’ contributions pay, pro rata",
    "assessment": "members are called for cash, within their caps",
    "open_interest": "every open lot of the loss’s market pays the same",
    "cash_haircut": "every balance is cut by one rate",
    "withdrawal_rate": "withdrawals pay it off, at one rate below one",
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
    "charged": "charged on its open positions",
    "recovered": "recoveries received",
    "reinstated": "put in by the owner",
    "auctions": "paid or received in auctions of its positions or surplus",
    "passed_on": "passed on of what it earned",
    "paid_out": "paid out in the wind-down",
    "written_off": "written off in the wind-down",
    "marks": "marks moving while held, and funding",
}


def waterfall_table(material: Material) -> Table:
    """The layers in order of use: before, gained, used, after, and the loss still unpaid below each."""
    unit = material.unit
    rows = material.rows("layers")
    left = unpaid_below(material.summary, rows)
    columns = [
        Column("layer", "layer", "name"),
        Column("kind", "kind"),
        Column("does", "what it does"),
        Column("account", "account"),
        *(Column(k, k, "money", unit) for k in ("before", "gained", "used", "after")),
        Column("paid", "paid towards losses", "money", unit),
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
                row["paid"],
                None if before is None else after - before,
                left[number],
            ]
        )
    return Table.of(
        "waterfall",
        "Who pays, in order",
        columns,
        cells,
        head="layer",
        shown=("layer", "does", "before", "gained", "used", "after", "paid", "unpaid_below"),
    )


def unpaid_below(summary: dict[str, Any], rows: Sequence[dict[str, Any]]) -> list[Decimal]:
    """The part of all losses that is still unpaid below each layer; below the last of them the residual."""
    out, left = [], Decimal(summary["losses"]["amount"])
    for row in rows:
        left -= row["paid"] if row["kind"] != "residual" else 0
        out.append(left)
    return out


def waterfall_figure(material: Material, doc: Document, table: Table) -> Figure:
    """The picture over the table."""
    unit = material.unit
    loss = doc.fig("losses.amount", "amount")
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
    others = [cause for cause in material.summary["losses"]["by_cause"] if cause != "default"]
    called = "Losses beyond margin, and of the venue itself" if others else "Losses beyond the traders’ margin"
    rungs = [_rung(material, doc, table, number) for number in range(len(table.rows))]

    def draw(ident: str, width: float) -> Svg:
        told = "; ".join(
            f"{r.name}: " + (f"before {r.before}, gained {r.gained}, " if r.before else "") + f"used {r.used}"
            for r in rungs
        )
        return waterfall(ident, width, source, loss, rungs, f"Waterfall in {unit}. {told}", loss_name=called)

    caption: Parts = [
        f"Amounts in {unit}; all bars share one scale. The stream at the left is the loss beyond the traders’ margin that is",
        " still unpaid: dotted where there is none. Before + gained − used = after.",
    ]
    if any(r["account"] == "member contributions" for r in table.rows):
        caption = [*caption, " The contributions of all members are shown as one balance."]
    if material.summary.get("wind_down") is not None:
        caption = [*caption, " Used includes what was paid out or written off when the venue was wound down."]
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
    does: Parts = [str(row["does"]), *_reached(material, doc, str(row["kind"]))]
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


# How many a kind of layer reached: where the document says it, and what they are called.
REACHED = {
    "members": ("members.contributors", "contributions"),
    "assessment": ("members.callees", "members"),
    "open_interest": ("socialised.charged_accounts", "accounts"),
    "cash_haircut": ("socialised.cut_accounts", "accounts"),
}


def _reached(material: Material, doc: Document, kind: str) -> Parts:
    path, what = REACHED.get(kind, ("", ""))
    same = sum(1 for rule in material.summary["policy"]["layers"] if REACHED.get(rule["kind"], ("",))[0] == path)
    if not path or not doc.get(path) or same > 1:
        return []
    return [": ", doc.fig(path, "count"), f" {what}"]


def _waterfall_title(material: Material, doc: Document) -> Parts:
    unit = material.unit
    if Decimal(material.summary["residual"]) > 0:
        return ["The layers did not suffice: ", doc.fig("residual", "amount"), f" {unit} stayed unpaid"]
    if Decimal(material.summary["losses"]["amount"]) > 0:
        return ["Losses of ", doc.fig("losses.amount", "amount"), f" {unit} went down the layers; all of it was paid"]
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

    passed = -Decimal(pnl.get("passed_on", "0"))
    earned = Decimal(pnl["total"]) + passed
    doc.put("backstop", result=abs(earned))
    title: Parts = [
        "The backstop " + ("made " if earned >= 0 else "lost "),
        doc.derived("backstop", "result", "amount"),
        f" {unit}",
    ]
    if passed:
        doc.put("backstop", passed_on=passed)
        title = [*title, ", and passed on ", doc.derived("backstop", "passed_on", "amount"), f" {unit}"]
    caption: Parts = [
        "Gains to the right, losses hatched to the left; sources without any are in the table only. The parts sum exactly to",
        " after less before.",
    ]
    return Figure("backstop", title, caption, draw), table

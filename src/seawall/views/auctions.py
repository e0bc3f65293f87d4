"""Portfolios that were auctioned: who bid what against the mark and the reserve, as a picture and a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from seawall.replay.auctions import LOST, NO_BID, WON
from seawall.views.document import Document, Fig, Parts
from seawall.views.figure import Figure
from seawall.views.material import Material
from seawall.views.page import Block, Prose
from seawall.views.scales import Linear, nice_ticks
from seawall.views.svg import Svg, text_width
from seawall.views.tables import Column, Table

SHOWN, ROW = 10, 26.0
KEYS = (("winner", "dot"), ("competitive", "dot3"), ("poor", "dot2"), ("refused", "ghost"))


@dataclass(frozen=True, slots=True)
class Sale:
    """One auction: ``bids`` are (amount, place in ``KEYS``), valid or not; the winner's is the first of its tier."""

    record: int
    time_ns: int
    account: str
    notional: Decimal
    reserve: Decimal
    bids: tuple[tuple[Decimal, str], ...]
    winner: str
    paid: Decimal | None
    refused: int
    none: int


def portfolio_auctions(material: Material, doc: Document) -> list[Block]:
    """Nothing for a run in which no portfolio was auctioned by the policy's terms."""
    sales = _sales(material.rows("bids") if "bids" in material.frames else [])
    if not sales:
        return []
    unit = material.unit
    said: Parts = [
        doc.fig("auctions.won", "count"),
        " of ",
        doc.fig("auctions.held", "count"),
        " portfolios offered to the members were sold, worth ",
        doc.fig("auctions.notional", "amount"),
        f" {unit} at the mark; accounts in default paid ",
        doc.fig("auctions.cost", "amount"),
        " to have them taken, ",
        doc.fig("auctions.thin", "count"),
        " found fewer than two valid bids. Bids are a model’s, not members’.",
    ]
    table = _table(sales, unit)
    largest = sorted(sorted(range(len(sales)), key=lambda i: (-sales[i].notional, sales[i].record))[:SHOWN])
    names = [Fig(table.fig(i, "account").path, sales[i].account, "text") for i in largest]
    figure = Figure(
        "bids",
        ["What members bid for the largest portfolios"],
        [
            "Every dot is a bid, as a share of the portfolio’s notional: at zero the portfolio goes at the mark, to the left the "
            "bidder asks to be paid. Bids that did not count are hollow. The reserve of each is in the table.",
        ],
        lambda ident, width: _draw(ident, width, [sales[i] for i in largest], names),
    )
    return [Prose(said), figure, table]


def _sales(rows: Sequence[dict[str, Any]]) -> list[Sale]:
    by_record: dict[int, list[dict[str, Any]]] = {}
    for row in rows:
        if row["notional"]:
            by_record.setdefault(row["record"], []).append(row)
    return [_sale(found) for found in by_record.values()]


def _sale(rows: list[dict[str, Any]]) -> Sale:
    won = next((r for r in rows if r["outcome"] == WON), None)
    bids = [
        (Decimal(r["bid"]), r["tier"] if r["outcome"] in (WON, LOST) else "refused")
        for r in rows
        if r["bid"] is not None
    ]
    first = rows[0]
    return Sale(
        first["record"],
        first["time_ns"],
        first["account"],
        Decimal(first["notional"]),
        Decimal(first["reserve"]),
        tuple(bids),
        "" if won is None else won["member"],
        None if won is None else Decimal(won["bid"]),
        sum(style == "refused" for _, style in bids),
        sum(r["outcome"] == NO_BID for r in rows),
    )


def _table(sales: Sequence[Sale], unit: str) -> Table:
    columns = [
        Column("account", "account in default", "name"),
        Column("time_ns", "decided", "clock", "UTC"),
        Column("notional", "portfolio at the mark", "money", unit),
        Column("reserve", "most paid to a winner", "money", unit),
        Column("valid", "valid bids", "count"),
        Column("refused", "refused", "count"),
        Column("none", "no bid", "count"),
        Column("winner", "winner", "name"),
        Column("paid", "winner’s bid", "money", unit),
        Column("record", "record", "count"),
    ]
    rows = [
        [
            s.account,
            s.time_ns,
            s.notional,
            s.reserve,
            len(s.bids) - s.refused,
            s.refused,
            s.none,
            s.winner,
            s.paid,
            s.record,
        ]
        for s in sales
    ]
    note = "A bid below zero is what the winner was paid by the account in default to take its positions at the mark."
    return Table.of("auctions", "Portfolios auctioned among the members", columns, rows, head="account", note=note)


def _draw(ident: str, width: float, sales: Sequence[Sale], accounts: Sequence[Fig]) -> Svg:
    """One line a portfolio, on one scale of shares of notional. ``accounts``: their names, with where they stand."""
    names = max(text_width(s.account) for s in sales) + 12
    shares = [float(100 * amount / s.notional) for s in sales for amount, _ in s.bids]  # a place, not money
    ticks = nice_ticks(min([0.0, *shares]), max([0.0, *shares]), 3 if width < 480 else 5)
    x, head = Linear(ticks[0], ticks[-1], names + 6, width - 8), 24.0
    bottom = head + ROW * len(sales)
    svg = Svg(ident, width, bottom + 34, "Bids for each portfolio as a share of its notional, against the mark at zero")
    place = 0.0
    for name, style in KEYS:
        _dot(svg, place + 6, 9, style)
        svg.text(place + 15, 13, name, "lbl")
        place += 15 + text_width(name) + 14
    for tick in ticks:
        svg.line(x(tick), head, x(tick), bottom, "axis" if tick == 0 else "grid")
        half = text_width(_percent(tick), 11) / 2
        svg.text(min(max(x(tick), half), width - half), bottom + 14, _percent(tick), "tick", anchor="middle")
    svg.text(width, bottom + 29, "bid, % of notional; 0: the mark", "tick", anchor="end")
    styles = dict(KEYS)
    for number, (sale, account) in enumerate(zip(sales, accounts, strict=True)):
        y = head + ROW * number + ROW / 2
        svg.text(0, y + 4, account, "lbl")
        svg.line(x(ticks[0]), y, x(ticks[-1]), y, "grid")
        for amount, style in sorted(sale.bids, key=lambda b: b[1] == "winner"):  # the winner on top
            _dot(svg, x(float(100 * amount / sale.notional)), y, styles[style])
    return svg


def _dot(svg: Svg, x: float, y: float, style: str) -> None:
    svg.add("circle", cx=x, cy=y, r=5.5 if style == "dot" else 4, class_=style)


def _percent(value: float) -> str:
    return f"{value:g}".replace("-", "−")

"""Who paid: how concentrated it was, by market, by size class, and the accounts hit hardest."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from seawall.views.bars import Bar, bars
from seawall.views.document import Document, Fig, Parts
from seawall.views.figure import Figure
from seawall.views.material import Material
from seawall.views.page import Block, Prose
from seawall.views.spreads import lorenz, lorenz_picture
from seawall.views.svg import Svg
from seawall.views.tables import Column, Table

HARDEST = 20
MARKETS = 25
MEASURES = {
    "deleveraged_notional": "notional of winners closed by deleveraging",
    "deleveraged": "what winners gave up (against the mark, and by haircut)",
    "losses": "losses left unpaid by their own margin",
    "members": "what members’ contributions and cash calls paid",
    "socialised": "what open positions, balances and withdrawals paid",
}
OUTSIDERS = ("members", "socialised")  # said only where a policy asks them
OUTCOMES = {
    "restored": "got back above its requirement",
    "closed": "closed in the market",
    "auctioned": "sold by auction among the members",
    "taken_over": "taken over by the backstop",
    "deleveraged": "bankrupt, closed against winners",
    "still_open": "still open at the end",
    "winner_deleveraged": "elsewhere a winner, deleveraged",
    "winner_haircut": "elsewhere a winner, gains cut",
    "contribution_used": "its contribution paid for others",
    "called": "called to pay for others",
    "charged": "its open position was charged",
    "cash_cut": "its balance was cut",
    "withdrawal_cut": "its withdrawal was cut",
    "recovered": "received a recovery",
}
SHARED = {
    "contribution_used": "out of its contribution",
    "called": "called from it",
    "charged": "charged on open positions",
    "cash_cut": "cut from its balance",
    "withdrawal_cut": "cut from withdrawals",
    "recovered": "recovered later",
}


def bearing(material: Material, doc: Document) -> list[Block]:
    """Everything on who paid."""
    blocks: list[Block] = []
    figure = _lorenz(material, doc)
    if figure is None:
        nobody = "Nobody was deleveraged, and no gains were cut."
        if Decimal(material.summary["haircut"]["amount"]):
            nobody = "Nobody was deleveraged; gains were cut."
        blocks.append(Prose([nobody]))
    else:
        blocks.append(figure)
    blocks.append(_concentration(material))
    hit = _hardest(material)
    if hit.rows:
        blocks += [hit, Prose([RANK_SAYS], quiet=True)]
    fallen = _fallen(material)
    if fallen.rows:
        blocks.append(fallen)
    sharers = _sharers(material)
    if sharers.rows:
        blocks.append(sharers)
    blocks += [*_by_market(material, doc), *_by_class(material, doc)]
    return blocks


RANK_SAYS = (
    "Rank: place in the queue of its market and side when it was closed, the first being one; empty where the rule has no queue. "
    "Given up: what the account would have had more at the mark of that moment; negative: it was closed at a better price."
)


def _concentration(material: Material) -> Table:
    found = material.summary["concentration"]
    columns = [
        Column("measure", "measure"),
        Column("says", "what was borne"),
        Column("accounts", "accounts", "count"),
        *(Column(f"top{k}", f"largest {word}", "share") for k, word in ((1, "one"), (10, "ten"), (20, "twenty"))),
        Column("gini", "Gini", "ratio"),
    ]
    rows = [
        [name, says, found[name]["accounts"], *(_decimal(found[name][k]) for k in ("top1", "top10", "top20", "gini"))]
        for name, says in MEASURES.items()
        if name in found and (name not in OUTSIDERS or found[name]["accounts"])
    ]
    return Table.of(
        "concentration",
        "How concentrated it was: share borne by the largest",
        columns,
        rows,
        head="says",
        shown=("says", "accounts", "top1", "top10", "top20", "gini"),
    )


def _decimal(text: Any) -> Decimal | None:
    return None if text is None else Decimal(str(text))


def _lorenz(material: Material, doc: Document) -> Figure | None:
    found = material.summary["concentration"].get("deleveraged_notional")
    values = [float(v) for v in material.amounts("accounts", "deleveraged_notional") if v > 0]
    if not found or not values:
        return None
    points = lorenz(values)
    gini = doc.fig("concentration.deleveraged_notional.gini", "ratio")
    top = doc.fig("concentration.deleveraged_notional.top20", "share")
    shares = [
        (name, float(found[key]), doc.fig(f"concentration.deleveraged_notional.{key}", "share"))
        for name, key in (("largest one", "top1"), ("largest ten", "top10"), ("largest twenty", "top20"))
    ]

    def draw(ident: str, width: float) -> Svg:
        return lorenz_picture(
            ident, width, points, ["Gini ", gini], shares, f"Lorenz curve, Gini {gini}; top twenty {top}"
        )

    count = doc.fig("concentration.deleveraged_notional.accounts", "count")
    title: Parts = ["The twenty accounts hit hardest bore ", top, " of what was deleveraged"]
    if found["accounts"] <= HARDEST:
        title = [count, " accounts bore all of what was deleveraged"]
    caption: Parts = [
        "Accounts hit (",
        count,
        ") from the smallest to the largest. The further the curve hangs under the line, the fewer bore",
        " most of it.",
    ]
    return Figure("lorenz", title, caption, draw)


def _by_market(material: Material, doc: Document) -> list[Block]:
    unit = material.unit
    rows = [
        r
        for r in sorted(material.rows("markets"), key=lambda r: (-_hit(r), r["market"]))
        if _hit(r) > 0 or r["quarantined"]
    ]
    columns = [
        Column("market", "market", "name"),
        Column("open_notional", "open at the start", "money", unit),
        *(Column(k, k.replace("_", " "), "price") for k in ("first_mark", "low_mark", "high_mark", "last_mark")),
        Column("liquidations", "accounts liquidated", "count"),
        Column("liquidated_notional", "closed in the market", "money", unit),
        Column("taken_over_notional", "taken over", "money", unit),
        Column("deleveraged_notional", "deleveraged", "money", unit),
        Column("given_up", "given up by winners", "money", unit),
        Column("fill_gain", "fills against the mark", "money", unit),
        Column("quarantined", "prices refused", "count"),
    ]
    keys = [c.key for c in columns]
    shown = tuple(k for k in keys if k not in ("first_mark", "high_mark", "last_mark", "fill_gain"))
    cells = [[r[k] for k in keys] for r in rows]
    table = Table.of("markets", "By market", columns, cells, head="market", shown=shown)
    drawn = [(n, r) for n, r in enumerate(rows) if _hit(r) > 0][:12]
    if not drawn:
        return [table]
    stacks = ("liquidated_notional", "taken_over_notional", "deleveraged_notional")
    figs = []
    for number, row in drawn:
        doc.put("market_sums", **{row["market"]: sum((Decimal(row[k]) for k in stacks), Decimal(0))})
        figs.append((number, row, doc.derived("market_sums", row["market"], "amount")))

    def draw(ident: str, width: float) -> Svg:
        lines = [
            Bar(
                [table.fig(number, "market")],
                [(float(row[k]), style) for k, style in zip(stacks, (1, 6, 2), strict=True)],
                [fig],
            )
            for number, row, fig in figs
        ]
        keys = [("closed in the market", 1), ("taken over", 6), ("deleveraged", 2)]
        return bars(ident, width, lines, f"notional, {unit}", "By market: " + _told(figs), keys)

    first = table.fig(drawn[0][0], "market")
    title: Parts = [first, " bore the most forced closing: ", figs[0][2], f" {unit}"]
    caption: Parts = [
        "Notional closed by force, market by market. What was taken over and later deleveraged is counted in both.",
    ]
    return [Figure("by-market", title, caption, draw), table]


def _told(figs: Sequence[tuple[int, dict[str, Any], Fig]]) -> str:
    return ", ".join(f"{row['market']} {fig}" for _, row, fig in figs)


def _hit(row: dict[str, Any]) -> Decimal:
    keys = ("liquidated_notional", "taken_over_notional", "deleveraged_notional")
    return sum((Decimal(str(row[k] or 0)) for k in keys), Decimal(0))


def _by_class(material: Material, doc: Document) -> list[Block]:
    unit = material.unit
    rows = material.summary.get("by_size_class") or []
    columns = [
        Column("size_class", "equity at the start", "name"),
        Column("accounts", "accounts", "count"),
        Column("equity_before", "equity", "money", unit),
        Column("liquidated", "liquidated", "count"),
        Column("liquidated_share", "of the class", "share"),
        Column("liquidated_notional", "closed in the market", "money", unit),
        Column("taken_over_notional", "taken over", "money", unit),
        Column("loss", "loss beyond margin", "money", unit),
        Column("deleveraged", "deleveraged", "count"),
        Column("deleveraged_notional", "deleveraged", "money", unit),
        Column("given_up", "given up", "money", unit),
        Column("haircut", "haircut", "money", unit),
    ]
    cells = []
    for row in rows:
        share = None if not row["accounts"] else round(Decimal(row["liquidated"]) / Decimal(row["accounts"]), 6)
        counts = {"accounts", "liquidated", "deleveraged"}
        cells.append(
            [
                share
                if c.key == "liquidated_share"
                else row[c.key]
                if c.key in counts or c.key == "size_class"
                else Decimal(row[c.key])
                for c in columns
            ]
        )
    title_ = f"By size of account ({unit} of equity at the start)"
    hidden = ("equity_before", "deleveraged_notional", "haircut")
    shown = tuple(c.key for c in columns if c.key not in hidden)
    table = Table.of("size-classes", title_, columns, cells, head="size_class", shown=shown)
    hit = [n for n, row in enumerate(table.rows) if row["accounts"]]
    if not hit:
        return [table]

    def draw(ident: str, width: float) -> Svg:
        lines = [
            Bar(
                [table.fig(n, "size_class")],
                [(float(Decimal(str(table.rows[n]["liquidated_share"] or 0)) * 100), 1)],
                [table.fig(n, "liquidated_share"), " (", table.fig(n, "liquidated"), ")"],
            )
            for n in hit
        ]
        told = ", ".join(f"{table.rows[n]['size_class']} {table.fig(n, 'liquidated_share')}" for n in hit)
        return bars(ident, width, lines, "per cent of the accounts of the class", f"Share liquidated by size: {told}")

    worst = max(hit, key=lambda n: Decimal(str(table.rows[n]["liquidated_share"] or 0)))
    title: Parts = [
        "Of the accounts with ",
        table.fig(worst, "size_class"),
        f" {unit}, ",
        table.fig(worst, "liquidated_share"),
        " were liquidated",
    ]
    caption: Parts = ["Share of each class that came under liquidation, and how many accounts that is."]
    return [Figure("by-size", title, caption, draw), table]


def _hardest(material: Material) -> Table:
    """The winners of whom most was closed; the event of the largest part says market, rank and why."""
    unit = material.unit
    accounts = [
        a
        for a in material.rows("accounts")
        if Decimal(str(a["deleveraged_notional"])) > 0 or Decimal(str(a["haircut"])) > 0
    ]
    accounts.sort(key=lambda a: (-Decimal(str(a["deleveraged_notional"])), -Decimal(str(a["haircut"])), a["account"]))
    wanted = {a["account"] for a in accounts[:HARDEST]}
    main: dict[str, dict[str, Any]] = {}
    for event in material.rows("deleveragings"):
        name = event["account"]
        if name in wanted and (name not in main or event["notional"] > main[name]["notional"]):
            main[name] = event
    columns = [
        Column("account", "account", "name"),
        Column("market", "market", "name"),
        Column("rank", "rank", "count"),
        Column("time_ns", "at", "clock", "UTC"),
        Column("deleveraged_notional", "closed", "money", unit),
        Column("given_up", "given up", "money", unit),
        Column("haircut", "haircut", "money", unit),
        Column("equity_before", "equity at the start", "money", unit),
        Column("equity_after", "equity at the end", "money", unit),
        Column("counterparty", "closed against"),
        Column("because", "why"),
    ]
    rows = []
    for a in accounts[:HARDEST]:
        event = main.get(a["account"], {})
        rows.append(
            [
                a["account"],
                event.get("market"),
                event.get("rank") or None,
                event.get("time_ns"),
                *(a[k] for k in ("deleveraged_notional", "given_up", "haircut", "equity_before", "equity_after")),
                event.get("counterparty"),
                _because(event),
            ]
        )
    hidden = {"equity_after", "counterparty"} | ({"haircut"} if not any(r[6] for r in rows) else set())
    shown = tuple(c.key for c in columns if c.key not in hidden)
    return Table.of("hardest", "The twenty winners hit hardest", columns, rows, head="account", shown=shown)


def _because(event: dict[str, Any]) -> str:
    if not event:
        return "its gains were cut with everybody’s"
    if event.get("cause") == "profit_cap":
        return "profits of its side were above the cap of the pool"
    if event["loss"] == 0:
        return "the backstop was over its limit"
    return f"to cover loss {event['loss']} ({event['counterparty']})"


def _fallen(material: Material) -> Table:
    unit = material.unit
    columns = [
        Column("account", "account", "name"),
        Column("outcome", "how it ended"),
        Column("first_time_ns", "first at", "clock", "UTC"),
        Column("equity_before", "equity at the start", "money", unit),
        Column("liquidated_notional", "closed in the market", "money", unit),
        Column("taken_over_notional", "taken over", "money", unit),
        Column("margin_lost", "margin to the backstop", "money", unit),
        Column("loss", "loss beyond margin", "money", unit),
        Column("equity_after", "equity at the end", "money", unit),
    ]
    accounts = [a for a in material.rows("accounts") if a["liquidations"]]
    accounts.sort(
        key=lambda a: (-Decimal(str(a["liquidated_notional"])) - Decimal(str(a["taken_over_notional"])), a["account"])
    )
    keys = [c.key for c in columns]
    rows = [[OUTCOMES.get(a[k], a[k]) if k == "outcome" else a[k] for k in keys] for a in accounts[:HARDEST]]
    shown = tuple(k for k in keys if k != "equity_after")
    return Table.of("fallen", "The twenty largest liquidations", columns, rows, head="account", shown=shown)


def _sharers(material: Material) -> Table:
    """The accounts that paid most for losses of others without being deleveraged or cut as winners."""
    unit = material.unit
    rows = []
    for a in material.rows("accounts"):
        paid = sum((Decimal(str(a[k])) for k in SHARED if k != "recovered"), Decimal(0))
        if paid > 0:
            rows.append((paid, a))
    rows.sort(key=lambda r: (-r[0], r[1]["account"]))
    columns = [
        Column("account", "account", "name"),
        Column("role", "role"),
        Column("equity_before", "equity at the start", "money", unit),
        *(Column(k, title, "money", unit) for k, title in SHARED.items()),
        Column("shared", "in all", "money", unit),
        Column("equity_after", "equity at the end", "money", unit),
    ]
    cells = [
        [a["account"], a["role"], a["equity_before"], *(a[k] for k in SHARED), paid, a["equity_after"]]
        for paid, a in rows[:HARDEST]
    ]
    used = {k for k in SHARED if any(a[k] for _, a in rows)}
    shown = ("account", "role", "equity_before", *(k for k in SHARED if k in used), "shared")
    title = "The twenty who paid most for losses of others"
    return Table.of("sharers", title, columns, cells, head="account", shown=shown)

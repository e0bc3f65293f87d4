"""Tables and pictures of several policies: the measures side by side, a waterfall each, the funds over time, intervals."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol

from seawall.views.document import Document, Fig, Parts, join
from seawall.views.figure import Figure
from seawall.views.incidents import incident_table
from seawall.views.measures import MEASURES, Measure, exact, verdicts
from seawall.views.page import Block, Commands, Grid, Prose
from seawall.views.paying import DOES
from seawall.views.spreads import SPREAD, Range, ranges
from seawall.views.svg import Svg
from seawall.views.tables import Column, Table
from seawall.views.timeline import Line, Panel, timeline
from seawall.views.waterfall import Rung, bounds, waterfall

if TYPE_CHECKING:
    import polars as pl

WIDEST = 5  # policies that fit beside each other
KEY = (
    "liquidated_accounts",
    "bad_debt",
    "deleveraged_accounts",
    "deleveraged_notional",
    "collected",
    "pain_top20",
    "residual",
)
INTERVALS = ("liquidated_accounts", "bad_debt", "deleveraged_notional", "collected", "residual")


class _Timed(Protocol):
    @property
    def document(self) -> dict[str, Any]: ...

    @property
    def timelines(self) -> pl.DataFrame: ...


def measure_table(found: dict[str, Any], first: Sequence[int]) -> Table:
    """Metrics downwards and policies across while they fit; otherwise policies downwards with the metrics that matter most."""
    rows = [found["rows"][n] for n in first]
    present = [m for m in MEASURES if any(r.get(m.key) is not None for r in rows)]
    marks = {
        m.key: verdicts({str(n): Decimal(str(r[m.key])) for n, r in enumerate(rows) if r[m.key] is not None}, m.better)
        for m in present
    }
    if len(rows) <= WIDEST:
        return _downwards(found, rows, present, marks)
    columns = [Column("policy", "policy", "name"), *(Column(m.key, m.title, m.kind) for m in present)]
    cells = [[r["policy"], *(exact(m, r[m.key]) for m in present)] for r in rows]
    best = {n: {m.key: marks[m.key][str(n)] for m in present if str(n) in marks[m.key]} for n in range(len(rows))}
    shown = ("policy", *(k for k in KEY if k in {m.key for m in present}))
    title = f"Policies compared (amounts in {found['unit']}; more columns in the files)"
    return Table.of("measures", title, columns, cells, head="policy", best=best, shown=shown)


def _downwards(
    found: dict[str, Any], rows: Sequence[dict[str, Any]], present: Sequence[Measure], marks: dict[str, dict[str, str]]
) -> Table:
    columns = [
        Column("key", "metric", "name"),
        Column("measure", "measure"),
        *(Column(f"p{n}", r["policy"], "measure") for n, r in enumerate(rows)),
    ]
    cells: list[list[Any]] = []
    kinds: dict[int, str] = {}
    best: dict[int, dict[str, str]] = {}
    for measure in present:
        kinds[len(cells)] = measure.kind
        best[len(cells)] = {f"p{n}": verdict for n, verdict in marks[measure.key].items()}
        unit = f", {found['unit']}" if measure.kind == "money" else ""
        cells.append([measure.key, measure.title + unit, *(exact(measure, r[measure.key]) for r in rows)])
    shown = tuple(c.key for c in columns if c.key != "key")
    return Table.of(
        "measures", "Policies compared", columns, cells, head="measure", best=best, shown=shown, row_kinds=kinds
    )


def gain_table(found: dict[str, Any], first: Sequence[int]) -> Table:
    """Who ended best off under each policy."""
    unit = found["unit"]
    columns = [
        Column("policy", "policy", "name"),
        Column("house_gained", "house account best off", "name"),
        Column("house_gain", "its result", "money", unit),
        Column("winner_gained", "trader best off", "name"),
        Column("winner_gain", "its result", "money", unit),
    ]
    cells = []
    for number in first:
        r = found["rows"][number]
        house, winner = (None if r[k] is None else Decimal(r[k]) for k in ("house_gain", "winner_gain"))
        cells.append([r["policy"], r["house_gained"], house, r["winner_gained"], winner])
    return Table.of("gained", "Who ended best off", columns, cells, head="policy")


def layer_table(found: dict[str, Any], layers: Sequence[dict[str, Any]], ident: str, title: str) -> Table:
    """Layers of runs: before, gained, used, after."""
    columns = [
        Column("policy", "policy", "name"),
        Column("seed", "seed", "count"),
        Column("layer", "layer", "name"),
        Column("kind", "kind", "name"),
        Column("account", "account", "name"),
        *(Column(k, k, "money", found["unit"]) for k in ("before", "gained", "used", "after", "paid")),
    ]
    cells = [
        [
            *(r[k] for k in ("policy", "seed", "layer", "kind", "account")),
            *(None if r[k] is None else Decimal(r[k]) for k in ("before", "gained", "used", "after", "paid")),
        ]
        for r in layers
    ]
    shown = tuple(c.key for c in columns if c.key != "seed")
    return Table.of(ident, title, columns, cells, head="policy", shown=shown)


def waterfalls(found: dict[str, Any], doc: Document, first: Sequence[int]) -> list[Block]:
    """One picture a policy, all on one scale."""
    unit = found["unit"]
    drawn: list[tuple[int, list[Rung]]] = []
    for number in first:
        row = found["rows"][number]
        mine = [n for n, layer in enumerate(found["layers"]) if _same(layer, row)]
        drawn.append((number, _rungs(found, doc, mine, number)))
    scales = [bounds(rungs) for _, rungs in drawn]
    scale = (min(low for low, _ in scales), max(high for _, high in scales))
    figures = [_waterfall(found, doc, number, rungs, scale) for number, rungs in drawn]
    said: Parts = [
        f"Amounts in {unit}; the bars of all pictures share one scale, so funds can be compared by eye. Before + gained − used = after.",
    ]
    if any(Decimal(str(y.get("paid_out") or 0)) for y in found["layers"]):
        said = [*said, " Used includes what was paid out or written off when a venue was wound down."]
    firsts = [y for n, _ in drawn for y in found["layers"] if _same(y, found["rows"][n])]
    return [Grid(figures), Prose(said, quiet=True), layer_table(found, firsts, "layers", "Layers under each policy")]


def _same(layer: dict[str, Any], row: dict[str, Any]) -> bool:
    return all(layer[k] == row[k] for k in ("policy", "seed", "leverage", "marks"))


def _waterfall(
    found: dict[str, Any], doc: Document, number: int, rungs: list[Rung], scale: tuple[float, float]
) -> Figure:
    path = ("rows", number)
    loss = doc.fig(join(*path, "bad_debt"), "amount")
    source: Parts = [
        doc.fig(join(*path, "liquidated_accounts"), "count"),
        " accounts came under liquidation; the market took ",
        doc.fig(join(*path, "liquidated_notional"), "amount"),
        f" {found['unit']}.",
    ]
    name = doc.fig(join(*path, "policy"), "text")

    def draw(ident: str, width: float) -> Svg:
        return waterfall(ident, width, source, loss, rungs, f"Waterfall under {name}", scale)

    gave = doc.fig(join(*path, "deleveraged_accounts"), "count")
    title: Parts = [name, ": ", gave, " winners deleveraged"]
    if not found["rows"][number]["deleveraged_accounts"]:
        title = [name, ": nobody deleveraged"]
    return Figure(f"waterfall-{number}", title, [f"Amounts in {found['unit']}."], draw)


def _rungs(found: dict[str, Any], doc: Document, mine: Sequence[int], row: int) -> list[Rung]:
    """The layers of one policy, and the loss still unpaid below each."""
    left, out = Decimal(found["rows"][row]["bad_debt"]), []
    for number in mine:
        left -= Decimal(found["layers"][number]["paid"])
        doc.put("unpaid_below", **{str(number): left})
        out.append(_rung(found, doc, number, row))
    return out


def _rung(found: dict[str, Any], doc: Document, number: int, row: int) -> Rung:
    layer = found["layers"][number]

    def cell(key: str) -> Fig | None:
        return None if layer[key] is None else doc.fig(join("layers", number, key), "amount")

    used = cell("used")
    assert used is not None
    needed = doc.fig(join("rows", row, "needed"), "amount") if layer["kind"] == "deleverage" else None
    return Rung(
        layer["layer"].replace("_", " "),
        [DOES.get(layer["kind"], layer["kind"].replace("_", " "))],
        used,
        cell("before"),
        cell("gained"),
        cell("after"),
        needed,
        None if layer["kind"] == "residual" else doc.derived("unpaid_below", str(number), "amount"),
        layer["kind"] == "residual",
    )


def fund_figures(compared: _Timed, doc: Document) -> list[Block]:
    """House equity, and notional deleveraged so far: a panel a policy, on one scale each."""
    frame, found = compared.timelines, compared.document
    if frame.height == 0:
        return [Prose(["No timeline was kept."])]
    blocks: list[Block] = []
    for key, name, title in (
        ("house", "fund", "House equity under each policy"),
        ("deleveraged_notional", "deleveraged", "Notional deleveraged so far under each policy"),
    ):
        if key not in frame.columns:
            continue
        panels = [
            p
            for policy in found["policies"]
            if (p := _panel(frame, found, doc, policy["policy"], key, name)) is not None
        ]
        if not panels:
            continue
        top = max((v for p in panels for line in p.lines for v in line.values if v is not None), default=0.0)
        low = min((v for p in panels for line in p.lines for v in line.values if v is not None), default=0.0)
        shared = [
            Panel(p.title, p.unit, p.times, p.lines, area=True, height=64, scale=(min(low, 0.0), top)) for p in panels
        ]
        blocks.append(_timed(name, title, shared))
    return blocks


def _timed(name: str, title: str, panels: Sequence[Panel]) -> Figure:
    def draw(ident: str, width: float) -> Svg:
        return timeline(ident, width, panels, title + ": " + "; ".join("".join(map(str, p.title)) for p in panels))

    return Figure(f"over-time-{name}", [title], ["One panel a policy, all on the same two axes."], draw)


def _panel(frame: pl.DataFrame, found: dict[str, Any], doc: Document, policy: str, key: str, name: str) -> Panel | None:
    import polars as pl

    mine = frame.filter(pl.col("policy") == policy)
    if "seed" in frame.columns and found["seeds"][0] is not None:
        mine = mine.filter(pl.col("seed") == found["seeds"][0])
    values = [None if v is None else Decimal(str(v)) for v in mine[key].to_list()]
    known = [v for v in values if v is not None]
    if not known:
        return None
    place = f"{name}_{policy}"
    doc.put(place, policy=policy, first=known[0], last=known[-1], least=min(known), most=max(known))
    label = doc.derived(place, "policy", "text")
    if name == "fund":
        title: Parts = [
            label,
            ": ",
            doc.derived(place, "first", "amount"),
            " to ",
            doc.derived(place, "last", "amount"),
        ]
        if min(known) < min(known[0], known[-1]):
            title = [*title, ", least ", doc.derived(place, "least", "amount")]
    else:
        title = [label, ": ", doc.derived(place, "last", "amount")]
    times = [int(t) for t in mine["time_ns"].to_list()]
    return Panel(title, found["unit"], times, [Line(policy, [None if v is None else float(v) for v in values], 1)])


def spare_tables(found: dict[str, Any]) -> list[Table]:
    """For the files: every layer of every run, and the spread of every metric."""
    tables = [layer_table(found, found["layers"], "all-layers", "Layers of every run")]
    if found.get("incidents"):
        rows = found["incidents"]
        tables.append(incident_table(rows, found["unit"], "all-incidents", "Incidents of every run"))
    if found["intervals"]:
        tables.append(interval_table(found, "all-intervals", [m.key for m in MEASURES])[0])
    return tables


def interval_table(found: dict[str, Any], ident: str, keys: Sequence[str]) -> tuple[Table, dict[tuple[str, str], int]]:
    """The spread of some metrics over the seeds, and in which row each (policy, metric) stands."""
    measures = {m.key: m for m in MEASURES}
    columns = [
        Column("policy", "policy", "name"),
        Column("key", "metric", "name"),
        Column("measure", "measure"),
        Column("count", "books", "count"),
        *(Column(k, t, "measure") for k, t in SPREAD),
    ]
    cells: list[list[Any]] = []
    kinds: dict[int, str] = {}
    places: dict[tuple[str, str], int] = {}
    for key in keys:
        for row in found["intervals"]:
            if row["metric"] != key:
                continue
            measure = measures[key]
            kinds[len(cells)] = measure.kind
            places[row["policy"], key] = len(cells)
            spread = (Decimal(row[k]) for k in ("min", "q1", "median", "q3", "max"))
            cells.append([row["policy"], key, measure.title, row["count"], *spread])
    shown = tuple(c.key for c in columns if c.key not in ("key", "count"))
    table = Table.of(ident, "Spread over the books", columns, cells, head="policy", shown=shown, row_kinds=kinds)
    return table, places


def interval_blocks(found: dict[str, Any], doc: Document) -> list[Block]:
    """The spread over seeds, policy by policy; says how to get it where only one book was run."""
    if not found["intervals"]:
        if found["book"]["kind"] != "generated":
            return [Prose(["The book is the venue’s own, not generated: there is no draw to vary."])]
        return [
            Prose(["One book was run. Other draws of it, as intervals:"]),
            Commands(["seawall compare … --seeds N"]),
        ]
    doc.put("counts", seeds=len(found["seeds"]))
    whole, places = interval_table(found, "intervals", INTERVALS)
    said: Parts = [
        "The same comparison on ",
        doc.derived("counts", "seeds", "count"),
        " draws of the book. Where the intervals of two policies overlap, their order on one book says little.",
    ]
    return [Prose(said), *_interval_figure(found, doc, whole, places), whole]


def _interval_figure(
    found: dict[str, Any], doc: Document, table: Table, places: dict[tuple[str, str], int]
) -> list[Block]:
    firsts = {r["policy"]: r for r in found["rows"] if r["seed"] == found["seeds"][0]}
    groups: list[tuple[Parts, list[Range]]] = []
    for measure in MEASURES:
        rows = []
        for policy in (p["policy"] for p in found["policies"]):
            number = places.get((policy, measure.key))
            if measure.key not in INTERVALS or number is None or firsts.get(policy, {}).get(measure.key) is None:
                continue
            low, q1, middle, q3, high = (
                float(str(table.rows[number][k])) for k in ("min", "q1", "median", "q3", "max")
            )
            name = table.fig(number, "policy")
            rows.append(Range([name], (low, high), (q1, q3), middle, float(firsts[policy][measure.key])))
        unit = f", {found['unit']}" if measure.kind == "money" else ""
        if rows and any(r.ends != (0.0, 0.0) for r in rows):
            groups.append(([measure.title + unit], rows))
    if not groups:
        return []

    def draw(ident: str, width: float) -> Svg:
        return ranges(ident, width, groups, "Spread over books: " + ", ".join("".join(map(str, g[0])) for g in groups))

    title: Parts = ["Spread over ", doc.derived("counts", "seeds", "count"), " books, policy by policy"]
    caption: Parts = ["Each metric has a scale of its own. The light line in a box is the median."]
    return [Figure("intervals", title, caption, draw)]

"""What happened when: the timeline's facts, and its aligned small multiples."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from seawall.views.document import Document, Fig, Parts
from seawall.views.figure import Figure
from seawall.views.formats import Scalar
from seawall.views.material import Material
from seawall.views.scales import time_step
from seawall.views.svg import Svg
from seawall.views.tables import Column, Table
from seawall.views.timeline import Line, Panel, per_interval, timeline

INTERVALS = 120
LINES = 4


def story(material: Material, doc: Document) -> list[Figure]:
    """The timeline of a run as one figure; none when the run has no step."""
    frame = material.frames["timeline"]
    if frame.height == 0:
        return []
    times = [int(t) for t in frame["time_ns"].to_list()]
    step = time_step(max(1, times[-1] - times[0]), INTERVALS)
    panels = [
        _price(material, doc, times),
        _at_risk(material, doc, times),
        *_funds(material, doc, times),
        *_forced(material, doc, times, step),
        _flow(material, doc, times, step, "deleveraged_notional", "deleveraging", "Deleveraging"),
        *_shared(material, doc, times, step),
        *_depth(material, doc, times),
    ]

    def draw(ident: str, width: float) -> Svg:
        return timeline(ident, width, panels, "Timeline: " + "; ".join("".join(map(str, p.title)) for p in panels))

    caption: Parts = [
        "From ",
        _when(doc, "first", times[0]),
        " to ",
        _when(doc, "last", times[-1]),
        " UTC. All panels share one time axis. Bars stand for what was added in each interval of ",
        _put(doc, "timeline", "interval_ns", step, "seconds"),
        ". Prices are marks, the opening mark being one hundred; the lines shown are the largest markets by open notional",
        " and the one that moved most.",
    ]
    return [Figure("timeline", _title(doc), caption, draw, _table(material, times, step))]


def _title(doc: Document) -> Parts:
    """The order of events in one line."""
    told: list[tuple[int, str, Fig]] = []
    for key, name, at in (
        ("liquidations", "close-outs peaked at ", "peak_time_ns"),
        ("take_overs", "take-overs peaked at ", "peak_time_ns"),
        ("deleveraging", "deleveraging at ", "peak_time_ns"),
        ("price", "prices moved furthest at ", "time_ns"),
    ):
        if doc.get(f"derived.{key}.{at}") is not None:
            told.append((int(doc.get(f"derived.{key}.{at}")), name, doc.derived(key, at, "clock")))
    if not told:
        return ["What was seen, step by step"]
    out: list[str | Fig] = []
    for _, name, fig in sorted(told, key=lambda t: t[0]):
        text = f", {name}" if out else name
        if name.startswith("deleveraging") and not any(isinstance(p, str) and "peaked" in p for p in out):
            text = text.replace("deleveraging at", "deleveraging peaked at")
        out += [text, fig]
    out[0] = str(out[0])[:1].upper() + str(out[0])[1:]
    return out


def _put(doc: Document, name: str, key: str, value: int | float | str | Decimal | None, kind: str) -> Fig:
    doc.put(name, **{key: value})
    return doc.derived(name, key, kind)


def _when(doc: Document, key: str, time: int) -> Fig:
    return _put(doc, "timeline", f"{key}_ns", time, "time")


def _price(material: Material, doc: Document, times: Sequence[int]) -> Panel:
    frame = material.frames["timeline"]
    order = [
        str(r["market"])
        for r in sorted(material.rows("markets"), key=lambda r: (-Decimal(str(r["open_notional"] or 0)), r["market"]))
    ]
    marks = {m: frame[f"mark_{m}"].to_list() for m in order if f"mark_{m}" in frame.columns}
    marks = {m: v for m, v in marks.items() if any(v)}
    if not marks:
        return Panel(["No market had a mark"], "", times, [Line("", [None] * len(times))])
    moves = {m: _extreme(values) for m, values in marks.items()}
    main = next(iter(marks))
    worst = max(moves, key=lambda m: abs(moves[m][1]))
    shown = list(dict.fromkeys([*list(marks)[: LINES - 1], worst]))
    lines = []
    for number, market in enumerate(shown):
        first = next(v for v in marks[market] if v)
        lines.append(Line(market, [None if v is None else v / first * 100 for v in marks[market]], number + 1))
    at, change = moves[main]
    title: Parts = [
        _put(doc, "price", "market", main, "text"),
        " fell " if change < 0 else " rose ",
        _put(doc, "price", "change", round(abs(change), 6), "share"),
        " to ",
        _put(doc, "price", "extreme", marks[main][at], "price"),
        " at ",
        _put(doc, "price", "time_ns", times[at], "clock"),
    ]
    if worst != main:
        far, most = moves[worst]
        title = [
            *title,
            "; ",
            _put(doc, "price", "worst_market", worst, "text"),
            " moved most, ",
            _put(doc, "price", "worst_change", round(most, 6), "change"),
            " at ",
            _put(doc, "price", "worst_time_ns", times[far], "clock"),
        ]
    return Panel(title, "mark, opening = one hundred", times, lines, zero=False, height=130)


def _extreme(values: Sequence[float | None]) -> tuple[int, float]:
    """Where a series went furthest from its first value, and how far (a fraction)."""
    first = next(v for v in values if v)
    found = [(i, v / first - 1) for i, v in enumerate(values) if v is not None]
    return max(found, key=lambda p: abs(p[1]))


def _at_risk(material: Material, doc: Document, times: Sequence[int]) -> Panel:
    values = material.amounts("timeline", "equity_at_risk")
    top = max(range(len(values)), key=lambda i: values[i])
    if values[top] <= 0:
        title: Parts = ["Nobody with equity left was under liquidation at the end of a step"]
        return Panel(title, material.unit, times, [Line("", [float(v) for v in values])], height=40)
    title = [
        "Equity under liquidation peaked at ",
        _put(doc, "at_risk", "time_ns", times[top], "clock"),
        ": ",
        _put(doc, "at_risk", "equity", values[top], "amount"),
    ]
    return Panel(title, material.unit, times, [Line("", [float(v) for v in values])], area=True)


def _funds(material: Material, doc: Document, times: Sequence[int]) -> list[Panel]:
    """One panel a house account: its equity."""
    frame = material.frames["timeline"]
    before: dict[str, Decimal] = {}
    for row in material.rows("layers"):  # of several layers of one account the first has what it opened with
        if row["account"] and row["before"] is not None:
            before.setdefault(row["account"], row["before"])
    panels = []
    for column in (c for c in frame.columns if c.startswith("equity_") and c != "equity_at_risk"):
        name = column.removeprefix("equity_")
        values = material.amounts("timeline", column)
        low, high = (pick(range(len(values)), key=lambda i: values[i]) for pick in (min, max))
        key = f"fund_{name}"
        opening = Decimal(str(before.get(name, values[0])))
        title: Parts = [
            _put(doc, key, "name", name, "text"),
            " went from ",
            _put(doc, key, "before", opening, "amount"),
            " to ",
            _put(doc, key, "after", values[-1], "amount"),
        ]
        if values[low] < min(values[0], values[-1], opening):
            title = [
                *title,
                ", at its lowest ",
                _put(doc, key, "low", values[low], "amount"),
                " at ",
                _put(doc, key, "low_time_ns", times[low], "clock"),
            ]
        elif values[high] > max(values[0], values[-1], opening):
            title = [
                *title,
                ", at its highest ",
                _put(doc, key, "high", values[high], "amount"),
                " at ",
                _put(doc, key, "high_time_ns", times[high], "clock"),
            ]
        panels.append(
            Panel(title, f"equity, {material.unit}", times, [Line(name, [float(v) for v in values], 1)], area=True)
        )
    return panels


def _forced(material: Material, doc: Document, times: Sequence[int], step: int) -> list[Panel]:
    """What was closed in the market, and what the backstop took over where there was some: each alone tells half."""
    asked = [("liquidated_notional", "liquidations", "Close-outs in the market")]
    if any(material.amounts("timeline", "taken_over_notional")):
        asked.append(("taken_over_notional", "take_overs", "Take-overs by the backstop"))
    return [_flow(material, doc, times, step, *row) for row in asked]


def _shared(material: Material, doc: Document, times: Sequence[int], step: int) -> list[Panel]:
    """What members, and what everybody, paid: a panel where there was some."""
    asked = (
        ("members_paid", "paid_by_members", "Payments of members"),
        ("socialised", "shared", "Losses put on everybody"),
    )
    return [
        _flow(material, doc, times, step, column, key, name, "paid")
        for column, key, name in asked
        if any(material.amounts("timeline", column))
    ]


def _flow(
    material: Material,
    doc: Document,
    times: Sequence[int],
    step: int,
    column: str,
    key: str,
    name: str,
    what: str = "notional",
) -> Panel:
    starts, added = per_interval(times, material.amounts("timeline", column), step)
    top = max(range(len(added)), key=lambda i: added[i])
    unit = f"{what} in each interval, {material.unit}"
    if added[top] <= 0:
        return Panel([f"{name}: none"], unit, starts, bars=[0.0] * len(starts), bar_ns=step, height=30)
    title: Parts = [
        f"{name} peaked at ",
        _put(doc, key, "peak_time_ns", starts[top], "clock"),
        ": ",
        _put(doc, key, "peak", added[top], "amount"),
        " in ",
        _put(doc, key, "interval_ns", step, "seconds"),
    ]
    style = {"liquidations": 2, "take_overs": 6}.get(key, 4)
    return Panel(title, unit, starts, bars=[float(v) for v in added], bar_ns=step, bar_style=style)


def _depth(material: Material, doc: Document, times: Sequence[int]) -> list[Panel]:
    values = material.frames["timeline"]["depth"].to_list()
    known = [i for i, v in enumerate(values) if v is not None]
    if not known:
        return []
    low = min(known, key=lambda i: values[i])
    title: Parts = [
        "Market depth was least at ",
        _put(doc, "depth", "time_ns", times[low], "clock"),
        ": ",
        _put(doc, "depth", "low", values[low], "share"),
        " of normal",
    ]
    return [Panel(title, "share of normal", times, [Line("depth", values, 6)], height=72)]


def _table(material: Material, times: Sequence[int], step: int) -> Table:
    """The figure's numbers, one row an interval: levels at its end, amounts added in it."""
    unit = material.unit
    liquidated = per_interval(times, material.amounts("timeline", "liquidated_notional"), step)
    taken = per_interval(times, material.amounts("timeline", "taken_over_notional"), step)[1]
    deleveraged = per_interval(times, material.amounts("timeline", "deleveraged_notional"), step)[1]
    frame = material.frames["timeline"]
    levels = [c for c in frame.columns if c == "equity_at_risk" or c.startswith("equity_")]
    series = {c: material.amounts("timeline", c) for c in levels}
    counts = [int(v) for v in frame["liquidated_accounts"].to_list()]
    last: dict[int, int] = {}
    for number, time in enumerate(times):
        last[(time - liquidated[0][0]) // step] = number
    columns = [
        Column("time_ns", "from", "clock", "UTC"),
        Column("liquidated_accounts", "accounts liquidated so far", "count"),
        Column("liquidated", "closed in the market", "money", unit),
        Column("taken_over", "taken over", "money", unit),
        Column("deleveraged", "deleveraged", "money", unit),
        *(Column(c, c.replace("_", " ", 1), "money", unit) for c in levels),
    ]
    rows: list[list[Scalar]] = []
    at = 0
    for number, start in enumerate(liquidated[0]):
        at = last.get(number, at)
        added = (liquidated[1][number], taken[number], deleveraged[number])
        rows.append([start, counts[at], *added, *(series[c][at] for c in levels)])
    return Table.of("timeline", "Timeline by interval", columns, rows, head="time_ns")

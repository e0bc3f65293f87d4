"""The report of several policies on one event: the same book and prices, only the rules differ."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Protocol

from seawall.scenario import Scenario
from seawall.tables import load_scenario, scenario_names
from seawall.views.compared import fund_figures, gain_table, interval_blocks, measure_table, spare_tables, waterfalls
from seawall.views.document import Document, Fig, Part, Parts, join, words
from seawall.views.formats import plain
from seawall.views.incidents import compared_incidents
from seawall.views.page import Block, Commands, Facts, Key, Points, Prose, Section, View
from seawall.views.tables import Column, Table

if TYPE_CHECKING:
    import polars as pl


class Compared(Protocol):
    """A comparison to be reported: ``seawall.replay.Comparison`` is one."""

    @property
    def document(self) -> dict[str, Any]:
        """Everything but the timelines."""
        ...

    @property
    def timelines(self) -> pl.DataFrame:
        """One row a policy, seed and step."""
        ...


def comparison_view(compared: Compared) -> View:
    """The report of a comparison."""
    found = compared.document
    doc = Document({**found, "tables": {}, "derived": {}})
    first = [n for n, r in enumerate(found["rows"]) if r["seed"] == found["seeds"][0]]
    made_with = version("seawall")
    table = measure_table(found, first)
    doc.data["tables"][table.id] = table.as_json()
    headline = _headline(found, doc, first)
    sections = [
        Section(
            "measures",
            "What each rule leads to",
            [Prose(_reading(found, doc)), table, gain_table(found, first), *_failed(found, doc)],
        ),
        *_incidents(found),
        Section("waterfalls", "Who pays under each rule", waterfalls(found, doc, first)),
        Section("fund", "The fund and deleveraging over time", fund_figures(compared, doc)),
        Section("intervals", "How much hangs on the generated book", interval_blocks(found, doc)),
        Section("policies", "The rules side by side", _policies(found, doc)),
        Section("conservation", "Is every unit accounted for?", _conservation(found, doc, first)),
        Section("limits", "What this cannot tell you", _limits(found, doc)),
        Section("sources", "Where the prices come from", _sources(found, doc)),
        Section("check", "How to check all this", _check(found, doc, made_with)),
    ]
    doc.data["headline"] = words(headline)
    subtitle: Parts = [
        doc.fig("event", "name"),
        " under ",
        _count(doc, "policies", len(found["policies"])),
        " policies",
    ]
    if found["title"] != found["event"]:
        subtitle = [*subtitle, ": ", doc.fig("title", "text")]
    banner: list[Part] = []
    if found["heading"]:
        banner = [
            doc.fig("heading", "text"),
            " · ",
            doc.fig("book.source.generator", "text"),
            " · not a venue’s own accounts",
        ]
    if found["interrupted"] or found["missing"]:
        banner += [" · " if banner else "", "INTERRUPTED: some policies or seeds are missing"]
    if not all(r["conservation"] for r in found["rows"]):
        banner += [" · " if banner else "", "CONSERVATION IS BROKEN"]
    view = View(
        doc.data,
        f"{found['event']}: policies compared",
        subtitle,
        banner,
        headline,
        _keys(found, doc, first),
        sections,
        made_with,
        spare_tables(found),
    )
    for each in view.tables():
        doc.data["tables"][each.id] = each.as_json()
    return view


def _incidents(found: dict[str, Any]) -> list[Section]:
    """What happened beside the prices, of the first book; nothing where nothing did."""
    mine = [r for r in found.get("incidents", ()) if r["seed"] == found["seeds"][0]]
    if not mine:
        return []
    said: Parts = [
        "Besides the prices, every venue was given the same script; what its rules do not know, they refuse."
    ]
    return [
        Section("incidents", "What happened beside the prices", [Prose(said), *compared_incidents(mine, found["unit"])])
    ]


def compared_document(view: View, compared: Compared) -> dict[str, object]:
    """The document of the report with the timelines: what ``report.json`` holds."""
    rows = [{k: plain(v) for k, v in row.items()} for row in compared.timelines.to_dicts()]
    return {**view.document, "frames": {"timelines": rows}}


def _count(doc: Document, name: str, number: int) -> Fig:
    doc.put("counts", **{name: number})
    return doc.derived("counts", name, "count")


def _headline(found: dict[str, Any], doc: Document, first: Sequence[int]) -> Parts:
    """How many winners each rule closes (at most four are named; else least and most), and what is left unpaid."""
    rows = [(n, found["rows"][n]) for n in first]
    out: list[Part] = ["Same book, same prices: "]
    ordered = sorted(rows, key=lambda r: (r[1]["deleveraged_accounts"], r[0]))
    none = [n for n, r in ordered if not r["deleveraged_accounts"]]
    some = [n for n, r in ordered if r["deleveraged_accounts"]]
    if len(ordered) > 4:
        return [*out, *_extremes(doc, len(ordered), none, some), *_unpaid(found, doc, rows)]
    for place, number in enumerate(none):
        out += [" and " if place else "", doc.fig(join("rows", number, "policy"), "name")]
    if none:
        out.append(" deleverages nobody" if len(none) == 1 else " deleverage nobody")
    for place, number in enumerate(some):
        name, count = (
            doc.fig(join("rows", number, "policy"), "name"),
            doc.fig(join("rows", number, "deleveraged_accounts"), "count"),
        )
        out += ["; " if place or none else "", name, " deleverages ", count, " winners"]
    return [*out, *_unpaid(found, doc, rows)]


def _extremes(doc: Document, whole: int, none: Sequence[int], some: Sequence[int]) -> Parts:
    """Of many policies: how many close nobody, and the one that closes most."""
    out: list[Part] = [
        _count(doc, "closing_nobody", len(none)),
        " of ",
        _count(doc, "policies", whole),
        " rules deleverage nobody",
    ]
    if some:
        name = doc.fig(join("rows", some[-1], "policy"), "name")
        count = doc.fig(join("rows", some[-1], "deleveraged_accounts"), "count")
        out += ["; most are deleveraged under ", name, ", ", count, " winners"]
    return out


def _unpaid(found: dict[str, Any], doc: Document, rows: Sequence[tuple[int, dict[str, Any]]]) -> Parts:
    unpaid = [(n, r) for n, r in rows if Decimal(r["residual"]) > 0]
    if not unpaid:
        return ["; nothing is left unpaid under any."]
    worst = max(unpaid, key=lambda r: Decimal(r[1]["residual"]))[0]
    most = doc.fig(join("rows", worst, "residual"), "amount")
    return [
        "; most is left unpaid under ",
        doc.fig(join("rows", worst, "policy"), "name"),
        ": ",
        most,
        f" {found['unit']}.",
    ]


def _keys(found: dict[str, Any], doc: Document, first: Sequence[int]) -> list[Key]:
    unit = found["unit"]
    keys = [Key("accounts", doc.fig("book.accounts", "count"), "", ["in the one book that every policy starts from"])]
    wanted = (
        ("fewest deleveraged", "deleveraged_accounts", "count", "winners", min),
        ("most deleveraged", "deleveraged_accounts", "count", "winners", max),
        ("least given up by winners", "collected", "amount", unit, min),
        ("most given up by winners", "collected", "amount", unit, max),
        ("most lost beyond margin", "bad_debt", "amount", unit, max),
        ("most left unpaid", "residual", "amount", unit, max),
    )
    for name, key, kind, what, pick in wanted:
        values = {n: Decimal(str(found["rows"][n][key])) for n in first if found["rows"][n][key] is not None}
        if not values:
            continue
        number = pick(values, key=lambda n: (values[n], -n if pick is max else n))
        same = [n for n in values if values[n] == values[number]]
        says: Parts = (
            ["under every policy"]
            if len(same) == len(values)
            else ["under ", doc.fig(join("rows", number, "policy"), "name")]
        )
        if 1 < len(same) < len(values):
            says = [*says, " and others"]
        keys.append(Key(name, doc.fig(join("rows", number, key), kind), what, says))
    return keys


def _reading(found: dict[str, Any], doc: Document) -> Parts:
    out: Parts = [
        "Every policy ran on the same book and the same prices; ▲ marks the best and ▼ the worst of a row, where better and worse",
        " can be told. Marks: ",
        doc.fig("marks", "text"),
        f". Amounts in {found['unit']}.",
    ]
    if len(found["seeds"]) > 1:
        out = [*out, " The table is of the first book; the others are below, as intervals."]
    return out


def _failed(found: dict[str, Any], doc: Document) -> list[Block]:
    if not found["failed"] and not found["missing"]:
        return []
    items: list[Parts] = []
    for number in range(len(found["failed"])):
        items.append(
            [
                doc.fig(join("failed", number, "policy"), "name"),
                " failed: ",
                doc.fig(join("failed", number, "problem"), "text"),
            ]
        )
    if found["missing"]:
        items.append([_count(doc, "missing", len(found["missing"])), " runs are missing: it was interrupted"])
    return [Prose(["Not everything could be run:"]), Points(items)]


def _policies(found: dict[str, Any], doc: Document) -> list[Block]:
    blocks: list[Block] = []
    for number, policy in enumerate(found["policies"]):
        rows: list[tuple[str, Parts]] = [
            ("policy", [doc.fig(join("policies", number, "policy"), "name")]),
            ("hash", [doc.fig(join("policies", number, "hash"), "hash")]),
        ]
        layers: list[Part] = []
        for place, _ in enumerate(policy["layers"]):
            layers += [" → " if place else "", doc.fig(join("policies", number, "layers", place), "text")]
        rows.append(("layers, in order", [*layers, " → residual"]))
        for key in ("represents", "cannot_represent", "known_weaknesses", "source"):
            if policy[key]:
                rows.append((key.replace("_", " "), [doc.fig(join("policies", number, key), "text")]))
        blocks.append(Facts(rows))
    return blocks


def _conservation(found: dict[str, Any], doc: Document, first: Sequence[int]) -> list[Block]:
    good = sum(1 for r in found["rows"] if r["conservation"])
    doc.put("conservation", good=good, runs=len(found["rows"]))
    said: Parts = [
        "Every unit is accounted for in ",
        doc.derived("conservation", "good", "count"),
        " of ",
        doc.derived("conservation", "runs", "count"),
        " runs, checked after every command. All saw the book and the prices of these hashes:",
    ]
    facts: list[tuple[str, Parts]] = [
        ("book", [doc.fig("book.hash", "hash")]),
        ("prices", [doc.fig("path.hash", "hash")]),
    ]
    rows = [
        [found["rows"][n][k] for k in ("policy", "mark_rule", "fund_before", "fund_after", "state_hash")] for n in first
    ]
    columns = [
        Column("policy", "policy", "name"),
        Column("mark_rule", "marks"),
        Column("fund_before", "house equity at the opening", "exact", found["unit"]),
        Column("fund_after", "at the end", "exact", found["unit"]),
        Column("state_hash", "state hash at the end", "hash"),
    ]
    cells = [[p, m, Decimal(b), Decimal(a), h] for p, m, b, a, h in rows]
    return [
        Prose(said),
        Facts(facts),
        Table.of("states", "Opening and closing of every policy", columns, cells, head="policy"),
    ]


def _limits(found: dict[str, Any], doc: Document) -> list[Block]:
    from seawall.views.checking import GENERATED, LIMITS

    items: list[Parts] = [[GENERATED]] if found["book"]["kind"] == "generated" else []
    items += [[text] for text in LIMITS]
    items.append(
        [
            "The policies differ in more than one rule at once: what follows from one of them alone cannot be read off here. House",
            " accounts open with what each policy says, so a larger fund is part of the difference.",
        ]
    )
    items.append(["How prices became marks: ", doc.fig("path.rule", "text"), "."])
    scenario = _scenario(found)
    notes = [
        n
        for n, text in enumerate(found["notes"])
        if scenario is None or not any(text.startswith(s.text) for s in scenario.sources)
    ]
    blocks: list[Block] = [Points(items)]
    if notes:
        blocks += [
            Prose(["What was noted while running:"]),
            Points([[doc.fig(join("notes", n), "text")] for n in notes]),
        ]
    return blocks


def _scenario(found: dict[str, Any]) -> Scenario | None:
    return load_scenario(found["event"]) if found["event"] in scenario_names() else None


def _sources(found: dict[str, Any], doc: Document) -> list[Block]:
    scenario = _scenario(found)
    if scenario is None:
        return [Prose(["Price files were given by whoever ran this; the hash of the whole path stands above."])]
    doc.data["scenario"] = {
        "sources": [{"text": s.text, "date": s.date} for s in scenario.sources],
        "good_outcome": scenario.good_outcome,
    }
    items: list[Parts] = [
        [
            doc.fig(join("scenario", "sources", n, "text"), "text"),
            " (",
            doc.fig(join("scenario", "sources", n, "date"), "text"),
            ")",
        ]
        for n in range(len(scenario.sources))
    ]
    blocks: list[Block] = [Points(items)]
    if scenario.good_outcome:
        blocks.append(Prose(["What a good outcome looks like: ", doc.fig("scenario.good_outcome", "text")]))
    return blocks


def _check(found: dict[str, Any], doc: Document, made_with: str) -> list[Block]:
    asked = found["asked"]
    event = found["event"] if asked["prices"] == found["event"] else f"--prices {asked['prices']}"
    book = found["book"]["source"].get("generator", "YOUR BOOK")
    names = ",".join(p["policy"] for p in found["policies"])
    if asked.get("incidents"):
        event += f" --incidents {asked['incidents']}"
    doc.data["made_with"] = {"seawall": found["version"], "report": made_with}
    lines = [
        f"seawall compare {event} --policies {names} --book {book}",
        f"seawall replay {event} --policy {found['policies'][0]['policy']} --book {book}   # one of them, with its whole record",
        "seawall policy show NAME   # the rules as they are written",
    ]
    facts: list[tuple[str, Parts]] = [
        ("run with", ["seawall ", doc.fig("made_with.seawall", "text")]),
        ("report made with", ["seawall ", doc.fig("made_with.report", "text")]),
        ("steps of the path", [doc.fig("path.steps", "count")]),
    ]
    return [Commands(lines), Facts(facts)]

"""The report of one run: headline, key figures, and its sections in the order in which a committee asks."""

from __future__ import annotations

from decimal import Decimal
from importlib.metadata import version

from seawall.replay.words import headline_parts
from seawall.views.bearing import bearing
from seawall.views.checking import (
    check_section,
    conservation_section,
    limits_section,
    marks_section,
    policy_section,
    sources_section,
)
from seawall.views.document import Document, Part, Parts, words
from seawall.views.formats import plain
from seawall.views.incidents import incidents
from seawall.views.material import Material, Recorded, gather
from seawall.views.page import Block, Key, Prose, Section, View
from seawall.views.paying import backstop_blocks, waterfall_figure, waterfall_table
from seawall.views.sensitivity import sensitivity_section
from seawall.views.story import story


def run_view(record: Recorded) -> View:
    """The report of a run, from its record and what lies in its directory."""
    material = gather(record)
    doc = Document(material.summary)
    made_with = version("seawall")
    headline = run_headline(material, doc)
    sections = [
        Section("timeline", "What happened", story(material, doc) or [Prose(["The run has no step."])]),
        _waterfall_section(material, doc),
        Section("bearing", "Who paid", bearing(material, doc)),
        _backstop_section(material, doc),
        marks_section(material, doc),
        sensitivity_section(material, doc),
        policy_section(material, doc),
        conservation_section(material, doc),
        limits_section(material, doc),
        sources_section(material, doc),
        check_section(material, doc, made_with),
    ]
    event = doc.fig("event", "name")
    policy = doc.fig("policy.name", "name")
    subtitle: Parts = [event, " under ", policy]
    if material.summary["title"] != material.summary["event"]:
        subtitle = [*subtitle, ": ", doc.fig("title", "text")]
    doc.data["headline"] = words(headline)
    view = View(
        doc.data,
        f"{material.summary['event']} under {material.summary['policy']['name']}",
        subtitle,
        _banner(material, doc),
        headline,
        _keys(material, doc),
        sections,
        made_with,
    )
    for table in view.tables():
        if table.id in doc.data["tables"]:
            raise ValueError(f"two tables are called {table.id}")
        doc.data["tables"][table.id] = table.as_json()
    return view


def full_document(view: View, record: Recorded) -> dict[str, object]:
    """The document of a report with the frames of the run: what ``report.json`` holds."""
    frames = {
        name: [{k: plain(v) for k, v in row.items()} for row in frame.to_dicts()]
        for name, frame in record.frames.items()
    }
    return {**view.document, "frames": frames}


def run_headline(material: Material, doc: Document) -> Parts:
    """The answer in one sentence: the terminal's own, its figures with their paths."""
    out: list[Part] = []
    for part in headline_parts(material.summary):
        if part.path is None:
            out.append(part.text)
        elif part.path.endswith(".name"):
            out.append(doc.fig(part.path, "name"))
        else:
            out.append(doc.fig(part.path, "size" if isinstance(doc.get(part.path), str) else "count"))
    return out


def _banner(material: Material, doc: Document) -> Parts:
    out: list[Part] = []
    if material.summary["heading"]:
        out = [doc.fig("heading", "text")]
        if material.summary["book"]["source"].get("generator"):
            out += [" · ", doc.fig("book.source.generator", "text"), " · not a venue’s own accounts"]
    if material.summary["interrupted"]:
        out += [" · " if out else "", "INTERRUPTED: whole up to the last step, not to the end of the event"]
    if not material.summary["conservation"]["ok"]:
        out += [" · " if out else "", "CONSERVATION IS BROKEN"]
    return out


def _keys(material: Material, doc: Document) -> list[Key]:
    summary, unit = material.summary, material.unit
    accounts = max(1, summary["accounts"])
    doc.put("liquidated", share=round(Decimal(summary["liquidated"]["accounts"]) / accounts, 6))
    taken: Parts = []
    if summary["taken_over"]["accounts"]:
        taken = [", ", doc.fig("taken_over.notional", "amount"), " taken over"]
    keys = [
        Key(
            "liquidated",
            doc.fig("liquidated.accounts", "count"),
            "accounts",
            [
                doc.derived("liquidated", "share", "share"),
                " of all; ",
                doc.fig("liquidated.notional", "amount"),
                f" {unit} closed in the market",
                *taken,
            ],
        ),
        Key(
            "losses beyond margin",
            doc.fig("bad_debt", "amount"),
            unit,
            ["what bankrupt accounts could not pay, each loss once"],
        ),
    ]
    keys += _shared_keys(material, doc)
    if summary.get("backstop_pnl"):
        before = next((r for r in material.rows("layers") if r["kind"] == "backstop"), None)
        says: Parts = ["over the event, fills, marks and margin together"]
        if before is not None and before["before"]:
            doc.put("backstop", before=before["before"])
            says = ["on ", doc.derived("backstop", "before", "amount"), " at the start"]
        keys.append(Key("the backstop’s result", doc.fig("taken_over.pnl", "signed"), unit, says))
    keys.append(
        Key(
            "deleveraged",
            doc.fig("deleveraged.accounts", "count"),
            "winners",
            [doc.fig("deleveraged.notional", "amount"), f" {unit} closed against their will"],
        )
    )
    if doc.get("concentration.deleveraged_notional.top20") is not None:
        keys.append(
            Key(
                "borne by the top twenty",
                doc.fig("concentration.deleveraged_notional.top20", "share"),
                "",
                ["of what was deleveraged"],
            )
        )
    if doc.get("deleveraged.overshoot") is not None and summary["deleveraged"]["accounts"]:
        keys.append(_overshoot(material, doc))
    keys.append(Key("left unpaid", doc.fig("residual", "amount"), unit, ["the residual after every layer"]))
    return keys


def _shared_keys(material: Material, doc: Document) -> list[Key]:
    """What members, and what everybody, paid; nothing where nobody was asked."""
    members, social, unit = material.summary["members"], material.summary["socialised"], material.unit
    keys = []
    if Decimal(members["contributions"]) or Decimal(members["called"]):
        doc.put("shared", members=Decimal(members["contributions"]) + Decimal(members["called"]))
        says: Parts = [
            doc.fig("members.contributions", "amount"),
            " out of contributions, ",
            doc.fig("members.called", "amount"),
            " called",
        ]
        keys.append(Key("paid by members", doc.derived("shared", "members", "amount"), unit, says))
    everybody = sum((Decimal(social[k]) for k in ("charged", "cash_cut", "on_withdrawals")), Decimal(0))
    if everybody:
        doc.put("shared", everybody=everybody)
        told: list[Part] = []
        for key, what in (
            ("charged", " on open positions"),
            ("cash_cut", " from balances"),
            ("on_withdrawals", " on withdrawals"),
        ):
            if Decimal(social[key]):
                told += [", " if told else "", doc.fig(f"socialised.{key}", "amount"), what]
        keys.append(Key("put on everybody", doc.derived("shared", "everybody", "amount"), unit, told))
    return keys


def _overshoot(material: Material, doc: Document) -> Key:
    """What deleveraging took beyond what it was asked for; a millionth of it is rounding between assets."""
    found, unit = material.summary["deleveraged"], material.unit
    needed, collected = doc.fig("deleveraged.needed", "amount"), doc.fig("deleveraged.collected", "amount")
    if abs(Decimal(found["overshoot"])) <= Decimal(found["needed"]) / 10**6:
        return Key("given up by winners", collected, unit, ["against the mark; as much as was asked for"])
    says: Parts = ["given up against the mark ", collected, ", asked for ", needed]
    return Key("taken beyond need", doc.fig("deleveraged.overshoot", "signed"), unit, says)


def _waterfall_section(material: Material, doc: Document) -> Section:
    table = waterfall_table(material)
    blocks: list[Block] = [waterfall_figure(material, doc, table), table, *incidents(material, doc)]
    return Section("waterfall", "Who pays, in order", blocks)


def _backstop_section(material: Material, doc: Document) -> Section:
    found = backstop_blocks(material, doc)
    blocks: list[Block] = [Prose(["This policy has no backstop: nobody takes positions over."])]
    if found is not None:
        blocks = list(found)
    return Section("backstop", "How the backstop fared", blocks)

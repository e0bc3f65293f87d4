"""What a reader can check, and what the model cannot say: conservation, limits, sources, versions, commands."""

from __future__ import annotations

from decimal import Decimal

from seawall.views.document import Document, Parts
from seawall.views.material import Material
from seawall.views.page import Block, Commands, Facts, Points, Prose, Section
from seawall.views.rules import rules_in_words
from seawall.views.tables import Column, Table

IDENTITY = {
    "opening": ("at the start", "all that was in the venue"),
    "vault": ("at the end", "cash + clearing + deficits"),
    "cash": ("cash", "of all accounts"),
    "clearing": ("clearing", "entry values of open positions: unrealised profit until it is realised"),
    "deficits": ("deficits", "losses that nobody has paid"),
    "outside": ("outside", "equity of those outside the venue who took the other side; part of the above"),
    "difference": ("not accounted for", "must be nothing"),
}


def marks_section(material: Material, doc: Document) -> Section:
    """Last-trade against banded marks, where that was run."""
    found = material.summary.get("marks_compared")
    title = "Last-trade against banded marks"
    if not found:
        return Section(
            "marks",
            title,
            [
                Prose(
                    [
                        "How far the answer hangs on how marks are made was not looked at in this run. To see it, run the same",
                        " replay with this option:",
                    ]
                ),
                Commands(
                    [f"seawall replay {_event(material)} --policy {material.summary['policy']['name']} --compare-marks"]
                ),
            ],
        )
    mine, other = found["under"], found["against"]
    doc.data["marks_compared"] = dict(found)
    summary = material.summary
    columns = [
        Column("measure", "measure"),
        Column("mine", f"{mine} marks (this run)", "money"),
        Column("other", f"{other} marks", "money"),
    ]
    rows = [
        ["accounts liquidated", summary["liquidated"]["accounts"], found["both"] + found[f"only_{other}"]],
        ["liquidated under these marks only", found[f"only_{mine}"], found[f"only_{other}"]],
        ["accounts deleveraged", summary["deleveraged"]["accounts"], found["against_deleveraged"]],
        [
            f"losses beyond margin, {material.unit}",
            Decimal(summary["bad_debt"]),
            Decimal(found["against_bad_debt"]),
        ],
    ]
    said: Parts = [
        doc.fig(f"marks_compared.only_{mine}", "count"),
        f" accounts were liquidated only under {mine} marks, ",
        doc.fig(f"marks_compared.only_{other}", "count"),
        f" only under {other} marks, ",
        doc.fig("marks_compared.both", "count"),
        " under both. Same book, same prices; only the rule that makes the mark differs.",
    ]
    table = Table.of("marks", "The same replay under both rules", columns, rows, head="measure")
    return Section("marks", title, [Prose(said), table])


def _event(material: Material) -> str:
    asked = {} if material.manifest is None else material.manifest.options
    if material.scenario is None and asked.get("prices"):
        return f"--prices {asked['prices']}" + (f" --index {asked['index']}" if asked.get("index") else "")
    return str(material.summary["event"])


def policy_section(material: Material, doc: Document) -> Section:
    """The rules that were applied: name, hash, what they stand for, what they leave out, each layer in words."""
    policy = material.policy
    facts: list[tuple[str, Parts]] = [
        ("policy", [doc.fig("policy.name", "text")]),
        ("hash", [doc.fig("policy.hash", "hash")]),
    ]
    if policy is None:
        return Section("policy", "The rules", [Facts(facts), Prose(["The policy’s text is not beside this record."])])
    words = rules_in_words(policy, doc)
    for name in ("represents", "source", "cannot_represent", "known_weaknesses"):
        if doc.get(f"rules.{name}"):
            facts.append((name.replace("_", " "), [doc.fig(f"rules.{name}", "text")]))
    if policy.marks.kind != material.summary["mark_rule"]:
        words[0] = ("marks", [f"This run used {material.summary['mark_rule']} marks, not what the policy says."])
    return Section(
        "policy",
        "The rules",
        [Facts(facts), Prose(["What they say, in the order in which they are used:"]), Facts(words)],
    )


def conservation_section(material: Material, doc: Document) -> Section:
    """Where the money was and is, asset by asset."""
    found = material.summary["conservation"]
    names = [k for k in IDENTITY if all(k in a for a in found["assets"].values())]
    assets = found["assets"]
    if len(assets) == 1:  # one asset reads better downwards
        ((asset, parts),) = assets.items()
        columns = [Column("item", "item"), Column("says", "what it is"), Column("amount", "amount", "exact", asset)]
        rows = [[IDENTITY[k][0], IDENTITY[k][1] or None, Decimal(parts[k])] for k in names]
        table = Table.of("conservation", "Conservation", columns, rows, head="item")
    else:
        columns = [Column("asset", "asset", "name"), *(Column(k, IDENTITY[k][0], "exact") for k in names)]
        rows = [[asset, *(Decimal(parts[k]) for k in names)] for asset, parts in assets.items()]
        idle = {k for k in ("outside",) if not any(Decimal(parts[k]) for parts in assets.values())}
        shown = ("asset", *(k for k in names if k not in idle))  # a column of nothing stays in the files
        table = Table.of("conservation", "Conservation, asset by asset", columns, rows, head="asset", shown=shown)
    doc.put("conservation", assets=len(assets))
    count = doc.derived("conservation", "assets", "count")
    if found["ok"]:
        said: Parts = [
            "Conservation holds to the last unit in ",
            count,
            " asset" + ("s" if len(assets) != 1 else ""),
            ": what was in the venue at the start is there at the end, plus or less what came from and went to accounts outside",
            " it. Checked after every command; here at the end. In the venue = cash + clearing + deficits.",
        ]
    else:
        said = ["CONSERVATION IS BROKEN: see the column “not accounted for”. Trust no figure of this report."]
    houses = [[r["name"], Decimal(r["before"]), Decimal(r["after"])] for r in material.summary["layers"]]
    opening = Table.of(
        "opening-balances",
        "House accounts at the opening and at the end",
        [
            Column("account", "account"),
            Column("opening", "equity at the opening", "exact", material.unit),
            Column("closing", "equity at the end", "exact", material.unit),
        ],
        houses,
        head="account",
    )
    return Section("conservation", "Is every unit accounted for?", [Prose(said), table, opening])


LIMITS = (
    "Forced orders are answered by a square-root impact on a depth that shrinks in stress. The exponent, the share of the impact that stays, and the recovery are assumptions.",
    "What forced orders moved and has not recovered shifts the marks that follow, trades and index alike: that is how a cascade arises here.",
    "Traders do not react: nobody adds collateral, cancels, hedges or buys the dip.",
    "Between the points of a path, and within a bar, the order of prices is a rule, not a fact.",
    "Where a policy’s own parameters are not published they are assumptions; the policy says which.",
)
GENERATED = "The book is generated: accounts, positions and leverage are drawn from distributions, not taken from a venue. Totals say what could happen to a book of that shape, not what happened."


def limits_section(material: Material, doc: Document) -> Section:
    """What the answer cannot carry."""
    items: list[Parts] = [[GENERATED]] if material.summary["book"]["kind"] == "generated" else []
    items += [[text] for text in LIMITS]
    if doc.get("path_rule"):
        items.append(["How prices became marks: ", doc.fig("path_rule", "text"), "."])
    if Decimal(material.summary["pending"]) != 0:
        items.append(
            [
                "Not final: accounts still open at the end, and house accounts below zero, are short of ",
                doc.fig("pending", "amount"),
                f" {material.unit}.",
            ]
        )
    blocks: list[Block] = [Points(items)]
    notes = [n for n in range(len(material.summary["notes"])) if not _is_source(material, n)]
    if notes:
        blocks += [Prose(["What was noted while running:"]), Points([[doc.fig(f"notes.{n}", "text")] for n in notes])]
    return Section("limits", "What this cannot tell you", blocks)


def _is_source(material: Material, number: int) -> bool:
    """Is a note one of the scenario's sources, which have their own section?"""
    note = material.summary["notes"][number]
    return material.scenario is not None and any(note.startswith(s.text) for s in material.scenario.sources)


def sources_section(material: Material, doc: Document) -> Section:
    """Where the prices come from."""
    scenario = material.scenario
    if scenario is not None:
        doc.data["scenario"] = {
            "title": scenario.title,
            "sources": [{"text": s.text, "date": s.date} for s in scenario.sources],
            "notes": scenario.notes,
            "good_outcome": scenario.good_outcome,
        }
        items: list[Parts] = [
            [doc.fig(f"scenario.sources.{n}.text", "text"), " (", doc.fig(f"scenario.sources.{n}.date", "text"), ")"]
            for n in range(len(scenario.sources))
        ]
        blocks: list[Block] = [Points(items)]
        if scenario.notes:
            blocks.append(Prose([doc.fig("scenario.notes", "text")], quiet=True))
        if scenario.good_outcome:
            blocks.append(Prose(["What a good outcome looks like: ", doc.fig("scenario.good_outcome", "text")]))
        return Section("sources", "Where the prices come from", blocks)
    inputs = [] if material.manifest is None else material.manifest.inputs
    doc.data["inputs"] = [dict(i) for i in inputs]
    rows = [[i["name"], i["sha256"]] for i in inputs]
    columns = [Column("name", "file"), Column("sha256", "SHA-256", "hash")]
    table = Table.of("inputs", "Files that were read", columns, rows, head="name")
    said = "Price files were given by whoever ran this; their hashes let anyone compare them."
    return Section("sources", "Where the prices come from", [Prose([said]), table])


def check_section(material: Material, doc: Document, version: str) -> Section:
    """How to check all this, by whom and from what it was made."""
    where = "RUN" if material.path is None else material.path.name
    summary = material.summary
    facts: list[tuple[str, Parts]] = [
        ("state hash at the end", [doc.fig("state_hash", "hash")]),
        ("policy hash", [doc.fig("policy.hash", "hash")]),
        ("steps", [doc.fig("steps", "count")]),
    ]
    manifest = material.manifest
    doc.data["made_with"] = {"seawall": version if manifest is None else manifest.version, "report": version}
    facts.append(("run with", ["seawall ", doc.fig("made_with.seawall", "text")]))
    facts.append(("report made with", ["seawall ", doc.fig("made_with.report", "text")]))
    if manifest is not None:
        doc.data["opening"] = {"time_ns": manifest.opening_ns, "state_hash": manifest.opening_hash}
        facts.append(("state hash at the opening", [doc.fig("opening.state_hash", "hash")]))
        facts.append(("opened at", [doc.fig("opening.time_ns", "time"), " UTC"]))
    source = summary["book"]["source"].get("generator")
    if source:
        facts.append(("book", [doc.fig("book.source.generator", "text")]))
    lines = [
        f"seawall replay {where}            # derive every record again and compare the hashes",
        f"seawall explain {where} ACCOUNT   # one account: what happened, which rule, which inputs",
        f"seawall report {where} --tables DIR   # every table as CSV, JSON and Parquet, and this report’s document",
    ]
    said = (
        "The run directory holds the opening book, the policy, every command with its events and transfers in a hash chain. Anyone can"
        " derive it again; results do not depend on the machine or the number of threads."
    )
    return Section("check", "How to check all this", [Prose([said]), Commands(lines), Facts(facts)])

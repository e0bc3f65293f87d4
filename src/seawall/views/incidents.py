"""Losses by cause, what came back, what stood still, and how the venue ended: tables where there was any of it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from seawall.replay.incident_words import asked, became, by_policy, layers
from seawall.views.auctions import portfolio_auctions
from seawall.views.document import Document, Parts
from seawall.views.material import Material
from seawall.views.page import Block, Prose
from seawall.views.tables import Column, Table

AMOUNTS = (
    ("asked_for", "asked for"),
    ("lost", "lost"),
    ("unpaid", "nobody paid"),
    ("back", "came back"),
    ("back_unpaid", "of it for what nobody had paid"),
    ("back_excess", "of it beyond everything paid"),
    ("reinstated", "put in by the owner"),
    ("withdrawn", "withdrawn"),
    ("cut", "of it kept back"),
    ("written_off", "written off"),
)


def incidents(material: Material, doc: Document) -> list[Block]:
    """Nothing for a run in which there were only defaults and no halt."""
    return [
        *_script(material),
        *_causes(material),
        *_back(material, doc),
        *portfolio_auctions(material, doc),
        *_auctioned(material, doc),
        *_halts(material),
        *_end(material),
    ]


def _script(material: Material) -> list[Block]:
    """Every incident of the script: what was asked, what came of it, where the log has it."""
    found = material.summary.get("incidents")
    return [incident_table(found, material.unit, "incidents", "What happened beside the prices")] if found else []


def incident_table(found: Sequence[dict[str, Any]], unit: str, ident: str, title: str) -> Table:
    """One row an incident; of a comparison with the policy (and the seed, in the files) in front."""
    studied = "policy" in found[0]
    columns = [
        *((Column("policy", "policy", "name"), Column("seed", "seed", "count")) if studied else ()),
        Column("minute", "minute", "name"),
        Column("what", "what happened", "text"),
        Column("status", "status", "name"),
        Column("became", "what came of it", "text"),
        Column("commands", "commands", "count"),
        Column("refused", "refused", "count"),
        *(Column(key, told, "money", unit) for key, told in AMOUNTS),
        Column("paid_by", "paid by", "text"),
        Column("back_to", "paid back to", "text"),
        Column("paid_out", "paid out to", "text"),
        Column("event", "to explain", "name"),
        Column("first_record", "first record", "count"),
        Column("last_record", "last record", "count"),
    ]
    cells = []
    for row in found:
        first, last = row["records"] or (None, None)
        cells.append(
            [
                *((row["policy"], row["seed"]) if studied else ()),
                row["minute"],
                asked(row),
                row["status"].replace("_", " "),
                became(row, unit),
                row["commands"],
                row["refused"],
                *(Decimal(row[key]) for key, _ in AMOUNTS),
                *(layers(row[key]) for key in ("paid_by", "back_to", "paid_out")),
                row["event"],
                first,
                last,
            ]
        )
    shown = ("policy", "minute", "what", "became", "commands", "refused", "unpaid", "event")
    return Table.of(ident, title, columns, cells, head="policy" if studied else "what", shown=shown)


def compared_incidents(found: Sequence[dict[str, Any]], unit: str) -> list[Table]:
    """Of a comparison: who carried each incident out, policies of one outcome together; what declared losses came to."""
    columns = [
        Column("what", "what happened", "text"),
        Column("policies", "under", "text"),
        Column("became", "what came of it", "text"),
    ]
    cells = [[what, who, told] for what, outcomes in by_policy(found, unit) for who, told in outcomes]
    grid = Table.of("incidents", "What each rule made of every incident", columns, cells, head="what")
    losses = [r for r in found if r["kind"] in ("loss", "recovery")]
    if not losses:
        return [grid]
    names = [
        Column("policy", "policy", "name"),
        Column("minute", "minute", "name"),
        Column("what", "what happened", "text"),
        Column("lost", "lost", "money", unit),
        Column("paid_by", "paid by", "text"),
        Column("unpaid", "nobody paid", "money", unit),
        Column("back", "came back", "money", unit),
        Column("back_unpaid", "of it for what nobody had paid", "money", unit),
        Column("back_to", "to those who had paid", "text"),
    ]
    amounts = ("lost", "unpaid", "back", "back_unpaid")
    rows = [
        [Decimal(r[k]) if k in amounts else layers(r[k]) if k.endswith(("_by", "_to")) else r[k] for k in keys]
        for r in ({**r, "what": asked(r)} for r in losses)
        for keys in [[c.key for c in names]]
    ]
    return [grid, Table.of("incident-losses", "Declared losses and what came back", names, rows, head="policy")]


def _causes(material: Material) -> list[Block]:
    found, unit = material.summary["losses"]["by_cause"], material.unit
    if set(found) <= {"default"}:
        return []
    columns = [
        Column("cause", "cause", "name"),
        Column("losses", "losses", "count"),
        Column("amount", "amount", "money", unit),
        Column("residual", "nobody paid", "money", unit),
    ]
    rows = [[c, f["losses"], Decimal(f["amount"]), Decimal(f["residual"])] for c, f in found.items()]
    return [Table.of("causes", "Losses by cause", columns, rows, head="cause")]


def _back(material: Material, doc: Document) -> list[Block]:
    if not Decimal(material.summary["recovered"]["amount"]):
        return []
    said: Parts = [
        doc.fig("recovered.amount", "amount"),
        f" {material.unit} came back: ",
        doc.fig("recovered.residual", "amount"),
        " paid what nobody had paid, ",
        doc.fig("recovered.claims", "amount"),
        " went to those who had, the layer used last first, and ",
        doc.fig("recovered.excess", "amount"),
        " was more than everything paid.",
    ]
    return [Prose(said)]


def _auctioned(material: Material, doc: Document) -> list[Block]:
    """What the fund's auctions, and the fund out of its surplus, paid of what nobody had paid."""
    found = material.summary.get("fund_auctions")
    if not found or not (found["opened"] or Decimal(found["netted"])):
        return []
    said: Parts = [
        "Of what nobody had paid, auctions brought ",
        doc.fig("fund_auctions.residual", "amount"),
        f" {material.unit} for new shares of the fund, and the fund paid ",
        doc.fig("fund_auctions.netted", "amount"),
        " out of what it had above its buffer; ",
        doc.fig("fund_auctions.sold", "amount"),
        " of its surplus bought shares back.",
    ]
    columns = [
        Column("asset", "shares of the fund in", "name"),
        Column("issued", "made for debt that was paid", "count"),
        Column("burned", "bought back and burned", "count"),
    ]
    rows = [[asset, made["issued"], made["burned"]] for asset, made in found["shares"].items()]
    table = Table.of("shares", "Shares of the fund", columns, rows, head="asset")
    return [Prose(said), table] if rows else [Prose(said)]


def _halts(material: Material) -> list[Block]:
    found = material.summary["halts"]
    if not found:
        return []
    columns = [
        Column("halt", "what stood still", "name"),
        Column("reason", "criterion met", "name"),
        Column("began_ns", "from", "clock", "UTC"),
        Column("ended_ns", "to", "clock", "UTC"),
        Column("until_ns", "at the latest to", "clock", "UTC"),
    ]
    rows = [[h[c.key] for c in columns] for h in found]
    return [Table.of("halts", "Halts, by criteria fixed before", columns, rows, head="halt")]


def _end(material: Material) -> list[Block]:
    found, unit = material.summary["wind_down"], material.unit
    if found is None:
        return []
    columns = [Column("rank", "class, first paid first", "name"), Column("paid", "paid out", "money", unit)]
    rows = [[rank.replace("_", " "), Decimal(paid)] for rank, paid in found["distributed"].items()]
    rows.append(["written off", Decimal(found["written_off"])])
    return [Table.of("wind-down", "How the venue was wound down", columns, rows, head="rank")]

"""Losses by cause, what came back, what stood still, and how the venue ended: tables where there was any of it."""

from __future__ import annotations

from decimal import Decimal

from seawall.views.document import Document, Parts
from seawall.views.material import Material
from seawall.views.page import Block, Prose
from seawall.views.tables import Column, Table


def incidents(material: Material, doc: Document) -> list[Block]:
    """Nothing for a run in which there were only defaults and no halt."""
    return [*_causes(material), *_back(material, doc), *_auctioned(material, doc), *_halts(material), *_end(material)]


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
    return [Prose(said)]


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

"""The opening book on disk: columns as Parquet, instruments and assets as JSON; back to the same snapshot."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from seawall.engine import to_plain
from seawall.margin import BookSnapshot
from seawall.market import Bracket, Brackets, Instrument, Kind, Right
from seawall.money import Asset


def save_snapshot(snapshot: BookSnapshot, folder: Path) -> None:
    """Write the snapshot into a folder (created)."""
    import polars as pl

    folder.mkdir(parents=True)
    accounts = {
        "account": snapshot.account_ids,
        "owner": snapshot.owners,
        "member": snapshot.members,
        "role": snapshot.roles,
        "parent": snapshot.parents,
    }
    pl.DataFrame(accounts, schema_overrides={"parent": pl.Int32}).write_parquet(folder / "accounts.parquet")
    pl.DataFrame(
        {
            "account": snapshot.cash_account,
            "asset": snapshot.cash_asset,
            "minor": [str(m) for m in snapshot.cash_minor],
        },
        schema={"account": pl.Int32, "asset": pl.Int32, "minor": pl.String},
    ).write_parquet(folder / "cash.parquet")
    pl.DataFrame(
        {
            "account": snapshot.pos_account,
            "market": snapshot.pos_market,
            "lots": snapshot.pos_lots,
            "entry": snapshot.pos_entry,
        },
        schema={"account": pl.Int32, "market": pl.Int32, "lots": pl.Int64, "entry": pl.Int64},
    ).write_parquet(folder / "positions.parquet")
    terms = {
        "assets": to_plain(snapshot.assets),
        "instruments": to_plain(snapshot.instruments),
        "marks": to_plain(snapshot.marks),
        "kind": snapshot.kind,
        "source": to_plain(snapshot.source),
    }
    (folder / "terms.json").write_text(json.dumps(terms, indent=1) + "\n", encoding="utf-8")


def load_snapshot(folder: Path) -> BookSnapshot:
    """Read a snapshot that ``save_snapshot`` wrote."""
    import polars as pl

    terms = json.loads((folder / "terms.json").read_text(encoding="utf-8"))
    accounts = pl.read_parquet(folder / "accounts.parquet")
    cash = pl.read_parquet(folder / "cash.parquet")
    positions = pl.read_parquet(folder / "positions.parquet")

    def column(frame: Any, name: str, dtype: Any) -> Any:
        return np.ascontiguousarray(frame[name].to_numpy(), dtype=dtype)

    return BookSnapshot(
        assets=tuple(Asset(**a) for a in terms["assets"]),
        instruments=tuple(_instrument(i) for i in terms["instruments"]),
        account_ids=tuple(accounts["account"].to_list()),
        owners=tuple(accounts["owner"].to_list()),
        members=tuple(accounts["member"].to_list()),
        roles=tuple(accounts["role"].to_list()),
        parents=column(accounts, "parent", np.int32),
        cash_account=column(cash, "account", np.int32),
        cash_asset=column(cash, "asset", np.int32),
        cash_minor=tuple(int(m) for m in cash["minor"].to_list()),
        pos_account=column(positions, "account", np.int32),
        pos_market=column(positions, "market", np.int32),
        pos_lots=column(positions, "lots", np.int64),
        pos_entry=column(positions, "entry", np.int64),
        marks={int(k): int(v) for k, v in terms["marks"].items()},
        kind=terms["kind"],
        source=terms["source"],
    )


def _instrument(data: dict[str, Any]) -> Instrument:
    fields = dict(data)
    brackets = fields["brackets"]
    fields["brackets"] = Brackets.of(
        [Bracket(s["floor"], Fraction(s["initial"]), Fraction(s["maintenance"])) for s in brackets["steps"]],
        marginal=brackets["marginal"],
    )
    fields["settle"] = Asset(**fields["settle"])
    fields["kind"] = Kind(fields["kind"])
    fields["right"] = None if fields["right"] is None else Right(fields["right"])
    fields["lot"] = Fraction(fields["lot"])
    return Instrument(**fields)

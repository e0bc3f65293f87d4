"""Holding what events explain against what the ledger posted."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from seawall.engine import State
from seawall.engine.explain import check, postings
from seawall.journal import open_run
from seawall.money import Asset

# What a command asked for in so many words: no rule decides it.
ASKED = {"deposit", "withdraw", "reinstated"}


def ledger_names(state: State) -> list[tuple[str, str]]:
    """(name, asset) of every ledger account by number."""
    return [(name, asset.name) for name, asset, _ in state.ledger.rows()]


def unexplained(
    events: Sequence[Mapping[str, Any]],
    transfers: Iterable[Sequence[Any]],
    names: Sequence[tuple[str, str]],
    assets: Mapping[str, Asset],
) -> list[str]:
    """What differs between the transfers of one record and those its events explain, either way; and every event
    whose own fields are not what its programs give."""
    wrong = [problem for event in events if (problem := check(event))]
    posted: Counter[tuple[Any, ...]] = Counter()
    for source, target, units, code in transfers:
        if code not in ASKED:
            posted[names[source][0], names[target][0], names[source][1], units, code] += 1
    given: Counter[tuple[Any, ...]] = Counter()
    for p in postings(events):
        units = p.amount if p.minor else assets[p.asset].to_minor(p.amount)
        given[p.source, p.target, p.asset, units, p.code] += 1
    wrong += [f"posted without an explanation: {key} x{n}" for key, n in (posted - given).items()]
    wrong += [f"explained but not posted: {key} x{n}" for key, n in (given - posted).items()]
    return wrong


def hold(path: Path) -> Counter[str]:
    """Check every record of a run directory; how many events of each kind there were."""
    run = open_run(path)
    frame = pl.read_parquet(path / "ledger.parquet")
    names = list(zip(frame["name"].to_list(), frame["asset"].to_list(), strict=True))
    assets = {a.name: a for a in run.book().assets}
    seen: Counter[str] = Counter()
    with run.log.open(encoding="utf-8") as file:
        for line in file:
            record = json.loads(line)
            if "e" in record:
                wrong = unexplained(record["e"], record["t"], names, assets)
                assert not wrong, (record["n"], wrong, record)
                seen.update(event["kind"] for event in record["e"] if event.get("why"))
    return seen

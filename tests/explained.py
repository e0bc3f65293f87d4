"""Holding what events explain against what the ledger posted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from seawall.engine import State
from seawall.engine.explain import check, postings
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

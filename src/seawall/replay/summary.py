"""The result document of a run: the output contract of ``--json``, amounts as decimal strings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from seawall.engine import Policy, State, state_hash, statements
from seawall.money import format_amount
from seawall.replay.feed import FeedCounts
from seawall.replay.paths import Path
from seawall.replay.tally import Hit, Tally


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What a run was and how far it went. ``refused_early``: prices refused before the first step, by reason."""

    path: Path
    policy: Policy
    counts: FeedCounts
    refused_early: dict[str, int]
    missing: list[str]
    steps: int
    interrupted: bool
    opening_vault: dict[str, int]


def summarise(state: State, tally: Tally, facts: RunFacts) -> dict[str, Any]:
    """The document, JSON-ready."""
    found = statements(state, facts.opening_vault)
    return {
        **_head(state, tally, facts),
        **_amounts(state, tally, facts.policy),
        "quarantined": dict(sorted(facts.counts.quarantined.items())),
        "marks": {
            "from_trades": facts.counts.trades,
            "from_index": facts.counts.from_index,
            "without_index": facts.counts.without_index,
            "none": facts.counts.held,
        },
        "conservation": {
            "ok": all(s.difference == 0 for s in found),
            "assets": {s.asset: s.as_dict() for s in found},
        },
        "notes": _notes(state, facts),
        "state_hash": state_hash(state),
    }


def _head(state: State, tally: Tally, facts: RunFacts) -> dict[str, Any]:
    book = state.snapshot
    accounts = sum(1 for role in book.roles if role in ("trader", "market_maker"))
    positions = int((book.pos_account != state.outside).sum())
    return {
        "event": facts.path.name,
        "title": facts.path.title,
        "heading": "GENERATED BOOK" if book.kind == "generated" else "",
        "policy": {"name": facts.policy.name, "hash": facts.policy.hash},
        "book": {
            "kind": book.kind,
            "accounts": accounts,
            "positions": positions,
            "source": {k: v for k, v in book.source.items() if k != "markets"},
        },
        "accounts": accounts,
        "positions": positions,
        "markets": len(book.instruments),
        "unit": tally.valuer.unit,
        "steps": facts.steps,
        "interrupted": facts.interrupted,
        "path_rule": facts.path.rule,
        "mark_rule": facts.policy.marks.kind,
    }


def _amounts(state: State, tally: Tally, policy: Policy) -> dict[str, Any]:
    text = tally.valuer.text
    num, den = tally.haircut_rate
    rule = policy.liquidation.backstop
    backstop = [h for name, h in tally.house.items() if rule is not None and name == rule.account]
    owed = [st for unit in state.cases if (st := state.book.unit_state(unit)).equity < 0]
    return {
        "liquidated": {
            "accounts": len(tally.liquidated),
            "notional": text(tally.liquidated_notional),
            "fills": tally.fills,
            "fees": text(tally.fees),
            "largest": [{"account": h.account, "notional": text(h.notional)} for h in largest(tally.falls.values())],
        },
        "taken_over": {
            "accounts": len(tally.taken),
            "notional": text(tally.taken_notional),
            "pnl": text(sum(tally.equity(h.account) - h.before for h in backstop)),
        },
        "bad_debt": text(tally.bad_debt),
        "layers": tally.layers(),
        "deleveraged": {
            "accounts": len(tally.deleveraged),
            "notional": text(tally.deleveraged_notional),
            "needed": text(tally.needed),
            "collected": text(tally.collected),
            "of_backstop_notional": text(tally.deleveraged_from_backstop),
            "largest": [
                {
                    "account": h.account,
                    "notional": text(h.notional),
                    "given_up": text(h.cost),
                    "market": h.market,
                    "rank": h.rank,
                    "closed_against": h.counterparty,
                    "because": "the backstop was over its limit" if h.loss == 0 else f"loss {h.loss} had to be covered",
                }
                for h in largest(tally.hits.values())
            ],
        },
        "haircut": {"rate": f"{num}/{den}", "amount": text(tally.haircut_amount)},
        "residual": text(tally.residual),
        "pending": text(sum(tally.valuer.value(st.asset, -st.equity) for st in owed)),
        "by_asset": {name: _by_asset(state, tally, name) for name in sorted(tally.bad_debt_by_asset)},
    }


def largest(hits: Iterable[Hit], count: int = 3) -> list[Hit]:
    """The accounts hit hardest by notional, ties by name."""
    return sorted(hits, key=lambda h: (-h.notional, h.account))[:count]


def _by_asset(state: State, tally: Tally, name: str) -> dict[str, str]:
    """Exact amounts in the asset itself."""
    scale = state.asset(state.asset_index[name]).book_scale
    return {
        "bad_debt": format_amount(tally.bad_debt_by_asset[name], scale),
        "residual": format_amount(tally.residual_by_asset.get(name, 0), scale),
    }


def _notes(state: State, facts: RunFacts) -> list[str]:
    notes = list(facts.path.notes)
    if facts.refused_early:
        told = ", ".join(f"{n:,} {reason}" for reason, n in sorted(facts.refused_early.items()))
        notes.append(f"refused while the oracle warmed up, before the first step: {told}")
    if facts.missing:
        notes.append("left out, no price at the start of the window: " + ", ".join(facts.missing))
    if facts.policy.marks.kind == "banded" and facts.counts.sources:
        markets = len(state.snapshot.instruments)
        few = sum(1 for n in facts.counts.sources.values() if n < 2)
        none = markets - len(facts.counts.sources)
        if few:
            quorum = facts.policy.oracle.quorum
            notes.append(f"the index of {few} of {markets} markets has one source (quorum {quorum})")
        if none:
            notes.append(f"{none} of {markets} markets have no index: their mark is the last trade")
    elif facts.policy.marks.kind == "banded":
        notes.append("no index was given: marks are last trades although the policy bands them")
    if facts.interrupted:
        notes.append("interrupted: the run is whole up to the last step")
    return notes

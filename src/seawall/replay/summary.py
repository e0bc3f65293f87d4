"""The result document of a run: the output contract of ``--json``, amounts as decimal strings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from seawall.engine import Policy, State, state_hash, statements
from seawall.money import format_amount
from seawall.replay.counts import AccountTally
from seawall.replay.feed import FeedCounts
from seawall.replay.layers import backstop_profit, backstop_result, house_layers
from seawall.replay.paths import Path
from seawall.replay.shares import concentration, ratio_text
from seawall.replay.sharing_summary import by_cause, pending, shared
from seawall.replay.tally import Tally
from seawall.replay.values import SIZE_CLASSES


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What a run was and how far it went. ``refused_early``: prices refused before the first step, by reason; ``incidents``: rows of the
    result."""

    path: Path
    policy: Policy
    counts: FeedCounts
    refused_early: dict[str, int]
    missing: list[str]
    steps: int
    interrupted: bool
    opening_vault: dict[str, int]
    incidents: list[dict[str, Any]] = field(default_factory=list)


def summarise(state: State, tally: Tally, facts: RunFacts) -> dict[str, Any]:
    """The document, JSON-ready."""
    return {
        **_head(state, tally, facts),
        **counted(state, tally, facts.opening_vault),
        **({"incidents": facts.incidents} if facts.incidents else {}),
        "quarantined": dict(sorted(facts.counts.quarantined.items())),
        "marks": {
            "from_trades": facts.counts.trades,
            "from_index": facts.counts.from_index,
            "without_index": facts.counts.without_index,
            "none": facts.counts.held,
        },
        "sources": list(facts.path.sources),
        "notes": _notes(state, facts),
    }


def counted(state: State, tally: Tally, opening_vault: dict[str, int]) -> dict[str, Any]:
    """The part of the document that follows from the log alone: amounts, layers, conservation, state hash."""
    found = statements(state, opening_vault)
    return {
        **_amounts(state, tally),
        "backstop_pnl": backstop_result(tally),
        "concentration": _concentration(tally),
        "by_size_class": _by_size_class(tally),
        "conservation": {
            "ok": all(s.difference == 0 for s in found),
            "assets": {s.asset: s.as_dict() for s in found},
        },
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
        "policy": {
            "name": facts.policy.name,
            "hash": facts.policy.hash,
            "layers": [{"name": rule.name, "kind": rule.kind.value} for rule in facts.policy.layers],
        },
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


def _amounts(state: State, tally: Tally) -> dict[str, Any]:
    text = tally.valuer.text
    num, den = tally.haircut_rate
    shares = tally.largest_shares
    open_now = {state.book.account_of(unit) for unit in state.cases}
    return {
        "liquidated": {
            "accounts": len(tally.liquidated),
            "notional": text(tally.liquidated_notional),
            "fills": tally.fills,
            "fees": text(tally.fees),
            "largest": [
                {
                    "account": a.name,
                    "notional": text(a.fallen_notional),
                    "equity_before": text(a.before),
                    "equity_after": text(tally.equity(state.account_index[a.name])),
                    "taken_out": text(tally.taken_out_of(state.account_index[a.name])),
                    "outcome": "still_open" if state.account_index[a.name] in open_now else a.outcome,
                }
                for a in _largest(tally, lambda a: a.fallen_notional if a.liquidations else -1)
            ],
        },
        "taken_over": {
            "accounts": len(tally.taken),
            "notional": text(tally.taken_notional),
            "pnl": backstop_profit(tally),
        },
        "bad_debt": text(tally.bad_debt),
        "losses": {
            "accounts": sum(1 for a in tally.accounts.values() if a.loss > 0),
            "amount": text(sum(tally.payments.losses.values())),
            "by_cause": by_cause(tally),
            "largest": [
                {"account": a.name, "amount": text(a.loss)} for a in _largest(tally, lambda a: a.loss) if a.loss > 0
            ],
        },
        "layers": house_layers(tally),
        "deleveraged": {
            "accounts": len(tally.deleveraged),
            "notional": text(tally.deleveraged_notional),
            "needed": text(tally.needed),
            "collected": text(tally.collected),
            "residual": text(sum(left for left in tally.asked.values() if left > 0)),
            "overshoot": text(tally.collected - tally.needed),
            "of_backstop_notional": text(tally.deleveraged_from_backstop),
            "of_profit_cap_notional": text(tally.capped.notional),
            "largest": [
                {
                    "account": a.name,
                    "notional": text(a.deleveraged_notional),
                    "given_up": text(a.given_up),
                    "market": a.market,
                    "rank": a.rank,
                    "closed_against": a.counterparty,
                    "because": _because(a),
                }
                for a in _largest(tally, lambda a: a.deleveraged_notional if a.deleveragings else -1)
            ],
        },
        "haircut": {
            "rate": f"{num}/{den}",
            "amount": text(tally.haircut_amount),
            "max_of_profit": ratio_text(shares.of_profit.numerator, shares.of_profit.denominator),
            "max_of_equity": ratio_text(shares.of_equity.numerator, shares.of_equity.denominator),
            "gini_of_profit": shares.gini_of_profit(),
            "gini_of_equity": shares.gini_of_equity(),
        },
        "profit_cap": _profit_cap(state, tally),
        **shared(tally),
        "residual": text(tally.residual),
        "pending": text(pending(tally)),
        "by_asset": {
            name: _by_asset(state, tally, name) for name in sorted({*tally.bad_debt_by_asset, *tally.residual_by_asset})
        },
    }


def _largest(tally: Tally, size: Callable[[AccountTally], int], count: int = 3) -> list[AccountTally]:
    """The accounts hit hardest by an amount (below zero: not hit at all), ties by name."""
    hit = [a for a in tally.accounts.values() if size(a) >= 0]
    return sorted(hit, key=lambda a: (-size(a), a.name))[:count]


def _profit_cap(state: State, tally: Tally) -> dict[str, Any] | None:
    """What a profit cap did; None where the policy has none."""
    if state.policy.profit_cap is None:
        return None
    found, text = tally.capped, tally.valuer.text
    return {
        "times": found.times,
        "accounts": len(found.accounts),
        "notional": text(found.notional),
        "collected": text(found.collected),
        "largest_needed": text(found.largest_needed),
        "largest_residual": text(found.largest_residual),
    }


def _because(account: AccountTally) -> str:
    if account.cause == "profit_cap":
        return "profits of its side were above the cap of the pool"
    if account.because == 0:
        return "the backstop was over its limit"
    return f"loss {account.because} had to be covered"


def _concentration(tally: Tally) -> dict[str, Any]:
    """How unequally it fell on accounts: what winners gave up, what of theirs was closed, what losers left unpaid."""
    accounts = tally.accounts.values()
    return {
        "deleveraged": concentration(a.given_up + a.haircut for a in accounts),
        "deleveraged_notional": concentration(a.deleveraged_notional for a in accounts),
        "losses": concentration(a.loss for a in accounts),
        "members": concentration(a.contribution_used + a.called for a in accounts),
        "socialised": concentration(a.charged + a.cash_cut + a.withdrawal_cut for a in accounts),
    }


def _by_size_class(tally: Tally) -> list[dict[str, Any]]:
    """What fell on accounts by their equity at the opening. House accounts are left out of the number of accounts."""
    classes: dict[str, list[AccountTally]] = {name: [] for name in SIZE_CLASSES}
    for account in tally.accounts.values():
        classes[tally.valuer.size_class(account.before)].append(account)
    text, rows = tally.valuer.text, []
    for name, (count, equity) in tally.opening.members_by_class().items():
        hit = classes[name]
        rows.append(
            {
                "size_class": name,
                "accounts": count,
                "equity_before": text(equity),
                "liquidated": sum(1 for a in hit if a.liquidations),
                "liquidated_notional": text(sum(a.liquidated_notional for a in hit)),
                "taken_over_notional": text(sum(a.taken_notional for a in hit)),
                "loss": text(sum(a.loss for a in hit)),
                "deleveraged": sum(1 for a in hit if a.deleveragings),
                "deleveraged_notional": text(sum(a.deleveraged_notional for a in hit)),
                "given_up": text(sum(a.given_up for a in hit)),
                "haircut": text(sum(a.haircut for a in hit)),
                "charged": text(sum(a.charged for a in hit)),
                "cash_cut": text(sum(a.cash_cut for a in hit)),
            }
        )
    return rows


def _by_asset(state: State, tally: Tally, name: str) -> dict[str, str]:
    """Exact amounts in the asset itself."""
    scale = state.asset(state.asset_index[name]).book_scale
    return {
        "bad_debt": format_amount(tally.bad_debt_by_asset.get(name, 0), scale),
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

"""What one replay comes to in a study: a flat row of metrics, its layers and a short timeline.

Every metric is defined, with unit and source, in ``docs/reference/comparison.md``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from seawall.engine import Policy, State
from seawall.margin.fullpass import full_pass
from seawall.money import format_amount
from seawall.replay.incident_words import totals
from seawall.replay.run import Run
from seawall.replay.values import Valuer

if TYPE_CHECKING:
    import polars as pl


class Metric(NamedTuple):
    """A column of the table. ``kind``: count, money (decimal text, reporting unit), share (0 to 1, text), name."""

    name: str
    kind: Literal["count", "money", "share", "name"]
    title: str


METRICS: tuple[Metric, ...] = (
    Metric("liquidated_accounts", "count", "liquidated accounts"),
    Metric("liquidated_notional", "money", "closed in the market"),
    Metric("taken_over_accounts", "count", "taken over accounts"),
    Metric("taken_over_notional", "money", "taken over notional"),
    Metric("backstop_pnl", "money", "backstop result"),
    Metric("bad_debt", "money", "bad debt"),
    Metric("deleveraged_accounts", "count", "deleveraged accounts"),
    Metric("deleveraged_notional", "money", "deleveraged notional"),
    Metric("needed", "money", "needed"),
    Metric("collected", "money", "collected"),
    Metric("overshoot", "money", "overshoot"),
    Metric("short", "money", "short of needed"),
    Metric("haircut", "money", "gains haircut"),
    Metric("haircut_max_of_profit", "share", "max haircut of profit"),
    Metric("haircut_max_of_equity", "share", "max haircut of equity"),
    Metric("haircut_gini_of_profit", "share", "Gini of shares of profit"),
    Metric("haircut_gini_of_equity", "share", "Gini of shares of equity"),
    Metric("pain_top20", "share", "top-20 share of pain"),
    Metric("pain_gini", "share", "Gini of the pain"),
    Metric("members_paid", "money", "members' contributions"),
    Metric("called", "money", "cash calls"),
    Metric("charged", "money", "charged to positions"),
    Metric("cash_cut", "money", "balances cut"),
    Metric("on_withdrawals", "money", "put on withdrawals"),
    Metric("auctions_held", "count", "portfolios auctioned"),
    Metric("auctions_sold", "count", "portfolios sold"),
    Metric("auction_cost", "money", "paid to take them"),
    Metric("fund_auctions_won", "count", "auctions of the fund won"),
    Metric("residual", "money", "nobody paid"),
    Metric("pending", "money", "not final"),
    Metric("house_gained", "name", "house account best off"),
    Metric("house_gain", "money", "result of that house"),
    Metric("winner_gained", "name", "trader best off"),
    Metric("winner_gain", "money", "result of that trader"),
    Metric("fund_before", "money", "house equity before"),
    Metric("fund_after", "money", "house equity after"),
)
# Only where an event has incidents beside its prices.
INCIDENT_METRICS: tuple[Metric, ...] = (
    Metric("declared", "money", "declared losses"),
    Metric("declared_unpaid", "money", "of these, unpaid"),
    Metric("recovered", "money", "came back"),
    Metric("withdrawn", "money", "withdrawn in runs"),
    Metric("paid_out", "money", "paid out at the end"),
)
NUMBERS = tuple(m for m in METRICS if m.kind != "name")
TIMELINE = (
    "liquidated_accounts",
    "open_cases",
    "liquidated_notional",
    "taken_over_notional",
    "bad_debt",
    "deleveraged_accounts",
    "deleveraged_notional",
    "given_up",
    "haircut",
    "residual",
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """One cell after it ran.

    ``row``: the cell (policy, seed, leverage, mark_rule), its metrics, hashes and state, JSON-ready.
    ``interrupted``: stopped inside; a study does not keep it. ``incidents``: the rows of the run's result.
    """

    row: dict[str, Any]
    layers: list[dict[str, Any]]
    timeline: pl.DataFrame | None
    about: dict[str, Any]
    interrupted: bool
    incidents: list[dict[str, Any]] = field(default_factory=list)


def metrics_of(rows: Sequence[dict[str, Any]]) -> tuple[Metric, ...]:
    """The metrics that these rows have: those of incidents only where there were any."""
    return (*METRICS, *(m for m in INCIDENT_METRICS if rows and all(m.name in r for r in rows)))


def metrics(run: Run) -> dict[str, Any]:
    """The metrics of one run, by name in the order of ``METRICS``, then those of incidents."""
    s = run.summary
    unit = Valuer(run.state)
    houses = [(row["name"], Decimal(row["result"])) for row in s["layers"]]
    house = max(houses, key=lambda h: h[1], default=None)
    winner = _winner(run.state, unit, run.taken_out)
    backstop = run.state.policy.liquidation.backstop is not None
    deleveraged, pain = s["deleveraged"], s["concentration"]["deleveraged"]
    return {
        "liquidated_accounts": s["liquidated"]["accounts"],
        "liquidated_notional": s["liquidated"]["notional"],
        "taken_over_accounts": s["taken_over"]["accounts"],
        "taken_over_notional": s["taken_over"]["notional"],
        "backstop_pnl": s["taken_over"]["pnl"] if backstop else None,
        "bad_debt": s["bad_debt"],
        "deleveraged_accounts": deleveraged["accounts"],
        "deleveraged_notional": deleveraged["notional"],
        "needed": deleveraged["needed"],
        "collected": deleveraged["collected"],
        "overshoot": deleveraged["overshoot"],
        "short": deleveraged["residual"],
        "haircut": s["haircut"]["amount"],
        "haircut_max_of_profit": s["haircut"]["max_of_profit"],
        "haircut_max_of_equity": s["haircut"]["max_of_equity"],
        "haircut_gini_of_profit": s["haircut"]["gini_of_profit"],
        "haircut_gini_of_equity": s["haircut"]["gini_of_equity"],
        "pain_top20": pain["top20"],
        "pain_gini": pain["gini"],
        **_shared(s),
        **_auctions(run.state.policy, s),
        "residual": s["residual"],
        "pending": s["pending"],
        "house_gained": None if house is None else house[0],
        "house_gain": None if house is None else decimal_text(house[1]),
        "winner_gained": winner[0],
        "winner_gain": unit.text(winner[1]),
        "fund_before": decimal_text(sum((Decimal(r["before"]) for r in s["layers"]), Decimal(0))),
        "fund_after": decimal_text(sum((Decimal(r["after"]) for r in s["layers"]), Decimal(0))),
        **({k: decimal_text(v) for k, v in totals(s["incidents"]).items()} if "incidents" in s else {}),
    }


def _shared(s: dict[str, Any]) -> dict[str, str | None]:
    """What those paid who had no part in the losses; None where the policy has no layer that would ask them."""
    kinds = {rule["kind"] for rule in s["policy"]["layers"]}
    asked = {
        "members_paid": {"own_contribution", "members"},
        "called": {"assessment"},
        "charged": {"open_interest"},
        "cash_cut": {"cash_haircut"},
        "on_withdrawals": {"withdrawal_rate"},
    }
    found = {"members_paid": s["members"]["contributions"], "called": s["members"]["called"], **s["socialised"]}
    return {name: found[name] if wanted & kinds else None for name, wanted in asked.items()}


def _auctions(policy: Policy, s: dict[str, Any]) -> dict[str, int | str | None]:
    """Auctions that were held; None where the policy holds none of the kind."""
    held = policy.members is not None and policy.members.auction is not None
    found = s["auctions"]
    return {
        "auctions_held": found["held"] if held else None,
        "auctions_sold": found["won"] if held else None,
        "auction_cost": found.get("cost", "0") if held else None,
        "fund_auctions_won": None if policy.auctions is None else s["fund_auctions"]["won"],
    }


def decimal_text(value: Decimal) -> str:
    """Decimal text as the summary writes it: no exponent, no trailing zeros."""
    scale = max(0, -int(value.as_tuple().exponent))
    return format_amount(int(value.scaleb(scale)), scale)


def _winner(state: State, unit: Valuer, taken_out: Mapping[tuple[int, int], int]) -> tuple[str | None, int]:
    """The trader or market maker whose equity rose most between opening and end, and by how much.

    What it took out (minor units by account and asset) is still its own; what it put in was its own before.

    Per asset, at the opening and the closing mark; the change is valued at the closing mark. An isolated position
    counts for the account it belongs to.
    """
    gains = equity_changes(state)
    for (account, asset), minor in taken_out.items():
        parent = int(state.snapshot.parents[account])
        gains[asset, account if parent < 0 else parent] += state.asset(asset).to_book(minor)
    traders = np.array([role in ("trader", "market_maker") for role in state.snapshot.roles])
    worth = [float(unit.value(a, 10**asset.book_scale)) for a, asset in enumerate(state.snapshot.assets)]
    scales = [10.0**asset.book_scale for asset in state.snapshot.assets]
    value = (gains * (np.array(worth) / np.array(scales))[:, None]).sum(axis=0)
    value[~traders] = -np.inf
    value[state.snapshot.parents >= 0] = -np.inf
    if not len(value) or not np.isfinite(value).any():
        return None, 0
    best = int(value.argmax())  # floats choose whom, whole numbers say how much
    exact = sum(unit.value(a, int(gains[a, best])) for a in range(len(gains)))
    return state.account_name(best), exact


def equity_changes(state: State) -> NDArray[np.int64]:
    """Equity now less equity at the opening, int64 [assets, accounts], book units of each asset.

    Isolated positions are added to the account they belong to.
    """
    book, snapshot = state.book, state.snapshot
    roots = np.where(snapshot.parents >= 0, snapshot.parents, np.arange(len(snapshot.account_ids)))
    out = np.zeros((len(snapshot.assets), len(snapshot.account_ids)), dtype=np.int64)
    used = slice(0, book.rows)
    np.add.at(out, (book.row_asset[used], roots[book.row_account[used]]), full_pass(book).equity)
    cash = [
        snapshot.assets[a].to_book(m) for a, m in zip(snapshot.cash_asset.tolist(), snapshot.cash_minor, strict=True)
    ]
    np.subtract.at(out, (snapshot.cash_asset, roots[snapshot.cash_account]), np.array(cash, dtype=np.int64))
    if len(snapshot.pos_lots):
        worths = [
            i.sign * i.unit_value(snapshot.marks[m]) if m in snapshot.marks else 0
            for m, i in enumerate(snapshot.instruments)
        ]
        profit = snapshot.pos_lots * np.array(worths, dtype=np.int64)[snapshot.pos_market] - snapshot.pos_entry
        settle = np.array(state.settle_asset, dtype=np.int64)[snapshot.pos_market]
        np.subtract.at(out, (settle, roots[snapshot.pos_account]), profit)
    return out


def short_timeline(run: Run) -> pl.DataFrame:
    """The columns of ``TIMELINE`` that pictures of several runs need, ``house`` (all house accounts' equity) and the
    mark of the market with the largest open interest."""
    import polars as pl

    frame = run.timeline
    houses = [c for c in frame.columns if c.startswith("equity_") and c != "equity_at_risk"]
    largest = run.markets.sort("open_notional", descending=True, maintain_order=True)["market"].to_list()[:1]
    marks = [c for c in (f"mark_{market}" for market in largest) if c in frame.columns]
    whole = pl.sum_horizontal(houses) if houses else pl.lit(None)
    return frame.select(
        "time_ns",
        *(c for c in TIMELINE if c in frame.columns),
        whole.alias("house"),
        *(pl.col(c).alias("mark") for c in marks),
        *(pl.lit(c.removeprefix("mark_")).alias("mark_market") for c in marks),
    )

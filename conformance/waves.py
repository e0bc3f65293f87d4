"""Deleveraging of 10 October 2025, real figures: ``python -m conformance.waves DIR`` prints four tables.

DIR holds the per-wave and per-user files of that day. Money is read as the exact decimal that the file's number
prints; allocations are in millionths of a dollar.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from seawall.waterfall import (
    Allocator,
    Assigned,
    Claimants,
    CountedOnce,
    Metrics,
    PolicySummary,
    RiskCurve,
    Rule,
    by_leverage,
    count_once,
    measure,
    project,
    summarise_policy,
)

UNIT = 10**6
BUDGET = 15_079_669_610_000  # 15,079,669.61 USD: needed budget of the day (sum of |mark - execution| x size)
POLICIES = {
    "production": "prod",
    "wealth pro rata": "pr",
    "profit pro rata": "pnl_pr",
    "equity pro rata": "eq_pr",
    "vector projection": "vector",
    "contract pro rata": "contract_pr",
    "integer fixed point": "fixed_point_ilp_integer",
}
HORIZONS = (0, 500, 1000, 2000, 5000)


def decimals(column: pl.Series) -> list[Fraction]:
    """Each number as the decimal that it prints."""
    return [Fraction(repr(x)) for x in column.to_list()]


def policy_table(folder: Path) -> dict[str, PolicySummary]:
    """Each rule of the published study over the sixteen waves."""
    waves = pl.read_parquet(folder / "waves_policy_metrics.parquet")
    needed = decimals(waves["budget_needed"])
    reference = decimals(waves["max_pct_fixed_point_ilp_integer"])
    return {
        name: summarise_policy(needed, decimals(waves[f"budget_{key}"]), decimals(waves[f"max_pct_{key}"]), reference)
        for name, key in POLICIES.items()
    }


class Horizon(NamedTuple):
    """Needed and taken when winners are valued so many milliseconds after the wave."""

    needed: Fraction
    taken: Fraction
    overshoot: Fraction
    under: list[int]


def horizon_table(folder: Path) -> dict[int, Horizon]:
    """What the venue took against what was needed, per horizon; ``under`` are the waves that were short."""
    waves = pl.read_parquet(folder / "waves_equity_delta.parquet")
    found = {}
    for horizon in HORIZONS:
        rows = waves.filter(pl.col("horizon_ms") == horizon).sort("wave")
        needed, taken = decimals(rows["budget_needed_usd"]), decimals(rows["budget_prod_usd"])
        under = [w for w, b, c in zip(rows["wave"], needed, taken, strict=True) if c < b]
        found[horizon] = Horizon(sum(needed, Fraction(0)), sum(taken, Fraction(0)), sum(taken) - sum(needed), under)
    return found


def deficit_report(folder: Path) -> CountedOnce:
    """Deficits in cents, a largest loss that repeats to the cent counted once."""
    waves = pl.read_parquet(folder / "waves_bad_debt.parquet")
    cents = [[round(x * 100) for x in decimals(waves[name])] for name in ("deficit_usd", "max_loss_usd")]
    return count_once(*cents)


class Winners(NamedTuple):
    """Who was deleveraged, in millionths: realised profit, cash + realised profit (a proxy of equity), notional, entry."""

    profit: np.ndarray[Any, np.dtype[np.int64]]
    equity: np.ndarray[Any, np.dtype[np.int64]]
    notional: np.ndarray[Any, np.dtype[np.int64]]
    entry: np.ndarray[Any, np.dtype[np.int64]]


def winners(folder: Path) -> Winners:
    """Every user of the file. Equity is not published: cash + realised profit stands for it, and is named so."""
    users = pl.read_parquet(folder / "adl_by_user.parquet").sort("user")

    def units(name: str) -> np.ndarray[Any, np.dtype[np.int64]]:
        return np.array([(x * UNIT).__floor__() for x in decimals(users[name])], dtype=np.int64)

    profit, notional = units("closed_pnl"), units("adl_notional")
    percent = decimals(users["pnl_percent"])
    entry = [abs(int(p * 100 / q)) if q else int(n) for p, q, n in zip(profit.tolist(), percent, notional, strict=True)]
    return Winners(profit, profit + units("account_value_realtime"), notional, np.array(entry, dtype=np.int64))


def allocators(w: Winners, capacity: np.ndarray[Any, np.dtype[np.int64]]) -> dict[str, Callable[[int], Assigned]]:
    """Our rules over these winners, each as budget -> amounts; capacity is the base that is cut."""
    zero = np.maximum(w.profit, 0)
    equity = np.maximum(w.equity, 0)
    c = Claimants(
        capacity=capacity,
        profit=capacity,
        equity=equity,
        contracts=w.notional,
        notional=w.notional,
        entry=w.entry,
        wallet=np.maximum(w.equity - w.profit, 0),
    )
    # Closing notional at this leverage gives money at the rate capacity / notional: the same level, in money.
    levels = [int(b) * int(e) // max(1, int(n)) for b, e, n in zip(capacity, equity, w.notional, strict=True)]
    scored = Claimants(capacity=capacity, profit=zero, equity=equity, notional=w.notional, entry=w.entry)
    return {
        "queue, profit x leverage": lambda b: Allocator(Rule.QUEUE).assign(b, scored),
        "random walk, seed 1": lambda b: Allocator(Rule.WALK, seed=1).assign(b, c),
        "pro rata to the base": lambda b: Allocator(Rule.PROFIT).assign(b, c),
        "pro rata to equity proxy": lambda b: Allocator(Rule.EQUITY).assign(b, c),
        "pro rata to notional": lambda b: Allocator(Rule.CONTRACTS).assign(b, c),
        "equal amount a head": lambda b: Allocator(Rule.EQUAL).assign(b, c),
        "risk-aware pro rata, linear": lambda b: Allocator(
            Rule.RISK_AWARE, curve=RiskCurve.POWER, parameter=Fraction(1)
        ).assign(b, c),
        "leverage water-filling": lambda b: by_leverage(b, capacity, np.array(levels, dtype=np.int64)),
        "vector projection": lambda b: project(b, capacity),
    }


def allocation_table(w: Winners, base: str, budget: int = BUDGET) -> dict[str, Metrics]:
    """Metrics of each rule; ``base`` "profit" or "equity proxy" is what may be cut."""
    capacity = np.maximum(w.profit if base == "profit" else w.equity, 0)
    found = {}
    for name, rule in allocators(w, capacity).items():
        given = rule(budget)
        found[name] = measure(budget, given.amounts, w.profit, w.equity)
    return found


def _millions(x: Fraction) -> str:
    return f"{float(x) / 1e6:+.2f}"


def report(folder: Path) -> list[str]:
    """All tables as Markdown."""
    lines = [
        "| rule | collected m | net m | sum abs m | mean of hardest | worst | fairness regret m |",
        "|---|" + "---|" * 6,
    ]
    for name, s in policy_table(folder).items():
        lines.append(
            f"| {name} | {float(s.collected) / 1e6:.2f} | {_millions(s.net)} | {float(s.absolute) / 1e6:.2f} "
            f"| {float(s.mean_hardest):.3f} | {float(s.worst_hardest):.3f} | {float(s.fairness_regret) / 1e6:.2f} |"
        )
    lines += ["", "| horizon ms | needed m | taken m | overshoot m | waves short |", "|---|---|---|---|---|"]
    for horizon, h in horizon_table(folder).items():
        short = ", ".join(map(str, h.under))
        lines.append(
            f"| {horizon} | {float(h.needed) / 1e6:.2f} | {float(h.taken) / 1e6:.2f} | {_millions(h.overshoot)} | {short} |"
        )
    once = deficit_report(folder)
    lines += [
        "",
        f"Deficits as published {once.published / 100:,.2f} USD; a largest loss that repeats to the cent counted once "
        f"{once.counted_once / 100:,.2f} USD.",
    ]
    lines += [f"{loss / 100:,.2f} USD stands in {k} waves." for loss, k in once.repeats.items()]
    w = winners(folder)
    lines += ["", f"{len(w.profit):,} accounts, {int((w.profit > 0).sum()):,} of them with a profit."]
    for base in ("profit", "equity proxy"):
        lines += [
            "",
            f"| cut from the {base} | collected USD | hardest of profit | hardest of equity proxy | touched | top 20 | Gini |",
            "|---|" + "---|" * 6,
        ]
        for name, m in allocation_table(w, base).items():
            lines.append(
                f"| {name} | {m.collected / UNIT:,.2f} | {float(m.in_profit.max_haircut):.4f} "
                f"| {float(m.in_equity.max_haircut):.4f} | {m.touched:,} | {float(m.top_share[20]):.1%} | {float(m.gini):.3f} |"
            )
    return lines


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    print("\n".join(report(Path(sys.argv[1]))))

"""The pictures of ``docs/explanation.md``: drawn by ``seawall.views`` from the runs that the page itself makes.

Colours follow the reader's light or dark setting. Each picture brings its own ground, so that it is legible on any page.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from seawall.replay import Run
from seawall.views import run_view
from seawall.views.bars import Bar, bars
from seawall.views.svg import Svg, grounded
from seawall.views.timeline import Line, Note, Panel, timeline

WIDTH = 720.0
MAINTENANCE = Fraction(1, 20)
Names = dict[str, Any]


def pictures(names: Names) -> dict[str, str]:
    """Every picture as a file of its own, from the names that the page's blocks left behind."""
    drawn: dict[str, Callable[[Names], str | Svg]] = {
        "prices": _prices,
        "marks": _marks,
        "waterfall": _waterfall,
        "queue": _queue,
        "needed": _needed,
        "conservation": _conservation,
    }
    return {name: grounded(draw(names)) for name, draw in drawn.items()}


def _marks_of(run: Run, market: str) -> tuple[list[int], list[float]]:
    return run.timeline["time_ns"].to_list(), run.timeline[f"mark_{market}"].to_list()


def _prices(names: Names) -> Svg:
    """Mark, liquidation and bankruptcy price; equity and maintenance under them."""
    times, marks = _marks_of(names["run"], "COIN-PERP")
    last = marks.index(min(marks))
    times, marks = times[: last + 1], marks[: last + 1]
    cash, size, entry = names["cash"]["alice"], names["size"]["alice"], names["closes"][0]
    exact = [Fraction(m) for m in marks]
    equity = [cash + size * (m - entry) for m in exact]
    asked = [MAINTENANCE * size * m for m in exact]
    bankruptcy = entry - Fraction(cash, size)
    liquidation = bankruptcy / (1 - MAINTENANCE)
    owed = equity[-1]
    panels = [
        Panel(
            ["The mark jumps over both prices"],
            "USD a coin",
            times,
            [
                Line("mark", marks, 1),
                Line(f"liquidation {float(liquidation):.2f}", [float(liquidation)] * len(times), 5),
                Line(f"bankruptcy {float(bankruptcy):.0f}", [float(bankruptcy)] * len(times), 2),
            ],
            zero=False,
            height=150.0,
        ),
        Panel(
            ["Alice’s equity: below maintenance she is liquidated, below zero somebody else pays"],
            "USDC",
            times,
            [Line("equity", [float(v) for v in equity], 1), Line("maintenance", [float(v) for v in asked], 5)],
            notes=[Note(times[-1], float(owed), [f"{float(-owed):,.0f} owed"])],
            height=150.0,
        ),
    ]
    return timeline("prices", WIDTH, panels, "A long of 10 coins entered at 1,000 with 1,000 of cash, over time")


def _marks(names: Names) -> Svg:
    """The same trades as last trade and banded."""
    lines, fallen = [], []
    for rule, style in (("last", 2), ("banded", 1)):
        times, marks = _marks_of(names[rule], "AAVE-PERP")
        lines.append(Line({"last": "last trade", "banded": "banded"}[rule], marks, style))
        fallen.append(names[rule].summary["liquidated"]["accounts"])
    title = f"AAVE: {fallen[0]} of 500 accounts fall under the last trade, {fallen[1]} under the banded mark"
    return timeline("marks", WIDTH, [Panel([title], "USD a coin", times, lines, zero=False, height=170.0)], title)


def _waterfall(names: Names) -> str:
    view = run_view(names["run"].record())
    return str(next(f for f in view.figures() if f.id == "waterfall").svg())


def _queue(names: Names) -> Svg:
    """The winners by rank: what is closed, what is left."""
    rows = []
    for row in names["run"].deleveragings.sort("rank").iter_rows(named=True):
        name, low = row["account"], min(names["closes"])
        held, closed = -names["size"][name], float(row["notional"]) / low
        rows.append(
            Bar(
                [f"rank {row['rank']}: {name}, score {row['score'] / 10**9:.3f}"],
                [(closed, 2), (held - closed, 1)],
                [f"{closed:.0f} of {held} closed"],
            )
        )
    return bars(
        "queue", WIDTH, rows, "coins short", "Winners in the queue", [("closed by deleveraging", 2), ("stays open", 1)]
    )


def _needed(names: Names) -> Svg:
    """What winners gave up under three prices."""
    rows = []
    at = {"bankruptcy": "bankruptcy price", "mark": "mark", "previous_mark": "mark before"}
    for price, run in names["runs"].items():
        needed, collected = (float(run.summary["deleveraged"][k]) for k in ("needed", "collected"))
        cut = float(run.summary["haircut"]["amount"])
        parts = [(min(needed, collected), 1), (max(0.0, collected - needed), 2), (cut, 6)]
        rows.append(Bar([f"closed at the {at[price]}"], parts, [f"{collected + cut:,.0f}"]))
    keys = [("collected, as needed", 1), ("collected beyond", 2), ("gains haircut", 6)]
    return bars("needed", WIDTH, rows, "USDC given up by winners; 600 needed", "Needed and collected", keys)


def _conservation(names: Names) -> Svg:
    """Equity of everybody before and after: two bars of one length."""
    cash, size, run = names["cash"], names["size"], names["run"]
    known = {r["account"]: r for r in run.accounts.iter_rows(named=True)}
    moved = names["closes"][-1] - names["closes"][0]
    fund = run.layers.row(0, named=True)
    before = {**cash, "fund": fund["before"]}
    after = {a: known[a]["equity_after"] if a in known else cash[a] + size[a] * moved for a in cash}
    after["fund"] = fund["after"]
    rows = []
    for title, owned in (("before", before), ("after", after)):
        parts = [(float(v), style) for style, v in enumerate(owned.values(), 1)]
        rows.append(Bar([title], parts, [f"{sum(v for v, _ in parts):,.0f}"]))
    keys = [(f"{a} {float(before[a]):,.0f} → {float(after[a]):,.0f}", style) for style, a in enumerate(before, 1)]
    return bars("conservation", WIDTH, rows, "USDC of equity", "Who owns what, before and after", keys)

"""Allocation over a million winners, each rule beside the bare sort or scan that it needs, in one run."""

from __future__ import annotations

import time
from collections.abc import Callable
from fractions import Fraction
from functools import partial

import numpy as np

from seawall.money import Rounding
from seawall.money.kernels import muldiv_array
from seawall.waterfall import Allocator, Claimants, RiskCurve, Rule, ScoreRule, haircut_caps, order_of, pro_rata


def make_claimants(n: int, seed: int = 1) -> Claimants:
    """Heavy-tailed profits and equities, as winners of a crash have them; millionths of a dollar."""
    rng = np.random.default_rng(seed)

    def tail(scale: float) -> np.ndarray:
        return np.minimum((rng.pareto(1.2, n) + 0.01) * scale, 2.0**42).astype(np.int64) + 1

    profit, wallet, lots = tail(1e8), tail(1e9), tail(1e3)
    notional = profit * 3 + tail(1e8)
    equity = wallet + profit
    return Claimants(
        capacity=profit,
        profit=profit,
        equity=equity,
        contracts=lots,
        notional=notional,
        entry=notional + profit,
        wallet=wallet,
        maintenance=notional // 50 + 1,
        cushion=equity,
        relief=notional - rng.permutation(notional),
    )


def best_of(call: Callable[[], object], rounds: int) -> float:
    """Best of so many runs, milliseconds of this thread's own time; one run before them is not counted.

    All is single-threaded. Its own time is the same as the clock's on an idle machine, and says less about neighbours
    on a busy one.
    """
    call()
    found = []
    for _ in range(rounds):
        started = time.thread_time()
        call()
        found.append(time.thread_time() - started)
    return min(found) * 1e3


def measure(n: int, rounds: int) -> list[tuple[str, float, str, float]]:
    """(rule, milliseconds, bare operation, milliseconds), every rule but projection and min-max."""
    c = make_claimants(n)
    budget = int(c.capacity.sum()) // 3
    caps = haircut_caps(c.profit, c.wallet, max_haircut=Fraction(1, 2))
    whole, total = np.full(n, int(c.capacity.sum())), np.full(n, budget)
    ratio = c.capacity / np.maximum(c.equity, 1)
    stable = "stable argsort of ready scores"
    scan, order, walk = "exact scan: one muldiv a row", "argsort of ready ratios", "cumulative sum, clipped"
    bare = {
        stable: best_of(lambda: order_of(c.relief), rounds),
        scan: best_of(lambda: muldiv_array(c.capacity, total, whole, Rounding.FLOOR), rounds),
        order: best_of(lambda: np.argsort(ratio), rounds),
        walk: best_of(lambda: np.clip(budget - np.cumsum(c.capacity) + c.capacity, 0, c.capacity), rounds),
    }
    rules: list[tuple[str, str, Callable[[], object]]] = [
        (f"queue, {s.value}", stable, partial(Allocator(Rule.QUEUE, s).assign, budget, c)) for s in ScoreRule
    ]
    rules += [
        ("random walk", walk, lambda: Allocator(Rule.WALK).assign(budget, c)),
        ("pro rata to profit", scan, lambda: Allocator(Rule.PROFIT).assign(budget, c)),
        ("pro rata to equity, capped at profit", order, lambda: Allocator(Rule.EQUITY).assign(budget, c)),
        ("pro rata to contracts, capped at profit", order, lambda: Allocator(Rule.CONTRACTS).assign(budget, c)),
        ("capped pro rata (half of each gain)", order, lambda: pro_rata(int(caps.sum()) // 2, caps, c.profit)),
        ("equal amount a head", order, lambda: Allocator(Rule.EQUAL).assign(budget, c)),
        (
            "risk-aware pro rata, linear",
            order,
            lambda: Allocator(Rule.RISK_AWARE, curve=RiskCurve.POWER, parameter=Fraction(1)).assign(budget, c),
        ),
        ("leverage water-filling", order, lambda: Allocator(Rule.LEVERAGE).assign(budget, c)),
    ]
    return [(name, best_of(call, rounds), needs, bare[needs]) for name, needs, call in rules]


def table(n: int, rounds: int) -> list[str]:
    """A Markdown table of ``measure``."""
    lines = [
        f"Sharing a third of what {n:,} winners could give, exact to the unit; best of {rounds}, milliseconds of one thread.",
        "",
        "| rule | ours | bare operation it needs | bare | ratio |",
        "|---|---|---|---|---|",
    ]
    for name, ours, needs, bare in measure(n, rounds):
        lines.append(f"| {name} | {ours:.1f} | {needs} | {bare:.1f} | {ours / bare:.2f} |")
    return lines


if __name__ == "__main__":
    print("\n".join(table(1_000_000, 7)))

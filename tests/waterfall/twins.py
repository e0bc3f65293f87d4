"""Slow twins of the allocation rules: plain integers and fractions, written from the rules and nothing else."""

from __future__ import annotations

from fractions import Fraction


def dust(exact, total):
    """Round exact shares down; the units left go to the largest remainders, then the earlier index."""
    out = [x.__floor__() for x in exact]
    order = sorted(range(len(exact)), key=lambda i: (out[i] - exact[i], i))
    for i in order[: total - sum(out)]:
        out[i] += 1
    return out


def water(total, weights, highs, lows=None):
    """Shares clamp(level x weight, low, high) that sum to total: the level by trying every bound."""
    n = len(weights)
    lows = lows or [0] * n

    def at(level):
        return [min(max(level * w, lo), hi) for w, lo, hi in zip(weights, lows, highs, strict=True)]

    levels = sorted(
        {Fraction(b, w) for w, *bounds in zip(weights, lows, highs, strict=True) if w for b in bounds} | {Fraction(0)}
    )
    low = max(x for x in levels if sum(at(x)) <= total)
    short = total - sum(at(low))
    if short:
        high = min(x for x in levels if x > low)
        low += (high - low) * short / (sum(at(high)) - sum(at(low)))
    exact = [Fraction(x) for x in at(low)]
    assert sum(exact) == total
    return dust(exact, total)


def queue(budget, capacity, order):
    out = [0] * len(capacity)
    for i in order:
        out[i] = min(capacity[i], budget - sum(out))
    return out


def leverage(budget, exposure, equity):
    """Lower the highest leverage step by step through the distinct leverages, by bisecting nothing."""
    capacity_level = sorted(
        {Fraction(x, e) for x, e in zip(exposure, equity, strict=True)} | {Fraction(0)}, reverse=True
    )

    def given(level):
        return [max(Fraction(0), x - level * e) for x, e in zip(exposure, equity, strict=True)]

    low = next(level for level in capacity_level if sum(given(level)) >= budget)
    above = [level for level in capacity_level if level > low]
    if above and sum(given(low)) > budget:
        high = above[-1]
        low += (high - low) * (sum(given(low)) - budget) / (sum(given(low)) - sum(given(high)))
    kept = [x - g for x, g in zip(exposure, given(low), strict=True)]
    return [x - k for x, k in zip(exposure, dust(kept, sum(exposure) - budget), strict=True)]


def profit_leverage(profit, entry, notional, equity):
    """(profit / entry) x (notional / equity) in billionths, two divisions rounded down, capped at 2^62."""
    ratio = min(1 << 62, profit * 10**9 // max(1, entry))
    return min(1 << 62, ratio * notional // max(1, equity))


def profit_margin_ratio(profit, wallet, maintenance, equity, unit):
    """(profit / wallet) x (maintenance / equity), the same way; a wallet counts as one unit at least."""
    percent = min(1 << 62, profit * 10**9 // max(unit, wallet))
    return min(1 << 62, percent * maintenance // max(1, equity))

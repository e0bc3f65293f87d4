"""Scores of a deleveraging queue: whole columns at once, in billionths, exact with 128-bit products.

Every score divides twice, each time toward minus infinity, and is held within 2^62 of zero (a score is not money).
The highest score goes first. Slow twins of plain Python integers are in the tests.
"""

from __future__ import annotations

import hashlib
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seawall.errors import InputError
from seawall.money import Rounding
from seawall.waterfall.waterfilling import Amounts, amounts, bounded

SCALE = 10**9
LARGEST = 1 << 62


class ScoreRule(Enum):
    """What puts a position first."""

    PROFIT_LEVERAGE = "profit_leverage"  # profit / entry value x notional / account equity
    PROFIT_MARGIN_RATIO = "profit_margin_ratio"  # max(0, profit) / max(unit, wallet) x maintenance / equity
    SIGNED_LEVERAGE = "signed_leverage"  # profit share x leverage in profit, profit share / leverage in loss
    POSITION_LEVERAGE = "position_leverage"  # profit share x leverage of the position, in profit and in loss
    RELIEF = "relief"  # what the account's own requirement falls by per unit closed (hedge-aware)


def _muldiv(a: Amounts, b: Any, c: Any) -> Amounts:
    from seawall.money.kernels import muldiv_array

    factor, divisor = (np.full(a.size, x, dtype=np.int64) if isinstance(x, int) else x for x in (b, c))
    return muldiv_array(a, factor, divisor, Rounding.FLOOR, cap=LARGEST)


def _columns(**named: Any) -> list[Amounts]:
    """Columns of one length, as int64."""
    found = [amounts(values, name) for name, values in named.items()]
    if len({column.size for column in found}) > 1:
        raise InputError("columns differ in length", field=", ".join(named))
    return found


def profit_leverage_scores(profit: Any, entry: Any, notional: Any, equity: Any) -> Amounts:
    """``(profit / |entry value|) x (|notional| / account equity)``, defined for longs and shorts alike.

    Args:
        profit: int64 [n], unrealised, any sign.
        entry, notional, equity: int64 [n], absolute; values below 1 count as 1 where they divide.

    Source: Hyperliquid's auto-deleveraging index, mark / entry x notional / account value, in the form with the
    profit over the entry notional, which keeps the order of longs and is right for shorts.
    """
    profit, entry, notional, equity = _columns(profit=profit, entry=entry, notional=notional, equity=equity)
    return _muldiv(_muldiv(profit, SCALE, np.maximum(entry, 1)), notional, np.maximum(equity, 1))


def profit_margin_ratio_scores(profit: Any, wallet: Any, maintenance: Any, equity: Any, unit: int = 1) -> Amounts:
    """``max(0, profit) / max(unit, wallet) x (maintenance / equity)``; 0 where the equity is not positive.

    ``unit`` is one whole unit of the asset. Source: Binance, formula of a developer-community thread; the margin
    ratio is 0 when wallet + profit <= 0.
    """
    profit, wallet, maintenance, equity = _columns(profit=profit, wallet=wallet, maintenance=maintenance, equity=equity)
    percent = _muldiv(np.maximum(profit, 0), SCALE, np.maximum(wallet, unit))
    return np.where(equity > 0, _muldiv(percent, maintenance, np.maximum(equity, 1)), 0)


def signed_leverage_scores(profit: Any, entry: Any, notional: Any, cushion: Any) -> Amounts:
    """Profit share times effective leverage when in profit, divided by it when not.

    Args:
        profit, entry, notional: as above; the profit share is ``profit / entry``.
        cushion: ``|mark value - bankruptcy value|`` of the position: effective leverage is ``notional / cushion``.

    Source: BitMEX, auto-deleveraging ranking.
    """
    profit, entry, notional, cushion = _columns(profit=profit, entry=entry, notional=notional, cushion=cushion)
    share = _muldiv(profit, SCALE, np.maximum(entry, 1))
    value, left = np.maximum(notional, 1), np.maximum(cushion, 1)
    return np.where(share > 0, _muldiv(share, value, left), _muldiv(share, left, value))


def position_leverage_scores(profit: Any, entry: Any, notional: Any, cushion: Any) -> Amounts:
    """Profit share times the effective leverage of the position, whatever the sign. Source: OKX, ADL ranking."""
    profit, entry, notional, cushion = _columns(profit=profit, entry=entry, notional=notional, cushion=cushion)
    return _muldiv(_muldiv(profit, SCALE, np.maximum(entry, 1)), notional, np.maximum(cushion, 1))


def relief_scores(before: Any, after: Any, size: Any) -> Amounts:
    """``(risk before - risk after) / size``: what closing takes off the account's own risk, per unit closed.

    Args:
        before, after: int64 [n], the account's requirement (or any risk figure) with and without the position.
        size: int64 [n], units of the position, 1 or more.

    A hedge has a negative score: closing it leaves the account riskier, so it goes last. Our own rule: no venue ranks
    by account.
    """
    before, after, size = _columns(before=before, after=after, size=size)
    if size.size and int(size.min()) < 1:
        raise InputError("size below one", field="size", value=int(size.min()), expected="1 or more")
    relief = bounded(before, "before", LARGEST - 1) - bounded(after, "after", LARGEST - 1)
    return _muldiv(relief, SCALE, size)


def order_of(scores: Any) -> NDArray[np.int64]:
    """Indexes, highest score first; equal scores in listed order."""
    return np.argsort(-bounded(amounts(scores, "scores"), "scores", LARGEST), kind="stable")


def walk_start(n: int, *, seed: int, market: str, turn: int) -> int:
    """Where a random walk over ``n`` claimants starts: SHA-256 of seed, market and turn, the same on every machine.

    Source: the walk from a pseudo-random account of dYdX v4.
    """
    digest = hashlib.sha256(f"walk {seed} {market} {turn}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % n if n else 0


def lights(scores: Any, steps: int = 5) -> NDArray[np.int64]:
    """Place in the queue as a number of lights, 1 (last) to ``steps`` (first): what a trader is shown.

    Claimant at place p of n (0 first) has ``steps - floor(p x steps / n)`` lights. Source: BitMEX, five lights of 20 %.
    """
    order = order_of(scores)
    out = np.empty(order.size, dtype=np.int64)
    out[order] = steps - np.arange(order.size, dtype=np.int64) * steps // max(1, order.size)
    return out

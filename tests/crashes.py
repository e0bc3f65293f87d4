"""A crash as a small price frame, for linear and for coin-margined markets."""

from __future__ import annotations

import polars as pl

LINEAR = {"BTCUSDC": 100_000.0, "ETHUSDC": 4_000.0}
COINS = {"BTCUSD_PERP": 100_000.0, "ETHUSD_PERP": 4_000.0}


def crash(symbols: dict[str, float], low: float = 0.6) -> pl.DataFrame:
    """Eight calm minutes, down by a twentieth a minute, half of the way back up."""
    rows = []
    for i in range(40):
        ratio = 1.0 if i < 8 else max(low, 1 - (i - 8) * 0.05) if i < 25 else min(max(0.9, low), low + (i - 25) * 0.05)
        time_ns = 1_760_000_000 * 10**9 + i * 60 * 10**9
        rows.extend({"time": time_ns, "venue": "x", "symbol": s, "price": p * ratio} for s, p in symbols.items())
    return pl.DataFrame(rows)

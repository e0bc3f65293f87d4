"""Your own book as frames, your own prices, your own rules; the answer as frames."""

from pathlib import Path

import polars as pl

import seawall as sw

book = sw.read_book(
    pl.DataFrame({"account": ["ann", "ben"], "asset": ["USDC"] * 2, "cash": ["50000", "9000"]}),
    pl.DataFrame(
        {"account": ["ann", "ben"], "market": ["COIN-PERP"] * 2, "size": ["-900", "900"], "entry_price": ["100", "100"]}
    ),
    [
        {
            "market": "COIN-PERP",
            "base": "COIN",
            "quote": "USD",
            "settle": "USDC",
            "lot": "1",
            "mark_scale": 2,
            "brackets": "0:0.10:0.05",
        }
    ],
)
closes = [100, 100, 100, 100, 100, 100, 97, 80, 82]  # the first five confirm the source (oracle.confirm)
prices = pl.DataFrame(
    {
        "time": [f"2026-01-01T00:0{minute}:00Z" for minute in range(len(closes))],
        "symbol": ["COIN-PERP"] * len(closes),
        "close": [float(close) for close in closes],
    }
)
rules = Path(__file__).with_name("own_policy.toml")

run = sw.replay(book, prices, rules)
print(run)
for row in run.layers.select("layer", "used").iter_rows():
    print(*row)

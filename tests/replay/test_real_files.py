"""Replays on real files: conservation holds, and the hash is the same again. Ids real-*; skipped without the data."""

from __future__ import annotations

import polars as pl
import pytest

from seawall.replay import compare_marks, replay

CASES = [
    ("coin-margined 2025-10-10", "perp_coinm_1m_20251010", "spot_1m_20251010", "binance", "2025-10-10T20:30:00Z", "2025-10-10T22:00:00Z"),
    ("perps 2025-10-10", "binance_um_perp_30m_2025_10", None, "hyperliquid", "2025-10-10T12:00:00Z", "2025-10-11T02:00:00Z"),
    ("spot 2021-05-19", "binance_spot_5m_2021_apr_jun", None, "dydx-v4", "2021-05-19T11:00:00Z", "2021-05-19T15:00:00Z"),
    ("spot 2020-03-12", "binance_spot_1h_2017_2021", None, "binance", "2020-03-12T00:00:00Z", "2020-03-13T12:00:00Z"),
    ("two venues 2025", "perp_5m_2023_2025_selected", None, "hyperliquid", "2025-02-18T00:00:00Z", "2025-02-19T00:00:00Z"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=[c[0] for c in CASES])
def test_real_replay_adds_up_and_repeats(shared, case):
    _, prices, index, policy, start, end = case
    folder = shared / "data" / "prices"
    source = folder / f"{prices}.parquet"
    options = {"start": start, "end": end, "index": None if index is None else folder / f"{index}.parquet"}
    runs = [replay("generate:accounts=3000,seed=3", source, policy, threads=t, **options) for t in (1, 2)]
    one, two = (r.summary for r in runs)
    assert one["conservation"]["ok"], one["conservation"]
    assert one["state_hash"] == two["state_hash"]
    assert one["steps"] > 10


def test_real_bands_keep_accounts_from_a_lone_wick(shared):
    folder = shared / "data" / "prices"
    arguments = ("generate:accounts=3000,seed=3", folder / "perp_coinm_1m_20251010.parquet", "binance")
    options = {
        "index": folder / "spot_1m_20251010.parquet",
        "start": "2025-10-10T20:30:00Z",
        "end": "2025-10-10T22:00:00Z",
    }
    run = replay(*arguments, marks="last", **options)
    found = compare_marks(run, *arguments, **options)
    assert found["only_last"] > 100, found
    assert found["only_last"] > 20 * found["only_banded"], found
    assert run.summary["mark_rule"] == "last"


def test_real_two_venues_are_two_markets(shared):
    run = replay(
        "generate:accounts=200,seed=1",
        shared / "data/prices/perp_5m_2023_2025_selected.parquet",
        start="2025-02-18T00:00:00Z",
        end="2025-02-18T01:00:00Z",
        symbols=["BTCUSDT"],
    )
    symbols = [i.symbol for i in run.state.snapshot.instruments]
    assert symbols == ["BTCUSDT@binance-um", "BTCUSDT@bybit-linear"]


def test_real_deleveraging_sums_of_10_october(shared):
    """reference, section 7 check 1: users, coins and buckets tell the same total; the shared user file has 12,112."""
    folder = shared / "data" / "hyperliquid_20251010"
    total = 2_103_111_431
    for name, column in (("adl_by_coin", "adl_notional"), ("adl_time_buckets", "notional_usd")):
        assert abs(pl.read_parquet(folder / f"{name}.parquet")[column].sum() - total) <= 1, name
    users = pl.read_parquet(folder / "adl_by_user.parquet")
    assert users.height == 12_112
    assert abs(users["adl_notional"].sum() - 1_551_257_425) <= 1

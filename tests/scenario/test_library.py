"""The library's typed points against the price files they were typed from. Ids library-*; skipped without the data."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest

from seawall.tables import load_scenario

NANO = 10**9
# scenario -> bar length in minutes, file, asset -> (exchange, symbol)
SPOT = {
    "2020-03-12": (60, "binance_spot_1h_2017_2021", {a: (None, f"{a}USDT") for a in ("BTC", "ETH", "LTC")}),
    "2021-05-19": (
        5,
        "binance_spot_5m_2021_apr_jun",
        {a: (None, f"{a}USDT") for a in ("BTC", "ETH", "SOL", "XRP", "LINK", "MATIC", "ADA", "LTC")},
    ),
    "2025-10-10": (
        1,
        "spot_1m_20251010",
        {a: ("gemini", f"{a}USD") for a in ("ETH", "SOL", "XRP")}
        | {a: ("coinbase", f"{a}-USD") for a in ("DOGE", "LINK", "ADA", "AAVE", "ENA")},
    ),
}
# Points of 10 October that are a mean deleveraging price, because the spot record is thin there: (coin, minute).
DELEVERAGED = {("ETH", 33), ("ETH", 35), ("SOL", 33), ("SOL", 35), ("XRP", 34), ("XRP", 35)}
CASES = [(name, asset) for name, (_, _, assets) in SPOT.items() for asset in assets]


def bars(frame: pl.DataFrame, symbol: str, exchange: str | None = None) -> dict[int, tuple[float, float, float, float]]:
    """Seconds -> (open, high, low, close)."""
    mine = frame.filter(pl.col("symbol") == symbol) if "symbol" in frame.columns else frame
    if exchange is not None:
        mine = mine.filter(pl.col("exchange") == exchange)
    rows = mine.select(pl.col("time").dt.epoch("s"), "open", "high", "low", "close").iter_rows()
    return {row[0]: row[1:] for row in rows}


def perpetuals(shared) -> pl.DataFrame:
    return pl.read_parquet(shared / "data/prices/binance_um_perp_30m_2025_10.parquet")


def seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def assert_on_bars(name: str, asset: str, known: dict, length: int, points) -> None:
    """Each price lies within its own bar, or is the close of the bar before (ratios have four digits)."""
    found = load_scenario(name)
    start, step = found.start_ns // NANO, length * 60
    for minute, _ in points:
        price = found.index_price(asset, minute)
        at = start + int(minute) * 60
        bar, before = known.get(at - at % step), known.get(at - at % step - step)
        inside = bar is not None and bar[2] * 0.9999 <= price <= bar[1] * 1.0001
        closed = before is not None and at % step == 0 and abs(price / before[3] - 1) < 1e-4
        assert inside or closed, f"{name} {asset} minute {minute}: {price} is not in {bar} and does not close {before}"


@pytest.mark.parametrize(("name", "asset"), CASES)
def test_library_points_lie_on_the_bars_of_their_source(shared, name, asset):
    length, file, symbols = SPOT[name]
    exchange, symbol = symbols[asset]
    known = bars(pl.read_parquet(shared / f"data/prices/{file}.parquet"), symbol, exchange)
    points = [p for p in load_scenario(name).assets[asset].ratio.points if (asset, p[0]) not in DELEVERAGED]
    assert len(points) >= 6
    assert_on_bars(name, asset, known, length, points)


def test_library_october_btc_lies_on_the_index_bars(shared):
    known = bars(pl.read_parquet(shared / "data/prices/btcusd_perp_mark_or_index_1m_20251009_10.parquet"), "")
    points = load_scenario("2025-10-10").assets["BTC"].ratio.points
    assert_on_bars("2025-10-10", "BTC", known, 1, points)


@pytest.mark.parametrize(
    ("name", "asset"),
    [(n, a) for n, a in CASES if n != "2025-10-10"] + [("2025-10-10", a) for a in ("DOGE", "LINK", "AAVE")],
)
def test_library_lows_are_the_lows_of_the_source(shared, name, asset):
    _, file, symbols = SPOT[name]
    exchange, symbol = symbols[asset]
    found = load_scenario(name)
    start = found.start_ns // NANO
    known = bars(pl.read_parquet(shared / f"data/prices/{file}.parquet"), symbol, exchange)
    lowest = min(b[2] for t, b in known.items() if start <= t < start + found.minutes * 60)
    path = found.assets[asset]
    assert path.price * path.ratio.lowest[1] == pytest.approx(lowest, rel=2e-4), f"{name} {asset}"


@pytest.mark.parametrize("coin", ["ETH", "SOL", "XRP", "BNB", "SUI"])
def test_library_october_lows_are_mean_deleveraging_prices(shared, coin):
    table = pl.read_parquet(shared / "data/hyperliquid_20251010/adl_net_volume_by_coin.parquet")
    price = table.filter(pl.col("ticker") == coin)["avg_price"].item()
    path = load_scenario("2025-10-10").assets[coin]
    assert path.price * path.ratio.lowest[1] == pytest.approx(price, rel=2e-4)
    times = pl.read_parquet(shared / "data/hyperliquid_20251010/adl_time_buckets_by_coin.parquet")
    times = times.filter(pl.col("coin") == coin)
    mean = (times["time"].dt.epoch("ms") * times["notional_usd"]).sum() / times["notional_usd"].sum()
    minute = (mean / 1000 - load_scenario("2025-10-10").start_ns / NANO) / 60
    assert abs(path.ratio.lowest[0] - minute) < 1, f"{coin}: low at {path.ratio.lowest[0]}, mean minute {minute}"


@pytest.mark.parametrize("coin", ["BTC", "ETH", "SOL", "XRP", "DOGE", "BNB", "LINK", "ADA", "SUI"])
def test_library_october_trades_meet_the_perpetual(shared, coin):
    """Lowest trade, and the trades at 21:30 and 22:00, are those of the half-hour bars (ratios have three digits)."""
    known = bars(perpetuals(shared), f"{coin}USDT")
    bar = {t: known[seconds(f"2025-10-10T{t}:00")] for t in ("21:00", "21:30")}
    found = load_scenario("2025-10-10")
    lowest = min(found.trade_price(coin, m / 4) for m in range(found.minutes * 4 + 1))
    assert lowest == pytest.approx(bar["21:00"][2], rel=2e-3), f"{coin} low"
    assert found.trade_price(coin, 45) == pytest.approx(bar["21:00"][3], rel=1e-3), f"{coin} 21:30"
    assert found.trade_price(coin, 75) == pytest.approx(bar["21:30"][3], rel=1e-3), f"{coin} 22:00"


def test_library_october_aave_trades_lie_on_the_minute_bars(shared):
    known = bars(pl.read_parquet(shared / "data/prices/perp_coinm_1m_20251010.parquet"), "AAVEUSD_PERP")
    found = load_scenario("2025-10-10")
    points = [m for m, _ in found.assets["AAVE"].dislocation.points if m >= 30]
    assert len(points) >= 8
    for minute in points:
        _, high, low, _ = known[found.start_ns // NANO + int(minute) * 60]
        price = found.trade_price("AAVE", minute)
        assert low * 0.998 <= price <= high * 1.002, f"minute {minute}: {price} not in {low} to {high}"


def test_library_october_depth_is_the_recorded_depth(shared):
    table = pl.read_parquet(shared / "data/prices/btcusdt_bookdepth_20251010.parquet").filter(pl.col("percentage") == 1)
    found = load_scenario("2025-10-10")
    depth = table.with_columns(
        ((pl.col("time").dt.epoch("ms") / 1000 - found.start_ns / NANO) / 60).alias("minute")
    ).filter(pl.col("minute").is_between(0, found.minutes))
    normal = found.assets["BTC"].normal_depth
    assert normal == pytest.approx(table["notional_usd"].median(), rel=0.01)
    for minute, share in found.depth.points:
        near = depth.filter((pl.col("minute") - minute).abs() <= 1.1)["notional_usd"]
        assert near.min() * 0.95 <= share * normal <= near.max() * 1.05, (
            f"minute {minute}: {share * normal} vs {near.to_list()}"
        )
    assert found.depth.lowest[1] * normal == pytest.approx(depth["notional_usd"].min(), rel=0.01)


def test_library_funding_is_published_funding(shared):
    table = pl.read_parquet(shared / "data/volatility/btc_daily_2015_2026_with_vix_funding.parquet")
    daily = dict(table.select(pl.col("date").cast(pl.String), "funding_mean").iter_rows())
    rates = [float(rate) for _, rate in load_scenario("2020-03-12").funding]
    assert rates[0] == pytest.approx(daily["2020-03-12"], rel=0.01)
    assert rates[1:] == pytest.approx([daily["2020-03-13"]] * 2, rel=0.01)
    eight = pl.read_parquet(shared / "data/funding/btc_funding_8h_2022_2025.parquet")
    paid = eight.filter(pl.col("time") == datetime(2025, 10, 11, tzinfo=UTC))["funding_rate_pct"].item()
    hourly = load_scenario("2025-10-10").funding
    assert [float(rate) for _, rate in hourly] == pytest.approx([paid / 100 / 8] * 2, rel=1e-9)
    assert load_scenario("2021-05-19").funding == ()


# Hourly closes: the bar that starts at an hour closes at the next. scenario -> file, assets whose every point is one.
CLOSES = {
    "2022-05-11-luna": ("binance_spot_1h_close_2021_2023", ("BTC", "ETH", "SOL", "AVAX", "LUNA")),
    "2022-05-12-luna-feed": ("binance_spot_1h_close_2021_2023", ("BTC", "ETH", "LUNA")),
    "2022-10-11-mango": ("binance_spot_1h_close_2021_2023", ("BTC", "ETH", "SOL")),
    "2023-11-18-yfi": ("binance_spot_1h_close_2021_2023", ("BTC", "ETH", "SOL", "YFI")),
    "2025-03-26-jelly": ("binance_um_perp_1h_2023_2026", ("BTC", "ETH", "SOL")),
    "2025-08-26-xpl": ("binance_um_perp_1h_2023_2026", ("BTC", "ETH", "SOL")),
    "2025-11-12-popcat": ("binance_um_perp_1h_2023_2026", ("BTC", "ETH", "SOL")),
}


@pytest.mark.parametrize("name", CLOSES)
def test_library_hourly_points_are_the_closes_of_their_source(shared, name):
    """Every point at a full hour; a window that does not start at one has its ends between two closes."""
    file, assets = CLOSES[name]
    frame = pl.read_parquet(shared / f"data/prices/{file}.parquet")
    found = load_scenario(name)
    for asset in assets:
        mine = frame.filter(pl.col("symbol") == f"{asset}USDT")
        closes = dict(mine.select(pl.col("time").dt.epoch("s") + 3600, "close").iter_rows())
        checked = 0
        for minute, _ in found.assets[asset].ratio.points:
            at = found.start_ns // NANO + int(minute) * 60
            if at % 3600 == 0:
                checked += 1
                assert found.index_price(asset, minute) == pytest.approx(closes[at], rel=1e-4), (
                    f"{name} {asset} {minute}"
                )
        assert checked >= 2, f"{name} {asset}"


def test_library_luna_meets_the_floor_where_its_file_says(shared):
    """The crossing of 0.107 lies between the closes of 08:00 and 09:00."""
    found = load_scenario("2022-05-12-luna-feed")
    assert found.index_price("LUNA", 180) > 0.107 > found.index_price("LUNA", 240)
    assert found.index_price("LUNA", 206) > 0.107 > found.index_price("LUNA", 207)


def test_library_daily_closes_and_funding_of_windows_without_a_record(shared):
    table = pl.read_parquet(shared / "data/volatility/btc_daily_2015_2026_with_vix_funding.parquet")
    daily = dict(table.select(pl.col("date").cast(pl.String), "price").iter_rows())
    for name, minute, day in [
        ("2022-11-09-ftx", 1350, "2022-11-09"),
        ("2024-08-05", 0, "2024-08-04"),
        ("2025-02-03", 0, "2025-02-02"),
    ]:
        assert load_scenario(name).index_price("BTC", minute) == pytest.approx(daily[day], rel=1e-4), name
    eight = pl.read_parquet(shared / "data/funding/btc_funding_8h_2022_2025.parquet")
    paid = dict(eight.select(pl.col("time").dt.epoch("s"), "funding_rate_pct").iter_rows())
    for name in ("2022-11-09-ftx", "2023-11-18-yfi", "2024-08-05", "2025-02-03"):
        found = load_scenario(name)
        assert found.funding, name
        for minute, rate in found.funding:
            at = found.start_ns // NANO + minute * 60
            assert float(rate) * 100 == pytest.approx(paid[at], rel=1e-6), f"{name} minute {minute}"

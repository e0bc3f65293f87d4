"""Bars and scenarios as observations. Ids path-*; source: the rules as printed with a result, worked by hand."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import polars as pl
import pytest

from seawall.errors import InputError
from seawall.replay.paths import PATH_RULES, bar_length, bars_path, scenario_path
from seawall.tables import load_scenario
from seawall.tables.prices import read_prices
from seawall.tables.symbols import Feed

NANO = 10**9
START = datetime(2025, 10, 10, 21, 0, tzinfo=UTC)
OHLC = ("open", "high", "low", "close")


def table(rows, *, minutes: int = 1, start: datetime = START):
    """Rows (number of the bar, symbol, open, high, low, close[, venue])."""
    return read_prices(
        pl.DataFrame(
            {
                "time": [start + timedelta(minutes=minutes * r[0]) for r in rows],
                "symbol": [r[1] for r in rows],
                "venue": [r[6] if len(r) > 6 else "v" for r in rows],
            }
            | {name: [float(r[2 + i]) for r in rows] for i, name in enumerate(OHLC)}
        )
    )


def seconds(path):
    """(seconds after the start, trades) of each observation."""
    return [((o.time_ns - int(START.timestamp()) * NANO) // NANO, dict(o.trades)) for o in path.stream()]


RISING, FALLING, FLAT = ("A", 10, 13, 9, 12), ("A", 12, 13, 9, 10), ("A", 10, 13, 9, 10)
CASES = [
    ("ohlc", RISING, [(0, 10), (15, 9), (30, 13), (45, 12)]),
    ("ohlc", FALLING, [(0, 12), (15, 13), (30, 9), (45, 10)]),
    ("ohlc", FLAT, [(0, 10), (15, 9), (30, 13), (45, 10)]),
    ("high_first", RISING, [(0, 10), (15, 13), (30, 9), (45, 12)]),
    ("low_first", FALLING, [(0, 12), (15, 9), (30, 13), (45, 10)]),
    ("close", RISING, [(45, 12)]),
]


@pytest.mark.parametrize(("rule", "bar", "marks"), CASES, ids=[f"{r}-{b}" for r, b, _ in CASES])
def test_path_bar_becomes_the_marks_its_rule_says(rule, bar, marks):
    found = bars_path("x", table([(0, *bar)]), [Feed("M", ("v", "A"))], rule=rule)
    assert seconds(found) == [(at, {"M": float(price)}) for at, price in marks]
    assert found.steps == len(marks)
    assert found.rule == PATH_RULES[rule].text, "the rule is printed with the result"


def test_path_unknown_rule_names_the_nearest():
    with pytest.raises(InputError, match="'high_first'"):
        bars_path("x", table([(0, *RISING)]), [Feed("M", ("v", "A"))], rule="high_frist")


def test_path_missing_bar_is_no_new_mark():
    rows = [(0, "A", 1, 1, 1, 1), (1, "A", 2, 2, 2, 2), (3, "A", 3, 3, 3, 3), (2, "B", 7, 7, 7, 7)]
    found = bars_path("x", table(rows), [Feed("MA", ("v", "A")), Feed("MB", ("v", "B"))], rule="close")
    assert seconds(found) == [(45, {"MA": 1.0}), (105, {"MA": 2.0}), (165, {"MB": 7.0}), (225, {"MA": 3.0})]


def test_path_markets_merge_on_one_time_axis_and_venues_stay_apart():
    rows = [(0, "A", 1, 1, 1, 1, "x"), (0, "A", 2, 2, 2, 2, "y"), (0, "B", 3, 3, 3, 3, "x")]
    feeds = [Feed("A@x", ("x", "A")), Feed("A@y", ("y", "A")), Feed("B", ("x", "B"))]
    assert seconds(bars_path("x", table(rows), feeds, rule="close")) == [(45, {"A@x": 1.0, "A@y": 2.0, "B": 3.0})]


def test_path_one_symbol_prices_several_markets():
    feeds = [Feed("PERP", ("v", "A")), Feed("FUTURE", ("v", "A"))]
    found = bars_path("x", table([(0, *RISING)]), feeds)
    assert seconds(found)[0] == (0, {"PERP": 10.0, "FUTURE": 10.0})
    assert found.depth("PERP", int(START.timestamp()) * NANO) == found.depth("FUTURE", int(START.timestamp()) * NANO)


def test_path_index_sources_come_with_their_names_and_to_each_market():
    trades = table([(0, *RISING), (0, "B", 5, 5, 5, 5)])
    index = table([(0, "A-USD", 11, 11, 11, 11, "coinbase"), (0, "AUSD", 12, 12, 12, 12, "gemini")])
    sources = (("coinbase", "A-USD"), ("gemini", "AUSD"))
    feeds = [Feed("M", ("v", "A"), sources), Feed("N", ("v", "B"), sources[:1])]
    (seen,) = bars_path("x", trades, feeds, index=index, rule="close").stream()
    assert set(seen.trades) == {("M", 12.0), ("N", 5.0)}
    assert set(seen.index) == {
        ("M", "coinbase:A-USD", 11.0),
        ("N", "coinbase:A-USD", 11.0),
        ("M", "gemini:AUSD", 12.0),
    }


def test_path_window_is_inclusive_and_warms_up_before_it():
    rows = [(i, "A", 1 + i, 1 + i, 1 + i, 1 + i) for i in range(30)]
    start, end = (int(START.timestamp()) + 60 * m for m in (20, 22))
    found = bars_path(
        "x", table(rows), [Feed("M", ("v", "A"))], rule="close", start_ns=start * NANO, end_ns=end * NANO, warm_up=3
    )
    assert [dict(o.trades)["M"] for o in found.stream()] == [18.0, 19.0, 20.0, 21.0, 22.0, 23.0]
    assert found.start_ns == start * NANO
    with pytest.raises(InputError, match="no prices in the window"):
        bars_path("x", table(rows), [Feed("M", ("v", "A"))], start_ns=(end + 86_400) * NANO)


def test_path_unknown_symbol_is_refused_with_the_nearest():
    with pytest.raises(InputError, match="'v:A'"):
        bars_path("x", table([(0, *RISING)]), [Feed("M", ("v", "AA"))])


@pytest.mark.parametrize("late", [0, 30])
def test_path_depth_shrinks_with_the_span_of_its_own_bar(late):
    """Span 2 % halves depth, 0.15 of normal is the least; bars may start at half past."""
    rows = [(0, "A", 100, 100, 98, 99), (1, "A", 99, 99, 99, 99), (2, "A", 99, 99, 10, 50)]
    start = START + timedelta(minutes=late)
    found = bars_path("x", table(rows, minutes=60, start=start), [Feed("M", ("v", "A"))], normal_depth=1000.0)
    at = int(start.timestamp()) * NANO
    hour = 3600 * NANO
    depths = [found.depth("M", at + i * hour + quarter * hour // 4) for i in range(3) for quarter in (0, 3)]
    assert depths == pytest.approx([500.0, 500.0, 1000.0, 1000.0, 150.0, 150.0])


def test_path_bar_length_is_the_usual_distance():
    assert bar_length(table([(0, *RISING), (1, *RISING), (2, *RISING), (9, *RISING)], minutes=5)) == 300 * NANO
    assert bar_length(table([(0, *RISING)])) == 60 * NANO


def test_path_scenario_marks_index_depth_and_funding():
    scenario = load_scenario("2025-10-10")
    found = scenario_path(scenario, step_s=30)
    seen = list(found.stream())
    assert len(seen) == found.steps == 75 * 2 + 1
    assert (seen[0].time_ns, seen[-1].time_ns) == (found.start_ns, found.end_ns)
    at = seen[70]  # 21:20
    assert dict(at.trades)["ETH-PERP"] == pytest.approx(scenario.trade_price("ETH", 35))
    assert ("ETH", "scenario", scenario.index_price("ETH", 35)) in at.index
    assert found.depth("BTC-PERP", at.time_ns) == pytest.approx(67.1e6, rel=0.01)
    paid = {o.time_ns: o.funding for o in seen if o.funding}
    assert list(paid) == [found.start_ns + m * 60 * NANO for m in (15, 75)]
    assert set(paid[found.start_ns + 15 * 60 * NANO].values()) == {Fraction("0.0000125")}
    assert len(found.sources) == len(scenario.sources)


def test_path_a_day_of_eight_markets_streams_in_half_a_second():
    rows = [(i, f"S{k}", 100, 101, 99, 100) for i in range(1440) for k in range(8)]
    prices = table(rows)
    feeds = [Feed(s, (v, s)) for v, s in prices.symbols]
    began = time.perf_counter()
    found = bars_path("x", prices, feeds)
    count = sum(len(o.trades) for o in found.stream())
    taken = time.perf_counter() - began
    assert count == 1440 * 8 * 4
    assert taken < 0.5, f"{taken:.2f} s"

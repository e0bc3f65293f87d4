"""The same event under several rules. Ids compare-*."""

from __future__ import annotations

import json
import subprocess
import sys
from decimal import Decimal
from math import ceil

import polars as pl
import pytest

import seawall as sw
from seawall.errors import FaultError, InputError
from seawall.replay import open_comparison, replay
from seawall.replay.compare import checked_alike
from seawall.replay.outcome import METRICS, NUMBERS, Outcome
from seawall.replay.statistics import intervals, quantiles
from seawall.tables.policies import preset_text

BOOK, EVENT = "generate:accounts=400,seed=7", "2025-10-10"
NAMES = ["hyperliquid", "binance", "dydx-v4"]


@pytest.fixture(scope="module")
def three():
    return sw.compare(BOOK, EVENT, NAMES, seeds=3, workers=2)


@pytest.fixture(scope="module")
def plain():
    """The same policies one by one. The first one is also the first of the comparison, so its book is the same."""
    return replay(BOOK, EVENT, "hyperliquid")


def test_compare_001_one_row_a_policy_in_the_order_asked(three):
    assert three.table["policy"].to_list() == NAMES
    assert three.cells.height == 9
    assert set(three.table["seed"]) == {7}
    assert three.ok


def test_compare_002_book_and_path_are_the_same_for_every_policy_and_said(three):
    d = three.document
    assert three.table["book_hash"].unique().to_list() == [d["book"]["hash"]]
    assert three.cells["path_hash"].unique().to_list() == [d["path"]["hash"]]
    assert three.cells["book_hash"].n_unique() == 3, "one book a seed"
    assert three.table["state_hash"].n_unique() == 3


def test_compare_003_metrics_are_those_of_a_plain_replay(three, plain):
    row = three.table.row(0, named=True)
    s = plain.summary
    expected = {
        "liquidated_accounts": s["liquidated"]["accounts"],
        "liquidated_notional": s["liquidated"]["notional"],
        "taken_over_accounts": s["taken_over"]["accounts"],
        "taken_over_notional": s["taken_over"]["notional"],
        "backstop_pnl": s["taken_over"]["pnl"],
        "bad_debt": s["bad_debt"],
        "deleveraged_accounts": s["deleveraged"]["accounts"],
        "deleveraged_notional": s["deleveraged"]["notional"],
        "needed": s["deleveraged"]["needed"],
        "collected": s["deleveraged"]["collected"],
        "haircut": s["haircut"]["amount"],
        "residual": s["residual"],
        "pending": s["pending"],
        "state_hash": s["state_hash"],
        "conservation": True,
    }
    for name, value in expected.items():
        got = row[name]
        assert (Decimal(value) if isinstance(got, Decimal) else value) == got, (name, value, got)
    assert row["overshoot"] == row["collected"] - row["needed"]
    house = {r["name"]: Decimal(r["after"]) - Decimal(r["before"]) for r in s["layers"]}
    assert (row["house_gained"], row["house_gain"]) == max(house.items(), key=lambda h: h[1])
    assert row["fund_after"] - row["fund_before"] == sum(house.values())


def test_compare_004_the_trader_best_off_is_the_one_whose_equity_rose_most(three, plain):
    from seawall.engine import open_state

    state = plain.state
    opening = open_state(state.snapshot, state.policy, state.snapshot.marks)
    gains = {
        name: sum(state.book.unit_state(u).equity for u in state.book.unit_ids_of(a))
        - sum(opening.book.unit_state(u).equity for u in opening.book.unit_ids_of(a))
        for a, name in enumerate(state.snapshot.account_ids)
        if state.snapshot.roles[a] in ("trader", "market_maker")
    }
    row = three.table.row(0, named=True)
    best = max(gains.items(), key=lambda g: g[1])
    assert (row["winner_gained"], int(row["winner_gain"].scaleb(6))) == best


def test_compare_005_what_the_layers_paid_is_what_the_run_says(three, plain):
    layers = plain.layers.to_dicts()
    kinds = {r["kind"] for r in layers}
    row = three.table.row(0, named=True)
    for kind in kinds:
        assert row[f"used_{kind}"] == sum(r["used"] for r in layers if r["kind"] == kind), kind
    mine = three.layers.filter((pl.col("policy") == "hyperliquid") & (pl.col("seed") == 7))
    assert mine["layer"].to_list() == [r["layer"] for r in layers]
    assert row["used_residual"] == row["residual"]


def test_compare_006_intervals_are_values_that_occurred(three):
    """Twin: sort and take the ceil(p n)-th, for every policy and metric that is a number."""
    found = {(r["policy"], r["metric"]): r for r in three.intervals.to_dicts()}
    for policy in NAMES:
        cells = three.cells.filter(pl.col("policy") == policy)
        for metric in NUMBERS:
            values = sorted(v for v in cells[metric.name].to_list() if v is not None)
            if not values:
                assert (policy, metric.name) not in found
                continue
            row = found[policy, metric.name]
            places = [1] + [ceil(p * len(values)) for p in (0.25, 0.5, 0.75, 1)]
            got = [float(row[c]) for c in ("min", "q1", "median", "q3", "max")]
            assert got == [float(values[p - 1]) for p in places], (policy, metric.name, values, row)
            assert row["count"] == len(values)


@pytest.mark.parametrize(
    ("values", "expected"),
    [([5], [5, 5, 5, 5, 5]), ([4, 1, 3, 2], [1, 1, 2, 3, 4]), ([3, 1, 2, 5, 4], [1, 2, 3, 4, 5])],
)
def test_compare_007_quartiles_by_nearest_rank(values, expected):
    """Source: nearest-rank percentiles, P-th = ceil(P/100 x n)-th smallest, worked by hand."""
    assert list(quantiles(values).values()) == expected


def test_compare_008_a_metric_without_a_value_has_no_interval():
    rows = [{"policy": "a", **{m.name: None for m in METRICS}, "residual": text} for text in ("1.5", "0")]
    assert [(r["metric"], r["min"], r["max"]) for r in intervals(rows, ["a"])] == [("residual", "0", "1.5")]


@pytest.mark.parametrize("workers", [1, 3])
def test_compare_009_the_same_for_any_number_of_workers(three, workers):
    again = sw.compare(BOOK, EVENT, NAMES, seeds=3, workers=workers)
    mine, other = ({k: v for k, v in c.document.items() if k != "seconds"} for c in (three, again))
    assert mine == other
    assert three.timelines.equals(again.timelines)


def test_compare_010_written_and_opened_again_it_is_the_same(three, tmp_path):
    folder = three.write(tmp_path / "out")
    again = open_comparison(folder)
    assert again.document == three.document == json.loads(three.to_json())
    for name, frame in three.frames().items():
        assert again.frames()[name].equals(frame), name
        assert pl.read_parquet(folder / f"{name}.parquet").equals(frame), name
        assert len((folder / f"{name}.csv").read_text().splitlines()) == frame.height + 1, name
    with pytest.raises(InputError, match="not empty"):
        three.write(folder)


def test_compare_011_timelines_end_where_the_table_does(three):
    for row in three.table.to_dicts():
        last = three.timelines.filter(pl.col("policy") == row["policy"]).row(-1, named=True)
        for name in ("liquidated_accounts", "deleveraged_accounts"):
            assert last[name] == row[name], row["policy"]
        for name in ("bad_debt", "deleveraged_notional", "residual"):
            assert last[name] == row[name], (row["policy"], name)
        assert last["house"] == row["fund_after"]
    assert three.timelines["seed"].unique().to_list() == [7]


def test_compare_012_a_policy_that_cannot_run_is_reported_and_stops_nothing(tmp_path):
    text = preset_text("hyperliquid").replace('pool = "asset"', 'pool = "account"\nnumeraire = "NOSUCH"')
    bad = tmp_path / "bad.toml"
    bad.write_text(text.replace('name = "hyperliquid"', 'name = "bad"'))
    found = sw.compare(BOOK, "2021-05-19", ["hyperliquid", bad, "binance"], workers=2)
    assert found.table["policy"].to_list() == ["hyperliquid", "binance"]
    (failed,) = found.document["failed"]
    assert (failed["policy"], failed["seed"]) == ("bad", 7)
    assert "NOSUCH" in failed["problem"], failed
    assert not found.ok
    assert "1 failed" in repr(found)


def test_compare_013_all_presets_by_default():
    found = sw.compare("generate:accounts=100,seed=1", "2021-05-19", workers=1)
    assert found.table["policy"].to_list() == sw.policy_names()


def test_compare_014_bad_input_is_refused():
    with pytest.raises(InputError, match="'hyperliquid'"):
        sw.compare(BOOK, EVENT, ["hyperliquit"])
    with pytest.raises(InputError, match="mark rule"):
        sw.compare("generate:accounts=100,seed=1", EVENT, ["binance"], marks="midd", workers=1)
    book = replay("generate:accounts=100,seed=1", "2021-05-19").state.snapshot
    with pytest.raises(InputError, match="only a generated book"):
        sw.compare(book, "2021-05-19", ["binance"], seeds=3)


def test_compare_015_a_cell_that_saw_another_book_or_path_is_our_fault():
    def outcome(policy, book, path):
        return Outcome(
            {"policy": policy, "seed": 7, "leverage": "1", "book_hash": book, "path_hash": path}, [], None, {}, False
        )

    checked_alike([outcome("a", "x", "p"), outcome("b", "x", "p")], "x")
    for cells, base, text in (
        ([outcome("a", "x", "p"), outcome("b", "y", "p")], "x", "another book"),
        ([outcome("a", "x", "p"), outcome("b", "x", "q")], "x", "same price path"),
        ([outcome("a", "x", "p")], "y", "not on y"),
    ):
        with pytest.raises(FaultError, match=text):
            checked_alike(cells, base)


def test_compare_016_a_folder_without_a_comparison_is_refused(tmp_path):
    with pytest.raises(InputError, match="missing"):
        open_comparison(tmp_path)
    (tmp_path / "comparison.json").write_text('{"format": "other/1"}')
    with pytest.raises(InputError, match="format"):
        open_comparison(tmp_path)


INTERRUPTED = """
import json, os, signal
import seawall as sw

def progress(done, whole, text):
    if text.startswith("1 of 4") and not asked:
        asked.append(1)
        os.kill(os.getpid(), signal.SIGINT)

asked = []
found = sw.compare("generate:accounts=3000,seed=7", "2021-05-19", ["hyperliquid", "binance"], seeds=2, workers=WORKERS,
                   progress=progress)
found.write("out")
print(json.dumps([found.ok, found.document["interrupted"], found.table.height, found.document["missing"],
                  [(r["policy"], r["seed"], r["state_hash"]) for r in found.document["rows"]]]))
"""


@pytest.mark.parametrize("workers", [1, 2])
def test_compare_017_an_interrupt_keeps_the_finished_cells_and_says_what_is_missing(tmp_path, workers):
    code = INTERRUPTED.replace("WORKERS", str(workers))
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    ok, interrupted, rows, missing, kept = json.loads(done.stdout)
    assert (ok, interrupted) == (False, True)
    assert 1 <= len(kept) < 4, kept
    assert rows <= len(kept)
    grid = {(p, s) for s in (7, 8) for p in ("hyperliquid", "binance")}
    assert {(p, s) for p, s, _ in kept} | {(m["policy"], m["seed"]) for m in missing} == grid
    assert len(kept) + len(missing) == 4
    policy, seed, state = kept[0]
    whole = replay(f"generate:accounts=3000,seed={seed}", "2021-05-19", policy)
    assert whole.summary["state_hash"] == state, "what is kept is whole"
    assert open_comparison(tmp_path / "out").document["missing"] == missing


@pytest.mark.parametrize("event", ["2025-11-12-popcat", "2022-10-11-mango"])
def test_compare_018_the_actors_of_a_scenario_are_in_every_book_once(event):
    """Each cell is the plain replay of its seed: the same state at the end, whichever policy and seed."""
    found = sw.compare(BOOK, event, ["hyperliquid", "mango-v4"], seeds=2, workers=1)
    assert found.ok
    for row in found.cells.iter_rows(named=True):
        if row["policy"] == "hyperliquid":  # the first policy decides the opening marks of all
            alone = replay(f"generate:accounts=400,seed={row['seed']}", event, "hyperliquid")
            assert row["state_hash"] == alone.summary["state_hash"], row
    assert found.cells["book_hash"].n_unique() == 2

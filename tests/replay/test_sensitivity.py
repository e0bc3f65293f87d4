"""How far a result depends on the draw. Ids sensitivity-*."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from types import MappingProxyType

import polars as pl
import pytest

import seawall as sw
from seawall.errors import InputError
from seawall.replay import open_sensitivity, replay
from seawall.tables import load_scenario

BOOK, EVENT = "generate:accounts=5000,seed=3,leverage=2", "2021-05-19"


@pytest.fixture(scope="module")
def found():
    return sw.sensitivity(BOOK, EVENT, "hyperliquid", seeds=5, accounts=300, workers=2)


def test_sensitivity_001_seeds_at_the_books_leverage_and_leverages_at_its_seed(found):
    rows = [(r["case"], r["seed"], r["leverage"]) for r in found.frame.to_dicts()]
    expected = [("seed", seed, "2") for seed in (3, 4, 5, 6, 7)]
    assert rows == [*expected, ("leverage", 3, "3/2"), ("leverage", 3, "5/2")]


def test_sensitivity_002_the_size_of_the_books_is_said(found):
    assert found.document["accounts"] == 300
    assert found.document["accounts_given"] == 5000
    assert found.document["statement"] == "5 seeds and 2 other leverages, each with 300 accounts"
    assert "each with 300 accounts" in repr(found)


def test_sensitivity_003_each_book_is_a_plain_replay_where_nothing_is_cut():
    whole = sw.sensitivity("generate:accounts=300,seed=3,leverage=2", EVENT, seeds=2, accounts=300, workers=1)
    for number, text in ((0, "seed=3,leverage=2"), (1, "seed=4,leverage=2"), (3, "seed=3,leverage=5/2")):
        plain = replay(f"generate:accounts=300,{text}", EVENT, "hyperliquid").summary
        assert whole.frame["state_hash"][number] == plain["state_hash"], text
    assert whole.document["depth_share"] == "1"


def test_sensitivity_003_depth_is_cut_with_the_book(found):
    """Twin: the same small book on a scenario whose normal depth is written down by that factor."""
    scenario = load_scenario(EVENT)
    assets = {n: replace(p, normal_depth=p.normal_depth * 300 / 5000) for n, p in scenario.assets.items()}
    shallow = replace(scenario, assets=MappingProxyType(assets))
    plain = replay("generate:accounts=300,seed=4,leverage=2", shallow, "hyperliquid").summary
    row = found.frame.row(1, named=True)
    assert found.document["depth_share"] == "3/50"
    assert row["state_hash"] == plain["state_hash"]
    deep = replay("generate:accounts=300,seed=4,leverage=2", EVENT, "hyperliquid").summary
    assert deep["state_hash"] != plain["state_hash"]


def test_sensitivity_004_the_summary_is_over_the_seeds_only(found):
    seeds = found.frame.filter(pl.col("case") == "seed")
    rows = {r["metric"]: r for r in found.summary.to_dicts()}
    for metric in ("liquidated_accounts", "bad_debt", "house_gain"):
        values = sorted(seeds[metric].to_list())
        got = [float(rows[metric][c]) for c in ("min", "q1", "median", "q3", "max")]
        assert got == [float(values[i]) for i in (0, 1, 2, 3, 4)], metric
        assert rows[metric]["count"] == 5


def test_sensitivity_005_shares_count_the_seeds(found):
    seeds = found.frame.filter(pl.col("case") == "seed")
    for name, metric in (("backstop_gained", "backstop_pnl"), ("residual_left", "residual")):
        above = sum(v > 0 for v in seeds[metric].to_list())
        share = found.document[name]
        assert (share["count"], share["of"]) == (above, 5), name
        assert Fraction(share["share"]) == Fraction(above, 5), name


def test_sensitivity_006_a_policy_without_a_backstop_has_no_such_share():
    none = sw.sensitivity(BOOK, EVENT, "dydx-v4", seeds=2, accounts=100, leverages=(), workers=1)
    assert none.document["backstop_gained"] is None
    assert none.document["residual_left"]["of"] == 2
    assert none.frame["case"].to_list() == ["seed", "seed"]


def test_sensitivity_007_a_smaller_book_keeps_its_size():
    small = sw.sensitivity("generate:accounts=80,seed=3", EVENT, seeds=1, leverages=(), workers=1)
    assert small.document["accounts"] == 80


def test_sensitivity_008_the_same_for_any_number_of_workers(found):
    again = sw.sensitivity(BOOK, EVENT, "hyperliquid", seeds=5, accounts=300, workers=1)
    assert {**again.document, "seconds": 0} == {**found.document, "seconds": 0}


def test_sensitivity_009_written_beside_a_run_and_opened_again(found, tmp_path):
    path = found.write(tmp_path)
    assert path.name == "sensitivity.json"
    again = open_sensitivity(tmp_path)
    assert again.document == found.document == json.loads(found.to_json())
    for name, frame in found.frames().items():
        assert again.frames()[name].equals(frame), name
    with pytest.raises(InputError, match="missing"):
        open_sensitivity(tmp_path / "elsewhere")


def test_sensitivity_010_only_generated_books():
    with pytest.raises(InputError, match="generated"):
        sw.sensitivity("my-book", EVENT)

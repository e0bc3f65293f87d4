"""A grid of replays: one book, one path, only the policy changes. Ids study-*."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tests.books import perp, snapshot
from tests.books import policy as rules

from seawall.engine import open_state
from seawall.errors import InputError
from seawall.replay import replay
from seawall.replay.generator import GeneratorOptions
from seawall.replay.outcome import equity_changes
from seawall.replay.study import Books, Event, book_hash, grid, labelled, leverages_of, path_hash, run_cells, seeds_from
from seawall.tables import load_scenario, read_policy

BOOK = "generate:accounts=300,seed=7"
EVENT = Event("2021-05-19")


def test_study_001_books_are_made_once_on_the_first_policys_opening_prices():
    books = Books(BOOK, EVENT, read_policy("hyperliquid"))
    assert books.make(GeneratorOptions(300, 7)) is books.base
    other = books.make(GeneratorOptions(300, 8))
    assert other.source["markets"] == books.base.source["markets"], "same markets, same opening prices"
    assert book_hash(other) != book_hash(books.base)
    assert book_hash(other) == book_hash(books.make(GeneratorOptions(300, 8)))


def test_study_002_the_hash_of_a_book_sees_every_column_and_no_mark():
    base = snapshot({"a": 100, "b": 50}, [("a", "BTC-PERP", 1, 10), ("b", "BTC-PERP", -1, 10)], [perp()])
    same = replace(base, marks={0: 11}, source={"from": "elsewhere"})
    assert book_hash(same) == book_hash(base)
    changes = {
        "account_ids": ("a", "c"),
        "owners": ("a", "a"),
        "members": ("m", ""),
        "roles": ("trader", "market_maker"),
        "parents": np.array([-1, 0], dtype=np.int32),
        "cash_minor": (100, 51),
        "cash_account": np.array([1, 0], dtype=np.int32),
        "pos_account": np.array([1, 0], dtype=np.int32),
        "pos_lots": np.array([2, -2], dtype=np.int64),
        "pos_entry": base.pos_entry + 1,
        "instruments": (replace(perp(), symbol="BTC-2"),),
    }
    hashes = {name: book_hash(replace(base, **{name: value})) for name, value in changes.items()}
    assert len({book_hash(base), *hashes.values()}) == 1 + len(changes), hashes


def test_study_003_the_hash_of_a_path_sees_a_changed_price():
    scenario = load_scenario("2021-05-19")
    assert path_hash(EVENT.open(BOOK)) == path_hash(Event(scenario).open(BOOK))
    assert path_hash(Event(scenario.scaled(1.01)).open(BOOK)) != path_hash(EVENT.open(BOOK))


@pytest.mark.parametrize("workers", [1, 2])
def test_study_004_a_cell_is_the_same_run_as_a_plain_replay(workers):
    policy = read_policy("hyperliquid")
    books = Books(BOOK, EVENT, policy)
    study = run_cells(grid([("h", policy)], [books.options, GeneratorOptions(300, 8)]), EVENT, books, workers=workers)
    for outcome, seed in zip(study.outcomes, (7, 8), strict=True):
        plain = replay(f"generate:accounts=300,seed={seed}", "2021-05-19", policy)
        assert outcome.row["state_hash"] == plain.summary["state_hash"], outcome.row
        assert outcome.row["liquidated_accounts"] == plain.summary["liquidated"]["accounts"]


def test_study_005_every_cell_of_a_grid_once_in_order_with_its_mark_rule():
    policies = [(n, read_policy(n)) for n in ("binance", "hyperliquid")]
    options = [GeneratorOptions(300, 7), GeneratorOptions(300, 7, Fraction(5, 4))]
    books = Books(BOOK, EVENT, policies[0][1])
    cells = grid(policies, options, ("last", "banded"))
    study = run_cells(cells, EVENT, books, workers=2)
    got = [(o.row["policy"], o.row["leverage"], o.row["mark_rule"]) for o in study.outcomes]
    expected = [(p, lev, m) for lev in ("1", "5/4") for p in ("binance", "hyperliquid") for m in ("last", "banded")]
    assert got == expected
    assert {o.row["path_hash"] for o in study.outcomes} == {path_hash(books.path)}
    assert [o.timeline is not None for o in study.outcomes] == [True] * 4 + [False] * 4
    more = {o.row["leverage"]: o.row["liquidated_accounts"] for o in study.outcomes if o.row["mark_rule"] == "last"}
    assert more["5/4"] > more["1"] > 0, more


def test_study_006_a_scenario_object_and_a_users_own_book_travel_to_workers():
    scenario = load_scenario("2021-05-19").only(["BTC"])
    book = replay(BOOK, scenario).state.snapshot  # a book with its house accounts, given as if a user had brought it
    book = replace(book, kind="user")
    policy = read_policy("hyperliquid")
    event = Event(scenario)
    rows = []
    for workers in (1, 2):
        books = Books(book, event, policy)
        cells = grid([("a", policy), ("b", read_policy("binance"))], (None,))
        rows.append([o.row for o in run_cells(cells, event, books, workers=workers).outcomes])
    assert rows[0] == rows[1]
    assert [r["seed"] for r in rows[0]] == [None, None]
    assert {r["book_hash"] for r in rows[0]} == {book_hash(book)}


def test_study_007_a_frame_of_prices_travels_to_workers():
    times = [1_700_000_000_000_000_000 + 60 * 10**9 * i for i in range(12)]
    close = [100.0, 100.0, 100.0, 99.0, 96.0, 93.0, 90.0, 88.0, 87.0, 87.0, 88.0, 89.0]
    frame = pl.DataFrame(
        {"time": times, "symbol": "BTC/USDC:USDC", "open": close, "high": close, "low": close, "close": close}
    )
    event, policy = Event(frame, path="close"), read_policy("hyperliquid")
    books = Books(BOOK, event, policy)
    study = run_cells(grid([("a", policy)], [books.options, GeneratorOptions(300, 8)]), event, books, workers=2)
    assert not study.failed, study.failed
    assert len({o.row["path_hash"] for o in study.outcomes}) == 1


def test_study_008_labels_are_unique_and_the_same_rules_twice_are_refused(tmp_path):
    from seawall.tables.policies import preset_text

    mine = tmp_path / "mine.toml"
    mine.write_text(preset_text("hyperliquid").replace("deadline_s = 5", "deadline_s = 6"))
    found = labelled(["hyperliquid", mine, "binance"], read_policy)
    assert [label for label, _ in found] == ["hyperliquid", "mine", "binance"]
    with pytest.raises(InputError, match="twice"):
        labelled(["binance", "binance"], read_policy)
    with pytest.raises(InputError, match="no policies"):
        labelled([], read_policy)


@pytest.mark.parametrize(
    ("seeds", "expected"), [(None, [7]), (3, [7, 8, 9]), ([5, 2], [5, 2])], ids=["none", "number", "list"]
)
def test_study_009_seeds(seeds, expected):
    assert [o.seed for o in seeds_from(GeneratorOptions(300, 7), seeds)] == expected
    assert {o.accounts for o in seeds_from(GeneratorOptions(300, 7), seeds)} == {300}


@pytest.mark.parametrize("seeds", [0, -1, [], [3, 3]])
def test_study_010_bad_seeds_are_refused(seeds):
    with pytest.raises(InputError, match="seeds"):
        seeds_from(GeneratorOptions(300, 7), seeds)


def test_study_011_leverages_are_factors_on_the_books_own():
    options = GeneratorOptions(300, 7, Fraction(2))
    assert [o.leverage for o in leverages_of(options, [Fraction(3, 4), Fraction(5, 4)])] == [
        Fraction(3, 2),
        Fraction(5, 2),
    ]


def test_study_012_a_script_without_a_main_guard_may_use_workers(tmp_path):
    script = tmp_path / "three_lines.py"
    script.write_text(
        "import seawall as sw\n"
        f"found = sw.compare({BOOK!r}, '2021-05-19', ['hyperliquid', 'binance'], workers=2)\n"
        "print(len(found.table), found.document['failed'])\n"
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["2", "[]"], done


def test_study_013_changes_of_equity_twin_account_by_account():
    """Slow twin: unit states of the closing book less cash and positions at the opening, in plain integers."""
    run = replay("generate:accounts=200,seed=3", "2021-05-19", "hyperliquid")
    state = run.state
    fast = equity_changes(state)
    opening = open_state(state.snapshot, state.policy, state.snapshot.marks)
    for account, name in enumerate(state.snapshot.account_ids):
        now = sum(state.book.unit_state(u).equity for u in state.book.unit_ids_of(account))
        before = sum(opening.book.unit_state(u).equity for u in opening.book.unit_ids_of(account))
        assert int(fast[:, account].sum()) == now - before, (name, now, before)
    assert int(fast.sum()) == 0, "what one gains another loses, the house and the outside account included"


def test_study_014_an_isolated_position_counts_for_its_account():
    book = snapshot(
        {"a": 1000, "a:BTC": 10, "b": 1000, "c": 1000},
        [("a:BTC", "BTC-PERP", 1, 100), ("b", "BTC-PERP", -1, 100)],
        [perp()],
        parents={"a:BTC": "a"},
        marks={"BTC-PERP": 100},
    )
    state = open_state(book, rules(), {0: 100})
    state.book.tick(0, state.instrument(0).unit_value(104))
    lot = state.instrument(0).unit_value(104) - state.instrument(0).unit_value(100)
    changes = dict(zip(state.snapshot.account_ids, equity_changes(state)[0].tolist(), strict=True))
    assert {n: changes[n] for n in ("a", "a:BTC", "b", "c")} == {"a": lot, "a:BTC": 0, "b": -lot, "c": 0}


def test_study_015_bad_events_are_refused_before_a_worker_starts():
    with pytest.raises(InputError, match="event"):
        Books(BOOK, Event("2021-05-20"), read_policy("binance"))
    with pytest.raises(InputError, match="no such file"):
        Event(str(Path("nowhere.csv"))).open(BOOK)

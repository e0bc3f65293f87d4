"""Bad input: where, row, field, value and what is expected, and nothing half-done. Ids refusal-*; source: the issue's list."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from seawall.errors import InputError, PolicyError
from seawall.tables import (
    check_book,
    columns_markdown,
    policy_from_mapping,
    read_book,
    read_policy,
    read_prices,
    template_files,
)
from seawall.tables.policies import policy_from_toml, preset_text

HEAD = "time,symbol,open,high,low,close\n"
GOOD = "2025-10-10T21:00:00Z,BTCUSDT,10,12,9,11\n"

PRICES = [
    ("nan", HEAD + GOOD + "2025-10-10T21:01:00Z,BTCUSDT,nan,12,9,11\n", 2, "open", "not a number"),
    ("inf", HEAD + "2025-10-10T21:00:00Z,BTCUSDT,10,inf,9,11\n", 1, "high", "infinite"),
    ("negative", HEAD + "2025-10-10T21:00:00Z,BTCUSDT,10,12,-9,11\n", 1, "low", "zero or negative"),
    ("zero", HEAD + "2025-10-10T21:00:00Z,BTCUSDT,10,12,9,0\n", 1, "close", "zero or negative"),
    ("1e308", HEAD + "2025-10-10T21:00:00Z,BTCUSDT,10,1e308,9,11\n", 1, "high", "absurdly large"),
    ("text", HEAD + "2025-10-10T21:00:00Z,BTCUSDT,ten,12,9,11\n", 1, "open", "not a number"),
    ("empty price", HEAD + "2025-10-10T21:00:00Z,BTCUSDT,,12,9,11\n", 1, "open", "missing"),
    ("high below low", HEAD + GOOD + "2025-10-10T21:01:00Z,BTCUSDT,10,8,9,10\n", 2, "high", "high is below low"),
    ("open above high", HEAD + "2025-10-10T21:00:00Z,BTCUSDT,13,12,9,11\n", 1, "high", "below open or close"),
    ("conflict", HEAD + GOOD + "2025-10-10T21:00:00Z,BTCUSDT,10,12,9,10\n", 2, "time", "differ"),
    ("backwards", HEAD + GOOD + "2025-10-10T20:59:00Z,BTCUSDT,10,12,9,11\n", 2, "time", "backwards"),
    ("mixed zones", HEAD + GOOD + "2025-10-10T23:01:00+02:00,BTCUSDT,10,12,9,11\n", 2, "time", "mixed"),
    ("not a time", HEAD + "yesterday,BTCUSDT,10,12,9,11\n", 1, "time", "not a time"),
    ("missing column", "time,open,high,low,close\n2025-10-10T21:00:00Z,1,1,1,1\n", None, "symbol", "missing"),
    ("no low", "time,symbol,open,high,close\n2025-10-10T21:00:00Z,B,1,1,1\n", None, "low", "needs open"),
    ("only a header", HEAD, None, "", "no rows"),
    ("empty", "", None, "", "empty"),
]


@pytest.mark.parametrize(("text", "row", "field", "problem"), [p[1:] for p in PRICES], ids=[p[0] for p in PRICES])
def test_refusal_prices(tmp_path, text, row, field, problem):
    path = tmp_path / "prices.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=problem) as caught:
        read_prices(path)
    assert (caught.value.row, caught.value.field) == (row, field), caught.value
    assert "prices.csv" in str(caught.value)


def test_prices_identical_repeats_are_dropped_and_counted(tmp_path):
    path = tmp_path / "p.csv"
    path.write_text(HEAD.strip() + ",note\n" + 2 * (GOOD.strip() + ",x\n") + "2025-10-10T21:01:00Z,ETHUSDT,1,2,1,2,y\n")
    table = read_prices(path)
    assert (table.identical_dropped, table.ignored, table.frame.height) == (1, ("note",), 2)


def test_prices_order_is_needed_only_within_a_symbol():
    rows = [
        {"time": t, "symbol": s, "venue": v, "close": 1.0}
        for t, s, v in ((1760130000000, "A", "x"), (1760120000000, "A", "y"), (1760110000000, "B", "x"))
    ]
    assert read_prices(rows).frame["time_ns"].is_sorted()


@pytest.mark.parametrize("kind", ["csv", "parquet", "polars", "pandas", "arrow", "dicts"])
def test_prices_from_any_frame(tmp_path, kind):
    frame = pl.DataFrame({"time": ["2025-10-10T21:00:00Z"], "symbol": ["A"], "price": [1.5]})
    source = {"polars": frame, "pandas": frame.to_pandas(), "arrow": frame.to_arrow(), "dicts": frame.to_dicts()}.get(
        kind
    )
    if kind == "csv":
        frame.write_csv(source := tmp_path / "a.csv")
    if kind == "parquet":
        frame.write_parquet(source := tmp_path / "a.parquet")
    assert read_prices(source).frame.row(0) == (1760130000000000000, "", "A", 1.5, 1.5, 1.5, 1.5)


def book_files(folder: Path, **changes: str) -> list[Path]:
    files = {**template_files(), **{f"{k}.csv": v for k, v in changes.items()}}
    for name, text in files.items():
        (folder / name).write_text(text)
    return [folder / f"{n}.csv" for n in ("accounts", "positions", "markets", "assets")]


A, P, M = (template_files()[f"{n}.csv"] for n in ("accounts", "positions", "markets"))
BOOKS = [
    ("duplicate account", "accounts", A + "alice,USDC,1,alice,m1,trader\n", 3, "account", "listed twice"),
    ("unknown asset", "accounts", A + "carl,USDX,1,carl,m1,trader\n", 3, "asset", "unknown asset"),
    ("cash is text", "accounts", A + "carl,USDC,lots,carl,m1,trader\n", 3, "cash", "not a decimal"),
    ("cash too fine", "accounts", A + "carl,USDC,0.0000001,carl,m1,trader\n", 3, "cash", "too many decimals"),
    ("cash overflow", "accounts", A + "carl,USDC,1e30,carl,m1,trader\n", 3, "cash", "does not fit"),
    ("unknown role", "accounts", A + "carl,USDC,1,carl,m1,tarder\n", 3, "role", "unknown name"),
    ("duplicate position", "positions", P + "bob,BTC-PERP,0.5,61250.5,cross,100\n", 3, "market", "listed twice"),
    ("unknown market", "positions", P + "bob,BTC-PREP,0.5,61250.5,cross,100\n", 3, "market", "unknown market"),
    ("unknown account", "positions", P + "rob,BTC-PERP,0.5,61250.5,cross,100\n", 3, "account", "unknown account"),
    ("not whole lots", "positions", P.replace("-0.5", "-0.5005"), 1, "size", "whole number of lots"),
    ("size overflow", "positions", P.replace("-0.5", "-1e12"), 1, "size", "does not fit"),
    ("zero price", "positions", P.replace("61250.5", "0"), 1, "entry_price", "bad price: zero"),
    ("nan price", "positions", P.replace("61250.5", "nan"), 1, "entry_price", "not a number"),
    ("isolated too much", "positions", P.replace("cross,100", "isolated,99999"), 1, "isolated_margin", "not covered"),
    ("bad bracket", "markets", M.replace("0:0.02:0.01;", "0:0.02;"), 1, "brackets", "bad bracket"),
    ("rates out of order", "markets", M.replace("0:0.02:0.01", "0:0.01:0.02"), 1, "brackets[0]", "out of order"),
    ("lot too fine", "markets", M.replace(",0.001,", ",0.0000001,"), 1, "lot", "whole number of book units"),
    ("missing column", "markets", M.replace("brackets,", "bracket,", 1), None, "brackets", "missing"),
]


@pytest.mark.parametrize(("name", "text", "row", "field", "problem"), [b[1:] for b in BOOKS], ids=[b[0] for b in BOOKS])
def test_refusal_book(tmp_path, name, text, row, field, problem):
    files = book_files(tmp_path, **{name: text})
    with pytest.raises(InputError, match=problem) as caught:
        read_book(*files)
    assert (caught.value.row, caught.value.field) == (row, field), caught.value
    assert f"{name}.csv" in str(caught.value)
    assert problem in str(check_book(*files).problems[0])


def test_book_check_finds_every_problem_and_the_nearest_name(tmp_path):
    files = book_files(tmp_path, positions=P.replace("61250.5", "0") + "bob,BTC-PREP,0.5,1,cross,100\n")
    found = check_book(*files).problems
    assert len(found) == 3
    assert "'BTC-PERP'" in found[-1].expected


def test_book_template_is_sound_and_isolated_positions_stand_alone(tmp_path):
    book = read_book(*book_files(tmp_path, positions=P.replace("cross,100", "isolated,100", 1)))
    assert book.account_ids == ("alice", "bob", "alice/BTC-PERP")
    assert book.parents.tolist() == [-1, -1, 0]
    assert dict(zip(book.cash_account.tolist(), book.cash_minor, strict=True))[2] == 100 * 10**6
    assert sum(book.cash_minor) == 10_000_500_000
    assert book.pos_lots.tolist() == [-500, 500]


def test_book_specification_page_names_every_column():
    page = columns_markdown()
    assert all(f"`{c}`" in page for c in ("account", "isolated_margin", "brackets", "book_scale"))


POLICIES = [
    ("typo in a key", "causes =", "cause =", "layers[0].cause", "'causes'"),
    ("unknown kind of layer", 'kind = "deleverage"', 'kind = "delevrage"', "layers[1].kind", "'deleverage'"),
    ("unknown account", 'account = "fund"\npartial', 'account = "found"\npartial', "layers[0].account", "'fund'"),
    ("cycle", "partial = false", 'then = "insurance fund"', "layers[0].then", "chain that ends"),
    (
        "account counted twice",
        '[[layers]]\nname = "deleveraging"',
        '[[layers]]\nname = "again"\nkind = "account"\naccount = "fund"\n\n[[layers]]\nname = "deleveraging"',
        "layers[0].account",
        "an account of its own",
    ),
    ("negative cap", "partial = false", 'limit_per_event = "-5"', "layers[0].limit_per_event", "at least 0"),
    ("float", 'spread = "1.5"', "spread = 1.5", "liquidation.limit.spread", "as text"),
    ("unknown rank", 'rank = "walk"', 'rank = "wolk"', "deleverage.rank", "'walk'"),
    ("missing table", "[oracle]", "[orakle]", "oracle", "[oracle]"),
]


@pytest.mark.parametrize(("old", "new", "field", "expected"), [p[1:] for p in POLICIES], ids=[p[0] for p in POLICIES])
def test_refusal_policy(old, new, field, expected):
    text = preset_text("dydx-v4")
    assert old in text
    with pytest.raises(PolicyError) as caught:
        policy_from_toml(text.replace(old, new, 1), "mine.toml")
    assert caught.value.field == field, caught.value
    assert expected in caught.value.expected, caught.value


@pytest.mark.parametrize(
    ("old", "new", "field", "typo"),
    [
        ("pool =", "pol =", "margin.pool", "pol"),
        ("[liquidation]", "[liquidaton]", "liquidation", "liquidaton"),
        ("max_deviation", "max_deviaton", "oracle.max_deviation", "max_deviaton"),
    ],
)
def test_refusal_policy_names_the_typo_of_a_required_key(old, new, field, typo):
    """A required key written wrong is missing under its own name: the error says which key of the file it may be."""
    with pytest.raises(PolicyError) as caught:
        policy_from_toml(preset_text("emir-ccp").replace(old, new, 1), "mine.toml")
    assert (caught.value.field, f"is {typo!r} a misspelling of it?" in caught.value.expected) == (field, True), (
        caught.value
    )


def test_policy_names_and_hash():
    with pytest.raises(PolicyError, match="'hyperliquid'"):
        read_policy("hyperliquit")
    with pytest.raises(PolicyError, match="key is missing"):
        policy_from_mapping({"name": "x", "margin": {}})
    one, other = read_policy("binance"), read_policy("hyperliquid")
    assert one.hash != other.hash
    assert json.loads(one.canonical())["name"] == "binance"


@pytest.mark.parametrize("number", ["1e5000", "1e-5000", "1e999999999", "1e٩٩٩٩٩٩٩٩٩", "1" * 1_001, 10**1_000])
def test_refusal_policy_numbers_that_nobody_can_print(number):
    """Ten to the five thousandth was read, and the policy's hash ended in a ValueError; a longer one took all memory."""
    text = preset_text("emir-ccp").replace('call_per_window = "2"', f"call_per_window = {json.dumps(number)}")
    with pytest.raises(PolicyError) as caught:
        policy_from_toml(text, "mine.toml")
    assert (caught.value.field, caught.value.problem) == ("members.call_per_window", "bad value"), caught.value

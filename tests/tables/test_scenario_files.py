"""Scenario files: the library loads, and a bad file says where. Ids scenario-file-*."""

from __future__ import annotations

from fractions import Fraction

import pytest

from seawall.errors import InputError
from seawall.scenario import Follows, IndexFeed
from seawall.tables import load_scenario, scenario_names

GOOD = """
name = "mine"
title = "a fall"
date = 2025-10-10
start = 2025-10-10T20:45:00Z
minutes = 30
[[sources]]
text = "made up"
date = 2025-10-10
[depth]
anchors = [[0, "1"], [30, "0.5"]]
[funding]
anchors = [[15, "0.0001"]]
[assets.BTC]
price = "100000"
normal_depth = 1000000
anchors = [[0, "1"], [30, "0.8"]]
dislocation = [[0, "1"], [15, "0.9"]]
"""


def load(tmp_path, text: str):
    path = tmp_path / "mine.toml"
    path.write_text(text)
    return load_scenario(path)


CRASHES = {"2020-03-12", "2021-05-19", "2022-05-11-luna", "2022-11-09-ftx", "2024-08-05", "2025-02-03", "2025-10-10"}
ATTACKS = {
    "2022-05-12-luna-feed",
    "2022-10-11-mango",
    "2023-11-18-yfi",
    "2025-03-26-jelly",
    "2025-08-26-xpl",
    "2025-11-12-popcat",
}


def test_scenario_file_library_is_complete():
    found = [load_scenario(n) for n in scenario_names()]
    assert {s.name for s in found if s.kind == "crash"} == CRASHES
    assert {s.name for s in found if s.kind == "manipulation"} == ATTACKS


@pytest.mark.parametrize("name", sorted(CRASHES | ATTACKS))
def test_scenario_file_library_is_dated_sourced_and_says_what_is_good(name):
    found = load_scenario(name)
    assert found.name == name
    assert name.startswith(found.date)
    assert found.sources and found.good_outcome and found.notes
    assert all(len(s.date) == 10 for s in found.sources), [s.date for s in found.sources]
    assert found.kind == "crash" or found.bad_outcome
    moves = [max(p.ratio.highest[1], 1 / p.ratio.lowest[1]) for p in found.assets.values()]
    moves += [max(p.dislocation.highest[1], 1 / p.dislocation.lowest[1]) for p in found.assets.values()]
    assert max(moves) > 1.1, f"{name}: nothing happens"
    # Whoever reads a price that is not to the minute must be told so in the text.
    lacks = found.date in {"2022-11-09", "2024-08-05", "2025-02-03"}
    assert ("APPROXIMATE" in found.notes) == lacks


def test_scenario_file_part_of_a_name_is_answered_with_the_whole():
    with pytest.raises(InputError) as caught:
        load_scenario("mango")
    assert "2022-10-11-mango" in caught.value.expected


def test_scenario_file_good(tmp_path):
    found = load(tmp_path, GOOD)
    assert found.start_ns == 1_760_129_100 * 10**9
    assert found.index_price("BTC", 30) == pytest.approx(80_000)
    assert found.funding == ((15, "0.0001"),)
    assert (found.kind, found.step_s, found.actors, found.assets["BTC"].feeds) == ("crash", 15, (), ())


FULL = (
    GOOD.replace("minutes = 30", 'minutes = 30\nkind = "manipulation"\nstep_s = 30\nbad_outcome = "worse"')
    + """depth = [[0, "2"], [30, "0.1"]]
[[assets.BTC.feeds]]
name = "slow"
follows = "trade"
average_minutes = 60
[[assets.BTC.feeds]]
name = "broken"
ratio = [[0, "1.01"]]
floor = "90000"
ceiling = "110000.5"
pinned = [[5, 10]]
outage = [[10, 12], [20, 30]]
[[actors]]
name = "whale"
wallets = 3
role = "market_maker"
cash = "1000000.5"
positions = [{ asset = "BTC", notional = "-2000000" }]
text = "made up"
[[actors]]
name = "other"
owner = "whale"
cash = "1"
positions = [{ asset = "BTC", leverage = "5/2" }]
"""
)


def test_scenario_file_with_sources_and_actors(tmp_path):
    found = load(tmp_path, FULL)
    slow, broken = found.assets["BTC"].feeds
    assert (found.kind, found.step_s, found.bad_outcome) == ("manipulation", 30, "worse")
    assert found.depth_at(0, "BTC") == 2
    assert slow == IndexFeed("slow", Follows.TRADE, average_minutes=60.0)
    assert (broken.floor, broken.ceiling, broken.ratio.at(7)) == (90_000.0, 110_000.5, pytest.approx(1.01))
    assert (broken.pinned, broken.outage) == (((5.0, 10.0),), ((10.0, 12.0), (20.0, 30.0)))
    whale, other = found.actors
    assert (whale.owner, whale.wallets, whale.role, whale.cash) == ("whale", 3, "market_maker", Fraction("1000000.5"))
    assert (other.owner, whale.notional(whale.holdings[0])) == ("whale", -2_000_000)
    assert other.notional(other.holdings[0]) == Fraction(5, 2)


BAD = {
    "typo on top": (GOOD.replace("minutes =", "minuets = 1\nminutes ="), "minuets", "'minutes'"),
    "typo in asset": (GOOD.replace("dislocation", "dislocaton"), "assets.BTC.dislocaton", "'dislocation'"),
    "no zone": (GOOD.replace("20:45:00Z", "20:45:00"), "start", "2025-10-10T20:45:00Z"),
    "no start": (GOOD.replace("start = 2025-10-10T20:45:00Z", ""), "start", "2025-10-10T20:45:00Z"),
    "no depth": (GOOD.replace("[depth]", "[deep]"), "depth", "[depth]"),
    "no source": (GOOD.replace('[[sources]]\ntext = "made up"\ndate = 2025-10-10', ""), "sources", "[[sources]]"),
    "float ratio": (GOOD.replace('[30, "0.8"]', "[30, 0.8]"), "assets.BTC.anchors", '[[minute, "ratio"], ...]'),
    "true for a minute": (GOOD.replace('[30, "0.8"]', '[true, "0.8"]'), "assets.BTC.anchors", "minute"),
    "no number": (GOOD.replace('"0.8"', '"most"'), "assets.BTC.anchors", "minute"),
    "over zero": (GOOD.replace('"0.8"', '"1/0"'), "assets.BTC.anchors", "minute"),
    "huge": (GOOD.replace('"0.8"', '"1e308"'), "assets.BTC.anchors", "1e-12 to"),
    "zero ratio": (GOOD.replace('"0.8"', '"0"'), "assets.BTC.anchors[1]", ""),
    "price 0": (GOOD.replace('"100000"', '"0"'), "assets.BTC.price", "fraction"),
    "price 1e400": (GOOD.replace('"100000"', '"1e400"'), "assets.BTC.price", "fraction"),
    "late point": (GOOD.replace('[30, "0.8"]', '[31, "0.8"]'), "assets.BTC.anchors[1]", ""),
    "wild funding": (GOOD.replace('"0.0001"', '"0.5"'), "funding.anchors[0]", ""),
    "typo in kind": (FULL.replace('"manipulation"', '"manipulatoin"'), "kind", "'manipulation'"),
    "typo in source": (FULL.replace("ceiling =", "cieling ="), "assets.BTC.feeds[1].cieling", "'ceiling'"),
    "typo in follows": (FULL.replace('"trade"', '"trades"'), "assets.BTC.feeds[0].follows", "'trade'"),
    "window of words": (FULL.replace("[[5, 10]]", '[["5", "10"]]'), "assets.BTC.feeds[1].pinned", "[[from minute"),
    "window backwards": (FULL.replace("[[5, 10]]", "[[10, 5]]"), "assets.BTC.feeds[1].pinned[0]", ""),
    "floor 0": (FULL.replace('floor = "90000"', 'floor = "0"'), "assets.BTC.feeds[1].floor", "fraction"),
    "typo in actor": (FULL.replace("wallets = 3", "walets = 3"), "actors[0].walets", "'wallets'"),
    "actor elsewhere": (
        FULL.replace('{ asset = "BTC", n', '{ asset = "BTX", n'),
        "actors[0].positions[0].asset",
        "BTC",
    ),
    "cash as a float": (FULL.replace('"1000000.5"', "1000000.5"), "actors[0].cash", "fraction"),
    "no cash": (FULL.replace('cash = "1"', 'cash = "0"'), "actors[1].cash", ""),
    "typo in position": (FULL.replace("notional =", "notoinal ="), "actors[0].positions[0].notoinal", "'notional'"),
    "actor's role": (FULL.replace('"market_maker"', '"fund"'), "actors[0].role", "trader"),
    "no asset": (GOOD[: GOOD.index("[assets.BTC]")] + "[assets]\n", "assets", "[assets.BTC]"),
}


@pytest.mark.parametrize(("text", "field", "expected"), BAD.values(), ids=BAD)
def test_scenario_file_refused_with_its_key_path(tmp_path, text, field, expected):
    with pytest.raises(InputError) as caught:
        load(tmp_path, text)
    assert caught.value.field == field, str(caught.value)
    assert expected in caught.value.expected, str(caught.value)
    assert caught.value.where, str(caught.value)


def test_scenario_file_unknown_name_and_missing_file(tmp_path):
    with pytest.raises(InputError, match="'2025-10-10'"):
        load_scenario("2025-10-11")
    with pytest.raises(InputError, match="cannot be read"):
        load_scenario(tmp_path / "nowhere.toml")
    with pytest.raises(InputError, match="not valid TOML"):
        load(tmp_path, "name = ")

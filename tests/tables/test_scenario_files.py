"""Scenario files: the library loads, and a bad file says where. Ids scenario-file-*."""

from __future__ import annotations

import pytest

from seawall.errors import InputError
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


def test_scenario_file_library_is_complete_and_sourced():
    assert {"2020-03-12", "2021-05-19", "2025-10-10"} <= set(scenario_names())
    for name in scenario_names():
        found = load_scenario(name)
        assert found.name == name
        assert found.date == name
        assert found.sources
        assert found.good_outcome
        for asset, path in found.assets.items():
            assert len(path.ratio.points) >= 6, f"{name} {asset}"
            assert path.ratio.lowest[1] < 0.9, f"{name} {asset}: no crash"
        assert found.depth.lowest[1] == pytest.approx(57 / 244, rel=0.02), name


def test_scenario_file_good(tmp_path):
    found = load(tmp_path, GOOD)
    assert found.start_ns == 1_760_129_100 * 10**9
    assert found.index_price("BTC", 30) == pytest.approx(80_000)
    assert found.funding == ((15, "0.0001"),)


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

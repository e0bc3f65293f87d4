"""The scenario object. Ids scenario-*; source: worked by hand."""

from __future__ import annotations

import math
import pickle
from dataclasses import replace
from fractions import Fraction
from types import MappingProxyType

import pytest

from seawall.errors import InputError
from seawall.scenario import Actor, AssetPath, Curve, Holding, IndexFeed, Scenario, Source
from seawall.tables import load_scenario

FLAT = Curve(((0.0, 1.0),))


def scenario(**changes: object) -> Scenario:
    """One coin that halves in ten minutes while its own market prints a tenth lower and depth falls to a quarter."""
    path = AssetPath(100.0, Curve.of([(0, 1.0), (10, 0.5), (20, 0.8)]), Curve.of([(0, 1.0), (10, 0.9)]), 1e6)
    return replace(
        Scenario(
            name="test",
            title="half",
            date="2025-10-10",
            start_ns=0,
            minutes=20,
            assets=MappingProxyType({"BTC": path, "ETH": replace(path, ratio=FLAT)}),
            depth=Curve.of([(0, 1.0), (10, 0.25)]),
            funding=((5, "0.0001"),),
            sources=(Source("made up", "2025-10-10"),),
        ),
        **changes,
    )


@pytest.mark.parametrize(
    ("minute", "price"),
    [
        (-5, 100.0),
        (0, 100.0),
        (5, 100 * math.sqrt(0.5)),
        (10, 50.0),
        (15, 100 * math.sqrt(0.4)),
        (20, 80.0),
        (99, 80.0),
    ],
)
def test_scenario_prices_are_log_linear_between_points_and_hold_outside(minute, price):
    assert scenario().index_price("BTC", minute) == pytest.approx(price, rel=1e-12)


def test_scenario_trade_is_index_times_dislocation():
    found = scenario()
    assert found.trade_price("BTC", 10) == pytest.approx(45.0)
    assert found.trade_price("ETH", 10) == pytest.approx(90.0)
    assert found.depth_at(10) == 0.25


def test_scenario_only_keeps_the_order_of_the_scenario_and_refuses_strangers():
    assert list(scenario().only(["ETH", "BTC"]).assets) == ["BTC", "ETH"]
    assert list(scenario().only(["ETH"]).assets) == ["ETH"]
    with pytest.raises(InputError) as caught:
        scenario().only(["DOGE"])
    assert (caught.value.value, caught.value.expected) == ("DOGE", "one of BTC, ETH")


@pytest.mark.parametrize(
    ("factor", "price", "trade"),
    [(0, 100.0, 100.0), (1, 50.0, 45.0), (2, 25.0, 25 * 0.81), (0.5, 100 * math.sqrt(0.5), None)],
)
def test_scenario_scaled_scales_logarithms(factor, price, trade):
    found = scenario().scaled(factor)
    assert found.index_price("BTC", 10) == pytest.approx(price, rel=1e-12)
    assert found.index_price("BTC", 0) == 100.0
    if trade is not None:
        assert found.trade_price("BTC", 10) == pytest.approx(trade, rel=1e-12)
    assert found.depth_at(10) == 0.25, "depth has its own factor"


def test_scenario_scaled_depth_and_composition():
    assert scenario().scaled(1, depth=0).depth_at(10) == 1.0
    assert scenario().scaled(1, depth=2).depth_at(10) == pytest.approx(0.0625)
    twice = scenario().scaled(2).scaled(3).only(["BTC"])
    assert twice.index_price("BTC", 10) == pytest.approx(scenario().scaled(6).index_price("BTC", 10), rel=1e-12)


@pytest.mark.parametrize("factor", [-1, math.nan, math.inf, 11])
def test_scenario_bad_scale(factor):
    with pytest.raises(InputError) as caught:
        scenario().scaled(factor)
    assert caught.value.field == "factor"


def actor(**changes: object) -> Actor:
    """Short of BTC and long of ETH with 100 of cash."""
    holdings = (Holding("BTC", Fraction(-250)), Holding("ETH", leverage=Fraction(3)))
    return replace(Actor("a", "o", Fraction(100), holdings), **changes)


def test_scenario_actor_holds_notional_or_a_multiple_of_its_cash():
    found = actor()
    assert [found.notional(h) for h in found.holdings] == [-250, 300]


def test_scenario_only_drops_what_actors_hold_elsewhere_and_who_holds_nothing():
    both, other = actor(), actor(name="b", holdings=(Holding("ETH", Fraction(1)),))
    found = scenario(actors=(both, other)).only(["BTC"])
    assert [(a.name, [h.asset for h in a.holdings], a.cash) for a in found.actors] == [("a", ["BTC"], 100)]


def test_scenario_asset_may_have_a_depth_of_its_own():
    own = replace(BTC, depth=Curve.of([(0, 4.0), (10, 0.01)]))
    found = scenario(assets=MappingProxyType({"BTC": own, "ETH": replace(BTC, ratio=FLAT)}))
    assert [found.depth_at(10, a) for a in ("BTC", "ETH", None)] == [pytest.approx(0.01), 0.25, 0.25]
    half = found.scaled(1, depth=0.5)
    assert half.depth_at(10, "BTC") == pytest.approx(0.1)


def test_scenario_with_feeds_changes_one_asset_and_checks_it():
    found = scenario().with_feeds("ETH", [IndexFeed("x", floor=5.0)])
    assert ([f.name for f in found.assets["ETH"].feeds], found.assets["BTC"].feeds) == (["x"], ())
    with pytest.raises(InputError):
        scenario().with_feeds("DOGE", [])
    with pytest.raises(InputError) as caught:
        scenario().with_feeds("ETH", [IndexFeed("x", outage=((0.0, 99.0),))])
    assert caught.value.field == "assets.ETH.feeds[0].outage[0]"


BTC = scenario().assets["BTC"]
TWICE = (IndexFeed("x"), IndexFeed("x"))
BAD = {
    "kind": ({"kind": "storm"}, "kind"),
    "step": ({"step_s": 61}, "step_s"),
    "own depth outside": (
        {"assets": MappingProxyType({"A": replace(BTC, depth=Curve.of([(0, 1.0), (21, 1.0)]))})},
        "assets.A.depth[1]",
    ),
    "source twice": ({"assets": MappingProxyType({"A": replace(BTC, feeds=TWICE)})}, "assets.A.feeds[1].name"),
    "actor twice": ({"actors": (actor(), actor())}, "actors[1].name"),
    "actor without cash": ({"actors": (actor(cash=Fraction(0)),)}, "actors[0].cash"),
    "actor without wallets": ({"actors": (actor(wallets=0),)}, "actors[0].wallets"),
    "actor with a blank": ({"actors": (actor(owner="a b"),)}, "actors[0].owner"),
    "actor role": ({"actors": (actor(role="outside"),)}, "actors[0].role"),
    "actor holds nothing": ({"actors": (actor(holdings=()),)}, "actors[0].positions"),
    "actor elsewhere": ({"actors": (actor(holdings=(Holding("X", Fraction(1)),)),)}, "actors[0].positions[0].asset"),
    "actor holds twice": (
        {"actors": (actor(holdings=(Holding("BTC", Fraction(1)), Holding("BTC", Fraction(1)))),)},
        "actors[0].positions[1].asset",
    ),
    "actor holds zero": ({"actors": (actor(holdings=(Holding("BTC", Fraction(0)),)),)}, "actors[0].positions[0]"),
    "actor holds both": (
        {"actors": (actor(holdings=(Holding("BTC", Fraction(1), Fraction(1)),)),)},
        "actors[0].positions[0]",
    ),
    "no assets": ({"assets": MappingProxyType({})}, "assets"),
    "no length": ({"minutes": 0}, "minutes"),
    "price": ({"assets": MappingProxyType({"A": replace(BTC, price=0.0)})}, "assets.A.price"),
    "price nan": ({"assets": MappingProxyType({"A": replace(BTC, price=math.nan)})}, "assets.A.price"),
    "depth": ({"assets": MappingProxyType({"A": replace(BTC, normal_depth=-1.0)})}, "assets.A.normal_depth"),
    "start": ({"assets": MappingProxyType({"A": replace(BTC, ratio=Curve.of([(0, 0.9)]))})}, "assets.A.anchors"),
    "after the end": ({"minutes": 15}, "assets.BTC.anchors[2]"),
    "depth outside": ({"depth": Curve.of([(-1, 1.0)])}, "depth.anchors[0]"),
    "funding outside": ({"funding": ((21, "0.1"),)}, "funding.anchors[0]"),
    "funding twice": ({"funding": ((5, "0.01"), (5, "0.01"))}, "funding.anchors[1]"),
    "funding rate": ({"funding": ((5, "0.2"),)}, "funding.anchors[0]"),
    "funding text": ({"funding": ((5, "a tenth"),)}, "funding.anchors[0]"),
}


@pytest.mark.parametrize(("changes", "field"), BAD.values(), ids=BAD)
def test_scenario_refuses_what_it_cannot_mean(changes, field):
    with pytest.raises(InputError) as caught:
        scenario(**changes)
    assert caught.value.field == field, str(caught.value)
    assert caught.value.where == "scenario test"


@pytest.mark.parametrize(
    ("points", "field"),
    [
        ([], "anchors"),
        ([(0, 1.0), (0, 1.0)], "anchors[1]"),
        ([(5, 1.0), (4, 1.0)], "anchors[1]"),
        ([(0, 0.0)], "anchors[0]"),
        ([(0, 1.0), (1, -1.0)], "anchors[1]"),
        ([(0, math.nan)], "anchors[0]"),
        ([(math.inf, 1.0)], "anchors[0]"),
    ],
    ids=str,
)
def test_scenario_curve_refuses_bad_points(points, field):
    with pytest.raises(InputError) as caught:
        Curve.of(points)
    assert caught.value.field == field


def test_scenario_travels_to_other_processes():
    """Also on the oldest Python we support, where a dataclass with slots writes over ``__getstate__``."""
    scenario = load_scenario("2025-11-12-popcat")
    again = pickle.loads(pickle.dumps(scenario))
    assert again == scenario and type(again.assets) is type(scenario.assets)

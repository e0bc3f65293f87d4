"""What a source of an index prints. Ids feed-*; source: worked by hand from the docstring of ``IndexFeed``."""

from __future__ import annotations

import math

import pytest

from seawall.errors import InputError
from seawall.scenario import Curve, Follows, IndexFeed, Printer

# (minute, market outside, venue's last trade)
SEEN = [(0, 100.0, 101.0), (1, 90.0, 95.0), (2, 50.0, 40.0), (3, 20.0, 15.0), (4, 60.0, 70.0)]
CASES = {
    "plain": ({}, [100, 90, 50, 20, 60]),
    "own trades": ({"follows": Follows.TRADE}, [101, 95, 40, 15, 70]),
    "another venue": ({"ratio": Curve.of([(0, 1.1)])}, [110, 99, 55, 22, 66]),
    "floor": ({"floor": 55.0}, [100, 90, 55, 55, 60]),
    "ceiling": ({"ceiling": 60.0}, [60, 60, 50, 20, 60]),
    "pinned repeats what it printed before": ({"pinned": ((2.0, 4.0),)}, [100, 90, 90, 90, 60]),
    "pinned from the start repeats its first price": ({"pinned": ((0.0, 3.0),)}, [100, 100, 100, 20, 60]),
    "silent": ({"outage": ((1.0, 3.0),)}, [100, None, None, 20, 60]),
    "silent, then pinned at what it said before": (
        {"outage": ((1.0, 2.0),), "pinned": ((2.0, 4.0),)},
        [100, None, 100, 100, 60],
    ),
    "silent wins over pinned": ({"outage": ((2.0, 3.0),), "pinned": ((2.0, 4.0),)}, [100, 90, None, 90, 60]),
}


@pytest.mark.parametrize(("terms", "printed"), CASES.values(), ids=CASES)
def test_feed_prints(terms, printed):
    printer = Printer(IndexFeed("f", **terms))
    got = [printer.at(*seen) for seen in SEEN]
    assert got == [p if p is None else pytest.approx(p) for p in printed], got


def test_feed_average_starts_at_the_first_price_and_closes_in_by_e():
    """After one time constant, in however many steps, 1/e of a jump is left."""
    for steps in (1, 7, 100):
        printer = Printer(IndexFeed("f", average_minutes=10))
        assert printer.at(0, 100.0, 0.0) == 100.0
        got = [printer.at(10 * (i + 1) / steps, 200.0, 0.0) for i in range(steps)][-1]
        assert got == pytest.approx(200 - 100 / math.e, rel=1e-12), steps


def test_feed_limits_hold_after_the_average():
    printer = Printer(IndexFeed("f", average_minutes=1, floor=99.0))
    printer.at(0, 100.0, 0.0)
    assert printer.at(50, 1.0, 0.0) == 99.0


BAD = {
    "name": ({"name": ""}, "name"),
    "floor": ({"floor": 0.0}, "floor"),
    "ceiling nan": ({"ceiling": math.nan}, "ceiling"),
    "floor over ceiling": ({"floor": 2.0, "ceiling": 1.0}, "floor"),
    "average": ({"average_minutes": -1.0}, "average_minutes"),
    "empty window": ({"pinned": ((5.0, 5.0),)}, "pinned[0]"),
    "late window": ({"outage": ((0.0, 1.0), (5.0, 11.0))}, "outage[1]"),
    "late ratio": ({"ratio": Curve.of([(0, 1.0), (11, 1.1)])}, "ratio"),
}


@pytest.mark.parametrize(("terms", "field"), BAD.values(), ids=BAD)
def test_feed_refuses(terms, field):
    with pytest.raises(InputError) as caught:
        IndexFeed(**{"name": "f", **terms}).check(10, "scenario s", "assets.A.feeds[0]")
    assert (caught.value.where, caught.value.field) == ("scenario s", f"assets.A.feeds[0].{field}")

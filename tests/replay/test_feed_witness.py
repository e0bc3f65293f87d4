"""A pinned source is found by what the others say, or by the venue's own trades. Ids witness-*; worked by hand.

Rule: a source that repeats one value three times while its witness moved by more than 2 % is pinned and has no price.
"""

from __future__ import annotations

from tests.books import perp, policy

from seawall.replay.feed import MarkFeed
from seawall.replay.paths import Observations

SECOND = 10**9


def run(rows, **oracle):
    """Rows (trade, {source: price}) a second apart -> (mark or None, reasons) each."""
    rules = policy(
        oracle={"max_age_s": 60, "max_deviation": "1/2", "pinned_after": 3, "pinned_move": "0.02", **oracle},
        marks={"kind": "banded", "band": "0.05", "without_index": "hold"},
    )
    feed = MarkFeed([perp()], rules, rules.marks)
    found = []
    for i, (trade, sources) in enumerate(rows):
        seen = Observations(i * SECOND, (("BTC-PERP", trade),), tuple(("BTC", n, p) for n, p in sources.items()))
        marks, refused = feed.step(seen, {})
        found.append((marks.get("BTC-PERP"), [r for _, _, r in refused]))
    return found


def test_witness_trades_show_that_the_only_source_is_pinned():
    """The trade leaves by 3 %: from the third print on the source is no price, there is no index and no new mark."""
    found = run([(100.0, {"a": 100.0}), (100.0, {"a": 100.0}), (97.0, {"a": 100.0}), (50.0, {"a": 100.0})])
    assert found == [(100, []), (None, []), (None, ["pinned"]), (None, ["pinned"])]


def test_witness_a_quiet_market_may_repeat_itself():
    assert all(not reasons for _, reasons in run([(100.0, {"a": 100.0})] * 20))


def test_witness_a_source_that_moves_again_is_used_again():
    rows = [(100.0, {"a": 100.0})] * 2 + [(90.0, {"a": 100.0}), (90.0, {"a": 90.0})]
    assert run(rows)[-2:] == [(None, ["pinned"]), (90, [])]


def test_witness_other_sources_speak_before_the_trades_do():
    """Two sources agree that nothing moved: a wild trade of the venue makes no source pinned."""
    found = run([(100.0, {"a": 100.0, "b": 100.0})] * 3 + [(50.0, {"a": 100.0, "b": 100.0})] * 3)
    assert not any("pinned" in reasons for _, reasons in found)
    moved = run([(100.0, {"a": 100.0, "b": 100.0})] * 2 + [(90.0, {"b": 90.0, "a": 100.0})] * 2)
    assert [reasons.count("pinned") for _, reasons in moved] == [0, 0, 1, 1]


def test_witness_without_the_rule_a_pinned_source_is_believed():
    rows = [(100.0, {"a": 100.0})] * 2 + [(50.0, {"a": 100.0})] * 3
    assert [mark for mark, _ in run(rows, pinned_after=0)] == [100, None, None, None, None]
    assert run(rows, pinned_after=0)[-1][1] == ["outside_band"], "the mark stays at the pinned index"


def test_witness_our_own_orders_do_not_hide_a_pin():
    """Forced orders move every price alike, a little less each step: the source still printed one value."""
    rules = policy(
        oracle={"max_age_s": 60, "max_deviation": "1/2", "pinned_after": 3, "pinned_move": "0.02"},
        marks={"kind": "banded", "band": "0.05", "without_index": "hold"},
    )
    feed = MarkFeed([perp()], rules, rules.marks)
    found = []
    for i, (trade, shift) in enumerate([(100.0, 1.0), (100.0, 0.8), (90.0, 0.85), (80.0, 0.9)]):
        seen = Observations(i * SECOND, (("BTC-PERP", trade),), (("BTC", "a", 100.0),))
        marks, refused = feed.step(seen, {"BTC-PERP": shift})
        found.append((marks.get("BTC-PERP"), [r for _, _, r in refused]))
    assert found == [(100, []), (80, []), (None, ["pinned"]), (None, ["pinned"])]

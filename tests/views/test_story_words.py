"""What happened when. Ids story-*."""

from __future__ import annotations

from decimal import Decimal

import pytest

from seawall.replay import replay
from seawall.views import run_view

BOOK = "generate:accounts=1000,seed=7"


@pytest.mark.parametrize(("policy", "takes"), [("vega", True), ("hyperliquid", True), ("dydx-v4", False)])
def test_story_tells_what_was_closed_and_what_was_taken_over(policy, takes):
    run = replay(BOOK, "2025-10-10", policy)
    (figure,) = [f for f in run_view(run.record()).figures() if f.id == "timeline"]
    told = str(figure.svg())
    assert ("Take-overs by the backstop peaked" in told) == takes, policy
    assert ("Close-outs in the market: none" in told) == (policy == "vega"), "vega takes everybody over"
    for name in ("liquidated", "taken_over"):
        added = sum(Decimal(str(row[name])) for row in figure.table.rows)
        assert added == Decimal(run.summary[name]["notional"]), (policy, name)
    assert (Decimal(run.summary["taken_over"]["notional"]) > 0) == takes

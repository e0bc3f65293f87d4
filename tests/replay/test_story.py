"""The shape of 10 October 2025, from facts: the backstop can gain, and deleveraging closes mostly what it took over.

The pace at which the backstop works positions out is an assumption chosen for this, so these tests guard the mechanism
(it can gain; take-over, limit and deleveraging follow each other), they do not prove the model.

Ids story-*. Source: 95.1 % of the notional deleveraged that day closed positions of two liquidator vaults, which ended
the event with a gain (recomputed from public event files; see docs/explanation.md).
"""

from __future__ import annotations

from decimal import Decimal

import pytest

from seawall.replay import replay


@pytest.fixture(scope="module")
def day():
    return replay("generate:accounts=100000,seed=7", "2025-10-10", "hyperliquid").summary


def test_story_the_backstop_gains(day):
    (backstop,) = day["layers"]
    assert Decimal(backstop["after"]) > Decimal(backstop["before"])
    assert Decimal(backstop["by_source"]["take_over"]) > 0


def test_story_deleveraging_closes_mostly_what_the_backstop_took(day):
    share = Decimal(day["deleveraged"]["of_backstop_notional"]) / Decimal(day["deleveraged"]["notional"])
    assert share > Decimal("0.8"), share


def test_story_layers_add_up(day):
    for row in day["layers"]:
        before, used, gained, after = (Decimal(row[k]) for k in ("before", "used", "gained", "after"))
        assert before + gained - used == after, row
        assert sum(Decimal(v) for v in row["by_source"].values()) == after - before, row


def test_story_every_loss_is_paid_once(day):
    collected = Decimal(day["deleveraged"]["collected"])
    assert Decimal(day["bad_debt"]) <= collected + Decimal(day["haircut"]["amount"]) + Decimal(day["residual"]) + sum(
        -Decimal(r["by_source"]["draws"]) for r in day["layers"]
    )

"""The picture of a policy, before anything has happened. Ids ladder-*."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from seawall.tables import policy_names, read_policy
from seawall.views.ladder import policy_picture
from seawall.waterfall import LayerKind

EVERY = Path(__file__).resolve().parents[2] / "examples" / "every_layer.toml"


def drawn(name: str) -> tuple[list[str], int]:
    """Titles of the cards from the top, and how many arrows lead from one to the next."""
    text = str(policy_picture(read_policy(name)).render())
    titles = [
        t.replace("&#39;", "'") for t in re.findall(r'<text [^>]*class="ttl"[^>]*>(?:<tspan[^>]*>)?([^<]+)<', text)
    ]
    return titles, len(re.findall(r'<line [^>]*class="axis"', text))


def test_ladder_every_kind_of_layer_is_shown_in_order():
    policy = read_policy(str(EVERY))
    assert {rule.kind for rule in policy.layers} == set(LayerKind)
    titles, arrows = drawn(str(EVERY))
    layers = [rule.name[:1].upper() + rule.name[1:] for rule in policy.layers]
    assert titles == ["The trader’s own margin", "Backstop: vault", *layers, "Residual", "Auctions of debt"]
    assert arrows == len(titles) - 2  # one less than cards, and one card stands beside another


def test_ladder_no_loss_comes_down_to_a_profit_cap():
    titles, arrows = drawn("gmx-v2")
    assert titles == ["The trader’s own margin", "Pool", "Residual", "Beside the layers: profit cap"]
    assert arrows == 2


@pytest.mark.parametrize("name", policy_names())
def test_ladder_begins_with_the_trader_and_names_every_layer(name):
    titles, _ = drawn(name)
    assert titles[0] == "The trader’s own margin"
    assert titles[titles.index("Residual") - len(read_policy(name).layers) : titles.index("Residual")] == [
        rule.name[:1].upper() + rule.name[1:] for rule in read_policy(name).layers
    ]

"""A policy back in the words of its file, and what differs between two. Ids diff-*."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction

import pytest
from tests.engine.test_machine import POLICIES
from tests.venues import AUCTIONED
from typer.testing import CliRunner

from seawall.cli.main import app
from seawall.money import exact_text
from seawall.tables import keys, policy_from_mapping, policy_names, read_policy
from seawall.tables.policy_diff import policy_diff
from seawall.tables.policy_file import policy_to_mapping
from seawall.tables.vocabulary import VOCABULARY

BY_TIER = (
    "tiers.",
    "layers.limit_per_market.",
    "liquidation.window.depth.",
    "backstop.max_notional_per_market.",
    "profit_cap.cap.",
    "profit_cap.floor.",
    "members.size.stresses.moves.",
    "members.weights.",
)
ALL = [*map(read_policy, policy_names()), *POLICIES, AUCTIONED]


@pytest.mark.parametrize("policy", ALL, ids=lambda p: p.name)
def test_diff_a_policy_written_and_read_again_is_the_same(policy):
    again = policy_from_mapping(policy_to_mapping(policy))
    assert again.canonical() == policy.canonical()


@pytest.mark.parametrize(
    ("value", "text"), [("0", "0"), ("1/8", "0.125"), ("5/2", "2.5"), ("100", "100"), ("1/3", "1/3"), ("-1/4", "-0.25")]
)
def test_diff_numbers_are_written_exactly(value, text):
    assert exact_text(Fraction(value)) == text
    assert Fraction(text) == Fraction(value)


@pytest.mark.parametrize("a", ALL, ids=lambda p: p.name)
def test_diff_is_empty_with_itself_and_never_with_another_hash(a):
    assert policy_diff(a, a) == []
    for b in ALL:
        bare = replace(a, represents=b.represents, source=b.source, cannot_represent=b.cannot_represent)
        bare = replace(bare, known_weaknesses=b.known_weaknesses)
        same = bare.hash == b.hash
        assert (not policy_diff(a, b)) == same, (a.name, b.name)


def test_diff_bybit_and_okx_differ_in_one_rule():
    found = [d for d in policy_diff(read_policy("bybit"), read_policy("okx")) if d.group]
    assert [(d.group, d.key, d.a, d.b) for d in found] == [("layers[0]", "limit_per_period[0].per", "market", "all")]
    assert found[0].means == "counted over all losses, or for each market"


def test_diff_every_key_has_words_and_groups_stand_together():
    for b in map(read_policy, policy_names()):
        found = policy_diff(read_policy("emir-ccp"), b)
        groups = [d.group for d in found]
        assert groups == sorted(groups, key=groups.index), groups
        assert all(d.means for d in found)


def test_diff_vocabulary_is_what_the_reader_asks_for(monkeypatch):
    """Neither a key without words nor words without a key."""
    asked: set[str] = set()
    at = keys.Table.__init__

    class Noting(set):
        def __init__(self, path: str) -> None:
            super().__init__()
            self.path = "".join(part.split("[")[0] + "." for part in path.split(".") if part)

        def add(self, key: str) -> None:
            asked.add(self.path + key)
            super().add(key)

    def noting(self, data, where, path=""):
        at(self, data, where, path)
        self._known = Noting(path)

    monkeypatch.setattr(keys.Table, "__init__", noting)
    for policy in ALL:
        policy_from_mapping(policy_to_mapping(policy))
    haircut = {
        **policy_to_mapping(ALL[0]),
        "margin": {"pool": "account", "rounding": "toward_fund", "numeraire": "USDC"},
    }
    haircut["margin"]["haircuts"] = [{"asset": "BTC", "floor": 0, "haircut": "1/10"}]
    policy_from_mapping(haircut)
    words = {key.path for key in VOCABULARY}
    tables = {path.rsplit(".", 1)[0] for path in words if "." in path} | {"liquidation.pace", "auctions"}
    tiers = {path for path in asked if path.startswith(BY_TIER)}
    assert asked - tables - tiers == words - {"tiers.<tier>"}


def test_diff_command_prints_words_values_and_json():
    runner = CliRunner()
    text = runner.invoke(app, ["policy", "diff", "bybit", "okx"]).stdout
    assert "limit_per_period[0].per market" in text
    broken = runner.invoke(app, ["policy", "diff", "binance", "bybit"]).stdout
    assert "  limit_per_period[0]. " in broken and "    share_of_peak" in broken, broken  # behind a dot, not in a name
    assert max(map(len, text.splitlines())) <= 80
    found = json.loads(runner.invoke(app, ["policy", "diff", "mango-v4", "emir-ccp", "--json"]).stdout)
    assert found["a"]["hash"] == read_policy("mango-v4").hash
    assert not found["same"]
    assert {"group", "key", "means", "a", "b"} == set(found["differences"][0])
    assert "say the same" in runner.invoke(app, ["policy", "diff", "okx", "okx"]).stdout

"""``[members.size]`` and weights in a policy file: read, written back, refused. Ids size-policy-*.

Each refusal is one change to a sound fund: key path, reason, nearest valid form.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from tests.tables.test_policy_check import SOUND

from seawall.engine import Policy
from seawall.errors import PolicyError
from seawall.tables import load_scenario, policy_from_mapping, read_policy
from seawall.tables.policies import policy_from_canonical
from seawall.tables.policy_file import policy_to_mapping
from seawall.tables.sizing import stress_of
from seawall.views.document import Document
from seawall.views.rules import rules_in_words

F = Fraction
FALL = {"name": "fall", "moves": {"BTC": "-0.3", "ETH-PERP": "-0.35"}, "other": "-0.5"}
SIZE = {"cover": 2, "buffer": "0.05", "emir_minimum": True, "least": "1000.5", "stresses": [FALL, {"move": "0.3"}]}
WEIGHTED = {
    "contribution": "weighted",
    "fixed_each": "50",
    "weights": {"risk": "0.70", "open_interest": "0.15", "stress": "0.15"},
}


def read(size: Any = None, **members: Any) -> Policy:
    given = {**({} if size is None else {"size": size}), **members}
    return policy_from_mapping(
        {**SOUND, "members": given, "layers": [*SOUND["layers"], {"name": "m", "kind": "members"}]}, "mine.toml"
    )


def test_size_policy_is_read_as_said():
    rule = read(SIZE, **WEIGHTED).members
    assert rule is not None and rule.size is not None
    assert (rule.fund, rule.fund_share_of_cash) == (None, None)
    assert (rule.size.cover, rule.size.buffer, rule.size.emir_minimum, rule.size.least) == (
        2,
        F(1, 20),
        True,
        1_000_500_000,
    )
    assert [(s.name, dict(s.moves), s.other) for s in rule.size.stresses] == [
        ("fall", {"BTC": F(-3, 10), "ETH-PERP": F(-7, 20)}, F(-1, 2)),
        ("all coins +30 %", {}, F(3, 10)),
    ]
    assert (rule.fixed_each, rule.weights) == (
        50 * 10**6,
        {"risk": F(7, 10), "open_interest": F(3, 20), "stress": F(3, 20)},
    )


@pytest.mark.parametrize("policy", [read(SIZE, **WEIGHTED), read(SIZE, minimum="3"), read({"cover": 1, "stresses": [
    {"scenario": "2020-03-12", "other": "-0.5"}]})], ids=["weighted", "minimum", "event"])  # fmt: skip
def test_size_policy_written_and_read_again_is_the_same(policy):
    assert policy_from_mapping(policy_to_mapping(policy)).canonical() == policy.canonical()
    assert policy_from_canonical(policy.canonical()) == policy


def test_size_policy_without_the_new_keys_hashes_as_before():
    """Keys that a policy does not use are not in its canonical form: a hash in an old journal still holds."""
    plain = read(fund="1000").canonical()
    assert not [word for word in ('"size"', '"fixed_each"', '"weights"') if word in plain], plain


def test_size_policy_an_event_is_the_farthest_move_of_each_coin():
    """2020-03-12: the lowest hourly lows of the file (BTC 0.5116, ETH 0.5011, LTC 0.5571)."""
    stress = stress_of(load_scenario("2020-03-12"), F(-1, 2))
    assert stress.moves == {"BTC": F("-0.4884"), "ETH": F("-0.4989"), "LTC": F("-0.4429")}
    assert (stress.name, stress.other) == ("2020-03-12", F(-1, 2))


def test_size_policy_an_event_that_went_up_counts_upward():
    """JELLY on 2025-03-26 rose several times over and never fell as far, as a ratio."""
    stress = stress_of(load_scenario("2025-03-26-jelly"), F(0))
    assert max(stress.moves.values()) > 1, stress


def changed(**keys: Any) -> dict[str, Any]:
    return {k: v for k, v in {**SIZE, **keys}.items() if v is not None}


def stressed(**keys: Any) -> dict[str, Any]:
    return changed(stresses=[{k: v for k, v in {**FALL, **keys}.items() if v is not None}])


CASES = [
    ("no size", {}, "members.fund", "has no size", 'fund = "1000000"'),
    ("two sizes", {"size": SIZE, "fund": "5"}, "members.size", "said twice: fund and size", "one of"),
    ("amount and share", {"fund": "5", "fund_share_of_cash": "1/9"}, "members.fund_share_of_cash", "said twice", "one of"),
    ("cover of none", {"size": changed(cover=0)}, "members.size.cover", "bad value", "at least 1"),
    ("cover of six", {"size": changed(cover=6)}, "members.size.cover", "more than five", "1 to 5"),
    ("no cover", {"size": changed(cover=None)}, "members.size.cover", "missing", "whole number"),
    ("negative buffer", {"size": changed(buffer="-0.1")}, "members.size.buffer", "bad value", "at least 0"),
    ("a float", {"size": changed(buffer=0.05)}, "members.size.buffer", "bad value", '"0.05"'),
    ("no stresses", {"size": changed(stresses=[])}, "members.size.stresses", "at least one", "scenario"),
    ("one name twice", {"size": changed(stresses=[FALL, FALL])}, "members.size.stresses[1].name", "two stresses", "another"),
    ("nothing moves", {"size": stressed(moves={"BTC": "0"}, other="0")}, "members.size.stresses[0].other", "nothing moves", "-0.3"),
    ("two forms", {"size": stressed(move="-0.1")}, "members.size.stresses[0].moves", "one of move, moves", "move"),
    ("no form", {"size": stressed(moves=None)}, "members.size.stresses[0].move", "one of move, moves", "move"),
    ("others not said", {"size": stressed(other=None)}, "members.size.stresses[0].other", "not named", 'other = "0"'),
    ("price of nothing", {"size": stressed(moves={"BTC": "-1"})}, "members.size.stresses[0].moves.BTC", "to nothing", "-0.99"),
    ("below nothing", {"size": stressed(other="-1.2")}, "members.size.stresses[0].other", "bad value", "at least -1"),
    ("no such event", {"size": stressed(moves=None, name=None, scenario="2020-03-13")}, "members.size.stresses[0].scenario",
     "no such scenario", "'2020-03-12'"),
    ("typo", {"size": changed(covers=2)}, "members.size.covers", "unknown key", "'cover'"),
    ("volume", {"fund": "5", **WEIGHTED, "weights": {"volume": "1"}}, "members.weights.volume", "not in a book", "open_interest"),
    ("measure", {"fund": "5", **WEIGHTED, "weights": {"riks": "1"}}, "members.weights.riks", "unknown measure", "'risk'"),
    ("weights of 0.9", {"fund": "5", **WEIGHTED, "weights": {"risk": "0.9"}}, "members.weights", "sum to 0.9", "sum of one"),
    ("no weights", {"fund": "5", "contribution": "weighted"}, "members.weights", "without weights", "risk"),
    ("weights unused", {"fund": "5", "weights": {"risk": "1"}}, "members.weights", "means nothing", '"weighted"'),
    ("fixed part unused", {"fund": "5", "fixed_each": "1"}, "members.fixed_each", "means nothing", '"weighted"'),
    ("minimum and fixed part", {"fund": "5", **WEIGHTED, "weights": {"risk": "1"}, "minimum": "2"}, "members.minimum", "fixed part", "fixed_each"),
    ("weight on no stress", {"fund": "5", **WEIGHTED, "weights": {"stress": "1"}}, "members.weights", "no stresses", "stresses"),
]  # fmt: skip


@pytest.mark.parametrize(("members", "field", "reason", "form"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_size_policy_refuses(members, field, reason, form):
    with pytest.raises(PolicyError) as caught:
        read(**members)
    error = caught.value
    assert (error.field, error.where) == (field, "mine.toml"), error
    assert reason in error.problem, error
    assert form in error.expected, error


def test_size_policy_of_the_clearing_house_preset():
    """EMIR's preset is sized by the two largest, as its source asks, and never below article 42(3)."""
    rule = read_policy("emir-ccp").members
    assert rule is not None and rule.size is not None
    assert (rule.size.cover, rule.size.emir_minimum) == (2, True)


def test_size_policy_in_words():
    """What `seawall policy show` and the reports say of a fund sized by stress and shared by weights."""
    doc = Document({})
    (told,) = [parts for name, parts in rules_in_words(read(SIZE, **WEIGHTED), doc) if name == "members"]
    text = " ".join("".join(map(str, told)).split())  # a figure keeps its unit by a space that does not break
    assert text == (
        "The default fund is what the 2 largest members together would owe beyond margin in the worst stress (fall; all "
        "coins +30 %) and 5 % more, at least what the largest, or the second and third together, would owe, never less "
        "than 1.00k, shared over the members by the rule weighted (50 each, the rest by 70 % initial requirements, 15 % "
        "gross notional, 15 % the worst stress loss over margin)."
    ), text

"""``seawall members --size`` and ``--stress``, and the two calls behind them. Ids members-sizing-*.

Sources: CPMI-IOSCO Principles, principle 4; Regulation (EU) 648/2012 art. 42(3), 43(2); CPMI-IOSCO public quantitative
disclosure 4.4.3 to 4.4.10; Eurex Clearing circulars 006/21 and 045/24. Figures are worked out by hand.
"""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from xml.etree import ElementTree

import polars as pl
import pytest
from tests.books import perp, policy, snapshot
from typer.testing import CliRunner

import seawall
from seawall.cli.main import app
from seawall.errors import InputError
from seawall.margin import Stress
from seawall.replay.words import short
from seawall.tables import policy_from_mapping, read_policy
from seawall.tables.policy_file import policy_to_mapping

UNIT = 10**6
HALF = {"name": "half", "move": "-0.5"}
PRICES = pl.DataFrame({"time": [f"2025-10-10T21:0{n}:00Z" for n in range(9)], "symbol": "BTCUSDT", "close": 100.0})


def sized(fund: str = "400", *, own: str = "10", stresses=None, **options):
    """Four members: at half price A, B and C owe 230, 120 and 90 beyond margin; at 20 % more D owes 100."""
    cash = {"ann": 20 * UNIT, "bob": 30 * UNIT, "cyd": 10 * UNIT, "dan": 300 * UNIT}
    lots = {"ann": 5, "bob": 3, "cyd": 2, "dan": -20}
    book = snapshot(cash, [(n, "BTC-PERP", x, 100) for n, x in lots.items()], [perp()])
    rules = policy(
        layers=[{"name": "own", "kind": "account", "account": "own"}, {"name": "default fund", "kind": "members"}],
        deleverage=None,
        house=[{"name": "own", "role": "fund", "opening": own}],
        members={"fund": fund, "contribution": "equal"},
    )
    given = [Stress("half", {}, Fraction(-1, 2)), Stress("rise", {}, Fraction(1, 5))] if stresses is None else stresses
    return seawall.members_sizing(replace(book, members=("A", "B", "C", "D")), PRICES, rules, stresses=given, **options)


def test_members_sizing_the_whole_answer_by_hand():
    found = sized(default_probability="1/10")
    (asset,) = found.document["assets"]
    assert found.cover.select("defaults", "amount", "adds", "stress", "covered").rows() == [
        (1, "230", "230", "half", True),
        (2, "350", "120", "half", True),
        (3, "440", "90", "half", False),
        (4, "440", "0", "half", False),
        (5, "440", "0", "half", False),
    ], found.document
    assert asset["cover"][1]["groups"] == ["A", "B"]
    # more than two of four at 10 %: 4 x 0.1^3 x 0.9 + 0.1^4
    assert asset["cover"][1]["more_default"] == pytest.approx(0.0037)
    assert asset["minimum"] == {"amount": "230", "met": True}  # 120 + 90 is less
    assert asset["prefunded"] == {
        "requirement": "350",
        "own_slices": {"own": "10"},
        "prefunded": "410",
        "covered": True,
        "gap": "0",
    }
    # 40 % of 400 is 160: A; 90 % is 360: 350 is below; 45 % is 180: A pays 50
    near = asset["concentration"]
    assert (near["early_warning"], near["pair_trigger"], near["supplementary_margin"]) == (["A"], False, {"A": "50"})
    assert found.matrix.rows() == [
        ("USDC", "A", "100", "230", "0"), ("USDC", "B", "100", "120", "0"),
        ("USDC", "D", "100", "0", "100"), ("USDC", "C", "100", "90", "0"),
    ]  # fmt: skip


def test_members_sizing_says_what_is_missing():
    (asset,) = sized("200").document["assets"]
    assert (asset["prefunded"]["covered"], asset["prefunded"]["gap"], asset["minimum"]["met"]) == (False, "140", False)
    assert asset["concentration"]["pair_trigger"]


def test_members_sizing_the_size_of_a_policy_covers_what_it_asks_for():
    """The preset's own fund is exactly what its rule asks for on the book it opens with."""
    found = seawall.members_sizing("generate:accounts=500,seed=3", "2025-10-10", "emir-ccp").document
    for asset in found["assets"]:
        assert asset["default_fund"] == asset["asked_by_policy"], asset
        assert asset["prefunded"]["covered"] and asset["minimum"]["met"], asset
    assert found["stresses"] == ["2020-03-12", "2021-05-19", "2025-10-10", "all coins up a quarter"]


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"stresses": []}, "stresses"),
        ({"default_probability": "2"}, "default_probability"),
        ({"stresses": ["2020-03-1"]}, "event"),
    ],
)
def test_members_sizing_refuses(options, field):
    with pytest.raises(InputError) as caught:
        sized(**options)
    assert caught.value.field == field, caught.value


# Three days of three members, P and P2 of one group. Exposure of the group: 80, 55 and 0.
HISTORY = """date,member,stress,loss_over_margin,group
2026-01-05,P,crash,80,p group
2026-01-05,P2,crash,-30,p group
2026-01-05,Q,crash,20,
2026-01-06,P,crash,30,p group
2026-01-06,P2,crash,25,p group
2026-01-06,Q,crash,95.5,
2026-01-07,P,crash,-5,p group
2026-01-07,P2,crash,0,p group
2026-01-07,Q,crash,60,
"""


def history(tmp_path, text=HISTORY, **options):
    path = tmp_path / "losses.csv"
    path.write_text(text)
    return seawall.sizing_from_history(path, **options)


def test_members_sizing_history_by_hand(tmp_path):
    found = history(tmp_path, buffer="0.05", prefunded="90")
    # means: group 135 / 3 = 45, Q 175.5 / 3 = 58.5; (45 + 58.5) x 1.05
    assert found["averages"] == {"Q": "58.5", "p group": "45"}
    assert found["fund"] == "108.675"
    one, two = found["cover"]
    assert (one["peak"], one["peak_day"], one["mean"], one["days_short"], one["most_short"]) == (
        "95.5",
        "2026-01-06",
        "78.5",
        1,
        "5.5",
    )
    assert (two["peak"], two["mean"]) == ("150.5", "103.5")
    assert two["short"] == [{"day": "2026-01-05", "amount": "10"}, {"day": "2026-01-06", "amount": "60.5"}]


def test_members_sizing_history_average_of_the_last_days_only(tmp_path):
    found = history(tmp_path, days=2)
    assert (found["averaged_over"], found["days"]) == (2, 3)
    assert found["averages"] == {"Q": "77.75", "p group": "27.5"}
    assert history(tmp_path, days=60)["averaged_over"] == 3


def test_members_sizing_history_a_fund_is_rounded_up_to_what_a_policy_can_say(tmp_path):
    found = history(tmp_path, buffer="1/7")
    assert Fraction(found["fund"]) - Fraction("103.5") * Fraction(8, 7) < Fraction(1, 10**6)
    assert Fraction(found["fund"]) > Fraction("103.5") * Fraction(8, 7)
    whole = policy_to_mapping(read_policy("emir-ccp"))
    members = {k: v for k, v in whole["members"].items() if k != "size"} | {"fund": found["fund"]}
    assert policy_from_mapping({**whole, "members": members}).members.fund == Fraction(found["fund"]) * UNIT


BAD = [
    ("not a number", HISTORY.replace("95.5", "much"), 6, "loss_over_margin", "not a number"),
    ("not a date", HISTORY.replace("2026-01-07,Q", "yesterday,Q"), 9, "date", "not a date"),
    ("no member", HISTORY.replace("2026-01-05,Q", "2026-01-05,"), 3, "member", "missing"),
    ("twice", HISTORY + "2026-01-07,Q,crash,60,\n", 10, "stress", "twice"),
    ("two groups", HISTORY.replace("07,P2,crash,0,p group", "07,P2,crash,0,other"), 8, "group", "was of group 'p group'"),
    ("a gap", HISTORY.replace("2026-01-07,Q,crash,60,\n", ""), None, "loss_over_margin", "no loss of a member"),
    ("no column", HISTORY.replace("loss_over_margin", "amount"), None, "loss_over_margin", "column is missing"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "row", "field", "problem"), [b[1:] for b in BAD], ids=[b[0] for b in BAD])
def test_members_sizing_history_refuses(tmp_path, text, row, field, problem):
    with pytest.raises(InputError, match=problem) as caught:
        history(tmp_path, text)
    assert (caught.value.row, caught.value.field) == (row, field), caught.value
    assert "losses.csv" in str(caught.value) and caught.value.expected, caught.value


@pytest.mark.parametrize(
    ("options", "field"), [({"days": 0}, "days"), ({"buffer": "-1"}, "buffer"), ({"prefunded": "-1"}, "prefunded")]
)
def test_members_sizing_history_refuses_options(tmp_path, options, field):
    with pytest.raises(InputError) as caught:
        history(tmp_path, **options)
    assert caught.value.field == field


BOOK = "generate:accounts=500,seed=3"


def run(*arguments: str):
    return CliRunner().invoke(app, ["members", *arguments])


def test_members_sizing_command_fits_the_terminal_and_says_the_same_as_json():
    text = run("--size", "--book", BOOK, "--default-probability", "0.01")
    assert text.exit_code == 0, text.output
    assert max(map(len, text.stdout.splitlines())) <= 80, text.stdout
    document = json.loads(run("--size", "--book", BOOK, "--json").stdout)
    second = document["assets"][0]["cover"][1]
    (line,) = [line for line in text.stdout.splitlines() if line.startswith("2 ")]
    letter = "abcd"[document["stresses"].index(second["stress"])]
    assert f" {letter}  " in line and all(name in line for name in second["groups"][1:]), (line, second)
    assert "more fail" in text.stdout and "art. 42(3)" in text.stdout


def test_members_sizing_command_is_an_answer_that_is_bad_when_the_fund_is_short():
    found = run("--stresses", "2020-03-12", "--other=-0.9", "--book", BOOK, "--json")
    assert found.exit_code == 1, found.output
    assert not json.loads(found.stdout)["assets"][0]["prefunded"]["covered"]


def test_members_sizing_command_history_prints_the_line_for_a_policy(tmp_path):
    path = tmp_path / "losses.csv"
    path.write_text(HISTORY)
    found = run("--stress", str(path), "--buffer", "0.05", "--prefunded", "1000")
    assert (found.exit_code, found.stdout.splitlines()[-1]) == (0, 'fund = "108.675"'), found.output
    assert run("--stress", str(path), "--prefunded", "90").exit_code == 1
    assert run("--stress", str(path), "--buffer", "much").exit_code != 0


def test_members_sizing_command_draws_what_it_says(tmp_path):
    """A bar for what is prefunded and one for each Cover-k; what is beyond it is hatched."""
    file = tmp_path / "cover.svg"
    found = run("--stresses", "2020-03-12", "--other=-0.9", "--book", BOOK, "--svg", str(file), "--json")
    (asset,) = json.loads(found.stdout)["assets"]
    text = file.read_text(encoding="utf-8")
    ElementTree.fromstring(text)
    assert [f"Cover-{k}, 2020-03-12" in text for k in range(1, 6)] == [True] * 5
    assert short(asset["cover"][4]["amount"]) in text and short(asset["prefunded"]["prefunded"]) in text, asset
    short_rows = sum(not c["covered"] for c in asset["cover"])
    assert text.count("url(#cover-USDC-hatch)") == short_rows + 1, "one for each that is short, and the key"
    refused = run("--size", "--book", BOOK, "--svg", str(tmp_path / "none" / "cover.svg"))
    assert isinstance(refused.exception, InputError), refused.output

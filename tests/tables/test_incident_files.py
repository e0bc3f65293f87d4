"""Scripts of incidents: the library loads, and a bad file says where. Ids incident-file-*."""

from __future__ import annotations

from fractions import Fraction

import pytest

from seawall.errors import InputError
from seawall.scenario import Script
from seawall.scenario.incidents import CAUSES, KINDS, Loss, Recovery, WindDown, as_plain, exact_text, smaller
from seawall.tables import incident_names, load_incidents, load_scenario, scenario_names
from seawall.tables.incidents import incident_text, incidents_of
from seawall.tables.scenarios import scenario_text
from seawall.waterfall import CAUSES as LAYERS

HEAD = 'name = "mine"\ntitle = "a script"\n'
LOSS = '[[incidents]]\nminute = "1.5"\nkind = "loss"\ncause = "custody"\nreference = "wallet"\namount = "1000.25"\n'
GOOD = (
    HEAD
    + '[[sources]]\ntext = "made up"\ndate = 2025-10-10\n'
    + '[[incidents]]\nminute = 9\nkind = "recovery"\nreference = "wallet"\nshare = "1/3"\n'
    + LOSS
)


def load(tmp_path, text: str) -> Script:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    return load_incidents(path)


@pytest.mark.parametrize("name", incident_names())
def test_incident_file_library_is_sourced_and_fits_every_library_event(name):
    script = load_incidents(name)
    assert script.name == name
    assert script.title and script.notes and script.sources, name
    assert "ssumption" in incident_text(name), "a script says what of it is an assumption"
    shortest = min(load_scenario(n).minutes for n in scenario_names())
    assert max(i.minute for i in script.incidents) <= shortest, (name, shortest)


def test_incident_file_the_library_uses_every_kind():
    used = {i.kind for n in incident_names() for i in load_incidents(n).incidents}
    assert used == set(KINDS), used ^ set(KINDS)


def test_incident_file_causes_are_those_of_layers():
    assert {*CAUSES, "default"} == set(LAYERS)


def test_incident_file_good(tmp_path):
    script = load(tmp_path, GOOD)
    loss, recovery = script.incidents  # by minute, not as written
    assert loss == Loss(Fraction(3, 2), "wallet", "custody", amount=Fraction("1000.25"))
    assert recovery == Recovery(Fraction(9), "wallet", share=Fraction(1, 3))
    assert as_plain(loss) == {
        "kind": "loss", "minute": "1.5", "reference": "wallet", "cause": "custody", "amount": "1000.25",
    }  # fmt: skip
    assert as_plain(recovery)["share"] == "1/3"
    assert script.sources == (("made up", "2025-10-10"),)


def test_incident_file_a_scenario_may_hold_them(tmp_path):
    text = scenario_text("2025-11-12-popcat")
    path = tmp_path / "mine.toml"
    path.write_text(text + "\n" + LOSS)
    assert load_scenario(path).incidents == (Loss(Fraction(3, 2), "wallet", "custody", amount=Fraction("1000.25")),)
    path.write_text(text + "\n" + LOSS.replace('"1.5"', "61"))
    with pytest.raises(InputError) as caught:
        load_scenario(path)
    assert (caught.value.field, caught.value.expected) == ("incidents[0].minute", "0 to 60")
    assert load_scenario("2025-11-12-popcat").incidents == ()


RUN = '[[incidents]]\nminute = 1\nkind = "run"\nshare_of_accounts = "0.5"\n'
CLAIM = '[[incidents]]\nminute = 1\nkind = "claim"\nclaim = "c"\nclaimant = "x"\nrank = "members"\namount = 1\n'
LIFT = '[[incidents]]\nminute = 1\nkind = "reinstatement"\nrole = "fund"\nup_to = 1\n'
BACK = '[[incidents]]\nminute = 2\nkind = "recovery"\nof = "defaults"\nshare = "0.5"\n'
BAD = {
    "no incidents": ("", "incidents", "minute and kind"),
    "unknown kind": (LOSS.replace('"loss"', '"los"'), "incidents[0].kind", "'loss'"),
    "unknown key": (LOSS + "extra = 1\n", "incidents[0].extra", ""),
    "no minute": (LOSS.replace('minute = "1.5"\n', ""), "incidents[0].minute", "fraction"),
    "a float": (LOSS.replace('"1.5"', "1.5"), "incidents[0].minute", "as text"),
    "before the window": (LOSS.replace('"1.5"', '"-1"'), "incidents[0].minute", "at least 0"),
    "cause default": (LOSS.replace('"custody"', '"default"'), "incidents[0].cause", ""),
    "no amount": (LOSS.replace('amount = "1000.25"\n', ""), "incidents[0].amount", "amount or share_of_cash"),
    "two amounts": (LOSS + 'share_of_cash = "0.1"\n', "incidents[0].amount", "one of them"),
    "nothing lost": (LOSS.replace('"1000.25"', "0"), "incidents[0].amount", "more than 0"),
    "more than all": (LOSS.replace('amount = "1000.25"', 'share_of_cash = "1.1"'), "incidents[0].share_of_cash", '"1"'),
    "reference twice": (LOSS + LOSS, "incidents[1].reference", "each once"),
    "reference with blanks": (LOSS.replace('"wallet"', '"the wallet"'), "incidents[0].reference", ""),
    "not declared": (LOSS + BACK.replace('of = "defaults"', 'reference = "walet"'), "incidents[1].reference", "wallet"),
    "declared later": (
        LOSS.replace('"1.5"', "5") + BACK.replace('of = "defaults"', 'reference = "wallet"'),
        "incidents[1].reference",
        "a loss before it",
    ),
    "of what": (BACK.replace('"defaults"', '"default"'), "incidents[0].of", "'defaults'"),
    "of nothing": (BACK.replace('of = "defaults"\n', ""), "incidents[0].reference", "defaults"),
    "back twice": (BACK + "amount = 5\n", "incidents[0].share", "share or amount"),
    "account and role": (LIFT + 'account = "fund"\n', "incidents[0].account", "account or role"),
    "unknown role": (LIFT.replace('"fund"', '"founder"'), "incidents[0].role", "'fund'"),
    "nobody runs": (RUN.replace('"0.5"', "0"), "incidents[0].share_of_accounts", "more than 0"),
    "more than everybody": (RUN.replace('"0.5"', "2"), "incidents[0].share_of_accounts", '"1"'),
    "more than they may": (RUN + 'share = "1.5"\n', "incidents[0].share", '"1"'),
    "nobody stops": (
        '[[incidents]]\nminute = 1\nkind = "stop_paying"\nlargest = 0\n',
        "incidents[0].largest",
        "least 1",
    ),
    "who stops": ('[[incidents]]\nminute = 1\nkind = "stop_paying"\n', "incidents[0].member", "member or largest"),
    "claim twice": (CLAIM + CLAIM, "incidents[1].claim", "each once"),
    "final what": (
        '[[incidents]]\nminute = 1\nkind = "distribution"\nfinal = "yes"\n',
        "incidents[0].final",
        "true or false",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_incident_file_refused_with_its_key_path(tmp_path, case):
    text, field, expected = BAD[case]
    with pytest.raises(InputError) as caught:
        load(tmp_path, HEAD + text)
    error = caught.value
    assert error.field == field and expected in error.expected, (case, error.as_dict())


def test_incident_file_unknown_name_and_what_is_no_script(tmp_path):
    with pytest.raises(InputError, match="custody-loss"):
        load_incidents("custody-los")
    with pytest.raises(InputError, match="cannot be read"):
        load_incidents(tmp_path / "none.toml")
    with pytest.raises(InputError, match="not valid TOML"):
        load(tmp_path, "name = ")
    with pytest.raises(InputError, match="not incidents"):
        incidents_of(5)
    with pytest.raises(InputError, match="minute outside"):
        incidents_of([WindDown(Fraction(-1))])
    assert incidents_of([WindDown(Fraction(2)), WindDown(Fraction(1))])[0].minute == 1


@pytest.mark.parametrize("text", ["0", "1", "-1.5", "0.001", "12.25", "1/3", "-7/6", "100", "0.0625"])
def test_incident_file_numbers_are_written_as_they_are(text):
    assert exact_text(Fraction(text)) == text


def test_incident_file_a_smaller_book_loses_less_money_and_the_same_shares():
    whole = (
        Loss(Fraction(1), "a", "custody", amount=Fraction(90)),
        Loss(Fraction(1), "b", "custody", share_of_cash=Fraction(1, 2)),
        WindDown(Fraction(2)),
    )
    less = smaller(whole, Fraction(1, 3))
    assert [getattr(i, "amount", None) for i in less] == [30, None, None], less
    assert less[1:] == whole[1:]

"""Incidents under every preset side by side, in the terminal and on a page. Ids incident-compare-*."""

from __future__ import annotations

import json
import subprocess
import sys
from decimal import Decimal
from fractions import Fraction

import pytest
from tests.explained import hold
from tests.report.pages import parsed, read, shows, stated

import seawall as sw
from seawall.cli.compare import lines
from seawall.replay import check_run, open_comparison, replay, sensitivity
from seawall.replay.incident_words import asked, by_policy
from seawall.report import write_report, write_tables
from seawall.scenario.incidents import Loss, Recovery
from seawall.tables import load_incidents, policy_names

SCRIPT, BOOK, EVENT = "run-and-wind-down", "generate:accounts=1000,seed=7", "2025-10-10"
ENDS = {"emir-ccp"}  # presets with a rule for the end of the venue
COMMAND = [sys.executable, "-c", "from seawall.cli import main; main()"]


@pytest.fixture(scope="module")
def thirteen():
    return sw.compare(BOOK, EVENT, incidents=SCRIPT, workers=2)


@pytest.fixture(scope="module")
def page(thirteen, tmp_path_factory):
    folder = tmp_path_factory.mktemp("incident-page")
    written = write_report(thirteen, folder / "report.html")
    write_tables(thirteen, folder / "tables")
    return read(written.read_text(encoding="utf-8")), json.loads((folder / "tables" / "report.json").read_text())


def test_incident_compare_001_every_preset_carries_out_or_refuses_all_of_it(thirteen):
    assert thirteen.ok, thirteen.document["failed"]
    script = load_incidents(SCRIPT).incidents
    rows = thirteen.document["incidents"]
    assert len(rows) == len(script) * len(policy_names())
    for name in policy_names():
        mine = [r for r in rows if r["policy"] == name]
        assert [r["kind"] for r in mine] == [i.kind for i in script], name
        for row in mine:
            ends = row["kind"] not in ("wind_down", "claim", "distribution") or name in ENDS
            assert row["status"] == ("done" if ends else "refused"), (name, row)
            assert ends or set(row["reasons"]) <= {"no_wind_down", "not_winding_down"}, row


@pytest.mark.parametrize("name", policy_names())
def test_incident_compare_002_every_unit_is_explained_and_the_log_gives_it_again(name, thirteen, tmp_path):
    """Alone and with a run directory: the same venue at the end as in the comparison."""
    run = replay(BOOK, EVENT, name, incidents=SCRIPT, out=tmp_path / "run")
    assert hold(tmp_path / "run")
    checked = check_run(tmp_path / "run")
    assert checked.ok, (name, checked.differences)
    row = next(r for r in thirteen.document["rows"] if r["policy"] == name)
    assert row["conservation"] and run.summary["conservation"]["ok"]
    if name == policy_names()[0]:  # the book is made on this one's opening prices
        assert row["state_hash"] == run.summary["state_hash"]


def test_incident_compare_003_declared_losses_are_told_from_defaults(thirteen):
    found = {r["policy"]: r for r in thirteen.table.to_dicts()}
    for row in thirteen.document["rows"]:
        mine = [r for r in thirteen.document["incidents"] if r["policy"] == row["policy"]]
        losses = [r for r in mine if r["kind"] == "loss"]
        assert Decimal(row["declared"]) == sum(Decimal(r["lost"]) for r in losses) > Decimal(row["bad_debt"]), row
        assert Decimal(row["declared_unpaid"]) <= Decimal(row["residual"]), row
        assert Decimal(row["recovered"]) == sum(Decimal(r["back"]) for r in mine) > 0
        assert (Decimal(row["paid_out"]) > 0) == (row["policy"] in ENDS)
        # what a wind-down takes from house accounts pays no loss: money that lies on an account pays no more than was lost
        layers = [y for y in thirteen.document["layers"] if y["policy"] == row["policy"] and y["before"] is not None]
        spent = sum(Decimal(y["used"]) - Decimal(y["paid_out"]) for y in layers if y["kind"] != "backstop")
        told = {k: Decimal(str(v)) for k, v in found[row["policy"]].items() if k.startswith("used_") and v is not None}
        kinds = {y["kind"] for y in layers if y["kind"] != "backstop"}
        assert sum(told[f"used_{kind}"] for kind in kinds) == spent, row
        assert all(
            Decimal(y["before"]) + Decimal(y["gained"]) - Decimal(y["used"]) == Decimal(y["after"]) for y in layers
        )
        if row["policy"] == "emir-ccp":
            assert Decimal(0) < sum(Decimal(y["paid_out"]) for y in layers) and spent <= Decimal(row["bad_debt"]), (
                layers
            )
    assert {"declared", "recovered", "paid_out"} <= set(thirteen.table.columns)
    assert thirteen.incidents.height == len(thirteen.document["incidents"])
    assert thirteen.incidents["lost"].sum() == sum(Decimal(r["declared"]) for r in thirteen.document["rows"])


def test_incident_compare_004_without_incidents_nothing_is_added():
    bare = sw.compare(BOOK, EVENT, ["bybit"], workers=1)
    assert "incidents" not in bare.document and "incidents" not in bare.frames()
    assert "declared" not in bare.table.columns
    with_them = sw.compare(BOOK, EVENT, ["bybit"], incidents=SCRIPT, workers=1)
    assert bare.document["path"]["hash"] != with_them.document["path"]["hash"], "the script is part of what is replayed"


@pytest.mark.parametrize("workers", [1, 3])
def test_incident_compare_005_the_same_for_any_number_of_workers_and_read_back(thirteen, workers, tmp_path):
    names = ["binance", "emir-ccp"]
    found = sw.compare(BOOK, EVENT, names, incidents=SCRIPT, workers=workers)
    assert found.document["incidents"] == [r for r in thirteen.document["incidents"] if r["policy"] in names]
    found.write(tmp_path / "out")
    again = open_comparison(tmp_path / "out")
    assert again.document["incidents"] == found.document["incidents"]
    assert again.incidents.equals(found.incidents)
    assert (tmp_path / "out" / "incidents.parquet").is_file()


def test_incident_compare_006_the_page_says_what_the_document_says(page):
    parsed_page, document = page
    for element in parsed_page.figures:
        path = element.attributes["data-path"]
        found = parsed(path, document)
        assert stated(element) == (found if isinstance(found, str) else json.dumps(found)), path
        assert shows(element.attributes["data-kind"], stated(element), element.text), element
    for element in parsed_page.texts:
        assert element.text == str(parsed(element.attributes["data-path"], document)), element
    assert parsed_page.loose == [], "numbers without a path"
    assert {"incidents", "incident-losses", "all-incidents"} <= set(document["tables"])
    assert len(document["tables"]["all-incidents"]["rows"]) == len(document["incidents"])


def test_incident_compare_007_the_page_of_a_run(tmp_path):
    replay(BOOK, EVENT, "emir-ccp", incidents=SCRIPT, out=tmp_path / "run")
    from seawall.replay import open_record

    record = open_record(tmp_path / "run")
    found = read(write_report(record, tmp_path / "report.html").read_text(encoding="utf-8"))
    write_tables(record, tmp_path / "tables")
    document = json.loads((tmp_path / "tables" / "report.json").read_text())
    rows = document["tables"]["incidents"]["rows"]
    assert [r["what"] for r in rows] == [asked(r) for r in record.summary["incidents"]]
    for element in found.figures:
        value = parsed(element.attributes["data-path"], document)
        assert stated(element) == (value if isinstance(value, str) else json.dumps(value)), element
    assert found.loose == []
    for row in rows:  # every event that is named can be asked for
        if row["event"] is not None:
            assert sw.explain(tmp_path / "run", row["event"]).text(80)


def test_incident_compare_008_outcomes_are_grouped_and_fit_the_terminal(thirteen):
    told = lines(thirteen, None)
    text = "\n".join(told)
    assert max(len(row) for line in told for row in line.splitlines()) <= 80
    assert (
        "minute 45: wind-down" in text and "the 12 others: refused" in text and "emir-ccp: every market settled" in text
    )
    for what, outcomes in by_policy(thirteen.document["incidents"], "USDC"):
        number = 0
        for who, _ in outcomes:
            number += int(who.split()[1]) if who.startswith(("all ", "the ")) else len(who.split(", "))
        assert number == 13, (what, outcomes)


def test_incident_compare_009_the_same_share_of_a_smaller_book():
    """Other books of a sensitivity are smaller copies: an amount of money is cut with them, a share is not."""
    script = [Loss(Fraction(5), "a", "oracle", amount=Fraction(10_000)), Recovery(Fraction(6), "a", share=Fraction(1))]
    found = sensitivity(
        "generate:accounts=800,seed=7", EVENT, "bybit", incidents=script, seeds=2, leverages=(), accounts=200, workers=1
    )
    assert {r["declared"] for r in found.document["rows"]} == {"2500"}, found.document["rows"]
    assert {r["recovered"] for r in found.document["rows"]} == {"2500"}


def test_incident_compare_010_from_the_command_line(tmp_path):
    def do(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*COMMAND, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False)

    book = ("--book", "generate:accounts=200,seed=3")
    ran = do("replay", EVENT, *book, "--policy", "emir-ccp", "--incidents", "custody-loss", "--out", "run")
    assert ran.returncode == 0 and "custody loss (hot-wallet)" in ran.stdout, ran
    assert max(map(len, ran.stdout.splitlines())) <= 80, ran.stdout
    compared = do("compare", EVENT, *book, "--policies", "bybit,emir-ccp", "--incidents", "custody-loss", "--json")
    assert {r["policy"] for r in json.loads(compared.stdout)["incidents"]} == {"bybit", "emir-ccp"}, compared.stderr
    wrong = do("compare", EVENT, *book, "--incidents", "custody")
    assert wrong.returncode == 2 and "custody-loss" in wrong.stderr, wrong
    demo = do("demo", "--accounts", "200", "--no-sensitivity", "--incidents", "custody-loss", "--json", "--out", "demo")
    assert len(json.loads(demo.stdout)["incidents"]) == 4, demo.stderr
    listed, shown = do("scenarios", "list"), do("scenarios", "show", SCRIPT)
    assert "custody-loss" in listed.stdout and "minute 45: the venue is wound down" in shown.stdout
    toml = do("scenarios", "show", SCRIPT, "--toml")
    (tmp_path / "mine.toml").write_text(toml.stdout)
    again = do("scenarios", "show", "mine.toml", "--json")
    assert (
        json.loads(again.stdout)["incidents"]
        == json.loads(do("scenarios", "show", SCRIPT, "--json").stdout)["incidents"]
    )

"""The command as people and programs use it. Ids cli-*."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CONTRACT = {
    "event": str,
    "policy": {"name": str, "hash": str},
    "book": {"kind": str, "accounts": int, "positions": int},
    "accounts": int,
    "positions": int,
    "steps": int,
    "liquidated": {"accounts": int, "notional": str},
    "taken_over": {"accounts": int, "notional": str, "pnl": str},
    "bad_debt": str,
    "layers": list,
    "deleveraged": {"accounts": int, "notional": str, "needed": str, "collected": str},
    "haircut": {"rate": str, "amount": str},
    "residual": str,
    "conservation": {"ok": bool, "assets": dict},
    "state_hash": str,
    "seconds": float,
}


def seawall(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from seawall.cli import main; main()", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def check(contract, document, path="") -> None:
    for key, kind in contract.items():
        assert key in document, f"{path}{key} is missing"
        if isinstance(kind, dict):
            check(kind, document[key], f"{path}{key}.")
        else:
            assert isinstance(document[key], kind), f"{path}{key} is {document[key]!r}"


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    done = seawall("demo", "--accounts", "2000", "--no-sensitivity", "--json", "--verify", folder=folder)
    assert done.returncode == 0, done.stderr
    return folder, json.loads(done.stdout)


def test_cli_demo_prints_one_document_that_keeps_the_contract(demo):
    _, document = demo
    check(CONTRACT, document)
    assert document["heading"] == "GENERATED BOOK"
    assert document["conservation"]["ok"]
    assert document["verified"]
    assert document["liquidated"]["accounts"] > 0


def test_cli_replay_of_the_directory_gives_the_same_hash(demo):
    folder, document = demo
    done = seawall("replay", document["run"], "--json", "--threads", "2", folder=folder)
    assert done.returncode == 0, done.stderr
    again = json.loads(done.stdout)
    assert (again["ok"], again["state_hash"]) == (True, document["state_hash"])


def test_cli_a_changed_log_is_found(demo):
    folder, document = demo
    log = folder / document["run"] / "log.jsonl"
    text = log.read_text()
    changed = text.replace('"kind":"filled"', '"kind":"killed"', 1)
    assert changed != text
    log.write_text(changed)
    try:
        done = seawall("replay", document["run"], folder=folder)
        assert done.returncode == 1
        assert "differs when applied again" in done.stderr
        assert "Traceback" not in done.stderr
    finally:
        log.write_text(text)


def test_cli_a_log_that_lost_its_end_is_found_out_by_its_result(demo):
    folder, document = demo
    log = folder / document["run"] / "log.jsonl"
    data = log.read_bytes()
    log.write_bytes(data[: len(data) // 2])
    try:
        done = seawall("replay", document["run"], "--json", folder=folder)
        again = json.loads(done.stdout)
        assert (done.returncode, again["ok"], again["complete"]) == (1, False, False), done
        assert again["state_hash"] != again["recorded_hash"] == document["state_hash"]
    finally:
        log.write_bytes(data)


def test_cli_a_killed_run_is_derived_as_far_as_its_log_goes(demo, tmp_path):
    folder, document = demo
    run = tmp_path / "killed"
    shutil.copytree(folder / document["run"], run)
    for path in [*run.glob("*.parquet"), run / "summary.json"]:
        path.unlink()
    log = run / "log.jsonl"
    data = log.read_bytes()
    log.write_bytes(data[: data.rindex(b"\n", 0, len(data) // 2) + 30])
    done = seawall("replay", str(run), folder=tmp_path)
    assert done.returncode == 1, done
    assert "each is what its command gives" in done.stdout, done
    assert "no hash is recorded" in done.stdout, done
    assert "ends inside its last record" in done.stdout, done


def test_cli_the_same_run_twice_and_with_two_threads_has_one_hash(demo):
    folder, document = demo
    done = seawall("demo", "--accounts", "2000", "--no-sensitivity", "--json", "--threads", "2", folder=folder)
    assert json.loads(done.stdout)["state_hash"] == document["state_hash"]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["replay", "2025-10-11"], "2025-10-10"),
        (["replay", "2025-10-10", "--policy", "hyperliquit"], "'hyperliquid'"),
        (["replay", "2025-10-10", "--book", "generate:acounts=5"], "'accounts'"),
        (["replay", "--prices", "nowhere.csv"], "no such file"),
        (["replay"], "name one event"),
        (["replay", "2025-10-10", "--book", "nowhere"], "not a book"),
        (["replay", "2025-10-10", "--symbols", "BTX"], "no such asset"),
        (["policy", "check", "nothing.toml"], "cannot be read"),
        (["scenarios", "show", "2020-03-13"], "2020-03-12"),
    ],
)
def test_cli_bad_input_is_exit_2_with_one_clear_line(tmp_path, arguments, text):
    done = seawall(*arguments, folder=tmp_path)
    assert done.returncode == 2, done
    assert text in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not list(tmp_path.rglob("run.json")), "something was half done"


def test_cli_bad_input_as_json(tmp_path):
    done = seawall("replay", "2025-10-11", "--json", folder=tmp_path)
    document = json.loads(done.stdout)
    assert (done.returncode, document["error"], document["field"]) == (2, "InputError", "event")


def test_cli_lists_and_shows(tmp_path):
    for arguments, word in [
        (["policy", "list"], "dydx-v4"),
        (["policy", "show", "binance"], "[liquidation]"),
        (["policy", "check", "binance"], "sound"),
        (["scenarios", "list"], "2020-03-12"),
        (["scenarios", "show", "2021-05-19"], "at the start"),
        (["scenarios", "show", "2021-05-19", "--toml"], "[assets.BTC]"),
        (["--version"], "0.1.0"),
    ]:
        done = seawall(*arguments, folder=tmp_path)
        assert done.returncode == 0, done
        assert word in done.stdout, arguments
        assert all(len(line) <= 400 for line in done.stdout.splitlines())


def test_cli_own_book_from_template_to_a_run(tmp_path):
    assert seawall("import", "--template", "mine", folder=tmp_path).returncode == 0
    checked = seawall("import", "mine", "--check", "--json", folder=tmp_path)
    assert json.loads(checked.stdout)["ok"]
    done = seawall("replay", "2025-10-10", "--book", "mine", "--json", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    files = ",".join(f"mine/{n}.csv" for n in ("accounts", "positions", "markets"))
    again = seawall("replay", "2025-10-10", "--book", files, "--json", folder=tmp_path)
    assert again.returncode == 0, again.stderr
    document = json.loads(done.stdout)
    assert (document["book"]["kind"], document["heading"]) == ("user", "")
    assert document["conservation"]["ok"]


def test_cli_two_markets_on_one_coin_share_its_price(tmp_path):
    seawall("import", "--template", "mine", folder=tmp_path)
    markets, positions = tmp_path / "mine" / "markets.csv", tmp_path / "mine" / "positions.csv"
    head, row = markets.read_text().splitlines()
    markets.write_text("\n".join([head, row, row.replace("BTC-PERP", "BTC-PERP-2")]) + "\n")
    rows = positions.read_text()
    positions.write_text(rows + rows.splitlines()[1].replace("BTC-PERP", "BTC-PERP-2") + "\n")
    done = seawall("replay", "2025-10-10", "--book", "mine", "--json", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["markets"] == 2


def test_cli_a_broken_book_is_exit_2(tmp_path):
    seawall("import", "--template", "mine", folder=tmp_path)
    path = tmp_path / "mine" / "positions.csv"
    path.write_text(path.read_text().replace("BTC-PERP", "BTC-PREP"))
    done = seawall("import", "mine", "--check", folder=tmp_path)
    assert done.returncode == 2
    assert "positions.csv, row 1, field 'market'" in done.stderr


def test_cli_human_output_fits_80_columns(demo):
    folder, _ = demo
    done = seawall("demo", "--accounts", "500", "--no-sensitivity", folder=folder)
    assert "GENERATED BOOK" in done.stdout
    assert max(len(line) for line in done.stdout.splitlines()) <= 80, done.stdout
    assert "\x1b" not in done.stdout


def test_cli_explain_an_account_an_event_and_what_is_not_there(demo):
    folder, summary = demo
    run = summary["run"]
    account = summary["liquidated"]["largest"][0]["account"]
    done = seawall("explain", run, account, folder=folder)
    assert (done.returncode, done.stderr) == (0, ""), done
    assert "liquidation began" in done.stdout and "recompute it" in done.stdout
    document = json.loads(seawall("explain", run, account, "--json", folder=folder).stdout)
    assert document["kind"] == "account" and document["decisions"][0]["programs"]
    one = json.loads(seawall("explain", run, document["story"][0][0], "--json", folder=folder).stdout)
    assert one["decisions"][0]["id"] == document["story"][0][0]
    missing = seawall("explain", run, "nobody", folder=folder)
    assert missing.returncode == 2 and "no such account or event" in missing.stderr
    assert seawall("explain", "nowhere", account, folder=folder).returncode == 2


def test_cli_demo_ends_with_a_report_and_other_books(tmp_path):
    done = seawall("demo", "--accounts", "200", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    run = tmp_path / "runs" / "2025-10-10-hyperliquid"
    assert (run / "report.html").is_file() and (run / "sensitivity.json").is_file(), done.stdout
    assert "report      runs/2025-10-10-hyperliquid/report.html" in done.stdout
    again = seawall("report", str(run), "--out", str(tmp_path / "again.html"), folder=tmp_path)
    assert again.returncode == 0, again.stderr
    assert (tmp_path / "again.html").read_bytes() == (run / "report.html").read_bytes()


def test_cli_replay_refuses_other_books_of_a_book_that_is_not_generated(tmp_path):
    done = seawall("replay", "2025-10-10", "--book", "mine", "--sensitivity", folder=tmp_path)
    assert done.returncode == 2
    assert "only a generated book has others of its kind" in done.stderr

"""``seawall compare`` as people and programs use it. Ids cli-compare-*."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from seawall.tables.policies import preset_text

MAIN = [sys.executable, "-c", "from seawall.cli import main; main()"]
BOOK = "generate:accounts=300,seed=7"
WIDTH = 80


def seawall(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*MAIN, *arguments], cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compare")
    policies = "hyperliquid,binance,dydx-v4"
    arguments = ("compare", "2025-10-10", "--policies", policies, "--book", BOOK, "--seeds", "2", "--out", "three")
    done = seawall(*arguments, folder=folder)
    assert done.returncode == 0, done.stderr
    return folder, done.stdout


def test_cli_compare_001_policies_beside_each_other_in_80_columns(written):
    _, text = written
    assert "\x1b" not in text
    lines = text.splitlines()
    assert max(map(len, lines)) <= WIDTH, [line for line in lines if len(line) > WIDTH]
    assert lines[0].startswith("GENERATED BOOK")
    head = next(line for line in lines if line.startswith("amounts in"))
    assert head.split()[-3:] == ["hyperliquid", "binance", "dydx-v4"]
    assert "over 2 seeds" in text
    assert "three" in lines[-1]


def test_cli_compare_002_the_printed_counts_are_those_of_the_document(written):
    folder, text = written
    document = json.loads((folder / "three" / "comparison.json").read_text())
    counts = [r["liquidated_accounts"] for r in document["rows"] if r["seed"] == 7]
    line = next(line for line in text.splitlines() if line.startswith("liquidated accounts"))
    assert [int(c.replace(",", "")) for c in line.split()[2:]] == counts


def test_cli_compare_003_json_is_one_document_and_the_one_written(written, tmp_path):
    folder, _ = written
    policies = "hyperliquid,binance,dydx-v4"
    arguments = ("compare", "2025-10-10", "--policies", policies, "--book", BOOK, "--seeds", "2", "--json")
    done = seawall(*arguments, "--workers", "1", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    kept = json.loads((folder / "three" / "comparison.json").read_text())
    assert {**document, "seconds": 0} == {**kept, "seconds": 0}
    assert not list(tmp_path.iterdir()), "nothing is written without --out"


def test_cli_compare_004_many_policies_stand_below_each_other(tmp_path):
    names = []
    for number in range(5):
        text = preset_text("binance").replace('name = "binance"', f'name = "venue-{number}"', 1)
        (tmp_path / f"{number}.toml").write_text(text)
        names.append(f"{number}.toml")
    done = seawall("compare", "2021-05-19", "--policies", ",".join(names), "--book", BOOK, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= WIDTH
    table = lines[lines.index("") + 1 :][:6]
    assert table[0].startswith("amounts in")
    assert [line.split()[0] for line in table[1:]] == [f"venue-{n}" for n in range(5)]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["compare", "2025-10-10", "--policies", "hyperliquit"], "'hyperliquid'"),
        (["compare", "2025-10-11"], "2025-10-10"),
        (["compare"], "name one event"),
        (["compare", "2025-10-10", "--policies", ","], "no policies"),
        (["compare", "2025-10-10", "--policies", "binance,binance"], "twice"),
        (["compare", "2025-10-10", "--out", "full"], "not empty"),
        (["compare", "2025-10-10", "--book", "nowhere"], "not a book"),
    ],
)
def test_cli_compare_005_bad_input_is_exit_2_with_one_clear_line(tmp_path, arguments, text):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    done = seawall(*arguments, folder=tmp_path)
    assert done.returncode == 2, done
    assert text in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_cli_compare_006_a_policy_that_cannot_run_is_exit_1_and_the_others_are_there(tmp_path):
    text = preset_text("hyperliquid").replace('pool = "asset"', 'pool = "account"\nnumeraire = "NOSUCH"')
    (tmp_path / "bad.toml").write_text(text.replace('name = "hyperliquid"', 'name = "bad"'))
    done = seawall("compare", "2021-05-19", "--policies", "bad.toml,binance", "--book", BOOK, folder=tmp_path)
    assert done.returncode == 1, done
    assert "FAILED" in done.stdout
    assert "NOSUCH" in done.stdout
    assert "liquidated accounts" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="looks at processes in /proc")
@pytest.mark.parametrize("pause", [0.2, 2.0, 5.0], ids=["importing", "opening", "running"])
def test_cli_compare_007_ctrl_c_on_the_whole_group_ends_it_and_leaves_no_process(tmp_path, pause):
    arguments = ["compare", "2025-10-10", "--book", "generate:accounts=20000,seed=7", "--seeds", "5", "--json"]
    run = subprocess.Popen(
        [*MAIN, *arguments],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    children = Path(f"/proc/{run.pid}/task/{run.pid}/children")
    while run.poll() is None and len(children.read_text().split()) < 2:
        time.sleep(0.05)
    time.sleep(pause)
    os.killpg(run.pid, signal.SIGINT)
    out, err = run.communicate(timeout=60)
    assert run.returncode == 1, err
    assert "Traceback" not in err
    document = json.loads(out)
    if "error" in document:
        assert "interrupted before the first run" in document["problem"], document
    else:
        assert document["interrupted"]
        assert document["missing"]
    with pytest.raises(ProcessLookupError):
        for _ in range(50):
            os.killpg(run.pid, 0)
            time.sleep(0.1)

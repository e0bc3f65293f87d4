"""Every example runs as its first lines say."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from seawall.replay import check_run, replay

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"
CODE = "from seawall.cli import main; main()"


@pytest.mark.parametrize("script", sorted(EXAMPLES.glob("*.py")), ids=lambda p: p.name)
def test_example_script_runs(script, tmp_path):
    done = subprocess.run([sys.executable, script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


@pytest.mark.parametrize("policy", sorted(EXAMPLES.glob("*.toml")), ids=lambda p: p.name)
def test_example_policy_runs_the_commands_it_names(policy, tmp_path):
    commands = re.findall(r"^#   seawall (.+)$", policy.read_text(encoding="utf-8"), re.MULTILINE)
    assert commands
    (tmp_path / "examples").mkdir()
    (tmp_path / "examples" / policy.name).write_text(policy.read_text(encoding="utf-8"))
    for command in commands:
        arguments = [sys.executable, "-c", CODE, *command.split(), "--json"]
        done = subprocess.run(arguments, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done
        document = json.loads(done.stdout)
    assert document["conservation"]["ok"]
    assert document["liquidated"]["accounts"] > 0


def test_example_of_a_thin_clearing_house_reaches_every_layer_it_has(tmp_path):
    """What its first lines promise is seen in the log: calls paid and unpaid, money put back, gains cut, positions torn up."""
    policy, out = EXAMPLES / "thin_clearing_house.toml", tmp_path / "run"
    book = "generate:accounts=1000,seed=7"
    replay(book, "2025-10-10", policy, incidents="members-stop-paying", out=out)
    kinds = {e["kind"] for line in (out / "log.jsonl").read_text().splitlines() for e in json.loads(line).get("e", ())}
    wanted = {
        "drawn",
        "members_drawn",
        "called",
        "call_unpaid",
        "member_defaulted",
        "replenishment_owed",
        "replenished",
    }
    wanted |= {"gains_haircut", "deleveraged", "residual", "recovery_shared"}
    assert wanted <= kinds, sorted(wanted - kinds)
    assert check_run(out).ok

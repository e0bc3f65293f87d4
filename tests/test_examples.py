"""Every example runs as its first lines say."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

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

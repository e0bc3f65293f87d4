"""Ctrl-C leaves a usable run. Id interrupt-001."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time


def test_interrupt_001_a_partial_run_is_whole_and_can_be_derived_again(tmp_path):
    code = "from seawall.cli import main; main()"
    run = subprocess.Popen(
        [sys.executable, "-c", code, "demo", "--accounts", "60000", "--out", "part", "--json"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    log = tmp_path / "part" / "log.jsonl"
    for _ in range(600):
        if log.exists():
            break
        time.sleep(0.05)
    time.sleep(0.3)
    run.send_signal(signal.SIGINT)
    out, err = run.communicate(timeout=60)
    assert run.returncode == 0, err
    document = json.loads(out)
    assert document["interrupted"], document["steps"]
    assert document["conservation"]["ok"]
    again = subprocess.run(
        [sys.executable, "-c", code, "replay", "part", "--json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert json.loads(again.stdout)["state_hash"] == document["state_hash"]

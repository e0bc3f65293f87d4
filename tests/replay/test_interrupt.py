"""Ctrl-C or a termination in the middle leaves a usable run. Ids interrupt-*."""

from __future__ import annotations

import json
import multiprocessing
import signal
import subprocess
import sys
import threading
import time
from decimal import Decimal

import pytest

from seawall.replay import open_record
from seawall.replay.interrupt import SIGNALS, deferred_interrupt

COMMAND = [sys.executable, "-c", "from seawall.cli import main; main()"]


@pytest.mark.parametrize("number", SIGNALS, ids=lambda s: s.name)
def test_interrupt_001_a_partial_run_is_whole_and_can_be_derived_again(tmp_path, number):
    arguments = ["demo", "--accounts", "60000", "--no-sensitivity", "--out", "part", "--json"]
    run = subprocess.Popen(
        [*COMMAND, *arguments], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    log = tmp_path / "part" / "log.jsonl"
    for _ in range(2400):  # the log is written a mebibyte at a time: at the first one the run is in the middle
        if log.exists() and log.stat().st_size:
            break
        time.sleep(0.025)
    run.send_signal(number)
    out, err = run.communicate(timeout=120)
    assert run.returncode == 0, err
    document = json.loads(out)
    assert document["interrupted"]
    assert 0 < document["steps"] < 296, document["steps"]
    assert document["conservation"]["ok"]
    record = open_record(tmp_path / "part")
    assert {**record.summary, "run": ""} == {**document, "run": ""}
    assert record.frames["timeline"].height == document["steps"]
    accounts = record.frames["accounts"]
    assert sum(accounts["liquidated_notional"], Decimal(0)) == Decimal(document["liquidated"]["notional"]) > 0
    again = subprocess.run(
        [*COMMAND, "replay", "part", "--json"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    found = json.loads(again.stdout)
    assert (again.returncode, found["ok"], found["state_hash"]) == (0, True, document["state_hash"]), again.stderr


def test_interrupt_002_the_first_signal_waits_the_second_does_not():
    before = [signal.getsignal(n) for n in SIGNALS]
    with deferred_interrupt() as stopped:
        assert not stopped()
        signal.raise_signal(signal.SIGTERM)
        assert stopped()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert [signal.getsignal(n) for n in SIGNALS] == before


def test_interrupt_003_in_another_thread_signals_are_left_alone():
    seen = []

    def work():
        with deferred_interrupt() as stopped:
            seen.append((stopped(), signal.getsignal(signal.SIGTERM)))

    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [(False, before)]


def handlers_inside(pipe) -> None:
    before = [signal.getsignal(n) for n in SIGNALS]
    with deferred_interrupt():
        pipe.send([signal.getsignal(n) for n in SIGNALS] == before)


def test_interrupt_004_in_a_worker_process_signals_are_left_to_who_started_it():
    context = multiprocessing.get_context("spawn")
    mine, theirs = context.Pipe()
    worker = context.Process(target=handlers_inside, args=(theirs,))
    worker.start()
    assert mine.poll(60)
    assert mine.recv()
    worker.join()

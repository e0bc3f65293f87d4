"""Going back to any record, and finding events. Ids derive-*."""

from __future__ import annotations

import json

import pytest
from tests.journal.test_log import S, written

from seawall.engine import Marks, apply, open_state, state_hash
from seawall.errors import AnswerError, InputError
from seawall.journal import LogReader, derive, events_of, find_events, records_of, state_before, written_records
from seawall.tables import policy_from_canonical


def test_derive_the_state_before_each_record_is_what_applying_the_earlier_ones_gives(tmp_path):
    run, end = written(tmp_path / "r")
    state = open_state(run.book(), policy_from_canonical(run.policy_text()), {0: 1_000}, 0)
    for record in LogReader(run.log):
        assert state_hash(state_before(run.path, record.number, policy_from_canonical)) == state_hash(state)
        apply(state, record.command)
    assert state_hash(state) == state_hash(end)
    assert state_hash(derive(run.path, policy_from_canonical, {})) == state_hash(end)


def test_derive_a_record_that_is_not_there(tmp_path):
    run, _ = written(tmp_path / "r")
    assert records_of(run.path) == 5
    for record in (0, 6):
        with pytest.raises(InputError, match="1 to 5"):
            state_before(run.path, record, policy_from_canonical)


def test_derive_checks_the_chain_on_the_way(tmp_path):
    run, _ = written(tmp_path / "r")
    run.log.write_text(
        run.log.read_text().replace(
            '"account":"ann","asset":"USDC","equity"', '"account":"eve","asset":"USDC","equity"', 1
        )
    )
    state_before(run.path, 2, policy_from_canonical)  # what was changed is in record 2, not before it
    with pytest.raises(AnswerError, match="record 2 differs"):
        state_before(run.path, 3, policy_from_canonical)


def test_derive_watches_a_record_without_changing_it(tmp_path):
    run, end = written(tmp_path / "r")
    seen = []

    def visit(state):
        assert state.time_ns < 2 * S
        return lambda kind, what: seen.append((kind, type(what).__name__, state.time_ns))

    state = derive(run.path, policy_from_canonical, {2: visit}, last=5)
    assert state_hash(state) == state_hash(end)
    assert ("event", "LiquidationStarted", 2 * S) in seen


def test_derive_events_of_an_account_are_all_that_name_it(tmp_path):
    run, _ = written(tmp_path / "r")
    # Slow twin: every event of the log whose text has the name, and the draws of its losses.
    lines = [json.loads(line) for line in run.log.read_text().splitlines()]
    for account in ("ann", "bob", "fund"):
        losses = {
            e["loss"]
            for d in lines
            for e in d.get("e", [])
            if e["kind"] == "loss_recognised" and e["account"] == account
        }
        expected = [
            f"{d['n']}.{k}"
            for d in lines
            for k, e in enumerate(d.get("e", []), 1)
            if f'"{account}"' in json.dumps(e) or (e["kind"] == "drawn" and e["loss"] in losses)
        ]
        assert [found.id for found in events_of(run.path, account)] == expected, account
        assert expected


def test_derive_finds_by_what_an_event_says(tmp_path):
    run, _ = written(tmp_path / "r")
    (found,) = find_events(run.path, lambda text: '"loss_recognised"' in text, lambda e: e["kind"] == "loss_recognised")
    (record,) = written_records(run.path, {found.record})
    assert record.events[found.place - 1] == found.event
    assert record.command["kind"] == "resolve"
    assert Marks(2 * S, {"BTC-PERP": 800}) == list(LogReader(run.log))[1].command

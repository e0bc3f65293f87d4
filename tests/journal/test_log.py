"""The log: what it holds, and that nothing in it can change unnoticed. Ids log-*."""

from __future__ import annotations

import json

import pytest
from tests.books import perp, policy, snapshot

from seawall.engine import Deposit, Marks, Resolve, Withdraw, open_state, state_hash
from seawall.errors import AnswerError, InputError
from seawall.journal import GENESIS, LogReader, LogWriter, Manifest, create_run, open_run, verify_run
from seawall.journal.derive import records_of, written_records
from seawall.journal.log import chain
from seawall.tables import policy_from_canonical

UNIT = 10**6
S = 10**9


def written(folder, finish=True):
    """A small run: a deposit beyond 64 bits refused, a fall through bankruptcy, a refused withdrawal."""
    rules = policy()
    book = snapshot(
        {"ann": 1_000 * UNIT, "bob": 5_000 * UNIT, "fund": 700 * UNIT},
        [("ann", "BTC-PERP", 10, 1_000), ("bob", "BTC-PERP", -10, 1_000)],
        [perp()],
        roles={"fund": "fund"},
        marks={"BTC-PERP": 1_000},
    )
    state = open_state(book, rules, {}, 0)
    opening = state_hash(state)
    manifest = Manifest("hand", rules.name, rules.hash, 0, {"BTC-PERP": 1_000}, opening, [], {}, "test")
    run = create_run(folder, book, manifest, rules.canonical())
    log = LogWriter(run.log, GENESIS(rules.hash, opening))
    for command in (
        Deposit(S, "bob", "USDC", 10**40),
        Marks(2 * S, {"BTC-PERP": 800}),
        Resolve(3 * S),
        Withdraw(3 * S, "ann", "USDC", 5),
        Deposit(4 * S, "ann", "USDC", 7),
    ):
        log.submit(state, command)
    log.close()
    if finish:
        run.write_json("summary.json", {"state_hash": state_hash(state)})
    return run, state


def test_log_is_derived_again_to_the_same_hash(tmp_path):
    run, state = written(tmp_path / "r")
    found = verify_run(run.path, policy_from_canonical)
    assert (found.ok, found.records, found.complete) == (True, 5, True)
    assert found.state_hash == state_hash(state)


def test_log_keeps_refusals_and_numbers_of_any_size(tmp_path):
    run, _ = written(tmp_path / "r")
    records = list(LogReader(run.log))
    assert json.loads(records[0].body)["r"]["code"] == "overflow"
    assert records[0].command.amount == 10**40
    assert json.loads(records[3].body)["r"]["code"] == "insufficient_balance"
    head = GENESIS(open_run(run.path).manifest().policy_hash, run.manifest().opening_hash)
    for record in records:
        head = chain(head, record.command_line, record.body)
        assert record.chain == head


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('"BTC-PERP":800', '"BTC-PERP":801', "differs when applied again"),
        ('"amount":700000000', '"amount":700000001', "differs when applied again"),
        ('"h":"', '"h":"0', "chain breaks"),
        ('{"n":3,', '{"n":4,', "expected record 3"),
    ],
)
def test_log_a_change_is_found_and_named(tmp_path, old, new, says):
    run, _ = written(tmp_path / "r")
    text = run.log.read_text()
    assert old in text
    run.log.write_text(text.replace(old, new, 1))
    with pytest.raises(AnswerError, match=says):
        verify_run(run.path, policy_from_canonical)


def test_log_other_rules_are_found(tmp_path):
    run, _ = written(tmp_path / "r")
    (run.path / "policy.json").write_text(policy(name="other").canonical() + "\n")
    with pytest.raises(AnswerError, match="hashes to"):
        verify_run(run.path, policy_from_canonical)


def test_log_another_book_is_found(tmp_path):
    run, _ = written(tmp_path / "r")
    other, _ = written(tmp_path / "s")
    import polars as pl

    path = other.path / "book" / "cash.parquet"
    pl.read_parquet(path).with_columns(pl.lit("1000000001").alias("minor")).write_parquet(
        run.path / "book" / "cash.parquet"
    )
    with pytest.raises(AnswerError, match="opening state hashes to"):
        verify_run(run.path, policy_from_canonical)


def test_log_cut_inside_the_last_record_is_derived_up_to_there(tmp_path):
    run, state = written(tmp_path / "r", finish=False)
    text = run.log.read_text()
    run.log.write_text(text[: text.rindex('{"n":5,"e"') + 9])
    found = verify_run(run.path, policy_from_canonical)
    assert (found.complete, found.records) == (False, 5)
    assert found.state_hash == state_hash(state)


def test_log_cut_at_any_byte_is_derived_up_to_there(tmp_path):
    run, state = written(tmp_path / "r", finish=False)
    head = list(LogReader(run.log))[-1].chain
    log = run.log.open("a", encoding="utf-8")
    line = '{"n":6,"c":{"kind":"deposit","time_ns":4000000000,"account":"zo\u00eb","asset":"USDC","amount":1}}'
    body = '{"n":6,"r":{"code":"unknown_account","detail":{"account":"zo\u00eb"}}}'
    log.write(f'{line}\n{body[:-1]},"h":"{chain(head, line, body)}"}}\n')
    log.close()
    whole = run.log.read_bytes()
    ends = [at + 1 for at, byte in enumerate(whole) if byte == 10]
    assert len(ends) == 12
    for size in range(ends[7], len(whole) + 1):  # from the end of record 4 on
        run.log.write_bytes(whole[:size])
        found = verify_run(run.path, policy_from_canonical)
        lines = sum(end <= size for end in ends)
        assert found.records == (lines + 1) // 2 == records_of(run.path), size
        assert found.complete == (size in ends and lines % 2 == 0), size
        assert len(list(written_records(run.path))) == lines // 2, size
        assert (found.state_hash == state_hash(state)) == (found.records >= 5), size  # the sixth is refused


def test_log_a_line_that_is_no_text_is_named(tmp_path):
    run, _ = written(tmp_path / "r")
    data = run.log.read_bytes().splitlines(keepends=True)
    run.log.write_bytes(b"".join([*data[:4], b"\xff\n", *data[5:]]))
    with pytest.raises(InputError, match="UTF-8") as caught:
        verify_run(run.path, policy_from_canonical)
    assert caught.value.row == 5


def test_log_an_existing_folder_is_not_overwritten(tmp_path):
    run, state = written(tmp_path / "r")
    with pytest.raises(InputError, match="not empty"):
        create_run(run.path, state.snapshot, run.manifest(), "")
    with pytest.raises(InputError, match="not a run directory"):
        open_run(tmp_path)

"""Replay of a run directory: every command applied again, every line compared, the state hash at the end."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from seawall.engine import Policy, State, apply, check_all, open_state, state_hash
from seawall.errors import AnswerError
from seawall.journal.log import GENESIS, LogReader, chain, outcome_body
from seawall.journal.rundir import Manifest, open_run


@dataclass(frozen=True, slots=True)
class VerifiedRun:
    """What a replay of a directory found. ``complete`` is False when the run had stopped inside its last command."""

    path: Path
    manifest: Manifest
    state: State
    state_hash: str
    recorded_hash: str | None
    records: int
    head: str
    complete: bool
    seconds: float

    @property
    def ok(self) -> bool:
        """The re-derived state hash is the recorded one."""
        return self.recorded_hash == self.state_hash


def verify_run(
    path: Path,
    read_policy: Callable[[str], Policy],
    *,
    threads: int = 1,
    progress: Callable[[int], None] | None = None,
) -> VerifiedRun:
    """Re-derive a run from its directory alone.

    Args:
        path: run directory.
        read_policy: canonical policy text -> policy (``seawall.tables.policy_from_canonical``).
        threads: threads of the final full margin pass; the result does not depend on it.
        progress: called with the number of records done, now and then.

    Raises:
        AnswerError: a hash or a line differs: says which record.
        InputError: the directory cannot be read.
    """
    started = time.perf_counter()
    run = open_run(path)
    manifest = run.manifest()
    policy = read_policy(run.policy_text())
    if policy.hash != manifest.policy_hash:
        raise AnswerError(f"{path}: policy.json hashes to {policy.hash}, run.json says {manifest.policy_hash}")
    book = run.book()
    index = {i.symbol: m for m, i in enumerate(book.instruments)}
    state = open_state(
        book,
        policy,
        {index[s]: m for s, m in manifest.opening_marks.items()},
        manifest.opening_ns,
        indexes={a: (n, d) for a, (n, d) in manifest.opening_indexes.items()},
    )
    opening = state_hash(state)
    if opening != manifest.opening_hash:
        raise AnswerError(f"{path}: opening state hashes to {opening}, run.json says {manifest.opening_hash}")
    head = GENESIS(policy.hash, opening)
    records, complete = 0, True
    for record in LogReader(run.log):
        outcome = apply(state, record.command)
        body = outcome_body(record.number, outcome)
        records = record.number
        if record.body is None:
            complete = False
            break
        if body != record.body:
            raise AnswerError(
                f"{run.log}: record {record.number} differs when applied again\n{_first_difference(body, record.body)}"
            )
        head = chain(head, record.command_line, body)
        if head != record.chain:
            raise AnswerError(f"{run.log}: hash chain breaks at record {record.number}")
        if progress is not None and records % 1024 == 0:
            progress(records)
    check_all(state, threads=threads)
    recorded = run.summary().get("state_hash") if (path / "summary.json").exists() else None
    return VerifiedRun(
        path,
        manifest,
        state,
        state_hash(state),
        recorded,
        records,
        head,
        complete,
        time.perf_counter() - started,
    )


def _first_difference(got: str, recorded: str) -> str:
    at = next((i for i, (a, b) in enumerate(zip(got, recorded, strict=False)) if a != b), min(len(got), len(recorded)))
    start = max(0, at - 60)
    return f"  recorded: …{recorded[start : at + 120]}\n  derived:  …{got[start : at + 120]}"

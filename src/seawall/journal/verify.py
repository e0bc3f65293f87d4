"""Replay of a run directory: every command applied again, every line compared, the state hash at the end."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from seawall.engine import Outcome, Policy, State, check_all, state_hash
from seawall.journal.derive import applied, reopened
from seawall.journal.log import LogReader
from seawall.journal.rundir import Manifest, open_run


@dataclass(frozen=True, slots=True)
class VerifiedRun:
    """What a replay of a directory found. ``complete`` is False when the log ends inside a record or a line."""

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
    follow: Callable[[State], Callable[[Outcome, int], None]] | None = None,
) -> VerifiedRun:
    """Re-derive a run from its directory alone.

    Args:
        path: run directory.
        read_policy: canonical policy text -> policy (``seawall.tables.policy_from_canonical``).
        threads: threads of the final full margin pass; the result does not depend on it.
        progress: called with the number of records done, now and then.
        follow: given the opening state, returns what is shown every outcome and its record number, in order.

    Raises:
        AnswerError: a hash or a line differs: says which record.
        InputError: the directory cannot be read.
    """
    started = time.perf_counter()
    run = open_run(path)
    manifest = run.manifest()
    state, head = reopened(run, read_policy)
    records, reader = 0, LogReader(run.log)
    shown = None if follow is None else follow(state)
    for record in reader:
        head = applied(run, state, record, head, follow=shown)
        records = record.number
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
        not reader.torn,
        time.perf_counter() - started,
    )

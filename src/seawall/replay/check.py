"""A run checked from its directory: the log derived again, and everything its result says that follows from the log."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seawall.engine import Outcome, State, statements
from seawall.journal import VerifiedRun, verify_run
from seawall.replay.frames import counted_frames
from seawall.replay.incidents import Count, note_rulings
from seawall.replay.record import open_record
from seawall.replay.summary import counted
from seawall.replay.tally import Tally
from seawall.replay.values import Valuer
from seawall.scenario.incidents import Claim
from seawall.tables.policies import policy_from_canonical

MOST_NAMED = 20


@dataclass(frozen=True, slots=True)
class CheckedRun:
    """What a check found.

    Attributes:
        log: the log derived again, see ``verify_run``.
        differences: what the result says and the log does not give: (place, said, derived), at most ``MOST_NAMED``.
        checked: the result was there to be compared (a run that was cut off has none).
    """

    log: VerifiedRun
    differences: tuple[tuple[str, str, str], ...]
    checked: bool

    @property
    def ok(self) -> bool:
        """Log, state hash, result document and frames all agree."""
        return self.log.ok and not self.differences


def check_run(path: str | Path, *, threads: int = 1, progress: Callable[[int], None] | None = None) -> CheckedRun:
    """Derive a run again and compare its state hash, its result document and its frames with what comes out.

    Compared are the parts of ``summary.json`` that follow from the log (amounts, layers, conservation, concentration,
    state hash, what incidents did) and the frames ``layers``, ``accounts`` and ``deleveragings``. What follows from the prices (timeline,
    markets, prices refused) is in no log and is not compared.

    Raises:
        AnswerError: the log is not what the commands give: says which record.
        InputError: the directory cannot be read.
    """
    where = Path(path)
    made: list[tuple[Tally, dict[str, int]]] = []

    rows = _written_rows(where)
    counts: dict[int, Count] = {}
    rulings: dict[str, tuple[str, str]] = {}

    def follow(state: State) -> Callable[[Outcome, int], None]:
        tally = Tally(state, Valuer(state))
        tally.open()
        made.append((tally, {s.asset: s.vault for s in statements(state, {})}))
        return _following(tally, rows, counts, rulings) if rows else tally.feed

    found = verify_run(where, policy_from_canonical, threads=threads, progress=progress, follow=follow)
    if not (where / "summary.json").is_file():
        return CheckedRun(found, (), checked=False)
    tally, opening = made[0]
    record = open_record(where)
    derived = json.loads(json.dumps(counted(found.state, tally, opening)))
    wrong = [d for key, value in derived.items() for d in _differences(key, record.summary.get(key), value)]
    for number, row in enumerate(rows):
        came = counts[number].as_dict() if number in counts else {} if row.get("records") else None
        if came is None:
            continue
        found_ruling = rulings.get(str(row["asked"].get("claim"))) if row["kind"] == Claim.kind and came else None
        if found_ruling is not None:
            came |= {"ruling": found_ruling[0], "event": found_ruling[1]}
        said = {key: row.get(key) for key in came} if came else row
        wrong += _differences(f"incidents.{number}", said, came)
    for name, frame in counted_frames(tally).items():
        written = record.frames.get(name)
        if written is None or not frame.equals(written):
            has = "no such file" if written is None else f"{written.height} rows"
            wrong.append((f"{name}.parquet", has, "other rows or values"))
    return CheckedRun(found, tuple(wrong[:MOST_NAMED]), checked=True)


def _written_rows(where: Path) -> list[dict[str, Any]]:
    """The rows of incidents that the result says, empty without a result."""
    return list(open_record(where).summary.get("incidents", [])) if (where / "summary.json").is_file() else []


def _following(
    tally: Tally, rows: list[dict[str, Any]], counts: dict[int, Count], rulings: dict[str, tuple[str, str]]
) -> Callable[[Outcome, int], None]:
    """Count the run, and every incident over the records that its row names."""
    begins = {row["records"][0]: n for n, row in enumerate(rows) if row.get("records")}
    current: list[int] = []

    def follow(outcome: Outcome, record: int) -> None:
        if record in begins:
            current[:] = [begins[record]]
            counts[current[0]] = Count(tally)
        tally.feed(outcome, record)
        note_rulings(rulings, outcome, record)
        if current:
            counts[current[0]].note(outcome, record)
            if record == rows[current[0]]["records"][1]:
                counts[current[0]].finish()
                current.clear()

    return follow


def _differences(place: str, said: Any, derived: Any) -> list[tuple[str, str, str]]:
    """Places where two documents differ, deepest first known."""
    if isinstance(said, dict) and isinstance(derived, dict):
        keys = [*derived, *(k for k in said if k not in derived)]
        return [d for k in keys for d in _differences(f"{place}.{k}", said.get(k), derived.get(k))]
    if isinstance(said, list) and isinstance(derived, list) and len(said) == len(derived):
        pairs = zip(said, derived, strict=True)
        return [d for i, (a, b) in enumerate(pairs) for d in _differences(f"{place}.{i}", a, b)]
    return [] if said == derived else [(place, _short(said), _short(derived))]


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 80 else text[:77] + "..."

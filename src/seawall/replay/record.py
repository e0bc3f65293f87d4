"""The record of a run as files: the result document and its frames, written at the end and read back without a replay."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seawall.engine import State
from seawall.errors import InputError
from seawall.journal import RunDirectory, open_run
from seawall.replay.frames import FRAMES, IF_ANY

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class Record:
    """What a run left: all that a report needs.

    Attributes:
        summary: the result document, see ``docs/reference/result.md``.
        frames: ``timeline``, ``layers``, ``accounts``, ``markets``, ``deleveragings``; ``bids`` where there were any.
        path: run directory, or None when nothing was written.
    """

    summary: dict[str, Any]
    frames: dict[str, pl.DataFrame]
    path: Path | None


def open_record(path: str | Path) -> Record:
    """Read the record of a run directory. Only files are read; ``seawall replay DIR`` derives it again.

    Raises:
        InputError: not a run directory, or the run stopped before its result was written.
    """
    import polars as pl

    where = Path(path)
    directory = open_run(where)
    if not (where / "summary.json").is_file():
        raise InputError(
            "the run stopped before its result was written",
            where=str(where),
            field="summary.json",
            expected="a run that ended or was interrupted; run it again",
        )
    frames = {}
    for name in (*FRAMES, *(n for n in IF_ANY if (where / f"{n}.parquet").is_file())):
        file = where / f"{name}.parquet"
        try:
            frames[name] = pl.read_parquet(file)
        except FileNotFoundError:
            raise InputError("a frame of the run is missing", where=str(where), field=file.name) from None
        except pl.exceptions.PolarsError as error:
            raise InputError("a frame of the run cannot be read", where=str(file), value=str(error)) from None
    return Record(directory.summary(), frames, where)


def write_record(
    directory: RunDirectory, state: State, summary: dict[str, Any], frames: Mapping[str, pl.DataFrame]
) -> None:
    """Write ledger, frames and result document into a run directory; the document last, so that it stands for all."""
    import polars as pl

    ledger = list(state.ledger.rows())
    pl.DataFrame(
        {
            "number": list(range(len(ledger))),
            "name": [n for n, _, _ in ledger],
            "asset": [a.name for _, a, _ in ledger],
            "decimals": [a.decimals for _, a, _ in ledger],
            "closing_minor": [str(b) for _, _, b in ledger],
        }
    ).write_parquet(directory.path / "ledger.parquet")
    for name, frame in frames.items():
        frame.write_parquet(directory.path / f"{name}.parquet")
    directory.write_json("summary.json", summary)

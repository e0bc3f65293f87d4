"""The result of a replay: the document, frames for people, and where everything was written."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seawall.engine import State
from seawall.journal import RunDirectory
from seawall.replay.present import present, report
from seawall.replay.record import Record

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class Run:
    """What ``replay`` gives back.

    Attributes:
        summary: the result document, JSON-ready; see ``docs/reference/result.md``.
        path: run directory, or None when nothing was written.
        state: the venue at the end.
        liquidated: names of the accounts that came under liquidation.
        tables: the five frames by name; the properties give them one by one.
        taken_out: by account and asset (numbers), minor units: withdrawals less deposits, and what a wind-down paid out.
    """

    summary: dict[str, Any]
    path: Path | None
    state: State = field(repr=False)
    liquidated: frozenset[str] = frozenset()
    tables: dict[str, pl.DataFrame] = field(default_factory=dict, repr=False)
    taken_out: dict[tuple[int, int], int] = field(default_factory=dict, repr=False)

    def frames(self) -> dict[str, pl.DataFrame]:
        """All five frames by name."""
        return dict(self.tables)

    def record(self) -> Record:
        """The run without its state: what ``open_record`` reads back from the run directory."""
        return Record(self.summary, self.frames(), self.path)

    @property
    def timeline(self) -> pl.DataFrame:
        """One row a step: counts and amounts so far, what is at risk now, depth, house equity, marks."""
        return self.tables["timeline"]

    @property
    def layers(self) -> pl.DataFrame:
        """One row a layer in the order of use: before + gained - used = after."""
        return self.tables["layers"]

    @property
    def accounts(self) -> pl.DataFrame:
        """One row an account that anything happened to."""
        return self.tables["accounts"]

    @property
    def markets(self) -> pl.DataFrame:
        """One row a market."""
        return self.tables["markets"]

    @property
    def deleveragings(self) -> pl.DataFrame:
        """One row a deleveraging event, in the order of the log."""
        return self.tables["deleveragings"]

    def add(self, key: str, value: Any) -> None:
        """Add an answer to the result document, in the run directory too."""
        self.summary[key] = value
        if self.path is not None:
            RunDirectory(self.path).write_json("summary.json", self.summary)

    def to_json(self) -> str:
        """The result document as JSON text."""
        return json.dumps(self.summary, indent=2, ensure_ascii=False)

    def report(self, path: str | Path) -> Path:
        """Write the report of the run as one HTML file; returns its path. See ``seawall.report``."""
        return report(self, path)

    def _repr_html_(self) -> str | None:
        return present(self)

    def __repr__(self) -> str:
        s = self.summary
        return (
            f"<Run {s['event']} under {s['policy']['name']}: {s['liquidated']['accounts']} liquidated, "
            f"bad debt {s['bad_debt']} {s['unit']}, residual {s['residual']}, "
            f"conservation {'holds' if s['conservation']['ok'] else 'BROKEN'}>"
        )

"""The result of a replay: the document, frames for people, and where everything was written."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seawall.engine import State

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class Run:
    """What ``replay`` gives back.

    Attributes:
        summary: the result document, JSON-ready; see ``docs/reference/result.md``.
        path: run directory, or None when nothing was written.
        state: the venue at the end.
        rows: timeline rows as plain dicts, one per step.
        liquidated: names of the accounts that came under liquidation.
    """

    summary: dict[str, Any]
    path: Path | None
    state: State
    rows: list[dict[str, Any]]
    liquidated: frozenset[str] = frozenset()

    @property
    def timeline(self) -> pl.DataFrame:
        """One row per step: time_ns, marks changed, cumulative counts and notionals (reporting unit)."""
        import polars as pl

        return pl.DataFrame(self.rows)

    @property
    def layers(self) -> pl.DataFrame:
        """The layers before and after, amounts as decimal text."""
        import polars as pl

        return pl.DataFrame([{k: v for k, v in row.items() if k != "by_source"} for row in self.summary["layers"]])

    def to_json(self) -> str:
        """The result document as JSON text."""
        return json.dumps(self.summary, indent=2, ensure_ascii=False)

    def __repr__(self) -> str:
        s = self.summary
        return (
            f"<Run {s['event']} under {s['policy']['name']}: {s['liquidated']['accounts']} liquidated, "
            f"bad debt {s['bad_debt']} {s['unit']}, residual {s['residual']}, "
            f"conservation {'holds' if s['conservation']['ok'] else 'BROKEN'}>"
        )

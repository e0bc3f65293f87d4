"""The same event under several rules: book and price path are fixed, only the policy changes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path as FilePath
from time import perf_counter
from typing import TYPE_CHECKING, Any

from seawall.engine import Policy
from seawall.errors import FaultError, InputError
from seawall.margin import BookSnapshot
from seawall.models import BiddingParameters, ResponseParameters
from seawall.replay.driver import Progress
from seawall.replay.outcome import Outcome
from seawall.replay.present import present, report
from seawall.replay.statistics import incident_frame, intervals, metric_frame, text_frame
from seawall.replay.study import Books, Event, Study, book_hash, grid, labelled, run_cells, seeds_from
from seawall.tables.policies import policy_names, read_policy

if TYPE_CHECKING:
    import polars as pl

FORMAT = "seawall-comparison/1"
DOCUMENT = "comparison.json"
SHARE_SCALE = 6


@dataclass(frozen=True)
class Comparison:
    """What ``compare`` gives back. Amounts of frames are exact decimals in ``document["unit"]``.

    Attributes:
        document: everything but the timelines, JSON-ready; see ``docs/reference/comparison.md``.
        timelines: one row per policy and step of the first book.
    """

    document: dict[str, Any]
    timelines: pl.DataFrame

    @cached_property
    def table(self) -> pl.DataFrame:
        """One row per policy, on the first book; ``used_<kind>``: what each kind of layer paid (null: has none)."""
        d = self.document
        return metric_frame([r for r in d["rows"] if r["seed"] == d["seeds"][0]], d["layers"], d["scale"])

    @cached_property
    def cells(self) -> pl.DataFrame:
        """One row per policy and seed."""
        d = self.document
        return metric_frame(d["rows"], d["layers"], d["scale"])

    @cached_property
    def layers(self) -> pl.DataFrame:
        """One row per policy, seed and layer: kind, account, before, used, gained, after, paid."""
        return text_frame(
            self.document["layers"], ("before", "used", "gained", "after", "paid", "paid_out"), self.document["scale"]
        )

    @cached_property
    def intervals(self) -> pl.DataFrame:
        """One row per policy and metric over the seeds: count, min, q1, median, q3, max. No rows without seeds."""
        import polars as pl

        columns = ("min", "q1", "median", "q3", "max")
        scale = max(self.document["scale"], SHARE_SCALE)
        frame = text_frame(self.document["intervals"], columns, scale)
        return frame if frame.width else pl.DataFrame(schema=dict.fromkeys(("policy", "metric", *columns), pl.String))

    @cached_property
    def incidents(self) -> pl.DataFrame:
        """One row per policy, seed and incident: what became of it. No rows where the event has none."""
        return incident_frame(self.document.get("incidents", []), self.document["scale"])

    @property
    def ok(self) -> bool:
        """Every cell ran, on the same book and path, and every unit is accounted for."""
        d = self.document
        return not d["failed"] and not d["missing"] and all(r["conservation"] for r in d["rows"])

    def frames(self) -> dict[str, pl.DataFrame]:
        """All frames by name."""
        found = {
            "table": self.table,
            "cells": self.cells,
            "layers": self.layers,
            "intervals": self.intervals,
            "timelines": self.timelines,
        }
        return {**found, "incidents": self.incidents} if "incidents" in self.document else found

    def to_json(self) -> str:
        """The document as JSON text."""
        return json.dumps(self.document, indent=2, ensure_ascii=False)

    def write(self, path: str | FilePath) -> FilePath:
        """Write ``comparison.json`` and every frame as CSV and Parquet into a new or empty folder.

        Raises:
            InputError: the folder is not empty.
        """
        folder = empty_folder(path)
        folder.mkdir(parents=True, exist_ok=True)
        for name, frame in self.frames().items():
            frame.write_parquet(folder / f"{name}.parquet")
            frame.write_csv(folder / f"{name}.csv")
        write_document(folder, DOCUMENT, self.document)  # last: a folder with it is whole
        return folder

    def report(self, path: str | FilePath) -> FilePath:
        """Write the report of the comparison as one HTML file; returns its path. See ``seawall.report``."""
        return report(self, path)

    def _repr_html_(self) -> str | None:
        return present(self)

    def __repr__(self) -> str:
        d = self.document
        return (
            f"<Comparison {d['event']}: {len(d['policies'])} policies, {len(d['seeds'])} book"
            f"{'s' if len(d['seeds']) != 1 else ''} of {d['book']['accounts']:,} accounts, "
            f"{len(d['failed'])} failed, {len(d['missing'])} missing>"
        )


def compare(
    book: BookSnapshot | str,
    prices: Any,
    policies: Sequence[Policy | str | FilePath] | None = None,
    *,
    seeds: int | Sequence[int] | None = None,
    index: Any = None,
    mapping: Any = None,
    start: str | None = None,
    end: str | None = None,
    symbols: Sequence[str] | None = None,
    path: str = "ohlc",
    marks: str | None = None,
    response: ResponseParameters | None = None,
    incidents: Any = None,
    bidding: BiddingParameters | None = None,
    workers: int = 2,
    progress: Progress | None = None,
) -> Comparison:
    """Run one event under several policies, on one book.

    The book is made once, on opening prices decided by the first policy's oracle, and every policy starts from it;
    marks on the way are each policy's own, unless ``marks`` says otherwise.

    Args:
        book, prices, index, mapping, start, end, symbols, path, response, incidents, bidding: as in ``replay``.
        policies: preset names, TOML files or policies; None: all presets.
        seeds: other generated books beside: a number counts up from the book's seed, or the seeds themselves.
        marks: "last" or "banded" for all; None: as each policy says.
        workers: processes; the result is the same for any number.
        progress: called with (steps done, steps in all, text).

    Raises:
        InputError: input that cannot be used; seeds on a book that is not generated.
    """
    began = perf_counter()
    rules = labelled(policy_names() if policies is None else list(policies), read_policy)
    event = Event(
        prices,
        index,
        mapping,
        start,
        end,
        None if symbols is None else tuple(symbols),
        path,
        response,
        incidents=incidents,
        bidding=bidding,
    )
    books = Books(book, event, rules[0][1])
    if books.options is None and seeds is not None:
        raise InputError(
            "only a generated book has seeds", field="seeds", value=seeds, expected="generate:accounts=...,seed=..."
        )
    options = [None] if books.options is None else seeds_from(books.options, seeds)
    cells = grid(rules, options, (marks,))
    study = run_cells(cells, event, books, workers=workers, progress=progress)
    checked_alike(study.outcomes, book_hash(books.base) if options[0] in (None, books.options) else None)
    document = {
        "format": FORMAT,
        "version": version("seawall"),
        **about(study, event),
        "marks": marks or "as each policy says",
        "policies": [_policy(label, policy) for label, policy in rules],
        "seeds": [None if o is None else o.seed for o in options],
        "rows": [o.row for o in study.outcomes],
        "layers": [row for o in study.outcomes for row in o.layers],
        "intervals": intervals([o.row for o in study.outcomes], [label for label, _ in rules])
        if len(options) > 1
        else [],
        **({"incidents": carried} if (carried := [r for o in study.outcomes for r in o.incidents]) else {}),
        "failed": study.failed,
        "missing": study.missing,
        "interrupted": study.interrupted,
        "seconds": round(perf_counter() - began, 3),
    }
    return Comparison(document, timelines_of(study.outcomes))


def about(study: Study, event: Event) -> dict[str, Any]:
    """Event, book and path of a study, alike in all its cells; the book is the first cell's.

    Raises:
        InputError, FaultError: no cell could be run; the first one's reason.
        KeyboardInterrupt: interrupted before the first cell was finished.
    """
    if not study.outcomes:
        first = study.failed[0] if study.failed else None
        if first is None:
            raise KeyboardInterrupt
        if first["ours"]:
            raise FaultError(f"no policy could be run; {first['policy']}: {first['error']}: {first['problem']}")
        raise InputError(f"no policy could be run; {first['policy']}: {first['problem']}")
    found, row = study.outcomes[0].about, study.outcomes[0].row
    return {
        "event": found["event"],
        "title": found["title"],
        "heading": found["heading"],
        "unit": found["unit"],
        "scale": found["scale"],
        "book": {**found["book"], "markets": found["markets"], "hash": row["book_hash"]},
        "path": {"rule": found["path_rule"], "steps": found["steps"], "hash": row["path_hash"]},
        "asked": event.asked(),
        "notes": found["notes"],
    }


def _policy(label: str, policy: Policy) -> dict[str, Any]:
    return {
        "policy": label,
        "name": policy.name,
        "hash": policy.hash,
        "represents": policy.represents,
        "cannot_represent": policy.cannot_represent,
        "known_weaknesses": policy.known_weaknesses,
        "source": policy.source,
        "layers": [layer.name for layer in policy.layers],
    }


def checked_alike(outcomes: Iterable[Outcome], base: str | None) -> None:
    """Every cell saw the same path, and every policy of one seed and leverage the same book.

    Raises:
        FaultError: one did not.
    """
    books: dict[Any, str] = {}
    paths: set[str] = set()
    for number, outcome in enumerate(outcomes):
        row = outcome.row
        if number == 0 and base is not None and row["book_hash"] != base:
            raise FaultError(f"{row['policy']} ran on the book {row['book_hash']}, not on {base}")
        paths.add(row["path_hash"])
        if books.setdefault((row["seed"], row["leverage"]), row["book_hash"]) != row["book_hash"]:
            raise FaultError(f"{row['policy']} ran on another book than the policies before it")
    if len(paths) > 1:
        raise FaultError("the policies did not see the same price path")


def timelines_of(outcomes: Iterable[Outcome]) -> pl.DataFrame:
    """The kept timelines, one below the other, with their cell in front."""
    import polars as pl

    kept = [
        o.timeline.select(
            pl.lit(o.row["policy"]).alias("policy"), pl.lit(o.row["seed"]).cast(pl.Int64).alias("seed"), pl.all()
        )
        for o in outcomes
        if o.timeline is not None and o.timeline.height
    ]
    return pl.concat(kept, how="diagonal_relaxed") if kept else pl.DataFrame()


def open_comparison(path: str | FilePath) -> Comparison:
    """A comparison that was written into a folder.

    Raises:
        InputError: there is none, or of another format.
    """
    import polars as pl

    folder = FilePath(path)
    document = read_document(folder, DOCUMENT, FORMAT)
    return Comparison(document, pl.read_parquet(folder / "timelines.parquet"))


def empty_folder(path: str | FilePath) -> FilePath:
    """The folder, if it is new or empty.

    Raises:
        InputError: it is neither.
    """
    folder = FilePath(path)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError("output folder is not empty", where=str(folder), expected="a new or empty folder")
    return folder


def write_document(folder: FilePath, name: str, document: dict[str, Any]) -> None:
    """Write a JSON file whole, through a temporary file: it is there complete or not at all."""
    part = folder / f".{name}.part"
    part.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    part.replace(folder / name)


def read_document(folder: FilePath, name: str, form: str) -> dict[str, Any]:
    """Read a JSON file of ours.

    Raises:
        InputError: missing, not JSON, or of another format.
    """
    file = folder / name
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except OSError:
        raise InputError("file is missing", where=str(folder), field=name) from None
    except ValueError as error:
        raise InputError("file is not JSON", where=str(file), value=str(error)) from None
    found = document.get("format") if isinstance(document, dict) else None
    if found != form:
        raise InputError("not a file of this format", where=str(file), field="format", value=found, expected=form)
    return dict(document)

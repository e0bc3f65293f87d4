"""How far a result on a generated book depends on the draw: other seeds, and a quarter more or less leverage."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from importlib.metadata import version
from pathlib import Path as FilePath
from time import perf_counter
from typing import TYPE_CHECKING, Any

from seawall.engine import Policy
from seawall.errors import InputError
from seawall.models import BiddingParameters, ResponseParameters
from seawall.replay.compare import SHARE_SCALE, about, checked_alike, read_document, write_document
from seawall.replay.driver import Progress
from seawall.replay.generator import GeneratorOptions, parse_generate
from seawall.replay.statistics import intervals, metric_frame, text_frame
from seawall.replay.study import Books, Event, grid, leverages_of, run_cells, seeds_from
from seawall.tables.policies import read_policy

if TYPE_CHECKING:
    import polars as pl

FORMAT = "seawall-sensitivity/1"
DOCUMENT = "sensitivity.json"
SEEDS = 20
LEVERAGES = (Fraction(3, 4), Fraction(5, 4))
ACCOUNTS = 10_000


@dataclass(frozen=True)
class Sensitivity:
    """What ``sensitivity`` gives back.

    Attributes:
        document: JSON-ready; see ``docs/reference/comparison.md``.
    """

    document: dict[str, Any]

    @cached_property
    def frame(self) -> pl.DataFrame:
        """One row per book: ``case`` is "seed" or "leverage", then the metrics, as in ``Comparison.cells``."""
        import polars as pl

        d = self.document
        frame = metric_frame(d["rows"], d["layers"], d["scale"])
        cases = pl.Series("case", [r["case"] for r in d["rows"]], dtype=pl.String)
        return frame.insert_column(0, cases)

    @cached_property
    def summary(self) -> pl.DataFrame:
        """One row per metric over the seeds at the leverage as given: count, min, q1, median, q3, max."""
        scale = max(self.document["scale"], SHARE_SCALE)
        return text_frame(self.document["summary"], ("min", "q1", "median", "q3", "max"), scale)

    def frames(self) -> dict[str, pl.DataFrame]:
        """All frames by name."""
        return {"sensitivity": self.frame, "sensitivity_summary": self.summary}

    def to_json(self) -> str:
        """The document as JSON text."""
        return json.dumps(self.document, indent=2, ensure_ascii=False)

    def write(self, folder: str | FilePath) -> FilePath:
        """Write ``sensitivity.json`` into a folder, a run directory say; the file's path."""
        target = FilePath(folder)
        target.mkdir(parents=True, exist_ok=True)
        write_document(target, DOCUMENT, self.document)
        return target / DOCUMENT

    def __repr__(self) -> str:
        return f"<Sensitivity {self.document['statement']}>"


def sensitivity(
    book: str,
    prices: Any,
    policy: Policy | str | FilePath = "hyperliquid",
    *,
    seeds: int | Sequence[int] = SEEDS,
    leverages: Sequence[Fraction] = LEVERAGES,
    accounts: int = ACCOUNTS,
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
) -> Sensitivity:
    """The same event and policy on other books of the same kind.

    Every book has at most ``accounts`` accounts, so that it takes seconds. The market's depth is cut by the same
    factor, so that forced orders weigh as much in it as those of the whole book, and so are amounts of incidents; amounts are of books of that size,
    not scaled up. The seeds run at the book's own leverage, the leverages at its own seed.

    Args:
        book: ``generate:...``.
        prices, policy, index, mapping, start, end, symbols, path, marks, response, incidents, bidding: as in ``replay``.
        seeds: how many, counted up from the book's seed, or which.
        leverages: factors on the book's leverage.
        workers, progress: as in ``compare``. Ctrl-C keeps the finished books.

    Raises:
        InputError: the book is not a generated one, or other input that cannot be used.
    """
    began = perf_counter()
    rules = read_policy(policy)
    given = _generated(book)
    base = replace(given, accounts=min(given.accounts, accounts))
    share = Fraction(base.accounts, given.accounts)  # exact: Fraction
    chosen = None if symbols is None else tuple(symbols)
    event = Event(prices, index, mapping, start, end, chosen, path, response, bidding, share, incidents)
    drawn, levered = seeds_from(base, seeds), leverages_of(base, leverages)
    books = Books(base.text, event, rules)
    cells = [replace(c, timeline=False) for c in grid([(rules.name, rules)], [*drawn, *levered], (marks,))]
    study = run_cells(cells, event, books, workers=workers, progress=progress)
    checked_alike(study.outcomes, None)
    case = {(str(o.seed), str(o.leverage)): "leverage" for o in levered}
    case |= {(str(o.seed), str(o.leverage)): "seed" for o in drawn}
    rows = [{"case": case[str(o.row["seed"]), o.row["leverage"]], **o.row} for o in study.outcomes]
    by_seed = [r for r in rows if r["case"] == "seed"]
    document = {
        "format": FORMAT,
        "version": version("seawall"),
        **about(study, event),
        "policy": {"name": rules.name, "hash": rules.hash},
        "marks": marks or "as the policy says",
        "accounts": base.accounts,
        "accounts_given": given.accounts,
        "depth_share": str(share),
        "seeds": [o.seed for o in drawn],
        "leverages": [str(o.leverage) for o in levered],
        "statement": _statement(len(by_seed), len(rows) - len(by_seed), base.accounts),
        "backstop_gained": _share(by_seed, "backstop_pnl"),
        "residual_left": _share(by_seed, "residual"),
        "summary": intervals(by_seed, [rules.name]),
        "rows": rows,
        "layers": [row for o in study.outcomes for row in o.layers],
        "failed": study.failed,
        "missing": study.missing,
        "interrupted": study.interrupted,
        "seconds": round(perf_counter() - began, 3),
    }
    return Sensitivity(document)


def _generated(book: str) -> GeneratorOptions:
    if not isinstance(book, str) or not book.startswith("generate"):
        raise InputError(
            "only a generated book has other seeds", field="book", value=book, expected="generate:accounts=...,seed=..."
        )
    return parse_generate(book)


def _statement(seeds: int, leverages: int, accounts: int) -> str:
    return f"{seeds} seeds and {leverages} other leverages, each with {accounts:,} accounts"


def _share(rows: Sequence[dict[str, Any]], metric: str) -> dict[str, Any] | None:
    """In how many of the seeds that have the metric it is above zero; None when none has it."""
    values = [Decimal(r[metric]) for r in rows if r[metric] is not None]
    if not values:
        return None
    above = sum(v > 0 for v in values)
    return {"count": above, "of": len(values), "share": f"{Decimal(above) / Decimal(len(values)):.4f}"}


def open_sensitivity(path: str | FilePath) -> Sensitivity:
    """The sensitivity that was written into a folder.

    Raises:
        InputError: there is none, or of another format.
    """
    return Sensitivity(read_document(FilePath(path), DOCUMENT, FORMAT))

"""A grid of replays: policies x seeds x leverages x mark rules, on one event, over worker processes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

from seawall.engine import Policy, to_plain
from seawall.errors import InputError
from seawall.margin import BookSnapshot
from seawall.models import BiddingParameters, ResponseParameters
from seawall.replay.actors import add_actors
from seawall.replay.api import book_for, mark_rule_for, name_of, path_for
from seawall.replay.driver import Progress, Replay
from seawall.replay.generator import GeneratorOptions, parse_generate
from seawall.replay.outcome import Outcome, decimal_text, metrics, short_timeline
from seawall.replay.paths import Path
from seawall.replay.workers import Failure, Tell, run_jobs
from seawall.scenario.incidents import as_plain, smaller
from seawall.tables.incidents import incidents_of
from seawall.tables.policies import policy_from_canonical

if TYPE_CHECKING:
    from seawall.replay.run import Run

GENERATE = "generate:"


@dataclass(frozen=True, slots=True)
class Event:
    """What every cell of a study replays: the same arguments as ``replay``. Nothing is read until it is opened.

    ``depth_share``: the market's depth as a share of what the event says, for books that are a smaller copy;
    amounts of money in ``incidents`` are cut by it too.
    """

    prices: Any
    index: Any = None
    mapping: Any = None
    start: str | None = None
    end: str | None = None
    symbols: tuple[str, ...] | None = None
    path: str = "ohlc"
    response: ResponseParameters | None = None
    bidding: BiddingParameters | None = None
    depth_share: Fraction = Fraction(1)
    incidents: Any = None

    def open(self, book: BookSnapshot | str) -> Path:
        """The price path; of a generated book all markets of the source, of another one the book's."""
        chosen = None if self.symbols is None else list(self.symbols)
        path = path_for(self.prices, book, self.index, self.mapping, self.start, self.end, chosen, self.path)
        path = path.with_incidents(incidents_of(self.incidents))
        if self.depth_share == 1:
            return path
        share, depth = float(self.depth_share), path.depth
        less = smaller(path.incidents, self.depth_share)
        return replace(path, depth=lambda market, time_ns: depth(market, time_ns) * share, incidents=less)

    def asked(self) -> dict[str, Any]:
        """The arguments as plain data, for the result."""
        return {
            "prices": name_of(self.prices),
            "index": None if self.index is None else name_of(self.index),
            "map": None if self.mapping is None else name_of(self.mapping),
            "from": self.start,
            "to": self.end,
            "symbols": None if self.symbols is None else list(self.symbols),
            "path": self.path,
            **({} if self.incidents is None else {"incidents": name_of(self.incidents)}),
        }


@dataclass(frozen=True, slots=True)
class Cell:
    """One replay of a study.

    Attributes:
        label: name of the policy in the study, unique.
        policy: canonical policy text.
        options: how the book is generated; None: the study's own book.
        marks: "last" or "banded"; None: as the policy says.
        timeline: is its timeline kept?
    """

    label: str
    policy: str
    options: GeneratorOptions | None = None
    marks: str | None = None
    timeline: bool = False

    @property
    def key(self) -> dict[str, Any]:
        """What tells this cell from the others, JSON-ready."""
        options = self.options
        return {
            "policy": self.label,
            "seed": None if options is None else options.seed,
            "leverage": None if options is None else str(options.leverage),
            "marks": self.marks,
        }


@dataclass(frozen=True, slots=True)
class Study:
    """All cells of a grid after they ran, in the order they were asked for.

    Attributes:
        outcomes: one per finished cell.
        failed: {cell key, error, problem, ours} of cells that failed.
        missing: keys of cells that an interrupt left undone.
    """

    outcomes: list[Outcome]
    failed: list[dict[str, Any]]
    missing: list[dict[str, Any]]

    @property
    def interrupted(self) -> bool:
        """Was it stopped before its end?"""
        return bool(self.missing)


class Books:
    """The books of a study. Each is made once, on opening prices decided once, by the first policy's oracle, with the
    actors of the scenario in it; every policy starts from the same one."""

    def __init__(self, book: BookSnapshot | str, event: Event, first: Policy) -> None:
        self.given = book
        self.options = parse_generate(book) if isinstance(book, str) and book.startswith("generate") else None
        path = event.open(book if isinstance(book, BookSnapshot) else GENERATE)
        self.path = path
        self._prices: dict[str, float] = {}
        engine = Replay(path, first)
        self.base = engine.open(self._open)
        self._marks = engine.opening

    def _open(self, first: dict[str, float]) -> BookSnapshot:
        self._prices = first
        return book_for(self.given, self.path, first)

    def make(self, options: GeneratorOptions | None) -> BookSnapshot:
        """The book of a cell: the study's own, or another one generated over the same markets and opening prices."""
        if options is None or options == self.options:
            return self.base
        return add_actors(book_for(options.text, self.path, self._prices), self.path.actors, self._marks)


@dataclass(frozen=True, slots=True)
class _Replays:
    """How a worker does a cell. ``generated``: the book is a generated one, so the event names the markets."""

    event: Event
    generated: bool

    def begin(self) -> Callable[[Any, Any, Tell], Outcome]:
        opened: list[tuple[Path, str]] = []

        def do(cell: Cell, book: BookSnapshot, tell: Tell) -> Outcome:
            if not opened:  # prices are read once per process
                path = replace(self.event.open(GENERATE if self.generated else book), actors=())  # they are in the book
                opened.append((path, path_hash(path)))
            return run_cell(cell, book, *opened[0], self.event, tell)

        return do


def run_cell(cell: Cell, book: BookSnapshot, path: Path, path_sha: str, event: Event, tell: Tell) -> Outcome:
    """Replay one cell."""
    policy = policy_from_canonical(cell.policy)
    engine = Replay(
        path,
        policy,
        marks=mark_rule_for(policy, cell.marks),
        response=event.response,
        bidding=event.bidding,
        progress=lambda done, whole, what: tell(done, whole),
    )
    run = engine.run(engine.open(lambda first: book))
    return outcome_of(cell, run, book_hash(book), path_sha)


def outcome_of(cell: Cell, run: Run, book_sha: str, path_sha: str) -> Outcome:
    """What a finished run comes to."""
    s = run.summary
    row = {
        **cell.key,
        "mark_rule": s["mark_rule"],
        "policy_hash": s["policy"]["hash"],
        **metrics(run),
        "conservation": s["conservation"]["ok"],
        "book_hash": book_sha,
        "path_hash": path_sha,
        "state_hash": s["state_hash"],
    }
    layers = [{**cell.key, **_plain(r)} for r in run.layers.to_dicts()]
    about = {k: s[k] for k in ("event", "title", "heading", "book", "unit", "markets", "steps", "path_rule", "notes")}
    about["scale"] = run.layers.schema["before"].scale  # type: ignore[attr-defined]
    incidents = [{**cell.key, **r} for r in s.get("incidents", ())]
    timeline = short_timeline(run) if cell.timeline else None
    return Outcome(row, layers, timeline, about, s["interrupted"], incidents)


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {k: decimal_text(v) if isinstance(v, Decimal) else v for k, v in row.items()}


def run_cells(
    cells: Sequence[Cell],
    event: Event,
    books: Books,
    *,
    workers: int = 2,
    progress: Progress | None = None,
) -> Study:
    """Replay every cell. The result is the same for any number of workers.

    A cell that fails is reported and stops nothing. Ctrl-C keeps the cells that are finished.

    Args:
        cells: what to run; cells on one book should stand together.
        event, books: what they replay, and on what.
        workers: processes, started fresh; 1: in this process.
        progress: called with (steps done, steps in all, text) over all cells.

    Raises:
        InputError: bad number of workers.
    """
    done_of: dict[int, tuple[int, int]] = {}
    steps = max(1, books.path.steps)

    def told(number: int, done: int, whole: int) -> None:
        done_of[number] = (min(done, whole), max(1, whole))
        if progress is not None:
            share = sum(d * steps // w for d, w in done_of.values())  # progress only: rounded down
            ready = sum(d == w for d, w in done_of.values())
            progress(share, steps * len(cells), f"{ready} of {len(cells)} runs, {cells[number].label}")

    work = _Replays(event, not isinstance(books.given, BookSnapshot))
    jobs = [(cell, cell.options) for cell in cells]
    finished = run_jobs(work, jobs, books.make, workers=workers, steps=told)
    outcomes, failed, missing = [], [], []
    for number, cell in enumerate(cells):
        result = finished.results.get(number)
        if result is None:
            missing.append(cell.key)
        elif isinstance(result, Failure):
            failed.append({**cell.key, **asdict(result)})
        else:
            outcomes.append(result)
    return Study(outcomes, failed, missing)


def grid(
    policies: Iterable[tuple[str, Policy]],
    options: Sequence[GeneratorOptions | None] = (None,),
    marks: Sequence[str | None] = (None,),
) -> list[Cell]:
    """Every policy on every book under every mark rule, book by book. Only the first book's timelines are kept."""
    named = [(label, policy.canonical()) for label, policy in policies]
    return [
        Cell(label, text, book, rule, timeline=number == 0)
        for number, book in enumerate(options)
        for label, text in named
        for rule in marks
    ]


def labelled(policies: Sequence[Any], read: Callable[[Any], Policy]) -> list[tuple[str, Policy]]:
    """Policies with the names they have in a study: their own; where two share one, the file's.

    Raises:
        InputError: none, or the same rules twice.
    """
    rules = [read(p) for p in policies]
    if not rules:
        raise InputError("no policies to compare", field="policies", expected="names of presets or .toml files")
    found: list[tuple[str, Policy]] = []
    for source, policy in zip(policies, rules, strict=True):
        label = policy.name
        if sum(p.name == label for p in rules) > 1 and isinstance(source, str | FilePath):
            label = FilePath(source).stem
        twin = next((other for other, p in found if p.hash == policy.hash), None)
        if twin is not None:
            raise InputError("the same policy twice", field="policies", value=str(label), expected="each policy once")
        taken = {other for other, _ in found}
        number, name = 2, label
        while name in taken:
            name, number = f"{label}-{number}", number + 1
        found.append((name, policy))
    return found


def seeds_from(options: GeneratorOptions, seeds: int | Sequence[int] | None) -> list[GeneratorOptions]:
    """The book's options once per seed: a number counts up from the book's own seed, which comes first.

    Raises:
        InputError: no seed, or one twice.
    """
    if seeds is None:
        return [options]
    if isinstance(seeds, int):
        if seeds < 1:
            raise InputError("bad number of seeds", field="seeds", value=seeds, expected="1 or more")
        return [replace(options, seed=options.seed + i) for i in range(seeds)]
    if not seeds or len(set(seeds)) != len(seeds):
        raise InputError("seeds must be different", field="seeds", value=list(seeds), expected="each seed once")
    return [replace(options, seed=seed) for seed in seeds]


def leverages_of(options: GeneratorOptions, factors: Iterable[Fraction]) -> list[GeneratorOptions]:
    """The book's options at other leverages: factors on its own."""
    return [replace(options, leverage=options.leverage * factor) for factor in factors]


def book_hash(book: BookSnapshot) -> str:
    """SHA-256 of the canonical opening book, before any policy adds its house accounts: assets, instruments, accounts,
    cash and positions in row order. Marks at the opening are the path's and the policy's, so they are not in it."""
    digest = hashlib.sha256()
    for part in (
        to_plain(book.assets),
        to_plain(book.instruments),
        book.account_ids,
        book.owners,
        book.members,
        book.roles,
        book.cash_minor,
    ):
        digest.update((repr(part) + "\n").encode())
    columns = (book.parents, book.cash_account, book.cash_asset, book.pos_account, book.pos_market)
    for column in (*columns, book.pos_lots, book.pos_entry):
        digest.update(column.astype("<i8").tobytes() + b"\n")
    return digest.hexdigest()


def path_hash(path: Path) -> str:
    """SHA-256 of everything the path shows, in order: time, trades, index prices, funding; then its incidents."""
    digest = hashlib.sha256()
    for seen in path.stream():
        funding = sorted((market, str(rate)) for market, rate in seen.funding.items())
        digest.update(f"{seen.time_ns} {seen.trades!r} {seen.index!r} {funding!r}\n".encode())
    for incident in path.incidents:
        digest.update(f"{as_plain(incident)!r}\n".encode())
    return digest.hexdigest()

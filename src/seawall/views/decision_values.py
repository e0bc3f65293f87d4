"""Explanations as plain values: what ``explain`` gives, before anyone draws it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from seawall.views.decision_queue import Queued
from seawall.views.decision_untouched import Nearest


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a program: ``text`` is the call with names, ``values`` the same with numbers, ``result`` exact."""

    name: str
    text: str
    values: str
    result: Any


@dataclass(frozen=True, slots=True)
class Program:
    """One evaluated item of an event. ``posts`` says which result is which amount of the event or the ledger."""

    rule: str
    says: str
    inputs: dict[str, Any]
    steps: tuple[Step, ...]
    posts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Posting:
    """A ledger transfer: ``units`` are ledger minor units. ``in_log``: the record has it."""

    source: str
    target: str
    asset: str
    amount: str
    units: int
    code: str
    in_log: bool


@dataclass(frozen=True, slots=True)
class Position:
    """A position just before: signed lots, size, average entry price, mark and profit in words."""

    market: str
    lots: int
    size: str
    entry: str
    mark: str
    profit: str
    requirement: str


@dataclass(frozen=True, slots=True)
class Numbers:
    """An account just before: equity, maintenance and cash exact, its positions, and when."""

    account: str
    asset: str
    when: str
    equity: str
    maintenance: str
    cash: dict[str, str]
    positions: tuple[Position, ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """One event in full."""

    id: str
    time: str
    kind: str
    words: str
    keys: tuple[tuple[str, str], ...]
    numbers: Numbers | None
    programs: tuple[Program, ...]
    postings: tuple[Posting, ...]
    queue: Queued | None
    layers: tuple[str, ...]
    avoided: tuple[str, ...]
    avoided_exact: tuple[dict[str, Any], ...]
    event: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Explanation:
    """What ``explain`` gives: ``story`` is (id, time, words) of everything that happened, ``decisions`` the decisive
    ones in full, ``more`` ids of other decisive ones, ``untouched`` says why nothing happened; ``units``: book units in
    one unit of each asset; ``counts``: events by kind. Renders with ``text()``, ``html()``, ``as_dict()``."""

    subject: str
    kind: str
    run: str
    event: str
    policy_name: str
    policy_hash: str
    story: tuple[tuple[str, str, str], ...]
    decisions: tuple[Decision, ...]
    more: tuple[str, ...] = ()
    untouched: Nearest | None = None
    units: dict[str, int] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Everything, JSON-ready."""
        return asdict(self)

    def text(self, width: int = 80) -> str:
        """For a terminal, within ``width`` columns."""
        from seawall.views.decision_show import as_text

        return as_text(self, width)

    def html(self) -> str:
        """An HTML fragment: no scripts, no styles of its own, headings from h3 down."""
        from seawall.views.decision_show import as_html

        return as_html(self)

    def _repr_html_(self) -> str:
        return self.html()

    def __str__(self) -> str:
        return self.text()

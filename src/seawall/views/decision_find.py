"""Which events of a run are asked for: by account, member, event, loss, order or halt; charges included, which name nobody."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from seawall.engine import Policy, State
from seawall.engine.explain import split_of
from seawall.engine.memberbook import CONTRIBUTION
from seawall.engine.opening import members_of
from seawall.engine.socialise import Charges
from seawall.errors import InputError
from seawall.journal import Located, derive, events_of, find_events, open_run, records_of, written_records
from seawall.tables import policy_from_canonical

CHARGED = "open_interest_charged"


class Share(NamedTuple):
    """One account's part of a charge on open interest: its lots, and what they cost."""

    lots: int
    amount: int


class Found(NamedTuple):
    """``account``: whose story it is, None for nobody's; ``charged``: its part of each charge, by event id."""

    account: str | None
    events: list[Located]
    charged: Mapping[str, Share]


def find(path: Path, policy: Policy, what: str, progress: Callable[[int], None]) -> Found:
    """The events that ``what`` names.

    Raises:
        InputError: no such account or event (says the nearest).
    """
    book = open_run(path).book()
    members = sorted(set(members_of(book, policy).values()))
    kept = {f"{CONTRIBUTION}{name}": name for name in members}
    names = [*book.account_ids, *(h.name for h in policy.house), *kept, "outside"]
    if what not in set(names) and what in members:
        what = f"{CONTRIBUTION}{what}"  # a member is asked for by what it paid in
    if what not in set(names):
        return Found(None, _events(path, what, [*names, *members]), {})
    charged = _charges(path, what, progress)
    events = {(f.record, f.place): f for f in [*events_of(path, what, kept.get(what)), *(f for f, _ in charged)]}
    return Found(what, [events[key] for key in sorted(events)], {f.id: share for f, share in charged})


def share_of(charges: Charges, account: int) -> Share:
    """What an account's open lots pay of a charge: the split over all of them."""
    lots = [held for _, held in charges.payers]
    parts = split_of(charges.amount, lots, sum(lots))
    mine = [(held, part) for (who, held), part in zip(charges.payers, parts, strict=True) if who == account]
    return Share(sum(held for held, _ in mine), sum(part for _, part in mine))


def _charges(path: Path, account: str, progress: Callable[[int], None]) -> list[tuple[Located, Share]]:
    """Charges on open interest that fell on an account, derived again: the event says only how many paid."""
    events = find_events(path, lambda text: f'"{CHARGED}"' in text, lambda e: e["kind"] == CHARGED)
    if not events:
        return []
    seen: dict[tuple[int, int], Share] = {}

    def visit(record: int) -> Callable[[State], Callable[[str, Any], None]]:
        def begin(state: State) -> Callable[[str, Any], None]:
            number, place = state.account_index[account], 0

            def watch(kind: str, what: Any) -> None:
                nonlocal place
                if kind == "open_interest":
                    seen[record, place + 1] = share_of(what, number)  # the event comes next
                elif kind == "event":
                    place += 1

            return watch

        return begin

    derive(path, policy_from_canonical, {f.record: visit(f.record) for f in events}, progress=progress)
    found = [(f, seen[f.record, f.place]) for f in events]
    return [(f, share) for f, share in found if share.amount]


def _events(path: Path, what: str, names: list[str]) -> list[Located]:
    """Events that ``what`` names by number, halt or incident."""
    if match := re.fullmatch(r"(\d+)\.(\d+)", what):
        return _event(path, what, int(match[1]), int(match[2]))
    if match := re.fullmatch(r"(loss|intent|auction):(\d+)", what):
        name, number = match[1], int(match[2])
        mark = f'"{name}":{number},'
        found = find_events(path, lambda text: mark in text, lambda e: e.get(name) == number and bool(number))
        if name == "auction":  # and the residuals that its winner paid
            paid = find_events(path, lambda text: f'"{what}"' in text, lambda e: e.get("source") == what)
            found = sorted({(f.record, f.place): f for f in [*found, *paid]}.values(), key=lambda f: f[:2])
        if name == "loss":
            more = find_events(path, lambda t: '"gains_haircut"' in t, lambda e: _cuts(e, number))
            found = sorted({(f.record, f.place): f for f in [*found, *more]}.values(), key=lambda f: f[:2])
        if found:
            return found
        raise InputError(f"no such {name}", where=str(path), field="event", value=what, expected=f"a {name} of the log")
    if match := re.fullmatch(r"halt:(\w+)", what):
        found = find_events(path, lambda t: '"halt_' in t, lambda e: e.get("halt") == match[1])
        if found:
            return found
        raise InputError("no such halt", where=str(path), field="event", value=what, expected="a halt of the log")
    incident = find_events(
        path, lambda t: '"loss_recognised"' in t, lambda e: e["kind"] == "loss_recognised" and e["account"] == what
    )
    if incident:
        return _events(path, f"loss:{incident[0].event['loss']}", names)
    alike = difflib.get_close_matches(what, names, n=3) if len(names) < 20_000 else _alike(what, names)
    expected = ", ".join([*map(repr, alike or names[:3]), "or RECORD.K, loss:N, intent:N, halt:KIND"])
    raise InputError("no such account or event", where=str(path), field="account", value=what, expected=expected)


def _event(path: Path, what: str, number: int, place: int) -> list[Located]:
    count = records_of(path)
    for record in written_records(path, {number}):
        if 1 <= place <= len(record.events):
            return [Located(number, place, record.events[place - 1])]
        near = f"{number}.1 to {number}.{len(record.events)}" if record.events else "a record that has events"
        raise InputError("no such event", where=str(path), field="event", value=what, expected=near)
    raise InputError("no such record", where=str(path), field="event", value=what, expected=f"1.1 to {count}.K")


def _cuts(event: Mapping[str, Any], loss: int) -> bool:
    return event["kind"] == "gains_haircut" and any(n == loss for n, _ in event["losses"])


def _alike(what: str, names: list[str]) -> list[str]:
    """The nearest names of a large book: those that begin alike."""
    for length in range(len(what), 0, -1):
        found = [n for n in names if n.startswith(what[:length])]
        if found:
            found.sort(key=lambda n: (abs(len(n) - len(what)), sum(a != b for a, b in zip(n, what, strict=False)), n))
            return found[:3]
    return []

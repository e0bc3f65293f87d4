"""Going back: the state just before any record, derived again and checked, and the log by account and event."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from seawall.engine import Outcome, Policy, State, apply, open_state, state_hash
from seawall.engine.posting import Watch
from seawall.errors import AnswerError, InputError
from seawall.journal.log import GENESIS, LogReader, Record, chain, outcome_body, whole_lines
from seawall.journal.rundir import RunDirectory, open_run

ReadPolicy = Callable[[str], Policy]
Visit = Callable[[State], Watch | None]


class Located(NamedTuple):
    """An event of a log and where it is: record number, and place in the record from 1. ``id`` is ``RECORD.K``."""

    record: int
    place: int
    event: dict[str, Any]

    @property
    def id(self) -> str:
        """What ``explain`` takes."""
        return f"{self.record}.{self.place}"


class Written(NamedTuple):
    """One record as it is on the disk: the command, its events and transfers."""

    number: int
    command: dict[str, Any]
    events: list[dict[str, Any]]
    transfers: list[list[Any]]


def reopened(run: RunDirectory, read_policy: ReadPolicy) -> tuple[State, str]:
    """The opening state of a run, made again, and the first link of its chain.

    Raises:
        AnswerError: policy or opening state do not hash to what the run says.
    """
    manifest = run.manifest()
    policy = read_policy(run.policy_text())
    if policy.hash != manifest.policy_hash:
        raise AnswerError(f"{run.path}: policy.json hashes to {policy.hash}, run.json says {manifest.policy_hash}")
    book = run.book()
    index = {i.symbol: m for m, i in enumerate(book.instruments)}
    state = open_state(
        book,
        policy,
        {index[s]: m for s, m in manifest.opening_marks.items()},
        manifest.opening_ns,
        indexes={a: (n, d) for a, (n, d) in manifest.opening_indexes.items()},
    )
    opening = state_hash(state)
    if opening != manifest.opening_hash:
        raise AnswerError(f"{run.path}: opening state hashes to {opening}, run.json says {manifest.opening_hash}")
    return state, GENESIS(policy.hash, opening)


def applied(
    run: RunDirectory,
    state: State,
    record: Record,
    head: str,
    watch: Watch | None = None,
    follow: Callable[[Outcome, int], None] | None = None,
) -> str:
    """Apply one record and compare what it does with what is written; the next link of the chain.

    ``follow`` is shown what the record did, after it was applied, and its number.

    A record that the writer did not finish has nothing to compare: it is applied, and the link stays.

    Raises:
        AnswerError: a line or a hash differs: says which record.
    """
    outcome = apply(state, record.command, watch)
    if follow is not None:
        follow(outcome, record.number)
    body = outcome_body(record.number, outcome)
    if record.body is None:
        return head
    if body != record.body:
        raise AnswerError(
            f"{run.log}: record {record.number} differs when applied again\n{_first_difference(body, record.body)}"
        )
    head = chain(head, record.command_line, body)
    if head != record.chain:
        raise AnswerError(f"{run.log}: hash chain breaks at record {record.number}")
    return head


def _first_difference(got: str, recorded: str) -> str:
    at = next((i for i, (a, b) in enumerate(zip(got, recorded, strict=False)) if a != b), min(len(got), len(recorded)))
    start = max(0, at - 60)
    return f"  recorded: …{recorded[start : at + 120]}\n  derived:  …{got[start : at + 120]}"


def derive(
    path: Path,
    read_policy: ReadPolicy,
    visits: Mapping[int, Visit],
    *,
    last: int | None = None,
    each: Callable[[State, Record], None] | None = None,
    progress: Callable[[int], None] | None = None,
) -> State:
    """Apply a run's records again, checking each, and look at the state on the way.

    Args:
        path: run directory.
        read_policy: canonical policy text -> policy.
        visits: record number -> called with the state just before that record; what it returns (if anything) watches
            the record being applied. Neither may change the state.
        last: stop after this record; None: after the last visit, or at the end when there are none.
        each: called after every record.
        progress: called with the number of records done, now and then.

    Raises:
        AnswerError: the log is not what the run did; InputError: the directory cannot be read.
    """
    run = open_run(path)
    state, head = reopened(run, read_policy)
    stop = last if last is not None else max(visits, default=None)
    if stop == 0:
        return state
    for record in LogReader(run.log):
        visit = visits.get(record.number)
        head = applied(run, state, record, head, None if visit is None else visit(state))
        if each is not None:
            each(state, record)
        if progress is not None and record.number % 256 == 0:
            progress(record.number)
        if record.number == stop:
            break
    return state


def state_before(
    path: Path, record: int, read_policy: ReadPolicy, *, progress: Callable[[int], None] | None = None
) -> State:
    """The state just before a record (from 1), every earlier record applied again and checked.

    Raises:
        InputError: the log has no such record.
        AnswerError: a record before it is not what the run did.
    """
    count = records_of(path)
    if not 1 <= record <= count:
        raise InputError("no such record", where=str(path), field="record", value=record, expected=f"1 to {count}")
    return derive(path, read_policy, {}, last=record - 1, progress=progress)


def records_of(path: Path) -> int:
    """How many records the log has; one that was not finished counts."""
    with open_run(path).log.open("rb") as file:
        return (sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 20), b"")) + 1) // 2


def written_records(path: Path, numbers: set[int] | None = None) -> Iterator[Written]:
    """Records as they are on the disk (those asked for), without applying anything. A refused one has no events."""
    log = open_run(path).log
    for number, (command, body) in enumerate(_pairs(log), 1):
        if numbers is None or number in numbers:
            first, second = _json(command, log, number), _json(body, log, number)
            yield Written(number, first.get("c", {}), second.get("e", []), second.get("t", []))


def _pairs(log: Path) -> Iterator[tuple[str, str]]:
    """Both lines of every record that was written to its end."""
    lines = whole_lines(log)
    for command in lines:
        body = next(lines, None)
        if command is None or body is None:
            return
        yield command, body


def _json(line: str, log: Path, record: int) -> dict[str, Any]:
    try:
        data = json.loads(line)
    except ValueError as error:
        raise InputError("line is not JSON", where=str(log), row=record, field="record", value=str(error)) from None
    return data if isinstance(data, dict) else {}


def find_events(path: Path, holds: Callable[[str], bool], wanted: Callable[[dict[str, Any]], bool]) -> list[Located]:
    """Events for which ``wanted``, in order. ``holds`` is a cheap test of a record's text that must be true of theirs."""
    log = open_run(path).log
    found: list[Located] = []
    for number, (_, body) in enumerate(_pairs(log), 1):
        if not holds(body):
            continue
        events = _json(body, log, number).get("e", [])
        found.extend(Located(number, k, e) for k, e in enumerate(events, 1) if wanted(e))
    return found


OF_A_LOSS = frozenset(
    {
        "drawn",
        "layers_shared",
        "members_drawn",
        "call_round",
        "called",
        "open_interest_charged",
        "cash_cut",
        "borne_by_withdrawals",
        "recovery_shared",
        "residual_paid",
    }
)


def events_of(path: Path, account: str, alias: str | None = None) -> list[Located]:
    """Every event that names an account, and what became of its intents and losses, in one pass over the log.

    Args:
        path: run directory.
        account: name of the account.
        alias: another name of it: the member whose contribution it keeps.
    """
    names = {account, *([] if alias is None else [alias])}
    texts = [json.dumps(name, ensure_ascii=False) for name in sorted(names)]
    intents: set[int] = set()
    losses: set[int] = set()

    def wanted(event: dict[str, Any]) -> bool:
        kind = event["kind"]
        mine = _named(event, names)
        if kind == "intent_opened" and mine:
            intents.add(event["intent"])
        if kind == "loss_recognised" and mine:
            losses.add(event["loss"])
        if kind == "intent_lapsed":
            return event["intent"] in intents
        return mine or (kind in OF_A_LOSS and event["loss"] in losses)

    def holds(body: str) -> bool:
        return any(text in body for text in texts) or (bool(intents) and '"intent_lapsed"' in body)

    return find_events(path, holds, wanted)


_ROLES = (
    *("account", "counterparty", "backstop", "source", "holder", "buyer", "seller", "against", "fee_to", "member"),
    "claimant",
)
# Fields that list (name, amount) pairs of accounts or members, by kind of event.
_LISTS = {
    "gains_haircut": "cuts",
    "cash_cut": "cuts",
    "profits_cut": "cuts",
    "members_drawn": "parts",
    "recovery_shared": "parts",
    "distributed": "parts",
    "written_off": "parts",
    "restored": "parts",
    "auction_held": "tiers",
    "call_round": "shares",
}


def _named(event: Mapping[str, Any], names: set[str]) -> bool:
    if any(event.get(role) in names for role in _ROLES):
        return True
    return any(name in names for name, _ in event.get(_LISTS.get(event["kind"], ""), ()))

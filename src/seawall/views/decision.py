"""Why me? One event or one account's story, recomputed from a run directory: words, numbers, rule, program, postings."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from seawall.engine import Policy, State
from seawall.engine.explain import evaluate_event, postings_of, rule
from seawall.errors import InputError
from seawall.journal import Located, derive, events_of, find_events, open_run, records_of, written_records
from seawall.tables import policy_from_canonical
from seawall.views.decision_moment import Avoided, Moment, watch_record
from seawall.views.decision_queue import queue_of, skipped_layers
from seawall.views.decision_terms import Terms, clock
from seawall.views.decision_untouched import Untouched
from seawall.views.decision_values import Decision, Explanation, Numbers, Position, Posting, Program, Step
from seawall.views.decision_words import policy_keys, sentence

DECISIVE = (
    "liquidation_started",
    "taken_over",
    "loss_recognised",
    "drawn",
    "deleverage_shared",
    "deleveraged",
    "gains_haircut",
    "residual",
    "position_settled",
)
IN_FULL, ALIKE = 6, 2
Progress = Callable[[int, int, str], None]


def explain(run: Any, what: str, *, progress: Progress | None = None) -> Explanation:
    """Why something happened in a run, derived again from its directory and checked on the way.

    Args:
        run: run directory, or a ``Run`` that was written to one.
        what: an account; an event ``RECORD.K`` (the K-th event of a record, as in ``log.jsonl``); ``loss:N`` or
            ``intent:N`` for all that belongs to one.
        progress: called with (records done, in all, text).

    Raises:
        InputError: no such account or event (says the nearest), or not a run directory.
        AnswerError: the log is not what the run did.
    """
    path = getattr(run, "path", run)
    if path is None:
        raise InputError("the run was not written", field="run", expected="replay(..., out=FOLDER)")
    path = Path(path)
    directory = open_run(path)
    policy = policy_from_canonical(directory.policy_text())
    names = [*directory.book().account_ids, *(h.name for h in policy.house), "outside"]
    account = what if what in set(names) else None
    found = events_of(path, account) if account is not None else _events(path, what, names)
    return _explained(path, policy, what, account, found, progress or (lambda done, whole, text: None))


def _events(path: Path, what: str, names: list[str]) -> list[Located]:
    """Events that ``what`` names by number."""
    if match := re.fullmatch(r"(\d+)\.(\d+)", what):
        number, place = int(match[1]), int(match[2])
        count = records_of(path)
        for record in written_records(path, {number}):
            if 1 <= place <= len(record.events):
                return [Located(number, place, record.events[place - 1])]
            near = f"{number}.1 to {number}.{len(record.events)}" if record.events else "a record that has events"
            raise InputError("no such event", where=str(path), field="event", value=what, expected=near)
        raise InputError("no such record", where=str(path), field="event", value=what, expected=f"1.1 to {count}.K")
    if match := re.fullmatch(r"(loss|intent):(\d+)", what):
        name, number = match[1], int(match[2])
        mark = f'"{name}":{number},'
        found = find_events(path, lambda text: mark in text, lambda e: e.get(name) == number and bool(number))
        if name == "loss":
            more = find_events(path, lambda t: '"gains_haircut"' in t, lambda e: _cuts(e, number))
            found = sorted({(f.record, f.place): f for f in [*found, *more]}.values(), key=lambda f: f[:2])
        if found:
            return found
        raise InputError(f"no such {name}", where=str(path), field="event", value=what, expected=f"a {name} of the log")
    alike = difflib.get_close_matches(what, names, n=3) if len(names) < 20_000 else _alike(what, names)
    expected = ", ".join([*map(repr, alike or names[:3]), "or RECORD.K, loss:N, intent:N"])
    raise InputError("no such account or event", where=str(path), field="account", value=what, expected=expected)


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


def _explained(
    path: Path, policy: Policy, what: str, account: str | None, found: list[Located], progress: Progress
) -> Explanation:
    manifest, whole = open_run(path).manifest(), records_of(path)
    decisive = [f for f in found if _decides(f.event, account)] if account is not None or len(found) > 1 else found
    full, more = _choose(decisive)
    moments: dict[int, Moment] = {f.record: Moment() for f in full}
    visits = {number: _visit(moments[number], [f for f in full if f.record == number]) for number in moments}
    untouched = Untouched(account) if account is not None and not found else None
    state = derive(
        path,
        policy_from_canonical,
        visits,
        last=None if untouched is not None else max((f.record for f in [*full, *found[-1:]]), default=0),
        each=None if untouched is None else untouched.look,
        progress=lambda done: progress(done, whole, "deriving the run again"),
    )
    terms = Terms.of(state)
    times = _times(path, {f.record for f in found})
    used = {f.event[key] for f in full for key in ("asset", "sold", "bought") if key in f.event}
    decisions = tuple(_decision(path, state, policy, terms, f, moments[f.record], times, account) for f in full)
    return Explanation(
        what,
        "account" if account is not None else "event",
        str(path),
        manifest.event,
        manifest.policy_name,
        manifest.policy_hash,
        tuple(_story(found, terms, account, times)),
        decisions,
        tuple(f.id for f in more),
        None if untouched is None else untouched.result(state, terms),
        {name: 10**a.book_scale for name, a in terms.assets.items() if name in used},
        dict(Counter(f.event["kind"] for f in found)),
    )


def _decides(event: Mapping[str, Any], account: str | None) -> bool:
    """Is it told in full in a story? What others gave for the account's own positions is told by its closing."""
    if event["kind"] == "deleveraged" and account is not None and account == event["counterparty"]:
        return False
    return event["kind"] in DECISIVE


def _choose(decisive: list[Located]) -> tuple[list[Located], list[Located]]:
    """Those told in full: the first of every kind, then the earliest, at most ``ALIKE`` of a kind and
    ``IN_FULL`` in all; and the others."""
    first: dict[str, Located] = {}
    for f in decisive:
        first.setdefault(f.event["kind"], f)
    chosen = list(first.values())[:IN_FULL]
    for f in decisive:
        alike = sum(c.event["kind"] == f.event["kind"] for c in chosen)
        if f not in chosen and len(chosen) < IN_FULL and alike < ALIKE:
            chosen.append(f)
    keep = {f.id for f in chosen}
    return [f for f in decisive if f.id in keep], [f for f in decisive if f.id not in keep]


def _visit(moment: Moment, events: list[Located]) -> Callable[[State], Any]:
    accounts = {(f.event["account"], f.event["asset"]) for f in events if {"account", "asset"} <= set(f.event)}
    starts = {f.place for f in events if f.event["kind"] == "liquidation_started"}
    return lambda state: watch_record(state, moment, accounts, starts)


def _times(path: Path, records: set[int]) -> dict[int, int]:
    return {r.number: int(r.command.get("time_ns", 0)) for r in written_records(path, records)} if records else {}


def _story(
    found: list[Located], terms: Terms, account: str | None, times: Mapping[int, int]
) -> list[tuple[str, str, str]]:
    """Every event in words; the opening of an order is told by its fills."""
    filled = {f.event["intent"] for f in found if f.event["kind"] == "filled"}
    return [
        (f.id, clock(times[f.record]), sentence(f.event, terms, account))
        for f in found
        if not (account is not None and f.event["kind"] == "intent_opened" and f.event["intent"] in filled)
    ]


def _decision(
    path: Path,
    state: State,
    policy: Policy,
    terms: Terms,
    found: Located,
    moment: Moment,
    times: Mapping[int, int],
    me: str | None,
) -> Decision:
    event = found.event
    st, avoided = moment.at_start.get(found.place, (None, []))
    when = "at the new marks"
    if st is None:
        st = moment.units.get((event.get("account", ""), event.get("asset", "")))
        avoided, when = moment.avoided.get((event.get("account", ""), event.get("asset", "")), []), "just before"
    queue, more = queue_of(state, terms, found, moment) if event["kind"] == "deleveraged" else (None, [])
    if event["kind"] == "deleveraged":
        avoided = more
    elif event["kind"] not in ("liquidation_started", "taken_over", "loss_recognised"):
        avoided = []
    (record,) = written_records(path, {found.record})
    return Decision(
        found.id,
        clock(times[found.record]),
        event["kind"],
        sentence(event, terms, me),
        tuple(policy_keys(event, policy)),
        None if st is None else _numbers(state, terms, st, when, moment),
        tuple(_programs(event)),
        tuple(_postings(state, event, record)),
        queue,
        tuple(skipped_layers(state, terms, found, moment)),
        tuple(_avoided_words(a, terms, event) for a in avoided),
        tuple(asdict(a) for a in avoided),
        event,
    )


def _numbers(state: State, terms: Terms, st: Any, when: str, moment: Moment) -> Numbers:
    marks = moment.marks if when == "at the new marks" else moment.previous
    asset = state.asset(st.asset).name
    rows = []
    for p in st.positions:
        symbol, settle = state.instrument(p.market).symbol, state.instrument(p.market).settle.name
        rows.append(
            Position(
                symbol,
                p.lots,
                terms.size(symbol, p.lots),
                terms.price_of_worth(symbol, abs(p.entry) / abs(p.lots)),
                terms.mark(symbol, marks.get(p.market, 0)),
                terms.money(settle, p.worth - p.entry),
                terms.money(settle, -(-p.maintenance // st.denominator)),
            )
        )
    cash = {state.asset(a).name: terms.exact(state.asset(a).name, v) for a, v in st.cash.items()}
    name = state.account_name(st.account)
    return Numbers(
        name, asset, when, terms.exact(asset, st.equity), terms.exact(asset, st.maintenance), cash, tuple(rows)
    )


def _programs(event: Mapping[str, Any]) -> list[Program]:
    out = []
    for item in evaluate_event(event):
        found, known = rule(item.rule), {**item.inputs}
        steps = []
        for (name, primitive, *operands), (_, result) in zip(found.program, item.results, strict=True):
            shown = [str(known[o]) if isinstance(o, str) and o in known else str(o) for o in operands]
            steps.append(
                Step(name, f"{primitive}({', '.join(map(str, operands))})", f"{primitive}({', '.join(shown)})", result)
            )
            known[name] = result
        posts = [f"{p.result} = {p.field}" if p.field else f"{p.result}: {p.source} -> {p.target}" for p in found.posts]
        out.append(Program(item.rule, found.says, dict(item.inputs), tuple(steps), tuple(posts)))
    return out


def _postings(state: State, event: Mapping[str, Any], record: Any) -> list[Posting]:
    losses = {e["loss"]: e["account"] for e in record.events if e["kind"] == "loss_recognised"}
    rows = list(state.ledger.rows())
    written = {(rows[s][0], rows[t][0], units, code) for s, t, units, code in record.transfers}
    out = []
    for p in postings_of(event, losses):
        asset = state.asset(state.asset_index[p.asset])
        units = p.amount if p.minor else asset.to_minor(p.amount)
        amount = Terms({asset.name: asset}, {}).exact(asset.name, asset.to_book(units))
        out.append(
            Posting(p.source, p.target, p.asset, amount, units, p.code, (p.source, p.target, units, p.code) in written)
        )
    return out


def _avoided_words(a: Avoided, terms: Terms, event: Mapping[str, Any]) -> str:
    if a.kind == "collateral":
        what = "this would not have happened in this queue" if event["kind"] == "deleveraged" else "not at risk"
        return f"{terms.exact(a.asset, a.value)} {a.asset} more collateral: {what} ({a.checked})"
    if a.kind == "mark":
        return f"{a.market} at {terms.mark(a.market, a.value)}, other marks as they were: not at risk ({a.checked})"
    if a.kind == "size":
        return f"a position of at most {terms.size(a.market, a.value)} ({a.value:,} lots) in {a.market} ({a.checked})"
    return a.note

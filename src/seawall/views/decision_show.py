"""An explanation on paper: for a terminal in 80 columns, and as a fragment of HTML."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seawall.views.decision_queue import Queued
    from seawall.views.decision_values import Decision, Explanation, Numbers, Program

STORY_HEAD, STORY_TAIL = 24, 8
POSTINGS = 12


SHOWN = 5  # items of a long list


def as_text(x: Explanation, width: int) -> str:
    """For a terminal: nothing is wider than ``width``, no colour."""
    out = [*_wrapped(f"{x.subject} in {x.event} under {x.policy_name}", width), f"policy {x.policy_hash}"]
    if x.untouched is not None:
        out.append("")
        for words in x.untouched.words:
            out += _wrapped(words, width)
    if len(x.story) > 1 or not x.decisions:
        out += _story(x, width)
    before: Decision | None = None
    for decision in x.decisions:
        out += ["", *_decision(decision, before, width)]
        before = decision
    if x.more:
        out += ["", *_wrapped(f"{len(x.more)} more: seawall explain {x.run} {x.more[0]}", width, hang="  ")]
        out += _wrapped(", ".join(x.more[:12]) + (", ..." if len(x.more) > 12 else ""), width, "  ", "  ")
    if any(d.programs for d in x.decisions):
        units = ", ".join(f"1 {name} = {n:,}" for name, n in x.units.items())
        out += ["", *_wrapped(f"Programs count whole book units: {units}.", width)]
    return "\n".join(line.rstrip() for line in out)


def _story(x: Explanation, width: int) -> list[str]:
    out = ["", "what happened (UTC)"] if x.story else []
    rows = list(x.story)
    if len(rows) > STORY_HEAD + STORY_TAIL:
        told = ", ".join(f"{n:,} {kind.replace('_', ' ')}" for kind, n in x.counts.items())
        out = ["", *_wrapped(f"{sum(x.counts.values()):,} events: {told}", width), *out[1:]]
    cut = len(rows) - STORY_HEAD - STORY_TAIL
    day = ""
    for number, (event, time, words) in enumerate(rows):
        if cut > 0 and STORY_HEAD <= number < STORY_HEAD + cut:
            if number == STORY_HEAD:
                out.append(f"  ... {cut:,} more event{'' if cut == 1 else 's'}; --json has them all ...")
            continue
        if time[:10] != day:
            day = time[:10]
            out.append(f"  {day}")
        out += _wrapped(words, width, f"  {time[11:]} {event:>8}  ", " " * 21)
    return out


def _decision(d: Decision, before: Decision | None, width: int) -> list[str]:
    """One event; what is as in the one before is not said again."""
    out = ["-" * width, *_wrapped(f"{d.id}  {d.time} UTC  {d.kind.replace('_', ' ')}", width)]
    named = any(d.words.startswith(str(d.event.get(key, "\0"))) for key in ("account", "holder", "buyer"))
    out += _wrapped((d.words if named else d.words[:1].upper() + d.words[1:]) + ".", width)
    if d.keys:
        out += _wrapped(", ".join(f"{key} = {value}" for key, value in d.keys), width, "policy   ", " " * 9)
    if d.numbers is not None and before is not None and _alike(d.numbers, before.numbers):
        out += ["", f"{d.numbers.account} {d.numbers.when}: as above"]
    elif d.numbers is not None:
        out += ["", *_numbers(d.numbers, width)]
    if d.layers:
        out += ["", "layers before it"]
        out += [line for words in d.layers for line in _wrapped(words, width, "  ", "    ")]
    if d.queue is not None and before is not None and d.queue == before.queue:
        out += ["", f"the queue in {d.queue.market}: as above"]
    elif d.queue is not None:
        out += ["", *_queue(d.queue, width)]
    if d.programs:
        out += ["", "recompute it"]
        for program in d.programs:
            out += _program(program, width)
    if d.postings:
        out += ["", "postings"]
        for p in d.postings[:POSTINGS]:
            mark = "" if p.in_log else "  NOT IN THE LOG"
            out += _wrapped(f"{p.amount} {p.asset}  {p.source} -> {p.target}  ({p.code}){mark}", width, "  ", "    ")
        if len(d.postings) > POSTINGS:
            out.append(f"  ... {len(d.postings) - POSTINGS:,} more; --json has them all ...")
    if d.avoided and before is not None and d.avoided == before.avoided:
        out += ["", "what would have avoided it: as above"]
    elif d.avoided:
        out += ["", "what would have avoided it"]
        out += [line for words in d.avoided for line in _wrapped(words, width, "  - ", "    ")]
    return out


def _alike(a: Numbers, b: Numbers | None) -> bool:
    """The same numbers, whatever moment they are of."""
    return b is not None and replace(a, when=b.when) == b


def _numbers(n: Numbers, width: int) -> list[str]:
    out = _wrapped(f"{n.account} {n.when}: equity {n.equity}, maintenance {n.maintenance} {n.asset}", width)
    out += _wrapped("cash " + ", ".join(f"{v} {k}" for k, v in n.cash.items()), width, "  ", "    ")
    for p in n.positions:
        side = "long" if p.lots > 0 else "short"
        words = f"{side} {p.size} of {p.market}, entered at {p.entry}, mark {p.mark}, profit {p.profit}, requires {p.requirement}"
        out += _wrapped(words, width, "  ", "    ")
    return out


def _queue(q: Queued, width: int) -> list[str]:
    out = _wrapped(
        f"the queue in {q.market} ({q.rule}): {q.size:,} accounts, the first {q.reached:,} were reached for "
        f"{q.asked_lots:,} lots",
        width,
    )
    rows = [("rank", "account", "score", "lots", "taken")]
    rows += [
        (f"{'>' if p.this else ' '}{p.rank}", p.account, f"{p.score:,}", f"{p.lots:,}", f"{p.taken:,}")
        for p in q.places
    ]
    out += list(_columns(rows, width))
    mine = next((p for p in q.places if p.this), None)
    if mine is not None and mine.parts:
        parts = ", ".join(f"{name} {value:,}" for name, value in mine.parts.items())
        out += _wrapped(f"its score comes from {parts}", width, "  ", "    ")
    return out


def _columns(rows: Sequence[Sequence[str]], width: int) -> Iterator[str]:
    sizes = [max(len(r[i]) for r in rows) for i in range(len(rows[0]))]
    sizes[1] = min(sizes[1], width - sum(sizes) + sizes[1] - 2 * len(sizes))
    for row in rows:
        cells = [f"{c[:s]:<{s}}" if i < 2 else f"{c:>{s}}" for i, (c, s) in enumerate(zip(row, sizes, strict=True))]
        yield "  " + "  ".join(cells)


def _program(p: Program, width: int) -> list[str]:
    out = _wrapped(f"{p.rule}: {p.says}", width, "  ", "    ")
    for step in p.steps:
        out += _wrapped(
            f"{step.name} = {_short(step.values)} = {_short(str(step.result))}", width, "      ", "        "
        )
    return out


def _short(text: str) -> str:
    """Each long list of numbers shows its first ones whole and says how many there are; --json has all of them."""

    def cut(found: re.Match[str]) -> str:
        items = found.group(1).split(", ")
        return found.group(0) if len(items) <= SHOWN + 1 else f"[{', '.join(items[:SHOWN])}, ... {len(items)} in all]"

    return re.sub(r"\[([^\[\]]*)\]", cut, text)


def _wrapped(text: str, width: int, first: str = "", hang: str = "") -> list[str]:
    return textwrap.wrap(text, width, initial_indent=first, subsequent_indent=hang, break_on_hyphens=False) or [first]


# ---- HTML


def as_html(x: Explanation) -> str:
    """A fragment: tables and paragraphs under ``<section class="explanation">``."""
    parts = [f'<section class="explanation"><h3>{escape(x.subject)}</h3>']
    parts.append(f"<p>{escape(x.event)} under {escape(x.policy_name)} <code>{x.policy_hash[:12]}</code></p>")
    if x.untouched is not None:
        parts += [f"<p>{escape(words)}</p>" for words in x.untouched.words]
    if len(x.story) > 1:
        parts.append(_table(("time (UTC)", "event", "what happened"), [(t, i, w) for i, t, w in x.story]))
    parts += [_decision_html(d) for d in x.decisions]
    return "".join(parts) + "</section>"


def _decision_html(d: Decision) -> str:
    parts = [f"<article><h4>{escape(d.id)} {escape(d.kind.replace('_', ' '))}, {d.time} UTC</h4>"]
    parts.append(f"<p>{escape(d.words)}.</p>")
    if d.keys:
        parts.append("<p>" + ", ".join(f"<code>{escape(k)} = {escape(v)}</code>" for k, v in d.keys) + "</p>")
    if d.numbers is not None:
        n = d.numbers
        parts.append(
            f"<p>{escape(n.account)} {n.when}: equity {n.equity}, maintenance {n.maintenance} {escape(n.asset)}</p>"
        )
        rows = [(p.market, f"{p.lots:,}", p.entry, p.mark, p.profit, p.requirement) for p in n.positions]
        if rows:
            parts.append(_table(("market", "lots", "entry", "mark", "profit", "requires"), rows))
    if d.layers:
        parts.append("<ul>" + "".join(f"<li>{escape(w)}</li>" for w in d.layers) + "</ul>")
    if d.queue is not None:
        places = [
            (p.rank, p.account, f"{p.score:,}", f"{p.lots:,}", f"{p.taken:,}", "this one" if p.this else "")
            for p in d.queue.places
        ]
        parts.append(f"<p>{d.queue.size:,} accounts in the queue, the first {d.queue.reached:,} were reached.</p>")
        parts.append(_table(("rank", "account", "score", "lots", "taken", ""), places))
    for program in d.programs:
        parts.append(f"<p><code>{escape(program.rule)}</code> {escape(program.says)}</p>")
        steps = [(s.name, s.text, _short(s.values), _short(str(s.result))) for s in program.steps]
        parts.append(_table(("result", "step", "with numbers", "is"), steps))
    if d.postings:
        moved = [(p.source, p.target, p.amount, p.asset, p.code) for p in d.postings[:POSTINGS]]
        parts.append(_table(("from", "to", "amount", "asset", "code"), moved))
        if len(d.postings) > POSTINGS:
            parts.append(f"<p>and {len(d.postings) - POSTINGS:,} more</p>")
    if d.avoided:
        parts.append("<p>What would have avoided it:</p>")
        parts.append("<ul>" + "".join(f"<li>{escape(w)}</li>" for w in d.avoided) + "</ul>")
    return "".join(parts) + "</article>"


def _table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    top = "".join(f"<th>{escape(h)}</th>" for h in head)
    body = "".join("<tr>" + "".join(f"<td>{escape(str(c))}</td>" for c in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"

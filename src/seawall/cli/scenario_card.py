"""Scenarios in the terminal: a list and a card, right in 80 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

import typer

from seawall.scenario import Scenario, Script
from seawall.scenario.incidents import as_plain
from seawall.tables.scenario_pages import actor_text, asset_row, feed_text, incident_text, window

WIDTH = 78


def scenario_list(found: Sequence[Scenario]) -> None:
    """One event a line or two: name and title, with kind and number of coins."""
    name = max(len(s.name) for s in found)
    for s in found:
        text = f"{s.name:<{name}}  {s.title} ({s.kind}, {len(s.assets)} coins)"
        typer.echo(textwrap.fill(text, WIDTH, subsequent_indent=" " * (name + 2)))


def scenario_card(s: Scenario) -> None:
    """Everything about one event but its points; ``--toml`` prints those."""
    typer.echo(textwrap.fill(f"{s.name}: {s.title}", WIDTH))
    typer.echo("")
    _line("window", window(s))
    _line("kind", s.kind)
    typer.echo("")
    typer.echo(f"{'asset':<10}{'at the start':>16}{'lowest':>12}{'highest':>12}{'depth in 1 %':>16}")
    for asset in s.assets:
        row = asset_row(s, asset)
        typer.echo(f"{row[0]:<10}{row[1]:>16}{row[2]:>12}{row[3]:>12}{row[4]:>16}")
    minute, share = s.depth.lowest
    typer.echo("")
    _line("depth", f"of the day's normal at worst {share:.0%}, in minute {minute:g}")
    for asset, path in s.assets.items():
        if path.depth is not None:
            _line("", f"{asset} has its own: {path.depth.highest[1]:g} to {path.depth.lowest[1]:g} of normal")
    for minute, rate in s.funding:
        _line("funding", f"{float(rate):+.5%} of notional in minute {minute}")
    for asset, path in s.assets.items():
        for feed in path.feeds:
            _line("index", f"{asset}, {feed_text(s, feed)}")
    for number in range(len(s.actors)):
        _line("actor", actor_text(s, number))
    for incident in s.incidents:
        _line("incident", incident_text(incident))
    for name, text in (("notes", s.notes), ("good", s.good_outcome), ("bad", s.bad_outcome)):
        if text:
            _line(name, text)
    for source in s.sources:
        _line("source", f"{source.text} ({source.date})")


def script_list(found: Sequence[Script]) -> None:
    """One script a line or two: name, title and number of incidents."""
    name = max(len(s.name) for s in found)
    for s in found:
        text = f"{s.name:<{name}}  {s.title} ({len(s.incidents)} incidents)"
        typer.echo(textwrap.fill(text, WIDTH, subsequent_indent=" " * (name + 2)))


def script_card(s: Script) -> None:
    """Everything about a script of incidents."""
    typer.echo(textwrap.fill(f"{s.name}: {s.title}", WIDTH))
    typer.echo("")
    for incident in s.incidents:
        _line("", incident_text(incident))
    typer.echo("")
    if s.notes:
        _line("notes", " ".join(s.notes.split()))
    for text, date in s.sources:
        _line("source", f"{text} ({date})")


def script_document(s: Script) -> dict[str, Any]:
    """A script as plain data, for ``--json``."""
    return {
        "name": s.name,
        "title": s.title,
        "kind": "incidents",
        "incidents": [as_plain(i) for i in s.incidents],
        "sources": [{"text": text, "date": date} for text, date in s.sources],
        "notes": s.notes,
    }


def _line(name: str, text: str) -> None:
    typer.echo(textwrap.fill(text, WIDTH, initial_indent=f"{name:<10}", subsequent_indent=" " * 10))


def scenario_document(s: Scenario) -> dict[str, Any]:
    """One event as plain data, for ``--json``."""
    return {
        "name": s.name,
        "title": s.title,
        "kind": s.kind,
        "date": s.date,
        "start_ns": s.start_ns,
        "minutes": s.minutes,
        "step_s": s.step_s,
        "assets": {
            a: {
                "price": p.price,
                "anchors": p.ratio.points,
                "dislocation": p.dislocation.points,
                "normal_depth": p.normal_depth,
                "depth": None if p.depth is None else p.depth.points,
                "feeds": [
                    {
                        "name": f.name,
                        "follows": f.follows.value,
                        "ratio": f.ratio.points,
                        "floor": f.floor,
                        "ceiling": f.ceiling,
                        "average_minutes": f.average_minutes,
                        "pinned": f.pinned,
                        "outage": f.outage,
                    }
                    for f in p.feeds
                ],
            }
            for a, p in s.assets.items()
        },
        "actors": [
            {
                "name": a.name,
                "owner": a.owner,
                "role": a.role,
                "wallets": a.wallets,
                "cash": str(a.cash),
                "positions": [{"asset": h.asset, "notional": str(a.notional(h))} for h in a.holdings],
                "text": a.text,
            }
            for a in s.actors
        ],
        "depth": s.depth.points,
        "funding": s.funding,
        "incidents": [as_plain(i) for i in s.incidents],
        "sources": [{"text": x.text, "date": x.date} for x in s.sources],
        "notes": s.notes,
        "good_outcome": s.good_outcome,
        "bad_outcome": s.bad_outcome,
    }

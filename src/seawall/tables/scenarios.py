"""Scenarios by name or file."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType
from typing import Any

from seawall.errors import InputError
from seawall.scenario import Actor, AssetPath, Curve, Follows, Holding, IndexFeed, Scenario, Source
from seawall.tables.incidents import read_incidents
from seawall.tables.keys import Table
from seawall.tables.shipped import library_names, library_text, named_or_file

FLAT = Curve(((0.0, 1.0),))
ROLES = ("trader", "market_maker")
SMALLEST = Fraction(1, 10**12)  # prices and ratios outside 1e-12 to 1e12 are typing errors


def scenario_names() -> list[str]:
    """Names in the library, sorted."""
    return library_names("scenarios")


def scenario_text(name: str) -> str:
    """The TOML of a library scenario, as shipped."""
    return library_text("scenarios", name)


def load_scenario(source: str | Path) -> Scenario:
    """A scenario from the library or a TOML file.

    Raises:
        InputError: unknown name (the nearest is given), or a file that cannot be used (key path given).
    """
    return _parse(*named_or_file(source, "scenarios", "scenario", "event"))


def _parse(text: str, where: str) -> Scenario:
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError("not valid TOML", where=where, value=str(error)) from None
    top = Table(data, where)
    start = data.get("start")
    top.has("start")
    if not isinstance(start, datetime) or start.tzinfo is None:
        top.fail("start", "not a time with a zone", "2025-10-10T20:45:00Z")
    top.has("date")
    assets = {}
    folder = top.must("assets")
    for name in folder.data:
        assets[name] = _asset(folder.must(name))
    if not assets:
        top.fail("assets", "scenario has no assets", "a table [assets.BTC]")
    depth = top.must("depth")
    funding = top.table("funding")
    minutes = top.whole("minutes", low=1)
    scenario = Scenario(
        name=top.text("name"),
        title=top.text("title"),
        date=str(data.get("date", "")),
        start_ns=int(start.astimezone(UTC).timestamp()) * 10**9,
        minutes=minutes,
        assets=MappingProxyType(assets),
        depth=_curve(depth, "anchors"),
        funding=() if funding is None else _points(funding, "anchors"),
        sources=tuple(_source(t) for t in top.rows("sources")),
        notes=top.text("notes", ""),
        good_outcome=top.text("good_outcome", ""),
        bad_outcome=top.text("bad_outcome", ""),
        kind=top.choice("kind", ("crash", "manipulation"), "crash"),
        step_s=top.whole("step_s", 15, low=1),
        actors=tuple(_actor(t, list(assets)) for t in top.rows("actors")),
        incidents=read_incidents(top, minutes),
    )
    if not scenario.sources:
        top.fail("sources", "scenario names no source", "[[sources]] with text and date")
    for table in (depth, funding, folder, top):
        if table is not None:
            table.done()
    return scenario


def _source(t: Table) -> Source:
    t.has("date")
    source = Source(t.text("text"), str(t.data.get("date", "")))
    t.done()
    return source


def _asset(t: Table) -> AssetPath:
    price = t.fraction("price", low=SMALLEST, high=1 / SMALLEST)
    path = AssetPath(
        price=float(price),
        ratio=_curve(t, "anchors"),
        dislocation=_curve(t, "dislocation") if t.has("dislocation") else FLAT,
        normal_depth=float(t.whole("normal_depth", low=1)),
        depth=_curve(t, "depth") if t.has("depth") else None,
        feeds=tuple(_feed(row) for row in t.rows("feeds")),
    )
    t.done()
    return path


def _feed(t: Table) -> IndexFeed:
    floor, ceiling = (t.maybe_fraction(k, low=SMALLEST, high=1 / SMALLEST) for k in ("floor", "ceiling"))
    feed = IndexFeed(
        name=t.text("name"),
        follows=Follows(t.choice("follows", [f.value for f in Follows], "index")),
        ratio=_curve(t, "ratio") if t.has("ratio") else FLAT,
        floor=None if floor is None else float(floor),
        ceiling=None if ceiling is None else float(ceiling),
        average_minutes=float(t.whole("average_minutes", 0)),
        pinned=_windows(t, "pinned"),
        outage=_windows(t, "outage"),
    )
    t.done()
    return feed


def _windows(t: Table, key: str) -> tuple[tuple[float, float], ...]:
    """[[from, to], ...] in whole minutes; none when the key is absent."""
    if not t.has(key):
        return ()
    rows: Any = t.data[key]
    if not isinstance(rows, list) or not all(
        isinstance(r, list) and len(r) == 2 and all(type(m) is int for m in r) for r in rows
    ):
        t.fail(key, "bad value", "[[from minute, to minute], ...]")
    return tuple((float(a), float(b)) for a, b in rows)


def _actor(t: Table, assets: list[str]) -> Actor:
    name = t.text("name")
    holdings = []
    for row in t.rows("positions"):
        sizes = [row.maybe_fraction(k, low=-1 / SMALLEST, high=1 / SMALLEST) for k in ("notional", "leverage")]
        holdings.append(Holding(row.choice("asset", assets), *sizes))
        row.done()
    actor = Actor(
        name=name,
        owner=t.text("owner", name),
        cash=t.fraction("cash", high=1 / SMALLEST),
        holdings=tuple(holdings),
        wallets=t.whole("wallets", 1, low=1),
        role=t.choice("role", ROLES, "trader"),
        text=t.text("text", ""),
    )
    t.done()
    return actor


def _points(t: Table, key: str) -> tuple[tuple[int, str], ...]:
    t.has(key)
    rows: Any = t.data.get(key)
    if not isinstance(rows, list) or not all(
        isinstance(r, list) and len(r) == 2 and type(r[0]) is int and isinstance(r[1], str) for r in rows
    ):
        t.fail(key, "bad value", '[[minute, "ratio"], ...]')
    for row in rows:
        try:
            number = abs(Fraction(row[1]))
        except (ValueError, ZeroDivisionError):
            t.fail(key, f"{row[1]!r} is not a decimal", '[[minute, "ratio"], ...]')
        if number and not SMALLEST <= number <= 1 / SMALLEST:
            t.fail(key, f"{row[1]!r} is out of range", f"{float(SMALLEST)} to {float(1 / SMALLEST)}")
    return tuple((int(m), str(v)) for m, v in rows)


def _curve(t: Table, key: str) -> Curve:
    points = [(float(m), float(Fraction(v))) for m, v in _points(t, key)]
    return Curve.of(points, where=t.where, field=t.at(key))

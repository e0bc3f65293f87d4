"""``replay``: the one call behind the command line and Python."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace as with_changes
from datetime import UTC, datetime
from pathlib import Path as FilePath
from types import ModuleType
from typing import Any

from seawall.engine import Policy
from seawall.errors import InputError
from seawall.margin import BookSnapshot
from seawall.market import Kind, MarkRule
from seawall.models import BiddingParameters, ResponseParameters
from seawall.replay.driver import Progress, Replay
from seawall.replay.generator import MarketSeed, generate_book, parse_generate
from seawall.replay.paths import Observations, Path, bars_path, scenario_path
from seawall.replay.run import Run
from seawall.scenario import Scenario, Script
from seawall.scenario.incidents import as_plain
from seawall.tables.frames import file_hash
from seawall.tables.incidents import incidents_of
from seawall.tables.keys import nearest
from seawall.tables.policies import read_policy
from seawall.tables.prices import PriceTable, read_prices
from seawall.tables.scenarios import load_scenario
from seawall.tables.symbols import DOLLARS, Feed, parse_symbol, read_map


def replay(
    book: BookSnapshot | str,
    prices: Any,
    policy: Policy | str | FilePath = "hyperliquid",
    *,
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
    out: str | FilePath | None = None,
    threads: int = 1,
    progress: Progress | None = None,
) -> Run:
    """Run a book through a price path under a policy.

    Args:
        book: a book from ``read_book``, or ``"generate:accounts=...,seed=..."``.
        prices: a scenario (name or object), or a price file or frame.
        policy: preset name, TOML file, or policy.
        index: price file or frame of index sources, for banded marks.
        mapping: map file or frame; without one, symbols are matched by their base coin.
        start, end: window, ISO times (UTC), inclusive.
        symbols: only these symbols (of the price file) or assets (of the scenario).
        path: how a bar becomes marks: "ohlc", "high_first", "low_first", "close".
        marks: "last" or "banded"; None: as the policy says.
        response: how the market answers close-outs.
        incidents: what happens beside the prices: a script by name or file, a ``Script``, or a list of incidents; beside
            those of the scenario.
        bidding: how members and others bid, where the policy holds auctions.
        out: run directory to write (new or empty); None: nothing is written.
        threads: threads of full margin passes; the result is the same with any number.
        progress: called with (steps done, steps in all, text).

    Raises:
        InputError: input that cannot be used; nothing is written then.
    """
    rules = read_policy(policy)
    mark_rule = mark_rule_for(rules, marks)
    script = incidents_of(incidents)
    found = path_for(prices, book, index, mapping, start, end, symbols, path).with_incidents(script)
    engine = Replay(
        found, rules, marks=mark_rule, response=response, bidding=bidding, threads=threads, progress=progress
    )
    snapshot = engine.open(lambda first: book_for(book, found, first))
    options = {
        "prices": name_of(prices),
        "index": None if index is None else name_of(index),
        "map": None if mapping is None else name_of(mapping),
        "from": start,
        "to": end,
        "symbols": None if symbols is None else list(symbols),
        "path": path,
        "marks": engine.policy.marks.kind,
        "book": book if isinstance(book, str) else dict(snapshot.source),
        **({"incidents": [as_plain(i) for i in found.incidents]} if found.incidents else {}),
    }
    inputs = [
        {"name": FilePath(p).name, "sha256": file_hash(FilePath(p))}
        for p in (prices, index, mapping, incidents)
        if isinstance(p, str | FilePath) and FilePath(p).is_file()
    ]
    return engine.run(snapshot, out=None if out is None else FilePath(out), inputs=inputs, options=options)


def compare_marks(run: Run, *arguments: Any, **options: Any) -> dict[str, Any]:
    """The same replay under the other way of making marks: who is liquidated under one and not the other.

    Args:
        run: the replay as it was done; ``arguments`` and ``options``: what it was called with.

    Returns:
        {"under": ..., "against": ..., "both", "only_<rule>" counts, and what it came to "against"}; ``complete`` is
        False when either run was interrupted.
    """
    mine = run.summary["mark_rule"]
    other = "banded" if mine == "last" else "last"
    again = replay(*arguments, **{**options, "marks": other, "out": None})
    return {
        "under": mine,
        "against": other,
        "complete": not (run.summary["interrupted"] or again.summary["interrupted"]),
        "both": len(run.liquidated & again.liquidated),
        f"only_{mine}": len(run.liquidated - again.liquidated),
        f"only_{other}": len(again.liquidated - run.liquidated),
        "against_bad_debt": again.summary["bad_debt"],
        "against_deleveraged": again.summary["deleveraged"]["accounts"],
        "against_state_hash": again.summary["state_hash"],
    }


def mark_rule_for(policy: Policy, marks: str | None) -> MarkRule | None:
    """The policy's mark rule turned to "last" or "banded"; None: as the policy says.

    Raises:
        InputError: another name.
    """
    if marks is None:
        return None
    if marks not in ("last", "banded"):
        raise InputError("unknown mark rule", field="marks", value=marks, expected=nearest(marks, ["last", "banded"]))
    return with_changes(policy.marks, kind=marks)


def name_of(source: Any) -> str:
    """What a price source or a script is called in results: its name, file name, or type."""
    if isinstance(source, Scenario | Script):
        return source.name
    if isinstance(source, str | FilePath):
        return FilePath(source).name
    return type(source).__name__


def book_for(book: BookSnapshot | str, path: Path, first: dict[str, float]) -> BookSnapshot:
    """The book itself, or the one generated over the markets that have a first price.

    Raises:
        InputError: neither a book nor ``generate:...``.
    """
    if isinstance(book, BookSnapshot):
        return book
    if not book.startswith("generate"):
        raise InputError("not a book", field="book", value=book, expected="a book or generate:accounts=...,seed=...")
    seeds = []
    for feed in path.feeds:
        if feed.market not in first:
            continue
        symbol = parse_symbol(feed.trade[1]) or parse_symbol(feed.market)
        if symbol is None:  # scenario markets are named BASE-PERP
            base, quote, inverse = feed.market.removesuffix("-PERP"), "USD", False
        else:
            base, quote, inverse = symbol
        seeds.append(MarketSeed(feed.market, base, quote, inverse, first[feed.market]))
    return generate_book(parse_generate(book), seeds)


def path_for(
    prices: Any,
    book: BookSnapshot | str,
    index: Any,
    mapping: Any,
    start: str | None,
    end: str | None,
    symbols: Sequence[str] | None,
    path: str,
) -> Path:
    """The price path of what ``replay`` was asked; ``book`` only says which markets are priced."""
    if isinstance(prices, str) and not FilePath(prices).is_file() and not prices.endswith((".csv", ".parquet")):
        prices = load_scenario(prices)
    if isinstance(prices, Scenario):
        if symbols:
            prices = prices.only([s.removesuffix("-PERP") for s in symbols])
        found = scenario_path(prices)
        return _for_book(found, book)
    table = read_prices(prices)
    indexes = None if index is None else read_prices(index, where="index")
    feeds = _feeds(table, indexes, mapping, symbols, book)
    name = FilePath(prices).stem if isinstance(prices, str | FilePath) else "prices"
    return bars_path(
        name, table, feeds, index=indexes, rule=path, start_ns=_time(start, "from"), end_ns=_time(end, "to")
    )


def _for_book(path: Path, book: BookSnapshot | str) -> Path:
    """Scenario markets of a user's own book are matched by base coin; options are not, a scenario does not price them."""
    if isinstance(book, str):
        return path
    known = {f.market.removesuffix("-PERP"): f for f in path.feeds}
    unpriced = [i.symbol for i in book.instruments if i.kind is Kind.OPTION or i.base not in known]
    if unpriced:
        raise InputError(
            "scenario has no price for a market of the book",
            where=f"scenario {path.name}",
            field="market",
            value=", ".join(unpriced),
            expected="perpetuals and futures on " + ", ".join(known),
        )
    origin = {i.symbol: known[i.base].market for i in book.instruments}
    stream, depth, normal = path.stream, path.depth, path.normal_depth

    def renamed() -> Iterator[Observations]:
        for seen in stream():
            prices = dict(seen.trades)
            yield with_changes(
                seen,
                trades=tuple((symbol, prices[was]) for symbol, was in origin.items() if was in prices),
                funding={
                    i.symbol: seen.funding[origin[i.symbol]]
                    for i in book.instruments
                    if i.kind is Kind.PERPETUAL and origin[i.symbol] in seen.funding
                },
            )

    feeds = tuple(with_changes(known[i.base], market=i.symbol) for i in book.instruments)
    return with_changes(
        path,
        feeds=feeds,
        stream=renamed,
        depth=lambda market, t: depth(origin[market], t),
        normal_depth=None if normal is None else lambda market: normal(origin[market]),
    )


def _feeds(
    table: PriceTable, index: PriceTable | None, mapping: Any, symbols: Sequence[str] | None, book: BookSnapshot | str
) -> list[Feed]:
    if mapping is not None:
        return _mapped(table, index, mapping, symbols)
    pairs = table.symbols
    if symbols:
        names = {s for _, s in pairs}
        for symbol in symbols:
            if symbol not in names:
                raise InputError(
                    "no such symbol", where=table.where, field="symbols", value=symbol, expected=nearest(symbol, names)
                )
        pairs = [p for p in pairs if p[1] in set(symbols)]
    counts: dict[str, int] = {}
    for _, symbol in pairs:
        counts[symbol] = counts.get(symbol, 0) + 1
    by_base = _index_by_base(index)
    if isinstance(book, BookSnapshot):
        return _for_instruments(table, pairs, by_base, book)
    feeds = []
    for venue, symbol in pairs:
        market = symbol if counts[symbol] == 1 else f"{symbol}@{venue}"
        parsed = parse_symbol(symbol)
        feeds.append(Feed(market, (venue, symbol), by_base.get(parsed.base, ()) if parsed else ()))
    return feeds


def _index_by_base(index: PriceTable | None) -> dict[str, tuple[tuple[str, str], ...]]:
    """Dollar-quoted index symbols by base coin."""
    found: dict[str, list[tuple[str, str]]] = {}
    for pair in index.symbols if index is not None else []:
        parsed = parse_symbol(pair[1])
        if parsed is not None and parsed.quote in DOLLARS:
            found.setdefault(parsed.base, []).append(pair)
    return {base: tuple(pairs) for base, pairs in found.items()}


def _for_instruments(
    table: PriceTable,
    pairs: list[tuple[str, str]],
    by_base: dict[str, tuple[tuple[str, str], ...]],
    book: BookSnapshot,
) -> list[Feed]:
    feeds = []
    for instrument in book.instruments:
        exact = [p for p in pairs if p[1] == instrument.symbol]
        # An option's price is its own: only the exact symbol or a map names it.
        alike = [
            p
            for p in pairs
            if instrument.kind is not Kind.OPTION
            and (s := parse_symbol(p[1])) is not None
            and s.base == instrument.base
        ]
        found = exact or alike
        if not found:
            raise InputError(
                "no price for a market of the book",
                where=table.where,
                field="symbol",
                value=instrument.symbol,
                expected=nearest(instrument.symbol, [s for _, s in pairs]) + ", or a map file",
            )
        if len(found) > 1:
            raise InputError(
                "several symbols price one market",
                where=table.where,
                field="symbol",
                value=f"{instrument.symbol}: " + ", ".join(":".join(p) for p in found),
                expected="a map file that says which",
            )
        feeds.append(Feed(instrument.symbol, found[0], by_base.get(instrument.base, ())))
    return feeds


def _mapped(table: PriceTable, index: PriceTable | None, mapping: Any, symbols: Sequence[str] | None) -> list[Feed]:
    feeds = []
    for market, symbol, venue, sources in read_map(mapping):
        if symbols and symbol not in symbols and market not in symbols:
            continue
        matches = [p for p in table.symbols if p[1] == symbol and (not venue or p[0] == venue)]
        if len(matches) != 1:
            raise InputError(
                "symbol is not in the price file" if not matches else "symbol comes from several venues",
                where="map",
                field="symbol",
                value=f"{venue}:{symbol}" if venue else symbol,
                expected=nearest(symbol, [s for _, s in table.symbols]) if not matches else "a venue in the map",
            )
        known = index.symbols if index is not None else []
        pairs = []
        for source in sources:
            hits = [p for p in known if source in (p[1], ":".join(p))]
            if not hits:
                raise InputError(
                    "index symbol is not in the index file",
                    where="map",
                    field="index",
                    value=source,
                    expected=nearest(source, [s for _, s in known]) if known else "--index FILE",
                )
            pairs.extend(hits)
        feeds.append(Feed(market, matches[0], tuple(pairs)))
    return feeds


def _time(text: str | None, field: str) -> int | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InputError("not a time", field=field, value=text, expected="2025-10-10T21:00:00Z") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp()) * 10**9


class _CallablePackage(ModuleType):
    """``seawall.replay`` is a package and, as the public face has it, also the call ``seawall.replay(...)``."""

    __call__ = staticmethod(replay)


sys.modules["seawall.replay"].__class__ = _CallablePackage

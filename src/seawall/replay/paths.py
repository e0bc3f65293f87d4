"""Price paths: bars or a scenario as a stream of timed observations, market by market."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING

from seawall.errors import InputError
from seawall.scenario import Actor, Incident, IndexFeed, Printer, Scenario, check_incidents, ordered
from seawall.tables.keys import nearest
from seawall.tables.symbols import Feed

if TYPE_CHECKING:
    import polars as pl

    from seawall.tables.prices import PriceTable

SECOND = 10**9
MINUTE = 60 * SECOND


@dataclass(frozen=True, slots=True)
class Observations:
    """Everything that was seen at one time.

    ``trades``: (market, price); ``index``: (market or base, source, price); ``funding``: market -> exact rate, when it is due.
    """

    time_ns: int
    trades: tuple[tuple[str, float], ...]
    index: tuple[tuple[str, str, float], ...] = ()
    funding: Mapping[str, Fraction] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PathRule:
    """How a bar becomes marks. ``order`` gives the four prices' columns for a rising and for a falling bar."""

    name: str
    text: str
    rising: tuple[str, ...]
    falling: tuple[str, ...]


PATH_RULES: dict[str, PathRule] = {
    rule.name: rule
    for rule in (
        PathRule(
            "ohlc",
            "each bar becomes four marks: open, low, high, close if it closed at or above its open, "
            "else open, high, low, close; at 0, 1/4, 2/4 and 3/4 of the bar",
            ("open", "low", "high", "close"),
            ("open", "high", "low", "close"),
        ),
        PathRule(
            "high_first",
            "each bar becomes four marks: open, high, low, close, whichever way it went",
            ("open", "high", "low", "close"),
            ("open", "high", "low", "close"),
        ),
        PathRule(
            "low_first",
            "each bar becomes four marks: open, low, high, close, whichever way it went",
            ("open", "low", "high", "close"),
            ("open", "low", "high", "close"),
        ),
        PathRule("close", "each bar becomes one mark: its close, at 3/4 of the bar", ("close",), ("close",)),
    )
}


def path_rule(name: str) -> PathRule:
    """The rule of that name.

    Raises:
        InputError: no such rule.
    """
    if name not in PATH_RULES:
        raise InputError("unknown path rule", field="path", value=name, expected=nearest(name, PATH_RULES))
    return PATH_RULES[name]


@dataclass(frozen=True, slots=True)
class Path:
    """A path ready to run: the stream and what a report must say about it.

    ``depth(market, time_ns)`` is the notional within 1 % of the mark, in the quote currency; ``normal_depth(market)``
    what it is on a usual day, None where nothing is known of it. ``actors`` are added to the book at opening,
    ``incidents`` carried out on the way. ``notes`` are assumptions a reader must know, ``sources`` where the prices come from.
    """

    name: str
    title: str
    feeds: tuple[Feed, ...]
    stream: Callable[[], Iterator[Observations]]
    start_ns: int
    end_ns: int
    rule: str
    depth: Callable[[str, int], float]
    notes: tuple[str, ...]
    steps: int
    normal_depth: Callable[[str], float] | None = None
    actors: tuple[Actor, ...] = ()
    sources: tuple[str, ...] = ()
    incidents: tuple[Incident, ...] = ()

    def with_incidents(self, more: Sequence[Incident]) -> Path:
        """The path with more incidents beside its own.

        Raises:
            InputError: one outside the window, or two of one reference.
        """
        if not more:
            return self
        both = ordered([*self.incidents, *more])
        check_incidents(
            both, "incidents in order of minute", Fraction(self.end_ns - self.start_ns, MINUTE)
        )  # exact: Fraction
        return replace(self, incidents=both)


ONLY_SOURCE = (IndexFeed("scenario"),)  # the index itself, where a scenario names no sources


def scenario_path(scenario: Scenario, *, step_s: int | None = None) -> Path:
    """A scenario as a path: one market per asset, its sources, a mark every ``step_s`` seconds (None: as it says)."""
    step_s = scenario.step_s if step_s is None else step_s
    symbols = {asset: f"{asset}-PERP" for asset in scenario.assets}
    sources = {asset: path.feeds or ONLY_SOURCE for asset, path in scenario.assets.items()}
    feeds = tuple(Feed(symbols[a], ("scenario", symbols[a]), tuple((f.name, a) for f in sources[a])) for a in sources)
    end = scenario.start_ns + scenario.minutes * MINUTE
    due = {scenario.start_ns + minute * MINUTE: Fraction(rate) for minute, rate in scenario.funding}

    def stream() -> Iterator[Observations]:
        printers = {a: [Printer(f) for f in found] for a, found in sources.items()}
        for time_ns in range(scenario.start_ns, end + 1, step_s * SECOND):
            minute = (time_ns - scenario.start_ns) / MINUTE
            rate = due.get(time_ns)
            trades = {a: scenario.trade_price(a, minute) for a in scenario.assets}
            yield Observations(
                time_ns,
                tuple((symbols[a], price) for a, price in trades.items()),
                tuple(
                    (a, printer.feed.name, price)
                    for a in scenario.assets
                    for printer in printers[a]
                    if (price := printer.at(minute, scenario.index_price(a, minute), trades[a])) is not None
                ),
                {} if rate is None else dict.fromkeys(symbols.values(), rate),
            )

    of_symbol = {symbols[a]: a for a in scenario.assets}

    def depth(market: str, time_ns: int) -> float:
        asset = of_symbol[market]
        minute = (time_ns - scenario.start_ns) / MINUTE
        return scenario.assets[asset].normal_depth * scenario.depth_at(minute, asset)

    rule = f"prices between the scenario's points are log-linear, one mark every {step_s} s"
    return Path(
        scenario.name,
        scenario.title,
        feeds,
        stream,
        scenario.start_ns,
        end,
        rule,
        depth,
        _added(scenario),
        scenario.minutes * 60 // step_s + 1,
        lambda market: scenario.assets[of_symbol[market]].normal_depth,
        scenario.actors,
        tuple(f"{s.text} ({s.date})" for s in scenario.sources),
        scenario.incidents,
    )


def _added(scenario: Scenario) -> tuple[str, ...]:
    """What a result says of the actors: they are facts and assumptions of the scenario, not of the book."""
    if not scenario.actors:
        return ()
    told = "; ".join(
        f"{a.name} ({a.wallets} wallets, {float(a.cash):,.0f} of cash, "
        + ", ".join(f"{float(a.notional(h)):+,.0f} {h.asset}" for h in a.holdings)
        + ")"
        for a in scenario.actors
    )
    return (f"added to the book at opening: {told}; what they do later is part of the price path, not of a model",)


DEFAULT_DEPTH = 20_000_000.0


def bars_path(
    name: str,
    table: PriceTable,
    feeds: Sequence[Feed],
    *,
    index: PriceTable | None = None,
    rule: str = "ohlc",
    start_ns: int | None = None,
    end_ns: int | None = None,
    normal_depth: float = DEFAULT_DEPTH,
    warm_up: int = 8,
) -> Path:
    """Price files as a path.

    Args:
        table: trades of the markets; index: prices of the index sources.
        feeds: which symbol prices which market.
        start_ns, end_ns: window, inclusive; ``warm_up`` bars before it are seen by the oracle but not replayed.
        normal_depth: notional within 1 % of the mark, for every market. In the window depth shrinks with the
            range of the bar: halved when the bar spans 2 %, down to 0.15 of normal (the ratio of 10 October 2025).

    Raises:
        InputError: no price in the window, or a feed that is not in the file.
    """
    chosen = path_rule(rule)
    step = bar_length(table)
    known = set(table.symbols)
    for feed in feeds:
        if feed.trade not in known:
            raise InputError(
                "symbol is not in the price file",
                where=table.where,
                field="symbol",
                value=":".join(feed.trade),
                expected=nearest(":".join(feed.trade), [":".join(k) for k in known]),
            )
    low = start_ns - warm_up * step if start_ns is not None else None
    # One symbol may price several markets, so these are rows and not a mapping.
    wanted = [(*f.trade, f.market) for f in feeds]
    trades = _points(table, wanted, chosen, step, low, end_ns)
    if trades.height == 0:
        raise InputError("no prices in the window", where=table.where, field="from/to")
    spans = _spans(table, wanted, low, end_ns)
    phase = int(table.frame["time_ns"].min()) % step  # type: ignore[arg-type]  # bars need not start at whole steps
    first = start_ns if start_ns is not None else int(trades["time_ns"][0])
    last = int(trades["time_ns"][-1])
    sources = dict.fromkeys(pair for feed in feeds for pair in feed.index)
    indexed = None
    if index is not None and sources:
        rows = [(*pair, ":".join(pair)) for pair in sources]
        indexed = _points(index, rows, chosen, bar_length(index), low, end_ns)
    stream = _merged(trades, indexed, feeds)

    def depth(market: str, time_ns: int) -> float:
        span = spans.get((market, time_ns - (time_ns - phase) % step), 0.0)
        return normal_depth * max(0.15, 1 / (1 + span / 0.02))

    text = chosen.text if table.kind == "bars" else "each row is one mark"
    notes = [
        f"depth within 1 %: {normal_depth:,.0f} of the quote currency a market, halved when a bar spans 2 % (assumption)"
    ]
    if table.identical_dropped:
        notes.append(f"{table.identical_dropped} identical repeats dropped")
    if table.naive_times:
        notes.append("times without a zone were read as UTC")
    if table.ignored:
        notes.append("columns not used: " + ", ".join(table.ignored))
    steps = trades["time_ns"].n_unique()
    return Path(
        name, name, tuple(feeds), stream, first, last, text, depth, tuple(notes), steps, lambda market: normal_depth
    )


def _merged(
    trades: pl.DataFrame, indexed: pl.DataFrame | None, feeds: Sequence[Feed]
) -> Callable[[], Iterator[Observations]]:
    """Trades and index prices on one time axis, one ``Observations`` per time."""
    import polars as pl

    markets_of: dict[str, list[str]] = {}
    for feed in feeds:
        for pair in feed.index:
            markets_of.setdefault(":".join(pair), []).append(feed.market)

    def stream() -> Iterator[Observations]:
        rows = trades.with_columns(pl.lit(0).alias("what"))
        if indexed is not None:
            rows = pl.concat([rows, indexed.with_columns(pl.lit(1).alias("what"))]).sort("time_ns", "what", "key")
        at = -1
        seen: list[tuple[str, float]] = []
        other: list[tuple[str, str, float]] = []
        for time_ns, key, price, what in rows.select("time_ns", "key", "price", "what").iter_rows():
            if time_ns != at and (seen or other):
                yield Observations(at, tuple(seen), tuple(other))
                seen, other = [], []
            at = time_ns
            if what:
                other.extend((market, key, price) for market in markets_of[key])
            else:
                seen.append((key, price))
        if seen or other:
            yield Observations(at, tuple(seen), tuple(other))

    return stream


def bar_length(table: PriceTable) -> int:
    """Most common distance between rows of a symbol, in nanoseconds; a minute when there is only one row."""
    import polars as pl

    steps = table.frame.select(pl.col("time_ns").diff().over("venue", "symbol").alias("d")).filter(pl.col("d") > 0)
    if not steps.height:
        return MINUTE
    return int(steps["d"].mode().min())  # type: ignore[arg-type]


Keys = Sequence[tuple[str, str, str]]


def _window(table: PriceTable, keys: Keys, low: int | None, high: int | None) -> pl.DataFrame:
    """Rows of the wanted (venue, symbol, key) in the window."""
    import polars as pl

    names = pl.DataFrame(
        list(keys),
        schema={"venue": pl.String, "symbol": pl.String, "key": pl.String},
        orient="row",
    )
    frame = table.frame.join(names, on=["venue", "symbol"], how="inner")
    if low is not None:
        frame = frame.filter(pl.col("time_ns") >= low)
    if high is not None:
        frame = frame.filter(pl.col("time_ns") <= high)
    return frame


def _points(
    table: PriceTable, keys: Keys, rule: PathRule, step: int, low: int | None, high: int | None
) -> pl.DataFrame:
    """Rows (time_ns, key, price) in time order: the marks that the bars become."""
    import polars as pl

    frame = _window(table, keys, low, high)
    if table.kind != "bars":
        return frame.select("time_ns", "key", pl.col("close").alias("price")).sort("time_ns", "key")
    parts = []
    rising = pl.col("close") >= pl.col("open")
    count = len(rule.rising)
    for i in range(count):
        place = i if count == 4 else 3
        price = pl.when(rising).then(pl.col(rule.rising[i])).otherwise(pl.col(rule.falling[i]))
        parts.append(
            frame.select((pl.col("time_ns") + place * (step // 4)).alias("time_ns"), "key", price.alias("price"))
        )
    return pl.concat(parts).sort("time_ns", "key")


def _spans(table: PriceTable, keys: Keys, low: int | None, high: int | None) -> dict[tuple[str, int], float]:
    """(market, bar time) -> (high - low) / high."""
    import polars as pl

    frame = _window(table, keys, low, high)
    span = (pl.col("high") - pl.col("low")) / pl.col("high")
    rows = frame.select("key", "time_ns", span.alias("span")).iter_rows()
    return {(key, time_ns): value for key, time_ns, value in rows}

"""Price files: bars or single prices of many venues and symbols, checked and put in order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from seawall.errors import InputError
from seawall.tables.frames import Column, load_frame, select

if TYPE_CHECKING:
    import polars as pl

PRICE_COLUMNS = (
    Column(
        "time",
        "time",
        True,
        "start of the bar: UTC time, ISO text with a zone, or integer ms or ns",
        "2025-10-10T21:00:00Z",
        aliases=("timestamp", "datetime", "date"),
    ),
    Column(
        "symbol", "text", True, "symbol as the venue writes it", "BTCUSDT", aliases=("market", "ticker", "instrument")
    ),
    Column(
        "venue",
        "text",
        False,
        "where it traded; needed when a symbol comes from several",
        "binance",
        aliases=("exchange",),
    ),
    Column("open", "price", False, "first price of the bar", "114200.4"),
    Column("high", "price", False, "highest price of the bar", "114200.4"),
    Column("low", "price", False, "lowest price of the bar", "101516.5"),
    Column(
        "close", "price", True, "last price of the bar, or the price", "109183.0", aliases=("price", "last", "mark")
    ),
)
MAX_PRICE = 1e15
MS_FROM, NS_FROM = 10**11, 10**17


@dataclass(frozen=True, slots=True)
class PriceTable:
    """Checked prices, sorted by (time_ns, venue, symbol).

    ``frame`` has time_ns (int64), venue, symbol (text, venue "" when the file has none), open, high, low, close
    (float64). ``kind`` is "bars" or "prices" (one price a row, the four equal).
    """

    frame: pl.DataFrame
    kind: str
    where: str
    ignored: tuple[str, ...]
    identical_dropped: int
    naive_times: bool

    @property
    def symbols(self) -> list[tuple[str, str]]:
        """(venue, symbol) pairs, sorted."""
        return sorted(self.frame.select("venue", "symbol").unique().rows())


def read_prices(source: Any, *, where: str = "prices") -> PriceTable:
    """Read and check prices.

    Time must be ordered only within (venue, symbol). The key is (venue, symbol, time): identical repeats are dropped
    and counted.

    Raises:
        InputError: naming file, row, field, value and what is expected.
    """
    import polars as pl

    if isinstance(source, PriceTable):
        return source
    raw, where = load_frame(source, where)
    frame, ignored = select(raw, PRICE_COLUMNS, where)
    bars = {"open", "high", "low"} <= set(frame.columns)
    if not bars and {"open", "high", "low"} & set(frame.columns):
        missing = sorted({"open", "high", "low"} - set(frame.columns))
        raise InputError("a bar needs open, high, low and close", where=where, field=missing[0], expected="all four")
    frame = frame.with_row_index("row", offset=1)
    if "venue" not in frame.columns:
        frame = frame.with_columns(pl.lit("").alias("venue"))
    for name in ("symbol", "venue"):
        frame = frame.with_columns(pl.col(name).cast(pl.String))
        _refuse(frame, pl.col(name).is_null(), name, "is missing", "text", where)
    frame, naive = _times(frame, where)
    prices = ["open", "high", "low", "close"] if bars else ["close"]
    for name in prices:
        frame = _numbers(frame, name, where)
    if not bars:
        frame = frame.with_columns(pl.col("close").alias(n) for n in ("open", "high", "low"))
    else:
        _refuse(frame, pl.col("high") < pl.col("low"), "high", "high is below low", "high >= low", where, "low")
        top, bottom = pl.max_horizontal("open", "close"), pl.min_horizontal("open", "close")
        _refuse(frame, pl.col("high") < top, "high", "high is below open or close", "the highest price", where)
        _refuse(frame, pl.col("low") > bottom, "low", "low is above open or close", "the lowest price", where)
    frame, dropped = _unique(frame, where)
    _ordered(frame, where)
    frame = frame.sort("time_ns", "venue", "symbol").select(
        "time_ns", "venue", "symbol", "open", "high", "low", "close"
    )
    return PriceTable(frame, "bars" if bars else "prices", where, ignored, dropped, naive)


def _refuse(
    frame: pl.DataFrame, bad: pl.Expr, field: str, problem: str, expected: str, where: str, also: str | None = None
) -> None:
    found = frame.filter(bad)
    if found.height:
        first = found.row(0, named=True)
        value = first[field] if also is None else f"{field} {first[field]}, {also} {first[also]}"
        more = f"; {found.height - 1} more such rows" if found.height > 1 else ""
        raise InputError(
            problem + more,
            where=where,
            row=first["row"],
            field=field,
            value="nothing" if value is None else value,
            expected=expected,
        )


def _numbers(frame: pl.DataFrame, name: str, where: str) -> pl.DataFrame:
    import polars as pl

    _refuse(frame, pl.col(name).is_null(), name, "price is missing", "a price above 0", where)
    if not frame.schema[name].is_numeric():
        text = frame.with_columns(
            pl.col(name).cast(pl.String).str.strip_chars().cast(pl.Float64, strict=False).alias("_n")
        )
        _refuse(text, pl.col("_n").is_null(), name, "not a number", "a price above 0", where)
        frame = text.drop(name).rename({"_n": name})
    frame = frame.with_columns(pl.col(name).cast(pl.Float64))
    value = pl.col(name)
    _refuse(frame, value.is_nan(), name, "price is not a number", "a price above 0", where)
    _refuse(frame, value.is_infinite(), name, "price is infinite", "a price above 0", where)
    _refuse(frame, value <= 0, name, "price is zero or negative", "a price above 0", where)
    _refuse(frame, value > MAX_PRICE, name, "price is absurdly large", f"at most {MAX_PRICE:.0e}", where)
    return frame


def _times(frame: pl.DataFrame, where: str) -> tuple[pl.DataFrame, bool]:
    import polars as pl

    kind = frame.schema["time"]
    _refuse(frame, pl.col("time").is_null(), "time", "time is missing", "a UTC time", where)
    if isinstance(kind, pl.Datetime):
        column = pl.col("time")
        if kind.time_zone not in (None, "UTC"):
            column = column.dt.convert_time_zone("UTC")
        return frame.with_columns(column.dt.epoch("ns").alias("time_ns")), kind.time_zone is None
    if kind == pl.Date:
        return frame.with_columns(pl.col("time").cast(pl.Datetime("ns")).dt.epoch("ns").alias("time_ns")), True
    if kind == pl.String:
        return text_times(frame, where)
    if kind.is_integer() or kind.is_float():
        number = pl.col("time").cast(pl.Int64, strict=False)
        frame = frame.with_columns(number.alias("_n"))
        bad = pl.col("_n").is_null() | (pl.col("_n") < MS_FROM)
        _refuse(frame, bad, "time", "not a time", "milliseconds or nanoseconds since 1970", where)
        scaled = pl.when(pl.col("_n") < NS_FROM).then(pl.col("_n") * 10**6).otherwise(pl.col("_n"))
        return frame.with_columns(scaled.alias("time_ns")).drop("_n"), False
    raise InputError("not a column of times", where=where, field="time", value=str(kind), expected="UTC times")


def text_times(frame: pl.DataFrame, where: str) -> tuple[pl.DataFrame, bool]:
    """A text column ``time`` as ``time_ns``; True when the times bear no zone."""
    import polars as pl

    text = pl.col("time").str.strip_chars()
    if frame.select(text.str.contains(r"^\d{12,19}$").all()).item():
        return _times(frame.with_columns(text.cast(pl.Int64).alias("time")), where)
    zone = text.str.extract(r"(Z|UTC|[+-]\d{2}:?\d{2})$", 1).fill_null("none").str.replace("UTC", "Z")
    zone = pl.when(zone.is_in(["+00:00", "+0000", "-00:00"])).then(pl.lit("Z")).otherwise(zone)
    frame = frame.with_columns(zone.alias("_zone"))
    zones = frame["_zone"].unique().sort().to_list()
    if len(zones) > 1:
        first = frame["_zone"][0]
        _refuse(
            frame,
            pl.col("_zone") != first,
            "time",
            "time zones are mixed",
            f"one zone in the file (the first row has {first})",
            where,
        )
    bare = text.str.replace(r"\s*(Z|UTC|[+-]\d{2}:?\d{2})$", "").str.replace("T", " ")
    parsed = bare.str.to_datetime(time_unit="ns", strict=False)
    frame = frame.with_columns(parsed.alias("_t"))
    _refuse(frame, pl.col("_t").is_null(), "time", "not a time", "2025-10-10T21:00:00Z", where)
    offset = 0 if zones[0] in ("none", "Z") else _offset_ns(zones[0])
    frame = frame.with_columns((pl.col("_t").dt.epoch("ns") - offset).alias("time_ns")).drop("_t", "_zone")
    return frame, zones[0] == "none"


def _offset_ns(zone: str) -> int:
    digits = zone[1:].replace(":", "")
    minutes = int(digits[:2]) * 60 + int(digits[2:])
    return (-minutes if zone[0] == "-" else minutes) * 60 * 10**9


def _unique(frame: pl.DataFrame, where: str) -> tuple[pl.DataFrame, int]:
    import polars as pl

    key = ["venue", "symbol", "time_ns"]
    values = ["open", "high", "low", "close"]
    if not frame.select(pl.struct(key).is_duplicated().any()).item():
        return frame, 0
    kept = frame.unique([*key, *values], keep="first", maintain_order=True)
    again = kept.filter(pl.struct(key).is_duplicated())
    if again.height:
        clash = again.filter(pl.struct(key).is_first_distinct().not_()).row(0, named=True)
        raise InputError(
            "two rows for one venue, symbol and time differ",
            where=where,
            row=clash["row"],
            field="time",
            value=f"{clash['venue']} {clash['symbol']} {clash['time']}",
            expected="one row, or identical repeats",
        )
    return kept, frame.height - kept.height


def _ordered(frame: pl.DataFrame, where: str) -> None:
    import polars as pl

    step = pl.col("time_ns").diff().over("venue", "symbol")
    bad = frame.with_columns(step.alias("_d")).filter(pl.col("_d") < 0)
    if bad.height:
        first = bad.row(0, named=True)
        raise InputError(
            "time goes backwards within a symbol",
            where=where,
            row=first["row"],
            field="time",
            value=f"{first['venue']} {first['symbol']} {first['time']}",
            expected="times in order within (venue, symbol)",
        )

"""What a venue's symbol stands for, and which price feeds which market."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, NamedTuple

from seawall.errors import InputError
from seawall.tables.frames import Column, load_frame, select

QUOTES = ("USDT", "USDC", "FDUSD", "BUSD", "USD", "EUR", "BTC", "ETH")
COIN_MARGINED = re.compile(r"([A-Z0-9]+)(USD)(?:_PERP|_\d{6}|\.P|M)$")
DOLLARS = frozenset({"USD", "USDT", "USDC", "FDUSD", "BUSD"})


class Symbol(NamedTuple):
    """``coin_margined``: the name says that profit is paid in the base coin."""

    base: str
    quote: str
    coin_margined: bool


def parse_symbol(text: str) -> Symbol | None:
    """Base and quote of a venue symbol: BTCUSDT, BTC-USD, BTC/USDT:USDT, AAVEUSD_PERP. None when it is unclear."""
    name = text.strip().upper()
    if "/" in name:  # ccxt unified: BASE/QUOTE[:SETTLE]
        base, rest = name.split("/", 1)
        quote, _, settle = rest.partition(":")
        settle = settle.split("-")[0]
        return Symbol(base, quote, bool(settle) and settle == base) if base and quote else None
    found = COIN_MARGINED.fullmatch(name)
    if found:
        return Symbol(found[1], found[2], True)
    for separator in ("-", "_"):
        parts = name.split(separator)
        if len(parts) >= 2 and parts[1] in QUOTES and parts[0]:
            return Symbol(parts[0], parts[1], False)
    for quote in QUOTES:
        if name.endswith(quote) and len(name) > len(quote):
            return Symbol(name[: -len(quote)], quote, False)
    return None


@dataclass(frozen=True, slots=True)
class Feed:
    """Which (venue, symbol) is a market's last trade, and which are its index."""

    market: str
    trade: tuple[str, str]
    index: tuple[tuple[str, str], ...] = ()


MAP_COLUMNS = (
    Column("market", "text", True, "market of the book", "BTC-PERP"),
    Column("symbol", "text", True, "symbol in the price file that is its last trade", "BTCUSDT"),
    Column("venue", "text", False, "venue in the price file, if the symbol comes from several", "binance-um"),
    Column(
        "index",
        "text",
        False,
        "symbols in the index file, blanks between, each symbol or venue:symbol",
        "coinbase:BTC-USD",
    ),
)


def read_map(source: Any, *, where: str = "map") -> list[tuple[str, str, str, tuple[str, ...]]]:
    """Rows (market, symbol, venue, index symbols) of a map file.

    Raises:
        InputError: a market twice, or a missing column.
    """
    raw, where = load_frame(source, where)
    frame, _ = select(raw, MAP_COLUMNS, where)
    rows, seen = [], set()
    for number, row in enumerate(frame.to_dicts(), 1):
        market = str(row["market"])
        if market in seen:
            raise InputError("market is mapped twice", where=where, row=number, field="market", value=market)
        seen.add(market)
        rows.append(
            (market, str(row["symbol"]), str(row.get("venue") or ""), tuple(str(row.get("index") or "").split()))
        )
    return rows

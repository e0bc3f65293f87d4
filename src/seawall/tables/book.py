"""A user's own book: accounts, positions and markets as files or frames, checked, with everything wrong named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from seawall.errors import InputError
from seawall.margin import MAX_CASH, MAX_LOTS, MAX_WORTH, ROLES, BookSnapshot
from seawall.market import Instrument
from seawall.money import Asset, parse_amount
from seawall.tables.cells import choice_cell, decimal_cell, market_of, price_cell, text_cell, whole_cell
from seawall.tables.frames import file_hash, load_frame, select
from seawall.tables.keys import nearest
from seawall.tables.specification import DOLLAR_ASSETS, SPECIFICATION

T = TypeVar("T")


@dataclass(slots=True)
class BookReport:
    """What ``check_book`` found. ``problems`` is empty for a sound book."""

    problems: list[InputError]
    notes: list[str]
    contents: dict[str, str]

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "ok": not self.problems,
            "problems": [{**p.as_dict(), "text": str(p)} for p in self.problems],
            "notes": self.notes,
            "contents": self.contents,
        }


@dataclass(slots=True)
class _Found:
    """Everything read so far, problems included."""

    problems: list[InputError] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    source: dict[str, Any] = field(default_factory=dict)

    def attempt(self, read: Callable[[], T]) -> T | None:
        """Run one reading; keep its error."""
        try:
            return read()
        except InputError as error:
            self.problems.append(error)
            return None


def read_book(accounts: Any, positions: Any, markets: Any, assets: Any = None) -> BookSnapshot:
    """A book from files or frames.

    Args:
        accounts, positions, markets, assets: CSV or Parquet paths, polars, pandas or Arrow frames, or lists of dicts;
            columns as ``seawall import --template`` writes them. Without ``assets``, dollars have 6 decimals, a coin
            that an inverse market settles in 10, other coins 8.

    Raises:
        InputError: the first thing wrong, with file, row, field, value and what is expected.
    """
    found = _Found()
    book = _read(accounts, positions, markets, assets, found)
    if found.problems:
        raise found.problems[0]
    if book is None:
        raise InputError("the book could not be read")
    return book


def check_book(accounts: Any, positions: Any, markets: Any, assets: Any = None) -> BookReport:
    """Everything that is wrong with a book, not only the first."""
    found = _Found()
    book = found.attempt(lambda: _read(accounts, positions, markets, assets, found))
    contents = {}
    if book is not None and not found.problems:
        contents = {
            "accounts": f"{len(book.account_ids):,}",
            "positions": f"{len(book.pos_lots):,}",
            "markets": f"{len(book.instruments):,}",
            "assets": ", ".join(a.name for a in book.assets),
        }
        net = np.zeros(len(book.instruments), dtype=np.int64)
        np.add.at(net, book.pos_market, book.pos_lots)
        over = [i.symbol for i, n in zip(book.instruments, net.tolist(), strict=True) if n]
        if over:
            found.notes.append(f"lots do not net to zero in {len(over)} markets: the other side is booked to 'outside'")
    return BookReport(found.problems, found.notes, contents)


def _read(accounts: Any, positions: Any, markets: Any, assets: Any, found: _Found) -> BookSnapshot | None:
    tables = {}
    for name, source in (("markets", markets), ("accounts", accounts), ("positions", positions), ("assets", assets)):
        if source is None:
            continue
        table = found.attempt(lambda n=name, s=source: _table(n, s, found))  # type: ignore[misc]
        if table is not None:
            tables[name] = table
    if not {"markets", "accounts", "positions"} <= set(tables):
        return None
    known = _assets(tables, found)
    instruments, marks = _markets(*tables["markets"], known, found)
    if not instruments:
        return None
    settle = tuple(dict.fromkeys([*known.values()]))
    return _assemble(tables, settle, instruments, marks, found)


def _table(name: str, source: Any, found: _Found) -> tuple[list[dict[str, Any]], str]:
    frame, where = load_frame(source, name)
    chosen, ignored = select(frame, SPECIFICATION[name], where)
    if ignored:
        found.notes.append(f"{where}: columns not used: {', '.join(ignored)}")
    if isinstance(source, str | Path):
        found.source[name] = {"name": Path(source).name, "sha256": file_hash(Path(source))}
    return chosen.to_dicts(), where


def _assets(tables: dict[str, tuple[list[dict[str, Any]], str]], found: _Found) -> dict[str, Asset]:
    """Assets by name: from the assets table, else by convention."""
    rows, where = tables.get("assets", ([], ""))
    known: dict[str, Asset] = {}
    for number, row in enumerate(rows, 1):

        def one(row: dict[str, Any] = row, number: int = number) -> None:
            name = text_cell(row, "asset")
            if name in known:
                raise InputError("asset listed twice", where=where, row=number, field="asset", value=name)
            decimals = whole_cell(row, "decimals", where, number)
            scale = whole_cell(row, "book_scale", where, number, default=min(decimals, 8))
            known[name] = Asset.of(name, decimals, scale)

        found.attempt(one)
    if rows:
        return known
    coins = {
        text_cell(r, "settle") for r in tables["markets"][0] if text_cell(r, "inverse").lower() in ("true", "1", "yes")
    }
    names = [text_cell(r, "settle") for r in tables["markets"][0]] + [
        text_cell(r, "asset") for r in tables["accounts"][0]
    ]
    for name in filter(None, dict.fromkeys(names)):
        decimals = 6 if name.upper() in DOLLAR_ASSETS else 10 if name in coins else 8
        made = found.attempt(lambda n=name, d=decimals: Asset.of(n, d, d))  # type: ignore[misc]
        if made is not None:
            known[name] = made
    return known


def _markets(
    rows: list[dict[str, Any]], where: str, assets: dict[str, Asset], found: _Found
) -> tuple[list[Instrument], dict[int, int]]:
    instruments: list[Instrument] = []
    marks: dict[int, int] = {}
    seen: set[str] = set()
    for number, row in enumerate(rows, 1):

        def one(row: dict[str, Any] = row, number: int = number) -> None:
            symbol = text_cell(row, "market")
            if symbol in seen:
                raise InputError("market listed twice", where=where, row=number, field="market", value=symbol)
            seen.add(symbol)
            instrument = market_of(row, where, number, assets)
            if text_cell(row, "mark"):
                mark = price_cell(row, "mark", instrument.mark_scale, where, number)
                instrument.unit_value(mark)
                marks[len(instruments)] = mark
            instruments.append(instrument)

        found.attempt(one)
    return instruments, marks


@dataclass(slots=True)
class _Build:
    """Columns of the snapshot under construction."""

    names: list[str] = field(default_factory=list)
    owners: list[str] = field(default_factory=list)
    members: list[str] = field(default_factory=list)
    roles: list[str] = field(default_factory=list)
    parents: list[int] = field(default_factory=list)
    cash: dict[tuple[int, int], int] = field(default_factory=dict)
    positions: dict[tuple[int, int], tuple[int, int]] = field(default_factory=dict)
    index: dict[str, int] = field(default_factory=dict)

    def account(self, name: str, owner: str, member: str, role: str, parent: int = -1) -> int:
        self.index[name] = len(self.names)
        self.names.append(name)
        self.owners.append(owner)
        self.members.append(member)
        self.roles.append(role)
        self.parents.append(parent)
        return len(self.names) - 1


def _assemble(
    tables: dict[str, tuple[list[dict[str, Any]], str]],
    assets: tuple[Asset, ...],
    instruments: list[Instrument],
    marks: dict[int, int],
    found: _Found,
) -> BookSnapshot:
    build = _Build()
    numbers = {a.name: i for i, a in enumerate(assets)}
    rows, where = tables["accounts"]
    for number, row in enumerate(rows, 1):
        found.attempt(lambda r=row, n=number: _account(build, r, where, n, assets, numbers))  # type: ignore[misc]
    symbols = {i.symbol: m for m, i in enumerate(instruments)}
    rows, where = tables["positions"]
    for number, row in enumerate(rows, 1):
        found.attempt(lambda r=row, n=number: _position(build, r, where, n, instruments, symbols, numbers, marks))  # type: ignore[misc]
    keys = list(build.cash)
    held = list(build.positions)
    return BookSnapshot(
        assets=assets,
        instruments=tuple(instruments),
        account_ids=tuple(build.names),
        owners=tuple(build.owners),
        members=tuple(build.members),
        roles=tuple(build.roles),
        parents=np.array(build.parents, dtype=np.int32),
        cash_account=np.array([a for a, _ in keys], dtype=np.int32),
        cash_asset=np.array([a for _, a in keys], dtype=np.int32),
        cash_minor=tuple(build.cash.values()),
        pos_account=np.array([a for a, _ in held], dtype=np.int32),
        pos_market=np.array([m for _, m in held], dtype=np.int32),
        pos_lots=np.array([p[0] for p in build.positions.values()], dtype=np.int64),
        pos_entry=np.array([p[1] for p in build.positions.values()], dtype=np.int64),
        marks=marks,
        kind="user",
        source=found.source or {"frames": "given in memory"},
    )


def _account(
    build: _Build, row: dict[str, Any], where: str, number: int, assets: tuple[Asset, ...], numbers: dict[str, int]
) -> None:
    name, asset = text_cell(row, "account"), text_cell(row, "asset")
    if not name:
        raise InputError("account is missing", where=where, row=number, field="account")
    if asset not in numbers:
        raise InputError(
            "unknown asset", where=where, row=number, field="asset", value=asset, expected=nearest(asset, numbers)
        )
    role = choice_cell(row, "role", list(ROLES), "trader", where, number)
    value = row.get("cash")
    text = repr(value) if isinstance(value, float) else str(value).strip()
    minor = parse_amount(text, assets[numbers[asset]].decimals, field="cash", where=where, row=number)
    if abs(assets[numbers[asset]].to_book(minor)) > MAX_CASH:
        raise InputError(
            "cash does not fit the book",
            where=where,
            row=number,
            field="cash",
            value=text,
            expected="at most 2^61 book units",
        )
    owner, member = text_cell(row, "owner", name), text_cell(row, "member")
    if name not in build.index:
        build.account(name, owner, member, role)
    account = build.index[name]
    if (account, numbers[asset]) in build.cash:
        raise InputError(
            "account listed twice",
            where=where,
            row=number,
            field="account",
            value=f"{name} in {asset}",
            expected="one row per account and asset",
        )
    if (owner, member, role) != (build.owners[account], build.members[account], build.roles[account]):
        raise InputError(
            "rows of one account disagree",
            where=where,
            row=number,
            field="owner",
            value=f"{name}: {owner}, {member}, {role}",
        )
    build.cash[account, numbers[asset]] = minor


def _position(
    build: _Build,
    row: dict[str, Any],
    where: str,
    number: int,
    instruments: list[Instrument],
    symbols: dict[str, int],
    numbers: dict[str, int],
    marks: dict[int, int],
) -> None:
    name, symbol = text_cell(row, "account"), text_cell(row, "market")
    if name not in build.index:
        raise InputError(
            "unknown account", where=where, row=number, field="account", value=name, expected=nearest(name, build.index)
        )
    if symbol not in symbols:
        raise InputError(
            "unknown market", where=where, row=number, field="market", value=symbol, expected=nearest(symbol, symbols)
        )
    market = symbols[symbol]
    instrument = instruments[market]
    lots = _lots(row, instrument, where, number)
    entry_mark = price_cell(row, "entry_price", instrument.mark_scale, where, number)
    value = instrument.unit_value(entry_mark)
    now = instrument.unit_value(marks[market]) if market in marks else value
    if abs(lots) > MAX_LOTS or abs(lots) * max(value, now) > MAX_WORTH:
        raise InputError(
            "position does not fit the book",
            where=where,
            row=number,
            field="size",
            value=f"{lots} lots",
            expected="at most 2^32 lots worth 2^54 book units",
        )
    account = build.index[name]
    if choice_cell(row, "margin_mode", ["cross", "isolated"], "cross", where, number) == "isolated":
        account = _isolate(
            build, row, where, number, account, symbol, numbers[instrument.settle.name], instrument.settle
        )
    if (account, market) in build.positions:
        raise InputError(
            "position listed twice",
            where=where,
            row=number,
            field="market",
            value=f"{name} in {symbol}",
            expected="one row per account and market",
        )
    build.positions[account, market] = (lots, lots * instrument.sign * value)


def _lots(row: dict[str, Any], instrument: Instrument, where: str, number: int) -> int:
    given = [k for k in ("size", "lots", "contracts") if text_cell(row, k)]
    if len(given) != 1:
        raise InputError(
            "size is missing" if not given else "size is given twice",
            where=where,
            row=number,
            field="size",
            value=", ".join(given) or None,
            expected="one of size, lots, contracts",
        )
    size = decimal_cell(row, given[0], where, number)
    lots = size / instrument.lot if given[0] == "size" else size
    if given[0] == "contracts":
        lots *= -1 if choice_cell(row, "side", ["long", "short"], "", where, number) == "short" else 1
    if lots.denominator != 1:
        raise InputError(
            "size is not a whole number of lots",
            where=where,
            row=number,
            field=given[0],
            value=row.get(given[0]),
            expected=f"a multiple of {instrument.lot}",
        )
    if lots == 0:
        raise InputError("size is zero", where=where, row=number, field=given[0], value=row.get(given[0]))
    return int(lots)


def _isolate(
    build: _Build, row: dict[str, Any], where: str, number: int, parent: int, symbol: str, asset: int, settle: Asset
) -> int:
    """The isolated position's own account, with its cash moved from the account it belongs to."""
    name = f"{build.names[parent]}/{symbol}"
    if name in build.index:
        return build.index[name]
    value = row.get("isolated_margin")
    text = "0" if value is None else repr(value) if isinstance(value, float) else str(value).strip() or "0"
    margin = parse_amount(text, settle.decimals, field="isolated_margin", where=where, row=number)
    have = build.cash.get((parent, asset), 0)
    if not 0 <= margin <= have:
        raise InputError(
            "isolated margin is not covered by the account's cash",
            where=where,
            row=number,
            field="isolated_margin",
            value=text,
            expected=f"0 to the account's {settle.name} balance",
        )
    if margin:
        build.cash[parent, asset] = have - margin
    account = build.account(name, build.owners[parent], build.members[parent], build.roles[parent], parent)
    build.cash[account, asset] = margin
    return account

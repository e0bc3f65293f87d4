"""A scenario's actors as accounts of a book, added at opening to the unit; and what owners hold over all their accounts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from seawall.errors import InputError
from seawall.margin import BookSnapshot
from seawall.market import Instrument, Kind
from seawall.money import split
from seawall.scenario import Actor

OUTSIDE = "outside"


def add_actors(book: BookSnapshot, actors: Sequence[Actor], marks: Mapping[int, int]) -> BookSnapshot:
    """The book with the actors' accounts at its end, in the order of the scenario, wallet by wallet.

    Cash comes from outside at opening like all opening cash: a share of the actor's cash per settle asset, in
    proportion to the notional held in it, turned into coins at the opening mark where the market is inverse, rounded
    down to a book unit, then split over the wallets to the unit. Lots are the notional over the value of a lot at the
    opening mark, rounded half to even, split likewise. Positions enter at the opening mark, so they bring no profit.
    The other side is ``outside``: opening gives it what does not net; where the book brings its own, its rows take it.

    Args:
        marks: market number -> opening mark.

    Raises:
        InputError: the book has no market for an actor's asset or no opening mark for it; a position is smaller than
            a lot per wallet; an account's name is taken.
    """
    if not actors:
        return book
    columns = _Columns(book, marks)
    for actor in actors:
        columns.add(actor)
    return columns.snapshot(actors)


class _Columns:
    """Rows to append. Amounts of cash are ledger minor units."""

    def __init__(self, book: BookSnapshot, marks: Mapping[int, int]) -> None:
        self.book = book
        self.marks = {**book.marks, **marks}
        self.names: list[str] = []
        self.owners: list[str] = []
        self.roles: list[str] = []
        self.cash: list[tuple[int, int, int]] = []
        self.positions: list[tuple[int, int, int, int]] = []

    def add(self, actor: Actor) -> None:
        """One actor's wallets, cash and positions."""
        first = len(self.book.account_ids) + len(self.names)
        self._open(actor)
        held: dict[int, Fraction] = {}
        prices: dict[int, Fraction] = {}
        for holding in actor.holdings:
            market = self._market(actor, holding.asset)
            instrument, mark = self.book.instruments[market], self.marks[market]
            notional = actor.notional(holding)
            lots = round(abs(notional) / _lot_value(instrument, mark))  # exact: Fraction, half to even
            if lots < actor.wallets:
                raise InputError(
                    "actor's position is smaller than a lot per wallet",
                    where=f"actor {actor.name}",
                    field=holding.asset,
                    value=f"{lots} lots over {actor.wallets} wallets",
                )
            for wallet, part in enumerate(split(lots, [1] * actor.wallets)):
                signed = part if notional > 0 else -part
                entry = signed * instrument.sign * instrument.unit_value(mark)
                self.positions.append((first + wallet, market, signed, entry))
            asset = self.book.assets.index(instrument.settle)
            held[asset] = held.get(asset, Fraction(0)) + abs(notional)
            if instrument.inverse:
                prices.setdefault(asset, Fraction(mark, 10**instrument.mark_scale))
        whole = sum(held.values())
        for asset_number, part_held in held.items():
            asset_found = self.book.assets[asset_number]
            amount = actor.cash * part_held / whole / prices.get(asset_number, Fraction(1))  # exact: Fraction
            units = int(amount * 10**asset_found.book_scale)  # down to a book unit
            for wallet, units_part in enumerate(split(units, [1] * actor.wallets)):
                self.cash.append((first + wallet, asset_number, asset_found.to_minor(units_part)))

    def _open(self, actor: Actor) -> None:
        taken = {*self.book.account_ids, *self.names, OUTSIDE}
        width = len(str(actor.wallets))
        for number in range(1, actor.wallets + 1):
            name = actor.name if actor.wallets == 1 else f"{actor.name}-{number:0{width}d}"
            if name in taken:
                raise InputError(
                    "the book already has an account with an actor's name",
                    where=f"actor {actor.name}",
                    field="account",
                    value=name,
                    expected="another name in the scenario or in the book",
                )
            self.names.append(name)
            self.owners.append(actor.owner)
            self.roles.append(actor.role)

    def _market(self, actor: Actor, base: str) -> int:
        """The book's first perpetual on that base, else its first future."""
        for kind in (Kind.PERPETUAL, Kind.FUTURE):
            for number, instrument in enumerate(self.book.instruments):
                if instrument.base == base and instrument.kind is kind and number in self.marks:
                    return number
        raise InputError(
            "the book has no market, or no opening mark, for an actor's asset",
            where=f"actor {actor.name}",
            field="asset",
            value=base,
            expected="a perpetual or future on it; or choose other assets of the scenario",
        )

    def snapshot(self, actors: Sequence[Actor]) -> BookSnapshot:
        """The book with the rows added."""
        book, count = self.book, len(self.names)
        base = self._with_other_side()
        told = [{"name": a.name, "owner": a.owner, "wallets": a.wallets, "cash": str(a.cash)} for a in actors]
        add = self.positions
        return replace(
            base,
            account_ids=(*book.account_ids, *self.names),
            owners=(*book.owners, *self.owners),
            members=(*book.members, *[""] * count),
            roles=(*book.roles, *self.roles),
            parents=np.concatenate([book.parents, np.full(count, -1, dtype=np.int32)]),
            cash_account=np.concatenate([book.cash_account, np.array([c[0] for c in self.cash], dtype=np.int32)]),
            cash_asset=np.concatenate([book.cash_asset, np.array([c[1] for c in self.cash], dtype=np.int32)]),
            cash_minor=(*book.cash_minor, *(c[2] for c in self.cash)),
            pos_account=np.concatenate([base.pos_account, np.array([p[0] for p in add], dtype=np.int32)]),
            pos_market=np.concatenate([base.pos_market, np.array([p[1] for p in add], dtype=np.int32)]),
            pos_lots=np.concatenate([base.pos_lots, np.array([p[2] for p in add], dtype=np.int64)]),
            pos_entry=np.concatenate([base.pos_entry, np.array([p[3] for p in add], dtype=np.int64)]),
            source={**book.source, "actors": told},
        )

    def _with_other_side(self) -> BookSnapshot:
        """Where the book's own ``outside`` holds a market, it takes the actors' other side there; else opening does."""
        book = self.book
        if OUTSIDE not in book.roles:
            return book
        outside = book.roles.index(OUTSIDE)
        lots, entry = book.pos_lots.copy(), book.pos_entry.copy()
        rows = {int(book.pos_market[i]): i for i in np.nonzero(book.pos_account == outside)[0].tolist()}
        for _, market, signed, value in self.positions:
            if market in rows:
                lots[rows[market]] -= signed
                entry[rows[market]] -= value
        for market, row in rows.items():
            if lots[row] == 0:
                raise InputError(
                    "an actor's position is exactly what the book's outside account holds",
                    field="positions",
                    value=book.instruments[market].symbol,
                    expected="another size of one of the two",
                )
        return replace(book, pos_lots=lots, pos_entry=entry)


def _lot_value(instrument: Instrument, mark: int) -> Fraction:
    """One lot in the quote currency, exact; a linear market's settle asset counts as its quote currency."""
    if instrument.inverse:
        return instrument.lot
    return Fraction(instrument.unit_value(mark), 10**instrument.settle.book_scale)


class OwnerExposure(NamedTuple):
    """What one owner holds in one market over all accounts. ``lots`` signed and net; ``largest`` the most that one of
    the accounts holds, absolute; ``share`` of the market's open interest (all long lots), exact."""

    market: str
    owner: str
    accounts: int
    lots: int
    largest: int
    share: Fraction


def owner_exposures(book: BookSnapshot) -> list[OwnerExposure]:
    """Positions added up by owner, largest share of its market first; what many wallets hide.

    The ``outside`` account counts towards open interest and has no row. Ties: by market, then owner.
    """
    found: dict[tuple[int, str], list[int]] = {}
    interest: dict[int, int] = {}
    net: dict[int, int] = {}
    for account, market, lots in zip(
        book.pos_account.tolist(), book.pos_market.tolist(), book.pos_lots.tolist(), strict=True
    ):
        interest[market] = interest.get(market, 0) + max(0, lots)
        net[market] = net.get(market, 0) + lots
        if book.roles[account] != OUTSIDE:
            found.setdefault((market, book.owners[account]), []).append(lots)
    rows = []
    for (market, owner), held in found.items():
        whole = interest[market] + max(0, -net[market])  # a book that does not net yet: outside is long of the rest
        share = Fraction(abs(sum(held)), whole)  # exact: Fraction
        largest = max(abs(n) for n in held)
        rows.append(OwnerExposure(book.instruments[market].symbol, owner, len(held), sum(held), largest, share))
    return sorted(rows, key=lambda r: (-r.share, r.market, r.owner))

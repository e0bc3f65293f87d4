"""The state of a venue: ledger, book, marks, open liquidations, deficits, and the counters.

Only ``engine.apply`` changes it. The ledger owns cash; the book's cash is a view of it in book units, written in the
same breath and checked equal.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction

import numpy as np

from seawall.engine.policy import HouseAccount, Policy
from seawall.errors import InputError
from seawall.ledger import Ledger
from seawall.margin import Book, BookSnapshot
from seawall.market import Instrument, Kind
from seawall.money import Asset, Rounding, muldiv, parse_amount
from seawall.waterfall import ClaimBook, DeficitBook

EXTERNAL = "external"
OUTSIDE = "outside"
HOUSE_ROLES = ("fund", "backstop", "outside")


@dataclass(slots=True)
class Case:
    """One account under liquidation."""

    unit: int
    started_ns: int
    attempts: int = 0
    next_ns: int = 0
    intents: set[int] = field(default_factory=set)


@dataclass(slots=True)
class Intent:
    """A close-out order the venue should work. ``lots`` is what is left of it, signed."""

    number: int
    account: int
    market: int
    lots: int
    limit: int | None
    deadline_ns: int
    purpose: str
    unit: int


@dataclass(slots=True)
class State:
    """See the module. Index spaces: account, market and asset numbers follow the opening snapshot."""

    policy: Policy
    snapshot: BookSnapshot
    ledger: Ledger
    book: Book
    account_index: dict[str, int]
    market_index: dict[str, int]
    asset_index: dict[str, int]
    settle_asset: list[int]
    external: list[int]
    clearing: list[int]
    outside: int
    backstop: int | None
    house: dict[str, int]
    house_accounts: set[int]
    index_prices: dict[int, Fraction]
    unit_values: list[int]
    previous_values: list[int]
    carries: list[int]
    marks: list[int]
    marks_seen: int = 0
    time_ns: int = 0
    commands: int = 0
    next_intent: int = 1
    next_loss: int = 1
    cases: dict[int, Case] = field(default_factory=dict)
    intents: dict[int, Intent] = field(default_factory=dict)
    watch: set[int] = field(default_factory=set)
    touched: set[tuple[int, int]] = field(default_factory=set)
    deficits: DeficitBook = field(default_factory=DeficitBook)
    claims: ClaimBook = field(default_factory=ClaimBook)
    cash_ids: dict[int, int] = field(default_factory=dict)

    @property
    def has_options(self) -> bool:
        """Does any market trade options?"""
        return any(i.kind is Kind.OPTION for i in self.snapshot.instruments)

    def instrument(self, market: int) -> Instrument:
        """Instrument of a market number."""
        return self.snapshot.instruments[market]

    def asset(self, asset: int) -> Asset:
        """Asset of an asset number."""
        return self.snapshot.assets[asset]

    def account_name(self, account: int) -> str:
        """Name of an account number."""
        return self.snapshot.account_ids[account]

    def worth(self, market: int) -> int:
        """U: what one long lot is worth for equity at the current mark, funding included (book units, signed)."""
        return self.instrument(market).sign * self.unit_values[market] - self.carries[market]

    def previous_worth(self, market: int) -> int:
        """U at the mark before the current one."""
        return self.instrument(market).sign * self.previous_values[market] - self.carries[market]

    def worth_at(self, market: int, mark: int) -> int:
        """U at any mark."""
        instrument = self.instrument(market)
        return instrument.sign * instrument.unit_value(mark) - self.carries[market]

    def cash_id(self, account: int, asset: int) -> int:
        """Ledger account of an account's cash in an asset; opened on first use. Trader cash may go negative
        while open positions back it; the equity rules, not the ledger, say when that is a shortfall."""
        key = account * len(self.snapshot.assets) + asset
        found = self.cash_ids.get(key)
        if found is None:
            found = self.ledger.open(self.account_name(account), self.asset(asset), floor=None)
            self.cash_ids[key] = found
        return found

    def cash_minor(self, account: int, asset: int) -> int:
        """Ledger balance of an account in an asset, minor units; 0 if it never held any."""
        found = self.cash_ids.get(account * len(self.snapshot.assets) + asset)
        return 0 if found is None else self.ledger.balance(found)


def complete(snapshot: BookSnapshot, policy: Policy, marks: Mapping[int, int]) -> BookSnapshot:
    """The snapshot with the house accounts that the policy needs, and ``outside`` holding the open other side.

    ``outside`` enters at the opening mark, so that it brings no profit of its own. Order: the book's accounts, then
    the policy's house accounts in policy order, then ``outside``.
    """
    names = list(snapshot.account_ids)
    roles = list(snapshot.roles)
    taken = set(names)
    extra_cash: list[tuple[int, int, int]] = []
    by_role = {role: i for i, role in enumerate(roles) if role != "trader"}
    members_cash = [0] * len(snapshot.assets)
    for asset, minor in zip(snapshot.cash_asset.tolist(), snapshot.cash_minor, strict=True):
        members_cash[asset] += minor
    settle = sorted({snapshot.assets.index(i.settle) for i in snapshot.instruments})
    for house in policy.house:
        if house.name in taken or house.role in by_role:
            continue
        index = len(names)
        names.append(house.name)
        roles.append(house.role)
        taken.add(house.name)
        extra_cash.extend((index, a, _opening(house, snapshot.assets[a], members_cash[a])) for a in settle)
    if OUTSIDE not in roles:
        if OUTSIDE in taken:
            raise InputError("account name is reserved", field="account", value=OUTSIDE)
        names.append(OUTSIDE)
        roles.append(OUTSIDE)
    outside = roles.index(OUTSIDE)
    added = len(names) - len(snapshot.account_ids)
    net = np.zeros(len(snapshot.instruments), dtype=np.int64)
    np.add.at(net, snapshot.pos_market, snapshot.pos_lots)
    held = set(snapshot.pos_market[snapshot.pos_account == outside].tolist())
    other: list[tuple[int, int, int]] = []
    for market in np.nonzero(net)[0].tolist():
        instrument = snapshot.instruments[market]
        if market in held:
            raise InputError(
                "the outside account is in the book but lots do not net to zero",
                field="positions",
                value=f"{instrument.symbol}: {int(net[market])} lots over",
            )
        lots = -int(net[market])
        other.append((market, lots, lots * instrument.sign * instrument.unit_value(marks[market])))
    return replace(
        snapshot,
        account_ids=tuple(names),
        owners=(*snapshot.owners, *names[len(names) - added :]) if added else snapshot.owners,
        members=(*snapshot.members, *[""] * added),
        roles=tuple(roles),
        parents=np.concatenate([snapshot.parents, np.full(added, -1, dtype=np.int32)]),
        cash_account=np.concatenate([snapshot.cash_account, np.array([r[0] for r in extra_cash], dtype=np.int32)]),
        cash_asset=np.concatenate([snapshot.cash_asset, np.array([r[1] for r in extra_cash], dtype=np.int32)]),
        cash_minor=(*snapshot.cash_minor, *(r[2] for r in extra_cash)),
        pos_account=np.concatenate([snapshot.pos_account, np.full(len(other), outside, dtype=np.int32)]),
        pos_market=np.concatenate([snapshot.pos_market, np.array([o[0] for o in other], dtype=np.int32)]),
        pos_lots=np.concatenate([snapshot.pos_lots, np.array([o[1] for o in other], dtype=np.int64)]),
        pos_entry=np.concatenate([snapshot.pos_entry, np.array([o[2] for o in other], dtype=np.int64)]),
        marks=dict(marks),
    )


def _opening(house: HouseAccount, asset: Asset, members_cash: int) -> int:
    """Opening cash of a house account in one asset, minor units, whole book units."""
    amount = 0
    if house.opening is not None:
        amount += parse_amount(house.opening, asset.decimals, field=f"house.{house.name}.opening")
    if house.share_of_cash is not None:
        share = house.share_of_cash
        amount += muldiv(max(0, members_cash), share.numerator, share.denominator, Rounding.FLOOR)
    return asset.to_minor(asset.to_book(amount))


def open_state(
    snapshot: BookSnapshot,
    policy: Policy,
    marks: Mapping[int, int],
    time_ns: int = 0,
    *,
    indexes: Mapping[str, tuple[int, int]] | None = None,
) -> State:
    """A venue opened on a book: house accounts added, opening balances posted, the book built at ``marks``.

    Args:
        snapshot: the opening book.
        marks: market number -> opening mark, every market that has positions; missing ones are taken from
            ``snapshot.marks``.
        time_ns: time of the opening.
        indexes: opening index prices of collateral, as in ``commands.Marks``; needed for every asset but the
            numeraire when the policy judges accounts as a whole.

    Raises:
        InputError: a market with positions has no opening mark; a name clash with a house account.
    """
    prices = _opening_marks(snapshot, marks)
    full = complete(snapshot, policy, prices)
    values = [i.unit_value(prices[m]) if m in prices else 0 for m, i in enumerate(full.instruments)]
    ledger = Ledger()
    external = [ledger.open(EXTERNAL, a, floor=None) for a in full.assets]
    clearing = [ledger.open(f"clearing:{i.symbol}", i.settle, floor=None) for i in full.instruments]
    book = Book.of(
        full,
        {m: v for m, v in enumerate(values) if v},
        pool=policy.margin.pool,
        numeraire=policy.numeraire,
        collateral=policy.haircuts,
        maintenance_of_initial=policy.margin.maintenance_of_initial,
        round_positions=policy.margin.profile.requirement_unit == "position",
    )
    state = State(
        policy=policy,
        snapshot=full,
        ledger=ledger,
        book=book,
        account_index={name: i for i, name in enumerate(full.account_ids)},
        market_index={i.symbol: m for m, i in enumerate(full.instruments)},
        asset_index={a.name: i for i, a in enumerate(full.assets)},
        settle_asset=[full.assets.index(i.settle) for i in full.instruments],
        external=external,
        clearing=clearing,
        outside=full.roles.index(OUTSIDE),
        backstop=None,
        house={},
        house_accounts={a for a, role in enumerate(full.roles) if role in HOUSE_ROLES},
        index_prices={
            number: Fraction(*(indexes or {})[a.name])
            for number, a in enumerate(full.assets)
            if a.name in (indexes or {})
        },
        unit_values=values,
        previous_values=list(values),
        carries=[0] * len(values),
        marks=[prices.get(m, 0) for m in range(len(values))],
        time_ns=time_ns,
    )
    for asset, (num, den) in (indexes or {}).items():
        book.set_collateral_price(asset, num, den)
    for house in policy.house:
        state.house[house.name] = _house_account(state, house)
    rule = policy.liquidation.backstop
    if rule is not None:
        state.backstop = state.house[rule.account]
    _post_opening(state)
    if state.has_options:
        from seawall.engine.options import open_options

        open_options(state)
    # Who is at risk already is looked at with the first marks, whichever market they move.
    state.watch.update(u for u in book.at_risk_units() if book.account_of(u) not in state.house_accounts)
    return state


def _opening_marks(snapshot: BookSnapshot, marks: Mapping[int, int]) -> dict[int, int]:
    """Given marks over the snapshot's own; every market with positions has one."""
    prices = {**snapshot.marks, **marks}
    for market in sorted(set(snapshot.pos_market.tolist())):
        if market not in prices:
            raise InputError(
                "no opening mark for a market with positions",
                field="marks",
                value=snapshot.instruments[market].symbol,
                expected="a mark in the markets file or a price at the start of the window",
            )
    return prices


def _house_account(state: State, house: HouseAccount) -> int:
    """The account that plays a house role: by name, else the first of that role."""
    if house.name in state.account_index:
        return state.account_index[house.name]
    return state.snapshot.roles.index(house.role)


def _post_opening(state: State) -> None:
    """Opening balances: cash from outside the venue, and each market's clearing account against entry values."""
    snapshot, ledger = state.snapshot, state.ledger
    for account, asset, minor in zip(
        snapshot.cash_account.tolist(), snapshot.cash_asset.tolist(), snapshot.cash_minor, strict=True
    ):
        target = state.cash_id(account, asset)
        if minor > 0:
            ledger.post_one(state.external[asset], target, minor, "opening")
        elif minor < 0:
            ledger.post_one(target, state.external[asset], -minor, "opening")
    for market, instrument in enumerate(snapshot.instruments):
        entry = instrument.settle.to_minor(state.book.entry_sum(market))
        source, target = state.clearing[market], state.external[state.settle_asset[market]]
        if entry > 0:
            ledger.post_one(source, target, entry, "opening_entry")
        elif entry < 0:
            ledger.post_one(target, source, -entry, "opening_entry")


def state_lines(state: State) -> Iterator[str]:
    """The canonical text of the state, line by line: what the state hash is computed over.

    In order: rules and time, counters, ledger balances, marks, positions, open liquidations, intents, deficits.
    """
    yield f"policy {state.policy.hash}"
    yield f"time {state.time_ns}"
    yield f"counters {state.commands} {state.marks_seen} {state.next_intent} {state.next_loss}"
    yield from state.ledger.canonical_lines()
    for market, instrument in enumerate(state.snapshot.instruments):
        yield f"market {instrument.symbol} {state.marks[market]} {state.previous_values[market]} {state.carries[market]}"
    accounts, markets, lots, entries = state.book.canonical_positions()
    names, instruments = state.snapshot.account_ids, state.snapshot.instruments
    for a, m, n, e in zip(accounts.tolist(), markets.tolist(), lots.tolist(), entries.tolist(), strict=True):
        yield f"position {names[a]} {instruments[m].symbol} {n} {e}"
    for unit in sorted(state.cases):
        case = state.cases[unit]
        yield f"case {unit} {case.started_ns} {case.attempts} {case.next_ns}"
    for number in sorted(state.intents):
        intent = state.intents[number]
        yield f"intent {number} {intent.account} {intent.market} {intent.lots} {intent.limit} {intent.deadline_ns}"
    yield from state.deficits.canonical_lines()
    yield from state.claims.canonical_lines()


def state_hash(state: State) -> str:
    """SHA-256 of the canonical text (UTF-8, one line each, ended by a line feed), hexadecimal."""
    digest = hashlib.sha256()
    chunk: list[str] = []
    for line in state_lines(state):
        chunk.append(line)
        if len(chunk) == 8192:
            digest.update(("\n".join(chunk) + "\n").encode())
            chunk.clear()
    if chunk:
        digest.update(("\n".join(chunk) + "\n").encode())
    return digest.hexdigest()

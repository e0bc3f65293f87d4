"""The state of a venue: ledger, book, marks, open liquidations, deficits, and the counters.

Only ``engine.apply`` changes it. The ledger owns cash; the book's cash is a view of it in book units, written in the
same breath and checked equal.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction

from seawall.engine.auctionbook import AuctionBook
from seawall.engine.clockbook import ClockBook
from seawall.engine.limits import LimitBook
from seawall.engine.memberbook import MemberBook
from seawall.engine.period import GainsPeriod
from seawall.engine.policy import Policy
from seawall.engine.windows import WindowBook
from seawall.ledger import Ledger
from seawall.liquidation import BlockUse, HaltTrack
from seawall.margin import Book, BookSnapshot
from seawall.market import Instrument, Kind
from seawall.members import Tier
from seawall.money import Asset
from seawall.waterfall import ClaimBook, DeficitBook
from seawall.waterfall.winddown import Claim

EXTERNAL = "external"
OUTSIDE = "outside"
HOUSE_ROLES = ("fund", "backstop", "outside")
MEMBER_ROLES = ("trader", "market_maker")


@dataclass(slots=True)
class Case:
    """One account under liquidation. ``market`` is where its largest requirement was when it began: its losses count there.
    ``event`` is the number of its first loss, 0 without one, ``called`` what each member paid on cash calls for it.
    ``use`` is what its close-outs used of the caps since marks number ``block``; ``waits`` since which marks number it
    has been waiting for room in the window of each market (number). ``tiers``: how members bid in the auction of its
    portfolio; their money is used in that order for its losses. Empty: pro rata."""

    unit: int
    started_ns: int
    market: int = -1
    attempts: int = 0
    deleveragings: int = 0
    next_ns: int = 0
    intents: set[int] = field(default_factory=set)
    event: int = 0
    called: dict[str, int] = field(default_factory=dict)
    block: int = -1
    use: BlockUse = field(default_factory=BlockUse)
    waits: dict[int, int] = field(default_factory=dict)
    tiers: dict[str, Tier] = field(default_factory=dict)


@dataclass(slots=True)
class Intent:
    """A close-out order the venue should work. ``lots`` is what is left of it, signed; ``counts`` is what each lot
    counts in the market's window: its worth at the mark when the order was opened, 0 without a window."""

    number: int
    account: int
    market: int
    lots: int
    limit: int | None
    deadline_ns: int
    purpose: str
    unit: int
    counts: int = 0


@dataclass(slots=True)
class WindingDown:
    """The venue since it stopped: claims filed and not ruled on yet (asset, claim), assets that are paid out,
    and by asset and account what was written off (minor units) and has not come back."""

    since_ns: int
    filed: list[tuple[int, Claim]] = field(default_factory=list)
    closed: set[int] = field(default_factory=set)
    written_off: dict[int, dict[int, int]] = field(default_factory=dict)


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
    oracle_values: dict[int, int] = field(default_factory=dict)  # by market, where an index price was given
    marks_seen: int = 0
    marks_ns: int | None = None  # when marks last came; kept for halts
    time_ns: int = 0
    commands: int = 0
    next_intent: int = 1
    next_loss: int = 1
    cases: dict[int, Case] = field(default_factory=dict)
    intents: dict[int, Intent] = field(default_factory=dict)
    carried: dict[int, int] = field(default_factory=dict)  # event of a carried loss by unit that has no case: the house
    watch: set[int] = field(default_factory=set)
    touched: set[tuple[int, int]] = field(default_factory=set)
    limits: LimitBook = field(default_factory=LimitBook)
    windows: WindowBook = field(default_factory=WindowBook)
    members: MemberBook = field(default_factory=MemberBook)
    clock: ClockBook = field(default_factory=ClockBook)
    period: GainsPeriod | None = None
    gains_cut: dict[tuple[int, int], int] = field(default_factory=dict)
    lifetime_cuts: dict[tuple[str, str], int] = field(default_factory=dict)  # by layer and holder, millionths of quote
    capital: GainsPeriod | None = None
    capital_cut: dict[tuple[int, int], int] = field(default_factory=dict)
    references: dict[str, int] = field(default_factory=dict)
    loss_assets: dict[int, int] = field(default_factory=dict)
    observed: dict[str, Fraction] = field(default_factory=dict)
    halts: list[HaltTrack] = field(default_factory=list)
    halts_on: set[int] = field(default_factory=set)
    history: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    winding: WindingDown | None = None
    deficits: DeficitBook = field(default_factory=DeficitBook)
    claims: ClaimBook = field(default_factory=ClaimBook)
    auctions: AuctionBook = field(default_factory=AuctionBook)
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

    def oracle_worth(self, market: int) -> int:
        """U at the last index price of the market; where none was given, at the mark."""
        value = self.oracle_values.get(market, self.unit_values[market])
        return self.instrument(market).sign * value - self.carries[market]

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

    def drop_intent(self, number: int) -> None:
        """An order stands no more: what is left of it gives its room in the window back."""
        intent = self.intents.pop(number)
        self.windows.gone(intent.market, abs(intent.lots) * intent.counts)
        case = self.cases.get(intent.unit)
        if case is not None:
            case.intents.discard(number)

    def cash_minor(self, account: int, asset: int) -> int:
        """Ledger balance of an account in an asset, minor units; 0 if it never held any."""
        found = self.cash_ids.get(account * len(self.snapshot.assets) + asset)
        return 0 if found is None else self.ledger.balance(found)


MANY = 64


def watched(state: State) -> set[int]:
    """Units on the watch that something may have to be done about: of many, only those in trouble."""
    return state.watch if len(state.watch) < MANY else state.book.in_trouble(state.watch)


def state_lines(state: State) -> Iterator[str]:
    """The canonical text of the state, line by line: what the state hash is computed over.

    In order: rules and time, counters, ledger balances, marks, positions, open liquidations, intents, deficits, claims,
    what layers have paid within their limits, windows of close-outs, members, what is to be put back, the period of gains, declared losses, halts,
    the wind-down, auctions of the fund.
    """
    yield f"policy {state.policy.hash}"
    yield f"time {state.time_ns}"
    yield f"counters {state.commands} {state.marks_seen} {state.next_intent} {state.next_loss}"
    yield from state.ledger.canonical_lines()
    for market, instrument in enumerate(state.snapshot.instruments):
        yield f"market {instrument.symbol} {state.marks[market]} {state.previous_values[market]} {state.carries[market]}"
    for market, at_index in sorted(state.oracle_values.items()):
        yield f"oracle {state.instrument(market).symbol} {at_index}"
    accounts, markets, lots, entries = state.book.canonical_positions()
    names, instruments = state.snapshot.account_ids, state.snapshot.instruments
    for a, m, n, e in zip(accounts.tolist(), markets.tolist(), lots.tolist(), entries.tolist(), strict=True):
        yield f"position {names[a]} {instruments[m].symbol} {n} {e}"
    for unit in sorted(state.cases):
        case = state.cases[unit]
        yield f"case {unit} {case.started_ns} {case.market} {case.attempts} {case.deleveragings} {case.next_ns} {case.event}"
        if case.called:
            yield f"called {unit} {sorted(case.called.items())}"
        if case.waits:
            yield f"waits {unit} {sorted(case.waits.items())}"
        if case.tiers:
            yield f"tiers {unit} {[(name, tier.value) for name, tier in sorted(case.tiers.items())]}"
        if case.block >= 0:
            yield f"block {unit} {case.block} {case.use.notional} {case.use.fund_loss} {sorted(case.use.markets)}"
    for unit, event in sorted(state.carried.items()):
        yield f"carried {unit} {event}"
    for number in sorted(state.intents):
        intent = state.intents[number]
        order = f"{intent.account} {intent.market} {intent.lots} {intent.limit} {intent.deadline_ns}"
        counts = f" {intent.counts}" if intent.counts else ""
        yield f"intent {number} {order} {intent.purpose} {intent.unit}{counts}"
    yield f"watch {sorted(state.watch)}"
    for asset, price in sorted(state.index_prices.items()):
        yield f"index {state.asset(asset).name} {price}"
    yield from state.deficits.canonical_lines()
    yield from state.claims.canonical_lines()
    yield from state.limits.canonical_lines()
    yield from state.windows.canonical_lines()
    yield from state.members.canonical_lines()
    yield from state.clock.canonical_lines()
    if state.period is not None:
        yield from state.period.canonical_lines()
    for (account, asset), cut in sorted(state.gains_cut.items()):
        yield f"gain cut {account} {asset} {cut}"
    for (layer, holder), cut in sorted(state.lifetime_cuts.items()):
        yield f"lifetime cut {layer!r} {holder!r} {cut}"
    if state.capital is not None:
        yield from state.capital.canonical_lines("capital")
    for (account, asset), cut in sorted(state.capital_cut.items()):
        yield f"capital cut {account} {asset} {cut}"
    for reference, loss in state.references.items():
        yield f"declared {reference!r} {loss}"
    if state.marks_ns is not None:
        yield f"marks at {state.marks_ns}"
    for measure, value in sorted(state.observed.items()):
        yield f"observed {measure} {value}"
    for number, track in enumerate(state.halts):
        yield f"halt {number} {track.canonical()}"
    yield f"halts on {sorted(state.halts_on)}"
    for market, seen in sorted(state.history.items()):
        yield f"marks {market} {seen}"
    if state.winding is not None:
        winding = state.winding
        yield f"winding down {winding.since_ns} {sorted(winding.closed)} {winding.filed} {winding.written_off}"
    yield from state.auctions.canonical_lines()


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

"""A seeded book of a venue: who holds what, at which leverage, since before the window.

Counter-based randomness (Philox), one stream per block of the population, so a seed gives the same book on any
machine and with any number of workers. See ``population`` for the facts it is held against.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from fractions import Fraction
from math import ceil, floor, log10
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from seawall.errors import InputError
from seawall.margin import BookSnapshot
from seawall.market import Bracket, Brackets, Instrument
from seawall.money import Asset
from seawall.replay import population as pop
from seawall.tables.keys import nearest

USDC = Asset.of("USDC", 6, 6)
# Maximum leverage by coin: BTC 40, ETH 25, large coins 20, the rest 10 (Hyperliquid margin tiers, docs 2025).
MAX_LEVERAGE: Mapping[str, int] = {"BTC": 40, "ETH": 25, "SOL": 20, "XRP": 20, "DOGE": 10, "BNB": 10}
OTHER_LEVERAGE = 10
# Share of open interest: notional closed on 10 October 2025 by coin (BTC 2,410m, ETH 1,516m, SOL 894m of 7,614m).
WEIGHTS: Mapping[str, float] = {"BTC": 0.32, "ETH": 0.20, "SOL": 0.12, "XRP": 0.05, "DOGE": 0.04, "BNB": 0.03}
OTHER_WEIGHT = 0.02
BRACKET_STEPS = ((0, "1"), (250_000, "1"), (1_000_000, "3/2"), (5_000_000, "2"), (25_000_000, "3"))


@dataclass(frozen=True, slots=True)
class GeneratorOptions:
    """``generate:key=value,...``

    Attributes:
        accounts: number of trading accounts, market makers included.
        seed: any whole number.
        leverage: factor on every account's leverage (1.25: a quarter more).
    """

    accounts: int = 100_000
    seed: int = 7
    leverage: Fraction = Fraction(1)

    @property
    def text(self) -> str:
        """The options as they are written."""
        return f"generate:accounts={self.accounts},seed={self.seed},leverage={self.leverage}"


def parse_generate(text: str) -> GeneratorOptions:
    """Read ``generate:accounts=...,seed=...``.

    Raises:
        InputError: unknown option or bad value.
    """
    _, _, rest = text.partition(":")
    found: dict[str, int | Fraction] = {}
    known = [f.name for f in fields(GeneratorOptions)]
    for part in filter(None, rest.split(",")):
        key, _, value = part.partition("=")
        if key not in known:
            raise InputError("unknown generator option", field="book", value=key, expected=nearest(key, known))
        try:
            number = Fraction(value) if key == "leverage" else int(value)
        except (ValueError, ZeroDivisionError):
            raise InputError("bad value", field=f"book {key}", value=value, expected="a number") from None
        found[key] = number
    options = GeneratorOptions(**found)  # type: ignore[arg-type]
    if not 20 <= options.accounts <= 5_000_000:
        raise InputError(
            "bad number of accounts", field="book accounts", value=options.accounts, expected="20 to 5000000"
        )
    if not Fraction(1, 20) <= options.leverage <= 5:
        raise InputError(
            "bad leverage factor", field="book leverage", value=str(options.leverage), expected="0.05 to 5"
        )
    return options


@dataclass(frozen=True, slots=True)
class MarketSeed:
    """What the generator must know of a market: price at the start, and whether profit is paid in the coin."""

    symbol: str
    base: str
    quote: str
    inverse: bool
    price: float


def make_instrument(seed: MarketSeed) -> Instrument:
    """A perpetual whose scales fit its price: a lot is worth 1 to 100 of the quote, a mark has seven digits."""
    size = floor(log10(seed.price))
    leverage = MAX_LEVERAGE.get(seed.base, OTHER_LEVERAGE)
    if seed.inverse:
        face = Fraction(100) if seed.base == "BTC" else Fraction(10)
        scale = min(12, max(4, ceil(7 + log10(seed.price / float(face)))))
        settle = Asset.of(seed.base, scale, scale)
        mark_scale = max(0, 6 - size)
        return Instrument.of(
            seed.symbol,
            settle,
            base=seed.base,
            quote=seed.quote,
            lot=face,
            mark_scale=mark_scale,
            inverse=True,
            brackets=_brackets(leverage, Fraction(seed.price), settle),
        )
    mark_scale = max(0, 6 - size)
    lot = Fraction(10) ** (mark_scale - 6)
    return Instrument.of(
        seed.symbol,
        USDC,
        base=seed.base,
        quote=seed.quote,
        lot=lot,
        mark_scale=mark_scale,
        brackets=_brackets(leverage, Fraction(1), USDC),
    )


def _brackets(leverage: int, price: Fraction, settle: Asset) -> Brackets:
    """Rates step up with notional; maintenance is half of initial at maximum leverage (Hyperliquid docs)."""
    steps = []
    for floor_usd, factor in BRACKET_STEPS:
        initial = min(Fraction(1), Fraction(1, leverage) * Fraction(factor))
        start = int(Fraction(floor_usd) / price * 10**settle.book_scale)
        steps.append(Bracket(start, initial, initial / 2))
    return Brackets.of(steps)


def generate_book(options: GeneratorOptions, markets: Sequence[MarketSeed]) -> BookSnapshot:
    """A book over these markets.

    Lots net to zero per market: market makers hold the other side. Same options and markets, same book.
    """
    if not markets:
        raise InputError("no markets to generate a book over", field="symbols")
    instruments = tuple(make_instrument(m) for m in markets)
    assets = tuple(dict.fromkeys(i.settle for i in instruments))
    makers = max(2, options.accounts // 500)
    shorts = max(3, round(options.accounts * pop.WINNERS_PER_ACCOUNT))
    longs = max(3, options.accounts - shorts - makers)
    book = _Positions(options, markets, instruments, assets)
    book.add_side(0, shorts, -1, _winner_sizes(options.seed, shorts), pop.MEDIAN_LEVERAGE, 1.5)
    total = float(book.notional_of(range(shorts)).sum())
    book.add_side(shorts, longs, 1, _loser_sizes(options.seed, longs, total), 0.8, 1.2)
    book.add_makers(shorts + longs, makers)
    return book.snapshot(shorts, longs, makers)


def _stream(seed: int, block: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=[seed & (2**64 - 1), block]))


def _normal_scores(count: int) -> NDArray[np.float64]:
    """Standard normal quantiles at the middles of ``count`` equal slices."""
    normal = NormalDist()
    return np.array([normal.inv_cdf((i + 0.5) / count) for i in range(count)])


def _winner_sizes(seed: int, count: int) -> NDArray[np.float64]:
    """Lognormal notional, one draw per equal slice of probability, so that every seed has the published shape."""
    rng = _stream(seed, 1)
    normal = NormalDist()
    # The top slices are drawn near their middle: there one draw would move a seventh of the whole market.
    jitter = rng.random(count)
    jitter[max(0, count - 200) :] = 0.4 + 0.2 * jitter[max(0, count - 200) :]
    places = (np.arange(count) + np.clip(jitter, 0.01, 0.99)) / count
    z = np.array([normal.inv_cdf(p) for p in places.tolist()])
    sizes = np.minimum(pop.MEDIAN_SIZE * np.exp(pop.SIGMA * z), pop.LARGEST_SIZE)
    return rng.permutation(sizes)


def _loser_sizes(seed: int, count: int, total: float) -> NDArray[np.float64]:
    """Lognormal with lighter tail, scaled so that longs and shorts are worth the same within a few percent."""
    rng = _stream(seed, 2)
    sizes = np.exp(2.6 * rng.standard_normal(count))
    sizes = np.minimum(sizes, np.quantile(sizes, 1 - 5 / max(5, count)))
    scaled: NDArray[np.float64] = sizes * (total * rng.uniform(0.97, 1.03) / float(sizes.sum()))
    return scaled


class _Positions:
    """Columns under construction."""

    def __init__(
        self,
        options: GeneratorOptions,
        markets: Sequence[MarketSeed],
        instruments: Sequence[Instrument],
        assets: Sequence[Asset],
    ) -> None:
        self.options = options
        self.instruments = instruments
        self.assets = tuple(assets)
        self.prices = np.array([m.price for m in markets])
        self.marks = [max(1, round(m.price * 10**i.mark_scale)) for m, i in zip(markets, instruments, strict=True)]
        self.values = np.array([i.unit_value(k) for i, k in zip(instruments, self.marks, strict=True)], dtype=np.int64)
        self.signs = np.array([i.sign for i in instruments], dtype=np.int64)
        # One lot in quote currency: what sizes in dollars are divided by.
        self.lot_usd = np.array(
            [float(i.lot) if i.inverse else float(i.lot) * p for i, p in zip(instruments, self.prices, strict=True)]
        )
        weights = np.array([WEIGHTS.get(m.base, OTHER_WEIGHT) for m in markets])
        self.weights = weights / weights.sum()
        self.settle = np.array([self.assets.index(i.settle) for i in instruments], dtype=np.int64)
        self.account: list[NDArray[np.int64]] = []
        self.market: list[NDArray[np.int64]] = []
        self.lots: list[NDArray[np.int64]] = []
        self.entry: list[NDArray[np.int64]] = []
        self.cash: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]] = []

    def notional_of(self, accounts: range) -> NDArray[np.float64]:
        """Notional in dollars per account."""
        account, market, lots = (np.concatenate(c) for c in (self.account, self.market, self.lots))
        usd = np.abs(lots) * self.lot_usd[market]
        found = np.bincount(account, weights=usd, minlength=accounts.stop)[accounts.start : accounts.stop]
        return found.astype(np.float64)

    def add_side(
        self, first: int, count: int, side: int, sizes: NDArray[np.float64], median: float, spread: float
    ) -> None:
        """``count`` accounts, all long or all short, in one to four markets each."""
        rng = _stream(self.options.seed, 10 + (side > 0))
        # Large accounts use more of their cash than small ones, else all deposits would dwarf the venue's 5.1bn.
        leverage = self._leverages(rng, sizes, median, spread, 0.6 if side < 0 else 0.45)
        many = np.minimum(rng.geometric(0.6, count), min(4, len(self.instruments)))
        many[sizes < 100] = 1
        account = np.repeat(np.arange(count), many)
        # Different markets within an account: one random order of all markets, weighted, per account (Gumbel).
        keys = np.log(self.weights) + rng.gumbel(size=(count, len(self.instruments)))
        ranked = np.argsort(-keys, axis=1)
        place = np.arange(len(account)) - np.repeat(np.cumsum(many) - many, many)
        market = ranked[account, place]
        share = rng.random(len(account)) + 0.2
        share /= np.bincount(account, weights=share, minlength=count)[account]
        usd = sizes[account] * share
        lots = np.maximum(1, np.rint(usd / self.lot_usd[market])).astype(np.int64) * side
        self._append(rng, first, account, market, lots, leverage, side)

    def _leverages(
        self, rng: np.random.Generator, sizes: NDArray[np.float64], median: float, spread: float, tie: float
    ) -> NDArray[np.float64]:
        """Lognormal position over cash, evenly spread over the probability so that the median is kept; ``tie`` is its
        correlation with size."""
        count = len(sizes)
        by_size = np.empty(count)
        by_size[np.argsort(sizes, kind="stable")] = _normal_scores(count)
        mixed = tie * by_size + np.sqrt(1 - tie * tie) * rng.standard_normal(count)
        z = np.empty(count)
        z[np.argsort(mixed, kind="stable")] = _normal_scores(count)
        found: NDArray[np.float64] = median * np.exp(spread * z) * float(self.options.leverage)
        return found

    def _append(
        self,
        rng: np.random.Generator,
        first: int,
        account: NDArray[np.int64],
        market: NDArray[np.int64],
        lots: NDArray[np.int64],
        leverage: NDArray[np.float64],
        side: int,
    ) -> None:
        """Entries, then cash so that position over cash is the leverage and the account starts above initial margin."""
        value = self.values[market]
        worth = lots * self.signs[market] * value
        lev = leverage[account]
        # Entries predate the window: shorts are on average 6 % in profit, longs about even; those with little
        # margin entered near the mark, or they would not be there any more.
        drift = np.clip(rng.normal(0.06 if side < 0 else 0.0, 0.08, len(lots)), -0.5 / (1 + lev), 0.5)
        ratio = 1 - side * drift if side > 0 else 1 + drift
        entry = np.rint(worth * ratio).astype(np.int64) if len(worth) else worth
        entry = np.where(self.signs[market] > 0, entry, np.rint(worth / ratio).astype(np.int64))
        asset = self.settle[market]
        keys = account * len(self.assets) + asset
        unique, inverse = np.unique(keys, return_inverse=True)
        notional = np.bincount(inverse, weights=np.abs(worth), minlength=len(unique))
        profit = np.bincount(inverse, weights=worth - entry, minlength=len(unique))
        initial = np.bincount(inverse, weights=self._initial(market, np.abs(worth)), minlength=len(unique))
        owner, held = unique // len(self.assets), unique % len(self.assets)
        cash = np.maximum(notional / leverage[owner], initial * 1.05 - np.minimum(profit, 0))
        self.cash.append((first + owner, held, np.ceil(cash).astype(np.int64)))
        self.account.append(first + account)
        self.market.append(market)
        self.lots.append(lots)
        self.entry.append(entry)

    def _initial(self, market: NDArray[np.int64], notional: NDArray[np.int64]) -> NDArray[np.float64]:
        """Initial requirement per position, floats: it only decides how much cash a generated account starts with."""
        out = np.zeros(len(notional))
        for number, instrument in enumerate(self.instruments):
            mine = np.nonzero(market == number)[0]
            steps = instrument.brackets.steps
            size = notional[mine].astype(np.float64)
            for i, step in enumerate(steps):
                top = steps[i + 1].floor if i + 1 < len(steps) else np.inf
                out[mine] += np.clip(np.minimum(size, top) - step.floor, 0, None) * float(step.initial)
        return out

    def add_makers(self, first: int, count: int) -> None:
        """Market makers hold the other side of every market, in all markets, at low leverage."""
        rng = _stream(self.options.seed, 20)
        market, lots = np.concatenate(self.market), np.concatenate(self.lots)
        net = np.zeros(len(self.instruments), dtype=np.int64)
        np.add.at(net, market, lots)
        accounts, markets, sizes = [], [], []
        for number, over in enumerate(net.tolist()):
            weights = rng.pareto(1.5, count) + 0.05
            # Makers hold more than the difference: half of them lean one way, half the other.
            gross = np.floor(weights / weights.sum() * 0.05 * float(np.abs(lots[market == number]).sum())).astype(
                np.int64
            )
            gross[1::2] *= -1
            gross[0] -= over + int(gross.sum())
            held = np.nonzero(gross)[0]
            accounts.append(held)
            markets.append(np.full(len(held), number, dtype=np.int64))
            sizes.append(gross[held])
        account, market, lots = np.concatenate(accounts), np.concatenate(markets), np.concatenate(sizes)
        order = np.lexsort((market, account))
        leverage = np.full(count, 1.5 * float(self.options.leverage))
        self._append(rng, first, account[order], market[order], lots[order], leverage, 1)

    def snapshot(self, shorts: int, longs: int, makers: int) -> BookSnapshot:
        """The finished book."""
        total = shorts + longs + makers
        rng = _stream(self.options.seed, 30)
        owners = np.arange(total)
        # One account in twenty belongs to the owner of another one, who owns that one himself: linked accounts.
        linked = rng.random(total) < 0.05
        first = np.nonzero(~linked)[0]
        owners[linked] = first[rng.integers(0, len(first), int(linked.sum()))]
        cash_account, cash_asset, cash = (np.concatenate([c[i] for c in self.cash]) for i in range(3))
        names = [f"s{i:06d}" for i in range(shorts)] + [f"l{i:06d}" for i in range(longs)]
        names += [f"mm{i:04d}" for i in range(makers)]
        return BookSnapshot(
            assets=self.assets,
            instruments=tuple(self.instruments),
            account_ids=tuple(names),
            owners=tuple(f"owner-{names[i]}" for i in owners.tolist()),
            members=("",) * total,
            roles=("trader",) * (shorts + longs) + ("market_maker",) * makers,
            parents=np.full(total, -1, dtype=np.int32),
            cash_account=cash_account.astype(np.int32),
            cash_asset=cash_asset.astype(np.int32),
            cash_minor=tuple(cash.tolist()),
            pos_account=np.concatenate(self.account).astype(np.int32),
            pos_market=np.concatenate(self.market).astype(np.int32),
            pos_lots=np.concatenate(self.lots),
            pos_entry=np.concatenate(self.entry),
            marks=dict(enumerate(self.marks)),
            kind="generated",
            source={
                "generator": self.options.text,
                "markets": [[i.symbol, repr(float(p))] for i, p in zip(self.instruments, self.prices, strict=True)],
            },
        )


def winning_side(book: BookSnapshot) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Notional and position over cash of every trader that is net short, in the settle asset's units."""
    count = len(book.account_ids)
    values = np.array([i.unit_value(book.marks[m]) for m, i in enumerate(book.instruments)], dtype=np.float64)
    scales = np.array([10.0**i.settle.book_scale for i in book.instruments])
    usd = book.pos_lots * (values / scales)[book.pos_market]
    net = np.bincount(book.pos_account, weights=usd, minlength=count)
    gross = np.bincount(book.pos_account, weights=np.abs(usd), minlength=count)
    unit = np.array([float(10**a.decimals) for a in book.assets])
    cash = np.bincount(
        book.cash_account, weights=np.array(book.cash_minor, dtype=np.float64) / unit[book.cash_asset], minlength=count
    )
    traders = np.array([r == "trader" for r in book.roles])
    mine = traders & (net < 0)
    return gross[mine].astype(np.float64), gross[mine] / cash[mine]

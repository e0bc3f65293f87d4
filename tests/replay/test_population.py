"""What a generated book is made of, beyond the bands. Ids population-*; source: the generator's own statements."""

from __future__ import annotations

import numpy as np
import pytest

from seawall.money import Rounding
from seawall.replay import MarketSeed, generate_book
from seawall.replay.generator import GeneratorOptions, make_instrument, winning_side
from seawall.replay.population import LARGEST_SIZE, WINNERS_PER_ACCOUNT, facts
from seawall.tables import load_scenario

MARKETS = [MarketSeed(f"{a}-PERP", a, "USD", False, p.price) for a, p in load_scenario("2025-10-10").assets.items()]
INVERSE = [MarketSeed(f"{s.base}USD_PERP", s.base, "USD", True, s.price) for s in MARKETS]


@pytest.fixture(scope="module", params=["linear", "inverse"])
def book(request):
    return generate_book(GeneratorOptions(accounts=10_000, seed=5), MARKETS if request.param == "linear" else INVERSE)


def profits(book) -> np.ndarray:
    values = np.array([i.unit_value(book.marks[m]) * i.sign for m, i in enumerate(book.instruments)])
    return book.pos_lots * values[book.pos_market] - book.pos_entry


def named(book, prefix: str) -> np.ndarray:
    return np.array([a.startswith(prefix) for a in book.account_ids])[book.pos_account]


def test_population_columns_are_whole_and_unique(book):
    assert len(book.account_ids) == len(set(book.account_ids)) == 10_000
    assert (book.pos_lots != 0).all()
    pairs = book.pos_account.astype(np.int64) * 1000 + book.pos_market
    assert len(np.unique(pairs)) == len(pairs), "a position twice"
    wallets = book.cash_account.astype(np.int64) * 1000 + book.cash_asset
    assert len(np.unique(wallets)) == len(wallets), "a wallet twice"
    assert min(book.cash_minor) > 0
    assert book.kind == "generated"
    assert book.source["generator"] == "generate:accounts=10000,seed=5,leverage=1"


def test_population_every_market_has_both_sides_and_nets_to_zero(book):
    for market in range(len(book.instruments)):
        lots = book.pos_lots[book.pos_market == market]
        assert lots.sum() == 0
        assert (lots > 0).any()
        assert (lots < 0).any()


def test_population_nobody_starts_below_initial_margin(book):
    """Equity of each wallet against its exact initial requirement."""
    assets = len(book.assets)
    rows = book.pos_account.astype(np.int64) * assets + [
        book.assets.index(book.instruments[m].settle) for m in book.pos_market
    ]
    equity = {
        int(a) * assets + int(s): c for a, s, c in zip(book.cash_account, book.cash_asset, book.cash_minor, strict=True)
    }
    need: dict[int, int] = {}
    for row, market, lots, gain in zip(rows, book.pos_market, book.pos_lots, profits(book), strict=True):
        instrument = book.instruments[market]
        notional = abs(int(lots)) * instrument.unit_value(book.marks[int(market)])
        equity[int(row)] += instrument.settle.to_minor(int(gain))
        need[int(row)] = need.get(int(row), 0) + instrument.settle.to_minor(
            -int(-instrument.brackets.requirement(notional, initial=True) // 1)
        )
    short = [(row, equity[row], need[row]) for row in need if equity[row] < need[row]]
    assert not short, f"{len(short)} wallets, first {short[0]} (row, equity, initial requirement)"


def test_population_shorts_start_in_profit_and_longs_are_shared(book):
    gains = profits(book)
    shorts, longs = named(book, "s0"), named(book, "l0")
    assert (book.pos_lots[shorts] < 0).all()
    assert (book.pos_lots[longs] > 0).all()
    assert 0.6 < (gains[shorts] > 0).mean() < 0.95, "entries of shorts lie above the price, not all of them"
    assert 0.4 < (gains[longs] > 0).mean() < 0.6


def test_population_longs_use_more_leverage_with_a_tail(book):
    cash = np.zeros((len(book.account_ids), len(book.assets)))
    for a, s, c in zip(book.cash_account, book.cash_asset, book.cash_minor, strict=True):
        cash[a, s] = c / 10 ** book.assets[s].decimals
    values = np.array([i.unit_value(book.marks[m]) for m, i in enumerate(book.instruments)], dtype=float)
    scale = np.array([10.0**i.settle.book_scale for i in book.instruments])
    price = np.array([s.price if i.inverse else 1.0 for s, i in zip(MARKETS, book.instruments, strict=True)])
    dollars = np.abs(book.pos_lots) * (values / scale * price)[book.pos_market]
    notional = np.bincount(book.pos_account, weights=dollars, minlength=len(cash))
    settled = {book.assets.index(i.settle): p for i, p in zip(book.instruments, price, strict=True)}
    worth = sum(cash[:, s] * p for s, p in settled.items())
    leverage = notional / worth
    longs = np.array([a.startswith("l0") for a in book.account_ids])
    shorts = np.array([a.startswith("s0") for a in book.account_ids])
    assert np.median(leverage[shorts]) == pytest.approx(0.196, rel=0.06)
    assert 0.6 < np.median(leverage[longs]) < 1.0
    assert 0.03 < (leverage[longs] > 5).mean() < 0.12, f"{(leverage[longs] > 5).mean():.3f} above five times"
    assert leverage.max() < 41


def test_population_linked_owners_own_their_own_account(book):
    owners = dict(zip(book.account_ids, book.owners, strict=True))
    linked = [a for a, o in owners.items() if o != f"owner-{a}"]
    assert 0.03 < len(linked) / len(owners) < 0.07
    for account in linked:
        other = owners[account].removeprefix("owner-")
        assert owners[other] == owners[account], f"{account} belongs to {owners[account]}, who does not own {other}"


def test_population_leverage_option_scales_and_the_largest_is_capped():
    books = [
        generate_book(parse, MARKETS) for parse in (GeneratorOptions(seed=3), GeneratorOptions(seed=3, leverage=2))
    ]
    (sizes, plain), (_, doubled) = (winning_side(b) for b in books)
    assert len(sizes) == pytest.approx(100_000 * WINNERS_PER_ACCOUNT, rel=0.001)
    assert sizes.max() <= LARGEST_SIZE * 1.0001
    assert np.median(doubled) == pytest.approx(2 * np.median(plain), rel=0.02)
    assert facts(sizes, plain).accounts == len(sizes)


@pytest.mark.parametrize("price", [1e-7, 3.2e-5, 0.0039, 0.5, 1.0, 9.99, 246.0, 4000.0, 117_000.0, 1e6])
@pytest.mark.parametrize("inverse", [False, True])
def test_population_instruments_bear_a_crash_and_a_rally(price, inverse):
    """Values stay exact and inside the book's bounds from a hundredth to ten times the price."""
    instrument = make_instrument(MarketSeed("X-PERP", "X", "USD", inverse, price))
    for factor in (0.01, 0.16, 1, 10):
        mark = round(price * factor * 10**instrument.mark_scale)
        value = instrument.unit_value(mark)
        exact = instrument.value(-1 if inverse else 1, mark, rounding=Rounding.HALF_EVEN)
        assert abs(value - exact) <= 1, f"{price} x {factor}"
        assert value >= 1000, f"{price} x {factor}: one lot is {value} book units, too coarse"

"""The generated population against published facts, every seed. Ids generator-*; source beside each band in the code."""

from __future__ import annotations

import numpy as np
import pytest

from seawall.errors import InputError
from seawall.replay import MarketSeed, generate_book, parse_generate
from seawall.replay.generator import GeneratorOptions, winning_side
from seawall.replay.population import BANDS, facts
from seawall.tables import load_scenario

MARKETS = [MarketSeed(f"{a}-PERP", a, "USD", False, p.price) for a, p in load_scenario("2025-10-10").assets.items()]


@pytest.mark.parametrize("seed", range(20))
def test_generator_population_is_in_every_band(seed):
    found = facts(*winning_side(generate_book(GeneratorOptions(accounts=100_000, seed=seed), MARKETS)))
    for band in BANDS:
        value = getattr(found, band.name)
        assert band.low <= value <= band.high, f"{band.name} {value} outside {band.low} to {band.high}; {band.source}"


def test_generator_lots_net_to_zero_and_the_seed_decides():
    books = [generate_book(GeneratorOptions(accounts=2_000, seed=s), MARKETS) for s in (1, 1, 2)]
    net = np.zeros(len(MARKETS), dtype=np.int64)
    np.add.at(net, books[0].pos_market, books[0].pos_lots)
    assert not net.any()
    assert np.array_equal(books[0].pos_lots, books[1].pos_lots)
    assert books[0].cash_minor == books[1].cash_minor
    assert not np.array_equal(books[0].pos_lots, books[2].pos_lots)
    assert len(set(books[0].owners)) < len(books[0].owners), "no linked owners"


def test_generator_market_makers_hold_hundreds_of_positions_in_hundreds_of_markets():
    markets = [MarketSeed(f"C{i}-PERP", f"C{i}", "USD", False, 1.0 + i) for i in range(200)]
    book = generate_book(GeneratorOptions(accounts=5_000, seed=1), markets)
    makers = [i for i, r in enumerate(book.roles) if r == "market_maker"]
    counts = np.bincount(book.pos_account, minlength=len(book.roles))[makers]
    assert counts.min() > 100


def test_generator_inverse_books_settle_in_the_coin():
    book = generate_book(
        GeneratorOptions(accounts=500, seed=1), [MarketSeed("AAVEUSD_PERP", "AAVE", "USD", True, 246.0)]
    )
    assert [a.name for a in book.assets] == ["AAVE"]
    assert book.instruments[0].inverse


@pytest.mark.parametrize(
    "text", ["generate:acounts=5", "generate:accounts=x", "generate:accounts=1", "generate:leverage=9"]
)
def test_generator_bad_options(text):
    with pytest.raises(InputError):
        parse_generate(text)

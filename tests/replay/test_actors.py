"""Actors of a scenario in any book, to the unit. Ids actor-*; source: the docstring of ``add_actors``, worked by hand."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from types import MappingProxyType

import numpy as np
import pytest
from tests.books import FLAT, USDC, perp, policy, snapshot

from seawall.engine import open_state, statements
from seawall.errors import InputError
from seawall.journal import open_run, verify_run
from seawall.market import Instrument, Kind
from seawall.money import Asset
from seawall.replay import replay
from seawall.replay.actors import add_actors, owner_exposures
from seawall.scenario import Actor, AssetPath, Curve, Holding, Scenario, Source
from seawall.tables import policy_from_canonical

BTC = Asset.of("BTC", 10, 10)
COIN = Instrument.of(
    "BTCUSD", BTC, base="BTC", quote="USD", lot=Fraction(100), mark_scale=0, inverse=True, brackets=FLAT
)


def actor(*holdings: tuple[str, str], cash: str = "1000", wallets: int = 1, name: str = "whale", owner: str = "w"):
    return Actor(
        name, owner, Fraction(cash), tuple(Holding(a, Fraction(n)) for a, n in holdings), wallets, "trader", ""
    )


def held(book, market: int = 0) -> dict[str, tuple[int, int]]:
    """Account -> (lots, entry) in one market."""
    rows = zip(book.pos_account.tolist(), book.pos_market.tolist(), book.pos_lots, book.pos_entry, strict=True)
    return {book.account_ids[a]: (int(n), int(e)) for a, m, n, e in rows if m == market}


def cash(book) -> dict[str, int]:
    rows = zip(book.cash_account.tolist(), book.cash_asset.tolist(), book.cash_minor, strict=True)
    return {f"{book.account_ids[a]}.{book.assets[b].name}": n for a, b, n in rows}


def plain():
    """Two traders, 3 lots each way at 100."""
    return snapshot(
        {"a": 10**9, "b": 10**9}, [("a", "BTC-PERP", 3, 100), ("b", "BTC-PERP", -3, 100)], [perp()], marks={}
    )


def test_actor_wallets_share_cash_and_lots_to_the_unit():
    """1,000 USD of notional at 100 is 10 lots: 4, 3, 3; 1000.000001 of cash leaves a unit for the first."""
    found = add_actors(plain(), [actor(("BTC", "-1000"), cash="1000.000001", wallets=3)], {0: 100})
    value = 100 * 10**6
    assert held(found) == {
        "a": (3, 3 * value),
        "b": (-3, -3 * value),
        "whale-1": (-4, -4 * value),
        "whale-2": (-3, -3 * value),
        "whale-3": (-3, -3 * value),
    }
    mine = {k: v for k, v in cash(found).items() if k.startswith("whale")}
    assert mine == {"whale-1.USDC": 333_333_334, "whale-2.USDC": 333_333_334, "whale-3.USDC": 333_333_333}
    assert found.owners[2:] == ("w", "w", "w")
    assert found.source["actors"] == [{"name": "whale", "owner": "w", "wallets": 3, "cash": "1000000001/1000000"}]


@pytest.mark.parametrize(("notional", "lots"), [("250", 2), ("350", 4), ("349", 3), ("-251", -3)])
def test_actor_lots_are_rounded_half_to_even(notional, lots):
    assert held(add_actors(plain(), [actor(("BTC", notional))], {0: 100}))["whale"][0] == lots


def test_actor_in_a_coin_margined_market_brings_coins():
    """10,000 USD are 100 lots of 100 USD; 5,000 USD of cash at 40,000 are 0.125 BTC; a long's entry is negative."""
    book = snapshot({"a": {"BTC": 10**10}}, [("a", "BTCUSD", 1, 40_000)], [COIN], assets=(BTC,))
    found = add_actors(book, [actor(("BTC", "10000"), cash="5000")], {0: 40_000})
    lot = 100 * 10**10 // 40_000
    assert held(found)["whale"] == (100, -100 * lot)
    assert cash(found)["whale.BTC"] == 1_250_000_000


def test_actor_cash_follows_notional_where_markets_settle_apart():
    """A third of the notional in the coin-margined market: a third of the cash in coins."""
    eth = perp("ETH-PERP")
    book = snapshot({"a": {"BTC": 10**10}}, [("a", "BTCUSD", 1, 40_000)], [COIN, eth], assets=(BTC, USDC))
    found = add_actors(book, [actor(("BTC", "1000"), ("ETH", "-2000"), cash="3000")], {0: 40_000, 1: 100})
    assert cash(found)["whale.BTC"] == 10**10 // 40
    assert cash(found)["whale.USDC"] == 2000 * 10**6


def test_actor_takes_the_perpetual_before_the_future():
    future = Instrument.of(
        "BTC-MAR",
        USDC,
        base="BTC",
        quote="USD",
        lot=Fraction(1),
        mark_scale=0,
        brackets=FLAT,
        kind=Kind.FUTURE,
        expiry_ns=10**18,
    )
    book = snapshot({"a": 10**9}, [], [future, perp()])
    assert "whale" in held(add_actors(book, [actor(("BTC", "500"))], {0: 100, 1: 100}), 1)
    assert "whale" in held(add_actors(book, [actor(("BTC", "500"))], {0: 100}), 0)


@pytest.mark.parametrize("own_outside", [False, True])
def test_actor_opening_conserves_every_asset(own_outside):
    """Cash comes from outside the venue, the other side is ``outside``, also where the book brings its own."""
    positions = [("a", "BTC-PERP", 3, 90), ("b", "BTC-PERP", -2, 90)]
    accounts = {"a": 10**9, "b": 10**9}
    if own_outside:
        accounts["outside"] = 0
        positions.append(("outside", "BTC-PERP", -1, 90))
    book = snapshot(accounts, positions, [perp()], roles={"outside": "outside"})
    found = add_actors(book, [actor(("BTC", "700"), wallets=2)], {0: 100})
    state = open_state(found, policy(), {0: 100})
    (statement,) = statements(state, {})
    assert statement.difference == 0
    # 2,000 of the traders, 1,000 of the actor; the lot that the book leaves open brings its 10 of profit since 90.
    assert statement.vault == (3000 if own_outside else 3010) * 10**6
    rows = held(state.snapshot)
    assert sum(n for n, _ in rows.values()) == 0
    assert rows["outside"][0] == -8
    assert [rows[f"whale-{i}"][0] for i in (1, 2)] == [4, 3]


BAD = {
    "no market": (plain(), actor(("ETH", "1")), {0: 100}, "asset"),
    "no mark": (plain(), actor(("BTC", "1000")), {}, "asset"),
    "too small": (plain(), actor(("BTC", "1000"), wallets=11), {0: 100}, "BTC"),
    "name taken": (plain(), actor(("BTC", "1000"), name="a"), {0: 100}, "account"),
    "outside is all of it": (
        snapshot({"outside": 0, "a": 10**9}, [("outside", "BTC-PERP", 10, 100), ("a", "BTC-PERP", -10, 100)], [perp()], roles={"outside": "outside"}),
        actor(("BTC", "1000")),
        {0: 100},
        "positions",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("book", "who", "marks", "field"), BAD.values(), ids=BAD)
def test_actor_refused(book, who, marks, field):
    with pytest.raises(InputError) as caught:
        add_actors(book, [who], marks)
    assert caught.value.field == field, str(caught.value)


def test_actor_nobody_changes_nothing():
    book = plain()
    assert add_actors(book, [], {0: 100}) is book


def falling(*actors: Actor) -> Scenario:
    """BTC from 100 to 60 in ten minutes."""
    path = AssetPath(100.0, Curve.of([(0, 1.0), (2, 1.0), (10, 0.6)]), Curve(((0.0, 1.0),)), 1e6)
    return Scenario(
        name="falling",
        title="a fall",
        date="2025-01-01",
        start_ns=0,
        minutes=12,
        assets=MappingProxyType({"BTC": path}),
        depth=Curve(((0.0, 1.0),)),
        funding=(),
        sources=(Source("made up", "2025-01-01"),),
        actors=actors,
    )


def test_actor_joins_a_users_own_book_and_is_liquidated_there(tmp_path):
    """Long at five times falls with the market by 40 %; the book's own traders stay; the run is derived again."""
    whale = actor(("BTC", "5000"), wallets=2)
    book = replace(plain(), marks={0: 100})
    run = replay(book, falling(whale), policy(marks={"kind": "banded"}), out=tmp_path / "run")
    assert run.liquidated == {"whale-1", "whale-2"}
    assert run.summary["conservation"]["ok"]
    assert run.summary["accounts"] == 4
    assert any("whale (2 wallets" in note for note in run.summary["notes"])
    assert open_run(tmp_path / "run").book().account_ids[2:] == ("whale-1", "whale-2")
    assert verify_run(tmp_path / "run", policy_from_canonical).ok


def test_actor_the_same_run_without_him_differs_only_by_him():
    run = replay(replace(plain(), marks={0: 100}), falling(), policy(marks={"kind": "banded"}))
    assert (run.liquidated, run.summary["accounts"]) == (frozenset(), 2)


def test_actor_exposure_of_an_owner_adds_up_what_wallets_hide():
    """7 + 5 lots of one owner in three accounts against 3 of a trader: 12 of 15; long and short of one owner net."""
    book = add_actors(plain(), [actor(("BTC", "700"), wallets=2), actor(("BTC", "500"), name="x")], {0: 100})
    first = owner_exposures(book)[0]
    assert (first.owner, first.accounts, first.lots, first.largest, first.share) == ("w", 3, 12, 5, Fraction(12, 15))
    both = add_actors(plain(), [actor(("BTC", "700")), actor(("BTC", "-700"), name="x")], {0: 100})
    row = next(r for r in owner_exposures(both) if r.owner == "w")
    assert (row.lots, row.largest, row.share) == (0, 7, 0)


def test_actor_exposure_share_is_the_same_before_and_after_the_other_side_is_booked():
    book = add_actors(plain(), [actor(("BTC", "-700"))], {0: 100})
    state = open_state(book, policy(), {0: 100})
    before = {(r.market, r.owner): r.share for r in owner_exposures(book)}
    after = {(r.market, r.owner): r.share for r in owner_exposures(state.snapshot)}
    assert before == {k: v for k, v in after.items() if k in before}
    assert before["BTC-PERP", "w"] == Fraction(7, 10)
    assert np.sum(state.snapshot.pos_lots) == 0

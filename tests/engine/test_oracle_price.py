"""Deleveraging at the index price. Ids oracle-price-*.

Source: price rules of docs/reference/policy.md; dYdX v4 closes at the oracle price in final settlement. alice has 1,000 and is
long 10 coins at 1,000, bob is short them; at a mark of 800 alice's equity is -1,000 and bob's profit 2,000.
"""

from __future__ import annotations

import pytest
from tests.books import perp, policy, snapshot
from tests.explained import hold, ledger_names, unexplained

from seawall.engine import (
    Marks,
    Resolve,
    apply,
    check_all,
    command_from_plain,
    command_to_plain,
    event_to_plain,
    open_state,
    state_hash,
)
from seawall.engine.events import Deleveraged, Residual
from seawall.replay import replay
from seawall.tables import read_policy
from seawall.tables.policies import policy_from_toml, preset_text

UNIT, SECOND = 10**6, 10**9
RULES = policy(
    layers=[{"name": "adl", "kind": "deleverage"}], deleverage={"rank": "pro_rata", "price": "oracle"}, house=[]
)


def venue():
    book = snapshot(
        {"alice": 1_000 * UNIT, "bob": 5_000 * UNIT},
        [("alice", "BTC-PERP", 10, 1_000), ("bob", "BTC-PERP", -10, 1_000)],
        [perp()],
        marks={"BTC-PERP": 1_000},
    )
    return open_state(book, RULES, {}, 0)


def do(state, command):
    assert command_from_plain(command_to_plain(command)) == command
    outcome = apply(state, command)
    scales = {a.name: a for a in state.snapshot.assets}
    assert not unexplained([event_to_plain(e) for e in outcome.events], outcome.transfers, ledger_names(state), scales)
    check_all(state)
    return outcome


@pytest.mark.parametrize(
    ("index", "given_up", "unpaid"),
    [
        (860, 600, 400),  # ten coins at 860 instead of 800
        (900, 1_000, 0),  # just the loss
        (950, 1_500, 0),  # more than the loss: alice keeps 500
        (780, 0, 1_000),  # below the mark: never so that the loss deepens
        (None, 0, 1_000),  # no index: the mark
    ],
)
def test_oracle_price_is_what_winners_are_closed_at(index, given_up, unpaid):
    state = venue()
    do(state, Marks(SECOND, {"BTC-PERP": 800}, oracle={} if index is None else {"BTC-PERP": index}))
    events = do(state, Resolve(100 * SECOND)).events
    (closed,) = [e for e in events if isinstance(e, Deleveraged)]
    assert (closed.account, closed.lots, closed.cost) == ("bob", 10, given_up * UNIT), closed
    assert sum(e.amount for e in events if isinstance(e, Residual)) == unpaid * UNIT
    assert state.cash_minor(0, 0) == max(0, given_up - 1_000) * UNIT
    assert state.cash_minor(1, 0) == (7_000 - given_up) * UNIT


def test_oracle_price_stands_until_the_next_one_and_is_part_of_the_state():
    state, other = venue(), venue()
    for seen, index in ((state, 860), (other, 870)):
        do(seen, Marks(SECOND, {"BTC-PERP": 990}, oracle={"BTC-PERP": index}))
    assert state_hash(state) != state_hash(other)
    do(state, Marks(2 * SECOND, {"BTC-PERP": 800}))
    (closed,) = [e for e in do(state, Resolve(100 * SECOND)).events if isinstance(e, Deleveraged)]
    assert closed.cost == 600 * UNIT


@pytest.mark.parametrize("oracle", [{"BTC-PERP": 0}, {"BTC-PERP": -5}, {"BTC-PERP": 10**40}, {"X": 5}])
def test_oracle_price_that_is_none_refuses_all_marks(oracle):
    state = venue()
    before = state_hash(state)
    assert do(state, Marks(SECOND, {"BTC-PERP": 800}, oracle=oracle)).rejection is not None
    assert state_hash(state) == before


def test_oracle_price_comes_from_the_sources_of_a_replay(tmp_path):
    """A policy that closes at the index: the log carries its prices, and every posting is explained from it."""
    text = (
        preset_text("hyperliquid").replace('"previous_mark"', '"oracle"').replace('"hyperliquid"', '"at the index"', 1)
    )
    rules = policy_from_toml(text, "test")
    assert rules != read_policy("hyperliquid")
    done = replay("generate:accounts=3000,seed=7", "2025-10-10", rules, out=tmp_path / "run")
    assert '"oracle":{' in (tmp_path / "run" / "log.jsonl").read_text()
    seen = hold(tmp_path / "run")
    assert seen["deleveraged"] > 20, seen
    assert done.summary["conservation"]["ok"]

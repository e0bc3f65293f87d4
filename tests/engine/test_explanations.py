"""Explanations: the programs, and events that the random machine does not reach. Ids explain-*.

Source: the README's fifth promise (anyone can check): evaluating a printed program on its printed inputs gives what
was posted.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.books import perp, policy, snapshot
from tests.engine import test_expiries, test_portfolio
from tests.explained import ledger_names, unexplained

from seawall.engine import Deposit, Fill, Funding, Marks, Resolve, Settle, Trade, apply, event_to_plain, open_state
from seawall.engine.events import Deleveraged, DeleverageShared, Moved, PositionSettled, TakenOver
from seawall.engine.explain import check, evaluate, evaluate_event, split_of
from seawall.engine.programs import RULES
from seawall.errors import FaultError
from seawall.money import PROFILES, Rounding, split

UNIT = 10**6
S = 10**9
PRIMITIVES = {"min", "max", "add", "sub", "muldiv", "split", "compare", "sum"}


def run(state, *commands):
    """Apply commands; every record must be explained both ways. All events."""
    events = []
    for command in commands:
        outcome = apply(state, command)
        assert outcome.rejection is None, (command, outcome.rejection)
        plain = [event_to_plain(e) for e in outcome.events]
        scales = {a.name: a for a in state.snapshot.assets}
        wrong = unexplained(plain, outcome.transfers, ledger_names(state), scales)
        assert not wrong, (command, wrong, plain)
        events.extend(outcome.events)
    return events


@pytest.mark.parametrize("name", RULES)
def test_explain_a_program_is_short_and_uses_the_eight_primitives(name):
    found = RULES[name]
    assert 1 <= len(found.program) <= 8, f"{name} has {len(found.program)} steps"
    assert {step[1] for step in found.program} <= PRIMITIVES
    results = {step[0] for step in found.program}
    assert {p.result for p in found.posts} <= results and set(found.holds) <= results
    assert found.says.endswith("."), found.says


def test_explain_every_rounding_of_every_profile_has_its_rules():
    # The share of equity is floored in the programs, releases and fees carry their rounding in the rule's name.
    for profile in PROFILES.values():
        assert profile.equity_share is Rounding.FLOOR, profile.name
        for rounding, rule in ((profile.release, "own.release"), (profile.fee, "fill.fee")):
            assert (rule if rounding is Rounding.CEIL else f"{rule}_{rounding.value}") in RULES, (profile.name, rule)


@given(st.integers(0, 10**12), st.lists(st.integers(0, 10**9), min_size=1, max_size=30).filter(any))
def test_explain_split_is_the_split_of_money(total, weights):
    expected = split(total, weights)
    assert split_of(total, weights, sum(weights)) == expected
    assert split_of(-total, weights, sum(weights)) == [-part for part in expected]
    # Those that receive nothing may be left out, if the whole is known.
    kept = [w for w, part in zip(weights, expected, strict=True) if part]
    assert split_of(total, kept, sum(weights)) == [part for part in expected if part]


def test_explain_split_worked_by_hand():
    # 10 over 1:1:1 is 3.33 each; the unit left goes to the first of equal remainders. Source: largest remainder.
    assert split_of(10, [1, 1, 1], 3) == [4, 3, 3]
    assert split_of(-10, [1, 1, 1], 3) == [-4, -3, -3]


def test_explain_a_missing_input_and_an_unknown_rule_are_named():
    with pytest.raises(FaultError, match="'available'"):
        evaluate("layer.draw", {"left": 5})
    with pytest.raises(FaultError, match=r"no\.such"):
        evaluate("no.such", {})


def test_explain_a_program_cannot_read_its_own_answer():
    # Without its inputs an event must fail to evaluate, even though its field of the same name is there.
    event = {
        "kind": "residual",
        "loss": 1,
        "account": "a",
        "asset": "USDC",
        "amount": 7,
        "why": [["loss.residual", {}]],
    }
    with pytest.raises(FaultError, match="equity"):
        evaluate_event(event)
    again = {"kind": "taken_over", "margin": 5, "why": [["take_over.equity", {"equity": 6}]]}
    assert check(again) == "take_over.equity: equity is 6, margin says 5"


def test_explain_an_event_that_was_changed_is_found():
    state = open_state(crash(), policy(), {})
    events = run(state, Marks(S, {"BTC-PERP": 850}), Resolve(3 * S))
    for event in events:
        plain = event_to_plain(event)
        assert check(plain) is None
        for field in ("amount", "value", "cost", "collected", "score"):
            if "why" in plain and plain.get(field):
                assert check({**plain, field: plain[field] + 1}) is not None, (field, plain)


def crash(**roles):
    return snapshot(
        {"ann": 1_000 * UNIT, "bob": 5_000 * UNIT, "cyd": 5_000 * UNIT, "fund": 100 * UNIT},
        [("ann", "BTC-PERP", 10, 1_000), ("bob", "BTC-PERP", -3, 1_000), ("cyd", "BTC-PERP", -7, 1_001)],
        [perp()],
        roles={"fund": "fund", **roles},
        marks={"BTC-PERP": 1_000},
    )


def test_explain_a_cost_split_over_takers_and_what_ranks_them():
    # At 850 ann is 500 short; the fund pays 100; 400 over 10 lots: 120 by bob (3 lots), 280 by cyd (7 lots).
    state = open_state(crash(), policy(), {})
    events = run(state, Marks(S, {"BTC-PERP": 850}), Resolve(3 * S))
    (shared,) = (e for e in events if isinstance(e, DeleverageShared))
    assert (shared.lots, shared.done, shared.cost) == (10, 10, 400 * UNIT)
    taken = [(e.account, e.cost) for e in events if isinstance(e, Deleveraged)]
    assert sorted(taken) == [("bob", 120 * UNIT), ("cyd", 280 * UNIT)]
    assert list(shared.parts) == [cost for _, cost in taken]
    for event in (e for e in events if isinstance(e, Deleveraged)):
        assert event.why[0][0] == "rank.profit_leverage"


@pytest.mark.parametrize(
    ("rank", "first"), [("profit_margin_ratio", "rank.profit_margin_ratio"), ("walk", "deleverage.take")]
)
def test_explain_other_ranks(rank, first):
    state = open_state(crash(), policy(deleverage={"rank": rank, "price": "mark"}), {})
    events = run(state, Marks(S, {"BTC-PERP": 850}), Resolve(3 * S))
    assert [e.why[0][0] for e in events if isinstance(e, Deleveraged)] == [first] * 2


def test_explain_trades_and_funding_and_a_position_through_zero():
    state = open_state(crash(), policy(), {})
    run(
        state,
        Marks(S, {"BTC-PERP": 1_003}),
        Funding(2 * S, {"BTC-PERP": (1, 300)}),
        Trade(2 * S, "bob", "cyd", "BTC-PERP", 5, 1_010),
        Trade(2 * S, "cyd", "bob", "BTC-PERP", 2, 999),
        Deposit(3 * S, "bob", "USDC", 5),
    )
    assert state.book.position(1, 0)[0] == 0


def test_explain_fills_that_take_both_sides_through_zero():
    # The counterparty closes one lot and opens on the other side.
    book = snapshot(
        {"ann": 1_000 * UNIT, "bob": 9_000 * UNIT, "cyd": 9_000 * UNIT},
        [("ann", "BTC-PERP", 10, 1_000), ("bob", "BTC-PERP", -1, 1_001), ("cyd", "BTC-PERP", -9, 1_000)],
        [perp()],
        marks={"BTC-PERP": 1_000},
    )
    state = open_state(book, policy(), {})
    run(state, Marks(S, {"BTC-PERP": 940}), Fill(S, 1, "bob", 7, 935))
    assert state.book.position(1, 0)[0] == 6


def test_explain_take_over_against_the_backstops_own_position():
    backstop = {
        "account": "backstop",
        "takes_below": "2/3",
        "takes_unfilled": True,
        "takes_bankrupt": True,
        "max_leverage": "2",
        "max_notional": "3000",
        "over_limit": "deleverage",
        "work_out_share": "1/4",
    }
    book = snapshot(
        {"ann": 1_000 * UNIT, "bob": 9_000 * UNIT, "backstop": 3_000 * UNIT},
        [("ann", "BTC-PERP", 10, 1_000), ("bob", "BTC-PERP", -7, 1_000), ("backstop", "BTC-PERP", -3, 1_007)],
        [perp()],
        roles={"backstop": "backstop"},
        marks={"BTC-PERP": 1_000},
    )
    rules = policy(
        backstop=backstop,
        layers=[{"name": "deleveraging", "kind": "deleverage"}],
        deleverage={"rank": "profit_leverage", "price": "previous_mark"},
        house=[{"name": "backstop", "role": "backstop"}],
    )
    state = open_state(book, rules, {})
    events = run(state, Marks(S, {"BTC-PERP": 920}), Resolve(3 * S))
    (taken,) = (e for e in events if isinstance(e, TakenOver))
    assert [name for name, *_ in taken.why] == [
        "take_over.position",
        "other.through_zero",
        "take_over.all",
        "take_over.below",
    ]
    assert [e.why[0][0] for e in events if isinstance(e, DeleverageShared)] == ["backstop.over_both"]


def test_explain_an_isolated_position_returns_what_is_left():
    book = snapshot(
        {"ann": 50 * UNIT, "ann:BTC-PERP": 600 * UNIT, "bob": 9_000 * UNIT},
        [("ann:BTC-PERP", "BTC-PERP", 10, 1_000), ("bob", "BTC-PERP", -10, 1_000)],
        [perp()],
        marks={"BTC-PERP": 1_000},
        parents={"ann:BTC-PERP": "ann"},
    )
    state = open_state(book, policy(), {})
    events = run(state, Marks(S, {"BTC-PERP": 985}), Fill(S, 1, "bob", 10, 984), Marks(2 * S, {"BTC-PERP": 985}))
    (returned,) = (e for e in events if isinstance(e, Moved))
    assert (returned.account, returned.amount_minor) == ("ann", 440 * UNIT)


def test_explain_an_expiry_position_by_position():
    state = test_expiries.venue()
    events = run(state, Settle(100 * S, "BTC-C", 400), Resolve(101 * S))
    settled = [(e.account, e.value) for e in events if isinstance(e, PositionSettled)]
    assert settled == [("buyer", -800 * UNIT), ("writer", 800 * UNIT)]


def test_explain_collateral_in_several_assets():
    state = test_portfolio.venue(0, 10**7)
    run(state, Marks(S, {"ETH-PERP": 890}), Resolve(2 * S), Marks(3 * S, {"ETH-PERP": 891}), Resolve(4 * S))

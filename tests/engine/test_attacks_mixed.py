"""Attacks on mechanisms that were written apart and meet in one policy. Ids mixed-attack-*.

Source: the promises at the top of the README; each case states what must hold and what an attacker would gain.
"""

from __future__ import annotations

import pytest
from tests.books import USDC, perp, policy, snapshot
from tests.explained import ledger_names, unexplained

from seawall.engine import (
    DeclareLoss,
    Marks,
    Reinstate,
    Resolve,
    Trade,
    WindDown,
    Withdraw,
    apply,
    check_all,
    event_to_plain,
    open_state,
    state_hash,
)
from seawall.engine.events import CashCut, Drawn, ProfitCapped, TakenOver, WithdrawalCut
from seawall.engine.socialise import burdens, capital_of, outstanding_of
from seawall.engine.state import state_lines
from seawall.margin import Book
from seawall.money import Asset

UNIT, S = 10**6, 10**9
FUND = {"name": "fund", "kind": "account", "account": "fund", "limit_per_event": "20"}
HOUSE = [{"name": "fund", "role": "fund"}, {"name": "pool", "role": "backstop"}, {"name": "vault", "role": "backstop"}]
CAP = {"account": "pool", "cap": "1/2", "floor": "1/4"}
END = {"price": "last_index", "claims_s": 5, "interim_share": "1/2"}


def do(state, command):
    outcome = apply(state, command)
    assert outcome.rejection is None, (command, outcome.rejection)
    plain = [event_to_plain(e) for e in outcome.events]
    wrong = unexplained(plain, outcome.transfers, ledger_names(state), {a.name: a for a in state.snapshot.assets})
    assert not wrong, (command, wrong)
    check_all(state)
    return outcome.events


def drawn(events):
    return sum(e.amount for e in events if isinstance(e, Drawn)) // UNIT


def bankrupt_house(name, **changes):
    """The house account ``name`` is long one lot at 1,000 with 100; at 700 it owes 200."""
    rules = policy(
        layers=[FUND], deleverage={"rank": "pro_rata", "price": "mark"}, house=HOUSE,
        **({"profit_cap": CAP} if name == "pool" else {"backstop": {"account": "vault", "takes_below": "2/3"}}), **changes,
    )  # fmt: skip
    book = snapshot(
        {"ann": 10**9, name: 100 * UNIT, "fund": 1_000 * UNIT}, [(name, "BTC-PERP", 1, 1_000), ("ann", "BTC-PERP", -1, 1_000)],
        [perp()], roles={name: "backstop", "fund": "fund"}, marks={"BTC-PERP": 1_000},
    )  # fmt: skip
    return open_state(book, rules, {}, 0)


@pytest.mark.parametrize("name", ["pool", "vault"])
def test_mixed_attack_a_house_accounts_loss_is_one_event_however_often_it_is_looked_at(name):
    """20 per event: looking again at the same open loss gave 20 more each time. Solvent and bankrupt anew is another."""
    state = bankrupt_house(name)
    do(state, Marks(S, {"BTC-PERP": 700}))
    assert [drawn(do(state, Resolve(t * S))) for t in (2, 3, 4, 5)] == [20, 0, 0, 0]
    assert any(line.startswith("carried ") for line in state_lines(state)), "it decides what is paid later"
    do(state, Marks(6 * S, {"BTC-PERP": 1_000}))
    do(state, Resolve(7 * S))
    assert not any(line.startswith(("carried ", "event ")) for line in state_lines(state))
    do(state, Marks(8 * S, {"BTC-PERP": 700}))
    assert [drawn(do(state, Resolve(t * S))) for t in (9, 10)] == [20, 0]


@pytest.mark.parametrize("name", ["pool", "vault"])
def test_mixed_attack_the_wind_down_is_no_new_event_for_the_house(name):
    state = bankrupt_house(name, wind_down=END)
    do(state, Marks(S, {"BTC-PERP": 700}))
    assert drawn(do(state, Resolve(2 * S))) == 20
    assert drawn(do(state, WindDown(3 * S))) == 0


def test_mixed_attack_the_wind_down_is_no_new_event_for_a_member():
    """A member's default of which 20 was paid and the rest carried: 20 is all that one event may cost the fund."""
    rules = policy(layers=[FUND], deleverage=None, house=HOUSE, wind_down=END)
    book = snapshot(
        {"ann": 10**9, "bob": 100 * UNIT, "fund": 1_000 * UNIT},
        [("bob", "BTC-PERP", 1, 1_000), ("ann", "BTC-PERP", -1, 1_000)],
        [perp()], roles={"fund": "fund"}, marks={"BTC-PERP": 1_000},
    )  # fmt: skip
    state = open_state(book, rules, {}, 0)
    do(state, Marks(S, {"BTC-PERP": 700}))
    assert [drawn(do(state, Resolve(t * S))) for t in (2, 3)] == [20, 0]
    assert drawn(do(state, WindDown(4 * S))) == 0
    assert not state.cases
    assert not any(line.startswith("event ") for line in state_lines(state))


def test_mixed_attack_a_take_over_in_a_pooled_venue_explains_itself():
    """Judged as a whole, the program of the bar needed an equity that no program before it gave."""
    rules = policy(
        margin={"pool": "account", "rounding": "toward_fund", "numeraire": "USDC"},
        backstop={"account": "vault", "takes_below": "2/3"}, layers=[FUND], deleverage=None, house=HOUSE,
    )  # fmt: skip
    book = snapshot(
        {"ann": 10**9, "bob": 100 * UNIT, "vault": 10**9, "fund": 10**9},
        [("bob", "BTC-PERP", 1, 1_000), ("ann", "BTC-PERP", -1, 1_000)],
        [perp()], roles={"fund": "fund", "vault": "backstop"}, marks={"BTC-PERP": 1_000},
    )  # fmt: skip
    state = open_state(book, rules, {}, 0)
    do(state, Marks(S, {"BTC-PERP": 920}))
    events = do(state, Resolve(2 * S))
    assert [(e.account, e.margin) for e in events if isinstance(e, TakenOver)] == [("bob", 20 * UNIT)], events


def test_mixed_attack_lifting_a_fund_with_unpriced_collateral_is_refused():
    """A coin without an index price can be counted nowhere in a pooled venue: the engine stopped on it."""
    rules = policy(
        margin={"pool": "account", "rounding": "toward_fund", "numeraire": "USDC"},
        layers=[FUND], deleverage=None, house=HOUSE,
    )  # fmt: skip
    coin = Asset.of("BTC", 8, 8)
    book = snapshot({"ann": 10**9, "fund": 0}, [], [perp()], assets=(USDC, coin), roles={"fund": "fund"})
    state = open_state(book, rules, {}, 0)
    before = state_hash(state)
    refused = apply(state, Reinstate(1, "fund", "BTC", 10**8)).rejection
    assert refused is not None and refused.code.value == "bad_mark", refused
    assert state_hash(state) == before
    do(state, Marks(2, {"BTC-PERP": 1_000}, {"BTC": (1_000, 100)}))
    do(state, Reinstate(3, "fund", "BTC", 10**8))


@pytest.mark.parametrize("capped", [True, False])
def test_mixed_attack_a_profit_cap_neither_adds_to_nor_lifts_the_burden_of_profits(capped):
    """Ann has a profit of 750 that bears a loss of 200; the cap closes her at the mark. What she takes out is the same:
    her 1,000 of capital in full, and 550 of the 750."""
    rules = policy(
        layers=[{"name": "profits", "kind": "withdrawal_rate", "of": "profit", "causes": ["exploit"]}],
        deleverage={"rank": "pro_rata", "price": "mark"} if capped else None, house=HOUSE,
        **({"profit_cap": CAP} if capped else {}),
    )  # fmt: skip
    book = snapshot(
        {"ann": 10**9, "bob": 10**9, "pool": 10**9},
        [("ann", "BTC-PERP", 3, 1_000), ("bob", "BTC-PERP", -3, 1_000)],
        [perp()], roles={"pool": "backstop"}, marks={"BTC-PERP": 1_000},
    )  # fmt: skip
    state = open_state(book, rules, {}, 0)
    ann = state.account_index["ann"]
    do(state, Marks(S, {"BTC-PERP": 1_250}))
    do(state, DeclareLoss(2 * S, "theft", "USDC", 200 * UNIT, "exploit"))
    before = burdens(state, 0), capital_of(state, ann, 0), outstanding_of(state, 0)
    assert before == ({ann: (750 * UNIT, 200 * UNIT)}, 1_000 * UNIT, 200 * UNIT)
    events = do(state, Resolve(3 * S))
    assert any(isinstance(e, ProfitCapped) and e.lots for e in events) == capped, events
    assert (burdens(state, 0), capital_of(state, ann, 0), outstanding_of(state, 0)) == before
    lots = state.book.position(ann, 0)[0]
    assert (lots < 3) == capped
    if lots:
        do(state, Trade(4 * S, "outside", "ann", "BTC-PERP", lots, 1_250))
    cuts = [
        e.amount_minor for e in do(state, Withdraw(5 * S, "ann", "USDC", 1_750 * UNIT)) if isinstance(e, WithdrawalCut)
    ]
    assert cuts == [200 * UNIT], cuts
    assert outstanding_of(state, 0) == 0


def test_mixed_attack_a_cut_of_balances_behind_burdened_profits_reads_the_book_a_few_times(monkeypatch):
    """With profits that bear a loss, every balance asked the whole book for its equity: 13 s for 100,000 accounts."""
    names = [f"a{number}" for number in range(60)]
    profits = {
        "name": "profits",
        "kind": "withdrawal_rate",
        "of": "profit",
        "causes": ["exploit"],
        "limit_per_event": "50",
    }
    cash = {"name": "cash", "kind": "cash_haircut", "causes": ["exploit"]}
    rules = policy(layers=[profits, cash], deleverage=None, house=[])
    book = snapshot(
        dict.fromkeys(names, 10**9), [(name, "BTC-PERP", (-1) ** i, 1_000) for i, name in enumerate(names)], [perp()],
        marks={"BTC-PERP": 1_000},
    )  # fmt: skip
    state = open_state(book, rules, {}, 0)
    do(state, Marks(S, {"BTC-PERP": 1_100}))
    do(state, DeclareLoss(2 * S, "first", "USDC", 50 * UNIT, "exploit"))
    calls = []
    whole = Book._whole_requirements
    monkeypatch.setattr(Book, "_whole_requirements", lambda self: calls.append(1) or whole(self))
    events = apply(state, DeclareLoss(3 * S, "second", "USDC", 200 * UNIT, "exploit")).events
    assert any(isinstance(e, CashCut) for e in events), events
    assert len(calls) < len(names) // 2, len(calls)
    monkeypatch.undo()
    check_all(state)

"""Attacks on the engine: legal-looking commands that would stop the writer, cross a limit, lose a loss or take money.

Ids attack-*. Sources: findings on real venues (aeyakovenko/percolator-cli and percolator-prog, sherlock-audit GMX v2,
euler-vault-kit, erased bad debt in percolator), and a reading of the engine against its own promises. "The attacker" is
one owner of several accounts. docs/explanation-attacks.md says what each can gain at most, and under which policy key.
"""

from __future__ import annotations

from fractions import Fraction

import pytest
from tests.books import USDC, perp, policy, snapshot
from tests.explained import ledger_names, unexplained

from seawall.engine import (
    DeclareLoss,
    Deposit,
    Distribute,
    FileClaim,
    Fill,
    Funding,
    Marks,
    Recover,
    Reinstate,
    Resolve,
    Settle,
    Trade,
    Withdraw,
    apply,
    check_all,
    event_to_plain,
    open_state,
    state_hash,
)
from seawall.engine.events import CashCut, Drawn, LossRecognised, OpenInterestCharged
from seawall.errors import InputError
from seawall.market import Brackets, Instrument, Kind
from seawall.money import Asset

UNIT, S = 10**6, 10**9
BTC = Asset.of("BTC", 8, 8)
FUND = {"name": "fund", "kind": "account", "account": "fund"}
ADL = {"name": "deleveraging", "kind": "deleverage"}
MARKET_ORDERS = {"deadline_s": 1, "pace": {"kind": "at_once"}, "limit": {"kind": "market"}, "fee": {"kind": "none"}}
OWED = {"starts": [{"measure": "fund", "is": "below", "threshold": "0"}]}


def venue(cash, positions, *, markets=("BTC-PERP",), roles=None, mark=1000, opening=None, **changes):
    rules = policy(**{"layers": [FUND], "deleverage": None, **changes})
    book = snapshot(
        {**{n: c * UNIT for n, c in cash.items()}},
        positions,
        [perp(m) for m in markets],
        roles={"fund": "fund", **(roles or {})},
        marks=dict.fromkeys(markets, mark),
    )
    return open_state(book, rules, opening or {}, 0)


def do(state, command, code=None):
    """Apply; the events. ``code``: it must be refused for that reason and change nothing."""
    before = state_hash(state)
    outcome = apply(state, command)
    plain = [event_to_plain(e) for e in outcome.events]
    scales = {a.name: a for a in state.snapshot.assets}
    assert not unexplained(plain, outcome.transfers, ledger_names(state), scales), plain
    check_all(state)
    got = None if outcome.rejection is None else outcome.rejection.code.value
    assert got == code, (command, outcome.rejection)
    if code is not None:
        assert state_hash(state) == before, f"a refused command changed the state: {command}"
    return outcome.events


def cash(state, name, asset=0):
    return state.book.cash(state.account_index[name], asset)


# ---- what stops the writer


def test_attack_two_under_liquidation_close_against_each_other():
    """bob answers ann's order while his own is open: his order must not be filled beyond what he still holds."""
    state = venue(
        {"ann": 60, "bob": 60, "cyd": 900, "dan": 900, "fund": 0},
        [("ann", "BTC-PERP", 1, 1000), ("cyd", "BTC-PERP", -1, 1000), ("bob", "ETH-PERP", 1, 1000),
         ("dan", "ETH-PERP", -1, 1000), ("bob", "BTC-PERP", -1, 1000), ("dan", "BTC-PERP", 1, 1000)],
        markets=("BTC-PERP", "ETH-PERP"), liquidation=MARKET_ORDERS,
    )  # fmt: skip
    do(state, Marks(S, {"BTC-PERP": 985, "ETH-PERP": 970}))
    mine = {(state.account_name(i.account), state.instrument(i.market).symbol): n for n, i in state.intents.items()}
    do(state, Fill(S, mine["ann", "BTC-PERP"], "bob", 1, 985))
    do(state, Fill(S, mine["bob", "BTC-PERP"], "cyd", 1, 985), code="too_large")
    do(state, Resolve(3 * S))


def test_attack_settlement_price_beyond_the_book_is_refused():
    future = Instrument.of(
        "BTC-1", USDC, base="BTC", quote="USD", lot=Fraction(1), mark_scale=0, kind=Kind.FUTURE, expiry_ns=5 * S,
        brackets=Brackets.flat(Fraction(1, 10), Fraction(1, 20)),
    )  # fmt: skip
    book = snapshot(
        {"ann": 10**9 * UNIT, "bob": 10**9 * UNIT, "fund": 0},
        [("ann", "BTC-1", 10**5, 1000), ("bob", "BTC-1", -(10**5), 1000)],
        [future], roles={"fund": "fund"}, marks={"BTC-1": 1000},
    )  # fmt: skip
    state = open_state(book, policy(layers=[FUND], deleverage=None), {}, 0)
    do(state, Settle(6 * S, "BTC-1", 10**9), code="overflow")
    do(state, Trade(6 * S, "ann", "bob", "BTC-1", 1, 1000), code="expired")
    do(state, Settle(6 * S, "BTC-1", 900))
    assert cash(state, "ann") == 10**9 * UNIT - 10**7 * UNIT


@pytest.mark.parametrize(
    "command",
    [
        lambda: Deposit(S, "ann", "USDC", 1 << 61),
        lambda: Deposit(S, "ann", "USDC", 10**40),
        lambda: Reinstate(S, "fund", "USDC", 10**40),
        lambda: Reinstate(S, "fund", "USDC", 1 << 61),
        lambda: Recover(S, 1, "USDC", 10**40),
        lambda: Funding(S, {"BTC-PERP": (10**40, 1)}),
        lambda: Funding(S, {"ETH-PERP": (10**40, 1)}),
        lambda: Funding(S, {"ETH-PERP": (-(10**15), 1)}),
        lambda: Marks(S, {"BTC-PERP": 10**40}),
        lambda: Trade(S, "ann", "bob", "BTC-PERP", 10**40, 1000),
        lambda: Trade(S, "ann", "bob", "BTC-PERP", 1, 10**40),
        lambda: Withdraw(S, "ann", "USDC", 10**40),
        lambda: Distribute(S, "USDC", True),
        lambda: FileClaim(S, "c", "ann", "USDC", "members", 10**40),
    ],
)  # fmt: skip
def test_attack_huge_values_are_refused_and_change_nothing(command):
    state = venue(
        {"ann": 900, "bob": 900, "fund": 5},
        [("ann", "BTC-PERP", 1, 1000), ("bob", "BTC-PERP", -1, 1000)],
        markets=("BTC-PERP", "ETH-PERP"),
    )
    do(state, Marks(0, {"BTC-PERP": 50}))
    do(state, Resolve(0))  # ann owes 50: the fund pays 5
    before = state_hash(state)
    outcome = apply(state, command())
    assert outcome.rejection is not None, "accepted"
    assert state_hash(state) == before


def test_attack_a_declared_loss_of_any_size_is_taken_to_the_end():
    layers = [
        {**FUND, "causes": ["custody"]},
        {"name": "gains", "kind": "gains_haircut", "causes": ["custody"], "cap": "1/2"},
        {"name": "cash", "kind": "cash_haircut", "causes": ["custody"], "cap": "1/2"},
        {"name": "withdrawals", "kind": "withdrawal_rate", "causes": ["custody"]},
    ]
    state = venue(
        {"ann": 900, "bob": 900, "fund": 5},
        [("ann", "BTC-PERP", 1, 1000), ("bob", "BTC-PERP", -1, 1000)],
        layers=layers,
    )
    do(state, Marks(0, {"BTC-PERP": 1100}))
    do(state, DeclareLoss(S, "all of it", "USDC", 10**40, "custody"))
    do(state, Withdraw(S, "bob", "USDC", UNIT))
    do(state, Resolve(2 * S))


def test_attack_an_account_named_like_a_ledger_account_is_refused_at_the_door():
    for name in ("deficit:1", "external", "clearing:BTC-PERP", "socialised:USDC", "written_off:USDC", "custody:hack"):
        with pytest.raises(InputError, match="reserved"):
            venue({name: 1, "fund": 1}, [])


# ---- losses that are forgotten, deepened, or paid twice


def test_attack_marks_before_the_next_resolve_do_not_erase_a_debt():
    """percolator finding 67: bad debt erased without consuming the fund. ann is closed beyond bankruptcy, then a mark
    arrives before the ladder."""
    state = venue(
        {"ann": 60, "bob": 900, "fund": 500},
        [("ann", "BTC-PERP", 1, 1000), ("bob", "BTC-PERP", -1, 1000)],
        liquidation={**MARKET_ORDERS, "defaults": "flat"},
    )
    do(state, Marks(S, {"BTC-PERP": 980}))
    do(state, Fill(S, next(iter(state.intents)), "outside", 1, 800))
    assert cash(state, "ann") == -140 * UNIT
    do(state, Marks(2 * S, {"BTC-PERP": 800}))
    events = do(state, Resolve(3 * S))
    assert [e.amount for e in events if isinstance(e, Drawn)] == [140 * UNIT]
    assert cash(state, "ann") == 0


def test_attack_two_in_default_do_not_pay_each_other():
    """Open interest and cash pay for both at once: neither defaulter bears the other's loss."""
    for layer in ({"name": "all", "kind": "open_interest"}, {"name": "all", "kind": "cash_haircut"}):
        state = venue(
            {"ann": 150, "bob": 100, "cyd": 2000, "fund": 0},
            [("ann", "BTC-PERP", 1, 1000), ("bob", "BTC-PERP", 1, 1000), ("cyd", "BTC-PERP", -2, 1000)],
            layers=[layer],
        )
        do(state, Marks(S, {"BTC-PERP": 700}))
        events = do(state, Resolve(3 * S))
        paid = [e.amount for e in events if isinstance(e, OpenInterestCharged | CashCut)]
        assert paid == [150 * UNIT, 200 * UNIT], (layer, events)
        assert state.book.unit_state(state.book.unit_of(0, 0)).equity == 0


def test_attack_a_cash_haircut_pushes_nobody_below_zero():
    """bob's cash backs a loss of 940: it is not there to be cut. Cut with it, his new deficit would come round again."""
    state = venue(
        {"ann": 100, "bob": 1000, "cyd": 5000, "fund": 0},
        [("ann", "ETH-PERP", 1, 1000), ("cyd", "ETH-PERP", -1, 1000), ("bob", "BTC-PERP", 1, 1000), ("cyd", "BTC-PERP", -1, 1000)],
        markets=("BTC-PERP", "ETH-PERP"),
        layers=[{"name": "cash", "kind": "cash_haircut"}],
    )  # fmt: skip
    do(state, Marks(S, {"BTC-PERP": 60, "ETH-PERP": 200}))
    do(state, Resolve(3 * S))
    assert state.book.unit_state(state.book.unit_of(1, 0)).equity >= 0
    assert state.book.unit_state(state.book.unit_of(0, 0)).equity == 0


def test_attack_the_outside_is_never_a_defaulter():
    """The outside account pays its share of open interest, goes flat, owes: the fund does not stand for it."""
    state = venue(
        {"ann": 100, "bob": 2000, "fund": 300},
        [("ann", "BTC-PERP", 2, 1000), ("bob", "BTC-PERP", -1, 1000)],
        layers=[{"name": "all", "kind": "open_interest"}, FUND],
    )
    do(state, Marks(S, {"BTC-PERP": 900}))
    do(state, Resolve(3 * S))
    do(state, Trade(3 * S, "outside", "bob", "BTC-PERP", 1, 5000))
    assert cash(state, "outside") < 0
    events = do(state, Resolve(4 * S))
    assert not [e for e in events if isinstance(e, LossRecognised)], events
    assert cash(state, "fund") == 300 * UNIT

"""Attacks on the engine: legal-looking commands that would stop the writer, cross a limit, lose a loss or take money.

Ids attack-*. Sources: findings on real venues (aeyakovenko/percolator-cli and percolator-prog, sherlock-audit GMX v2,
euler-vault-kit, erased bad debt in percolator), and a reading of the engine against its own promises. "The attacker" is
one owner of several accounts. docs/explanation-attacks.md says what each can gain at most, and under which policy key.
"""

from __future__ import annotations

from dataclasses import replace
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
    WindDown,
    Withdraw,
    apply,
    check_all,
    command_from_plain,
    event_to_plain,
    open_state,
    state_hash,
)
from seawall.engine.events import CashCut, Distributed, Drawn, LossRecognised, OpenInterestCharged
from seawall.engine.state import state_lines
from seawall.errors import InputError, PolicyError
from seawall.market import Brackets, Instrument, Kind, Right
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


def pooled(cash, positions, indexes=None, haircut="1/5", assets=(USDC, BTC), markets=("ETH-PERP",), **changes):
    """Accounts judged as a whole, in USDC; 1 BTC is 10,000 unless said."""
    rules = policy(
        **{
            "layers": [FUND],
            "deleverage": None,
            "margin": {
                "pool": "account",
                "rounding": "toward_fund",
                "numeraire": "USDC",
                "haircuts": [{"asset": "BTC", "haircut": haircut}],
            },
            **changes,
        }
    )
    book = snapshot(
        cash, positions, [perp(m) for m in markets], assets=assets, roles={"fund": "fund"},
        marks=dict.fromkeys(markets, 1000),
    )  # fmt: skip
    return open_state(book, rules, {}, 0, indexes={"BTC": (10_000 * UNIT, 10**8)} if indexes is None else indexes)


def test_attack_a_debt_in_one_coin_is_not_left_behind_by_withdrawing_the_other():
    """ann is flat, owes 0.05 BTC and has 600 USDC: only what is beyond the debt may leave."""
    state = pooled({"ann": {"USDC": 600 * UNIT, "BTC": -5 * 10**6}, "fund": {"USDC": 0}}, [])
    do(state, Withdraw(S, "ann", "USDC", 101 * UNIT), code="insufficient_margin")
    do(state, Withdraw(S, "ann", "USDC", 100 * UNIT))


def test_attack_a_withdrawal_counts_collateral_as_margin_does():
    """Half of 1 BTC counts 4,000 of 8,000: leaving 4,000 against an initial requirement of 1,000 it may go."""
    state = pooled(
        {"ann": {"BTC": 10**8}, "bob": {"USDC": 20_000 * UNIT}, "fund": {"USDC": 0}},
        [("ann", "ETH-PERP", 10, 1000), ("bob", "ETH-PERP", -10, 1000)],
    )
    do(state, Withdraw(S, "ann", "BTC", 88 * 10**6), code="insufficient_margin")
    do(state, Withdraw(S, "ann", "BTC", 87 * 10**6))


def test_attack_an_asset_without_an_index_price_cannot_come_in():
    coin = Asset.of("XYZ", 6, 6)
    state = pooled(
        {"ann": {"USDC": 600 * UNIT}, "bob": {"USDC": 900 * UNIT}, "fund": {"USDC": 0}},
        [("ann", "ETH-PERP", 1, 1000), ("bob", "ETH-PERP", -1, 1000)],
        assets=(USDC, BTC, coin),
    )
    do(state, Deposit(S, "ann", "XYZ", UNIT), code="bad_mark")
    do(state, Marks(S, {"ETH-PERP": 900}))
    do(state, Marks(2 * S, {}, {"XYZ": (1, 1)}))
    do(state, Deposit(2 * S, "ann", "XYZ", UNIT))
    do(state, Marks(3 * S, {}, {"XYZ": (10**400, 1)}), code="bad_mark")
    do(state, Marks(3 * S, {}, {"XYZ": (1, 10**400)}), code="bad_mark")


def test_attack_the_fund_does_not_pay_a_collateral_haircut():
    """ann has 1 BTC (10,000, counted 8,000) and lost 9,000: short after the haircut, solvent at the index. Her coin is
    sold before anyone else pays; else every default with collateral would earn the haircut from the fund."""
    state = pooled(
        {"ann": {"BTC": 10**8}, "bob": {"USDC": 20_000 * UNIT}, "fund": {"USDC": 5_000 * UNIT}},
        [("ann", "ETH-PERP", 10, 1000), ("bob", "ETH-PERP", -10, 1000)],
    )
    do(state, Marks(S, {"ETH-PERP": 100}))
    events = do(state, Resolve(3 * S))
    assert not [e for e in events if isinstance(e, Drawn)], events
    assert cash(state, "fund") == 5_000 * UNIT
    st0 = state.book.unit_state(0)
    assert 0 <= st0.equity <= 1_000 * UNIT, st0


def test_attack_a_long_option_does_not_turn_into_a_short_one_without_margin():
    option = Instrument.of(
        "BTC-CALL", USDC, base="BTC", quote="USD", lot=Fraction(1), mark_scale=0, kind=Kind.OPTION, expiry_ns=10**6 * S,
        strike=1000, right=Right.CALL, brackets=Brackets.flat(Fraction(1, 5), Fraction(1, 10)),
    )  # fmt: skip
    book = snapshot(
        {"ann": 0, "bob": 10_000 * UNIT, "fund": 0},
        [("ann", "BTC-CALL", 5, 0 + 1), ("bob", "BTC-CALL", -5, 1)],
        [option, perp()], roles={"fund": "fund"}, marks={"BTC-CALL": 1, "BTC-PERP": 1000},
    )  # fmt: skip
    state = open_state(book, policy(layers=[FUND], deleverage=None), {}, 0)
    do(state, Trade(S, "bob", "ann", "BTC-CALL", 9, 1), code="insufficient_margin")
    do(state, Trade(S, "bob", "ann", "BTC-CALL", 5, 1))


# ---- limits that could be crossed


def test_attack_several_losses_of_one_resolve_share_a_period_limit():
    """ann and bob each lose 150 and 100; the layer may take 120 in a window, from both together."""
    for kind in ("gains_haircut", "cash_haircut", "open_interest"):
        limit = {"name": "layer", "kind": kind, "limit_per_period": [{"amount": "120", "window_s": 60}]}
        state = venue(
            {"ann": 150, "bob": 100, "cyd": 2000, "fund": 0},
            [("ann", "BTC-PERP", 1, 1000), ("bob", "BTC-PERP", 1, 1000), ("cyd", "BTC-PERP", -2, 1000)],
            layers=[limit],
        )
        do(state, Marks(S, {"BTC-PERP": 700}))
        do(state, Resolve(3 * S))
        assert sum(d.covered for d in state.deficits) == 120 * UNIT, kind
        do(state, Marks(4 * S, {"BTC-PERP": 690}))
        do(state, Resolve(6 * S))
        assert sum(d.covered for d in state.deficits) == 120 * UNIT, kind


def test_attack_two_losses_of_one_resolve_cut_cash_once():
    """The cap of one half holds for the Resolve, not for each loss in it."""
    state = venue(
        {"ann": 150, "bob": 100, "cyd": 200, "fund": 0},
        [("ann", "BTC-PERP", 1, 1000), ("bob", "BTC-PERP", 1, 1000)],
        layers=[{"name": "cash", "kind": "cash_haircut", "cap": "1/2"}],
    )
    do(state, Marks(S, {"BTC-PERP": 700}))
    do(state, Resolve(3 * S))
    assert cash(state, "cyd") == 100 * UNIT


def test_attack_one_default_in_many_pieces_has_one_event_limit():
    """A loss that is carried and recognised anew, and one made in many small fills, is one event."""
    state = venue(
        {"ann": 60, "bob": 900, "fund": 500},
        [("ann", "BTC-PERP", 1, 1000), ("bob", "BTC-PERP", -1, 1000)],
        layers=[{**FUND, "limit_per_event": "50"}],
    )
    do(state, Marks(S, {"BTC-PERP": 700}))
    for second in (3, 4, 5):
        do(state, Resolve(second * S))
    assert cash(state, "fund") == 450 * UNIT
    state = venue(
        {"ann": 240, "bob": 9000, "fund": 500},
        [("ann", "BTC-PERP", 4, 1000), ("bob", "BTC-PERP", -4, 1000)],
        layers=[{**FUND, "limit_per_event": "50"}], liquidation=MARKET_ORDERS,
    )  # fmt: skip
    do(state, Marks(S, {"BTC-PERP": 980}))
    number = next(iter(state.intents))
    do(state, Fill(S, number, "outside", 1, 910))  # 30 beyond bankruptcy
    do(state, Fill(S, number, "outside", 1, 910), code="fund_short")
    assert cash(state, "fund") == 470 * UNIT


def test_attack_one_default_in_many_pieces_is_called_for_once():
    """call_per_default holds for the default, however often what is left of it is recognised anew."""
    members = {
        "fund": "90", "contribution": "equal", "minimum": "0", "assign": 3, "call_per_default": "1",
        "call_per_window": "100", "window_s": 3600,
    }  # fmt: skip
    state = venue(
        {"ann": 60, "bob": 9000, "fund": 0, **dict.fromkeys("cdefghij", 10)},
        [("ann", "BTC-PERP", 1, 1000), ("bob", "BTC-PERP", -1, 1000)],
        layers=[{"name": "calls", "kind": "assessment"}],
        members=members,
    )
    do(state, Marks(S, {"BTC-PERP": 500}))
    for second in (3, 4, 5):
        do(state, Resolve(second * S))
    called = {
        name: sum(w.taken.get(name, 0) for w in state.members.windows.values()) for name in state.members.accounts
    }
    base = state.members.paid_in[0]
    assert all(called[n] <= base[n] for n in called), (called, base)
    assert any(called.values())


def test_attack_a_limit_that_a_layer_cannot_keep_is_refused_in_the_policy():
    with pytest.raises(PolicyError, match="deleveraging"):
        policy(layers=[{**ADL, "limit_per_event": "5"}])
    with pytest.raises(PolicyError, match="peak"):
        policy(
            layers=[
                {"name": "g", "kind": "gains_haircut", "limit_per_period": [{"share_of_peak": "1/2", "window_s": 5}]}
            ]
        )


def test_attack_a_peak_does_not_outlive_its_window_and_windows_do_not_share_it():
    """A balance of long ago does not widen today's limit; a short window does not shorten a long one."""
    limits = [{"share_of_peak": "1/2", "window_s": 100}, {"share_of_peak": "9/10", "window_s": 2}]
    state = venue(
        {"ann": 0, "fund": 100}, [], layers=[{**FUND, "causes": ["custody"], "limit_per_period": limits}],
    )  # fmt: skip
    do(state, Marks(S, {"BTC-PERP": 1000}))
    do(state, DeclareLoss(2 * S, "a", "USDC", 40 * UNIT, "custody"))
    do(state, Marks(10 * S, {"BTC-PERP": 1000}))
    do(state, DeclareLoss(11 * S, "b", "USDC", 100 * UNIT, "custody"))
    # long window: half of the peak of 100 less 40; the short one would allow 54
    assert cash(state, "fund") == 50 * UNIT
    do(state, DeclareLoss(500 * S, "c", "USDC", 100 * UNIT, "custody"))
    assert cash(state, "fund") == 25 * UNIT, "the peak of 100 is long past"


# ---- the end of a venue

RULE = {"price": "last_index", "claims_s": 100, "interim_share": "1/2"}


def test_attack_a_filed_claim_cannot_displace_the_ledgers_own():
    """Filed in the very moment of the stop, under a name that sorts first, or under the ledger's own name."""
    state = venue({"ann": 100, "bob": 100, "fund": 0}, [], wind_down=RULE)
    do(state, WindDown(S))
    do(state, FileClaim(S, "a", "bob", "USDC", "members", 1))
    do(state, FileClaim(S, "ledger:ann", "bob", "USDC", "members", 1))
    final = do(state, Distribute(S, "USDC", final=True))
    paid = {name: amount for e in final if isinstance(e, Distributed) for name, amount in e.parts if amount}
    assert paid == {"ann": 100 * UNIT, "bob": 100 * UNIT}


def test_attack_what_is_recovered_after_the_final_distribution_is_not_stuck():
    """1,000 of claims were paid 400; 300 come back and go to the same holders, pro rata."""
    state = venue({"ann": 250, "bob": 750, "fund": 0}, [], wind_down=RULE, layers=[])
    do(state, DeclareLoss(S, "hack", "USDC", 600 * UNIT, "exploit"))
    do(state, WindDown(2 * S))
    do(state, Distribute(3 * S, "USDC", final=True))
    do(state, Distribute(3 * S, "USDC", final=True), code="wound_down")
    do(state, Recover(4 * S, 1, "USDC", 300 * UNIT))
    final = do(state, Distribute(5 * S, "USDC", final=True))
    paid = {name: amount for e in final if isinstance(e, Distributed) for name, amount in e.parts if amount}
    assert paid == {"ann": 75 * UNIT, "bob": 225 * UNIT}
    assert state.ledger.balance(state.external[0]) == 0


# ---- what the state hash must see, and lists that must not grow


def test_attack_a_long_run_keeps_what_halts_need_and_no_more():
    halt = {
        "kind": "withdrawals", "starts": [{"measure": "fund", "is": "below", "threshold": "50"}], "length_s": 5,
        "longest_s": 20, "rest_s": 3,
    }  # fmt: skip
    state = venue({"ann": 900, "fund": 5}, [], halts=[halt])
    sizes = []
    for second in range(1, 400):
        do(state, Deposit(second * S, "fund", "USDC", 1))
        apply(state, Resolve(second * S))
        sizes.append(len(list(state_lines(state))))
    assert sizes[-1] <= sizes[20] + 2, "something grows with every Resolve"


def test_attack_states_that_would_go_on_differently_have_different_hashes():
    def fresh():
        return pooled(
            {"ann": {"USDC": 600 * UNIT}, "bob": {"USDC": 900 * UNIT}, "fund": {"USDC": 0}},
            [("ann", "ETH-PERP", 1, 1000), ("bob", "ETH-PERP", -1, 1000)],
            wind_down={"price": "window_average", "window_s": 10},
        )

    plain = state_hash(fresh())
    changed = fresh()
    changed.watch.add(0)
    assert state_hash(changed) != plain, "who is looked at next"
    changed = fresh()
    changed.index_prices[1] = Fraction(1)
    assert state_hash(changed) != plain, "index prices"
    changed = fresh()
    changed.history[0] = [(0, 1)]
    assert state_hash(changed) != plain, "marks of the averaging window"
    changed = fresh()
    changed.halts_on.add(0)
    assert state_hash(changed) != plain, "halts that are on"


# ---- input that is no command


@pytest.mark.parametrize(
    "value",
    [1.0, 1.5, float("nan"), float("inf"), "1", "1e3", " 1", "1_000", "１", True, None, [1], {"a": 1}],
    ids=repr,
)
@pytest.mark.parametrize(
    "make",
    [
        lambda v: {"kind": "deposit", "time_ns": 1, "account": "ann", "asset": "USDC", "amount": v},
        lambda v: {"kind": "deposit", "time_ns": v, "account": "ann", "asset": "USDC", "amount": 1},
        lambda v: {"kind": "marks", "time_ns": 1, "marks": {"BTC-PERP": v}},
        lambda v: {"kind": "marks", "time_ns": 1, "marks": {}, "indexes": {"USDC": [1, v]}},
        lambda v: {"kind": "funding", "time_ns": 1, "rates": {"BTC-PERP": [v, 1]}},
        lambda v: {"kind": "fill", "time_ns": 1, "intent": v, "counterparty": "ann", "lots": 1, "price": 1},
        lambda v: {"kind": "trade", "time_ns": 1, "buyer": "a", "seller": "b", "market": "c", "lots": 1, "price": v},
    ],
    ids=["amount", "time", "mark", "index", "funding", "intent", "price"],
)
def test_attack_a_number_that_is_not_whole_is_no_command(make, value):
    with pytest.raises(InputError, match="wrong fields"):
        command_from_plain(make(value))


@pytest.mark.parametrize("value", [1, None, ["ann"], True], ids=repr)
def test_attack_a_name_that_is_no_text_is_no_command(value):
    with pytest.raises(InputError, match="wrong fields"):
        command_from_plain({"kind": "deposit", "time_ns": 1, "account": value, "asset": "USDC", "amount": 1})
    with pytest.raises(InputError, match="wrong fields"):
        command_from_plain({"kind": "distribute", "time_ns": 1, "asset": "USDC", "final": 1})


# ---- draining the fund: what an attacker can gain at most. Each prints what it got beside the cap.


def owned_by(book, owner, names):
    """The book with these accounts in one hand."""
    return replace(
        book, owners=tuple(owner if n in names else o for n, o in zip(book.account_ids, book.owners, strict=True))
    )


def drain_venue(cash, positions, owner, **changes):
    rules = policy(**{"layers": [FUND], "deleverage": None, **changes})
    book = snapshot(
        {n: c * UNIT for n, c in cash.items()}, positions, [perp()], roles={"fund": "fund"}, marks={"BTC-PERP": 1000}
    )
    return open_state(owned_by(book, "eve", owner), rules, {}, 0)


def worth(state, names):
    """Equity of an attacker's accounts together, whole units."""
    return sum(state.book.unit_state(state.book.unit_of(state.account_index[n], 0)).equity for n in names) / UNIT


def held(gained, cap, what):
    print(f"{what}: gained {gained:g}, cap {cap:g}")
    assert gained <= cap + 1e-6, (what, gained, cap)


PAIR = {"long": 100, "short": 100, "bob": 5_000, "fund": 400}
BOTH = [("long", "BTC-PERP", 1, 1000), ("short", "BTC-PERP", -1, 1000)]


KEYS = [
    ({}, 400),
    ({"limit_per_event": "60"}, 60),
    ({"limit_per_account": "60"}, 60),
    ({"limit_per_owner": "60"}, 60),
    ({"limit_per_market": "60"}, 60),
    ({"limit_per_period": [{"amount": "60", "window_s": 3600}]}, 60),
    ({"keep": "380"}, 20),
]


def push(layers, pushed, **changes):
    """The pair under a pushed price: what both gained on paper, what the winner could walk away with, what the fund paid."""
    state = drain_venue(PAIR, BOTH, ("long", "short"), layers=layers, **changes)
    before = worth(state, ("long", "short"))
    for second in (1, 4, 7):
        do(state, Marks(second * S, {"BTC-PERP": pushed}))
        do(state, Resolve((second + 2) * S))
    walks = sum(max(0, worth(state, (n,))) for n in ("long", "short"))
    return worth(state, ("long", "short")) - before, walks - before, 400 - cash(state, "fund") / UNIT


@pytest.mark.parametrize("pushed", [900, 700, 300, 1])
@pytest.mark.parametrize(
    ("key", "cap"), KEYS, ids=lambda v: next(iter(v), "balance") if isinstance(v, dict) else str(v)
)
def test_attack_a_self_trading_pair_with_a_pushed_price(key, cap, pushed):
    """percolator-cli 24, Mango 2022: long and short in one hand, the price is pushed, the fund pays the loser. With a last
    resort that takes from winners, what the pair can walk away with is what the fund paid, and that is capped."""
    last_resorts = (
        ([ADL], {"deleverage": {"rank": "profit_leverage", "price": "bankruptcy"}}),
        ([{"name": "gains", "kind": "gains_haircut"}], {}),
    )
    for last, changes in last_resorts:
        both, walks, paid = push([{**FUND, **key}, *last], pushed, **changes)
        held(paid, cap, f"paid by the fund under {key}")
        held(both, paid, f"the pair together, {last[0]['kind']}")
        held(walks, paid, f"what the winner walks away with, {last[0]['kind']}")


def test_attack_without_a_last_resort_the_other_members_pay_beyond_the_cap():
    """The limit on the fund protects the fund, not the vault: what no layer takes from the winner is missing elsewhere."""
    _, walks, paid = push([{**FUND, "limit_per_event": "60"}], 300)
    print(f"no last resort: the fund paid {paid:g}, the winner walks away with {walks:g} more than the pair brought")
    assert paid == 60 and walks == 600


@pytest.mark.parametrize("price", [999, 940, 900, 500, 1])
def test_attack_a_pair_answers_its_own_close_out(price):
    """The linked account is the other side of the liquidation, at any price. At the bankruptcy price nothing is gained;
    with market orders what the layers may pay for fills, per block at most the cap of [liquidation.caps]."""
    for limit, caps, cap in (
        ({"kind": "bankruptcy"}, None, 0),
        ({"kind": "market"}, None, 400),
        ({"kind": "market"}, {"max_notional": "1000000", "max_fund_loss": "25"}, 25),
    ):
        rules = {**MARKET_ORDERS, "limit": limit, **({"caps": caps} if caps else {})}
        state = drain_venue(
            {"long": 60, "short": 2_000, "bob": 5_000, "fund": 400},
            [("long", "BTC-PERP", 1, 1000), ("bob", "BTC-PERP", -1, 1000)],
            ("long", "short"), liquidation=rules,
        )  # fmt: skip
        do(state, Marks(S, {"BTC-PERP": 985}))
        before = worth(state, ("long", "short"))
        for number in list(state.intents):
            outcome = apply(state, Fill(S, number, "short", 1, price))
            assert outcome.rejection is None or outcome.rejection.code.value in (
                "worse_than_limit", "fund_short", "cap_reached",
            )  # fmt: skip
        check_all(state)
        held(worth(state, ("long", "short")) - before, cap, f"{limit['kind']} {caps} at {price}")
        held(400 - cash(state, "fund") / UNIT, cap, "the fund")


def test_attack_delayed_liquidation_gains_no_more_than_the_event_limit():
    """Nobody answers and nothing resolves while the price runs on: the loss grows, what the layer pays does not."""
    for delay in (1, 5, 20):
        state = drain_venue(PAIR, BOTH, ("long", "short"), layers=[{**FUND, "limit_per_event": "60"}])
        for step in range(delay):
            do(state, Marks((1 + step) * S, {"BTC-PERP": 880 - 30 * step}))
        for step in range(3):
            do(state, Resolve((delay + 2 + step) * S))
        held(400 - cash(state, "fund") / UNIT, 60, f"after {delay} steps")


def test_attack_a_phantom_fee_is_never_credited():
    """What the fund is credited for a liquidation was taken from the account: its fee stops at what the fill brought
    above bankruptcy."""
    fee = {"kind": "clearance", "rate": "1/10"}
    for price in (1000, 985, 950, 941, 940):
        state = drain_venue(
            {"long": 60, "bob": 5_000, "fund": 0}, [("long", "BTC-PERP", 1, 1000), ("bob", "BTC-PERP", -1, 1000)],
            ("long",), liquidation={**MARKET_ORDERS, "fee": fee},
        )  # fmt: skip
        do(state, Marks(S, {"BTC-PERP": 985}))
        do(state, Fill(S, next(iter(state.intents)), "outside", 1, price))
        left = cash(state, "long") / UNIT
        held(cash(state, "fund") / UNIT, max(0, price - 940), f"fee at {price}")
        assert left >= 0 and left + cash(state, "fund") / UNIT == price - 940


def test_attack_budgets_against_a_shared_balance():
    """Limits of 300 in each of three markets are no 900: together no more than the one balance of 400."""
    markets = ("BTC-PERP", "ETH-PERP", "SOL-PERP")
    cash_of = {f"a{i}": 100 for i in range(3)} | {"bob": 50_000, "fund": 400}
    positions = [(f"a{i}", m, 1, 1000) for i, m in enumerate(markets)] + [("bob", m, -1, 1000) for m in markets]
    state = venue(cash_of, positions, markets=markets, layers=[{**FUND, "limit_per_market": "300"}])
    do(state, Marks(S, dict.fromkeys(markets, 500)))
    do(state, Resolve(3 * S))
    held(400 - cash(state, "fund") / UNIT, 400, "three budgets of 300 on a balance of 400")
    assert cash(state, "fund") == 0


def test_attack_dust_blocks_neither_a_liquidation_nor_a_haircut():
    """euler-vault-kit 310: a unit of something left over must not keep a loss from being shared."""
    state = venue(
        {"ann": 60, "cyd": 900, "fund": 0, **{f"dust{i}": 0 for i in range(5)}},
        [("ann", "BTC-PERP", 1, 1000), ("cyd", "BTC-PERP", -1, 1000)],
        layers=[{"name": "gains", "kind": "gains_haircut"}, {"name": "cash", "kind": "cash_haircut"}],
    )
    for i in range(5):
        do(state, Deposit(0, f"dust{i}", "USDC", 1))
    do(state, Deposit(0, "ann", "USDC", 1))
    do(state, Marks(S, {"BTC-PERP": 300}))
    do(state, Resolve(3 * S))
    assert sum(d.pending for d in state.deficits) == 0
    assert state.book.unit_state(state.book.unit_of(0, 0)).equity == 0


@pytest.mark.parametrize(("rank", "saved"), [("pro_rata", 1), ("by_equity", 1), ("profit_leverage", 2)])
def test_attack_shrinking_by_one_lot_does_not_leave_the_queue(rank, saved):
    """sherlock GMX 2023-02 210: a candidate sells one lot just before. By shares it saves at most that lot; in a queue it
    may change places with the next, and saves at most what the next can take instead (cyd: 2 lots)."""
    taken = {}
    for shrink in (0, 1):
        state = venue(
            {"ann": 500, "eve": 1_000, "cyd": 1_000, "dan": 50_000, "fund": 0},
            [("ann", "BTC-PERP", 5, 1000), ("eve", "BTC-PERP", -6, 1000), ("cyd", "BTC-PERP", -2, 1000), ("dan", "BTC-PERP", 3, 1000)],
            layers=[ADL], deleverage={"rank": rank, "price": "bankruptcy"},
        )  # fmt: skip
        do(state, Marks(S, {"BTC-PERP": 850}))
        if shrink:
            do(state, Trade(S, "eve", "outside", "BTC-PERP", 1, 850))
        before = state.book.position(state.account_index["eve"], 0)[0]
        do(state, Resolve(3 * S))
        taken[shrink] = abs(before) - abs(state.book.position(state.account_index["eve"], 0)[0])
    print(f"{rank}: deleveraged {taken[0]} lots, after shrinking by one {taken[1]}")
    assert 0 < taken[0] <= 5 and taken[1] >= taken[0] - saved


@pytest.mark.parametrize("accounts", [1, 2, 5])
def test_attack_one_owner_in_many_accounts(accounts):
    """A limit per account is worth as many times as there are accounts; a limit per owner is worth once."""
    names = [f"long{i}" for i in range(accounts)]
    for key, cap in (("limit_per_account", 60 * accounts), ("limit_per_owner", 60)):
        state = drain_venue(
            {**dict.fromkeys(names, 100), "short": 100 * accounts, "bob": 5_000, "fund": 400},
            [*((n, "BTC-PERP", 1, 1000) for n in names), ("short", "BTC-PERP", -accounts, 1000)],
            (*names, "short"), layers=[{**FUND, key: "60"}],
        )  # fmt: skip
        do(state, Marks(S, {"BTC-PERP": 500}))
        for second in (3, 4):
            do(state, Resolve(second * S))
        drawn = 400 - cash(state, "fund") / UNIT
        held(drawn, cap, f"{accounts} accounts, {key}")
        assert drawn == min(400, cap), "the cap is what it costs: no less"


def test_attack_a_fund_does_not_trade_or_pay_out_at_anyones_word():
    """Mango's admin-withdrawable vault; a linked account that trades with the fund at a price of its own."""
    state = venue({"ann": 5_000, "fund": 400}, [])
    do(state, Marks(0, {"BTC-PERP": 1000}))
    do(state, Withdraw(S, "fund", "USDC", UNIT), code="house_account")
    do(state, Trade(S, "fund", "ann", "BTC-PERP", 1, 1300), code="house_account")
    do(state, Trade(S, "ann", "fund", "BTC-PERP", 1, 700), code="house_account")


def test_attack_a_run_on_withdrawals_gains_nothing_over_waiting():
    """sherlock sentiment 533: whoever leaves first is paid the rate of whoever leaves last."""
    layers = [{"name": "w", "kind": "withdrawal_rate", "causes": ["custody"]}]
    state = venue({"ann": 100, "bob": 100, "cyd": 200, "fund": 0}, [], layers=layers)
    do(state, DeclareLoss(S, "gone", "USDC", 100 * UNIT, "custody"))
    paid = {}
    for name in ("cyd", "ann", "bob"):
        before = state.ledger.balance(state.external[0])
        do(state, Withdraw(S, name, "USDC", cash(state, name)))
        paid[name] = state.ledger.balance(state.external[0]) - before
    assert paid == {"cyd": 150 * UNIT, "ann": 75 * UNIT, "bob": 75 * UNIT}


# ---- accounts judged as a whole, and coin-margined ones


def test_attack_nobody_with_a_debt_in_another_coin_is_pushed_below_zero():
    """bob's dollars are all that stands behind the BTC he owes: deleveraging, gains and cash take no more than his equity."""
    for layer in (ADL, {"name": "x", "kind": "gains_haircut"}, {"name": "x", "kind": "cash_haircut"}):
        changes = {"deleverage": {"rank": "pro_rata", "price": "bankruptcy"}} if layer is ADL else {}
        state = pooled(
            {"ann": {"USDC": 100 * UNIT}, "bob": {"USDC": 1_000 * UNIT, "BTC": -14 * 10**6}, "fund": {"USDC": 0}},
            [("ann", "ETH-PERP", 1, 1000), ("bob", "ETH-PERP", -1, 1000)],
            layers=[layer], **changes,
        )  # fmt: skip
        do(state, Marks(S, {"ETH-PERP": 200}, {"BTC": (11_000 * UNIT, 10**8)}))  # bob: 1,000 + 800 - 1,540 = 260
        do(state, Resolve(3 * S))
        bob = state.book.unit_state(1)
        assert bob.equity >= 0, (layer, bob)
        # one lot would cost him 700 in deleveraging: none is closed; the others take all of his 260
        assert bob.equity == (260 * UNIT if layer is ADL else 0), (layer, bob)


def test_attack_a_backstops_limit_in_money_means_money_in_a_coin_margined_market():
    """At most 300 dollars of notional: three of the ten contracts of 100 stay, whatever a coin is worth."""
    market = Instrument.of(
        "BTC-USD", BTC, base="BTC", quote="USD", lot=Fraction(100), mark_scale=0,
        brackets=Brackets.flat(Fraction(1, 10), Fraction(1, 20)), inverse=True,
    )  # fmt: skip
    backstop = {
        "account": "backstop", "takes_below": "1", "takes_unfilled": True, "takes_bankrupt": True, "max_notional": "300",
        "over_limit": "deleverage", "work_out_share": "0",
    }  # fmt: skip
    rules = policy(
        layers=[ADL], deleverage={"rank": "pro_rata", "price": "mark"}, backstop=backstop,
        house=[{"name": "backstop", "role": "backstop"}],
    )  # fmt: skip
    book = snapshot(
        {"ann": {"BTC": 11 * 10**6}, "bob": {"BTC": 10**9}, "backstop": {"BTC": 10**9}},
        [("ann", "BTC-USD", 10, 1000), ("bob", "BTC-USD", -10, 1000)],
        [market], assets=(BTC,), roles={"backstop": "backstop"}, marks={"BTC-USD": 1000},
    )  # fmt: skip
    state = open_state(book, rules, {}, 0)
    do(state, Marks(S, {"BTC-USD": 940}))
    do(state, Resolve(3 * S))
    assert state.book.position(state.account_index["backstop"], 0)[0] == 3


# ---- the same gain cut twice


@pytest.mark.parametrize(
    ("caps", "first", "second"),
    [(("1",), 80, 20), (("1/2", "1"), 80, 20), (("1/2",), 50, 25)],
    ids=["whole", "half, then the rest", "half of what is left each time"],
)
def test_attack_a_gain_that_was_cut_is_not_there_to_be_cut_again(caps, first, second):
    """bob's gain of 100 pays two losses of 80: never more than 100 in all, however many layers and losses there are."""
    layers = [
        {"name": f"cut {i}", "kind": "gains_haircut", "cap": cap, "causes": ["exploit"]} for i, cap in enumerate(caps)
    ]
    state = venue(
        {"ann": 900, "bob": 900},
        [("ann", "BTC-PERP", 1, 1000), ("bob", "BTC-PERP", -1, 1000)],
        layers=layers,
        house=[],
        roles={},
    )
    do(state, Marks(S, {"BTC-PERP": 900}))
    for number, want in enumerate((first, second)):
        before = cash(state, "bob")
        do(state, DeclareLoss((2 + number) * S, f"hack {number}", "USDC", 80 * UNIT, "exploit"))
        assert before - cash(state, "bob") == want * UNIT, (caps, number)
    do(state, Marks(5 * S, {"BTC-PERP": 850}))  # another 50 of gain
    before = cash(state, "bob")
    do(state, DeclareLoss(6 * S, "hack 9", "USDC", 1_000 * UNIT, "exploit"))
    left = 150 - first - second
    assert before - cash(state, "bob") == left * UNIT // (1 if "1" in caps else 2)
    do(state, Marks(7 * S, {"BTC-PERP": 1000}))  # the gain is gone
    do(state, Marks(8 * S, {"BTC-PERP": 980}))  # a new one of 20
    before = cash(state, "bob")
    do(state, DeclareLoss(9 * S, "hack 10", "USDC", 1_000 * UNIT, "exploit"))
    assert before - cash(state, "bob") == (20 if "1" in caps else 10) * UNIT


def test_attack_who_was_closed_for_the_backstops_limit_can_be_paid_back():
    """Their claims stand under number 0; without such claims there is nothing of that number."""
    backstop = {
        "account": "vault",
        "takes_below": "1",
        "takes_bankrupt": False,
        "max_leverage": "1",
        "over_limit": "deleverage",
        "work_out_share": "0",
    }
    state = venue(
        {"ann": 200, "bob": 900, "vault": 50, "fund": 0},
        [("ann", "BTC-PERP", 2, 1000), ("bob", "BTC-PERP", -2, 1000)],
        roles={"vault": "backstop"},
        backstop=backstop,
        layers=[ADL],
        deleverage={"rank": "profit_leverage", "price": "previous_mark"},
        house=[{"name": "vault", "role": "backstop"}],
    )
    do(state, Recover(0, 0, "USDC", UNIT), "unknown_loss")
    do(state, Marks(S, {"BTC-PERP": 950}))
    do(state, Marks(2 * S, {"BTC-PERP": 945}))
    do(state, Resolve(4 * S))
    owed = {c.holder: c.amount for c in state.claims if c.loss == 0}
    assert owed, "bob bought back dearer than the mark, for nobody's loss"
    before = cash(state, "bob")
    do(state, Recover(5 * S, 0, "USDC", owed["bob"] + UNIT))
    assert cash(state, "bob") - before == owed["bob"], "what is beyond the claims stays outside"
    do(state, Recover(6 * S, 0, "USDC", UNIT))
    assert cash(state, "bob") - before == owed["bob"]


def test_attack_a_recovery_leaves_room_for_profits_to_come():
    """What comes back beyond the loss goes to whom it was; as much as a balance may hold would end us at its next profit."""
    book = snapshot(
        {"ann": 100 * UNIT, "bob": 9_000 * UNIT},
        [("ann", "BTC-PERP", 1, 1_000), ("bob", "BTC-PERP", -1, 1_000)],
        [perp()],
        marks={"BTC-PERP": 1_000},
    )
    state = open_state(book, policy(layers=[{"name": "deleveraging", "kind": "deleverage"}]), {}, 0)
    do(state, Marks(S, {"BTC-PERP": 850}))
    do(state, Resolve(3 * S))
    do(state, Recover(4 * S, 1, "USDC", 1 << 61), code="overflow")
    do(state, Recover(4 * S, 1, "USDC", 1 << 59))

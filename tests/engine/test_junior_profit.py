"""Profit as a junior claim: withdrawals take capital at par, then profit at one rate. Ids junior-*.

Source: continuous junior-profit haircut (Percolator, read-me and specification): deposits are senior, profit is paid
``min(residual, P) / P``; and conservation through insurance (50 %, not 100 %), which is ours.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.books import USDC, perp, policy, snapshot
from tests.explained import ledger_names, unexplained

from seawall.engine import (
    DeclareLoss,
    Deposit,
    Distribute,
    Fill,
    Marks,
    Recover,
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
from seawall.engine.events import BorneByWithdrawals, CashCut, ProfitsCut, WithdrawalCut
from seawall.engine.socialise import capital_of, profits_of
from seawall.engine.state import state_lines
from seawall.money import Asset
from seawall.waterfall import cut_equity, junior_profit

UNIT, S = 10**6, 10**9
CAUSES = ["default", "exploit"]
PROFITS = {"name": "profits", "kind": "withdrawal_rate", "of": "profit", "causes": CAUSES}
FUND = {"name": "fund", "kind": "account", "account": "fund", "causes": CAUSES}
CASH = {"name": "cash", "kind": "cash_haircut", "causes": CAUSES}
END = {"price": "last_index", "claims_s": 5, "interim_share": "1/2"}


class House:
    """A venue; every command is checked for conservation, explanations, and that a refused one changes nothing."""

    def __init__(
        self, cash, positions=(), *, layers=(PROFITS,), parents=None, asset=USDC, unit=UNIT, mark=1000, **changes
    ):
        rules = policy(layers=list(layers), deleverage=None, **changes)
        book = snapshot(
            {n: c * unit for n, c in cash.items()},
            positions,
            [perp(settle=asset)],
            assets=(asset,),
            roles={"fund": "fund"} if "fund" in cash else {},
            marks={"BTC-PERP": mark},
            parents=parents,
        )
        if parents:
            owners = tuple(parents.get(n, n) for n in book.account_ids)
            book = replace(book, owners=owners)
        self.asset, self.state, self.now, self.events = asset.name, open_state(book, rules, {}, 0), 0, []

    def do(self, command, code=""):
        state, before = self.state, state_hash(self.state)
        outcome = apply(state, command)
        assert (outcome.rejection.code.value if outcome.rejection else "") == code, (command, outcome.rejection)
        if code:
            assert state_hash(state) == before, command
        plain = [event_to_plain(e) for e in outcome.events]
        scales = {a.name: a for a in state.snapshot.assets}
        assert not unexplained(plain, outcome.transfers, ledger_names(state), scales), plain
        check_all(state)
        self.events.extend(outcome.events)
        return outcome.events

    def mark(self, price):
        self.now += S
        self.do(Marks(self.now, {"BTC-PERP": price}))

    def flat(self, name):
        """Close what an account holds at the mark, against the outside."""
        lots = self.state.book.position(self.state.account_index[name], 0)[0]
        sides = (name, "outside") if lots < 0 else ("outside", name)
        if lots:
            self.do(Trade(self.now, *sides, "BTC-PERP", abs(lots), self.state.marks[0]))

    def lose(self, amount, name="hack"):
        self.now += S
        return self.do(DeclareLoss(self.now, f"{name} {self.now}", self.asset, amount, "exploit"))

    def cash(self, name):
        return self.state.cash_minor(self.state.account_index[name], 0)

    def leave(self, name, amount=None):
        """Withdraw (all that is there); what was paid, minor units."""
        before = self.state.ledger.balance(self.state.external[0])
        amount = self.cash(name) if amount is None else amount
        if amount:
            self.do(Withdraw(self.now, name, self.asset, amount))
        return self.state.ledger.balance(self.state.external[0]) - before

    @property
    def outstanding(self):
        found = self.state.ledger.find(f"socialised:{self.asset}", self.asset)
        return 0 if found is None else -self.state.ledger.balance(found)

    def profit(self, name):
        accounts, profits, _ = profits_of(self.state, 0)
        return dict(zip(accounts, profits, strict=True)).get(self.state.account_index[name], 0)


def won(profits, capital=1_000, **more):
    """Accounts with that capital which have won or lost that much, in cash."""
    house = House(
        {**dict.fromkeys(profits, capital), **more.pop("cash", {})},
        [(n, "BTC-PERP", k, 10) for n, k in profits.items() if k],
        mark=10,
        **more,
    )
    house.mark(11)
    for name in profits:
        house.flat(name)
    return house


# ---- worked examples


def test_junior_capital_leaves_at_par_and_profit_at_the_rate():
    """ann and bob hold 1,000 of capital each and have won 60 and 20; cyd won nothing. 40 are lost: profit is paid at 1/2."""
    house = won({"ann": 60, "bob": 20, "cyd": 0})
    (borne,) = (e for e in house.lose(40 * UNIT) if isinstance(e, BorneByWithdrawals))
    assert borne.amount == 40 * UNIT
    assert house.leave("cyd") == 1_000 * UNIT, "capital is senior"
    assert house.leave("ann", 900 * UNIT) == 900 * UNIT, "capital first"
    assert house.leave("ann") == 100 * UNIT + 30 * UNIT
    (cut,) = (e for e in house.events if isinstance(e, WithdrawalCut))
    assert (cut.amount_minor, cut.rate) == (30 * UNIT, (40 * UNIT, 80 * UNIT))
    assert house.leave("bob") == 1_000 * UNIT + 10 * UNIT
    assert house.outstanding == 0


def test_junior_a_loss_beyond_all_profit_goes_to_the_next_layer():
    """Profits of 80 bear 80 of a loss of 100, and nothing of another; the balances pay the rest."""
    house = won({"ann": 60, "bob": 20, "cyd": -30}, layers=(PROFITS, CASH))
    first, second = house.lose(100 * UNIT), house.lose(5 * UNIT)
    assert [e.amount for e in first if isinstance(e, BorneByWithdrawals | CashCut)] == [80 * UNIT, 20 * UNIT]
    assert [type(e) for e in second if isinstance(e, BorneByWithdrawals | CashCut)] == [CashCut]


def test_junior_what_was_lost_is_earned_back_before_profit_begins():
    house = House({"ann": 1_000}, [("ann", "BTC-PERP", 10, 1000)])
    house.mark(990)
    house.mark(1005)
    assert house.profit("ann") == 50 * UNIT, "unrealised profit counts, and the loss of 100 is made good first"


def test_junior_nothing_outstanding_is_paid_in_full_and_leaves_no_line_of_its_own_behind():
    house = won({"ann": 60})
    assert house.leave("ann") == 1_060 * UNIT
    assert not any(isinstance(e, WithdrawalCut) for e in house.events)


def test_junior_capital_is_in_the_state_hash_only_where_the_policy_asks_for_it():
    house = won({"ann": 60})
    lines = [line for line in state_lines(house.state) if line.startswith("capital ")]
    assert len(lines) == 1
    house.state.capital.flow(0, 1)
    assert lines != [line for line in state_lines(house.state) if line.startswith("capital ")]
    plain = won({"ann": 60}, layers=({**PROFITS, "of": "balance"},))
    assert not [line for line in state_lines(plain.state) if line.startswith("capital ")]


def test_junior_with_a_haircut_of_another_period_both_are_counted():
    """A day's gains are cut with the first step of marks of the day; profit counts from the opening."""
    day = {"name": "day", "kind": "gains_haircut", "base": "period", "period_s": 3, "causes": CAUSES}
    house = House({"ann": 1_000}, [("ann", "BTC-PERP", 10, 1000)], layers=(day, PROFITS))
    house.mark(1004)  # 40, in the first period
    house.now += 2 * S
    house.mark(1010)  # 60 more, in another
    house.lose(90 * UNIT)
    assert [e.amount for e in house.events if isinstance(e, BorneByWithdrawals)] == [30 * UNIT], "the day paid 60"
    assert house.profit("ann") == 40 * UNIT


# ---- conservation through insurance


@pytest.mark.parametrize("order", [("fund", "profits", "cash"), ("profits", "fund", "cash")])
def test_junior_the_crisis_case_conserves_whichever_stands_first(order):
    """Principal 1.0m, profit 0.2m, insurance 0.5m, and 1.2m of 1.7m gone: profit is worth nothing, and 50 % of the
    principal is left, not none. Source: ``cut_equity``, the layers of Percolator's crisis module, corrected."""
    twin = cut_equity(principal=1_000_000, realised=0, unvested=200_000, insurance=500_000, collateral=0)
    assert (twin.unvested_burned, twin.insurance_drawn, float(twin.equity_haircut)) == (200_000, 500_000, 0.5)
    layers = {"fund": FUND, "profits": PROFITS, "cash": CASH}
    house = won({"ann": 200, "bob": 0}, 500, cash={"fund": 500}, layers=[layers[n] for n in order])
    house.lose(1_200 * UNIT)
    assert {n: house.leave(n) for n in ("bob", "ann")} == {"ann": 250 * UNIT, "bob": 250 * UNIT}
    assert house.outstanding == house.cash("fund") == 0
    assert -house.state.ledger.balance(house.state.external[0]) == house.cash("outside"), (
        "the vault is empty but for what outside owes"
    )


def test_junior_a_cut_of_capital_takes_no_profit_that_bears_losses_and_comes_back_as_capital():
    house = won({"ann": 200, "bob": 0}, 500, layers=(PROFITS, CASH))
    house.lose(400 * UNIT)  # 200 on profit, 100 of each one's capital
    assert [capital_of(house.state, a, 0) for a in (0, 1)] == [400 * UNIT, 400 * UNIT]
    assert house.profit("ann") == house.outstanding == 200 * UNIT
    house.lose(50 * UNIT)
    house.do(Recover(house.now, 1, "USDC", 100 * UNIT))
    assert [capital_of(house.state, a, 0) for a in (0, 1)] == [425 * UNIT, 425 * UNIT]
    assert house.profit("ann") == 200 * UNIT, "nothing of it became profit"
    assert house.leave("ann") == house.leave("bob") == 425 * UNIT


def test_junior_a_gain_that_bears_losses_is_not_cut_as_well():
    """Two losses of 60 against ann's profit of 100; the haircut comes after, for a cause of its own."""
    cut = {"name": "gains", "kind": "gains_haircut", "causes": ["custody"]}
    house = House({"ann": 1_000}, [("ann", "BTC-PERP", 10, 1000)], layers=(PROFITS, cut))
    house.mark(1010)
    house.lose(60 * UNIT)
    house.do(DeclareLoss(house.now, "other", "USDC", 60 * UNIT, "custody"))
    assert house.profit("ann") == house.outstanding == 60 * UNIT
    house.flat("ann")
    assert house.leave("ann") == 1_000 * UNIT and house.outstanding == 0


# ---- who leaves when


SIZES = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 30)), min_size=2, max_size=5)
COARSE = Asset.of("USDC", 8, 6)  # a hundred minor units in a book unit
NAMES = ("ann", "bob", "cyd", "dan", "eve")


def crowd(sizes, loss, asset=USDC, unit=UNIT):
    """Members with winnings and deposits, a loss, and nobody gone yet."""
    profits = {n: won_ for n, (won_, _) in zip(NAMES, sizes, strict=False)}
    house = won(profits, asset=asset, unit=unit)
    for name, (_, more) in zip(NAMES, sizes, strict=False):
        if more:
            house.do(Deposit(house.now, name, "USDC", more * unit + more))
    house.lose(loss * 10 ** (asset.decimals - 6))
    return house, profits


@settings(max_examples=80, deadline=None)
@given(
    sizes=SIZES,
    loss=st.integers(1, 200 * UNIT),
    order=st.permutations(range(5)),
    parts=st.lists(st.integers(1, 99), min_size=5, max_size=5),
    coarse=st.booleans(),
)
def test_junior_a_run_gains_at_most_a_unit_a_withdrawal(sizes, loss, order, parts, coarse):
    """Nobody's capital is cut; all profits together are paid what is left of them; the rate is the same for first and
    last; at the end nothing is outstanding. Twin: ``junior_profit``, everybody at once."""
    asset, unit = (COARSE, 10**8) if coarse else (USDC, UNIT)
    house, profits = crowd(sizes, loss, asset, unit)
    whole, borne = sum(profits.values()) * unit, house.outstanding
    assert borne == min(loss * (unit // UNIT), whole)
    capital = {n: house.cash(n) - k * unit for n, k in profits.items()}
    twin = junior_profit(whole - borne, 0, 0, [k * unit for k in profits.values()])
    paid, cuts = {}, 0
    for i in (i for i in order if i < len(sizes)):
        name = NAMES[i]
        first = house.leave(name, house.cash(name) * parts[i] // 100)
        paid[name] = first + house.leave(name)
        cuts = sum(isinstance(e, WithdrawalCut) for e in house.events)
    dust = len(sizes) * (2 + unit // UNIT)  # two withdrawals each, and what a deposit leaves below a book unit
    case = (sizes, loss, order, parts, coarse, paid, twin)
    for (name, won_), fair in zip(profits.items(), twin.effective, strict=True):
        assert paid[name] >= capital[name], case
        assert abs(paid[name] - capital[name] - fair) <= dust, case
        assert won_ or paid[name] == capital[name], case
    assert sum(paid.values()) == sum(capital.values()) + whole - borne + house.outstanding, case
    assert house.outstanding == 0 and cuts <= 2 * len(sizes), case


# ---- attacks


def test_attack_deposit_and_withdraw_does_not_turn_profit_into_capital():
    """ann holds 1,000 and has won 60 of 80, all of it worth half. Money that comes in and goes out is capital both times."""
    house = won({"ann": 60, "bob": 20})
    house.lose(40 * UNIT)
    for _ in range(3):
        house.do(Deposit(house.now, "ann", "USDC", 500 * UNIT))
        assert house.leave("ann", 500 * UNIT) == 500 * UNIT
    house.leave("ann", 1_000 * UNIT)
    house.do(Deposit(house.now, "ann", "USDC", 60 * UNIT))
    assert house.profit("ann") == 60 * UNIT
    assert house.leave("ann") == 60 * UNIT + 30 * UNIT


@pytest.mark.parametrize("price", [950, 1_250])
def test_attack_an_isolated_position_carries_its_profit_home_as_profit(price):
    """What is left of a closed isolated position goes to its account: the capital behind it is capital there, no more."""
    house = House(
        {"ann": 1_000, "iso": 100, "bob": 9_000},
        [("iso", "BTC-PERP", 1, 1000), ("bob", "BTC-PERP", -1, 1000)],
        parents={"iso": "ann"},
    )
    house.mark(1300)
    assert house.profit("iso") == 300 * UNIT
    house.lose(100 * UNIT)
    house.mark(940)
    for intent in sorted(house.state.intents):
        house.do(Fill(house.now, intent, "outside", 1, price))
    house.do(Resolve(house.now))
    assert house.cash("ann") == (100 + price) * UNIT
    assert capital_of(house.state, 0, 0) == 1_100 * UNIT, (
        "of a loss: it is earned back first; of a gain: it stays profit"
    )
    assert house.profit("ann") == max(0, price - 1_000) * UNIT
    assert capital_of(house.state, house.state.account_index["iso"], 0) == 0


def test_attack_profit_withdrawn_before_the_loss_is_booked_is_gone():
    """The race exists: ann, who leaves an hour earlier, is paid in full, and bob bears what both would have borne. It ends
    at what is left of all profit: capital is never reached, the rest of the loss goes to the next layer."""
    house = won({"ann": 60, "bob": 20}, layers=(PROFITS,))
    assert house.leave("ann") == 1_060 * UNIT
    house.lose(40 * UNIT)
    assert house.leave("bob") == 1_000 * UNIT
    assert house.outstanding == 0
    assert [d.pending for d in house.state.deficits] == [20 * UNIT], "in the open, nobody's capital"


def test_attack_own_accounts_trading_move_profit_but_make_no_capital_of_it():
    """ann sells to her second account above the mark: the profit is there now, and as junior as before."""
    house = won({"ann": 60, "ann2": 0, "bob": 20})
    house.lose(40 * UNIT)
    before = house.profit("ann") + house.profit("ann2")
    house.do(Trade(house.now, "ann", "ann2", "BTC-PERP", 10, 14))  # ann pays 140 for what is worth 110
    house.mark(11)
    assert house.profit("ann") + house.profit("ann2") == before
    assert house.profit("ann2") == 30 * UNIT


# ---- marks that move, and the end


def test_junior_profit_that_vanishes_leaves_the_rest_outstanding_in_the_open():
    house = House({"ann": 1_100, "bob": 2_000}, [("ann", "BTC-PERP", 10, 1000), ("bob", "BTC-PERP", -10, 1000)])
    house.mark(1010)
    house.lose(80 * UNIT)
    house.mark(1001)  # ann's profit is 10, bob's nothing: 70 have no profit behind them
    assert house.leave("bob", 500 * UNIT) == 500 * UNIT
    house.flat("ann")
    assert house.leave("ann") == 1_100 * UNIT
    (cut,) = (e for e in house.events if isinstance(e, WithdrawalCut))
    assert (cut.amount_minor, cut.rate) == (10 * UNIT, (0, 10 * UNIT))
    assert house.outstanding == 70 * UNIT


def test_junior_at_the_end_profits_bear_what_is_outstanding_before_anything_is_paid_out():
    """Wound down with 40 outstanding on profits of 60 and 20: they are cut to 30 and 10, and all claims are whole."""
    house = won({"ann": 60, "bob": 20, "cyd": 0, "eve": -80}, wind_down=END)
    house.lose(40 * UNIT)
    house.now += S
    (cut,) = (e for e in house.do(WindDown(house.now)) if isinstance(e, ProfitsCut))
    assert dict(cut.cuts) == {"ann": 30 * UNIT, "bob": 10 * UNIT} and house.outstanding == 0
    house.do(Distribute(house.now + S, "USDC", True))
    paid = {p: n for e in house.events if hasattr(e, "parts") for p, n in e.parts}
    assert {n: paid[n] for n in ("ann", "bob", "cyd")} == {
        "ann": 1_030 * UNIT,
        "bob": 1_010 * UNIT,
        "cyd": 1_000 * UNIT,
    }

"""Every preset on every event, and each preset's own way to end a crash. Ids preset-*.

Source: the venues' rules as each preset's header cites them; worked examples from the venues' own pages and tests where
they give one (Bybit, Vega, Drift), else worked by hand below.

The crash: BTC-PERP, one lot is one coin, maintenance 5 %. alice has 1,000 and is long 10 at 1,000; bob has 5,000 and is
short 10; cyd has 50,000 and takes what is offered. The mark falls to 800 in one step: alice's equity is -1,000.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.books import perp, snapshot
from tests.explained import hold, ledger_names, unexplained

from seawall.engine import Fill, Marks, Resolve, Withdraw, apply, check_all, event_to_plain, open_state
from seawall.engine.events import (
    BorneByWithdrawals,
    Called,
    Deleveraged,
    Drawn,
    GainsHaircut,
    HaltBegan,
    LossRecognised,
    MembersDrawn,
    OpenInterestCharged,
    ProfitCapped,
    Residual,
    SurplusPassed,
    TakenOver,
    WithdrawalCut,
)
from seawall.replay import replay
from seawall.tables import policy_names, read_policy, scenario_names
from seawall.waterfall import LayerKind

UNIT, SECOND, HOUR = 10**6, 10**9, 3600 * 10**9
CASH = {"alice": 1_000, "bob": 5_000, "cyd": 50_000}
HELD = [("alice", "BTC-PERP", 10, 1_000), ("bob", "BTC-PERP", -10, 1_000)]
NAMES = policy_names()


# --- every preset on every event -------------------------------------------------------------------------------------


def run(policy: str, scenario: str, folder: Path, accounts: int = 1_000) -> dict[str, Any]:
    """One run; every transfer in its log is what the printed programs give, and no other is."""
    done = replay(f"generate:accounts={accounts},seed=7", scenario, policy, out=folder / "run")
    check_all(done.state)
    hold(folder / "run")
    assert done.summary["conservation"]["ok"], (policy, scenario, done.summary["conservation"])
    kinds = {rule.kind for rule in read_policy(policy).layers}
    if LayerKind.DELEVERAGE not in kinds and read_policy(policy).profit_cap is None:
        assert done.summary["deleveraged"]["accounts"] == 0, (policy, scenario)
    return done.summary


@pytest.mark.parametrize(("policy", "scenario"), list(zip(NAMES, scenario_names(), strict=False)))
def test_preset_on_one_event_each(tmp_path, policy, scenario):
    run(policy, scenario, tmp_path, 300)


@pytest.mark.slow
@pytest.mark.parametrize("scenario", scenario_names())
@pytest.mark.parametrize("policy", NAMES)
def test_preset_on_every_event(tmp_path, policy, scenario):
    run(policy, scenario, tmp_path)


# --- the crash -------------------------------------------------------------------------------------------------------


class Venue:
    """A preset on a small book; every command is checked for conservation and for explanations."""

    def __init__(self, name: str, *, house: dict[str, int], cash=None, held=None, markets=("BTC-PERP",), **roles: str):
        cash = {**(cash or CASH), **house}
        given = dict.fromkeys(house, "fund") | roles
        book = snapshot(
            {n: amount * UNIT for n, amount in cash.items()},
            held or HELD,
            [perp(m) for m in markets],
            roles=given,
            marks=dict.fromkeys(markets, 1_000),
        )
        self.state = open_state(book, read_policy(name), {}, 0)
        self.events: list[Any] = []

    def do(self, command):
        outcome = apply(self.state, command)
        plain = [event_to_plain(e) for e in outcome.events]
        assets = {a.name: a for a in self.state.snapshot.assets}
        assert not unexplained(plain, outcome.transfers, ledger_names(self.state), assets), plain
        check_all(self.state)
        self.events += outcome.events
        return outcome

    def crash(self, mark: int = 800, taker: str | None = None, at: int = SECOND, resolve: int = 100 * SECOND) -> Venue:
        """Marks, fills by ``taker`` at the mark of what is offered, Resolve."""
        self.do(Marks(at, {"BTC-PERP": mark}))
        for number, intent in sorted(self.state.intents.items()) if taker else ():
            done = self.do(Fill(at, number, taker, abs(intent.lots), mark))
            assert done.rejection is None, done.rejection
        self.do(Resolve(at + resolve))
        return self

    def all(self, kind):
        return [e for e in self.events if isinstance(e, kind)]

    def cash(self, name: str) -> Fraction:
        return Fraction(self.state.book.cash(self.state.account_index[name], 0), UNIT)

    def equity(self, name: str) -> Fraction:
        book = self.state.book
        return Fraction(book.unit_state(book.unit_of(self.state.account_index[name], 0)).equity, UNIT)

    def drawn(self) -> list[tuple[str, int]]:
        return [(e.source, e.amount // UNIT) for e in self.all(Drawn)]


def test_preset_hyperliquid_the_previous_mark_and_no_fund():
    """alice is bankrupt, so bob is closed at the mark before, 1,000: he gives up all his profit of 2,000, though 1,000
    were needed. Nothing is socialised and no fund pays."""
    venue = Venue("hyperliquid", house={}).crash()
    (closed,) = venue.all(Deleveraged)
    assert (closed.account, closed.lots, closed.cost) == ("bob", 10, 2_000 * UNIT), closed
    assert not venue.all(Drawn)
    assert not venue.all(Residual)


def test_preset_hyperliquid_the_vault_takes_over_below_two_thirds():
    venue = Venue("hyperliquid", house={"backstop": 9_000}, backstop="backstop").crash(mark=925)
    (taken,) = venue.all(TakenOver)
    assert (taken.account, taken.margin) == ("alice", 250 * UNIT), "equity 250 < 2/3 x 462.50; the margin goes along"


def test_preset_dydx_the_fund_is_not_asked_for_who_found_no_buyer():
    """All-or-nothing and for fills only: alice is deleveraged at her bankruptcy price with a full fund beside."""
    venue = Venue("dydx-v4", house={"fund": 7_000}).crash()
    (closed,) = venue.all(Deleveraged)
    assert (closed.account, closed.cost) == ("bob", 1_000 * UNIT), closed
    assert venue.cash("fund") == 7_000


@pytest.mark.parametrize(("fund", "draws"), [(300, [("fund", 8)]), (8, [("fund", 8)]), (7, [])])
def test_preset_dydx_a_fill_beyond_bankruptcy_is_paid_in_full_or_refused(fund, draws):
    """At 930 alice's equity is 300 and her requirement 6 % of 9,300, 558 (three fifths of the initial 10 %). Her rating is
    1 - 300/558, so a fill may cost 1.5 x 558 x that = 387 for all ten coins: the limit is 930 - 38.7, up to 892. A
    tenth is offered, one coin. Her share of equity is 30 a coin, so a sale at 892 costs 8 beyond 900."""
    venue = Venue("dydx-v4", house={"fund": fund})
    venue.do(Marks(SECOND, {"BTC-PERP": 930}))
    ((number, intent),) = venue.state.intents.items()
    assert (intent.lots, intent.limit) == (-1, 892), intent
    refused = venue.do(Fill(SECOND, number, "cyd", 1, 892)).rejection
    assert venue.drawn() == draws
    assert (refused is None) == bool(draws), "all or nothing: a fund of 7 pays nothing of 8"
    assert venue.cash("fund") == fund - sum(amount for _, amount in draws)


def test_preset_dydx_withdrawals_wait_while_someone_is_below_zero():
    """Nobody is on the other side but the outside, so alice cannot be deleveraged; the gate stands for a minute."""
    venue = Venue("dydx-v4", house={"fund": 0}, held=HELD[:1]).crash()
    assert [e.halt for e in venue.all(HaltBegan)] == ["withdrawals"]
    refused = venue.do(Withdraw(venue.state.time_ns + SECOND, "cyd", "USDC", UNIT)).rejection
    assert refused is not None and refused.code.value == "halted", refused


def test_preset_drift_the_budget_of_the_tier_then_every_open_position():
    """BTC is of tier a: the fund pays all but its last unit; bob and cyd, who now hold ten coins each, pay the rest."""
    venue = Venue("drift-v2", house={"fund": 400}).crash(taker="cyd")
    (draw,) = venue.all(Drawn)
    assert draw.amount == 400 * UNIT - 1, "one unit stays in the vault"
    (charged,) = venue.all(OpenInterestCharged)
    assert (charged.amount, charged.lots, charged.accounts) == (600 * UNIT + 1, 20, 2), charged
    assert not venue.all(Deleveraged)


def test_preset_drift_a_market_of_no_tier_has_no_cover():
    venue = Venue("drift-v2", house={"fund": 9_000}, markets=("BTC-PERP", "XYZ-PERP"))
    book = [(n, "XYZ-PERP", lots, mark) for n, _, lots, mark in HELD]
    venue = Venue("drift-v2", house={"fund": 9_000}, markets=("BTC-PERP", "XYZ-PERP"), held=book)
    venue.do(Marks(SECOND, {"XYZ-PERP": 800}))
    for number, intent in sorted(venue.state.intents.items()):
        venue.do(Fill(SECOND, number, "cyd", abs(intent.lots), 800))
    venue.do(Resolve(100 * SECOND))
    assert not venue.all(Drawn), "speculative tiers: 0"
    assert venue.all(OpenInterestCharged)[0].amount == 1_000 * UNIT


def test_preset_drift_longs_and_shorts_pay_the_same_per_coin():
    """Drift's rule, loss / (|long| + |short|) on both funding indexes: 100 over ten long and ten short is 5 a coin."""
    venue = Venue("drift-v2", house={"fund": 0}).crash(mark=890, taker="cyd")
    assert venue.all(LossRecognised)[0].amount == 100 * UNIT
    (charged,) = venue.all(OpenInterestCharged)
    assert (charged.amount, charged.lots) == (100 * UNIT, 20)
    equity = {n: venue.equity(n) for n in ("bob", "cyd")}
    assert equity == {"bob": 5_000 + 1_100 - 50, "cyd": 50_000 - 50}


def test_preset_mango_the_vault_is_emptied_before_open_interest_pays():
    for fund, socialised in ((1_000, 0), (400, 600), (0, 1_000)):
        venue = Venue("mango-v4", house={"fund": fund}).crash(taker="cyd")
        assert venue.drawn() == ([("fund", min(fund, 1_000))] if fund else [])
        assert sum(e.amount for e in venue.all(OpenInterestCharged)) == socialised * UNIT
        assert not venue.all(Deleveraged), "nobody is deleveraged"


def test_preset_vega_its_own_example_of_loss_socialisation():
    """Vector vega-001: losers owe 700 and 1,400 and have 500 and 1,100, the pool is empty, winners are owed 1,400 and
    700. Collected 1,600; the winners get 1,066 and 534 in whole units there, the same to a millionth here."""
    venue = Venue(
        "vega",
        house={"pool": 0},
        cash={"loser 1": 500, "loser 2": 1_100, "winner 1": 5_000, "winner 2": 5_000},
        held=[
            ("loser 1", "BTC-PERP", 7, 1_000),
            ("loser 2", "BTC-PERP", 14, 1_000),
            ("winner 1", "BTC-PERP", -14, 1_000),
            ("winner 2", "BTC-PERP", -7, 1_000),
        ],
    ).crash(mark=900)
    (cut,) = venue.all(GainsHaircut)
    paid = {n: owed * UNIT - dict(cut.cuts)[n] for n, owed in (("winner 1", 1_400), ("winner 2", 700))}
    assert paid == {"winner 1": 1_066_666_667, "winner 2": 533_333_333}, cut
    assert {n: got // UNIT for n, got in paid.items()} == {"winner 1": 1_066, "winner 2": 533}
    assert sum(paid.values()) == 1_600 * UNIT


def test_preset_vega_the_network_takes_over_and_nobody_is_deleveraged():
    venue = Venue("vega", house={"pool": 0, "network": 0}, network="backstop").crash(mark=925)
    (taken,) = venue.all(TakenOver)
    assert (taken.account, taken.backstop, taken.margin) == ("alice", "network", 250 * UNIT)
    assert not venue.all(Deleveraged)


def test_preset_vega_what_the_network_earned_flows_to_the_pool():
    """It holds alice's 10 lots and 250; cyd buys a tenth, rounded up, at each step: the pool gets it all with the last."""
    venue = Venue("vega", house={"pool": 0, "network": 0}, network="backstop").crash(mark=925)
    for step in range(10):
        assert venue.cash("pool") == 0, step
        at = (200 + 10 * step) * SECOND
        venue.crash(mark=925, taker="cyd", at=at, resolve=5)
    (passed,) = venue.all(SurplusPassed)
    assert (passed.account, passed.to, passed.amount) == ("network", "pool", 250 * UNIT)
    assert (venue.cash("network"), venue.cash("pool")) == (0, 250)


def test_preset_binance_the_fund_takes_the_position_over_with_its_shortfall():
    venue = Venue("binance", house={"fund": 9_000}).crash()
    (taken,) = venue.all(TakenOver)
    assert (taken.account, taken.margin) == ("alice", -1_000 * UNIT)
    assert not venue.all(Deleveraged)
    poor = Venue("binance", house={"fund": 0}).crash()
    assert not poor.all(TakenOver), "beyond its limit it takes nobody"
    assert [e.account for e in poor.all(Deleveraged)] == ["bob"]


def bybit_like(name: str, *, hours: int = 1) -> Venue:
    """alice owes 350 k beyond her margin in BTC, amy 100 k in ETH an hour or more later; the pool holds 1 m."""
    book = [
        ("alice", "BTC-PERP", 1_000, 1_000),
        ("bob", "BTC-PERP", -1_000, 1_000),
        ("amy", "ETH-PERP", 1_000, 1_000),
        ("ben", "ETH-PERP", -1_000, 1_000),
    ]
    cash = {"alice": 100_000, "bob": 900_000, "amy": 100_000, "ben": 900_000}
    venue = Venue(name, house={"fund": 1_000_000}, cash=cash, held=book, markets=("BTC-PERP", "ETH-PERP"))
    venue.do(Marks(HOUR, {"BTC-PERP": 550}))
    venue.do(Resolve(HOUR + 10 * SECOND))
    venue.do(Marks((1 + hours) * HOUR, {"ETH-PERP": 800}))
    venue.do(Resolve((1 + hours) * HOUR + 10 * SECOND))
    return venue


def test_preset_bybit_its_own_example():
    """A loss of 350k on a pool of 1m: the market's draws stop at 30 %, winners bear 50k (ADL alert page)."""
    venue = bybit_like("bybit")
    assert venue.drawn()[0] == ("fund", 300_000)
    first = venue.all(Deleveraged)[0]
    assert (first.account, first.cost) == ("bob", 50_000 * UNIT), first


def test_preset_bybit_rations_by_market_and_okx_over_all():
    """Both stop the first market at 300k. In the second Bybit pays all of 100k; OKX has used up its eight hours."""
    bybit, okx = bybit_like("bybit"), bybit_like("okx")
    assert bybit.drawn() == [("fund", 300_000), ("fund", 100_000)]
    assert [e.account for e in bybit.all(Deleveraged)] == ["bob"]
    assert okx.drawn() == [("fund", 300_000)]
    assert [(e.account, e.cost // UNIT) for e in okx.all(Deleveraged)] == [("bob", 50_000), ("ben", 100_000)]
    later = bybit_like("okx", hours=9)
    assert later.drawn() == [("fund", 300_000), ("fund", 100_000)], "after eight hours the first draw counts no more"


@settings(max_examples=40, deadline=None)
@given(
    fund=st.integers(1_000, 60_000),
    steps=st.lists(
        st.tuples(st.integers(1, 5), st.integers(400, 1_600), st.integers(400, 1_600), st.booleans()),
        min_size=1,
        max_size=8,
    ),
)
def test_preset_bybit_a_market_never_draws_more_than_its_share_within_eight_hours(fund, steps):
    cash, held = {}, []
    for market in ("BTC-PERP", "ETH-PERP"):
        for side in (-1, 1):
            for i in range(4):
                name = f"{market} {side} {i}"
                cash[name] = 2_000 * (i + 1)
                held.append((name, market, side * 10, 1_000))
    venue = Venue(
        "bybit", house={"fund": fund}, cash={**cash, "cyd": 10**6}, held=held, markets=("BTC-PERP", "ETH-PERP")
    )
    now, balances, draws = 0, [(0, venue.cash("fund"))], []
    market_of: dict[int, str] = {}

    def do(command) -> None:
        known = {n: venue.state.instrument(i.market).symbol for n, i in venue.state.intents.items()}
        for event in venue.do(command).events:
            if isinstance(event, LossRecognised):
                fallback = known.get(getattr(command, "intent", -1), "")
                market_of[event.loss] = event.account.split(" ")[0] if " " in event.account else fallback
            if isinstance(event, Drawn):
                draws.append((venue.state.time_ns, market_of[event.loss], Fraction(event.amount, UNIT)))
        balances.append((venue.state.time_ns, venue.cash("fund")))

    for hours, btc, eth, fills in steps:
        now += hours * HOUR
        do(Marks(now, {"BTC-PERP": btc, "ETH-PERP": eth}))
        for number, intent in sorted(venue.state.intents.items()) if fills else ():
            do(Fill(now, number, "cyd", abs(intent.lots), btc if intent.market == 0 else eth))
        now += 10 * SECOND
        do(Resolve(now))
    window = 8 * HOUR
    for at, market, _ in draws:
        inside = sum(a for t, m, a in draws if m == market and at - window < t <= at)
        # The highest balance that any window ending here can have seen: the last one before it counts from its start.
        start = max((b for b in balances if b[0] <= at - window), default=balances[0])
        peak = max(b for t, b in [start, *balances] if t >= at - window or (t, b) == start)
        assert inside <= Fraction(3, 10) * peak, (at, market, inside, peak, draws, balances)


def test_preset_bitmex_nobody_is_deleveraged_while_the_fund_pays():
    rich = Venue("bitmex", house={"fund": 7_000}).crash()
    assert rich.drawn() == [("fund", 1_000)]
    assert not rich.all(Deleveraged), "the fund paid, so alice's position waits for the market"
    poor = Venue("bitmex", house={"fund": 700}).crash()
    assert poor.drawn() == [("fund", 700)]
    assert [(e.account, e.cost) for e in poor.all(Deleveraged)] == [("bob", 300 * UNIT)]


def test_preset_bitmex_a_better_fill_feeds_the_fund():
    venue = Venue("bitmex", house={"fund": 0})
    venue.crash(mark=940, taker="cyd")
    assert venue.cash("fund") == 400, "closed at 940, her bankruptcy price is 900"
    assert venue.cash("alice") == 0


def test_preset_deribit_the_winners_of_the_session_pay_what_the_fund_cannot():
    """bob gained 2,000 in the session and cyd, who bought at the last mark, nothing: bob pays all 600."""
    venue = Venue("deribit", house={"fund": 400}).crash(taker="cyd")
    assert venue.drawn() == [("fund", 400)]
    (cut,) = venue.all(GainsHaircut)
    assert dict(cut.cuts) == {"bob": 600 * UNIT}
    assert not venue.all(Deleveraged)


def test_preset_deribit_gains_of_yesterday_are_safe():
    venue = Venue("deribit", house={"fund": 0})
    venue.do(Marks(SECOND, {"BTC-PERP": 960}))
    venue.do(Resolve(20 * SECOND))
    venue.crash(mark=800, taker="cyd", at=30 * HOUR)
    (cut,) = venue.all(GainsHaircut)
    (share,) = dict(cut.cuts).values()
    assert share == 1_000 * UNIT
    assert cut.rate == (1_000 * UNIT, 1_600 * UNIT), "bob gained 1,600 today; the 400 of yesterday do not count"


def test_preset_paradex_who_withdraws_bears_the_rest():
    venue = Venue("paradex", house={"fund": 400}).crash(taker="cyd")
    assert venue.drawn() == [("fund", 400)]
    assert venue.all(BorneByWithdrawals)[0].amount == 600 * UNIT
    venue.do(Withdraw(venue.state.time_ns + SECOND, "cyd", "USDC", 10_000 * UNIT))
    (cut,) = venue.all(WithdrawalCut)
    assert Fraction(*cut.rate) == 1 - Fraction(600, 50_000 + 5_000), cut


def test_preset_gmx_only_the_pool_pays():
    venue = Venue("gmx-v2", house={"pool": 9_000}, pool="backstop").crash(taker="cyd")
    assert venue.drawn() == [("pool", 1_000)]
    assert not venue.all(ProfitCapped)
    poor = Venue("gmx-v2", house={"pool": 300}, pool="backstop").crash(taker="cyd")
    assert poor.drawn() == [("pool", 300)]
    assert poor.all(Residual)[0].amount == 700 * UNIT, "beyond the pool there is nothing"
    (told,) = poor.all(ProfitCapped)
    # alice paid 2,000 into the clearing account, which is all of bob's profit: the whole pool, so nobody is closed.
    assert (told.profit, told.pool, told.collected) == (2_000 * UNIT, 2_000 * UNIT, 0)


def test_preset_gmx_profits_are_capped_at_85_percent_and_not_below_77():
    """alice pays in 2,000 by her own close-out, of which the pool bears 1,000; with 1,200 it had, 200 are left. bob's
    2,000 are 90.9 % of 2,200. To the cap: (2,000 - 1,870) / 0.15 = 866.7; to the floor: (2,000 - 1,694) / 0.23 = 1,330.4.
    A lot realises 200: five are 1,000, and the share is 1,000 of 1,200, 83.3 %."""
    venue = Venue("gmx-v2", house={"pool": 1_200}, pool="backstop").crash(taker="cyd")
    (told,) = venue.all(ProfitCapped)
    assert (told.side, told.profit, told.pool) == ("short", 2_000 * UNIT, 2_200 * UNIT)
    assert (told.needed, told.most) == (866_666_667, 1_330_434_782)
    assert (told.lots, told.collected, told.residual) == (5, 1_000 * UNIT, 0)
    (closed,) = venue.all(Deleveraged)
    assert (closed.account, closed.counterparty, closed.lots, closed.cost) == ("bob", "pool", 5, 0)
    assert venue.equity("bob") == 7_000 and venue.equity("pool") == 200


def clearing_house(
    own: int, second: int, fund: int, members=("m1", "m2", "m3"), cash=(1_000, 5_000, 50_000), size: int = 10
) -> Venue:
    """The preset with a default fund of ``fund``; alice, bob and cyd are clients of ``members``."""
    venue = Venue("emir-ccp", house={})
    rules = venue.state.policy
    terms = replace(rules.members, fund=fund * UNIT, size=None, minimum=0, assign=0)
    traders = dict(zip(CASH, cash, strict=True))
    book = snapshot(
        {n: amount * UNIT for n, amount in {**traders, "own resources": own, "second slice": second}.items()},
        [("alice", "BTC-PERP", size, 1_000), ("bob", "BTC-PERP", -size, 1_000)],
        [perp()],
        roles={"own resources": "fund", "second slice": "fund"},
        marks={"BTC-PERP": 1_000},
    )
    venue.state = open_state(replace(book, members=(*members, "", "")), replace(rules, members=terms), {}, 0)
    return venue


def test_preset_emir_the_order_of_draws():
    """Contributions follow notional: alice's member 300, bob's 300. A loss of 1,000: her member 300, the house 100, bob's
    member 300 beside the second slice 100, a call on bob's member of 200 within its cap of 300."""
    venue = clearing_house(100, 100, 600).crash()
    kinds = (Drawn, MembersDrawn, Called, GainsHaircut, Deleveraged)
    order = [
        (type(e).__name__, getattr(e, "layer", ""), e.amount // UNIT) for e in venue.events if isinstance(e, kinds)
    ]
    assert order == [
        ("Drawn", "defaulter's contribution", 300),
        ("Drawn", "own resources", 100),
        ("MembersDrawn", "default fund", 300),
        ("Drawn", "second own slice", 100),
        ("Called", "cash calls", 200),
    ], order


def test_preset_emir_after_the_calls_gains_are_cut_then_positions_torn_up():
    """Fund 60: 30 + 100 + (30 beside 100) + a call of 30 leaves 710; half of bob's gains of 2,000 would pay 1,000."""
    venue = clearing_house(100, 100, 60).crash()
    (cut,) = venue.all(GainsHaircut)
    assert dict(cut.cuts) == {"bob": 710 * UNIT}
    assert not venue.all(Deleveraged)
    deep = clearing_house(0, 0, 60).crash(mark=500)
    (cut,) = deep.all(GainsHaircut)
    assert dict(cut.cuts) == {"bob": 2_500 * UNIT}, "half of 5,000"
    (torn,) = deep.all(Deleveraged)
    assert (torn.account, torn.cost) == ("bob", 0), "at the mark"
    assert deep.all(Residual)[0].amount == (4_000 - 30 - 30 - 30 - 2_500) * UNIT


def test_preset_emir_nasdaq_2018():
    """Nasdaq Clearing, September 2018 (clearing_houses.md 1.9): 114 beyond what the defaulter had, 7 from the house's
    junior capital and 107 from the members' fund of 166, in millions; here in units. The trader is no member's client."""
    venue = clearing_house(7, 0, 166, members=("", "m1", "m2"), cash=(50, 5_000, 0), size=1).crash(mark=836)
    assert venue.all(LossRecognised)[0].amount == 114 * UNIT
    paid = {e.layer: e.amount // UNIT for e in venue.events if isinstance(e, Drawn | MembersDrawn)}
    assert paid == {"own resources": 7, "default fund": 107}
    assert not venue.all(Called)

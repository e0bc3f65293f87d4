"""Random venues that combine everything under a default fund. Id cleared-*.

What ``test_machine_mixed`` combines, and a default fund under it: sized by stress, shared by weights, put back by rule, with
calls, affiliates, members that do not pay, and auctions of portfolios by the policy. Source: the promises at the top of the
README, per asset, after every command; Regulation (EU) 648/2012 art. 43(3) (limited exposure of members).
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import replace
from fractions import Fraction

import tests.engine.test_machine_mixed as mixed
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule, run_state_machine_as_test
from tests.engine.test_machine import ADL, MARKETS, MEMBERS, NAMES, OWN, REACHED, SECOND, UNIT, Life
from tests.engine.test_machine_mixed import ALL, CASES, COINS, LAYERS, SETUPS, Mixed, rules

from seawall.engine import Auction, DeclareLoss, Deposit, Recover, Reinstate, StopPaying
from seawall.engine.auctionterms import invited, terms_of
from seawall.engine.events import AuctionHeld
from seawall.members import AuctionWhen, PortfolioAuctionRule

REACHED["Cleared"] = Counter()
RUNS: Counter[str] = Counter()
SOLD = PortfolioAuctionRule(
    least=10 * UNIT,
    when=AuctionWhen.FIRST,
    length_ns=SECOND,
    invites=0,
    reserve=Fraction(1, 5),
    competitive_within=Fraction(1, 50),
)
STRESSES = [{"name": "apart", "moves": {"BTC": "-0.5"}, "other": "0.2"}, {"name": "up", "move": "0.6"}]
DEFAULT_FUND = {
    "size": {"cover": 1, "buffer": "1/10", "least": "40", "stresses": STRESSES},
    "contribution": "weighted", "fixed_each": "3", "weights": {"risk": "1/2", "stress": "1/4", "open_interest": "1/4"},
    "assign": 8,  # ann and bob are one owner, of member 1; cyd and dan are of member 6, eve of member 4
    "call_per_default": "1", "call_per_window": "2", "window_s": 6, "reinstated_after_s": 2,
    "groups": [["member 1", "member 4"]],
}  # fmt: skip
CLEARED = [
    {**OWN},
    {**LAYERS[0], "reinstated_after_s": 1},
    {**MEMBERS, **ALL},
    {**LAYERS[4], "reinstated_after_s": 4},
    {"name": "calls", "kind": "assessment", **ALL},
    *LAYERS[1:4],
    LAYERS[5],
]


def with_auctions(setup, rank, layers, **members):
    """Orders stand for two seconds, so that an auction of one fits in."""
    found = rules(setup, rank, layers, members={**DEFAULT_FUND, **members})
    slow = replace(found.liquidation, deadline_ns=2 * SECOND)
    return replace(found, liquidation=slow, members=replace(found.members, auction=SOLD))


POLICIES = {
    setup: [
        with_auctions(setup, "profit_leverage", CLEARED, fails="used_up"),
        with_auctions(setup, "pro_rata", CLEARED, reinstated_inside_window=True),
        with_auctions(setup, "min_max", [r for r in CLEARED if r is not ADL], fails="used_up"),
    ]
    for setup in set(SETUPS)
}


class Cleared(Mixed):
    """The same venues, and a default fund under them."""

    billed = Life.nobody_is_billed_beyond_the_bill

    @initialize(
        setup=st.sampled_from(SETUPS),
        number=st.integers(0, 2),
        cash=st.lists(st.integers(100, 2_000), min_size=5, max_size=5),
        sizes=st.lists(st.integers(-8, 8), min_size=8, max_size=8),
        funds=st.tuples(st.integers(0, 200), st.integers(0, 60), st.integers(0, 600), st.integers(0, 2_000)),
    )
    def open(self, setup, number, cash, sizes, funds):
        known, mixed.POLICIES = mixed.POLICIES, POLICIES
        try:
            super().open(setup, number, cash, sizes, funds)
        finally:
            mixed.POLICIES = known
        RUNS["all"] += 1

    def account_for(self, events):
        super().account_for(events)
        for e in events:
            if isinstance(e, AuctionHeld):
                self.seen.add("auction won" if e.winner else "auction without a winner")
            elif type(e).__name__ in ("Replenished", "DebtEnded", "MembersDrawn"):
                self.seen.add(f"{self.setup} {type(e).__name__}")

    @rule(member=st.sampled_from(["member 1", "member 4", "member 6", "member 9", ""]))
    def stop_paying(self, member):
        self.do(StopPaying(self.now, member))

    @rule(seconds=st.sampled_from([1, 3, 9]), amount=st.integers(1, 90))
    def later(self, seconds, amount):
        """A loss of the venue, and some time after it a quiet mark."""
        self.do(DeclareLoss(self.now, f"at {self.now}", "USDC", amount * UNIT, "exploit"))
        self.now += seconds * SECOND
        self.mark(MARKETS[0], 100)

    @rule(member=st.sampled_from(["member 1", "member 4", "member 6"]), amount=st.integers(100, 400))
    def unpaid(self, member, amount):
        """A member stops, and a loss calls all of them."""
        self.stop_paying(member)
        self.do(DeclareLoss(self.now, f"called {len(self.state.references)}", "USDC", amount * UNIT, "exploit"))

    @rule(amount=st.integers(1, 40), name=st.sampled_from(["member 4", "member 6"]), back=st.integers(0, 3))
    def found(self, amount, name, back):
        """Money comes back for a loss, in whatever it was lost, and somebody puts in what nobody asked for."""
        for asset, unit in (("USDC", UNIT), ("BTC", COINS)):
            self.do(Recover(self.now, self.state.next_loss - 1 - back, asset, amount * unit))
            self.do(Reinstate(self.now, f"contribution:{name}", asset, unit))

    @rule(
        market=st.sampled_from(MARKETS),
        move=st.sampled_from([30, 50, 70, 85, 93, 107, 120, 150, 250]),
        parts=st.lists(st.integers(-3, 12), min_size=5, max_size=5),
        rich=st.sampled_from([True, True, False]),
        settled=st.booleans(),
    )
    def auctioned(self, market, move, parts, rich, settled):
        for factor in (move, 10_000 // move):
            self.auction_of_all(market, factor, parts, rich)
        if settled:
            self.resolve()

    def auction_of_all(self, market, move, parts, rich):
        """A mark, and an auction of every portfolio in liquidation. Bids in tenths of the reserve; some are beyond it,
        from accounts of the defaulter's own group or owner, or too poor to take it."""
        self.mark(market, move)
        state = self.state
        for who in NAMES if rich else ():
            for asset, unit in (("USDC", UNIT), ("BTC", COINS)):
                if state.book.unit_of(state.account_index[who], 0) not in state.cases:
                    self.do(Deposit(self.now, who, asset, 9_000 * unit))
        for unit in sorted(state.cases):
            found = state.book.unit_state(unit)
            if unit not in state.cases or not found.positions:
                continue
            terms, asset = terms_of(state, found), state.asset(found.asset)
            rows = [
                (member, who, -asset.to_minor(terms.reserve * part // 10), self.now)
                for who, part in zip(NAMES, parts, strict=True)
                if part >= 0 and (member := state.members.of_account[state.account_index[who]])
            ]
            sent = tuple((member, self.now) for member in invited(state, found.account, found.asset))
            reserve, within = asset.to_minor(terms.reserve), asset.to_minor(terms.within)
            held = Auction(
                self.now + 1, state.account_name(found.account), asset.name, self.now, self.now + 1, -reserve, within,
                sent, tuple(rows),
            )  # fmt: skip
            self.do(held)
            self.now += 1


EACH = ("Replenished", "DebtEnded", "MembersDrawn")
WANTED = (
    *(f"{setup} {what}" for setup in ("linear", "coin", "pooled") for what in EACH),
    "auction won", "auction without a winner", "call", "layer own", "affiliates pay", "affiliates default", "call unpaid",
    "debt ended by recovery", "debt ended by reinstated", "debt ended by default", "default: call_unpaid",
    "default: replenishment_unpaid", "default: used_up", "haircut", "layer profits", "layer cash", "residual",
    "recovery of claims", "final distribution", "auction debt won",
)  # fmt: skip


def test_cleared_machine_keeps_its_promises_and_reaches_everything():
    run_state_machine_as_test(
        Cleared,
        settings=settings(
            max_examples=CASES * 2 // 3,
            stateful_step_count=24,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            derandomize=not os.environ.get("SEAWALL_CAMPAIGN"),
        ),
    )
    shares = {name: REACHED["Cleared"][name] / RUNS["all"] for name in WANTED}
    print("SHARES", sorted((round(share, 3), name) for name, share in shares.items()))
    assert all(share >= 0.01 for share in shares.values()), f"reached in under 1 % of {RUNS['all']} runs: {shares}"

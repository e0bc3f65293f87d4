"""Random venues whose fund auctions its debt and its surplus: auctions, recoveries and wind-downs interleave.

Id: fund-auctions-machine. Source: the promises at the top of the README, for money and for shares, after every command.
The twin counts debt, shares and stakes from the events alone and holds them against ledger and state.
"""

from __future__ import annotations

import os
from collections import Counter

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule, run_state_machine_as_test
from tests.books import policy
from tests.engine import test_machine
from tests.engine.test_machine import ADL, CUT, FUND, HOUSE, LATE, NAMES, RULE, SECOND, UNIT, Ends

from seawall.engine import (
    BidFundAuction,
    CloseFundAuction,
    NetFundDebt,
    OpenFundAuction,
    Recover,
    Reinstate,
    WindDown,
    state_hash,
)
from seawall.engine.auctionbook import BURNED, ISSUED
from seawall.engine.events import (
    FundAuctionClosed,
    FundAuctionOpened,
    FundAuctionRestarted,
    FundBid,
    Recovered,
    Residual,
    ResidualPaid,
)
from seawall.engine.fundshares import shares_of

CASES = int(300 * float(os.environ.get("SEAWALL_CAMPAIGN", "1")))
TERMS = {"bid_s": 3, "length_s": 8}
DEBT = {"lot": "20", "first_shares": 1000, "wait_s": 2, **TERMS}
SURPLUS = {"account": "fund", "lot": "15", "buffer": "30", "most_at_once": "30", **TERMS}
EVERY = {"causes": ["default", "exploit"]}
POLICIES = [
    policy(
        name="both auctions",
        layers=[{**FUND, **EVERY, "limit_per_event": "40"}],
        deleverage=None,
        house=HOUSE,
        wind_down=RULE,
        auctions={"debt": DEBT, "surplus": SURPLUS},
    ),
    policy(
        name="both auctions behind other layers",
        layers=[{**FUND, "limit_per_event": "60"}, ADL, {**CUT, "cap": "1/8"}, {**LATE, "causes": ["exploit"]}],
        house=HOUSE,
        wind_down={**RULE, "price": "last_index", "window_s": 0},
        auctions={"debt": {**DEBT, "wait_s": 0, "restart": "2"}, "surplus": {**SURPLUS, "improvement": "1.5"}},
    ),
    policy(
        name="debt auctions only",
        layers=[{**FUND, "limit_per_event": "30"}, {"name": "w", "kind": "withdrawal_rate", "limit_per_event": "25"}],
        deleverage=None,
        house=HOUSE,
        wind_down=RULE,
        auctions={"debt": DEBT},
    ),
]
REACHED: Counter[str] = Counter()
RUNS: Counter[str] = Counter()
test_machine.REACHED["FundAuctions"] = Counter()


class FundAuctions(Ends):
    """The venues of ``Ends`` under policies with auctions, and with smaller positions, so that many can bid."""

    # What other machines do often enough.
    hostile = funding = trade = deposit = claim = lift = None  # type: ignore[assignment]

    @initialize(
        number=st.integers(0, 8),
        cash=st.lists(st.integers(100, 2_000), min_size=5, max_size=5),
        sizes=st.lists(st.integers(-8, 8), min_size=8, max_size=8),
        funds=st.tuples(st.integers(0, 60), st.integers(0, 60), st.integers(0, 0)),
    )
    def open(self, number, cash, sizes, funds):
        self.owed = Counter()
        self.held = Counter()
        self.issued = self.burned = 0
        chosen = (0, 0, 0, 0, 1, 1, 1, 2, 2)[number]
        known, test_machine.POLICIES = test_machine.POLICIES, [POLICIES[chosen]] * 12
        try:
            super().open(0, cash, [size // 4 for size in sizes], funds)
        finally:
            test_machine.POLICIES = known
        RUNS["all"] += 1

    def account_for(self, events):
        super().account_for(events)
        for e in events:
            if isinstance(e, Residual):
                self.owed[e.loss] += e.amount
            elif isinstance(e, ResidualPaid | Recovered):
                paid = e.amount if isinstance(e, ResidualPaid) else e.residual
                self.owed[e.loss] -= paid
                assert self.owed[e.loss] >= 0, ("a deficit was paid twice", e)
                if isinstance(e, ResidualPaid):
                    self.seen.add("netted" if e.source == "fund" else "debt auction paid")
            elif isinstance(e, FundAuctionOpened | FundAuctionRestarted):
                self.seen.add(f"{type(e).__name__} {e.sells}")
            elif isinstance(e, FundBid):
                self.seen.add(f"bid {e.sells}")
                if e.counterparty:
                    self.seen.add(f"{'own bid beaten' if e.counterparty == e.account else 'beaten'} {e.sells}")
                if e.sells == "surplus":
                    self.held[e.account] -= e.shares
                    self.held[e.counterparty] += e.returned
            elif isinstance(e, FundAuctionClosed):
                self.seen.add(f"{e.sells} {e.outcome} {e.reason}".strip())
                if e.outcome == "won" and e.returned:
                    self.seen.add("part of the lot back")
                if e.outcome == "won" and e.sells == "debt":
                    self.issued += e.shares
                    self.held[e.account] += e.shares
                elif e.outcome == "won":
                    self.burned += e.shares
                elif e.sells == "surplus":
                    self.held[e.account] += e.returned

    @rule(sells=st.sampled_from(["debt", "debt", "surplus", "gold"]), wait=st.integers(0, 2))
    def begin(self, sells, wait):
        self.now += wait * SECOND
        self.do(OpenFundAuction(self.now, sells, "USDC"))

    @rule(number=st.integers(0, 2), who=st.sampled_from([*NAMES, "fund", "outside"]), part=st.integers(0, 24))
    @precondition(lambda self: hasattr(self, "state") and self.state.auctions.open)
    def offer(self, number, who, part):
        """Fewer shares than the last bid, or more: around what is just enough."""
        numbers = sorted(self.state.auctions.open)
        auction = numbers[number % len(numbers)]
        found = self.state.auctions.open[auction].auction
        count = found.best * part // 24 if found.kind == "debt" else found.best + part * max(1, found.best // 8)
        self.do(BidFundAuction(self.now, auction, who, count))

    @rule(wait=st.sampled_from([0, 1, 3, 9]))
    @precondition(lambda self: hasattr(self, "state") and self.state.auctions.open)
    def decide(self, wait):
        self.now += wait * SECOND
        for number in sorted(self.state.auctions.open):
            self.do(CloseFundAuction(self.now, number))

    @rule()
    def net(self):
        self.do(NetFundDebt(self.now, "USDC"))

    @rule(
        loss=st.integers(60, 150),
        bids=st.lists(st.tuples(st.sampled_from(NAMES), st.integers(8, 22)), min_size=1, max_size=3),
        back=st.sampled_from(
            ["nothing", "nothing", "all", "nearly all", "nearly all", "nearly all, unsold", "stop", "lifted"]
        ),
        net=st.booleans(),
    )
    def whole(self, loss, bids, back, net):
        """A loss that nobody pays in full, an auction of it with bids, something that comes back, and the hammer."""
        self.declare("exploit", loss, len(self.state.references) + 10)
        self.now += 2 * SECOND
        if net:
            self.net()
        self.begin("debt", 0)
        for who, part in bids if back not in ("lifted", "nearly all, unsold") else ():
            self.offer_last(who, part)
        if back == "lifted":
            self.do(Reinstate(self.now, "fund", "USDC", 60 * UNIT))
        if back == "stop":
            self.do(WindDown(self.now))
        if back in ("all", "nearly all", "nearly all, unsold"):
            for row in list(self.state.deficits.unpaid()):
                rest = 7 * UNIT if back != "all" and row.pending > 7 * UNIT else 0
                self.do(Recover(self.now, row.loss, "USDC", row.pending - rest))
        self.decide(9)

    @rule(loss=st.integers(60, 150), rest=st.sampled_from([0, 7]))
    def repaid(self, loss, rest):
        """A debt that somebody bid for is paid before the hammer: all of it, or all but a part of the lot."""
        everyone = [(name, 20) for name in NAMES]
        self.whole(loss, everyone, "nearly all" if rest else "all", True)

    @rule(
        loss=st.integers(60, 150),
        lift=st.integers(60, 250),
        bids=st.lists(st.tuples(st.integers(0, 4), st.integers(1, 20)), min_size=1, max_size=3),
        again=st.sampled_from([0, 0, 0, 80, 150]),
        then=st.sampled_from(["decided", "decided", "decided", "left", "stop"]),
    )
    def sale(self, loss, lift, bids, again, then):
        """Somebody buys shares; the fund is lifted above its buffer and sells; perhaps a loss comes first."""
        for name in NAMES:
            if sum(self.held[n] > 0 for n in NAMES) < 2 and not self.held[name]:
                self.whole(loss, [(name, 20)], "nothing", True)
        self.do(Reinstate(self.now, "fund", "USDC", lift * UNIT))
        self.now += 2 * SECOND
        self.net()
        self.begin("surplus", 0)
        for place, part in bids:
            who = [name for name in NAMES if self.held[name]] or [NAMES[0]]
            self.offer_last(who[place % len(who)], part)
        if again:
            self.declare("exploit", again, len(self.state.references) + 10)
        if then == "stop":
            self.do(WindDown(self.now))
        if then == "decided":
            self.decide(9)

    def offer_last(self, who, part):
        if self.state.auctions.open:
            self.offer(len(self.state.auctions.open) - 1, who, part)

    @rule(
        what=st.integers(0, 5),
        value=st.sampled_from([-1, 0, 1, 1 << 62, 10**40]),
        name=st.sampled_from(["ann", "fund", "nobody", "", "auction:1", "shares:issued"]),
    )
    def hostile_bid(self, what, value, name):
        number = max(self.state.auctions.open, default=1)
        self.do(
            (
                BidFundAuction(self.now, number, name, value),
                BidFundAuction(self.now, value, "ann", 1),
                CloseFundAuction(self.now, value),
                OpenFundAuction(self.now - 1, "debt", "USDC"),
                OpenFundAuction(self.now, name, "USDC"),
                NetFundDebt(self.now, name),
            )[what]
        )

    @rule(lift=st.integers(60, 250))
    def unsold(self, lift):
        """Surplus that nobody bids for."""
        self.do(Reinstate(self.now, "fund", "USDC", lift * UNIT))
        self.now += 2 * SECOND
        self.net()
        self.begin("surplus", 0)
        self.decide(9)

    @rule(
        loss=st.integers(60, 150),
        bids=st.lists(st.tuples(st.integers(0, 4), st.integers(1, 20)), min_size=1, max_size=3),
    )
    def sold(self, loss, bids):
        """Surplus that somebody bids for, with nothing between."""
        self.sale(loss, 250, bids, 0, "decided")

    @invariant()
    def debt_and_shares_are_kept(self):
        if not hasattr(self, "state"):
            return
        for loss, owed in self.owed.items():
            found = self.state.ledger.find(f"deficit:{loss}", "USDC")
            assert owed == (0 if found is None else -self.state.ledger.balance(found)), (loss, owed)
            assert sum(d.pending for d in self.state.deficits if d.loss == loss) == owed
        assert shares_of(self.state, ISSUED, "USDC") == -self.issued
        assert shares_of(self.state, BURNED, "USDC") == self.burned
        for name in NAMES:
            assert shares_of(self.state, name, "USDC") == self.held[name], name
        leading = [a for _, a in sorted(self.state.auctions.open.items()) if a.auction.kind == "surplus"]
        put_in = sum(a.auction.best for a in leading if a.auction.leader)
        assert sum(self.held[n] for n in NAMES) + put_in + self.burned == self.issued
        assert len(state_hash(self.state)) == 64

    def teardown(self):
        super().teardown()
        REACHED.update(getattr(self, "seen", ()))


WANTED = (
    "FundAuctionOpened debt",
    "FundAuctionOpened surplus",
    "FundAuctionRestarted debt",
    "FundAuctionRestarted surplus",
    "bid debt",
    "bid surplus",
    "beaten debt",
    "beaten surplus",
    "own bid beaten debt",
    "own bid beaten surplus",
    "debt auction paid",
    "part of the lot back",
    "netted",
    "debt won",
    "surplus won",
    "debt called_off debt_paid",
    "debt called_off debt_too_small",
    "debt called_off surplus_left",
    "debt called_off wound_down",
    "surplus called_off surplus_gone",
    "surplus called_off wound_down",
    "recovery",
    "recovery of claims",
    "residual",
    "WoundDown",
    "final distribution",
)


def test_fund_auctions_machine_keeps_its_promises_and_reaches_everything():
    run_state_machine_as_test(
        FundAuctions,
        settings=settings(
            max_examples=CASES,
            stateful_step_count=24,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            derandomize=not os.environ.get("SEAWALL_CAMPAIGN"),
        ),
    )
    shares = {name: REACHED[name] / RUNS["all"] for name in WANTED}
    assert all(share >= 0.01 for share in shares.values()), f"reached in under 1 % of {RUNS['all']} runs: {shares}"

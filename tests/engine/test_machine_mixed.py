"""Random venues whose policies combine what other machines try apart. Id mixed-*.

Profit cap, junior profit, lifetime caps of a gains haircut, a backstop with limits and a surplus, windows of close-outs,
auctions of the fund, limits over all assets, halts on outage and move, and the wind-down; on linear, coin-margined and
pooled books. Source: the promises at the top of the README, per asset, after every command.
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import replace
from fractions import Fraction

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule, run_state_machine_as_test
from tests.books import USDC, perp, policy, snapshot
from tests.engine.test_fund_auctions_machine import FundAuctions
from tests.engine.test_machine import (
    ADL,
    FUND,
    HOUSE,
    LATE,
    MARKETS,
    NAMES,
    REACHED,
    RULE,
    SECOND,
    TIERS,
    UNIT,
    Claims,
    Ends,
    Limits,
    Pools,
    liquidation,
)

from seawall.engine import (
    BidFundAuction,
    DeclareLoss,
    Deposit,
    Marks,
    NetFundDebt,
    OpenFundAuction,
    Recover,
    Reinstate,
    WindDown,
    Withdraw,
    open_state,
)
from seawall.engine.events import (
    CloseOutHeld,
    FundAuctionClosed,
    GainsHaircut,
    HaltBegan,
    ProfitCapped,
    SurplusPassed,
    WoundDown,
)
from seawall.engine.fundshares import shares_of
from seawall.engine.socialise import capital_of, outstanding_of
from seawall.market import Instrument
from seawall.money import Asset

CASES = int(220 * float(os.environ.get("SEAWALL_CAMPAIGN", "1")))
BTC = Asset.of("BTC", 8, 8)
COINS = 10**5  # minor units of coin for one dollar at 1,000
INVERSE = Instrument.of(
    MARKETS[0], BTC, base="BTC", quote="USD", lot=Fraction(1_000), mark_scale=0, brackets=perp().brackets, inverse=True
)
SETUPS = ("linear", "linear", "coin", "coin", "pooled")
REACHED["Mixed"] = Counter()
RUNS: Counter[str] = Counter()
ALL = {"causes": ["default", "oracle", "exploit"]}
BACKSTOP = {
    "account": "backstop", "takes_below": "2/3", "takes_unfilled": True, "takes_bankrupt": False, "max_leverage": "5",
    "max_notional_per_market": {"a": "4000", "other": "3000"}, "over_limit": "deleverage", "work_out_share": "1/2",
    "surplus_to": "fund", "surplus_above": "40",
}  # fmt: skip
LAYERS = [
    {**FUND, **ALL, "limit_per_event": "40", "limit_per_period": [{"amount": "150", "window_s": 20}]},
    ADL,
    {"name": "gains", "kind": "gains_haircut", **ALL, "cap": "1/2", "cap_each": "80", "limit_per_event": "90"},
    {"name": "profits", "kind": "withdrawal_rate", "of": "profit", **ALL},
    {**LATE, **ALL, "limit_per_market": "60", "limit_per_owner": "50"},
    {"name": "cash", "kind": "cash_haircut", **ALL, "cap": "1/6"},
]
AUCTIONS = {
    "debt": {"lot": "20", "first_shares": 1000, "wait_s": 2, "bid_s": 3, "length_s": 8},
    "surplus": {"account": "fund", "lot": "15", "buffer": "30", "most_at_once": "30", "bid_s": 3, "length_s": 8},
}
COIN_AUCTIONS = {
    "debt": {**AUCTIONS["debt"], "lot": "0.02"},
    "surplus": {**AUCTIONS["surplus"], "lot": "0.015", "buffer": "0.03", "most_at_once": "0.03"},
}


def halt(kind, measure, threshold):
    start = {"measure": measure, "is": "at_least", "threshold": threshold}
    return {"kind": kind, "starts": [start], "length_s": 2, "longest_s": 4, "rest_s": 9}


def rules(setup, rank, layers, **changes):
    pooled = {"numeraire": "USDC", "haircuts": [{"asset": "BTC", "haircut": "1/5"}]} if setup == "pooled" else {}
    house = [*HOUSE, {"name": "backstop", "role": "backstop"}, {"name": "pool", "role": "backstop"}]
    return policy(
        name=f"{setup}, {rank}",
        margin={"pool": "account" if pooled else "asset", "rounding": "toward_fund", **pooled},
        liquidation={
            **liquidation({"kind": "market"}, {"kind": "at_once"}, {"kind": "clearance", "rate": "1/100"}),
            "window": {"fee": "1/1000", "depth": {"a": "100000", "other": "15000"}, "multiplier": "2", "window_s": 20},
        },
        layers=layers,
        deleverage={"rank": rank, "price": "mark"},
        profit_cap={"account": "pool", "cap": {"a": "0.3", "other": "0.5"}, "floor": {"a": "0.05", "other": "0.5"}},
        tiers={"a": ["BTC"]},
        backstop=BACKSTOP,
        auctions=COIN_AUCTIONS if setup == "coin" else AUCTIONS,
        halts=[halt("trading", "move", "1/2"), halt("withdrawals", "outage", "8")],
        wind_down=RULE,
        house=house,
        **changes,
    )


POLICIES = {
    setup: [
        rules(setup, "profit_leverage", LAYERS),
        rules(setup, "pro_rata", [LAYERS[0], *LAYERS[2:]]),
        rules(setup, "min_max", [LAYERS[3], LAYERS[0], LAYERS[5]]),
    ]
    for setup in SETUPS
}


class Mixed(Ends):
    """Five members, one market in coin or two in dollars, everything at once."""

    begin, offer, decide, net = FundAuctions.begin, FundAuctions.offer, FundAuctions.decide, FundAuctions.net
    hostile_bid, offer_last = FundAuctions.hostile_bid, FundAuctions.offer_last
    leave, sold, turn = Claims.leave, Limits.sold, Pools.turn
    claim = None  # type: ignore[assignment]

    @initialize(
        setup=st.sampled_from(SETUPS),
        number=st.integers(0, 2),
        cash=st.lists(st.integers(100, 2_000), min_size=5, max_size=5),
        sizes=st.lists(st.integers(-8, 8), min_size=8, max_size=8),
        funds=st.tuples(st.integers(0, 200), st.integers(0, 60), st.integers(0, 600), st.integers(0, 2_000)),
    )
    def open(self, setup, number, cash, sizes, funds):
        policy_ = POLICIES[setup][number]
        self.setup = setup
        names = {**dict(zip(NAMES, cash, strict=True))}
        names |= dict(zip(("fund", "late", "backstop", "pool"), funds, strict=True))
        accounts = {n: {"USDC": c * UNIT} | ({"BTC": c * COINS} if setup != "linear" else {}) for n, c in names.items()}
        positions = []
        for m, market in enumerate(MARKETS):
            mine = dict(zip(NAMES, [*sizes[4 * m : 4 * m + 4], -sum(sizes[4 * m : 4 * m + 4])], strict=True))
            positions += [(name, market, size, 1_000) for name, size in mine.items() if size]
        markets = [INVERSE if setup == "coin" else perp(MARKETS[0], TIERS), perp(MARKETS[1], TIERS)]
        book = snapshot(
            accounts, positions, markets, assets=(USDC,) if setup == "linear" else (USDC, BTC),
            roles={"fund": "fund", "late": "fund", "backstop": "backstop", "pool": "backstop"},
            marks=dict.fromkeys(MARKETS, 1_000),
        )  # fmt: skip
        book = replace(book, owners=tuple("one" if n in ("ann", "bob") else n for n in book.account_ids))
        indexes = {"BTC": (1_000, 100)} if setup == "pooled" else None
        self.make = lambda: open_state(book, policy_, {}, 0, indexes=indexes)
        self.state = self.make()
        self.log, self.now, self.seen, self.causes = [], 0, set(), {}
        self.orders, self.closed = {}, []
        held = [-self.state.ledger.balance(account) for account in self.state.external]
        self.vault, self.coin = held[0], held[-1]
        RUNS["all"] += 1

    def do(self, command):
        if isinstance(command, Marks) and self.setup == "pooled" and MARKETS[0] in command.marks:
            command = command._replace(indexes={"BTC": (max(1, min(10**6, command.marks[MARKETS[0]])), 100)})
        return super().do(command)

    def brought(self, command):
        amount = super().brought(command)
        if getattr(command, "asset", "USDC") == "USDC":
            return amount
        self.coin += amount
        return 0

    def account_for(self, events):
        coin = [e for e in events if getattr(e, "asset", "") == "BTC"]
        super().account_for([e for e in events if getattr(e, "asset", "") != "BTC"])
        dollars = self.vault
        super().account_for(coin)
        self.coin += self.vault - dollars
        self.vault = dollars
        named = CloseOutHeld | ProfitCapped | SurplusPassed | WoundDown
        for e in events:
            if isinstance(e, named):
                self.seen.add(f"{self.setup} {type(e).__name__}")
            elif isinstance(e, FundAuctionClosed):
                self.seen.add(f"auction {e.sells} {e.outcome}")
            elif isinstance(e, HaltBegan):
                self.seen.add(f"halt {e.halt}")
            elif isinstance(e, GainsHaircut):
                self.seen |= {e.why[0][0], f"{self.setup} {e.why[0][0]}"}
            elif type(e).__name__ in ("WithdrawalCut", "CashCut"):
                self.seen.add(f"{self.setup} {type(e).__name__}")

    @rule(name=st.sampled_from([*NAMES, "fund", "pool"]), amount=st.integers(-300, 300))
    def coins(self, name, amount):
        move = Deposit if amount > 0 else Withdraw
        self.do(move(self.now, name, "BTC", abs(amount) * COINS))

    @rule(amount=st.integers(1, 300), loss=st.integers(1, 6), back=st.booleans())
    def coin_gone(self, amount, loss, back):
        number = len(self.state.references)
        self.do(
            Recover(self.now, loss, "BTC", amount * COINS)
            if back
            else DeclareLoss(self.now, f"coin {number}", "BTC", amount * COINS, "exploit")
        )

    @rule(
        loss=st.integers(60, 400),
        asset=st.sampled_from(["USDC", "BTC"]),
        bids=st.lists(st.tuples(st.sampled_from(NAMES), st.integers(8, 22)), min_size=1, max_size=3),
        lift=st.integers(0, 200),
        then=st.sampled_from(["hammer", "stop", "move"]),
    )
    def whole(self, loss, asset, bids, lift, then):
        """A loss, an auction of what nobody paid, and what happens meanwhile."""
        unit = COINS if asset == "BTC" else UNIT
        self.do(DeclareLoss(self.now, f"whole {len(self.state.references)}", asset, loss * unit, "exploit"))
        self.do(DeclareLoss(self.now, f"whole {len(self.state.references)}", asset, loss * unit, "custody"))
        self.now += 3 * SECOND
        self.net()
        for sells in ("debt", "surplus"):
            self.do(OpenFundAuction(self.now, sells, asset))
            for who, part in bids:
                self.offer_last(who, part)
        if lift:
            self.lift("fund", lift)
        if then == "move":
            self.shock(MARKETS[0], 150)
        if then == "stop":
            self.do(WindDown(self.now))
        self.decide(9)

    @rule(
        asset=st.sampled_from(["USDC", "BTC"]),
        then=st.sampled_from(["hammer", "hammer", "stop"]),
        lift=st.integers(100, 900),
    )
    def sell(self, asset, then, lift):
        """Who bought shares of the fund offers them for its surplus, after the fund was lifted above its debt."""
        if not any(shares_of(self.state, name, asset) for name in NAMES):
            self.whole(100, asset, [(NAMES[0], 20), (NAMES[1], 16)], 0, "hammer")
        owed = sum(row.pending for row in self.state.deficits.unpaid()) // UNIT
        self.do(Reinstate(self.now, "fund", asset, (lift + owed) * (COINS if asset == "BTC" else UNIT)))
        self.now += 3 * SECOND
        self.do(NetFundDebt(self.now, asset))
        self.do(OpenFundAuction(self.now, "surplus", asset))
        for name in NAMES:
            for number in self.state.auctions.open:
                self.do(BidFundAuction(self.now, number, name, shares_of(self.state, name, asset) // 2))
        if then == "stop":
            self.do(WindDown(self.now))
        self.decide(9)

    @rule(wait=st.sampled_from([1, 9, 30]), move=st.sampled_from([40, 70, 100, 140, 250]))
    def silence(self, wait, move):
        """Nothing is heard for a while."""
        self.now += wait * SECOND
        self.mark(MARKETS[0], move)
        self.resolve()

    @rule(market=st.sampled_from(MARKETS), move=st.sampled_from([60, 80, 120, 150]), turns=st.integers(1, 3))
    def trend(self, market, move, turns):
        """The same way again and again: the market takes what is offered, the rest goes down the ladder."""
        for _ in range(turns):
            self.shock(market, move)
            if self.state.intents:
                self.answer(3, 1)

    @invariant()
    def everything_adds_up(self):
        if not hasattr(self, "state"):
            return
        super().everything_adds_up()
        if len(self.state.external) > 1:
            assert -self.state.ledger.balance(self.state.external[1]) == self.coin, "coin came or went"
        for layer in self.state.policy.layers:
            if layer.cap_each is not None:
                taken = [v for (name, _), v in self.state.lifetime_cuts.items() if name == layer.name]
                assert all(v <= layer.cap_each for v in taken), (layer.cap_each, taken)
        for asset, _ in enumerate(self.state.snapshot.assets):
            assert outstanding_of(self.state, asset) >= 0, "withdrawals paid more than was outstanding"
            assert all(capital_of(self.state, self.state.account_index[n], asset) >= 0 for n in NAMES)


EACH = ("CloseOutHeld", "ProfitCapped", "SurplusPassed", "WoundDown", "haircut.at_cap", "WithdrawalCut", "CashCut")
WANTED = (
    *(f"{setup} {what}" for setup in ("linear", "coin", "pooled") for what in EACH),
    "haircut.gains", "profits cut", "auction debt won", "auction debt called_off", "auction surplus won",
    "auction surplus called_off", "halt trading", "halt withdrawals", "layer insurance fund", "layer second fund",
    "backstop limit", "take over", "deleveraging", "residual", "recovery", "recovery of claims", "final distribution",
    "pool bankrupt",
)  # fmt: skip


def test_mixed_machine_keeps_its_promises_and_reaches_everything():
    run_state_machine_as_test(
        Mixed,
        settings=settings(
            max_examples=CASES,
            stateful_step_count=24,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            derandomize=not os.environ.get("SEAWALL_CAMPAIGN"),
        ),
    )
    shares = {name: REACHED["Mixed"][name] / RUNS["all"] for name in WANTED}
    print("SHARES", sorted((round(share, 3), name) for name, share in shares.items()))
    assert all(share >= 0.01 for share in shares.values()), f"reached in under 1 % of {RUNS['all']} runs: {shares}"

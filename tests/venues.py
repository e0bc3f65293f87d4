"""Small venues under a seeded script of commands: every kind of layer, incidents, recoveries, halts, and the end."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from seawall.engine import (
    Auction,
    BidFundAuction,
    CloseFundAuction,
    DeclareLoss,
    Deposit,
    Distribute,
    FileClaim,
    Fill,
    Funding,
    Marks,
    NetFundDebt,
    OpenFundAuction,
    Outcome,
    Policy,
    Recover,
    Reinstate,
    Resolve,
    State,
    StopPaying,
    Trade,
    WindDown,
    Withdraw,
)
from seawall.engine.fundshares import shares_of
from seawall.margin import BookSnapshot
from tests.books import perp, policy, snapshot
from tests.engine.test_machine import CUT, FUND, HOUSE, LATE, MARKETS, NAMES, POLICIES, TIERS

UNIT, SECOND = 10**6, 10**9
GATE = {
    "kind": "withdrawals",
    "starts": [{"measure": "unpaid", "is": "above", "threshold": "0"}],
    "length_s": 5,
    "longest_s": 20,
    "rest_s": 3,
}
END = {"price": "window_average", "window_s": 10, "claims_s": 5, "interim_share": "1/2"}
ENDING = policy(halts=[GATE], wind_down=END)
RANKED = [
    policy(
        name=f"tear-up by {rank}",
        layers=[
            {"name": "first closing", "kind": "deleverage", "deleverage": {"rank": rank, "price": "bankruptcy"}},
            {**CUT, "name": "half of gains"},
            {**FUND, "keep": "0.000001"},
            {"name": "last closing", "kind": "deleverage", "deleverage": {"rank": "pro_rata", "price": "bankruptcy"}},
            {**CUT, "name": "gains of the period", "cap": "1", "base": "period", "period_s": 4},
            LATE,
        ],
        deleverage=None,
        house=HOUSE,
    )
    for rank in ("by_profit", "by_equity", "equal", "leverage", "risk_aware", "relief", "projection", "min_max", "walk")
]
# The machine's policies, those that share losses once more with a gate and an end, and every way to choose winners.
VENUES: dict[str, Policy] = {p.name: p for p in POLICIES}
VENUES |= {
    f"{p.name}, and the end": replace(p, name=f"{p.name}, and the end", halts=ENDING.halts, wind_down=ENDING.wind_down)
    for p in POLICIES
    if p.name in ("nothing", "clearing house", "open interest pays", "winners of the period", "caps and profit")
}
VENUES |= {p.name: p for p in RANKED}
BIDS = {"bid_s": 1, "length_s": 3}
AUCTIONED = policy(
    name="auctions of debt and surplus",
    layers=[{**FUND, "limit_per_event": "10", "causes": ["default", "exploit", "custody"]}, {**CUT, "cap": "1/4"}],
    deleverage=None,
    house=HOUSE,
    wind_down=END,
    auctions={
        "debt": {"lot": "12.5", "first_shares": 1000, "wait_s": 2, "restart": "2", "improvement": "1.1", **BIDS},
        "surplus": {"account": "fund", "lot": "8", "buffer": "60", "most_at_once": "16", **BIDS},
    },
)
VENUES[AUCTIONED.name] = AUCTIONED


def book_of(rules: Policy, rng: random.Random) -> BookSnapshot:
    """Five members in two markets, two funds, and the backstop where the policy has one."""
    accounts = {name: rng.randint(100, 2_000) * UNIT for name in NAMES}
    roles = {"fund": "fund", "late": "fund"}
    accounts |= {"fund": rng.randint(0, 100) * UNIT, "late": rng.randint(0, 100) * UNIT}
    if rules.liquidation.backstop is not None:
        accounts["backstop"] = rng.randint(0, 600) * UNIT
        roles["backstop"] = "backstop"
    if rules.profit_cap is not None:
        accounts["pool"] = rng.randint(0, 600) * UNIT
        roles["pool"] = "backstop"
    positions = []
    for market in MARKETS:
        left = 0
        for name in NAMES[:4]:
            size = rng.randint(-8, 8)
            if size:
                positions.append((name, market, size, 1_000))
                left -= size
        if left:
            positions.append((NAMES[4], market, left, 1_000))
    instruments = [perp(m, TIERS) for m in MARKETS]
    return snapshot(accounts, positions, instruments, roles=roles, marks=dict.fromkeys(MARKETS, 1_000))


def sell(state: State, rng: random.Random, do: Callable[[Any], Outcome], now: int) -> None:
    """Auction the portfolio of the first account under liquidation, where there are members to bid."""
    unit = min(state.cases, default=None)
    members = state.members
    if unit is None or not members.accounts:
        return
    account = state.book.account_of(unit)
    bids, invited = [], []
    for other in sorted(members.of_account):
        member = members.of_account[other]
        if member in members.others(account) and member not in invited:
            invited.append(member)
            bids.append((member, state.account_name(other), rng.randint(-300, 5) * UNIT, now))
    do(Auction(now, state.account_name(account), "USDC", 0, now, -500 * UNIT, 10 * UNIT, tuple((m, 0) for m in invited), tuple(bids)))  # fmt: skip


def auction_off(state: State, rng: random.Random, do: Callable[[Any], Outcome], now: int) -> None:
    """Close what is over, lift the fund, net, open, and bid at random; for surplus, those who hold shares."""
    for number in sorted(state.auctions.open):
        do(CloseFundAuction(now, number))
    if any(shares_of(state, n, "USDC") for n in NAMES) and rng.random() < 0.4:
        do(Reinstate(now, "fund", "USDC", rng.randint(1, 150) * UNIT))
    if rng.random() < 0.4:
        do(NetFundDebt(now, "USDC"))
    for sells in ("debt", "surplus"):
        do(OpenFundAuction(now, sells, "USDC"))
    for number in sorted(state.auctions.open):
        best = state.auctions.open[number].auction
        who = NAMES if best.kind == "debt" else [n for n in NAMES if shares_of(state, n, "USDC")]
        for name in rng.sample(who, min(len(who), rng.randint(0, 2))):
            best = state.auctions.open[number].auction
            shares = best.best * rng.randint(5, 9) // 10 if best.kind == "debt" else best.best * 2 + rng.randint(1, 50)
            do(BidFundAuction(now, number, name, shares))


def drive(state: State, rng: random.Random, do: Callable[[Any], Outcome], steps: int = 25) -> None:
    """Give the venue commands; the last ones end it where its policy says how. Some are refused."""
    now = 0
    lasting = state.policy.name.startswith("life of a default fund")
    for number in range(steps):
        now += SECOND
        market = rng.choice(MARKETS)
        mark = state.marks[state.market_index[market]]
        do(Marks(now, {market: max(1, mark * rng.choice([60, 75, 90, 96, 104, 110, 130, 160]) // 100)}))
        for intent in sorted(state.intents):
            if rng.random() < 0.5:
                one = state.intents[intent]
                at, slip = state.marks[one.market], rng.choice([0, 1, 3])
                price = max(1, at - at * slip // 100 if one.lots < 0 else at + at * slip // 100)
                do(Fill(now, intent, "outside", max(1, abs(one.lots) // rng.choice([1, 2])), price))
        if rng.random() < 0.7:
            sell(state, rng, do, now)
        now += SECOND
        do(Resolve(now))
        if state.policy.auctions is not None:
            auction_off(state, rng, do, now)
        name = rng.choice(NAMES)
        mark = state.marks[state.market_index[market]]
        other = rng.choice([n for n in NAMES if n != name])
        for command in (
            Deposit(now, name, "USDC", rng.randint(1, 400) * UNIT),
            Withdraw(now, name, "USDC", rng.randint(1, 300) * UNIT),
            Trade(now, name, other, market, rng.randint(1, 4), mark),
            DeclareLoss(now, f"incident {number}", "USDC", rng.randint(1, 90) * UNIT, rng.choice(["custody", "exploit", "oracle"])),
            Recover(now, rng.randint(1, max(1, state.next_loss - 1)), "USDC", rng.randint(1, 200) * UNIT),
            Reinstate(now, rng.choice(["fund", "late"]), "USDC", rng.randint(1, 30) * UNIT),
            Funding(now, {market: (rng.randint(-30, 30), 10_000)}),
            *([StopPaying(now, rng.choice(sorted(state.members.accounts)))] if lasting and rng.random() < 0.3 else []),
        ):  # fmt: skip
            if rng.random() < 0.35:
                do(command)
    if state.policy.wind_down is None:
        return
    do(WindDown(now + SECOND))
    for name in (*NAMES[:2], "stranger"):
        do(FileClaim(now + 2 * SECOND, f"claim of {name}", name, "USDC", "members", 7))
    do(Distribute(now + 9 * SECOND, "USDC", final=False))
    do(Distribute(now + 10 * SECOND, "USDC", final=True))
    for loss in range(1, state.next_loss):
        do(Recover(now + 11 * SECOND, loss, "USDC", 30 * UNIT))

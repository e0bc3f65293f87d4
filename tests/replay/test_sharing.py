"""What a run counts of losses that are shared: members, calls, open positions, balances, withdrawals, recoveries.

Ids sharing-*. Source: every loss is fully allocated, each counted once (README). What is counted is held against the
deficit accounts, the ledger and the book of the same venue, not against the events it was counted from.
"""

from __future__ import annotations

import random
from collections import Counter
from decimal import Decimal

import pytest
from tests.venues import UNIT, VENUES, book_of, drive

from seawall.engine import apply, open_state
from seawall.engine.events import OpenInterestCharged
from seawall.replay.layers import house_layers, layer_rows
from seawall.replay.sharing_summary import pending, shared
from seawall.replay.tally import Tally
from seawall.replay.values import Valuer

SEEDS = range(8)
REACHED: Counter[str] = Counter()


def entries(state):
    """Entry value of every position."""
    accounts, markets, _, values = state.book.canonical_positions()
    return {(a, m): e for a, m, e in zip(accounts.tolist(), markets.tolist(), values.tolist(), strict=True)}


class Counted:
    """A venue that was counted from its opening on. ``charged``: what entry values of others rose by, the other way."""

    def __init__(self, name: str, seed: int) -> None:
        rules, rng = VENUES[name], random.Random(f"{name} {seed}")
        self.state = open_state(book_of(rules, rng), rules, {}, 0)
        self.tally = Tally(self.state, Valuer(self.state))
        self.tally.open()
        self.charged: Counter[str] = Counter()
        self.recognised: Counter[str] = Counter()
        self.codes: Counter[str] = Counter()
        self.number = 0
        drive(self.state, rng, self.do)

    def do(self, command):
        self.number += 1
        before = entries(self.state)
        outcome = apply(self.state, command)
        self.tally.feed(outcome, self.number)
        for _, _, units, code in outcome.transfers:
            self.codes[code] += units
        if any(isinstance(e, OpenInterestCharged) for e in outcome.events):
            for (account, market), entry in entries(self.state).items():
                change = entry - before[account, market]
                if change:
                    self.charged[self.state.account_name(account)] += change
        return outcome


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", VENUES)
def test_sharing_sums_are_exact(name, seed):
    c = Counted(name, seed)
    state, tally = c.state, c.tally
    case = f"{name}, seed {seed}"
    rows, payments = layer_rows(tally), tally.payments
    # Layers and residual pay all losses; the deficit accounts say the same.
    losses = sum(payments.losses.values())
    assert sum(r["paid"] for r in rows) == losses, (case, rows, payments)
    assert all(r["paid"] >= 0 for r in rows), (case, rows)
    covered = sum(d.covered for d in state.deficits)
    in_layers = sum(r["paid"] for r in rows[:-1])
    later = tally.shares.recovered_residual + tally.shares.residual_by_auction + tally.shares.residual_netted
    assert in_layers == covered - later, (case, rows, list(state.deficits))
    assert later - tally.shares.recovered_residual == c.codes["residual_paid"], (case, c.codes)
    assert tally.shares.surplus_sold == c.codes["surplus_sold"], (case, c.codes)
    assert rows[-1]["paid"] == rows[-1]["used"] == tally.residual, (case, rows)
    assert payments.losses.get("default", 0) == tally.bad_debt, case
    # A house account that holds nothing has no result that no source names.
    for house in house_layers(tally):
        assert sum(map(Decimal, house["by_source"].values())) == Decimal(house["net"]), (case, house)
        if house["name"] not in ("backstop", "pool"):
            assert Decimal(house["by_source"]["marks"]) == 0, (case, house)
    for row in rows:
        if row["before"] is not None:
            assert row["before"] + row["gained"] - row["used"] == row["after"], (case, row)
    # Accounts sum to totals, and totals to what the ledger moved.
    total = {
        k: sum(getattr(a, k) for a in tally.accounts.values())
        for k in ("contribution_used", "called", "charged", "cash_cut", "withdrawal_cut", "recovered")
    }
    s = tally.shares
    assert (total["contribution_used"], total["called"], total["charged"]) == (s.contributions, s.called, s.charged)
    assert (total["cash_cut"], total["withdrawal_cut"]) == (s.cash_cut, s.paid_off)
    assert s.called == c.codes["assessment"] and s.paid_off == c.codes["withdrawal_cut"], (case, c.codes)
    assert s.recovered - outside(c) == c.codes["recovery"], (case, s, c.codes)
    assert s.reinstated == c.codes["reinstated"] + c.codes["replenished"], case
    assert s.charged == sum(m.charged for m in tally.markets), case
    if not any(r.kind.value == "deleverage" for r in state.policy.layers):
        assert {n: a.charged for n, a in tally.accounts.items() if a.charged} == dict(c.charged), case
    assert pending(tally) >= 0
    REACHED.update(k for k, v in total.items() if v)
    REACHED.update(k for k, v in payments.losses.items() if v)
    REACHED.update(f"paid {r['layer']}" for r in rows if r["paid"])
    found = shared(tally)
    REACHED.update(k for k in ("halts", "wind_down") if found[k])
    REACHED.update(["auctions"] if found["auctions"]["won"] else [])
    sales = found["fund_auctions"]
    REACHED.update(f"fund auctions {k}" for k in ("restarted", "won", "called_off") if sales[k])
    REACHED.update(f"fund auctions {k}" for k in ("residual", "netted", "sold") if Decimal(sales[k]))
    assert sales["opened"] == sales["won"] + sales["called_off"] + len(state.auctions.open), (case, sales)
    assert (
        found["wind_down"] is None
        or sum(map(Decimal, found["wind_down"]["distributed"].values())) * UNIT == c.codes["distribution"]
    ), (case, found)


def outside(c) -> int:
    """The part of recoveries that stayed outside: a declared loss has no account that an excess could go to."""
    named = sum(a.recovered for a in c.tally.accounts.values())
    return c.tally.shares.recovered - c.tally.shares.recovered_residual - named


def test_sharing_the_cases_reach_every_kind():
    wanted = {
        "contribution_used",
        "called",
        "charged",
        "cash_cut",
        "withdrawal_cut",
        "recovered",
        "halts",
        "wind_down",
        "auctions",
        *(f"fund auctions {k}" for k in ("restarted", "won", "called_off", "residual", "netted", "sold")),
    }
    wanted |= {"default", "custody", "exploit", "oracle"}
    wanted |= {
        "paid first closing",
        "paid half of gains",
        "paid gains of the period",
        "paid second fund",
    }
    wanted |= {"paid own", "paid default fund", "paid calls", "paid open interest", "paid cash", "paid withdrawals"}
    assert wanted <= set(REACHED), (wanted - set(REACHED), "run the module as a whole")

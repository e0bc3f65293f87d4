"""How much is closed at a time: severity of deleveraging with back-off, and books closed series by series. Ids severity-*.
Source: exponential back-off of arXiv 2512.01112; option books closed by series (issue of default management, item 2)."""

from __future__ import annotations

import pytest
from tests.books import brackets, perp, policy, snapshot
from tests.explained import ledger_names, unexplained

from seawall.engine import Marks, Resolve, apply, check_all, event_to_plain, open_state
from seawall.engine.events import Deleveraged, DeleverageShared, IntentOpened, LossCarried, LossRecognised, Residual
from seawall.errors import PolicyError

UNIT, SECOND = 10**6, 10**9


def do(state, command):
    outcome = apply(state, command)
    assert outcome.rejection is None, outcome.rejection
    plain = [event_to_plain(e) for e in outcome.events]
    scales = {a.name: a for a in state.snapshot.assets}
    assert not unexplained(plain, outcome.transfers, ledger_names(state), scales), plain
    check_all(state)
    return outcome.events


@pytest.mark.parametrize("rank", ["profit_leverage", "pro_rata", "leverage"])
def test_severity_falls_with_each_attempt_and_the_rest_of_the_loss_is_carried(rank):
    """A loss of 1,000 on 10 lots, half of a position at first, then a quarter of it: 5 of 10 lots, 2 of 5, 1 of 3 ..."""
    rules = policy(
        layers=[{"name": "deleveraging", "kind": "deleverage"}],
        deleverage={"rank": rank, "price": "bankruptcy", "share": "1/2", "backoff": "1/2"},
        house=[],
    )
    book = snapshot(
        {"ann": 2_000 * UNIT, "bob": 9_000 * UNIT, "cyd": 9_000 * UNIT},
        [("ann", "BTC-PERP", 10, 1000), ("bob", "BTC-PERP", -5, 1000), ("cyd", "BTC-PERP", -5, 1000)],
        [perp("BTC-PERP")],
        marks={"BTC-PERP": 1000},
    )
    state = open_state(book, rules, {}, 0)
    do(state, Marks(SECOND, {"BTC-PERP": 700}))  # ann: 2,000 - 3,000 = -1,000
    closed, losses = [], []
    for turn in range(4):
        events = do(state, Resolve((2 + turn) * SECOND))
        shared = [e for e in events if isinstance(e, DeleverageShared)]
        closed.append(sum(abs(e.done) for e in shared))
        losses.append(sum(e.amount for e in events if isinstance(e, LossRecognised)))
        got = sum(e.cost for e in events if isinstance(e, Deleveraged))
        carried = sum(e.amount for e in events if isinstance(e, LossCarried | Residual))
        assert got + carried == losses[-1], events
    assert closed == [5, 2, 1, 1], "ceil(10/2), ceil(5/4), ceil(3/8), ceil(2/16)"
    assert losses == [1_000 * UNIT, 500 * UNIT, 300 * UNIT, 200 * UNIT], "each attempt pays for the lots it closes"


def test_severity_of_nothing_is_refused():
    for change in ({"share": "0"}, {"backoff": "0"}):
        with pytest.raises(PolicyError, match="nothing would ever be closed"):
            policy(deleverage={"rank": "walk", "price": "mark", **change})


def test_severity_series_closes_the_best_relief_first_and_only_as_much_as_is_needed():
    """Three series with requirements of 50 (5 %), 300 (30 %) and 50: the dear one frees most for the same cost."""
    rules = policy(
        liquidation={
            "deadline_s": 1,
            "pace": {"kind": "series", "share": "1/100"},
            "limit": {"kind": "market"},
            "fee": {"kind": "none"},
        },
        layers=[],
        deleverage=None,
        house=[],
    )
    dear = brackets((0, "6/10", "3/10"))
    markets = [perp("A-PERP"), perp("B-PERP", dear), perp("C-PERP")]
    names = [m.symbol for m in markets]
    book = snapshot(
        {"ann": 500 * UNIT, "bob": 90_000 * UNIT},
        [(who, m, side, 1000) for m in names for who, side in (("ann", 1), ("bob", -1))],
        markets,
        marks=dict.fromkeys(names, 1000),
    )
    state = open_state(book, rules, {}, 0)
    events = do(state, Marks(SECOND, {"A-PERP": 900, "B-PERP": 960, "C-PERP": 1000}))
    orders = [(e.market, e.lots) for e in events if isinstance(e, IntentOpened)]
    # Equity 360 against 45 + 288 + 50 = 383: B alone brings it to 95.
    assert orders == [("B-PERP", -1)], events
    events = do(state, Marks(2 * SECOND, {"A-PERP": 500, "B-PERP": 960, "C-PERP": 1000}))
    do(state, Resolve(3 * SECOND))
    events = do(state, Marks(4 * SECOND, {"A-PERP": 500}))
    orders = sorted(e.market for e in events if isinstance(e, IntentOpened))
    assert orders == names, "below zero no order of series is enough: everything is closed"

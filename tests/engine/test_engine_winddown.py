"""The venue itself fails. Ids winddown-*. Source: orderly wind-down by rule (issue of default management; estate
practice: settlement price fixed beforehand, classes, pro rata inside a class, wrong claims rejected with a reason)."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.books import perp, policy, snapshot
from tests.explained import ledger_names, unexplained

from seawall.engine import (
    DeclareLoss,
    Distribute,
    FileClaim,
    Marks,
    Recover,
    Trade,
    WindDown,
    apply,
    check_all,
    event_to_plain,
    open_state,
    state_hash,
)
from seawall.engine.events import ClaimRejected, Distributed, WoundDown, WrittenOff

UNIT, SECOND = 10**6, 10**9
RULE = {"price": "window_average", "window_s": 10, "claims_s": 100, "interim_share": "1/2"}


def venue(cash=(200, 900, 900), fund=50, **changes):
    rules = policy(
        **{
            "layers": [{"name": "fund", "kind": "account", "account": "fund", "causes": ["default", "exploit"]}],
            "deleverage": None,
            "wind_down": RULE,
            **changes,
        }
    )
    names = ("ann", "bob", "cyd")
    book = snapshot(
        {**{n: c * UNIT for n, c in zip(names, cash, strict=True)}, "fund": fund * UNIT},
        [("ann", "BTC-PERP", 1, 1000), ("bob", "BTC-PERP", -1, 1000)],
        [perp("BTC-PERP")],
        roles={"fund": "fund"},
        marks={"BTC-PERP": 1000},
    )
    return open_state(book, rules, {}, 0)


def do(state, command, ok=True):
    outcome = apply(state, command)
    plain = [event_to_plain(e) for e in outcome.events]
    scales = {a.name: a for a in state.snapshot.assets}
    assert not unexplained(plain, outcome.transfers, ledger_names(state), scales), plain
    check_all(state)
    assert (outcome.rejection is None) == ok, outcome.rejection
    return outcome.events


def paid(events):
    return {name: amount for e in events if isinstance(e, Distributed) for name, amount in e.parts if amount}


def test_winddown_settles_at_the_average_and_pays_class_by_class():
    state = venue()
    do(state, Marks(1 * SECOND, {"BTC-PERP": 1000}))
    do(state, Marks(11 * SECOND, {"BTC-PERP": 900}))
    do(state, DeclareLoss(11 * SECOND, "hack", "USDC", 450 * UNIT, "exploit"))
    events = do(state, WindDown(16 * SECOND))
    (down,) = [e for e in events if isinstance(e, WoundDown)]
    assert down.prices == (("BTC-PERP", 950),), "half of the last ten seconds at 1000, half at 900"
    do(state, Trade(16 * SECOND, "cyd", "bob", "BTC-PERP", 1, 900), ok=False)
    # ann 200 - 50, bob 900 + 50, cyd 900, fund 50 - 50: claims 2,000; there is 2,050 - 450 = 1,600.
    do(state, FileClaim(17 * SECOND, "c1", "cyd", "USDC", "members", 950 * UNIT))
    do(state, FileClaim(17 * SECOND, "c2", "eve", "USDC", "members", 10 * UNIT))
    do(state, FileClaim(17 * SECOND, "c3", "cyd", "USDC", "members", 900 * UNIT))
    do(state, FileClaim(200 * SECOND, "c4", "cyd", "USDC", "members", 1))
    interim = do(state, Distribute(201 * SECOND, "USDC", final=False))
    rejected = {e.claim: e.reason for e in interim if isinstance(e, ClaimRejected)}
    assert rejected == {"c1": "beyond_ledger", "c2": "unknown", "c3": "duplicate", "c4": "late"}
    assert paid(interim) == {"ann": 60 * UNIT, "bob": 380 * UNIT, "cyd": 360 * UNIT}
    final = do(state, Distribute(300 * SECOND, "USDC", final=True))
    assert paid(final) == {"ann": 60 * UNIT, "bob": 380 * UNIT, "cyd": 360 * UNIT}
    (off,) = [e for e in final if isinstance(e, WrittenOff)]
    assert dict(off.parts) == {"ann": 30 * UNIT, "bob": 190 * UNIT, "cyd": 180 * UNIT}
    assert state.ledger.balance(state.external[0]) == 0, "everything there was has been paid out"
    do(state, Distribute(301 * SECOND, "USDC", final=True), ok=False)


def test_winddown_members_come_before_the_venue():
    state = venue(fund=500, layers=[])
    do(state, DeclareLoss(SECOND, "hack", "USDC", 600 * UNIT, "custody"))
    do(state, WindDown(2 * SECOND))
    final = do(state, Distribute(3 * SECOND, "USDC", final=True))
    assert paid(final) == {"ann": 190 * UNIT, "bob": 855 * UNIT, "cyd": 855 * UNIT}, "2,500 - 600 over 2,000 of members"
    (off,) = [e for e in final if isinstance(e, WrittenOff)]
    assert dict(off.parts)["fund"] == 500 * UNIT


def test_winddown_needs_a_rule_and_refusals_change_nothing():
    state = venue(wind_down=None)
    before = state_hash(state)
    do(state, WindDown(SECOND), ok=False)
    do(state, Distribute(SECOND, "USDC", final=True), ok=False)
    do(state, FileClaim(SECOND, "c", "ann", "USDC", "members", 1), ok=False)
    assert state_hash(state) == before


@settings(max_examples=60, deadline=None)
@given(
    cash=st.tuples(*[st.integers(120, 900)] * 3),
    fund=st.integers(0, 400),
    loss=st.integers(0, 1_500),
    mark=st.integers(300, 1_700),
    cut=st.booleans(),
)
def test_winddown_pays_everything_once_and_equal_rates_inside_a_class(cash, fund, loss, mark, cut):
    state = venue(cash, fund, wind_down={**RULE, "price": "last_index", "window_s": 0})
    do(state, Marks(SECOND, {"BTC-PERP": mark}))
    if loss:
        do(state, DeclareLoss(SECOND, "hack", "USDC", loss * UNIT, "exploit"))
    do(state, WindDown(2 * SECOND))
    vault = -state.ledger.balance(state.external[0])
    claims = {n: state.cash_minor(a, 0) for n, a in state.account_index.items() if state.cash_minor(a, 0) > 0}
    got: dict[str, int] = {}
    for final in (False, True) if cut else (True,):
        for name, amount in paid(do(state, Distribute(3 * SECOND, "USDC", final=final))).items():
            got[name] = got.get(name, 0) + amount
    assert sum(got.values()) == min(max(0, vault), sum(claims.values()))
    assert all(got[n] <= claims[n] for n in got)
    members = {n: c for n, c in claims.items() if n != "fund"}
    rates = [got.get(n, 0) / c for n, c in members.items()]
    assert max(rates) - min(rates) < 1e-6, (got, claims)
    if got.get("fund"):
        assert all(got.get(n, 0) == c for n, c in members.items()), "the venue is paid after members are whole"
    if loss and any(d.pending for d in state.deficits):
        do(state, Recover(4 * SECOND, next(d.loss for d in state.deficits if d.pending), "USDC", UNIT))

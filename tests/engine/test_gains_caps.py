"""Lifetime caps of the gains haircut in the engine. Ids caps-*.

Source: capped variation-margin gains haircut of clearing-house rule books (LCH-type cap): pro rata to the day's whole
gain, nobody above room, what a limit refuses is offered to the others until it is met or nobody has room.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.books import FLAT, perp, policy, snapshot
from tests.explained import ledger_names, unexplained

from seawall.engine import (
    DeclareLoss,
    Fill,
    Marks,
    Recover,
    Resolve,
    apply,
    check_all,
    event_to_plain,
    open_state,
    state_hash,
)
from seawall.engine.events import GainsHaircut
from seawall.engine.state import state_lines
from seawall.market import Instrument
from seawall.money import Asset
from seawall.tables import policy_from_mapping
from seawall.tables.policy_file import policy_to_mapping
from seawall.waterfall import LifetimeCaps, haircut_gains, haircut_gains_capped

UNIT, S = 10**6, 10**9
NAMES = ("ann", "bob", "cyd", "dan")
MEMBERS = {"fund": "30", "contribution": "equal", "minimum": "1", "assign": 0}


def venue(lots, cap, *, owners=None, parents=None, members=None, per="owner", rate="1", extra=None):
    """Winners hold ``lots`` shorts each; the mark falls by one dollar per command, so each lot gains a dollar a day."""
    layer = {"name": "gains", "kind": "gains_haircut", "causes": ["exploit"], "cap": rate}
    layer |= {} if cap is None else {"cap_each": cap, "cap_per": per}
    changes = {} if members is None else {"members": MEMBERS}
    layers = [layer] if members is None else [{"name": "fund", "kind": "members"}, layer]
    rules = policy(layers=layers, deleverage=None, **changes)
    whole = sum(lots.values())
    book = snapshot(
        {"long": 10**6 * UNIT, **dict.fromkeys(lots, 10**4 * UNIT)},
        [("long", "BTC-PERP", whole, 1000), *((n, "BTC-PERP", -k, 1000) for n, k in lots.items() if k)],
        [perp()],
        marks={"BTC-PERP": 1000},
        parents=parents,
    )
    names = book.account_ids
    book = replace(book, owners=tuple((owners or {}).get(n, n) for n in names))
    if members is not None:
        book = replace(book, members=tuple(members.get(n, "") for n in names))
    return open_state(book, rules, {}, 0)


def do(state, command):
    outcome = apply(state, command)
    assert outcome.rejection is None, (command, outcome.rejection)
    plain = [event_to_plain(e) for e in outcome.events]
    scales = {a.name: a for a in state.snapshot.assets}
    assert not unexplained(plain, outcome.transfers, ledger_names(state), scales), plain
    check_all(state)
    return [e for e in outcome.events if isinstance(e, GainsHaircut)]


def lose(state, number, amount):
    """A loss that only winners pay; what each was cut."""
    before = {n: state.book.cash(a, 0) for n, a in state.account_index.items()}
    events = do(state, DeclareLoss(state.time_ns + S, f"hack {number}", "USDC", amount, "exploit"))
    after = {n: state.book.cash(a, 0) for n, a in state.account_index.items()}
    return {n: before[n] - after[n] for n in before if before[n] != after[n]}, events


# ---- worked examples


def test_caps_what_a_cap_refuses_is_offered_to_the_others():
    """Gains 100, 60, 40; a cap of 30 each: of 85, 42.5 + 25.5 + 17 in the first round; the 12.5 that ann's cap refused go to
    the others 6 : 4, the 3 that bob's cap refuses then go to cyd: 30 + 30 + 25. Of the next 50 cyd alone has room for 5."""
    state = venue({"ann": 100, "bob": 60, "cyd": 40}, "30")
    do(state, Marks(S, {"BTC-PERP": 999}))
    cut, events = lose(state, 1, 85 * UNIT)
    assert cut == {"ann": 30 * UNIT, "bob": 30 * UNIT, "cyd": 25 * UNIT}
    assert [e.why[0][0] for e in events] == ["haircut.at_cap", "haircut.at_cap", "haircut.below_caps"]
    do(state, Marks(3 * S, {"BTC-PERP": 998}))
    cut, events = lose(state, 2, 50 * UNIT)
    assert cut == {"cyd": 5 * UNIT}
    assert state.deficits.get("exploit:hack 2", 2).pending == 45 * UNIT
    do(state, Marks(5 * S, {"BTC-PERP": 990}))
    assert lose(state, 3, 50 * UNIT) == ({}, []), "nobody has room, ever again"


def test_caps_one_owners_accounts_share_one_cap_pro_rata_to_gains():
    """ann owns a1, a2, a3 with gains of 50, 30, 20: her cap of 31 is paid 15.5, 9.3, 6.2; bob pays the rest of 61."""
    owners = {"a1": "ann", "a2": "ann", "a3": "ann"}
    state = venue({"a1": 50, "a2": 30, "a3": 20, "bob": 60}, "31", owners=owners)
    do(state, Marks(S, {"BTC-PERP": 999}))
    cut, _ = lose(state, 1, 61 * UNIT)
    assert cut == {"a1": 15_500_000, "a2": 9_300_000, "a3": 6_200_000, "bob": 30 * UNIT}


def test_caps_per_account_multiply_and_an_isolated_position_is_its_accounts():
    lots = {"a1": 50, "a2": 50, "iso": 50}
    owners = dict.fromkeys(lots, "ann")
    state = venue(lots, "10", owners=owners, parents={"iso": "a1"}, per="account")
    do(state, Marks(S, {"BTC-PERP": 999}))
    cut, _ = lose(state, 1, 100 * UNIT)
    assert cut == {"a1": 5 * UNIT, "a2": 10 * UNIT, "iso": 5 * UNIT}


def test_caps_per_member_and_who_has_none_is_capped_by_owner():
    state = venue(
        {"ann": 50, "bob": 50, "cyd": 50}, "10", members={"ann": "m", "bob": "m", "cyd": "", "long": "n"}, per="member"
    )
    do(state, Marks(S, {"BTC-PERP": 999}))
    cut, events = lose(state, 1, 100 * UNIT)
    assert cut == {"ann": 5 * UNIT, "bob": 5 * UNIT, "cyd": 10 * UNIT}
    assert [e.why[0][1]["holder"] for e in events] == ["member m", "owner cyd"]


def test_caps_a_recovery_does_not_lift_a_cap_again():
    state = venue({"ann": 100}, "30")
    do(state, Marks(S, {"BTC-PERP": 999}))
    assert lose(state, 1, 80 * UNIT)[0] == {"ann": 30 * UNIT}
    do(state, Recover(3 * S, 1, "USDC", 80 * UNIT))
    do(state, Marks(4 * S, {"BTC-PERP": 990}))
    assert lose(state, 2, 80 * UNIT)[0] == {}


def test_caps_what_was_taken_is_in_the_state_hash_once_there_is_any():
    state = venue({"ann": 100}, "30")
    do(state, Marks(S, {"BTC-PERP": 999}))
    assert not any(line.startswith("lifetime cut") for line in state_lines(state))
    lose(state, 1, 10 * UNIT)
    assert f"lifetime cut 'gains' 'owner ann' {10 * UNIT}" in list(state_lines(state))
    before = state_hash(state)
    state.lifetime_cuts["gains", "owner ann"] += 1
    assert state_hash(state) != before


def test_caps_a_policy_with_a_cap_survives_its_file():
    rules = venue({"ann": 1}, "30.5", per="account").policy
    assert policy_from_mapping(policy_to_mapping(rules)) == rules


def test_caps_count_money_whatever_a_coin_is_worth():
    """10 contracts of 100 dollars short from 1,000 to 500: a gain of one coin, worth 500. The cap of 120 is 0.24 of it.
    At 400 the gain is 1.5 coins: nothing is left of the cap; the same cap in a dollar market would be as used up."""
    coin = Asset.of("BTC", 8, 8)
    market = Instrument.of(
        "BTC-USD", coin, base="BTC", quote="USD", lot=Fraction(100), mark_scale=0, brackets=FLAT, inverse=True
    )
    layer = {"name": "gains", "kind": "gains_haircut", "causes": ["exploit"], "cap_each": "120"}
    book = snapshot(
        {"ann": {"BTC": 10**9}, "bob": {"BTC": 10**10}},
        [("ann", "BTC-USD", -10, 1000), ("bob", "BTC-USD", 10, 1000)],
        [market],
        assets=(coin,),
        marks={"BTC-USD": 1000},
    )
    state = open_state(book, policy(layers=[layer], deleverage=None), {}, 0)
    do(state, Marks(S, {"BTC-USD": 500}))
    cuts = []
    for mark in (500, 400):
        do(state, Marks(state.time_ns + S, {"BTC-USD": mark}))
        (event, *_) = (*do(state, DeclareLoss(state.time_ns + S, f"hack {mark}", "BTC", 10**8, "exploit")), None)
        cuts.append(event and event.amount)
    assert cuts == [24_000_000, None]
    assert state.lifetime_cuts == {("gains", "owner ann"): 120 * UNIT}


# ---- twins


DAYS = st.lists(st.tuples(st.integers(0, 400), st.integers(1, 5)), min_size=1, max_size=4)


@settings(max_examples=60, deadline=None)
@given(lots=st.lists(st.integers(1, 60), min_size=1, max_size=4), cap=st.integers(1, 120), days=DAYS)
def test_caps_the_engine_is_lifetime_caps_day_by_day(lots, cap, days):
    """Twin: ``LifetimeCaps``, which is held against rounds of re-offering elsewhere, on the gains that are left."""
    state = venue(dict(zip(NAMES, lots, strict=False)), str(cap))
    twin = LifetimeCaps.of(cap * UNIT)
    mark, cut_so_far = 1000, dict.fromkeys(NAMES, 0)
    for number, (loss, fall) in enumerate(days):
        mark -= fall
        do(state, Marks(state.time_ns + S, {"BTC-PERP": mark}))
        gains = {n: k * (1000 - mark) * UNIT - cut_so_far[n] for n, k in zip(NAMES, lots, strict=False)}
        if not loss:
            continue
        cut, events = lose(state, number, loss * UNIT)
        expected, residual = twin.cut(loss * UNIT, gains)
        case = (lots, cap, days, number)
        assert cut == {n: x for n, x in expected.items() if x}, case
        assert sum(e.amount for e in events) + residual == loss * UNIT, case
        for name, x in cut.items():
            cut_so_far[name] += x


def level_twin(loss, gains, holders, rooms, cap):
    """Exact: by bisection of the holders' ratios, what each holder pays at the one level."""
    whole = {
        h: sum(Fraction(max(0, g)) for g, at in zip(gains, holders, strict=True) if at == h) for h in range(len(rooms))
    }

    def paid(level):
        return sum(min(Fraction(rooms[h]), level * w) for h, w in whole.items())

    amount = min(Fraction(loss), Fraction(paid(cap).__floor__()))
    for low in sorted({Fraction(0), cap, *(Fraction(rooms[h]) / w for h, w in whole.items() if w)}):
        fixed = sum(Fraction(rooms[h]) for h, w in whole.items() if w and Fraction(rooms[h]) / w <= low)
        free = sum(w for h, w in whole.items() if w and Fraction(rooms[h]) / w > low)
        level = low if not free else (amount - fixed) / free
        top = min(
            (Fraction(rooms[h]) / w for h, w in whole.items() if w and Fraction(rooms[h]) / w > low), default=level
        )
        if low <= level <= top:
            return amount, {h: min(Fraction(rooms[h]), level * w) for h, w in whole.items()}
    return amount, {h: min(Fraction(rooms[h]), w) for h, w in whole.items()}


@settings(max_examples=400, deadline=None)
@given(
    loss=st.integers(0, 300),
    parts=st.lists(st.tuples(st.integers(-5, 60), st.integers(0, 3)), max_size=9),
    rooms=st.lists(st.integers(0, 50), min_size=4, max_size=4),
    cap=st.sampled_from([Fraction(1), Fraction(1, 2), Fraction(1, 3), Fraction(7, 9)]),
)
def test_caps_the_split_is_the_exact_level_within_the_units_of_its_accounts(loss, parts, rooms, cap):
    gains, holders = [g for g, _ in parts], [h for _, h in parts]
    found = haircut_gains_capped(loss, gains, holders, rooms, cap=cap)
    amount, exact = level_twin(loss, gains, holders, rooms, cap)
    case = (loss, parts, rooms, cap, found, exact)
    assert found.collected == amount == sum(found.cuts) == loss - found.residual, case
    accounts = {h: [i for i, at in enumerate(holders) if at == h] for h in range(4)}
    for h, mine in accounts.items():
        paid = sum(found.cuts[i] for i in mine)
        assert paid <= rooms[h], case
        assert abs(paid - exact[h]) <= len(parts), case
        assert not found.at_cap[h] or paid == rooms[h], case
    assert all(0 <= cut <= max(0, gain) for cut, gain in zip(found.cuts, gains, strict=True)), case
    if all(sum(max(0, gains[i]) for i in mine) <= rooms[h] for h, mine in accounts.items()):
        assert found.cuts == haircut_gains(loss, gains, cap=cap).cuts, case


@settings(max_examples=200, deadline=None)
@given(
    loss=st.integers(0, 300),
    gains=st.lists(st.integers(-5, 60), min_size=1, max_size=6),
    cap=st.integers(0, 60),
)
def test_caps_one_account_a_holder_is_lifetime_caps_to_the_unit(loss, gains, cap):
    found = haircut_gains_capped(loss, gains, range(len(gains)), [cap] * len(gains))
    cuts, residual = LifetimeCaps.of(cap).cut(loss, {str(i): g for i, g in enumerate(gains)})
    assert (list(found.cuts), found.residual) == (list(cuts.values()), residual)


def test_caps_that_nobody_meets_change_nothing_but_what_is_remembered():
    hashes = []
    for cap in (None, "1000000"):
        state = venue({"ann": 33, "bob": 31, "cyd": 7}, cap, owners={"ann": "x", "bob": "x"})
        do(state, Marks(S, {"BTC-PERP": 997}))
        cut, events = lose(state, 1, 100 * UNIT + 1)
        hashes.append((cut, [e._replace(why=()) for e in events], [e.why for e in events]))
    assert hashes[0] == hashes[1]


@pytest.mark.parametrize("accounts", [1, 2, 10])
def test_caps_splitting_an_owner_does_not_multiply_the_cap(accounts):
    """The same 100 lots of one owner in many accounts: 40 in all, whatever their number."""
    lots = {f"a{i}": 100 // accounts for i in range(accounts)}
    state = venue({**lots, "bob": 100}, "40", owners=dict.fromkeys(lots, "ann"))
    do(state, Marks(S, {"BTC-PERP": 999}))
    cut, _ = lose(state, 1, 100 * UNIT)
    assert sum(cut.get(n, 0) for n in lots) == cut["bob"] == 40 * UNIT
    assert state.deficits.get("exploit:hack 1", 1).pending == 20 * UNIT


def test_period_what_comes_home_from_an_isolated_position_is_a_gain_only_as_far_as_the_position_gained():
    """100 behind a long of one coin, closed at 1,250: of the 350 that return, 250 are the day's gain."""
    layer = {"name": "day", "kind": "gains_haircut", "base": "period", "period_s": 86400, "causes": ["exploit"]}
    book = snapshot(
        {"ann": 1_000 * UNIT, "iso": 100 * UNIT, "bob": 9_000 * UNIT},
        [("iso", "BTC-PERP", 1, 1000), ("bob", "BTC-PERP", -1, 1000)],
        [perp()],
        marks={"BTC-PERP": 1000},
        parents={"iso": "ann"},
    )
    state = open_state(book, policy(layers=[layer], deleverage=None), {}, 0)
    do(state, Marks(S, {"BTC-PERP": 940}))
    (intent,) = state.intents
    do(state, Fill(S, intent, "outside", 1, 1_250))
    do(state, Resolve(2 * S))
    assert state.book.cash(0, 0) == 1_350 * UNIT
    cut, _ = lose(state, 1, 10**4 * UNIT)
    assert cut == {"ann": 250 * UNIT, "bob": 60 * UNIT}

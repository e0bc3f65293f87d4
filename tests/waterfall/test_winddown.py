"""Orderly wind-down. Ids winddown-*."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.errors import InputError
from seawall.waterfall.winddown import (
    Claim,
    ClaimRefusal,
    Observation,
    Override,
    PriceBasis,
    SettlementRule,
    decide,
    distribute,
    rule_on_claims,
    settlement_price,
)

SEEN = [Observation(0, 100), Observation(50, 120), Observation(80, 90), Observation(101, 5)]
CLASSES = ("deposits", "profits", "owners")


@pytest.mark.parametrize(
    ("rule", "price"),
    [
        (SettlementRule(PriceBasis.LAST_INDEX), 90),  # the crash after the stop does not count
        (SettlementRule(PriceBasis.FIXED, fixed=77), 77),
        (SettlementRule(PriceBasis.WINDOW_AVERAGE, window_ns=60), 107),  # 10 x 100, 30 x 120, 20 x 90: 106.67
        (SettlementRule(PriceBasis.WINDOW_AVERAGE, window_ns=20), 90),
        (SettlementRule(PriceBasis.WINDOW_AVERAGE, window_ns=10**9), 104),  # starts with the first: 50, 30, 20 parts
    ],
    ids=["last", "fixed", "window", "short window", "long window"],
)
def test_winddown_settlement_price_by_rule(rule, price):
    found = settlement_price(rule, SEEN, stop_ns=100)
    assert (found.price, found.by_rule, found.override) == (price, price, None)


def test_winddown_an_override_needs_its_quorum_and_stays_visible():
    rule = SettlementRule(PriceBasis.LAST_INDEX, voters=frozenset("ABC"), quorum=2)
    vote = Override(95, frozenset("ABZ"), "index feed stuck")
    found = settlement_price(rule, SEEN, 100, vote)
    assert (found.price, found.by_rule) == (95, 90)
    assert found.override == Override(95, frozenset("AB"), "index feed stuck")  # a stranger's vote is not counted
    for bad in (vote._replace(votes=frozenset("AZ")), vote._replace(reason="")):
        with pytest.raises(InputError, match="quorum or its reason"):
            settlement_price(rule, SEEN, 100, bad)
    with pytest.raises(InputError, match="quorum or its reason"):
        settlement_price(SettlementRule(PriceBasis.LAST_INDEX), SEEN, 100, vote)


def test_winddown_a_rule_that_cannot_be_followed_is_refused():
    with pytest.raises(InputError, match="no observation"):
        settlement_price(SettlementRule(PriceBasis.LAST_INDEX), SEEN, -1)
    with pytest.raises(InputError, match="order of time"):
        settlement_price(SettlementRule(PriceBasis.LAST_INDEX), SEEN[::-1], 200)
    with pytest.raises(InputError, match="fixed"):
        SettlementRule(PriceBasis.LAST_INDEX, fixed=1)
    with pytest.raises(InputError, match="window"):
        SettlementRule(PriceBasis.WINDOW_AVERAGE)
    with pytest.raises(InputError, match="quorum"):
        SettlementRule(PriceBasis.LAST_INDEX, quorum=1)


LEDGER = {
    "ann": {"deposits": 100, "profits": 50},
    "bob": {"deposits": 60},
    "cat": {"profits": 30},
    "dan": {"deposits": 0},
}
GOOD = Claim("1", "ann", "deposits", 100, 10)


@pytest.mark.parametrize(
    ("claim", "reason"),
    [
        (Claim("2", "bob", "deposits", 0, 10), ClaimRefusal.NOT_POSITIVE),
        (Claim("2", "bob", "gold", 5, 10), ClaimRefusal.NO_SUCH_CLASS),
        (Claim("2", "bob", "deposits", 5, 101), ClaimRefusal.LATE),
        (Claim("2", "eve", "deposits", 5, 10), ClaimRefusal.UNKNOWN),
        (Claim("2", "dan", "deposits", 5, 10), ClaimRefusal.UNKNOWN),
        (Claim("2", "bob", "profits", 5, 10), ClaimRefusal.NOT_OF_THIS_CLASS),
        (Claim("2", "bob", "deposits", 61, 10), ClaimRefusal.BEYOND_LEDGER),
        (Claim("1", "bob", "deposits", 60, 11), ClaimRefusal.DUPLICATE),
        (Claim("2", "ann", "deposits", 1, 11), ClaimRefusal.DUPLICATE),
    ],
    ids=lambda x: x.value if isinstance(x, ClaimRefusal) else "",
)
def test_winddown_a_wrong_claim_is_rejected_with_its_reason(claim, reason):
    found = rule_on_claims(CLASSES, LEDGER, [claim, GOOD], bar_ns=100)
    assert found.rejected == ((claim, reason),)
    assert [s.claim for s in found.standing] == [GOOD]


def test_winddown_a_corrected_claim_stands():
    wrong, right = Claim("1", "bob", "deposits", 61, 10), Claim("1", "bob", "deposits", 60, 11)
    found = rule_on_claims(CLASSES, LEDGER, [right, wrong], bar_ns=100)
    assert [s.claim for s in found.standing] == [right]


def test_winddown_a_debt_is_set_off_against_the_most_senior_claim():
    claims = [GOOD, Claim("2", "ann", "profits", 50, 10), Claim("3", "cat", "profits", 30, 10)]
    found = rule_on_claims(CLASSES, LEDGER, claims, 100, debts={"ann": 120, "cat": 40, "eve": 7})
    assert [(s.claim.id, s.amount, s.set_off) for s in found.standing] == [("1", 0, 100), ("2", 30, 20), ("3", 0, 30)]
    assert found.owed_to_estate == {"cat": 10, "eve": 7}


def test_winddown_interim_keeps_a_reserve_and_the_final_distribution_frees_it():
    claims = [
        GOOD,
        Claim("2", "bob", "deposits", 60, 10),
        Claim("3", "eve", "deposits", 40, 10),
        Claim("4", "cat", "profits", 30, 10),
    ]
    rulings = rule_on_claims(CLASSES, LEDGER, claims, 100, disputed={"3"})
    interim = distribute(CLASSES, rulings, 100)
    assert interim.paid == {"1": 50, "2": 30}
    assert (interim.reserve, interim.rates["deposits"], interim.surplus) == (20, Fraction(1, 2), 0)
    with pytest.raises(InputError, match="every dispute"):
        distribute(CLASSES, rulings, 130, interim.paid, final=True)
    last = distribute(CLASSES, decide(rulings, {"3": 10}), 180, interim.paid, final=True)
    assert last.paid == {"1": 100, "2": 60, "3": 10, "4": 10}
    assert [(line.claim.id, line.before, line.now) for line in last.lines] == [
        ("1", 50, 50),
        ("2", 30, 30),
        ("3", 0, 10),
        ("4", 0, 10),
    ]
    assert distribute(CLASSES, decide(rulings, {"3": 0}), 250, interim.paid, final=True).surplus == 60


def test_winddown_bad_steps_are_refused():
    rulings = rule_on_claims(CLASSES, LEDGER, [GOOD], 100)
    with pytest.raises(InputError, match="do not fit"):
        distribute(CLASSES, rulings, 10, {"1": 11})
    with pytest.raises(InputError, match="do not fit"):
        distribute(CLASSES, rulings, 10, {"9": 1})
    both = rule_on_claims(CLASSES, LEDGER, [GOOD, Claim("4", "cat", "profits", 30, 10)], 100)
    with pytest.raises(InputError, match="more than it may hold"):
        distribute(CLASSES, both, 100, {"4": 5})
    with pytest.raises(InputError, match="decision"):
        decide(rulings, {"1": 5})
    with pytest.raises(InputError, match="named twice"):
        rule_on_claims(("a", "a"), {}, [], 0)


CLAIMS = st.lists(
    st.tuples(st.sampled_from("abcdef"), st.sampled_from(CLASSES), st.integers(1, 90), st.booleans()), max_size=10
)


@settings(max_examples=150)
@given(rows=CLAIMS, money=st.lists(st.integers(0, 150), min_size=1, max_size=4), data=st.data())
def test_winddown_every_unit_is_somewhere_and_nobody_gives_back(rows, money, data):
    ledger = {}
    for who, rank, amount, _ in rows:
        ledger.setdefault(who, {})[rank] = amount
    claims = [Claim(str(i), who, rank, ledger[who][rank], i) for i, (who, rank, _, _) in enumerate(rows)]
    disputed = {str(i) for i, row in enumerate(rows) if row[3]}
    rulings = rule_on_claims(CLASSES, ledger, claims, 100, disputed=disputed)
    assert len(rulings.standing) + len(rulings.rejected) == len(claims)
    paid, total = {}, 0
    for step, more in enumerate(money):
        total += more
        if step == len(money) - 1:
            open_ids = [s for s in rulings.standing if s.disputed]
            rulings = decide(rulings, {s.claim.id: data.draw(st.integers(0, s.amount)) for s in open_ids})
        found = distribute(CLASSES, rulings, total, paid, final=step == len(money) - 1)
        assert sum(found.paid.values()) + found.reserve + found.surplus == total
        assert all(found.paid.get(i, 0) >= x for i, x in paid.items())
        for line in found.lines:
            assert line.held == line.before + line.now + line.reserved <= line.amount
            assert abs(line.held - line.exact) < len(claims) + 1
        for senior, junior in ((0, 1), (1, 2), (0, 2)):
            if any(line.held for line in found.lines if line.claim.rank == CLASSES[junior]):
                assert all(line.held == line.amount for line in found.lines if line.claim.rank == CLASSES[senior])
        order = data.draw(st.permutations(claims))
        again = rule_on_claims(CLASSES, ledger, order, 100, disputed=disputed)
        if step < len(money) - 1:
            assert distribute(CLASSES, again, total, paid) == found
        paid = found.paid
    if len(money) == 1:  # one distribution: everybody within a unit of the exact share
        assert all(abs(line.held - line.exact) < 1 for line in found.lines)

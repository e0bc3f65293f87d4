"""Double entry. Ids ledger-*."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.errors import InputError
from seawall.ledger import Ledger, LedgerRefusal, Transfer
from seawall.money import Asset

USD, BTC = Asset.of("USD", 2), Asset.of("BTC", 8)


def opened():
    ledger = Ledger()
    return ledger, ledger.open("external", USD, floor=None), ledger.open("ann", USD), ledger.open("bob", USD)


def test_ledger_linked_transfers_stand_all_or_none():
    ledger, outside, ann, bob = opened()
    assert ledger.post([Transfer(outside, ann, 100, "in")]) is None
    refusal = ledger.post([Transfer(ann, bob, 60, "a"), Transfer(ann, bob, 60, "b")])
    assert refusal is not None
    assert (refusal.place, refusal.reason, refusal.account) == (1, LedgerRefusal.BELOW_FLOOR, ann)
    assert [ledger.balance(i) for i in (outside, ann, bob)] == [-100, 100, 0]


def test_ledger_money_may_pass_through_an_account_within_one_list():
    ledger, outside, ann, bob = opened()
    assert ledger.post([Transfer(ann, bob, 50, "out"), Transfer(outside, ann, 50, "in")]) is None
    assert [ledger.balance(i) for i in (ann, bob)] == [0, 50]


@pytest.mark.parametrize(
    ("transfer", "reason"),
    [
        (Transfer(1, 1, 5, ""), LedgerRefusal.SAME_ACCOUNT),
        (Transfer(1, 2, 0, ""), LedgerRefusal.NOT_POSITIVE),
        (Transfer(1, 2, -5, ""), LedgerRefusal.NOT_POSITIVE),
        (Transfer(1, 9, 5, ""), LedgerRefusal.NO_SUCH_ACCOUNT),
        (Transfer(-1, 1, 5, ""), LedgerRefusal.NO_SUCH_ACCOUNT),
        (Transfer(0, 3, 5, ""), LedgerRefusal.ASSETS_DIFFER),
        (Transfer(1, 2, 5, ""), LedgerRefusal.BELOW_FLOOR),
    ],
)
def test_ledger_refusals_change_nothing(transfer, reason):
    ledger, *_ = opened()
    ledger.open("ann", BTC)
    for refusal in (ledger.post([transfer]), ledger.post_one(*transfer)):
        assert refusal is not None
        assert refusal.reason is reason
    assert all(balance == 0 for _, _, balance in ledger.rows())


def test_ledger_amounts_exceed_64_bits():
    ledger, outside, ann, _ = opened()
    assert ledger.post_one(outside, ann, 10**30, "in") is None
    assert ledger.balance(ann) == 10**30


def test_ledger_names_are_unique_per_asset():
    ledger, _, ann, _ = opened()
    assert ledger.find("ann", "USD") == ann
    assert ledger.find("ann", "BTC") is None
    with pytest.raises(InputError, match="open already"):
        ledger.open("ann", USD)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(-5, 200)), max_size=30))
def test_ledger_always_sums_to_zero_and_keeps_floors(moves):
    ledger, *_ = opened()
    for source, target, amount in moves:
        ledger.post_one(source, target, amount, "x")
        trial = ledger.trial_balance()["USD"]
        assert trial.difference == 0
        assert ledger.balance(1) >= 0
        assert ledger.balance(2) >= 0

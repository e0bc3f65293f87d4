"""Opening a venue on a book. Ids opening-*."""

from __future__ import annotations

import pytest
from tests.books import perp, policy, snapshot

from seawall.engine import check_all, open_state
from seawall.errors import InputError

UNIT = 10**6
TWO_FUNDS = policy(
    layers=[
        {"name": "first", "kind": "account", "account": "fund"},
        {"name": "second", "kind": "account", "account": "reserve"},
    ],
    deleverage=None,
    house=[{"name": "fund", "role": "fund"}, {"name": "reserve", "role": "fund", "share_of_cash": "1/10"}],
)


def book(accounts, positions=(), roles=None):
    return snapshot(accounts, positions, [perp()], roles=roles, marks={"BTC-PERP": 1_000})


def test_opening_two_house_accounts_never_share_one_account():
    state = open_state(book({"ann": 100 * UNIT, "pot": 50 * UNIT}, roles={"pot": "fund"}), TWO_FUNDS, {})
    names = {house: state.account_name(i) for house, i in state.house.items()}
    assert names == {"fund": "pot", "reserve": "reserve"}
    assert state.cash_minor(state.house["reserve"], 0) == 10 * UNIT, "a tenth of the members' cash, not of the fund's"
    check_all(state)


def test_opening_a_trader_cannot_be_the_fund():
    with pytest.raises(InputError, match="name of a house account"):
        open_state(book({"fund": 100 * UNIT}), TWO_FUNDS, {})


def test_opening_the_other_side_goes_to_outside_at_the_mark():
    state = open_state(book({"ann": 100 * UNIT}, [("ann", "BTC-PERP", 2, 900)]), TWO_FUNDS, {})
    assert state.book.position(state.outside, 0) == (-2, -2_000 * UNIT)
    assert state.ledger.balance(state.clearing[0]) == 200 * UNIT
    check_all(state)


def test_opening_needs_a_mark_for_every_market_with_positions():
    made = snapshot({"ann": 1}, [("ann", "BTC-PERP", 1, 900), ("ann", "ETH-PERP", 1, 9)], [perp(), perp("ETH-PERP")])
    with pytest.raises(InputError, match="no opening mark") as caught:
        open_state(made, TWO_FUNDS, {0: 1_000})
    assert caught.value.value == "ETH-PERP"

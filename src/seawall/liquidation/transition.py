"""Closing one account against another: at which price, and when both may accept what it does to them.

An account is its cash and holdings in one asset. Whoever is closed out and whoever takes the other side are judged by
one rule, ``acceptable``, on exact assessments, so any rounding profile and any brackets can be used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import NamedTuple

from seawall.errors import InputError
from seawall.margin import Assessment, Holding, MarginRule, assess, bankruptcy_quote, check_slice
from seawall.money import muldiv


@dataclass(frozen=True, slots=True)
class AccountView:
    """One account in one asset: cash in minor units and holdings, at most one per market and none of zero lots."""

    cash: int
    holdings: tuple[Holding, ...]

    def index(self, market: str) -> int | None:
        """Place of the holding in ``market``, None when it is flat there."""
        for i, holding in enumerate(self.holdings):
            if holding.instrument.symbol == market:
                return i
        return None

    def lots(self, market: str) -> int:
        """Signed lots in ``market``."""
        i = self.index(market)
        return 0 if i is None else self.holdings[i].lots

    def assess(self, rule: MarginRule) -> Assessment:
        """Equity and requirements under ``rule``."""
        return assess(self.holdings, self.cash, rule)

    def reduced(self, market: str, delta: int, quote: int, rule: MarginRule) -> AccountView:
        """The account after ``delta`` lots (a slice of its position) against ``quote`` of cash.

        The slice's part of the entry value is released, rounded as the profile's ``release``; the rest stays with the
        rest of the position, so cash and entry together change by exactly ``quote``.
        """
        i = self.index(market)
        assert i is not None
        holding = self.holdings[i]
        check_slice(holding, delta)
        if delta == -holding.lots:
            return AccountView(self.cash + quote - holding.entry, self.holdings[:i] + self.holdings[i + 1 :])
        released = muldiv(holding.entry, abs(delta), abs(holding.lots), rule.profile.release)
        left = replace(holding, lots=holding.lots + delta, entry=holding.entry - released)
        return AccountView(self.cash + quote - released, (*self.holdings[:i], left, *self.holdings[i + 1 :]))


def acceptable(before: Assessment, after: Assessment) -> bool:
    """May an account end up like this? Tested in this order:

    1. it ends with its initial requirement covered: yes;
    2. its maintenance requirement rose: no;
    3. one of the requirements is zero: only if both are and equity rose;
    4. equity over requirement is compared by cross products: higher yes, lower no, equal yes.

    On equality the requirement may not have risen either, which 2 has already settled.

    Source: dydxprotocol/v4-chain x/subaccounts/lib/updates.go, IsValidStateTransitionForUndercollateralizedSubaccount.
    """
    if after.equity >= after.initial:
        return True
    if after.maintenance > before.maintenance:
        return False
    if after.maintenance == 0 or before.maintenance == 0:
        return after.maintenance == before.maintenance and after.equity > before.equity
    return after.equity * before.maintenance >= before.equity * after.maintenance


class ClosePrice(Enum):
    """At which price one account is closed against another."""

    BANKRUPTCY = "bankruptcy"  # where the slice has used up its share of the closed account's equity
    ORACLE = "oracle"  # at the mark: final settlement of solvent accounts


class CloseRefused(Enum):
    """Why two accounts were not closed against each other. Nothing changed."""

    NOT_A_SLICE = "not_a_slice"  # larger than a position, or not against it, on one of the two sides
    NOT_ACCEPTABLE = "not_acceptable"  # one of the two would end in a worse state than it may


class Closed(NamedTuple):
    """Both accounts afterwards; the closed one got ``quote``, the other paid it (signs as they are)."""

    closed: AccountView
    other: AccountView
    quote: int


def close_between(
    closed: AccountView, other: AccountView, market: str, delta: int, price: ClosePrice, rule: MarginRule
) -> Closed | CloseRefused:
    """Close ``delta`` lots of ``closed`` (opposite to its position) against ``other``, which holds the other side.

    Lots and cash move from one to the other, so both are conserved exactly. Both must find it ``acceptable``.

    Source: dydxprotocol/v4-chain x/clob/keeper/deleveraging.go, ProcessDeleveraging.
    """
    i = closed.index(market)
    held = other.lots(market)
    if i is None or held == 0 or (held > 0) != (delta > 0) or abs(held) < abs(delta):
        return CloseRefused.NOT_A_SLICE
    holding = closed.holdings[i]
    try:
        check_slice(holding, delta)
    except InputError:
        return CloseRefused.NOT_A_SLICE
    if price is ClosePrice.BANKRUPTCY:
        quote = bankruptcy_quote(closed.holdings, closed.cash, i, delta, rule)
    else:
        quote = -holding.value(rule.profile.value, delta)
    first = closed.reduced(market, delta, quote, rule)
    second = other.reduced(market, -delta, -quote, rule)
    for before, after in ((closed, first), (other, second)):
        if not acceptable(before.assess(rule), after.assess(rule)):
            return CloseRefused.NOT_ACCEPTABLE
    return Closed(first, second, quote)


class Offset(NamedTuple):
    """Accounts in the given order, ``fills`` as (place, lots > 0) in order of use, and signed lots nobody took."""

    accounts: tuple[AccountView, ...]
    fills: tuple[tuple[int, int], ...]
    remaining: int


def offset_in_order(
    accounts: Sequence[AccountView], closed: int, market: str, delta: int, price: ClosePrice, rule: MarginRule
) -> Offset:
    """Close ``delta`` lots of account number ``closed`` against the others, walked in the given order.

    Each account on the other side gives as much as it holds, up to what is left; whoever may not accept is passed
    over. What was done stays done when the walk ends early. The order is the caller's choice (a queue, or a start
    drawn from a seed).

    Source: dydxprotocol/v4-chain x/clob/keeper/deleveraging.go, OffsetSubaccountPerpetualPosition.
    """
    state = list(accounts)
    fills: list[tuple[int, int]] = []
    left = delta
    for i in range(len(state)):
        if left == 0:
            break
        held = state[i].lots(market)
        if i == closed or held == 0 or (held > 0) != (left > 0):
            continue
        size = held if abs(held) <= abs(left) else left
        found = close_between(state[closed], state[i], market, size, price, rule)
        if isinstance(found, CloseRefused):
            continue
        state[closed], state[i] = found.closed, found.other
        fills.append((i, abs(size)))
        left -= size
    return Offset(tuple(state), tuple(fills), left)

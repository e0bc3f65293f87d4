"""Before a portfolio is auctioned: by which terms of the policy, who is invited, and who could take it.

Pure questions about a state: whoever runs auctions asks them, and the command is held against the same answers.
"""

from __future__ import annotations

from typing import NamedTuple

from seawall.engine.events import Refused, Rejection, Why
from seawall.engine.margining import initial_of, look_at
from seawall.engine.state import State
from seawall.engine.units import gross_of, quote_notional
from seawall.margin import MAX_WORTH, UnitState
from seawall.money import Rounding, muldiv


class PortfolioTerms(NamedTuple):
    """Terms of one auction by the policy. ``notional``: gross, in the asset the account is judged in; ``reserve`` is
    the most that is paid to the winner, ``within`` how far below it a bid is still competitive. Book units."""

    notional: int
    reserve: int
    within: int


def terms_of(state: State, st: UnitState) -> PortfolioTerms | None:
    """The policy's terms for a portfolio, shares of its notional rounded down; None where the policy has none."""
    rule = None if state.policy.members is None else state.policy.members.auction
    if rule is None:
        return None
    notional = sum(gross_of(state, st))
    most, near = rule.reserve, rule.competitive_within
    return PortfolioTerms(
        notional,
        muldiv(notional, most.numerator, most.denominator, Rounding.FLOOR),
        muldiv(notional, near.numerator, near.denominator, Rounding.FLOOR),
    )


def why_terms(state: State, terms: PortfolioTerms | None) -> Why:
    """What explains reserve and tolerance."""
    rule = None if state.policy.members is None else state.policy.members.auction
    if rule is None or terms is None:
        return ()
    most, near = rule.reserve, rule.competitive_within
    inputs = {"notional": terms.notional, "num": most.numerator, "den": most.denominator}
    return (("auction.terms", {**inputs, "near_num": near.numerator, "near_den": near.denominator}),)


def large_enough(state: State, st: UnitState) -> bool:
    """Is a portfolio auctioned by the policy's rule, for its size?"""
    rule = None if state.policy.members is None else state.policy.members.auction
    return rule is not None and sum(quote_notional(state, p.market, p.lots) for p in st.positions) >= rule.least


def invited(state: State, account: int, asset: int) -> list[str]:
    """Members that the policy invites to the auction of an account: all others, or those with the largest contribution
    in the asset, ties by name. Sorted by name."""
    rule = None if state.policy.members is None else state.policy.members.auction
    names = sorted(state.members.others(account))
    if rule is None or not rule.invites:
        return names
    paid = state.members.paid_in.get(asset, {})
    return sorted(sorted(names, key=lambda name: (-paid.get(name, 0), name))[: rule.invites])


def may_win(state: State, st: UnitState, buyer: int, bid: int) -> Rejection | None:
    """May an account take a portfolio for a bid (minor units of the asset it is judged in)? It belongs to another owner
    (nobody is paid for its own positions), is not in liquidation itself, everything fits the book, and afterwards its
    equity covers its initial requirement.

    Positions come at the mark, so equity changes by the bid alone. Nothing is written, no row is made.
    """
    own, name, scale = look_at(state, buyer, st.asset), state.account_name(buyer), state.asset(st.asset)
    owners = state.snapshot.owners
    if owners[buyer] and owners[buyer] == owners[st.account]:
        return Rejection(Refused.SELF_TRADE, {"account": name, "owner": owners[buyer]})
    if own.unit in state.cases:
        return Rejection(Refused.UNDER_LIQUIDATION, {"account": name})
    if scale.to_minor(scale.to_book(bid)) != bid:
        return Rejection(Refused.BAD_AMOUNT, {"amount": bid})
    after = {p.market: p.lots for p in own.positions}
    for p in st.positions:
        lots = after[p.market] = after.get(p.market, 0) + p.lots
        if not state.book.fits_position(p.market, lots) or abs(lots) * p.unit_value > MAX_WORTH:
            return Rejection(Refused.OVERFLOW, {"account": name, "lots": lots})
    short = _no_room(state, st, buyer, scale.to_book(bid)) or _unpriced(state, own, list(after))
    if short is not None:
        return short
    initial = initial_of(state, own, list(after.items()))
    equity = _equity_after(state, own, st.asset, scale.to_book(bid))
    if equity < initial:
        return Rejection(Refused.INSUFFICIENT_MARGIN, {"account": name, "equity": equity, "initial": int(initial)})
    return None


def _no_room(state: State, st: UnitState, buyer: int, bid: int) -> Rejection | None:
    """Does the cash of both sides fit the book, whatever part of either position is realised?"""
    moved: dict[int, int] = {st.asset: abs(bid)}
    for p in st.positions:
        asset = state.settle_asset[p.market]
        entry = state.book.position(buyer, p.market)[1]
        moved[asset] = moved.get(asset, 0) + abs(p.worth) + abs(p.entry) + abs(entry)
    for account in (buyer, st.account):
        for asset, amount in moved.items():
            if not state.book.fits_cash(account, asset, amount):
                return Rejection(Refused.OVERFLOW, {"account": state.account_name(account), "bid": bid})
    return None


def _unpriced(state: State, own: UnitState, markets: list[int]) -> Rejection | None:
    """Judged as a whole, an account needs the index price of every asset that its markets settle in."""
    for market in markets:
        settle = state.settle_asset[market]
        if settle != own.asset and settle not in state.index_prices:
            return Rejection(Refused.BAD_MARK, {"asset": state.asset(settle).name, "why": "no index price yet"})
    return None


def _equity_after(state: State, own: UnitState, asset: int, bid: int) -> int:
    """Equity once the bid is paid, a haircut on the paying balance counted."""
    if asset in own.cash:
        return state.book.equity_without(own, asset, bid)
    whole = state.book.portfolio
    return own.equity - bid if whole is None else own.equity + whole.value(asset, -bid)

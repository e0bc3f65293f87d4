"""The auction of a defaulter's portfolio: members bid, the best bid takes the positions, and how everybody bid decides in
which order the members' money is used (juniorisation)."""

from __future__ import annotations

from seawall.engine.commands import Auction
from seawall.engine.events import AuctionHeld, PositionSold, Refused, Rejection, Why
from seawall.engine.margining import initial_of
from seawall.engine.posting import Step
from seawall.engine.state import State
from seawall.errors import InputError
from seawall.margin import MAX_WORTH
from seawall.members import AuctionResult, AuctionTerms, Bid, Invitation, hold_auction


def auction(state: State, step: Step, command: Auction) -> Rejection | None:
    """Open the bids for the portfolio of an account under liquidation.

    Positions change hands at the mark; the winning bid is paid on top: above zero by the winner, below zero by the
    account in default, whose shortfall then walks down the layers at the next Resolve. The winner must meet the initial
    requirement with the new positions. Without a bid at the reserve nothing changes hands; the tiers stand all the same.

    Source: clearing-house default procedures; tiers after BIS Working Paper 938.
    """
    found = _checked(state, command)
    if isinstance(found, Rejection):
        return found
    unit, result, buyer = found
    st = state.book.unit_state(unit)
    name = state.account_name(st.account)
    amount = 0
    if result.winner is not None and buyer is not None:
        amount = state.asset(st.asset).to_book(result.winner.amount)
        for p in st.positions:
            before = step.exchange(st.account, buyer, p.market, -p.lots, -p.worth, "auction")
            own, other = step.why_sides(*before, -p.lots)
            why: Why = (("trade.value", {"worth": state.worth(p.market)}), *own, *other)
            market, asset = state.instrument(p.market), state.settle_asset[p.market]
            step.emit(
                PositionSold(
                    name,
                    state.account_name(buyer),
                    market.symbol,
                    state.asset(asset).name,
                    -p.lots,
                    -p.worth,
                    why,
                )
            )
        if amount > 0:
            step.pay(buyer, st.account, st.asset, amount, "auction")
        elif amount < 0:
            step.pay(st.account, buyer, st.asset, -amount, "auction")
        state.watch.update({unit, state.book.unit_of(buyer, st.asset)})
    state.members.tiers = dict(result.tiers)
    step.emit(
        AuctionHeld(
            name,
            state.asset(st.asset).name,
            None if result.winner is None else result.winner.member,
            "" if buyer is None else state.account_name(buyer),
            amount,
            tuple((b.member, b.amount) for b in result.ranking),
            tuple((b.member, b.amount, reason.value) for b, reason in result.refused),
            tuple((member, tier.value) for member, tier in result.tiers.items()),
            result.thin,
            (("auction.paid", {"bid": amount}),),
        )
    )
    return None


def _checked(state: State, command: Auction) -> Rejection | tuple[int, AuctionResult, int | None]:
    """The unit, the opened bids and the winner's account; nothing is written."""
    account, asset = state.account_index.get(command.account), state.asset_index.get(command.asset)
    if account is None:
        return Rejection(Refused.UNKNOWN_ACCOUNT, {"account": command.account})
    if asset is None:
        return Rejection(Refused.UNKNOWN_ASSET, {"asset": command.asset})
    unit = state.book.unit_of(account, asset)
    if unit not in state.cases or not state.book.unit_state(unit).positions:
        return Rejection(Refused.NOT_IN_DEFAULT, {"account": command.account})
    own = state.members.own_group(account)
    bidders = {bid[0]: bid[1] for bid in command.bids}
    for member, name in bidders.items():
        found = state.account_index.get(name)
        if found is None or state.members.own(found) != member:
            return Rejection(Refused.UNKNOWN_ACCOUNT, {"account": name, "member": member})
    try:
        result = hold_auction(
            AuctionTerms(command.opens_ns, command.closes_ns, command.reserve, command.competitive_within),
            set(state.members.others(account)),
            set(own) | state.members.failed,
            [Invitation(member, at_ns) for member, at_ns in command.invitations],
            [Bid(member, amount, at_ns) for member, _, amount, at_ns in command.bids],
        )
    except InputError as error:
        return Rejection(Refused.BAD_AUCTION, {"why": str(error)})
    if result.winner is None:
        return unit, result, None
    buyer = state.account_index[bidders[result.winner.member]]
    short = _too_weak(state, unit, buyer, result.winner.amount)
    return short if short is not None else (unit, result, buyer)


def _too_weak(state: State, unit: int, buyer: int, bid: int) -> Rejection | None:
    """Would the winner hold more than fits, or stand below its initial requirement?"""
    st = state.book.unit_state(unit)
    taken = state.book.unit_of(buyer, st.asset)
    name = state.account_name(buyer)
    if taken in state.cases:
        return Rejection(Refused.UNDER_LIQUIDATION, {"account": name})
    scale = state.asset(st.asset)
    if scale.to_minor(scale.to_book(bid)) != bid:
        return Rejection(Refused.BAD_AMOUNT, {"amount": bid})
    own = state.book.unit_state(taken)
    after = {p.market: p.lots for p in own.positions}
    for p in st.positions:
        lots = after[p.market] = after.get(p.market, 0) + p.lots
        if not state.book.fits_position(p.market, lots) or abs(lots) * p.unit_value > MAX_WORTH:
            return Rejection(Refused.OVERFLOW, {"account": name, "lots": lots})
    for account in (buyer, st.account):
        moved = abs(scale.to_book(bid)) + sum(abs(p.worth) + abs(p.entry) for p in st.positions)
        if not state.book.fits_cash(account, st.asset, moved):
            return Rejection(Refused.OVERFLOW, {"account": state.account_name(account), "bid": bid})
    initial = initial_of(state, own, list(after.items()))
    equity = own.equity - scale.to_book(bid)
    if equity < initial:
        return Rejection(Refused.INSUFFICIENT_MARGIN, {"account": name, "equity": equity, "initial": int(initial)})
    return None

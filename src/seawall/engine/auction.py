"""The auction of a defaulter's portfolio: members bid, the best bid takes the positions, and how everybody bid decides in
which order the members' money is used for its losses (juniorisation)."""

from __future__ import annotations

from seawall.engine.auctionterms import PortfolioTerms, invited, large_enough, may_win, terms_of, why_terms
from seawall.engine.commands import Auction
from seawall.engine.events import AuctionHeld, IntentLapsed, PositionSold, Refused, Rejection, Why
from seawall.engine.margining import look_at
from seawall.engine.posting import Step
from seawall.engine.state import State
from seawall.errors import InputError
from seawall.margin import UnitState
from seawall.members import AuctionResult, AuctionTerms, Bid, Invitation, hold_auction


def auction(state: State, step: Step, command: Auction) -> Rejection | None:
    """Open the bids for the portfolio of an account under liquidation.

    Positions change hands at the mark; the winning bid is paid on top: above zero by the winner, below zero by the
    account in default, whose shortfall then walks down the layers at the next Resolve. The winner must meet the initial
    requirement with the new positions. What is sold is no longer for sale: orders of the account lapse, and their room
    in the markets' windows is free again. Without a bid at the reserve nothing changes hands and orders stand; the tiers
    hold all the same, for losses of this account.

    Only an account under liquidation has a portfolio to sell: a house account never is, and one that is whole keeps
    what it has.

    Source: clearing-house default procedures; tiers after BIS Working Paper 938.
    """
    found = _checked(state, command)
    if isinstance(found, Rejection):
        return found
    st, terms, result, buyer = found
    name, amount = state.account_name(st.account), 0
    if result.winner is not None and buyer is not None:
        amount = state.asset(st.asset).to_book(result.winner.amount)
        _sell(state, step, st, buyer, amount)
    case = state.cases[st.unit]
    case.tiers = dict(result.tiers)
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
            (("auction.paid", {"bid": amount}), *why_terms(state, terms)),
        )
    )
    return None


def _sell(state: State, step: Step, st: UnitState, buyer: int, amount: int) -> None:
    """All positions to the buyer at the mark, the bid on top; nothing of them is for sale any more."""
    name = state.account_name(st.account)
    for number in sorted(state.cases[st.unit].intents):
        step.emit(IntentLapsed(number, state.intents[number].lots))
        state.drop_intent(number)
    for p in st.positions:
        before = step.exchange(st.account, buyer, p.market, -p.lots, -p.worth, "auction")
        own, other = step.why_sides(*before, -p.lots)
        why: Why = (("trade.value", {"worth": state.worth(p.market)}), *own, *other)
        market, asset = state.instrument(p.market), state.asset(state.settle_asset[p.market])
        to = state.account_name(buyer)
        step.emit(PositionSold(name, to, market.symbol, asset.name, -p.lots, -p.worth, why))
    if amount > 0:
        step.pay(buyer, st.account, st.asset, amount, "auction")
    elif amount < 0:
        step.pay(st.account, buyer, st.asset, -amount, "auction")
    state.watch.update({st.unit, state.book.unit_of(buyer, st.asset)})


Checked = tuple[UnitState, PortfolioTerms | None, AuctionResult, int | None]


def _checked(state: State, command: Auction) -> Rejection | Checked:
    """What is sold, by which terms, the opened bids and the winner's account; nothing is written."""
    account, asset = state.account_index.get(command.account), state.asset_index.get(command.asset)
    if account is None:
        return Rejection(Refused.UNKNOWN_ACCOUNT, {"account": command.account})
    if asset is None:
        return Rejection(Refused.UNKNOWN_ASSET, {"asset": command.asset})
    st = look_at(state, account, asset)
    if st.unit not in state.cases or not st.positions:
        return Rejection(Refused.NOT_IN_DEFAULT, {"account": command.account})
    if st.asset != asset:
        judged = state.asset(st.asset).name
        return Rejection(Refused.UNKNOWN_ASSET, {"asset": command.asset, "why": f"the account is judged in {judged}"})
    own = state.members.own_group(account)
    for member, name, _, _ in command.bids:
        found = state.account_index.get(name)
        if found is None or state.members.own(found) != member:
            return Rejection(Refused.UNKNOWN_ACCOUNT, {"account": name, "member": member})
    terms = terms_of(state, st)
    problem = _beyond_time(command) or (None if terms is None else _against_policy(state, st, terms, command))
    if problem is not None:
        return Rejection(Refused.BAD_AUCTION, {"why": problem})
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
        return st, terms, result, None
    buyer = state.account_index[_bidder(command, result.winner)]
    short = may_win(state, st, buyer, result.winner.amount)
    return short if short is not None else (st, terms, result, buyer)


def _bidder(command: Auction, won: Bid) -> str:
    """The account named in the bid that won: another bid of the same member, late or superseded, may name another."""
    return [account for member, account, amount, at_ns in command.bids if (member, amount, at_ns) == won][-1]


def _beyond_time(command: Auction) -> str | None:
    """Bids are opened after the last of them: nothing in an auction is later than its command."""
    times = [command.closes_ns, *(at for _, at in command.invitations), *(bid[3] for bid in command.bids)]
    return None if max(times) <= command.time_ns else "bids are opened before the auction is over"


def _against_policy(state: State, st: UnitState, terms: PortfolioTerms, command: Auction) -> str | None:
    """What of an auction is not as the policy has it."""
    assert state.policy.members is not None and state.policy.members.auction is not None
    rule, scale = state.policy.members.auction, state.asset(st.asset)
    if not large_enough(state, st):
        return "the portfolio is smaller than the policy auctions"
    if command.closes_ns - command.opens_ns > rule.length_ns:
        return "bids are taken for longer than the policy says"
    if command.reserve != -scale.to_minor(terms.reserve):
        return f"the reserve is {-scale.to_minor(terms.reserve)} by the policy"
    if command.competitive_within != scale.to_minor(terms.within):
        return f"competitive is within {scale.to_minor(terms.within)} by the policy"
    if {member for member, _ in command.invitations} != set(invited(state, st.account, st.asset)):
        return "not those are invited whom the policy invites"
    return None

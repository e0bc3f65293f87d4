"""What bidders in auctions of the fund put in, and its shares: escrow, and an asset of the ledger that no market knows."""

from __future__ import annotations

from seawall.engine.auctionbook import ESCROW, SHARES, OpenAuction
from seawall.engine.cashflow import flow
from seawall.engine.events import Refused, Rejection
from seawall.engine.posting import Step
from seawall.engine.state import State
from seawall.money import Asset
from seawall.waterfall import Auction


def share_asset(asset: str) -> Asset:
    """Shares of the fund in an asset: whole numbers, an asset of the ledger that no market knows."""
    return Asset.of(f"{SHARES}{asset}", 0, 0)


def shares_of(state: State, name: str, asset: str) -> int:
    """Shares on a ledger account."""
    found = state.ledger.find(name, f"{SHARES}{asset}")
    return 0 if found is None else state.ledger.balance(found)


def no_room(state: State, found: OpenAuction) -> Rejection | None:
    """Would the money of the one who leads not fit into its account any more?"""
    leader = found.auction.leader
    if leader is None or state.book.fits_cash(state.account_index[leader], found.asset, found.auction.fixed):
        return None
    return Rejection(Refused.OVERFLOW, {"account": leader, "amount": found.auction.fixed})


def account_of(state: State, name: str, asset: Asset, floor: int | None = 0) -> int:
    """A ledger account by name, opened when it is first used."""
    found = state.ledger.find(name, asset.name)
    return state.ledger.open(name, asset, floor=floor) if found is None else found


def put_in(state: State, step: Step, number: int, asset: int, made: Auction) -> None:
    """The leader's money or shares go into escrow."""
    assert made.leader is not None
    if made.kind == "debt":
        account = state.account_index[made.leader]
        escrow = account_of(state, f"{ESCROW}{number}", state.asset(asset))
        step.spend(account, escrow, asset, made.fixed, "auction_bid")
        flow(state, account, asset, -made.fixed)
        return
    shares = share_asset(state.asset(asset).name)
    source = account_of(state, made.leader, shares)
    step.post(source, account_of(state, f"{ESCROW}{number}", shares), made.best, "auction_bid")


def give_back(state: State, step: Step, number: int, asset: int, last: Auction, amount: int | None = None) -> None:
    """Money (all, or ``amount`` of it) or shares in escrow go back to the leader."""
    assert last.leader is not None
    if last.kind == "debt":
        back = last.fixed if amount is None else amount
        account = state.account_index[last.leader]
        escrow = account_of(state, f"{ESCROW}{number}", state.asset(asset))
        step.receive(escrow, account, asset, back, "auction_refund")
        flow(state, account, asset, back)
        return
    shares = share_asset(state.asset(asset).name)
    escrow = account_of(state, f"{ESCROW}{number}", shares)
    step.post(escrow, account_of(state, last.leader, shares), last.best, "auction_refund")

"""Auctions of the fund: what nobody paid is sold for new shares, surplus beyond a buffer buys shares back.

* A bidder in a debt auction pays the lot when it bids. The money is kept on ``auction:N`` until somebody asks for fewer
  shares, or the auction is decided: then it pays residual losses, oldest first, and the shares are made. So no bid can
  fail when it has won.
* The lot of a surplus auction is **not** set aside: it stays with the fund and pays losses like all its money. If it is
  no longer there beside all debt and the buffer when the auction is decided, the auction is called off and the shares
  go back. So an open auction never locks money that a loss needs.
* Shares are an asset of the ledger, ``shares:ASSET``: issued = held + burned. They are a claim on nothing but what
  surplus auctions pay for them.

Source: Maker, vow, flop and flap (debt first netted, then auctioned after a wait; surplus only above debt and buffer).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

from seawall.engine.auctionbook import BURNED, ESCROW, ISSUED, SHARES, OpenAuction
from seawall.engine.cashflow import flow, may_pay_out, terms_of_withdrawal
from seawall.engine.commands import BidFundAuction, CloseFundAuction, NetFundDebt, OpenFundAuction
from seawall.engine.events import (
    ClaimOpened,
    FundAuctionClosed,
    FundAuctionOpened,
    FundAuctionRestarted,
    FundBid,
    Refused,
    Rejection,
    ResidualPaid,
    Why,
)
from seawall.engine.fundshares import account_of, give_back, no_room, put_in, share_asset, shares_of
from seawall.engine.layers import free_cash
from seawall.engine.margining import look_at
from seawall.engine.posting import Step
from seawall.engine.residuals import Debt, debts, pay_residual
from seawall.engine.state import State
from seawall.money import Rounding, muldiv
from seawall.waterfall import Auction, DebtRule, SurplusRule, improves

MILLION = 10**6
MOST_SHARES = 1 << 62  # an offer that nobody takes is not raised beyond this
REPAID_FIRST = 0  # rank of a claim for paying residuals: later than any layer, so repaid before them


class Standing(NamedTuple):
    """What decides whether an auction may start or be paid, book units: all debt, the part of it that has not waited
    long enough, what is on auction already, the fund's free cash, and lots of it on sale already."""

    debt: int
    queued: int
    on_auction: int
    cash: int
    selling: int


def rule_of(state: State, sells: str, asset: int) -> DebtRule | SurplusRule | None:
    """The policy's terms with amounts in book units of the asset: lots rounded down, the buffer up."""
    rules = state.policy.auctions
    rule = None if rules is None else {"debt": rules.debt, "surplus": rules.surplus}.get(sells)
    if rule is None:
        return None
    unit = 10 ** state.asset(asset).book_scale
    lot = muldiv(rule.lot, unit, MILLION, Rounding.FLOOR)
    if isinstance(rule, DebtRule):
        return replace(rule, lot=lot)
    most = None if rule.most_at_once is None else muldiv(rule.most_at_once, unit, MILLION, Rounding.FLOOR)
    return replace(rule, lot=lot, buffer=muldiv(rule.buffer, unit, MILLION, Rounding.CEIL), most_at_once=most)


def standing(state: State, asset: int, other_than: int = 0) -> Standing:
    """How debt and surplus of an asset stand; ``other_than`` names an auction that is left out."""
    rules, owed = state.policy.auctions, debts(state, asset)
    fund = None if rules is None or not rules.account else state.house[rules.account]
    waited = sum(debt.amount for debt in _waited(state, owed))
    whole = sum(debt.amount for debt in owed)
    return Standing(
        whole,
        whole - waited,
        state.auctions.lots("debt", asset, other_than),
        0 if fund is None else free_cash(state, fund, asset),
        state.auctions.lots("surplus", asset, other_than),
    )


def _waited(state: State, owed: list[Debt]) -> list[Debt]:
    """Debt that may be used: it became residual long enough ago."""
    rule = None if state.policy.auctions is None else state.policy.auctions.debt
    return [d for d in owed if rule is None or rule.released(state.auctions.since[d.loss], state.time_ns)]


def _spare(state: State, asset: int, at: Standing) -> int:
    """The fund's cash above its buffer: what pays debt before shares are sold for it."""
    rule = rule_of(state, "surplus", asset)
    return max(0, at.cash - rule.buffer) if isinstance(rule, SurplusRule) else 0


def _start_problem(state: State, asset: int, rule: DebtRule | SurplusRule, at: Standing) -> Rejection | None:
    """Why no auction may start, or start again, as things stand; the conditions are the rule's ``may_start``."""
    told: dict[str, Any] = {**at._asdict(), "lot": rule.lot}
    owed = {"debt": at.debt, "queued": at.queued, "on_auction": at.on_auction}
    if isinstance(rule, DebtRule):
        spare = _spare(state, asset, at)
        if rule.may_start(surplus=spare, **owed):
            return None
        return Rejection(Refused.SURPLUS_LEFT if spare else Refused.DEBT_TOO_SMALL, {**told, "surplus": spare})
    if rule.may_start(surplus=at.cash - at.selling, selling=at.selling, **owed):
        return None
    told["buffer"] = rule.buffer
    if at.debt - at.queued - at.on_auction > 0:
        return Rejection(Refused.DEBT_LEFT, told)
    if at.cash - at.selling < at.debt + rule.lot + rule.buffer:
        return Rejection(Refused.SURPLUS_TOO_SMALL, told)
    return Rejection(Refused.TOO_MUCH_ON_SALE, {**told, "most_at_once": rule.most_at_once})


def _start_why(state: State, asset: int, rule: DebtRule | SurplusRule, at: Standing) -> Why:
    owed = {"debt": at.debt, "queued": at.queued, "on_auction": at.on_auction, "lot": rule.lot}
    if isinstance(rule, DebtRule):
        return (("auction.debt_start", {**owed, "surplus": _spare(state, asset, at)}),)
    return (("auction.surplus_start", {**owed, "buffer": rule.buffer, "surplus": at.cash - at.selling}),)


def opening_problem(state: State, sells: str, asset: int) -> Rejection | None:
    """Why no auction of an asset's "debt" or "surplus" may be opened now; None: one may. Nothing is written."""
    rule = rule_of(state, sells, asset)
    if rule is None:
        return Rejection(Refused.NO_AUCTIONS, {"sells": sells})
    if not rule.lot:
        return Rejection(Refused.BAD_AUCTION, {"why": f"the lot is less than a unit of {state.asset(asset).name}"})
    return _start_problem(state, asset, rule, standing(state, asset))


def open_fund_auction(state: State, step: Step, command: OpenFundAuction) -> Rejection | None:
    """Open an auction of debt or of surplus, if its start conditions hold."""
    asset = state.asset_index.get(command.asset)
    if asset is None:
        return Rejection(Refused.UNKNOWN_ASSET, {"asset": command.asset})
    problem = opening_problem(state, command.sells, asset)
    if problem is not None:
        return problem
    rule, at = rule_of(state, command.sells, asset), standing(state, asset)
    assert rule is not None  # else there was a problem
    number = state.auctions.number
    state.auctions.number += 1
    made = rule.start(state.time_ns)
    state.auctions.open[number] = OpenAuction(asset, made)
    why = _start_why(state, asset, rule, at)
    step.emit(FundAuctionOpened(number, made.kind, command.asset, made.fixed, made.best, made.ends, why))
    return None


def bid_problem(state: State, command: BidFundAuction) -> Rejection | None:
    """Why a bid would be refused now; None: it would lead. Nothing is written."""
    found = state.auctions.open.get(command.auction)
    if found is None:
        return Rejection(Refused.UNKNOWN_AUCTION, {"auction": command.auction})
    account = state.account_index.get(command.account)
    if account is None:
        return Rejection(Refused.UNKNOWN_ACCOUNT, {"account": command.account})
    rule = rule_of(state, found.auction.kind, found.asset)
    assert rule is not None  # it was opened by one
    return _bid_problem(state, command, account, found, rule)


def bid_fund_auction(state: State, step: Step, command: BidFundAuction) -> Rejection | None:
    """Take a bid that beats the last one; who led before gets back what it had put in."""
    refused = bid_problem(state, command)
    if refused is not None:
        return refused
    found = state.auctions.open[command.auction]
    asset, last = found.asset, found.auction
    rule = rule_of(state, last.kind, asset)
    assert rule is not None  # it was opened by one
    made = found.auction = last.bid(rule.terms, command.account, command.shares, state.time_ns)
    name, previous = state.asset(asset).name, last.leader or ""
    held = 0 if not previous else last.fixed if last.kind == "debt" else last.best
    why = _bid_why(last, rule, command.shares, held)
    if held:
        give_back(state, step, command.auction, found.asset, last)
    put_in(state, step, command.auction, found.asset, made)
    paid = made.fixed if made.kind == "debt" else 0
    step.emit(
        FundBid(
            command.auction,
            made.kind,
            command.account,
            previous,
            name,
            f"{SHARES}{name}",
            paid,
            made.best,
            held,
            made.decides_at or made.ends,
            why,
        )
    )
    return None


def _bid_why(last: Auction, rule: DebtRule | SurplusRule, shares: int, held: int) -> Why:
    """What beats the last bid, what is put in, and what goes back."""
    by = rule.terms.improvement
    step = {"bid": shares, "last": last.best, "num": by.numerator, "den": by.denominator}
    back = {"held": held}
    if last.kind == "debt":
        stake: Why = (("auction.fewer", step), ("auction.stake", {"lot": last.fixed}))
        return (*stake, ("auction.beaten", back)) if held else stake
    offer: Why = (("auction.more", step),)
    return (*offer, ("auction.beaten_shares", back)) if held else offer


def _bid_problem(
    state: State, command: BidFundAuction, account: int, found: OpenAuction, rule: DebtRule | SurplusRule
) -> Rejection | None:
    """Everything that a bid can be refused for; nothing is written."""
    name, asset, last = command.account, found.asset, found.auction
    if account in state.house_accounts:
        return Rejection(Refused.HOUSE_ACCOUNT, {"account": name})
    if last.over(state.time_ns):
        return Rejection(Refused.AUCTION_OVER, {"auction": command.auction, "leader": last.leader})
    if command.shares <= 0:
        return Rejection(Refused.BAD_AMOUNT, {"shares": command.shares})
    by = rule.terms.improvement
    if not improves(last.kind, last.best, command.shares, by):
        return Rejection(Refused.BID_TOO_SMALL, {"shares": command.shares, "last": last.best, "improvement": str(by)})
    owner = state.snapshot.owners[account]
    for row in state.deficits.unpaid():
        debtor = state.account_index.get(row.account)
        if debtor is not None and state.snapshot.owners[debtor] == owner:
            return Rejection(Refused.IN_DEFAULT, {"account": name, "debtor": row.account, "loss": row.loss})
    if state.book.pooled and not state.book.priced(asset):
        return Rejection(Refused.BAD_MARK, {"asset": state.asset(asset).name, "why": "no index price yet"})
    if look_at(state, account, asset).unit in state.cases:
        return Rejection(Refused.UNDER_LIQUIDATION, {"account": name})
    leads = last.leader == name
    if last.kind == "surplus":
        has = shares_of(state, name, state.asset(asset).name) + (last.best if leads else 0)
        detail = {"account": name, "has": has, "shares": command.shares}
        return Rejection(Refused.INSUFFICIENT_BALANCE, detail) if command.shares > has else None
    return None if leads else _money_problem(state, account, found)


def _money_problem(state: State, account: int, found: OpenAuction) -> Rejection | None:
    """May the account pay the lot, and who led take it back?"""
    asset, lot = found.asset, found.auction.fixed
    terms = terms_of_withdrawal(state, account, asset, state.asset(asset).to_minor(lot))
    if terms.cut:  # a bid is paid in full: it must not spend what a withdrawal would have to leave behind
        num, den = terms.rate
        return Rejection(Refused.WITHDRAWALS_CUT, {"num": num, "den": den})
    change = may_pay_out(state, account, asset, state.asset(asset).to_minor(lot))
    if isinstance(change, Rejection):
        return change
    return no_room(state, found)


def close_fund_auction(state: State, step: Step, command: CloseFundAuction) -> Rejection | None:
    """Decide an auction that takes no bids any more, or open it again when nobody bid.

    A debt auction pays debt that has waited, oldest first, as far as there is still any: what a recovery paid meanwhile
    is not paid twice. A surplus auction is paid only if the start conditions still hold.
    """
    found = state.auctions.open.get(command.auction)
    if found is None:
        return Rejection(Refused.UNKNOWN_AUCTION, {"auction": command.auction})
    asset, auction = found.asset, found.auction
    if not auction.over(state.time_ns):
        return Rejection(Refused.AUCTION_OPEN, {"decides_ns": auction.decides_at or auction.ends})
    rule = rule_of(state, auction.kind, asset)
    assert rule is not None
    if auction.leader is None:
        _restart(state, step, command.auction, found, rule)
        return None
    problem = no_room(state, found)
    if problem is not None:
        return problem
    if isinstance(rule, DebtRule):
        _pay_debt(state, step, command.auction, found)
    else:
        _pay_winner(state, step, command.auction, found, rule)
    return None


def _restart(state: State, step: Step, number: int, found: OpenAuction, rule: DebtRule | SurplusRule) -> None:
    """Once more, while the start conditions hold; else nobody has anything to get back."""
    at = standing(state, found.asset, number)
    problem = _start_problem(state, found.asset, rule, at)
    made = found.auction.restart(rule, state.time_ns)
    if problem is not None or made.best > MOST_SHARES:
        _call_off(state, step, number, found, "no_bid" if problem is None else problem.code.value)
        return
    last, found.auction = found.auction, made
    why: Why = ()
    if isinstance(rule, DebtRule):
        num, den = rule.restart.numerator, rule.restart.denominator
        why = (("auction.restart", {"last": last.best, "num": num, "den": den}),)
    name = state.asset(found.asset).name
    step.emit(FundAuctionRestarted(number, made.kind, name, made.best, made.ends, why))


def _pay_debt(state: State, step: Step, number: int, found: OpenAuction) -> None:
    """The lot pays residuals, the winner receives shares for what was paid."""
    auction, terms = found.auction, state.asset(found.asset)
    assert auction.leader is not None
    owed = _waited(state, debts(state, found.asset))
    debt = sum(d.amount for d in owed)
    paid = min(auction.fixed, debt)
    issued = muldiv(auction.best, paid, auction.fixed, Rounding.FLOOR)
    if not issued:
        _call_off(state, step, number, found, "debt_paid")
        return
    rules = state.policy.auctions
    holder = auction.leader if rules is None or not rules.account else state.account_name(state.house[rules.account])
    escrow = account_of(state, f"{ESCROW}{number}", terms)
    _pay_residuals(state, step, escrow, f"{ESCROW}{number}", owed, paid, holder)
    if paid < auction.fixed:
        give_back(state, step, number, found.asset, auction, auction.fixed - paid)
    shares = share_asset(terms.name)
    source = account_of(state, ISSUED, shares, None)
    step.post(source, account_of(state, auction.leader, shares), issued, "shares_issued")
    del state.auctions.open[number]
    why: Why = (("auction.debt_won", {"lot": auction.fixed, "debt": debt, "best": auction.best}),)
    back = auction.fixed - paid
    _closed(step, number, auction, terms.name, ("won", ""), (paid, issued, back), why)


def _pay_residuals(
    state: State, step: Step, source: int, name: str, owed: list[Debt], amount: int, holder: str
) -> None:
    """Pay residuals in order out of a ledger account; ``holder`` may claim what comes back for them later."""
    left = amount
    for debt in owed:
        part = min(left, debt.amount)
        if not part:
            break
        pay_residual(state, step, source, debt, part, "residual_paid")
        asset = state.asset(debt.asset).name
        why: Why = (("auction.residual", {"left": left, "owed": debt.amount}),)
        step.emit(ResidualPaid(debt.loss, debt.holder, asset, name, part, why))
        state.claims.open(holder, part, rank=REPAID_FIRST, loss=debt.loss, asset=asset)
        step.emit(ClaimOpened(debt.loss, holder, asset, part, REPAID_FIRST))
        left -= part


def _pay_winner(state: State, step: Step, number: int, found: OpenAuction, rule: SurplusRule) -> None:
    """The winner is paid and its shares are burned, if the surplus is still there."""
    auction, asset = found.auction, found.asset
    rules = state.policy.auctions
    assert auction.leader is not None and rules is not None
    at = standing(state, asset, number)
    # What others have on sale is not set aside either: who is decided first is paid first.
    if not rule.may_start(debt=at.debt, queued=at.queued, on_auction=at.on_auction, surplus=at.cash):
        _call_off(state, step, number, found, "surplus_gone")
        return
    fund, name = state.house[rules.account], state.asset(asset).name
    winner = state.account_index[auction.leader]
    step.pay(fund, winner, asset, auction.fixed, "surplus_sold")
    flow(state, winner, asset, auction.fixed)
    shares = share_asset(name)
    escrow = account_of(state, f"{ESCROW}{number}", shares)
    step.post(escrow, account_of(state, BURNED, shares), auction.best, "shares_burned")
    del state.auctions.open[number]
    inputs = {"debt": at.debt, "lot": auction.fixed, "buffer": rule.buffer, "surplus": at.cash, "best": auction.best}
    why: Why = (("auction.surplus_won", {**inputs, "fund": state.account_name(fund)}),)
    _closed(step, number, auction, name, ("won", ""), (auction.fixed, auction.best, 0), why)


def _call_off(state: State, step: Step, number: int, found: OpenAuction, reason: str) -> None:
    """End an auction without a winner: the leader, if there is one, gets back what it had put in."""
    auction, name = found.auction, state.asset(found.asset).name
    held = 0
    why: Why = ()
    if auction.leader is not None:
        held = auction.fixed if auction.kind == "debt" else auction.best
        give_back(state, step, number, found.asset, auction)
        why = ((f"auction.{'money' if auction.kind == 'debt' else 'shares'}_back", {"held": held}),)
    del state.auctions.open[number]
    _closed(step, number, auction, name, ("called_off", reason), (0, 0, held), why)


def _closed(
    step: Step, number: int, auction: Auction, asset: str, how: tuple[str, str], moved: tuple[int, int, int], why: Why
) -> None:
    """Say how an auction ended: (outcome, reason), and (amount, shares, returned)."""
    leader = auction.leader or ""
    step.emit(FundAuctionClosed(number, auction.kind, *how, leader, asset, f"{SHARES}{asset}", *moved, why))


def may_net(state: State, asset: int) -> int | Rejection:
    """What the fund would pay of an asset's debt now (> 0, book units), or why nothing. Nothing is written."""
    rules = state.policy.auctions
    if rules is None or not rules.account:
        return Rejection(Refused.NO_AUCTIONS, {"sells": "surplus"})
    at = standing(state, asset)
    spare, free = _spare(state, asset, at), at.debt - at.queued - at.on_auction
    if free <= 0:
        return Rejection(Refused.DEBT_TOO_SMALL, at._asdict())
    return min(spare, free) if spare else Rejection(Refused.SURPLUS_TOO_SMALL, at._asdict())


def net_fund_debt(state: State, step: Step, command: NetFundDebt) -> Rejection | None:
    """The fund pays debt that has waited and is not on auction, oldest first, out of what it has above its buffer.

    Source: Maker, vow (heal): surplus and debt cancel before either is auctioned.
    """
    asset = state.asset_index.get(command.asset)
    if asset is None:
        return Rejection(Refused.UNKNOWN_ASSET, {"asset": command.asset})
    found, rules = may_net(state, asset), state.policy.auctions
    if isinstance(found, Rejection):
        return found
    assert rules is not None  # else nothing may be netted
    fund = state.house[rules.account]
    name, owed = state.account_name(fund), _waited(state, debts(state, asset))
    _pay_residuals(state, step, state.cash_id(fund, asset), name, owed, found, name)
    step.sync_cash(fund, asset)
    return None


def stop_auctions(state: State, step: Step) -> None:
    """The venue stops: every open auction is called off, and bidders have back what they put in."""
    for number, found in sorted(state.auctions.open.items()):
        _call_off(state, step, number, found, "wound_down")

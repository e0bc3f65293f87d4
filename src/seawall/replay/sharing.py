"""Who shared a loss without having caused it, and what came back: members, callees, open positions, balances, those
who withdraw; recoveries, halts, and the end of a venue. Handlers of ``replay.tally``, by event."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from seawall.engine.auctionbook import ESCROW
from seawall.engine.events import (
    AuctionHeld,
    BorneByWithdrawals,
    Called,
    CashCut,
    ClaimRejected,
    Distributed,
    Drawn,
    FundAuctionClosed,
    FundAuctionOpened,
    FundAuctionRestarted,
    HaltBegan,
    HaltEnded,
    MemberDefaulted,
    MembersDrawn,
    Moved,
    OpenInterestCharged,
    PositionSold,
    ProfitsCut,
    Recovered,
    RecoveryShared,
    Reinstated,
    Replenished,
    ResidualPaid,
    Restored,
    SurplusPassed,
    WithdrawalCut,
    WoundDown,
    WrittenOff,
)
from seawall.money import split
from seawall.replay.auctions import AuctionBids
from seawall.replay.shares import charges_of

if TYPE_CHECKING:
    from seawall.replay.tally import Tally

MEMBERS = "member contributions"  # what all of them are called together


@dataclass(slots=True)
class Shares:
    """Totals in reporting units, and who was reached (names of ledger accounts, or members for ``callees``)."""

    contributions: int = 0
    contributors: set[str] = field(default_factory=set)
    called: int = 0
    callees: set[str] = field(default_factory=set)
    charged: int = 0
    charged_accounts: set[str] = field(default_factory=set)
    cash_cut: int = 0
    cut_accounts: set[str] = field(default_factory=set)
    borne: int = 0
    paid_off: int = 0
    recovered: int = 0
    recovered_residual: int = 0
    recovered_claims: int = 0
    recovered_excess: int = 0
    reinstated: int = 0
    in_default: set[str] = field(default_factory=set)
    halts: list[dict[str, Any]] = field(default_factory=list)
    wound_down: WoundDown | None = None
    rejected: dict[str, int] = field(default_factory=dict)
    distributed: dict[str, int] = field(default_factory=dict)
    written_off: int = 0
    restored: int = 0
    auctions: int = 0
    bids: AuctionBids = field(default_factory=AuctionBids)
    auctions_won: int = 0
    auctioned_notional: int = 0
    auction_paid: int = 0
    fund_auctions: dict[str, int] = field(default_factory=dict)
    residual_by_auction: int = 0
    residual_netted: int = 0
    surplus_sold: int = 0


def _parts(tally: Tally, asset: str, parts: Sequence[tuple[str, int]], minor: bool = False) -> list[tuple[str, int]]:
    """Amounts in reporting units: the value of the whole, split as they are, so that they sum to it."""
    if minor:
        terms = tally.state.asset(tally.state.asset_index[asset])
        parts = [(name, terms.to_book(amount)) for name, amount in parts]
    amounts = [amount for _, amount in parts]
    whole = sum(amounts)
    if not whole:
        return []
    value = tally.value(asset, whole)
    told = amounts if value == whole else split(value, amounts)
    return [(name, part) for (name, _), part in zip(parts, told, strict=True)]


def _reached(tally: Tally, name: str, outcome: str) -> Any:
    """The counts of an account that pays for others; what it went through itself stays its outcome."""
    known = name in tally.accounts
    account = tally.account(name)
    if not known:
        account.outcome = outcome
    return account


def drawn(tally: Tally, event: Drawn) -> None:
    """The defaulter's own member pays out of its contribution; any other draw is a house account's."""
    if event.source in tally.contribution_accounts:
        value = tally.value(event.asset, event.amount)
        tally.shares.contributions += value
        tally.shares.contributors.add(event.source)
        _reached(tally, event.source, "contribution_used").contribution_used += value


def _members_drawn(tally: Tally, event: MembersDrawn) -> None:
    for name, part in _parts(tally, event.asset, event.parts):
        tally.shares.contributions += part
        tally.shares.contributors.add(name)
        _reached(tally, name, "contribution_used").contribution_used += part
        house = tally.house_of(name)
        if house is not None:
            house.draws += part
    tally.covered(event.loss, tally.value(event.asset, event.amount))


def _called(tally: Tally, event: Called) -> None:
    """From outside to the contribution and on: the contribution stays as it was, the member is poorer outside."""
    value = tally.value(event.asset, event.amount)
    tally.shares.called += value
    tally.shares.callees.add(event.member)
    _reached(tally, event.account, "called").called += value
    tally.covered(event.loss, value)


def _charged(tally: Tally, event: OpenInterestCharged) -> None:
    for name, part in _parts(tally, event.asset, charges_of(tally.state, event)):
        tally.shares.charged += part
        tally.shares.charged_accounts.add(name)
        _reached(tally, name, "charged").charged += part
        tally.market(event.market).charged += part
        house = tally.house_of(name)
        if house is not None:
            house.charged += part
    tally.covered(event.loss, tally.value(event.asset, event.amount))


def _cash_cut(tally: Tally, event: CashCut) -> None:
    for name, part in _parts(tally, event.asset, event.cuts):
        tally.shares.cash_cut += part
        tally.shares.cut_accounts.add(name)
        _reached(tally, name, "cash_cut").cash_cut += part
    tally.covered(event.loss, tally.value(event.asset, event.amount))


def _borne(tally: Tally, event: BorneByWithdrawals) -> None:
    value = tally.value(event.asset, event.amount)
    tally.shares.borne += value
    tally.covered(event.loss, value)


def _withdrawal_cut(tally: Tally, event: WithdrawalCut) -> None:
    tally.take_out(event.account, event.asset, -event.amount_minor)  # of what was asked for, this part was not paid
    for name, part in _parts(tally, event.asset, [(event.account, event.amount_minor)], minor=True):
        tally.shares.paid_off += part
        _reached(tally, name, "withdrawal_cut").withdrawal_cut += part


def _profits_cut(tally: Tally, event: ProfitsCut) -> None:
    for name, part in _parts(tally, event.asset, event.cuts, minor=True):
        tally.shares.paid_off += part
        _reached(tally, name, "withdrawal_cut").withdrawal_cut += part


def _recovered(tally: Tally, event: Recovered) -> None:
    shares = tally.shares
    residual, excess = tally.value(event.asset, event.residual), tally.value(event.asset, event.excess)
    shares.recovered_residual += residual
    shares.recovered_excess += excess
    shares.recovered += residual + excess
    if event.excess and event.account in tally.state.account_index:
        _back(tally, event.account, excess)


def _recovery_shared(tally: Tally, event: RecoveryShared) -> None:
    for name, part in _parts(tally, event.asset, event.parts):
        tally.shares.recovered += part
        tally.shares.recovered_claims += part
        _back(tally, name, part)


def _back(tally: Tally, name: str, part: int) -> None:
    if part:
        _reached(tally, name, "recovered").recovered += part
        house = tally.house_of(name)
        if house is not None:
            house.recovered += part


def _reinstated(tally: Tally, event: Reinstated | Replenished) -> None:
    value = tally.value(event.asset, event.amount)
    tally.shares.reinstated += value
    house = tally.house_of(event.account)
    if house is not None:
        house.reinstated += value


def _member_defaulted(tally: Tally, event: MemberDefaulted) -> None:
    tally.shares.in_default.update(event.members)


def _surplus_passed(tally: Tally, event: SurplusPassed) -> None:
    value = tally.value(event.asset, event.amount)
    for name, change in ((event.account, -value), (event.to, value)):
        house = tally.house_of(name)
        if house is not None:
            house.passed_on += change


def _halt_began(tally: Tally, event: HaltBegan) -> None:
    began = {"halt": event.halt, "reason": event.reason, "began_ns": event.since_ns, "until_ns": event.until_ns}
    tally.shares.halts.append({**began, "ended_ns": None})


def _halt_ended(tally: Tally, event: HaltEnded) -> None:
    mine = [h for h in tally.shares.halts if h["halt"] == event.halt and h["ended_ns"] is None]
    if mine:
        mine[-1]["ended_ns"] = tally.state.time_ns


def _wound_down(tally: Tally, event: WoundDown) -> None:
    tally.shares.wound_down = event


def _rejected(tally: Tally, event: ClaimRejected) -> None:
    tally.shares.rejected[event.reason] = tally.shares.rejected.get(event.reason, 0) + 1


def _moved(tally: Tally, event: Moved) -> None:
    """Money that came from outside or left; what is left of an isolated position stays in the venue."""
    if event.code in ("deposit", "withdraw"):
        tally.take_out(event.account, event.asset, -event.amount_minor)


def _distributed(tally: Tally, event: Distributed) -> None:
    for name, minor in event.parts:
        tally.take_out(name, event.asset, minor)
    for name, part in _parts(tally, event.asset, event.parts, minor=True):
        tally.shares.distributed[event.rank] = tally.shares.distributed.get(event.rank, 0) + part
        house = tally.house_of(name)
        if house is not None:
            house.paid_out += part


def _written_off(tally: Tally, event: WrittenOff) -> None:
    for name, part in _parts(tally, event.asset, event.parts, minor=True):
        tally.shares.written_off += part
        house = tally.house_of(name)
        if house is not None:
            house.written_off += part


def _restored(tally: Tally, event: Restored) -> None:
    """Owed again: what was written off comes back to the balances it was taken from."""
    for name, part in _parts(tally, event.asset, event.parts, minor=True):
        tally.shares.restored += part
        house = tally.house_of(name)
        if house is not None:
            house.written_off -= part


def _position_sold(tally: Tally, event: PositionSold) -> None:
    notional = tally.lots_value(tally.state.market_index[event.market], event.lots)
    tally.shares.auctioned_notional += notional
    tally.account(event.account).auctioned_notional += notional
    market = tally.market(event.market)
    market.auctioned_notional += notional
    market.fallen.add(event.account)


def _auction_held(tally: Tally, event: AuctionHeld) -> None:
    tally.shares.auctions += 1
    tally.shares.bids.note(tally, event)
    if event.winner is None:
        return
    tally.shares.auctions_won += 1
    value = tally.value(event.asset, event.amount)
    tally.shares.auction_paid += value
    for name, sign in ((event.account, 1), (event.buyer, -1)):
        house = tally.house_of(name)
        if house is not None:
            house.auctions += sign * value


def _step_of_auction(tally: Tally, step: str) -> None:
    tally.shares.fund_auctions[step] = tally.shares.fund_auctions.get(step, 0) + 1


def _fund_auction_opened(tally: Tally, event: FundAuctionOpened) -> None:
    _step_of_auction(tally, "opened")


def _fund_auction_restarted(tally: Tally, event: FundAuctionRestarted) -> None:
    _step_of_auction(tally, "restarted")


def _fund_auction_closed(tally: Tally, event: FundAuctionClosed) -> None:
    """Debt is counted where it is paid; surplus goes from the fund to the winner."""
    _step_of_auction(tally, event.outcome)
    rules = tally.state.policy.auctions
    if event.sells == "surplus" and event.amount and rules is not None:
        value = tally.value(event.asset, event.amount)
        tally.shares.surplus_sold += value
        fund = tally.by_number.get(tally.state.house[rules.account])
        if fund is not None:
            fund.auctions -= value


def _residual_paid(tally: Tally, event: ResidualPaid) -> None:
    value = tally.value(event.asset, event.amount)
    if event.source.startswith(ESCROW):
        tally.shares.residual_by_auction += value
        return
    tally.shares.residual_netted += value
    house = tally.house_of(event.source)
    if house is not None:
        house.draws += value


SHARING: dict[type[Any], Callable[[Any, Any], None]] = {
    MembersDrawn: _members_drawn,
    Called: _called,
    OpenInterestCharged: _charged,
    CashCut: _cash_cut,
    BorneByWithdrawals: _borne,
    WithdrawalCut: _withdrawal_cut,
    ProfitsCut: _profits_cut,
    Recovered: _recovered,
    RecoveryShared: _recovery_shared,
    Reinstated: _reinstated,
    Replenished: _reinstated,
    MemberDefaulted: _member_defaulted,
    SurplusPassed: _surplus_passed,
    HaltBegan: _halt_began,
    HaltEnded: _halt_ended,
    WoundDown: _wound_down,
    ClaimRejected: _rejected,
    Moved: _moved,
    Distributed: _distributed,
    WrittenOff: _written_off,
    Restored: _restored,
    PositionSold: _position_sold,
    AuctionHeld: _auction_held,
    FundAuctionOpened: _fund_auction_opened,
    FundAuctionRestarted: _fund_auction_restarted,
    FundAuctionClosed: _fund_auction_closed,
    ResidualPaid: _residual_paid,
}

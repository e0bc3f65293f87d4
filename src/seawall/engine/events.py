"""Events: what the engine did, each with the rule and the inputs that decide it.

Amounts are in *book units* of the asset named, unless a field ends in ``_minor``. ``why`` of an event that moves
money by a rule is a list of ``(rule id, inputs)``: the rules' straight-line programs are in ``engine.programs``, and
evaluating them on those inputs and the event's own fields gives the amounts that were posted (``engine.explain``).
"""

from __future__ import annotations

from typing import Any, NamedTuple

from seawall.engine.auction_events import (
    FundAuctionClosed,
    FundAuctionOpened,
    FundAuctionRestarted,
    FundBid,
    ResidualPaid,
)
from seawall.engine.ending_events import (
    AuctionHeld,
    ClaimRejected,
    Distributed,
    HaltBegan,
    HaltEnded,
    PositionSold,
    WoundDown,
    WrittenOff,
)
from seawall.engine.limit_events import CloseOutHeld, SurplusPassed
from seawall.engine.member_events import (
    CallUnpaid,
    DebtEnded,
    MemberDefaulted,
    PaymentsStopped,
    Replenished,
    ReplenishmentOwed,
)
from seawall.engine.profit_events import ProfitCapped
from seawall.engine.refusals import Refused, Rejection
from seawall.engine.sharing_events import (
    BorneByWithdrawals,
    Called,
    CallRound,
    CashCut,
    LayersShared,
    MembersDrawn,
    OpenInterestCharged,
    ProfitsCut,
    Recovered,
    RecoveryShared,
    Reinstated,
    WithdrawalCut,
)
from seawall.engine.trade_events import (
    Converted,
    FundingPaid,
    Moved,
    PositionSettled,
    Settled,
    Traded,
)
from seawall.engine.why import Why

__all__ = [
    "EVENT_NAMES",
    "AuctionHeld",
    "BorneByWithdrawals",
    "CallRound",
    "CallUnpaid",
    "Called",
    "CashCut",
    "ClaimOpened",
    "ClaimRejected",
    "CloseOutHeld",
    "Converted",
    "DebtEnded",
    "DeleverageNeeded",
    "DeleverageShared",
    "Deleveraged",
    "Distributed",
    "Drawn",
    "Event",
    "Filled",
    "FundAuctionClosed",
    "FundAuctionOpened",
    "FundAuctionRestarted",
    "FundBid",
    "FundingPaid",
    "GainsHaircut",
    "HaltBegan",
    "HaltEnded",
    "IntentLapsed",
    "IntentOpened",
    "LayersShared",
    "LiquidationEnded",
    "LiquidationStarted",
    "LossCarried",
    "LossRecognised",
    "MarksSet",
    "MemberDefaulted",
    "MembersDrawn",
    "Moved",
    "OpenInterestCharged",
    "Outcome",
    "PaymentsStopped",
    "PositionSettled",
    "PositionSold",
    "ProfitCapped",
    "ProfitsCut",
    "Quarantined",
    "Recovered",
    "RecoveryShared",
    "Refused",
    "Reinstated",
    "Rejection",
    "Replenished",
    "ReplenishmentOwed",
    "Residual",
    "ResidualPaid",
    "Restored",
    "Settled",
    "SurplusPassed",
    "TakenOver",
    "Traded",
    "Why",
    "WithdrawalCut",
    "WoundDown",
    "WrittenOff",
    "event_to_plain",
]


class MarksSet(NamedTuple):
    """Marks taken over by the book."""

    time_ns: int
    markets: int


class Quarantined(NamedTuple):
    """A price that was not used, and why."""

    source: str
    price: str
    reason: str


class LiquidationStarted(NamedTuple):
    """An account fell below maintenance."""

    account: str
    asset: str
    equity: int
    maintenance: int
    notional: int
    positions: int
    why: Why


class IntentOpened(NamedTuple):
    """A close-out order the venue should work: signed ``lots`` (negative sells), no worse than ``limit``."""

    intent: int
    account: str
    market: str
    lots: int
    limit: int | None
    deadline_ns: int
    purpose: str


class Filled(NamedTuple):
    """An intent was filled. ``value`` is the signed worth traded at the fill price; ``gain`` is against the mark.

    ``fee_to`` is the account that received the fee; left out when there is none.
    """

    intent: int
    account: str
    counterparty: str
    market: str
    asset: str
    lots: int
    price: int
    value: int
    gain: int
    fee: int
    draw: int
    notional: int
    purpose: str
    why: Why
    fee_to: str | None = None


class IntentLapsed(NamedTuple):
    """An intent ended unfilled; ``lots`` were left."""

    intent: int
    lots: int


class LiquidationEnded(NamedTuple):
    """The account is out of liquidation: ``restored``, ``closed``, ``taken_over`` or ``deleveraged``."""

    account: str
    asset: str
    outcome: str
    equity: int


class TakenOver(NamedTuple):
    """The backstop took all positions at the mark and the account's remaining equity (``margin``, may be < 0)."""

    account: str
    backstop: str
    asset: str
    margin: int
    notional: int
    positions: tuple[tuple[str, int], ...]
    why: Why


class LossRecognised(NamedTuple):
    """A shortfall is booked to a deficit account, once: ``loss`` is its number."""

    loss: int
    account: str
    asset: str
    amount: int
    cause: str
    why: Why


class Drawn(NamedTuple):
    """A layer paid ``amount`` towards a loss."""

    loss: int
    layer: str
    source: str
    asset: str
    amount: int
    why: Why


class DeleverageNeeded(NamedTuple):
    """What the layers before left of a loss: the amount that deleveraging is asked to collect."""

    loss: int
    account: str
    asset: str
    amount: int


class DeleverageShared(NamedTuple):
    """``done`` of the ``lots`` of ``account`` that had to be closed by rule found takers, who follow one by one.

    ``cost`` is asked of takers of all lots (against the mark); ``collected`` of those there were, ``parts`` of each.
    ``loss`` is 0 when no loss is covered: the backstop was over its limit, and ``why`` says by how much.
    """

    loss: int
    market: str
    asset: str
    account: str
    lots: int
    done: int
    cost: int
    collected: int
    parts: tuple[int, ...]
    why: Why


class Deleveraged(NamedTuple):
    """``account`` was closed against ``counterparty`` by rule. ``cost`` is what the account gave up against the mark.

    ``rank`` counts from 1 in the queue of that market and side at these marks; ``score`` is what it was ranked by.
    ``loss`` is 0 when no loss is covered; ``cause`` is then left out where the backstop was over its limit, and
    "profit_cap" where profits were above the cap of a pool.
    """

    loss: int
    market: str
    asset: str
    account: str
    counterparty: str
    lots: int
    value: int
    cost: int
    notional: int
    rank: int
    score: int
    why: Why
    cause: str | None = None


class GainsHaircut(NamedTuple):
    """Unrealised gains in ``asset`` were cut by the exact fraction ``rate`` = (num, den), to the unit.

    ``losses`` lists what it paid for: (loss number, amount).
    """

    losses: tuple[tuple[int, int], ...]
    asset: str
    rate: tuple[int, int]
    amount: int
    cuts: tuple[tuple[str, int], ...]
    why: Why


class Residual(NamedTuple):
    """What no layer paid. It stays on the deficit account, explicit."""

    loss: int
    account: str
    asset: str
    amount: int
    why: Why


class LossCarried(NamedTuple):
    """The account still holds positions: this part of the loss is not final and is recognised again later."""

    loss: int
    account: str
    asset: str
    amount: int
    why: Why


class ClaimOpened(NamedTuple):
    """Those who paid for a loss hold a ranked claim on recoveries; equal ranks share pro rata."""

    loss: int
    holder: str
    asset: str
    amount: int
    rank: int


class Restored(NamedTuple):
    """Balances of a class that had been written off and are owed again: (account, amount) each, minor units."""

    asset: str
    rank: str
    amount: int
    parts: tuple[tuple[str, int], ...]
    why: Why


Event = (
    MarksSet
    | Quarantined
    | LiquidationStarted
    | CloseOutHeld
    | IntentOpened
    | Filled
    | IntentLapsed
    | LiquidationEnded
    | TakenOver
    | SurplusPassed
    | LossRecognised
    | Drawn
    | LayersShared
    | MembersDrawn
    | CallRound
    | Called
    | OpenInterestCharged
    | CashCut
    | BorneByWithdrawals
    | DeleverageNeeded
    | DeleverageShared
    | Deleveraged
    | ProfitCapped
    | GainsHaircut
    | Residual
    | LossCarried
    | ClaimOpened
    | Recovered
    | RecoveryShared
    | ProfitsCut
    | Reinstated
    | HaltBegan
    | HaltEnded
    | WoundDown
    | ClaimRejected
    | Distributed
    | WrittenOff
    | Restored
    | FundingPaid
    | Traded
    | Moved
    | WithdrawalCut
    | Converted
    | PositionSold
    | AuctionHeld
    | CallUnpaid
    | PaymentsStopped
    | MemberDefaulted
    | ReplenishmentOwed
    | Replenished
    | DebtEnded
    | FundAuctionOpened
    | FundBid
    | FundAuctionRestarted
    | FundAuctionClosed
    | ResidualPaid
    | PositionSettled
    | Settled
)

EVENT_NAMES: dict[type[Any], str] = {
    MarksSet: "marks_set",
    Quarantined: "quarantined",
    LiquidationStarted: "liquidation_started",
    CloseOutHeld: "close_out_held",
    IntentOpened: "intent_opened",
    Filled: "filled",
    IntentLapsed: "intent_lapsed",
    LiquidationEnded: "liquidation_ended",
    TakenOver: "taken_over",
    SurplusPassed: "surplus_passed",
    LossRecognised: "loss_recognised",
    Drawn: "drawn",
    LayersShared: "layers_shared",
    MembersDrawn: "members_drawn",
    CallRound: "call_round",
    Called: "called",
    CallUnpaid: "call_unpaid",
    PaymentsStopped: "payments_stopped",
    MemberDefaulted: "member_defaulted",
    ReplenishmentOwed: "replenishment_owed",
    Replenished: "replenished",
    DebtEnded: "debt_ended",
    OpenInterestCharged: "open_interest_charged",
    CashCut: "cash_cut",
    BorneByWithdrawals: "borne_by_withdrawals",
    DeleverageNeeded: "deleverage_needed",
    DeleverageShared: "deleverage_shared",
    Deleveraged: "deleveraged",
    ProfitCapped: "profit_capped",
    GainsHaircut: "gains_haircut",
    Residual: "residual",
    LossCarried: "loss_carried",
    ClaimOpened: "claim_opened",
    Recovered: "recovered",
    RecoveryShared: "recovery_shared",
    ProfitsCut: "profits_cut",
    Reinstated: "reinstated",
    HaltBegan: "halt_began",
    HaltEnded: "halt_ended",
    WoundDown: "wound_down",
    ClaimRejected: "claim_rejected",
    Distributed: "distributed",
    WrittenOff: "written_off",
    Restored: "restored",
    FundingPaid: "funding_paid",
    Traded: "traded",
    Moved: "moved",
    WithdrawalCut: "withdrawal_cut",
    Converted: "converted",
    PositionSold: "position_sold",
    AuctionHeld: "auction_held",
    FundAuctionOpened: "fund_auction_opened",
    FundBid: "fund_bid",
    FundAuctionRestarted: "fund_auction_restarted",
    FundAuctionClosed: "fund_auction_closed",
    ResidualPaid: "residual_paid",
    PositionSettled: "position_settled",
    Settled: "settled",
}


class Outcome(NamedTuple):
    """What one command did: events in order, and the ledger transfers (source, target, minor units, code)."""

    events: tuple[Event, ...]
    transfers: tuple[tuple[int, int, int, str], ...]
    rejection: Rejection | None = None


def event_to_plain(event: Event) -> dict[str, Any]:
    """The event as JSON-ready data; a field that may be left out is, when it is None."""
    plain = {"kind": EVENT_NAMES[type(event)], **event._asdict()}
    for name in type(event)._field_defaults:
        if plain[name] is None:
            del plain[name]
    return plain

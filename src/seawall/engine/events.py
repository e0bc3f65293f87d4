"""Events: what the engine did, each with the rule and the inputs that decide it.

Amounts are in *book units* of the asset named, unless a field ends in ``_minor``. ``why`` of an event that moves
money by a rule is a list of ``(rule id, inputs)``: the rules' straight-line programs are in ``engine.programs``, and
evaluating them on those inputs and the event's own fields gives the amounts that were posted (``engine.explain``).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any, NamedTuple

Why = tuple[tuple[str] | tuple[str, Mapping[str, Any]], ...]


class Refused(Enum):
    """Why a command was refused. A refused command changes nothing; the refusal is journalled."""

    TIME_BACKWARDS = "time_backwards"  # the command's time is before the last accepted one
    UNKNOWN_MARKET = "unknown_market"  # no such market
    UNKNOWN_ACCOUNT = "unknown_account"  # no such account
    UNKNOWN_ASSET = "unknown_asset"  # no such asset
    BAD_MARK = "bad_mark"  # a mark or price that is not positive, or whose lot value does not fit the book
    BAD_AMOUNT = "bad_amount"  # a size or amount that is not positive
    OVERFLOW = "overflow"  # legal-looking values whose products do not fit the book's bounds
    UNKNOWN_INTENT = "unknown_intent"  # no open intent of that number
    INTENT_LAPSED = "intent_lapsed"  # the fill is later than the intent's deadline
    TOO_LARGE = "too_large"  # more lots than the intent still asks for
    WORSE_THAN_LIMIT = "worse_than_limit"  # the fill price is beyond the intent's limit
    SELF_TRADE = "self_trade"  # both sides are the same account
    CAP_REACHED = "cap_reached"  # the fill would cost the layers more than an account's cap between two marks
    FUND_SHORT = "fund_short"  # the fill needs more than the loss layers may pay for it
    INSUFFICIENT_MARGIN = "insufficient_margin"  # would end below the initial requirement
    INSUFFICIENT_BALANCE = "insufficient_balance"  # more than the account's balance of that asset
    UNDER_LIQUIDATION = "under_liquidation"  # the account is being liquidated and may not trade or withdraw
    UNKNOWN_LOSS = "unknown_loss"  # no loss of that number in that asset
    UNKNOWN_CAUSE = "unknown_cause"  # not a cause that layers can cover
    LOSS_DECLARED = "loss_declared"  # a loss with that reference is booked already
    NOT_REINSTATED = "not_reinstated"  # only house accounts are lifted by the owner
    NOT_IN_DEFAULT = "not_in_default"  # only the portfolio of an account under liquidation is auctioned
    BAD_AUCTION = "bad_auction"  # terms, invitations or bids that make no auction
    HALTED = "halted"  # a halt of the policy is on: trading or withdrawals stand still
    NO_WIND_DOWN = "no_wind_down"  # the policy has no rule for winding down
    NOT_WINDING_DOWN = "not_winding_down"  # claims and distributions belong to a venue that is wound down
    WOUND_DOWN = "wound_down"  # the venue is wound down: nothing trades, settles or moves any more
    EXPIRED = "expired"  # the market's last moment is over: nobody trades it any more
    HOUSE_ACCOUNT = "house_account"  # a fund neither trades nor withdraws
    NOT_EXPIRED = "not_expired"  # settlement before expiry, or of a perpetual


class Rejection(NamedTuple):
    """A refused command: code and data. State is unchanged."""

    code: Refused
    detail: Mapping[str, Any]


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


class LayersShared(NamedTuple):
    """Layers of one rank shared what was left of a loss: (layer, amount) each; their draws follow."""

    loss: int
    asset: str
    shares: tuple[tuple[str, int], ...]
    why: Why


class MembersDrawn(NamedTuple):
    """Members of one rank paid ``amount`` out of their contributions: (account, amount) each."""

    loss: int
    layer: str
    asset: str
    amount: int
    parts: tuple[tuple[str, int], ...]
    why: Why


class CallRound(NamedTuple):
    """One round of a cash call: ``left`` shared over the members whose caps have room: (member, share) each."""

    loss: int
    layer: str
    asset: str
    left: int
    shares: tuple[tuple[str, int], ...]
    why: Why


class Called(NamedTuple):
    """A member paid a cash call: from outside to its contribution ``account``, and on to the loss."""

    loss: int
    layer: str
    member: str
    account: str
    asset: str
    amount: int
    why: Why


class OpenInterestCharged(NamedTuple):
    """Every open lot of a market paid the same towards a loss: ``amount`` over ``lots`` lots of ``accounts`` accounts."""

    loss: int
    layer: str
    market: str
    asset: str
    amount: int
    lots: int
    accounts: int
    why: Why


class CashCut(NamedTuple):
    """Every positive balance of an asset was cut towards a loss: (account, amount) each."""

    loss: int
    layer: str
    asset: str
    amount: int
    cuts: tuple[tuple[str, int], ...]
    why: Why


class BorneByWithdrawals(NamedTuple):
    """What was left of a loss is paid off by withdrawals, at a rate below one, until nothing is outstanding."""

    loss: int
    layer: str
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


class Recovered(NamedTuple):
    """What came back for a loss: ``residual`` pays what nobody had paid, then claims by rank (``recovery_shared``),
    and ``excess`` beyond everything paid goes to the account that defaulted, or stays outside when there is none."""

    loss: int
    account: str
    asset: str
    amount: int
    residual: int
    excess: int
    why: Why


class RecoveryShared(NamedTuple):
    """Claims of one rank were paid out of a recovery, pro rata to what each is owed: (holder, amount) each."""

    loss: int
    asset: str
    rank: int
    amount: int
    parts: tuple[tuple[str, int], ...]
    why: Why


class Reinstated(NamedTuple):
    """The owner lifted a house account."""

    account: str
    asset: str
    amount: int


class HaltBegan(NamedTuple):
    """Something stands still (or, for deleveraging, is switched on) by a criterion of the policy, until at most then."""

    halt: str
    reason: str
    since_ns: int
    until_ns: int


class HaltEnded(NamedTuple):
    """A halt is over."""

    halt: str
    reason: str


class WoundDown(NamedTuple):
    """The venue stopped: every market settled at a price by rule; the classes in the order they are paid."""

    basis: str
    prices: tuple[tuple[str, int], ...]
    classes: tuple[str, ...]


class ClaimRejected(NamedTuple):
    """A claim against the estate was rejected, and why."""

    claim: str
    claimant: str
    rank: str
    asset: str
    amount_minor: int
    reason: str


class Distributed(NamedTuple):
    """A class of claimants was paid ``amount`` of ``claims``, pro rata: (account, amount) each, minor units."""

    asset: str
    rank: str
    final: bool
    amount: int
    claims: int
    parts: tuple[tuple[str, int], ...]
    why: Why


class WrittenOff(NamedTuple):
    """What no money was left for after the final distribution: (account, amount) each, minor units."""

    asset: str
    amount: int
    parts: tuple[tuple[str, int], ...]
    why: Why


class Restored(NamedTuple):
    """Balances of a class that had been written off and are owed again: (account, amount) each, minor units."""

    asset: str
    rank: str
    amount: int
    parts: tuple[tuple[str, int], ...]
    why: Why


class FundingPaid(NamedTuple):
    """Funding: every long lot pays ``per_lot`` book units to the shorts (negative: the reverse)."""

    market: str
    per_lot: int
    why: Why


class Traded(NamedTuple):
    """Two accounts traded."""

    buyer: str
    seller: str
    market: str
    asset: str
    lots: int
    value: int
    why: Why


class Moved(NamedTuple):
    """Deposit, withdrawal, or return of what is left of an isolated position to its account.

    Only the return is by a rule and has a ``why``; the others are what the command asked.
    """

    account: str
    asset: str
    amount_minor: int
    code: str
    why: Why | None = None


class WithdrawalCut(NamedTuple):
    """What a withdrawal paid towards socialised losses: one less ``rate`` (num, den) of it, minor units."""

    account: str
    asset: str
    amount_minor: int
    rate: tuple[int, int]
    why: Why


class Converted(NamedTuple):
    """Collateral sold against the outside at the index price to cover a negative balance of the same account."""

    account: str
    sold: str
    sold_amount: int
    bought: str
    bought_amount: int
    against: str
    why: Why


class PositionSold(NamedTuple):
    """A position of an account in default went to the winner of the auction, at the mark."""

    account: str
    counterparty: str
    market: str
    asset: str
    lots: int
    value: int
    why: Why


class AuctionHeld(NamedTuple):
    """The bids for a portfolio were opened: ``amount`` is what the winner paid on top of the mark (negative: received).

    ``ranking``: valid bids, best first; ``refused``: bids that do not count, with the reason; ``tiers``: how every
    member bid, which is the order in which their money is used.
    """

    account: str
    asset: str
    winner: str | None
    buyer: str
    amount: int
    ranking: tuple[tuple[str, int], ...]
    refused: tuple[tuple[str, int, str], ...]
    tiers: tuple[tuple[str, str], ...]
    thin: bool
    why: Why


class PositionSettled(NamedTuple):
    """A position of an expired market closed at the settlement price: ``lots`` are what closes it."""

    account: str
    counterparty: str
    market: str
    asset: str
    lots: int
    value: int
    why: Why


class Settled(NamedTuple):
    """A market expired and all its positions were closed."""

    market: str
    price: int
    positions: int


Event = (
    MarksSet
    | Quarantined
    | LiquidationStarted
    | IntentOpened
    | Filled
    | IntentLapsed
    | LiquidationEnded
    | TakenOver
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
    | GainsHaircut
    | Residual
    | LossCarried
    | ClaimOpened
    | Recovered
    | RecoveryShared
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
    | PositionSettled
    | Settled
)

EVENT_NAMES: dict[type[Any], str] = {
    MarksSet: "marks_set",
    Quarantined: "quarantined",
    LiquidationStarted: "liquidation_started",
    IntentOpened: "intent_opened",
    Filled: "filled",
    IntentLapsed: "intent_lapsed",
    LiquidationEnded: "liquidation_ended",
    TakenOver: "taken_over",
    LossRecognised: "loss_recognised",
    Drawn: "drawn",
    LayersShared: "layers_shared",
    MembersDrawn: "members_drawn",
    CallRound: "call_round",
    Called: "called",
    OpenInterestCharged: "open_interest_charged",
    CashCut: "cash_cut",
    BorneByWithdrawals: "borne_by_withdrawals",
    DeleverageNeeded: "deleverage_needed",
    DeleverageShared: "deleverage_shared",
    Deleveraged: "deleveraged",
    GainsHaircut: "gains_haircut",
    Residual: "residual",
    LossCarried: "loss_carried",
    ClaimOpened: "claim_opened",
    Recovered: "recovered",
    RecoveryShared: "recovery_shared",
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

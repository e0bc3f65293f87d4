"""Refusals: why a command was not taken. A refused command changes nothing and is journalled."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any, NamedTuple


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
    NO_AUCTIONS = "no_auctions"  # the policy has no rule for auctions of that kind
    UNKNOWN_AUCTION = "unknown_auction"  # no auction of that number is open
    DEBT_TOO_SMALL = "debt_too_small"  # less than a lot of debt that has waited and is not on auction
    DEBT_LEFT = "debt_left"  # debt that the surplus has to pay before any of it is sold
    SURPLUS_LEFT = "surplus_left"  # the fund has more than its buffer: that pays debt before shares are sold for it
    SURPLUS_TOO_SMALL = "surplus_too_small"  # no surplus, or no lot of it, beside all debt and the buffer
    TOO_MUCH_ON_SALE = "too_much_on_sale"  # one more lot of surplus would exceed what may be on sale at once
    AUCTION_OPEN = "auction_open"  # the auction is not decided yet
    AUCTION_OVER = "auction_over"  # the auction takes no bids any more
    BID_TOO_SMALL = "bid_too_small"  # the bid does not beat the last one by the least improvement
    IN_DEFAULT = "in_default"  # an account of the bidder's owner left a loss that nobody has paid
    WITHDRAWALS_CUT = "withdrawals_cut"  # socialised losses are outstanding: no money leaves at its full value
    UNKNOWN_MEMBER = "unknown_member"  # no member of that name pays into the default fund
    STOPPED_PAYING = "stopped_paying"  # the member has stopped paying already, or is in default
    NOT_EXPIRED = "not_expired"  # settlement before expiry, or of a perpetual


class Rejection(NamedTuple):
    """A refused command: code and data. State is unchanged."""

    code: Refused
    detail: Mapping[str, Any]

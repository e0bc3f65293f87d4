"""Liquidation rules: how much to close, at which limit price, what a fill owes, and what the backstop may hold."""

from seawall.liquidation.backstop import excess_over_limits, may_take_over
from seawall.liquidation.closeout import CloseOut, close_out_sizes
from seawall.liquidation.limits import bankruptcy_share, fillable_price, fillable_rating, limit_mark
from seawall.liquidation.rules import (
    BackstopRule,
    FeeKind,
    LimitKind,
    LimitPrice,
    LiquidationFee,
    LiquidationRule,
    OverLimit,
    Pace,
    PaceKind,
)
from seawall.liquidation.settlement import (
    NO_SETTLEMENT,
    Eligibility,
    FillSettlement,
    deleverage_eligibility,
    fund_delta,
    fund_flow,
    settle_fill,
)

__all__ = [
    "NO_SETTLEMENT",
    "BackstopRule",
    "CloseOut",
    "Eligibility",
    "FeeKind",
    "FillSettlement",
    "LimitKind",
    "LimitPrice",
    "LiquidationFee",
    "LiquidationRule",
    "OverLimit",
    "Pace",
    "PaceKind",
    "bankruptcy_share",
    "close_out_sizes",
    "deleverage_eligibility",
    "excess_over_limits",
    "fillable_price",
    "fillable_rating",
    "fund_delta",
    "fund_flow",
    "limit_mark",
    "may_take_over",
    "settle_fill",
]

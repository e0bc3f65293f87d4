"""Liquidation rules: how much to close, at which limit price, what a fill owes, and what the backstop may hold."""

from seawall.liquidation.backstop import excess_over_limits, may_take_over
from seawall.liquidation.caps import BlockCap, BlockUse, CapRefused, Headroom, NotionalRange, position_range
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
    Eligibility,
    FillSettlement,
    deleverage_eligibility,
    fund_delta,
    fund_flow,
    settle_fill,
)
from seawall.liquidation.ticks import to_tick
from seawall.liquidation.transition import (
    AccountView,
    Closed,
    ClosePrice,
    CloseRefused,
    Offset,
    acceptable,
    close_between,
    offset_in_order,
)

__all__ = [
    "AccountView",
    "BackstopRule",
    "BlockCap",
    "BlockUse",
    "CapRefused",
    "CloseOut",
    "ClosePrice",
    "CloseRefused",
    "Closed",
    "Eligibility",
    "FeeKind",
    "FillSettlement",
    "Headroom",
    "LimitKind",
    "LimitPrice",
    "LiquidationFee",
    "LiquidationRule",
    "NotionalRange",
    "Offset",
    "OverLimit",
    "Pace",
    "PaceKind",
    "acceptable",
    "bankruptcy_share",
    "close_between",
    "close_out_sizes",
    "deleverage_eligibility",
    "excess_over_limits",
    "fillable_price",
    "fillable_rating",
    "fund_delta",
    "fund_flow",
    "limit_mark",
    "may_take_over",
    "offset_in_order",
    "position_range",
    "settle_fill",
    "to_tick",
]

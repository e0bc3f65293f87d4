"""The loss waterfall on plain values: layers, deleveraging, gains haircut, deficits and the claims they leave."""

from seawall.waterfall.claims import Claim, ClaimBook
from seawall.waterfall.deficits import Deficit, DeficitBook
from seawall.waterfall.deleveraging import (
    Candidates,
    Endowments,
    Seizure,
    binance_score,
    order_by_score,
    profit_leverage_score,
    profit_margin_ratio_score,
    rank,
    seize_in_order,
    seize_pro_rata,
    take_in_order,
    take_pro_rata,
)
from seawall.waterfall.haircut import Haircut, haircut_gains
from seawall.waterfall.layers import Allocation, Draw, LayerState, allocate
from seawall.waterfall.order import order_layers
from seawall.waterfall.rules import (
    CAUSES,
    OTHER_TIER,
    PAYING,
    DeleverageRule,
    GainsBase,
    LayerKind,
    LayerRule,
    Limit,
    LimitScope,
    PriceRule,
    RankRule,
)

__all__ = [
    "CAUSES",
    "OTHER_TIER",
    "PAYING",
    "Allocation",
    "Candidates",
    "Claim",
    "ClaimBook",
    "Deficit",
    "DeficitBook",
    "DeleverageRule",
    "Draw",
    "Endowments",
    "GainsBase",
    "Haircut",
    "LayerKind",
    "LayerRule",
    "LayerState",
    "Limit",
    "LimitScope",
    "PriceRule",
    "RankRule",
    "Seizure",
    "allocate",
    "binance_score",
    "haircut_gains",
    "order_by_score",
    "order_layers",
    "profit_leverage_score",
    "profit_margin_ratio_score",
    "rank",
    "seize_in_order",
    "seize_pro_rata",
    "take_in_order",
    "take_pro_rata",
]

"""Synthetix v3: liquidation in windows."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from conformance.compare import Adapter
from seawall.liquidation import close_in_window, window_capacity

GROUP = "synthetix_v3"


def liquidation_window(inputs: dict[str, Any]) -> dict[str, Any]:
    capacity = window_capacity(
        Fraction(inputs["maker_fee"]) + Fraction(inputs["taker_fee"]),
        Fraction(inputs["skew_scale"]),
        Fraction(inputs["limit_multiplier"]),
        Fraction(inputs["seconds_in_window"]),
    )
    found = close_in_window(Fraction(inputs["position_size"]), capacity, Fraction(inputs["capacity_used_in_window"]))
    return {"window_capacity": capacity, "position_after": found.left}


OPS: dict[str, Adapter] = {"liquidation_window": liquidation_window}

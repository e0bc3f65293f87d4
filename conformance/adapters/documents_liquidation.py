"""Liquidation examples that venues print in their documents."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from conformance.compare import Adapter
from seawall.liquidation import StepDown, step_down

GROUP = "documents"


def paradex_liquidation_share(inputs: dict[str, Any]) -> dict[str, Any]:
    positions = [{k: Fraction(v) for k, v in p.items()} for p in inputs["positions"]]
    gross = sum((abs(p["size"]) * p["mark"] for p in positions), Fraction(0))
    maintenance = gross * Fraction(inputs["maintenance_fraction"])
    profit = sum((p["size"] * (p["mark"] - p["entry"]) for p in positions), Fraction(0))
    value = Fraction(inputs["collateral"]) + profit
    rule = StepDown(
        Fraction(inputs["share_step"]), Fraction(inputs["liquidation_fee"]), Fraction(inputs["target_margin_ratio"])
    )
    found = step_down(rule, value=value, maintenance=maintenance)
    table = [
        {
            "share": row.share,
            "new_mmr": row.maintenance,
            "penalty": row.penalty,
            "new_account_value": row.value,
            "margin_ratio": row.ratio,
        }
        for row in found.rows
    ]
    return {"account_value": value, "mmr": maintenance, "table": table, "chosen_share": found.share}


OPS: dict[str, Adapter] = {"paradex_liquidation_share": paradex_liquidation_share}

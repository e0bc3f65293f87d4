"""Collateral: haircuts and what counts."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from conformance.compare import Adapter
from seawall.margin.collateral import haircut_breaches, recognised_value, scaled_haircut

GROUP = "collateral"


def scaled(inputs: dict[str, Any]) -> dict[str, Any]:
    days = Fraction(inputs["revaluation_days"]), Fraction(inputs["holding_days"])
    return {"haircut": scaled_haircut(Fraction(inputs["h10"]), *days)}


def breaches(inputs: dict[str, Any]) -> dict[str, Any]:
    return haircut_breaches(Fraction(inputs["haircut"]), [Fraction(r) for r in inputs["returns"]])._asdict()


def recognised(inputs: dict[str, Any]) -> dict[str, Any]:
    holdings = {name: Fraction(x) for name, x in inputs["holdings"].items()}
    haircut = {name: Fraction(x) for name, x in inputs["haircut"].items()}
    found = recognised_value(holdings, haircut, inputs["wrong_way"], Fraction(inputs["single_asset_limit"]))
    return {"eligible": found.eligible, "recognised": found.recognised, "recognised_total": found.total}


OPS: dict[str, Adapter] = {"scaled_haircut": scaled, "haircut_breaches": breaches, "recognised_value": recognised}

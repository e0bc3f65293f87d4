"""Layers in order, tiers side by side, several defaults, recoveries, and splits that sum exactly."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from conformance.compare import Adapter
from seawall.waterfall import (
    DefaultLoss,
    LayerState,
    Slice,
    allocate,
    parts,
    return_recoveries,
    successive_defaults,
)
from seawall.waterfall import allocate_tiers as over_tiers

GROUP = "waterfall"


def allocate_layers(inputs: dict[str, Any]) -> dict[str, Any]:
    layers = inputs["layers_in_order"]
    states = [LayerState(layer["name"], Fraction(layer["amount"])) for layer in layers]
    found = allocate(Fraction(inputs["loss"]), states)
    return {
        "used": {d.name: d.amount for d in found.draws},
        "unused": {d.name: d.available - d.amount for d in found.draws},
        "shortfall": found.residual,
    }


def allocate_tiers(inputs: dict[str, Any]) -> dict[str, Any]:
    tiers = [[(payer["name"], Fraction(payer["amount"])) for payer in tier] for tier in inputs["tiers_in_order"]]
    found = over_tiers(Fraction(inputs["loss"]), tiers)
    return {"used": found.used, "shortfall": found.residual}


def successive(inputs: dict[str, Any]) -> dict[str, Any]:
    slices = [
        Slice("sitg", Fraction(inputs["sitg"]), reinstated=inputs["sitg_reinstated_between"]),
        Slice("members", Fraction(inputs["member_fund"])),
    ]
    defaults = [DefaultLoss(Fraction(d["loss"]), Fraction(d["defaulter_resources"])) for d in inputs["defaults"]]
    found = successive_defaults(slices, defaults)
    return {
        "defaults": [
            {"sitg_used": draws[0].amount, "members_used": draws[1].amount, "shortfall": residual}
            for draws, residual in found.defaults
        ],
        "sitg_left": found.left["sitg"],
        "member_fund_left": found.left["members"],
    }


def recoveries(inputs: dict[str, Any]) -> dict[str, Any]:
    paid = [
        (layer["name"], {payer: Fraction(x) for payer, x in layer["used"].items()}) for layer in inputs["return_order"]
    ]
    found = return_recoveries(Fraction(inputs["recovery"]), paid)
    return {"returned": [{"name": n, "returned": back} for n, back in found.layers], "excess": found.excess}


def split_minor_units(inputs: dict[str, Any]) -> dict[str, Any]:
    return {"shares": parts(int(inputs["loss_minor_units"]), [int(w) for w in inputs["weights"]])}


OPS: dict[str, Adapter] = {
    "allocate": allocate_layers,
    "allocate_tiers": allocate_tiers,
    "successive_defaults": successive,
    "return_recoveries": recoveries,
    "split_minor_units": split_minor_units,
}

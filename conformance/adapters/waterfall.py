"""Layers in order, and splits that sum exactly."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from conformance.compare import Adapter
from seawall.money import split
from seawall.waterfall import LayerState, allocate

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


def split_minor_units(inputs: dict[str, Any]) -> dict[str, Any]:
    weights = [int(w) for w in inputs["weights"]]
    loss = int(inputs["loss_minor_units"])
    if not sum(weights):  # "a zero sum gives zero to everyone"
        return {"shares": [0] * len(weights)}
    return {"shares": split(loss, weights)}


OPS: dict[str, Adapter] = {"allocate": allocate_layers, "split_minor_units": split_minor_units}

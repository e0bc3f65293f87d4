"""Margin add-ons and anti-procyclicality."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from conformance.compare import Adapter
from seawall.margin.addons import concentration_addon, drainable_buffer, weighted_scan

GROUP = "margin"


def buffer(inputs: dict[str, Any]) -> dict[str, Any]:
    calculated = [Fraction(x) for x in inputs["calculated"]]
    return drainable_buffer(Fraction(inputs["buffer"]), calculated, inputs.get("drain_from_index"))._asdict()


def scan(inputs: dict[str, Any]) -> dict[str, Any]:
    rows = [(Fraction(shock), Fraction(weight)) for shock, weight in inputs["spot_shock_and_weight"]]
    spot, position = Fraction(inputs["spot"]), Fraction(inputs["position"])
    return weighted_scan(spot, position, rows, Fraction(inputs["min_fraction"]))._asdict()


def addon(inputs: dict[str, Any]) -> dict[str, Any]:
    names = ("position", "adv", "participation", "base_days", "margin_base_days")
    return concentration_addon(*(Fraction(inputs[name]) for name in names))._asdict()


OPS: dict[str, Adapter] = {"drainable_buffer": buffer, "weighted_scan": scan, "concentration_addon": addon}

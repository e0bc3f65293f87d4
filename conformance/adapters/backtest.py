"""Back-tests of margin coverage."""

from __future__ import annotations

from fractions import Fraction
from math import isfinite
from typing import Any

from conformance.compare import Adapter, RefusedError
from seawall.risk import coverage_disclosure, kupiec_lr, kupiec_region, traffic_light, zone_thresholds

GROUP = "backtest"


def light(inputs: dict[str, Any]) -> dict[str, Any]:
    found = traffic_light(inputs["n"], Fraction(inputs["coverage"]), inputs["exceptions"])
    return {"cumulative_probability": found.cumulative_probability, "zone": found.zone.value}


def thresholds(inputs: dict[str, Any]) -> dict[str, Any]:
    return zone_thresholds(inputs["n"], Fraction(inputs["coverage"]))._asdict()


def ratio(inputs: dict[str, Any]) -> dict[str, Any]:
    found = kupiec_lr(inputs["n"], Fraction(inputs["coverage"]), inputs["exceptions"])
    if not isfinite(found):
        raise RefusedError("infinite_ratio")
    return {"lr": Fraction(found)}


def region(inputs: dict[str, Any]) -> dict[str, Any]:
    found = kupiec_region(inputs["n"], Fraction(inputs["coverage"]), Fraction(inputs["critical_value"]))
    if found is None:
        raise RefusedError("no_count_accepted")
    return {"accept_from": found[0], "accept_to": found[1]}


def disclosure(inputs: dict[str, Any]) -> dict[str, Any]:
    uncovered = [Fraction(x) for x in inputs["uncovered_amounts"]]
    return coverage_disclosure(inputs["observations"], uncovered)._asdict()


OPS: dict[str, Adapter] = {
    "traffic_light": light,
    "zone_thresholds": thresholds,
    "kupiec_lr": ratio,
    "kupiec_region": region,
    "coverage_disclosure": disclosure,
}

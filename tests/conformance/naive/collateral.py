"""Collateral of a clearing house, written from the rules' text alone."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from tests.conformance.naive.numbers import Inputs, Rule, real
from tests.conformance.naive.roots import square_root

ZERO = Fraction(0)


def scaled_haircut(i: Inputs) -> dict[str, Any]:
    days = real(i["revaluation_days"]) + real(i["holding_days"]) - 1
    return {"haircut": real(i["h10"]) * square_root(days / 10)}


def haircut_breaches(i: Inputs) -> dict[str, Any]:
    excess = [-real(r) - real(i["haircut"]) for r in i["returns"]]
    return {"breaches": sum(1 for x in excess if x > 0), "worst_excess": max([ZERO, *excess])}


def recognised_value(i: Inputs) -> dict[str, Any]:
    eligible = {
        asset: ZERO if asset in i["wrong_way"] else real(value) * (1 - real(i["haircut"][asset]))
        for asset, value in i["holdings"].items()
    }
    limit, descending = real(i["single_asset_limit"]), sorted(eligible.values(), reverse=True)
    for k in range(len(descending) + 1):
        if k * limit < 1:
            total = sum(descending[k:], ZERO) / (1 - k * limit)
            if all(x <= limit * total for x in descending[k:]):
                break
    recognised = {asset: min(x, limit * total) for asset, x in eligible.items()}
    return {"eligible": eligible, "recognised": recognised, "recognised_total": total}


RULES: dict[str, Rule] = {
    f"collateral.{rule.__name__}": rule for rule in (scaled_haircut, haircut_breaches, recognised_value)
}

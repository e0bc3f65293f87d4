"""Capital of a clearing house and margin add-ons, written from the rules' text alone."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from tests.conformance.naive.numbers import Inputs, Rule, ratio, real
from tests.conformance.naive.roots import square_root

ZERO = Fraction(0)


def k_ccp(i: Inputs) -> dict[str, Any]:
    if "ead" in i:
        exposures = [real(x) for x in i["ead"]]
    else:
        exposures = [max(ZERO, real(m["ebrm"]) - real(m["im"]) - real(m["df"])) for m in i["members"]]
    whole = sum((max(ZERO, x) for x in exposures), ZERO)
    return {"k_ccp": whole * real(i["risk_weight"]) * real(i["capital_ratio"])}


def member_charge(i: Inputs) -> dict[str, Any]:
    floor = real(i["capital_ratio"]) * real(i["floor_risk_weight"]) * real(i["df_i"])
    share = ratio(real(i["k_ccp"]) * real(i["df_i"]), real(i["df_ccp"]) + real(i["df_cm_total"]))
    charge = max(share, floor)
    return {"k_cm_i": charge, "floor": floor, "rwa": charge * 25 / 2}


def drainable_buffer(i: Inputs) -> dict[str, Any]:
    calculated, up = [real(x) for x in i["calculated"]], 1 + real(i["buffer"])
    start = i.get("drain_from_index", len(calculated))
    required = []
    for day, margin in enumerate(calculated):
        required.append(up * margin if day < start else max(margin, up * calculated[start - 1]))
    return {"required": required, "buffer_left": [r - c for r, c in zip(required, calculated, strict=True)]}


def weighted_scan(i: Inputs) -> dict[str, Any]:
    spot, position = real(i["spot"]), real(i["position"])
    losses = [-position * spot * real(shock) * real(weight) for shock, weight in i["spot_shock_and_weight"]]
    scan = max([ZERO, *losses])
    minimum = real(i["min_fraction"]) * spot * abs(position)
    return {"scan": scan, "minimum": minimum, "requirement": max(scan, minimum)}


def concentration_addon(i: Inputs) -> dict[str, Any]:
    days = ratio(abs(real(i["position"])), real(i["participation"]) * real(i["adv"]))
    base = real(i["base_days"])
    multiplier = square_root(ratio(max(days, base), base))
    return {"days_to_liquidate": days, "multiplier": multiplier, "margin": multiplier * real(i["margin_base_days"])}


RULES: dict[str, Rule] = {
    "capital.k_ccp": k_ccp,
    "capital.member_charge": member_charge,
    "margin.drainable_buffer": drainable_buffer,
    "margin.weighted_scan": weighted_scan,
    "margin.concentration_addon": concentration_addon,
}

"""Capital of a clearing house and of its members."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from conformance.compare import Adapter
from seawall.risk import Exposure, k_ccp, member_charge

GROUP = "capital"


def hypothetical(inputs: dict[str, Any]) -> dict[str, Any]:
    if "ead" in inputs:
        ead = [Fraction(x) for x in inputs["ead"]]
    else:
        members = inputs["members"]
        ead = [Exposure(Fraction(m["ebrm"]), Fraction(m["im"]), Fraction(m["df"])).ead for m in members]
    return {"k_ccp": k_ccp(ead, Fraction(inputs["risk_weight"]), Fraction(inputs["capital_ratio"]))}


def charge(inputs: dict[str, Any]) -> dict[str, Any]:
    names = ("k_ccp", "df_ccp", "df_cm_total", "df_i", "capital_ratio", "floor_risk_weight")
    found = member_charge(*(Fraction(inputs[name]) for name in names))
    return {"k_cm_i": found.k_cm, "floor": found.floor, "rwa": found.rwa}


OPS: dict[str, Adapter] = {"k_ccp": hypothetical, "member_charge": charge}

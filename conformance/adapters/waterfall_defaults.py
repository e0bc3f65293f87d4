"""Several defaults in turn against own resources and the members' fund."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from conformance.compare import Adapter
from seawall.members import Loss, OwnSlice, successive_defaults

GROUP = "waterfall"


def successive(inputs: dict[str, Any]) -> dict[str, Any]:
    own = OwnSlice.of(Fraction(inputs["sitg"]), reinstated=inputs["sitg_reinstated_between"])
    losses = [Loss(Fraction(d["loss"]), Fraction(d["defaulter_resources"])) for d in inputs["defaults"]]
    found = successive_defaults(own, Fraction(inputs["member_fund"]), losses)
    return {
        "defaults": [{"sitg_used": u.own, "members_used": u.members, "shortfall": u.residual} for u in found.uses],
        "sitg_left": found.own.left,
        "member_fund_left": found.fund_left,
    }


OPS: dict[str, Adapter] = {"successive_defaults": successive}

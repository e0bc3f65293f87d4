"""Recovery by calls on surviving members."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from conformance.compare import Adapter
from seawall.members import CallCaps, assessments, call_limits, cash_call

GROUP = "recovery"


def call(inputs: dict[str, Any]) -> dict[str, Any]:
    contribution = {member: Fraction(x) for member, x in inputs["contribution"].items()}
    limits = call_limits(contribution, Fraction(inputs["cap_multiple"]))
    found = cash_call(Fraction(inputs["need"]), contribution, limits, frozenset(inputs["fails_to_pay"]))
    return {
        "first_call": found.first_call(),
        "collected_first": found.collected_first(),
        "total_paid": found.paid,
        "shortfall": found.shortfall,
    }


def assessment_caps(inputs: dict[str, Any]) -> dict[str, Any]:
    caps = CallCaps(Fraction(inputs["single_multiple"]), Fraction(inputs["window_multiple"]))
    needs = [Fraction(x) for x in inputs["assessment_needs"]]
    found = assessments(Fraction(inputs["contribution"]), caps, needs)
    return {"called": found.called, "unmet": found.unmet, "cumulative": found.cumulative}


OPS: dict[str, Adapter] = {"cash_call": call, "assessment_caps": assessment_caps}

"""Sizing a default fund and sharing it among members."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from conformance.compare import Adapter
from seawall.members import (
    Cover,
    Roster,
    averaged_stress_loss,
    concentration_response,
    contributions_with_minimum,
    cover_k,
    fund_minimum,
    own_resources_split,
    prefunded_test,
    probability_of_more_defaults,
    weighted_contributions,
)

GROUP = "sizing"


def numbers(amounts: Mapping[str, Any]) -> dict[str, Fraction]:
    return {name: Fraction(x) for name, x in amounts.items()}


def rows(table: Mapping[str, Sequence[Any]]) -> dict[str, list[Fraction]]:
    return {name: [Fraction(x) for x in row] for name, row in table.items()}


def cover(inputs: dict[str, Any]) -> dict[str, Any]:
    stress = rows(inputs["stress_loss_over_resources"])
    roster = Roster.of(stress, inputs.get("groups"))

    def shown(found: Cover) -> dict[str, Any]:
        return {"amount": found.amount, "scenario": found.scenario, "groups": list(found.groups)}

    return {f"cover{k}": shown(cover_k(stress, inputs["scenarios"], k, roster)) for k in (1, 2)}


def minimum(inputs: dict[str, Any]) -> dict[str, Any]:
    return {"minimum_default_fund": fund_minimum([Fraction(x) for x in inputs["exposures"]])}


def prefunded(inputs: dict[str, Any]) -> dict[str, Any]:
    exposures = [Fraction(x) for x in inputs["exposures"]]
    found = prefunded_test(exposures, Fraction(inputs["default_fund"]), Fraction(inputs["other_prefunded"]))
    return {
        "cover2_requirement": found.requirement,
        "prefunded": found.prefunded,
        "covered": found.covered,
        "gap": found.gap,
    }


def averaged(inputs: dict[str, Any]) -> dict[str, Any]:
    found = averaged_stress_loss(rows(inputs["slom_by_group"]), Fraction(inputs["buffer"]))
    return {"average": found.average, "default_fund": found.fund}


def concentration(inputs: dict[str, Any]) -> dict[str, Any]:
    found = concentration_response(
        Fraction(inputs["default_fund"]),
        numbers(inputs["group_slom"]),
        Fraction(inputs["early_warning"]),
        Fraction(inputs["pair_trigger"]),
        Fraction(inputs["individual_cap"]),
    )
    return {**found._asdict(), "early_warning": list(found.early_warning)}


def with_minimum(inputs: dict[str, Any]) -> dict[str, Any]:
    exposure = numbers(inputs["exposure"])
    shares = contributions_with_minimum(Fraction(inputs["target"]), exposure, Fraction(inputs["minimum"]))
    return {"contribution": shares}


def weighted(inputs: dict[str, Any]) -> dict[str, Any]:
    measures = {member: numbers(own) for member, own in inputs["members"].items()}
    weights = numbers(inputs["weights"])
    fund, fixed = Fraction(inputs["fund"]), Fraction(inputs["fixed_each"])
    return {"contribution": weighted_contributions(fund, fixed, weights, measures)}


def own_resources(inputs: dict[str, Any]) -> dict[str, Any]:
    own, allocated = own_resources_split(
        Fraction(inputs["capital"]), Fraction(inputs["fraction"]), numbers(inputs["fund_sizes"])
    )
    return {"own_resources": own, "allocated": allocated}


def more_defaults(inputs: dict[str, Any]) -> dict[str, Any]:
    p = Fraction(inputs["default_probability"])
    return {"probability": probability_of_more_defaults(inputs["members"], p, inputs["covered_defaults"])}


OPS: dict[str, Adapter] = {
    "cover_k": cover,
    "fund_minimum": minimum,
    "prefunded_test": prefunded,
    "averaged_stress_loss": averaged,
    "concentration_response": concentration,
    "contributions_with_minimum": with_minimum,
    "weighted_contributions": weighted,
    "own_resources_split": own_resources,
    "prob_more_defaults": more_defaults,
}

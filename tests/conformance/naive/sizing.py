"""Size of a default fund and who brings it, written from the rules' text alone."""

from __future__ import annotations

from fractions import Fraction
from math import comb
from typing import Any

from tests.conformance.naive.numbers import Inputs, Rule, pro_rata, real, two_largest


def cover_k(i: Inputs) -> dict[str, Any]:
    losses = i["stress_loss_over_resources"]
    groups = i["groups"] if "groups" in i else {member: [member] for member in losses}
    result = {}
    for k in (1, 2):
        best: dict[str, Any] | None = None
        for number, scenario in enumerate(i["scenarios"]):
            exposures = [
                (sum((max(Fraction(0), real(losses[m][number])) for m in members), Fraction(0)), name)
                for name, members in groups.items()
            ]
            exposures.sort(key=lambda pair: (-pair[0], pair[1]))
            amount = sum((exposure for exposure, _ in exposures[:k]), Fraction(0))
            if best is None or amount > best["amount"]:
                best = {"amount": amount, "scenario": scenario, "groups": [name for _, name in exposures[:k]]}
        result[f"cover{k}"] = best
    return result


def fund_minimum(i: Inputs) -> dict[str, Any]:
    xs = sorted((real(x) for x in i["exposures"]), reverse=True)
    return {"minimum_default_fund": max(xs[0], xs[1] + xs[2])}


def prefunded_test(i: Inputs) -> dict[str, Any]:
    requirement = two_largest(i["exposures"])
    prefunded = real(i["default_fund"]) + real(i["other_prefunded"])
    return {
        "cover2_requirement": requirement,
        "prefunded": prefunded,
        "covered": prefunded >= requirement,
        "gap": max(Fraction(0), requirement - prefunded),
    }


def averaged_stress_loss(i: Inputs) -> dict[str, Any]:
    average = {g: sum((real(x) for x in days), Fraction(0)) / len(days) for g, days in i["slom_by_group"].items()}
    return {"average": average, "default_fund": two_largest(list(average.values())) * (1 + real(i["buffer"]))}


def concentration_response(i: Inputs) -> dict[str, Any]:
    fund = real(i["default_fund"])
    losses = {g: real(x) for g, x in i["group_slom"].items()}
    cap = real(i["individual_cap"]) * fund
    charge = {g: x - cap for g, x in losses.items() if x > cap}
    pair = two_largest(list(losses.values()))
    return {
        "early_warning": sorted(g for g, x in losses.items() if x > real(i["early_warning"]) * fund),
        "pair_sum": pair,
        "pair_trigger": pair > real(i["pair_trigger"]) * fund,
        "supplementary_margin": charge,
        "pair_sum_after": two_largest([x - charge.get(g, 0) for g, x in losses.items()]),
    }


def contributions_with_minimum(i: Inputs) -> dict[str, Any]:
    target, minimum = real(i["target"]), real(i["minimum"])
    fixed: set[str] = set()
    while True:
        others = {m: x for m, x in i["exposure"].items() if m not in fixed}
        shares = pro_rata(target - minimum * len(fixed), others)
        below = {m for m, x in shares.items() if x < minimum}
        if not below:
            return {"contribution": {m: shares.get(m, minimum) for m in i["exposure"]}}
        fixed |= below


def weighted_contributions(i: Inputs) -> dict[str, Any]:
    members, fixed = i["members"], real(i["fixed_each"])
    rest = real(i["fund"]) - fixed * len(members)
    contribution = dict.fromkeys(members, fixed)
    for measure, weight in i["weights"].items():
        shares = pro_rata(rest * real(weight), {m: members[m][measure] for m in members})
        for m, share in shares.items():
            contribution[m] += share
    return {"contribution": contribution}


def own_resources_split(i: Inputs) -> dict[str, Any]:
    own = real(i["capital"]) * real(i["fraction"])
    return {"own_resources": own, "allocated": pro_rata(own, i["fund_sizes"])}


def prob_more_defaults(i: Inputs) -> dict[str, Any]:
    n, p, k = i["members"], real(i["default_probability"]), i["covered_defaults"]
    return {"probability": sum((comb(n, x) * p**x * (1 - p) ** (n - x) for x in range(k + 1, n + 1)), Fraction(0))}


RULES: dict[str, Rule] = {
    f"sizing.{rule.__name__}": rule
    for rule in (
        cover_k,
        fund_minimum,
        prefunded_test,
        averaged_stress_loss,
        concentration_response,
        contributions_with_minimum,
        weighted_contributions,
        own_resources_split,
        prob_more_defaults,
    )
}

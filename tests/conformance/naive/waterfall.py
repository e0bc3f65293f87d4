"""Order of use of a clearing house's layers, written from the rules' text alone."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from tests.conformance.naive.numbers import Inputs, Rule, pro_rata, real


def allocate(i: Inputs) -> dict[str, Any]:
    left = real(i["loss"])
    used, unused = {}, {}
    for layer in i["layers_in_order"]:
        amount = real(layer["amount"])
        used[layer["name"]] = min(left, amount)
        unused[layer["name"]] = amount - used[layer["name"]]
        left -= used[layer["name"]]
    return {"used": used, "unused": unused, "shortfall": left}


def allocate_tiers(i: Inputs) -> dict[str, Any]:
    left = real(i["loss"])
    used: dict[str, Fraction] = {}
    for tier in i["tiers_in_order"]:
        amounts = {part["name"]: real(part["amount"]) for part in tier}
        paid = min(left, sum(amounts.values(), Fraction(0)))
        used |= pro_rata(paid, amounts)
        left -= paid
    return {"used": used, "shortfall": left}


def successive_defaults(i: Inputs) -> dict[str, Any]:
    own, fund = real(i["sitg"]), real(i["member_fund"])
    defaults = []
    for number, default in enumerate(i["defaults"]):
        if number and i["sitg_reinstated_between"]:
            own = real(i["sitg"])
        loss = max(Fraction(0), real(default["loss"]) - real(default["defaulter_resources"]))
        first = min(loss, own)
        second = min(loss - first, fund)
        own, fund = own - first, fund - second
        defaults.append({"sitg_used": first, "members_used": second, "shortfall": loss - first - second})
    return {"defaults": defaults, "sitg_left": own, "member_fund_left": fund}


def return_recoveries(i: Inputs) -> dict[str, Any]:
    left = real(i["recovery"])
    returned = []
    for layer in i["return_order"]:
        paid = min(left, sum((real(x) for x in layer["used"].values()), Fraction(0)))
        returned.append({"name": layer["name"], "returned": pro_rata(paid, layer["used"])})
        left -= paid
    return {"returned": returned, "excess": left}


def split_minor_units(i: Inputs) -> dict[str, Any]:
    loss, weights = i["loss_minor_units"], i["weights"]
    whole = sum(weights)
    if whole == 0:
        return {"shares": [0 for _ in weights]}
    shares = [loss * w // whole for w in weights]
    remainders = [loss * w % whole for w in weights]
    for index in sorted(range(len(weights)), key=lambda k: (-remainders[k], k))[: loss - sum(shares)]:
        shares[index] += 1
    return {"shares": shares}


RULES: dict[str, Rule] = {
    f"waterfall.{rule.__name__}": rule
    for rule in (allocate, allocate_tiers, successive_defaults, return_recoveries, split_minor_units)
}

"""Recovery tools, written from the rules' text alone."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from tests.conformance.naive.numbers import Inputs, Rule, pro_rata, real

ZERO = Fraction(0)


def gains_haircut(i: Inputs) -> dict[str, Any]:
    gains = {m: real(x) for m, x in i["gains"].items()}
    shortfall, positive = real(i["shortfall"]), sum((x for x in gains.values() if x > 0), ZERO)
    haircut = min(Fraction(1), shortfall / positive) if positive else ZERO
    cut = {m: haircut * max(ZERO, x) for m, x in gains.items()}
    return {
        "haircut": haircut,
        "cut": cut,
        "paid": {m: x - cut[m] for m, x in gains.items()},
        "residual": shortfall - sum(cut.values(), ZERO),
    }


def capped_gains_haircut(i: Inputs) -> dict[str, Any]:
    cap_left = {m: real(i["cap_per_member"]) for day in i["days"] for m in day["gains"]}
    days = []
    for day in i["days"]:
        gains = {m: real(x) for m, x in day["gains"].items()}
        left, cut = real(day["shortfall"]), dict.fromkeys(gains, ZERO)
        while left > 0:
            room = {m: min(x, cap_left[m]) - cut[m] for m, x in gains.items()}
            able = {m: gains[m] for m in gains if room[m] > 0}
            if not able:
                break
            for m, share in pro_rata(left, able).items():
                cut[m] += min(share, room[m])
            left = real(day["shortfall"]) - sum(cut.values(), ZERO)
        for m, x in cut.items():
            cap_left[m] -= x
        days.append({"cut": cut, "residual": left})
    return {"days": days, "cap_left": cap_left}


def partial_tear_up(i: Inputs) -> dict[str, Any]:
    lots = {m: real(x) for m, x in i["opposite_side"].items()}
    unmatched, mark = real(i["unmatched_contracts"]), real(i["mark"])
    total = min(unmatched, sum(lots.values(), ZERO))
    torn = pro_rata(total, lots)
    sign = 1 if i["side"] == "long" else -1
    return {
        "torn": torn,
        "settled_pnl": {m: sign * (mark - real(i["entry"][m])) * torn[m] for m in lots},
        "open_after": {m: x - torn[m] for m, x in lots.items()},
        "unmatched_left": unmatched - total,
    }


def cash_call(i: Inputs) -> dict[str, Any]:
    contribution = {m: real(x) for m, x in i["contribution"].items()}
    cap = {m: real(i["cap_multiple"]) * x for m, x in contribution.items()}
    needed, paid = real(i["need"]), dict.fromkeys(contribution, ZERO)
    failing = set(i["fails_to_pay"])
    first_call, collected_first = dict.fromkeys(contribution, ZERO), ZERO
    known: set[str] = set()
    first = True
    while needed > 0:
        active = {m: x for m, x in contribution.items() if m not in known and paid[m] < cap[m]}
        if not active:
            break
        asked = {m: min(x, cap[m] - paid[m]) for m, x in pro_rata(needed, active).items()}
        got = {m: ZERO if m in failing else x for m, x in asked.items()}
        for m, x in got.items():
            paid[m] += x
        needed -= sum(got.values(), ZERO)
        if first:
            first_call |= asked
            collected_first = sum(got.values(), ZERO)
        first, known = False, failing
    return {"first_call": first_call, "collected_first": collected_first, "total_paid": paid, "shortfall": needed}


def assessment_caps(i: Inputs) -> dict[str, Any]:
    contribution = real(i["contribution"])
    called: list[Fraction] = []
    for need in i["assessment_needs"]:
        in_window = real(i["window_multiple"]) * contribution - sum(called, ZERO)
        called.append(min(real(need), real(i["single_multiple"]) * contribution, in_window))
    unmet = [real(need) - x for need, x in zip(i["assessment_needs"], called, strict=True)]
    return {"called": called, "unmet": unmet, "cumulative": sum(called, ZERO)}


def junior_profit_haircut(i: Inputs) -> dict[str, Any]:
    residual = max(0, i["vault"] - i["capital_total"] - i["insurance"])
    profits = i["matured_positive_pnl"]
    whole = sum(profits.values())
    m = min(residual, whole)
    return {
        "residual": residual,
        "h": Fraction(m, whole) if whole else Fraction(1),
        "effective": {account: x * m // whole if whole else 0 for account, x in profits.items()},
    }


def loss_layers(i: Inputs) -> dict[str, Any]:
    equity, unvested = real(i["principal"]) + real(i["realized"]), real(i["unvested"])
    deficit = max(ZERO, equity + unvested - real(i["collateral"]))
    burned = min(unvested, deficit)
    drawn = min(real(i["insurance"]), deficit - burned)
    left = deficit - burned - drawn
    return {
        "unvested_burned": burned,
        "insurance_drawn": drawn,
        "equity_haircut": min(Fraction(1), left / equity) if equity else ZERO,
    }


RULES: dict[str, Rule] = {
    f"recovery.{rule.__name__}": rule
    for rule in (
        gains_haircut,
        capped_gains_haircut,
        partial_tear_up,
        cash_call,
        assessment_caps,
        junior_profit_haircut,
        loss_layers,
    )
}

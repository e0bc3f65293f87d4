"""Random inputs of the clearing-house operations, within what the rules' text allows."""

from __future__ import annotations

from fractions import Fraction
from random import Random
from typing import Any

from tests.conformance.naive.draws import Draw, Reals, decimal, names, part, whole

Inputs = dict[str, Any]


def layers(rng: Random, reals: Reals, low: int = 0) -> list[dict[str, Any]]:
    return [{"name": name, "amount": reals()} for name in names(rng, low, 6)]


def loss_for(rng: Random, reals: Reals, whole_amount: int | Fraction) -> int | Fraction:
    """A loss that is nothing, any, or exactly everything there is."""
    return rng.choice((reals(), reals(), whole_amount, whole_amount + 1, 0))


def allocate(rng: Random) -> Inputs:
    reals = Reals(rng)
    order = layers(rng, reals)
    return {"loss": loss_for(rng, reals, sum(x["amount"] for x in order)), "layers_in_order": order}


def allocate_tiers(rng: Random) -> Inputs:
    reals = Reals(rng)
    parts = layers(rng, reals)
    tiers: list[list[dict[str, Any]]] = [[] for _ in range(rng.randint(1, 3))]
    for item in parts:
        rng.choice(tiers).append(item)
    tiers = [tier for tier in tiers if tier or rng.random() < 0.1]
    return {"loss": loss_for(rng, reals, sum(x["amount"] for x in parts)), "tiers_in_order": tiers}


def successive_defaults(rng: Random) -> Inputs:
    reals = Reals(rng)
    defaults = [{"loss": reals(), "defaulter_resources": reals()} for _ in range(rng.randint(0, 5))]
    return {
        "sitg": reals(),
        "member_fund": reals() * rng.choice((1, 3)),
        "sitg_reinstated_between": rng.random() < 0.5,
        "defaults": defaults,
    }


def return_recoveries(rng: Random) -> Inputs:
    reals = Reals(rng)
    order = [{"name": name, "used": {m: reals() for m in names(rng, 0, 4)}} for name in names(rng, 0, 4)]
    paid = sum(x for layer in order for x in layer["used"].values())
    return {"recovery": loss_for(rng, reals, paid), "return_order": order}


def split_minor_units(rng: Random) -> Inputs:
    size = rng.choice((1, 2, 3, 3, 7, 20))
    style = rng.random()
    if style < 0.4:
        weights = [rng.choice((0, 1, 1, 1, 2, 3)) for _ in range(size)]
    else:
        weights = [whole(rng) for _ in range(size)]
    return {"loss_minor_units": rng.choice((whole(rng), rng.randint(0, 50))), "weights": weights}


def cover_k(rng: Random) -> Inputs:
    reals = Reals(rng)
    members, scenarios = names(rng, 1, 8), [f"s{k}" for k in range(rng.randint(1, 4))]
    rng.shuffle(scenarios)
    inputs: Inputs = {
        "stress_loss_over_resources": {m: [reals(signed=True) for _ in scenarios] for m in members},
        "scenarios": scenarios,
    }
    if rng.random() < 0.3:  # the same losses in two scenarios
        for row in inputs["stress_loss_over_resources"].values():
            row[-1] = row[0]
    if rng.random() < 0.5:
        left, groups = list(members), {}
        for name in names(rng, 1, len(members)):
            take = rng.randint(1, max(1, len(left) - 1))
            if left:
                groups[name], left = left[:take], left[take:]
        if left:
            groups["rest"] = left
        inputs["groups"] = groups
    return inputs


def fund_minimum(rng: Random) -> Inputs:
    reals = Reals(rng)
    return {"exposures": [reals() for _ in range(rng.randint(3, 8))]}


def prefunded_test(rng: Random) -> Inputs:
    reals = Reals(rng)
    exposures = [reals() for _ in range(rng.randint(2, 6))]
    need = sum(sorted(exposures, reverse=True)[:2])
    fund = rng.choice((reals(), need, need / Fraction(2)))
    other = need - fund if fund <= need and rng.random() < 0.5 else reals()
    return {"exposures": exposures, "default_fund": fund, "other_prefunded": other}


def averaged_stress_loss(rng: Random) -> Inputs:
    reals = Reals(rng)
    days = rng.randint(1, 7)
    return {"slom_by_group": {g: [reals() for _ in range(days)] for g in names(rng, 2, 6)}, "buffer": part(rng)}


def concentration_response(rng: Random) -> Inputs:
    fund = rng.choice((100, 1000, Fraction("1234.5")))
    levels = [Fraction("0.4"), Fraction("0.45"), Fraction("0.9"), Fraction("0.3"), 1, part(rng)]
    groups = {
        g: rng.choice((fund * Fraction(rng.choice(levels)), decimal(rng.randint(0, 120000), 2)))
        for g in names(rng, 2, 6)
    }
    pair = Fraction(sum(sorted(groups.values(), reverse=True)[:2]))
    if rng.random() < 0.4:  # the pair is exactly at its trigger
        fund = 100
    return {
        "default_fund": fund,
        "group_slom": groups,
        "early_warning": rng.choice(levels),
        "pair_trigger": pair / 100 if fund == 100 and rng.random() < 0.8 else rng.choice(levels),
        "individual_cap": rng.choice(levels),
    }


def contributions_with_minimum(rng: Random) -> Inputs:
    reals = Reals(rng)
    exposure = {m: reals() for m in names(rng, 1, 8)}
    target = rng.choice((100, reals() + 1, 7))
    minimum = rng.choice((0, 1, 2, Fraction("12.5"), Fraction(target) / 10, Fraction(target) / 2))
    return {"target": target, "exposure": exposure, "minimum": minimum}


def weighted_contributions(rng: Random) -> Inputs:
    reals = Reals(rng, ("few", "whole", "decimal", "long", "small"))
    measures = names(rng, 1, 3)
    weights = {
        1: [1],
        2: [Fraction("0.7"), Fraction("0.3")],
        3: [Fraction("0.7"), Fraction("0.15"), Fraction("0.15")],
    }[len(measures)]
    return {
        "fund": rng.choice((1000, Fraction("812.37"), 0)),
        "fixed_each": rng.choice((0, Fraction("0.5"), 1)),
        "weights": dict(zip(measures, weights, strict=True)),
        "members": {m: {measure: reals() for measure in rng.sample(measures, len(measures))} for m in names(rng, 1, 6)},
    }


def own_resources_split(rng: Random) -> Inputs:
    reals = Reals(rng)
    return {"capital": reals(), "fraction": part(rng), "fund_sizes": {f: reals() for f in names(rng, 1, 6)}}


def prob_more_defaults(rng: Random) -> Inputs:
    n = rng.choice((0, 1, 2, 10, 20, 60, 200))
    return {"members": n, "default_probability": part(rng), "covered_defaults": rng.randint(0, n + 2 if n < 20 else 5)}


def k_ccp(rng: Random) -> Inputs:
    reals = Reals(rng)
    rates = {"risk_weight": part(rng), "capital_ratio": rng.choice((Fraction("0.08"), part(rng)))}
    if rng.random() < 0.5:
        return {"ead": [reals(signed=True) for _ in range(rng.randint(0, 6))], **rates}
    members = [{"ebrm": reals(), "im": reals(), "df": reals()} for _ in range(rng.randint(0, 6))]
    return {"members": members, **rates}


def member_charge(rng: Random) -> Inputs:
    reals = Reals(rng, ("whole", "decimal", "few", "small"))
    df_i = reals()
    rates = {"capital_ratio": Fraction("0.08"), "floor_risk_weight": rng.choice((Fraction("0.02"), part(rng)))}
    return {"k_ccp": reals(), "df_ccp": reals(), "df_cm_total": df_i + reals() + 1, "df_i": df_i, **rates}


def drainable_buffer(rng: Random) -> Inputs:
    reals = Reals(rng)
    days = rng.randint(1, 8)
    inputs: Inputs = {"buffer": part(rng), "calculated": [reals() for _ in range(days)]}
    if days > 1 and rng.random() < 0.75:
        inputs["drain_from_index"] = rng.randint(1, days - 1)
    return inputs


def weighted_scan(rng: Random) -> Inputs:
    reals = Reals(rng)
    rows = [
        [rng.choice((-1, 1)) * Reals(rng, ("few", "decimal", "small"))(), part(rng)] for _ in range(rng.randint(1, 8))
    ]
    return {
        "spot": reals() + rng.choice((0, 1)),
        "position": Reals(rng)(signed=True),
        "spot_shock_and_weight": rows,
        "min_fraction": part(rng),
    }


def concentration_addon(rng: Random) -> Inputs:
    reals = Reals(rng, ("few", "whole", "decimal", "small"))
    return {
        "position": reals(signed=True),
        "adv": reals() + 1,
        "participation": rng.choice((Fraction("0.25"), Fraction("0.1"), 1, decimal(rng.randint(1, 999), 3))),
        "base_days": rng.choice((1, 2, Fraction("0.5"), 5)),
        "margin_base_days": rng.choice((0, 100, decimal(rng.randint(1, 10**5), 3))),
    }


def gains_haircut(rng: Random) -> Inputs:
    reals = Reals(rng)
    gains = {m: reals(signed=True) for m in names(rng, 0, 8)}
    return {"shortfall": loss_for(rng, reals, sum(x for x in gains.values() if x > 0)), "gains": gains}


def capped_gains_haircut(rng: Random) -> Inputs:
    reals = Reals(rng)
    members = names(rng, 1, 6)
    days = []
    for _ in range(rng.randint(1, 4)):
        today = members if rng.random() < 0.8 else rng.sample(members, rng.randint(1, len(members)))
        gains = {m: reals(signed=rng.random() < 0.3) for m in today}
        days.append({"shortfall": loss_for(rng, reals, sum(x for x in gains.values() if x > 0)), "gains": gains})
    return {"cap_per_member": rng.choice((reals(), reals(), 0, 1, reals() * 3)), "days": days}


def partial_tear_up(rng: Random) -> Inputs:
    reals = Reals(rng)
    lots = {m: reals() for m in names(rng, 0, 6)}
    shuffled = rng.sample(list(lots), len(lots))
    return {
        "unmatched_contracts": loss_for(rng, reals, sum(lots.values())),
        "opposite_side": lots,
        "mark": reals(),
        "entry": {m: reals() for m in shuffled},
        "side": rng.choice(("long", "short")),
    }


def cash_call(rng: Random) -> Inputs:
    reals = Reals(rng)
    contribution = {m: reals() for m in names(rng, 1, 7)}
    multiple = rng.choice((1, 2, Fraction("0.5"), Fraction("2.75"), 0))
    members = list(contribution)
    return {
        "need": rng.choice((reals(), loss_for(rng, reals, sum(contribution.values()) * multiple))),
        "contribution": contribution,
        "cap_multiple": multiple,
        "fails_to_pay": rng.sample(members, rng.choice((0, 0, 1, 1, min(2, len(members)), len(members)))),
    }


def assessment_caps(rng: Random) -> Inputs:
    reals = Reals(rng)
    return {
        "contribution": reals(),
        "single_multiple": rng.choice((1, Fraction("2.75"), Fraction("0.5"), 0)),
        "window_multiple": rng.choice((1, Fraction("5.5"), 3, 0)),
        "assessment_needs": [reals() * rng.choice((1, 2)) for _ in range(rng.randint(0, 6))],
    }


def junior_profit_haircut(rng: Random) -> Inputs:
    profits = {m: rng.choice((whole(rng), rng.randint(0, 9))) for m in names(rng, 0, 6)}
    capital, insurance = whole(rng), whole(rng)
    total = sum(profits.values())
    above = rng.choice((total, total // 2, total + 1, max(0, total - 1), 0, whole(rng)))
    vault = rng.choice((capital + insurance + above, whole(rng)))
    return {"vault": vault, "capital_total": capital, "insurance": insurance, "matured_positive_pnl": profits}


def loss_layers(rng: Random) -> Inputs:
    reals = Reals(rng)
    principal, realized, unvested = reals(), reals(), reals()
    everything = principal + realized + unvested
    return {
        "principal": principal,
        "realized": realized,
        "unvested": unvested,
        "insurance": reals(),
        "collateral": rng.choice((reals(), everything, everything * part(rng), 0)),
    }


def scaled_haircut(rng: Random) -> Inputs:
    return {"h10": part(rng), "revaluation_days": rng.randint(1, 20), "holding_days": rng.choice((5, 10, 20, 1))}


def haircut_breaches(rng: Random) -> Inputs:
    haircut = part(rng)
    returns = [rng.choice((-haircut, Reals(rng)(signed=True), -part(rng), 0)) for _ in range(rng.randint(0, 9))]
    return {"haircut": haircut, "returns": returns}


def recognised_value(rng: Random) -> Inputs:
    reals = Reals(rng)
    assets = names(rng, 1, 7)
    shuffled = rng.sample(assets, len(assets))
    return {
        "holdings": {a: reals() for a in assets},
        "haircut": {a: rng.choice((0, part(rng), Fraction("0.02"))) for a in shuffled},
        "wrong_way": rng.sample(assets, rng.choice((0, 0, 1, min(2, len(assets))))),
        "single_asset_limit": rng.choice(
            (Fraction("0.5"), Fraction("0.3"), Fraction("0.25"), Fraction("0.1"), 1, part(rng))
        ),
    }


COVERAGES = (Fraction("0.99"), Fraction("0.95"), Fraction("0.999"), Fraction("0.9975"), Fraction("0.5"))


def traffic_light(rng: Random) -> Inputs:
    n = rng.choice((1, 10, 250, 255, 510, 750, 1000))
    return {"n": n, "coverage": rng.choice(COVERAGES), "exceptions": rng.randint(0, min(n, 30))}


def zone_thresholds(rng: Random) -> Inputs:
    return {"n": rng.choice((1, 2, 10, 100, 250, 500, 750, rng.randint(1, 900))), "coverage": rng.choice(COVERAGES)}


def kupiec_lr(rng: Random) -> Inputs:
    n = rng.choice((1, 10, 250, 255, 510, 1000, 5000))
    return {"n": n, "coverage": rng.choice(COVERAGES), "exceptions": rng.choice((0, n, rng.randint(0, min(n, 30))))}


def kupiec_region(rng: Random) -> Inputs:
    critical = rng.choice((Fraction("3.841458820694124"), Fraction("6.634896601021214"), Fraction("2.705543454095404")))
    return {"n": rng.choice((10, 50, 250, 255, 300)), "coverage": rng.choice(COVERAGES), "critical_value": critical}


def coverage_disclosure(rng: Random) -> Inputs:
    reals = Reals(rng)
    breaches = rng.randint(0, 9)
    observations = rng.choice((breaches * 100, breaches * 1000, breaches * 100 - 1, breaches * 1000 - 1, 2000))
    return {
        "observations": max(observations, breaches, 1),
        "uncovered_amounts": [reals() for _ in range(breaches)],
    }


DRAWS: dict[str, Draw] = {
    **{f"waterfall.{f.__name__}": f for f in (allocate, allocate_tiers, successive_defaults, return_recoveries)},
    "waterfall.split_minor_units": split_minor_units,
    **{f"sizing.{f.__name__}": f for f in (cover_k, fund_minimum, prefunded_test, averaged_stress_loss)},
    **{f"sizing.{f.__name__}": f for f in (concentration_response, contributions_with_minimum)},
    **{f"sizing.{f.__name__}": f for f in (weighted_contributions, own_resources_split, prob_more_defaults)},
    **{f"capital.{f.__name__}": f for f in (k_ccp, member_charge)},
    **{f"margin.{f.__name__}": f for f in (drainable_buffer, weighted_scan, concentration_addon)},
    **{f"recovery.{f.__name__}": f for f in (gains_haircut, capped_gains_haircut, partial_tear_up, cash_call)},
    **{f"recovery.{f.__name__}": f for f in (assessment_caps, junior_profit_haircut, loss_layers)},
    **{f"collateral.{f.__name__}": f for f in (scaled_haircut, haircut_breaches, recognised_value)},
    **{f"backtest.{f.__name__}": f for f in (traffic_light, zone_thresholds, kupiec_lr, kupiec_region)},
    "backtest.coverage_disclosure": coverage_disclosure,
}

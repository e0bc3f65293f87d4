"""mango_v4, synthetix_v3 and vega, written from the rules' text alone."""

from __future__ import annotations

from fractions import Fraction
from math import ceil
from typing import Any

from tests.conformance.naive.numbers import Inputs, OutOfDomainError, Rule, real


def negative_pnl_or_bankruptcy(i: Inputs) -> dict[str, Any]:
    b, pnl, other = real(i["settle_token_balance"]), real(i["perp_quote_position"]), real(i["other_collateral_value"])
    if pnl >= 0:
        return {"error": "not_negative"}
    price, accepts = real(i["settle_token_price"]), real(i["max_liab_transfer"])
    asset, liab = price * real(i["settle_token_asset_weight"]), price * real(i["settle_token_liab_weight"])

    def health(x: Fraction) -> Fraction:
        return (x * asset if x > 0 else x * liab) + other

    cap = max(Fraction(0), min(_takeable(b, health(b), asset, liab), -pnl, real(i["pnl_settle_limit"])))
    settle = min(cap, accepts)
    pnl2 = pnl + settle
    fund = moved = social = Fraction(0)
    if settle == cap and pnl2 < 0:
        owed = min(-pnl2, _needed(b + pnl, health(b + pnl), asset, liab, -pnl2))
        x = min(owed, accepts - settle)
        p = price * (1 + real(i["base_liquidation_fee"]))
        token, vault = real(i["insurance_token_price"]), real(i["insurance_vault_tokens"])
        fund = min(Fraction(ceil(x * p / token)), vault)
        moved = min(fund * token / p, x)
        social = owed - moved if fund == vault else Fraction(0)
    interest = real(i["open_interest"])
    return {
        "liqee_settle_token": b - settle,
        "liqee_perp_quote": pnl2 + moved + social,
        "liqor_settle_token": settle,
        "liqor_perp_quote": -settle - moved,
        "liqor_insurance_tokens": fund,
        "social_loss_per_unit_open_interest": social / interest if interest else Fraction(0),
    }


def _takeable(b: Fraction, h: Fraction, asset: Fraction, liab: Fraction) -> Fraction:
    if h <= 0:
        return Fraction(0)
    if b <= 0:
        return h / liab
    if h <= b * asset:
        return h / asset
    return b + (h - b * asset) / liab


def _needed(e: Fraction, h: Fraction, asset: Fraction, liab: Fraction, most: Fraction) -> Fraction:
    """Tokens to bring health to zero; `most` where a weight of zero makes them endless."""
    if h >= 0:
        return Fraction(0)
    if e >= 0:
        return -h / asset if asset else most
    if -h <= -e * liab:
        return -h / liab
    return -e + (-h + e * liab) / asset if asset else most


def loss_socialisation(i: Inputs) -> dict[str, Any]:
    owes = [int(x["owes"]) for x in i["losers"]]
    paid = sum(min(int(x["owes"]), int(x["has"])) for x in i["losers"])
    due = sum(owes)
    collected = paid + min(int(i["insurance_pool"]), due - paid)
    winners = [int(x) for x in i["winners_in_order"]]
    if due == 0 and any(winners):
        raise OutOfDomainError("winners without losers")
    shares = [w * collected // due if due else 0 for w in winners]
    if shares:
        shares[-1] += collected - sum(shares)
    return {"collected": str(collected), "paid_in_order": [str(x) for x in shares]}


def liquidation_window(i: Inputs) -> dict[str, Any]:
    fees = real(i["maker_fee"]) + real(i["taker_fee"])
    capacity = fees * real(i["skew_scale"]) * real(i["limit_multiplier"]) * real(i["seconds_in_window"])
    size = real(i["position_size"])
    closes = max(Fraction(0), min(size, capacity - real(i["capacity_used_in_window"])))
    return {"window_capacity": capacity, "position_after": size - closes}


RULES: dict[str, Rule] = {
    "mango_v4.negative_pnl_or_bankruptcy": negative_pnl_or_bankruptcy,
    "vega.loss_socialisation": loss_socialisation,
    "synthetix_v3.liquidation_window": liquidation_window,
}

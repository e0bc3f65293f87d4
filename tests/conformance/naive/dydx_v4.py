"""dydx_v4, written from the rules' text alone."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from tests.conformance.naive.numbers import Inputs, OutOfDomainError, Rule, ceil_div, clamp, floor_div, trunc_div

MILLION = 10**6


class RefusedError(Exception):
    """Refused with a code."""


class Account:
    """Quote and signed positions, read from an input account; flat markets are absent."""

    def __init__(self, perpetuals: dict[str, Any], raw: dict[str, Any]) -> None:
        self.perpetuals = perpetuals
        self.quote = int(raw["usdc_quote_quantums"])
        self.positions = {m: int(x) for m, x in raw["positions"].items() if int(x) != 0}

    def size(self, market: str) -> int:
        return self.positions.get(market, 0)

    def moved(self, market: str, base: int, quote: int) -> Account:
        positions = dict(self.positions)
        positions[market] = positions.get(market, 0) + base
        return Account(self.perpetuals, {"usdc_quote_quantums": self.quote + quote, "positions": positions})

    def plain(self) -> dict[str, Any]:
        return {"usdc_quote_quantums": str(self.quote), "positions": {m: str(x) for m, x in self.positions.items()}}

    def tnc(self) -> int:
        return self.quote + sum(notional(self.perpetuals[m], x) for m, x in self.positions.items())

    def tmmr(self) -> int:
        return sum(mmr(self.perpetuals[m], x) for m, x in self.positions.items())

    def timr(self) -> int:
        return sum(imr(self.perpetuals[m], x) for m, x in self.positions.items())


def notional(perpetual: dict[str, Any], x: int) -> int:
    e = perpetual["oracle_price_exponent"] + perpetual["atomic_resolution"] + 6
    product = int(perpetual["oracle_price"]) * x
    return product * 10**e if e >= 0 else trunc_div(product, 10**-e)


def imr(perpetual: dict[str, Any], x: int) -> int:
    return ceil_div(notional(perpetual, abs(x)) * perpetual["initial_margin_ppm"], MILLION)


def mmr(perpetual: dict[str, Any], x: int) -> int:
    return ceil_div(imr(perpetual, x) * perpetual["maintenance_fraction_ppm"], MILLION)


def check_slice(p: int, d: int) -> None:
    if p == 0 or d == 0 or (p > 0) == (d > 0) or abs(d) > abs(p):
        raise RefusedError("invalid_size_delta")


def bankruptcy_quote(account: Account, market: str, d: int) -> int:
    p = account.size(market)
    check_slice(p, d)
    perpetual = account.perpetuals[market]
    moved = notional(perpetual, p + d) - notional(perpetual, p)
    released = abs(mmr(perpetual, p + d) - mmr(perpetual, p))
    return -moved - floor_div(account.tnc() * released, account.tmmr())


def _asked(inputs: Inputs) -> tuple[Account, str, int]:
    account = Account(inputs["perpetuals"], inputs["account"])
    return account, inputs["perpetual_id"], int(inputs["delta_base_quantums"])


def is_liquidatable(inputs: Inputs) -> dict[str, Any]:
    account = Account(inputs["perpetuals"], inputs["account"])
    return {"liquidatable": account.tmmr() > 0 and account.tnc() < account.tmmr()}


def bankruptcy_price(inputs: Inputs) -> dict[str, Any]:
    return {"bankruptcy_quote_quantums": str(bankruptcy_quote(*_asked(inputs)))}


def fillable_price(inputs: Inputs) -> dict[str, Any]:
    account, market, d = _asked(inputs)
    p = account.size(market)
    check_slice(p, d)
    if account.tmmr() == 0:
        raise OutOfDomainError("no maintenance requirement")
    adjustment = Fraction(inputs["bankruptcy_adjustment_ppm"], MILLION)
    spread = Fraction(inputs["spread_to_maintenance_margin_ratio_ppm"], MILLION)
    rating = clamp(adjustment * (1 - Fraction(account.tnc(), account.tmmr())), Fraction(0), Fraction(1))
    perpetual = account.perpetuals[market]
    price = (notional(perpetual, p) - rating * spread * mmr(perpetual, p)) / Fraction(p)
    return {"fillable_price_quote_per_base_quantum": [str(price.numerator), str(price.denominator)]}


def insurance_fund_delta(inputs: Inputs) -> dict[str, Any]:
    fill = int(inputs["fill_base_quantums"])
    if fill == 0:
        raise RefusedError("zero_fill")
    account = Account(inputs["perpetuals"], inputs["account"])
    value = int(inputs["fill_price_subticks"]) * fill * Fraction(10) ** inputs["quantum_conversion_exponent"]
    q = value.numerator // value.denominator
    change, d = (-q, fill) if inputs["is_buy"] else (q, -fill)
    delta = change - bankruptcy_quote(account, inputs["perpetual_id"], d)
    if delta > 0:
        delta = min(delta, q * inputs["max_liquidation_fee_ppm"] // MILLION)
    return {"insurance_fund_delta_quote_quantums": str(delta)}


def fillable_price_to_subticks(inputs: Inputs) -> dict[str, Any]:
    numerator, denominator = inputs["fillable_price_quote_per_base_quantum"]
    v = Fraction(int(numerator), int(denominator)) / Fraction(10) ** inputs["quantum_conversion_exponent"]
    tick = int(inputs["subticks_per_tick"])
    if inputs["is_liquidating_long"]:
        rounded = ceil_div(ceil_div(v.numerator, v.denominator), tick) * tick
    else:
        rounded = v.numerator // v.denominator // tick * tick
    return {"subticks": str(max(tick, min(rounded, (2**64 - 1) // tick * tick)))}


def block_limits_remaining(inputs: Inputs) -> dict[str, Any]:
    if inputs["perpetual_id"] in inputs["already_liquidated_perpetual_ids"]:
        raise RefusedError("already_liquidated_this_block")
    return {
        "notional_headroom": str(int(inputs["max_notional_liquidated"]) - int(inputs["notional_liquidated_so_far"])),
        "insurance_headroom": str(int(inputs["max_insurance_lost"]) - int(inputs["insurance_lost_so_far"])),
    }


def position_notional_limits(inputs: Inputs) -> dict[str, Any]:
    n = abs(notional(inputs["perpetuals"][inputs["perpetual_id"]], int(inputs["position_base_quantums"])))
    low = min(int(inputs["min_position_notional_liquidated"]), n)
    high = max(low, n * inputs["max_position_portion_liquidated_ppm"] // MILLION)
    return {"min_notional": str(low), "max_notional": str(high)}


def insurance_draw_allowed(inputs: Inputs) -> dict[str, Any]:
    balance, delta = int(inputs["fund_balance"]), int(inputs["delta"])
    return {"allowed": delta >= 0 or balance + delta >= 0}


def can_deleverage(inputs: Inputs) -> dict[str, Any]:
    tnc = Account(inputs["perpetuals"], inputs["account"]).tnc()
    return {"at_bankruptcy_price": tnc < 0, "at_oracle_price": tnc >= 0 and inputs["market_in_final_settlement"]}


def acceptable(old: Account, new: Account) -> bool:
    if new.tnc() >= new.timr():
        return True
    if new.tmmr() > old.tmmr():
        return False
    if new.tmmr() == 0 or old.tmmr() == 0:
        return new.tmmr() == 0 and old.tmmr() == 0 and new.tnc() > old.tnc()
    left, right = new.tnc() * old.tmmr(), old.tnc() * new.tmmr()
    if left != right:
        return left > right
    return new.tmmr() <= old.tmmr()


def closed(liquidated: Account, offsetting: Account, market: str, d: int, at_oracle: bool) -> tuple[Account, Account]:
    check_slice(liquidated.size(market), d)
    other = offsetting.size(market)
    if other == 0 or (other > 0) != (d > 0) or abs(other) < abs(d):
        raise RefusedError("invalid_size_delta")
    if at_oracle:
        q = -notional(liquidated.perpetuals[market], d)
    else:
        q = bankruptcy_quote(liquidated, market, d)
    after = liquidated.moved(market, d, q), offsetting.moved(market, -d, -q)
    if not (acceptable(liquidated, after[0]) and acceptable(offsetting, after[1])):
        raise RefusedError("invalid_state_transition")
    return after


def _deleverage(inputs: Inputs, at_oracle: bool) -> dict[str, Any]:
    liquidated = Account(inputs["perpetuals"], inputs["liquidated"])
    offsetting = Account(inputs["perpetuals"], inputs["offsetting"])
    d = int(inputs["delta_base_quantums"])
    after = closed(liquidated, offsetting, inputs["perpetual_id"], d, at_oracle)
    return {"liquidated": after[0].plain(), "offsetting": after[1].plain()}


def deleverage_at_bankruptcy_price(inputs: Inputs) -> dict[str, Any]:
    return _deleverage(inputs, at_oracle=False)


def deleverage_at_oracle_price(inputs: Inputs) -> dict[str, Any]:
    return _deleverage(inputs, at_oracle=True)


def offset_position(inputs: Inputs) -> dict[str, Any]:
    market, who, remaining = inputs["perpetual_id"], inputs["liquidated"], int(inputs["delta_base_quantums"])
    ids = [a["id"] for a in inputs["accounts"]]
    accounts = {a["id"]: Account(inputs["perpetuals"], a) for a in inputs["accounts"]}
    fills = []
    for other in ids:
        if remaining == 0:
            break
        held = accounts[other].size(market)
        if other == who or held == 0 or (held > 0) != (remaining > 0):
            continue
        d = held if abs(held) <= abs(remaining) else remaining
        try:
            accounts[who], accounts[other] = closed(accounts[who], accounts[other], market, d, at_oracle=False)
        except RefusedError:
            continue
        fills.append({"id": other, "base_quantums": str(abs(d))})
        remaining -= d
    return {
        "accounts": [{"id": i, **accounts[i].plain()} for i in ids],
        "fills": fills,
        "remaining_base_quantums": str(remaining),
    }


def _refusing(rule: Rule) -> Rule:
    def asked(inputs: Inputs) -> dict[str, Any]:
        try:
            return rule(inputs)
        except RefusedError as refused:
            return {"error": str(refused)}

    return asked


RULES: dict[str, Rule] = {
    f"dydx_v4.{rule.__name__}": _refusing(rule)
    for rule in (
        is_liquidatable,
        bankruptcy_price,
        fillable_price,
        insurance_fund_delta,
        fillable_price_to_subticks,
        block_limits_remaining,
        position_notional_limits,
        insurance_draw_allowed,
        can_deleverage,
        deleverage_at_bankruptcy_price,
        deleverage_at_oracle_price,
        offset_position,
    )
}

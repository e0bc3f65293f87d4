"""Random inputs of the dydx_v4 operations: prices, sizes and quotes that sit on the edges of each rule."""

from __future__ import annotations

from random import Random
from typing import Any

from tests.conformance.naive.draws import Draw, near, whole
from tests.conformance.naive.dydx_v4 import Account, notional

Inputs = dict[str, Any]
MILLION = 10**6


def perpetuals(rng: Random) -> dict[str, Any]:
    result = {}
    for market in rng.sample(("0", "1", "2", "ETH-USD"), rng.randint(1, 3)):
        resolution = rng.randint(-10, -5)
        e = rng.choice((-10, -8, -7, -7, -6, -3, -1, 0, 0, 2))
        result[market] = {
            "initial_margin_ppm": rng.choice((20_000, 50_000, 200_000, 333_333, MILLION, 1)),
            "maintenance_fraction_ppm": rng.choice((500_000, 600_000, MILLION, 777_777, 1)),
            "atomic_resolution": resolution,
            "oracle_price": str(rng.choice((5 * 10**9, 3 * 10**9, rng.randint(1, 10**10), whole(rng, zero=False)))),
            "oracle_price_exponent": e - resolution - 6,
        }
    return result


def size(rng: Random) -> int:
    x = rng.choice((10**8, 10**7, rng.randint(1, 10**9), rng.randint(1, 30), whole(rng, zero=False)))
    return x if rng.random() < 0.5 else -x


def account(rng: Random, markets: dict[str, Any], market: str, held: int | None = None) -> dict[str, Any]:
    """Positions, and a quote that puts the equity on or beside a limit of the rules."""
    positions = {m: str(size(rng)) for m in markets if m != market and rng.random() < 0.4}
    x = held if held is not None else (size(rng) if rng.random() < 0.95 else 0)
    if x:
        positions[market] = str(x)
    keys = rng.sample(list(positions), len(positions))
    positions = {m: positions[m] for m in keys}
    bare = Account(markets, {"usdc_quote_quantums": "0", "positions": positions})
    t, i = bare.tmmr(), bare.timr()
    equity = rng.choice((0, -1, 1, t, t - 1, t + 1, i, i - 1, near(rng, t), near(rng, i), -near(rng, t), i * 3, t // 2))
    return {"usdc_quote_quantums": str(equity - bare.tnc()), "positions": positions}


def slice_of(rng: Random, p: int) -> int:
    """Mostly a sound slice of the position, now and then each of the unsound ones."""
    kind = rng.random()
    if kind < 0.12:
        return rng.choice((0, p, -p + (-1 if p > 0 else 1), 1, -1))
    taken = rng.choice((abs(p), abs(p), rng.randint(1, abs(p) or 1), abs(p) // 2 or 1, 1))
    return -taken if p > 0 else taken


def one(rng: Random) -> Inputs:
    markets = perpetuals(rng)
    market = rng.choice(list(markets))
    return {"perpetuals": markets, "account": account(rng, markets, market), "perpetual_id": market}


def sliced(rng: Random) -> Inputs:
    inputs = one(rng)
    p = int(inputs["account"]["positions"].get(inputs["perpetual_id"], 0))
    return {**inputs, "delta_base_quantums": str(slice_of(rng, p))}


def is_liquidatable(rng: Random) -> Inputs:
    inputs = one(rng)
    del inputs["perpetual_id"]
    return inputs


def fillable_price(rng: Random) -> Inputs:
    return {
        **sliced(rng),
        "bankruptcy_adjustment_ppm": rng.choice((MILLION, 2 * MILLION, 1_234_567, 5 * MILLION)),
        "spread_to_maintenance_margin_ratio_ppm": rng.choice((100_000, MILLION, 1, 1_500_000, 0)),
    }


def insurance_fund_delta(rng: Random) -> Inputs:
    inputs = sliced(rng)
    d = int(inputs.pop("delta_base_quantums"))
    exponent = rng.choice((-8, -9, -3, 0, 1, -8))
    perpetual = inputs["perpetuals"][inputs["perpetual_id"]]
    fill = abs(d)
    fair = max(1, abs(notional(perpetual, d)) * 10 ** max(0, -exponent) // max(1, fill))
    return {
        **inputs,
        "is_buy": (d > 0) != (rng.random() < 0.05),
        "fill_base_quantums": str(0 if rng.random() < 0.05 else fill),
        "fill_price_subticks": str(rng.choice((max(0, near(rng, fair)), fair, fair * 11 // 10, whole(rng)))),
        "quantum_conversion_exponent": exponent,
        "max_liquidation_fee_ppm": rng.choice((5_000, 0, MILLION, 1)),
    }


def fillable_price_to_subticks(rng: Random) -> Inputs:
    numerator = rng.choice((whole(rng), 2**64 - 1, 2**64, 0, 1, 197))
    if rng.random() < 0.05:
        numerator = -numerator
    return {
        "fillable_price_quote_per_base_quantum": [
            str(numerator),
            str(whole(rng, zero=False) if rng.random() < 0.6 else 1),
        ],
        "is_liquidating_long": rng.random() < 0.5,
        "subticks_per_tick": str(rng.choice((1, 7, 100, 10_000, 10**10, 2**63 + 1, 2**64 - 1))),
        "quantum_conversion_exponent": rng.randint(-9, 3),
    }


def block_limits_remaining(rng: Random) -> Inputs:
    most, lost = whole(rng), whole(rng)
    return {
        "perpetual_id": rng.choice("012"),
        "already_liquidated_perpetual_ids": rng.sample("012345", rng.randint(0, 3)),
        "max_notional_liquidated": str(most),
        "max_insurance_lost": str(lost),
        "notional_liquidated_so_far": str(rng.choice((0, most, most // 3, max(0, most - 1)))),
        "insurance_lost_so_far": str(rng.choice((0, lost, lost // 3, max(0, lost - 1)))),
    }


def position_notional_limits(rng: Random) -> Inputs:
    markets = perpetuals(rng)
    market = rng.choice(list(markets))
    x = rng.choice((size(rng), size(rng), 0))
    n = abs(notional(markets[market], x))
    return {
        "perpetuals": markets,
        "perpetual_id": market,
        "position_base_quantums": str(x),
        "min_position_notional_liquidated": str(max(0, rng.choice((near(rng, n), whole(rng), n // 2)))),
        "max_position_portion_liquidated_ppm": rng.choice((500_000, MILLION, 0, 1, 333_333)),
    }


def insurance_draw_allowed(rng: Random) -> Inputs:
    balance = whole(rng)
    return {"fund_balance": str(balance), "delta": str(rng.choice((-near(rng, balance), whole(rng), 0, -whole(rng))))}


def can_deleverage(rng: Random) -> Inputs:
    return {**one(rng), "market_in_final_settlement": rng.random() < 0.5}


def deleverage(rng: Random) -> Inputs:
    inputs = sliced(rng)
    d = int(inputs["delta_base_quantums"])
    held = rng.choice((d, d, d, d * 2, d + (1 if d > 0 else -1), d - (1 if d > 0 else -1), -d))
    markets, market = inputs["perpetuals"], inputs["perpetual_id"]
    return {
        "perpetuals": markets,
        "perpetual_id": market,
        "liquidated": inputs["account"],
        "offsetting": account(rng, markets, market, held),
        "delta_base_quantums": str(d),
    }


def offset_position(rng: Random) -> Inputs:
    inputs = sliced(rng)
    markets, market = inputs["perpetuals"], inputs["perpetual_id"]
    d = int(inputs["delta_base_quantums"])
    accounts = [{"id": "x", **inputs["account"]}]
    for k in range(rng.randint(0, 5)):
        held = rng.choice((d, d // 2, d // 3, d // 3, -d, 0, d * 2, size(rng), d // 5))
        accounts.append({"id": f"a{k}", **account(rng, markets, market, held)})
    rng.shuffle(accounts)
    return {
        "perpetuals": markets,
        "perpetual_id": market,
        "liquidated": "x",
        "delta_base_quantums": str(d),
        "accounts": accounts,
    }


DRAWS: dict[str, Draw] = {
    "dydx_v4.is_liquidatable": is_liquidatable,
    "dydx_v4.bankruptcy_price": sliced,
    "dydx_v4.fillable_price": fillable_price,
    "dydx_v4.insurance_fund_delta": insurance_fund_delta,
    "dydx_v4.fillable_price_to_subticks": fillable_price_to_subticks,
    "dydx_v4.block_limits_remaining": block_limits_remaining,
    "dydx_v4.position_notional_limits": position_notional_limits,
    "dydx_v4.insurance_draw_allowed": insurance_draw_allowed,
    "dydx_v4.can_deleverage": can_deleverage,
    "dydx_v4.deleverage_at_bankruptcy_price": deleverage,
    "dydx_v4.deleverage_at_oracle_price": deleverage,
    "dydx_v4.offset_position": offset_position,
}

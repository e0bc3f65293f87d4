"""Random inputs of the other venues' operations, within what the rules' text allows."""

from __future__ import annotations

from fractions import Fraction
from random import Random
from typing import Any

from tests.conformance.naive.draws import Draw, Reals, decimal, names, near, part, whole

Inputs = dict[str, Any]
COINS = (10**8, 10**6, 65_432_100_000, 1, 0)


def price_of(rng: Random) -> int:
    return rng.choice((*COINS, rng.randint(1, 10**11), whole(rng)))


def base_to_cover_margin_shortage(rng: Random) -> Inputs:
    return {
        "margin_shortage": str(whole(rng)),
        "margin_ratio": rng.choice((1000, 500, 100, 333, 10_000)),
        "liquidator_fee": rng.choice((10_000, 0, 25_000, 100_000, 12_345)),
        "insurance_fee": rng.choice((0, 10_000, 5_000, 777)),
        "oracle_price": str(price_of(rng)),
        "quote_oracle_price": str(rng.choice((10**6, 10**6, 999_850, 1_000_100, rng.randint(1, 10**7)))),
    }


def perp_insurance_fee_rate(rng: Random) -> Inputs:
    return {
        "margin_shortage": str(rng.choice((0, rng.randint(0, 10**9), whole(rng)))),
        "base_amount": str(rng.choice((0, 10**10, rng.randint(1, 10**12), whole(rng)))),
        "margin_ratio": rng.choice((1000, 500, 100, 333, 10_000)),
        "liquidator_fee": rng.choice((10_000, 0, 25_000, 100_000, 12_345)),
        "oracle_price": str(price_of(rng)),
        "quote_oracle_price": str(rng.choice((10**6, 999_850, 1_000_100, 0))),
        "max_insurance_fee": rng.choice((50_000, 0, 5_000, 10**6)),
    }


def liquidate_perp(rng: Random) -> Inputs:
    base = rng.choice((10**9, rng.randint(1, 10**12), whole(rng, zero=False), 10**7)) * rng.choice((1, -1))
    if rng.random() < 0.02:
        base = 0
    price = rng.choice((10**8, rng.randint(10**4, 10**11), rng.randint(1, 10**6), 0 if rng.random() < 0.2 else 10**6))
    ratio, buffer = rng.choice((500, 1000, 100, 333)), rng.choice((0, 10, 200))
    value = abs(base) * price // 10**9
    required = value * (ratio + buffer) // 10**4
    quote = -value * (1 if base > 0 else -1) + rng.choice((0, 1, -1, value // 50, -value // 70))
    equity = rng.choice((0, required, required - 1, near(rng, required), required // 3, -required))
    signed = value if base > 0 else -value
    return {
        "position_base": str(base),
        "position_quote": str(quote),
        "collateral": str(equity - quote - signed),
        "oracle_price": str(price),
        "margin_ratio_maintenance": ratio,
        "buffer_ratio": buffer,
        "liquidator_fee": rng.choice((10_000, 0, 25_000, 100_000, 12_345)),
        "max_insurance_fee": rng.choice((10_000, 0, 50_000, 333)),
        "max_base": str(rng.choice((abs(base), abs(base) // 3, 0, whole(rng), 2**64 - 1))),
        "order_step_size": str(rng.choice((1, 10**7, 10**9, 7, 10**5))),
    }


def interest(rng: Random) -> tuple[int, int]:
    long = rng.choice((whole(rng), 5 * 10**9, rng.randint(1, 10**12)))
    short = rng.choice((long, whole(rng), 4 * 10**9))
    return (0, 0) if rng.random() < 0.08 else (long, -short)


def social_loss_funding_delta(rng: Random) -> Inputs:
    long, short = interest(rng)
    loss = -whole(rng, zero=False)
    return {"loss": str(loss), "open_interest_long": str(long), "open_interest_short": str(short)}


def bank(rng: Random) -> tuple[Inputs, int]:
    """Deposits of a spot market and their amount in tokens."""
    decimals, index = rng.choice((6, 9, 8, 5, 0, 18)), 10**10 + rng.choice((0, 1, rng.randint(0, 10**10)))
    balance = rng.choice((0, 12 * 10**10, rng.randint(1, 10**15), whole(rng)))
    inputs = {"deposit_balance": str(balance), "cumulative_deposit_interest": str(index), "decimals": decimals}
    return inputs, balance * index // 10 ** (19 - decimals)


def social_loss_deposit_delta(rng: Random) -> Inputs:
    inputs, deposits = bank(rng)
    return {"loss": str(max(1, rng.choice((deposits // 10, near(rng, deposits), 1, whole(rng))))), **inputs}


def resolve_perp_bankruptcy(rng: Random) -> Inputs:
    loss, (long, short) = whole(rng, zero=False), interest(rng)
    used = rng.choice((0, 10, whole(rng)))
    funding = {side: rng.choice((0, 10**12, -(10**12), rng.randint(-(10**14), 10**14))) for side in ("long", "short")}

    def affected(side: str) -> Inputs:
        base = rng.choice((0, 5 * 10**9, rng.randint(1, 10**12), whole(rng)))
        last = funding[side] if rng.random() < 0.5 else funding[side] + rng.randint(-(10**13), 10**13)
        sign = 1 if side == "long" else -1
        return {
            "base": str(sign * base),
            "quote": str(rng.choice((-1, 1)) * whole(rng)),
            "last_cumulative_funding": str(last),
        }

    return {
        "loss": str(-loss),
        "insurance_vault": str(rng.choice((0, 1, loss, loss + 1, loss // 2, whole(rng)))),
        "market_max_insurance": str(used + rng.choice((0, loss, loss // 3, whole(rng)))),
        "market_insurance_used": str(used),
        "fee_pool": str(rng.choice((0, loss, loss // 4, whole(rng)))),
        "open_interest_long": str(long),
        "open_interest_short": str(short),
        "cumulative_funding_long": str(funding["long"]),
        "cumulative_funding_short": str(funding["short"]),
        "affected_long": affected("long"),
        "affected_short": affected("short"),
    }


def resolve_spot_bankruptcy(rng: Random) -> Inputs:
    inputs, deposits = bank(rng)
    borrow = max(0, rng.choice((deposits // 10, near(rng, deposits), 1, whole(rng), 0)))
    return {"borrow": str(borrow), "insurance_vault": str(rng.choice((0, 1, borrow, borrow + 1, whole(rng)))), **inputs}


def share_rebase(rng: Random) -> Inputs:
    vault = whole(rng, zero=False)
    factor = rng.choice((1, 9, 10, 99, 100, 101, 1000, 10**9))
    total = rng.choice((max(0, vault * factor + rng.choice((-1, 0, 1, vault // 3))), whole(rng), vault * 10**3 - 1))
    return {"total_shares": str(total), "vault_balance": str(vault)}


def shares_lost_on_cancel(rng: Random) -> Inputs:
    total, vault = whole(rng, zero=False), whole(rng)
    shares = rng.choice((total, rng.randint(0, total), total // 10))
    value = vault * shares // total
    asked = max(0, rng.choice((value, value - 1, value + 1, value // 2, min(value, max(0, vault - 1)))))
    return {
        "total_shares": str(total),
        "vault_balance": str(vault),
        "requested_shares": str(shares),
        "requested_value": str(asked),
    }


def stake_script(rng: Random) -> Inputs:
    """A fund that grows, shrinks by powers of ten and drains, beside one staker who comes and goes."""
    period, t = rng.choice((0, 100, 604_800)), rng.randint(0, 10**6)
    size = 10 ** rng.choice((2, 6, 9, 12, 24))
    vault = rng.choice((0, 0, size, size * 3))
    total = 0 if vault == 0 and rng.random() < 0.8 else rng.choice((vault, vault * 10, vault // 3, size, 0))
    user = rng.choice((total, total // 2, 0))
    mine = rng.choice((user, user // 3, 0))
    base = rng.choice((0, 0, 1, 5))
    start: Inputs = {
        "vault": str(vault),
        "total_shares": str(total),
        "user_shares": str(user),
        "shares_base": base,
        "unstaking_period": period,
        "staker_shares": str(mine),
        "staker_base": rng.choice((base, base, max(0, base - 1))),
        "cost_basis": str(rng.choice((0, mine, size))),
    }
    steps: list[Inputs] = []
    known = vault  # a lower bound of the vault, so that it is never driven below zero
    for _ in range(rng.randint(1, 9)):
        t += rng.choice((0, 1, period, period, max(0, period - 1), period + 1))
        act = rng.choice(("stake", "stake", "vault_change", "request", "request", "withdraw", "withdraw"))
        if act == "stake":
            amount = rng.choice((size, size // 7 + 1, 1, rng.randint(1, size)))
            steps.append({"do": act, "amount": str(amount)})
        elif act == "vault_change":
            loss = rng.choice((known, known - known // 10, known - known // 1000, known // 2, known - 1))
            delta = rng.choice((-loss if known > 0 else 1, rng.randint(0, size)))
            steps.append({"do": act, "delta": str(delta)})
            known += delta
        elif act == "request":
            shares = rng.choice((mine, size, size // 2, size // 3, 1, 0, rng.randint(0, size)))
            steps.append({"do": act, "shares": str(shares), "t": t})
            known = 0
        else:
            steps.append({"do": act, "t": t})
            known = 0
    return {"start": start, "steps": steps}


def negative_pnl_or_bankruptcy(rng: Random) -> Inputs:
    reals = Reals(rng, ("few", "whole", "decimal", "long", "small"))
    pnl = -reals() if rng.random() < 0.95 else reals()
    inputs = _mango(rng, reals, pnl)
    if rng.random() < 0.3:  # healthy now, short of tokens once the loss is paid, and little of it may be settled
        b = reals() + 1
        price, weight = inputs["settle_token_price"], inputs["settle_token_asset_weight"]
        inputs["settle_token_balance"] = b
        inputs["other_collateral_value"] = -b * price * weight * part(rng)
        inputs["perp_quote_position"] = -b - reals()
        inputs["pnl_settle_limit"] = b * rng.choice((0, Fraction("0.1"), Fraction("0.5")))
        inputs["max_liab_transfer"] = 10**9
    return inputs


def _mango(rng: Random, reals: Reals, pnl: int | Fraction) -> Inputs:
    return {
        "settle_token_asset_weight": rng.choice((Fraction("0.9"), 1, Fraction("0.8"), Fraction("0.75"))),
        "settle_token_liab_weight": rng.choice((Fraction("1.1"), 1, Fraction("1.2"), Fraction("1.25"))),
        "settle_token_price": rng.choice((1, 2, Fraction("0.37"), Fraction("1.0003"))),
        "insurance_token_price": rng.choice((1, 3, Fraction("0.998"))),
        "settle_token_balance": reals(signed=True),
        "perp_quote_position": pnl,
        "other_collateral_value": reals(signed=True),
        "insurance_vault_tokens": rng.choice((0, 1, 6, rng.randint(0, 2000), 10**12)),
        "pnl_settle_limit": rng.choice((0, reals(), -pnl if pnl < 0 else 1)),
        "base_liquidation_fee": rng.choice((0, Fraction("0.05"), Fraction("0.025"))),
        "open_interest": rng.choice((0, 1, rng.randint(1, 10**6))),
        "max_liab_transfer": rng.choice((0, reals(), 100, 10**9)),
    }


def loss_socialisation(rng: Random) -> Inputs:
    losers = []
    for _ in range(rng.randint(1, 5)):
        owes = whole(rng, zero=False)
        losers.append({"owes": str(owes), "has": str(rng.choice((owes, owes // 2, 0, owes + 5, whole(rng))))})
    due = sum(int(x["owes"]) for x in losers)
    cuts = sorted(rng.choice((0, due, rng.randint(0, due))) for _ in range(rng.randint(0, 4)))
    winners = [b - a for a, b in zip([0, *cuts], [*cuts, due], strict=True)]
    rng.shuffle(winners)
    missing = sum(max(0, int(x["owes"]) - int(x["has"])) for x in losers)
    pool = rng.choice((0, missing, missing // 2, near(rng, missing), whole(rng)))
    return {"losers": losers, "insurance_pool": str(max(0, pool)), "winners_in_order": [str(x) for x in winners]}


def liquidation_window(rng: Random) -> Inputs:
    reals = Reals(rng)
    maker, taker = decimal(rng.randint(0, 99), 4), decimal(rng.randint(0, 99), 4)
    scale, multiplier, seconds = reals(), rng.choice((1, Fraction("0.5"), 2)), rng.choice((10, 30, 0, Fraction("1.5")))
    capacity = (maker + taker) * scale * multiplier * seconds
    return {
        "maker_fee": maker,
        "taker_fee": taker,
        "skew_scale": scale,
        "limit_multiplier": multiplier,
        "seconds_in_window": seconds,
        "position_size": rng.choice((reals(), capacity, 150)),
        "capacity_used_in_window": rng.choice((0, capacity, capacity * 2, reals())),
    }


def bitmex_adl_queue(rng: Random) -> Inputs:
    reals = Reals(rng)
    scores = Reals(rng)
    accounts = [
        {"id": name, "quantity": reals() or 1, "score": scores(signed=rng.random() < 0.2)} for name in names(rng, 0, 8)
    ]
    total = sum(a["quantity"] for a in accounts)
    return {
        "liquidated_size": rng.choice((reals(), total, total + 1, 0, total * part(rng))),
        "bankruptcy_price": Reals(rng)(),
        "accounts": accounts,
    }


def bybit_adl_trigger(rng: Random) -> Inputs:
    reals = Reals(rng, ("whole", "decimal", "huge", "few"))
    highest, limit = reals() + 1, rng.choice((Fraction("-0.3"), Fraction("-0.25"), -part(rng)))
    peak = rng.choice((0, reals()))
    now = rng.choice((peak + limit * highest, peak - reals(), peak - highest, peak))
    pool, threshold = reals(), rng.choice((1, reals()))
    return {
        "pool_balance_8h_max": highest,
        "symbol_pnl_now": now,
        "symbol_pnl_8h_max": peak,
        "pool_balance": rng.choice((pool, threshold, highest)),
        "adl_trigger_threshold": threshold,
        "insurance_pnl_ratio": limit,
    }


def okx_adl_trigger(rng: Random) -> Inputs:
    reals = Reals(rng)
    average, fraction = reals(), rng.choice((Fraction("0.3"), part(rng)))
    floor = rng.choice((0, reals(), 50_000, average * fraction))
    threshold = average - max(average * fraction, floor)
    now = rng.choice((reals(), max(0, threshold), max(0, threshold - Fraction(1, 10**6)), average))
    return {"fund_now": now, "fund_8h_average": average, "drop_fraction": fraction, "drop_floor": floor}


def binance_adl_score(rng: Random) -> Inputs:
    reals = Reals(rng)
    return {
        "unrealised_profit": reals(signed=True),
        "wallet_balance": rng.choice((reals(signed=True), 1, Fraction("0.5"))),
        "margin_ratio": part(rng),
    }


def paradex_liquidation_share(rng: Random) -> Inputs:
    sizes = Reals(rng, ("few", "decimal", "small"))
    positions = []
    for _ in range(rng.randint(0, 4)):
        entry = rng.choice((60_000, 3_000, decimal(rng.randint(1, 10**7), 2)))
        positions.append(
            {
                "size": sizes(signed=True),
                "entry": entry,
                "mark": rng.choice((entry, entry * Fraction("0.9"), entry + 10)),
            }
        )
    mmr = sum(abs(p["size"]) * p["mark"] for p in positions) / Fraction(100)
    profit = sum(p["size"] * (p["mark"] - p["entry"]) for p in positions)
    value = mmr * rng.choice((1, Fraction("0.9"), Fraction("1.1"), Fraction("0.5"), 0, Fraction("0.4"), -1, 3))
    return {
        "collateral": value - profit,
        "positions": positions,
        "maintenance_fraction": rng.choice((Fraction("0.01"), Fraction("0.0125"))),
        "liquidation_fee": rng.choice((Fraction("0.5"), Fraction("0.7"), 0, 1)),
        "share_step": rng.choice(
            (Fraction("0.2"), Fraction("0.1"), Fraction("0.25"), Fraction("0.3"), 1, Fraction("0.07"))
        ),
        "target_margin_ratio": rng.choice((Fraction("0.9"), 1, Fraction("0.8"), Fraction("0.999"))),
    }


def fund_flow(rng: Random) -> Inputs:
    reals = Reals(rng)
    bankruptcy = reals()
    return {
        "side": rng.choice(("long", "short")),
        "size": reals(),
        "bankruptcy_price": bankruptcy,
        "fill_price": rng.choice((bankruptcy, reals())),
    }


def winners(rng: Random) -> Inputs:
    reals = Reals(rng)
    count = rng.randint(0, 8)
    equity = [reals(signed=True) for _ in range(count)]
    pnl = [rng.choice((e, e * part(rng), reals(signed=True), e + 1)) for e in equity]
    return {"equity": equity, "pnl": pnl, "severity": part(rng)}


def queue(rng: Random) -> Inputs:
    inputs = winners(rng)
    count = len(inputs["equity"])
    order = rng.sample(range(count), rng.choice((count, rng.randint(0, count))))
    return {**inputs, "order": order}


def rap_shares(rng: Random) -> Inputs:
    reals = Reals(rng, ("few", "decimal", "long", "small"))
    count = rng.randint(1, 6)
    power = rng.random() < 0.5
    parameter = (
        rng.choice((1, 0, 2, 3, Fraction("0.5"), Fraction("1.5"))) if power else rng.choice((0, 1, Fraction("0.9")))
    )
    shares = [reals() for _ in range(count)]
    leverage = [rng.choice((reals(), 1, decimal(rng.randint(1, 9999), 3))) for _ in range(count)]
    return {
        "leverage": leverage,
        "pro_rata_shares": shares,
        "g": "power" if power else "excess",
        "g_parameter": parameter,
    }


DRAWS: dict[str, Draw] = {
    **{
        f"drift_v2.{f.__name__}": f
        for f in (
            base_to_cover_margin_shortage,
            perp_insurance_fee_rate,
            liquidate_perp,
            social_loss_funding_delta,
            social_loss_deposit_delta,
            resolve_perp_bankruptcy,
            resolve_spot_bankruptcy,
            share_rebase,
            shares_lost_on_cancel,
            stake_script,
        )
    },
    "mango_v4.negative_pnl_or_bankruptcy": negative_pnl_or_bankruptcy,
    "vega.loss_socialisation": loss_socialisation,
    "synthetix_v3.liquidation_window": liquidation_window,
    **{
        f"documents.{f.__name__}": f
        for f in (
            bitmex_adl_queue,
            bybit_adl_trigger,
            okx_adl_trigger,
            binance_adl_score,
            paradex_liquidation_share,
            fund_flow,
        )
    },
    "adl.queue": queue,
    "adl.pro_rata": winners,
    "adl.rap_shares": rap_shares,
}

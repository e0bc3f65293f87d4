"""Examples printed by venues, written from the rules' text alone."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from tests.conformance.naive.numbers import Inputs, Rule, ratio, real


def bitmex_adl_queue(i: Inputs) -> dict[str, Any]:
    queue = sorted(i["accounts"], key=lambda a: -real(a["score"]))
    left, price = real(i["liquidated_size"]), real(i["bankruptcy_price"])
    fills: list[dict[str, Any]] = []
    remaining: dict[str, Fraction] = {}
    for account in queue:
        if left == 0:
            break
        closed = min(left, real(account["quantity"]))
        fills.append({"id": account["id"], "closed": closed, "price": price})
        remaining[account["id"]] = real(account["quantity"]) - closed
        left -= closed
    return {"order": [a["id"] for a in queue], "fills": fills, "remaining": remaining, "unfilled": left}


def bybit_adl_trigger(i: Inputs) -> dict[str, Any]:
    highest, limit = real(i["pool_balance_8h_max"]), real(i["insurance_pnl_ratio"])
    pnl_ratio = ratio(real(i["symbol_pnl_now"]) - real(i["symbol_pnl_8h_max"]), highest)
    return {
        "pnl_ratio": pnl_ratio,
        "adl_triggered": real(i["pool_balance"]) > real(i["adl_trigger_threshold"]) and pnl_ratio < limit,
        "borne_by_deleveraged": max(Fraction(0), limit - pnl_ratio) * highest,
    }


def okx_adl_trigger(i: Inputs) -> dict[str, Any]:
    average = real(i["fund_8h_average"])
    threshold = average - max(real(i["drop_fraction"]) * average, real(i["drop_floor"]))
    return {"threshold": threshold, "adl_triggered": real(i["fund_now"]) < threshold}


def binance_adl_score(i: Inputs) -> dict[str, Any]:
    percent = max(Fraction(0), real(i["unrealised_profit"])) / max(Fraction(1), real(i["wallet_balance"]))
    return {"pnl_percent": percent, "leverage_pnl": percent * real(i["margin_ratio"])}


def paradex_liquidation_share(i: Inputs) -> dict[str, Any]:
    mmr = sum((abs(real(p["size"])) * real(p["mark"]) for p in i["positions"]), Fraction(0))
    mmr *= real(i["maintenance_fraction"])
    profit = sum((real(p["size"]) * (real(p["mark"]) - real(p["entry"])) for p in i["positions"]), Fraction(0))
    value = real(i["collateral"]) + profit
    table: list[dict[str, Any]] = []
    chosen = Fraction(1)
    share = real(i["share_step"])
    while share < 1:
        penalty = share * real(i["liquidation_fee"]) * mmr
        new_mmr, new_value = mmr * (1 - share), value - penalty
        margin_ratio = new_mmr / new_value if new_value > 0 else None
        if margin_ratio is not None and margin_ratio < real(i["target_margin_ratio"]) and chosen == 1:
            chosen = share
        row = {"share": share, "new_mmr": new_mmr, "penalty": penalty}
        table.append({**row, "new_account_value": new_value, "margin_ratio": margin_ratio})
        share += real(i["share_step"])
    return {"account_value": value, "mmr": mmr, "table": table, "chosen_share": chosen}


def fund_flow(i: Inputs) -> dict[str, Any]:
    delta = (real(i["fill_price"]) - real(i["bankruptcy_price"])) * real(i["size"])
    return {"fund_delta": delta if i["side"] == "long" else -delta}


RULES: dict[str, Rule] = {
    f"documents.{rule.__name__}": rule
    for rule in (
        bitmex_adl_queue,
        bybit_adl_trigger,
        okx_adl_trigger,
        binance_adl_score,
        paradex_liquidation_share,
        fund_flow,
    )
}

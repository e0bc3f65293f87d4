"""Examples that venues print in their documents."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from conformance.compare import Adapter
from seawall.liquidation import fund_flow
from seawall.waterfall import AverageTrigger, DrawdownTrigger, binance_score, order_by_score, take_in_order

GROUP = "documents"


def bitmex_adl_queue(inputs: dict[str, Any]) -> dict[str, Any]:
    accounts = inputs["accounts"]
    quantities = [Fraction(a["quantity"]) for a in accounts]
    order = order_by_score([Fraction(a["score"]) for a in accounts])
    need = Fraction(inputs["liquidated_size"])
    taken = take_in_order(need, quantities, order)
    price = Fraction(inputs["bankruptcy_price"])
    return {
        "order": [accounts[i]["id"] for i in order],
        "fills": [{"id": accounts[i]["id"], "closed": amount, "price": price} for i, amount in taken],
        "remaining": {accounts[i]["id"]: quantities[i] - amount for i, amount in taken},
        "unfilled": need - sum((amount for _, amount in taken), Fraction(0)),
    }


def binance_adl_score(inputs: dict[str, Any]) -> dict[str, Any]:
    percent, leverage = binance_score(
        Fraction(inputs["unrealised_profit"]), Fraction(inputs["wallet_balance"]), Fraction(inputs["margin_ratio"])
    )
    return {"pnl_percent": percent, "leverage_pnl": leverage}


def fund_flow_case(inputs: dict[str, Any]) -> dict[str, Any]:
    delta = fund_flow(
        inputs["side"] == "long",
        Fraction(inputs["size"]),
        Fraction(inputs["bankruptcy_price"]),
        Fraction(inputs["fill_price"]),
    )
    return {"fund_delta": delta}


def bybit_adl_trigger(inputs: dict[str, Any]) -> dict[str, Any]:
    rule = DrawdownTrigger(Fraction(inputs["insurance_pnl_ratio"]), Fraction(inputs["adl_trigger_threshold"]))
    found = rule.check(
        pool=Fraction(inputs["pool_balance"]),
        pool_peak=Fraction(inputs["pool_balance_8h_max"]),
        market_now=Fraction(inputs["symbol_pnl_now"]),
        market_peak=Fraction(inputs["symbol_pnl_8h_max"]),
    )
    return {"pnl_ratio": found.share, "adl_triggered": found.triggered, "borne_by_deleveraged": found.borne}


def okx_adl_trigger(inputs: dict[str, Any]) -> dict[str, Any]:
    rule = AverageTrigger(Fraction(inputs["drop_fraction"]), Fraction(inputs["drop_floor"]))
    average = Fraction(inputs["fund_8h_average"])
    return {
        "threshold": rule.threshold(average),
        "adl_triggered": rule.triggered(Fraction(inputs["fund_now"]), average),
    }


OPS: dict[str, Adapter] = {
    "bitmex_adl_queue": bitmex_adl_queue,
    "binance_adl_score": binance_adl_score,
    "fund_flow": fund_flow_case,
    "bybit_adl_trigger": bybit_adl_trigger,
    "okx_adl_trigger": okx_adl_trigger,
}

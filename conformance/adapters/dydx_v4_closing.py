"""dYdX v4: order ticks, caps per block, and closing accounts against each other."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from conformance.adapters.dydx_v4 import PPM, holding, rule
from conformance.compare import Adapter, RefusedError
from seawall.liquidation import (
    AccountView,
    BlockCap,
    BlockUse,
    CapRefused,
    ClosePrice,
    CloseRefused,
    close_between,
    offset_in_order,
    position_range,
    to_tick,
)
from seawall.money import profile

GROUP = "dydx_v4"
ERRORS = {
    CloseRefused.NOT_A_SLICE: "invalid_size_delta",
    CloseRefused.NOT_ACCEPTABLE: "invalid_state_transition",
}


def _view(perpetuals: dict[str, Any], account: dict[str, Any]) -> AccountView:
    held = tuple(holding(perpetuals[m], m, int(size)) for m, size in account["positions"].items() if int(size))
    return AccountView(int(account["usdc_quote_quantums"]), held)


def _plain(view: AccountView) -> dict[str, Any]:
    return {
        "usdc_quote_quantums": str(view.cash),
        "positions": {h.instrument.symbol: str(h.lots) for h in view.holdings},
    }


def fillable_price_to_subticks(inputs: dict[str, Any]) -> dict[str, Any]:
    numerator, denominator = map(int, inputs["fillable_price_quote_per_base_quantum"])
    price = Fraction(numerator, denominator) / Fraction(10) ** inputs["quantum_conversion_exponent"]
    found = to_tick(price, int(inputs["subticks_per_tick"]), selling=inputs["is_liquidating_long"])
    return {"subticks": str(found)}


def block_limits_remaining(inputs: dict[str, Any]) -> dict[str, Any]:
    use = BlockUse(
        int(inputs["notional_liquidated_so_far"]),
        int(inputs["insurance_lost_so_far"]),
        frozenset(inputs["already_liquidated_perpetual_ids"]),
    )
    cap = BlockCap(int(inputs["max_notional_liquidated"]), int(inputs["max_insurance_lost"]))
    found = use.headroom(cap, inputs["perpetual_id"])
    if isinstance(found, CapRefused):
        raise RefusedError("already_liquidated_this_block")
    return {"notional_headroom": str(found.notional), "insurance_headroom": str(found.fund_loss)}


def position_notional_limits(inputs: dict[str, Any]) -> dict[str, Any]:
    market = inputs["perpetual_id"]
    size = int(inputs["position_base_quantums"])
    notional = abs(holding(inputs["perpetuals"][market], market, size).value(profile("quantum_chain").value))
    found = position_range(
        notional,
        int(inputs["min_position_notional_liquidated"]),
        Fraction(inputs["max_position_portion_liquidated_ppm"], PPM),
    )
    return {"min_notional": str(found.least), "max_notional": str(found.most)}


def _deleverage(inputs: dict[str, Any], price: ClosePrice) -> dict[str, Any]:
    first, second = (_view(inputs["perpetuals"], inputs[name]) for name in ("liquidated", "offsetting"))
    found = close_between(first, second, inputs["perpetual_id"], int(inputs["delta_base_quantums"]), price, rule())
    if isinstance(found, CloseRefused):
        raise RefusedError(ERRORS[found])
    return {"liquidated": _plain(found.closed), "offsetting": _plain(found.other)}


def deleverage_at_bankruptcy_price(inputs: dict[str, Any]) -> dict[str, Any]:
    return _deleverage(inputs, ClosePrice.BANKRUPTCY)


def deleverage_at_oracle_price(inputs: dict[str, Any]) -> dict[str, Any]:
    return _deleverage(inputs, ClosePrice.ORACLE)


def offset_position(inputs: dict[str, Any]) -> dict[str, Any]:
    names = [a["id"] for a in inputs["accounts"]]
    if inputs["liquidated"] not in names:
        raise RefusedError("unknown_account")
    found = offset_in_order(
        [_view(inputs["perpetuals"], a) for a in inputs["accounts"]],
        names.index(inputs["liquidated"]),
        inputs["perpetual_id"],
        int(inputs["delta_base_quantums"]),
        ClosePrice.BANKRUPTCY,
        rule(),
    )
    return {
        "accounts": [{"id": name, **_plain(view)} for name, view in zip(names, found.accounts, strict=True)],
        "fills": [{"id": names[i], "base_quantums": str(lots)} for i, lots in found.fills],
        "remaining_base_quantums": str(found.remaining),
    }


OPS: dict[str, Adapter] = {
    "fillable_price_to_subticks": fillable_price_to_subticks,
    "block_limits_remaining": block_limits_remaining,
    "position_notional_limits": position_notional_limits,
    "deleverage_at_bankruptcy_price": deleverage_at_bankruptcy_price,
    "deleverage_at_oracle_price": deleverage_at_oracle_price,
    "offset_position": offset_position,
}

"""Bankruptcies of perpetual and spot positions: insurance, fee pool, then everyone through an index."""

from __future__ import annotations

from typing import Any

from conformance.compare import Adapter, RefusedError
from seawall.errors import InputError
from seawall.waterfall import DepositIndex, LossIndex, cover_first

GROUP = "drift_v2"
FUNDING = LossIndex(scale=10**9, step=1000)


def _delta(loss: int, inputs: dict[str, Any]) -> int:
    try:
        return FUNDING.delta(loss, int(inputs["open_interest_long"]), int(inputs["open_interest_short"]))
    except InputError:
        raise RefusedError("no_open_interest") from None


def _deposits(inputs: dict[str, Any]) -> tuple[DepositIndex, int, int]:
    index = DepositIndex(10 ** (19 - inputs["decimals"]))
    return index, int(inputs["deposit_balance"]), int(inputs["cumulative_deposit_interest"])


def social_loss_funding_delta(inputs: dict[str, Any]) -> dict[str, Any]:
    return {"funding_rate_delta": str(_delta(int(inputs["loss"]), inputs))}


def social_loss_deposit_delta(inputs: dict[str, Any]) -> dict[str, Any]:
    index, shares, now = _deposits(inputs)
    return {"interest_delta": str(index.delta(int(inputs["loss"]), shares, now))}


def resolve_perp_bankruptcy(inputs: dict[str, Any]) -> dict[str, Any]:
    covered = cover_first(
        -int(inputs["loss"]),
        vault=int(inputs["insurance_vault"]),
        fee_pool=int(inputs["fee_pool"]),
        budget=int(inputs["market_max_insurance"]),
        used=int(inputs["market_insurance_used"]),
    )
    delta = _delta(covered.socialised, inputs) if covered.socialised else 0
    result = {
        "insurance_paid": str(covered.insurance),
        "fee_pool_paid": str(covered.fee_pool),
        "socialised": str(covered.socialised),
    }
    for side, sign in (("long", 1), ("short", -1)):
        index = int(inputs[f"cumulative_funding_{side}"]) + sign * delta
        held = inputs[f"affected_{side}"]
        charge = FUNDING.charge(index, int(held["last_cumulative_funding"]), int(held["base"]))
        result[f"cumulative_funding_{side}"] = str(index)
        result[f"affected_{side}_quote"] = str(int(held["quote"]) - charge)
    return result


def resolve_spot_bankruptcy(inputs: dict[str, Any]) -> dict[str, Any]:
    index, shares, now = _deposits(inputs)
    covered = cover_first(int(inputs["borrow"]), vault=int(inputs["insurance_vault"]))
    after = now - index.delta(covered.socialised, shares, now)
    return {
        "insurance_paid": str(covered.insurance),
        "socialised": str(covered.socialised),
        "cumulative_deposit_interest": str(after),
        "total_deposits_after": str(index.value(shares, after)),
    }


OPS: dict[str, Adapter] = {
    "social_loss_funding_delta": social_loss_funding_delta,
    "social_loss_deposit_delta": social_loss_deposit_delta,
    "resolve_perp_bankruptcy": resolve_perp_bankruptcy,
    "resolve_spot_bankruptcy": resolve_spot_bankruptcy,
}

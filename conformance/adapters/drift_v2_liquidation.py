"""Drift v2: size and fee of a liquidation, and shares of the insurance fund."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from conformance.compare import Adapter
from seawall.fund import Pool, Stake, StakeRefused, deposit, request, share_rebase, shares_lost_on_cancel, withdraw
from seawall.liquidation import ShortageRule, base_to_cover_shortage, close_shortage, fund_fee_from_room

GROUP = "drift_v2"
RATIO = 100  # margin ratios are in units of 1e-4, rates in millionths


def base_to_cover_margin_shortage(inputs: dict[str, Any]) -> dict[str, Any]:
    found = base_to_cover_shortage(
        int(inputs["margin_shortage"]),
        ratio_ppm=RATIO * inputs["margin_ratio"],
        liquidator_fee_ppm=inputs["liquidator_fee"],
        fund_fee_ppm=inputs["insurance_fee"],
        price=int(inputs["oracle_price"]),
        quote_price=int(inputs["quote_oracle_price"]),
    )
    return {"base_amount": str(found)}


def perp_insurance_fee_rate(inputs: dict[str, Any]) -> dict[str, Any]:
    found = fund_fee_from_room(
        int(inputs["margin_shortage"]),
        int(inputs["base_amount"]),
        ratio_ppm=RATIO * inputs["margin_ratio"],
        liquidator_fee_ppm=inputs["liquidator_fee"],
        max_fee_ppm=inputs["max_insurance_fee"],
        price=int(inputs["oracle_price"]),
        quote_price=int(inputs["quote_oracle_price"]),
    )
    return {"fee_rate": found}


def liquidate_perp(inputs: dict[str, Any]) -> dict[str, Any]:
    rule = ShortageRule(
        maintenance_ppm=RATIO * inputs["margin_ratio_maintenance"],
        buffer_ppm=RATIO * inputs["buffer_ratio"],
        liquidator_fee_ppm=inputs["liquidator_fee"],
        max_fund_fee_ppm=inputs["max_insurance_fee"],
        step=int(inputs["order_step_size"]),
    )
    found = close_shortage(
        rule,
        base=int(inputs["position_base"]),
        quote=int(inputs["position_quote"]),
        collateral=int(inputs["collateral"]),
        price=int(inputs["oracle_price"]),
        max_base=int(inputs["max_base"]),
    )
    return {
        "user_base": str(found.base),
        "user_quote": str(found.quote),
        "liquidator_base": str(found.liquidator_base),
        "liquidator_quote": str(found.liquidator_quote),
        "insurance_fee_paid": str(found.fund_fee),
    }


def share_rebase_case(inputs: dict[str, Any]) -> dict[str, Any]:
    found = share_rebase(int(inputs["total_shares"]), int(inputs["vault_balance"]))
    return {"rebase_divisor": str(found.divisor), "exponent": found.exponent}


def shares_lost(inputs: dict[str, Any]) -> dict[str, Any]:
    total = int(inputs["total_shares"])
    pool = Pool(int(inputs["vault_balance"]), total, total)
    lost = shares_lost_on_cancel(pool, int(inputs["requested_shares"]), int(inputs["requested_value"]))
    return {"shares_lost": str(lost)}


def _step(pool: Pool, stake: Stake, step: dict[str, Any], period: int) -> Any:
    """The act of one step; time in the case's unit."""
    if step["do"] == "stake":
        return deposit(pool, stake, int(step["amount"]))
    if step["do"] == "request":
        return request(pool, stake, int(step["shares"]), step["t"], period)
    if step["do"] == "withdraw":
        return withdraw(pool, replace(stake, cooldown_ns=period), step["t"])
    raise KeyError(step["do"])


def stake_script(inputs: dict[str, Any]) -> dict[str, Any]:
    start = inputs["start"]
    pool = Pool(int(start["vault"]), int(start["total_shares"]), int(start["user_shares"]), start["shares_base"])
    stake = Stake(int(start["staker_shares"]), start["staker_base"], int(start["cost_basis"]))
    after: list[dict[str, Any]] = []
    for step in inputs["steps"]:
        paid = None
        if step["do"] == "vault_change":
            pool = replace(pool, vault=pool.vault + int(step["delta"]))
        else:
            found = _step(pool, stake, step, start["unstaking_period"])
            if isinstance(found, StakeRefused):
                after.append({"error": found.value})
                continue
            pool, stake = found.pool, found.stake
            paid = str(found.paid) if step["do"] == "withdraw" else None
        after.append({**_plain(pool, stake), **({} if paid is None else {"paid": paid})})
    return {"after_step": after}


def _plain(pool: Pool, stake: Stake) -> dict[str, Any]:
    return {
        "vault": str(pool.vault),
        "total_shares": str(pool.total_shares),
        "user_shares": str(pool.user_shares),
        "shares_base": pool.base,
        "staker_shares": str(stake.shares),
        "staker_base": stake.base,
        "cost_basis": str(stake.cost_basis),
        "request_shares": str(stake.request_shares),
        "request_value": str(stake.request_value),
    }


OPS: dict[str, Adapter] = {
    "base_to_cover_margin_shortage": base_to_cover_margin_shortage,
    "perp_insurance_fee_rate": perp_insurance_fee_rate,
    "liquidate_perp": liquidate_perp,
    "share_rebase": share_rebase_case,
    "shares_lost_on_cancel": shares_lost,
    "stake_script": stake_script,
}

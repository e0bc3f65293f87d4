"""drift_v2, written from the rules' text alone."""

from __future__ import annotations

from typing import Any

from tests.conformance.naive.numbers import Inputs, OutOfDomainError, Rule, ceil_div, floor_div, trunc_div

U64 = 2**64 - 1


def cover_base(
    shortage: int, margin_ratio: int, liquidator_fee: int, insurance_fee: int, price: int, quote: int
) -> int:
    r = 100 * margin_ratio
    if price == 0 or r <= liquidator_fee:
        return U64
    d = price * quote // 10**6 * (r - liquidator_fee) // 10**6 - price * insurance_fee // 10**6
    if d <= 0:  # the fees take more than the requirement: the text does not say what covers a shortage then
        raise OutOfDomainError("fees above the margin ratio")
    return shortage * 10**9 // d


def fee_rate(
    shortage: int, base: int, margin_ratio: int, liquidator_fee: int, price: int, quote: int, most: int
) -> int:
    r = 100 * margin_ratio
    if price == 0 or quote == 0 or base == 0 or r <= liquidator_fee:
        return 0
    used = floor_div(shortage * 10**9 // base * 10**6, price * quote // 10**6)
    return min(most, max(0, r - liquidator_fee - used) * 19 // 20)


def base_to_cover_margin_shortage(i: Inputs) -> dict[str, Any]:
    base = cover_base(
        int(i["margin_shortage"]),
        i["margin_ratio"],
        i["liquidator_fee"],
        i["insurance_fee"],
        int(i["oracle_price"]),
        int(i["quote_oracle_price"]),
    )
    return {"base_amount": str(base)}


def perp_insurance_fee_rate(i: Inputs) -> dict[str, Any]:
    rate = fee_rate(
        int(i["margin_shortage"]),
        int(i["base_amount"]),
        i["margin_ratio"],
        i["liquidator_fee"],
        int(i["oracle_price"]),
        int(i["quote_oracle_price"]),
        i["max_insurance_fee"],
    )
    return {"fee_rate": rate}


def liquidate_perp(i: Inputs) -> dict[str, Any]:
    base, quote, price = int(i["position_base"]), int(i["position_quote"]), int(i["oracle_price"])
    b = abs(base)
    s = (base > 0) - (base < 0)
    value = b * price // 10**9
    equity = int(i["collateral"]) + quote + s * value
    ratio = i["margin_ratio_maintenance"] + i["buffer_ratio"]
    shortage = max(0, value * ratio // 10**4 - equity)
    f = fee_rate(shortage, b, ratio, i["liquidator_fee"], price, 10**6, i["max_insurance_fee"])
    need = cover_base(shortage, ratio, i["liquidator_fee"], f, price, 10**6)
    step = int(i["order_step_size"])
    take = min(b, int(i["max_base"]), ceil_div(need, step) * step)
    v = take * price // 10**9
    reward = v * i["liquidator_fee"] // 10**6
    insurance = v * f // 10**6
    return {
        "user_base": str(base - s * take),
        "user_quote": str(quote + s * v - reward - insurance),
        "liquidator_base": str(s * take),
        "liquidator_quote": str(-s * v + reward),
        "insurance_fee_paid": str(insurance),
    }


def funding_delta(loss: int, long: int, short: int) -> int | None:
    oi = abs(long) + abs(short)
    return None if oi == 0 else ceil_div(abs(loss) * 10**9, oi) * 1000


def social_loss_funding_delta(i: Inputs) -> dict[str, Any]:
    delta = funding_delta(int(i["loss"]), int(i["open_interest_long"]), int(i["open_interest_short"]))
    return {"error": "no_open_interest"} if delta is None else {"funding_rate_delta": str(delta)}


def deposit_delta(loss: int, balance: int, index: int, decimals: int) -> int:
    deposits = balance * index // 10 ** (19 - decimals)
    return 0 if deposits == 0 else ceil_div(index * loss, deposits)


def social_loss_deposit_delta(i: Inputs) -> dict[str, Any]:
    index = int(i["cumulative_deposit_interest"])
    return {"interest_delta": str(deposit_delta(int(i["loss"]), int(i["deposit_balance"]), index, i["decimals"]))}


def resolve_perp_bankruptcy(i: Inputs) -> dict[str, Any]:
    loss = -int(i["loss"])
    room = int(i["market_max_insurance"]) - int(i["market_insurance_used"])
    insurance = min(loss, max(0, int(i["insurance_vault"]) - 1), room)
    pool = min(loss - insurance, int(i["fee_pool"]))
    socialised = loss - insurance - pool
    index = {"long": int(i["cumulative_funding_long"]), "short": int(i["cumulative_funding_short"])}
    if socialised != 0:
        delta = funding_delta(socialised, int(i["open_interest_long"]), int(i["open_interest_short"]))
        if delta is None:
            return {"error": "no_open_interest"}
        index["long"] += delta
        index["short"] -= delta
    result = {
        "insurance_paid": str(insurance),
        "fee_pool_paid": str(pool),
        "socialised": str(socialised),
        "cumulative_funding_long": str(index["long"]),
        "cumulative_funding_short": str(index["short"]),
    }
    for side in ("long", "short"):
        position = i[f"affected_{side}"]
        moved = (index[side] - int(position["last_cumulative_funding"])) * int(position["base"])
        result[f"affected_{side}_quote"] = str(int(position["quote"]) - trunc_div(moved, 10**12))
    return result


def resolve_spot_bankruptcy(i: Inputs) -> dict[str, Any]:
    borrow, balance, index = int(i["borrow"]), int(i["deposit_balance"]), int(i["cumulative_deposit_interest"])
    insurance = min(borrow, max(0, int(i["insurance_vault"]) - 1))
    socialised = borrow - insurance
    after = index - deposit_delta(socialised, balance, index, i["decimals"])
    return {
        "insurance_paid": str(insurance),
        "socialised": str(socialised),
        "cumulative_deposit_interest": str(after),
        "total_deposits_after": str(balance * after // 10 ** (19 - i["decimals"])),
    }


def rebase(total: int, vault: int) -> tuple[int, int]:
    n = floor_div(total // 10, vault)
    exponent = 0 if n < 10 else len(str(n)) - 1
    return 10**exponent, exponent


def share_rebase(i: Inputs) -> dict[str, Any]:
    divisor, exponent = rebase(int(i["total_shares"]), int(i["vault_balance"]))
    return {"rebase_divisor": str(divisor), "exponent": exponent}


def shares_lost_on_cancel(i: Inputs) -> dict[str, Any]:
    total, vault = int(i["total_shares"]), int(i["vault_balance"])
    shares, asked = int(i["requested_shares"]), int(i["requested_value"])
    value = floor_div(vault * shares, total)
    lost = 0 if value <= asked else shares - asked * (total - shares) // (vault - asked)
    return {"shares_lost": str(lost)}


AMOUNTS = ("vault", "total_shares", "user_shares", "staker_shares", "cost_basis")
SHOWN = (*AMOUNTS, "request_shares", "request_value")


class StepRefusedError(Exception):
    """A step refused with a code; the state stays as it was."""


def stake_script(i: Inputs) -> dict[str, Any]:
    state = {name: int(i["start"][name]) for name in i["start"]}
    state |= {"request_shares": 0, "request_value": 0, "request_time": 0}
    after: list[dict[str, Any]] = []
    for step in i["steps"]:
        trial = dict(state)
        try:
            paid = _step(trial, step)
        except StepRefusedError as refused:
            after.append({"error": str(refused)})
            continue
        state = trial
        entry: dict[str, Any] = {name: str(state[name]) for name in SHOWN}
        entry |= {"shares_base": state["shares_base"], "staker_base": state["staker_base"]}
        if paid is not None:
            entry["paid"] = str(paid)
        after.append(entry)
    return {"after_step": after}


def _rebase_both(s: dict[str, int]) -> None:
    if 0 < s["vault"] < s["total_shares"]:
        divisor, exponent = rebase(s["total_shares"], s["vault"])
        s["total_shares"] //= divisor
        s["user_shares"] //= divisor
        s["shares_base"] += exponent
    if s["vault"] > 0 and s["total_shares"] == 0:
        s["total_shares"] = s["vault"]
    scale = 10 ** (s["shares_base"] - s["staker_base"])
    s["staker_shares"] //= scale
    s["request_shares"] //= scale
    s["staker_base"] = s["shares_base"]


def _step(s: dict[str, int], step: dict[str, Any]) -> int | None:
    if step["do"] == "vault_change":
        s["vault"] += int(step["delta"])
    elif step["do"] == "stake":
        amount = int(step["amount"])
        if s["vault"] == 0 and s["total_shares"] != 0:
            raise StepRefusedError("drained_fund")
        _rebase_both(s)
        n = amount if s["vault"] == 0 else amount * s["total_shares"] // s["vault"]
        s["cost_basis"] = amount if s["staker_shares"] == 0 else s["cost_basis"] + amount
        for name in ("staker_shares", "total_shares", "user_shares"):
            s[name] += n
        s["vault"] += amount
    elif step["do"] == "request":
        s["request_shares"] = int(step["shares"])
        _rebase_both(s)
        s["request_value"] = min(floor_div(s["vault"] * s["request_shares"], s["total_shares"]), max(0, s["vault"] - 1))
        s["request_time"] = step["t"]
    else:
        if step["t"] - s["request_time"] < s["unstaking_period"]:
            raise StepRefusedError("cooldown")
        _rebase_both(s)
        if s["request_shares"] == 0:
            raise StepRefusedError("no_request")
        paid = min(floor_div(s["vault"] * s["request_shares"], s["total_shares"]), s["request_value"])
        for name in ("staker_shares", "total_shares", "user_shares"):
            s[name] -= s["request_shares"]
        s["cost_basis"] -= paid
        s["request_shares"] = s["request_value"] = 0
        s["request_time"] = step["t"]
        s["vault"] -= paid
        return paid
    return None


RULES: dict[str, Rule] = {
    f"drift_v2.{rule.__name__}": rule
    for rule in (
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
}

"""A perpetual position with negative profit: settle, insurance, social loss."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from conformance.compare import Adapter, RefusedError
from seawall.errors import InputError
from seawall.waterfall import BankruptPosition, TokenHealth, resolve

GROUP = "mango_v4"


def negative_pnl_or_bankruptcy(inputs: dict[str, Any]) -> dict[str, Any]:
    given = {name: Fraction(value) for name, value in inputs.items()}
    price = given["settle_token_price"]
    case = BankruptPosition(
        health=TokenHealth(
            asset=price * given["settle_token_asset_weight"],
            liability=price * given["settle_token_liab_weight"],
            other=given["other_collateral_value"],
        ),
        balance=given["settle_token_balance"],
        profit=given["perp_quote_position"],
        settle_price=price,
        insurance_price=given["insurance_token_price"],
        vault=given["insurance_vault_tokens"],
        settle_limit=given["pnl_settle_limit"],
        fee=given["base_liquidation_fee"],
        open_interest=given["open_interest"],
    )
    try:
        found = resolve(case, given["max_liab_transfer"])
    except InputError as refused:
        if refused.field == "profit":
            raise RefusedError("not_negative") from None
        raise
    return {
        "liqee_settle_token": case.balance - found.settled,
        "liqee_perp_quote": found.profit_after,
        "liqor_settle_token": found.settled,
        "liqor_perp_quote": -found.settled - found.taken_over,
        "liqor_insurance_tokens": found.insurance_tokens,
        "social_loss_per_unit_open_interest": found.per_unit,
    }


OPS: dict[str, Adapter] = {"negative_pnl_or_bankruptcy": negative_pnl_or_bankruptcy}

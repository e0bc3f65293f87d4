"""Cases of our own for the operations on shared losses, worked by hand from the rules of the vectors. Ids W-*.

Each row is an operation, a reason, inputs and what must come out. Numbers with a point are exact decimals.
"""

from __future__ import annotations

import json
from fractions import Fraction

import pytest
from conformance.adapters import ADAPTERS
from conformance.compare import run_case

MANGO = {
    "settle_token_asset_weight": 0.5, "settle_token_liab_weight": 2, "settle_token_price": 1, "insurance_token_price": 1,
    "settle_token_balance": 10, "perp_quote_position": -30, "other_collateral_value": 0, "insurance_vault_tokens": 100,
    "pnl_settle_limit": 1000, "base_liquidation_fee": 0, "open_interest": 0, "max_liab_transfer": 1000,
}  # fmt: skip
PERP = {
    "loss": "-100", "insurance_vault": "61", "market_max_insurance": "50", "market_insurance_used": "20", "fee_pool": "10",
    "open_interest_long": "7", "open_interest_short": "-3", "cumulative_funding_long": "0", "cumulative_funding_short": "0",
    "affected_long": {"base": "7", "quote": "0", "last_cumulative_funding": "0"},
    "affected_short": {"base": "-3", "quote": "0", "last_cumulative_funding": "0"},
}  # fmt: skip

CASES = [
    ("adl.queue", "unlisted accounts are not touched, so the budget stays short",
     {"equity": [10, 5, -8], "pnl": [9, 5, -8], "severity": 1, "order": [1]},
     {"deficit": 8, "budget": 8, "seized": [0, 5, 0], "collected": 5, "residual": 3, "post_equity": [10, 0, -8]}),
    ("adl.queue", "profit of an account below zero is no endowment",
     {"equity": [-1, 4], "pnl": [6, 2], "severity": 1, "order": [0, 1]},
     {"deficit": 1, "budget": 1, "seized": [0, 1], "collected": 1, "residual": 0, "post_equity": [-1, 3]}),
    ("adl.pro_rata", "no endowment: no haircut",
     {"equity": [3, -2], "pnl": [-1, -5], "severity": 1},
     {"deficit": 2, "budget": 2, "haircut": 0, "seized": [0, 0], "collected": 0, "residual": 2, "post_equity": [3, -2]}),
    ("adl.pro_rata", "a budget above all endowments takes them whole",
     {"equity": [3, 4, -9], "pnl": [1, 3, -9], "severity": 1},
     {"haircut": 1, "seized": [1, 3, 0], "collected": 4, "residual": 5}),
    ("adl.rap_shares", "excess over two: those below weigh nothing",
     {"leverage": [1, 3, 4], "pro_rata_shares": [0.5, 0.25, 0.25], "g": "excess", "g_parameter": 2},
     {"shares": [0, Fraction(3, 11), Fraction(8, 11)]}),
    ("adl.rap_shares", "nobody above the threshold: all zero",
     {"leverage": [1, 2], "pro_rata_shares": [0.5, 0.5], "g": "excess", "g_parameter": 2}, {"shares": [0, 0]}),
    ("documents.bybit_adl_trigger", "exactly at the limit is not beyond it",
     {"pool_balance_8h_max": 1000, "symbol_pnl_now": -200, "symbol_pnl_8h_max": 100, "pool_balance": 900,
      "adl_trigger_threshold": 1, "insurance_pnl_ratio": -0.3},
     {"pnl_ratio": Fraction(-3, 10), "adl_triggered": False, "borne_by_deleveraged": 0}),
    ("documents.bybit_adl_trigger", "an empty pool is the business of another trigger, what is borne is still stated",
     {"pool_balance_8h_max": 1000, "symbol_pnl_now": -500, "symbol_pnl_8h_max": 0, "pool_balance": 1,
      "adl_trigger_threshold": 1, "insurance_pnl_ratio": -0.3},
     {"pnl_ratio": Fraction(-1, 2), "adl_triggered": False, "borne_by_deleveraged": 200}),
    ("documents.okx_adl_trigger", "the floor binds for a small fund; at the threshold nothing starts",
     {"fund_now": 50000, "fund_8h_average": 100000, "drop_fraction": 0.3, "drop_floor": 50000},
     {"threshold": 50000, "adl_triggered": False}),
    ("documents.bitmex_adl_queue", "equal scores in listed order, and more than all of them hold",
     {"liquidated_size": 9, "bankruptcy_price": 5,
      "accounts": [{"id": "a", "quantity": 3, "score": 1}, {"id": "b", "quantity": 4, "score": 1}]},
     {"order": ["a", "b"], "fills": [{"id": "a", "closed": 3, "price": 5}, {"id": "b", "closed": 4, "price": 5}],
      "remaining": {"a": 0, "b": 0}, "unfilled": 2}),
    ("waterfall.allocate_tiers", "an empty tier is passed; the last one is short",
     {"loss": 10, "tiers_in_order": [[], [{"name": "a", "amount": 0}], [{"name": "b", "amount": 1}, {"name": "c", "amount": 2}]]},
     {"used": {"a": 0, "b": 1, "c": 2}, "shortfall": 7}),
    ("waterfall.allocate_tiers", "inside a tier exactly pro rata",
     {"loss": 1, "tiers_in_order": [[{"name": "a", "amount": 1}, {"name": "b", "amount": 2}]]},
     {"used": {"a": Fraction(1, 3), "b": Fraction(2, 3)}, "shortfall": 0}),
    ("waterfall.successive_defaults", "reinstated between, not before the first; own resources never negative",
     {"sitg": 10, "member_fund": 12, "sitg_reinstated_between": True,
      "defaults": [{"loss": 15, "defaulter_resources": 0}, {"loss": 3, "defaulter_resources": 9}, {"loss": 30, "defaulter_resources": 1}]},
     {"defaults": [{"sitg_used": 10, "members_used": 5, "shortfall": 0}, {"sitg_used": 0, "members_used": 0, "shortfall": 0},
                   {"sitg_used": 10, "members_used": 7, "shortfall": 12}], "sitg_left": 0, "member_fund_left": 0}),
    ("waterfall.successive_defaults", "no default leaves everything",
     {"sitg": 1, "member_fund": 2, "sitg_reinstated_between": True, "defaults": []},
     {"defaults": [], "sitg_left": 1, "member_fund_left": 2}),
    ("waterfall.return_recoveries", "more than was paid is excess; a layer that paid nothing gets nothing",
     {"recovery": 9, "return_order": [{"name": "x", "used": {"A": 0, "B": 0}}, {"name": "y", "used": {"A": 3, "B": 1}}]},
     {"returned": [{"name": "x", "returned": {"A": 0, "B": 0}}, {"name": "y", "returned": {"A": 3, "B": 1}}], "excess": 5}),
    ("waterfall.split_minor_units", "all weights zero: nobody gets anything",
     {"loss_minor_units": 5, "weights": [0, 0]}, {"shares": [0, 0]}),
    ("recovery.gains_haircut", "no gains: no haircut, losers untouched",
     {"shortfall": 4, "gains": {"A": 0, "B": -3}},
     {"haircut": 0, "cut": {"A": 0, "B": 0}, "paid": {"A": 0, "B": -3}, "residual": 4}),
    ("recovery.gains_haircut", "everything is not enough",
     {"shortfall": 10, "gains": {"A": 3, "B": -1, "C": 1}},
     {"haircut": 1, "cut": {"A": 3, "B": 0, "C": 1}, "paid": {"A": 0, "B": -1, "C": 0}, "residual": 6}),
    ("recovery.capped_gains_haircut", "what a cap refuses is offered again to all with room, then the day is short",
     {"cap_per_member": 10, "days": [{"shortfall": 24, "gains": {"A": 30, "B": 9, "C": 9}}, {"shortfall": 5, "gains": {"A": 9, "C": 2, "D": 1}}]},
     {"days": [{"cut": {"A": 10, "B": 7, "C": 7}, "residual": 0}, {"cut": {"A": 0, "C": 2, "D": 1}, "residual": 2}],
      "cap_left": {"A": 0, "B": 3, "C": 1, "D": 9}}),
    ("recovery.partial_tear_up", "longs torn, more unmatched than there are lots",
     {"unmatched_contracts": 9, "opposite_side": {"A": 4, "B": 2}, "mark": 10, "entry": {"A": 8, "B": 13}, "side": "long"},
     {"torn": {"A": 4, "B": 2}, "settled_pnl": {"A": 8, "B": -6}, "open_after": {"A": 0, "B": 0}, "unmatched_left": 3}),
    ("recovery.partial_tear_up", "nobody on the other side",
     {"unmatched_contracts": 9, "opposite_side": {"A": 0}, "mark": 10, "entry": {"A": 8}, "side": "short"},
     {"torn": {"A": 0}, "settled_pnl": {"A": 0}, "open_after": {"A": 0}, "unmatched_left": 9}),
    ("recovery.junior_profit_haircut", "no profit: rate one; insurance never pays profit",
     {"vault": 100, "capital_total": 90, "insurance": 40, "matured_positive_pnl": {"a": 0}},
     {"residual": 0, "h": 1, "effective": {"a": 0}}),
    ("recovery.junior_profit_haircut", "rounded down each, so a unit stays",
     {"vault": 110, "capital_total": 90, "insurance": 10, "matured_positive_pnl": {"a": 7, "b": 7, "c": 7}},
     {"residual": 10, "h": Fraction(10, 21), "effective": {"a": 3, "b": 3, "c": 3}}),
    ("recovery.loss_layers", "collateral covers all",
     {"principal": 10, "realized": 1, "unvested": 2, "insurance": 5, "collateral": 13},
     {"unvested_burned": 0, "insurance_drawn": 0, "equity_haircut": 0}),
    ("recovery.loss_layers", "no equity: no haircut",
     {"principal": 0, "realized": 0, "unvested": 4, "insurance": 5, "collateral": 1},
     {"unvested_burned": 3, "insurance_drawn": 0, "equity_haircut": 0}),
    ("vega.loss_socialisation", "the pool fills up what is due and no more",
     {"losers": [{"owes": "10", "has": "4"}, {"owes": "5", "has": "9"}], "insurance_pool": "50", "winners_in_order": ["8", "7"]},
     {"collected": "15", "paid_in_order": ["8", "7"]}),
    ("vega.loss_socialisation", "floor for each, the rest to the last listed",
     {"losers": [{"owes": "10", "has": "7"}], "insurance_pool": "1", "winners_in_order": ["3", "3", "4"]},
     {"collected": "8", "paid_in_order": ["2", "2", "4"]}),
    ("vega.loss_socialisation", "nothing due",
     {"losers": [], "insurance_pool": "5", "winners_in_order": ["0"]}, {"collected": "0", "paid_in_order": ["0"]}),
    ("drift_v2.social_loss_funding_delta", "nobody to share with",
     {"loss": "-5", "open_interest_long": "0", "open_interest_short": "0"}, {"error": "no_open_interest"}),
    ("drift_v2.social_loss_funding_delta", "one side only, rounded up before the step",
     {"loss": "-1", "open_interest_long": "0", "open_interest_short": "-3"}, {"funding_rate_delta": "333333334000"}),
    ("drift_v2.social_loss_deposit_delta", "no deposits",
     {"loss": "7", "deposit_balance": "0", "cumulative_deposit_interest": "10000000000", "decimals": 6}, {"interest_delta": "0"}),
    ("drift_v2.resolve_perp_bankruptcy", "budget less used, then the pool, then both sides pay per unit",
     PERP, {"insurance_paid": "30", "fee_pool_paid": "10", "socialised": "60", "cumulative_funding_long": "6000000000000",
            "cumulative_funding_short": "-6000000000000", "affected_long_quote": "-42", "affected_short_quote": "-18"}),
    ("drift_v2.resolve_perp_bankruptcy", "fully insured: no index moves, though nobody holds a position",
     {**PERP, "loss": "-40", "open_interest_long": "0", "open_interest_short": "0"},
     {"insurance_paid": "30", "fee_pool_paid": "10", "socialised": "0", "cumulative_funding_long": "0", "affected_long_quote": "0"}),
    ("drift_v2.resolve_perp_bankruptcy", "a loss that nobody can share is refused",
     {**PERP, "open_interest_long": "0", "open_interest_short": "0"}, {"error": "no_open_interest"}),
    ("drift_v2.resolve_perp_bankruptcy", "the charge is rounded toward zero on both sides",
     {**PERP, "loss": "-41", "open_interest_long": "3", "open_interest_short": "0",
      "affected_long": {"base": "1", "quote": "0", "last_cumulative_funding": "0"},
      "affected_short": {"base": "1", "quote": "0", "last_cumulative_funding": "0"}},
     {"socialised": "1", "cumulative_funding_long": "333333334000", "affected_long_quote": "0", "affected_short_quote": "0"}),
    ("drift_v2.resolve_spot_bankruptcy", "the vault keeps one unit",
     {"borrow": "100", "insurance_vault": "41", "deposit_balance": "1000000000", "cumulative_deposit_interest": "10000000000", "decimals": 6},
     {"insurance_paid": "40", "socialised": "60", "cumulative_deposit_interest": "9999400000", "total_deposits_after": "999940"}),
    ("drift_v2.resolve_spot_bankruptcy", "a vault that pays all leaves the index alone",
     {"borrow": "40", "insurance_vault": "41", "deposit_balance": "1000000000", "cumulative_deposit_interest": "10000000000", "decimals": 6},
     {"insurance_paid": "40", "socialised": "0", "cumulative_deposit_interest": "10000000000"}),
    ("mango_v4.negative_pnl_or_bankruptcy", "ten tokens settle down to zero health, the rest is bankrupt and insured",
     MANGO, {"liqee_settle_token": 0, "liqee_perp_quote": 0, "liqor_settle_token": 10, "liqor_perp_quote": -30,
             "liqor_insurance_tokens": 20, "social_loss_per_unit_open_interest": 0}),
    ("mango_v4.negative_pnl_or_bankruptcy", "appetite for the settlement only: nothing is socialised",
     {**MANGO, "max_liab_transfer": 4}, {"liqee_settle_token": 6, "liqee_perp_quote": -26, "liqor_insurance_tokens": 0,
                                         "social_loss_per_unit_open_interest": 0}),
    ("mango_v4.negative_pnl_or_bankruptcy", "the vault is emptied by a small appetite: all the rest is socialised",
     {**MANGO, "insurance_vault_tokens": 3, "max_liab_transfer": 13, "open_interest": 4},
     {"liqee_perp_quote": 0, "liqor_perp_quote": -13, "liqor_insurance_tokens": 3,
      "social_loss_per_unit_open_interest": Fraction(17, 4)}),
    ("mango_v4.negative_pnl_or_bankruptcy", "an appetite below the vault leaves the rest with the account",
     {**MANGO, "max_liab_transfer": 13, "open_interest": 4},
     {"liqee_perp_quote": -17, "liqor_insurance_tokens": 3, "social_loss_per_unit_open_interest": 0}),
    ("mango_v4.negative_pnl_or_bankruptcy", "an empty vault socialises at once, the fee is in the price",
     {**MANGO, "insurance_vault_tokens": 0, "base_liquidation_fee": 0.05, "open_interest": 10},
     {"liqee_settle_token": 0, "liqor_perp_quote": -10, "liqor_insurance_tokens": 0, "social_loss_per_unit_open_interest": 2}),
    ("mango_v4.negative_pnl_or_bankruptcy", "whole tokens: one token of 3 pays for a loss of 2",
     {**MANGO, "settle_token_balance": 0, "perp_quote_position": -2, "insurance_token_price": 3},
     {"liqee_perp_quote": 0, "liqor_perp_quote": -2, "liqor_insurance_tokens": 1}),
    ("mango_v4.negative_pnl_or_bankruptcy", "other collateral is lent against before anybody pays",
     {**MANGO, "settle_token_balance": 0, "other_collateral_value": 20},
     {"liqee_settle_token": -10, "liqee_perp_quote": 0, "liqor_insurance_tokens": 20}),
    ("mango_v4.negative_pnl_or_bankruptcy", "a settle limit of zero: healthy accounts are not bankrupt",
     {**MANGO, "settle_token_balance": 100, "pnl_settle_limit": 0},
     {"liqee_settle_token": 100, "liqee_perp_quote": -30, "liqor_insurance_tokens": 0}),
]  # fmt: skip


def exact(value):
    """As a file would give it: numbers with a point as the decimal they print."""
    if isinstance(value, float):
        return Fraction(str(value))
    if isinstance(value, dict):
        return {k: exact(v) for k, v in value.items()}
    return [exact(v) for v in value] if isinstance(value, list) else value


@pytest.mark.parametrize("row", CASES, ids=[f"W-{i}-{c[0]}" for i, c in enumerate(CASES, 1)])
def test_conformance_hand_worked_case(row):
    op, reason, inputs, expected = row
    json.dumps(inputs)  # what a file could hold
    case = {"id": op, "op": op, "source": reason, "inputs": exact(inputs), "expected": expected}
    result = run_case(case, ADAPTERS)
    assert result.status == "passed", (reason, result)

"""The open cases of the vectors, and the runner itself. Ids conformance-*."""

from __future__ import annotations

import json
from fractions import Fraction

import pytest
from conformance.__main__ import main
from conformance.adapters import ADAPTERS
from conformance.compare import load_file, run_case, same

REQUIRED = {
    "dydx_v4": ("is_liquidatable", "bankruptcy_price", "fillable_price", "insurance_fund_delta", "insurance_draw_allowed", "can_deleverage"),
    "documents": ("fund_flow", "bitmex_adl_queue", "binance_adl_score", "bybit_adl_trigger", "okx_adl_trigger"),
    "adl": ("queue", "pro_rata", "rap_shares"),
    "waterfall": ("allocate", "split_minor_units", "allocate_tiers", "successive_defaults", "return_recoveries"),
    "recovery": ("gains_haircut", "capped_gains_haircut", "partial_tear_up", "junior_profit_haircut", "loss_layers"),
    "vega": ("loss_socialisation",),
    "mango_v4": ("negative_pnl_or_bankruptcy",),
    "drift_v2": ("social_loss_funding_delta", "social_loss_deposit_delta", "resolve_perp_bankruptcy", "resolve_spot_bankruptcy"),
}  # fmt: skip


@pytest.mark.parametrize("op", [f"{g}.{n}" for g, names in REQUIRED.items() for n in names])
def test_conformance_open_cases_pass(shared, op):
    files = sorted((shared / "vectors").rglob("*.json"))
    cases = [c for f in files for c in load_file(f) if c["op"] == op]
    assert cases, f"no open case of {op}"
    for case in cases:
        result = run_case(case, ADAPTERS)
        assert result.status == "passed", result


def test_conformance_runner_counts_and_exit_codes(tmp_path, capsys):
    case = {
        "id": "x",
        "op": "waterfall.split_minor_units",
        "inputs": {"loss_minor_units": 10, "weights": [1, 1]},
        "expected": {"shares": [5, 5]},
    }
    cases = [case, {**case, "id": "y", "expected": {"shares": [6, 4]}}, {**case, "id": "z", "op": "no.such"}]
    path = tmp_path / "v.json"
    path.write_text(json.dumps({"schema": "seawall-vectors/1", "cases": cases}))
    assert main([str(path), "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert (document["passed"], document["failed"], document["unsupported"]) == (1, 1, 1)
    assert document["failures"] == [
        {"id": "y", "op": case["op"], "expected": {"shares": [6, 4]}, "got": {"shares": [5, 5]}}
    ]
    assert main([str(tmp_path / "none.json")]) == 2
    path.write_text("{}")
    assert main([str(path)]) == 2


def test_conformance_compares_exactly_and_within_tolerance():
    zero = (Fraction(0), Fraction(0))
    assert same(1, Fraction(1), zero)
    assert not same(True, 1, zero)
    assert not same("1", 1, zero)
    assert same(Fraction("1.25"), Fraction("1.2"), (Fraction("0.05"), Fraction(0)))
    assert not same([1, 2], [1], zero)
    assert not same({"a": 1}, {"a": 1, "b": 2}, zero)

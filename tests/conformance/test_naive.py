"""Every operation against a second implementation, written from the rules' text alone. Ids conformance-naive-*."""

from __future__ import annotations

import json
import os
from collections import Counter
from fractions import Fraction
from random import Random
from typing import Any

import pytest
from conformance.__main__ import main
from conformance.adapters import ADAPTERS
from conformance.compare import CaseResult, load_file, run_case
from tests.conformance.naive import NAIVE, OutOfDomainError, ccp_inputs, dydx_inputs, venue_inputs

DRAWS = {**ccp_inputs.DRAWS, **dydx_inputs.DRAWS, **venue_inputs.DRAWS}
CAMPAIGN = float(os.environ.get("SEAWALL_CAMPAIGN", "1"))
CASES = int(300 * CAMPAIGN)
SLOW = {"backtest.kupiec_region": 12, "backtest.zone_thresholds": 3, "sizing.prob_more_defaults": 2}  # times fewer
CLOSE = {"abs": Fraction(1, 10**9), "rel": Fraction(1, 10**12)}
INTEGERS = ("dydx_v4.", "drift_v2.", "vega.", "waterfall.split_minor_units", "backtest.zone", "backtest.kupiec_region")
CODES = {
    "dydx_v4.bankruptcy_price": {"invalid_size_delta"},
    "dydx_v4.fillable_price": {"invalid_size_delta"},
    "dydx_v4.insurance_fund_delta": {"invalid_size_delta", "zero_fill"},
    "dydx_v4.block_limits_remaining": {"already_liquidated_this_block"},
    "dydx_v4.deleverage_at_bankruptcy_price": {"invalid_size_delta", "invalid_state_transition"},
    "dydx_v4.deleverage_at_oracle_price": {"invalid_size_delta", "invalid_state_transition"},
    "drift_v2.social_loss_funding_delta": {"no_open_interest"},
    "drift_v2.resolve_perp_bankruptcy": {"no_open_interest"},
    "drift_v2.stake_script": {"drained_fund", "cooldown", "no_request"},
    "mango_v4.negative_pnl_or_bankruptcy": {"not_negative"},
}
OURS = ("InputError", "PolicyError", "ScaleError", "MoneyOverflow")


def case_of(op: str, number: int, inputs: dict[str, Any], expected: dict[str, Any]) -> dict[str, Any]:
    case = {"id": f"{op}#{number}", "op": op, "source": "naive twin", "inputs": inputs, "expected": expected}
    return case if op.startswith(INTEGERS) else {**case, "tolerance": CLOSE}


def shown(result: CaseResult) -> str:
    return "\n".join(
        f"{name:<9}{json.dumps(getattr(result, name))}" for name in ("id", "source", "inputs", "expected", "got")
    )


def decimal_text(x: Fraction) -> str:
    assert 10**30 % x.denominator == 0, f"{x} is no decimal that a file could print"
    return str(x)


def codes_of(expected: Any) -> set[str]:
    """Every refusal in a result, those of single steps too."""
    if isinstance(expected, dict):
        own = {expected["error"]} if "error" in expected else set()
        return own.union(*map(codes_of, expected.values()))
    return set().union(*map(codes_of, expected)) if isinstance(expected, list) else set()


def kinds_differ(expected: Any, got: Any, path: str = "") -> str:
    """Where a result has another kind than its rule says: text, integer, real, boolean, list or map."""
    if isinstance(expected, dict):
        return next(filter(None, (kinds_differ(v, got[k], f"{path}.{k}") for k, v in expected.items())), "")
    if isinstance(expected, list):
        pairs = enumerate(zip(expected, got, strict=True))
        return next(filter(None, (kinds_differ(e, g, f"{path}[{i}]") for i, (e, g) in pairs)), "")
    if isinstance(expected, Fraction):
        return "" if isinstance(got, int | Fraction) and not isinstance(got, bool) else f"{path}: {got!r} is no real"
    return "" if type(got) is type(expected) else f"{path}: {got!r} is not of the kind of {expected!r}"


def test_conformance_naive_knows_every_operation():
    assert set(NAIVE) == set(DRAWS) == {op for op in ADAPTERS if op.split(".")[0] in {o.split(".")[0] for o in NAIVE}}


def test_conformance_naive_passes_the_open_cases(shared):
    cases = [c for f in sorted((shared / "vectors").rglob("*.json")) for c in load_file(f) if c["op"] in NAIVE]
    assert {c["op"] for c in cases} == set(NAIVE)
    for case in cases:
        result = run_case(case, NAIVE)
        assert result.status == "passed", shown(result)


@pytest.mark.parametrize("op", sorted(NAIVE))
def test_conformance_naive_agrees(op):
    rng, seen = Random(f"{op} {CAMPAIGN}"), Counter[str]()
    for number in range(max(20, CASES // SLOW.get(op, 1))):
        inputs = DRAWS[op](rng)
        before = json.dumps(inputs, default=decimal_text)
        try:
            expected = NAIVE[op](inputs)
        except OutOfDomainError:
            result = run_case(case_of(op, number, inputs, {"error": "not said"}), ADAPTERS)
            clean = not isinstance(result.got, str) or result.got.startswith(OURS)
            assert clean, f"an answer or a refusal is due, not a crash\n{shown(result)}"
            continue
        seen.update(codes_of(expected) or {"answered"})
        result = run_case(case_of(op, number, inputs, expected), ADAPTERS)
        assert result.status == "passed", shown(result)
        assert json.dumps(inputs, default=decimal_text) == before, f"the adapter wrote into its inputs\n{shown(result)}"
        json.dumps(result.got)
        if "error" not in expected:
            assert not kinds_differ(expected, ADAPTERS[op](inputs)), kinds_differ(expected, ADAPTERS[op](inputs))
    assert set(seen) >= CODES.get(op, set()) | ({"answered"} if op != "drift_v2.stake_script" else set()), seen


def test_conformance_naive_through_files(tmp_path, capsys):
    """The same cases written as a JSON file and read by the runner: decimals arrive as what they print."""
    rng, cases = Random("files"), []
    for op in sorted(NAIVE):
        for number in range(5):
            inputs = DRAWS[op](rng)
            try:
                expected = NAIVE[op](inputs)
            except OutOfDomainError:
                continue
            cases.append(case_of(op, number, inputs, expected))
    path = tmp_path / "cases.json"
    path.write_text(json.dumps({"schema": "seawall-vectors/1", "cases": cases}, default=float), encoding="utf-8")
    code = main([str(path), "--json"])
    document = json.loads(capsys.readouterr().out)
    assert (code, document["passed"], document["failed"]) == (0, len(cases), 0), document["failures"]
    plain = json.loads(path.read_text(encoding="utf-8"))["cases"]  # floats, as another reader would hand them over
    failed = [shown(r) for r in (run_case(case, ADAPTERS) for case in plain) if r.status != "passed"]
    assert not failed, "\n".join(failed)


GOOD = {
    "id": "good",
    "op": "waterfall.split_minor_units",
    "inputs": {"loss_minor_units": 10, "weights": [1, 1]},
    "expected": {"shares": [5, 5]},
}
BAD: dict[str, Any] = {
    "a text": "case",
    "nothing": None,
    "no id": {k: v for k, v in GOOD.items() if k != "id"},
    "no op": {k: v for k, v in GOOD.items() if k != "op"},
    "no inputs": {k: v for k, v in GOOD.items() if k != "inputs"},
    "no expected": {k: v for k, v in GOOD.items() if k != "expected"},
    "inputs a list": {**GOOD, "inputs": [1]},
    "expected a list": {**GOOD, "expected": [5, 5]},
    "expected empty": {**GOOD, "expected": {}},
    "tolerance a text": {**GOOD, "tolerance": "small"},
    "tolerance no number": {**GOOD, "tolerance": {"abs": "small"}},
    "tolerance below zero": {**GOOD, "tolerance": {"abs": -1}},
    "not finite": {**GOOD, "inputs": {"loss_minor_units": float("nan"), "weights": [1]}},
    "a key is missing": {**GOOD, "inputs": {"weights": [1]}},
    "a number is a map": {**GOOD, "inputs": {"loss_minor_units": {}, "weights": [1]}},
    "weights below zero": {**GOOD, "inputs": {"loss_minor_units": 4, "weights": [-1, 3]}},
    "beyond a float": {**GOOD, "inputs": {"loss_minor_units": 4, "weights": [1], "note": Fraction(10**400, 3)}},
}


@pytest.mark.parametrize("name", sorted(BAD))
def test_conformance_runner_fails_a_malformed_case_alone(name, tmp_path, capsys):
    cases = [GOOD, BAD[name], {**GOOD, "id": "after"}]
    text = json.dumps({"schema": "seawall-vectors/1", "cases": cases}, default=lambda x: "BIG")
    path = tmp_path / "cases.json"
    path.write_text(text.replace('"BIG"', "1.5e400"), encoding="utf-8")
    assert main([str(path), "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert (document["passed"], document["failed"]) == (2, 1), document
    assert document["failures"][0]["got"], document
    assert main([str(path)]) == 1
    assert "FAILED" in capsys.readouterr().out


# Beside what the rules' text speaks of: an answer or a refusal by name, never a crash.
MARKET = {
    "initial_margin_ppm": 200_000,
    "maintenance_fraction_ppm": 500_000,
    "atomic_resolution": -8,
    "oracle_price": "2",
    "oracle_price_exponent": -5,
}
START = {"vault": "0", "total_shares": "0", "user_shares": "0", "shares_base": 0, "unstaking_period": 5,
         "staker_shares": "0", "staker_base": 0, "cost_basis": "0"}  # fmt: skip
TINY = {"perpetuals": {"0": MARKET}, "account": {"usdc_quote_quantums": "-5", "positions": {"0": "1"}}, "perpetual_id": "0"}  # fmt: skip
HALF = Fraction("0.5")
BESIDE: list[tuple[str, dict[str, Any]]] = [
    ("dydx_v4.bankruptcy_price", {**TINY, "delta_base_quantums": "-1"}),
    ("dydx_v4.bankruptcy_price", {**TINY, "perpetual_id": "7", "delta_base_quantums": "-1"}),
    ("dydx_v4.fillable_price", {**TINY, "delta_base_quantums": "-1", "bankruptcy_adjustment_ppm": 10**6, "spread_to_maintenance_margin_ratio_ppm": 10**6}),
    ("dydx_v4.offset_position", {"perpetuals": {"0": MARKET}, "perpetual_id": "0", "liquidated": "nobody", "delta_base_quantums": "9", "accounts": []}),
    ("drift_v2.share_rebase", {"total_shares": "5", "vault_balance": "0"}),
    ("drift_v2.shares_lost_on_cancel", {"total_shares": "0", "vault_balance": "3", "requested_shares": "0", "requested_value": "0"}),
    ("drift_v2.stake_script", {"start": START, "steps": [{"do": "request", "shares": "0", "t": 9}, {"do": "withdraw", "t": 99}]}),
    ("vega.loss_socialisation", {"losers": [], "insurance_pool": "5", "winners_in_order": ["3"]}),
    ("documents.bybit_adl_trigger", {"pool_balance_8h_max": 0, "symbol_pnl_now": -3, "symbol_pnl_8h_max": 0, "pool_balance": 3, "adl_trigger_threshold": 1, "insurance_pnl_ratio": -HALF}),
    ("adl.queue", {"equity": [5, -5], "pnl": [3, 2], "severity": 1, "order": [0, 0]}),
    ("adl.rap_shares", {"leverage": [0, 1], "pro_rata_shares": [HALF, HALF], "g": "power", "g_parameter": -1}),
    ("adl.rap_shares", {"leverage": [2, 100], "pro_rata_shares": [HALF, HALF], "g": "power", "g_parameter": Fraction("200.5")}),
    ("adl.rap_shares", {"leverage": [2, 1], "pro_rata_shares": [HALF, HALF], "g": "excess", "g_parameter": 5}),
    ("sizing.cover_k", {"stress_loss_over_resources": {}, "scenarios": ["x"]}),
    ("sizing.cover_k", {"stress_loss_over_resources": {"A": [1]}, "scenarios": ["x"], "groups": {"G": ["A", "nobody"]}}),
    ("capital.member_charge", {"k_ccp": 8, "df_ccp": 0, "df_cm_total": 0, "df_i": 0, "capital_ratio": HALF, "floor_risk_weight": HALF}),
    ("backtest.kupiec_lr", {"n": 10, "coverage": 1, "exceptions": 1}),
    ("backtest.kupiec_region", {"n": 11, "coverage": Fraction("0.9"), "critical_value": Fraction("0.000001")}),
    ("backtest.coverage_disclosure", {"observations": 0, "uncovered_amounts": []}),
]  # fmt: skip


@pytest.mark.parametrize(("op", "inputs"), BESIDE, ids=[f"{i}-{op}" for i, (op, _) in enumerate(BESIDE)])
def test_conformance_naive_beside_the_rules_nothing_crashes(op, inputs):
    result = run_case(case_of(op, 0, inputs, {"error": "not said"}), ADAPTERS)
    assert not isinstance(result.got, str) or result.got.startswith(OURS), shown(result)


def test_conformance_naive_a_queue_never_takes_an_account_twice():
    """Listed twice, the account would give 5 of its 3: the queue is refused as a whole."""
    inputs = {"equity": [5, -5], "pnl": [3, 2], "severity": 1, "order": [0, 0]}
    result = run_case(case_of("adl.queue", 0, inputs, {"error": "not said"}), ADAPTERS)
    assert "twice" in result.got, shown(result)

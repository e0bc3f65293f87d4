"""Edge cases of the clearing-house operations, from the words of their README. Ids are the case ids."""

from __future__ import annotations

from fractions import Fraction

import pytest
from conformance.adapters import ADAPTERS
from conformance.compare import load_file, run_case

FILES = ("sizing", "capital", "margin", "collateral", "backtest")
ALSO = ("recovery.cash_call", "recovery.assessment_caps", "waterfall.successive_defaults")
SOURCE = "rules of the clearing-house vectors, worked by hand"


def dec(text):
    return Fraction(text)


CASES = [
    ("cover-tie-by-name-and-first-scenario", "sizing.cover_k",
     {"stress_loss_over_resources": {"Z": [5, 5], "B": [5, 5], "A": [-1, 0]}, "scenarios": ["s", "t"]},
     {"cover1": {"amount": 5, "scenario": "s", "groups": ["B"]},
      "cover2": {"amount": 10, "scenario": "s", "groups": ["B", "Z"]}}),
    ("cover-all-gain", "sizing.cover_k",
     {"stress_loss_over_resources": {"B": [-5], "A": [-1]}, "scenarios": ["s"]},
     {"cover1": {"amount": 0, "scenario": "s", "groups": ["A"]},
      "cover2": {"amount": 0, "scenario": "s", "groups": ["A", "B"]}}),
    ("cover-one-group", "sizing.cover_k",
     {"stress_loss_over_resources": {"B": [3, 4], "A": [-1, 2]}, "scenarios": ["s", "t"], "groups": {"G": ["A", "B"]}},
     {"cover1": {"amount": 6, "scenario": "t", "groups": ["G"]}, "cover2": {"amount": 6, "scenario": "t", "groups": ["G"]}}),
    ("cover-pair-of-one-scenario-only", "sizing.cover_k",
     {"stress_loss_over_resources": {"A": [100, 0], "B": [0, 90], "C": [20, 40]}, "scenarios": ["s", "t"]},
     {"cover1": {"amount": 100, "scenario": "s", "groups": ["A"]},
      "cover2": {"amount": 130, "scenario": "t", "groups": ["B", "C"]}}),
    ("prefunded-decimals-exactly-enough", "sizing.prefunded_test",
     {"exposures": [dec("0.2"), dec("0.1")], "default_fund": dec("0.1"), "other_prefunded": dec("0.2")},
     {"cover2_requirement": dec("0.3"), "prefunded": dec("0.3"), "covered": True, "gap": 0}),
    ("averages-of-one-group", "sizing.averaged_stress_loss",
     {"slom_by_group": {"G": [1, 2]}, "buffer": 0}, {"average": {"G": dec("1.5")}, "default_fund": dec("1.5")}),
    ("concentration-exactly-at-every-level", "sizing.concentration_response",
     {"default_fund": dec("0.3"), "group_slom": {"G": dec("0.12"), "H": dec("0.15")}, "early_warning": dec("0.4"),
      "pair_trigger": dec("0.9"), "individual_cap": dec("0.5")},
     {"early_warning": ["H"], "pair_sum": dec("0.27"), "pair_trigger": False, "supplementary_margin": {}, "pair_sum_after": dec("0.27")}),
    ("minima-above-the-target", "sizing.contributions_with_minimum",
     {"target": 5, "exposure": {"A": 9, "B": 1}, "minimum": 4}, {"contribution": {"A": 4, "B": 4}}),
    ("minimum-without-exposure", "sizing.contributions_with_minimum",
     {"target": 5, "exposure": {"A": 0, "B": 0}, "minimum": 0}, {"contribution": {"A": 0, "B": 0}}),
    ("minimum-exactly-met-is-not-below", "sizing.contributions_with_minimum",
     {"target": 10, "exposure": {"A": 8, "B": 2}, "minimum": 2}, {"contribution": {"A": 8, "B": 2}}),
    ("minimum-in-two-rounds", "sizing.contributions_with_minimum",
     {"target": 100, "exposure": {"A": 70, "B": 21, "C": 9}, "minimum": 20},
     {"contribution": {"A": 60, "B": 20, "C": 20}}),
    ("weighted-measure-of-nobody", "sizing.weighted_contributions",
     {"fund": 100, "fixed_each": 5, "weights": {"r": dec("0.5"), "v": dec("0.5")},
      "members": {"A": {"r": 3, "v": 0}, "B": {"r": 1, "v": 0}}},
     {"contribution": {"A": dec("38.75"), "B": dec("16.25")}}),
    ("own-resources-of-empty-funds", "sizing.own_resources_split",
     {"capital": 80, "fraction": dec("0.25"), "fund_sizes": {"a": 0, "b": 0}},
     {"own_resources": 20, "allocated": {"a": 0, "b": 0}}),
    ("more-defaults-than-members", "sizing.prob_more_defaults",
     {"members": 3, "default_probability": dec("0.5"), "covered_defaults": 3}, {"probability": 0}),
    ("more-defaults-than-none", "sizing.prob_more_defaults",
     {"members": 2, "default_probability": dec("0.1"), "covered_defaults": 0}, {"probability": dec("0.19")}),
    ("k-ccp-from-members", "capital.k_ccp",
     {"members": [{"ebrm": 300, "im": 40, "df": 10}, {"ebrm": 30, "im": 40, "df": 10}], "risk_weight": dec("0.2"), "capital_ratio": dec("0.08")},
     {"k_ccp": 4}),
    ("k-ccp-negative-exposure", "capital.k_ccp",
     {"ead": [250, -50], "risk_weight": dec("0.2"), "capital_ratio": dec("0.08")}, {"k_ccp": 4}),
    ("charge-floor", "capital.member_charge",
     {"k_ccp": 0, "df_ccp": 20, "df_cm_total": 180, "df_i": 50, "capital_ratio": dec("0.08"), "floor_risk_weight": dec("0.02")},
     {"k_cm_i": dec("0.08"), "floor": dec("0.08"), "rwa": 1}),
    ("buffer-never-drained", "margin.drainable_buffer",
     {"buffer": dec("0.25"), "calculated": [100, 120]}, {"required": [125, 150], "buffer_left": [25, 30]}),
    ("buffer-level-is-fixed", "margin.drainable_buffer",
     {"buffer": dec("0.25"), "calculated": [100, 200, 60], "drain_from_index": 1},
     {"required": [125, 200, 125], "buffer_left": [25, 0, 65]}),
    ("scan-minimum-binds-on-a-short", "margin.weighted_scan",
     {"spot": 100, "position": -3, "spot_shock_and_weight": [[dec("0.01"), 1], [-1, 1]], "min_fraction": dec("0.02")},
     {"scan": 3, "minimum": 6, "requirement": 6}),
    ("addon-inside-base-days", "margin.concentration_addon",
     {"position": -500, "adv": 2000, "participation": dec("0.25"), "base_days": 2, "margin_base_days": 100},
     {"days_to_liquidate": 1, "multiplier": 1, "margin": 100}),
    ("haircut-whole-root", "collateral.scaled_haircut",
     {"h10": dec("0.2"), "revaluation_days": 1, "holding_days": 40}, {"haircut": dec("0.4")}),
    ("haircut-breach-strict", "collateral.haircut_breaches",
     {"haircut": dec("0.1"), "returns": [dec("-0.1"), 0]}, {"breaches": 0, "worst_excess": 0}),
    ("recognised-two-limited", "collateral.recognised_value",
     {"holdings": {"a": 100, "b": 90, "c": 30, "d": 20}, "haircut": {"a": 0, "b": 0, "c": 0, "d": 0}, "wrong_way": [],
      "single_asset_limit": dec("0.3")},
     {"eligible": {"a": 100, "b": 90, "c": 30, "d": 20}, "recognised": {"a": dec("37.5"), "b": dec("37.5"), "c": 30, "d": 20},
      "recognised_total": 125}),
    ("recognised-nothing", "collateral.recognised_value",
     {"holdings": {"a": 100}, "haircut": {"a": dec("0.1")}, "wrong_way": [], "single_asset_limit": dec("0.25")},
     {"eligible": {"a": 90}, "recognised": {"a": 0}, "recognised_total": 0}),
    ("light-exactly-95", "backtest.traffic_light", {"n": 1, "coverage": dec("0.95"), "exceptions": 0},
     {"cumulative_probability": dec("0.95"), "zone": "yellow"}),
    ("light-all", "backtest.traffic_light", {"n": 3, "coverage": dec("0.99"), "exceptions": 3},
     {"cumulative_probability": 1, "zone": "red"}),
    ("thresholds-on-the-line", "backtest.zone_thresholds", {"n": 1, "coverage": dec("0.95")}, {"yellow_from": 0, "red_from": 1}),
    ("kupiec-at-its-own-rate", "backtest.kupiec_lr", {"n": 200, "coverage": dec("0.99"), "exceptions": 2}, {"lr": 0}),
    ("kupiec-region-whole", "backtest.kupiec_region", {"n": 4, "coverage": dec("0.5"), "critical_value": 100},
     {"accept_from": 0, "accept_to": 4}),
    ("kupiec-region-point", "backtest.kupiec_region", {"n": 4, "coverage": dec("0.5"), "critical_value": 0},
     {"accept_from": 2, "accept_to": 2}),
    ("disclosure-on-the-line", "backtest.coverage_disclosure", {"observations": 1000, "uncovered_amounts": [dec("0.5")]},
     {"breaches": 1, "observations": 1000, "achieved_coverage": dec("0.999"), "peak_uncovered": dec("0.5"),
      "average_uncovered": dec("0.5"), "meets_99": True, "meets_99_9": True}),
    ("disclosure-without-breach", "backtest.coverage_disclosure", {"observations": 7, "uncovered_amounts": []},
     {"breaches": 0, "observations": 7, "achieved_coverage": 1, "peak_uncovered": 0, "average_uncovered": 0,
      "meets_99": True, "meets_99_9": True}),
    ("call-caps-bind-and-rest-is-short", "recovery.cash_call",
     {"need": 100, "contribution": {"A": 30, "B": 10, "C": 0}, "cap_multiple": 2, "fails_to_pay": []},
     {"first_call": {"A": 60, "B": 20, "C": 0}, "collected_first": 80, "total_paid": {"A": 60, "B": 20, "C": 0}, "shortfall": 20}),
    ("call-nobody-pays", "recovery.cash_call",
     {"need": 10, "contribution": {"A": 30, "B": 10}, "cap_multiple": 1, "fails_to_pay": ["A", "B"]},
     {"first_call": {"A": dec("7.5"), "B": dec("2.5")}, "collected_first": 0, "total_paid": {"A": 0, "B": 0}, "shortfall": 10}),
    ("call-of-nothing", "recovery.cash_call",
     {"need": 0, "contribution": {"A": 30}, "cap_multiple": 1, "fails_to_pay": []},
     {"first_call": {"A": 0}, "collected_first": 0, "total_paid": {"A": 0}, "shortfall": 0}),
    ("call-without-a-cap-left", "recovery.cash_call",
     {"need": 5, "contribution": {"A": 30}, "cap_multiple": 0, "fails_to_pay": []},
     {"first_call": {"A": 0}, "collected_first": 0, "total_paid": {"A": 0}, "shortfall": 5}),
    ("call-second-hits-a-cap-then-third", "recovery.cash_call",
     {"need": 100, "contribution": {"A": 40, "B": 40, "X": 20}, "cap_multiple": dec("1.2"), "fails_to_pay": ["X"]},
     {"first_call": {"A": 40, "B": 40, "X": 20}, "collected_first": 80, "total_paid": {"A": 48, "B": 48, "X": 0}, "shortfall": 4}),
    ("assessment-window-below-single", "recovery.assessment_caps",
     {"contribution": 100, "single_multiple": 3, "window_multiple": 1, "assessment_needs": [50, 80, 10]},
     {"called": [50, 50, 0], "unmet": [0, 30, 10], "cumulative": 100}),
    ("successive-reinstated", "waterfall.successive_defaults",
     {"sitg": 25, "member_fund": 40, "sitg_reinstated_between": True,
      "defaults": [{"loss": 30, "defaulter_resources": 40}, {"loss": 50, "defaulter_resources": 0}, {"loss": 50, "defaulter_resources": 5}]},
     {"defaults": [{"sitg_used": 0, "members_used": 0, "shortfall": 0}, {"sitg_used": 25, "members_used": 25, "shortfall": 0},
                   {"sitg_used": 25, "members_used": 15, "shortfall": 5}], "sitg_left": 0, "member_fund_left": 0}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "op", "inputs", "expected"), CASES, ids=[c[0] for c in CASES])
def test_conformance_ccp_edges(name, op, inputs, expected):
    case = {"id": name, "op": op, "inputs": inputs, "expected": expected, "source": SOURCE}
    result = run_case(case, ADAPTERS)
    assert result.status == "passed", result


def test_conformance_ccp_open_cases_pass(shared):
    folder = shared / "vectors" / "ccp"
    cases = [case for path in sorted(folder.glob("*.json")) for case in load_file(path)]
    ours = [case for case in cases if case["op"].split(".")[0] in FILES or case["op"] in ALSO]
    assert {case["op"].split(".")[0] for case in ours} >= set(FILES)
    for case in ours:
        result = run_case(case, ADAPTERS)
        assert result.status == "passed", result

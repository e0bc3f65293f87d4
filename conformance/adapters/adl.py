"""Haircuts on winners: queue, pro rata, and shares that weigh leverage."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from conformance.compare import Adapter
from seawall.waterfall import Endowments, RiskCurve, Seizure, risk_aware_shares, seize_in_order, seize_pro_rata

GROUP = "adl"


def _numbers(values: list[Any]) -> list[Fraction]:
    return [Fraction(v) for v in values]


def _result(found: Endowments, budget: Fraction, seizure: Seizure[Fraction]) -> dict[str, Any]:
    return {
        "deficit": found.deficit,
        "budget": budget,
        "seized": seizure.seized,
        "collected": seizure.collected,
        "residual": found.deficit - seizure.collected,
        "post_equity": [e - s for e, s in zip(found.equity, seizure.seized, strict=True)],
    }


def queue(inputs: dict[str, Any]) -> dict[str, Any]:
    found = Endowments.of(_numbers(inputs["equity"]), _numbers(inputs["pnl"]))
    budget = Fraction(inputs["severity"]) * found.deficit
    return _result(found, budget, seize_in_order(budget, found.endowments, inputs["order"]))


def pro_rata(inputs: dict[str, Any]) -> dict[str, Any]:
    found = Endowments.of(_numbers(inputs["equity"]), _numbers(inputs["pnl"]))
    budget = Fraction(inputs["severity"]) * found.deficit
    seizure = seize_pro_rata(budget, found.endowments)
    return {**_result(found, budget, seizure), "haircut": seizure.haircut}


def rap_shares(inputs: dict[str, Any]) -> dict[str, Any]:
    shares = risk_aware_shares(
        _numbers(inputs["pro_rata_shares"]),
        _numbers(inputs["leverage"]),
        RiskCurve(inputs["g"]),
        Fraction(inputs["g_parameter"]),
    )
    return {"shares": shares}


OPS: dict[str, Adapter] = {"queue": queue, "pro_rata": pro_rata, "rap_shares": rap_shares}

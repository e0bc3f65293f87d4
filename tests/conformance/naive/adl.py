"""Haircuts on winners, written from the rules' text alone."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from tests.conformance.naive.numbers import Inputs, OutOfDomainError, Rule, real


def _start(i: Inputs) -> tuple[list[Fraction], list[Fraction], Fraction, Fraction]:
    equity = [real(x) for x in i["equity"]]
    endowments = [max(Fraction(0), real(p)) if e > 0 else Fraction(0) for e, p in zip(equity, i["pnl"], strict=True)]
    deficit = sum((-e for e in equity if e < 0), Fraction(0))
    return equity, endowments, deficit, real(i["severity"]) * deficit


def _end(equity: list[Fraction], deficit: Fraction, budget: Fraction, seized: list[Fraction]) -> dict[str, Any]:
    collected = sum(seized, Fraction(0))
    return {
        "deficit": deficit,
        "budget": budget,
        "seized": seized,
        "collected": collected,
        "residual": deficit - collected,
        "post_equity": [e - s for e, s in zip(equity, seized, strict=True)],
    }


def queue(i: Inputs) -> dict[str, Any]:
    equity, endowments, deficit, budget = _start(i)
    seized = [Fraction(0)] * len(equity)
    left = budget
    for index in i["order"]:
        seized[index] = min(endowments[index], left)
        left -= seized[index]
    return _end(equity, deficit, budget, seized)


def pro_rata(i: Inputs) -> dict[str, Any]:
    equity, endowments, deficit, budget = _start(i)
    whole = sum(endowments)
    haircut = min(Fraction(1), budget / whole) if whole else Fraction(0)
    return {"haircut": haircut, **_end(equity, deficit, budget, [haircut * w for w in endowments])}


def _power(x: Fraction, exponent: Fraction) -> Fraction:
    if x == 0 and exponent < 0:
        raise OutOfDomainError("zero to a negative power")
    if exponent.denominator == 1:
        return x**exponent.numerator
    return Fraction(float(x) ** float(exponent))


def rap_shares(i: Inputs) -> dict[str, Any]:
    parameter = real(i["g_parameter"])
    weights = []
    for leverage, share in zip(i["leverage"], i["pro_rata_shares"], strict=True):
        x = real(leverage)
        g = _power(x, parameter) if i["g"] == "power" else max(Fraction(0), x - parameter)
        weights.append(real(share) * x * g)
    whole = sum(weights)
    if whole == 0:
        raise OutOfDomainError("no weight to normalise")
    return {"shares": [w / whole for w in weights]}


RULES: dict[str, Rule] = {"adl.queue": queue, "adl.pro_rata": pro_rata, "adl.rap_shares": rap_shares}

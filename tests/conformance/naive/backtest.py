"""Back-tests of margin, written from the rules' text alone."""

from __future__ import annotations

from fractions import Fraction
from math import comb
from typing import Any

from tests.conformance.naive.numbers import Inputs, OutOfDomainError, Rule, real
from tests.conformance.naive.roots import logarithm

YELLOW, RED = Fraction("0.95"), Fraction("0.9999")


def cumulative(n: int, p: Fraction, k: int) -> Fraction:
    """P(X <= k), X binomial(n, p), over one common denominator."""
    up, down = p.numerator, p.denominator - p.numerator
    whole = sum(comb(n, x) * up**x * down ** (n - x) for x in range(min(k, n) + 1))
    return Fraction(whole, p.denominator**n)


def traffic_light(i: Inputs) -> dict[str, Any]:
    probability = cumulative(i["n"], 1 - real(i["coverage"]), i["exceptions"])
    zone = "green" if probability < YELLOW else "yellow" if probability < RED else "red"
    return {"cumulative_probability": probability, "zone": zone}


def zone_thresholds(i: Inputs) -> dict[str, Any]:
    n, p = i["n"], 1 - real(i["coverage"])
    up, down, whole = p.numerator, p.denominator - p.numerator, p.denominator**n
    found: list[int] = []
    total = 0
    for k in range(n + 1):
        total += comb(n, k) * up**k * down ** (n - k)
        while len(found) < 2 and Fraction(total, whole) >= (YELLOW, RED)[len(found)]:
            found.append(k)
    return {"yellow_from": found[0], "red_from": found[1]}


def statistic(n: int, p: Fraction, x: int) -> Fraction:
    q = Fraction(x, n)

    def term(times: int, base: Fraction) -> Fraction:
        if times == 0:
            return Fraction(0)
        if base == 0:
            raise OutOfDomainError("logarithm of zero")
        return times * logarithm(base)

    def likelihood(r: Fraction) -> Fraction:
        return term(n - x, 1 - r) + term(x, r)

    return -2 * (likelihood(p) - likelihood(q))


def kupiec_lr(i: Inputs) -> dict[str, Any]:
    return {"lr": statistic(i["n"], 1 - real(i["coverage"]), i["exceptions"])}


def kupiec_region(i: Inputs) -> dict[str, Any]:
    n, p, critical = i["n"], 1 - real(i["coverage"]), real(i["critical_value"])
    accepted = [x for x in range(n + 1) if statistic(n, p, x) <= critical]
    if not accepted:
        raise OutOfDomainError("nothing accepted")
    return {"accept_from": accepted[0], "accept_to": accepted[-1]}


def coverage_disclosure(i: Inputs) -> dict[str, Any]:
    amounts, observations = [real(x) for x in i["uncovered_amounts"]], i["observations"]
    breaches = len(amounts)
    return {
        "breaches": breaches,
        "observations": observations,
        "achieved_coverage": Fraction(observations - breaches, observations),
        "peak_uncovered": max(amounts, default=Fraction(0)),
        "average_uncovered": sum(amounts, Fraction(0)) / breaches if breaches else Fraction(0),
        "meets_99": breaches * 100 <= observations,
        "meets_99_9": breaches * 1000 <= observations,
    }


RULES: dict[str, Rule] = {
    f"backtest.{rule.__name__}": rule
    for rule in (traffic_light, zone_thresholds, kupiec_lr, kupiec_region, coverage_disclosure)
}

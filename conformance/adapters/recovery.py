"""Last resorts of clearing houses: gains haircuts, tear-up, junior profit, a venue's loss layers."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from conformance.compare import Adapter
from seawall.waterfall import LifetimeCaps, cut_equity, cut_gains, junior_profit, tear_up

GROUP = "recovery"


def gains_haircut(inputs: dict[str, Any]) -> dict[str, Any]:
    gains = {name: Fraction(gain) for name, gain in inputs["gains"].items()}
    found = cut_gains(Fraction(inputs["shortfall"]), list(gains.values()))
    return {
        "haircut": found.rate,
        "cut": dict(zip(gains, found.cuts, strict=True)),
        "paid": dict(zip(gains, found.paid, strict=True)),
        "residual": found.residual,
    }


def capped_gains_haircut(inputs: dict[str, Any]) -> dict[str, Any]:
    caps = LifetimeCaps.of(Fraction(inputs["cap_per_member"]))
    days = []
    for day in inputs["days"]:
        cut, residual = caps.cut(
            Fraction(day["shortfall"]), {name: Fraction(gain) for name, gain in day["gains"].items()}
        )
        days.append({"cut": cut, "residual": residual})
    return {"days": days, "cap_left": caps.left}


def partial_tear_up(inputs: dict[str, Any]) -> dict[str, Any]:
    lots = {name: Fraction(held) for name, held in inputs["opposite_side"].items()}
    found = tear_up(
        Fraction(inputs["unmatched_contracts"]),
        list(lots.values()),
        [Fraction(inputs["entry"][name]) for name in lots],
        Fraction(inputs["mark"]),
        1 if inputs["side"] == "long" else -1,
    )
    return {
        "torn": dict(zip(lots, found.torn, strict=True)),
        "settled_pnl": dict(zip(lots, found.profit, strict=True)),
        "open_after": dict(zip(lots, found.open_after, strict=True)),
        "unmatched_left": found.unmatched,
    }


def junior_profit_haircut(inputs: dict[str, Any]) -> dict[str, Any]:
    profits = inputs["matured_positive_pnl"]
    found = junior_profit(
        int(inputs["vault"]), int(inputs["capital_total"]), int(inputs["insurance"]), [int(p) for p in profits.values()]
    )
    return {
        "residual": found.residual,
        "h": found.rate,
        "effective": dict(zip(profits, found.effective, strict=True)),
    }


def loss_layers(inputs: dict[str, Any]) -> dict[str, Any]:
    found = cut_equity(
        principal=Fraction(inputs["principal"]),
        realised=Fraction(inputs["realized"]),
        unvested=Fraction(inputs["unvested"]),
        insurance=Fraction(inputs["insurance"]),
        collateral=Fraction(inputs["collateral"]),
    )
    return found._asdict()


OPS: dict[str, Adapter] = {
    "gains_haircut": gains_haircut,
    "capped_gains_haircut": capped_gains_haircut,
    "partial_tear_up": partial_tear_up,
    "junior_profit_haircut": junior_profit_haircut,
    "loss_layers": loss_layers,
}

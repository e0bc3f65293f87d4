"""Every vector rule a second time, naively, from the text of the vectors' READMEs and nothing else."""

from __future__ import annotations

from tests.conformance.naive import (
    adl,
    backtest,
    capital_margin,
    collateral,
    documents,
    drift_v2,
    dydx_v4,
    mango_synthetix_vega,
    recovery,
    sizing,
    waterfall,
)
from tests.conformance.naive.numbers import OutOfDomainError, Rule

FAMILIES = (
    dydx_v4,
    drift_v2,
    mango_synthetix_vega,
    documents,
    adl,
    waterfall,
    sizing,
    capital_margin,
    recovery,
    collateral,
    backtest,
)
NAIVE: dict[str, Rule] = {op: rule for family in FAMILIES for op, rule in family.RULES.items()}

__all__ = ["NAIVE", "OutOfDomainError"]

"""What the backstop may hold."""

from __future__ import annotations

from seawall.liquidation.rules import BackstopRule, OverLimit
from seawall.money import Rounding, muldiv


def excess_over_limits(rule: BackstopRule, *, equity: int, gross: int) -> int:
    """Gross notional above what the rule lets the backstop hold; 0 when it is within.

    ``equity`` and ``gross`` in book units of one asset. The allowed notional is rounded down.
    """
    allowed = gross
    if rule.max_leverage is not None:
        most = muldiv(max(0, equity), rule.max_leverage.numerator, rule.max_leverage.denominator, Rounding.FLOOR)
        allowed = min(allowed, most)
    if rule.max_notional is not None:
        allowed = min(allowed, rule.max_notional)
    return gross - allowed


def excess_in_market(lots: int, worth: int, most: int) -> int:
    """By how much a position of ``lots`` (signed) worth ``worth`` each is above what may be held in its market; 0 when it
    is not. Units of ``worth`` and ``most``, exact."""
    return max(0, abs(lots) * worth - most)


def may_take_over(rule: BackstopRule, *, equity: int, gross: int, extra_gross: int, extra_equity: int) -> bool:
    """May it take positions of ``extra_gross`` notional that come with ``extra_equity`` (negative: a shortfall)?

    A backstop that passes the excess on may take anything it can pay for; one that refuses must stay in its limits.
    """
    after = equity + extra_equity
    if after < 0:
        return False
    if rule.over_limit is OverLimit.DELEVERAGE:
        return True
    return excess_over_limits(rule, equity=after, gross=gross + extra_gross) == 0

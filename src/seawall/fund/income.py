"""What the fund may take of the venue's revenue per period."""

from __future__ import annotations

from fractions import Fraction

from seawall.money import Rounding, muldiv

YEAR_NS = 365 * 24 * 3600 * 10**9


def revenue_due(pool: int, vault: int, elapsed_ns: int, *, share: Fraction, max_apr: Fraction) -> int:
    """Income of one settlement: ``min(share x revenue pool, max_apr x vault x elapsed / year)``, rounded down.

    The cap keeps one large fee (a liquidation the staker caused, say) from being harvested by a stake that came just
    before it. Source: drift-labs/protocol-v2 settle_revenue_to_insurance_fund.
    """
    part = muldiv(pool, share.numerator, share.denominator, Rounding.FLOOR)
    cap = muldiv(vault * elapsed_ns, max_apr.numerator, max_apr.denominator * YEAR_NS, Rounding.FLOOR)
    return max(0, min(part, cap))

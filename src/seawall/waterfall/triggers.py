"""When deleveraging begins although the fund still has money: rules on how fast the fund falls."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from seawall.errors import InputError


class Drawdown(NamedTuple):
    """``share`` of the pool's peak that one market lost (negative); what those deleveraged bear beyond the limit."""

    share: Fraction
    triggered: bool
    borne: Fraction


@dataclass(frozen=True, slots=True)
class DrawdownTrigger:
    """One market may take at most ``-limit`` of the pool's peak; beyond it winners bear the loss.

    Attributes:
        limit: negative share, for example -3/10.
        threshold: the rule applies while the pool's balance is above it.

    Source: Bybit, ADL alert (pool peak and market peak over eight hours).
    """

    limit: Fraction
    threshold: Fraction = Fraction(0)

    def check(self, *, pool: Fraction, pool_peak: Fraction, market_now: Fraction, market_peak: Fraction) -> Drawdown:
        """Share lost since the market's peak, whether deleveraging starts (strictly beyond), and what it bears.

        Raises:
            InputError: a pool that never held anything.
        """
        if pool_peak <= 0:
            raise InputError("the pool never held anything", field="pool_peak", value=str(pool_peak))
        share = (market_now - market_peak) / pool_peak  # exact: Fraction
        borne = max(Fraction(0), self.limit - share) * pool_peak
        return Drawdown(share, pool > self.threshold and share < self.limit, borne)


@dataclass(frozen=True, slots=True)
class AverageTrigger:
    """Deleveraging starts when the fund is below its recent average less ``max(fraction x average, floor)``.

    Source: third-party restatement of OKX's article (not confirmed at the source).
    """

    fraction: Fraction
    floor: Fraction

    def threshold(self, average: Fraction) -> Fraction:
        """The balance below which it starts."""
        return average - max(self.fraction * average, self.floor)

    def triggered(self, now: Fraction, average: Fraction) -> bool:
        """Is the fund strictly below the threshold?"""
        return now < self.threshold(average)

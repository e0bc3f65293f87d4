"""Haircuts on winners' gains: one rate for all, limits over a member's lifetime, and profit as a junior claim."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Generic, NamedTuple, TypeVar

from seawall.errors import InputError
from seawall.money import Rounding, muldiv
from seawall.waterfall.parts import capped_parts, parts

N = TypeVar("N", int, Fraction)


class GainsHaircut(NamedTuple, Generic[N]):
    """``rate`` is the exact share of every positive gain; ``cuts`` and ``paid = gain - cut`` in the order of gains."""

    rate: Fraction
    cuts: list[N]
    paid: list[N]
    residual: N


def cut_gains(shortfall: N, gains: Sequence[N]) -> GainsHaircut[N]:
    """Cut every positive gain by ``min(1, shortfall / sum of positive gains)``; losers still pay in full.

    Whole units round by largest remainder (the rate stays exact), fractions are exact. No cut exceeds its gain.

    Source: variation-margin gains haircutting (Bank of England, Financial Stability Paper 20).

    Raises:
        InputError: negative shortfall.
    """
    if shortfall < 0:
        raise InputError("negative shortfall", field="shortfall", value=shortfall)
    zero = shortfall - shortfall
    positive = [max(zero, g) for g in gains]
    whole = sum(positive, zero)
    taken = min(shortfall, whole)
    rate = Fraction(taken) / Fraction(whole) if whole else Fraction(0)  # exact: Fraction
    cuts = parts(taken, positive)
    return GainsHaircut(rate, cuts, [g - c for g, c in zip(gains, cuts, strict=True)], shortfall - taken)


@dataclass(slots=True)
class LifetimeCaps(Generic[N]):
    """What each member may still lose to haircuts, over all days; ``left`` starts at the cap at first sight."""

    cap: N
    left: dict[str, N]

    @classmethod
    def of(cls, cap: N) -> LifetimeCaps[N]:
        """The same cap for everyone.

        Raises:
            InputError: negative cap.
        """
        if cap < 0:
            raise InputError("negative cap", field="cap", value=cap)
        return cls(cap, {})

    def cut(self, shortfall: N, gains: Mapping[str, N]) -> tuple[dict[str, N], N]:
        """One day's haircut: pro rata to gains, nobody above gain or cap; what a limit refuses is offered again.

        Rounds of re-offering end where ``cut = min(room, level x gain)`` at one level, which is found directly. Then
        the cuts reduce the caps.

        Returns:
            (cut of each member, what stays unshared).

        Source: capped variation-margin gains haircut as in clearing-house rule books (LCH-type cap).
        """
        zero = shortfall - shortfall
        if shortfall < 0:
            raise InputError("negative shortfall", field="shortfall", value=shortfall)
        for name in gains:
            self.left.setdefault(name, self.cap)
        weights: list[N] = [max(zero, g) for g in gains.values()]
        room: list[N] = [min(w, self.left[name]) for w, name in zip(weights, gains, strict=True)]
        taken = min(shortfall, sum(room, zero))
        found = capped_parts(taken, weights, room)
        cuts = dict(zip(gains, found, strict=True))
        for name, cut in cuts.items():
            self.left[name] -= cut
        return cuts, shortfall - taken


class JuniorProfit(NamedTuple):
    """``residual`` is what may pay profit; ``rate`` the share of it that is paid, 1 without profits."""

    residual: int
    rate: Fraction
    effective: list[int]


def junior_profit(vault: int, capital: int, insurance: int, profits: Sequence[int]) -> JuniorProfit:
    """Profit as a junior claim, continuously: ``min(residual, P) / P`` of each, rounded down.

    ``residual = max(0, vault - capital - insurance)``: deposits are senior and insurance never pays profit. The sum
    never exceeds the residual. Profits that are not positive count as zero.

    Source: Percolator (read-me and specification).
    """
    residual = max(0, vault - capital - insurance)
    positive = [max(0, p) for p in profits]
    whole = sum(positive)
    if not whole:
        return JuniorProfit(residual, Fraction(1), [0] * len(positive))
    pays = min(residual, whole)
    return JuniorProfit(residual, Fraction(pays, whole), [muldiv(p, pays, whole, Rounding.FLOOR) for p in positive])


class EquityCut(NamedTuple, Generic[N]):
    """Unvested profit burned, insurance drawn, and the share that is cut from all equity."""

    unvested_burned: N
    insurance_drawn: N
    equity_haircut: Fraction


def cut_equity(*, principal: N, realised: N, unvested: N, insurance: N, collateral: N) -> EquityCut[N]:
    """A venue's deficit: burn unvested profit, draw insurance, then scale all equity by one factor.

    ``deficit = max(0, principal + realised + unvested - collateral)``. What is drawn from insurance counts as
    collateral, so that money is conserved: principal 1.0m with 0.5m of insurance and nothing else is cut by 50 %,
    not by 100 %. The cut is ``min(1, what is left / (principal + realised))``, 0 without equity.

    Source: layer order of Percolator's crisis module; conservation through insurance is ours.
    """
    zero = principal - principal
    equity = principal + realised
    deficit = max(zero, equity + unvested - collateral)
    burned = min(deficit, max(zero, unvested))
    drawn = min(deficit - burned, max(zero, insurance))
    left = deficit - burned - drawn
    share = min(Fraction(1), Fraction(left) / Fraction(equity)) if equity > 0 else Fraction(0)  # exact: Fraction
    return EquityCut(burned, drawn, share)

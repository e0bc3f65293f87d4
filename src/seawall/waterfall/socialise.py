"""Socialised loss: shared through an index, by the winners of a cycle, by depositors, or by whoever withdraws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from seawall.errors import InputError
from seawall.money import Rounding, div, muldiv
from seawall.waterfall.layers import LayerState, allocate


@dataclass(frozen=True, slots=True)
class LossIndex:
    """A loss shared by every open unit on both sides, winners or not, through cumulative funding.

    Attributes:
        scale: index units per unit of loss and unit of position.
        step: the index moves in whole multiples of it (the precision in which the rate is computed).

    Source: Drift v2 (scale 1e9 with step 1000), Mango v4.
    """

    scale: int
    step: int = 1

    def delta(self, loss: int, long_units: int, short_units: int) -> int:
        """``ceil(|loss| x scale / (|long| + |short|)) x step``: the index moves this much against every holder.

        Raises:
            InputError: nobody holds a position.
        """
        units = abs(long_units) + abs(short_units)
        if not units:
            raise InputError("no open interest", field="open_interest", value=0, expected="a position on either side")
        return muldiv(abs(loss), self.scale, units, Rounding.CEIL) * self.step

    def charge(self, index: int, last: int, units: int) -> int:
        """What a position of signed ``units`` pays when the index went from ``last`` to ``index``, toward zero."""
        return muldiv(index - last, units, self.scale * self.step, Rounding.TRUNC)


class Covered(NamedTuple):
    """Paid by the insurance, paid by the fee pool, and what is left for everyone."""

    insurance: int
    fee_pool: int
    socialised: int


def cover_first(
    loss: int, *, vault: int, fee_pool: int = 0, budget: int | None = None, used: int = 0, keep: int = 1
) -> Covered:
    """Insurance, then the market's fee pool, then everyone.

    The vault keeps ``keep`` units (a vault that still has shares must not be empty) and pays at most ``budget``
    less what the market ``used`` of it.

    Source: Drift v2, resolution of bankruptcies.
    """
    limit = None if budget is None else max(0, budget - used)
    found = allocate(
        loss, [LayerState("insurance", max(0, vault - keep), limit=limit), LayerState("fee_pool", max(0, fee_pool))]
    )
    return Covered(found.draws[0].amount, found.draws[1].amount, found.residual)


@dataclass(frozen=True, slots=True)
class DepositIndex:
    """Deposits as shares times an index; ``scale`` shares times index units make one minor unit.

    Source: Drift v2 spot markets: scale is ``10^(19 - decimals)``.
    """

    scale: int

    def value(self, shares: int, index: int) -> int:
        """Deposits in minor units, rounded down."""
        return muldiv(shares, index, self.scale, Rounding.FLOOR)

    def delta(self, loss: int, shares: int, index: int) -> int:
        """How far the index must fall so that depositors bear ``loss``: ``ceil(index x loss / deposits)``.

        0 without deposits. More than the index itself when the loss is above all deposits: see ``cut``.
        """
        deposits = self.value(shares, index)
        return muldiv(index, loss, deposits, Rounding.CEIL) if deposits else 0

    def cut(self, loss: int, shares: int, index: int) -> tuple[int, int]:
        """(new index, loss that depositors could not bear): the index never falls below zero."""
        deposits = self.value(shares, index)
        borne = min(loss, deposits)
        return index - min(index, self.delta(borne, shares, index)), loss - borne


class WinnersPaid(NamedTuple):
    """What was collected from losers and the pool, what each winner got, and what the pool gave."""

    collected: int
    paid: list[int]
    from_pool: int


def pay_winners(owes: Sequence[int], has: Sequence[int], pool: int, winners: Sequence[int]) -> WinnersPaid:
    """One settlement cycle: what losers cannot pay and the pool does not cover is missing for this cycle's winners.

    Collected is ``sum min(owes, has)`` and what the pool adds up to what is due. Each winner gets
    ``owed x collected // due``; the last one listed also gets what is left over.

    Source: Vega, mark-to-market settlement (the simple distributor).

    Raises:
        InputError: negative amounts, or losers whose columns differ.
    """
    if len(owes) != len(has) or min((*owes, *has, pool, *winners), default=0) < 0:
        raise InputError("negative amount, or columns of losers differ")
    due = sum(owes)
    from_losers = sum(min(o, h) for o, h in zip(owes, has, strict=True))
    from_pool = min(pool, due - from_losers)
    collected = from_losers + from_pool
    paid = [muldiv(w, collected, due, Rounding.FLOOR) if due else 0 for w in winners]
    if paid:
        paid[-1] += collected - sum(paid)
    return WinnersPaid(collected, paid, from_pool)


def withdrawal_rate(shortfall: int, claims: int) -> Fraction:
    """Cash paid per unit withdrawn while a shortfall stands: ``max(0, 1 - shortfall / claims)``, exact.

    ``claims`` is the sum of what all users could withdraw. 1 without a shortfall; 0 when there is nothing to claim.

    Source: socialised-loss factor of Paradex, charged on withdrawals only while it is positive (its denominator is
    not published; ours is all positive account values).
    """
    if shortfall < 0 or claims < 0:
        raise InputError("negative shortfall or claims", value=f"{shortfall}, {claims}")
    if not shortfall:
        return Fraction(1)
    return max(Fraction(0), 1 - Fraction(shortfall, claims)) if claims else Fraction(0)


class Withdrawal(NamedTuple):
    """``paid`` now; ``withheld`` becomes a recovery claim."""

    paid: int
    withheld: int


def withdraw(amount: int, rate: Fraction) -> Withdrawal:
    """A withdrawal at a cash rate: paid rounds down, and both parts sum to the amount."""
    if amount < 0 or not 0 <= rate <= 1:
        raise InputError("negative amount, or a rate outside 0 to 1", value=f"{amount}, {rate}")
    paid = div(amount * rate.numerator, rate.denominator, Rounding.FLOOR)
    return Withdrawal(paid, amount - paid)

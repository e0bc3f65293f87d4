"""The clearing house's own slices: skin in the game, spent before or after the members' money, and put back by rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Generic, NamedTuple, TypeVar

from seawall.errors import InputError

N = TypeVar("N", int, Fraction)


@dataclass(frozen=True, slots=True)
class OwnSlice(Generic[N]):
    """Own resources in one slice, as an immutable value.

    Attributes:
        full: what the slice must hold.
        left: what it holds now.
        reinstated: whether it is lifted back to ``full`` before a later default; otherwise a later default finds only
            what is left.
    """

    full: N
    left: N
    reinstated: bool = False

    @staticmethod
    def of(full: N, *, reinstated: bool = False) -> OwnSlice[N]:
        """A slice that is whole."""
        if full < 0:
            raise InputError("own resources are negative", value=full)
        return OwnSlice(full, full, reinstated)

    def before_default(self) -> OwnSlice[N]:
        """The slice as a new default finds it."""
        return replace(self, left=self.full) if self.reinstated else self

    def restore(self) -> OwnSlice[N]:
        """The slice made whole by the clearing house.

        Source: Delegated Regulation (EU) 153/2013 art. 36(2)-(3): within one month, later defaults find the residual.
        """
        return replace(self, left=self.full)

    def use(self, amount: N) -> OwnSlice[N]:
        """The slice after it paid; never more than it holds."""
        if not 0 <= amount <= self.left:
            raise InputError("an own slice cannot pay that", value=amount, expected=f"0 to {self.left}")
        return replace(self, left=self.left - amount)


class Loss(NamedTuple, Generic[N]):
    """One default: its loss and what the defaulter itself left (margin and contribution)."""

    amount: N
    defaulter_resources: N


class Use(NamedTuple, Generic[N]):
    """Who paid for one default beyond the defaulter's own."""

    own: N
    members: N
    residual: N


class Series(NamedTuple, Generic[N]):
    """Use per default, the own slice and the members' fund afterwards."""

    uses: tuple[Use[N], ...]
    own: OwnSlice[N]
    fund_left: N


def successive_defaults(own: OwnSlice[N], member_fund: N, losses: Sequence[Loss[N]]) -> Series[N]:
    """Defaults in turn against one own slice and one members' fund, which is never put back in between.

    Per default: what exceeds the defaulter's own resources is paid by the slice, then by the fund; the rest is residual.

    Raises:
        InputError: a negative amount.
    """
    zero = member_fund - member_fund
    if member_fund < 0:
        raise InputError("a fund is negative", value=member_fund)
    uses: list[Use[N]] = []
    for number, loss in enumerate(losses):
        if loss.amount < 0 or loss.defaulter_resources < 0:
            raise InputError("a loss or what a defaulter left is negative", row=number + 1, value=loss)
        if number:
            own = own.before_default()
        left = max(zero, loss.amount - loss.defaulter_resources)
        first = min(left, own.left)
        second = min(left - first, member_fund)
        own = own.use(first)
        member_fund -= second
        uses.append(Use(first, second, left - first - second))
    return Series(tuple(uses), own, member_fund)

"""The clearing house's own slices: skin in the game, spent before or after the members' money, and put back by rule."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Generic, TypeVar

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

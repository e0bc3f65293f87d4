"""How much of an account may be closed in one block: caps on notional and on what the fund may lose."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum
from fractions import Fraction
from typing import NamedTuple

from seawall.errors import InputError
from seawall.money import Rounding, muldiv


class CapRefused(Enum):
    """Why a block's caps let no close-out through."""

    ALREADY_LIQUIDATED = "already_liquidated"  # this account was closed in this market in this block
    NOTIONAL = "notional"  # the account's notional cap of the block is used up
    FUND_LOSS = "fund_loss"  # the fill could cost the fund more than the account's cap of the block has left


@dataclass(frozen=True, slots=True)
class BlockCap:
    """Caps per account and block, minor units. ``max_fund_loss`` bounds what fills below bankruptcy may draw."""

    max_notional: int
    max_fund_loss: int

    def __post_init__(self) -> None:
        for name in ("max_notional", "max_fund_loss"):
            if getattr(self, name) < 0:
                raise InputError("a cap is not negative", field=name, value=getattr(self, name), expected="0 or more")


class Headroom(NamedTuple):
    """Caps less what was used; below zero when more than the cap was used (it was lowered, say)."""

    notional: int
    fund_loss: int


@dataclass(frozen=True, slots=True)
class BlockUse:
    """What one account's close-outs have used in the current block.

    Keyed by account, so an owner with many accounts has many caps: sum over ``owner`` where that matters.
    """

    notional: int = 0
    fund_loss: int = 0
    markets: frozenset[str] = field(default_factory=frozenset)

    def headroom(self, cap: BlockCap, market: str) -> Headroom | CapRefused:
        """What is left for a close-out in ``market``: one per account and market in a block.

        Source: dydxprotocol/v4-chain x/clob/keeper/liquidations.go, GetSubaccountMaxNotionalLiquidatable and
        GetSubaccountMaxInsuranceLost.
        """
        if market in self.markets:
            return CapRefused.ALREADY_LIQUIDATED
        return Headroom(cap.max_notional - self.notional, cap.max_fund_loss - self.fund_loss)

    def admit(self, cap: BlockCap, market: str, *, notional: int, fund_loss: int) -> CapRefused | None:
        """May a fill of ``notional`` that draws ``fund_loss`` (0 or more) from the fund go through?"""
        room = self.headroom(cap, market)
        if isinstance(room, CapRefused):
            return room
        if notional > room.notional:
            return CapRefused.NOTIONAL
        if fund_loss > max(0, room.fund_loss):
            return CapRefused.FUND_LOSS
        return None

    def after(self, market: str, *, notional: int, fund_loss: int) -> BlockUse:
        """The use after such a fill. Income of the fund (negative loss) never gives room back."""
        return replace(
            self,
            notional=self.notional + notional,
            fund_loss=self.fund_loss + max(0, fund_loss),
            markets=self.markets | {market},
        )


class NotionalRange(NamedTuple):
    """Smallest and largest notional that one close-out of a position may have."""

    least: int
    most: int


def position_range(notional: int, least: int, portion: Fraction) -> NotionalRange:
    """How much of one position may be closed at a time.

    Args:
        notional: absolute notional of the position, minor units.
        least: a close-out is at least this much, or the whole position when that is smaller: no dust is left to be
            closed in ever smaller steps.
        portion: at most this share of the position, rounded down, but never less than the least.

    Source: dydxprotocol/v4-chain x/clob/keeper/liquidations.go, GetMaxAndMinPositionNotionalLiquidatable.
    """
    low = min(least, notional)
    return NotionalRange(low, max(low, muldiv(notional, portion.numerator, portion.denominator, Rounding.FLOOR)))

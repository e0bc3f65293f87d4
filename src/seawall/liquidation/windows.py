"""Closing in windows: a market may only be burdened with so much forced flow in a stretch of time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from seawall.errors import InputError
from seawall.money import Rounding, muldiv


def window_capacity(fee: Fraction, depth: Fraction, multiplier: Fraction, seconds: Fraction) -> Fraction:
    """Base amount that may be closed in one window: what ``fee`` pays the market makers for, exact.

    ``fee x depth x multiplier x seconds``: ``fee`` is maker and taker fee together, ``depth`` the skew at which the
    premium is 100 %. Source: Synthetixio/synthetix-v3 perps-market GlobalPerpsMarketConfiguration,
    maxLiquidationAmountInWindow.
    """
    return fee * depth * multiplier * seconds


class WindowClose(NamedTuple):
    """What one call closes, and what stays of the position."""

    closed: Fraction
    left: Fraction


def close_in_window(position: Fraction, capacity: Fraction, used: Fraction) -> WindowClose:
    """Close ``min(position, capacity - used)``, never below zero; ``position`` is an absolute size."""
    closed = max(Fraction(0), min(position, capacity - used))
    return WindowClose(closed, position - closed)


@dataclass(frozen=True, slots=True)
class RollingWindow:
    """What was closed in the last ``length_ns``, against a capacity: lots or notional, integers. A new value for every use.

    The window slides: a fixed grid would allow twice the capacity across one of its borders.
    """

    capacity: int
    length_ns: int
    uses: tuple[tuple[int, int], ...] = ()

    def __post_init__(self) -> None:
        if self.capacity < 0 or self.length_ns <= 0:
            raise InputError("bad window", field="capacity, length_ns", value=(self.capacity, self.length_ns))

    def used(self, now_ns: int) -> int:
        """Used after ``now_ns - length_ns``."""
        return sum(amount for time, amount in self.uses if time > now_ns - self.length_ns)

    def room(self, now_ns: int) -> int:
        """What may still be used now, at least 0."""
        return max(0, self.capacity - self.used(now_ns))

    def after(self, now_ns: int, amount: int) -> RollingWindow:
        """The window after using ``amount``.

        Raises:
            InputError: more than the room, a negative amount, or time going back.
        """
        if amount > self.room(now_ns):
            raise InputError(
                "the window has no room for this", field="amount", value=amount, expected=f"0 to {self.room(now_ns)}"
            )
        return self.spent(now_ns, amount)

    def spent(self, now_ns: int, amount: int) -> RollingWindow:
        """``after`` without asking for room: for what room was kept for before, or what may exceed it.

        Uses of one moment are one use, and those that have left the window are forgotten.

        Raises:
            InputError: a negative amount, or time going back.
        """
        last = self.uses[-1][0] if self.uses else now_ns
        if amount < 0 or now_ns < last:
            raise InputError(
                "a use of a window is not negative and not in its past",
                field="amount, now_ns",
                value=(amount, now_ns),
                expected=f"at least 0, at {last} or later",
            )
        kept = [u for u in self.uses if u[0] > now_ns - self.length_ns]
        if amount and kept and kept[-1][0] == now_ns:
            kept[-1] = (now_ns, kept[-1][1] + amount)
        elif amount:
            kept.append((now_ns, amount))
        return RollingWindow(self.capacity, self.length_ns, tuple(kept))


def room_for(lots: int, worth: int, *, capacity: int, filled: int, open_: int) -> int:
    """How many of ``lots`` may be ordered now: what fits into the room left, rounded down.

    An empty window lets one lot through even where its capacity is less than the worth of one: otherwise nothing could
    ever be closed there. So what is closed in any window is at most the capacity or one lot, whichever is more.

    Args:
        lots: wanted, >= 0.
        worth: what one lot counts, > 0, in the units of the others.
        capacity: of the window.
        filled: closed inside the window.
        open_: what orders still stand for: it may be closed any moment.
    """
    used = filled + open_
    fits = muldiv(max(0, capacity - used), 1, worth, Rounding.FLOOR)
    if used <= 0:
        fits = max(fits, 1)
    return min(lots, fits)


@dataclass(frozen=True, slots=True)
class DisposalRule:
    """How a network or a vault that took positions over sells them: slowly, a slice per step.

    Attributes:
        fraction: share of what is held that goes per step.
        full_below: holdings of at most this many lots go at once.
        depth_share: a step is at most this share of the lots the market offers within the allowed price range.
    """

    fraction: Fraction
    full_below: int
    depth_share: Fraction

    def __post_init__(self) -> None:
        for name in ("fraction", "depth_share"):
            if not 0 < getattr(self, name) <= 1:
                raise InputError("bad share", field=name, value=getattr(self, name), expected="above 0, at most 1")

    def lots(self, held: int, depth: int) -> int:
        """Signed lots to trade in this step: against the holding, 0 when the market offers nothing.

        The slice is rounded up, so that a holding ends in finitely many steps; the depth bound is rounded down.
        Source: vegaprotocol/vega liquidation strategy (disposal fraction, full disposal size, maximum fraction
        consumed).
        """
        size = abs(held)
        if size > self.full_below:
            size = muldiv(size, self.fraction.numerator, self.fraction.denominator, Rounding.CEIL)
        most = muldiv(depth, self.depth_share.numerator, self.depth_share.denominator, Rounding.FLOOR)
        size = min(size, most)
        return -size if held > 0 else size


def steps_to_dispose(rule: DisposalRule, held: int, depths: Sequence[int]) -> list[int]:
    """Lots of each step for the market depths given, until nothing is held or the depths end."""
    out = []
    for depth in depths:
        if held == 0:
            break
        lots = rule.lots(held, depth)
        out.append(lots)
        held += lots
    return out

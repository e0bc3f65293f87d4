"""How a market answers close-out orders: depth, impact, recovery.

Forced orders push the price away from where it would be. With depth ``D`` (what rests within 1 % of the mark, one
side), a volume ``x`` that nothing has recovered from displaces it by the fraction

    displacement(x) = 1 % * (x / D) ** exponent

An order of size ``q`` that finds the price displaced by ``u`` starts at the volume ``x0 = D * (u / 1 %) ** (1 / exponent)``
that explains it, and moves along the curve to ``x0 + q``. Its average price is the mean of the curve between the two:

    1 % * D / ((exponent + 1) * q) * (((x0 + q) / D) ** (exponent + 1) - (x0 / D) ** (exponent + 1))

It is filled only as far as its marginal price, the end of the curve, is within its limit. Of the displacement it adds,
a share never recovers; the rest halves every half-life. What has not recovered shifts the next marks: that is where a
cascade comes from. Purchases and sales displace apart, and their shifts are added.

Sources. Exponent 0.5 is the common finding for large orders (Almgren and others 2005, Toth and others 2011); one study
of 639 liquidation events in 21 markets finds 0.875 +- 0.078, so it is a parameter. With 0.5, the fall of depth on
10 October 2025 from 374m to 57m makes the same order 2.6 times dearer. The permanent share and the half-life are
assumptions.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf, isfinite

from seawall.errors import InputError

UNIT = 0.01


@dataclass(frozen=True, slots=True)
class ResponseParameters:
    """What is assumed of the market.

    Attributes:
        exponent: of impact, in (0, 1].
        permanent: share of an order's displacement that never recovers, in [0, 1].
        half_life_s: seconds in which half of the rest recovers, > 0; infinite: never.
        largest: displacement is never more than this fraction of the price, in (0, 1).

    Raises:
        InputError: a parameter outside its range.
    """

    exponent: float = 0.5
    permanent: float = 0.25
    half_life_s: float = 120.0
    largest: float = 0.9

    def __post_init__(self) -> None:
        for name, fine, expected in (
            ("exponent", 0 < self.exponent <= 1, "above 0, at most 1"),
            ("permanent", 0 <= self.permanent <= 1, "0 to 1"),
            ("half_life_s", self.half_life_s > 0, "seconds above 0"),
            ("largest", 0 < self.largest < 1, "between 0 and 1"),
        ):
            if not fine:
                raise InputError("bad response parameter", field=name, value=getattr(self, name), expected=expected)


@dataclass(slots=True)
class _Side:
    """Fractions of the price. ``displaced`` recovers, ``permanent`` does not; ``marked`` is ``displaced`` at the start of
    the step, ``shown`` how far the step's mark stands away because of both."""

    displaced: float = 0.0
    permanent: float = 0.0
    marked: float = 0.0
    shown: float = 0.0


@dataclass(slots=True)
class _Market:
    depth: float = 1.0
    sides: dict[int, _Side] = field(default_factory=lambda: {-1: _Side(), 1: _Side()})


class MarketResponse:
    """State of the response, market by market. ``side`` is -1 for sales and +1 for purchases."""

    def __init__(self, parameters: ResponseParameters | None = None) -> None:
        self.parameters = parameters or ResponseParameters()
        self._markets: dict[str, _Market] = {}

    def begin(self, market: str, depth: float, elapsed_s: float) -> None:
        """A new step: depth within 1 % now (notional, at least 1), and seconds since the last step (recovery)."""
        state = self._markets.setdefault(market, _Market())
        state.depth = max(depth, 1.0) if isfinite(depth) else 1.0
        left = 0.5 ** (max(0.0, elapsed_s) / self.parameters.half_life_s)
        for side in state.sides.values():
            side.displaced *= left
            side.marked = side.displaced
            side.shown = side.permanent + (1 - self.parameters.permanent) * side.displaced

    def shift(self, market: str) -> float:
        """Ratio of the marks to where they would be without our orders, as of the start of the step."""
        state = self._markets.get(market)
        if state is None:
            return 1.0
        total = 1.0
        for sign, side in state.sides.items():
            total += sign * side.shown
        return min(1 + self.parameters.largest, max(1 - self.parameters.largest, total))

    def fill(self, market: str, side: int, notional: float, limit: float | None) -> tuple[float, float]:
        """Fill an order of ``notional`` as far as its limit allows; later orders of the step continue from there.

        Args:
            limit: worst marginal price as a ratio of the mark, None for none.

        Returns:
            (share of the order filled, average price as a ratio of the mark).
        """
        state = self._markets[market]
        pressure = state.sides[side]
        start = self._volume_at(pressure.displaced, state.depth)
        room = inf if limit is None else (1 - limit if side < 0 else limit - 1)
        size = min(notional, max(0.0, self._volume_at(pressure.marked + room, state.depth, bounded=False) - start))
        if size <= 0:
            return 0.0, 1.0
        average = self._mean(start, start + size, state.depth) - pressure.marked
        end = min(self.parameters.largest, UNIT * ((start + size) / state.depth) ** self.parameters.exponent)
        pressure.permanent += self.parameters.permanent * (end - pressure.displaced)
        pressure.displaced = end
        return size / notional, 1 + side * average

    def impact(self, market: str, side: int, notional: float) -> float:
        """How far from the mark an order of ``notional`` (> 0) would be filled on average, without a limit, if it came
        now; a fraction of the price. Nothing is filled."""
        state = self._markets[market]
        pressure = state.sides[side]
        start = self._volume_at(pressure.displaced, state.depth)
        return self._mean(start, start + notional, state.depth) - pressure.marked

    def _volume_at(self, displacement: float, depth: float, *, bounded: bool = True) -> float:
        """Volume that displaces the price so far. Unbounded: any volume can be had once it stands at ``largest``."""
        if not bounded and displacement >= self.parameters.largest:
            return inf
        return float(depth * (max(0.0, displacement) / UNIT) ** (1 / self.parameters.exponent))

    def _mean(self, start: float, end: float, depth: float) -> float:
        """Mean displacement between two volumes, the curve being cut off at ``largest``."""
        top = self._volume_at(self.parameters.largest, depth)
        bend = min(max(top, start), end)
        power = self.parameters.exponent + 1
        rising = UNIT * depth / power * ((bend / depth) ** power - (start / depth) ** power)
        return float((rising + self.parameters.largest * (end - bend)) / (end - start))

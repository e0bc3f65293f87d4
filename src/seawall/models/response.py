"""How a market answers close-out orders: depth, impact, recovery.

After an unrecovered volume ``x`` (notional) on one side, the price stands away from where it would be by

    displacement(x) = unit * (x / depth) ** exponent,        unit = 1 %

where ``depth`` is what rests within 1 % of the mark. An order moves along that curve, so its average price is the
integral. Of the displacement it adds, a share is permanent; the rest recovers with a half-life. What has not
recovered shifts the next marks: that is where a cascade comes from.

Source: square-root impact (exponent 0.5) is the common finding for metaorders; depth within 1 % fell from 374m to
57m on 10 October 2025 (reference figures in docs). The other defaults are assumptions and can be set.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf


@dataclass(frozen=True, slots=True)
class ResponseParameters:
    """Attributes:
    exponent: of impact, in (0, 1].
    permanent: share of an order's displacement that never recovers.
    half_life_s: of the rest.
    largest: displacement is never more than this fraction of the price.
    """

    exponent: float = 0.5
    permanent: float = 0.25
    half_life_s: float = 120.0
    largest: float = 0.9


UNIT = 0.01


@dataclass(slots=True)
class _Side:
    volume: float = 0.0
    permanent: float = 0.0


@dataclass(slots=True)
class _Market:
    depth: float = 0.0
    reference: dict[int, float] = field(default_factory=dict)
    sides: dict[int, _Side] = field(default_factory=lambda: {-1: _Side(), 1: _Side()})


class MarketResponse:
    """State of the response, market by market. ``side`` is -1 for sales and +1 for purchases."""

    def __init__(self, parameters: ResponseParameters | None = None) -> None:
        self.parameters = parameters or ResponseParameters()
        self._markets: dict[str, _Market] = {}

    def begin(self, market: str, depth: float, elapsed_s: float) -> None:
        """A new step: depth within 1 % now, and how long since the last step (recovery)."""
        state = self._markets.setdefault(market, _Market())
        state.depth = max(depth, 1.0)
        for sign, side in state.sides.items():
            side.volume *= 0.5 ** (elapsed_s / self.parameters.half_life_s)
            state.reference[sign] = self._displacement(side.volume, state.depth)

    def _displacement(self, volume: float, depth: float) -> float:
        return float(min(self.parameters.largest, UNIT * (volume / depth) ** self.parameters.exponent))

    def shift(self, market: str) -> float:
        """Ratio of the marks to where they would be without our orders, at the start of the step."""
        state = self._markets.get(market)
        if state is None:
            return 1.0
        total = 1.0
        temporary = 1 - self.parameters.permanent
        for sign, side in state.sides.items():
            total += sign * (side.permanent + temporary * state.reference.get(sign, 0.0))
        return float(min(1 + self.parameters.largest, max(1 - self.parameters.largest, total)))

    def fill(self, market: str, side: int, notional: float, limit: float | None) -> tuple[float, float]:
        """Fill an order of ``notional`` as far as its limit allows.

        Args:
            limit: worst marginal price as a ratio of the mark, None for none.

        Returns:
            (share of the order filled, average price as a ratio of the mark).
        """
        state = self._markets[market]
        pressure = state.sides[side]
        start, reference = pressure.volume, state.reference[side]
        room = inf if limit is None else (1 - limit if side < 0 else limit - 1)
        most = self._volume_at(reference + room, state.depth) - start if room < inf else inf
        size = min(notional, max(0.0, most))
        if size <= 0:
            return 0.0, 1.0
        average = self._mean_displacement(start, start + size, state.depth) - reference
        before = self._displacement(start, state.depth)
        pressure.volume = start + size
        pressure.permanent += self.parameters.permanent * (self._displacement(start + size, state.depth) - before)
        return size / notional, max(1 - self.parameters.largest, 1 + side * average)

    def _volume_at(self, displacement: float, depth: float) -> float:
        """Volume at which the displacement is reached; none is ever enough beyond the largest."""
        if displacement >= self.parameters.largest:
            return inf
        return float(depth * (max(0.0, displacement) / UNIT) ** (1 / self.parameters.exponent))

    def _mean_displacement(self, start: float, end: float, depth: float) -> float:
        power = self.parameters.exponent + 1
        mean = UNIT * depth * ((end / depth) ** power - (start / depth) ** power) / (power * (end - start))
        return float(min(self.parameters.largest, mean))

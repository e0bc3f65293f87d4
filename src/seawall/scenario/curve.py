"""A curve through a few points, log-linear between them. Floats; no book, no money."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, isfinite, log

from seawall.errors import InputError


@dataclass(frozen=True, slots=True)
class Curve:
    """Points (minute, value), minutes rising. Between points the logarithm is linear; outside, the end value holds."""

    points: tuple[tuple[float, float], ...]

    @classmethod
    def of(cls, points: Sequence[tuple[float, float]], *, where: str = "", field: str = "anchors") -> Curve:
        """Check and build: at least one point, minutes rising, everything finite, values positive.

        Raises:
            InputError: one of these does not hold; the point is named by its place in the list.
        """
        if not points:
            raise InputError("curve has no points", where=where, field=field)
        for i, (minute, value) in enumerate(points):
            if not isfinite(minute):
                raise InputError("minute must be finite", where=where, field=f"{field}[{i}]", value=minute)
            if not (isfinite(value) and value > 0):
                raise InputError("value must be positive", where=where, field=f"{field}[{i}]", value=value)
            if i and minute <= points[i - 1][0]:
                raise InputError("minutes must rise", where=where, field=f"{field}[{i}]", value=minute)
        return cls(tuple((float(m), float(v)) for m, v in points))

    def at(self, minute: float) -> float:
        """Value at a minute."""
        i = bisect_right(self.points, minute, key=lambda p: p[0])
        if i == 0:
            return self.points[0][1]
        if i == len(self.points):
            return self.points[-1][1]
        (m0, v0), (m1, v1) = self.points[i - 1], self.points[i]
        share = (minute - m0) / (m1 - m0)
        return exp(log(v0) * (1 - share) + log(v1) * share)

    def scaled(self, factor: float) -> Curve:
        """The curve with its logarithm times ``factor``: 2 squares every ratio, 0 makes it flat at 1."""
        return Curve(tuple((m, v**factor) for m, v in self.points))

    @property
    def lowest(self) -> tuple[float, float]:
        """(minute, value) of the lowest point."""
        return min(self.points, key=lambda p: p[1])

    @property
    def highest(self) -> tuple[float, float]:
        """(minute, value) of the highest point."""
        return max(self.points, key=lambda p: p[1])


FLAT = Curve(((0.0, 1.0),))

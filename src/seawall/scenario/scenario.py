"""A scenario: what the market does, minute by minute, as a few anchors per asset. Floats; no book, no money."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from math import exp, isfinite, log
from types import MappingProxyType

from seawall.errors import InputError

NS_PER_MINUTE = 60 * 10**9


@dataclass(frozen=True, slots=True)
class Curve:
    """Points (minute, value), minutes rising. Between points the logarithm is linear; outside, the end value holds."""

    points: tuple[tuple[float, float], ...]

    @classmethod
    def of(cls, points: Sequence[tuple[float, float]], *, where: str = "", field: str = "anchors") -> Curve:
        """Check and build: at least one point, minutes rising, values positive and finite."""
        if not points:
            raise InputError("curve has no points", where=where, field=field)
        for i, (minute, value) in enumerate(points):
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

    @property
    def lowest(self) -> tuple[float, float]:
        """(minute, value) of the lowest point."""
        return min(self.points, key=lambda p: p[1])


FLAT = Curve(((0.0, 1.0),))


@dataclass(frozen=True, slots=True)
class AssetPath:
    """One asset: price at minute 0, price relative to it, the venue's last trade relative to the index, and normal
    depth (quote currency within 1 % of the mark, one side)."""

    price: float
    ratio: Curve
    dislocation: Curve
    normal_depth: float


@dataclass(frozen=True, slots=True)
class Source:
    """Where a table comes from."""

    text: str
    date: str


@dataclass(frozen=True, slots=True)
class Scenario:
    """A dated, sourced scenario.

    ``depth`` is the share of normal depth over time, ``funding`` the (minute, rate) points at which funding is paid,
    rate as a fraction of notional per interval, written as text so that it stays exact.
    """

    name: str
    title: str
    date: str
    start_ns: int
    minutes: int
    assets: MappingProxyType[str, AssetPath]
    depth: Curve
    funding: tuple[tuple[int, str], ...]
    sources: tuple[Source, ...]
    notes: str = ""
    good_outcome: str = ""

    def index_price(self, asset: str, minute: float) -> float:
        """Index price of an asset."""
        path = self.assets[asset]
        return path.price * path.ratio.at(minute)

    def trade_price(self, asset: str, minute: float) -> float:
        """The venue's own last trade: index times dislocation."""
        return self.index_price(asset, minute) * self.assets[asset].dislocation.at(minute)

    def depth_at(self, minute: float) -> float:
        """Share of normal depth."""
        return self.depth.at(minute)

    def only(self, assets: Collection[str]) -> Scenario:
        """The scenario with some of its assets.

        Raises:
            InputError: one of them is not in it.
        """
        for asset in assets:
            if asset not in self.assets:
                raise InputError(
                    "no such asset in the scenario",
                    where=f"scenario {self.name}",
                    field="symbols",
                    value=asset,
                    expected="one of " + ", ".join(self.assets),
                )
        return replace(self, assets=MappingProxyType({a: p for a, p in self.assets.items() if a in set(assets)}))

"""A scenario: what the market does, minute by minute, as a few anchors per asset. Floats; no book, no money."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
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
    rate as a fraction of notional per payment, written as text so that it stays exact.

    Raises:
        InputError: no assets, a price or depth that is not positive, a point outside the window, or a funding rate
            that is no decimal or beyond 10 %.
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

    def __post_init__(self) -> None:
        if self.minutes < 1:
            self._refuse("a scenario lasts at least a minute", "minutes", self.minutes)
        if not self.assets:
            self._refuse("scenario has no assets", "assets", None)
        for name, path in self.assets.items():
            for field, number in (("price", path.price), ("normal_depth", path.normal_depth)):
                if not (isfinite(number) and number > 0):
                    self._refuse("must be positive", f"assets.{name}.{field}", number)
            if path.ratio.at(0) != 1:
                self._refuse("must start with 1 at minute 0", f"assets.{name}.anchors", path.ratio.points[0])
            self._inside(path.ratio, f"assets.{name}.anchors")
            self._inside(path.dislocation, f"assets.{name}.dislocation")
        self._inside(self.depth, "depth.anchors")
        self._check_funding()

    def _inside(self, curve: Curve, field: str) -> None:
        for i, (minute, _) in enumerate(curve.points):
            if not 0 <= minute <= self.minutes:
                self._refuse(f"minute outside the window of {self.minutes}", f"{field}[{i}]", minute)

    def _check_funding(self) -> None:
        last = -1
        for i, (minute, rate) in enumerate(self.funding):
            if not last < minute <= self.minutes:
                self._refuse("minutes must rise and lie in the window", f"funding.anchors[{i}]", minute)
            last = minute
            try:
                fine = abs(Fraction(rate)) <= Fraction(1, 10)
            except (ValueError, ZeroDivisionError):
                fine = False
            if not fine:
                self._refuse("rate must be a decimal, at most 10 % either way", f"funding.anchors[{i}]", rate)

    def _refuse(self, problem: str, field: str, value: object) -> None:
        raise InputError(problem, where=f"scenario {self.name}", field=field, value=value)

    def index_price(self, asset: str, minute: float) -> float:
        """Index price of an asset, in the quote currency."""
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

    def scaled(self, factor: float, *, depth: float = 1.0) -> Scenario:
        """The same event, milder or harsher.

        Logarithms are scaled, so prices stay positive and a factor of 2 turns a fall to 0.8 into one to 0.64.

        Args:
            factor: on every asset's price moves and dislocations; 0 leaves prices where they start.
            depth: on the changes of depth; 0 leaves it normal.

        Raises:
            InputError: a factor outside 0 to 10.
        """
        for field, number in (("factor", factor), ("depth", depth)):
            if not (isfinite(number) and 0 <= number <= 10):
                raise InputError(
                    "bad scale", where=f"scenario {self.name}", field=field, value=number, expected="0 to 10"
                )
        assets = {
            name: replace(path, ratio=path.ratio.scaled(factor), dislocation=path.dislocation.scaled(factor))
            for name, path in self.assets.items()
        }
        return replace(self, assets=MappingProxyType(assets), depth=self.depth.scaled(depth))

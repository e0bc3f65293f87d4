"""A scenario: what the market does, minute by minute, as a few anchors per asset. Floats; no book, no money."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from math import isfinite
from types import MappingProxyType
from typing import Any

from seawall.errors import InputError
from seawall.scenario.actors import Actor
from seawall.scenario.curve import Curve
from seawall.scenario.feeds import IndexFeed
from seawall.scenario.incidents import Incident, check_incidents

NS_PER_MINUTE = 60 * 10**9
KINDS = ("crash", "manipulation")


@dataclass(frozen=True, slots=True)
class AssetPath:
    """One asset.

    Attributes:
        price: index at minute 0, quote currency.
        ratio: index relative to ``price``.
        dislocation: the venue's last trade relative to the index.
        normal_depth: quote currency within 1 % of the mark, one side.
        depth: the asset's own share of normal depth over time; None: the scenario's.
        feeds: sources of the index; none: one source that prints the index.
    """

    price: float
    ratio: Curve
    dislocation: Curve
    normal_depth: float
    depth: Curve | None = None
    feeds: tuple[IndexFeed, ...] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """Where a table comes from."""

    text: str
    date: str


@dataclass(frozen=True, slots=True)
class Scenario:
    """A dated, sourced scenario.

    ``depth`` is the share of normal depth over time, ``funding`` the (minute, rate) points at which funding is paid,
    rate as a fraction of notional per payment, written as text so that it stays exact. ``actors`` are accounts that any
    book gets at opening, ``incidents`` what happens beside the prices. ``kind`` is "crash" or "manipulation"; ``step_s`` the seconds between two marks.

    Raises:
        InputError: no assets, a price or depth that is not positive, a point outside the window, a funding rate that
            is no decimal or beyond 10 %, a bad source, actor or incident, or two of one name.
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
    bad_outcome: str = ""
    kind: str = "crash"
    step_s: int = 15
    actors: tuple[Actor, ...] = ()
    incidents: tuple[Incident, ...] = ()

    def __reduce__(self) -> tuple[Any, ...]:
        """For other processes: the read-only view of the assets does not travel, so it is sent as a dict."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return _rebuilt, ({**values, "assets": dict(self.assets)},)

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
            if path.depth is not None:
                self._inside(path.depth, f"assets.{name}.depth")
            self._names([f.name for f in path.feeds], f"assets.{name}.feeds")
            for i, feed in enumerate(path.feeds):
                feed.check(self.minutes, f"scenario {self.name}", f"assets.{name}.feeds[{i}]")
        self._inside(self.depth, "depth.anchors")
        self._check_funding()
        if self.kind not in KINDS:
            self._refuse("unknown kind of scenario", "kind", self.kind)
        if not 1 <= self.step_s <= 60:
            self._refuse("seconds between marks must be 1 to 60", "step_s", self.step_s)
        self._names([a.name for a in self.actors], "actors")
        for i, actor in enumerate(self.actors):
            actor.check(tuple(self.assets), f"scenario {self.name}", f"actors[{i}]")
        check_incidents(self.incidents, f"scenario {self.name}", Fraction(self.minutes))

    def _names(self, names: Sequence[str], field: str) -> None:
        for i, name in enumerate(names):
            if name in names[:i]:
                self._refuse("name is there twice", f"{field}[{i}].name", name)

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

    def depth_at(self, minute: float, asset: str | None = None) -> float:
        """Share of normal depth: the asset's own where it has one, else the scenario's."""
        own = None if asset is None else self.assets[asset].depth
        return (own or self.depth).at(minute)

    def with_feeds(self, asset: str, feeds: Sequence[IndexFeed]) -> Scenario:
        """The same event with other sources for one asset's index.

        Raises:
            InputError: no such asset, or a bad source.
        """
        self.only([asset])
        path = replace(self.assets[asset], feeds=tuple(feeds))
        return replace(self, assets=MappingProxyType({**self.assets, asset: path}))

    def only(self, assets: Collection[str]) -> Scenario:
        """The scenario with some of its assets; actors keep what they hold in these, those without anything leave.

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
        left = [replace(a, holdings=tuple(h for h in a.holdings if h.asset in set(assets))) for a in self.actors]
        return replace(
            self,
            assets=MappingProxyType({a: p for a, p in self.assets.items() if a in set(assets)}),
            actors=tuple(a for a in left if a.holdings),
        )

    def scaled(self, factor: float, *, depth: float = 1.0) -> Scenario:
        """The same event, milder or harsher.

        Logarithms are scaled, so prices stay positive and a factor of 2 turns a fall to 0.8 into one to 0.64. Floors
        and ceilings of sources, and what actors hold, stay as they are.

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
            name: replace(
                path,
                ratio=path.ratio.scaled(factor),
                dislocation=path.dislocation.scaled(factor),
                depth=None if path.depth is None else path.depth.scaled(depth),
                feeds=tuple(replace(f, ratio=f.ratio.scaled(factor)) for f in path.feeds),
            )
            for name, path in self.assets.items()
        }
        return replace(self, assets=MappingProxyType(assets), depth=self.depth.scaled(depth))


def _rebuilt(values: dict[str, Any]) -> Scenario:
    return Scenario(**{**values, "assets": MappingProxyType(values["assets"])})

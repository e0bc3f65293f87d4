"""What the sources of an index print: each follows the market or the venue's own trades, and each can fail its way."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from math import exp, isfinite

from seawall.errors import InputError
from seawall.scenario.curve import FLAT, Curve


class Follows(Enum):
    """What a source looks at."""

    INDEX = "index"  # the market outside the venue
    TRADE = "trade"  # the venue's own last trade: a self-referenced market


@dataclass(frozen=True, slots=True)
class IndexFeed:
    """One source of an asset's index.

    What it sees is what it follows times ``ratio`` (another venue may trade higher or lower). It prints that, averaged,
    and held between floor and ceiling. Windows are (from, to) in minutes, ``from`` inclusive and ``to`` exclusive.

    Attributes:
        name: of the source, once per asset.
        follows: the market outside, or the venue's own trades.
        ratio: what it sees over what it follows.
        floor, ceiling: prices it never prints beyond (a feed's built-in limits); None: no such limit.
        average_minutes: time constant of an exponential average; 0: none. The average starts at the first price seen.
        pinned: windows in which it prints its last price again and again as if it were new.
        outage: windows in which it prints nothing, so that its last price ages.
    """

    name: str
    follows: Follows = Follows.INDEX
    ratio: Curve = FLAT
    floor: float | None = None
    ceiling: float | None = None
    average_minutes: float = 0.0
    pinned: tuple[tuple[float, float], ...] = ()
    outage: tuple[tuple[float, float], ...] = ()

    def check(self, minutes: int, where: str, field_path: str) -> None:
        """Refuse what cannot be meant.

        Raises:
            InputError: a limit that is not positive, a floor above the ceiling, an average that is negative, or a
                window that is empty or outside the scenario; the field is named.
        """

        def refuse(problem: str, name: str, value: object) -> None:
            raise InputError(problem, where=where, field=f"{field_path}.{name}", value=value)

        if not self.name:
            refuse("a source needs a name", "name", self.name)
        for name, limit in (("floor", self.floor), ("ceiling", self.ceiling)):
            if limit is not None and not (isfinite(limit) and limit > 0):
                refuse("must be positive", name, limit)
        if self.floor is not None and self.ceiling is not None and self.floor > self.ceiling:
            refuse("floor is above the ceiling", "floor", self.floor)
        if not (isfinite(self.average_minutes) and self.average_minutes >= 0):
            refuse("must not be negative", "average_minutes", self.average_minutes)
        for name, windows in (("pinned", self.pinned), ("outage", self.outage)):
            for i, (start, end) in enumerate(windows):
                if not 0 <= start < end <= minutes:
                    refuse(f"window must be (from, to) inside the {minutes} minutes", f"{name}[{i}]", (start, end))
        for minute, _ in self.ratio.points:
            if not 0 <= minute <= minutes:
                refuse(f"minute outside the window of {minutes}", "ratio", minute)


@dataclass(slots=True)
class Printer:
    """A feed at work. Ask it in rising order of minutes: averages and pinned prices remember what came before."""

    feed: IndexFeed
    _mean: float | None = field(default=None, init=False)
    _minute: float = field(default=0.0, init=False)
    _last: float | None = field(default=None, init=False)

    def at(self, minute: float, index: float, trade: float) -> float | None:
        """The price printed at a minute, given the market outside and the venue's last trade; None: nothing."""
        feed = self.feed
        price = (index if feed.follows is Follows.INDEX else trade) * feed.ratio.at(minute)
        if feed.average_minutes:
            if self._mean is None:
                self._mean = price
            else:
                self._mean += (1 - exp((self._minute - minute) / feed.average_minutes)) * (price - self._mean)
            price = self._mean
        self._minute = minute
        if feed.floor is not None:
            price = max(price, feed.floor)
        if feed.ceiling is not None:
            price = min(price, feed.ceiling)
        if any(start <= minute < end for start, end in feed.outage):
            return None
        if self._last is not None and any(start <= minute < end for start, end in feed.pinned):
            return self._last
        self._last = price
        return price

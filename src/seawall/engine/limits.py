"""What layers have paid so far, counted per scope: the memory behind limits per event, account, market and period.

A limit in money counts millionths of the quote currency, over all assets together, each draw at its price when it was
made: one policy serves linear and inverse markets. A limit as a share of a balance's peak counts that asset alone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from seawall.money import Rounding, muldiv
from seawall.waterfall import OTHER_TIER, LayerRule, Limit, LimitScope


@dataclass(frozen=True, slots=True)
class DrawPlace:
    """Where a draw counts: the event, who defaulted (the account and its owner; of a declared loss both are its holder),
    in which market (of which tier), in which asset, when."""

    loss: int
    account: str
    owner: str
    market: str
    tier: str
    asset: str
    time_ns: int


class LimitBook:
    """Sums of draws by layer and scope (millionths), draws inside windows ((time, book units, millionths)), and peaks of
    balances (book units)."""

    __slots__ = ("_draws", "_events", "_peaks", "_used")

    def __init__(self) -> None:
        self._used: dict[tuple[str, str, str], int] = {}
        self._events: dict[int, dict[str, int]] = {}  # event -> layer -> sum, until it is over
        self._draws: dict[tuple[str, LimitScope, str], list[tuple[int, str, int, int]]] = {}
        self._peaks: dict[tuple[str, str, int], deque[tuple[int, int]]] = {}

    def observe(self, layer: str, asset: str, time_ns: int, balance: int, window_ns: int) -> None:
        """Note a balance, so that ``peak`` knows the highest inside the window."""
        peaks = self._peaks.setdefault((layer, asset, window_ns), deque())
        while peaks and peaks[-1][1] <= balance:
            peaks.pop()
        peaks.append((time_ns, balance))
        while peaks[0][0] <= time_ns - window_ns:
            peaks.popleft()

    def peak(self, layer: str, asset: str, balance: int, time_ns: int, window_ns: int) -> int:
        """Highest balance inside the window that ends now, at least the current one."""
        peaks = self._peaks.get((layer, asset, window_ns), ())
        # Balances fall from left to right: the first one inside the window is the highest.
        return max(balance, next((b for at, b in peaks if at > time_ns - window_ns), balance))

    def share_left(self, rule: LayerRule, limit: Limit, place: DrawPlace, balance: int) -> int | None:
        """What a limit as a share of the peak still allows, book units rounded down; None for a limit in money.

        ``balance``: of the paying account now.
        """
        share = limit.share_of_peak
        if share is None:
            return None
        peak = self.peak(rule.name, place.asset, balance, place.time_ns, limit.window_ns)
        drawn = sum(amount for _, asset, amount, _ in self._inside(rule, limit, place) if asset == place.asset)
        return max(0, muldiv(peak, share.numerator, share.denominator, Rounding.FLOOR) - drawn)

    def money_left(self, rule: LayerRule, limit: Limit, place: DrawPlace) -> int:
        """What a limit in money still allows, millionths of the quote currency."""
        most = limit.amount
        if limit.by_tier is not None:
            most = limit.by_tier.get(place.tier, limit.by_tier.get(OTHER_TIER, 0))
        if limit.window_ns:
            used = sum(value for _, _, _, value in self._inside(rule, limit, place))
        elif limit.scope is LimitScope.EVENT:
            used = self._events.get(place.loss, {}).get(rule.name, 0)
        else:
            used = self._used.get((rule.name, limit.scope.value, scope_key(limit.scope, place)), 0)
        return max(0, (most or 0) - used)

    def _inside(self, rule: LayerRule, limit: Limit, place: DrawPlace) -> Iterator[tuple[int, str, int, int]]:
        draws = self._draws.get((rule.name, limit.scope, scope_key(limit.scope, place)), ())
        return (draw for draw in draws if draw[0] > place.time_ns - limit.window_ns)

    def record(self, rule: LayerRule, place: DrawPlace, amount: int, value: int) -> None:
        """Count a draw of ``amount`` book units, worth ``value`` millionths, under every limit of the layer."""
        windows = [limit for limit in rule.limits if limit.window_ns]
        for scope in dict.fromkeys(limit.scope for limit in rule.limits):  # in order: the state hash lists them so
            if scope in (LimitScope.PERIOD, LimitScope.MARKET_PERIOD):
                draws = self._draws.setdefault((rule.name, scope, scope_key(scope, place)), [])
                longest = max(limit.window_ns for limit in windows)
                draws[:] = [d for d in draws if d[0] > place.time_ns - longest]
                draws.append((place.time_ns, place.asset, amount, value))
            elif scope is LimitScope.EVENT:
                event = self._events.setdefault(place.loss, {})
                event[rule.name] = event.get(rule.name, 0) + value
            else:
                key = (rule.name, scope.value, scope_key(scope, place))
                self._used[key] = self._used.get(key, 0) + value

    def forget(self, event: int) -> None:
        """An event is over: no draw will count for it any more."""
        self._events.pop(event, None)

    def canonical_lines(self) -> Iterator[str]:
        """One line a counter, in order of first use: part of the state hash."""
        for (layer, scope, key), value in self._used.items():
            yield f"used {layer} {scope} {key} {value}"
        for event, paid in self._events.items():
            yield f"event {event} {paid}"
        for (layer, _, market), draws in self._draws.items():
            yield f"draws {layer} {market} {draws}"
        for (layer, asset, window_ns), peaks in self._peaks.items():
            yield f"peaks {layer} {asset} {window_ns} {list(peaks)}"


def scope_key(scope: LimitScope, place: DrawPlace) -> str:
    """What a scope counts together, for a draw at this place."""
    match scope:
        case LimitScope.EVENT:
            return str(place.loss)
        case LimitScope.ACCOUNT:
            return place.account
        case LimitScope.OWNER:
            return place.owner
        case LimitScope.PERIOD:
            return ""
        case _:
            return place.market

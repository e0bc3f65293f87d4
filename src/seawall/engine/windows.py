"""What close-out orders have used of each market's window: closed inside it, and still standing."""

from __future__ import annotations

from collections.abc import Iterator

from seawall.liquidation import RollingWindow


class WindowBook:
    """By market number, in units of ``engine.units.lot_size``. Empty while no policy has a window."""

    __slots__ = ("_closed", "_open")

    def __init__(self) -> None:
        self._closed: dict[int, RollingWindow] = {}
        self._open: dict[int, int] = {}

    def closed(self, market: int, now_ns: int) -> int:
        """What was closed inside the window that ends now."""
        window = self._closed.get(market)
        return 0 if window is None else window.used(now_ns)

    def open(self, market: int) -> int:
        """What orders still stand for, at the marks when they were opened."""
        return self._open.get(market, 0)

    def ordered(self, market: int, size: int) -> None:
        """An order of this size was opened."""
        if size:
            self._open[market] = self.open(market) + size

    def gone(self, market: int, size: int) -> None:
        """So much of an order stands no more: its room is free again, unless ``filled`` counts it."""
        if size:
            left = self.open(market) - size
            if left:
                self._open[market] = left
            else:
                del self._open[market]

    def filled(self, market: int, now_ns: int, size: int, length_ns: int) -> None:
        """So much of an order was closed: it counts until the window of ``length_ns`` has passed it."""
        if size:
            self.gone(market, size)
            window = self._closed.get(market, RollingWindow(0, length_ns))
            self._closed[market] = window.spent(now_ns, size)

    def canonical_lines(self) -> Iterator[str]:
        """One line a market that was closed in: part of the state hash. What is open stands with the orders."""
        for market, window in sorted(self._closed.items()):
            yield f"window {market} {list(window.uses)}"

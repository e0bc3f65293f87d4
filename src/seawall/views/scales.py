"""Scales of pictures: values to places, and the round numbers an axis is marked at."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from seawall.views.formats import moment

_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_SECOND = 10**9
_TIME_STEPS = tuple(
    s * _SECOND
    for s in (
        1,
        5,
        10,
        15,
        30,
        60,
        120,
        300,
        600,
        900,
        1800,
        3600,
        7200,
        10800,
        21600,
        43200,
        86400,
        172800,
        604800,
        2592000,
    )
)


def nice_ticks(low: float, high: float, count: int = 4) -> list[float]:
    """Round values that cover [low, high] with about ``count`` steps of 1, 2, 2.5 or 5 times a power of ten.

    The first is at or below ``low`` and the last at or above ``high``; equal bounds get a step on both sides.

    Raises:
        ValueError: a bound is not finite, or they are out of order.
    """
    if not (math.isfinite(low) and math.isfinite(high)) or low > high:
        raise ValueError(f"no scale from {low} to {high}")
    if low == high:
        pad = abs(low) * 0.1 or 1.0
        low, high = low - pad, high + pad
    raw = (high - low) / max(1, count)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(s * power for s in _STEPS if s * power >= raw * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(i * step, 12 - math.floor(math.log10(step))) for i in range(first, last + 1)]


def time_step(span_ns: int, most: int) -> int:
    """The smallest round step that divides a span into at most ``most`` parts, nanoseconds."""
    for step in _TIME_STEPS:
        if span_ns <= step * most:
            return step
    return _TIME_STEPS[-1] * math.ceil(span_ns / most / _TIME_STEPS[-1])


def time_ticks(start_ns: int, end_ns: int, most: int = 6) -> list[int]:
    """Round times inside [start, end], at most ``most`` + 1 of them."""
    step = time_step(max(1, end_ns - start_ns), most)
    first = -(-start_ns // step) * step
    return list(range(first, end_ns + 1, step))


def time_label(time_ns: int, step_ns: int) -> str:
    """The text of a time tick: the date where steps are days, the hour and minute, with seconds where steps are less."""
    when = moment(time_ns)
    if step_ns >= 86400 * _SECOND:
        return f"{when.day} {when:%b}"
    return f"{when:%H:%M}" if step_ns >= 60 * _SECOND else f"{when:%H:%M:%S}"


@dataclass(frozen=True, slots=True)
class Linear:
    """Values [low, high] onto places [start, end] (pixels)."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """The place of a value."""
        if self.high == self.low:
            return self.start
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


def thin(xs: Sequence[float], ys: Sequence[float | None], most: int) -> list[tuple[float, float | None]]:
    """At most about ``most`` points of a line that still show every extreme: first, low, high and last of each group."""
    points = list(zip(xs, ys, strict=True))
    if len(points) <= most:
        return points
    size = math.ceil(len(points) / max(1, most // 4))
    kept: list[tuple[float, float | None]] = []
    for begin in range(0, len(points), size):
        group = [p for p in points[begin : begin + size] if p[1] is not None]
        if not group:
            kept.append((points[begin][0], None))
            continue
        low = min(group, key=lambda p: p[1] or 0.0)
        high = max(group, key=lambda p: p[1] or 0.0)
        kept.extend(sorted({group[0], low, high, group[-1]}))
    return kept

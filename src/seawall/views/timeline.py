"""Pictures over time: small multiples on one time axis, lines with direct labels, bars of what happened in each interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from seawall.views.document import Parts
from seawall.views.formats import show
from seawall.views.scales import Linear, nice_ticks, thin, time_label, time_ticks
from seawall.views.svg import BOLD, Svg, text_width, wrap

LEFT, RIGHT_NARROW = 46.0, 10.0
TITLE = 13 * BOLD
GAP = 16.0


@dataclass(frozen=True, slots=True)
class Line:
    """One line: values at the panel's times; None where there is none. ``style`` 1 to 6: colour and dash."""

    name: str
    values: Sequence[float | None]
    style: int = 1


@dataclass(frozen=True, slots=True)
class Note:
    """A point of a panel worth naming."""

    time_ns: int
    value: float
    text: Parts


@dataclass(frozen=True, slots=True)
class Panel:
    """One of the small multiples.

    Attributes:
        title: what is seen.
        unit: of the vertical axis.
        times: nanoseconds, of lines and bars (a bar stands from its time to the next).
        lines: drawn over each other; ``area`` fills under the first.
        bars: one value a time, for amounts of an interval; ``bar_ns`` is the interval.
        zero: the axis contains zero.
        scale: least and most of the axis, where several panels share one.
    """

    title: Parts
    unit: str
    times: Sequence[int]
    lines: Sequence[Line] = ()
    bars: Sequence[float] = ()
    bar_ns: int = 0
    bar_style: int = 2
    area: bool = False
    zero: bool = True
    notes: Sequence[Note] = field(default_factory=tuple)
    height: float = 96.0
    scale: tuple[float, float] | None = None


def tick_text(value: float) -> str:
    """A value at an axis: short, exact for round values."""
    text = show("amount", Decimal(repr(value)))
    for mark in ("tn", "bn", "m", "k"):
        if text.endswith(mark):
            return text.removesuffix(mark).rstrip("0").rstrip(".") + mark if "." in text else text
    return text.rstrip("0").rstrip(".") if "." in text else text


def timeline(ident: str, width: float, panels: Sequence[Panel], alt: str) -> Svg:
    """Panels under each other, times aligned.

    Args:
        ident: unique on the page.
        width: pixels; under 480 the names of lines stand above the panel instead of beside it.
        panels: at least one.
        alt: the text instead of the picture.
    """
    narrow = width < 480
    many = any(len(p.lines) > 1 for p in panels)
    room = (
        max((text_width(line.name, 12 * BOLD) for p in panels if len(p.lines) > 1 for line in p.lines), default=0.0)
        + 14
    )
    right = width - (RIGHT_NARROW if narrow or not many else room)
    start = min(p.times[0] for p in panels)
    end = max(p.times[-1] + p.bar_ns for p in panels)
    x = Linear(start, max(end, start + 1), LEFT, right)
    heads = [wrap([*p.title], width - 4, TITLE) for p in panels]
    keys = [_key_rows(p, width) if narrow and len(p.lines) > 1 else 0 for p in panels]
    height = (
        sum(
            len(h) * 17 + 23 + k * 16 + (5 if k else 0) + p.height + GAP
            for h, k, p in zip(heads, keys, panels, strict=True)
        )
        + 22
    )
    svg = Svg(ident, width, height, alt)
    ticks = time_ticks(start, end, 4 if narrow else 8)
    step = ticks[1] - ticks[0] if len(ticks) > 1 else 1
    y = 0.0
    for panel, head, key in zip(panels, heads, keys, strict=True):
        for row in head:
            y += 15
            svg.text(0, y, row, "ttl")
            y += 2
        y += 12
        svg.text(0, y, panel.unit, "tick")
        y += 11
        if key:
            y = _key(svg, panel, y, width)
        _panel(svg, panel, x, y, right, ticks, beside=not narrow and len(panel.lines) > 1)
        y += panel.height + GAP
    y -= GAP - 15
    taken = -1e9
    for tick in ticks:
        label = time_label(tick, step)
        half = text_width(label, 11) / 2
        place = min(max(x(tick), half), width - half)
        if place - half > taken + 4:
            svg.text(place, y, label, "tick", anchor="middle")
            taken = place + half
    svg.text(0, y, "UTC", "tick")
    return svg


def _panel(svg: Svg, panel: Panel, x: Linear, top: float, right: float, ticks: Sequence[int], *, beside: bool) -> None:
    values = [v for line in panel.lines for v in line.values if v is not None] + list(panel.bars)
    low, high = min(values, default=0.0), max(values, default=1.0)
    if panel.scale is not None:
        low, high = panel.scale
    if panel.zero:
        low, high = min(low, 0.0), max(high, 0.0)
    if low == high == 0:
        high = 1.0
    marks = nice_ticks(low, high, 3)
    bottom = top + panel.height
    floor = max(marks[0], low * 1.2) if low < 0 else marks[0]  # a little below zero needs no whole step of room
    y = Linear(floor, marks[-1], bottom, top)
    marks = [m for m in marks if m >= floor]
    for tick in ticks:
        svg.line(x(tick), top, x(tick), bottom, "grid")
    for mark in marks:
        svg.line(LEFT, y(mark), right, y(mark), "axis" if mark == 0 and panel.zero else "grid")
        svg.text(LEFT - 6, y(mark) + 4, tick_text(mark), "tick", anchor="end")
    if panel.bars:
        with svg.group(class_=f"b{panel.bar_style}"):
            for time, value in zip(panel.times, panel.bars, strict=True):
                if value:
                    wide = max(0.8, x(time + panel.bar_ns) - x(time) - 0.8)
                    tall = max(0.8, abs(y(0) - y(value)))
                    svg.rect(x(time), y(0) - (tall if value > 0 else 0), wide, tall, "bar")
    ends: list[tuple[float, Line]] = []
    for number, line in enumerate(panel.lines):
        points = thin([x(t) for t in panel.times], [None if v is None else y(v) for v in line.values], int(right))
        if panel.area and number == 0:
            svg.path(points, f"a{line.style}", close_at=y(max(0.0, floor)))
        svg.path(points, f"l{line.style}")
        last = next((p[1] for p in reversed(points) if p[1] is not None), None)
        if last is not None:
            ends.append((last, line))
    if beside:
        for place, (was, line) in zip(
            spread([e[0] for e in sorted(ends, key=_first)], 14.0), sorted(ends, key=_first), strict=True
        ):
            svg.line(right + 2, was, right + 9, place, "lead")
            svg.text(right + 12, place + 4, line.name, f"t{line.style} strong")
    for note in panel.notes:
        _note(svg, note, x, y, right)


def _first(item: tuple[float, Line]) -> float:
    return item[0]


def _note(svg: Svg, note: Note, x: Linear, y: Linear, right: float) -> None:
    place, level = x(note.time_ns), y(note.value)
    svg.add("circle", cx=place, cy=level, r=3.4, class_="dot2")
    text = "".join(str(p) for p in note.text)
    fits = place + 7 + text_width(text) < right
    svg.text(
        place + 7 if fits else place - 7, level + 4, note.text, "lbl strong halo", anchor="start" if fits else "end"
    )


def spread(places: Sequence[float], apart: float) -> list[float]:
    """Sorted places moved as little as needed so that they are ``apart``; groups that touch move together."""
    groups: list[list[float]] = []  # [sum of wished first places, count]
    for place in places:
        groups.append([place, 1.0])
        while len(groups) > 1:
            (a, n), (b, m) = groups[-2], groups[-1]
            if a / n + n * apart <= b / m:
                break
            groups[-2:] = [[a + b - m * n * apart, n + m]]
    out: list[float] = []
    for total, count in groups:
        out.extend(total / count + i * apart for i in range(int(count)))
    return out


def _key_rows(panel: Panel, width: float) -> int:
    rows, used = 1, 0.0
    for line in panel.lines:
        need = 30 + text_width(line.name, 12 * BOLD) + 12
        if used + need > width and used:
            rows, used = rows + 1, 0.0
        used += need
    return rows


def _key(svg: Svg, panel: Panel, y: float, width: float) -> float:
    used = 0.0
    y += 11
    for line in panel.lines:
        need = 30 + text_width(line.name, 12 * BOLD) + 12
        if used + need > width and used:
            y, used = y + 16, 0.0
        svg.line(used + 2, y - 4, used + 24, y - 4, f"l{line.style}")
        svg.text(used + 30, y, line.name, f"t{line.style} strong")
        used += need
    return y + 10


def per_interval(times: Sequence[int], total: Sequence[Decimal], step_ns: int) -> tuple[list[int], list[Decimal]]:
    """A cumulative amount as what was added in each interval of ``step_ns`` (exact). Intervals start at round times."""
    first = times[0] // step_ns * step_ns
    count = (times[-1] - first) // step_ns + 1
    added = [Decimal(0)] * count
    before = Decimal(0)
    for time, value in zip(times, total, strict=True):
        added[(time - first) // step_ns] += value - before
        before = value
    return [first + i * step_ns for i in range(count)], added

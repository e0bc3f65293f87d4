"""Pictures of spread: the Lorenz curve of a burden, and strips of one dot a seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from seawall.views.document import Fig, Parts
from seawall.views.scales import Linear, nice_ticks
from seawall.views.svg import Svg, num, text_width
from seawall.views.timeline import tick_text

# What a spread over seeds is made of, and what its columns are called.
SPREAD = (
    ("min", "least"),
    ("q1", "lower quartile"),
    ("median", "median"),
    ("q3", "upper quartile"),
    ("max", "most"),
)


def lorenz(values: Sequence[float]) -> list[tuple[float, float]]:
    """The Lorenz curve of amounts (none negative): share of accounts, from the smallest, and share of the sum they bear."""
    ordered = sorted(values)
    whole = sum(ordered)
    points, so_far = [(0.0, 0.0)], 0.0
    for number, value in enumerate(ordered, 1):
        so_far += value
        points.append((number / len(ordered), so_far / whole if whole else 0.0))
    return points


def lorenz_picture(
    ident: str,
    width: float,
    points: Sequence[tuple[float, float]],
    gini: Parts,
    shares: Sequence[tuple[str, float, Fig]],
    alt: str,
) -> Svg:
    """The curve against the line of equal parts; beside it (on a phone: under it) what the largest few bore."""
    narrow = width < 480
    left, top, side = 44.0, 20.0, min(width - 64, 300.0)
    bottom = top + side
    svg = Svg(ident, width, bottom + 40 + (40 * len(shares) + 26 if narrow else 0), alt)
    begin, under = (0.0, bottom + 52) if narrow else (left + side + 60, top + 60)
    svg.text(begin, under, "share borne by the", "tick")
    room = Linear(0, 1, begin, width - 10)
    for name, share, fig in shares:
        svg.text(begin, under + 20, name, "lbl")
        svg.text(width - 10, under + 20, [fig], "lbl strong", anchor="end")
        svg.rect(begin, under + 26, room(1) - begin, 9, "a6")
        svg.hatch(begin, under + 26, room(share) - begin, 9, "b2")
        under += 40
    x, y = Linear(0, 1, left, left + side), Linear(0, 1, bottom, top)
    svg.text(0, 12, "share of what was borne", "tick")
    for part in (0.0, 0.25, 0.5, 0.75, 1.0):
        text = f"{part * 100:g}\u202f%"
        svg.line(x(part), top, x(part), bottom, "axis" if part == 0 else "grid")
        svg.line(left, y(part), left + side, y(part), "axis" if part == 0 else "grid")
        svg.text(left - 6, y(part) + 4, text, "tick", anchor="end")
        svg.text(x(part), bottom + 15, text, "tick", anchor="middle")
    svg.text(left + side, bottom + 32, "share of accounts hit, smallest first", "tick", anchor="end")
    svg.line(x(0), y(0), x(1), y(1), "even")
    svg.text(x(0.42), y(0.42) - 8, "equal parts", "soft", anchor="end")
    step = max(1, len(points) // 400)
    kept = [*points[:-1:step], points[-1]]
    curve: list[tuple[float, float | None]] = [(x(a), y(b)) for a, b in kept]
    svg.path(curve, "a2", close_at=bottom)
    svg.path(curve, "l2solid")
    svg.text(x(0.06), y(0.86), gini, "lbl strong")
    return svg


@dataclass(frozen=True, slots=True)
class Strip:
    """One metric over many runs. ``here`` is the value of the run at hand; ``low`` to ``high`` the middle half.

    ``less``, ``more``: its values with less and with more of something (leverage); None where not run.
    """

    name: Parts
    values: Sequence[float]
    here: float | None
    low: float
    middle: float
    high: float
    label: Parts = ()
    less: float | None = None
    more: float | None = None


def strips(ident: str, width: float, rows: Sequence[Strip], alt: str, names: Sequence[str]) -> Svg:
    """One row a metric, each on a scale of its own: a dot a run, a box of the middle half, a diamond for this run.

    ``names``: of a dot, of the box, of the diamond, of less and of more (the last two may be left out).
    """
    narrow = width < 480
    row = 90.0 if narrow else 74.0
    place, head = 0.0, 24.0
    seats = []
    for name in names:
        if place and place + 20 + text_width(name) > width:
            place, head = 0.0, head + 18
        seats.append((place, head - 16))
        place += 20 + text_width(name) + 16
    svg = Svg(ident, width, head + 4 + row * len(rows), alt)
    for number, ((seat, level), name) in enumerate(zip(seats, names, strict=True)):
        _sign(svg, number, seat + 8, level)
        svg.text(seat + 20, level + 4, name, "lbl")
    for number, strip in enumerate(rows):
        top = head + number * row
        svg.text(0, top + 14, strip.name, "ttl")
        if strip.label and narrow:
            svg.text(0, top + 30, strip.label, "soft")
            top += 16
        elif strip.label:
            svg.text(width, top + 14, strip.label, "soft", anchor="end")
        values = [*strip.values, *(v for v in (strip.here, strip.less, strip.more) if v is not None)]
        ticks = nice_ticks(min(values), max(values), 3 if narrow else 6)
        x = Linear(ticks[0], ticks[-1], 12, width - 12)
        middle = top + 34
        svg.rect(x(strip.low), middle - 9, x(strip.high) - x(strip.low), 18, "a1", least=2)
        svg.line(x(strip.middle), middle - 9, x(strip.middle), middle + 9, "l1")
        svg.line(12, middle + 13, width - 12, middle + 13, "grid")
        for tick in ticks:
            label = tick_text(tick)
            half = text_width(label, 11) / 2
            svg.line(x(tick), middle + 13, x(tick), middle + 17, "axis")
            svg.text(min(max(x(tick), half), width - half), middle + 29, label, "tick", anchor="middle")
        for at, value in enumerate(strip.values):
            svg.add("circle", cx=x(value), cy=middle - 5 + (at * 7 % 11), r=3.4, class_="dot")
        for sign, own in ((2, strip.here), (3, strip.less), (4, strip.more)):
            if own is not None:
                _sign(svg, sign, x(own), middle)
    return svg


@dataclass(frozen=True, slots=True)
class Range:
    """The spread of one metric under one policy: ends, quartiles, middle; ``here`` on the first book."""

    name: Parts
    ends: tuple[float, float]
    quartiles: tuple[float, float]
    middle: float
    here: float
    label: Parts = ()


def ranges(ident: str, width: float, groups: Sequence[tuple[Parts, Sequence[Range]]], alt: str) -> Svg:
    """Groups (metrics) of rows (policies) on one scale a group: a line from least to most, a box, the middle, a diamond."""
    narrow = width < 480
    row = 44.0 if narrow else 26.0
    names = 0.0 if narrow else max(text_width("".join(map(str, r.name))) for _, rows in groups for r in rows) + 14
    height = 26 + sum(24 + row * len(rows) + 34 for _, rows in groups)
    svg = Svg(ident, width, height, alt)
    svg.line(0, 8, 24, 8, "l1")
    svg.text(30, 12, "least to most", "lbl")
    svg.rect(124, 3, 16, 10, "b1")
    svg.text(146, 12, "middle half", "lbl")
    _sign(svg, 2, 238, 8)
    svg.text(250, 12, "first book", "lbl")
    top = 26.0
    for title, rows in groups:
        svg.text(0, top + 14, title, "ttl")
        top += 24
        values = [v for r in rows for v in (*r.ends, r.here)]
        ticks = nice_ticks(min(0.0, *values), max(0.0, *values), 3 if narrow else 6)
        x = Linear(ticks[0], ticks[-1], names + 8, width - 12)
        bottom = top + row * len(rows)
        for tick in ticks:
            svg.line(x(tick), top, x(tick), bottom, "axis" if tick == 0 else "grid")
            half = text_width(tick_text(tick), 11) / 2
            svg.text(min(max(x(tick), half), width - half), bottom + 14, tick_text(tick), "tick", anchor="middle")
        for number, r in enumerate(rows):
            y = top + row * number + (row - 12 if narrow else row / 2)
            svg.text(
                0, y - 14 if narrow else y + 4, [*r.name, *([": ", *r.label] if narrow and r.label else [])], "lbl"
            )
            svg.line(x(r.ends[0]), y, max(x(r.ends[1]), x(r.ends[0]) + 0.5), y, "l1")
            svg.rect(x(r.quartiles[0]), y - 6, x(r.quartiles[1]) - x(r.quartiles[0]), 12, "b1", least=1.5)
            svg.line(x(r.middle), y - 6, x(r.middle), y + 6, "middle")
            _sign(svg, 2, x(r.here), y)
        top = bottom + 34
    return svg


def _sign(svg: Svg, number: int, x: float, y: float) -> None:
    """What stands for what: a dot, a box, a diamond, a triangle to the left, a triangle to the right."""
    if number == 0:
        svg.add("circle", cx=x, cy=y, r=3.6, class_="dot")
    elif number == 1:
        svg.rect(x - 8, y - 5, 16, 10, "a1")
    else:
        shape = ("l6 7l-6 7l-6 -7z", "l0 14l-9 -7z", "l0 14l9 -7z")[number - 2]
        svg.add("path", d=f"M{num(x)} {num(y - 7)}{shape}", class_="dot2" if number == 2 else "dot3")

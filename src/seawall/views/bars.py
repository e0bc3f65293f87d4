"""Bars lying on one scale: amounts by class, gains and losses by source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from seawall.views.document import Parts
from seawall.views.scales import Linear, nice_ticks
from seawall.views.svg import BOLD, Svg, text_width
from seawall.views.timeline import tick_text

ROW, BAR = 26.0, 15.0


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar.

    Attributes:
        name: stands beside it.
        values: parts laid end to end, all of one sign; each with a style (1 to 6).
        label: the value, at its end.
    """

    name: Parts
    values: Sequence[tuple[float, int]]
    label: Parts


def bars(
    ident: str, width: float, rows: Sequence[Bar], unit: str, alt: str, keys: Sequence[tuple[str, int]] = ()
) -> Svg:
    """Bars on one scale with zero; losses (below zero) are hatched and lie to the left.

    Args:
        ident: unique on the page.
        width: pixels; under 480 names stand above their bars.
        rows: from top to bottom.
        unit: of the scale.
        alt: the text instead of the picture.
        keys: names of the parts of stacked bars, with their style.
    """
    narrow = width < 480
    names = 0.0 if narrow else max((text_width(_plain(r.name)) for r in rows), default=0.0) + 12
    most = max((text_width(_plain(r.label), 12 * BOLD) for r in rows), default=0.0) + 8
    sums = [sum(v for v, _ in r.values) for r in rows]
    low, high = min([0.0, *sums]), max([0.0, *sums])
    if low == high:
        high = 1.0
    ticks = nice_ticks(low, high, 3 if narrow else 5)
    ends = most if low < 0 else 0.0
    x = Linear(ticks[0], ticks[-1], names + ends + 2, width - most)
    row = ROW + (16 if narrow else 0)
    seats = _seats(keys, width)
    head = 18.0 * (seats[-1][1] + 1) + 2 if seats else 2.0
    height = head + row * len(rows) + 34
    svg = Svg(ident, width, height, alt)
    for (name, style), (place, line) in zip(keys, seats, strict=True):
        (svg.hatch if style == 2 else svg.rect)(place, 4 + 18 * line, 12, 10, f"b{style}")
        svg.text(place + 17, 13 + 18 * line, name, "lbl")
    bottom = head + row * len(rows)
    for tick in ticks:
        svg.line(x(tick), head, x(tick), bottom, "axis" if tick == 0 else "grid")
    for number, (bar, total) in enumerate(zip(rows, sums, strict=True)):
        top = head + number * row
        if narrow:
            svg.text(0, top + 13, bar.name, "lbl")
            top += 16
        else:
            svg.text(0, top + 17, bar.name, "lbl")
        _bar(svg, bar, x, top + (ROW - BAR) / 2)
        down = total < 0
        svg.text(x(total) + (-5 if down else 5), top + 17, bar.label, "lbl strong", anchor="end" if down else "start")
    _axis(svg, x, ticks, bottom, unit, width)
    return svg


def _seats(keys: Sequence[tuple[str, int]], width: float) -> list[tuple[float, int]]:
    """Where the names of parts stand: (place, line)."""
    out, place, line = [], 0.0, 0
    for name, _ in keys:
        need = 17 + text_width(name)
        if place and place + need > width:
            place, line = 0.0, line + 1
        out.append((place, line))
        place += need + 16
    return out


def _bar(svg: Svg, bar: Bar, x: Linear, top: float) -> None:
    at = 0.0
    for value, style in bar.values:
        if value:
            draw = svg.hatch if value < 0 or style == 2 else svg.rect
            wide = x(at + value) - x(at)
            if abs(wide) < 1:
                wide = 1.0 if wide >= 0 else -1.0
            draw(x(at), top, wide, BAR, f"b{style}")
        at += value


def _axis(svg: Svg, x: Linear, ticks: Sequence[float], bottom: float, unit: str, width: float) -> None:
    taken = -1e9
    for tick in ticks:
        label = tick_text(tick)
        half = text_width(label, 11) / 2
        if x(tick) - half > taken + 4:
            svg.text(min(max(x(tick), half), width - half), bottom + 14, label, "tick", anchor="middle")
            taken = x(tick) + half
    svg.text(width, bottom + 29, unit, "tick", anchor="end")


def _plain(parts: Parts) -> str:
    return "".join(str(p) for p in parts)

"""THE picture: a loss flows through the layers; each shows what it had, gained, used and was left with.

The stream at the left is as wide as the loss that is still unpaid; each layer narrows it by what it pays, and what reaches
the ground is the residual. The bars of all layers share one scale; the stream's full width is the largest amount among them, so
a small loss beside a large fund is a thin stream.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from seawall.views.document import Fig, Parts
from seawall.views.formats import number
from seawall.views.scales import Linear
from seawall.views.svg import Svg, num, wrap
from seawall.views.timeline import TITLE

BAR, STEP = 14.0, 20.0
STREAM = 34.0


@dataclass(frozen=True, slots=True)
class Rung:
    """One layer.

    Attributes:
        name: of the layer.
        does: what it does, in a few words.
        before, gained, used, after: None where it has no balance; ``used`` is then what it collected.
        needed: what it was asked for, where that differs from what it collected.
        left: loss still unpaid below it; where one layer has none, no stream is drawn.
        ground: it is the residual.
    """

    name: str
    does: Parts
    used: Fig
    before: Fig | None = None
    gained: Fig | None = None
    after: Fig | None = None
    needed: Fig | None = None
    left: Fig | None = None
    ground: bool = False


def waterfall(
    ident: str,
    width: float,
    source: Parts,
    loss: Fig,
    rungs: Sequence[Rung],
    alt: str,
    scale: tuple[float, float] | None = None,
    loss_name: str = "Losses beyond the traders’ margin",
) -> Svg:
    """The layers in order of use, from the traders' own margin to what nobody paid.

    Args:
        ident: unique on the page.
        width: pixels; readable from 300.
        source: what happened above the layers: who was liquidated, what the market took.
        loss: the loss beyond the traders' margin, which enters at the top.
        rungs: the layers; the residual last.
        alt: the text instead of the picture.
        loss_name: what the loss is called.
        scale: of the bars, where several pictures share one; None: its own (``bounds``).
    """
    narrow = width < 480
    streams = all(r.left is not None for r in rungs if not r.ground)
    left = 0.0 if not streams else 44.0 if narrow else 74.0
    name, value = 56.0, 78.0
    inner = left + 10
    low, high = scale or bounds(rungs)
    x = Linear(low, high, inner + name, width - 12 - value)
    sizes = [_size(r, width - inner - 10) for r in rungs]
    intro = wrap([*source], width - left - 8, 12.5)
    top = len(intro) * 17 + 30.0
    gap = 26.0 if streams else 10.0
    svg = Svg(ident, width, top + sum(sizes) + gap * (len(rungs) - 1) + 6, alt)
    lost = float(number(loss.value))
    whole = max(lost, high) if lost > 0 else 0.0
    middle = left / 2 - 4
    y = 13.0
    for line in intro:
        svg.text(left, y, line, "lbl")
        y += 17
    if streams:
        _stream(svg, middle, 4, top, lost, whole)
    svg.text(left, top - 10, [loss_name, ": ", loss], "lbl strong")
    flowing: float | None = lost
    y = top
    for number_, (rung, size) in enumerate(zip(rungs, sizes, strict=True)):
        after = None if rung.left is None else float(number(rung.left.value))
        if streams:
            _taper(svg, middle, y, y + size, flowing, after, whole)
        _card(svg, rung, x, left, y, size, width)
        y += size
        flowing = after
        if number_ < len(rungs) - 1:
            if streams:
                _stream(svg, middle, y, y + gap, flowing, whole)
            if rung.left is not None and whole > 0:
                svg.text(left, y + 17, ["still unpaid: ", rung.left], "soft")
            y += gap
    return svg


def bounds(rungs: Sequence[Rung]) -> tuple[float, float]:
    """The common scale: every level that is drawn lies on it, and zero."""
    levels = [0.0]
    for rung in rungs:
        used = float(number(rung.used.value))
        if rung.before is None or rung.gained is None or rung.after is None:
            levels.append(used)
            levels.append(0.0 if rung.needed is None else float(number(rung.needed.value)))
            continue
        before, gained = float(number(rung.before.value)), float(number(rung.gained.value))
        levels += [before, before + gained, before + gained - used]
    return min(levels), max(levels) or 1.0


def _size(rung: Rung, room: float) -> float:
    heads = len(wrap(_head(rung), room, TITLE))
    rows = 4 if rung.before is not None else 2 if rung.needed is not None else 1
    return 14 + heads * 17 + rows * STEP + 6


def _head(rung: Rung) -> Parts:
    return [rung.name, ": ", *rung.does]


def _card(svg: Svg, rung: Rung, x: Linear, left: float, top: float, size: float, width: float) -> None:
    svg.add("rect", x=left, y=top, width=width - left - 1, height=size, rx=4, class_="card")
    y = top + 18
    for row, line in enumerate(wrap(_head(rung), width - left - 20, TITLE)):
        svg.text(left + 10, y, line, "ttl" if row == 0 and len(line) < 2 else "lbl strong")
        y += 17
    y -= 9
    used = float(number(rung.used.value))
    if rung.before is None or rung.gained is None or rung.after is None:
        if rung.needed is not None:
            _row(svg, x, y, "asked", (0.0, float(number(rung.needed.value))), rung.needed, "ghost", width)
            y += STEP
        _row(svg, x, y, "unpaid" if rung.ground else "paid", (0.0, used), rung.used, "used", width)
        return
    before, gained = float(number(rung.before.value)), float(number(rung.gained.value))
    after = float(number(rung.after.value))
    _row(svg, x, y, "before", (0.0, before), rung.before, "before", width)
    _row(svg, x, y + STEP, "gained", (before, before + gained), rung.gained, "gained", width, sign="+")
    _row(svg, x, y + 2 * STEP, "used", (after, before + gained), rung.used, "used", width, sign="−")
    _row(svg, x, y + 3 * STEP, "after", (0.0, after), rung.after, "after", width)
    for level, row in ((before, 0), (before + gained, 1), (after, 2)):
        svg.line(x(level), y + row * STEP + BAR, x(level), y + (row + 1) * STEP, "lead")


def _row(
    svg: Svg,
    x: Linear,
    y: float,
    name: str,
    span: tuple[float, float],
    fig: Fig,
    look: str,
    width: float,
    sign: str = "",
) -> None:
    svg.text(x.start - 8, y + 11, name, "soft", anchor="end")
    begin, end = x(span[0]), x(span[1])
    there = bool(number(fig.value))
    if there and abs(end - begin) < 1.5:
        end = begin + (1.5 if span[1] >= span[0] else -1.5)
    if look == "used":
        svg.hatch(begin, y, end - begin, BAR, "b2")
    elif look == "ghost":
        svg.rect(begin, y, end - begin, BAR, "ghost")
    elif there:
        svg.rect(begin, y, end - begin, BAR, {"before": "b6", "gained": "b3", "after": "b1"}[look])
    if not there:
        svg.line(begin, y, begin, y + BAR, "axis")
    parts: Parts = [sign, fig] if sign and there else [fig]
    svg.text(width - 10, y + 11.5, parts, "lbl strong" if there else "soft", anchor="end")


def _wide(amount: float | None, whole: float) -> float:
    if amount is None or whole <= 0 or amount <= 0:
        return 0.0
    return max(2.0, STREAM * amount / whole)


def _stream(svg: Svg, middle: float, top: float, bottom: float, amount: float | None, whole: float) -> None:
    _taper(svg, middle, top, bottom, amount, amount, whole)


def _taper(
    svg: Svg, middle: float, top: float, bottom: float, above: float | None, below: float | None, whole: float
) -> None:
    """The stream from one width to another; dotted where nothing flows."""
    a, b = _wide(above, whole), _wide(below, whole)
    if a == 0 and b == 0:
        svg.line(middle, top + 2, middle, bottom - 2, "flowfree")
        return
    half = (top + bottom) / 2
    corners = [
        (middle - a / 2, top),
        (middle + a / 2, top),
        (middle + a / 2, half),
        (middle + b / 2, bottom),
        (middle - b / 2, bottom),
        (middle - a / 2, half),
    ]
    svg.add("path", d="M" + "L".join(f"{num(cx)} {num(cy)}" for cx, cy in corners) + "Z", class_="flow")

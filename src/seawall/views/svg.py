"""A small exact writer of SVG: elements, escaping, text that carries figures, hatches.

Pictures name classes, never colours: ``picture.css`` gives them their colours for light, dark and print.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.resources import files

from markupsafe import Markup, escape

from seawall.views.document import Fig, Parts
from seawall.views.formats import NUMERIC, exact

FONT = 12.0
MARGIN = 14.0  # around a picture that stands alone


def num(value: float) -> str:
    """A coordinate: at most two decimals, no exponent.

    Raises:
        ValueError: it is not finite.
    """
    if not math.isfinite(value):
        raise ValueError(f"not a place in a picture: {value}")
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


BOLD = 1.16  # a bold text is about this much wider


def text_width(text: str, size: float = FONT) -> float:
    """About how wide a text is in a usual sans-serif font, pixels; a little generous."""
    narrow, wide = set(" .,:;'|!iljtfr()[]I−-/"), set("mwMW%@—ABCDGHNOQRU")
    units = sum(0.34 if c in narrow else 0.86 if c in wide else 0.61 for c in text)
    return units * size


def picture_css() -> str:
    """The colours of the pictures, for a page or a file that holds them."""
    return files("seawall.views").joinpath("picture.css").read_text(encoding="utf-8")


class Svg:
    """One picture under construction. ``ident`` must be unique on its page (it prefixes the ids of hatches)."""

    def __init__(self, ident: str, width: float, height: float, alt: str) -> None:
        self.ident = ident
        self.width, self.height = width, height
        self.alt = alt
        self._out: list[str] = []
        self._hatched = False

    def add(self, tag: str, **attributes: str | float | None) -> None:
        """An element without content. ``class_`` is class; underscores in names are dashes; None is left out."""
        self._out.append(f"<{tag}{_attributes(attributes)}/>")

    @contextmanager
    def group(self, **attributes: str | float | None) -> Iterator[None]:
        """Elements added inside belong to one group."""
        self._out.append(f"<g{_attributes(attributes)}>")
        yield
        self._out.append("</g>")

    def line(self, x1: float, y1: float, x2: float, y2: float, class_: str) -> None:
        """A straight line."""
        self.add("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)

    def rect(self, x: float, y: float, width: float, height: float, class_: str, *, least: float = 0.0) -> None:
        """A box; ``least`` keeps a value that is there visible. Negative sizes are turned round."""
        if width < 0:
            x, width = x + width, -width
        if height < 0:
            y, height = y + height, -height
        self.add("rect", x=x, y=y, width=max(width, least), height=max(height, least), class_=class_)

    def hatch(self, x: float, y: float, width: float, height: float, class_: str) -> None:
        """A box with stripes over its colour, so that it differs without colour too."""
        self.rect(x, y, width, height, class_)
        if abs(width) < 0.5 or abs(height) < 0.5:
            return
        self._hatched = True
        if width < 0:
            x, width = x + width, -width
        self.add("rect", x=x, y=y, width=width, height=abs(height), fill=f"url(#{self.ident}-hatch)")

    def path(self, points: Sequence[tuple[float, float | None]], class_: str, *, close_at: float | None = None) -> None:
        """A line through points; None breaks it. ``close_at``: filled down to this place."""
        runs: list[list[tuple[float, float]]] = [[]]
        for x, y in points:
            if y is None:
                runs.append([])
            else:
                runs[-1].append((x, y))
        parts = []
        for run in filter(None, runs):
            text = "M" + "L".join(f"{num(x)} {num(y)}" for x, y in run)
            if len(run) == 1:
                text += "h0.01"
            if close_at is not None:
                text += f"L{num(run[-1][0])} {num(close_at)}L{num(run[0][0])} {num(close_at)}Z"
            parts.append(text)
        if parts:
            self.add("path", d="".join(parts), class_=class_)

    def text(self, x: float, y: float, parts: str | Fig | Parts, class_: str = "lbl", *, anchor: str = "start") -> None:
        """One line of text; figures in it carry their path and value."""
        line = [parts] if isinstance(parts, str | Fig) else list(parts)
        place = "" if anchor == "start" else f' text-anchor="{anchor}"'
        body = "".join(_span(p) if isinstance(p, Fig) else str(escape(p)) for p in line)
        self._out.append(f'<text x="{num(x)}" y="{num(y)}" class="{class_}"{place}>{body}</text>')

    def lines(
        self,
        x: float,
        y: float,
        parts: Parts,
        width: float,
        class_: str = "lbl",
        *,
        size: float = FONT,
        lead: float = 1.3,
    ) -> float:
        """Text broken into lines of at most ``width``; returns the place under the last one."""
        for row in wrap(parts, width, size):
            self.text(x, y, row, class_)
            y += size * lead
        return y

    def render(self, *, standalone: bool = False) -> Markup:
        """The picture as markup. ``standalone`` adds what a file of its own needs."""
        space = ' xmlns="http://www.w3.org/2000/svg"' if standalone else ""
        style = f"<style>{picture_css()}</style>" if standalone else ""
        defs = ""
        if self._hatched:
            defs = (
                f'<defs><pattern id="{self.ident}-hatch" width="6" height="6" patternUnits="userSpaceOnUse" '
                'patternTransform="rotate(45)"><line x1="0" y1="0" x2="0" y2="6" class="hatch"/></pattern></defs>'
            )
        return Markup(
            f'<svg{space} class="pic" viewBox="0 0 {num(self.width)} {num(self.height)}" width="{num(self.width)}" '
            f'height="{num(self.height)}" role="img" aria-label="{escape(self.alt)}">{style}{defs}{"".join(self._out)}</svg>'
        )


def grounded(picture: Svg | str) -> str:
    """A picture as a file of its own for a page of any colour: with a margin and a ground, one element a line."""
    text = str(picture.render(standalone=True)) if isinstance(picture, Svg) else picture
    width, height = (float(v) for v in re.findall(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', text)[0])
    x, wide, high = -MARGIN, width + 2 * MARGIN, height + 2 * MARGIN
    frame = f'viewBox="{x:g} {x:g} {wide:g} {high:g}" width="{wide:g}" height="{high:g}"'
    text = re.sub(r'viewBox="[^"]*" width="[^"]*" height="[^"]*"', frame, text, count=1)
    ground = f'<rect x="{x:g}" y="{x:g}" width="{wide:g}" height="{high:g}" rx="6" class="ground"/>'
    text = text.replace("</style>", ".pic .ground{fill:var(--ground)}</style>" + ground, 1)
    return text.replace("><", ">\n<") + "\n"


def wrap(parts: Parts, width: float, size: float = FONT) -> list[list[str | Fig]]:
    """Parts in lines of at most ``width`` pixels (about); a word or figure is never broken."""
    tokens: list[str | Fig] = []
    for part in parts:
        if isinstance(part, Fig):
            tokens.append(part)
            continue
        pieces = part.split(" ")
        for number, piece in enumerate(pieces):
            if number:
                tokens.append(" ")
            if piece:
                tokens.append(piece)
    rows: list[list[str | Fig]] = [[]]
    room = width
    word: list[str | Fig] = []

    def flush() -> None:
        nonlocal room
        need = text_width("".join(str(t) for t in word), size)
        if rows[-1] and need + text_width(" ", size) > room:
            rows.append([])
            room = width
        elif rows[-1] and word:
            rows[-1].append(" ")
            room -= text_width(" ", size)
        rows[-1].extend(word)
        room -= need
        word.clear()

    for token in [*tokens, " "]:
        if token == " ":
            if word:
                flush()
        else:
            word.append(token)
    return rows


def _span(fig: Fig) -> str:
    if fig.value is None or fig.value == "":
        return str(fig)
    if fig.kind not in NUMERIC:
        return f'<tspan class="txt" data-path="{escape(fig.path)}">{escape(fig.text)}</tspan>'
    return (
        f'<tspan class="fig" data-path="{escape(fig.path)}" data-kind="{fig.kind}" '
        f'data-value="{escape(exact(fig.value))}">{escape(fig.text)}</tspan>'
    )


def _attributes(attributes: dict[str, str | float | None]) -> str:
    out = []
    for name, value in attributes.items():
        if value is None:
            continue
        text = value if isinstance(value, str) else num(value)
        out.append(f' {name.rstrip("_").replace("_", "-")}="{escape(text)}"')
    return "".join(out)

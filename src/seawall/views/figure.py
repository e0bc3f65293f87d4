"""A figure: a picture with a title that says what is seen, a caption, its table. Drawn once wide and once for a phone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from markupsafe import Markup, escape

from seawall.views.document import Parts, html, words
from seawall.views.svg import Svg
from seawall.views.tables import Table

WIDE, NARROW = 720.0, 336.0
Draw = Callable[[str, float], Svg]


@dataclass(frozen=True, slots=True)
class Figure:
    """A picture and what belongs to it.

    Attributes:
        id: unique in a report; the name of its file.
        title: what is seen, as a sentence; figures in it carry their path.
        caption: how to read it, in plain words.
        draw: (ident, width in pixels) -> picture.
        table: the numbers behind it; None: they are in a table elsewhere.
    """

    id: str
    title: Parts
    caption: Parts
    draw: Draw
    table: Table | None = None

    def svg(self, width: float = WIDE) -> Markup:
        """The picture as a file of its own."""
        return self.draw(self.id, width).render(standalone=True)

    def html(self) -> Markup:
        """Both widths (the page shows one), title and caption. The picture's text is in its label."""
        wide = self.draw(f"{self.id}-w", WIDE).render()
        narrow = self.draw(f"{self.id}-n", NARROW).render()
        return Markup(
            f'<figure id="f-{escape(self.id)}"><h3>{html(self.title)}</h3>'
            f'<div class="wide">{wide}</div><div class="narrow">{narrow}</div>'
            f"<figcaption>{html(self.caption)}</figcaption></figure>"
        )

    def small(self) -> Markup:
        """One of several beside each other: drawn narrow on every screen."""
        picture = self.draw(f"{self.id}-s", NARROW).render()
        return Markup(f'<figure id="f-{escape(self.id)}"><h3>{html(self.title)}</h3>{picture}</figure>')

    @property
    def alt(self) -> str:
        """The text instead of the picture."""
        return f"{words(self.title)}. {words(self.caption)}"

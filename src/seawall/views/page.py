"""What a report is made of: sections of blocks, each of which can write itself as page markup."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

from seawall.views.document import Fig, Parts, html
from seawall.views.figure import Figure
from seawall.views.tables import Table


@dataclass(frozen=True, slots=True)
class Prose:
    """A paragraph. ``quiet``: smaller, for remarks."""

    parts: Parts
    quiet: bool = False

    def html(self) -> Markup:
        """As page markup."""
        return Markup('<p class="quiet">' if self.quiet else "<p>") + html(self.parts) + Markup("</p>")


@dataclass(frozen=True, slots=True)
class Points:
    """A list; ``ordered`` when the order matters."""

    items: Sequence[Parts]
    ordered: bool = False

    def html(self) -> Markup:
        """As page markup."""
        tag = "ol" if self.ordered else "ul"
        rows = Markup("").join(Markup("<li>") + html(i) + Markup("</li>") for i in self.items)
        return Markup(f"<{tag}>") + rows + Markup(f"</{tag}>")


@dataclass(frozen=True, slots=True)
class Facts:
    """Names and what they are."""

    rows: Sequence[tuple[str, Parts]]

    def html(self) -> Markup:
        """As page markup."""
        rows = Markup("").join(
            Markup("<div><dt>") + escape(n) + Markup("</dt><dd>") + html(p) + Markup("</dd></div>")
            for n, p in self.rows
        )
        return Markup('<dl class="facts">') + rows + Markup("</dl>")


@dataclass(frozen=True, slots=True)
class Commands:
    """Lines to type."""

    lines: Sequence[str]

    def html(self) -> Markup:
        """As page markup."""
        return (
            Markup('<pre tabindex="0"><code data-kind="code">')
            + escape("\n".join(self.lines))
            + Markup("</code></pre>")
        )


@dataclass(frozen=True, slots=True)
class Key:
    """A key figure: large, with its unit and one line that says what it is."""

    name: str
    fig: Fig
    unit: str
    says: Parts

    def html(self) -> Markup:
        """As page markup."""
        unit = Markup(' <span class="unit">') + escape(self.unit) + Markup("</span>") if self.unit else Markup("")
        return (
            Markup('<div class="key"><dt>')
            + escape(self.name)
            + Markup('</dt><dd class="big">')
            + html([self.fig])
            + unit
            + Markup('</dd><dd class="says">')
            + html(self.says)
            + Markup("</dd></div>")
        )


@dataclass(frozen=True, slots=True)
class Grid:
    """Figures beside each other, all drawn narrow: small multiples."""

    figures: Sequence[Figure]

    def html(self) -> Markup:
        """As page markup."""
        return Markup('<div class="small">') + Markup("").join(f.small() for f in self.figures) + Markup("</div>")


Block = Prose | Points | Facts | Commands | Figure | Table | Grid


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a report with a heading."""

    id: str
    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True, slots=True)
class View:
    """A whole report before it is a page.

    Attributes:
        document: the JSON document every figure refers into.
        title: of the page.
        subtitle: what was run.
        banner: must be seen first ("GENERATED BOOK ..."); empty: none.
        headline: the answer in one sentence.
        keys: five to seven key figures.
        sections: in order.
        version: of the software that ran it.
        spare: tables for the files only: too long to read on a page.
    """

    document: dict[str, Any]
    title: str
    subtitle: Parts
    banner: Parts
    headline: Parts
    keys: Sequence[Key]
    sections: Sequence[Section]
    version: str
    spare: Sequence[Table] = ()

    def tables(self) -> Iterator[Table]:
        """Every table, in order, also those that only stand behind a figure."""
        for block in self._blocks():
            if isinstance(block, Table):
                yield block
            elif isinstance(block, Figure) and block.table is not None:
                yield block.table
        yield from self.spare

    def figures(self) -> Iterator[Figure]:
        """Every figure, in order."""
        for block in self._blocks():
            if isinstance(block, Figure):
                yield block
            elif isinstance(block, Grid):
                yield from block.figures

    def _blocks(self) -> Iterator[Block]:
        for section in self.sections:
            yield from section.blocks

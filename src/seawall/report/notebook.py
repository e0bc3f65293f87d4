"""What a notebook shows of a run: banner, headline, key figures, the timeline and the waterfall; the same as the report."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from markupsafe import Markup

from seawall.replay import Comparison, Run
from seawall.replay.present import PRESENTERS, REPORTERS
from seawall.report.write import report_view, resource, write_report
from seawall.views import Table, View
from seawall.views.document import html
from seawall.views.svg import picture_css

SHOWN = ("timeline", "waterfall", "over-time-fund")


def run_html(run: Run) -> str:
    """A run as the rich text of a notebook cell."""
    return cell(report_view(run.record()))


def cell(view: View, tables: Sequence[Table] = ()) -> str:
    """A view as one block of markup with its own style; nothing is loaded and nothing runs."""
    figures = [f.html() for f in view.figures() if f.id in SHOWN]
    banner = Markup('<p class="banner">') + html(view.banner) + Markup("</p>") if view.banner else Markup("")
    keys = Markup("").join(key.html() for key in view.keys)
    style = picture_css() + _inside(resource("page.css"))
    return str(
        Markup(f'<div class="seawall"><style>{style}</style>')
        + banner
        + Markup('<p class="sub">')
        + html(view.subtitle)
        + Markup("</p><h2>")
        + html(view.headline)
        + Markup('</h2><dl class="keys">')
        + keys
        + Markup("</dl>")
        + Markup("").join(t.html() for t in tables)
        + Markup("").join(figures)
        + Markup("</div>")
    )


def _inside(css: str) -> str:
    """The page's style for one block, so that a notebook's own page keeps its looks: every selector is put under it."""

    def under(found: re.Match[str]) -> str:
        if found[0].startswith("@"):
            return found[0]
        parts = [p.strip() for p in found[1].split(",")]
        return ",".join(".seawall" if p in (":root", "html", "body") else f".seawall {p}" for p in parts) + "{"

    return re.sub(r"@[^{]*\{|([^{}@;]+)\{", under, re.sub(r"@page\{[^}]*\}", "", css))


def _write_run(run: Run, path: Path) -> Path:
    return write_report(run.record(), path)


def comparison_html(comparison: Comparison) -> str:
    """A comparison as the rich text of a notebook cell: the measures side by side, the funds over time."""
    view = report_view(comparison)
    return cell(view, [t for t in view.tables() if t.id == "measures"])


PRESENTERS[Run] = run_html
PRESENTERS[Comparison] = comparison_html
REPORTERS[Run] = _write_run
REPORTERS[Comparison] = write_report

"""How much the answer hangs on the draw of the generated book: many seeds, more and less leverage."""

from __future__ import annotations

from seawall.views.document import Document
from seawall.views.material import Material
from seawall.views.page import Commands, Prose, Section

TITLE = "How much hangs on the generated book"


def sensitivity_section(material: Material, doc: Document) -> Section:
    """Read from what lies beside the run; says how to get it where it is missing."""
    if material.summary["book"]["kind"] != "generated":
        return Section(
            "sensitivity", TITLE, [Prose(["The book is the venue’s own, not generated: there is no draw to vary."])]
        )
    return Section(
        "sensitivity",
        TITLE,
        [Prose(["Not run for this report. The demo runs it:"]), Commands(["seawall demo"])],
    )

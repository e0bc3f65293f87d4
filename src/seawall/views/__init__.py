"""What a person sees of a run: one set of pictures, tables and words, used by reports, notebooks and pages."""

from seawall.views.document import Document, Fig
from seawall.views.figure import Figure
from seawall.views.page import Section, View
from seawall.views.run import full_document, run_view
from seawall.views.tables import Column, Table

__all__ = ["Column", "Document", "Fig", "Figure", "Section", "Table", "View", "full_document", "run_view"]

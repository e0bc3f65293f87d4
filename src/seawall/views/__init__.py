"""What a person sees of a run or a decision: one set of pictures, tables and words, used by reports, notebooks and pages."""

from seawall.views.comparison import comparison_view
from seawall.views.decision import explain
from seawall.views.decision_values import Decision, Explanation
from seawall.views.document import Document, Fig
from seawall.views.figure import Figure
from seawall.views.page import Section, View
from seawall.views.run import full_document, run_view
from seawall.views.tables import Column, Table

__all__ = [
    "Column",
    "Decision",
    "Document",
    "Explanation",
    "Fig",
    "Figure",
    "Section",
    "Table",
    "View",
    "comparison_view",
    "explain",
    "full_document",
    "run_view",
]

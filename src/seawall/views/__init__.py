"""What a person sees of a run, a fund or a decision: one set of pictures, tables and words for every place that shows them."""

from seawall.views.decision import explain
from seawall.views.decision_values import Decision, Explanation

__all__ = ["Decision", "Explanation", "explain"]

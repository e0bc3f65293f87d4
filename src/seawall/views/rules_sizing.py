"""The size of a default fund by stress, and contributions by weights, in plain words."""

from __future__ import annotations

from seawall.members import MembersRule, SizeRule
from seawall.views.document import Document, Part, Parts

MEASURED = {
    "risk": "initial requirements",
    "open_interest": "gross notional",
    "stress": "the worst stress loss over margin",
}


def sized_in_words(rule: SizeRule, doc: Document) -> Parts:
    """What a fund sized by stress must hold."""
    groups: Parts = ["the largest member"]
    if rule.cover > 1:
        groups = ["the ", doc.fig("rules.members.size.cover", "count"), " largest members"]
    alone = "" if rule.cover == 1 else " together"
    out: list[Part] = ["what ", *groups, f"{alone} would owe beyond margin in the worst stress"]
    for number in range(len(rule.stresses)):
        out += ["; " if number else " (", doc.fig(f"rules.members.size.stresses.{number}.name", "text")]
    out.append(")")
    if rule.buffer:
        out += [" and ", doc.fig("rules.members.size.buffer", "part"), " more"]
    if rule.emir_minimum:
        out.append(", at least what the largest, or the second and third together, would owe")
    if rule.least:
        out += [", never less than ", doc.fig("rules.members.size.least", "millionths")]
    return out


def weights_in_words(rule: MembersRule, doc: Document) -> Parts:
    """How weighted contributions come about."""
    out: list[Part] = []
    if rule.fixed_each:
        out += [" (", doc.fig("rules.members.fixed_each", "millionths"), " each, the rest by "]
    else:
        out.append(" (by ")
    for number, measure in enumerate(rule.weights or {}):
        out += [", " if number else "", doc.fig(f"rules.members.weights.{measure}", "part"), f" {MEASURED[measure]}"]
    return [*out, ")"]

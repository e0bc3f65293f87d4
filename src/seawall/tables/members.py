"""Affiliates in the members part of a policy file, and what makes no sense in a default fund's life."""

from __future__ import annotations

from seawall.engine import Policy
from seawall.members import Fails
from seawall.tables.keys import Table
from seawall.waterfall import LayerKind


def read_groups(t: Table) -> tuple[tuple[str, ...], ...]:
    """Groups of affiliates: lists of members' names. Whether they are members is seen when a book is opened.

    Raises:
        PolicyError: not lists of names, a group of one, a name twice.
    """
    valid = 'lists of members\' names such as [["member 01", "member 02"]]'
    rows = t.data.get("groups", []) if t.has("groups") else []
    if not isinstance(rows, list):
        t.fail("groups", "bad value", valid)
    seen: set[str] = set()
    for row in rows:
        if not isinstance(row, list) or not all(isinstance(name, str) and name for name in row):
            t.fail("groups", "bad value", valid)
        for name in row:
            if name in seen:
                t.fail("groups", f"{name!r} is named twice", "every member once, in one group")
            seen.add(name)
        if len(row) < 2:
            t.fail("groups", "a group of one: a member alone needs none", "two names or more in every group")
    return tuple(tuple(row) for row in rows)


def check_life(policy: Policy, top: Table) -> None:
    """Clocks and defaults of members that can have an effect.

    Raises:
        PolicyError: the first thing found.
    """
    rule = policy.members
    if rule is None:
        return
    t, kinds = top.must("members"), {layer.kind for layer in policy.layers}
    if rule.reinstated_inside_window and rule.reinstated_after_ns is None:
        t.fail(
            "reinstated_inside_window", "nothing is put back: reinstated_after_s is missing", "reinstated_after_s = 0"
        )
    if rule.reinstated_inside_window and not rule.call_per_window:
        t.fail(
            "reinstated_inside_window",
            "the window's cap has no room: nothing is put back in it",
            'call_per_window = "1"',
        )
    if rule.reinstated_after_ns is not None and not kinds & {LayerKind.MEMBERS, LayerKind.OWN_CONTRIBUTION}:
        t.fail("reinstated_after_s", "no layer uses what members paid in", 'a layer of kind "members"')
    if rule.fails is Fails.USED_UP and LayerKind.OWN_CONTRIBUTION not in kinds:
        t.fail("fails", "no layer uses a defaulter's own contribution first", 'a layer of kind "own_contribution"')

"""What differs between two policies, key by key, in the words of the file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from seawall.engine import Policy
from seawall.tables.policy_file import policy_to_mapping
from seawall.tables.vocabulary import MEANS

HEADER = ("name", "represents", "source", "cannot_represent", "known_weaknesses")
NUMBERED = ("layers", "house", "halts")


class Difference(NamedTuple):
    """One key that differs. ``a`` and ``b`` are as text; None where the policy does not say it (its default holds).

    ``group`` is the table, for a layer "layers[i]" with its number in the order of use, from 0; ``means`` is the key in
    words.
    """

    group: str
    key: str
    means: str
    a: str | None
    b: str | None


def policy_diff(a: Policy, b: Policy) -> list[Difference]:
    """Keys that differ, grouped by table in the order of a file; the header texts are left out but for the name.

    Layers are compared in the order of use, first with first: that order is the rule.
    """
    one, other = (dict(_flat(policy_to_mapping(p))) for p in (a, b))
    order = list(dict.fromkeys([*one, *other]))
    groups = list(dict.fromkeys(sorted((group for group, _ in order), key=_place)))
    found = []
    for group in groups:
        for key in (k for g, k in order if g == group):
            left, right = one.get((group, key)), other.get((group, key))
            if left != right:
                found.append(Difference(group, key, _means(group, key), left, right))
    return found


TABLES = (
    "",
    "margin",
    "oracle",
    "marks",
    "liquidation",
    "backstop",
    "layers",
    "deleverage",
    "profit_cap",
    "tiers",
    "members",
)


def _place(group: str) -> tuple[int, str]:
    table = group.split("[")[0]
    return (TABLES.index(table) if table in TABLES else len(TABLES), group)


def _flat(mapping: dict[str, Any]) -> Iterator[tuple[tuple[str, str], str]]:
    """((group, key), text) of everything a policy says."""
    for name, value in mapping.items():
        if name in HEADER:
            if name == "name":
                yield ("", name), str(value)
        elif name in NUMBERED:
            for number, row in enumerate(value):
                for key, text in _leaves(row):
                    yield (f"{name}[{number}]", key), text
        else:
            for key, text in _leaves(value):
                yield (name, key), text


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        for number, inner in enumerate(value):
            yield from _leaves(inner, f"{path}[{number}]")
    elif isinstance(value, list):
        yield path, ", ".join(" + ".join(v) if isinstance(v, list) else str(v) for v in value)
    else:
        yield path, str(value).lower() if isinstance(value, bool) else str(value)


def _means(group: str, key: str) -> str:
    """The key in words, from the vocabulary."""
    table = group.split("[")[0]
    plain = ".".join(part.split("[")[0] for part in key.split("."))
    path = f"{table}.{plain}" if table else plain
    if path in MEANS:
        return MEANS[path]
    if table == "tiers":
        return MEANS["tiers.<tier>"]
    return MEANS[path.rpartition(".")[0]]

"""The order of use of a policy's layers."""

from __future__ import annotations

from collections.abc import Sequence

from seawall.errors import PolicyError
from seawall.waterfall.rules import LayerRule


def order_layers(rules: Sequence[LayerRule]) -> tuple[LayerRule, ...]:
    """The layers in the order of use: from the first in the file, along ``then``, else to the next in the file.

    Raises:
        PolicyError: a name used twice, ``then`` naming no layer, a cycle, or a layer that is never reached.
    """
    names = [rule.name for rule in rules]
    for i, name in enumerate(names):
        if name in names[:i]:
            raise PolicyError("layer named twice", field=f"layers[{i}].name", value=name, expected="a name of its own")
    ordered: list[LayerRule] = []
    at = 0 if rules else None
    while at is not None:
        rule = rules[at]
        if rule in ordered:
            chain = " -> ".join([r.name for r in ordered] + [rule.name])
            raise PolicyError(
                "layers form a cycle", field=f"layers[{at}].then", value=chain, expected="a chain that ends"
            )
        ordered.append(rule)
        if rule.then is None:
            at = at + 1 if at + 1 < len(rules) else None
        elif rule.then == "residual":
            at = None
        elif rule.then in names:
            at = names.index(rule.then)
        else:
            raise PolicyError(
                "no such layer",
                field=f"layers[{at}].then",
                value=rule.then,
                expected="residual or one of " + ", ".join(names),
            )
    for i, rule in enumerate(rules):
        if rule not in ordered:
            raise PolicyError(
                "layer is never reached", field=f"layers[{i}]", value=rule.name, expected="a layer whose then names it"
            )
    return tuple(ordered)

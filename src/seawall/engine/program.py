"""The language that rules which move money are written in: straight-line programs that anyone can evaluate.

A program is a list of steps ``(name, primitive, operands...)``. Each step computes one whole number (``split``: a
list) from inputs, earlier names or literals. Eight primitives:

* ``min``, ``max``, ``add``, ``sub``: of two numbers; ``compare``: 1 if a < b, else 0; ``sum``: of all operands;
* ``muldiv a b c [rounding]``: a x b / c, exact product, rounded once as named (floor when it is not named);
* ``split total weights [whole]``: shares of ``total`` pro rata to ``weights`` by largest remainder, equal remainders
  to the earlier one; a negative total is split by its size and negated. ``whole`` is what the weights are parts of
  when those that receive nothing are left out; else it is their sum.

``name*`` as an operand of ``sum`` stands for every result of that name in the items of the event before, taken once.
``posts`` says which result is which amount: the event's own field, a ledger transfer, or both. A list of results is a
field of (name, amount) pairs; its transfers name each as ``{payer}``.
"""

from __future__ import annotations

from typing import Any, NamedTuple

Program = tuple[tuple[Any, ...], ...]


class Post(NamedTuple):
    """Result ``result`` is the event's ``field``, and a transfer ``source`` -> ``target`` (a negative one: back).

    Account names are templates over the event's fields and the item's inputs; "" where no money moves. ``of`` names
    the field or input that names the asset; ``minor``: the amount is in ledger minor units, not book units.
    """

    result: str
    field: str = ""
    source: str = ""
    target: str = ""
    code: str = "{code}"
    of: str = "asset"
    minor: bool = False


class Rule(NamedTuple):
    """``says`` in words what the program does; ``holds`` names results that must be 1 for the event to happen."""

    says: str
    program: Program
    posts: tuple[Post, ...] = ()
    holds: tuple[str, ...] = ()


WORDS = {"ceil": "up", "floor": "down"}


def suffix_of(rounding: str) -> str:
    """What the rule of a rounding is called: the default, up, is not named."""
    return "" if rounding == "ceil" else f"_{rounding}"


OWN, OTHER = "{account}", "{counterparty}"
CLEARING = "clearing:{market}"
MOST = 1 << 62  # scores are capped here

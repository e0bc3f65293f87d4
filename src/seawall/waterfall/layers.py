"""Allocating a loss over layers: plain values in, plain values out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Generic, NamedTuple, TypeVar

N = TypeVar("N", int, Fraction)


@dataclass(frozen=True, slots=True)
class LayerState(Generic[N]):
    """What one layer can do right now, in one unit of account.

    ``limit`` bounds this draw further; ``partial`` False means all that is left or nothing; ``causes`` None means
    every cause.
    """

    name: str
    available: N
    limit: N | None = None
    partial: bool = True
    causes: frozenset[str] | None = None


class Draw(NamedTuple, Generic[N]):
    """What a layer paid (0 when it was reached and did not), and what bound it."""

    name: str
    amount: N
    available: N
    limit: N | None
    skipped: str | None = None


class Allocation(NamedTuple, Generic[N]):
    """Draws in the order of use; ``residual`` is what nobody paid. Their sum is the loss, exactly."""

    draws: tuple[Draw[N], ...]
    residual: N


def allocate(loss: N, layers: Iterable[LayerState[N]], cause: str | None = None) -> Allocation[N]:
    """Spread ``loss`` over the layers in order.

    Each layer pays ``min(what is left, available, limit)``. A layer that pays all or nothing and cannot pay all pays
    nothing; a layer that does not cover ``cause`` is passed over; both say so in ``skipped``.

    Raises:
        ValueError: negative loss, balance or limit, or a layer named twice.
    """
    if loss < 0:
        raise ValueError(f"negative loss {loss}")
    left = loss
    draws: list[Draw[N]] = []
    seen: set[str] = set()
    for layer in layers:
        if layer.name in seen:
            raise ValueError(f"layer {layer.name!r} is named twice")
        seen.add(layer.name)
        if layer.available < 0 or (layer.limit is not None and layer.limit < 0):
            raise ValueError(f"layer {layer.name!r} has a negative balance or limit")
        most = layer.available if layer.limit is None else min(layer.available, layer.limit)
        skipped = None
        amount = min(left, most)
        if cause is not None and layer.causes is not None and cause not in layer.causes:
            amount, skipped = left - left, f"does not cover {cause}"
        elif not layer.partial and most < left:
            amount, skipped = left - left, "pays all or nothing and cannot pay all"
        draws.append(Draw(layer.name, amount, layer.available, layer.limit, skipped))
        left -= amount
    return Allocation(tuple(draws), left)

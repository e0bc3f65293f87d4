"""Tiers: layers that stand side by side, members made junior by how they bid, and slices through several defaults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Generic, NamedTuple, TypeVar

from seawall.errors import InputError
from seawall.waterfall.layers import Draw, LayerState, allocate
from seawall.waterfall.parts import parts

N = TypeVar("N", int, Fraction)


class TierAllocation(NamedTuple, Generic[N]):
    """What each payer gave, by name in listed order, and what nobody paid."""

    used: dict[str, N]
    residual: N


def allocate_tiers(loss: N, tiers: Sequence[Sequence[tuple[str, N]]]) -> TierAllocation[N]:
    """A tier pays ``min(what is left, its sum)``, inside it pro rata to amount; then the next tier.

    Those in one tier are pari passu: none pays before the others. Integers round by largest remainder.

    Raises:
        InputError: negative loss or amount, or a payer named twice.
    """
    if loss < 0:
        raise InputError("negative loss", field="loss", value=loss)
    used: dict[str, N] = {}
    left = loss
    for tier in tiers:
        amounts = [amount for _, amount in tier]
        for name, amount in tier:
            if amount < 0 or name in used:
                raise InputError("negative amount, or a payer named twice", field=name, value=amount)
            used[name] = loss - loss
        pays = min(left, sum(amounts, loss - loss))
        for (name, _), part in zip(tier, parts(pays, amounts), strict=True):
            used[name] = part
        left -= pays
    return TierAllocation(used, left)


def bidding_tiers(contributions: Mapping[str, N], bids: Mapping[str, N], *, tolerance: N) -> list[list[tuple[str, N]]]:
    """Contributions in the order in which they are used after an auction: no bid, poor bid, competitive.

    The winning bid is the highest (the least negative price for a losing portfolio); a bid at most ``tolerance``
    below it is competitive. Members keep their listed order; empty tiers are left out.

    Source: auction juniorisation as described by Zeliade and BIS working paper 938 (clearing-house references).

    Raises:
        InputError: a bid of someone who contributed nothing to this fund, or a negative tolerance.
    """
    for name in bids:
        if name not in contributions:
            raise InputError("bid of a member without contribution", field=name)
    if tolerance < 0:
        raise InputError("negative tolerance", field="tolerance", value=tolerance)
    best = max(bids.values(), default=None)
    groups: list[list[tuple[str, N]]] = [[], [], []]
    for name, amount in contributions.items():
        if name not in bids or best is None:
            place = 0
        else:
            place = 2 if best - bids[name] <= tolerance else 1
        groups[place].append((name, amount))
    return [group for group in groups if group]


@dataclass(frozen=True, slots=True)
class Slice(Generic[N]):
    """A layer through several defaults; ``reinstated``: lifted back to ``amount`` before each later default."""

    name: str
    amount: N
    reinstated: bool = False


class DefaultLoss(NamedTuple, Generic[N]):
    """One default: the loss, and the defaulter's own resources, which pay first and serve nobody else."""

    loss: N
    own_resources: N


class SuccessiveAllocation(NamedTuple, Generic[N]):
    """Per default: the draws of the slices and what nobody paid; then what each slice has left."""

    defaults: list[tuple[tuple[Draw[N], ...], N]]
    left: dict[str, N]


def successive_defaults(slices: Sequence[Slice[N]], defaults: Sequence[DefaultLoss[N]]) -> SuccessiveAllocation[N]:
    """Defaults in turn over the same slices, in listed order, each with what the earlier ones left.

    Source: RTS 153/2013 article 36: a later default uses only the own resources that are left until reinstated.
    """
    left = {s.name: s.amount for s in slices}
    found: list[tuple[tuple[Draw[N], ...], N]] = []
    for turn, default in enumerate(defaults):
        if turn:
            left |= {s.name: s.amount for s in slices if s.reinstated}
        loss = max(default.loss - default.loss, default.loss - default.own_resources)
        made = allocate(loss, [LayerState(s.name, left[s.name]) for s in slices])
        for draw in made.draws:
            left[draw.name] -= draw.amount
        found.append((made.draws, made.residual))
    return SuccessiveAllocation(found, left)

"""Gains haircut: unrealised gains are cut pro rata to pay what no layer could."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from seawall.money import Rounding, muldiv, split
from seawall.waterfall.waterfilling import open_shares


class Haircut(NamedTuple):
    """``cuts`` in the order of the gains; ``collected`` is their exact sum; ``residual`` what stays unpaid."""

    cuts: tuple[int, ...]
    collected: int
    residual: int


def haircut_gains(loss: int, gains: Sequence[int], *, cap: Fraction = Fraction(1)) -> Haircut:
    """Cut positive gains by one rate, so that the cuts sum to ``min(loss, floor(cap x sum of gains))`` to the unit.

    Gains that are not positive are not touched. Shares by largest remainder, ties to the earlier index; no cut
    exceeds its gain.

    Source: variation-margin gains haircutting of clearing-house recovery plans.
    """
    if loss < 0:
        raise ValueError(f"negative loss {loss}")
    weights = [max(0, g) for g in gains]
    most = muldiv(sum(weights), cap.numerator, cap.denominator, Rounding.FLOOR)
    amount = min(loss, most)
    cuts = split(amount, weights) if amount else [0] * len(weights)
    return Haircut(tuple(cuts), amount, loss - amount)


class CappedHaircut(NamedTuple):
    """``cuts`` in the order of the gains; ``at_cap`` by holder: pays all its room, which is less than its gains.

    What bounds the haircut: ``rooms`` of those who would be at their cap at the largest rate, and the ``others``' gains,
    of which that rate is taken. ``collected`` and ``residual`` as in ``Haircut``.
    """

    cuts: tuple[int, ...]
    at_cap: tuple[bool, ...]
    rooms: int
    others: int
    collected: int
    residual: int


def haircut_gains_capped(
    loss: int, gains: Sequence[int], holders: Sequence[int], rooms: Sequence[int], *, cap: Fraction = Fraction(1)
) -> CappedHaircut:
    """``haircut_gains`` where no holder of gains loses more than its room; what a room refuses is offered to the others.

    Offering it again and again ends at one level: a holder pays ``min(room, level x gains)`` with the level at most
    ``cap``. The level is found exactly. Those at their cap pay their room; the rest is split over all other gains by
    largest remainder, ties to the earlier index. A holder whose shares are rounded beyond its room counts as at its cap.

    Args:
        loss: what is left to pay.
        gains: by account; those that are not positive are not touched.
        holders: by account: index of its holder in ``rooms``; a holder's accounts share its room.
        rooms: what each holder may still lose, zero or more.
        cap: the largest rate.

    Source: capped variation-margin gains haircut of clearing-house rule books (LCH-type cap); ``gains.LifetimeCaps`` is
    the same for one account a holder and without a largest rate.

    Raises:
        ValueError: a negative loss. InputError: a negative room.
    """
    if loss < 0:
        raise ValueError(f"negative loss {loss}")
    weights = [max(0, g) for g in gains]
    whole = _by_holder(weights, holders, len(rooms))
    low = [room * cap.denominator < cap.numerator * w for room, w in zip(rooms, whole, strict=True)]
    within = sum(room for room, small in zip(rooms, low, strict=True) if small)
    others = sum(w for w, small in zip(whole, low, strict=True) if not small)
    amount = min(loss, within + muldiv(others, cap.numerator, cap.denominator, Rounding.FLOOR))
    between, left, weight = open_shares(amount, whole, [min(w, room) for w, room in zip(whole, rooms, strict=True)])
    at_cap = [  # whose share at the level is all its room, exactly that included
        room < w and (not inside or room * weight == left * w)
        for inside, room, w in zip(between, rooms, whole, strict=True)
    ]
    while True:  # at most once for each holder; nearly always once
        rest = amount - sum(room for room, full in zip(rooms, at_cap, strict=True) if full)
        free = [0 if at_cap[h] else w for w, h in zip(weights, holders, strict=True)]
        shares = split(rest, free) if rest else [0] * len(free)
        paid = _by_holder(shares, holders, len(rooms))
        over = [h for h, room in enumerate(rooms) if not at_cap[h] and paid[h] > room]
        if not over:
            break
        for h in over:
            at_cap[h] = True
    for holder, parts in _accounts_of(weights, holders, at_cap).items():
        room = rooms[holder]
        mine = split(room, [w for _, w in parts]) if room else [0] * len(parts)
        for (at, _), part in zip(parts, mine, strict=True):
            shares[at] = part
    return CappedHaircut(tuple(shares), tuple(at_cap), within, others, amount, loss - amount)


def _by_holder(amounts: Sequence[int], holders: Sequence[int], count: int) -> list[int]:
    """Sums of amounts by holder."""
    found = [0] * count
    for amount, holder in zip(amounts, holders, strict=True):
        found[holder] += amount
    return found


def _accounts_of(
    weights: Sequence[int], holders: Sequence[int], wanted: Sequence[bool]
) -> dict[int, list[tuple[int, int]]]:
    """(index, weight) of the accounts with a weight, by holder, for the holders that are wanted."""
    found: dict[int, list[tuple[int, int]]] = {}
    for at, (weight, holder) in enumerate(zip(weights, holders, strict=True)):
        if wanted[holder] and weight:
            found.setdefault(holder, []).append((at, weight))
    return found

"""Splits of an integer amount that sum to the amount, to the unit."""

from __future__ import annotations

from collections.abc import Sequence


def split(total: int, weights: Sequence[int]) -> list[int]:
    """Share ``total`` pro rata to ``weights`` by largest remainder.

    Each share is first ``floor(total * w / sum(w))``; the units left over go one each to the largest
    remainders; equal remainders go to the earlier index. A zero weight never receives a unit.

    Args:
        total: amount to share, ``>= 0``.
        weights: one non-negative integer each; all zero is allowed only for a total of 0.

    Source: largest remainder (Hamilton) method; tie-break by position.

    Raises:
        ValueError: negative total or weight, or nothing to share over.
    """
    if total < 0:
        raise ValueError(f"split of a negative total {total}")
    if any(w < 0 for w in weights):
        raise ValueError("split with a negative weight")
    whole = sum(weights)
    if whole == 0:
        if total == 0:
            return [0] * len(weights)
        raise ValueError(f"split of {total} over weights that sum to 0")
    shares: list[int] = []
    remainders: list[int] = []
    for weight in weights:
        quotient, remainder = divmod(total * weight, whole)
        shares.append(quotient)
        remainders.append(remainder)
    left = total - sum(shares)
    for i in sorted(range(len(weights)), key=lambda k: (-remainders[k], k))[:left]:
        shares[i] += 1
    return shares

"""Margin rules beyond the brackets: a buffer that may be drained, a weighted scan, an add-on for size. Exact fractions."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import isqrt
from typing import NamedTuple

from seawall.errors import InputError

Number = int | Fraction
ZERO = Fraction(0)
ROOT_SCALE = 10**30


def root(x: Fraction) -> Fraction:
    """Square root of ``x >= 0`` without floats: exact where it is rational, else up to the next 1e-30 of its denominator.

    Rounded up, because it scales what is required or cut. The same on every machine.
    """
    if x < 0:
        raise InputError("a square root of a negative number", value=x)
    # sqrt(n / d) = sqrt(n d) / d
    square = x.numerator * x.denominator
    exact = isqrt(square)
    if exact * exact == square:
        return Fraction(exact, x.denominator)
    return Fraction(isqrt(square * ROOT_SCALE**2) + 1, ROOT_SCALE * x.denominator)


class DrainableBuffer(NamedTuple):
    """Per day: margin required, and how much of the buffer is left in it."""

    required: tuple[Fraction, ...]
    buffer_left: tuple[Fraction, ...]


def drainable_buffer(buffer: Fraction, calculated: Sequence[Number], drain_from: int | None = None) -> DrainableBuffer:
    """A buffer on top of calculated margin that is drained when margin rises, so that calls come slower.

    Before index ``drain_from`` (0-based, at least 1; None: never) the requirement is ``(1 + buffer) x calculated``; from
    it on ``max(calculated, (1 + buffer) x calculated on the day before drain_from)``: a fixed level.

    Source: Delegated Regulation (EU) 153/2013 art. 28(1)(a); the path rule is ours.

    Raises:
        InputError: ``drain_from`` below 1.
    """
    if drain_from is not None and drain_from < 1:
        raise InputError("draining needs a day before it", value=drain_from, expected="1 or more")
    days = [Fraction(x) for x in calculated]
    level = (1 + buffer) * days[drain_from - 1] if drain_from is not None and drain_from <= len(days) else ZERO
    required = tuple(
        (1 + buffer) * x if drain_from is None or day < drain_from else max(x, level) for day, x in enumerate(days)
    )
    return DrainableBuffer(required, tuple(r - x for r, x in zip(required, days, strict=True)))


class WeightedScan(NamedTuple):
    """The worst weighted loss, the minimum, and the larger of the two."""

    scan: Fraction
    minimum: Fraction
    requirement: Fraction


def weighted_scan(
    spot: Number, position: Number, rows: Sequence[tuple[Number, Number]], min_fraction: Number
) -> WeightedScan:
    """Requirement of a signed linear position from rows of (shock, weight), with a minimum on its notional.

    ``scan = max(0, largest of -position x spot x shock x weight)``; ``minimum = min_fraction x spot x |position|``. Wild
    shocks with small weights bite on short gamma only; stress of a fund uses weight 1.

    Source: portfolio-margin rules of option venues (24-row tables).
    """
    notional = Fraction(position) * Fraction(spot)
    losses = [-notional * Fraction(shock) * Fraction(weight) for shock, weight in rows]
    scan = max(ZERO, *losses) if losses else ZERO
    minimum = Fraction(min_fraction) * Fraction(spot) * abs(Fraction(position))
    return WeightedScan(scan, minimum, max(scan, minimum))


class ConcentrationAddon(NamedTuple):
    """Days to liquidate, the multiplier on margin, and the margin."""

    days_to_liquidate: Fraction
    multiplier: Fraction
    margin: Fraction


def concentration_addon(
    position: Number, adv: Number, participation: Number, base_days: Number, margin_base_days: Number
) -> ConcentrationAddon:
    """Margin of a position too large to leave in ``base_days``, scaled by the square root of time.

    ``days = |position| / (participation x average daily volume)``;
    ``multiplier = sqrt(max(days, base_days) / base_days)``.

    Source: CPMI-IOSCO Principles, principle 6; the participation model is ours.

    Raises:
        InputError: volume, participation or base days not positive.
    """
    if adv <= 0 or participation <= 0 or base_days <= 0:
        raise InputError("volume, participation and base days must be positive", value=(adv, participation, base_days))
    days = abs(Fraction(position)) / (Fraction(participation) * Fraction(adv))  # exact: Fraction
    multiplier = root(max(days, Fraction(base_days)) / Fraction(base_days))  # exact: Fraction
    return ConcentrationAddon(days, multiplier, multiplier * Fraction(margin_base_days))

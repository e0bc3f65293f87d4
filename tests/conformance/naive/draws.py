"""Numbers, maps and lists that sit on edges, from a seeded source. Every real has at most 15 digits, as a JSON file prints."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from random import Random
from typing import Any

Draw = Callable[[Random], dict[str, Any]]
STYLES = ("few", "whole", "decimal", "long", "huge", "small")
NAMES = ("B", "A", "C", "b", "Z", "a1", "a10", "a2", "é", "", "M 1", "0")


class Reals:
    """Non-negative reals of one style, so that a case has ties or has none, is large or is small."""

    def __init__(self, rng: Random, styles: tuple[str, ...] = STYLES) -> None:
        self.rng, self.style = rng, rng.choice(styles)

    def __call__(self, signed: bool = False) -> int | Fraction:
        rng = self.rng
        if rng.random() < 0.12:
            return 0
        x: int | Fraction
        if self.style == "few":
            x = rng.choice((1, 1, 2, 3, Fraction("0.5")))
        elif self.style == "whole":
            x = rng.randint(0, 1000)
        elif self.style == "decimal":
            x = decimal(rng.randint(0, 10**5), 2)
        elif self.style == "long":
            x = decimal(rng.randint(0, 10**14), rng.randint(6, 12))
        elif self.style == "huge":
            x = rng.randint(0, 10**15)
        else:
            x = decimal(rng.randint(1, 10**6), rng.randint(6, 11))
        return -x if signed and rng.random() < 0.4 else x


def decimal(units: int, places: int) -> Fraction:
    return Fraction(units, 10**places)


def part(rng: Random) -> int | Fraction:
    """A fraction of one, the ends included."""
    return rng.choice((0, 1, Fraction("0.5"), Fraction("0.25"), decimal(rng.randint(0, 10**4), 4), decimal(1, 3)))


def names(rng: Random, low: int, high: int) -> list[str]:
    return rng.sample(NAMES, rng.randint(low, min(high, len(NAMES))))


def whole(rng: Random, zero: bool = True) -> int:
    """A non-negative integer of any size: beyond 64 and 128 bit too."""
    kind = rng.random()
    if zero and kind < 0.1:
        return 0
    if kind < 0.3:
        return rng.randint(1, 20)
    if kind < 0.45:
        return 10 ** rng.randint(0, 20) + rng.randint(-1, 1) * (rng.random() < 0.5) or 1
    if kind < 0.55:
        return 2 ** rng.choice((31, 32, 53, 63, 64, 65, 127)) + rng.randint(-1, 1)
    return rng.randint(1, 10 ** rng.choice((3, 6, 9, 12, 15, 18, 30)))


def near(rng: Random, x: int) -> int:
    """The number itself, its neighbours, or something of its size."""
    return rng.choice((x, x, x - 1, x + 1, x + x // 7, x - x // 3, x // 2))

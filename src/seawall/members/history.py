"""A history of stress losses over margin: the averaged size, and what a clearing house discloses of Cover-1 and Cover-2."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

from seawall.errors import InputError
from seawall.members.roster import Roster
from seawall.members.sizing import AveragedSize, Number, averaged_stress_loss, cover_k

ZERO = Fraction(0)


class Day(NamedTuple):
    """One day: per member a stress loss over margin for each stress, negative for a gain."""

    date: str
    losses: Mapping[str, Sequence[Number]]


class CoverHistory(NamedTuple):
    """Cover-``k`` over days: its peak and when, its mean, and the days it was above what is prefunded, by how much."""

    k: int
    peak: Fraction
    peak_date: str
    mean: Fraction
    short: tuple[tuple[str, Fraction], ...]

    @property
    def most_short(self) -> Fraction:
        """The largest amount above the prefunded resources."""
        return max((amount for _, amount in self.short), default=ZERO)


def cover_history(
    days: Sequence[Day], stresses: Sequence[str], k: int, prefunded: Number | None, roster: Roster
) -> CoverHistory:
    """The worst stress of each day, over all the days given.

    Source: CPMI-IOSCO public quantitative disclosure 4.4.3 to 4.4.5 (k = 1) and 4.4.7 to 4.4.10 (k = 2), which ask for
    twelve months of days.

    Raises:
        InputError: no days, or see ``cover_k``.
    """
    if not days:
        raise InputError("a history without days")
    amounts = [(day.date, cover_k(day.losses, stresses, k, roster).amount) for day in days]
    date, peak = max(amounts, key=lambda found: found[1])
    short = [] if prefunded is None else [(d, x - Fraction(prefunded)) for d, x in amounts if x > prefunded]
    mean = sum((x for _, x in amounts), ZERO) / len(amounts)  # exact: Fraction
    return CoverHistory(k, peak, date, mean, tuple(short))


def averaged_size(
    days: Sequence[Day], stresses: Sequence[str], buffer: Fraction, roster: Roster, window: int = 60
) -> AveragedSize:
    """The two largest mean losses over margin plus a buffer, over the last ``window`` days (fewer where there are fewer).

    A group's loss of a day is its largest over the stresses of that day.

    Source: Eurex Clearing circulars 006/21 (60 business days) and 045/24 (buffer); which stress counts on a day when
    there are several is our reading.

    Raises:
        InputError: no days, or a window of less than one.
    """
    if window < 1:
        raise InputError("an average over no days", field="days", value=window, expected="1 or more")
    losses: dict[str, list[Fraction]] = {group.name: [] for group in roster.groups}
    for day in days[-window:]:
        for group, row in roster.exposures(day.losses, len(stresses)).items():
            losses[group].append(max(row))
    return averaged_stress_loss(losses, buffer)

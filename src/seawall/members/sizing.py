"""How large the fund must be: Cover-k from a matrix of stress losses over margin, averages, tests, concentration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

from seawall.errors import InputError
from seawall.members.roster import Roster
from seawall.models.binomial import binomial_cdf

Number = int | Fraction
ZERO = Fraction(0)


class Cover(NamedTuple):
    """``amount`` is what the ``groups`` (largest first) lose over margin when they fail together in ``scenario``."""

    k: int
    amount: Fraction
    scenario: str
    groups: tuple[str, ...]


def cover_k(
    stress: Mapping[str, Sequence[Number]], scenarios: Sequence[str], k: int, roster: Roster | None = None
) -> Cover:
    """The largest sum, over scenarios, of the ``k`` largest group exposures **in that scenario**.

    Worsts of different scenarios are never added. ``stress`` holds per member one loss over margin per scenario,
    negative for a gain, which offsets nothing inside a group. Without ``roster`` every member is its own group. Equal
    groups are listed by name; among equal scenarios the first listed counts. With fewer than ``k`` groups all are taken.

    Source: CPMI-IOSCO Principles, principle 4 (Cover-1, Cover-2).

    Raises:
        InputError: no scenario or no member, ``k < 1``, or a matrix that does not fit.
    """
    if k < 1:
        raise InputError("cover of fewer than one default", value=k, expected="1 or more")
    if not scenarios or not stress:
        raise InputError("a stress matrix without scenarios or members")
    found = (roster or Roster.of(stress)).exposures(stress, len(scenarios))
    best: Cover | None = None
    for s, scenario in enumerate(scenarios):
        top = sorted(found, key=lambda g: (-found[g][s], g))[:k]
        amount = sum((found[g][s] for g in top), ZERO)
        if best is None or amount > best.amount:
            best = Cover(k, amount, scenario, tuple(top))
    assert best is not None  # there is a scenario
    return best


def cover_table(
    stress: Mapping[str, Sequence[Number]], scenarios: Sequence[str], roster: Roster | None = None, upto: int = 5
) -> list[Cover]:
    """Cover-1 to Cover-``upto``: what each further default adds is what Cover-2 alone does not show."""
    return [cover_k(stress, scenarios, k, roster) for k in range(1, upto + 1)]


def fund_minimum(exposures: Sequence[Number]) -> Fraction:
    """What the default fund alone must withstand: ``max(first, second + third)``, sorted from the largest.

    Source: Regulation (EU) 648/2012 art. 42(3).
    """
    if not exposures:
        raise InputError("no exposures")
    top = _largest(exposures)
    return max(top[0], sum(top[1:3], ZERO))


class PrefundedTest(NamedTuple):
    """``covered`` iff ``prefunded >= requirement``; ``gap`` is what is missing."""

    requirement: Fraction
    prefunded: Fraction
    covered: bool
    gap: Fraction


def prefunded_test(exposures: Sequence[Number], default_fund: Number, other_prefunded: Number) -> PrefundedTest:
    """Fund and other prefunded resources against the two largest exposures.

    Source: Regulation (EU) 648/2012 art. 43(2).
    """
    requirement = sum(_largest(exposures)[:2], ZERO)
    prefunded = Fraction(default_fund) + Fraction(other_prefunded)
    return PrefundedTest(requirement, prefunded, prefunded >= requirement, max(ZERO, requirement - prefunded))


class AveragedSize(NamedTuple):
    """Each group's mean over its days, and the fund they ask for."""

    average: dict[str, Fraction]
    fund: Fraction


def averaged_stress_loss(losses: Mapping[str, Sequence[Number]], buffer: Fraction) -> AveragedSize:
    """Fund size from stress losses over margin averaged per group over days, first; then the two largest, plus a buffer.

    ``(largest mean + second largest mean) x (1 + buffer)``.

    Source: Eurex Clearing circulars 006/21 (60 business days, two largest groups) and 045/24 (buffer).

    Raises:
        InputError: a group without days, or no group.
    """
    if not losses:
        raise InputError("no groups")
    average: dict[str, Fraction] = {}
    for group, days in losses.items():
        if not days:
            raise InputError("a group has no days", field=group)
        average[group] = sum(map(Fraction, days), ZERO) / len(days)  # exact: Fraction
    return AveragedSize(average, sum(_largest(list(average.values()))[:2], ZERO) * (1 + buffer))


class Concentration(NamedTuple):
    """Warnings by name, the two largest together, who is charged how much, and the two largest after that."""

    early_warning: tuple[str, ...]
    pair_sum: Fraction
    pair_trigger: bool
    supplementary_margin: dict[str, Fraction]
    pair_sum_after: Fraction


def concentration_response(
    default_fund: Number,
    losses: Mapping[str, Number],
    early_warning: Fraction,
    pair_trigger: Fraction,
    individual_cap: Fraction,
) -> Concentration:
    """What a clearing house does when single groups grow large against the fund. All comparisons are strict.

    A group above ``early_warning x fund`` is warned; the pair triggers when the two largest exceed
    ``pair_trigger x fund``; a group above ``individual_cap x fund`` is charged the excess as supplementary margin, whether or
    not the pair triggers.

    Source: Eurex Clearing, risk mitigation actions (40 %, 90 %, 45 %); that the charge is the excess is our reading.
    """
    fund = Fraction(default_fund)
    exact = {group: Fraction(x) for group, x in losses.items()}
    charge = {group: x - individual_cap * fund for group, x in exact.items() if x > individual_cap * fund}
    pair = sum(_largest(list(exact.values()))[:2], ZERO)
    after = sum(_largest([x - charge.get(group, ZERO) for group, x in exact.items()])[:2], ZERO)
    warned = tuple(sorted(group for group, x in exact.items() if x > early_warning * fund))
    return Concentration(warned, pair, pair > pair_trigger * fund, charge, after)


def probability_of_more_defaults(members: int, default_probability: Fraction, covered: int) -> Fraction:
    """``P(X > covered)``, X binomial over the members, defaults taken as independent. Exact.

    Source: the question of Bank of England Financial Stability Paper 30.
    """
    return 1 - binomial_cdf(members, default_probability, covered)


class RequiredFund(NamedTuple):
    """``amount`` in minor units is ``max(cover.amount x (1 + buffer), minimum, least)``, rounded up; ``minimum`` is art. 42(3)'s."""

    cover: Cover
    minimum: Fraction
    amount: int


def required_fund(
    stress: Mapping[str, Sequence[int]],
    scenarios: Sequence[str],
    k: int,
    buffer: Fraction,
    *,
    emir_minimum: bool = False,
    least: int = 0,
    roster: Roster | None = None,
) -> RequiredFund:
    """How large a fund must be by Cover-k and a buffer. Rounded up: it is a requirement on the fund.

    ``minimum`` is the largest, over scenarios, of ``fund_minimum``; it counts where ``emir_minimum`` is asked for.

    Raises:
        InputError: see ``cover_k``.
    """
    cover = cover_k(stress, scenarios, k, roster)
    exposures = (roster or Roster.of(stress)).exposures(stress, len(scenarios))
    minimum = max(fund_minimum([row[s] for row in exposures.values()]) for s in range(len(scenarios)))
    need = max(cover.amount * (1 + buffer), minimum if emir_minimum else ZERO, Fraction(least))
    return RequiredFund(cover, minimum, -((-need.numerator) // need.denominator))  # ceil


def _largest(amounts: Sequence[Number]) -> list[Fraction]:
    return sorted(map(Fraction, amounts), reverse=True)

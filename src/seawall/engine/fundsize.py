"""How large the default fund is at the opening, and what each member puts in.

Everything is decided from the book as it opens: members' accounts, opening marks, the policy. Amounts are whole book
units of a settle asset.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from seawall.engine.options import short_notional
from seawall.engine.policy import Policy
from seawall.errors import InputError
from seawall.margin import Book, BookSnapshot, Stress, loss_over_margin
from seawall.market import Kind
from seawall.members import (
    ContributionRule,
    MembersRule,
    RequiredFund,
    Roster,
    SizeRule,
    contributions_with_minimum,
    required_fund,
    weighted_contributions_in_units,
)
from seawall.money import Asset, Rounding, muldiv

Indexes = Mapping[str, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class StressMatrix:
    """Stress losses over margin of every member, per asset: ``losses[asset][member]`` has one number per stress.

    Whole book units, zero or more. Assets are numbers in the book's table: those that markets settle in, or the
    numeraire alone where accounts are judged as a whole.
    """

    stresses: tuple[str, ...]
    losses: Mapping[int, Mapping[str, Sequence[int]]]
    roster: Roster


def stress_matrix(
    snapshot: BookSnapshot,
    policy: Policy,
    marks: Mapping[int, int],
    of_account: Mapping[int, str],
    stresses: Sequence[Stress],
    indexes: Indexes | None = None,
) -> StressMatrix:
    """What the accounts of every member would owe beyond their margin under each stress, from the book itself.

    Raises:
        InputError, MoneyOverflow: see ``margin.loss_over_margin``.
    """
    names = sorted(set(of_account.values()))
    number = {name: n for n, name in enumerate(names)}
    member_of = np.full(len(snapshot.account_ids), -1, dtype=np.int64)
    for account, name in of_account.items():
        member_of[account] = number[name]
    held = {market: marks[market] for market in sorted(set(snapshot.pos_market.tolist()))}
    book = opening_book(snapshot, policy, held, indexes)
    found = loss_over_margin(book, _with_underlyings(snapshot, held, marks), stresses, member_of, len(names), indexes)
    return StressMatrix(
        tuple(s.name for s in stresses),
        {asset: dict(zip(names, rows, strict=True)) for asset, rows in found.items()},
        roster_of(policy.members, names),
    )


def _with_underlyings(snapshot: BookSnapshot, held: Mapping[int, int], marks: Mapping[int, int]) -> dict[int, int]:
    """Held markets, and others on their coins that are marked: an option may be the only position on its coin."""
    bases = {snapshot.instruments[m].base for m in held}
    return {m: mark for m, mark in marks.items() if m in held or snapshot.instruments[m].base in bases}


def roster_of(rule: MembersRule | None, names: Sequence[str]) -> Roster:
    """Members, and the groups of affiliates that the policy names.

    Raises:
        InputError: a group names somebody who is not a member.
    """
    groups = () if rule is None else rule.groups
    for members in groups:
        for name in members:
            if name not in names:
                known = ", ".join([*sorted(names)[:8], *(["..."] if len(names) > 8 else [])]) or "a book with members"
                raise InputError(
                    "a group names somebody who is not a member of this book",
                    where="policy",
                    field="members.groups",
                    value=name,
                    expected=known,
                )
    return Roster.of(names, {" + ".join(members): members for members in groups})


def opening_book(
    snapshot: BookSnapshot, policy: Policy, marks: Mapping[int, int], indexes: Indexes | None = None
) -> Book:
    """The book at opening marks, as the policy judges accounts."""
    book = Book.of(
        snapshot,
        {m: snapshot.instruments[m].unit_value(mark) for m, mark in marks.items()},
        pool=policy.margin.pool,
        numeraire=policy.numeraire,
        collateral=policy.haircuts,
        maintenance_of_initial=policy.margin.maintenance_of_initial,
        round_positions=policy.margin.profile.requirement_unit == "position",
    )
    for option, value in enumerate(book.values):
        if value and snapshot.instruments[option].kind is Kind.OPTION:
            book.set_requirement_value(option, 0, short_notional(snapshot.instruments, book.values, option))
    for asset, (num, den) in (indexes or {}).items():
        book.set_collateral_price(asset, num, den)
    return book


def size_by_stress(rule: SizeRule, matrix: StressMatrix, asset: int, terms: Asset) -> RequiredFund | None:
    """The fund that the rule asks for in one asset, book units, rounded up; None where nobody can owe that asset."""
    losses = matrix.losses.get(asset)
    if not losses:
        return None
    least = muldiv(rule.least, 10**terms.book_scale, 10**6, Rounding.CEIL)
    return required_fund(
        losses,
        matrix.stresses,
        rule.cover,
        rule.buffer,
        emir_minimum=rule.emir_minimum,
        least=least,
        roster=matrix.roster,
    )


def contributions(
    snapshot: BookSnapshot,
    policy: Policy,
    marks: Mapping[int, int],
    of_account: Mapping[int, str],
    traders_cash: Sequence[int],
    indexes: Indexes | None = None,
) -> dict[int, dict[str, int]]:
    """Contribution of every member by settle asset, book units: the fund shared over members by name.

    Proportional contributions follow gross notional at the opening marks. Sizes given as an amount or a share of cash
    are rounded down, those by stress up. ``traders_cash`` is in minor units, by asset.

    Source: EMIR article 42.
    """
    rule = policy.members
    names = sorted(set(of_account.values()))
    if rule is None or not names:
        return {}
    matrix = None
    if rule.size is not None:
        matrix = stress_matrix(snapshot, policy, marks, of_account, rule.size.stresses, indexes)
    found: dict[int, dict[str, int]] = {}
    for asset in sorted({snapshot.assets.index(i.settle) for i in snapshot.instruments}):
        terms = snapshot.assets[asset]
        if rule.size is not None and matrix is not None:
            needed = size_by_stress(rule.size, matrix, asset, terms)
            size = 0 if needed is None else needed.amount
        elif rule.fund is not None:
            size = _book_units(rule.fund, terms)
        else:
            share = rule.fund_share_of_cash or Fraction(0)
            size = muldiv(max(0, traders_cash[asset]), share.numerator, share.denominator, Rounding.FLOOR)
            size = terms.to_book(size)
        if rule.contribution is ContributionRule.WEIGHTED:
            found[asset] = _weighted(rule, size, snapshot, policy, marks, of_account, asset, matrix)
            continue
        exposure = dict.fromkeys(names, 1)
        if rule.contribution is ContributionRule.PROPORTIONAL:
            exposure = gross_notional(snapshot, marks, of_account, asset)
        found[asset] = contributions_with_minimum(size, exposure, _book_units(rule.minimum, terms))
    return found


def _book_units(millionths: int, asset: Asset) -> int:
    """Whole book units, rounded down."""
    return muldiv(millionths, 10**asset.book_scale, 10**6, Rounding.FLOOR)


def _positions(snapshot: BookSnapshot, of_account: Mapping[int, str], asset: int) -> list[tuple[str, int, int]]:
    """(member, market, signed lots) of every position that settles in an asset."""
    settles = [snapshot.assets.index(i.settle) == asset for i in snapshot.instruments]
    columns = (snapshot.pos_account.tolist(), snapshot.pos_market.tolist(), snapshot.pos_lots.tolist())
    return [(of_account[a], m, n) for a, m, n in zip(*columns, strict=True) if a in of_account and settles[m]]


def gross_notional(
    snapshot: BookSnapshot, marks: Mapping[int, int], of_account: Mapping[int, str], asset: int
) -> dict[str, int]:
    """Per member, the value of all its positions without sign at these marks, book units."""
    found = dict.fromkeys(sorted(set(of_account.values())), 0)
    values = {m: snapshot.instruments[m].unit_value(mark) for m, mark in marks.items()}
    for name, market, lots in _positions(snapshot, of_account, asset):
        found[name] += abs(lots) * values[market]
    return found


def initial_requirements(book: Book, of_account: Mapping[int, str], asset: int) -> dict[str, int]:
    """Per member, the initial requirement of all its positions, exact, in R-ths of a book unit (``Book.denominator``)."""
    found = dict.fromkeys(sorted(set(of_account.values())), 0)
    for name, market, lots in _positions(book.snapshot, of_account, asset):
        found[name] += book.initial(market, lots)
    return found


def _weighted(
    rule: MembersRule,
    size: int,
    snapshot: BookSnapshot,
    policy: Policy,
    marks: Mapping[int, int],
    of_account: Mapping[int, str],
    asset: int,
    matrix: StressMatrix | None,
) -> dict[str, int]:
    """A fixed part each and the rest by weights. Never less than the fixed parts, and never less than the size: a
    measure that is zero for everybody passes its weight on, and with none left the rest is shared equally."""
    names = sorted(set(of_account.values()))
    shares = rule.weights or {}
    measures: dict[str, dict[str, int]] = {}
    if "risk" in shares:
        held = {m: marks[m] for m in sorted(set(snapshot.pos_market.tolist()))}
        measures["risk"] = initial_requirements(opening_book(snapshot, policy, held), of_account, asset)
    if "open_interest" in shares:
        measures["open_interest"] = gross_notional(snapshot, marks, of_account, asset)
    if "stress" in shares:
        losses: Mapping[str, Sequence[int]] = {} if matrix is None else matrix.losses.get(asset, {})
        measures["stress"] = {name: max(losses.get(name, [0])) for name in names}
    weights = {key: w for key, w in shares.items() if any(measures[key].values())}
    whole = sum(weights.values(), Fraction(0))
    if not whole:
        weights, whole, measures = {"equal": Fraction(1)}, Fraction(1), {"equal": dict.fromkeys(names, 1)}
    fixed = _book_units(rule.fixed_each, snapshot.assets[asset])
    return weighted_contributions_in_units(
        max(size, fixed * len(names)),
        fixed,
        {key: w / whole for key, w in weights.items()},  # exact: Fraction
        {name: {key: measures[key][name] for key in weights} for name in names},
    )

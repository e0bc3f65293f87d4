"""How large a default fund must be: stress losses of a book's members, or a history of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

from seawall.engine import Policy, State
from seawall.engine.fundsize import StressMatrix, size_by_stress, stress_matrix
from seawall.engine.opening import members_of
from seawall.errors import InputError
from seawall.margin import BookSnapshot, Stress
from seawall.members import (
    averaged_size,
    concentration_response,
    cover_history,
    cover_table,
    fund_minimum,
    prefunded_test,
    probability_of_more_defaults,
)
from seawall.money import Asset, exact_text, format_amount
from seawall.replay.bills import open_with_members
from seawall.tables.scenarios import load_scenario
from seawall.tables.sizing import stress_of
from seawall.tables.stress_losses import read_stress_losses
from seawall.waterfall import LayerKind

if TYPE_CHECKING:
    import polars as pl

# Source: Eurex Clearing, risk mitigation actions: parts of the fund.
EARLY_WARNING, PAIR_TRIGGER, INDIVIDUAL_CAP = Fraction(2, 5), Fraction(9, 10), Fraction(9, 20)
DEFAULTS = 5


@dataclass(frozen=True, slots=True)
class MembersSizing:
    """The answer as one plain document; ``assets`` has one entry per settle asset. Amounts are decimal text in its unit."""

    document: dict[str, Any]

    @property
    def cover(self) -> pl.DataFrame:
        """One row an asset and number of defaults: amount, stress, groups, what the last default adds, covered or not."""
        return self._frame("cover")

    @property
    def matrix(self) -> pl.DataFrame:
        """One row an asset and member: contribution, and the stress loss over margin under each stress."""
        return self._frame("members")

    def _frame(self, key: str) -> pl.DataFrame:
        import polars as pl

        return pl.DataFrame([{"asset": a["asset"], **row} for a in self.document["assets"] for row in a[key]])


def members_sizing(
    book: BookSnapshot | str,
    prices: Any,
    policy: Policy | str | FilePath = "emir-ccp",
    *,
    stresses: Sequence[Stress | str] | None = None,
    other: Fraction | str = "0",
    default_probability: Fraction | str | None = None,
) -> MembersSizing:
    """Stress a book at the opening of an event, and hold the default fund against what its members would owe.

    Args:
        book: a book from ``read_book``, or ``"generate:..."``; prices: scenario or price file, for the opening marks.
        policy: one with a table ``[members]``.
        stresses: stresses, or names of scenarios; None: those of ``[members.size]``.
        other: what coins do that a scenario does not name.
        default_probability: of one member; with it, the chance that more fail than are covered.

    Returns:
        Per settle asset: Cover-1 to Cover-5, the minimum of EMIR art. 42(3), the prefunded test of art. 43(2),
        concentration against the fund, and the stress loss of every member. K_CCP is not there: exposures before margin
        are not in a book.

    Raises:
        InputError: the policy has no members, or nobody names a stress.
    """
    state = open_with_members(book, prices, policy)
    rules = state.policy.members
    assert rules is not None
    if stresses is not None:
        chosen = [s if isinstance(s, Stress) else stress_of(load_scenario(s), Fraction(other)) for s in stresses]
    else:
        chosen = [] if rules.size is None else list(rules.size.stresses)
    if not chosen:
        raise InputError(
            "no stress is named", field="stresses", value=state.policy.name,
            expected="a policy with [[members.size.stresses]], or scenarios such as 2020-03-12",
        )  # fmt: skip
    chance = None if default_probability is None else Fraction(default_probability)
    if chance is not None and not 0 <= chance <= 1:
        raise InputError("not a probability", field="default_probability", value=default_probability, expected="0 to 1")
    marks = {m: mark for m, mark in enumerate(state.marks) if mark}
    of_account = members_of(state.snapshot, state.policy)
    indexes = {state.asset(a).name: (p.numerator, p.denominator) for a, p in state.index_prices.items()}
    matrix = stress_matrix(state.snapshot, state.policy, marks, of_account, chosen, indexes)
    assets = [_asset(state, matrix, asset, chance) for asset in sorted(matrix.losses) if matrix.losses[asset]]
    return MembersSizing(
        {
            "policy": state.policy.name,
            "policy_hash": state.policy.hash,
            "stresses": list(matrix.stresses),
            "assets": assets,
        }
    )


def _asset(state: State, matrix: StressMatrix, asset: int, chance: Fraction | None) -> dict[str, Any]:
    losses, terms = matrix.losses[asset], state.asset(asset)
    paid = state.members.paid_in.get(asset, {})
    fund, own = sum(paid.values()), _own_slices(state, asset)
    table = cover_table(losses, matrix.stresses, matrix.roster, DEFAULTS)
    exposures = matrix.roster.exposures(losses, len(matrix.stresses))
    at = matrix.stresses.index(table[1].scenario)
    worst = {group: row[at] for group, row in exposures.items()}
    minimum = max(fund_minimum([row[s] for row in exposures.values()]) for s in range(len(matrix.stresses)))
    test = prefunded_test(list(worst.values()), fund, sum(own.values()))
    near = concentration_response(fund, worst, EARLY_WARNING, PAIR_TRIGGER, INDIVIDUAL_CAP)
    rule = state.policy.members.size if state.policy.members is not None else None
    asked = None if rule is None else size_by_stress(rule, matrix, asset, terms)
    return {
        "asset": terms.name,
        "groups": len(exposures),
        "default_fund": _text(fund, terms),
        "asked_by_policy": None if asked is None else _text(asked.amount, terms),
        "cover": [
            {
                "defaults": c.k,
                "amount": _text(c.amount, terms),
                "adds": _text(c.amount - (table[n - 1].amount if n else 0), terms),
                "stress": c.scenario,
                "groups": list(c.groups),
                "covered": c.amount <= test.prefunded,
                "more_default": None if chance is None else _more(len(exposures), chance, c.k),
            }
            for n, c in enumerate(table)
        ],
        "minimum": {"amount": _text(minimum, terms), "met": fund >= minimum},
        "prefunded": {
            "requirement": _text(test.requirement, terms),
            "own_slices": {name: _text(amount, terms) for name, amount in own.items()},
            "prefunded": _text(test.prefunded, terms),
            "covered": test.covered,
            "gap": _text(test.gap, terms),
        },
        "concentration": {
            "stress": table[1].scenario,
            "early_warning": list(near.early_warning),
            "pair": _text(near.pair_sum, terms),
            "pair_trigger": near.pair_trigger,
            "supplementary_margin": {group: _text(x, terms) for group, x in sorted(near.supplementary_margin.items())},
        },
        "members": [
            {
                "member": name,
                "contribution": _text(paid.get(name, 0), terms),
                **{stress: _text(row[s], terms) for s, stress in enumerate(matrix.stresses)},
            }
            for name, row in sorted(losses.items(), key=lambda item: (-max(item[1]), item[0]))
        ],
    }


def _own_slices(state: State, asset: int) -> dict[str, int]:
    """The house's own money in layers that cover defaults, book units, in order of use."""
    return {
        rule.account: state.book.cash(state.house[rule.account], asset)
        for rule in state.policy.layers
        if rule.kind is LayerKind.ACCOUNT and "default" in rule.causes
    }


def _more(groups: int, chance: Fraction, covered: int) -> float:
    return float(probability_of_more_defaults(groups, chance, covered))


def _text(amount: Fraction | int, asset: Asset) -> str:
    number = Fraction(amount)
    return format_amount(-((-number.numerator) // number.denominator), asset.book_scale)  # ceil: of what is missing


def sizing_from_history(
    losses: Any,
    *,
    days: int = 60,
    buffer: Fraction | str = "0",
    prefunded: Fraction | str | None = None,
) -> dict[str, Any]:
    """The size of a default fund from a file of daily stress losses, and what is disclosed of Cover-1 and Cover-2.

    Args:
        losses: CSV or Parquet file or frame with date, member, stress, loss_over_margin and perhaps group.
        days: the average is over so many of the last days in the file.
        buffer: what is added to it, as a part of it.
        prefunded: resources that the days are held against.

    Returns:
        A plain document; ``fund`` is rounded up to a millionth and can stand in a policy.

    Raises:
        InputError: with file, row, field, value and what is expected.
    """
    history = read_stress_losses(losses)
    more, held = Fraction(buffer), None if prefunded is None else Fraction(prefunded)
    if more < 0 or (held is not None and held < 0):
        name = "buffer" if more < 0 else "prefunded"
        raise InputError(
            "must not be negative", field=name, value=buffer if more < 0 else prefunded, expected="0 or more"
        )
    size = averaged_size(history.days, history.stresses, more, history.roster, days)
    covers = [cover_history(history.days, history.stresses, k, held, history.roster) for k in (1, 2)]
    return {
        "file": FilePath(history.where).name,
        "first_day": history.days[0].date,
        "last_day": history.days[-1].date,
        "days": len(history.days),
        "averaged_over": min(days, len(history.days)),
        "buffer": exact_text(more),
        "prefunded": None if held is None else exact_text(held),
        "fund": _millionths(size.fund),
        "averages": {
            group: _millionths(mean)
            for group, mean in sorted(size.average.items(), key=lambda item: (-item[1], item[0]))
        },
        "cover": [
            {
                "defaults": c.k,
                "peak": _millionths(c.peak),
                "peak_day": c.peak_date,
                "mean": _millionths(c.mean),
                "days_short": None if held is None else len(c.short),
                "most_short": None if held is None else _millionths(c.most_short),
                "short": [{"day": day, "amount": _millionths(amount)} for day, amount in c.short],
            }
            for c in covers
        ],
    }


def _millionths(amount: Fraction) -> str:
    """Rounded up to a millionth: a requirement."""
    scaled = amount * 10**6
    return exact_text(Fraction(-((-scaled.numerator) // scaled.denominator), 10**6))

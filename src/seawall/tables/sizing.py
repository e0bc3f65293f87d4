"""The size of a default fund in a policy file: ``[members.size]``, its stresses, and contributions by weights."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from seawall.errors import InputError
from seawall.margin import Stress
from seawall.members import MEASURES, ContributionRule, MembersRule, SizeRule
from seawall.money import exact_text
from seawall.scenario import Scenario
from seawall.tables.keys import Table, nearest
from seawall.tables.layers import money
from seawall.tables.scenarios import load_scenario

ONE = Fraction(1)
MOST_COVER = 5
VALID_SIZE = "cover = 2 and [[members.size.stresses]]"


def read_size(t: Table | None) -> SizeRule | None:
    """``[members.size]``.

    Raises:
        PolicyError: with the key path and the nearest valid form.
    """
    if t is None:
        return None
    cover = t.whole("cover", low=1)
    if cover > MOST_COVER:
        t.fail("cover", "more than five groups failing together", "1 to 5")
    rows = t.rows("stresses")
    if not rows:
        t.fail(
            "stresses", "a size by stress needs at least one", '[[members.size.stresses]] with scenario = "2020-03-12"'
        )
    stresses = tuple(_stress(row) for row in rows)
    for at, stress in enumerate(stresses):
        if stress.name in [s.name for s in stresses[:at]]:
            rows[at].fail("name", f"two stresses are called {stress.name!r}", "another name")
        if not any((stress.other, *stress.moves.values())):
            rows[at].fail("other", "nothing moves in this stress", 'other = "-0.3"')
    rule = SizeRule(
        cover=cover,
        buffer=t.fraction("buffer", Fraction(0)),
        stresses=stresses,
        emir_minimum=t.flag("emir_minimum", False),
        least=money(t, "least") or 0,
    )
    t.done()
    return rule


def _stress(t: Table) -> Stress:
    """One move for all coins, moves by coin, or the worst of a dated event; the last two say what other coins do."""
    forms = [key for key in ("move", "moves", "scenario") if t.has(key)]
    if len(forms) != 1:
        t.fail(forms[1] if forms else "move", "one of move, moves and scenario", 'move = "-0.3"')
    if forms == ["move"]:
        move = _move(t, "move")
        found = Stress(t.text("name", f"all coins {_percent(move)}"), {}, move)
        t.done()
        return found
    if not t.has("other"):
        t.fail("other", "what do coins do that are not named?", 'other = "0", or a move such as "-0.5"')
    other = _move(t, "other")
    if forms == ["moves"]:
        table = t.must("moves")
        found = Stress(t.text("name"), {coin: _move(table, coin) for coin in table.data}, other)
    else:
        name = t.text("scenario")
        try:
            scenario = load_scenario(name)
        except InputError as error:
            t.fail("scenario", error.problem, error.expected)
        found = stress_of(scenario, other, t.text("name", scenario.name))
    t.done()
    return found


def stress_of(scenario: Scenario, other: Fraction, name: str = "") -> Stress:
    """The move of each coin that takes its index farthest from where the event began, as a ratio; down before up.

    The moments of different coins differ: they are taken together, which is at least as bad as the event was.
    """
    moves = {}
    for coin, path in scenario.assets.items():
        ratios = [Fraction(str(value)) for _, value in path.ratio.points]  # exact: as written in the file
        low, high = min(ratios), max(ratios)
        moves[coin] = (low if low * high <= 1 else high) - 1
    return Stress(name or scenario.name, moves, other)


def _move(t: Table, key: str) -> Fraction:
    """A change of price, above -1."""
    found = t.maybe_fraction(key, low=-ONE)
    if found is None:
        t.missing(key, 'a move such as "-0.3"')
    if found == -1:
        t.fail(key, "no price falls to nothing", 'a move above "-1", such as "-0.99"')
    return found


def _percent(move: Fraction) -> str:
    return f"{'+' if move > 0 else ''}{exact_text(move * 100)} %"


def read_weights(t: Table) -> dict[str, Any]:
    """Keys of contributions by weights, as fields of ``MembersRule``.

    Raises:
        PolicyError: an unknown measure, or weights that do not sum to one.
    """
    fixed, table = money(t, "fixed_each") or 0, t.table("weights")
    if table is None:
        return {"fixed_each": fixed, "weights": None}
    weights: dict[str, Fraction] = {}
    for key in table.data:
        if key == "volume":
            table.fail(key, "traded volume is not in a book", " or ".join(MEASURES))
        if key not in MEASURES:
            table.fail(key, "unknown measure", nearest(key, MEASURES))
        weights[key] = table.fraction(key, high=ONE)
    if sum(weights.values(), Fraction(0)) != 1:
        told = exact_text(sum(weights.values(), Fraction(0)))
        t.fail("weights", f"weights sum to {told}", 'a sum of one, such as { risk = "0.7", open_interest = "0.3" }')
    return {"fixed_each": fixed, "weights": weights}


def check_size(rule: MembersRule, t: Table) -> None:
    """One way to say the size, and keys that fit the way contributions are shared.

    Raises:
        PolicyError: with the nearest valid form.
    """
    ways = [key for key in ("fund", "fund_share_of_cash", "size") if getattr(rule, key) is not None]
    if len(ways) != 1:
        told = "the default fund has no size" if not ways else f"the size is said twice: {' and '.join(ways)}"
        t.fail(
            ways[-1] if ways else "fund", told, f'one of fund = "1000000", fund_share_of_cash = "1/100", {VALID_SIZE}'
        )
    weighted = rule.contribution is ContributionRule.WEIGHTED
    if weighted and not rule.weights:
        t.fail("weights", "weighted contributions without weights", '{ risk = "0.7", open_interest = "0.3" }')
    if weighted and rule.minimum:
        t.fail("minimum", "weighted contributions have a fixed part, no minimum", "fixed_each")
    if not weighted and (rule.weights or rule.fixed_each):
        key = "weights" if rule.weights else "fixed_each"
        t.fail(key, f"means nothing where contributions are {rule.contribution.value}", 'contribution = "weighted"')
    if "stress" in (rule.weights or {}) and rule.size is None:
        t.fail("weights", "a weight on stress losses, but the fund has no stresses", VALID_SIZE)

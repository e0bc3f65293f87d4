"""Halts and the rule for winding down, from a policy file."""

from __future__ import annotations

from fractions import Fraction

from seawall.engine import WindDownRule
from seawall.engine.halts import MEASURES
from seawall.engine.policy import CLAIMANT_CLASSES
from seawall.errors import InputError
from seawall.liquidation import Criterion, HaltKind, HaltRule, Sense
from seawall.tables.keys import Table
from seawall.tables.layers import choice
from seawall.waterfall.winddown import PriceBasis, SettlementRule

ONE = Fraction(1)
BEFORE_EVERYTHING = -1


def read_halts(rows: list[Table]) -> tuple[HaltRule, ...]:
    """``[[halts]]``: kind, starts, ends (criteria), length_s, longest_s, rest_s."""
    return tuple(_halt(t) for t in rows)


def _halt(t: Table) -> HaltRule:
    kind = choice(t, "kind", HaltKind)
    starts, ends = _criteria(t.rows("starts")), _criteria(t.rows("ends"))
    length, longest, rest = t.seconds("length_s"), t.seconds("longest_s"), t.seconds("rest_s")
    t.done()
    if not 0 < length <= longest:
        t.fail("length_s", "a halt needs an expiry", "0 < length_s <= longest_s")
    if rest <= 0:
        t.fail("rest_s", "a halt needs a rest after its expiry", "seconds such as 60")
    if not starts:
        t.fail(
            "starts",
            "a halt needs a criterion to start",
            'starts = [{measure = "unpaid", is = "above", threshold = "0"}]',
        )
    return HaltRule(kind, starts, length, longest, rest, BEFORE_EVERYTHING, ends)


def _criteria(rows: list[Table]) -> tuple[Criterion, ...]:
    found = []
    for t in rows:
        found.append(Criterion(t.choice("measure", MEASURES), choice(t, "is", Sense), t.fraction("threshold")))
        t.done()
    return tuple(found)


def read_wind_down(t: Table | None) -> WindDownRule | None:
    """``[wind_down]``: price, window_s, classes, claims_s, interim_share."""
    if t is None:
        return None
    classes = tuple(t.strings("classes")) or CLAIMANT_CLASSES
    if sorted(classes) != sorted(CLAIMANT_CLASSES):
        t.fail("classes", "every class of claimants once", ", ".join(CLAIMANT_CLASSES))
    basis = choice(t, "price", PriceBasis, PriceBasis.LAST_INDEX)
    rule = WindDownRule(
        basis=basis,
        window_ns=t.seconds("window_s", 0),
        classes=classes,
        claims_ns=t.seconds("claims_s", 0),
        interim_share=t.fraction("interim_share", ONE, high=ONE),
    )
    t.done()
    try:
        SettlementRule(rule.basis, rule.window_ns)
    except InputError as error:
        t.fail("window_s", error.problem, "a window for window_average, none for last_index")
    return rule

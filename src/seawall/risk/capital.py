"""Hypothetical capital of a clearing house, and what a bank holds against its contribution. Exact fractions."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from seawall.errors import InputError

Number = int | Fraction
ZERO = Fraction(0)
RWA_PER_CAPITAL = Fraction(25, 2)  # 1 / 8 %


class Exposure(NamedTuple):
    """A member before risk mitigation: exposure value, initial margin, default-fund contribution."""

    ebrm: Number
    initial_margin: Number
    default_fund: Number

    @property
    def ead(self) -> Fraction:
        """``max(0, ebrm - initial margin - default fund)``."""
        return max(ZERO, Fraction(self.ebrm) - Fraction(self.initial_margin) - Fraction(self.default_fund))


def k_ccp(ead: Sequence[Number], risk_weight: Fraction, capital_ratio: Fraction) -> Fraction:
    """``sum of max(0, EAD) x risk weight x capital ratio``.

    Source: Basel framework CRE54 (20 %, 8 %); Regulation (EU) 648/2012 art. 50a.
    """
    return sum((max(ZERO, Fraction(x)) for x in ead), ZERO) * risk_weight * capital_ratio


class MemberCharge(NamedTuple):
    """Capital for one member's contribution, its floor, and risk-weighted assets."""

    k_cm: Fraction
    floor: Fraction
    rwa: Fraction


def member_charge(
    k: Number,
    own_resources: Number,
    members_total: Number,
    contribution: Number,
    capital_ratio: Fraction,
    floor_risk_weight: Fraction,
) -> MemberCharge:
    """``max(K_CCP x DF_i / (DF_CCP + DF_CM), ratio x floor weight x DF_i)``; risk-weighted assets are 12.5 times that.

    ``contribution`` is net of what has been used (CRR art. 308).

    Source: Basel framework CRE54; the form of the floor is recalled, not confirmed at the source.

    Raises:
        InputError: no prefunded resources at all.
    """
    whole = Fraction(own_resources) + Fraction(members_total)
    if whole <= 0:
        raise InputError("a clearing house without prefunded resources", value=whole, expected="more than zero")
    floor = capital_ratio * floor_risk_weight * contribution
    charge = max(Fraction(k) * contribution / whole, floor)  # exact: Fraction
    return MemberCharge(charge, floor, RWA_PER_CAPITAL * charge)

"""A policy: the rules of one venue as one immutable value, with a canonical form and its hash.

The rule types are owned by the packages that apply them; this module only composes them. Reading a policy from
TOML, with errors that name the key path, is ``seawall.tables.policies``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from enum import Enum
from fractions import Fraction
from typing import Any

from seawall.liquidation import HaltRule, LiquidationRule
from seawall.margin import HaircutSchedule, MarginRule
from seawall.market import MarkRule, OracleRule
from seawall.members import MembersRule
from seawall.waterfall import DebtRule, DeleverageRule, LayerRule, ProfitCapRule, SurplusRule
from seawall.waterfall.winddown import PriceBasis


@dataclass(frozen=True, slots=True)
class HouseAccount:
    """An account of the venue's own that the policy needs.

    Used only when the book brings no account of that name or role. ``opening`` is a decimal amount of every asset
    that markets settle in (as text), or None; ``share_of_cash`` opens it with that fraction of the members' cash
    in each asset, rounded down.
    """

    name: str
    role: str
    opening: str | None = None
    share_of_cash: Fraction | None = None


LATER = ("auctions", "profit_cap")
CLAIMANT_CLASSES = ("members", "default_fund", "venue")


@dataclass(frozen=True, slots=True)
class WindDownRule:
    """How the venue itself is wound down, written before it is needed.

    Attributes:
        basis: how every market's settlement price is found.
        window_ns: length of the window of an average.
        classes: claimant classes, first paid first; every one of ``CLAIMANT_CLASSES`` once.
        claims_ns: claims may be filed for so long after the stop.
        interim_share: most of the money that an interim distribution pays out.
    """

    basis: PriceBasis
    window_ns: int = 0
    classes: tuple[str, ...] = CLAIMANT_CLASSES
    claims_ns: int = 0
    interim_share: Fraction = Fraction(1)


@dataclass(frozen=True, slots=True)
class AuctionsRule:
    """Auctions of what nobody paid, for shares of the fund, and of the fund's surplus, which buy them back.

    Attributes:
        debt: terms of debt auctions; ``lot`` in millionths of a unit of the asset, times in nanoseconds.
        surplus: terms of surplus auctions; ``lot``, ``buffer`` and ``most_at_once`` in millionths.
        account: house account whose surplus is sold; "" without ``surplus``.
    """

    debt: DebtRule | None = None
    surplus: SurplusRule | None = None
    account: str = ""


@dataclass(frozen=True, slots=True)
class Policy:
    """Everything that decides who is liquidated and who pays.

    ``layers`` is the loss waterfall in the order of use. ``haircuts`` (collateral) applies when ``margin.pool`` is
    "account". ``represents`` and ``cannot_represent`` are the header of a preset: what it stands for, with its
    source, which structure of the venue it leaves out, and where the venue's own rule is known to be unsound.
    ``tiers`` sorts markets by base coin; ``members`` is the default fund of a clearing house;
    ``halts`` are what may stand still and when; ``wind_down`` is what happens when the venue itself fails;
    ``auctions`` are of the fund's debt and of its surplus; ``profit_cap`` keeps pending profits within what a pool can pay.
    """

    name: str
    represents: str
    source: str
    cannot_represent: str
    margin: MarginRule
    oracle: OracleRule
    marks: MarkRule
    liquidation: LiquidationRule
    layers: tuple[LayerRule, ...]
    deleverage: DeleverageRule | None
    house: tuple[HouseAccount, ...]
    numeraire: str | None = None
    haircuts: Mapping[str, HaircutSchedule] | None = None
    known_weaknesses: str = ""
    tiers: Mapping[str, str] = field(default_factory=dict)
    members: MembersRule | None = None
    halts: tuple[HaltRule, ...] = ()
    wind_down: WindDownRule | None = None
    auctions: AuctionsRule | None = None
    profit_cap: ProfitCapRule | None = None

    def canonical(self) -> str:
        """The policy as one line of JSON with sorted keys, fractions as ``n/d``: what is hashed.

        Without the tables in ``LATER`` that the policy does not have, so that hashes from before they existed stay.
        """
        plain = {k: v for k, v in to_plain(self).items() if v is not None or k not in LATER}
        return json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    @property
    def hash(self) -> str:
        """SHA-256 of the canonical form, hexadecimal."""
        return hashlib.sha256(self.canonical().encode()).hexdigest()


def to_plain(value: Any) -> Any:
    """Rule values as plain JSON data: dataclasses as objects, fractions as ``n/d``, enums by value, sets sorted.

    A field marked ``later`` is left out at its default, so that hashes from before it existed stay.
    """
    if is_dataclass(value) and not isinstance(value, type):
        kept = [f for f in fields(value) if "later" not in f.metadata or getattr(value, f.name) != f.default]
        return {f.name: to_plain(getattr(value, f.name)) for f in kept}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Fraction):
        return f"{value.numerator}/{value.denominator}"
    if isinstance(value, Mapping):
        return {str(k): to_plain(v) for k, v in value.items()}
    if isinstance(value, set | frozenset):
        return sorted(to_plain(v) for v in value)
    if isinstance(value, list | tuple):
        return [to_plain(v) for v in value]
    return value

"""The waterfall part of a policy, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

CAUSES = ("default", "exploit", "custody", "oracle", "treasury", "model")


class LayerKind(Enum):
    """What a layer does when it is reached."""

    ACCOUNT = "account"  # a house account pays cash
    DELEVERAGE = "deleverage"  # the defaulter's positions are closed against members on the other side
    GAINS_HAIRCUT = "gains_haircut"  # members' unrealised gains are cut pro rata


@dataclass(frozen=True, slots=True)
class LayerRule:
    """One layer.

    Attributes:
        name: shown in every report.
        kind: see ``LayerKind``.
        account: house account that pays (ACCOUNT only).
        causes: loss causes it covers.
        limit_per_event: most it pays for one loss, millionths of a unit of the loss's asset; None: no limit.
        partial: False: it pays all that is left or nothing (dYdX v4).
        cap: GAINS_HAIRCUT: largest fraction of a gain that may be cut.
        pays: ACCOUNT: "all" losses, or only what "fills" of close-out orders cost beyond bankruptcy (dYdX v4: an
            account that found no buyer is deleveraged, the fund does not pay for it).
        then: name of the next layer; None: the next in the file.
    """

    name: str
    kind: LayerKind
    account: str = ""
    causes: frozenset[str] = frozenset({"default"})
    limit_per_event: int | None = None
    partial: bool = True
    cap: Fraction = Fraction(1)
    pays: str = "all"
    then: str | None = None


class RankRule(Enum):
    """Who is deleveraged first."""

    PROFIT_LEVERAGE = "profit_leverage"  # (notional / equity) x (profit / entry notional), highest first
    PROFIT_MARGIN_RATIO = "profit_margin_ratio"  # profit / wallet x maintenance / equity, highest first (Binance)
    PRO_RATA = "pro_rata"  # everyone, in proportion to their lots
    WALK = "walk"  # from a pseudo-random account onward in account order (dYdX v4)


class PriceRule(Enum):
    """At which price a deleveraged position is closed."""

    BANKRUPTCY = "bankruptcy"  # where the defaulter ends at exactly zero
    MARK = "mark"
    PREVIOUS_MARK = "previous_mark"  # the mark before the current one (Hyperliquid)


@dataclass(frozen=True, slots=True)
class DeleverageRule:
    """``seed`` starts the WALK, together with market and turn."""

    rank: RankRule
    price: PriceRule
    seed: int = 0

"""The liquidation part of a policy, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction


class PaceKind(Enum):
    """How fast an account at risk is closed."""

    AT_ONCE = "at_once"  # everything now
    SHARE = "share"  # positions above a notional: a share first, the rest after a cool-down (Hyperliquid docs)
    BUFFER = "buffer"  # as much as brings equity up to maintenance x (1 + buffer) (Drift v2, Vega)
    TARGET = "target"  # the smallest multiple of a step after which maintenance / equity is below a target (Paradex)
    SERIES = "series"  # whole positions, the one first that lowers the requirement most per cost (option books)
    RAMP = "ramp"  # a share that grows with time: initial + elapsed / duration (Drift v2)


@dataclass(frozen=True, slots=True)
class Pace:
    """Pace of liquidation.

    Attributes:
        above: SHARE applies to positions whose notional (millionths of the quote currency) is above this; smaller
            ones go at once. None: all positions.
        share: SHARE: fraction closed at the first attempt; TARGET: the step; RAMP: the initial share; SERIES: what closing is
            expected to cost, of the notional.
        cooldown_ns: time between attempts after a partial one.
        buffer: BUFFER: fraction of maintenance that must be left over.
        target: TARGET: margin ratio that must be undercut.
        duration_ns: RAMP: time in which the share grows by one.
    """

    kind: PaceKind
    above: int | None = None
    share: Fraction = Fraction(1)
    cooldown_ns: int = 0
    buffer: Fraction = Fraction(0)
    target: Fraction = Fraction(1)
    duration_ns: int = 0


class LimitKind(Enum):
    """The worst price a close-out order may fill at."""

    BANKRUPTCY = "bankruptcy"  # where the slice has used up its share of equity: fills never cause a loss
    FILLABLE = "fillable"  # beyond bankruptcy by a spread that grows as equity falls (dYdX v4)
    SPREAD = "spread"  # the mark less a fee that the taker earns, and that may grow while nobody acts (Drift v2)
    MARKET = "market"  # no limit


@dataclass(frozen=True, slots=True)
class LimitPrice:
    """``adjustment`` and ``spread`` belong to FILLABLE: rating = clamp(adjustment x (1 - equity/maintenance), 0, 1),
    distance from the mark = rating x spread x maintenance requirement of the position (dYdX v4 liquidations.go).

    SPREAD: the limit is mark x (1 -+ fee); the fee is ``spread``, and after ``grace_ns`` grows by ``growth`` a second
    up to ``most``."""

    kind: LimitKind
    adjustment: Fraction = Fraction(1)
    spread: Fraction = Fraction(0)
    grace_ns: int = 0
    growth: Fraction = Fraction(0)
    most: Fraction = Fraction(0)


class FeeKind(Enum):
    """What a close-out fill pays to the fund."""

    NONE = "none"
    IMPROVEMENT = "improvement"  # what the fill brought above bankruptcy, at most rate x quote (dYdX v4)
    CLEARANCE = "clearance"  # rate x notional, at most what the slice has left above bankruptcy (Binance)
    PENALTY = "penalty"  # rate x the maintenance requirement that the fill removes, at most what is left (Paradex)


@dataclass(frozen=True, slots=True)
class LiquidationFee:
    """``account`` is the house account that receives the fee."""

    kind: FeeKind
    rate: Fraction = Fraction(0)
    account: str = "fund"


@dataclass(frozen=True, slots=True)
class MarketAmount:
    """An amount that holds in each market, millionths of the quote currency: one for all, or by the market's tier.

    A tier that is not in ``by_tier`` takes what "other" says.
    """

    amount: int | None = None
    by_tier: Mapping[str, int] | None = None

    def of(self, tier: str) -> int:
        """The amount in a market of this tier."""
        if self.by_tier is not None:
            return self.by_tier.get(tier, self.by_tier["other"])
        assert self.amount is not None
        return self.amount

    @property
    def largest(self) -> int:
        """The largest amount anywhere."""
        return self.of("") if self.by_tier is None else max(self.by_tier.values())


@dataclass(frozen=True, slots=True)
class WindowRule:
    """How much forced flow a market bears in any stretch of ``window_ns``: ``fee`` x ``depth`` x ``multiplier`` x seconds.

    ``fee`` is maker and taker fee together, ``depth`` the notional at which the skew's premium is 100 %. Source:
    Synthetixio/synthetix-v3 perps-market GlobalPerpsMarketConfiguration, maxLiquidationAmountInWindow; there the depth
    is in coins, here in money. All accounts together. Only close-out orders count: not what a backstop takes over (an
    endorsed liquidator may exceed the window there), nor what it sells, nor deleveraging.
    """

    fee: Fraction
    depth: MarketAmount
    multiplier: Fraction
    window_ns: int


class OverLimit(Enum):
    """What happens when a take-over would exceed the backstop's limits."""

    REFUSE = "refuse"  # it does not take the account
    DELEVERAGE = "deleverage"  # it takes it, and what it may not hold is deleveraged at once (Hyperliquid, Oct 2025)


@dataclass(frozen=True, slots=True)
class BackstopRule:
    """The account that takes over positions nobody else took, with what margin is left.

    Attributes:
        account: house account name.
        takes_below: it takes over without trying the market when equity < this share of maintenance
            (Hyperliquid: 2/3; 0: never).
        takes_unfilled: it takes over what an order could not close in time.
        takes_bankrupt: it also takes accounts with equity below zero, and bears the shortfall.
        max_leverage: its gross notional may be at most this multiple of its equity; None: no such limit.
        max_notional: limit on gross notional in millionths of quote; None: no such limit.
        over_limit: what to do beyond the limits.
        work_out_share: share of each position it offers to the market per step.
        max_per_market: limit on its notional in one market; None: no such limit. Limits of what a vault may hold in one
            market are what was asked for after the JELLY event of 26 March 2025 (press).
        surplus_to: house account that receives what it earned, once it holds no position; "": nobody, it stays.
        surplus_above: what stays with it then, millionths of each asset.
    """

    account: str
    takes_below: Fraction
    takes_unfilled: bool
    takes_bankrupt: bool
    max_leverage: Fraction | None
    max_notional: int | None
    over_limit: OverLimit
    work_out_share: Fraction
    max_per_market: MarketAmount | None = None
    surplus_to: str = ""
    surplus_above: int = 0


@dataclass(frozen=True, slots=True)
class StepCaps:
    """Caps per account between two marks, millionths of the quote currency (dYdX v4: per block).

    ``max_notional`` bounds what is closed, ``max_fund_loss`` what fills beyond bankruptcy may draw.
    """

    max_notional: int
    max_fund_loss: int


@dataclass(frozen=True, slots=True)
class LiquidationRule:
    """All of it. ``deadline_ns`` is how long an intent stands.

    ``defaults_when_flat``: an account with equity below zero is in default only once its positions are closed in the
    market (Drift v2, Mango v4); otherwise as soon as its equity is below zero.
    """

    pace: Pace
    limit: LimitPrice
    fee: LiquidationFee
    deadline_ns: int
    backstop: BackstopRule | None = None
    defaults_when_flat: bool = False
    caps: StepCaps | None = None
    window: WindowRule | None = None

"""The waterfall part of a policy, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from fractions import Fraction

CAUSES = ("default", "exploit", "custody", "oracle", "treasury", "model")
OTHER_TIER = "other"


class LayerKind(Enum):
    """What a layer does when it is reached."""

    ACCOUNT = "account"  # a house account pays cash
    OWN_CONTRIBUTION = "own_contribution"  # what the defaulter's own member paid into the default fund
    MEMBERS = "members"  # the other members' contributions to the default fund, pro rata
    ASSESSMENT = "assessment"  # a cash call on the other members, capped
    DELEVERAGE = "deleverage"  # the defaulter's positions are closed against members on the other side
    GAINS_HAIRCUT = "gains_haircut"  # members' gains are cut pro rata
    OPEN_INTEREST = "open_interest"  # every open lot of the defaulter's market pays the same, longs and shorts
    CASH_HAIRCUT = "cash_haircut"  # every positive balance in the asset is cut pro rata
    WITHDRAWAL_RATE = "withdrawal_rate"  # what is left is borne by withdrawals, at one rate below one


PAYING = frozenset({LayerKind.ACCOUNT, LayerKind.OWN_CONTRIBUTION, LayerKind.MEMBERS})


class LimitScope(Enum):
    """What a limit on a layer counts draws over."""

    EVENT = "event"  # one default, also where what is left of it is recognised anew; or one declared loss
    ACCOUNT = "account"  # all losses of one defaulting account
    OWNER = "owner"  # all losses of all accounts of one owner: splitting an account does not multiply it
    MARKET = "market"  # all losses of one market
    PERIOD = "period"  # all losses inside a rolling window
    MARKET_PERIOD = "market_period"  # all losses of one market inside a rolling window


@dataclass(frozen=True, slots=True)
class Limit:
    """The most a layer pays within a scope.

    Attributes:
        scope: what is counted together.
        amount: millionths of the quote currency, over all assets; None when ``share_of_peak`` says it.
        by_tier: MARKET: amount (millionths) by tier of the market; a tier that is not named pays nothing.
        share_of_peak: fraction of the highest balance of the paying account inside the window.
        window_ns: length of the rolling window of the two PERIOD scopes.
    """

    scope: LimitScope
    amount: int | None = None
    by_tier: Mapping[str, int] | None = None
    share_of_peak: Fraction | None = None
    window_ns: int = 0


class CapHolder(Enum):
    """Whose gains share one lifetime cap of a gains haircut."""

    OWNER = "owner"  # all accounts of one owner: splitting them does not multiply the cap
    MEMBER = "member"  # all accounts of one clearing member; who has no member is capped by owner
    ACCOUNT = "account"  # one account, its isolated positions included


class RateOf(Enum):
    """What of a withdrawal is paid at a rate below one."""

    BALANCE = "balance"  # all of it
    PROFIT = "profit"  # what goes beyond the account's capital, which is senior and leaves at par


class GainsBase(Enum):
    """Which gains a gains haircut cuts."""

    UNREALISED = "unrealised"  # profit of open positions
    PERIOD = "period"  # what equity rose by, less deposits, since the period began (a cycle, a session, a day)


@dataclass(frozen=True, slots=True)
class LayerRule:
    """One layer.

    Attributes:
        name: shown in every report.
        kind: see ``LayerKind``.
        account: house account that pays (ACCOUNT only).
        causes: loss causes it covers.
        limits: the most it pays, each within its own scope; all hold at once.
        partial: False: it pays all that is left or nothing (dYdX v4).
        keep: ACCOUNT: balance it never goes below, millionths of the quote currency (Drift v2 keeps one unit in the vault).
        beside: it pays together with the layer before it, pro rata to what each has left (Eurex: members' fund with
            the second slice of own resources).
        cap: GAINS_HAIRCUT, CASH_HAIRCUT: largest fraction that may be cut.
        base: GAINS_HAIRCUT: which gains are cut.
        period_ns: length of the period of ``base`` PERIOD, counted from midnight UTC of day zero; 0: every step of marks.
        cap_each: GAINS_HAIRCUT: the most that this layer takes from one holder over its lifetime, millionths of the
            quote currency, over all assets; None: no such cap. What comes back does not lift it again.
        cap_per: GAINS_HAIRCUT: who is one holder.
        of: WITHDRAWAL_RATE: what the rate is of.
        pays: ACCOUNT: "all" losses, or only what "fills" of close-out orders cost beyond bankruptcy (dYdX v4: an
            account that found no buyer is deleveraged, the fund does not pay for it).
        deleverage: DELEVERAGE: its own rule (a tear-up is pro rata at the mark); None: the policy's.
        closes: DELEVERAGE: positions of "all" accounts in default, or of those only whose loss is "unpaid" when the layer
            is reached (BitMEX: nobody is deleveraged while the fund pays).
        then: name of the next layer; None: the next in the file.
        reinstated_after_ns: ACCOUNT: what it paid is put back so long after the use, with money from outside, once the
            default is over; 0: before the next one; None: never (Regulation 153/2013 art. 36: within one month).
    """

    name: str
    kind: LayerKind
    account: str = ""
    causes: frozenset[str] = frozenset({"default"})
    limits: tuple[Limit, ...] = ()
    partial: bool = True
    keep: int = 0
    beside: bool = False
    cap: Fraction = Fraction(1)
    base: GainsBase = GainsBase.UNREALISED
    period_ns: int = 0
    cap_each: int | None = None
    cap_per: CapHolder = CapHolder.OWNER
    of: RateOf = RateOf.BALANCE
    pays: str = "all"
    deleverage: DeleverageRule | None = None
    closes: str = "all"
    then: str | None = None
    reinstated_after_ns: int | None = field(default=None, metadata={"later": True})


class RankRule(Enum):
    """Who is deleveraged first."""

    PROFIT_LEVERAGE = "profit_leverage"  # (notional / equity) x (profit / entry notional), highest first
    PROFIT_MARGIN_RATIO = "profit_margin_ratio"  # profit / wallet x maintenance / equity, highest first (Binance)
    PRO_RATA = "pro_rata"  # everyone, in proportion to their lots
    BY_PROFIT = "by_profit"  # everyone, in proportion to the profit of their position
    BY_EQUITY = "by_equity"  # everyone, in proportion to their equity
    EQUAL = "equal"  # everyone the same, as far as their positions go
    LEVERAGE = "leverage"  # the most levered first, until the highest leverage is equal (water-filling)
    RISK_AWARE = "risk_aware"  # in proportion to profit x leverage
    RELIEF = "relief"  # by what closing takes off the account's own net exposure: hedges last
    PROJECTION = "projection"  # in proportion to the square of their lots: the least haircuts in sum of squares
    MIN_MAX = "min_max"  # whole lots so that the largest part of anyone's equity given up is least
    WALK = "walk"  # from a pseudo-random account onward in account order (dYdX v4)


class PriceRule(Enum):
    """At which price a deleveraged position is closed."""

    BANKRUPTCY = "bankruptcy"  # where the defaulter ends at exactly zero
    MARK = "mark"
    PREVIOUS_MARK = "previous_mark"  # the mark before the current one (Hyperliquid)
    ORACLE = "oracle"  # the index price, which the mark may differ from by its band (dYdX v4: final settlement)


@dataclass(frozen=True, slots=True)
class DeleverageRule:
    """How winners are closed.

    Attributes:
        seed: starts the WALK, together with market and turn.
        share: severity of the first attempt: the part of each position of an account in default that is closed at one
            Resolve, rounded up to a lot.
        backoff: each further attempt on the same account closes this multiple of the part before (exponential
            back-off, arXiv 2512.01112; 1: no change).
    """

    rank: RankRule
    price: PriceRule
    seed: int = 0
    share: Fraction = Fraction(1)
    backoff: Fraction = Fraction(1)

"""The vocabulary of a policy file: every key, what may stand there, and what it means in one line.

The reference page and ``seawall policy diff`` take their words from here; a test holds it against what the reader asks for.
"""

from __future__ import annotations

from typing import NamedTuple

from seawall.engine.halts import MEASURES
from seawall.engine.policy import CLAIMANT_CLASSES
from seawall.liquidation import FeeKind, HaltKind, LimitKind, OverLimit, PaceKind, Sense
from seawall.members import AuctionWhen, ContributionRule, Fails
from seawall.money import PROFILES
from seawall.waterfall import CAUSES, CapHolder, GainsBase, LayerKind, PriceRule, RankRule, RateOf


class Key(NamedTuple):
    """One key: its table, name, what may stand there, and its meaning."""

    table: str
    name: str
    form: str
    means: str

    @property
    def path(self) -> str:
        """Table and name with a dot between."""
        return f"{self.table}.{self.name}" if self.table else self.name


SHARE, AMOUNT, SECONDS, TEXT, COUNT, FLAG = "share", "amount", "seconds", "text", "whole number", "true or false"
BY_MARKET = "amount, or amounts by tier"


def _one_of(kinds: object) -> str:
    names = [k if isinstance(k, str) else k.value for k in kinds]  # type: ignore[attr-defined]
    return " or ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]


VOCABULARY: tuple[Key, ...] = tuple(
    Key(*row)
    for row in (
        ("", "name", TEXT, "name of the policy"),
        ("", "represents", TEXT, "which venue's rules, as what"),
        ("", "source", TEXT, "where the rules are written"),
        ("", "cannot_represent", TEXT, "what of the venue the file leaves out"),
        ("", "known_weaknesses", TEXT, "where the venue's own rule is known to be unsound"),
        ("margin", "pool", "asset or account", "judged per settle asset, or all assets together"),
        ("margin", "rounding", _one_of(sorted(PROFILES)), "rounding profile of every division"),
        ("margin", "maintenance_of_initial", SHARE, "maintenance requirement as a share of the initial one"),
        ("margin", "numeraire", TEXT, "asset in which accounts are judged as a whole"),
        ("margin.haircuts", "asset", TEXT, "collateral asset"),
        ("margin.haircuts", "floor", COUNT, "balance from which the haircut holds, book units"),
        ("margin.haircuts", "haircut", SHARE, "what is taken off its value"),
        ("oracle", "max_age_s", SECONDS, "older quotes are not used"),
        ("oracle", "max_future_s", SECONDS, "quotes from further ahead are not used"),
        ("oracle", "max_deviation", SHARE, "largest distance of a source from the median"),
        ("oracle", "quorum", COUNT, "fewest sources that must agree"),
        ("oracle", "max_jump", SHARE, "a larger move of a source must be confirmed"),
        ("oracle", "confirm", COUNT, "observations that confirm a jump"),
        ("oracle", "pinned_after", COUNT, "repeats after which a source counts as stuck"),
        ("oracle", "pinned_move", SHARE, "move of the others that makes a repeat suspicious"),
        ("marks", "kind", "last or banded", "the mark is the last trade, or held within a band of the index"),
        ("marks", "band", SHARE, "width of the band"),
        ("marks", "fallback", "index or hold", "the mark when the trade is outside the band"),
        ("marks", "without_index", "trade or hold", "the mark when there is no index"),
        ("marks", "max_age_s", SECONDS, "an older last trade is stale"),
        ("liquidation", "deadline_s", SECONDS, "how long a close-out order stands"),
        ("liquidation", "defaults", "negative or flat", "in default when equity is below zero, or only once flat too"),
        ("liquidation.pace", "kind", _one_of(PaceKind), "how fast an account at risk is closed"),
        ("liquidation.pace", "above", AMOUNT, "share and ramp: smaller positions go at once"),
        ("liquidation.pace", "share", SHARE, "first share (share, ramp), the step (target), or expected cost (series)"),
        ("liquidation.pace", "cooldown_s", SECONDS, "wait after a partial attempt"),
        ("liquidation.pace", "buffer", SHARE, "buffer: what must be left over maintenance"),
        ("liquidation.pace", "target", SHARE, "target: margin ratio to undercut"),
        ("liquidation.pace", "duration_s", SECONDS, "ramp: time in which the share grows by one"),
        ("liquidation.limit", "kind", _one_of(LimitKind), "worst price of a close-out order"),
        ("liquidation.limit", "adjustment", SHARE, "fillable: weight of how far equity has fallen"),
        ("liquidation.limit", "spread", SHARE, "fillable: of the requirement; spread: fee off the mark"),
        ("liquidation.limit", "grace_s", SECONDS, "spread: time before the fee grows"),
        ("liquidation.limit", "growth_per_s", SHARE, "spread: growth of the fee a second"),
        ("liquidation.limit", "most", SHARE, "spread: largest fee"),
        ("liquidation.fee", "kind", _one_of(FeeKind), "what a close-out pays to the fund"),
        ("liquidation.fee", "rate", SHARE, "of notional, or of the requirement removed (penalty)"),
        ("liquidation.fee", "account", "house account", "who receives the fee"),
        ("liquidation.caps", "max_notional", AMOUNT, "most closed of one account between two marks"),
        ("liquidation.caps", "max_fund_loss", AMOUNT, "most that its fills may cost the fund between two marks"),
        (
            "liquidation.window",
            "fee",
            SHARE,
            "maker plus taker fee: a larger one pays for more forced flow",
        ),
        (
            "liquidation.window",
            "depth",
            BY_MARKET,
            "skew scale: the imbalance, as notional, that moves the price by 100 %",
        ),
        ("liquidation.window", "multiplier", "factor", "of fee x depth x seconds, which is what a window takes"),
        (
            "liquidation.window",
            "window_s",
            SECONDS,
            "how long a close-out counts. All accounts' orders in a market share a window; an empty one lets one lot through. "
            "Not bounded: what the backstop takes over and sells, deleveraging",
        ),
        ("backstop", "account", "house account", "who takes positions over"),
        ("backstop", "takes_below", SHARE, "of maintenance: below it, taken over without trying the market"),
        ("backstop", "takes_unfilled", FLAG, "takes what an order could not close in time"),
        ("backstop", "takes_bankrupt", FLAG, "takes accounts below zero too, and bears their shortfall"),
        ("backstop", "max_leverage", "factor", "gross notional over its equity, at most"),
        ("backstop", "max_notional", AMOUNT, "gross notional, at most"),
        (
            "backstop",
            "max_notional_per_market",
            BY_MARKET,
            "its notional in one market, at most; beyond it over_limit acts for that market",
        ),
        ("backstop", "over_limit", _one_of(OverLimit), "beyond its limits it takes nobody, or passes on"),
        ("backstop", "work_out_share", SHARE, "of each position, offered to the market each step"),
        ("backstop", "surplus_to", "house account", "of role fund: receives its surplus once it holds no position"),
        ("backstop", "surplus_above", AMOUNT, "of each asset: what stays with it then"),
        ("layers", "name", TEXT, "shown in every report"),
        ("layers", "kind", _one_of(LayerKind), "what the layer does"),
        ("layers", "account", "house account", "account: who pays"),
        ("layers", "causes", _one_of(CAUSES), "causes of loss it covers"),
        ("layers", "limit_per_event", AMOUNT, "most for one loss"),
        ("layers", "limit_per_account", AMOUNT, "most for all losses of one account"),
        ("layers", "limit_per_owner", AMOUNT, "most for all losses of all accounts of one owner"),
        ("layers", "limit_per_market", BY_MARKET, "most for all losses of one market"),
        ("layers", "partial", FLAG, "account: pays what it can, or all or nothing"),
        ("layers", "keep", AMOUNT, "account: balance it never goes below"),
        ("layers", "beside", FLAG, "pays together with the layer before it, pro rata to what each has"),
        ("layers", "cap", SHARE, "gains_haircut, cash_haircut: largest cut"),
        ("layers", "base", _one_of(GainsBase), "gains_haircut: which gains"),
        ("layers", "period_s", SECONDS, "gains_haircut: length of the period; 0: every step of marks"),
        ("layers", "cap_each", AMOUNT, "gains_haircut: most it ever takes from one holder, over all losses"),
        ("layers", "cap_per", _one_of(CapHolder), "gains_haircut: whose accounts share one cap_each"),
        (
            "layers",
            "of",
            _one_of(RateOf),
            "withdrawal_rate: all of a withdrawal bears losses, or its profit; capital is paid in full",
        ),
        ("layers", "pays", "all or fills", "account: every loss, or what fills cost beyond bankruptcy"),
        ("layers", "closes", "all or unpaid", "deleverage: whoever is in default, or whose loss is unpaid"),
        (
            "layers",
            "reinstated_after_s",
            SECONDS,
            "account: what it paid is put back so long after; 0: before the next default",
        ),
        ("layers", "then", "layer, or residual", "where the rest goes; without it, to the next in the file"),
        ("layers.limit_per_period", "amount", AMOUNT, "most inside the rolling window"),
        ("layers.limit_per_period", "share_of_peak", SHARE, "most, of the account's peak inside the window"),
        ("layers.limit_per_period", "per", "all or market", "counted over all losses, or for each market"),
        ("layers.limit_per_period", "window_s", SECONDS, "length of the window"),
        ("layers.deleverage", "rank", _one_of(RankRule), "its own rule: who is deleveraged"),
        ("layers.deleverage", "price", _one_of(PriceRule), "its own rule: at which price"),
        ("layers.deleverage", "seed", COUNT, "its own rule: start of the walk"),
        ("layers.deleverage", "share", SHARE, "its own rule: part of each position closed at the first attempt"),
        ("layers.deleverage", "backoff", SHARE, "its own rule: multiple of that part at each further attempt"),
        ("deleverage", "rank", _one_of(RankRule), "who is deleveraged"),
        ("deleverage", "price", _one_of(PriceRule), "at which price"),
        ("deleverage", "seed", COUNT, "start of the walk"),
        ("deleverage", "share", SHARE, "part of each position closed at the first attempt"),
        ("deleverage", "backoff", SHARE, "multiple of that part at each further attempt"),
        (
            "profit_cap",
            "account",
            "house account",
            "whose money pays profits; it takes the other side of what is closed",
        ),
        (
            "profit_cap",
            "cap",
            "share, or shares by tier",
            "of the pool: above it, winners of that market and side are closed",
        ),
        ("profit_cap", "floor", "share, or shares by tier", "of the pool: closing never brings their profits below it"),
        ("house", "name", TEXT, "an account of the venue's own"),
        ("house", "role", "fund or backstop", "what it is"),
        ("house", "opening", AMOUNT, "what it opens with, where the book brings none"),
        ("house", "share_of_cash", SHARE, "it opens with this share of the members' cash"),
        ("tiers", "<tier>", "list of coins", "coins of a tier; any other coin is of tier other"),
        ("members", "fund", AMOUNT, "size of the default fund"),
        ("members", "fund_share_of_cash", SHARE, "size as a share of the members' cash"),
        ("members", "contribution", _one_of(ContributionRule), "how the fund is shared"),
        ("members", "minimum", AMOUNT, "least contribution"),
        ("members", "fixed_each", AMOUNT, "weighted: what everybody pays"),
        (
            "members",
            "weights",
            "shares by measure",
            "weighted: shares of risk (initial requirement), open_interest (gross notional) and stress (own worst stress "
            "loss over margin) in the rest; they sum to one",
        ),
        ("members", "assign", COUNT, "members that accounts are assigned to where the book names none"),
        ("members", "call_per_default", "multiple", "most called for one loss, of the contribution"),
        ("members", "call_per_window", "multiple", "most called within the window"),
        ("members", "window_s", SECONDS, "length of the window, which opens when a loss reaches members' money"),
        ("members", "reinstated_after_s", SECONDS, "members put back what was used so long after the window closes"),
        (
            "members",
            "reinstated_inside_window",
            FLAG,
            "so long after the use instead, as far as the window's cap has room",
        ),
        ("members", "fails", _one_of(Fails), "a member whose own loss used up what it paid in is in default, or not"),
        ("members", "groups", "lists of members", "affiliates: they default together, what they paid in counts as one"),
        ("members.size", "cover", "1 to 5", "size by stress: so many of the largest members (groups) fail together"),
        ("members.size", "buffer", SHARE, "what is added to their stress loss over margin"),
        ("members.size", "emir_minimum", FLAG, "at least the largest, or the second and third together"),
        ("members.size", "least", AMOUNT, "never less than this"),
        ("members.size.stresses", "name", TEXT, "shown in every table"),
        ("members.size.stresses", "move", "change", "of the price of every coin, such as -0.3"),
        ("members.size.stresses", "moves", "changes by coin or market", "of the prices of these; the others: other"),
        ("members.size.stresses", "scenario", "scenario", "each coin's move farthest from where that event began"),
        ("members.size.stresses", "other", "change", "of the price of every coin that is not named"),
        ("members.auction", "least", AMOUNT, "smallest portfolio, gross notional, that is auctioned among the members"),
        (
            "members.auction",
            "when",
            _one_of(AuctionWhen),
            "before the market answers its orders, or what it did not take of them",
        ),
        ("members.auction", "length_s", SECONDS, "bids are taken for so long; shorter than an order stands"),
        ("members.auction", "invites", "all or whole number", "who may bid: all others, or so many of the largest"),
        ("members.auction", "reserve", SHARE, "most paid to the winner, of the portfolio's notional"),
        ("members.auction", "competitive_within", SHARE, "of notional below the winner: still a competitive bid"),
        ("halts", "kind", _one_of(HaltKind), "what stands still; deleveraging: a switch"),
        ("halts", "length_s", SECONDS, "from the last time a criterion was met"),
        ("halts", "longest_s", SECONDS, "never longer than this"),
        ("halts", "rest_s", SECONDS, "rest after the longest, before it may begin again"),
        ("halts.starts", "measure", _one_of(sorted(MEASURES)), "any of these criteria starts it: what is looked at"),
        ("halts.starts", "is", _one_of(Sense), "on which side of the threshold"),
        ("halts.starts", "threshold", "number", "of units, accounts, seconds (outage), or a share of the price (move)"),
        ("halts.ends", "measure", _one_of(sorted(MEASURES)), "all of these criteria end it early: what is looked at"),
        ("halts.ends", "is", _one_of(Sense), "on which side of the threshold"),
        ("halts.ends", "threshold", "number", "of units, accounts, seconds (outage), or a share of the price (move)"),
        ("wind_down", "price", "last_index or window_average", "how every market's settlement price is found"),
        ("wind_down", "window_s", SECONDS, "window of the average"),
        ("wind_down", "classes", _one_of(CLAIMANT_CLASSES), "claimants, first paid first"),
        ("wind_down", "claims_s", SECONDS, "how long claims may be filed"),
        ("wind_down", "interim_share", SHARE, "most that an interim distribution pays out"),
        ("auctions.debt", "lot", AMOUNT, "what nobody paid, sold in one auction: the price that is fixed"),
        ("auctions.debt", "first_shares", COUNT, "shares offered for the first lot; bids ask for fewer"),
        ("auctions.debt", "wait_s", SECONDS, "how long a loss has been unpaid before it may be auctioned"),
        ("auctions.debt", "restart", "factor", "the offer is multiplied by it when nobody bid"),
        ("auctions.debt", "improvement", "factor", "a bid must beat the last one by it"),
        ("auctions.debt", "bid_s", SECONDS, "a bid that nobody beats for so long wins"),
        ("auctions.debt", "length_s", SECONDS, "longest duration in all"),
        ("auctions.surplus", "account", "house account", "whose surplus is sold for shares, which are burned"),
        ("auctions.surplus", "lot", AMOUNT, "surplus sold in one auction"),
        ("auctions.surplus", "buffer", AMOUNT, "what it keeps beside all debt"),
        ("auctions.surplus", "most_at_once", AMOUNT, "most on sale at one time"),
        ("auctions.surplus", "improvement", "factor", "a bid must beat the last one by it"),
        ("auctions.surplus", "bid_s", SECONDS, "a bid that nobody beats for so long wins"),
        ("auctions.surplus", "length_s", SECONDS, "longest duration in all"),
    )
)
MEANS = {key.path: key.means for key in VOCABULARY}

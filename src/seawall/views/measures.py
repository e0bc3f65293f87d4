"""The metrics of studies (comparison, sensitivity) as a person reads them: name, kind, and which direction is better."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from seawall.views.formats import Scalar


@dataclass(frozen=True, slots=True)
class Measure:
    """A metric of a study.

    Attributes:
        key: in the study's rows.
        title: in plain words.
        kind: of ``formats.KINDS``.
        better: -1 where less is better, 1 where more is better, 0 where neither can be said.
    """

    key: str
    title: str
    kind: str
    better: int = 0


MEASURES = (
    Measure("liquidated_accounts", "accounts liquidated", "count"),
    Measure("liquidated_notional", "closed in the market", "money"),
    Measure("taken_over_accounts", "accounts taken over", "count"),
    Measure("taken_over_notional", "notional taken over", "money"),
    Measure("backstop_pnl", "the backstop’s result", "money", 1),
    Measure("bad_debt", "losses beyond margin", "money", -1),
    Measure("deleveraged_accounts", "winners deleveraged", "count", -1),
    Measure("deleveraged_notional", "notional deleveraged", "money", -1),
    Measure("needed", "asked of deleveraging", "money", -1),
    Measure("collected", "given up by winners", "money", -1),
    Measure("overshoot", "taken beyond need", "money"),
    Measure("short", "asked of deleveraging and not collected", "money", -1),
    Measure("haircut", "cut from gains", "money", -1),
    Measure("haircut_max_of_profit", "most any winner gave up of its profit", "share", -1),
    Measure("haircut_max_of_equity", "most any winner gave up of its equity", "share", -1),
    Measure("haircut_gini_of_profit", "Gini of the shares of profit given up", "ratio", -1),
    Measure("haircut_gini_of_equity", "Gini of the shares of equity given up", "ratio", -1),
    Measure("pain_top20", "borne by the largest twenty", "share"),
    Measure("pain_gini", "Gini of what was borne", "ratio"),
    Measure("members_paid", "paid out of members’ contributions", "money", -1),
    Measure("called", "called from members", "money", -1),
    Measure("charged", "charged to open positions", "money", -1),
    Measure("cash_cut", "cut from balances", "money", -1),
    Measure("on_withdrawals", "put on withdrawals", "money", -1),
    Measure("auctions_held", "portfolios auctioned", "count"),
    Measure("auctions_sold", "portfolios sold by auction", "count"),
    Measure("auction_cost", "paid to those who took them", "money", -1),
    Measure("fund_auctions_won", "auctions of the fund won", "count"),
    Measure("residual", "left unpaid", "money", -1),
    Measure("pending", "not final at the end", "money", -1),
    Measure("declared", "losses for other causes than default", "money"),
    Measure("declared_unpaid", "of these, left unpaid", "money", -1),
    Measure("recovered", "came back later", "money"),
    Measure("withdrawn", "withdrawn in runs", "money"),
    Measure("paid_out", "paid out at the end of the venue", "money"),
    Measure("house_gain", "result of the house account best off", "money"),
    Measure("winner_gain", "result of the trader best off", "money"),
    Measure("fund_before", "house equity before", "money"),
    Measure("fund_after", "house equity after", "money"),
)


def exact(measure: Measure, value: Scalar) -> Scalar:
    """A study's value (decimal text for amounts and shares) as an exact number."""
    if value is None or measure.kind == "count":
        return value
    return Decimal(str(value))


def verdicts(values: dict[str, Decimal], better: int) -> dict[str, str]:
    """Which of several values is best and which worst: {name: "best" or "worst"}. Nothing where all are alike."""
    if better == 0 or len(set(values.values())) < 2:
        return {}
    top, bottom = max(values.values()), min(values.values())
    good, bad = (top, bottom) if better > 0 else (bottom, top)
    found = {name: "best" for name, value in values.items() if value == good}
    return found | {name: "worst" for name, value in values.items() if value == bad}

"""In plain words: the fund's auctions of debt and of surplus, and who paid what nobody had paid."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from seawall.views.decision_terms import Terms, clock, loss_of

Event = Mapping[str, Any]


def _count(number: int) -> str:
    return f"{number:,} share{'' if number == 1 else 's'}"


def _who(e: Event, me: str | None) -> str:
    return "" if e["account"] == me else f"{e['account']} "


def _opened(e: Event, t: Terms, me: str | None) -> str:
    amount, until = t.money(e["asset"], e["amount"]), clock(e["until_ns"])
    if e["sells"] == "debt":
        offer = f"{amount} of losses that nobody paid, for at most {_count(e['shares'])} of the fund"
    else:
        offer = f"{amount} of the fund’s surplus, for shares that are burned"
    return f"auction {e['auction']} began: {offer}, at the latest until {until}"


def _bid(e: Event, t: Terms, me: str | None) -> str:
    debt, who = e["sells"] == "debt", _who(e, me)
    asks = f"asks for {_count(e['shares'])} for {t.money(e['asset'], e['amount'])}, paid"
    what = asks if debt else f"offers {_count(e['shares'])}, put in"
    told = f"{who}leads auction {e['auction']}: {what}; it wins unless beaten before {clock(e['decides_ns'])}"
    if not e["counterparty"]:
        return told
    back = t.money(e["asset"], e["returned"]) if debt else _count(e["returned"])
    return f"{told}; {e['counterparty']}, who led before, has {back} back"


def _restarted(e: Event, t: Terms, me: str | None) -> str:
    offer = f", now for at most {_count(e['shares'])}" if e["sells"] == "debt" else ""
    return f"nobody bid in auction {e['auction']}: it began again{offer}, until {clock(e['until_ns'])}"


REASONS = {
    "debt_paid": "the debt was paid meanwhile",
    "debt_too_small": "less than a lot of debt is left",
    "debt_left": "the surplus has debt to pay first",
    "surplus_left": "the fund has a surplus that pays debt first",
    "surplus_gone": "the surplus is no longer there beside debt and buffer",
    "surplus_too_small": "the surplus is no longer there beside debt and buffer",
    "too_much_on_sale": "too much surplus is on sale",
    "no_bid": "nobody bid, and the offer is as high as it can be",
    "wound_down": "the venue was wound down",
}


def _closed(e: Event, t: Terms, me: str | None) -> str:
    debt, asset = e["sells"] == "debt", e["asset"]
    back = t.money(asset, e["returned"]) if debt else _count(e["returned"])
    if e["outcome"] != "won":
        told = f"auction {e['auction']} was called off: {REASONS.get(e['reason'], e['reason'])}"
        return f"{told}; {e['account']} has {back} back" if e["returned"] else told
    who, amount = _who(e, me), t.money(asset, e["amount"])
    if not debt:
        return f"{who}won auction {e['auction']}: {amount} for {_count(e['shares'])}, which were burned"
    rest = f"; {back} found no debt and went back" if e["returned"] else ""
    return f"{who}won auction {e['auction']}: {_count(e['shares'])} for {amount}{rest}"


def _residual(e: Event, t: Terms, me: str | None) -> str:
    told = (
        f"{t.money(e['asset'], e['amount'])} that nobody had paid of loss {e['loss']}{loss_of(e['account'])} was paid"
    )
    source = str(e["source"])
    if source.startswith("auction:"):
        return f"{told} by the winner of auction {source.removeprefix('auction:')}"
    return f"{told} by {source}, out of what it had above its buffer"


AUCTIONS: Mapping[str, Callable[[Event, Terms, str | None], str]] = {
    "fund_auction_opened": _opened,
    "fund_bid": _bid,
    "fund_auction_restarted": _restarted,
    "fund_auction_closed": _closed,
    "residual_paid": _residual,
}

"""Events in plain words, as the account they happened to would be told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from seawall.money import exact_text
from seawall.views.decision_shared import SHARED
from seawall.views.decision_terms import Terms, loss_of, payer, whose

Event = Mapping[str, Any]


def sentence(event: Event, terms: Terms, me: str | None) -> str:
    """One event in one sentence. ``me``: whose story it is part of; None: nobody's."""
    told = _WORDS.get(event["kind"])
    return event["kind"].replace("_", " ") if told is None else told(event, terms, me)


def _started(e: Event, t: Terms, me: str | None) -> str:
    many = f"{e['positions']} position{'' if e['positions'] == 1 else 's'}"
    return (
        f"{whose(e['account'], me)}liquidation began: equity {t.money(e['asset'], e['equity'])} was below the maintenance "
        f"requirement of {t.money(e['asset'], e['maintenance'])} for {many} worth {t.money(e['asset'], e['notional'])}"
    )


def _opened(e: Event, t: Terms, me: str | None) -> str:
    side = "sell" if e["lots"] < 0 else "buy"
    limit = "at market" if e["limit"] is None else f"no worse than {t.mark(e['market'], e['limit'])}"
    return f"{whose(e['account'], me)}order {e['intent']} to {side} {t.size(e['market'], e['lots'])} of {e['market']}, {limit}"


def _filled(e: Event, t: Terms, me: str | None) -> str:
    mine = me != e["counterparty"]
    lots = e["lots"] if mine else -e["lots"]
    side = "sold" if lots < 0 else "bought"
    what = f"{side} {t.size(e['market'], lots)} of {e['market']} at {t.mark(e['market'], e['price'])}"
    if not mine:
        forced = "forced" if e["purpose"] == "close_out" else "work-out"
        return f"{what}, the other side of {forced} order {e['intent']} of {e['account']}"
    gain = t.money(e["asset"], abs(e["gain"]))
    against = "at the mark" if not e["gain"] else f"{gain} {'better' if e['gain'] > 0 else 'worse'} than the mark"
    more = f"; fee {t.money(e['asset'], e['fee'])}" if e["fee"] else ""
    more += f"; {t.money(e['asset'], e['draw'])} drawn from the layers" if e["draw"] else ""
    forced = "forced order" if e["purpose"] == "close_out" else "work-out order"
    return f"{whose(e['account'], me)}{forced} {e['intent']} {what}, {against}{more}"


def _lapsed(e: Event, t: Terms, me: str | None) -> str:
    return f"order {e['intent']} ended with {abs(e['lots']):,} lots unfilled: nobody took them in time at its limit"


_ENDS = {
    "restored": "equity was above the requirement again",
    "closed": "no position was left",
    "taken_over": "the backstop had taken everything",
    "deleveraged": "its positions had been closed by deleveraging",
}


def _held(e: Event, t: Terms, me: str | None) -> str:
    window = f"{e['window_ns'] / 10**9:,.6g} s"
    full = Fraction(e["closed"] + e["open"], e["capacity"]) if e["capacity"] else None
    used = "takes nothing" if full is None else f"takes {_much(e, t, 'capacity')}, and {float(full):.1%} of it was used"
    order = f"{t.size(e['market'], e['asked'])} of {e['market']}"
    what = (
        f"close-out of {order} was left waiting"
        if not e["lots"]
        else f"close-out of {order} was cut to {t.size(e['market'], e['lots'])}"
    )
    return (
        f"{whose(e['account'], me)}{what}: the market's window of {window} {used} "
        f"({_much(e, t, 'closed')} closed, {_much(e, t, 'open')} in open orders)"
    )


def _much(e: Event, t: Terms, field: str) -> str:
    """What a window counts: money, or lots of an inverse market."""
    inverse = t.markets[e["market"]].inverse
    return t.size(e["market"], e[field]) if inverse else t.money(e["asset"], e[field])


def _surplus(e: Event, t: Terms, me: str | None) -> str:
    amount = t.money(e["asset"], e["amount"])
    return f"{whose(e['account'], me)}surplus of {amount} went to {e['to']}: no position was left to hold it for"


def _ended(e: Event, t: Terms, me: str | None) -> str:
    why = _ENDS.get(e["outcome"], e["outcome"])
    return f"{whose(e['account'], me)}liquidation ended: {why}; equity {t.money(e['asset'], e['equity'])}"


def _taken(e: Event, t: Terms, me: str | None) -> str:
    many = ", ".join(f"{'long' if n > 0 else 'short'} {t.size(m, n)} of {m}" for m, n in e["positions"])
    left = f"{t.money(e['asset'], abs(e['margin']))} of equity" if e["margin"] >= 0 else "no equity but a shortfall"
    if e["margin"] < 0:
        left = f"a shortfall of {t.money(e['asset'], -e['margin'])}"
    name = "the backstop" if e["backstop"] == "backstop" else f"{e['backstop']} (the backstop)"
    whom = "took over" if me == e["backstop"] else f"{name} took over"
    return f"{whom} {e['account']} at the mark: {many}, with {left}"


def _loss(e: Event, t: Terms, me: str | None) -> str:
    if e["cause"] != "default":
        return f"loss {e['loss']}{loss_of(e['account'])} was declared: {t.money(e['asset'], e['amount'])} of the venue's money is gone"
    return f"loss {e['loss']} of {e['account']} was booked: {t.money(e['asset'], e['amount'])} beyond its margin"


def _drawn(e: Event, t: Terms, me: str | None) -> str:
    whom = "" if e["source"] == e["layer"] else f" ({payer(e['source'])})"
    return f"layer {e['layer']!r}{whom} paid {t.money(e['asset'], e['amount'])} of loss {e['loss']}"


def _needed(e: Event, t: Terms, me: str | None) -> str:
    return f"{t.money(e['asset'], e['amount'])} of loss {e['loss']} was left for deleveraging to collect"


def _shared(e: Event, t: Terms, me: str | None) -> str:
    side = "long" if e["lots"] > 0 else "short"
    why = f"for loss {e['loss']}" if e["loss"] else "the backstop was over its limit"
    n = len(e["parts"])
    return (
        f"{whose(e['account'], me)}{side} {t.size(e['market'], e['done'])} of {e['market']} was closed by deleveraging "
        f"({why}) against {n} account{'' if n == 1 else 's'}, who gave up {t.money(e['asset'], e['collected'])} in all"
    )


def _deleveraged(e: Event, t: Terms, me: str | None) -> str:
    side = "short" if e["lots"] > 0 else "long"
    price = t.price_of_worth(e["market"], abs(e["value"]) / max(1, abs(e["lots"])))
    cost = e["cost"]
    gave = (
        "at the mark"
        if not cost
        else f"{t.money(e['asset'], abs(cost))} {'worse' if cost > 0 else 'better'} than the mark"
    )
    if me == e["counterparty"]:
        return f"{t.size(e['market'], e['lots'])} of {e['market']} went to {e['account']} (rank {e['rank']}) at {price}"
    why = f"to cover loss {e['loss']} of {e['counterparty']}"
    if e.get("cause") == "profit_cap":
        why = f"because the profits of all {side}s in {e['market']} were above their cap of what {e['counterparty']} can pay"
    elif not e["loss"]:
        why = f"because {e['counterparty']} was over its limit"
    return (
        f"{'' if e['account'] == me else e['account'] + ' '}was deleveraged: rank {e['rank']}, {t.size(e['market'], e['lots'])} of its {side} "
        f"{e['market']} was closed at about {price}, {gave}, {why}"
    )


def _capped(e: Event, t: Terms, me: str | None) -> str:
    asset, left = e["asset"], e["residual"]
    share = f" ({e['profit'] / e['pool']:.1%})" if e["pool"] > 0 else ""
    told = (
        f"profits of all {e['side']}s in {e['market']} were {t.money(asset, e['profit'])} of a pool of "
        f"{t.money(asset, e['pool'])}{share}, above the cap: {t.money(asset, e['needed'])} had to be paid to be within it; "
        f"{t.size(e['market'], e['lots'])} was closed at the mark against {e['account']}, and {t.money(asset, e['collected'])} of profit was paid"
    )
    if not left:
        return told
    why = "what remained would have passed the floor, or nobody was left to close" if e["lots"] else "nobody was closed"
    if e["profit"] >= e["pool"]:
        why = "profits were all of the pool and more, so that paying some would have been at the cost of the others"
    return f"{told}; {t.money(asset, left)} was left: {why}"


def _haircut(e: Event, t: Terms, me: str | None) -> str:
    if e["why"][0][0] == "haircut.at_cap":
        given = dict(e["why"][0][1])
        return (
            f"{given['holder']} met its lifetime cap of {exact_text(Fraction(given['cap'], 10**6))}: of its gains in {e['asset']} "
            f"{t.money(e['asset'], e['amount'])} were cut, all that was left of it"
        )
    num, den = e["rate"]
    whole = f"gains in {e['asset']} were cut by {num / den:.4%}, {t.money(e['asset'], e['amount'])} in all"
    mine = sum(cut for name, cut in e["cuts"] if name == me)
    return f"{whole}; of {me} {t.money(e['asset'], mine)}" if mine else whole


def _residual(e: Event, t: Terms, me: str | None) -> str:
    return f"nobody paid {t.money(e['asset'], e['amount'])} of loss {e['loss']}{loss_of(e['account'])}: it stays open"


def _carried(e: Event, t: Terms, me: str | None) -> str:
    return f"{t.money(e['asset'], e['amount'])} of loss {e['loss']} is not final: {e['account']} still holds positions"


def _claim(e: Event, t: Terms, me: str | None) -> str:
    who = "" if e["holder"] == me else f"{payer(e['holder'])} "
    back = (
        f"comes back of loss {e['loss']}" if e["loss"] else "the venue pays back for what its backstop could not hold"
    )
    return f"{who}holds a claim of rank {e['rank']} on what {back}: {t.money(e['asset'], e['amount'])}"


def _traded(e: Event, t: Terms, me: str | None) -> str:
    return f"{e['buyer']} bought {t.size(e['market'], e['lots'])} of {e['market']} from {e['seller']}"


def _moved(e: Event, t: Terms, me: str | None) -> str:
    asset = t.assets[e["asset"]]
    amount = t.money(e["asset"], abs(e["amount_minor"]) // asset.minor_per_book)
    what = {"withdraw": "withdrawal"}.get(e["code"], e["code"].replace("_", " "))
    return f"{whose(e['account'], me)}{what} of {amount}"


def _converted(e: Event, t: Terms, me: str | None) -> str:
    sold, bought = t.money(e["sold"], e["sold_amount"]), t.money(e["bought"], e["bought_amount"])
    return f"collateral was sold at the index price to cover a negative balance: {sold} for {bought}"


def _settled(e: Event, t: Terms, me: str | None) -> str:
    side = "short" if e["lots"] > 0 else "long"
    price = t.price_of_value(e["market"], e["value"], e["lots"])
    return f"{whose(e['account'], me)}{side} {t.size(e['market'], e['lots'])} of {e['market']} was settled at {price}"


def _funding(e: Event, t: Terms, me: str | None) -> str:
    return f"funding of {e['market']}: {e['per_lot']} book units a lot"


_WORDS: Mapping[str, Callable[[Event, Terms, str | None], str]] = {
    "liquidation_started": _started,
    "close_out_held": _held,
    "intent_opened": _opened,
    "filled": _filled,
    "intent_lapsed": _lapsed,
    "liquidation_ended": _ended,
    "taken_over": _taken,
    "surplus_passed": _surplus,
    "loss_recognised": _loss,
    "drawn": _drawn,
    "deleverage_needed": _needed,
    "deleverage_shared": _shared,
    "deleveraged": _deleveraged,
    "profit_capped": _capped,
    "gains_haircut": _haircut,
    "residual": _residual,
    "loss_carried": _carried,
    "claim_opened": _claim,
    "traded": _traded,
    "moved": _moved,
    "converted": _converted,
    "position_settled": _settled,
    "funding_paid": _funding,
    **SHARED,
}

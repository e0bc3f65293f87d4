"""Who stood where in a deleveraging queue, and which layers had nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seawall.engine import State
from seawall.engine.deleverage import Queue
from seawall.journal import Located
from seawall.views.decision_moment import Avoided, Moment, avoid_deleveraging, taken_in
from seawall.views.decision_terms import Terms
from seawall.waterfall import LayerKind, LayerState, RankRule
from seawall.waterfall import queue_of as waterfall_queue

AROUND = 3
Event = Mapping[str, Any]
_PARTS = {
    RankRule.PROFIT_LEVERAGE: ("profit", "entry", "notional", "equity"),
    RankRule.PROFIT_MARGIN_RATIO: ("profit", "wallet", "maintenance", "equity"),
    RankRule.PRO_RATA: ("lots",),
    RankRule.BY_PROFIT: ("profit",),
    RankRule.BY_EQUITY: ("equity",),
    RankRule.EQUAL: ("lots",),
    RankRule.LEVERAGE: ("notional", "equity"),
    RankRule.RISK_AWARE: ("profit", "notional", "equity"),
    RankRule.RELIEF: ("relief",),
    RankRule.PROJECTION: ("lots",),
    RankRule.MIN_MAX: ("lots", "equity"),
    RankRule.WALK: (),
}


@dataclass(frozen=True, slots=True)
class Place:
    """One place of a queue. ``taken``: lots closed of ``lots``. ``parts``: what the score is made of, book units."""

    rank: int
    account: str
    score: int
    lots: int
    taken: int
    parts: dict[str, int]
    this: bool


@dataclass(frozen=True, slots=True)
class Queued:
    """The queue around one account as it was at that moment: ``size`` in it, the last one reached at ``reached``."""

    market: str
    rule: str
    size: int
    reached: int
    asked_lots: int
    places: tuple[Place, ...]


def queue_of(state: State, terms: Terms, found: Located, moment: Moment) -> tuple[Queued | None, list[Avoided]]:
    """The queue of a deleveraging event, and what would have kept its account out of it."""
    queue = its_queue(state, found, moment)
    if queue is None:
        return None, []
    c, symbol, rule = queue.candidates, found.event["market"], queue.rule
    asked = sum(abs(need.lots) for need in queue.needs)
    order, scores, _ = waterfall_queue(rule, c, asked, market=symbol, turn=queue.turn, unit=queue.unit)
    taken = taken_in(state, queue)
    at = found.event["rank"] - 1
    places = []
    for i in range(max(0, at - AROUND), min(len(order), at + AROUND + 1)):
        index = order[i]
        parts = {name: int(getattr(c, name)[index]) for name in _PARTS[rule.rank]}
        name = state.account_name(int(c.accounts[index]))
        places.append(Place(i + 1, name, scores[i], int(c.lots[index]), taken.get(index, 0), parts, i == at))
    reached = max((i + 1 for i, index in enumerate(order) if index in taken), default=0)
    told = Queued(symbol, rule.rank.value, len(order), reached, asked, tuple(places))
    return told, avoid_deleveraging(state, queue, order[at])


def its_queue(state: State, found: Located, moment: Moment) -> Queue | None:
    """The last queue of its market that was formed before the event."""
    market = found.event.get("market")
    mine = [q for k, q in moment.queues if k < found.place and state.instrument(q.market).symbol == market]
    return mine[-1] if mine else None


def skipped_layers(state: State, terms: Terms, found: Located, moment: Moment, events: Sequence[Event]) -> list[str]:
    """For an event of a layer, and for a residual: what the layers before it had and paid, in order of use.

    ``events`` are all of the record: what a layer without a balance took is in them.
    """
    event = found.event
    loss = event.get("loss")
    if loss is None or (event["kind"] != "residual" and "layer" not in event):
        return []
    cause = next((e["cause"] for e in events if e["kind"] == "loss_recognised" and e["loss"] == loss), "default")
    had = {seen.name: (left, seen) for number, left, seen in moment.layers if number == loss}
    asset = event["asset"]
    paid = _paid(events, loss)
    out = []
    for rule in state.policy.layers:
        if rule.name == event.get("layer"):
            break
        amount = paid.get(rule.name, 0)
        if cause not in rule.causes:
            out.append(f"{rule.name}: passed over, does not cover {cause}")
        elif rule.name in had:
            out.append(f"{rule.name}: {_had(terms, asset, amount, *had[rule.name])}")
        elif rule.kind is LayerKind.DELEVERAGE:
            taken = sum(e["cost"] for e in events if e["kind"] == "deleveraged" and e["loss"] == loss)
            out.append(f"{rule.name}: {terms.money(asset, taken)} given up by those who were closed")
        elif rule.kind is LayerKind.GAINS_HAIRCUT:
            cut = sum(n for e in events if e["kind"] == "gains_haircut" for number, n in e["losses"] if number == loss)
            out.append(f"{rule.name}: {terms.money(asset, cut)} cut from gains")
        elif amount:
            out.append(f"{rule.name}: paid {terms.money(asset, amount)}")
        else:
            out.append(f"{rule.name}: not asked, or nobody it could ask")
    return out or ["none: it is the first that may pay for this loss"]


def _paid(events: Sequence[Event], loss: int) -> dict[str, int]:
    """What each named layer paid of a loss, from the record's own events."""
    found: dict[str, int] = {}
    for e in events:
        if e.get("loss") == loss and "layer" in e and "amount" in e:
            found[e["layer"]] = found.get(e["layer"], 0) + e["amount"]
    return found


def _had(terms: Terms, asset: str, paid: int, left: int, seen: LayerState[int]) -> str:
    had, most = terms.money(asset, seen.available), seen.limit
    if not seen.available:
        return "had no money"
    if not seen.partial and paid == 0:
        return f"pays all or nothing and could not pay {terms.money(asset, left)}; it had {had}"
    if most is not None and most < seen.available and paid == most:
        return f"paid its limit of {terms.money(asset, most)} and had {had}"
    if paid == seen.available:
        return f"paid all it had, {had}"
    return f"paid {terms.money(asset, paid)} and had {had}"

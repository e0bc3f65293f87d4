"""Who stood where in a deleveraging queue, and which layers had nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from seawall.engine import State
from seawall.engine.deleverage import Queue
from seawall.journal import Located
from seawall.views.decision_moment import Avoided, Moment, avoid_deleveraging, taken_in
from seawall.views.decision_terms import Terms
from seawall.waterfall import RankRule, rank

AROUND = 3
_PARTS = {
    RankRule.PROFIT_LEVERAGE: ("profit", "entry", "notional", "equity"),
    RankRule.PROFIT_MARGIN_RATIO: ("profit", "wallet", "maintenance", "equity"),
    RankRule.PRO_RATA: ("lots",),
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
    queue = _its_queue(state, found, moment)
    deleverage = state.policy.deleverage
    if queue is None or deleverage is None:
        return None, []
    c, symbol = queue.candidates, found.event["market"]
    order, scores = rank(deleverage, c, market=symbol, turn=queue.turn, unit=queue.unit)
    taken = taken_in(state, queue)
    at = found.event["rank"] - 1
    places = []
    for i in range(max(0, at - AROUND), min(len(order), at + AROUND + 1)):
        index = order[i]
        parts = {name: int(getattr(c, name)[index]) for name in _PARTS[deleverage.rank]}
        name = state.account_name(int(c.accounts[index]))
        places.append(Place(i + 1, name, scores[i], int(c.lots[index]), taken.get(index, 0), parts, i == at))
    reached = max((i + 1 for i, index in enumerate(order) if index in taken), default=0)
    asked = sum(abs(need.lots) for need in queue.needs)
    told = Queued(symbol, deleverage.rank.value, len(order), reached, asked, tuple(places))
    return told, avoid_deleveraging(state, queue, order[at])


def _its_queue(state: State, found: Located, moment: Moment) -> Queue | None:
    """The last queue of its market that was formed before the event."""
    mine = [
        q for k, q in moment.queues if k < found.place and state.instrument(q.market).symbol == found.event["market"]
    ]
    return mine[-1] if mine else None


def skipped_layers(state: State, terms: Terms, found: Located, moment: Moment) -> list[str]:
    """For a draw: what the layers before it had, in order of use."""
    event: dict[str, Any] = found.event
    if event["kind"] != "drawn":
        return []
    mine = [allocation for k, allocation in moment.layers if k < found.place]
    out = []
    for draw in mine[-1].draws if mine else ():
        if draw.name == event["layer"]:
            break
        had = terms.money(event["asset"], draw.available)
        if draw.skipped:
            out.append(f"{draw.name}: passed over, {draw.skipped}; it had {had}")
        elif not draw.available:
            out.append(f"{draw.name}: had no money")
        elif draw.limit is not None and draw.limit < draw.available:
            out.append(f"{draw.name}: paid its limit of {terms.money(event['asset'], draw.limit)} and had {had}")
        else:
            out.append(f"{draw.name}: paid all it had, {had}")
    return out or ["none: it is the first that may pay for this loss"]

"""In plain words: what is owed to a default fund and put back, members that do not pay, members in default."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from seawall.views.decision_terms import Terms, clock, whose

Event = Mapping[str, Any]


def _owed(e: Event, t: Terms, me: str | None) -> str:
    amount = t.money(e["asset"], e["amount"])
    return f"{whose(e['account'], me)}{amount} that it paid since loss {e['loss']} is to be put back at {clock(e['due_ns'])}"


def _replenished(e: Event, t: Terms, me: str | None) -> str:
    amount = t.money(e["asset"], e["amount"])
    return f"{whose(e['account'], me)}{amount} was put back, as owed since loss {e['loss']}"


ENDED = {
    "recovery": "a recovery settled",
    "reinstated": "what the owner put in settled",
    "default": "its member is in default and puts nothing back: it is forgiven",
}


def _ended(e: Event, t: Terms, me: str | None) -> str:
    amount = t.money(e["asset"], e["amount"])
    return f"{whose(e['account'], me)}{ENDED[e['by']]} {amount} of what it owed"


def _stopped(e: Event, t: Terms, me: str | None) -> str:
    return f"{e['member']} will not pay when it is asked next"


def _unpaid(e: Event, t: Terms, me: str | None) -> str:
    amount = t.money(e["asset"], e["amount"])
    return f"{e['member']} was asked for {amount} of loss {e['loss']} in a cash call (layer {e['layer']!r}) and did not pay"


REASONS = {
    "call_unpaid": "it did not pay a cash call for loss {loss}",
    "replenishment_unpaid": "it did not put back what was due since loss {loss}",
    "used_up": "loss {loss} of its accounts is more than what it had paid in",
}


def _defaulted(e: Event, t: Terms, me: str | None) -> str:
    why = REASONS[e["reason"]].format(loss=e["loss"])
    others = [name for name in e["members"] if name != e["member"]]
    with_it = f" with its affiliate{'' if len(others) == 1 else 's'} {', '.join(others)}" if others else ""
    return f"{e['member']} is in default{with_it}: {why}; what was paid in stays usable"


MEMBERS: Mapping[str, Callable[[Event, Terms, str | None], str]] = {
    "replenishment_owed": _owed,
    "replenished": _replenished,
    "debt_ended": _ended,
    "payments_stopped": _stopped,
    "call_unpaid": _unpaid,
    "member_defaulted": _defaulted,
}

"""Events of a default fund's life: what is owed to it and put back, members that do not pay, members in default."""

from __future__ import annotations

from typing import NamedTuple

from seawall.engine.why import Why


class ReplenishmentOwed(NamedTuple):
    """``account`` paid in a layer for the event that began with ``loss``: it owes ``amount`` of it until ``due_ns``."""

    loss: int
    account: str
    asset: str
    amount: int
    due_ns: int
    why: Why


class Replenished(NamedTuple):
    """``account`` put back what it owed for the event that began with ``loss``, with money from outside."""

    loss: int
    account: str
    asset: str
    amount: int
    why: Why


class DebtEnded(NamedTuple):
    """``account`` owes ``amount`` less: money came back otherwise (``by`` recovery or reinstated), or its member is in
    default and puts nothing back (``by`` default). No money moves by this."""

    account: str
    asset: str
    amount: int
    by: str
    why: Why


class PaymentsStopped(NamedTuple):
    """A member will not pay when it is asked next."""

    member: str


class CallUnpaid(NamedTuple):
    """A member was asked for ``amount`` in a cash call and did not pay."""

    loss: int
    layer: str
    member: str
    account: str
    asset: str
    amount: int
    why: Why


class MemberDefaulted(NamedTuple):
    """``members`` (``member`` and its affiliates) are in default from now on. ``reason``: call_unpaid,
    replenishment_unpaid (``loss``: for which event), or used_up (``loss`` is more than their contributions)."""

    member: str
    members: tuple[str, ...]
    reason: str
    loss: int

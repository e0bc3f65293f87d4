"""The withdrawal gate: when it closes, when it must open again, and what it leaves untouched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from seawall.errors import InputError


class Gate(NamedTuple):
    """A gate as it stands: first closed ``since``, closed until ``until`` (exclusive), and why."""

    since: int
    until: int
    reason: str


@dataclass(frozen=True, slots=True)
class GateRule:
    """Rules fixed beforehand; times are any one integer unit (blocks, nanoseconds).

    Attributes:
        duration: how long each cause keeps it closed.
        longest: no chain of causes keeps it closed longer than this after it first closed.
        outage: a gap of at least this much between two signs of life closes it too; None: never.

    Source: dYdX v4: an account that stays below zero closes withdrawals and transfers of its collateral pool for 50
    blocks, and so does a chain outage of five minutes. The longest time is ours: a stopgap must end.
    """

    duration: int
    longest: int
    outage: int | None = None

    def __post_init__(self) -> None:
        if not 0 < self.duration <= self.longest:
            raise InputError("durations are 0 < duration <= longest", value=f"{self.duration}, {self.longest}")

    def close(self, gate: Gate | None, now: int, reason: str) -> Gate:
        """Close it, or keep it closed: ``duration`` from now, at most ``longest`` after it first closed."""
        if gate is None or not self.closed(gate, now):
            return Gate(now, now + self.duration, reason)
        return Gate(gate.since, max(gate.until, min(now + self.duration, gate.since + self.longest)), reason)

    def after_gap(self, gate: Gate | None, last_seen: int, now: int) -> Gate | None:
        """What a sign of life at ``now`` does, the one before having been at ``last_seen``."""
        if self.outage is None or now - last_seen < self.outage:
            return gate
        return self.close(gate, now, "outage")

    def closed(self, gate: Gate | None, now: int) -> bool:
        """May nothing leave at ``now``?"""
        return gate is not None and now < gate.until

    def payable_at(self, gate: Gate | None, ready: int) -> int:
        """When a withdrawal that is due at ``ready`` can be paid. The request keeps its place and its amount."""
        return gate.until if gate is not None and gate.since <= ready < gate.until else ready

"""Incidents of a path as ordinary commands, at the first step that is not before their minute.

What a policy refuses is no error: it is recorded with the engine's reason. Every row of the result says which records of
the log it stands for, so that the log gives its amounts again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from seawall.engine import Command, Distribute, FileClaim, Outcome, State
from seawall.engine.events import (
    ClaimRejected,
    Distributed,
    LossRecognised,
    Moved,
    PaymentsStopped,
    Recovered,
    RecoveryShared,
    Reinstated,
    WoundDown,
    WrittenOff,
)
from seawall.money import exact_text
from seawall.replay.incident_commands import commands_of
from seawall.replay.paths import MINUTE
from seawall.replay.tally import Tally
from seawall.scenario.incidents import Claim, Incident, as_plain

Submit = Callable[[Command], tuple[Outcome, int]]
TOTALS = ("lost", "unpaid", "back", "back_unpaid", "back_excess", "reinstated", "cut", "written_off")
TELLING = (
    LossRecognised,
    Recovered,
    Reinstated,
    Moved,
    PaymentsStopped,
    WoundDown,
    Distributed,
    WrittenOff,
)  # what to explain first
STANDS, NOT_RULED = "stands", "not_ruled_on"


@dataclass(slots=True)
class Count:
    """What the commands of one incident did. Reporting units; made from outcomes alone, so the log gives it again."""

    tally: Tally
    accepted: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    withdrawn: int = 0
    back_to: dict[str, int] = field(default_factory=dict)
    members: list[str] = field(default_factory=list)
    event: str | None = None
    before: dict[str, Any] = field(init=False)
    after: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        self.before = self.after = _now(self.tally)

    def finish(self) -> None:
        """The last outcome of the incident has been taken in."""
        self.after = _now(self.tally)

    def note(self, outcome: Outcome, record: int) -> None:
        """Take in one outcome, after the tally has; ``record`` is its number in the log."""
        if outcome.rejection is not None:
            code = outcome.rejection.code.value
            self.reasons[code] = self.reasons.get(code, 0) + 1
            return
        self.accepted += 1
        state = self.tally.state
        layers = state.policy.layers
        for place, event in enumerate(outcome.events, start=1):
            if self.event is None and isinstance(event, TELLING):
                self.event = f"{record}.{place}"
            if isinstance(event, PaymentsStopped):
                self.members.append(event.member)
            elif isinstance(event, RecoveryShared):
                name = layers[len(layers) - event.rank].name if 0 < event.rank <= len(layers) else str(event.rank)
                _add(self.back_to, name, self.tally.value(event.asset, event.amount))
            elif isinstance(event, Moved) and event.code == "withdraw":
                asset = state.asset_index[event.asset]
                self.withdrawn += self.tally.value(event.asset, state.asset(asset).to_book(-event.amount_minor))

    def as_dict(self) -> dict[str, Any]:
        """The amounts as decimal text, layers and classes in order of name."""
        text, now = self.tally.valuer.text, self.after
        changes = {name: text(now[name] - self.before[name]) for name in TOTALS}
        return {
            "event": self.event,
            "accepted": self.accepted,
            "refused": sum(self.reasons.values()),
            "reasons": dict(sorted(self.reasons.items())),
            **changes,
            "withdrawn": text(self.withdrawn),
            "members": list(self.members),
            "paid_by": _told(text, _change(self.before["paid_by"], now["paid_by"])),
            "back_to": _told(text, self.back_to),
            "paid_out": _told(text, _change(self.before["paid_out"], now["paid_out"])),
        }


def _now(tally: Tally) -> dict[str, Any]:
    paid, s = tally.payments, tally.shares
    return {
        "lost": sum(paid.losses.values()),
        "unpaid": sum(paid.unpaid.values()),
        "back": s.recovered,
        "back_unpaid": s.recovered_residual,
        "back_excess": s.recovered_excess,
        "reinstated": s.reinstated,
        "cut": s.paid_off,
        "written_off": s.written_off,
        "paid_by": dict(paid.paid),
        "paid_out": dict(s.distributed),
    }


def _change(before: dict[str, int], now: dict[str, int]) -> dict[str, int]:
    return {name: amount - before.get(name, 0) for name, amount in now.items()}


def _told(text: Callable[[int], str], amounts: dict[str, int]) -> dict[str, str]:
    return {name: text(amount) for name, amount in sorted(amounts.items()) if amount}


def _add(amounts: dict[str, int], name: str, amount: int) -> None:
    amounts[name] = amounts.get(name, 0) + amount


def note_rulings(rulings: dict[str, tuple[str, str]], outcome: Outcome, record: int) -> None:
    """Remember which claims were rejected: why, and by which event."""
    for place, event in enumerate(outcome.events, start=1):
        if isinstance(event, ClaimRejected):
            rulings[event.claim] = (event.reason, f"{record}.{place}")


class Incidents:
    """The incidents of one run, in order. ``carry_out`` those that are due; ``rows`` at the end."""

    def __init__(
        self, incidents: tuple[Incident, ...], start_ns: int, state: State, tally: Tally, submit: Submit
    ) -> None:
        self._left = list(incidents)
        self._start_ns, self._state, self._tally, self._submit = start_ns, state, tally, submit
        self._rows: list[dict[str, Any]] = []
        self._rulings: dict[str, tuple[str, str]] = {}
        self._distributed: set[str] = set()
        self._claims: dict[str, str] = {}  # claim -> asset, of claims that were taken in

    def due(self, time_ns: int) -> bool:
        """Is there one at or before this time?"""
        return bool(self._left) and self.time_of(self._left[0]) <= time_ns

    def time_of(self, incident: Incident) -> int:
        """When it is due, ns; parts of a nanosecond rounded down."""
        return self._start_ns + int(incident.minute * MINUTE)

    def next_ns(self) -> int | None:
        """When the next one is due; None: there is none left."""
        return self.time_of(self._left[0]) if self._left else None

    def carry_out(self, time_ns: int) -> None:
        """Submit the commands of everything that is due."""
        while self.due(time_ns):
            self._one(self._left.pop(0), time_ns)

    def _one(self, incident: Incident, time_ns: int) -> None:
        count = Count(self._tally)
        first = last = commands = asked = 0
        for command in commands_of(self._state, incident, time_ns):
            asked += self._worth(command)
            outcome, last = self._submit(command)
            first = first or last
            commands += 1
            count.note(outcome, last)
            note_rulings(self._rulings, outcome, last)
            if outcome.rejection is None and isinstance(command, Distribute):
                self._distributed.add(command.asset)
            if outcome.rejection is None and isinstance(command, FileClaim):
                self._claims[command.claim] = command.asset
        count.finish()
        found = count.as_dict()
        head = self._head(incident, time_ns, commands, found["accepted"])
        # Money of a claim that was not taken in is nobody's: it is what was asked for all the same.
        amount = {"asked_for": self._tally.valuer.text(asked), "records": [first, last] if commands else None}
        self._rows.append({**head, **amount, **found})

    def _head(self, incident: Incident, time_ns: int | None, commands: int, accepted: int) -> dict[str, Any]:
        status = "not_reached" if time_ns is None else "nothing_to_do"
        if commands:
            status = "done" if accepted == commands else "in_part" if accepted else "refused"
        return {
            "minute": exact_text(incident.minute),
            "time_ns": time_ns,
            "kind": incident.kind,
            "asked": as_plain(incident),
            "status": status,
            "commands": commands,
        }

    def _worth(self, command: Command) -> int:
        """What a command asks for, reporting units."""
        amount, asset = getattr(command, "amount", 0), getattr(command, "asset", "")
        if asset not in self._state.asset_index:
            return 0
        number = self._state.asset_index[asset]
        return self._tally.valuer.value(number, self._state.asset(number).to_book(amount))

    def rows(self) -> list[dict[str, Any]]:
        """One row an incident, those that were not reached included; claims with how they were ruled on."""
        empty = Count(self._tally).as_dict()
        zero = self._tally.valuer.text(0)
        missed = [{**self._head(i, None, 0, 0), "asked_for": zero, "records": None, **empty} for i in self._left]
        rows = [*self._rows, *missed]
        for row in rows:
            row["ruling"] = self._ruling(row)
            if row["ruling"] not in (None, STANDS, NOT_RULED):
                row["event"] = self._rulings[row["asked"]["claim"]][1]
        return rows

    def _ruling(self, row: dict[str, Any]) -> str | None:
        if row["kind"] != Claim.kind or row["status"] != "done":
            return None
        name = row["asked"]["claim"]
        if name in self._rulings:
            return self._rulings[name][0]
        return STANDS if self._claims[name] in self._distributed else NOT_RULED

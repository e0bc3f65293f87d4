"""Incidents of a path as ordinary commands, at the first step that is not before their minute.

What a policy refuses is no error: it is recorded with the engine's reason. Every row of the result says which records of
the log it stands for, so that the log gives its amounts again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from seawall.engine import Command, DeclareLoss, Distribute, FileClaim, Outcome, Recover, Reinstate, State, Withdraw
from seawall.engine import StopPaying as NoMorePayments
from seawall.engine import WindDown as StopForGood
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
from seawall.engine.margining import initial_of, look_at
from seawall.engine.units import from_quote, quote_price
from seawall.replay.paths import MINUTE
from seawall.replay.tally import Tally
from seawall.replay.values import MEMBERS
from seawall.scenario.incidents import (
    LARGEST,
    Claim,
    Distribution,
    Incident,
    Loss,
    Recovery,
    Reinstatement,
    Run,
    StopPaying,
    WindDown,
    as_plain,
)
from seawall.scenario.incidents import exact_text as text_of

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
            if isinstance(event, RecoveryShared):
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
            "minute": text_of(incident.minute),
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


def commands_of(state: State, incident: Incident, time_ns: int) -> Iterator[Command]:
    """The commands of one incident, each made on the state that those before it left."""
    yield from _MAKE[type(incident)](state, incident, time_ns)


def main_asset(state: State) -> int:
    """The settle asset in which members have most, at its price; the first of equals."""
    settle = sorted(set(state.settle_asset))
    return max(settle, key=lambda a: (members_cash(state, a) * quote_price(state, a), -a))


def members_cash(state: State, asset: int) -> int:
    """What the balances of members come to, book units; those below zero count for nothing."""
    roles, cash = state.snapshot.roles, state.cash_minor
    minor = sum(max(0, cash(a, asset)) for a, role in enumerate(roles) if role in MEMBERS)
    return state.asset(asset).to_book(minor)


def _asset_of(state: State, name: str | None) -> int | None:
    return main_asset(state) if name is None else state.asset_index.get(name)


def _quoted(state: State, asset: int, amount: Fraction) -> int:
    """An amount of the quote currency in book units of an asset, rounded down."""
    return from_quote(state, asset, amount.numerator * 10**6 // amount.denominator)


def _part(amount: int, share: Fraction) -> int:
    """A share of an amount, rounded down."""
    return amount * share.numerator // share.denominator


def _loss(state: State, incident: Loss, time_ns: int) -> Iterator[Command]:
    asset = _asset_of(state, incident.asset)
    if asset is None:
        yield DeclareLoss(time_ns, incident.reference, incident.asset or "", 1, incident.cause)
        return
    if incident.share_of_cash is not None:
        amount = _part(members_cash(state, asset), incident.share_of_cash)
    else:
        amount = _quoted(state, asset, incident.amount or Fraction(0))
    if amount > 0:
        terms = state.asset(asset)
        yield DeclareLoss(time_ns, incident.reference, terms.name, terms.to_minor(amount), incident.cause)


def outstanding(state: State, loss: int) -> dict[int, int]:
    """What has not come back of a loss, book units by asset: what nobody has paid, and the claims of those who have."""
    found: dict[int, int] = {}
    for claim in state.claims.of_loss(loss):
        asset = state.asset_index[claim.asset]
        found[asset] = found.get(asset, 0) + claim.amount - claim.paid
    for asset, terms in enumerate(state.snapshot.assets):
        deficit = state.ledger.find(f"deficit:{loss}", terms.name)
        owed = 0 if deficit is None else terms.to_book(-state.ledger.balance(deficit))
        if owed > 0:
            found[asset] = found.get(asset, 0) + owed
    return {asset: amount for asset, amount in sorted(found.items()) if amount > 0}


def _recovery(state: State, incident: Recovery, time_ns: int) -> Iterator[Command]:
    if incident.reference is None:
        declared = set(state.references.values())
        losses = [row.loss for row in state.deficits if row.loss not in declared]
    else:
        losses = [state.references[n] for n in (incident.reference,) if n in state.references]
    left = None if incident.amount is None else incident.amount.numerator * 10**6 // incident.amount.denominator
    for loss in losses:
        for asset, owed in outstanding(state, loss).items():
            if incident.share is not None:
                amount = _part(owed, incident.share)
            else:
                amount = from_quote(state, asset, left or 0)
                amount = min(amount, owed) if incident.of_defaults else amount
                worth = quote_price(state, asset) * amount
                left = max(0, (left or 0) - -(-worth.numerator // worth.denominator))  # rounded up
            if amount > 0:
                terms = state.asset(asset)
                yield Recover(time_ns, loss, terms.name, terms.to_minor(amount))


def _reinstatement(state: State, incident: Reinstatement, time_ns: int) -> Iterator[Command]:
    names = sorted(state.house_accounts - set(state.members.accounts.values()) - {state.outside})
    if incident.account is not None:
        chosen = [a for a in names if state.account_name(a) == incident.account]
    else:
        chosen = [a for a in names if state.snapshot.roles[a] == incident.role]
    opening: dict[tuple[int, int], int] = {}
    book = state.snapshot
    for account, asset, minor in zip(
        book.cash_account.tolist(), book.cash_asset.tolist(), book.cash_minor, strict=True
    ):
        opening[account, asset] = opening.get((account, asset), 0) + minor
    for account in chosen:
        for asset, terms in enumerate(book.assets):
            had = terms.to_book(opening.get((account, asset), 0))
            if incident.share is not None:
                amount = _part(had, incident.share)
            else:
                amount = _part(had, incident.up_to or Fraction(0)) - terms.to_book(state.cash_minor(account, asset))
            if had > 0 and amount > 0:
                yield Reinstate(time_ns, state.account_name(account), terms.name, terms.to_minor(amount))


def drawn(state: State, incident: Run) -> list[int]:
    """Who asks for money back, in order: the same accounts under every policy. An isolated position is its owner's."""
    book = state.snapshot
    members = [a for a, role in enumerate(book.roles) if role in MEMBERS and int(book.parents[a]) < 0]

    def place(account: int) -> bytes:
        return hashlib.sha256(f"{incident.seed} {book.account_ids[account]}".encode()).digest()

    return sorted(members, key=place)[: _part(len(members), incident.share_of_accounts)]


def withdrawable(state: State, account: int, asset: int) -> int:
    """The most an account may withdraw of an asset now, minor units; halts and socialised losses left aside."""
    balance = state.cash_minor(account, asset)
    if balance <= 0 or (state.book.pooled and not state.book.priced(asset)):
        return 0
    st = look_at(state, account, asset)
    if st.unit in state.cases:
        return 0
    if not st.positions and all(v >= 0 for v in st.cash.values()):
        return balance
    initial, terms = initial_of(state, st, [(p.market, p.lots) for p in st.positions]), state.asset(asset)
    low, high = 0, terms.to_book(balance)
    if state.book.equity_without(st, asset, 0) < initial:
        return 0
    while low < high:  # equity falls with what is taken out
        middle = (low + high + 1) // 2
        if state.book.equity_without(st, asset, middle) >= initial:
            low = middle
        else:
            high = middle - 1
    return balance - terms.to_minor(terms.to_book(balance) - low)


def _run(state: State, incident: Run, time_ns: int) -> Iterator[Command]:
    for account in drawn(state, incident):
        for asset, terms in enumerate(state.snapshot.assets):
            amount = _part(withdrawable(state, account, asset), incident.share)
            if amount > 0:
                yield Withdraw(time_ns, state.account_name(account), terms.name, amount)


def _stop_paying(state: State, incident: StopPaying, time_ns: int) -> Iterator[Command]:
    if incident.member is not None:
        yield NoMorePayments(time_ns, incident.member)
        return
    worth: dict[str, Fraction] = {}
    for asset, paid_in in state.members.paid_in.items():
        for member, amount in paid_in.items():
            worth[member] = worth.get(member, Fraction(0)) + amount * quote_price(state, asset)
    for member in sorted(worth, key=lambda m: (-worth[m], m))[: incident.largest]:
        yield NoMorePayments(time_ns, member)


def _wind_down(state: State, incident: WindDown, time_ns: int) -> Iterator[Command]:
    yield StopForGood(time_ns)


def _claim(state: State, incident: Claim, time_ns: int) -> Iterator[Command]:
    asset = _asset_of(state, incident.asset)
    if asset is None:
        yield FileClaim(time_ns, incident.claim, incident.claimant, incident.asset or "", incident.rank, 1)
        return
    claimant, terms = incident.claimant, state.asset(asset)
    if claimant == LARGEST:
        members = [a for a, role in enumerate(state.snapshot.roles) if role in MEMBERS]
        claimant = state.account_name(max(members, key=lambda a: (state.cash_minor(a, asset), -a)))
    if incident.share is not None:
        account = state.account_index.get(claimant)
        amount = _part(0 if account is None else state.cash_minor(account, asset), incident.share)
    else:
        amount = terms.to_minor(_quoted(state, asset, incident.amount or Fraction(0)))
    yield FileClaim(time_ns, incident.claim, claimant, terms.name, incident.rank, amount)


def _distribution(state: State, incident: Distribution, time_ns: int) -> Iterator[Command]:
    if incident.asset is not None:
        names = [incident.asset]
    elif state.winding is None:
        names = [state.asset(main_asset(state)).name]  # refused once, not once an asset
    else:
        names = [a.name for n, a in enumerate(state.snapshot.assets) if n not in state.winding.closed]
    for name in names:
        yield Distribute(time_ns, name, incident.final)


_MAKE: dict[type[Any], Callable[[State, Any, int], Iterator[Command]]] = {
    Loss: _loss,
    Recovery: _recovery,
    Reinstatement: _reinstatement,
    Run: _run,
    StopPaying: _stop_paying,
    WindDown: _wind_down,
    Claim: _claim,
    Distribution: _distribution,
}

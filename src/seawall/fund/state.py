"""The fund as a value, the commands that change it, and the events that say how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias

from seawall.fund.shares import Pool, Stake, rebase_pool
from seawall.fund.terms import FundTerms


@dataclass(frozen=True, slots=True)
class FundState:
    """All of it. Owners are names; the venue's own shares are ``pool.protocol_shares``.

    Attributes:
        queue: owners with a request, in the order they asked.
        exits: (time, paid) of recent payments to leavers.
        incidents: open incidents and when each stops locking.
        next_terms: announced terms and when they begin.
        put_in, paid_out, earned, drawn: totals; ``vault = put_in + earned - paid_out - drawn`` always.
    """

    terms: FundTerms
    pool: Pool = field(default_factory=Pool)
    stakes: Mapping[str, Stake] = field(default_factory=dict)
    queue: tuple[str, ...] = ()
    exits: tuple[tuple[int, int], ...] = ()
    incidents: Mapping[str, int] = field(default_factory=dict)
    next_terms: tuple[int, FundTerms] | None = None
    time_ns: int = 0
    put_in: int = 0
    paid_out: int = 0
    earned: int = 0
    drawn: int = 0

    @property
    def locked(self) -> bool:
        """An incident is open and has not run out."""
        return any(until > self.time_ns for until in self.incidents.values())

    @property
    def asked(self) -> int:
        """Frozen values of all requests."""
        return sum(self.stakes[owner].request_value for owner in self.queue)

    @property
    def drawable(self) -> int:
        """What losses may take. Money that leavers asked for is cover until it is paid: it counts."""
        return max(0, self.pool.vault - self.terms.reserve)

    def exit_room(self) -> int:
        """What may be paid to leavers now by the queue limit, rounded down."""
        share, since = self.terms.exit_share, self.time_ns - self.terms.exit_window_ns
        gone = sum(paid for time, paid in self.exits if time > since)
        allowed = (self.pool.vault + gone) * share.numerator // share.denominator  # down: toward cover
        return max(0, allowed - gone)

    def worth(self, owner: str) -> int:
        """What an owner's shares are worth now, whatever was asked for."""
        stake, pool = self.stakes.get(owner), rebase_pool(self.pool)
        if stake is None:
            return 0
        return pool.worth(stake.shares // 10 ** (pool.base - stake.base))


# --- commands -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PutIn:
    """Stake ``amount``."""

    time_ns: int
    owner: str
    amount: int


@dataclass(frozen=True, slots=True)
class AskOut:
    """Ask for ``shares`` to be paid after the cool-down."""

    time_ns: int
    owner: str
    shares: int


@dataclass(frozen=True, slots=True)
class TakeBack:
    """Withdraw the request and stay."""

    time_ns: int
    owner: str


@dataclass(frozen=True, slots=True)
class PayQueue:
    """Pay requests that are due, in the order they were made, as far as the limits allow.

    ``keep``: cover in force; payments never bring the vault below it.
    """

    time_ns: int
    keep: int = 0


@dataclass(frozen=True, slots=True)
class Earn:
    """Income that was collected: it is in the vault's account already."""

    time_ns: int
    amount: int


@dataclass(frozen=True, slots=True)
class DrawLoss:
    """Pay ``amount`` for a loss."""

    time_ns: int
    amount: int


@dataclass(frozen=True, slots=True)
class OpenIncident:
    """Something happened whose loss is not known: nobody leaves until it is, or until the lock runs out."""

    time_ns: int
    incident: str


@dataclass(frozen=True, slots=True)
class CloseIncident:
    """Its losses are drawn, or there were none."""

    time_ns: int
    incident: str


@dataclass(frozen=True, slots=True)
class ChangeTerms:
    """Announce new terms. They begin after the present cool-down; requests made before keep the old cool-down."""

    time_ns: int
    terms: FundTerms


FundCommand: TypeAlias = (
    PutIn | AskOut | TakeBack | PayQueue | Earn | DrawLoss | OpenIncident | CloseIncident | ChangeTerms
)


class FundRefused(Enum):
    """Why the fund refused a command. Nothing changed."""

    TIME_BACKWARDS = "time_backwards"  # the command is older than the last one
    AMOUNT = "amount"  # an amount that is not positive, or a negative cover
    DRAINED = "drained_fund"  # the vault is empty and shares are outstanding: new money would pay old losses
    DUST = "dust"  # rounding to whole shares would cost the staker more than the terms allow
    NO_STAKE = "no_stake"  # the owner has not that many shares
    PENDING = "pending_request"  # the owner has asked already: take it back first
    NO_REQUEST = "no_request"  # there is no request
    INCIDENT = "incident"  # an incident is open: nobody pays in or is paid until its loss is known
    SHORT = "short"  # the vault has not that much for losses
    KNOWN_INCIDENT = "known_incident"  # an incident of that name was opened before
    UNKNOWN_INCIDENT = "unknown_incident"  # no open incident of that name
    ANNOUNCED = "terms_announced"  # a change of terms is announced and has not begun


# --- events -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Staked:
    """``amount`` in, ``shares`` issued."""

    time_ns: int
    owner: str
    amount: int
    shares: int


@dataclass(frozen=True, slots=True)
class Asked:
    """``shares`` frozen, to be paid at most ``value`` from ``due_ns`` on."""

    time_ns: int
    owner: str
    shares: int
    value: int
    due_ns: int


@dataclass(frozen=True, slots=True)
class TakenBack:
    """The request is gone; ``burnt`` shares were the gain since it was made."""

    time_ns: int
    owner: str
    burnt: int


@dataclass(frozen=True, slots=True)
class PaidOut:
    """``amount`` out for ``shares``; ``left`` of the frozen value is still to come. ``forfeited``: worth left behind."""

    time_ns: int
    owner: str
    amount: int
    shares: int
    left: int
    forfeited: int


@dataclass(frozen=True, slots=True)
class Earned:
    """Income, and the shares the venue received for its part."""

    time_ns: int
    amount: int
    protocol_shares: int


@dataclass(frozen=True, slots=True)
class Drawn:
    """A loss was paid."""

    time_ns: int
    amount: int


@dataclass(frozen=True, slots=True)
class Locked:
    """Payments stand still, at most until ``until_ns``."""

    time_ns: int
    incident: str
    until_ns: int


@dataclass(frozen=True, slots=True)
class Unlocked:
    """The incident is closed."""

    time_ns: int
    incident: str


@dataclass(frozen=True, slots=True)
class TermsAnnounced:
    """New terms begin at ``begin_ns``."""

    time_ns: int
    begin_ns: int


FundEvent: TypeAlias = Staked | Asked | TakenBack | PaidOut | Earned | Drawn | Locked | Unlocked | TermsAnnounced

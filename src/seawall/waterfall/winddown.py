"""The venue itself fails: settlement price by rule, claims ruled on, and what there is paid out class by class, to the unit."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

from seawall.errors import InputError, InvariantBroken
from seawall.money import Rounding, div, split


class PriceBasis(Enum):
    """How a market's settlement price is found. Written before the event."""

    LAST_INDEX = "last_index"  # the last observation at or before the stop
    WINDOW_AVERAGE = "window_average"  # time-weighted over the window that ends at the stop
    FIXED = "fixed"  # a price the rule names


@dataclass(frozen=True, slots=True)
class SettlementRule:
    """The rule of one market.

    Attributes:
        basis: see ``PriceBasis``.
        window_ns: WINDOW_AVERAGE: length of the window.
        fixed: FIXED: the price.
        voters, quorum: who may override the rule, and how many of them it takes; 0: nobody can.
    """

    basis: PriceBasis
    window_ns: int = 0
    fixed: int | None = None
    voters: frozenset[str] = frozenset()
    quorum: int = 0

    def __post_init__(self) -> None:
        if (self.basis is PriceBasis.FIXED) != (self.fixed is not None):
            raise InputError(
                "a fixed price belongs to the fixed basis, and only to it", field="fixed", value=self.fixed
            )
        if (self.basis is PriceBasis.WINDOW_AVERAGE) != (self.window_ns > 0):
            raise InputError("a window belongs to the average, and only to it", field="window_ns", value=self.window_ns)
        if not 0 <= self.quorum <= len(self.voters):
            raise InputError("a quorum of more than the voters", field="quorum", value=self.quorum)


class Observation(NamedTuple):
    """Index price as an integer on the market's mark scale."""

    at_ns: int
    price: int


class Override(NamedTuple):
    """Another price, who voted for it, and the reason given."""

    price: int
    votes: frozenset[str]
    reason: str


class SettlementPrice(NamedTuple):
    """The price that settles, and always the price by rule beside it; ``override`` is what replaced it, or None."""

    price: int
    by_rule: int
    basis: PriceBasis
    override: Override | None


def settlement_price(
    rule: SettlementRule, observations: Sequence[Observation], stop_ns: int, override: Override | None = None
) -> SettlementPrice:
    """The settlement price at ``stop_ns``. An average is rounded half to even, once.

    Observations after the stop do not count. In an average each price holds until the next one; the price at the start
    of the window is the last one before it, or the window starts with the first observation.

    Raises:
        InputError: no observation to use, observations out of order, or an override without its quorum or reason.
    """
    usable = [o for o in observations if o.at_ns <= stop_ns]
    if any(a.at_ns >= b.at_ns for a, b in pairwise(usable)):
        raise InputError("observations are not in order of time")
    if rule.fixed is not None:
        price = rule.fixed
    elif not usable:
        raise InputError("no observation at or before the stop", value=stop_ns)
    elif rule.basis is PriceBasis.LAST_INDEX:
        price = usable[-1].price
    else:
        price = _time_weighted(usable, stop_ns - rule.window_ns, stop_ns)
    if override is None:
        return SettlementPrice(price, price, rule.basis, None)
    votes = override.votes & rule.voters
    if rule.quorum == 0 or len(votes) < rule.quorum or not override.reason:
        raise InputError(
            "an override without its quorum or its reason",
            value=sorted(override.votes),
            expected=f"{rule.quorum} of {sorted(rule.voters)}, and a reason" if rule.quorum else "no override",
        )
    return SettlementPrice(override.price, price, rule.basis, override._replace(votes=votes))


def _time_weighted(usable: Sequence[Observation], start_ns: int, stop_ns: int) -> int:
    weighted = length = 0
    ends = [o.at_ns for o in usable[1:]] + [stop_ns]
    for seen, end in zip(usable, ends, strict=True):
        held = end - max(seen.at_ns, start_ns)
        if held > 0:
            weighted += seen.price * held
            length += held
    return div(weighted, length, Rounding.HALF_EVEN) if length else usable[-1].price


class Claim(NamedTuple):
    """``amount`` minor units that ``claimant`` wants in class ``rank``."""

    id: str
    claimant: str
    rank: str
    amount: int
    filed_ns: int


class ClaimRefusal(Enum):
    """Why a claim is rejected. The value is what the record prints."""

    NOT_POSITIVE = "not_positive"  # an amount of zero or less
    NO_SUCH_CLASS = "no_such_class"  # the policy has no such class
    LATE = "late"  # filed after the bar date
    UNKNOWN = "unknown"  # the ledger owes the claimant nothing
    NOT_OF_THIS_CLASS = "not_of_this_class"  # the ledger owes the claimant something, but not in this class
    BEYOND_LEDGER = "beyond_ledger"  # more than the ledger shows
    DUPLICATE = "duplicate"  # an id, or a claimant and class, that stands already


class Standing(NamedTuple):
    """A claim that stands: what of it is left after set-off, and whether it is still disputed."""

    claim: Claim
    amount: int
    set_off: int
    disputed: bool


@dataclass(frozen=True, slots=True)
class Rulings:
    """Claims that stand (by class, claimant, id), those rejected with the reason, and what claimants still owe."""

    standing: tuple[Standing, ...]
    rejected: tuple[tuple[Claim, ClaimRefusal], ...]
    owed_to_estate: dict[str, int]


def rule_on_claims(
    classes: Sequence[str],
    ledger: Mapping[str, Mapping[str, int]],
    claims: Collection[Claim],
    bar_ns: int,
    debts: Mapping[str, int] | None = None,
    disputed: Collection[str] = (),
) -> Rulings:
    """Check every claim against the ledger and net what the claimant owes.

    ``ledger`` is what the venue owes, per claimant and class. Claims are looked at in order of filing, then id; a rejected
    claim does not stand in the way of a corrected one. Ids in ``disputed`` are kept at what was filed, even beyond the
    ledger, until they are decided. What a claimant owes is set off against its undisputed claims first, the most senior
    first: a debt is never paid with money that is worth less.

    Raises:
        InputError: a class named twice, or a negative debt or balance.
    """
    if len(set(classes)) != len(classes):
        raise InputError("a class is named twice", value=classes)
    rank = {name: i for i, name in enumerate(classes)}
    if any(x < 0 for row in ledger.values() for x in row.values()) or any(x < 0 for x in (debts or {}).values()):
        raise InputError("a balance or a debt is negative")
    kept: list[Claim] = []
    rejected: list[tuple[Claim, ClaimRefusal]] = []
    seen: set[object] = set()
    for claim in sorted(claims, key=lambda c: (c.filed_ns, c.id, c.claimant, c.rank, c.amount)):
        reason = _refusal(claim, rank, ledger, bar_ns, claim.id in disputed)
        if reason is None and {claim.id, (claim.claimant, claim.rank)} & seen:
            reason = ClaimRefusal.DUPLICATE
        if reason is not None:
            rejected.append((claim, reason))
            continue
        seen |= {claim.id, (claim.claimant, claim.rank)}
        kept.append(claim)
    owes = dict(debts or {})
    standing: list[Standing] = []
    for claim in sorted(kept, key=lambda c: (c.id in disputed, rank[c.rank], c.claimant, c.id)):
        part = min(claim.amount, owes.get(claim.claimant, 0))
        if part:
            owes[claim.claimant] -= part
        standing.append(Standing(claim, claim.amount - part, part, claim.id in disputed))
    standing.sort(key=lambda s: (rank[s.claim.rank], s.claim.claimant, s.claim.id))
    return Rulings(tuple(standing), tuple(rejected), {m: x for m, x in sorted(owes.items()) if x})


def _refusal(
    claim: Claim, rank: Mapping[str, int], ledger: Mapping[str, Mapping[str, int]], bar_ns: int, disputed: bool
) -> ClaimRefusal | None:
    if claim.amount <= 0:
        return ClaimRefusal.NOT_POSITIVE
    if claim.rank not in rank:
        return ClaimRefusal.NO_SUCH_CLASS
    if claim.filed_ns > bar_ns:
        return ClaimRefusal.LATE
    if disputed:
        return None
    if not any(ledger.get(claim.claimant, {}).values()):
        return ClaimRefusal.UNKNOWN
    balance = ledger[claim.claimant].get(claim.rank, 0)
    if not balance:
        return ClaimRefusal.NOT_OF_THIS_CLASS
    return ClaimRefusal.BEYOND_LEDGER if claim.amount > balance else None


def decide(rulings: Rulings, decisions: Mapping[str, int]) -> Rulings:
    """Disputed claims decided: each id at the amount found, from zero to what was reserved for.

    Raises:
        InputError: an id that is not disputed, or an amount beyond what stands.
    """
    rows = {s.claim.id: s for s in rulings.standing}
    for name, amount in decisions.items():
        found = rows.get(name)
        if found is None or not found.disputed or not 0 <= amount <= found.amount:
            most = found.amount if found is not None and found.disputed else None
            raise InputError(
                "a decision on a claim", field=name, value=amount, expected=f"0 to {most}, a disputed claim"
            )
        rows[name] = found._replace(amount=amount, disputed=False)
    return Rulings(tuple(rows.values()), rulings.rejected, rulings.owed_to_estate)


class Line(NamedTuple):
    """One claim in a distribution: every unit of it.

    ``exact`` is its share of all money so far before rounding; ``held`` the same in units, of which ``before`` was paid
    earlier and ``now`` is paid now; for a disputed claim ``reserved`` is kept instead. ``held = before + now + reserved``.
    """

    claim: Claim
    amount: int
    exact: Fraction
    held: int
    before: int
    now: int
    reserved: int


@dataclass(frozen=True, slots=True)
class Distribution:
    """A distribution. ``sum(held) + surplus = total``.

    Attributes:
        lines: one a standing claim, by class, claimant, id.
        rates: per class what of each unit claimed is covered so far.
        paid: per claim id everything paid so far, this one included: the input of the next distribution.
        reserve: kept for disputed claims.
        surplus: beyond all claims.
    """

    lines: tuple[Line, ...]
    rates: dict[str, Fraction]
    paid: dict[str, int]
    reserve: int
    surplus: int


def distribute(
    classes: Sequence[str], rulings: Rulings, total: int, paid: Mapping[str, int] | None = None, *, final: bool = False
) -> Distribution:
    """Share all money so far (``total``, what was paid before included) over the claims that stand.

    A class is paid in full before the next receives anything; inside a class pro rata to what stands, disputed claims
    included, whose share is kept in reserve. Units by largest remainder, ties by claimant then id. Nobody gives back: who
    holds more than the share from an earlier distribution keeps it, and the others of the class share the rest.

    Raises:
        InputError: a total below what was paid, payments to claims that do not stand, or a final distribution while a claim
            is disputed.
    """
    before = dict(paid or {})
    rows = {s.claim.id: s for s in rulings.standing}
    stray = sorted(i for i, x in before.items() if i not in rows or x > rows[i].amount or x < 0)
    if stray or total < sum(before.values()):
        raise InputError("money and payments before do not fit", value=stray or total)
    if final and any(s.disputed for s in rulings.standing):
        raise InputError("a final distribution decides every dispute first")
    left = total
    lines: list[Line] = []
    rates: dict[str, Fraction] = {}
    for name in classes:
        of_class = [s for s in rulings.standing if s.claim.rank == name]
        whole = sum(s.amount for s in of_class)
        pays = min(left, whole)
        left -= pays
        if sum(before.get(s.claim.id, 0) for s in of_class) > pays:
            raise InputError("a class was paid before more than it may hold", field=name, value=pays)
        rates[name] = Fraction(pays, whole) if whole else Fraction(0)
        held = _shares(pays, of_class, before)
        for s in of_class:
            had = before.get(s.claim.id, 0)
            more = held[s.claim.id] - had
            now, reserved = (0, more) if s.disputed else (more, 0)
            lines.append(Line(s.claim, s.amount, rates[name] * s.amount, had + more, had, now, reserved))
    result = Distribution(
        tuple(lines),
        rates,
        {line.claim.id: line.before + line.now for line in lines if line.before + line.now},
        sum(line.reserved for line in lines),
        left,
    )
    if sum(line.held for line in lines) + left != total or any(line.now < 0 for line in lines):
        raise InvariantBroken(f"a distribution of {total} does not add up: {result}")
    return result


def _shares(pays: int, rows: Sequence[Standing], before: Mapping[str, int]) -> dict[str, int]:
    """Pro rata with what was paid before as a floor."""
    held = {s.claim.id: before.get(s.claim.id, 0) for s in rows}
    active = sorted(rows, key=lambda s: (s.claim.claimant, s.claim.id))
    left = pays
    while True:
        whole = sum(s.amount for s in active)
        above = [s for s in active if left * s.amount < held[s.claim.id] * whole]
        if not above:
            break
        left -= sum(held[s.claim.id] for s in above)
        kept = {s.claim.id for s in above}
        active = [s for s in active if s.claim.id not in kept]
    shares = split(left, [s.amount for s in active])
    held.update((s.claim.id, share) for s, share in zip(active, shares, strict=True))
    return held

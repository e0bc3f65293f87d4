"""What happens beside the prices, and when: losses that are no default, money that comes back, a run of withdrawals,
the end of the venue. Plain values, exact: every amount and minute is a fraction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from typing import Any, ClassVar

from seawall.errors import InputError
from seawall.money import exact_text

CAUSES = ("exploit", "custody", "oracle", "treasury", "model")
DEFAULTS = "defaults"
LARGEST = "largest"


@dataclass(frozen=True, slots=True)
class Loss:
    """Money of the venue is gone. Either ``amount`` in the quote currency, or ``share_of_cash`` of all members' cash in
    the asset; ``asset`` None: the settle asset in which members have most. ``reference`` names the incident, once."""

    kind: ClassVar[str] = "loss"
    minute: Fraction
    reference: str
    cause: str
    amount: Fraction | None = None
    share_of_cash: Fraction | None = None
    asset: str | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Recovery:
    """Money comes back for what was lost before: a ``reference``, or every default so far (``of_defaults``), the oldest
    loss first. ``share`` of what has not come back yet of each, or ``amount`` in the quote currency."""

    kind: ClassVar[str] = "recovery"
    minute: Fraction
    reference: str | None = None
    share: Fraction | None = None
    amount: Fraction | None = None
    text: str = ""

    @property
    def of_defaults(self) -> bool:
        """Does it come back for defaults?"""
        return self.reference is None


@dataclass(frozen=True, slots=True)
class Reinstatement:
    """The owner puts money into house accounts: the one named ``account``, or every one of a ``role``. ``share`` of the
    opening balance on top, or as much as is missing to it (``up_to``)."""

    kind: ClassVar[str] = "reinstatement"
    minute: Fraction
    account: str | None = None
    role: str | None = None
    share: Fraction | None = None
    up_to: Fraction | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """A run on the venue: ``share_of_accounts`` of the members with money, chosen and ordered by ``seed``, each asks for
    ``share`` of what it may withdraw at that moment."""

    kind: ClassVar[str] = "run"
    minute: Fraction
    share_of_accounts: Fraction
    share: Fraction = Fraction(1)
    seed: int = 0
    text: str = ""


@dataclass(frozen=True, slots=True)
class StopPaying:
    """Clearing members answer no call and put nothing back from here on: the one named ``member``, or the ``largest`` so
    many by what they paid into the default fund."""

    kind: ClassVar[str] = "stop_paying"
    minute: Fraction
    member: str | None = None
    largest: int | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class WindDown:
    """The venue stops for good: from here on there is no trading."""

    kind: ClassVar[str] = "wind_down"
    minute: Fraction
    text: str = ""


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim against the estate, called ``claim``: ``claimant`` is the name of an account (of the venue or not), or
    "largest": the member with the largest balance. ``amount`` in the quote currency, or ``share`` of the claimant's
    balance; ``rank`` the class it claims."""

    kind: ClassVar[str] = "claim"
    minute: Fraction
    claim: str
    claimant: str
    rank: str
    amount: Fraction | None = None
    share: Fraction | None = None
    asset: str | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Distribution:
    """The estate is paid out, in every asset or in one; ``final`` ends it."""

    kind: ClassVar[str] = "distribution"
    minute: Fraction
    final: bool = False
    asset: str | None = None
    text: str = ""


Incident = Loss | Recovery | Reinstatement | Run | StopPaying | WindDown | Claim | Distribution
KINDS: dict[str, type[Any]] = {
    c.kind: c for c in (Loss, Recovery, Reinstatement, Run, StopPaying, WindDown, Claim, Distribution)
}
ROLES = ("fund", "backstop")
# Of which fields exactly one is given: every one is a way to say how much, or of whom.
ONE_OF: dict[str, tuple[tuple[str, ...], ...]] = {
    "loss": (("amount", "share_of_cash"),),
    "recovery": (("share", "amount"),),
    "reinstatement": (("account", "role"), ("share", "up_to")),
    "stop_paying": (("member", "largest"),),
    "claim": (("amount", "share"),),
}


@dataclass(frozen=True, slots=True)
class Script:
    """Incidents with a name: a file of its own, so that one script can be run over any event."""

    name: str
    title: str
    incidents: tuple[Incident, ...]
    sources: tuple[tuple[str, str], ...] = ()
    notes: str = ""


def ordered(incidents: Sequence[Incident]) -> tuple[Incident, ...]:
    """By minute; those of one minute as they are written."""
    return tuple(sorted(incidents, key=lambda i: i.minute))


def check_incidents(incidents: Sequence[Incident], where: str, minutes: Fraction | None = None) -> None:
    """Refuse what cannot be meant. ``minutes``: length of the window, where it is known.

    Raises:
        InputError: a minute outside the window, an unknown cause or role, a way to say how much that is missing or there
            twice, a share or amount that is not positive, a reference or claim named twice, a recovery of what was not
            declared by then; the field is named.
    """
    declared: dict[str, Fraction] = {}
    claims: set[str] = set()
    for number, found in enumerate(incidents):
        _Checked(where, f"incidents[{number}]", found).check(minutes)
        if isinstance(found, Loss):
            _once(found.reference, declared, where, f"incidents[{number}].reference", "reference")
            declared[found.reference] = found.minute
        elif isinstance(found, Claim):
            _once(found.claim, claims, where, f"incidents[{number}].claim", "claim")
            claims.add(found.claim)
    for number, found in enumerate(incidents):
        if isinstance(found, Recovery) and found.reference is not None:
            before = [name for name, minute in declared.items() if minute <= found.minute]
            if found.reference not in before:
                raise InputError(
                    "nothing of that reference is lost by then",
                    where=where,
                    field=f"incidents[{number}].reference",
                    value=found.reference,
                    expected="one of " + ", ".join(before) if before else 'a loss before it, or of = "defaults"',
                )


def _once(name: str, known: Any, where: str, field: str, what: str) -> None:
    if not name or any(c.isspace() for c in name):
        raise InputError("empty or has blanks", where=where, field=field, value=name)
    if name in known:
        raise InputError(f"{what} is there twice", where=where, field=field, value=name, expected="each once")


@dataclass(frozen=True, slots=True)
class _Checked:
    where: str
    path: str
    found: Incident

    def refuse(self, problem: str, name: str, value: object, expected: str = "") -> None:
        raise InputError(problem, where=self.where, field=f"{self.path}.{name}", value=value, expected=expected)

    def check(self, minutes: Fraction | None) -> None:
        found = self.found
        if found.minute < 0 or (minutes is not None and found.minute > minutes):
            last = "" if minutes is None else f" to {exact_text(minutes)}"
            self.refuse("minute outside the window", "minute", exact_text(found.minute), f"0{last}")
        for names in ONE_OF.get(found.kind, ()):
            given = [n for n in names if getattr(found, n) is not None]
            if len(given) != 1:
                wanted = " or ".join(names) + (", one of them" if given else "")
                self.refuse("how much is said twice" if given else "key is missing", names[0], given or None, wanted)
        for each in fields(found):
            value = getattr(found, each.name)
            if isinstance(value, Fraction) and each.name != "minute":
                self._amount(each.name, value)
        if isinstance(found, Loss) and found.cause not in CAUSES:
            self.refuse("unknown cause", "cause", found.cause, "one of " + ", ".join(CAUSES))
        if isinstance(found, Reinstatement) and found.role is not None and found.role not in ROLES:
            self.refuse("unknown role", "role", found.role, "one of " + ", ".join(ROLES))

    def _amount(self, name: str, value: Fraction) -> None:
        if value <= 0:
            self.refuse("must be positive", name, exact_text(value), "more than 0")
        # A claim may ask for more than there is, and an owner may put in more than there was: nothing else may.
        bound = not isinstance(self.found, Claim | Reinstatement) and name != "amount"
        if bound and value > 1:
            self.refuse("more than 100 %", name, exact_text(value), 'at most "1"')


def smaller(incidents: Sequence[Incident], share: Fraction) -> tuple[Incident, ...]:
    """The same incidents for a book that is a smaller copy: amounts of money are cut by ``share``, shares stay."""
    return tuple(
        replace(i, amount=i.amount * share) if isinstance(i, Loss | Recovery | Claim) and i.amount is not None else i
        for i in incidents
    )


def as_plain(found: Incident) -> dict[str, Any]:
    """An incident as JSON-ready data: what is at its default is left out, numbers are exact text."""
    out: dict[str, Any] = {"kind": found.kind}
    for each in fields(found):
        value = getattr(found, each.name)
        if value is None or (value == each.default and each.name not in ("final",)):
            continue
        out[each.name] = exact_text(value) if isinstance(value, Fraction) else value
    if isinstance(found, Recovery) and found.of_defaults:
        out["of"] = DEFAULTS
    return out

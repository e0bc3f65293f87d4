"""A default fund through a sequence of defaults: contributions, own slices, calls in windows, replenishment. Minor units."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from seawall.errors import InputError, InvariantBroken
from seawall.members.calls import CallCaps, CallWindow, CashCall, cash_call, window_for
from seawall.members.clock import Clock, ReplenishRule
from seawall.members.own import OwnSlice
from seawall.members.shares import check_amounts, pro_rata
from seawall.members.tiers import Tier, tiers_in_order, use_by_tier

OWN_FIRST, MEMBERS, OWN_SECOND, CALLS = "own_first", "members", "own_second", "calls"
LAYERS = (OWN_FIRST, MEMBERS, OWN_SECOND, CALLS)
DEFAULTER = "defaulter"


@dataclass(frozen=True, slots=True)
class FundTerms:
    """The rules of a fund.

    Attributes:
        order: layers after the defaulter's own contribution, in order of use. Each entry is one layer or several that
            stand side by side (pro rata to what they hold). Calls stand alone.
        caps: of calls on members.
        replenish: deadlines.
    """

    order: tuple[tuple[str, ...], ...]
    caps: CallCaps
    replenish: ReplenishRule

    def __post_init__(self) -> None:
        named = [name for group in self.order for name in group]
        if len(set(named)) != len(named) or set(named) - set(LAYERS):
            raise InputError("layers of a fund", field="order", value=self.order, expected=f"each of {LAYERS} once")
        if any(CALLS in group and len(group) > 1 for group in self.order):
            raise InputError("calls stand alone: what they bring is not known before", field="order", value=self.order)


@dataclass(frozen=True, slots=True)
class FundState:
    """Where the money is, an immutable value.

    Attributes:
        required: each member's contribution as called; caps, call shares and bills are counted on it.
        held: what of it is there.
        own: the clearing house's slices by layer name.
        estate: what failed members' contributions left over.
        window, clock: the open cooling-off window and what is owed.
        leaving: members that gave notice: they leave when the window closes, and owe nothing after it.
    """

    required: Mapping[str, int]
    held: Mapping[str, int]
    own: Mapping[str, OwnSlice[int]]
    estate: Mapping[str, int] = field(default_factory=dict)
    window: CallWindow | None = None
    clock: Clock = field(default_factory=Clock)
    leaving: frozenset[str] = frozenset()
    now_ns: int = 0

    @staticmethod
    def of(contributions: Mapping[str, int], own: Mapping[str, OwnSlice[int]] | None = None) -> FundState:
        """A fund that is whole."""
        check_amounts(contributions, "a contribution")
        wrong = sorted(set(own or {}) - {OWN_FIRST, OWN_SECOND} | set(contributions) & set(LAYERS))
        if wrong:
            raise InputError("an own slice or a member has a name it cannot have", value=wrong)
        return FundState(dict(contributions), dict(contributions), dict(own or {}))


class Default(NamedTuple):
    """Members that fail together, and the loss beyond their margin.

    ``tiers`` names every survivor (from the auction); None: all in one tier. ``fails_to_pay`` do not answer a call.
    """

    members: tuple[str, ...]
    loss: int
    at_ns: int
    tiers: Mapping[str, Tier] | None = None
    fails_to_pay: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class DefaultOutcome:
    """Who paid. The sum of ``used`` and ``residual`` is the loss.

    Attributes:
        used: per layer in order of use, what each payer paid (``defaulter`` first; own slices pay under their own name).
        call: the cash call with all its rounds, if there was one.
        missed: what members were asked for and did not pay.
        returned: contributions paid back to members that left when the window before closed.
        residual: what nobody paid.
    """

    used: tuple[tuple[str, dict[str, int]], ...]
    call: CashCall[int] | None
    missed: dict[str, int]
    returned: dict[str, int]
    residual: int

    def paid_by(self, payer: str) -> int:
        """All that one payer paid for this default."""
        return sum(paid.get(payer, 0) for _, paid in self.used)

    def return_order(self) -> list[tuple[str, dict[str, int]]]:
        """Layers last used first: the order in which recoveries go back."""
        return [(name, dict(paid)) for name, paid in reversed(self.used)]


def close_window(terms: FundTerms, state: FundState, at_ns: int) -> tuple[FundState, dict[str, int]]:
    """What time alone does until ``at_ns``: a lapsed window closes, leavers go, the others owe what was used.

    Returns the state and what is paid back to leavers. Nothing happens while a window is open.

    Raises:
        InputError: time runs backwards.
    """
    if at_ns < state.now_ns:
        raise InputError("time runs backwards", value=at_ns, expected=f">= {state.now_ns}")
    state = replace(state, now_ns=at_ns)
    if state.window is not None and state.window.is_open(at_ns):
        return state, {}
    returned = {m: state.held[m] for m in sorted(state.leaving)}
    clock = state.clock
    for member in state.leaving:  # what it still owes would only be put in to be handed back
        clock = clock.forgive(member)
    required = {m: x for m, x in state.required.items() if m not in returned}
    held = {m: state.held[m] for m in required}
    if state.window is not None:
        owed = {m: x - held[m] - clock.owed(m) for m, x in required.items()}
        clock = clock.owe(owed, state.window.closes_ns, state.window.closes_ns + terms.replenish.members_ns)
    state = replace(state, required=required, held=held, window=None, clock=clock, leaving=frozenset())
    return state, returned


def give_notice(state: FundState, member: str) -> FundState:
    """A member leaves when the open window closes (at the next step when none is open).

    Raises:
        InputError: not a member.
    """
    if member not in state.required:
        raise InputError("notice of somebody who is not a member", field=member)
    return replace(state, leaving=state.leaving | {member})


def replenish(terms: FundTerms, state: FundState, payer: str, amount: int, at_ns: int) -> FundState:
    """A member, or the clearing house under the name of its slice, pays what it owes.

    Raises:
        InputError: more than is owed.
    """
    state, returned = close_window(terms, state, at_ns)
    if returned:
        raise InputError("close the window first: members leave with money", value=returned)
    clock = state.clock.pay(payer, amount, at_ns)
    if payer in state.own:
        own = state.own[payer]
        return replace(state, clock=clock, own={**state.own, payer: replace(own, left=own.left + amount)})
    return replace(state, clock=clock, held={**state.held, payer: state.held[payer] + amount})


def absorb(terms: FundTerms, state: FundState, default: Default) -> tuple[FundState, DefaultOutcome]:
    """One default: the defaulters' own contributions, then the layers in order; each pays once, nobody beyond its cap.

    Raises:
        InputError: a defaulter that is not a member, tiers that do not name every survivor, a negative loss.
    """
    state, returned = close_window(terms, state, default.at_ns)
    _check(state, default)
    own = {name: s.before_default() for name, s in state.own.items()}
    window = window_for(state.window, terms.caps, state.required, default.at_ns)
    held = dict(state.held)
    failed = {m: held.pop(m) for m in default.members}
    first = pro_rata(min(default.loss, sum(failed.values())), failed)
    used: list[tuple[str, dict[str, int]]] = [(DEFAULTER, first)]
    left = default.loss - sum(first.values())
    call: CashCall[int] | None = None
    for group in terms.order:
        if group == (CALLS,):
            base = {m: x for m, x in window.base.items() if m in held}
            call = cash_call(left, base, window.room(terms.caps), default.fails_to_pay)
            used.append((CALLS, call.paid))
            window = window.take(call.paid)
            left = call.shortfall
            continue
        holds = {n: sum(held.values()) if n == MEMBERS else own[n].left for n in group if n == MEMBERS or n in own}
        pays = pro_rata(min(left, sum(holds.values())), holds)
        for name, amount in pays.items():
            if name == MEMBERS:
                tiers = [sorted(held)] if default.tiers is None else tiers_in_order(default.tiers)
                part = use_by_tier(amount, held, tiers).used
                held = {m: x - part[m] for m, x in held.items()}
            else:
                part = {name: amount}
                own[name] = own[name].use(amount)
            used.append((name, part))
            left -= amount
    if sum(sum(paid.values()) for _, paid in used) + left != default.loss:
        raise InvariantBroken(f"a loss of {default.loss} is not allocated: {used} and {left}")
    estate = {**state.estate, **{m: failed[m] - first[m] for m in failed}}
    state = replace(state, held=held, own=own, estate=estate, window=window)
    state = _owe(terms, state, default, dict(used))
    return state, DefaultOutcome(tuple(used), call, _missed(call), returned, left)


def _check(state: FundState, default: Default) -> None:
    strangers = [m for m in default.members if m not in state.held]
    if strangers or len(set(default.members)) != len(default.members):
        raise InputError("a defaulter is not a member, or named twice", value=strangers or default.members)
    if default.loss < 0:
        raise InputError("a loss is negative", value=default.loss)
    if default.tiers is not None and set(default.tiers) != set(state.held) - set(default.members):
        raise InputError("tiers must name every survivor", value=sorted(default.tiers))


def _owe(terms: FundTerms, state: FundState, default: Default, used: Mapping[str, Mapping[str, int]]) -> FundState:
    """Failed members leave the roll; slices, and inside a window members, owe what was used."""
    clock = state.clock
    for member in default.members:
        clock = clock.forgive(member)
    required = {m: x for m, x in state.required.items() if m not in default.members}
    for name, own in state.own.items():
        if not own.reinstated:
            short = own.full - own.left - clock.owed(name)
            clock = clock.owe({name: short}, default.at_ns, default.at_ns + terms.replenish.own_ns)
    window = state.window
    assert window is not None  # a default opens one
    if terms.replenish.inside_window:
        room = window.window_room(terms.caps)
        owed = {m: min(x, room.get(m, 0)) for m, x in used.get(MEMBERS, {}).items() if m not in state.leaving}
        clock = clock.owe(owed, default.at_ns, default.at_ns + terms.replenish.members_ns)
        window = window.take(owed)
    leaving = state.leaving - set(default.members)
    return replace(state, required=required, clock=clock, window=window, leaving=leaving)


def _missed(call: CashCall[int] | None) -> dict[str, int]:
    missed: dict[str, int] = {}
    for asked, paid in ((r.asked, r.paid) for r in (call.rounds if call else ())):
        for member, amount in asked.items():
            if amount > paid[member]:
                missed[member] = missed.get(member, 0) + amount - paid[member]
    return missed


def survivors(state: FundState, failing: Collection[str] = ()) -> list[str]:
    """Members that stand, by name."""
    return sorted(set(state.held) - set(failing))

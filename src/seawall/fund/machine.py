"""``apply(state, command)`` of the fund: immutable values in, new values and events out, or a refusal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from seawall.fund.shares import Pool, Stake, rebase_pool, rebase_stake, shares_for
from seawall.fund.staking import Act, StakeRefused, cancel, deposit, request, withdraw
from seawall.fund.state import (
    Asked,
    AskOut,
    ChangeTerms,
    CloseIncident,
    DrawLoss,
    Drawn,
    Earn,
    Earned,
    FundCommand,
    FundEvent,
    FundRefused,
    FundState,
    Locked,
    OpenIncident,
    PaidOut,
    PayQueue,
    PutIn,
    Staked,
    TakeBack,
    TakenBack,
    TermsAnnounced,
    Unlocked,
)
from seawall.money import Rounding, muldiv

FLOOR = Rounding.FLOOR


class FundStep(NamedTuple):
    """The state afterwards and what happened."""

    state: FundState
    events: tuple[FundEvent, ...]


def apply_fund(state: FundState, command: FundCommand) -> FundStep | FundRefused:
    """Apply one command; ``state`` is never changed."""
    now = command.time_ns
    if now < state.time_ns:
        return FundRefused.TIME_BACKWARDS
    state = replace(state, time_ns=now)
    if state.next_terms is not None and now >= state.next_terms[0]:
        state = replace(state, terms=state.next_terms[1], next_terms=None)
    return _HANDLERS[type(command)](state, command)


def _with(state: FundState, owner: str, act: Act) -> FundState:
    stakes = {**state.stakes, owner: act.stake}
    if act.stake.shares == 0:
        del stakes[owner]
    return replace(state, pool=act.pool, stakes=stakes)


def _stake(state: FundState, owner: str) -> Stake:
    """The owner's stake; a new one starts at the pool's base."""
    return state.stakes.get(owner) or Stake(base=state.pool.base)


def _put_in(state: FundState, command: PutIn) -> FundStep | FundRefused:
    if command.amount <= 0:
        return FundRefused.AMOUNT
    if state.locked:
        return FundRefused.INCIDENT
    stake = _stake(state, command.owner)
    found = deposit(state.pool, stake, command.amount)
    if isinstance(found, StakeRefused):
        return FundRefused.DRAINED
    before = rebase_stake(stake, found.pool).shares
    new = found.stake.shares - before
    # What the new shares are worth the moment they are bought, against what they cost.
    lost = command.amount - found.pool.worth(new)
    allowed = muldiv(command.amount, state.terms.dust.numerator, state.terms.dust.denominator, FLOOR)
    if new == 0 or lost > max(1, allowed):
        return FundRefused.DUST
    after = replace(_with(state, command.owner, found), put_in=state.put_in + command.amount)
    return FundStep(after, (Staked(command.time_ns, command.owner, command.amount, new),))


def _ask_out(state: FundState, command: AskOut) -> FundStep | FundRefused:
    stake = state.stakes.get(command.owner)
    if command.shares <= 0:
        return FundRefused.AMOUNT
    if stake is None or command.shares > stake.shares:
        return FundRefused.NO_STAKE
    if command.owner in state.queue:
        return FundRefused.PENDING
    found = request(state.pool, stake, command.shares, command.time_ns, state.terms.cooldown_ns)
    frozen = found.stake
    if frozen.request_shares == 0:
        return FundRefused.DUST
    after = replace(_with(state, command.owner, found), queue=(*state.queue, command.owner))
    due = frozen.request_ns + frozen.cooldown_ns
    event = Asked(command.time_ns, command.owner, frozen.request_shares, frozen.request_value, due)
    return FundStep(after, (event,))


def _take_back(state: FundState, command: TakeBack) -> FundStep | FundRefused:
    if command.owner not in state.queue:
        return FundRefused.NO_REQUEST
    queue = tuple(o for o in state.queue if o != command.owner)
    stake = state.stakes[command.owner]
    found = cancel(state.pool, stake)
    if isinstance(found, StakeRefused):  # a rebase left nothing of the request: only the place in the queue is given up
        found = Act(state.pool, replace(stake, request_shares=0, request_value=0))
    after = replace(_with(state, command.owner, found), queue=queue)
    return FundStep(after, (TakenBack(command.time_ns, command.owner, found.lost),))


def _pay_queue(state: FundState, command: PayQueue) -> FundStep | FundRefused:
    """In order of request. A request that is due and does not fit is paid in part and stops the queue.

    One that is worth nothing now is passed over and stays: a recovery may still reach it.
    """
    if command.keep < 0:
        return FundRefused.AMOUNT
    if state.locked:
        return FundRefused.INCIDENT
    now, events = command.time_ns, []
    room = min(state.exit_room(), max(0, state.pool.vault - command.keep))
    stakes: dict[str, Stake] = dict(state.stakes)
    pool, left_in_queue, paid = state.pool, [], 0
    stopped = False
    for owner in state.queue:
        stake = stakes[owner]
        due_pool = rebase_pool(pool)
        worth = due_pool.worth(rebase_stake(stake, due_pool).request_shares)
        if stopped or now - stake.request_ns < stake.cooldown_ns or min(worth, stake.request_value) == 0:
            left_in_queue.append(owner)
            continue
        if room - paid == 0:
            left_in_queue.append(owner)
            stopped = True
            continue
        found = withdraw(pool, stake, now, room=room - paid)
        assert isinstance(found, Act)
        shares = pool_shares(pool, found.pool)
        left = found.stake.request_value
        stopped = left > 0
        pool, paid = found.pool, paid + found.paid
        stakes[owner] = found.stake
        if stopped:
            left_in_queue.append(owner)
        elif found.stake.shares == 0:
            del stakes[owner]
        forfeited = 0 if stopped else worth - found.paid
        events.append(PaidOut(now, owner, found.paid, shares, left, forfeited))
    # Kept as long as the longer of the present window and an announced one looks back.
    coming = state.next_terms[1].exit_window_ns if state.next_terms else 0
    since = now - max(state.terms.exit_window_ns, coming)
    exits = tuple(e for e in state.exits if e[0] > since)
    after = replace(
        state,
        pool=pool,
        stakes=stakes,
        queue=tuple(left_in_queue),
        exits=(*exits, (now, paid)) if paid else exits,
        paid_out=state.paid_out + paid,
    )
    return FundStep(after, tuple(events))


def pool_shares(before: Pool, after: Pool) -> int:
    """Shares that left the pool between two values of it, in shares of the later base."""
    return rebase_pool(before).total_shares - after.total_shares


def _earn(state: FundState, command: Earn) -> FundStep | FundRefused:
    if command.amount <= 0:
        return FundRefused.AMOUNT
    pool = rebase_pool(state.pool)
    part = state.terms.protocol_share
    own = muldiv(command.amount, part.numerator, part.denominator, FLOOR)
    # Priced after the rest of the income: the venue's part buys in at what everybody's shares are then worth.
    rest = replace(pool, vault=pool.vault + command.amount - own)
    new = shares_for(rest, own) if rest.total_shares and rest.vault else 0
    pool = replace(rest, vault=rest.vault + own, total_shares=rest.total_shares + new)
    after = replace(state, pool=pool, earned=state.earned + command.amount)
    return FundStep(after, (Earned(command.time_ns, command.amount, new),))


def _draw(state: FundState, command: DrawLoss) -> FundStep | FundRefused:
    if command.amount <= 0:
        return FundRefused.AMOUNT
    if command.amount > state.drawable:
        return FundRefused.SHORT
    pool = replace(state.pool, vault=state.pool.vault - command.amount)
    after = replace(state, pool=pool, drawn=state.drawn + command.amount)
    return FundStep(after, (Drawn(command.time_ns, command.amount),))


def _open(state: FundState, command: OpenIncident) -> FundStep | FundRefused:
    # A name stays known for ever, so that one incident cannot be opened again and again to hold money back.
    if command.incident in state.incidents:
        return FundRefused.KNOWN_INCIDENT
    until = command.time_ns + state.terms.incident_longest_ns
    after = replace(state, incidents={**state.incidents, command.incident: until})
    return FundStep(after, (Locked(command.time_ns, command.incident, until),))


def _close(state: FundState, command: CloseIncident) -> FundStep | FundRefused:
    if state.incidents.get(command.incident, 0) <= command.time_ns:
        return FundRefused.UNKNOWN_INCIDENT
    after = replace(state, incidents={**state.incidents, command.incident: command.time_ns})
    return FundStep(after, (Unlocked(command.time_ns, command.incident),))


def _change(state: FundState, command: ChangeTerms) -> FundStep | FundRefused:
    if state.next_terms is not None:
        return FundRefused.ANNOUNCED
    begin = command.time_ns + state.terms.cooldown_ns
    after = replace(state, next_terms=(begin, command.terms))
    return FundStep(after, (TermsAnnounced(command.time_ns, begin),))


_HANDLERS: Mapping[type, Callable[[FundState, Any], FundStep | FundRefused]] = {
    PutIn: _put_in,
    AskOut: _ask_out,
    TakeBack: _take_back,
    PayQueue: _pay_queue,
    Earn: _earn,
    DrawLoss: _draw,
    OpenIncident: _open,
    CloseIncident: _close,
    ChangeTerms: _change,
}

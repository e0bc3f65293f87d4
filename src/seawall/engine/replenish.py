"""The life of the default fund: what layers used is owed and put back by rule, members that do not pay are in default.

When a layer that is reinstated pays, its payer owes the same amount (per asset). At every ``Marks``, ``Resolve`` and
``DeclareLoss`` what is due is put back with money from outside, for events that are over: one default does not draw
twice on the same layer, and defaults that stand in one Resolve find what there is. After a wind-down nothing is owed.

Source: Delegated Regulation (EU) 153/2013 art. 36 (own resources, one month); ``members.fund`` says the same as values.
"""

from __future__ import annotations

from seawall.engine.clockbook import DueDebt, Use
from seawall.engine.commands import StopPaying
from seawall.engine.events import (
    DebtEnded,
    MemberDefaulted,
    PaymentsStopped,
    Refused,
    Rejection,
    Replenished,
    ReplenishmentOwed,
    Why,
)
from seawall.engine.posting import Step
from seawall.engine.state import State
from seawall.members import CallCaps, CallWindow, window_for
from seawall.waterfall import LayerKind, LayerRule


def open_window(state: State, asset: int) -> CallWindow:
    """The window that a loss which reaches members' money now belongs to; opened when none is open."""
    terms, book = state.policy.members, state.members
    assert terms is not None
    caps = CallCaps(terms.call_per_default, terms.call_per_window, terms.window_ns)
    window = window_for(book.windows.get(asset), caps, book.paid_in.get(asset, {}), state.time_ns)
    book.windows[asset] = window
    return window


def note_use(state: State, step: Step, rule: LayerRule, event: int, account: int, asset: int, amount: int) -> None:
    """A layer paid: remember it until the command ends, when it is known what was called as well."""
    terms = state.policy.members
    if rule.kind is LayerKind.ACCOUNT:
        if rule.reinstated_after_ns is not None:
            step.uses.append(Use(event, account, asset, amount, ""))
    elif rule.kind is not LayerKind.ASSESSMENT and terms is not None and terms.reinstated_after_ns is not None:
        member = next(name for name, held in state.members.accounts.items() if held == account)
        step.uses.append(Use(event, account, asset, amount, member))


def owe(state: State, step: Step) -> None:
    """What layers used in this command is owed from now on; of members, what they did not fail with."""
    used: dict[tuple[int, int, int, str], list[int]] = {}
    for use in step.uses:
        used.setdefault((use.event, use.account, use.asset, use.member), []).append(use.amount)
    step.uses.clear()
    if state.winding is not None:
        return
    for (event, account, asset, member), amounts in used.items():
        if member:
            _owe_member(state, step, event, account, asset, member, sum(amounts))
            continue
        after = next(r.reinstated_after_ns for r in state.policy.layers if state.house.get(r.account) == account)
        assert after is not None
        why: Why = (("clock.owed", {"used": amounts}),)
        _owe(state, step, event, account, asset, sum(amounts), state.time_ns, state.time_ns + after, why)


def _owe_member(state: State, step: Step, event: int, account: int, asset: int, member: str, used: int) -> None:
    """A member owes once the window has closed; by rule at once, as far as the window's cap has room.

    Never more than is missing to what it had paid in when the venue opened: money that came back after it had put the
    same back lies on top, and does not make the fund larger for good. No bill goes beyond ``members.worst_case_bills``.
    """
    terms = state.policy.members
    assert terms is not None and terms.reinstated_after_ns is not None
    if member in state.members.failed:
        return
    paid_in = state.members.paid_in.get(asset, {}).get(member, 0)  # nothing in an asset that no market settles in
    held = state.book.cash(account, asset)
    owed = state.clock.owed(state.account_name(account), asset)
    lost, used = used, min(used, max(0, paid_in - held - owed))
    above: Why = ()
    if used < lost:
        above = (("clock.missing", {"used": lost, "paid_in": paid_in, "held": held, "owed": owed}),)
    after, window = terms.reinstated_after_ns, state.members.windows[asset]
    inside = 0
    if terms.reinstated_inside_window:
        caps = CallCaps(terms.call_per_default, terms.call_per_window, terms.window_ns)
        room = window.window_room(caps).get(member, 0)
        inside = min(used, room)
        state.members.windows[asset] = window.take({member: inside})
        why: Why = (*above, ("clock.inside", {"used": used, "room": room}))
        _owe(state, step, event, account, asset, inside, state.time_ns, state.time_ns + after, why)
    closes = window.closes_ns
    why = (*above, ("clock.after", {"used": used, "inside": inside}))
    _owe(state, step, event, account, asset, used - inside, closes, closes + after, why)


def _owe(
    state: State, step: Step, event: int, account: int, asset: int, amount: int, since: int, due: int, why: Why
) -> None:
    if amount:
        name = state.account_name(account)
        state.clock.owe(name, asset, event, amount, since, due)
        step.emit(ReplenishmentOwed(event, name, state.asset(asset).name, amount, due, why))


def put_back(state: State, step: Step) -> None:
    """Pay what is due, of events that are over. Who stopped paying is in default instead."""
    if state.clock.soonest_ns is None or state.time_ns < state.clock.soonest_ns or state.winding is not None:
        return
    running = {case.event for case in state.cases.values()} | set(state.carried.values())
    due = state.clock.due(state.time_ns, running)
    members = {state.account_name(account): name for name, account in state.members.accounts.items()}
    for debt in due:
        member = members.get(debt.payer)
        if member in state.members.stopped:
            fail(state, step, member, "replenishment_unpaid", debt.event)
    for debt in due:
        if members.get(debt.payer) not in state.members.failed:
            _put_back(state, step, debt)
    state.clock.looked()


def _put_back(state: State, step: Step, debt: DueDebt) -> None:
    account, amount = state.account_index[debt.payer], sum(debt.owed)
    if state.book.pooled and not state.book.priced(debt.asset):
        return  # as for a deposit: it comes with the first index price
    if not state.book.fits_deposit(account, debt.asset, amount):
        return  # it stays owed until there is room
    state.clock.pay(debt.payer, debt.asset, debt.event, amount, state.time_ns)
    step.receive(state.external[debt.asset], account, debt.asset, amount, "replenished")
    why: Why = (("clock.paid", {"owed": list(debt.owed)}),)
    step.emit(Replenished(debt.event, debt.payer, state.asset(debt.asset).name, amount, why))


def came_back(state: State, step: Step, account: int, asset: int, amount: int, by: str) -> None:
    """Money that came back to an account otherwise settles what it owes first."""
    name = state.account_name(account)
    owed = state.clock.owed(name, asset) if state.clock.clocks else 0
    settled = state.clock.settle(name, asset, min(amount, owed), state.time_ns) if owed else 0
    if settled:
        why: Why = (("clock.settled", {"received": amount, "owed": owed}),)
        step.emit(DebtEnded(name, state.asset(asset).name, settled, by, why))


def fail(state: State, step: Step, member: str, reason: str, loss: int) -> None:
    """A member and its affiliates are in default: their debts are forgiven, what they had paid in stays usable."""
    book = state.members
    new = tuple(name for name in book.group_of(member) if name not in book.failed)
    if not new:
        return
    book.failed.update(new)
    book.stopped.difference_update(new)
    step.emit(MemberDefaulted(member, new, reason, loss))
    for name in new:
        account = state.account_name(book.accounts[name])
        for asset, owed in state.clock.forgive(account).items():
            why: Why = (("clock.forgiven", {"owed": owed}),)
            step.emit(DebtEnded(account, state.asset(asset).name, owed, "default", why))


def stop_paying(state: State, step: Step, command: StopPaying) -> Rejection | None:
    """A member answers no call and puts nothing back from now on; it is asked once, and is in default then."""
    book = state.members
    if command.member not in book.accounts:
        return Rejection(Refused.UNKNOWN_MEMBER, {"member": command.member})
    if command.member in book.stopped or command.member in book.failed:
        return Rejection(Refused.STOPPED_PAYING, {"member": command.member})
    book.stopped.add(command.member)
    step.emit(PaymentsStopped(command.member))
    return None

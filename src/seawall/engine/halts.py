"""Halts: what stands still, by criteria fixed in the policy before, each with an end. Nothing is closed by hand.

After every Resolve and every declared loss, and with new marks, the engine notes what the criteria look at (``MEASURES``).
A withdrawal gate refuses withdrawals, a trading halt refuses trades, and where the policy has a deleveraging switch winners are
deleveraged only while it is on. Liquidation, fills and the other layers go on; nobody loses a right by waiting.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

from seawall.engine.events import HaltBegan, HaltEnded
from seawall.engine.posting import Step
from seawall.engine.state import State
from seawall.engine.units import asset_quote_value
from seawall.liquidation import HaltKind
from seawall.liquidation import Observation as HaltObservation
from seawall.money import Rounding, muldiv


def _unpaid(state: State) -> int:
    """What nobody has paid: residual losses, and equity below zero of accounts under liquidation."""
    total = 0
    for unit in state.cases:
        st = state.book.unit_state(unit)
        total += asset_quote_value(state, st.asset, max(0, -st.equity))
    for row in state.deficits.unpaid():
        asset = state.loss_assets.get(row.loss)
        if asset is not None and row.pending > 0:
            total += asset_quote_value(state, asset, row.pending)
    return total


def _fund(state: State) -> int:
    """Cash of the venue's fund accounts."""
    total = 0
    for account in sorted(state.house_accounts):
        if state.snapshot.roles[account] == "fund":
            for asset in sorted(set(state.settle_asset)):
                total += asset_quote_value(state, asset, state.book.cash(account, asset))
    return total


def _bankrupt(state: State) -> int:
    """Accounts under liquidation with equity below zero, in millionths like the rest."""
    return 10**6 * sum(1 for unit in state.cases if state.book.unit_state(unit).equity < 0)


def _outage(state: State, markets: Sequence[int]) -> int:
    """How long nothing was heard of any market before the last marks."""
    since = state.marks_ns
    return 0 if since is None or not markets else (state.time_ns - since) // 1000


def _move(state: State, markets: Sequence[int]) -> int:
    """The largest move of a market that was marked now, as a share of its price before, rounded down.

    A market that is silent has not moved: its last move must not start a halt again and again. The value of an inverse
    market is one over its price, so its price moved by (1/now - 1/before) / (1/before); to the nearest, as values are
    rounded themselves.
    """
    most = 0
    for market in markets:
        before, now = state.previous_values[market], state.unit_values[market]
        inverse = state.instrument(market).inverse
        if before and now:
            moved = (abs(now - before), 10**6, now if inverse else before)
            most = max(most, muldiv(*moved, Rounding.HALF_EVEN if inverse else Rounding.FLOOR))
    return most


# What a criterion may look at, in millionths: of the quote currency, of an account, a second or a share of the price.
OF_STATE: dict[str, Callable[[State], int]] = {"unpaid": _unpaid, "fund": _fund, "bankrupt": _bankrupt}
OF_MARKS: dict[str, Callable[[State, Sequence[int]], int]] = {"outage": _outage, "move": _move}
MEASURES = (*OF_STATE, *OF_MARKS)


def observe(state: State, markets: Sequence[int] | None = None) -> None:
    """Note the measures that a halt of the policy looks at, when they changed: with the markets that have new marks those
    that marks bring, else the others, which change with what was resolved."""
    wanted = {c.measure for rule in state.policy.halts for c in (*rule.starts, *rule.ends)}
    found = {name: of(state) for name, of in OF_STATE.items() if name in wanted} if markets is None else {}
    if markets is not None:
        found = {name: of(state, markets) for name, of in OF_MARKS.items() if name in wanted}
    for name in sorted(found):
        value = Fraction(found[name], 10**6)
        last = state.observed.get(name)
        # A criterion that is still met keeps a halt going, so it is noted each time; anything else when it changes.
        met = any(c.measure == name and c.met(value) for rule in state.policy.halts for c in rule.starts)
        if met or last != value:
            state.observed[name] = value
            for track in state.halts:
                track.observe(HaltObservation(state.time_ns, name, value))


def report_halts(state: State, step: Step) -> None:
    """Say which halts began and ended since the last look."""
    for number, track in enumerate(state.halts):
        rule, now = track.rule, track.at(state.time_ns)
        was = number in state.halts_on
        if now.on and not was:
            state.halts_on.add(number)
            step.emit(HaltBegan(rule.kind.value, now.reason, now.since_ns or 0, now.until_ns or 0))
        elif was and not now.on:
            state.halts_on.discard(number)
            step.emit(HaltEnded(rule.kind.value, now.reason))


def halted(state: State, kind: HaltKind) -> str | None:
    """Why something of this kind is on now, None when it is not."""
    for track in state.halts:
        if track.rule.kind is kind:
            now = track.at(state.time_ns)
            if now.on:
                return now.reason
    return None


def may_deleverage(state: State) -> bool:
    """With a deleveraging switch in the policy: is it on? Without one: always."""
    switch = any(rule.kind is HaltKind.DELEVERAGING for rule in state.policy.halts)
    return not switch or halted(state, HaltKind.DELEVERAGING) is not None

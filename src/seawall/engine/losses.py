"""Losses on their way down the waterfall: recognised once, paid layer by layer, what is left carried or residual.

One loop serves every cause. All losses of one Resolve stand at each layer together, in unit order, so that no loss is
better off for having been looked at first by a later layer. A layer that pays cash draws on named accounts
(``engine.layers``); one that closes positions or cuts gains has a module of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from seawall.engine.deleverage import deleverage_losses
from seawall.engine.events import LossCarried, Residual, Why
from seawall.engine.haircut import cut_gains
from seawall.engine.layers import Loss, draw_group, recognise
from seawall.engine.posting import Step
from seawall.engine.socialise import bear_by_withdrawals, charge_open_interest, cut_cash
from seawall.engine.state import State
from seawall.errors import InvariantBroken
from seawall.waterfall import LayerKind, LayerRule

Payer = Callable[[State, Step, LayerRule, Sequence[Loss]], None]

PAYERS: dict[LayerKind, Payer] = {
    LayerKind.DELEVERAGE: deleverage_losses,
    LayerKind.GAINS_HAIRCUT: cut_gains,
    LayerKind.OPEN_INTEREST: charge_open_interest,
    LayerKind.CASH_HAIRCUT: cut_cash,
    LayerKind.WITHDRAWAL_RATE: bear_by_withdrawals,
}


def settle(state: State, step: Step, losses: Sequence[Loss]) -> None:
    """Walk recognised losses down all layers. ``left`` of each ends at what nobody paid."""
    layers = [rule for rule in state.policy.layers if rule.pays == "all"]
    at = 0
    while at < len(layers):
        rule = layers[at]
        group = [rule]
        while at + len(group) < len(layers) and layers[at + len(group)].beside:
            group.append(layers[at + len(group)])
        at += len(group)
        payer = PAYERS.get(rule.kind)
        if payer is None:
            for loss in losses:
                draw_group(state, step, group, loss)
        else:
            payer(state, step, rule, [loss for loss in losses if loss.cause in rule.causes])
    for loss in losses:
        carried = finish(state, step, loss)
        if loss.unit in state.cases:
            continue
        if carried and loss.unit is not None:
            state.carried[loss.unit] = loss.event
        else:  # nothing of it comes back: the event is over
            state.limits.forget(loss.event)
            if loss.unit is not None:
                state.carried.pop(loss.unit, None)


def forget_made_good(state: State) -> None:
    """Carried losses of house accounts that are solvent again are over: what comes later is another event."""
    for unit in sorted(state.carried):
        if state.book.unit_state(unit).equity >= 0:
            state.limits.forget(state.carried.pop(unit))


def default_of(state: State, step: Step, unit: int) -> Loss:
    """Recognise the shortfall of a bankrupt unit."""
    st = state.book.unit_state(unit)
    return recognise(
        state,
        step,
        holder=state.account_name(st.account),
        asset=st.asset,
        amount=-st.equity,
        cause="default",
        why=(("loss.recognise", {"equity": st.equity}),),
        account=st.account,
        unit=unit,
    )


def finish(state: State, step: Step, loss: Loss) -> bool:
    """What is unpaid is carried while the account holds positions, else it is the residual on the deficit account. Is it
    carried?"""
    asset_name = state.asset(loss.asset).name
    if loss.unit is not None:
        st = state.book.unit_state(loss.unit)
        if max(0, -st.equity) != loss.left:
            raise InvariantBroken(f"loss {loss.number}: {loss.left} is left but equity is {st.equity}")
        if st.positions:
            if loss.left > 0:
                row = state.deficits.get(loss.holder, loss.number)
                why: Why = (("loss.carried", {"recognised": row.recognised, "covered": row.covered}),)
                state.deficits.carry(loss.holder, loss.number, loss.left)
                step.emit(LossCarried(loss.number, loss.holder, asset_name, loss.left, why))
            return loss.left > 0
    if loss.left <= 0:
        return False
    if loss.account is not None:
        deficit = state.ledger.open(f"deficit:{loss.number}", state.asset(loss.asset), floor=None)
        step.receive(deficit, loss.account, loss.asset, loss.left, "residual")
        posted: Why = (("loss.residual", {"equity": -loss.left}),)
    else:
        posted = (("loss.unpaid", {"equity": -loss.left}),)
    step.emit(Residual(loss.number, loss.holder, asset_name, loss.left, posted))
    if state.policy.auctions is not None:
        state.auctions.since[loss.number] = state.time_ns
    return False

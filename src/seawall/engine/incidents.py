"""Losses that are no default, money that comes back, and an owner who lifts a house account."""

from __future__ import annotations

from seawall.engine.commands import DeclareLoss, Recover, Reinstate
from seawall.engine.events import Recovered, RecoveryShared, Refused, Reinstated, Rejection, Why
from seawall.engine.halts import observe, report_halts
from seawall.engine.layers import recognise
from seawall.engine.losses import settle
from seawall.engine.posting import Step
from seawall.engine.replenish import came_back, put_back
from seawall.engine.residuals import Debt, pay_residual
from seawall.engine.socialise import give_capital_back
from seawall.engine.state import State
from seawall.engine.winddown import reopen
from seawall.waterfall import CAUSES


def _whole(state: State, asset: int, minor: int) -> int | None:
    """Minor units as book units, None unless whole."""
    book = state.asset(asset).to_book(minor)
    return book if state.asset(asset).to_minor(book) == minor else None


def declare_loss(state: State, step: Step, command: DeclareLoss) -> Rejection | None:
    """Money of the venue is gone: it leaves the vault against a deficit account, then walks down the layers.

    Layers that do not cover the cause are passed over; what nobody pays stays on the deficit account.
    """
    asset = state.asset_index.get(command.asset)
    if asset is None:
        return Rejection(Refused.UNKNOWN_ASSET, {"asset": command.asset})
    if command.cause not in CAUSES or command.cause == "default":
        return Rejection(Refused.UNKNOWN_CAUSE, {"cause": command.cause})
    amount = _whole(state, asset, command.amount) if command.amount > 0 else None
    if amount is None:
        return Rejection(Refused.BAD_AMOUNT, {"amount": command.amount})
    if command.reference in state.references:
        return Rejection(
            Refused.LOSS_DECLARED, {"reference": command.reference, "loss": state.references[command.reference]}
        )
    put_back(state, step)
    loss = recognise(
        state,
        step,
        holder=f"{command.cause}:{command.reference}",
        asset=asset,
        amount=amount,
        cause=command.cause,
        why=(("loss.declared", {"declared": amount}),),
    )
    state.references[command.reference] = loss.number
    step.post(loss.target, state.external[asset], command.amount, "loss")
    settle(state, step, [loss])
    if state.policy.halts:
        observe(state)
        report_halts(state, step)
    return None


def recover(state: State, step: Step, command: Recover) -> Rejection | None:
    """Share a recovery in reverse order of use: the residual, then the claims by rank, pro rata inside a rank.

    Number 0 stands for closings that covered no loss (the backstop was over its limit): what the venue pays back to those
    who gave something up for them.

    Source: return of recoveries, clearing-house rule books (last used is repaid first; members pro rata to what each
    paid for that default).
    """
    asset = state.asset_index.get(command.asset)
    if asset is None:
        return Rejection(Refused.UNKNOWN_ASSET, {"asset": command.asset})
    row = next((d for d in state.deficits if d.loss == command.loss), None)
    claims = [c for c in state.claims.of_loss(command.loss) if c.asset == command.asset]
    deficit = state.ledger.find(f"deficit:{command.loss}", command.asset)
    if (row is None and command.loss) or (not claims and deficit is None):
        return Rejection(Refused.UNKNOWN_LOSS, {"loss": command.loss, "asset": command.asset})
    amount = _whole(state, asset, command.amount) if command.amount > 0 else None
    if amount is None:
        return Rejection(Refused.BAD_AMOUNT, {"amount": command.amount})
    external, scale = state.external[asset], state.asset(asset)
    owed = 0 if deficit is None else scale.to_book(-state.ledger.balance(deficit))
    residual = max(0, min(amount, owed))
    account = "" if row is None else row.account
    defaulter = state.account_index.get(account)
    excess = amount - residual - sum(c.amount - c.paid for c in claims)
    paid_to = [(state.account_index[c.holder], min(amount, c.amount - c.paid)) for c in claims]
    if defaulter is not None:
        paid_to.append((defaulter, max(0, excess)))
    # As for a deposit: room is left for what positions and layers will still move.
    fits = state.book.fits_deposit if state.book.priced(asset) else state.book.fits_cash
    if not all(fits(payee, asset, part) for payee, part in paid_to):
        return Rejection(Refused.OVERFLOW, {"loss": command.loss, "amount": command.amount})
    if residual:
        pay_residual(state, step, external, Debt(command.loss, account, asset, owed), residual, "recovery")
    rest = amount - residual
    for rank in sorted({c.rank for c in claims if c.paid < c.amount}):
        if not rest:
            break
        owing = [c for c in claims if c.rank == rank and c.paid < c.amount]
        owed_each = [c.amount - c.paid for c in owing]
        paid = state.claims.pay(min(rest, sum(owed_each)), command.asset, loss=command.loss)
        got = dict(paid)
        parts = tuple((c.holder, got.get(c.holder, 0)) for c in owing)
        for holder, part in paid:
            step.receive(external, state.account_index[holder], asset, part, "recovery")
            give_capital_back(state, state.account_index[holder], asset, part)
            came_back(state, step, state.account_index[holder], asset, part, "recovery")
        total = sum(part for _, part in parts)
        why: Why = (("recovery.rank", {"rest": rest, "owed": owed_each}),)
        step.emit(RecoveryShared(command.loss, command.asset, rank, total, parts, why))
        rest -= total
    if rest and defaulter is not None:
        step.receive(external, defaulter, asset, rest, "recovery")
        came_back(state, step, defaulter, asset, rest, "recovery")
    name = "recovery.residual" if defaulter is not None else "recovery.residual_outside"
    why = ((name, {"owed": owed, "claimed": amount - residual - rest}),)
    step.emit(Recovered(command.loss, account, command.asset, amount, residual, rest, why))
    reopen(state, step, asset, scale.to_minor(residual))
    return None


def reinstate(state: State, step: Step, command: Reinstate) -> Rejection | None:
    """The owner lifts a house account between two defaults: what it owes by rule first, or beyond it.

    Source: RTS 153/2013 article 36.
    """
    account = state.account_index.get(command.account)
    if account is None:
        return Rejection(Refused.UNKNOWN_ACCOUNT, {"account": command.account})
    asset = state.asset_index.get(command.asset)
    if asset is None:
        return Rejection(Refused.UNKNOWN_ASSET, {"asset": command.asset})
    if account not in state.house_accounts or account == state.outside:
        return Rejection(Refused.NOT_REINSTATED, {"account": command.account})
    amount = _whole(state, asset, command.amount) if command.amount > 0 else None
    if amount is None:
        return Rejection(Refused.BAD_AMOUNT, {"amount": command.amount})
    if state.book.pooled and not state.book.priced(asset):
        return Rejection(Refused.BAD_MARK, {"asset": command.asset, "why": "no index price yet"})  # as for a deposit
    if not state.book.fits_deposit(account, asset, amount):
        return Rejection(Refused.OVERFLOW, {"account": command.account, "amount": command.amount})
    step.receive(state.external[asset], account, asset, amount, "reinstated")
    step.emit(Reinstated(command.account, command.asset, amount))
    came_back(state, step, account, asset, amount, "reinstated")
    return None

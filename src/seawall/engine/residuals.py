"""What nobody paid, and paying it: the one door through which residual losses are paid off, whoever pays."""

from __future__ import annotations

from typing import NamedTuple

from seawall.engine.posting import Step
from seawall.engine.state import State
from seawall.errors import InvariantBroken


class Debt(NamedTuple):
    """The residual of one loss: ``amount`` in book units of the asset. ``holder`` is whose loss it was."""

    loss: int
    holder: str
    asset: int
    amount: int


def debts(state: State, asset: int) -> list[Debt]:
    """Residual losses of an asset, oldest first. What is carried with open positions is not final and not among them."""
    return [
        Debt(row.loss, row.account, asset, row.pending)
        for row in state.deficits.unpaid()
        if state.loss_assets.get(row.loss) == asset
    ]


def pay_residual(state: State, step: Step, source: int, debt: Debt, amount: int, code: str) -> None:
    """Pay ``amount`` (> 0, book units) of a residual from a ledger account to the loss's deficit account.

    Raises:
        InvariantBroken: more than is owed; a deficit is never paid twice.
    """
    terms = state.asset(debt.asset)
    deficit = state.ledger.find(f"deficit:{debt.loss}", terms.name)
    if deficit is None or terms.to_minor(amount) > -state.ledger.balance(deficit):
        raise InvariantBroken(f"loss {debt.loss}: {amount} is more than its deficit account owes")
    step.post(source, deficit, terms.to_minor(amount), code)
    state.deficits.cover(debt.holder, debt.loss, amount)

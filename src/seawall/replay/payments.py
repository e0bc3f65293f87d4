"""What each layer paid towards losses, and what it collected: exact, so that losses = all layers + residual."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from seawall.engine import Outcome, State
from seawall.engine.events import (
    BorneByWithdrawals,
    Called,
    CashCut,
    ClaimOpened,
    Deleveraged,
    DeleverageNeeded,
    Drawn,
    GainsHaircut,
    LossCarried,
    LossRecognised,
    MembersDrawn,
    OpenInterestCharged,
    Residual,
)
from seawall.replay.values import Valuer
from seawall.waterfall import LayerKind

NAMED = (Drawn, MembersDrawn, Called, OpenInterestCharged, CashCut, BorneByWithdrawals)


@dataclass(slots=True)
class _Open:
    """A loss inside the command that recognised it: book units still unpaid, the deleveraging layers that were asked."""

    asset: int
    cause: str
    left: int
    final: int = 0
    asked: int = 0


@dataclass(slots=True)
class LayerPayments:
    """Follows every loss through the command that recognises it: it is paid, carried or residual when that ends.

    Reporting units. A payment counts as the value of what was unpaid before it less the value of what is unpaid after
    it, so rounding between assets never adds up: ``sum(losses) == sum(paid) + unpaid`` to the unit. What deleveraging
    paid is what equity below zero rose by: the part of a loss that neither another layer paid nor was left.

    Attributes:
        paid: by layer, towards losses.
        collected: by layer: what it took from those who bear it. Only deleveraging can take more or less than it paid.
        losses, count, unpaid: by cause, less what was carried to a later loss.
    """

    state: State
    valuer: Valuer
    paid: dict[str, int] = field(default_factory=dict)
    collected: dict[str, int] = field(default_factory=dict)
    losses: dict[str, int] = field(default_factory=dict)
    count: dict[str, int] = field(default_factory=dict)
    unpaid: dict[str, int] = field(default_factory=dict)

    def note(self, outcome: Outcome) -> None:
        """Count one command."""
        layers = self.state.policy.layers
        closing = [r.name for r in layers if r.kind is LayerKind.DELEVERAGE]
        open_now: dict[int, _Open] = {}
        rank = 0
        for event in outcome.events:
            if isinstance(event, LossRecognised):
                asset = self.state.asset_index[event.asset]
                open_now[event.loss] = _Open(asset, event.cause, event.amount)
                _add(self.losses, event.cause, self.valuer.value(asset, event.amount))
                _add(self.count, event.cause, 1)
            elif isinstance(event, NAMED):
                _add(self.collected, event.layer, self._value(event))
                self._pay(open_now.get(event.loss), event.layer, event.amount)
            elif isinstance(event, ClaimOpened):
                rank = event.rank
            elif isinstance(event, GainsHaircut):
                name = layers[len(layers) - rank].name  # its claims come just before it
                _add(self.collected, name, self._value(event))
                for loss, amount in event.losses:
                    self._pay(open_now.get(loss), name, amount)
            elif isinstance(event, DeleverageNeeded):
                mine = open_now[event.loss]
                if mine.asked:
                    self._pay(mine, closing[min(mine.asked, len(closing)) - 1], mine.left - event.amount)
                mine.asked += 1
            elif isinstance(event, Deleveraged):
                asked = open_now[event.loss].asked if event.loss in open_now else 0
                cost = self.valuer.value(self.state.asset_index[event.asset], event.cost)
                _add(self.collected, closing[max(1, min(asked, len(closing))) - 1] if closing else "", cost)
            elif isinstance(event, LossCarried | Residual):
                mine = open_now[event.loss]
                mine.final = event.amount
                where = self.losses if isinstance(event, LossCarried) else self.unpaid
                sign = -1 if isinstance(event, LossCarried) else 1
                _add(where, mine.cause, sign * self.valuer.value(mine.asset, event.amount))
                if isinstance(event, LossCarried):
                    _add(self.count, mine.cause, -1)
        for mine in open_now.values():
            if mine.left != mine.final:
                self._pay(mine, closing[max(1, min(mine.asked, len(closing))) - 1], mine.left - mine.final)

    def _value(self, event: Any) -> int:
        return self.valuer.value(self.state.asset_index[event.asset], event.amount)

    def _pay(self, loss: _Open | None, layer: str, amount: int) -> None:
        if loss is None:
            return
        value = self.valuer.value
        _add(self.paid, layer, value(loss.asset, loss.left) - value(loss.asset, loss.left - amount))
        loss.left -= amount


def _add(where: dict[str, int], key: str, amount: int) -> None:
    where[key] = where.get(key, 0) + amount

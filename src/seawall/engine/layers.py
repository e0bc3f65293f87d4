"""The cash layers of the waterfall as the engine sees them: what each could pay now, and the posting of draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from seawall.engine.events import ClaimOpened, Drawn, LossRecognised, Why
from seawall.engine.posting import Step
from seawall.engine.state import State
from seawall.waterfall import Allocation, LayerKind, LayerRule, LayerState


@dataclass(slots=True)
class Need:
    """``lots`` (signed, of ``account``) to close in ``market``; ``cost`` is asked of the takers for all of them.

    ``loss`` is 0 when no loss is being covered. ``why`` gives cost and lots. ``done`` (lots) and ``collected`` are
    filled in by deleveraging.
    """

    account: int
    market: int
    lots: int
    cost: int
    loss: int
    why: Why = ()
    done: int = 0
    collected: int = 0


@dataclass(slots=True)
class Default:
    """One bankrupt unit on its way down the ladder. ``left`` is the loss nobody has paid yet."""

    unit: int
    account: int
    asset: int
    loss: int
    left: int
    needs: list[Need]


def cash_layers(state: State, *, before_deleverage: bool, for_fill: bool = False) -> tuple[LayerRule, ...]:
    """The account layers that stand before (or after) deleveraging in the order of use.

    Layers that only pay for fills are left out unless the loss comes from a fill.
    """
    layers = state.policy.layers
    cut = next((i for i, rule in enumerate(layers) if rule.kind is LayerKind.DELEVERAGE), len(layers))
    part = layers[:cut] if before_deleverage else layers[cut + 1 :]
    return tuple(rule for rule in part if rule.kind is LayerKind.ACCOUNT and (for_fill or rule.pays == "all"))


def layer_states(state: State, rules: Sequence[LayerRule], asset: int, defaulter: int) -> list[LayerState[int]]:
    """What each layer can pay in ``asset`` now, book units. The defaulter's own account pays nothing here."""
    states = []
    for rule in rules:
        account = state.house[rule.account]
        available = 0 if account == defaulter else free_cash(state, account, asset)
        limit = rule.limit_per_event
        if limit is not None:
            limit = state.asset(asset).to_book(limit * 10 ** state.asset(asset).decimals // 10**6)
        states.append(LayerState(rule.name, available, limit=limit, partial=rule.partial, causes=rule.causes))
    return states


def free_cash(state: State, account: int, asset: int) -> int:
    """Cash a house account can pay away: its balance, but not more than its equity when it holds positions."""
    cash = state.book.cash(account, asset)
    if state.book.positions_of(account):
        cash = min(cash, state.book.unit_state(state.book.unit_of(account, asset)).equity)
    return max(0, cash)


def recognise(state: State, step: Step, account: int, asset: int, amount: int, cause: str, why: Why) -> int:
    """Book a loss to its deficit account; returns the loss number."""
    loss = state.next_loss
    state.next_loss += 1
    name = state.account_name(account)
    state.deficits.recognise(name, loss, amount)
    step.emit(LossRecognised(loss, name, state.asset(asset).name, amount, cause, why))
    return loss


def post_draws(
    state: State,
    step: Step,
    allocation: Allocation[int],
    account: int,
    asset: int,
    loss_amount: int,
    cause: str,
    why: Why,
    loss: int | None = None,
) -> int:
    """Pay the draws of an allocation to the defaulting account. Returns the loss number."""
    name = state.account_name(account)
    asset_name = state.asset(asset).name
    if loss is None:
        loss = recognise(state, step, account, asset, loss_amount, cause, why)
    step.note("layers", allocation)
    rules = {rule.name: rule for rule in state.policy.layers}
    left = loss_amount
    for draw in allocation.draws:
        if not draw.amount:
            continue
        source = state.house[rules[draw.name].account]
        inputs = {"left": left, "available": draw.available}
        if draw.limit is not None:
            inputs["limit"] = draw.limit
        step.pay(source, account, asset, draw.amount, f"layer:{draw.name}")
        step.emit(
            Drawn(
                loss,
                draw.name,
                state.account_name(source),
                asset_name,
                draw.amount,
                (("layer.draw" if draw.limit is None else "layer.draw_limited", inputs),),
            )
        )
        state.deficits.cover(name, loss, draw.amount)
        open_claim(state, step, loss, state.account_name(source), asset_name, draw.amount, rank=2)
        left -= draw.amount
    return loss


def open_claim(state: State, step: Step, loss: int, holder: str, asset: str, amount: int, rank: int) -> None:
    """Those who paid hold a claim on recoveries. Rank 1: deleveraged or haircut members; rank 2: the layers."""
    if amount > 0:
        state.claims.open(holder, amount, rank=rank, loss=loss, asset=asset)
        step.emit(ClaimOpened(loss, holder, asset, amount, rank))

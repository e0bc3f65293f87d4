"""Cash layers: what each could pay now, how layers that stand beside each other share, and the posting of draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from seawall.engine.events import Called, ClaimOpened, Drawn, LossRecognised, Why
from seawall.engine.limits import DrawPlace
from seawall.engine.posting import Step
from seawall.engine.state import State
from seawall.members import CallCaps, cash_call, use_by_tier, window_for
from seawall.money import split_capped
from seawall.waterfall import OTHER_TIER, PAYING, Allocation, LayerKind, LayerRule, LayerState, allocate


@dataclass(slots=True)
class Need:
    """``lots`` (signed, of ``account``) to close in ``market``; ``cost`` is asked of the takers for all of them.

    ``loss`` is 0 when no loss is being covered. ``done`` (lots) and ``collected`` are filled in by deleveraging.
    """

    account: int
    market: int
    lots: int
    cost: int
    loss: int
    done: int = 0
    collected: int = 0


@dataclass(slots=True)
class Loss:
    """One recognised loss on its way down. ``left`` is what nobody has paid yet, book units of ``asset``.

    A default has an ``account`` (and a ``unit`` while it is judged); any other cause has none, its payers pay into
    ``target``. ``market`` is where the loss counts for limits per market, -1 when it belongs to none.
    """

    number: int
    holder: str
    asset: int
    cause: str
    left: int
    target: int
    account: int | None = None
    unit: int | None = None
    market: int = -1
    needs: list[Need] = field(default_factory=list)


def recognise(
    state: State,
    step: Step,
    *,
    holder: str,
    asset: int,
    amount: int,
    cause: str,
    why: Why,
    account: int | None = None,
    unit: int | None = None,
    market: int | None = None,
) -> Loss:
    """Book a loss to its deficit account, once."""
    number = state.next_loss
    state.next_loss += 1
    state.deficits.recognise(holder, number, amount)
    step.emit(LossRecognised(number, holder, state.asset(asset).name, amount, cause, why))
    if account is None:
        target = state.ledger.open(f"deficit:{number}", state.asset(asset), floor=None)
    else:
        target = state.cash_id(account, asset)
    if market is None:
        case = state.cases.get(unit) if unit is not None else None
        market = -1 if case is None else case.market
    return Loss(number, holder, asset, cause, amount, target, account, unit, market)


def place_of(state: State, loss: Loss) -> DrawPlace:
    """Where draws for a loss count."""
    market, tier = "", OTHER_TIER
    if loss.market >= 0:
        instrument = state.instrument(loss.market)
        market, tier = instrument.symbol, state.policy.tiers.get(instrument.base, OTHER_TIER)
    return DrawPlace(loss.number, loss.holder, market, tier, state.asset(loss.asset).name, state.time_ns)


def free_cash(state: State, account: int, asset: int) -> int:
    """Cash a house account can pay away: its balance, but not more than its equity when it holds positions."""
    cash = state.book.cash(account, asset)
    if state.book.positions_of(account):
        cash = min(cash, state.book.unit_state(state.book.unit_of(account, asset)).equity)
    return max(0, cash)


def payers(state: State, rule: LayerRule, loss: Loss) -> dict[str, int]:
    """Who pays in a cash layer: name -> account. The defaulter's own account pays nothing here."""
    if rule.kind is LayerKind.ACCOUNT:
        account = state.house[rule.account]
        return {} if account == loss.account else {state.account_name(account): account}
    if rule.kind is LayerKind.OWN_CONTRIBUTION:
        own = state.members.own(loss.account)
        return {} if own is None else {own: state.members.accounts[own]}
    return state.members.others(loss.account)


def layer_state(state: State, rule: LayerRule, loss: Loss) -> LayerState[int]:
    """What a layer can pay towards a loss now: its accounts' free cash, within all its limits."""
    asset = state.asset(loss.asset)
    balance = sum(free_cash(state, account, loss.asset) for account in payers(state, rule, loss).values())
    unit = 10**asset.book_scale
    available = max(0, balance - rule.keep * unit // 10**6)  # rounded down
    place = place_of(state, loss)
    rooms = [state.limits.room(rule, limit, place, balance=balance, unit=unit) for limit in rule.limits]
    return LayerState(rule.name, available, min(rooms) if rooms else None, rule.partial, rule.causes)


def draw_group(state: State, step: Step, group: Sequence[LayerRule], loss: Loss) -> None:
    """Let one cash layer, or layers that stand beside each other, pay what they can of a loss."""
    if loss.left <= 0:
        return
    if group[0].kind is LayerKind.ASSESSMENT:
        _assess(state, step, group[0], loss)
        return
    states = [layer_state(state, rule, loss) for rule in group]
    if len(group) == 1:
        allocation = allocate(loss.left, states, cause=loss.cause)
    else:
        allocation = allocate_beside(loss.left, states, loss.cause)
    post_draws(state, step, group, allocation, loss)


def allocate_beside(loss: int, states: Sequence[LayerState[int]], cause: str) -> Allocation[int]:
    """Layers of one rank: pro rata to what each may pay, to the unit, equal remainders to the earlier layer."""
    single = [allocate(loss, [state], cause=cause).draws[0] for state in states]
    rooms = [
        0 if draw.skipped else (s.available if s.limit is None else min(s.available, s.limit))
        for draw, s in zip(single, states, strict=True)
    ]
    amounts = split_capped(loss, rooms, rooms)
    draws = tuple(draw._replace(amount=amount) for draw, amount in zip(single, amounts, strict=True))
    return Allocation(draws, loss - sum(amounts))


def post_draws(state: State, step: Step, group: Sequence[LayerRule], allocation: Allocation[int], loss: Loss) -> None:
    """Pay the draws of an allocation, each from its layer's accounts, and count them against the layer's limits."""
    rules = {rule.name: rule for rule in group}
    for draw in allocation.draws:
        if not draw.amount:
            continue
        rule = rules[draw.name]
        accounts = payers(state, rule, loss)
        free = {name: free_cash(state, account, loss.asset) for name, account in accounts.items()}
        parts = _parts(state, rule, draw.amount, free)
        for name, part in parts.items():
            if part:
                _pay(
                    state, step, rule, loss, accounts[name], part, draw.amount, draw.available, draw.limit, parts, free
                )
        state.limits.record(rule, place_of(state, loss), draw.amount)
        loss.left -= draw.amount


def _parts(state: State, rule: LayerRule, amount: int, free: dict[str, int]) -> dict[str, int]:
    """How a layer's accounts share its draw: by auction tier where there was one, pro rata inside a tier."""
    names = list(free)
    if rule.kind is LayerKind.MEMBERS and state.members.tiers:
        order = tier_order(state, names)
        return use_by_tier(amount, free, order).used
    weights = [free[name] for name in names]
    return dict(zip(names, split_capped(amount, weights, weights), strict=True))


def tier_order(state: State, names: Sequence[str]) -> list[list[str]]:
    """Members by tier in order of use; one that was not invited stands with those who bid well."""
    from seawall.members import Tier, tiers_in_order

    return tiers_in_order({name: state.members.tiers.get(name, Tier.COMPETITIVE) for name in names})


def _pay(
    state: State,
    step: Step,
    rule: LayerRule,
    loss: Loss,
    source: int,
    part: int,
    amount: int,
    available: int,
    limit: int | None,
    parts: dict[str, int],
    free: dict[str, int],
) -> None:
    """One account's part of a draw: the transfer, the event, the deficit, the claim."""
    step.spend(source, loss.target, loss.asset, part, f"layer:{rule.name}")
    if loss.account is not None:
        step.sync_cash(loss.account, loss.asset)
    inputs = {"left": loss.left, "available": available, "limit": -1 if limit is None else limit}
    why: Why = ("layer.draw" if limit is None else "layer.draw_limited", inputs)
    if len(parts) > 1:
        why = ("layer.draw_part", {"draw": amount, "own": free[state.account_name(source)] if False else part})
    asset = state.asset(loss.asset).name
    step.emit(Drawn(loss.number, rule.name, state.account_name(source), asset, part, why))
    state.deficits.cover(loss.holder, loss.number, part)
    open_claim(state, step, loss.number, state.account_name(source), asset, part, layer=rule)


def _assess(state: State, step: Step, rule: LayerRule, loss: Loss) -> None:
    """Call the other members for what is left, pro rata to contribution, each within its caps; what comes in pays."""
    terms = state.policy.members
    assert terms is not None
    caps = CallCaps(terms.call_per_default, terms.call_per_window, terms.window_ns)
    others = state.members.others(loss.account)
    base = {name: state.book.cash(account, loss.asset) for name, account in state.members.accounts.items()}
    window = window_for(state.members.windows.get(loss.asset), caps, base, state.time_ns)
    room = window.room(caps)
    contribution = {name: window.base.get(name, 0) for name in others}
    place = place_of(state, loss)
    unit = 10 ** state.asset(loss.asset).book_scale
    rooms = [state.limits.room(rule, limit, place, balance=0, unit=unit) for limit in rule.limits]
    need = min([loss.left, *rooms])
    call = cash_call(need, contribution, {name: room.get(name, 0) for name in others})
    asset = state.asset(loss.asset).name
    for name, amount in call.paid.items():
        if amount:
            step.receive(state.external[loss.asset], others[name], loss.asset, amount, "assessment")
            step.emit(Called(loss.number, name, asset, amount, room[name], contribution[name]))
    for name, amount in call.paid.items():
        if amount:
            _pay(state, step, rule, loss, others[name], amount, need, need, None, call.paid, call.paid)
    paid = sum(call.paid.values())
    state.members.windows[loss.asset] = window.take(call.paid)
    if paid:
        state.limits.record(rule, place, paid)
    loss.left -= paid


def fill_layers(state: State) -> tuple[LayerRule, ...]:
    """The layers that may pay for what a fill costs beyond bankruptcy: cash layers before any other kind."""
    layers = state.policy.layers
    cut = next((i for i, rule in enumerate(layers) if rule.kind not in PAYING), len(layers))
    return layers[:cut]


def open_claim(
    state: State, step: Step, loss: int, holder: str, asset: str, amount: int, layer: LayerRule | None
) -> None:
    """Those who paid hold a claim on recoveries; the layer used last is repaid first (rank 1)."""
    if amount > 0:
        layers = state.policy.layers
        rank = len(layers) - layers.index(layer) if layer is not None else 1
        state.claims.open(holder, amount, rank=rank, loss=loss, asset=asset)
        step.emit(ClaimOpened(loss, holder, asset, amount, rank))


def observe_balances(state: State) -> None:
    """Note the balances of accounts that have a limit stated as a share of their peak."""
    for rule in state.policy.layers:
        for limit in rule.limits:
            if limit.share_of_peak is not None and rule.kind is LayerKind.ACCOUNT:
                account = state.house[rule.account]
                for asset in sorted(set(state.settle_asset)):
                    state.limits.observe(
                        rule.name,
                        state.asset(asset).name,
                        state.time_ns,
                        state.book.cash(account, asset),
                        limit.window_ns,
                    )

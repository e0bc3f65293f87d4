"""Cash layers: what each could pay now, how layers that stand beside each other share, and the posting of draws."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from seawall.engine.events import (
    Called,
    CallRound,
    CallUnpaid,
    ClaimOpened,
    Drawn,
    LayersShared,
    LossRecognised,
    MembersDrawn,
    Why,
)
from seawall.engine.limits import DrawPlace
from seawall.engine.posting import Step
from seawall.engine.replenish import fail, note_use, open_window
from seawall.engine.state import State
from seawall.engine.units import asset_quote_value, backed, from_quote
from seawall.members import CallCaps, Fails, Tier, call_limits, cash_call, pro_rata, tiers_in_order
from seawall.money import split
from seawall.waterfall import OTHER_TIER, PAYING, LayerKind, LayerRule, LayerState, Limit, allocate


@dataclass(slots=True)
class Need:
    """``lots`` (signed, of ``account``) to close in ``market``; ``cost`` is asked of the takers for all of them.

    ``loss`` is 0 when no loss is being covered. ``why`` gives cost and lots. ``most`` bounds how many lots are closed now. ``done`` (lots) and ``collected`` are
    filled in by deleveraging.
    """

    account: int
    market: int
    lots: int
    cost: int
    loss: int
    why: Why = ()
    most: int | None = None
    done: int = 0
    collected: int = 0


@dataclass(slots=True)
class Loss:
    """One recognised loss on its way down. ``left`` is what nobody has paid yet, book units of ``asset``.

    A default has an ``account`` (and a ``unit`` while it is judged); any other cause has none, its payers pay into
    ``target``. ``event`` is the first loss of the same default: what is carried and recognised anew, and what single fills
    cost, counts for the same limit per event. ``market`` is where the loss counts for limits per market, -1 when it belongs to none.
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
    event: int = 0


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
    state.loss_assets[number] = asset
    step.emit(LossRecognised(number, holder, state.asset(asset).name, amount, cause, why))
    if account is None:
        target = state.ledger.open(f"deficit:{number}", state.asset(asset), floor=None)
    else:
        target = state.cash_id(account, asset)
    case = state.cases.get(unit) if unit is not None else None
    event = number
    if case is not None:
        event = case.event = case.event or number
        market = case.market if market is None else market
    elif unit is not None:
        event = state.carried.get(unit, number)
    return Loss(
        number, holder, asset, cause, amount, target, account, unit, -1 if market is None else market, event=event
    )


def place_of(state: State, loss: Loss) -> DrawPlace:
    """Where draws for a loss count."""
    market, tier = "", OTHER_TIER
    if loss.market >= 0:
        instrument = state.instrument(loss.market)
        market, tier = instrument.symbol, state.policy.tiers.get(instrument.base, OTHER_TIER)
    owner = loss.holder if loss.account is None else state.snapshot.owners[loss.account]
    return DrawPlace(loss.event, loss.holder, owner, market, tier, state.asset(loss.asset).name, state.time_ns)


def free_cash(state: State, account: int, asset: int) -> int:
    """Cash a house account can pay away: its balance, but not more than its equity when it holds positions."""
    cash = max(0, state.book.cash(account, asset))
    if not cash:
        return 0
    if state.book.pooled:
        return int(backed(state, np.array([account]), asset, np.array([cash]))[0])
    if state.book.positions_of(account):
        cash = min(cash, state.book.unit_state(state.book.unit_of(account, asset)).equity)
    return max(0, cash)


def payers(state: State, rule: LayerRule, loss: Loss) -> dict[str, int]:
    """Who pays in a cash layer: name -> account. The defaulter's own account pays nothing here; its own contribution
    is that of its member and all affiliates."""
    if rule.kind is LayerKind.ACCOUNT:
        account = state.house[rule.account]
        return {} if account == loss.account else {state.account_name(account): account}
    if rule.kind is LayerKind.OWN_CONTRIBUTION:
        return state.members.own_group(loss.account)
    return state.members.prefunded(loss.account)


def layer_state(state: State, rule: LayerRule, loss: Loss) -> LayerState[int]:
    """What a layer can pay towards a loss now: its accounts' free cash, within all its limits."""
    balance = sum(free_cash(state, account, loss.asset) for account in payers(state, rule, loss).values())
    available = max(0, balance - from_quote(state, loss.asset, rule.keep))
    rooms = [room_of(state, rule, limit, loss, balance) for limit in rule.limits]
    return LayerState(rule.name, available, min(rooms) if rooms else None, rule.partial, rule.causes)


def room_of(state: State, rule: LayerRule, limit: Limit, loss: Loss, balance: int = 0) -> int:
    """What one limit of a layer still allows towards a loss, book units of its asset, rounded down.

    ``balance``: of the paying account now, for a limit as a share of its peak.
    """
    place = place_of(state, loss)
    share = state.limits.share_left(rule, limit, place, balance)
    return from_quote(state, loss.asset, state.limits.money_left(rule, limit, place)) if share is None else share


def count(state: State, rule: LayerRule, loss: Loss, amount: int) -> None:
    """Count what a layer paid of a loss against the layer's limits."""
    if rule.limits:
        value = asset_quote_value(state, loss.asset, amount)
        state.limits.record(rule, place_of(state, loss), amount, value)


def draw_group(state: State, step: Step, group: Sequence[LayerRule], loss: Loss) -> None:
    """Let one cash layer, or layers that stand beside each other, pay what they can of a loss."""
    if loss.left <= 0 or loss.cause not in group[0].causes:
        return
    if step.watch is not None and group[0].kind is not LayerKind.ASSESSMENT:
        for seen in (layer_state(state, rule, loss) for rule in group):
            step.note("layer", (loss.number, loss.left, seen))
    if group[0].kind is LayerKind.ASSESSMENT:
        assess(state, step, group[0], loss)
        return
    states = [layer_state(state, rule, loss) for rule in group]
    if len(group) == 1:
        draw = allocate(loss.left, states, cause=loss.cause).draws[0]
        inputs = {"left": loss.left, "available": draw.available}
        if draw.limit is not None:
            inputs["limit"] = draw.limit
        _post_draw(state, step, group[0], loss, draw.amount, inputs)
        if group[0].kind is LayerKind.OWN_CONTRIBUTION:
            _fail_if_used_up(state, step, loss)
        return
    # Layers of one rank: pro rata to what each may pay, to the unit, equal remainders to the earlier layer.
    rooms = [s.available if s.limit is None else min(s.available, s.limit) for s in states]
    total = min(loss.left, sum(rooms))
    if not total:
        return
    shares = split(total, rooms)
    step.emit(
        LayersShared(
            loss.number,
            state.asset(loss.asset).name,
            tuple((rule.name, share) for rule, share in zip(group, shares, strict=True)),
            (("layer.beside", {"left": loss.left, "rooms": rooms}),),
        )
    )
    for rule, share in zip(group, shares, strict=True):
        _post_draw(state, step, rule, loss, share, {"left": share, "available": share})


def _post_draw(state: State, step: Step, rule: LayerRule, loss: Loss, amount: int, inputs: dict[str, int]) -> None:
    """Pay a draw from its layer's accounts, and count it against the layer's limits."""
    if not amount:
        return
    accounts = payers(state, rule, loss)
    name = "layer.draw" if "limit" not in inputs else "layer.draw_limited"
    if rule.kind is not LayerKind.ACCOUNT:
        open_window(state, loss.asset)
    if rule.kind is LayerKind.ACCOUNT or (len(accounts) == 1 and rule.kind is LayerKind.OWN_CONTRIBUTION):
        (account,) = accounts.values()
        _pay(state, step, rule, loss, account, amount, ((name, inputs),))
    else:
        free = {member: free_cash(state, account, loss.asset) for member, account in accounts.items()}
        left = amount
        ranks = tier_order(state, loss, list(free)) if rule.kind is LayerKind.MEMBERS else [(None, list(free))]
        for tier, names in ranks:
            own = {member: free[member] for member in names if free[member]}
            part = min(left, sum(own.values()))
            if part:
                _share(state, step, rule, loss, {m: accounts[m] for m in own}, own, part, left, tier)
                left -= part
    count(state, rule, loss, amount)
    loss.left -= amount


def tier_order(state: State, loss: Loss, names: Sequence[str]) -> list[tuple[Tier | None, list[str]]]:
    """Members by the tier of their bid for the portfolio that the loss comes from, in order of use; one rank without an
    auction of it. One that was not invited stands with those who bid well."""
    case = state.cases.get(loss.unit) if loss.unit is not None else None
    if case is None or not case.tiers:
        return [(None, list(names))]
    found = {name: case.tiers.get(name, Tier.COMPETITIVE) for name in names}
    return [(found[tier[0]], tier) for tier in tiers_in_order(found)]


def _share(
    state: State,
    step: Step,
    rule: LayerRule,
    loss: Loss,
    accounts: dict[str, int],
    free: dict[str, int],
    part: int,
    left: int,
    tier: Tier | None,
) -> None:
    """Members of one rank pay ``part``, pro rata to what each has left, to the unit."""
    weights = list(free.values())
    shares = dict(zip(free, split(part, weights), strict=True))
    asset = state.asset(loss.asset).name
    posted = tuple((state.account_name(accounts[member]), share) for member, share in shares.items())
    for member, share in shares.items():
        _transfer(state, step, rule, loss, accounts[member], share)
    ranked = {} if tier is None else {"tier": tier.value}
    why: Why = (("layer.members", {"left": left, "balances": weights, **ranked}),)
    step.emit(MembersDrawn(loss.number, rule.name, asset, part, posted, why))
    for member, share in shares.items():
        open_claim(state, step, loss.number, state.account_name(accounts[member]), asset, share, layer=rule)


def _transfer(state: State, step: Step, rule: LayerRule, loss: Loss, source: int, amount: int) -> None:
    """One account's part of a draw: the money and the deficit."""
    step.spend(source, loss.target, loss.asset, amount, f"layer:{rule.name}")
    if loss.account is not None:
        step.sync_cash(loss.account, loss.asset)
    state.deficits.cover(loss.holder, loss.number, amount)
    note_use(state, step, rule, loss.event, source, loss.asset, amount)


def _fail_if_used_up(state: State, step: Step, loss: Loss) -> None:
    """By rule, a member whose own loss has used up its contribution (and its affiliates') is in default."""
    terms, own = state.policy.members, state.members.own(loss.account)
    if terms is None or terms.fails is not Fails.USED_UP or own is None or loss.left <= 0:
        return
    accounts = state.members.own_group(loss.account).values()
    if not any(free_cash(state, account, loss.asset) for account in accounts):
        fail(state, step, own, "used_up", loss.number)


def _pay(state: State, step: Step, rule: LayerRule, loss: Loss, source: int, amount: int, why: Why) -> None:
    """A draw on one account: the money, the event, the claim."""
    _transfer(state, step, rule, loss, source, amount)
    asset, name = state.asset(loss.asset).name, state.account_name(source)
    step.emit(Drawn(loss.number, rule.name, name, asset, amount, why))
    open_claim(state, step, loss.number, name, asset, amount, layer=rule)


def assess(state: State, step: Step, rule: LayerRule, loss: Loss) -> None:
    """Call the other members for what is left, pro rata to contribution, each within its caps; what comes in pays.

    Rounds repeat on what the caps of some refused, and on what those did not pay who had stopped paying, until it is met
    or no cap has room. Who did not pay is in default then. Source: ``members.cash_call``.
    """
    terms = state.policy.members
    assert terms is not None
    caps = CallCaps(terms.call_per_default, terms.call_per_window, terms.window_ns)
    others = state.members.others(loss.account)
    window = open_window(state, loss.asset)
    rooms_left = window.room(caps)
    case = state.cases.get(loss.unit) if loss.unit is not None else None
    called: dict[str, int] = {} if case is None else case.called
    single = call_limits({name: window.base.get(name, 0) for name in others}, caps.single)
    room = {name: max(0, min(rooms_left.get(name, 0), single[name] - called.get(name, 0))) for name in others}
    contribution = {name: window.base.get(name, 0) for name in others}
    rooms = [room_of(state, rule, limit, loss) for limit in rule.limits]
    asked = LayerState(rule.name, sum(room.values()), min(rooms) if rooms else None, rule.partial, rule.causes)
    step.note("layer", (loss.number, loss.left, asked))
    need = min([loss.left, *rooms])
    stopped = state.members.stopped & set(others)
    call = cash_call(need, contribution, room, stopped)
    asset = state.asset(loss.asset).name
    left = need
    for round_ in call.rounds:
        active = {name: contribution[name] for name in round_.asked}
        shares = pro_rata(left, active)
        ordered = sorted(active)
        why: Why = (("call.round", {"contributions": [active[name] for name in ordered]}),)
        told = tuple((name, shares[name]) for name in ordered)
        step.emit(CallRound(loss.number, rule.name, asset, left, told, why))
        for name in ordered:
            given = {"share": shares[name], "room": room[name]}
            if name in stopped:
                account, missed = state.account_name(others[name]), round_.asked[name]
                why = (("call.unpaid", given),)
                step.emit(CallUnpaid(loss.number, rule.name, name, account, asset, missed, why))
                continue
            amount = round_.paid[name]
            if amount:
                _called(state, step, rule, loss, name, others[name], amount, given)
                room[name] -= amount
                called[name] = called.get(name, 0) + amount
                left -= amount
    state.members.windows[loss.asset] = window.take(call.paid)
    for name in sorted(stopped & {name for round_ in call.rounds for name in round_.asked}):
        fail(state, step, name, "call_unpaid", loss.number)
    paid = need - left
    if paid:
        count(state, rule, loss, paid)
    loss.left -= paid


def _called(
    state: State,
    step: Step,
    rule: LayerRule,
    loss: Loss,
    member: str,
    account: int,
    amount: int,
    given: dict[str, int],
) -> None:
    """One member pays its part of a round: from outside to its contribution, and on to the loss."""
    asset, name = state.asset(loss.asset).name, state.account_name(account)
    step.receive(state.external[loss.asset], account, loss.asset, amount, "assessment")
    _transfer(state, step, rule, loss, account, amount)
    step.emit(Called(loss.number, rule.name, member, name, asset, amount, (("call.member", given),)))
    open_claim(state, step, loss.number, name, asset, amount, layer=rule)


def fill_layers(state: State) -> tuple[LayerRule, ...]:
    """The layers that may pay for what a fill costs beyond bankruptcy: cash layers before any other kind."""
    layers = state.policy.layers
    cut = next((i for i, rule in enumerate(layers) if rule.kind not in PAYING), len(layers))
    return layers[:cut]


def open_claim(
    state: State, step: Step, loss: int, holder: str, asset: str, amount: int, layer: LayerRule | None
) -> None:
    """Those who paid hold a claim on recoveries; the layer used last is repaid first (rank 1)."""
    open_claims(state, step, loss, asset, [(holder, amount)], layer)


def open_claims(
    state: State, step: Step, loss: int, asset: str, payers: Iterable[tuple[str, int]], layer: LayerRule | None
) -> None:
    """``open_claim`` for every (holder, amount)."""
    layers = state.policy.layers
    rank = len(layers) - layers.index(layer) if layer is not None else 1
    for holder, amount in payers:
        if amount > 0:
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

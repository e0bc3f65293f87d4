"""The venue itself fails: every market settles at a price by rule, losses go down the layers a last time, and what
there is is paid out class by class, to the unit.

Classes are what accounts are: ``members`` (traders, market makers, and the outside account that stands for all other
counterparties), ``default_fund`` (members' contributions), ``venue`` (the venue's own). The policy orders them. Every
positive balance stands as a claim by itself; a claim that is filed is held against the ledger and rejected with a
reason when it asks for anything else.
"""

from __future__ import annotations

from collections.abc import Sequence

from seawall.engine.commands import Distribute, FileClaim, WindDown
from seawall.engine.events import (
    ClaimRejected,
    Distributed,
    IntentLapsed,
    PositionSettled,
    Refused,
    Rejection,
    Restored,
    Why,
    WoundDown,
    WrittenOff,
)
from seawall.engine.fundauction import stop_auctions
from seawall.engine.fundshares import no_room
from seawall.engine.ladder import settle_defaults
from seawall.engine.losses import forget_made_good
from seawall.engine.memberbook import CONTRIBUTION
from seawall.engine.posting import Step
from seawall.engine.socialise import WRITTEN_OFF, cut_profits
from seawall.engine.state import State, WindingDown
from seawall.errors import InputError
from seawall.margin import MAX_WORTH
from seawall.money import split
from seawall.waterfall.winddown import Claim as EstateClaim
from seawall.waterfall.winddown import Observation as PriceObservation
from seawall.waterfall.winddown import Rulings, SettlementRule, distribute, rule_on_claims, settlement_price


def class_of(state: State, account: int) -> str:
    """Claimant class of an account."""
    if state.account_name(account).startswith(CONTRIBUTION) and account in state.members.accounts.values():
        return "default_fund"
    return "venue" if account in state.house_accounts and account != state.outside else "members"


def wind_down(state: State, step: Step, command: WindDown) -> Rejection | None:
    """Stop trading for good and settle every market at the price the policy's rule gives."""
    rule = state.policy.wind_down
    if rule is None:
        return Rejection(Refused.NO_WIND_DOWN, {"policy": state.policy.name})
    if state.winding is not None:
        return Rejection(Refused.WOUND_DOWN, {"since_ns": state.winding.since_ns})
    prices: dict[int, int] = {}
    for market, instrument in enumerate(state.snapshot.instruments):
        if not len(state.book.holders(market).lots):
            continue
        history = state.history.get(market, [])
        seen = [PriceObservation(t, p) for t, p in history] or [PriceObservation(0, state.marks[market])]
        try:
            prices[market] = settlement_price(SettlementRule(rule.basis, rule.window_ns), seen, state.time_ns).price
            beyond = beyond_settlement(state, market, state.worth_at(market, prices[market]))
        except InputError as error:
            return Rejection(Refused.BAD_MARK, {"market": instrument.symbol, "why": error.problem})
        if beyond is not None:
            return beyond
    for found in state.auctions.open.values():
        crowded = no_room(state, found) if found.auction.kind == "debt" else None
        if crowded is not None:
            return crowded
    for number in sorted(state.intents):
        step.emit(IntentLapsed(number, state.intents[number].lots))
        state.drop_intent(number)
    cases, state.cases = state.cases, {}
    state.watch.clear()
    state.winding = WindingDown(state.time_ns)
    stop_auctions(state, step)
    for market, price in prices.items():
        settle_market(state, step, market, state.worth_at(market, price))
    step.emit(
        WoundDown(
            rule.basis.value, tuple((state.instrument(m).symbol, price) for m, price in prices.items()), rule.classes
        )
    )
    broke = {
        unit: None
        for account in range(len(state.snapshot.account_ids))
        for unit in state.book.unit_ids_of(account)
        if account != state.outside and state.book.unit_state(unit).equity < 0
    }
    # A default that layers have paid for already is the same one: its limits and the members' caps go on counting.
    for unit, case in cases.items():
        if unit in broke:
            state.cases[unit] = case
        else:
            state.limits.forget(case.event)
    forget_made_good(state)
    if broke:
        settle_defaults(state, step, list(broke))
    cut_profits(state, step)
    return None


def remember_marks(state: State, markets: Sequence[int]) -> None:
    """Keep the marks inside the window of an average settlement price, and one before it."""
    rule = state.policy.wind_down
    if rule is None or not rule.window_ns:
        return
    for market in markets:
        seen = state.history.setdefault(market, [])
        if seen and seen[-1][0] == state.time_ns:
            seen.pop()
        seen.append((state.time_ns, state.marks[market]))
        while len(seen) > 1 and seen[1][0] <= state.time_ns - rule.window_ns:
            seen.pop(0)


def beyond_settlement(state: State, market: int, worth: int) -> Rejection | None:
    """Would closing a market at this worth per lot leave the bounds of the book, for anyone?"""
    holders = state.book.holders(market)
    paid = 0
    for account, lots, entry in zip(
        holders.accounts.tolist(), holders.lots.tolist(), holders.entry.tolist(), strict=True
    ):
        value = abs(lots * worth)
        paid += value
        if value > MAX_WORTH or not state.book.fits_cash(account, state.settle_asset[market], value + abs(entry)):
            return Rejection(Refused.OVERFLOW, {"account": state.account_name(account), "lots": lots})
    # The outside account takes the other side of everybody in turn.
    if not state.book.fits_cash(state.outside, state.settle_asset[market], paid):
        return Rejection(Refused.OVERFLOW, {"account": state.account_name(state.outside), "value": paid})
    return None


def settle_market(state: State, step: Step, market: int, worth: int) -> int:
    """Close every position of a market at one worth per lot; how many there were."""
    holders = state.book.holders(market)
    outside, instrument = state.account_name(state.outside), state.instrument(market)
    rows = sorted(zip(holders.accounts.tolist(), holders.lots.tolist(), strict=True))
    for account, lots in rows:
        if account != state.outside:
            before = step.exchange(account, state.outside, market, -lots, -lots * worth, "settle")
            own, other = step.why_sides(*before, -lots)
            why: Why = (("trade.value", {"worth": worth}), *own, *other)
            name = state.account_name(account)
            step.emit(
                PositionSettled(name, outside, instrument.symbol, instrument.settle.name, -lots, -lots * worth, why)
            )
            state.watch.add(state.book.unit_of(account, state.settle_asset[market]))
    return len(rows)


def file_claim(state: State, step: Step, command: FileClaim) -> Rejection | None:
    """Take a claim in; it is ruled on at the next distribution of its asset."""
    if state.winding is None:
        return Rejection(Refused.NOT_WINDING_DOWN, {})
    asset = state.asset_index.get(command.asset)
    if asset is None:
        return Rejection(Refused.UNKNOWN_ASSET, {"asset": command.asset})
    claim = EstateClaim(command.claim, command.claimant, command.rank, command.amount, command.time_ns)
    state.winding.filed.append((asset, claim))
    return None


def _claims(state: State, step: Step, asset: int) -> Rulings:
    """Balances stand as claims; filed ones are ruled on beside them, each once, rejected with its reason."""
    rule = state.policy.wind_down
    assert rule is not None and state.winding is not None
    name = state.asset(asset).name
    owed: dict[str, dict[str, int]] = {}
    claims: list[EstateClaim] = []
    for account in range(len(state.snapshot.account_ids)):
        balance = state.cash_minor(account, asset)
        if balance > 0:
            holder, rank = state.account_name(account), class_of(state, account)
            owed[holder] = {rank: balance}
            # The ledger's own claims stand before any that is filed, whatever it is called.
            claims.append(EstateClaim(f"ledger:{holder}", holder, rank, balance, state.winding.since_ns - 1))
    mine = [claim for at, claim in state.winding.filed if at == asset]
    bar = state.winding.since_ns + rule.claims_ns
    rulings = rule_on_claims(rule.classes, owed, [*claims, *mine], bar)
    for claim, reason in rulings.rejected:
        step.emit(ClaimRejected(claim.id, claim.claimant, claim.rank, name, claim.amount, reason.value))
    state.winding.filed = [row for row in state.winding.filed if row[0] != asset]
    return rulings


def pay_out(state: State, step: Step, command: Distribute) -> Rejection | None:
    """An interim or the final distribution of one asset.

    Interim: at most the policy's share of what there is. Final: all of it, and what no money is left for is written
    off against the losses nobody paid, which leaves the estate at zero; holders keep a claim on later recoveries.
    """
    rule = state.policy.wind_down
    if rule is None or state.winding is None:
        return Rejection(Refused.NOT_WINDING_DOWN, {})
    asset = state.asset_index.get(command.asset)
    if asset is None:
        return Rejection(Refused.UNKNOWN_ASSET, {"asset": command.asset})
    if asset in state.winding.closed:
        return Rejection(Refused.WOUND_DOWN, {"asset": command.asset, "final": True})
    vault = max(0, -state.ledger.balance(state.external[asset]))
    money = vault if command.final else vault * rule.interim_share.numerator // rule.interim_share.denominator
    rulings = _claims(state, step, asset)
    found = distribute(rule.classes, rulings, money, final=command.final)
    left = money
    for rank in rule.classes:
        lines = [line for line in found.lines if line.claim.rank == rank]
        weights = [line.amount for line in lines]
        pays = sum(line.now for line in lines)
        if pays:
            parts = tuple((line.claim.claimant, line.now) for line in lines)
            why: Why = (("distribution.class", {"left": left, "claims": weights}),)
            for line in lines:
                if line.now:
                    account = state.account_index[line.claim.claimant]
                    step.post(state.cash_id(account, asset), state.external[asset], line.now, "distribution")
                    step.sync_cash(account, asset)
            step.emit(Distributed(command.asset, rank, command.final, pays, sum(weights), parts, why))
        left -= pays
    if command.final:
        _write_off(state, step, asset)
        state.winding.closed.add(asset)
    return None


def _write_off(state: State, step: Step, asset: int) -> None:
    """What is left of balances after the final distribution stands against the losses that nobody paid."""
    name = state.asset(asset).name
    parts = []
    found = state.ledger.find(f"{WRITTEN_OFF}{name}", name)
    account_id = state.ledger.open(f"{WRITTEN_OFF}{name}", state.asset(asset), floor=None) if found is None else found
    for account in range(len(state.snapshot.account_ids)):
        rest = state.cash_minor(account, asset)
        if rest > 0:
            step.post(state.cash_id(account, asset), account_id, rest, "written_off")
            lost = state.winding.written_off.setdefault(asset, {}) if state.winding is not None else {}
            lost[account] = lost.get(account, 0) + rest
            step.sync_cash(account, asset)
            parts.append((state.account_name(account), rest))
    if parts:
        rows = [rest for _, rest in parts]
        total = sum(rows)
        why: Why = (("distribution.written_off", {"rest": total, "balances": rows}),)
        step.emit(WrittenOff(name, total, tuple(parts), why))


def reopen(state: State, step: Step, asset: int, residual: int) -> None:
    """Money came back after an asset was paid out: what it covers of the losses that nobody had paid is owed again to
    those whose balances were written off for them, class by class, pro rata; the next distribution pays it.

    ``residual`` in minor units.
    """
    rule, winding = state.policy.wind_down, state.winding
    if rule is None or winding is None or asset not in winding.closed:
        return
    winding.closed.discard(asset)
    name, lost, left = state.asset(asset).name, winding.written_off.get(asset, {}), residual
    source = state.ledger.find(f"{WRITTEN_OFF}{name}", name)
    for rank in rule.classes:
        owed = {account: rest for account, rest in sorted(lost.items()) if rest and class_of(state, account) == rank}
        back = min(left, sum(owed.values()))
        if not back or source is None:
            continue
        shares = dict(zip(owed, split(back, list(owed.values())), strict=True))
        for account, share in shares.items():
            if share:
                step.post(source, state.cash_id(account, asset), share, "restored")
                step.sync_cash(account, asset)
                lost[account] -= share
        parts = tuple((state.account_name(account), share) for account, share in shares.items())
        why: Why = (("recovery.restored", {"left": left, "owed": list(owed.values())}),)
        step.emit(Restored(name, rank, back, parts, why))
        left -= back

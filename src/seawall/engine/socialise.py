"""Losses shared by many: every open lot of a market, every balance of an asset, or those who withdraw."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from seawall.engine.events import BorneByWithdrawals, CashCut, OpenInterestCharged, ProfitsCut, Why
from seawall.engine.layers import Loss, count, open_claims, place_of, room_of
from seawall.engine.limits import scope_key
from seawall.engine.posting import Step
from seawall.engine.state import State
from seawall.engine.units import backed
from seawall.money import Rounding, muldiv, split
from seawall.waterfall import LayerRule, RateOf

SOCIALISED = "socialised:"
WRITTEN_OFF = "written_off:"


class Charges(NamedTuple):
    """Who pays an amount with their open lots: (account, lots) each. Shown to watchers, not recorded."""

    loss: int
    amount: int
    payers: list[tuple[int, int]]


def limited(state: State, rule: LayerRule, loss: Loss, most: int) -> int:
    """What a layer without a balance of its own may pay of a loss: what is left, ``most``, and its limits."""
    return max(0, min([loss.left, most, *(room_of(state, rule, limit, loss) for limit in rule.limits)]))


def rooms_of(state: State, rule: LayerRule, losses: Sequence[Loss]) -> list[tuple[Loss, int]]:
    """Losses that a layer pays at once, first loss first, and the most it may pay of each: what one takes of a limit
    that they share is gone for the next. Losses without room are left out."""
    held: dict[tuple[str, str, str], int] = {}
    out: list[tuple[Loss, int]] = []
    for loss in losses:
        place = place_of(state, loss)
        keys = {(limit.scope.value, scope_key(limit.scope, place), place.asset) for limit in rule.limits}
        room = loss.left
        for limit in rule.limits:
            used = held.get((limit.scope.value, scope_key(limit.scope, place), place.asset), 0)
            room = min(room, room_of(state, rule, limit, loss) - used)
        if room > 0:
            out.append((loss, room))
            for key in keys:
                held[key] = held.get(key, 0) + room
    return out


def covered(state: State, step: Step, rule: LayerRule, loss: Loss, amount: int) -> None:
    """Note that a layer paid ``amount`` of a loss; the money has been posted."""
    if loss.account is not None:
        step.sync_cash(loss.account, loss.asset)
    state.deficits.cover(loss.holder, loss.number, amount)
    count(state, rule, loss, amount)
    loss.left -= amount


def defaulters(losses: Sequence[Loss]) -> set[int]:
    """Accounts whose losses stand at this layer: a charge on one of them would only come back as a larger loss."""
    return {loss.account for loss in losses if loss.account is not None}


def charge_open_interest(state: State, step: Step, rule: LayerRule, losses: Sequence[Loss]) -> None:
    """Every open lot of the loss's market pays the same, longs and shorts, winners or not.

    To the unit: shares pro rata to lots by largest remainder, ties to the earlier account. Accounts in default pay
    nothing, for nobody's loss. A loss that belongs to no market, or whose market has no open interest, passes on.

    Source: socialised loss of perpetual venues that move both cumulative funding indexes (Drift v2, Mango v4).
    """
    barred = defaulters(losses)
    for loss in losses:
        if loss.left <= 0 or loss.market < 0 or state.settle_asset[loss.market] != loss.asset:
            continue
        holders = state.book.holders(loss.market)
        stop = np.fromiter(barred, dtype=np.int64, count=len(barred))
        lots = np.where(np.isin(holders.accounts, stop), 0, np.abs(holders.lots))
        amount = limited(state, rule, loss, loss.left)
        open_lots = sum(lots.tolist())
        if not open_lots or not amount:
            continue
        if step.watch is not None:
            asked = [(a, n) for a, n in zip(holders.accounts.tolist(), lots.tolist(), strict=True) if n]
            step.note("open_interest", Charges(loss.number, amount, asked))
        shares = np.array(split(amount, lots.tolist()), dtype=np.int64)
        step.charge(loss.market, shares, loss.target, f"layer:{rule.name}")
        charged = shares > 0
        symbol, asset = state.instrument(loss.market).symbol, state.asset(loss.asset).name
        step.emit(
            OpenInterestCharged(
                loss.number,
                rule.name,
                symbol,
                asset,
                amount,
                open_lots,
                int(charged.sum()),
                (("socialise.open_interest", {"left": loss.left, "most": amount}),),
            )
        )
        rank = len(state.policy.layers) - state.policy.layers.index(rule)
        payers = holders.accounts[charged]
        for account, share in zip(payers.tolist(), shares[charged].tolist(), strict=True):
            state.claims.open(state.account_name(account), share, rank=rank, loss=loss.number, asset=asset)
        state.watch.update(state.book.units_of(payers, loss.asset))
        covered(state, step, rule, loss, amount)


def cut_cash(state: State, step: Step, rule: LayerRule, losses: Sequence[Loss]) -> None:
    """Every positive balance of a member in the loss's asset is cut by one rate, to the unit.

    What backs an unrealised loss is not there to be cut: a balance counts up to the equity behind it. All losses of one
    Resolve together take at most the layer's cap. Accounts in default pay nothing.

    Source: deposit-index cut of lending and spot markets (Drift v2 resolve_spot_bankruptcy, Mango v4).
    """
    barred = defaulters(losses) | state.house_accounts
    most: dict[int, int] = {}
    for loss in losses:
        if loss.left <= 0:
            continue
        accounts, balances = _balances(state, loss.asset, barred)
        whole = sum(balances)
        if loss.asset not in most:
            most[loss.asset] = muldiv(whole, rule.cap.numerator, rule.cap.denominator, Rounding.FLOOR)
        bound = min(limited(state, rule, loss, loss.left), most[loss.asset])
        if not bound:
            continue
        most[loss.asset] -= bound
        asset = state.asset(loss.asset).name
        hit = [
            (account, balance, cut)
            for account, balance, cut in zip(accounts, balances, split(bound, balances), strict=True)
            if cut
        ]
        payers = [account for account, _, _ in hit]
        step.spend_each(payers, loss.target, loss.asset, [cut for _, _, cut in hit], f"layer:{rule.name}")
        take_capital(state, loss.asset, [(account, cut) for account, _, cut in hit])
        cuts = tuple((state.account_name(account), cut) for account, _, cut in hit)
        open_claims(state, step, loss.number, asset, cuts, rule)
        state.watch.update(state.book.units_of(np.array(payers, dtype=np.int64), loss.asset))
        inputs = {
            "left": bound,
            "whole": whole,
            "num": rule.cap.numerator,
            "den": rule.cap.denominator,
            "balances": [balance for _, balance, _ in hit],
        }
        step.emit(CashCut(loss.number, rule.name, asset, bound, cuts, (("socialise.cash", inputs),)))
        covered(state, step, rule, loss, bound)


def _balances(state: State, asset: int, barred: set[int]) -> tuple[list[int], list[int]]:
    """Members, ascending, and their positive cash in an asset, each up to the equity of the row."""
    rows = state.book.rows_of_asset(asset)
    accounts = state.book.row_account[rows]
    equities = state.book.row_equities()[rows]
    balances = np.minimum(state.book.row_cash[rows], equities)
    ok = (balances > 0) & ~np.isin(accounts, np.fromiter(barred, dtype=np.int64, count=len(barred)))
    order = np.argsort(accounts[ok], kind="stable")
    accounts, equities = accounts[ok][order], equities[ok][order]
    balances = backed(state, accounts, asset, balances[ok][order])
    borne = burdens(state, asset)
    if borne:  # what profit has to bear already is not there
        burden = np.array([borne.get(account, (0, 0))[1] for account in accounts.tolist()], dtype=np.int64)
        balances = np.minimum(balances, equities - burden)
    return accounts[balances > 0].tolist(), balances[balances > 0].tolist()


def bear_by_withdrawals(state: State, step: Step, rule: LayerRule, losses: Sequence[Loss]) -> None:
    """What is left is put on the account of socialised losses, which withdrawals pay off at a rate below one.

    Where only profit bears it, no more than there is profit that bears nothing yet: capital is senior, the rest goes on.

    Source: socialised-loss factor on withdrawals (Paradex documentation); profit as a junior claim (Percolator).
    """
    for loss in losses:
        most = limited(state, rule, loss, loss.left)
        why: Why = (("socialise.withdrawals", {"left": loss.left, "most": most}),)
        if rule.of is RateOf.PROFIT and most > 0:
            profits = profits_of(state, loss.asset)[2]
            outstanding = -(-max(0, outstanding_of(state, loss.asset)) // state.asset(loss.asset).to_minor(1))
            given = {"left": loss.left, "most": most, "profits": profits, "outstanding": outstanding}  # rounded up
            why = (("socialise.profit", given),)
            most = min(most, profits - outstanding)
        amount = most
        if amount <= 0:
            continue
        source = socialised_account(state, loss.asset)
        step.post(source, loss.target, state.asset(loss.asset).to_minor(amount), f"layer:{rule.name}")
        asset = state.asset(loss.asset).name
        step.emit(BorneByWithdrawals(loss.number, rule.name, asset, amount, why))
        covered(state, step, rule, loss, amount)


def socialised_account(state: State, asset: int) -> int:
    """Ledger account of socialised losses in an asset: minus what withdrawals still have to bear."""
    name = f"{SOCIALISED}{state.asset(asset).name}"
    found = state.ledger.find(name, state.asset(asset).name)
    return state.ledger.open(name, state.asset(asset), floor=None) if found is None else found


def outstanding_of(state: State, asset: int) -> int:
    """What withdrawals still have to bear, minor units."""
    found = state.ledger.find(f"{SOCIALISED}{state.asset(asset).name}", state.asset(asset).name)
    return 0 if found is None else -state.ledger.balance(found)


def withdrawal_rate(state: State, asset: int, outstanding: int) -> tuple[int, int]:
    """What one unit withdrawn is paid: (claims - outstanding) / claims, where claims are the members' positive
    balances in the asset; 0 when nothing would be left. Minor units."""
    rows = state.book.rows_of_asset(asset)
    cash, accounts = state.book.row_cash[rows], state.book.row_account[rows]
    house = np.fromiter(state.house_accounts, dtype=np.int64, count=len(state.house_accounts))
    # Summed as Python integers: a few balances near the bound would wrap 64 bits.
    members = sum(cash[(cash > 0) & ~np.isin(accounts, house)].tolist())
    # A bid is still its bidder's: money parked in an auction does not lower the rate of the others.
    claims = state.asset(asset).to_minor(members + state.auctions.held(asset))
    return max(0, claims - outstanding), max(1, claims)


def capital_of(state: State, account: int, asset: int) -> int:
    """What an account may withdraw before it withdraws profit: equity at the opening plus deposits less capital that was
    withdrawn, book units, never below zero. What it lost since stays counted: it is earned back before profit begins."""
    assert state.capital is not None
    return max(0, state.capital.basis(state.book.row(account, asset)))


def profits_of(state: State, asset: int) -> tuple[list[int], list[int], int]:
    """Members with profit in an asset (equity above capital, unrealised profit included), ascending; the profit of each;
    and their sum. Book units."""
    assert state.capital is not None
    rows = state.book.rows_of_asset(asset)
    gains = state.capital.gains(rows, state.book.row_equities()[rows])
    house = np.fromiter(state.house_accounts, dtype=np.int64, count=len(state.house_accounts))
    accounts = state.book.row_account[rows]
    ok = (gains > 0) & ~np.isin(accounts, house)
    order = np.argsort(accounts[ok], kind="stable")
    profits = gains[ok][order].tolist()
    return accounts[ok][order].tolist(), profits, sum(profits)


def burdens(state: State, asset: int) -> dict[int, tuple[int, int]]:
    """By account: its profit, and what that has to bear of what is outstanding (rounded up); empty without any."""
    outstanding = 0 if state.capital is None else outstanding_of(state, asset)
    if outstanding <= 0:
        return {}
    accounts, profits, whole = profits_of(state, asset)
    owed = min(whole, -(-outstanding // state.asset(asset).to_minor(1)))
    return {
        account: (profit, muldiv(profit, owed, whole, Rounding.CEIL))
        for account, profit in zip(accounts, profits, strict=True)
    }


def take_capital(state: State, asset: int, cuts: Sequence[tuple[int, int]]) -> None:
    """A cut of balances takes capital first, so that it leaves the profit that bears losses; it is remembered, as what
    comes back of it is capital again."""
    if state.capital is None:
        return
    for account, cut in cuts:
        taken = min(cut, capital_of(state, account, asset))
        if taken:
            state.capital.flow(state.book.row(account, asset), -taken)
            state.capital_cut[account, asset] = state.capital_cut.get((account, asset), 0) + taken


def give_capital_back(state: State, account: int, asset: int, amount: int) -> None:
    """A recovery was paid: what of it makes good a cut of capital is capital."""
    lost = min(amount, state.capital_cut.get((account, asset), 0))
    if lost and state.capital is not None:
        state.capital.flow(state.book.row(account, asset), lost)
        state.capital_cut[account, asset] -= lost


def cut_profits(state: State, step: Step) -> None:
    """The venue stops, and nobody withdraws any more: profits bear now what withdrawals would have borne, pro rata.

    All positions are settled, so profit is cash. Every claim that is left stands as capital would. To the minor unit.
    """
    if state.capital is None:
        return
    for asset, terms in enumerate(state.snapshot.assets):
        accounts, profits, whole = profits_of(state, asset)
        outstanding = outstanding_of(state, asset)
        if outstanding <= 0 or not whole:
            continue
        each = [terms.to_minor(profit) for profit in profits]
        cuts = split(min(outstanding, sum(each)), each)
        hit = [(account, profit, cut) for account, profit, cut in zip(accounts, each, cuts, strict=True) if cut]
        for account, _, cut in hit:
            step.post(state.cash_id(account, asset), socialised_account(state, asset), cut, "withdrawal_cut")
            step.sync_cash(account, asset)
        named = tuple((state.account_name(account), cut) for account, _, cut in hit)
        inputs = {"outstanding": outstanding, "profits": [profit for _, profit, _ in hit], "whole": sum(each)}
        step.emit(ProfitsCut(terms.name, sum(cut for _, _, cut in hit), named, (("profits.cut", inputs),)))

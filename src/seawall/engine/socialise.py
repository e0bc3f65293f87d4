"""Losses shared by many: every open lot of a market, every balance of an asset, or those who withdraw."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from seawall.engine.events import BorneByWithdrawals, CashCut, OpenInterestCharged, Why
from seawall.engine.layers import Loss, open_claim, place_of
from seawall.engine.posting import Step
from seawall.engine.state import State
from seawall.money import Rounding, muldiv, split
from seawall.waterfall import LayerRule

SOCIALISED = "socialised:"
WRITTEN_OFF = "written_off:"


class Charges(NamedTuple):
    """Who pays an amount with their open lots: (account, lots) each. Shown to watchers, not recorded."""

    loss: int
    amount: int
    payers: list[tuple[int, int]]


def limited(state: State, rule: LayerRule, loss: Loss, most: int) -> int:
    """What a layer without a balance of its own may pay of a loss: what is left, ``most``, and its limits."""
    place, unit = place_of(state, loss), 10 ** state.asset(loss.asset).book_scale
    rooms = [state.limits.room(rule, limit, place, balance=0, unit=unit) for limit in rule.limits]
    return max(0, min([loss.left, most, *rooms]))


def covered(state: State, step: Step, rule: LayerRule, loss: Loss, amount: int) -> None:
    """Note that a layer paid ``amount`` of a loss; the money has been posted."""
    if loss.account is not None:
        step.sync_cash(loss.account, loss.asset)
    state.deficits.cover(loss.holder, loss.number, amount)
    state.limits.record(rule, place_of(state, loss), amount)
    loss.left -= amount


def charge_open_interest(state: State, step: Step, rule: LayerRule, losses: Sequence[Loss]) -> None:
    """Every open lot of the loss's market pays the same, longs and shorts, winners or not.

    To the unit: shares pro rata to lots by largest remainder, ties to the earlier account. The account in default
    pays nothing. A loss that belongs to no market, or whose market has no open interest, passes on.

    Source: socialised loss of perpetual venues that move both cumulative funding indexes (Drift v2, Mango v4).
    """
    for loss in losses:
        if loss.left <= 0 or loss.market < 0 or state.settle_asset[loss.market] != loss.asset:
            continue
        holders = state.book.holders(loss.market)
        payers = [
            (account, abs(lots))
            for account, lots in zip(holders.accounts.tolist(), holders.lots.tolist(), strict=True)
            if account != loss.account
        ]
        amount = limited(state, rule, loss, loss.left)
        open_lots = sum(lots for _, lots in payers)
        if not open_lots or not amount:
            continue
        charges = [
            (account, share)
            for (account, _), share in zip(payers, split(amount, [lots for _, lots in payers]), strict=True)
            if share
        ]
        step.note("open_interest", Charges(loss.number, amount, payers))
        step.charge(loss.market, charges, loss.target, f"layer:{rule.name}")
        symbol, asset = state.instrument(loss.market).symbol, state.asset(loss.asset).name
        step.emit(
            OpenInterestCharged(
                loss.number,
                rule.name,
                symbol,
                asset,
                amount,
                open_lots,
                len(charges),
                (("socialise.open_interest", {"left": loss.left, "most": amount}),),
            )
        )
        rank = len(state.policy.layers) - state.policy.layers.index(rule)
        for account, share in charges:
            state.claims.open(
                state.account_name(account),
                share,
                rank=rank,
                loss=loss.number,
                asset=asset,
            )
            state.watch.add(state.book.unit_of(account, loss.asset))
        covered(state, step, rule, loss, amount)


def cut_cash(state: State, step: Step, rule: LayerRule, losses: Sequence[Loss]) -> None:
    """Every positive balance of a member in the loss's asset is cut by one rate, to the unit.

    Source: deposit-index cut of lending and spot markets (Drift v2 resolve_spot_bankruptcy, Mango v4).
    """
    for loss in losses:
        if loss.left <= 0:
            continue
        rows = state.book.rows_of_asset(loss.asset)
        accounts, cash = state.book.row_account[rows], state.book.row_cash[rows]
        house = np.fromiter(state.house_accounts, dtype=np.int64, count=len(state.house_accounts))
        ok = (cash > 0) & ~np.isin(accounts, house)
        if loss.account is not None:
            ok &= accounts != loss.account
        order = np.argsort(accounts[ok], kind="stable")
        names, balances = accounts[ok][order].tolist(), cash[ok][order].tolist()
        whole = sum(balances)
        most = muldiv(whole, rule.cap.numerator, rule.cap.denominator, Rounding.FLOOR)
        bound = limited(state, rule, loss, loss.left)
        amount = min(bound, most)
        if not amount:
            continue
        asset = state.asset(loss.asset).name
        cuts: list[tuple[str, int]] = []
        cut_from: list[int] = []
        for account, balance, cut in zip(names, balances, split(amount, balances), strict=True):
            if cut:
                step.spend(account, loss.target, loss.asset, cut, f"layer:{rule.name}")
                open_claim(state, step, loss.number, state.account_name(account), asset, cut, layer=rule)
                state.watch.add(state.book.unit_of(account, loss.asset))
                cuts.append((state.account_name(account), cut))
                cut_from.append(balance)
        inputs = {
            "left": bound,
            "whole": whole,
            "num": rule.cap.numerator,
            "den": rule.cap.denominator,
            "balances": cut_from,
        }
        step.emit(CashCut(loss.number, rule.name, asset, amount, tuple(cuts), (("socialise.cash", inputs),)))
        covered(state, step, rule, loss, amount)


def bear_by_withdrawals(state: State, step: Step, rule: LayerRule, losses: Sequence[Loss]) -> None:
    """What is left is put on the account of socialised losses, which withdrawals pay off at a rate below one.

    Source: socialised-loss factor on withdrawals (Paradex documentation).
    """
    for loss in losses:
        amount = limited(state, rule, loss, loss.left)
        if amount <= 0:
            continue
        source = socialised_account(state, loss.asset)
        step.post(source, loss.target, state.asset(loss.asset).to_minor(amount), f"layer:{rule.name}")
        asset = state.asset(loss.asset).name
        why: Why = (("socialise.withdrawals", {"left": loss.left, "most": amount}),)
        step.emit(BorneByWithdrawals(loss.number, rule.name, asset, amount, why))
        covered(state, step, rule, loss, amount)


def socialised_account(state: State, asset: int) -> int:
    """Ledger account of socialised losses in an asset: minus what withdrawals still have to bear."""
    name = f"{SOCIALISED}{state.asset(asset).name}"
    found = state.ledger.find(name, state.asset(asset).name)
    return state.ledger.open(name, state.asset(asset), floor=None) if found is None else found


def withdrawal_rate(state: State, asset: int) -> tuple[int, int]:
    """What one unit withdrawn is paid: (claims - outstanding) / claims, where claims are the members' positive
    balances in the asset; 1/1 when nothing is outstanding, 0 when nothing would be left."""
    name = f"{SOCIALISED}{state.asset(asset).name}"
    found = state.ledger.find(name, state.asset(asset).name)
    outstanding = 0 if found is None else -state.ledger.balance(found)
    if outstanding <= 0:
        return 1, 1
    rows = state.book.rows_of_asset(asset)
    cash, accounts = state.book.row_cash[rows], state.book.row_account[rows]
    house = np.fromiter(state.house_accounts, dtype=np.int64, count=len(state.house_accounts))
    claims = state.asset(asset).to_minor(int(cash[(cash > 0) & ~np.isin(accounts, house)].sum()))
    return max(0, claims - outstanding), max(1, claims)

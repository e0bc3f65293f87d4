"""The gains haircut: members with unrealised gains pay what no layer could, pro rata, to the unit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from seawall.engine.events import GainsHaircut
from seawall.engine.layers import Loss, open_claim
from seawall.engine.posting import Step
from seawall.engine.socialise import covered, rooms_of
from seawall.engine.state import State
from seawall.engine.units import backed
from seawall.waterfall import GainsBase, LayerRule, haircut_gains


def cut_gains(state: State, step: Step, rule: LayerRule, losses: Sequence[Loss]) -> None:
    """One haircut per asset over all losses left at this Resolve; each ``left`` is reduced by what it received."""
    for asset in sorted({d.asset for d in losses}):
        mine = rooms_of(state, rule, [d for d in losses if d.asset == asset and d.left > 0])
        total = sum(room for _, room in mine)
        if not total:
            continue
        accounts, gains = gains_in(state, asset, {d.account for d, _ in mine if d.account is not None}, rule.base)
        result = haircut_gains(total, gains, cap=rule.cap)
        if not result.collected:
            continue
        _post(state, step, rule, asset, mine, accounts, gains, result.cuts, total, result.collected)


def gains_in(state: State, asset: int, barred: set[int], base: GainsBase) -> tuple[list[int], list[int]]:
    """Members with gains in ``asset`` and what can be cut: the gain less what was cut of it before, but not more than
    their equity.

    A cut is paid in cash, so an unrealised gain does not fall with it: what was cut is remembered until the gain is gone,
    and the same gain is never cut twice. Gains of a period fall with the cash.
    """
    if base is GainsBase.PERIOD and state.period is not None:
        rows = state.book.rows_of_asset(asset)
        accounts, equity = state.book.row_account[rows], state.book.row_equities()[rows]
        gains = state.period.gains(rows, equity)
    else:
        accounts, gains, equity = state.book.gains(asset)
        gains = gains - _cut_before(state, asset, accounts)
    ok = (gains > 0) & (equity > 0)
    stop = barred | state.house_accounts | {state.book.account_of(u) for u in state.cases}
    ok &= ~np.isin(accounts, np.fromiter(stop, dtype=np.int64, count=len(stop)))
    order = np.argsort(accounts[ok], kind="stable")
    accounts = accounts[ok][order]
    room = backed(state, accounts, asset, np.minimum(gains[ok], equity[ok])[order])
    return accounts[room > 0].tolist(), room[room > 0].tolist()


def forget_gone_gains(state: State) -> None:
    """After new marks: a gain that is gone takes with it the memory of what was cut of it."""
    for asset in sorted({asset for _, asset in state.gains_cut}):
        accounts, gains, _ = state.book.gains(asset)
        winning = set(accounts[gains > 0].tolist())
        for account in [account for account, a in state.gains_cut if a == asset and account not in winning]:
            del state.gains_cut[account, asset]


def _cut_before(state: State, asset: int, accounts: NDArray[np.int64]) -> NDArray[np.int64]:
    """What was cut of each account's unrealised gain already."""
    known = {account: cut for (account, a), cut in state.gains_cut.items() if a == asset}
    return np.array([known.get(account, 0) for account in accounts.tolist()], dtype=np.int64)


def _post(
    state: State,
    step: Step,
    rule: LayerRule,
    asset: int,
    losses: Sequence[tuple[Loss, int]],
    accounts: list[int],
    gains: list[int],
    cuts: Sequence[int],
    total: int,
    collected: int,
) -> None:
    """Move every cut to the losses, first loss first, each up to its room; one event for the haircut."""
    asset_name = state.asset(asset).name
    posted: list[tuple[str, int]] = []
    cut_from = [gain for gain, cut in zip(gains, cuts, strict=True) if cut]
    at, room = 0, losses[0][1]
    received = dict.fromkeys((loss.number for loss, _ in losses), 0)
    for account, cut in zip(accounts, cuts, strict=True):
        if not cut:
            continue
        posted.append((state.account_name(account), cut))
        if rule.base is GainsBase.UNREALISED:
            state.gains_cut[account, asset] = state.gains_cut.get((account, asset), 0) + cut
        left = cut
        while left:
            part = min(left, room)
            if part:
                loss = losses[at][0]
                step.spend(account, loss.target, asset, part, "gains_haircut")
                received[loss.number] += part
                open_claim(state, step, loss.number, state.account_name(account), asset_name, part, layer=rule)
                left -= part
                room -= part
            if left:
                at += 1
                room = losses[at][1]
        state.watch.add(state.book.unit_of(account, asset))
    for loss, _ in losses:
        if received[loss.number]:
            covered(state, step, rule, loss, received[loss.number])
    whole = sum(gains)
    step.emit(
        GainsHaircut(
            tuple((number, got) for number, got in received.items() if got),
            asset_name,
            (collected, whole),
            collected,
            tuple(posted),
            (
                (
                    "haircut.gains",
                    {
                        "loss": total,
                        "gains": cut_from,
                        "whole": whole,
                        "num": rule.cap.numerator,
                        "den": rule.cap.denominator,
                    },
                ),
            ),
        )
    )

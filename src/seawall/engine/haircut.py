"""The gains haircut: members with unrealised gains pay what no layer could, pro rata, to the unit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seawall.engine.events import GainsHaircut
from seawall.engine.layers import Default, open_claim
from seawall.engine.posting import Step
from seawall.engine.state import State
from seawall.waterfall import LayerKind, haircut_gains


def cut_gains(state: State, step: Step, defaults: list[Default]) -> None:
    """One haircut per asset over all losses left at this Resolve; each ``left`` is reduced by what it received."""
    rule = next(r for r in state.policy.layers if r.kind is LayerKind.GAINS_HAIRCUT)
    for asset in sorted({d.asset for d in defaults}):
        mine = [d for d in defaults if d.asset == asset and d.left > 0]
        total = sum(d.left for d in mine)
        accounts, gains = gains_in(state, asset, {d.account for d in mine})
        result = haircut_gains(total, gains, cap=rule.cap)
        cap = (rule.cap.numerator, rule.cap.denominator)
        if not result.collected:
            continue
        _post(state, step, asset, mine, accounts, gains, result.cuts, total, result.collected, cap)


def gains_in(state: State, asset: int, barred: set[int]) -> tuple[list[int], list[int]]:
    """Members with unrealised gains in ``asset`` and what can be cut: the gain, but not more than their equity."""
    accounts, gains, equity = state.book.gains(asset)
    ok = (gains > 0) & (equity > 0)
    stop = barred | state.house_accounts | {state.book.account_of(u) for u in state.cases}
    ok &= ~np.isin(accounts, np.fromiter(stop, dtype=np.int64, count=len(stop)))
    order = np.argsort(accounts[ok], kind="stable")
    return accounts[ok][order].tolist(), np.minimum(gains[ok], equity[ok])[order].tolist()


def _post(
    state: State,
    step: Step,
    asset: int,
    defaults: list[Default],
    accounts: list[int],
    gains: list[int],
    cuts: Sequence[int],
    total: int,
    collected: int,
    cap: tuple[int, int],
) -> None:
    """Move every cut to the defaulted accounts, first loss first, and record one event for the haircut."""
    asset_name = state.asset(asset).name
    paid: list[tuple[int, int]] = []
    posted: list[tuple[str, int]] = []
    cut_from = [gain for gain, cut in zip(gains, cuts, strict=True) if cut]
    at = 0
    room = defaults[0].left if defaults else 0
    received = dict.fromkeys((d.loss for d in defaults), 0)
    for account, cut in zip(accounts, cuts, strict=True):
        if not cut:
            continue
        posted.append((state.account_name(account), cut))
        left = cut
        while left:
            part = min(left, room)
            if part:
                step.pay(account, defaults[at].account, asset, part, "gains_haircut")
                received[defaults[at].loss] += part
                open_claim(state, step, defaults[at].loss, state.account_name(account), asset_name, part, rank=1)
                left -= part
                room -= part
            if left:
                at += 1
                room = defaults[at].left
        state.watch.add(state.book.unit_of(account, asset))
    for default in defaults:
        got = received[default.loss]
        if got:
            paid.append((default.loss, got))
            state.deficits.cover(state.account_name(default.account), default.loss, got)
            default.left -= got
    whole = sum(gains)
    step.emit(
        GainsHaircut(
            tuple(paid),
            asset_name,
            (collected, whole),
            collected,
            tuple(posted),
            (("haircut.gains", {"loss": total, "gains": cut_from, "whole": whole, "num": cap[0], "den": cap[1]}),),
        )
    )

"""The gains haircut: members with gains pay what no layer could, pro rata, each within a lifetime cap where the policy
has one, to the unit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from seawall.engine.events import GainsHaircut
from seawall.engine.layers import Loss, open_claims
from seawall.engine.posting import Step
from seawall.engine.socialise import burdens, covered, rooms_of
from seawall.engine.state import State
from seawall.engine.units import backed, from_quote, quote_price
from seawall.money import Rounding, muldiv
from seawall.waterfall import CapHolder, GainsBase, LayerRule, haircut_gains, haircut_gains_capped


def cut_gains(state: State, step: Step, rule: LayerRule, losses: Sequence[Loss]) -> None:
    """One haircut per asset over all losses left at this Resolve; each ``left`` is reduced by what it received.

    With a lifetime cap (``cap_each``) nobody is cut by more over all haircuts of this layer, and what a cap refuses is taken from the others. Who is at the cap has an event of its own, the others share one.
    """
    for asset in sorted({d.asset for d in losses}):
        mine = rooms_of(state, rule, [d for d in losses if d.asset == asset and d.left > 0])
        total = sum(room for _, room in mine)
        if not total:
            continue
        accounts, gains = gains_in(state, asset, {d.account for d, _ in mine if d.account is not None}, rule.base)
        result = haircut_gains(total, gains, cap=rule.cap)
        if not result.collected:
            continue
        pour = _Pour(state, step, rule, asset, mine)
        caps = None if rule.cap_each is None else _Caps.of(state, rule, asset, accounts)
        if caps is not None and caps.crossed(result.cuts):
            _cut_to_caps(pour, caps, accounts, gains, total)
        else:
            given = {"loss": total, **_largest(rule)}
            pour.cut("haircut.gains", given, list(zip(accounts, gains, result.cuts, strict=True)))
        if caps is not None:
            caps.remember(state, pour.paid)


def _largest(rule: LayerRule) -> dict[str, int]:
    """The largest rate, as a program reads it."""
    return {"num": rule.cap.numerator, "den": rule.cap.denominator}


def _cut_to_caps(pour: _Pour, caps: _Caps, accounts: Sequence[int], gains: Sequence[int], total: int) -> None:
    """Those at their cap pay what is left of it; the others share the rest."""
    result = haircut_gains_capped(total, gains, caps.holders, caps.rooms, cap=pour.rule.cap)
    full: dict[int, list[tuple[int, int, int]]] = {}
    free: list[tuple[int, int, int]] = []
    for holder, *part in zip(caps.holders, accounts, gains, result.cuts, strict=True):
        account, gain, cut = part
        (full.setdefault(holder, []) if result.at_cap[holder] else free).append((account, gain, cut))
    at_caps = 0
    for holder, parts in full.items():
        room = caps.rooms[holder]
        if room:
            price = caps.price  # the other way round: from money to book units
            given = {"holder": caps.names[holder], "cap": caps.cap, "taken": caps.taken[holder]}
            given |= {"num": price.denominator, "den": price.numerator}
            pour.cut("haircut.at_cap", given, parts)
            at_caps += room
    if result.collected > at_caps:
        given = {"loss": total, "rooms": result.rooms, "others": result.others, "at_caps": at_caps}
        pour.cut("haircut.below_caps", {**given, **_largest(pour.rule)}, free)


class _Caps(NamedTuple):
    """Lifetime caps of one layer. By holder: ``names``, ``taken`` so far (millionths of the quote currency, as ``cap``) and
    ``rooms`` (what may still be taken of this asset, book units at ``price``, rounded down); ``holders`` of the accounts."""

    layer: str
    cap: int
    price: Fraction
    names: list[str]
    taken: list[int]
    rooms: list[int]
    holders: list[int]
    of_account: dict[int, int]

    @classmethod
    def of(cls, state: State, rule: LayerRule, asset: int, accounts: Sequence[int]) -> _Caps:
        """Holders in the order of their first account."""
        assert rule.cap_each is not None
        known: dict[str, int] = {}
        holders = [known.setdefault(holder_of(state, rule.cap_per, account), len(known)) for account in accounts]
        taken = [state.lifetime_cuts.get((rule.name, name), 0) for name in known]
        rooms = [from_quote(state, asset, max(0, rule.cap_each - n)) for n in taken]
        of_account, price = dict(zip(accounts, holders, strict=True)), quote_price(state, asset)
        return cls(rule.name, rule.cap_each, price, list(known), taken, rooms, holders, of_account)

    def crossed(self, cuts: Sequence[int]) -> bool:
        """Would these cuts, in the order of the accounts, cross a cap?"""
        paid = [0] * len(self.rooms)
        for holder, cut in zip(self.holders, cuts, strict=True):
            paid[holder] += cut
        return any(n > room for n, room in zip(paid, self.rooms, strict=True))

    def remember(self, state: State, paid: Sequence[tuple[int, int]]) -> None:
        """Count (account, cut) against the caps, each holder's cuts at the price of now, rounded up: a room that was
        rounded down never counts for more than it was."""
        whole: dict[int, int] = {}
        for account, cut in paid:
            holder = self.of_account[account]
            whole[holder] = whole.get(holder, 0) + cut
        for holder, cut in whole.items():
            value = muldiv(cut, self.price.numerator, self.price.denominator, Rounding.CEIL)
            state.lifetime_cuts[self.layer, self.names[holder]] = self.taken[holder] + value


def holder_of(state: State, per: CapHolder, account: int) -> str:
    """Who an account's cuts are counted for. An isolated position is its account's; without a member, the owner's."""
    parent = int(state.snapshot.parents[account])
    account = account if parent < 0 else parent
    name = state.account_name(account)
    if per is CapHolder.ACCOUNT:
        return f"account {name}"
    member = state.members.own(account) if per is CapHolder.MEMBER else None
    return f"owner {state.snapshot.owners[account] or name}" if member is None else f"member {member}"


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
    for account, (profit, burden) in burdens(state, asset).items():  # what profit has to bear already is not there
        at = int(np.searchsorted(accounts, account))
        if at < len(accounts) and accounts[at] == account:
            room[at] = min(int(room[at]), profit - burden)
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


@dataclass(slots=True)
class _Pour:
    """Cuts of one haircut as they fill its losses, first loss first, each up to its room. ``paid``: (account, cut)."""

    state: State
    step: Step
    rule: LayerRule
    asset: int
    losses: Sequence[tuple[Loss, int]]
    paid: list[tuple[int, int]] = field(default_factory=list)
    at: int = 0
    room: int = 0

    def __post_init__(self) -> None:
        self.room = self.losses[0][1]

    def cut(self, program: str, given: Mapping[str, Any], parts: Sequence[tuple[int, int, int]]) -> None:
        """Move the cuts of (account, gain, cut) each, and one event for all of them. The program reads ``given``, the
        ``gains`` that were cut and the ``whole`` of all."""
        name, whole = self.state.asset(self.asset).name, sum(gain for _, gain, _ in parts)
        hit = [(account, gain, cut) for account, gain, cut in parts if cut]
        received = self._take([(account, cut) for account, _, cut in hit])
        for loss, _ in self.losses:
            if loss.number in received:
                covered(self.state, self.step, self.rule, loss, received[loss.number])
        collected = sum(cut for _, _, cut in hit)
        cuts = tuple((self.state.account_name(account), cut) for account, _, cut in hit)
        inputs = {**given, "gains": [gain for _, gain, _ in hit], "whole": whole}
        losses = tuple(received.items())
        self.step.emit(GainsHaircut(losses, name, (collected, whole), collected, cuts, ((program, inputs),)))

    def _take(self, cuts: Sequence[tuple[int, int]]) -> dict[int, int]:
        """Move the money of (account, cut) each, loss after loss; what each loss received, by its number."""
        state, asset = self.state, self.asset
        if self.rule.base is GainsBase.UNREALISED:
            for account, cut in cuts:
                state.gains_cut[account, asset] = state.gains_cut.get((account, asset), 0) + cut
        self.paid.extend(cuts)
        received: dict[int, int] = {}
        at, left = 0, cuts[0][1] if cuts else 0
        while at < len(cuts):
            parts: list[tuple[int, int]] = []  # what goes to one loss; an account on its edge pays the next one too
            while at < len(cuts) and self.room:
                part = min(left, self.room)
                parts.append((cuts[at][0], part))
                left -= part
                self.room -= part
                if not left:
                    at += 1
                    left = cuts[at][1] if at < len(cuts) else 0
            if parts:
                self._pay(self.losses[self.at][0], parts, received)
            if at < len(cuts):
                self.at += 1
                self.room = self.losses[self.at][1]
        state.watch.update(state.book.units_of(np.array([account for account, _ in cuts], dtype=np.int64), asset))
        return received

    def _pay(self, loss: Loss, parts: Sequence[tuple[int, int]], received: dict[int, int]) -> None:
        """(account, amount) each to one loss, and their claims on what comes back."""
        state, name = self.state, self.state.asset(self.asset).name
        accounts, amounts = [account for account, _ in parts], [amount for _, amount in parts]
        self.step.spend_each(accounts, loss.target, self.asset, amounts, "gains_haircut")
        received[loss.number] = received.get(loss.number, 0) + sum(amounts)
        holders = [(state.account_name(account), amount) for account, amount in parts]
        open_claims(state, self.step, loss.number, name, holders, self.rule)

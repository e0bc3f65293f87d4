"""The two ways money moves inside a venue, and the record of one command's doings.

``pay`` moves cash between two accounts. ``exchange`` moves lots between two accounts at a value; what it realises
moves between each account and the market's clearing account, whose balance is always minus the sum of entry values.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seawall.engine.clockbook import Use
from seawall.engine.events import Event, Why
from seawall.engine.explain import side
from seawall.engine.state import State
from seawall.errors import InvariantBroken
from seawall.money import muldiv

Watch = Callable[[str, Any], None]  # called with a kind and what there is to see: events as they happen, queues, layers
Before = tuple[int, int]  # signed lots and entry value of a position before


class Step:
    """What one command does: events and transfers in order. Amounts in book units unless said."""

    __slots__ = ("events", "state", "transfers", "uses", "watch")

    def __init__(self, state: State, watch: Watch | None = None) -> None:
        self.state = state
        self.watch = watch
        self.events: list[Event] = []
        self.transfers: list[tuple[int, int, int, str]] = []
        self.uses: list[Use] = []  # what layers that are reinstated paid in this command

    def emit(self, event: Event) -> None:
        """Record an event."""
        self.events.append(event)
        if self.watch is not None:
            self.watch("event", event)

    def note(self, kind: str, seen: Any) -> None:
        """Show a watcher what decides, as it is now. Nothing is recorded."""
        if self.watch is not None:
            self.watch(kind, seen)

    def post(self, source: int, target: int, minor: int, code: str) -> None:
        """One ledger transfer of ``minor`` (> 0) units between ledger accounts.

        Raises:
            InvariantBroken: the ledger refuses; every caller has checked before.
        """
        refusal = self.state.ledger.post_one(source, target, minor, code)
        if refusal is not None:
            raise InvariantBroken(f"the ledger refused a checked transfer: {refusal}")
        self.transfers.append((source, target, minor, code))

    def sync_cash(self, account: int, asset: int) -> None:
        """Write the book's view of one cash balance."""
        state = self.state
        minor = state.ledger.balance(state.cash_id(account, asset))
        state.book.set_cash(account, asset, state.asset(asset).to_book(minor))
        state.touched.add((account, asset))

    def pay(self, source: int, target: int, asset: int, amount: int, code: str) -> None:
        """Move ``amount`` (>= 0) of cash from one account to another."""
        if amount == 0:
            return
        state = self.state
        minor = state.asset(asset).to_minor(amount)
        self.post(state.cash_id(source, asset), state.cash_id(target, asset), minor, code)
        self.sync_cash(source, asset)
        self.sync_cash(target, asset)

    def spend(self, source: int, target: int, asset: int, amount: int, code: str) -> None:
        """Move ``amount`` (>= 0, book units) from an account's cash to a ledger account."""
        if amount:
            self.post(self.state.cash_id(source, asset), target, self.state.asset(asset).to_minor(amount), code)
            self.sync_cash(source, asset)

    def receive(self, source: int, target: int, asset: int, amount: int, code: str) -> None:
        """Move ``amount`` (>= 0, book units) from a ledger account to an account's cash."""
        if amount:
            self.post(source, self.state.cash_id(target, asset), self.state.asset(asset).to_minor(amount), code)
            self.sync_cash(target, asset)

    def charge(self, market: int, amounts: NDArray[np.int64], target: int, code: str) -> None:
        """Take ``amounts`` (>= 0, in the order of ``book.holders``) from the unrealised profit of a market's open
        positions and pay the sum from its clearing account to a ledger account."""
        state = self.state
        state.book.charge_holders(market, amounts)
        total = sum(amounts.tolist())
        if total:
            self.post(state.clearing[market], target, state.asset(state.settle_asset[market]).to_minor(total), code)

    def spend_each(self, accounts: Sequence[int], target: int, asset: int, amounts: Sequence[int], code: str) -> None:
        """``spend`` of many accounts that have a row in the asset, each named once; amounts > 0."""
        state, per_book = self.state, self.state.asset(asset).minor_per_book
        post, balance, after = state.ledger.post_one, state.ledger.balance, []
        for account, amount in zip(accounts, amounts, strict=True):
            source, minor = state.cash_id(account, asset), amount * per_book
            if post(source, target, minor, code) is not None:
                raise InvariantBroken(f"the ledger refused a checked transfer of {minor} from account {source}")
            self.transfers.append((source, target, minor, code))
            after.append(balance(source) // per_book)  # rounded down, as Asset.to_book
        state.book.set_cash_of(np.array(accounts, dtype=np.int64), asset, np.array(after, dtype=np.int64))
        state.touched.update((account, asset) for account in accounts)

    def exchange(
        self, account: int, other: int, market: int, lots: int, value: int, code: str
    ) -> tuple[Before, Before]:
        """``account`` takes ``lots`` (signed) worth ``value`` (signed alike), ``other`` the opposite.

        Reducing ``c`` of ``n`` lots releases ``entry * c / n`` of the entry value (rounding: profile ``release``);
        realised profit is what the closing part was worth less what it released. The rest of the entry stays with
        the rest of the position, so nothing is lost to rounding.

        Returns the positions of both before.
        """
        mine = self._one_side(account, market, lots, value, code)
        return mine, self._one_side(other, market, -lots, -value, code)

    def why_sides(self, own: Before, other: Before, lots: int) -> tuple[Why, Why]:
        """What explains the profit that each side realised: empty where it only added to its position.

        ``own`` is the position before of the event's account, which took ``lots``; ``other`` that of the other side.
        """
        rounding = self.state.policy.margin.profile.release
        return side("own", *own, lots, rounding), side("other", *other, -lots, rounding)

    def _one_side(self, account: int, market: int, lots: int, value: int, code: str) -> Before:
        """Post one side; the position before."""
        state = self.state
        held, entry = state.book.position(account, market)
        asset = state.settle_asset[market]
        if held == 0 or (held > 0) == (lots > 0):
            state.book.set_position(account, market, held + lots, entry + value)
            return held, entry
        rounding = state.policy.margin.profile.release
        if abs(lots) < abs(held):
            released, closing = muldiv(entry, abs(lots), abs(held), rounding), value
        elif lots == -held:
            released, closing = entry, value
        else:  # through zero: the part beyond zero opens a new position at the same price
            released, closing = entry, muldiv(value, abs(held), abs(lots), rounding)
        realised = -(released + closing)
        state.book.set_position(account, market, held + lots, entry - released + (value - closing))
        if realised:
            minor = state.asset(asset).to_minor(abs(realised))
            clearing, cash = state.clearing[market], state.cash_id(account, asset)
            if realised > 0:
                self.post(clearing, cash, minor, code)
            else:
                self.post(cash, clearing, minor, code)
            self.sync_cash(account, asset)
        return held, entry

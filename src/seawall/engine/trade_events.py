"""Events of what members do themselves and of what happens to whole markets: trades, money in and out, funding, settlement."""

from __future__ import annotations

from typing import NamedTuple

from seawall.engine.why import Why


class FundingPaid(NamedTuple):
    """Funding: every long lot pays ``per_lot`` book units to the shorts (negative: the reverse)."""

    market: str
    per_lot: int
    why: Why


class Traded(NamedTuple):
    """Two accounts traded."""

    buyer: str
    seller: str
    market: str
    asset: str
    lots: int
    value: int
    why: Why


class Moved(NamedTuple):
    """Deposit, withdrawal, or return of what is left of an isolated position to its account.

    Only the return is by a rule and has a ``why``; the others are what the command asked.
    """

    account: str
    asset: str
    amount_minor: int
    code: str
    why: Why | None = None


class Converted(NamedTuple):
    """Collateral sold against the outside at the index price to cover a negative balance of the same account."""

    account: str
    sold: str
    sold_amount: int
    bought: str
    bought_amount: int
    against: str
    why: Why


class PositionSettled(NamedTuple):
    """A position of an expired market closed at the settlement price: ``lots`` are what closes it."""

    account: str
    counterparty: str
    market: str
    asset: str
    lots: int
    value: int
    why: Why


class Settled(NamedTuple):
    """A market expired and all its positions were closed."""

    market: str
    price: int
    positions: int

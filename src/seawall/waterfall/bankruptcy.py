"""A bankrupt perpetual position: settle what the account can pay, then a liquidator takes the rest for insurance."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from seawall.errors import InputError

ZERO = Fraction(0)


@dataclass(frozen=True, slots=True)
class TokenHealth:
    """Health of an account as a function of one token's balance: assets weigh less than liabilities.

    Attributes:
        asset: value of one token held, weighted down.
        liability: value of one token owed, weighted up.
        other: everything else, valued.
    """

    asset: Fraction
    liability: Fraction
    other: Fraction

    def of(self, balance: Fraction) -> Fraction:
        """Health with that balance."""
        return balance * (self.asset if balance > 0 else self.liability) + self.other

    def takeable(self, balance: Fraction) -> Fraction:
        """Tokens that can leave before health is zero."""
        health = self.of(balance)
        if health <= 0:
            return ZERO
        if balance <= 0:
            return health / self.liability  # exact: Fraction
        held = balance * self.asset
        if health <= held:
            return health / self.asset  # exact: Fraction
        return balance + (health - held) / self.liability  # exact: Fraction

    def missing(self, balance: Fraction) -> Fraction | None:
        """Tokens that bring health up to zero; None when no number does (tokens held count for nothing)."""
        health = self.of(balance)
        if health >= 0:
            return ZERO
        owed = -balance * self.liability
        if balance < 0 and -health <= owed:
            return -health / self.liability  # exact: Fraction
        if not self.asset:
            return None
        if balance >= 0:
            return -health / self.asset  # exact: Fraction
        return -balance + (-health - owed) / self.asset  # exact: Fraction


@dataclass(frozen=True, slots=True)
class BankruptPosition:
    """What is known: balance and profit in settlement tokens, prices, the vault in whole insurance tokens."""

    health: TokenHealth
    balance: Fraction
    profit: Fraction
    settle_price: Fraction
    insurance_price: Fraction
    vault: Fraction
    settle_limit: Fraction
    fee: Fraction
    open_interest: Fraction


class Resolved(NamedTuple):
    """Settled tokens, profit taken over and the insurance tokens paid for it, and what is socialised."""

    settled: Fraction
    taken_over: Fraction
    insurance_tokens: Fraction
    socialised: Fraction
    per_unit: Fraction
    profit_after: Fraction


def resolve(case: BankruptPosition, accepted: Fraction) -> Resolved:
    """Settle negative profit, then cover what is bankrupt, at most what the liquidator ``accepted``.

    1. Settle ``min(takeable, -profit, settle limit)``, at most ``accepted``.
    2. When all of that was settled and profit is still negative: the part that brings health to zero is bankrupt. The
       liquidator takes it over, paid ``ceil(amount x price x (1 + fee) / insurance price)`` whole insurance tokens, at
       most the vault. Only when the vault is emptied by this is the rest socialised, per unit of open interest: a
       small appetite of the liquidator never causes a social loss while the vault holds something.

    Exact fractions. Source: Mango v4, perp_liq_negative_pnl_or_bankruptcy.

    Raises:
        InputError: profit that is not negative (field ``profit``), or a price that is not positive.
    """
    if case.profit >= 0:
        raise InputError("profit is not negative", field="profit", value=str(case.profit), expected="below zero")
    if case.settle_price <= 0 or case.insurance_price <= 0:
        raise InputError("price is not positive", field="price", value=f"{case.settle_price}, {case.insurance_price}")
    most = max(ZERO, min(case.health.takeable(case.balance), -case.profit, case.settle_limit))
    settled = min(most, accepted)
    left = case.profit + settled
    if settled != most or left >= 0:
        return Resolved(settled, ZERO, ZERO, ZERO, ZERO, left)
    missing = case.health.missing(case.balance + case.profit)
    bankrupt = -left if missing is None else min(-left, missing)
    wanted = min(bankrupt, accepted - settled)
    price = case.settle_price * (1 + case.fee)
    tokens = min(Fraction((wanted * price / case.insurance_price).__ceil__()), case.vault)  # exact: Fraction
    moved = min(tokens * case.insurance_price / price, wanted)  # exact: Fraction
    social = bankrupt - moved if tokens == case.vault else ZERO
    per_unit = social / case.open_interest if case.open_interest else ZERO  # exact: Fraction
    return Resolved(settled, moved, tokens, social, per_unit, left + moved + social)

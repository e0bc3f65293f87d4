"""Shares of the fund: plain arithmetic on immutable values. Who may do what is decided in ``fund.staking``.

A pool is ``vault`` minor units owned by ``total_shares``; stakers own ``user_shares`` of them, the venue (the protocol)
the rest. Every division rounds down, so that what rounding leaves over stays in the vault for those who remain.

Source: drift-labs/protocol-v2 programs/drift/src/{math,controller}/insurance.rs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

from seawall.errors import InputError
from seawall.money import Rounding, muldiv

FLOOR = Rounding.FLOOR


@dataclass(frozen=True, slots=True)
class Pool:
    """The fund as its owners see it. ``base`` counts the powers of ten that shares were divided by so far."""

    vault: int = 0
    total_shares: int = 0
    user_shares: int = 0
    base: int = 0

    @property
    def protocol_shares(self) -> int:
        """Shares of the venue itself."""
        return self.total_shares - self.user_shares

    def worth(self, shares: int) -> int:
        """What ``shares`` are worth now, minor units, rounded down; 0 when nobody owns anything."""
        return muldiv(self.vault, shares, self.total_shares, FLOOR) if self.total_shares else 0


@dataclass(frozen=True, slots=True)
class Stake:
    """What one staker owns, in shares of ``base``, and the request to leave, if any.

    A request freezes ``request_shares``; they will be paid at most ``request_value``. ``cooldown_ns`` is the one that
    held when the request was made: a later change does not reach back.
    """

    shares: int = 0
    base: int = 0
    cost_basis: int = 0
    request_shares: int = 0
    request_value: int = 0
    request_ns: int = 0
    cooldown_ns: int = 0


class Rebase(NamedTuple):
    """Divide every share by ``divisor = 10**exponent``."""

    divisor: int
    exponent: int


def share_rebase(total_shares: int, vault: int) -> Rebase:
    """By how much shares are divided when a loss left the vault far below their number.

    With ``n = total // 10 // vault`` the exponent is one less than the decimal digits of ``n``, 0 below 10: afterwards
    there are still at least ten shares per minor unit, so value per share keeps its precision.

    Raises:
        InputError: nothing in the vault: no number of shares fits it.
    """
    if vault <= 0:
        raise InputError("shares of an empty vault have no value", field="vault", value=vault, expected="more than 0")
    n = total_shares // 10 // vault
    exponent = len(str(n)) - 1 if n >= 10 else 0
    return Rebase(10**exponent, exponent)


def rebase_pool(pool: Pool) -> Pool:
    """Divide shares when the vault is below their number; give a vault that nobody owns to the venue."""
    if 0 < pool.vault < pool.total_shares:
        divisor, exponent = share_rebase(pool.total_shares, pool.vault)
        pool = replace(
            pool,
            total_shares=pool.total_shares // divisor,
            user_shares=pool.user_shares // divisor,
            base=pool.base + exponent,
        )
    if pool.vault > 0 and pool.total_shares == 0:
        pool = replace(pool, total_shares=pool.vault)
    return pool


def rebase_stake(stake: Stake, pool: Pool) -> Stake:
    """Bring a stake to the pool's base. Done when its owner acts, so it costs nothing until then."""
    divisor = 10 ** (pool.base - stake.base)
    return replace(
        stake,
        shares=stake.shares // divisor,
        request_shares=stake.request_shares // divisor,
        base=pool.base,
    )


def current(pool: Pool, stake: Stake) -> tuple[Pool, Stake]:
    """Both after the rebases that every act of a staker starts with."""
    pool = rebase_pool(pool)
    return pool, rebase_stake(stake, pool)


def shares_for(pool: Pool, amount: int) -> int:
    """New shares for ``amount`` put in: one each into an empty vault, else pro rata, rounded down."""
    return amount if pool.vault == 0 else muldiv(amount, pool.total_shares, pool.vault, FLOOR)


def put_in(pool: Pool, stake: Stake, amount: int) -> tuple[Pool, Stake]:
    """Stake ``amount``; both values are ``current``."""
    new = shares_for(pool, amount)
    basis = amount if stake.shares == 0 else stake.cost_basis + amount
    pool = Pool(pool.vault + amount, pool.total_shares + new, pool.user_shares + new, pool.base)
    return pool, replace(stake, shares=stake.shares + new, cost_basis=basis)


def freeze(pool: Pool, stake: Stake, now_ns: int, cooldown_ns: int) -> Stake:
    """Fix what the requested shares are worth now: at most that is paid later. One unit always stays in the vault."""
    value = min(pool.worth(stake.request_shares), max(0, pool.vault - 1))
    return replace(stake, request_value=value, request_ns=now_ns, cooldown_ns=cooldown_ns)


def payable(pool: Pool, stake: Stake) -> int:
    """What the frozen shares get: the lower of their worth now and at the request.

    Who leaves bears losses until paid, and leaves later gains to those who stay.
    """
    return min(pool.worth(stake.request_shares), stake.request_value)


def pay_out(pool: Pool, stake: Stake, paid: int, shares: int) -> tuple[Pool, Stake]:
    """Pay ``paid`` for ``shares`` of the frozen ones; the rest of the request stands."""
    pool = Pool(pool.vault - paid, pool.total_shares - shares, pool.user_shares - shares, pool.base)
    stake = replace(
        stake,
        shares=stake.shares - shares,
        cost_basis=stake.cost_basis - paid,
        request_shares=stake.request_shares - shares,
        request_value=stake.request_value - paid,
    )
    return pool, stake


def shares_lost_on_cancel(pool: Pool, requested_shares: int, requested_value: int) -> int:
    """Shares burnt when a request is taken back: what the frozen shares gained meanwhile goes to those who stayed in.

    Nothing when they did not gain; else so many that the rest are worth the frozen value:
    ``requested - value x (total - requested) // (vault - value)``.
    """
    if pool.worth(requested_shares) <= requested_value:
        return 0
    others = pool.total_shares - requested_shares
    return requested_shares - muldiv(requested_value, others, pool.vault - requested_value, FLOOR)


def take_back(pool: Pool, stake: Stake) -> tuple[Pool, Stake]:
    """Cancel the request; both values are ``current``.

    Where nobody else owns anything there is nobody to leave the gain to: nothing is burnt. (The published formula would
    burn the whole stake.)
    """
    lost = 0
    if stake.request_shares < pool.total_shares:
        lost = shares_lost_on_cancel(pool, stake.request_shares, stake.request_value)
    pool = Pool(pool.vault, pool.total_shares - lost, pool.user_shares - lost, pool.base)
    return pool, replace(
        stake, shares=stake.shares - lost, request_shares=0, request_value=0, request_ns=0, cooldown_ns=0
    )

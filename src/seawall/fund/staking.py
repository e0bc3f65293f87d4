"""The acts of one staker, each as old values in, new values or a refusal out."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum
from typing import NamedTuple

from seawall.fund.shares import Pool, Stake, current, freeze, pay_out, payable, put_in, take_back


class StakeRefused(Enum):
    """Why an act of a staker was refused. Nothing changed."""

    DRAINED = "drained_fund"  # the vault is empty and shares are outstanding: new money would pay old losses
    COOLDOWN = "cooldown"  # the time between request and payment is not over
    NO_REQUEST = "no_request"  # there is no request to pay or to take back


class Act(NamedTuple):
    """Values afterwards; ``paid`` went out to the staker, ``lost`` shares were burnt."""

    pool: Pool
    stake: Stake
    paid: int = 0
    lost: int = 0


def deposit(pool: Pool, stake: Stake, amount: int) -> Act | StakeRefused:
    """Stake ``amount`` (> 0)."""
    if pool.vault == 0 and pool.total_shares != 0:
        return StakeRefused.DRAINED
    return Act(*put_in(*current(pool, stake), amount))


def request(pool: Pool, stake: Stake, shares: int, now_ns: int, cooldown_ns: int) -> Act:
    """Ask for ``shares`` (counted before any rebase that is due) to be paid out after ``cooldown_ns``.

    Replaces an earlier request. That the shares are there to ask for is the caller's to check.
    """
    pool, stake = current(pool, replace(stake, request_shares=shares))
    return Act(pool, freeze(pool, stake, now_ns, cooldown_ns))


def withdraw(pool: Pool, stake: Stake, now_ns: int, room: int | None = None) -> Act | StakeRefused:
    """Pay what was asked for: the lower of the worth now and at the request.

    ``room``: at most so much is paid now; then shares go in proportion, rounded up, and the rest of the request
    stands. The time of payment is kept as the time of the last request.
    """
    if now_ns - stake.request_ns < stake.cooldown_ns:
        return StakeRefused.COOLDOWN
    pool, stake = current(pool, stake)
    if stake.request_shares == 0:
        return StakeRefused.NO_REQUEST
    due = payable(pool, stake)
    if room is not None and room < due:
        part = -(-stake.request_shares * room // due)  # up: toward those who stay
        return Act(*pay_out(pool, stake, room, part), paid=room)
    pool, stake = pay_out(pool, stake, due, stake.request_shares)
    return Act(pool, replace(stake, request_value=0, request_ns=now_ns), paid=due)


def cancel(pool: Pool, stake: Stake) -> Act | StakeRefused:
    """Take a request back and stay. What the frozen shares gained meanwhile is burnt."""
    pool, stake = current(pool, stake)
    if stake.request_shares == 0:
        return StakeRefused.NO_REQUEST
    before = stake.shares
    pool, stake = take_back(pool, stake)
    return Act(pool, stake, lost=before - stake.shares)

"""Events of losses that many share: members of a default fund, open positions, balances, withdrawals; and recoveries."""

from __future__ import annotations

from typing import NamedTuple

from seawall.engine.why import Why


class LayersShared(NamedTuple):
    """Layers of one rank shared what was left of a loss: (layer, amount) each; their draws follow."""

    loss: int
    asset: str
    shares: tuple[tuple[str, int], ...]
    why: Why


class MembersDrawn(NamedTuple):
    """Members of one rank paid ``amount`` out of their contributions: (account, amount) each."""

    loss: int
    layer: str
    asset: str
    amount: int
    parts: tuple[tuple[str, int], ...]
    why: Why


class CallRound(NamedTuple):
    """One round of a cash call: ``left`` shared over the members whose caps have room: (member, share) each."""

    loss: int
    layer: str
    asset: str
    left: int
    shares: tuple[tuple[str, int], ...]
    why: Why


class Called(NamedTuple):
    """A member paid a cash call: from outside to its contribution ``account``, and on to the loss."""

    loss: int
    layer: str
    member: str
    account: str
    asset: str
    amount: int
    why: Why


class OpenInterestCharged(NamedTuple):
    """Every open lot of a market paid the same towards a loss: ``amount`` over ``lots`` lots of ``accounts`` accounts."""

    loss: int
    layer: str
    market: str
    asset: str
    amount: int
    lots: int
    accounts: int
    why: Why


class CashCut(NamedTuple):
    """Every positive balance of an asset was cut towards a loss: (account, amount) each."""

    loss: int
    layer: str
    asset: str
    amount: int
    cuts: tuple[tuple[str, int], ...]
    why: Why


class BorneByWithdrawals(NamedTuple):
    """What was left of a loss is paid off by withdrawals, at a rate below one, until nothing is outstanding."""

    loss: int
    layer: str
    asset: str
    amount: int
    why: Why


class WithdrawalCut(NamedTuple):
    """What a withdrawal paid towards socialised losses: one less ``rate`` (num, den) of it, minor units."""

    account: str
    asset: str
    amount_minor: int
    rate: tuple[int, int]
    why: Why


class ProfitsCut(NamedTuple):
    """The venue stops: profits bear what withdrawals would still have borne, pro rata: (account, minor units) each."""

    asset: str
    amount_minor: int
    cuts: tuple[tuple[str, int], ...]
    why: Why


class Recovered(NamedTuple):
    """What came back for a loss: ``residual`` pays what nobody had paid, then claims by rank (``recovery_shared``),
    and ``excess`` beyond everything paid goes to the account that defaulted, or stays outside when there is none."""

    loss: int
    account: str
    asset: str
    amount: int
    residual: int
    excess: int
    why: Why


class RecoveryShared(NamedTuple):
    """Claims of one rank were paid out of a recovery, pro rata to what each is owed: (holder, amount) each."""

    loss: int
    asset: str
    rank: int
    amount: int
    parts: tuple[tuple[str, int], ...]
    why: Why


class Reinstated(NamedTuple):
    """The owner lifted a house account."""

    account: str
    asset: str
    amount: int

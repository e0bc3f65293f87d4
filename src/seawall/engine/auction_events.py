"""Events of the fund's own auctions: its debt sold for new shares, its surplus sold for shares that are burned."""

from __future__ import annotations

from typing import NamedTuple

from seawall.engine.why import Why


class FundAuctionOpened(NamedTuple):
    """An auction began: of ``amount`` of debt for at most ``shares`` new shares, or of ``amount`` of surplus."""

    auction: int
    sells: str
    asset: str
    amount: int
    shares: int
    until_ns: int
    why: Why


class FundBid(NamedTuple):
    """``account`` leads: it asks for ``shares`` and has paid ``amount`` (debt), or has put ``shares`` in (surplus).

    What ``counterparty`` had put in, who led before ("": nobody), went back to it: ``returned``, money or shares.
    """

    auction: int
    sells: str
    account: str
    counterparty: str
    asset: str
    share_asset: str
    amount: int
    shares: int
    returned: int
    decides_ns: int
    why: Why


class FundAuctionRestarted(NamedTuple):
    """Nobody bid: open again, in a debt auction for more shares."""

    auction: int
    sells: str
    asset: str
    shares: int
    until_ns: int
    why: Why


class FundAuctionClosed(NamedTuple):
    """An auction ended, ``won`` or ``called_off``; ``reason`` says why it was called off.

    Debt won: ``amount`` paid residual losses (``residual_paid`` before this), ``shares`` are new and ``account``'s,
    ``returned`` is what of its money found no debt. Surplus won: ``amount`` went to ``account``, ``shares`` were
    burned. Called off: ``returned`` (money or shares) is the leader's again.
    """

    auction: int
    sells: str
    outcome: str
    reason: str
    account: str
    asset: str
    share_asset: str
    amount: int
    shares: int
    returned: int
    why: Why


class ResidualPaid(NamedTuple):
    """``amount`` of what nobody had paid of a loss of ``account`` was paid out of ``source``: an auction, or the fund."""

    loss: int
    account: str
    asset: str
    source: str
    amount: int
    why: Why

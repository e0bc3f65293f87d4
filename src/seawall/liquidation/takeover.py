"""A network or a vault takes an account over: every position and what margin is left, at once and without a market."""

from __future__ import annotations

from seawall.errors import InputError
from seawall.liquidation.transition import AccountView
from seawall.margin import Holding


def take_over(account: AccountView, taker: AccountView) -> AccountView:
    """The taker afterwards; the account is left empty. A shortfall (negative equity) comes along.

    Positions in one market are added, entry values too, so the taker's profit and loss carries on where the account's
    stopped, and cash less entry values of both together is what it was, exactly. Lots that net to zero are realised.
    How fast it is sold again is ``windows.DisposalRule``; whether the taker may hold it is ``backstop.may_take_over``.

    Source: vegaprotocol/vega (the network takes over closed-out positions); Hyperliquid documentation (backstop takes
    positions and remaining margin).

    Raises:
        InputError: the two hold one market at different marks or funding.
    """
    cash = taker.cash + account.cash
    held = {h.instrument.symbol: h for h in taker.holdings}
    for new in account.holdings:
        symbol = new.instrument.symbol
        old = held.get(symbol)
        if old is None:
            held[symbol] = new
            continue
        if (old.mark, old.carry) != (new.mark, new.carry):
            raise InputError(
                "one market at two marks", where=f"market {symbol}", field="mark, carry", value=(new.mark, new.carry),
                expected=str((old.mark, old.carry)),
            )  # fmt: skip
        lots, entry = old.lots + new.lots, old.entry + new.entry
        if lots:
            held[symbol] = Holding(old.instrument, lots, entry, old.mark, old.carry)
        else:
            cash -= entry
            del held[symbol]
    return AccountView(cash, tuple(held.values()))

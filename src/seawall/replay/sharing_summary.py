"""The part of the result document on losses by cause, on who shared them, and on what came back."""

from __future__ import annotations

from typing import Any

from seawall.engine.auctionbook import BURNED, ISSUED
from seawall.engine.fundshares import shares_of
from seawall.engine.socialise import SOCIALISED
from seawall.money import format_amount
from seawall.replay.tally import Tally


def by_cause(tally: Tally) -> dict[str, dict[str, Any]]:
    """Losses by cause: how many, how much, and how much of it nobody paid."""
    text, payments = tally.valuer.text, tally.payments
    return {
        cause: {
            "losses": payments.count.get(cause, 0),
            "amount": text(payments.losses[cause]),
            "residual": text(payments.unpaid.get(cause, 0)),
        }
        for cause in sorted(payments.losses)
    }


def pending(tally: Tally) -> int:
    """Equity below zero that no loss has been booked for yet: of accounts under liquidation or about to be looked at,
    and of house accounts, which are never liquidated. ``outside`` stands for all the world and is not asked."""
    state = tally.state
    units = {*state.cases, *state.watch}
    for account in state.house_accounts:
        units.update(state.book.unit_ids_of(account))
    found = [state.book.unit_state(unit) for unit in sorted(units) if state.book.account_of(unit) != state.outside]
    return sum(tally.valuer.value(st.asset, -st.equity) for st in found if st.equity < 0)


def shared(tally: Tally) -> dict[str, Any]:
    """What members, open positions, balances and withdrawals paid; recoveries, halts and the end of the venue."""
    text, s = tally.valuer.text, tally.shares
    return {
        "members": {
            "members": len(tally.state.members.accounts),
            "contributions": text(s.contributions),
            "contributors": len(s.contributors),
            "called": text(s.called),
            "callees": len(s.callees),
            **({"in_default": len(s.in_default)} if s.in_default else {}),
        },
        "socialised": {
            "charged": text(s.charged),
            "charged_accounts": len(s.charged_accounts),
            "cash_cut": text(s.cash_cut),
            "cut_accounts": len(s.cut_accounts),
            "on_withdrawals": text(s.borne),
            "paid_off": text(s.paid_off),
            "outstanding": text(_outstanding(tally)),
        },
        "recovered": {
            "amount": text(s.recovered),
            "residual": text(s.recovered_residual),
            "claims": text(s.recovered_claims),
            "excess": text(s.recovered_excess),
            "reinstated": text(s.reinstated),
        },
        "auctions": {
            "held": s.auctions,
            "won": s.auctions_won,
            "notional": text(s.auctioned_notional),
            "paid": text(s.auction_paid),
            **s.bids.summary(text),
        },
        "fund_auctions": {
            **{step: s.fund_auctions.get(step, 0) for step in ("opened", "restarted", "won", "called_off")},
            "residual": text(s.residual_by_auction),
            "netted": text(s.residual_netted),
            "sold": text(s.surplus_sold),
            "shares": _fund_shares(tally),
        },
        "halts": [dict(h) for h in s.halts],
        "wind_down": _wind_down(tally),
    }


def _outstanding(tally: Tally) -> int:
    """What withdrawals still have to bear, at the prices of the end."""
    state, total = tally.state, 0
    for number, asset in enumerate(state.snapshot.assets):
        found = state.ledger.find(f"{SOCIALISED}{asset.name}", asset.name)
        if found is not None:
            total += tally.valuer.value(number, -asset.to_book(state.ledger.balance(found)))
    return total


def _fund_shares(tally: Tally) -> dict[str, dict[str, int]]:
    """Shares of the fund by asset, where there were any: made so far, and burned again."""
    found = {}
    for asset in tally.state.snapshot.assets:
        issued = -shares_of(tally.state, ISSUED, asset.name)
        if issued:
            found[asset.name] = {"issued": issued, "burned": shares_of(tally.state, BURNED, asset.name)}
    return found


def _wind_down(tally: Tally) -> dict[str, Any] | None:
    s, text = tally.shares, tally.valuer.text
    if s.wound_down is None:
        return None
    return {
        "basis": s.wound_down.basis,
        "prices": {m: _price(tally, m, price) for m, price in s.wound_down.prices},
        "distributed": {rank: text(s.distributed.get(rank, 0)) for rank in s.wound_down.classes},
        "written_off": text(s.written_off),
        "restored": text(s.restored),
        "rejected": dict(sorted(s.rejected.items())),
    }


def _price(tally: Tally, symbol: str, mark: int) -> str:
    """A mark as decimal text."""
    state = tally.state
    return format_amount(mark, state.instrument(state.market_index[symbol]).mark_scale)

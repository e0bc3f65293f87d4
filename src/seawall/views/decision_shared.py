"""In plain words: who shared a loss, what came back, what stood still, how the venue ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from seawall.engine.memberbook import CONTRIBUTION
from seawall.replay.incident_words import RULINGS
from seawall.views.decision_auctions import AUCTIONS
from seawall.views.decision_members import MEMBERS
from seawall.views.decision_terms import Terms, clock, halt_reason, loss_of, whose

Event = Mapping[str, Any]


def _mine(pairs: Sequence[Sequence[Any]], me: str | None) -> int:
    return sum(int(amount) for name, amount in pairs if name == me)


def _minor(t: Terms, asset: str, units: int) -> str:
    """Ledger minor units for reading."""
    return t.money(asset, t.assets[asset].to_book(units))


def _of_me(t: Terms, asset: str, amount: int, me: str | None) -> str:
    return f"; of {me} {t.money(asset, amount)}" if amount else ""


def _layers_shared(e: Event, t: Terms, me: str | None) -> str:
    told = ", ".join(f"{name!r} {t.money(e['asset'], amount)}" for name, amount in e["shares"])
    return f"layers of one rank shared loss {e['loss']} pro rata to what each could pay: {told}"


TIERS = {
    "no_bid": "invited to the auction of that portfolio, no valid bid: used first",
    "poor": "a poor bid for that portfolio: used before those who bid better",
    "competitive": "a good bid for that portfolio, or not invited: used late",
    "winner": "took that portfolio: used last",
}


def tier_of(e: Event) -> str:
    """The tier of the auction in which members stood that paid, "" where none decided."""
    return str(dict(e["why"][0][1]).get("tier", "")) if e["kind"] == "members_drawn" else ""


def _members(e: Event, t: Terms, me: str | None) -> str:
    n = len(e["parts"])
    many = f"{n} contribution{'' if n == 1 else 's'}"
    tier = tier_of(e)
    whole = f"layer {e['layer']!r} paid {t.money(e['asset'], e['amount'])} of loss {e['loss']} out of {many}, pro rata"
    if tier:
        whole += f", of members in tier {tier.replace('_', ' ')!r} ({TIERS[tier]})"
    return whole + _of_me(t, e["asset"], _mine(e["parts"], me), me)


def _round(e: Event, t: Terms, me: str | None) -> str:
    n = len(e["shares"])
    return (
        f"{n} member{'' if n == 1 else 's'} with room under their caps were asked for {t.money(e['asset'], e['left'])} of "
        f"loss {e['loss']} (layer {e['layer']!r}), pro rata to contribution"
    )


def _called(e: Event, t: Terms, me: str | None) -> str:
    return f"{e['member']} paid a cash call of {t.money(e['asset'], e['amount'])} for loss {e['loss']} (layer {e['layer']!r})"


def _charged(e: Event, t: Terms, me: str | None) -> str:
    n = e["accounts"]
    return (
        f"every open lot of {e['market']} was charged the same for loss {e['loss']} (layer {e['layer']!r}): "
        f"{t.money(e['asset'], e['amount'])} over {e['lots']:,} lots of {n:,} account{'' if n == 1 else 's'}"
    )


def _cut(e: Event, t: Terms, me: str | None) -> str:
    n = len(e["cuts"])
    whole = (
        f"{n:,} balance{'' if n == 1 else 's'} in {e['asset']} were cut at one rate for loss {e['loss']} (layer "
        f"{e['layer']!r}): {t.money(e['asset'], e['amount'])} in all"
    )
    return whole + _of_me(t, e["asset"], _mine(e["cuts"], me), me)


def _borne(e: Event, t: Terms, me: str | None) -> str:
    what = "withdrawals of profit" if e["why"][0][0] == "socialise.profit" else "withdrawals"
    return (
        f"{t.money(e['asset'], e['amount'])} of loss {e['loss']} was put on {what} (layer {e['layer']!r}): they are paid "
        "at a rate below one until it is paid off"
    )


def _withdrawal(e: Event, t: Terms, me: str | None) -> str:
    if e["why"][0][0] == "withdrawal.profit":
        return _withdrawal_of_profit(e, t, me)
    num, den = e["rate"]
    return (
        f"{whose(e['account'], me)}a withdrawal was paid at {num / den:.4%}; {_minor(t, e['asset'], e['amount_minor'])} of it "
        "paid off socialised losses"
    )


def _withdrawal_of_profit(e: Event, t: Terms, me: str | None) -> str:
    num, den = e["rate"]
    given = dict(e["why"][0][1])
    senior = min(given["amount"], given["capital"])
    first = f"{_minor(t, e['asset'], senior)} of a withdrawal was capital and was paid in full; " if senior else ""
    return (
        f"{whose(e['account'], me)}{first}{_minor(t, e['asset'], given['amount'] - senior)} was profit and was paid at "
        f"{num / den:.4%}: {_minor(t, e['asset'], e['amount_minor'])} of it paid off socialised losses"
    )


def _profits_cut(e: Event, t: Terms, me: str | None) -> str:
    n, mine = len(e["cuts"]), _mine(e["cuts"], me)
    more = f"; of {me} {_minor(t, e['asset'], mine)}" if mine else ""
    return (
        f"the venue stopped, and {n:,} profit{'' if n == 1 else 's'} in {e['asset']} bore what withdrawals would have borne, "
        f"pro rata: {_minor(t, e['asset'], e['amount_minor'])} in all{more}"
    )


def _recovered(e: Event, t: Terms, me: str | None) -> str:
    asset = e["asset"]
    parts = []
    if e["residual"]:
        parts.append(f"{t.money(asset, e['residual'])} paid what nobody had paid")
    shared = e["amount"] - e["residual"] - e["excess"]
    if shared:
        parts.append(f"{t.money(asset, shared)} went to those who had")
    if e["excess"]:
        parts.append(f"{t.money(asset, e['excess'])} was more than everything paid")
    return f"{t.money(asset, e['amount'])} came back for loss {e['loss']}{loss_of(e['account'])}: {', '.join(parts)}"


def _rank(e: Event, t: Terms, me: str | None) -> str:
    whole = f"claims of rank {e['rank']} on loss {e['loss']} received {t.money(e['asset'], e['amount'])}, pro rata"
    return whole + _of_me(t, e["asset"], _mine(e["parts"], me), me)


def _reinstated(e: Event, t: Terms, me: str | None) -> str:
    return f"{whose(e['account'], me)}the owner put {t.money(e['asset'], e['amount'])} in"


HALTS = {
    "withdrawals": "withdrawals were halted",
    "trading": "trading was halted",
    "deleveraging": "deleveraging was switched on",
}


def _halt(e: Event, t: Terms, me: str | None) -> str:
    what = HALTS.get(e["halt"], f"{e['halt']} was halted")
    return f"{what} ({halt_reason(e['reason'])}) from {clock(e['since_ns'])[11:]}, at the latest until {clock(e['until_ns'])}"


def _halt_over(e: Event, t: Terms, me: str | None) -> str:
    what = "deleveraging was switched off" if e["halt"] == "deleveraging" else f"the halt of {e['halt']} was over"
    return f"{what} ({halt_reason(e['reason'])})" if e["reason"] else what


def _wound_down(e: Event, t: Terms, me: str | None) -> str:
    prices = ", ".join(f"{m} at {t.mark(m, p)}" for m, p in e["prices"]) or "no market had a position"
    order = ", then ".join(c.replace("_", " ") for c in e["classes"])
    return f"the venue was wound down; every market settled by the rule {e['basis'].replace('_', ' ')}: {prices}; paid in this order: {order}"


def _rejected(e: Event, t: Terms, me: str | None) -> str:
    amount = _minor(t, e["asset"], e["amount_minor"])
    ruling = RULINGS.get(e["reason"], e["reason"].replace("_", " ")).removeprefix("rejected: ")
    return f"claim {e['claim']!r} of {e['claimant']} for {amount} was rejected: {ruling}"


def _distributed(e: Event, t: Terms, me: str | None) -> str:
    which = "final" if e["final"] else "interim"
    paid, claims = (_minor(t, e["asset"], e[k]) for k in ("amount", "claims"))
    mine = _mine(e["parts"], me)
    more = f"; of {me} {_minor(t, e['asset'], mine)}" if mine else ""
    return f"{which} distribution to {e['rank'].replace('_', ' ')}: {paid} of claims of {claims}, pro rata{more}"


def _written_off(e: Event, t: Terms, me: str | None) -> str:
    mine = _mine(e["parts"], me)
    more = f"; of {me} {_minor(t, e['asset'], mine)}" if mine else ""
    return f"for {_minor(t, e['asset'], e['amount'])} of balances no money was left; they were written off{more}"


def _restored(e: Event, t: Terms, me: str | None) -> str:
    mine = _mine(e["parts"], me)
    more = f"; of {me} {_minor(t, e['asset'], mine)}" if mine else ""
    paid = _minor(t, e["asset"], e["amount"])
    return f"{paid} that had been written off is owed again to {e['rank'].replace('_', ' ')}, pro rata{more}"


def _sold(e: Event, t: Terms, me: str | None) -> str:
    side = "short" if e["lots"] > 0 else "long"
    what = f"{side} {t.size(e['market'], e['lots'])} of {e['market']}"
    if me == e["counterparty"]:
        return f"{what} of {e['account']} came from the auction, at the mark"
    return f"{whose(e['account'], me)}{what} went to {e['counterparty']} from the auction, at the mark"


def _auction(e: Event, t: Terms, me: str | None) -> str:
    n = len(e["ranking"])
    refused = ", ".join(
        f"{member} {_bid(e, t, bid)} ({reason.replace('_', ' ')})" for member, bid, reason in e["refused"]
    )
    bids = f"{n} valid bid{'' if n == 1 else 's'}{', thin' if e['thin'] else ''}, {len(e['refused'])} refused"
    bids += f": {refused}" if refused else ""
    if e["winner"] is None:
        return f"the auction of {e['account']}'s positions found no bid at the reserve ({bids}){_own_bid(e, t, me)}"
    amount = t.money(e["asset"], abs(e["amount"]))
    paid = f"paid {amount} on top of the mark" if e["amount"] > 0 else f"was paid {amount} to take them at the mark"
    if not e["amount"]:
        paid = "took them at the mark"
    return (
        f"{e['winner']} won the auction of {e['account']}'s positions ({bids}): {e['buyer']} {paid}{_own_bid(e, t, me)}"
    )


def _bid(e: Event, t: Terms, minor: int) -> str:
    """A bid (minor units) as its bidder would say it."""
    if not minor:
        return "bid the mark"
    return f"{'offered' if minor > 0 else 'asked for'} {_minor(t, e['asset'], abs(minor))}"


def _own_bid(e: Event, t: Terms, me: str | None) -> str:
    """What a member bid itself, where the story is its own, and the tier that it brought."""
    member = (me or "").removeprefix(CONTRIBUTION)
    tier = dict(e["tiers"]).get(member)
    if tier is None:
        return ""
    valid = next((_bid(e, t, bid) for name, bid in e["ranking"] if name == member), "")
    late = next((f"{_bid(e, t, b)}, {why.replace('_', ' ')}" for name, b, why in e["refused"] if name == member), "")
    return f"; {member} {valid or late or 'did not bid'}: its tier is {tier.replace('_', ' ')!r}"


def _marks(e: Event, t: Terms, me: str | None) -> str:
    return f"{e['markets']} mark{'' if e['markets'] == 1 else 's'} were set"


def _quarantined(e: Event, t: Terms, me: str | None) -> str:
    return f"the price {e['price']} of {e['source']} was not used: {e['reason'].replace('_', ' ')}"


def _settled(e: Event, t: Terms, me: str | None) -> str:
    n = e["positions"]
    return f"{e['market']} expired at {t.mark(e['market'], e['price'])}: {n} position{'' if n == 1 else 's'} closed"


SHARED: Mapping[str, Callable[[Event, Terms, str | None], str]] = {
    "layers_shared": _layers_shared,
    "members_drawn": _members,
    "call_round": _round,
    "called": _called,
    "open_interest_charged": _charged,
    "cash_cut": _cut,
    "borne_by_withdrawals": _borne,
    "withdrawal_cut": _withdrawal,
    "profits_cut": _profits_cut,
    "recovered": _recovered,
    "recovery_shared": _rank,
    "reinstated": _reinstated,
    "halt_began": _halt,
    "halt_ended": _halt_over,
    "wound_down": _wound_down,
    "claim_rejected": _rejected,
    "distributed": _distributed,
    "written_off": _written_off,
    "restored": _restored,
    "position_sold": _sold,
    "auction_held": _auction,
    "marks_set": _marks,
    "quarantined": _quarantined,
    "settled": _settled,
    **AUCTIONS,
    **MEMBERS,
}

# What could have been done about it, by the one it fell on; said only where that is a fact of the rule.
AVOIDED: Mapping[str, str] = {
    "close_out_held": "nothing by its orders: a window counts those of all accounts in the market; more collateral ends "
    "the liquidation",
    "members_drawn": "nothing by a member alone: contributions of one rank pay pro rata; a larger part is paid by those "
    "who paid in more",
    "called": "nothing by a member alone: a call is pro rata to contribution, within the caps that are known beforehand",
    "call_unpaid": "paying the call",
    "gains_haircut": "nothing by collateral: all gains are cut at one rate, as far as lifetime caps let them; a smaller "
    "gain is cut by less",
    "cash_cut": "nothing by positions: every balance is cut at one rate; a smaller balance is cut by less",
    "borne_by_withdrawals": "more money in the layers before it",
    "withdrawal_cut": "waiting until the socialised losses are paid off: the rate is one again then",
    "fund_bid": "asking for fewer shares, or offering more: the best bid leads, whoever made it",
    "profits_cut": "a smaller profit is cut by less; capital is not cut by it",
    "claim_rejected": "filing what the ledger says, once, in the class of the account and in time",
}

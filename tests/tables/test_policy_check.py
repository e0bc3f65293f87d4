"""What ``seawall policy check`` refuses: key path, reason, nearest valid form. Ids check-*.

Source: issue of default management, "Bad input": an account counted twice, more than 100 %, a missing fund, a cap shared
with itself, layers that are never reached. Each case is one change to a sound policy, so the change is what is refused.
"""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from seawall.errors import PolicyError
from seawall.tables import policy_from_mapping, policy_names, preset_text, read_policy

SOUND = tomllib.loads(
    """
    name = "sound"
    margin = { pool = "asset", rounding = "toward_fund" }
    oracle = { max_age_s = 60, max_deviation = "1/10" }
    marks = { kind = "last" }
    liquidation = { deadline_s = 1, pace = { kind = "at_once" }, limit = { kind = "market" }, fee = { kind = "none" } }
    deleverage = { rank = "pro_rata", price = "bankruptcy" }
    layers = [
        { name = "fund", kind = "account", account = "fund" },
        { name = "second", kind = "account", account = "second" },
        { name = "deleveraging", kind = "deleverage" },
        { name = "gains", kind = "gains_haircut", cap = "1/2" },
    ]
    house = [{ name = "fund", role = "fund", share_of_cash = "1/100" }, { name = "second", role = "fund", opening = "5" }]
    """.replace(",\n    ]", "]")
    .replace("[\n        {", "[{")
    .replace(",\n        {", ", {")
)
MEMBERS = {"fund": "1000", "call_per_default": "1", "call_per_window": "1", "window_s": 60}
BACKSTOP = {"account": "fund", "takes_bankrupt": True, "over_limit": "refuse"}
GATE = {"kind": "withdrawals", "length_s": 1, "longest_s": 2, "rest_s": 1}
OWN = {"name": "own", "kind": "own_contribution"}


def layer(at: int, **keys: Any) -> dict[str, Any]:
    return {"layers": [{**row, **(keys if i == at else {})} for i, row in enumerate(SOUND["layers"])]}


def more(*rows: dict[str, Any], at: int = 4, **keys: Any) -> dict[str, Any]:
    return {"layers": [*SOUND["layers"][:at], *rows, *SOUND["layers"][at:]], **keys}


def periods(*rows: dict[str, Any], **keys: Any) -> dict[str, Any]:
    return layer(0, limit_per_period=list(rows), **keys)


def liquidation(**keys: Any) -> dict[str, Any]:
    return {"liquidation": {**SOUND["liquidation"], **keys}}


BIDS = {"bid_s": 3, "length_s": 10}
DEBT = {"lot": "50", "first_shares": 1000, **BIDS}
SURPLUS = {"account": "fund", "lot": "50", "buffer": "10", **BIDS}


def auctions(debt: dict[str, Any] | None = None, surplus: dict[str, Any] | None = None, **keys: Any) -> dict[str, Any]:
    return {"auctions": {"debt": {**DEBT, **(debt or {})}, "surplus": {**SURPLUS, **(surplus or {})}}, **keys}


def vault(other: str = "", **keys: Any) -> dict[str, Any]:
    """A backstop of its own, and perhaps one more house account."""
    house = [*SOUND["house"], {"name": "vault", "role": "backstop"}]
    house += [{"name": "other", "role": other}] if other else []
    return {"backstop": {**BACKSTOP, "account": "vault", **keys}, "house": house, "tiers": {"big": ["BTC"]}}


def window(**keys: Any) -> dict[str, Any]:
    given = {"fee": "1/1000", "depth": "5", "multiplier": "1", "window_s": 9, **keys}
    return liquidation(window={k: v for k, v in given.items() if v is not None})


POOL = {"name": "pool", "role": "backstop"}
CAP = {"account": "pool", "cap": "0.85", "floor": "0.77"}
AT_MARK = {"rank": "pro_rata", "price": "mark"}


def capped(*, role: str = "backstop", deleverage: Any = AT_MARK, tiers: Any = None, **keys: Any) -> dict[str, Any]:
    rules = {
        "profit_cap": {**CAP, **keys},
        "house": [*SOUND["house"], {**POOL, "role": role}],
        "deleverage": deleverage,
    }
    return rules if tiers is None else {**rules, "tiers": tiers}


SOLD = {"least": "1000", "length_s": 1, "reserve": "1/10", "competitive_within": "1/200"}


def sold(deadline_s: int = 9, kind: str = "members", **keys: Any) -> dict[str, Any]:
    """Portfolios auctioned among members; None leaves a key out."""
    rule = {k: v for k, v in {**SOLD, **keys}.items() if v is not None}
    rows = more({"name": "m", "kind": kind}, members={**MEMBERS, "auction": rule})
    return {**rows, **liquidation(deadline_s=deadline_s)}


# (id, change, key path, part of the reason, part of the nearest valid form)
CASES: list[tuple[str, dict[str, Any], str, str, str]] = [
    ("an auction of a portfolio without a size", sold(least=None), "members.auction.least", "missing", "1000000"),
    ("an auction in no time", sold(length_s=0), "members.auction.length_s", "no time", "seconds such as 30"),
    ("an auction that outlasts orders", sold(3, length_s=3), "members.auction.length_s", "would lapse", "at most 2"),
    ("an auction beside orders of a second", sold(1), "members.auction.length_s", "would lapse", "a longer"),
    ("an auction that invites nobody", sold(invites=0), "members.auction.invites", "bad value", "at least 1"),
    ("an auction that invites some", sold(invites="some"), "members.auction.invites", "unknown name", '"all", or'),
    ("a reserve above the notional", sold(reserve="2"), "members.auction.reserve", "100 %", '"1"'),
    ("an auction at another time", sold(when="last"), "members.auction.when", "unknown name", "first, unfilled"),
    ("an auction without a reserve", sold(reserve=None), "members.auction.reserve", "missing", "fraction"),
    ("tiers that order nobody's money", sold(kind="own_contribution"), "members.auction.when", "orders nothing", "members"),
    ("account in two layers", layer(1, account="fund"), "layers[0].account", "counted twice", "an account of its own"),
    ("account is the backstop", {"backstop": BACKSTOP}, "layers[0].account", "as the backstop too", "of its own"),
    (
        "members twice",
        more({"name": "m", "kind": "members"}, {"name": "n", "kind": "members"}, members=MEMBERS),
        "layers[5].kind",
        "layer 'm' already takes the members' contributions",
        "one layer of kind members",
    ),
    ("contribution as a house account", {"house": [*SOUND["house"], {"name": "contribution:m", "role": "fund"}]},
     "house[2].name", "already pay in the members' layer", '"fund"'),
    ("the same gains twice", more({"name": "all", "kind": "gains_haircut"}, {"name": "again", "kind": "gains_haircut"}), "layers[5].kind", "the same gains", "one"),
    ("own contribution twice", more(OWN, {**OWN, "name": "own again"}, members=MEMBERS), "layers[5].kind", "twice", "one"),
    ("house account named like the outside", {"house": [*SOUND["house"], {"name": "outside", "role": "fund"}]},
     "house[2].name", "reserved", '"fund"'),
    ("cap over 100 %", layer(3, cap="1.01"), "layers[3].cap", "more than 100 %", 'at most "1"'),
    ("share of a peak over 100 %", periods({"share_of_peak": "3/2", "window_s": 5}),
     "layers[0].limit_per_period[0].share_of_peak", "more than 100 %", 'at most "1"'),
    ("pace over 100 %", liquidation(pace={"kind": "share", "share": "2"}), "liquidation.pace.share", "100 %", '"1"'),
    ("fee over 100 %", liquidation(fee={"kind": "clearance", "rate": "2"}), "liquidation.fee.rate", "100 %", '"1"'),
    ("share of cash over 100 %", {"house": [{**SOUND["house"][0], "share_of_cash": "2"}, SOUND["house"][1]]},
     "house[0].share_of_cash", "more than 100 %", 'at most "1"'),
    ("shares of cash together over 100 %",
     {"house": [{**SOUND["house"][0], "share_of_cash": "3/5"}, {"name": "second", "role": "fund", "share_of_cash": "1/2"}]},
     "house[0].share_of_cash", "add up to 110 %", 'here at most "1/2"'),
    ("default fund over 100 % of cash", {"members": {"fund_share_of_cash": "2"}}, "members.fund_share_of_cash", "100 %", '"1"'),
    ("missing fund", layer(1, account="secnd"), "layers[1].account", "no such house account", "'second'"),
    ("missing fund for the fee", liquidation(fee={"kind": "clearance", "rate": "1/9", "account": "fnd"}),
     "liquidation.fee.account", "no house account", "'fund'"),
    ("missing fund for the backstop", {"backstop": {**BACKSTOP, "account": "vault"}}, "backstop.account", "no such", "fund"),
    ("surplus of the backstop to itself", vault(surplus_to="vault"), "backstop.surplus_to", "to itself", "fund"),
    ("surplus to nobody", vault(surplus_to="fnd"), "backstop.surplus_to", "no such house account", "'fund'"),
    ("surplus to another backstop", vault(surplus_to="other", other="backstop"), "backstop.surplus_to", "of role fund", "fund"),
    ("surplus to no name", vault(surplus_to=""), "backstop.surplus_to", "no such house account", "fund"),
    ("surplus above an amount to nobody", vault(surplus_above="5"), "backstop.surplus_above", "names no account", 'surplus_to = "fund"'),
    ("backstop's market limit that never binds", vault(max_notional="500", max_notional_per_market="500"),
     "backstop.max_notional_per_market", "max_notional of 500 always undercuts it", "less than max_notional of 500"),
    ("backstop's tier limit that never binds", vault(max_notional="500", max_notional_per_market={"big": "501", "other": "9"}),
     "backstop.max_notional_per_market.big", "never binds", "or none"),
    ("backstop's market limit of nothing", vault(max_notional_per_market={"big": "0", "other": "0"}),
     "backstop.max_notional_per_market", "takes nobody", "above zero"),
    ("backstop's limit without the other tiers", vault(max_notional_per_market={"big": "9"}),
     "backstop.max_notional_per_market.other", "any other tier", "other ="),
    ("backstop's limit of an unknown tier", vault(max_notional_per_market={"bgi": "9", "other": "9"}),
     "backstop.max_notional_per_market.bgi", "unknown key", "'big'"),
    ("backstop's limit by tiers without tiers", {**vault(max_notional_per_market={"other": "9"}), "tiers": {}},
     "backstop.max_notional_per_market", "no [tiers]", "[tiers]"),
    ("window without a depth", window(depth=None), "liquidation.window.depth", "missing", "by tier"),
    ("window of a market without depth", {**window(depth={"big": "0", "other": "5"}), "tiers": {"big": ["BTC"]}},
     "liquidation.window.depth.big", "nothing could be closed", "above"),
    ("window without a fee", window(fee="0"), "liquidation.window.fee", "nothing could be closed", "more than zero"),
    ("window with an unknown key", window(lots=5), "liquidation.window.lots", "unknown key", "depth"),
    ("members' layer without members", more({"name": "m", "kind": "members"}), "layers[4].kind", "default fund", "[members]"),
    ("members without a layer", {"members": MEMBERS}, "members", "no layer uses", 'kind "members"'),
    ("calls that may call nothing", more({"name": "c", "kind": "assessment"}, members={"fund": "5"}),
     "members.call_per_default", "call nothing", '"1"'),
    ("a clock on a layer that closes positions", layer(2, reinstated_after_s=5), "layers[2].reinstated_after_s", "no money that could be put back", 'kind "account"'),
    ("a clock on the members' layer", more({"name": "m", "kind": "members", "reinstated_after_s": 5}, members=MEMBERS),
     "layers[4].reinstated_after_s", "said once for all", "[members]"),
    ("a clock on the own contribution", more({**OWN, "reinstated_after_s": 5}, members=MEMBERS), "layers[4].reinstated_after_s", "said once", "[members]"),
    ("a clock that runs backwards", layer(0, reinstated_after_s=-1), "layers[0].reinstated_after_s", "bad value", "at least 0"),
    ("a clock with a typo", layer(0, reinstated_afer_s=1), "layers[0].reinstated_afer_s", "unknown key", "'reinstated_after_s'"),
    ("inside the window, but no clock", more(OWN, members={**MEMBERS, "reinstated_inside_window": True}),
     "members.reinstated_inside_window", "reinstated_after_s is missing", "reinstated_after_s = 0"),
    ("inside the window without room", more(OWN, members={"fund": "5", "reinstated_inside_window": True, "reinstated_after_s": 1}),
     "members.reinstated_inside_window", "no room", 'call_per_window = "1"'),
    ("members put back what nobody uses", more({"name": "c", "kind": "assessment"}, members={**MEMBERS, "reinstated_after_s": 1}),
     "members.reinstated_after_s", "no layer uses what members paid in", 'kind "members"'),
    ("an unknown way to fail", more(OWN, members={**MEMBERS, "fails": "used"}), "members.fails", "unknown name", "'used_up'"),
    ("used up by nobody", more({"name": "m", "kind": "members"}, members={**MEMBERS, "fails": "used_up"}),
     "members.fails", "own contribution first", 'kind "own_contribution"'),
    ("a group of one", more(OWN, members={**MEMBERS, "groups": [["a", "b"], ["c"]]}), "members.groups", "a group of one", "two names"),
    ("a member in two groups", more(OWN, members={**MEMBERS, "groups": [["a", "b"], ["b", "c"]]}), "members.groups", "'b' is named twice", "once"),
    ("a member twice in a group", more(OWN, members={**MEMBERS, "groups": [["a", "a"]]}), "members.groups", "'a' is named twice", "once"),
    ("groups that are no lists", more(OWN, members={**MEMBERS, "groups": ["a", "b"]}), "members.groups", "bad value", '[["member 01", "member 02"]]'),
    ("the same window twice", periods({"amount": "5", "window_s": 5}, {"amount": "4", "window_s": 5}),
     "layers[0].limit_per_period[1].amount", "stated twice", "another window_s"),
    ("a longer window undercuts", periods({"amount": "5", "window_s": 5}, {"amount": "5", "window_s": 9}),
     "layers[0].limit_per_period[0].amount", "limit_per_period of 5 (per all, window_s = 9) always undercuts it", "less than"),
    ("all markets undercut one", periods({"amount": "9", "window_s": 5, "per": "market"}, {"amount": "5", "window_s": 5}),
     "layers[0].limit_per_period[0].amount", "always undercuts", "less than limit_per_period of 5"),
    ("shares of one peak", periods({"share_of_peak": "1/2", "window_s": 5, "per": "market"}, {"share_of_peak": "1/4", "window_s": 5}),
     "layers[0].limit_per_period[0].share_of_peak", "25 % of the peak", "less than"),
    ("account undercuts event", layer(0, limit_per_event="5", limit_per_account="5"),
     "layers[0].limit_per_event", "limit_per_account of 5 always undercuts", "less than limit_per_account of 5"),
    ("market undercuts event", layer(0, limit_per_event="6", limit_per_market="5.5"),
     "layers[0].limit_per_event", "limit_per_market of 5.5", "less than"),
    ("a limit of nothing", layer(0, limit_per_event="0"), "layers[0].limit_per_event", "never pays", "above zero"),
    ("a cap of nothing", layer(3, cap="0"), "layers[3].cap", "never pays", '"1/2"'),
    ("a lifetime cap of nothing", layer(3, cap_each="0"), "layers[3].cap_each", "never pays", "above zero"),
    ("a lifetime cap finer than a millionth", layer(3, cap_each="0.0000001"), "layers[3].cap_each", "finer", "six decimals"),
    ("whose lifetime cap, but no cap", layer(3, cap_per="owner"), "layers[3].cap_per", "not how much", "cap_each"),
    ("a lifetime cap of somebody unknown", layer(3, cap_each="5", cap_per="trader"), "layers[3].cap_per", "unknown name", "member"),
    ("a cap per member without members", layer(3, cap_each="5", cap_per="member"), "layers[3].cap_per", "no account has one", "[members]"),
    ("a lifetime cap of an account", layer(0, cap_each="5"), "layers[0].cap_each", "unknown key", ""),
    ("profit of another kind of layer", layer(3, of="profit"), "layers[3].of", "unknown key", ""),
    ("withdrawals of something else", more({"name": "w", "kind": "withdrawal_rate", "of": "gains"}), "layers[4].of", "unknown name", "balance"),
    ("profit and all of the same withdrawals", more({"name": "p", "kind": "withdrawal_rate", "of": "profit"}, {"name": "w", "kind": "withdrawal_rate"}),
     "layers[5].kind", "the same withdrawals", "one layer of kind withdrawal_rate"),
    ("peak of nobody's account", more({"name": "w", "kind": "withdrawal_rate", "limit_per_period": [{"share_of_peak": "1/2", "window_s": 1}]}),
     "layers[4].limit_per_period[0].share_of_peak", "no account pays here", "amount"),
    ("after a layer that takes the rest", more({"name": "w", "kind": "withdrawal_rate"}, at=2),
     "layers[3].name", "'w' always takes the rest", "before 'w'"),
    ("after then", layer(0, then="residual"), "layers[1]", "never reached", "then names it"),
    ("covers no cause", layer(1, causes=[]), "layers[1].causes", "covers no cause", '["default"]'),
    ("fills after deleveraging", more({"name": "f", "kind": "account", "account": "third", "pays": "fills"},
     house=[*SOUND["house"], {"name": "third", "role": "fund"}]), "layers[4].pays", "cannot pay for fills", "before 'deleveraging'"),
    ("fills at the bankruptcy price", {**layer(0, pays="fills"), **liquidation(limit={"kind": "bankruptcy"})},
     "layers[0].pays", "no fill costs more", '"all"'),
    ("fills of accounts that bear them", {**layer(0, pays="fills"), **liquidation(defaults="flat")},
     "layers[0].pays", "bears its fills", '"all"'),
    ("deleveraging of flat accounts", liquidation(defaults="flat"), "layers[2].kind", "no position is left", "gains_haircut"),
    ("deleveraging twice by one rule", more({"name": "again", "kind": "deleverage"}), "layers[4].deleverage", "same rule", "pro_rata"),
    ("house account nobody uses", {"house": [*SOUND["house"], {"name": "third", "role": "fund"}]},
     "house[2].name", "no layer, backstop, fee, profit cap or auction uses", 'account = "third"'),
    ("halt without a criterion", {"halts": [GATE]}, "halts[0].starts", "criterion", "measure"),
    ("criterion that always holds", {"halts": [{**GATE, "starts": [{"measure": "unpaid", "is": "at_least", "threshold": "0"}]}]},
     "halts[0].starts[0].threshold", "always met", 'is = "above"'),
    ("criterion that never holds", {"halts": [{**GATE, "starts": [{"measure": "fund", "is": "below", "threshold": "0"}]}]},
     "halts[0].starts[0].threshold", "never met", 'is = "at_most"'),
    ("switch of nothing",
     {"layers": SOUND["layers"][:2], "halts": [{**GATE, "kind": "deleveraging", "starts": [{"measure": "unpaid", "is": "above", "threshold": "0"}]}]},
     "halts[0].kind", "no layer deleverages", '"deleverage"'),
    ("auctions of nothing", {"auctions": {}}, "auctions.debt", "no auction", "[auctions.debt]"),
    ("surplus without debt", {"auctions": {"surplus": SURPLUS}}, "auctions.surplus", "nobody could ever bid", "[auctions.debt]"),
    ("a lot of nothing", auctions({"lot": "0"}), "auctions.debt.lot", "a lot of nothing", '"50000"'),
    ("surplus in lots of nothing", auctions(surplus={"lot": "0"}), "auctions.surplus.lot", "nothing", "amount"),
    ("a lot finer than money", auctions({"lot": "0.0000001"}), "auctions.debt.lot", "finer", "six decimals"),
    ("no shares", auctions({"first_shares": 0}), "auctions.debt.first_shares", "bad value", "at least 1"),
    ("one share cannot be bid down", auctions({"first_shares": 1}), "auctions.debt.first_shares", "no bid", "at least 2"),
    ("an improvement beyond the offer", auctions({"first_shares": 5, "improvement": "5.5"}),
     "auctions.debt.first_shares", "no bid could ever ask for fewer", "at least 6"),
    ("a worse bid wins", auctions({"improvement": "0.95"}), "auctions.debt.improvement", "a worse bid", '"1.05"'),
    ("a bid without time", auctions({"bid_s": 0}), "auctions.debt.bid_s", "has to stand", "0 < bid_s <= length_s"),
    ("a bid longer than the auction", auctions(surplus={"bid_s": 11}), "auctions.surplus.bid_s", "within", "bid_s <= length_s"),
    ("an offer that shrinks", auctions({"restart": "0.9"}), "auctions.debt.restart", "smaller", '"1.5"'),
    ("surplus of nobody", auctions(surplus={"account": "fnd"}), "auctions.surplus.account", "no such", "'fund'"),
    ("surplus of the backstop", auctions(surplus={"account": "vault"}, backstop={**BACKSTOP, "account": "vault"},
                                         house=[*SOUND["house"], {"name": "vault", "role": "backstop"}]),
     "auctions.surplus.account", "a backstop has no surplus", "fund"),
    ("less on sale than a lot", auctions(surplus={"most_at_once": "49"}), "auctions.surplus.most_at_once", "no auction ever", "at least the lot"),
    ("debt that can never be", auctions(layers=[*SOUND["layers"], {"name": "w", "kind": "withdrawal_rate",
     "causes": ["custody", "default", "exploit", "model", "oracle", "treasury"]}]),
     "auctions.debt", "layer 'w' takes everything", "a limit on 'w'"),
    ("a key of auctions misspelt", auctions({"lots": "5"}), "auctions.debt.lots", "unknown key", "'lot'"),
    ("a table of auctions misspelt", {"auctions": {"debt": DEBT, "surplu": SURPLUS}}, "auctions.surplu", "unknown key", "'surplus'"),
    ("capped profits against a fund", capped(role="fund"), "house[2].role", "a fund may hold none", '"backstop"'),
    ("capped profits at another price", capped(deleverage=SOUND["deleverage"]), "deleverage.price", "at the mark", '"mark"'),
    ("capped profits without an account", capped(account="pol"), "profit_cap.account", "no such house account", "'pool'"),
    ("cap over 100 % of the pool", capped(cap="1.01"), "profit_cap.cap", "more than 100 %", 'at most "1"'),
    ("cap of the whole pool", capped(cap="1"), "profit_cap.cap", "whole pool", 'less than "1"'),
    ("floor above the cap", capped(floor="0.9"), "profit_cap.floor", "above the cap", "at most the cap"),
    ("floor without a cap", {"profit_cap": {"account": "fund", "floor": "0.5"}}, "profit_cap.cap", "missing", "fraction"),
    ("cap of a tier without a floor", capped(cap={"a": "0.9", "other": "0.5"}, floor={"a": "0.8"}, tiers={"a": ["BTC"]}),
     "profit_cap.floor", "nothing of tier other", "a floor for a, other"),
    ("a pool that passes its money on before profits are due",
     {**capped(), "backstop": {"account": "pool", "takes_below": "2/3", "surplus_to": "fund"}},
     "backstop.surplus_to", "pays capped profits", "another account for the profit cap"),
    ("cap of a tier that is not there", capped(cap={"b": "0.9"}, tiers={"a": ["BTC"]}), "profit_cap.cap.b", "unknown key", "one of a, other"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "field", "reason", "form"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_check_refuses(change, field, reason, form):
    with pytest.raises(PolicyError) as caught:
        policy_from_mapping({**SOUND, **change}, "mine.toml")
    error = caught.value
    assert error.field == field, error
    assert reason in error.problem, error
    assert form in error.expected, error
    assert "mine.toml" in str(error)


FINE = [
    ("as it is", {}),
    ("shorter windows allow less", periods({"amount": "5", "window_s": 5}, {"amount": "9", "window_s": 9})),
    ("event within account within market", layer(0, limit_per_event="4", limit_per_account="5", limit_per_market="9")),
    ("a share and an amount are not compared", periods({"share_of_peak": "1/2", "window_s": 5}, limit_per_event="5")),
    ("other gains may be cut too", more({"name": "day", "kind": "gains_haircut", "base": "period", "period_s": 86400})),
    ("the other half of the gains", more({"name": "rest", "kind": "gains_haircut"})),
    ("what lifetime caps leave of the gains", more({"name": "rest", "kind": "gains_haircut"}, layers=[
        *SOUND["layers"][:3], {**SOUND["layers"][3], "cap": "1", "cap_each": "5"}, {"name": "rest", "kind": "gains_haircut"}])),
    ("a lifetime cap per member", {**layer(3, cap_each="5", cap_per="member"), "members": MEMBERS, "layers": [
        *SOUND["layers"][:3], {**SOUND["layers"][3], "cap_each": "5", "cap_per": "member"}, {"name": "m", "kind": "members"}]}),
    ("balances after all profit", more({"name": "w", "kind": "withdrawal_rate", "of": "profit"}, {"name": "c", "kind": "cash_haircut"})),
    ("a tear-up after deleveraging", more({"name": "tear-up", "kind": "deleverage", "deleverage": {"rank": "pro_rata", "price": "mark"}})),
    ("the backstop's limits by market below the one over all", vault(max_notional="500", max_notional_per_market={"big": "499", "other": "0"})),
    ("a fund that only the surplus goes to", {**vault(surplus_to="purse"), "house": [
        *SOUND["house"], {"name": "vault", "role": "backstop"}, {"name": "purse", "role": "fund"}]}),
    ("a window", window()),
    ("a cause that the taker of the rest leaves", more({"name": "w", "kind": "withdrawal_rate"}, at=1, layers=[
        SOUND["layers"][0], {"name": "w", "kind": "withdrawal_rate"}, {**SOUND["layers"][1], "causes": ["exploit"]}])),
    ("fee to the backstop", {**liquidation(fee={"kind": "clearance", "rate": "1/9", "account": "vault"}), "backstop": {**BACKSTOP, "account": "vault"},
     "house": [*SOUND["house"], {"name": "vault", "role": "backstop"}]}),
    ("a default fund that lasts", more(OWN, {"name": "m", "kind": "members"}, members={
        **MEMBERS, "reinstated_after_s": 0, "reinstated_inside_window": True, "fails": "used_up", "groups": [["a", "b"], ["c", "d"]]})),
    ("auctions of debt and surplus", auctions()),
    ("auctions of debt alone", {"auctions": {"debt": DEBT}}),
    ("surplus of an account that no layer draws on", auctions(
        surplus={"account": "third"}, house=[*SOUND["house"], {"name": "third", "role": "fund"}])),
    ("debt that a limit leaves", auctions(layers=[*SOUND["layers"], {"name": "w", "kind": "withdrawal_rate", "limit_per_event": "5",
     "causes": ["custody", "default", "exploit", "model", "oracle", "treasury"]}])),
    ("profits capped by a pool of its own", capped()),
    ("profits capped in one tier only", capped(cap={"a": "0.9"}, floor={"a": "0.8"}, tiers={"a": ["BTC"]})),
    ("a switch of the profit cap", {**capped(), "layers": SOUND["layers"][:2],
     "halts": [{**GATE, "kind": "deleveraging", "starts": [{"measure": "unpaid", "is": "above", "threshold": "0"}]}]}),
]  # fmt: skip


@pytest.mark.parametrize("change", [c[1] for c in FINE], ids=[c[0] for c in FINE])
def test_check_lets_what_makes_sense_pass(change):
    assert policy_from_mapping({**SOUND, **change}).name == "sound"


@pytest.mark.parametrize("name", policy_names())
def test_check_presets_have_a_whole_header_and_mark_their_assumptions(name):
    policy, text = read_policy(name), preset_text(name)
    assert policy.name == name
    for key in ("represents", "source", "cannot_represent", "known_weaknesses"):
        assert len(getattr(policy, key)) > 30, (name, key)
    for line in text.splitlines():
        if line.startswith("share_of_cash"):
            assert "#" in line, f"{name}: a figure that no venue publishes, unmarked: {line}"


def test_check_a_profit_cap_needs_an_order():
    rules = {k: v for k, v in {**SOUND, **capped()}.items() if k != "deleverage"}
    with pytest.raises(PolicyError, match="nothing says who is closed first") as found:
        policy_from_mapping({**rules, "layers": SOUND["layers"][:2]})
    assert found.value.field == "deleverage"

"""What a result says in plain words: amounts, counts and shares as people read them, and the headline of a run.

Pure functions from the result document, so that terminal, report and notebook say the same sentence.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any, NamedTuple

SIZES = ((Decimal(10**12), "tn"), (Decimal(10**9), "bn"), (Decimal(10**6), "m"), (Decimal(10**3), "k"))
WIDE = Context(prec=60)


def short(amount: str | Decimal) -> str:
    """An amount with three or four digits: 428.3m, 1.53m, 29.80k, 565.30, 0.012, 7, 0. Rounded half to even."""
    number = Decimal(amount)
    for size, mark in SIZES:
        if abs(number) >= size:
            scaled = _rounded(number / size, 2 if abs(number) < 100 * size else 1)
            if abs(scaled) >= 1000 and mark != SIZES[0][1]:
                return short(scaled * size)  # 999.96k is 1.00m
            return f"{scaled:,f}{mark}"
    if number == number.to_integral_value():
        return f"{number:.0f}".replace("-0", "0")
    if abs(number) < Decimal("0.01"):
        return f"{number:.2g}" if abs(number) >= Decimal("0.000001") else f"{number:.1E}"
    return f"{_rounded(number, 2):,f}"


def _rounded(number: Decimal, places: int) -> Decimal:
    return number.quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN, WIDE)


def signed(amount: str | Decimal) -> str:
    """A short amount with its sign: +805k, -1.20m, 0."""
    text = short(amount)
    return text if text == "0" or text.startswith("-") else f"+{text}"


def amount(text: str | Decimal) -> str:
    """An amount in full with thousands separators and two decimals, rounded half to even."""
    return f"{_rounded(Decimal(text), 2):,f}"


def count(number: int) -> str:
    """A whole number with thousands separators."""
    return f"{number:,}"


def percent(ratio: str | Decimal | None) -> str:
    """A ratio as a percentage with one decimal; "-" for None."""
    if ratio is None:
        return "-"
    return f"{_rounded(Decimal(ratio) * 100, 1)} %"


def some(number: int, one: str, many: str | None = None) -> str:
    """A count with its noun: 1 winner, 558 winners, no winner."""
    return f"no {one}" if number == 0 else f"{count(number)} {one if number == 1 else many or one + 's'}"


class Part(NamedTuple):
    """A piece of a sentence. ``path`` names what the piece shows of the document, if it shows something: a count, an
    amount (without its sign) or a name."""

    text: str
    path: str | None = None


def headline_parts(s: dict[str, Any]) -> list[Part]:
    """The headline of a run in pieces: what happened to whom, who paid, and what was left."""
    unit = s["unit"]
    clauses = [
        *(_interrupted(s), _fallen(s), _losses(s)),
        *_declared(s),
        *_house(s),
        _winners(s),
        _cut(s),
        *_shared(s),
        [*_left(s), *_auctioned(s)],
        _back(s),
        _ended(s),
    ]
    said = [clause for clause in clauses if clause]
    parts: list[Part] = []
    for number, clause in enumerate(said):
        if number:
            parts.append(Part("; "))
        parts.extend(Part(p.text if p.path else p.text.replace("{unit}", unit), p.path) for p in clause)
    parts.append(Part("."))
    first = parts[0]
    parts[0] = Part(first.text[:1].upper() + first.text[1:], first.path)
    return parts


def headline(s: dict[str, Any]) -> str:
    """The headline of a run: one sentence."""
    return "".join(part.text for part in headline_parts(s))


def _interrupted(s: dict[str, Any]) -> list[Part]:
    if not s["interrupted"]:
        return []
    return [Part("interrupted after "), Part(count(s["steps"]), "steps"), Part(" steps")]


def _fallen(s: dict[str, Any]) -> list[Part]:
    fell = s["liquidated"]["accounts"]
    number = Part(count(fell), "liquidated.accounts")
    verb = " account was liquidated" if s["accounts"] == 1 else f" accounts {'was' if fell == 1 else 'were'} liquidated"
    return [number, Part(" of "), Part(count(s["accounts"]), "accounts"), Part(verb)]


def _losses(s: dict[str, Any]) -> list[Part]:
    if not Decimal(s["bad_debt"]):
        return [Part("nobody lost more than their margin")] if s["liquidated"]["accounts"] else []
    return [Part("losses beyond margin came to "), Part(short(s["bad_debt"]), "bad_debt"), Part(" {unit}")]


def _house(s: dict[str, Any]) -> list[list[Part]]:
    clauses = []
    for number, row in enumerate(s["layers"]):
        key = "result" if "result" in row else "net"  # what a wind-down pays out is no loss; a run of old has only net
        net = Decimal(row[key])
        if net:
            verb = "gained" if net > 0 else "lost"
            amount_part = Part(short(abs(net)), f"layers.{number}.{key}")
            name = Part(row["name"], f"layers.{number}.name")
            clause = [Part("the "), name, Part(f" {verb} "), amount_part, Part(" {unit}")]
            after = Decimal(row["after"])
            if after < 0:
                below = Part(short(abs(after)), f"layers.{number}.after")
                clause += [Part(" and ended "), below, Part(" {unit} below zero")]
            clauses.append(clause)
        elif Decimal(row["after"]) < 0:
            below = Part(short(abs(Decimal(row["after"]))), f"layers.{number}.after")
            clauses.append(
                [
                    Part("the "),
                    Part(row["name"], f"layers.{number}.name"),
                    Part(" stayed "),
                    below,
                    Part(" {unit} below zero"),
                ]
            )
    return clauses


def _declared(s: dict[str, Any]) -> list[list[Part]]:
    """Losses that are no default, by cause."""
    return [
        [
            Part("losses by "),
            Part(cause),
            Part(" came to "),
            Part(short(found["amount"]), f"losses.by_cause.{cause}.amount"),
            Part(" {unit}"),
        ]
        for cause, found in s["losses"]["by_cause"].items()
        if cause != "default" and Decimal(found["amount"])
    ]


def _shared(s: dict[str, Any]) -> list[list[Part]]:
    """What was asked of those who had no part in the losses."""
    members, social = s["members"], s["socialised"]
    clauses = []
    if Decimal(members["called"]):
        called = Part(short(members["called"]), "members.called")
        one = " member was called for " if members["callees"] == 1 else " members were called for "
        clauses.append([Part(count(members["callees"]), "members.callees"), Part(one), called, Part(" {unit}")])
    for key, many, one_did, many_did in (
        (
            "charged",
            "charged_accounts",
            " account with open positions was charged ",
            " accounts with open positions were charged ",
        ),
        ("cash_cut", "cut_accounts", " balance was cut by ", " balances were cut by "),
    ):
        if Decimal(social[key]):
            number = social[many]
            verb = one_did if number == 1 else many_did
            amount_part = Part(short(social[key]), f"socialised.{key}")
            clauses.append([Part(count(number), f"socialised.{many}"), Part(verb), amount_part, Part(" {unit}")])
    if Decimal(social["on_withdrawals"]):
        clauses.append(
            [Part(short(social["on_withdrawals"]), "socialised.on_withdrawals"), Part(" {unit} was put on withdrawals")]
        )
    return clauses


def _back(s: dict[str, Any]) -> list[Part]:
    if not Decimal(s["recovered"]["amount"]):
        return []
    return [Part(short(s["recovered"]["amount"]), "recovered.amount"), Part(" {unit} came back later")]


def _auctioned(s: dict[str, Any]) -> list[Part]:
    """What of the residual the fund and its auctions paid afterwards."""
    sales = s.get("fund_auctions") or {}
    paid = [
        [Part(who), Part(short(sales[key]), f"fund_auctions.{key}"), Part(" {unit}")]
        for key, who in (("residual", "auctions for its shares paid "), ("netted", "the fund paid "))
        if Decimal(sales.get(key, "0"))
    ]
    return (
        [Part(", of which "), *paid[0], *(p for more in paid[1:] for p in (Part(" and "), *more)), Part(" later")]
        if paid
        else []
    )


def _ended(s: dict[str, Any]) -> list[Part]:
    end = s.get("wind_down")
    if end is None:
        return []
    parts = [Part("the venue was wound down")]
    if Decimal(end["written_off"]):
        parts += [Part(", and balances of "), Part(short(end["written_off"]), "wind_down.written_off")]
        parts += [Part(" {unit} were written off")]
    return parts


def _winners(s: dict[str, Any]) -> list[Part]:
    d = s["deleveraged"]
    if not d["accounts"]:
        return [Part("nobody was deleveraged")] if s["liquidated"]["accounts"] else []
    parts = [
        Part(count(d["accounts"]), "deleveraged.accounts"),
        Part(" winner was deleveraged" if d["accounts"] == 1 else " winners were deleveraged"),
    ]
    collected = Decimal(d["collected"])
    if collected:
        verb = "gave up" if collected > 0 else "gained"
        parts += [Part(f" and {verb} "), Part(short(abs(collected)), "deleveraged.collected"), Part(" {unit}")]
    return parts


def _cut(s: dict[str, Any]) -> list[Part]:
    if not Decimal(s["haircut"]["amount"]):
        return []
    return [Part("gains were cut by "), Part(short(s["haircut"]["amount"]), "haircut.amount"), Part(" {unit}")]


def _left(s: dict[str, Any]) -> list[Part]:
    open_still = [Part(short(s["pending"]), "pending"), Part(" {unit} is not settled yet")]
    if Decimal(s["residual"]):
        left = [Part(short(s["residual"]), "residual"), Part(" {unit} was left unpaid")]
        return [*left, Part(" and "), *open_still] if Decimal(s["pending"]) else left
    if Decimal(s["pending"]):
        return open_still
    return [Part("nothing was left unpaid")] if s["liquidated"]["accounts"] else []


OUTCOMES = {
    "restored": "was whole again",
    "closed": "was closed out in the market",
    "auctioned": "was sold by auction among the members",
    "taken_over": "was taken over by the backstop",
    "deleveraged": "was closed against winners",
    "still_open": "was still under liquidation at the end",
    "winner_deleveraged": "was later deleveraged as a winner",
    "winner_haircut": "later had its gains cut",
    "contribution_used": "was never under liquidation: its contribution paid for others",
    "called": "was never under liquidation: it was called to pay for others",
    "charged": "was never under liquidation: its open position was charged",
    "cash_cut": "was never under liquidation: its balance was cut",
    "withdrawal_cut": "was never under liquidation: its withdrawal was cut",
    "recovered": "was never under liquidation: it received a recovery",
}


def outcome(name: str) -> str:
    """What became of an account, as it goes on after "it": ``was taken over by the backstop``."""
    return OUTCOMES.get(name, name.replace("_", " "))

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
    clauses = [_interrupted(s), _fallen(s), _losses(s), *_house(s), _winners(s), _cut(s), _left(s)]
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
        net = Decimal(row["net"])
        if net:
            verb = "gained" if net > 0 else "lost"
            amount_part = Part(short(abs(net)), f"layers.{number}.net")
            name = Part(row["name"], f"layers.{number}.name")
            clauses.append([Part("the "), name, Part(f" {verb} "), amount_part, Part(" {unit}")])
    return clauses


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
    if Decimal(s["residual"]):
        return [Part(short(s["residual"]), "residual"), Part(" {unit} was left unpaid")]
    if Decimal(s["pending"]):
        return [Part(short(s["pending"]), "pending"), Part(" {unit} is not settled yet")]
    return [Part("nothing was left unpaid")] if s["liquidated"]["accounts"] else []


OUTCOMES = {
    "restored": "was whole again",
    "closed": "was closed out in the market",
    "taken_over": "was taken over by the backstop",
    "deleveraged": "was closed against winners",
    "still_open": "was still under liquidation at the end",
    "winner_deleveraged": "was later deleveraged as a winner",
    "winner_haircut": "later had its gains cut",
}


def outcome(name: str) -> str:
    """What became of an account, as it goes on after "it": ``was taken over by the backstop``."""
    return OUTCOMES.get(name, name.replace("_", " "))

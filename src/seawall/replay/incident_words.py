"""What became of incidents, in plain words, from the rows of a result: the same in the terminal and on a page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from seawall.replay.words import short, some

Row = Mapping[str, Any]
# Why the engine refuses, as far as incidents meet it; any other code is told with blanks for underlines.
REFUSALS = {
    "no_wind_down": "the policy has no rule for the end of the venue",
    "not_winding_down": "the venue is not wound down",
    "wound_down": "the venue is wound down",
    "halted": "a halt of the policy was on",
    "under_liquidation": "the account was under liquidation",
    "insufficient_margin": "the rest would not meet the initial requirement",
    "insufficient_balance": "more than the balance",
    "loss_declared": "that incident was booked before",
    "unknown_asset": "the venue has no such asset",
    "unknown_member": "the venue has no such member",
    "stopped_paying": "the member had stopped before, or is in default",
    "unknown_account": "the venue has no such account",
    "bad_mark": "no price yet",
    "overflow": "more than the book can hold",
}
RULINGS = {
    "stands": "the claim stands",
    "not_ruled_on": "not ruled on: nothing was distributed after it",
    "not_positive": "rejected: the amount is not positive",
    "no_such_class": "rejected: the policy has no such class",
    "late": "rejected: filed too late",
    "unknown": "rejected: the ledger owes the claimant nothing",
    "not_of_this_class": "rejected: the ledger owes it nothing in this class",
    "beyond_ledger": "rejected: more than the ledger shows",
    "duplicate": "rejected: its balance stands as a claim already",
}
NOTHING = {
    "loss": "nothing there to lose",
    "recovery": "nothing of it was still to come back",
    "reinstatement": "no such house account, or nothing missing",
    "run": "nobody could withdraw anything",
    "distribution": "everything was paid out before",
    "stop_paying": "the policy has no clearing members",
}
MANY = 4


def refusal(code: str) -> str:
    """Why a command was refused."""
    return REFUSALS.get(code, code.replace("_", " "))


def asked(row: Row) -> str:
    """What was to happen, in a few words without amounts."""
    a = row["asked"]
    kind = row["kind"]
    if kind == "loss":
        return f"{a['cause']} loss ({a['reference']})"
    if kind == "recovery":
        return f"recovery of {a.get('reference', 'defaults')}"
    if kind == "reinstatement":
        return f"owner lifts {a.get('account') or 'every ' + a.get('role', '')}"
    if kind == "run":
        return f"run on the venue, seed {a.get('seed', 0)}"
    if kind == "stop_paying":
        who = a.get("member") or ("the largest member" if a["largest"] == 1 else f"the {a['largest']} largest members")
        return f"{who} stop{'' if a.get('largest', 1) > 1 else 's'} paying"
    if kind == "claim":
        return f"claim {a['claim']} ({a['rank'].replace('_', ' ')})"
    if kind == "distribution":
        return f"{'final' if a.get('final') else 'interim'} distribution"
    return str(kind).replace("_", "-")  # wind-down


def became(row: Row, unit: str) -> str:
    """What came of it, in one line."""
    status = row["status"]
    if status == "not_reached":
        return "not reached: the run was interrupted"
    if status == "nothing_to_do":
        return NOTHING.get(row["kind"], "nothing to do")
    if status == "refused":
        return f"refused: {reasons(row)}"
    told = "; ".join(_DONE[row["kind"]](row, unit))
    if status == "in_part" and row["kind"] != "run":
        told += f"; {some(row['refused'], 'command')} of {row['commands']:,} refused: {reasons(row)}"
    return told


def line(row: Row, unit: str) -> str:
    """What happened and what came of it; with the event to explain, where there is one."""
    where = "" if row["event"] is None else f" (event {row['event']})"
    return f"{asked(row)}: {became(row, unit)}{where}"


def reasons(row: Row) -> str:
    """Every reason with its count, where there is more than one command."""
    found = row["reasons"]
    if row["commands"] == 1 or len(found) == 1:
        return ", ".join(refusal(code) for code in found)
    return ", ".join(f"{refusal(code)} ({number:,})" for code, number in found.items())


def layers(amounts: Mapping[str, str]) -> str:
    """Names with amounts, the largest first."""
    ordered = sorted(amounts.items(), key=lambda item: (-Decimal(item[1]), item[0]))
    return ", ".join(f"{name.replace('_', ' ')} {short(amount)}" for name, amount in ordered)


def _lost(row: Row, unit: str) -> list[str]:
    paid = layers(row["paid_by"])
    return [
        f"{short(row['lost'])} {unit} lost",
        f"paid by {paid}" if paid else "no layer paid",
        f"unpaid {short(row['unpaid'])}",
    ]


def _back(row: Row, unit: str) -> list[str]:
    out = [f"{short(row['back'])} {unit} came back"]
    if Decimal(row["back_unpaid"]):
        out.append(f"{short(row['back_unpaid'])} paid what nobody had paid")
    if row["back_to"]:
        out.append(f"to those who had: {layers(row['back_to'])}")
    if Decimal(row["back_excess"]):
        out.append(f"{short(row['back_excess'])} more than was paid")
    return out


def _lifted(row: Row, unit: str) -> list[str]:
    return [f"{short(row['reinstated'])} {unit} put in by the owner"]


def _ran(row: Row, unit: str) -> list[str]:
    out = [f"{row['accepted']:,} of {some(row['commands'], 'withdrawal')} paid: {short(row['withdrawn'])} {unit}"]
    out[0] += f" of {short(row['asked_for'])} asked"
    if Decimal(row["cut"]):
        out.append(f"{short(row['cut'])} of it kept back for socialised losses")
    if row["refused"]:
        out.append(f"{row['refused']:,} refused: {reasons(row)}")
    return out


def _stopped(row: Row, unit: str) -> list[str]:
    who = ", ".join(row["members"])
    return [f"{some(row['accepted'], 'member')} will not pay when called, and will put nothing back: {who}"]


def _ended(row: Row, unit: str) -> list[str]:
    return ["every market settled", *(_lost(row, unit) if Decimal(row["lost"]) else [])]


def _claimed(row: Row, unit: str) -> list[str]:
    return [f"{short(row['asked_for'])} {unit} asked", RULINGS.get(row["ruling"] or "", row["ruling"] or "")]


def _paid_out(row: Row, unit: str) -> list[str]:
    paid = layers(row["paid_out"])
    out = [f"paid out in {unit}: {paid}" if paid else "nothing to pay out"]
    if Decimal(row["written_off"]):
        out.append(f"{short(row['written_off'])} written off")
    return out


_DONE = {
    "loss": _lost,
    "recovery": _back,
    "reinstatement": _lifted,
    "run": _ran,
    "stop_paying": _stopped,
    "wind_down": _ended,
    "claim": _claimed,
    "distribution": _paid_out,
}


def by_policy(rows: Iterable[Row], unit: str) -> list[tuple[str, list[tuple[str, str]]]]:
    """Incidents of a comparison: what it was, and (policies, what came of it) for each outcome, policies in their order."""
    grouped: dict[tuple[int, str], dict[str, list[str]]] = {}
    places: dict[tuple[str, Any], int] = {}
    for row in rows:
        cell = (row["policy"], row.get("seed"))
        place = places[cell] = places.get(cell, -1) + 1
        key = (place, f"minute {row['minute']}: {asked(row)}")
        grouped.setdefault(key, {}).setdefault(became(row, unit), []).append(row["policy"])
    return [(what, _named(found)) for (_, what), found in grouped.items()]


def _named(found: Mapping[str, list[str]]) -> list[tuple[str, str]]:
    """Outcomes with their policies; where many share one, that comes last and only says how many others there are."""
    whole = sum(map(len, found.values()))
    if len(found) == 1 and whole > 1:
        return [("both policies" if whole == 2 else f"all {whole} policies", told) for told in found]
    most = max(found, key=lambda told: len(found[told]))
    named = [(", ".join(names), told) for told, names in found.items() if told != most or len(names) <= MANY]
    return named if len(found[most]) <= MANY else [*named, (f"the {len(found[most])} others", most)]


def totals(rows: Sequence[Row]) -> dict[str, Decimal]:
    """What the incidents of one run come to: declared losses, what of them nobody paid, what came back, what left."""
    losses = [r for r in rows if r["kind"] == "loss"]
    return {
        "declared": sum((Decimal(r["lost"]) for r in losses), Decimal(0)),
        "declared_unpaid": sum((Decimal(r["unpaid"]) for r in losses), Decimal(0)),
        "recovered": sum((Decimal(r["back"]) for r in rows), Decimal(0)),
        "withdrawn": sum((Decimal(r["withdrawn"]) for r in rows), Decimal(0)),
        "paid_out": sum((Decimal(v) for r in rows for v in r["paid_out"].values()), Decimal(0)),
    }

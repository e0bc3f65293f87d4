"""A file of daily stress losses over margin, by member and stress."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

from seawall.errors import InputError
from seawall.members import Day, Roster
from seawall.tables.cells import decimal_cell, text_cell
from seawall.tables.frames import Column, load_frame, select

STRESS_COLUMNS = (
    Column("date", "date", True, "day the losses were computed for", "2025-10-10", aliases=("day",)),
    Column("member", "text", True, "clearing member", "m1"),
    Column(
        "stress",
        "text",
        True,
        "name of the stress; one row per date, member and stress",
        "crash",
        aliases=("scenario",),
    ),
    Column(
        "loss_over_margin", "decimal", True, "what the member would owe beyond margin; negative for a gain", "1250000"
    ),
    Column("group", "text", False, "affiliates that fail together", "p group", "the member", aliases=("affiliate",)),
)


@dataclass(frozen=True, slots=True)
class StressHistory:
    """Days in order, with a loss of every member under every stress."""

    days: tuple[Day, ...]
    stresses: tuple[str, ...]
    roster: Roster
    where: str


def read_stress_losses(source: Any) -> StressHistory:
    """Read and check daily stress losses: a CSV or Parquet path, or a frame.

    Raises:
        InputError: naming file, row, field, value and what is expected; also where a member has no row for a stress of
            some day, because a missing loss is not a loss of zero.
    """
    raw, where = load_frame(source, "stress losses")
    frame, _ = select(raw, STRESS_COLUMNS, where)
    found: dict[str, dict[str, dict[str, Fraction]]] = {}
    group_of: dict[str, str] = {}
    for number, row in enumerate(frame.to_dicts(), 1):
        day, member, stress = (
            _date(row, where, number),
            _name(row, "member", where, number),
            _name(row, "stress", where, number),
        )
        group = text_cell(row, "group", member)
        if group_of.setdefault(member, group) != group:
            raise InputError(
                f"{member} was of group {group_of[member]!r} before", where=where, row=number, field="group", value=group,
                expected="one group per member",
            )  # fmt: skip
        losses = found.setdefault(day, {}).setdefault(member, {})
        if stress in losses:
            raise InputError(
                "the same date, member and stress twice", where=where, row=number, field="stress", value=f"{day} {member} {stress}",
                expected="one row each",
            )  # fmt: skip
        losses[stress] = decimal_cell(row, "loss_over_margin", where, number)
    stresses = sorted({stress for rows in found.values() for losses in rows.values() for stress in losses})
    members = sorted(group_of)
    for day in sorted(found):
        for member in members:
            missing = next((s for s in stresses if s not in found[day].get(member, {})), None)
            if missing is not None:
                raise InputError(
                    "no loss of a member under a stress", where=where, field="loss_over_margin",
                    value=f"{day} {member} {missing}", expected="a row for every date, member and stress; 0 where it loses nothing",
                )  # fmt: skip
    days = tuple(Day(d, {m: [found[d][m][s] for s in stresses] for m in members}) for d in sorted(found))
    groups: dict[str, list[str]] = {}
    for member in members:
        if group_of[member] != member:
            groups.setdefault(group_of[member], []).append(member)
    return StressHistory(days, tuple(stresses), Roster.of(members, groups), where)


def _name(row: dict[str, Any], key: str, where: str, number: int) -> str:
    text = text_cell(row, key)
    if not text:
        raise InputError("is missing", where=where, row=number, field=key, value="nothing", expected="a name")
    return text


def _date(row: dict[str, Any], where: str, number: int) -> str:
    text = text_cell(row, "date")
    try:
        return date.fromisoformat(text[:10]).isoformat()
    except ValueError:
        raise InputError(
            "not a date", where=where, row=number, field="date", value=row["date"], expected="2025-10-10"
        ) from None

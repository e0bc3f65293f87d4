"""Incidents as files: the rows of a scenario, or a script of its own by name or file."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from seawall.errors import InputError
from seawall.scenario import Incident, Script, check_incidents, ordered
from seawall.scenario.incidents import (
    CAUSES,
    DEFAULTS,
    KINDS,
    ROLES,
    Claim,
    Distribution,
    Loss,
    Recovery,
    Reinstatement,
    Run,
    StopPaying,
    WindDown,
)
from seawall.tables.keys import Table, nearest
from seawall.tables.shipped import library_names, library_text, named_or_file

LARGEST_AMOUNT = Fraction(10**15)  # more of the quote currency is a typing error


def incident_names() -> list[str]:
    """Names of the scripts in the library, sorted."""
    return library_names("incidents")


def incident_text(name: str) -> str:
    """The TOML of a library script, as shipped."""
    return library_text("incidents", name)


def is_script(source: str) -> bool:
    """Does a name or file mean a script of incidents, not an event? A file does that has incidents and no assets."""
    if source in incident_names():
        return True
    try:
        data = tomllib.loads(Path(source).read_text(encoding="utf-8")) if source.endswith(".toml") else {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return False  # whoever reads it says what is wrong
    return "incidents" in data and "assets" not in data


def load_incidents(source: str | Path) -> Script:
    """A script from the library or a TOML file.

    Raises:
        InputError: unknown name (the nearest is given), or a file that cannot be used (key path given).
    """
    return _parse(*named_or_file(source, "incidents", "script of incidents", "incidents"))


def incidents_of(source: Any) -> tuple[Incident, ...]:
    """Incidents as ``replay`` takes them: a name, a file, a script, or incidents themselves; None: none.

    Raises:
        InputError: anything else, or what cannot be meant.
    """
    if source is None:
        return ()
    if isinstance(source, str | Path):
        return load_incidents(source).incidents
    if isinstance(source, Script):
        return source.incidents
    kinds = tuple(KINDS.values())
    if not isinstance(source, Sequence) or not all(isinstance(i, kinds) for i in source):
        raise InputError(
            "not incidents",
            field="incidents",
            value=type(source).__name__,
            expected="a name, a .toml file, a Script, or a list of incidents",
        )
    check_incidents(source, "incidents")
    return ordered(source)


def _parse(text: str, where: str) -> Script:
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError("not valid TOML", where=where, value=str(error)) from None
    top = Table(data, where)
    script = Script(
        name=top.text("name"),
        title=top.text("title"),
        incidents=read_incidents(top),
        sources=tuple(_source(t) for t in top.rows("sources")),
        notes=top.text("notes", ""),
    )
    if not script.incidents:
        top.fail("incidents", "the file has no incidents", "[[incidents]] with minute and kind")
    top.done()
    return script


def _source(t: Table) -> tuple[str, str]:
    t.has("date")
    found = (t.text("text"), str(t.data.get("date", "")))
    t.done()
    return found


def read_incidents(top: Table, minutes: int | None = None) -> tuple[Incident, ...]:
    """The rows ``[[incidents]]`` of a table, by minute.

    Raises:
        InputError: unknown kind or key, or what ``check_incidents`` refuses; the field is named.
    """
    found = [_incident(row) for row in top.rows("incidents")]
    check_incidents(found, top.where, None if minutes is None else Fraction(minutes))
    return ordered(found)


def _incident(t: Table) -> Incident:
    kind = t.choice("kind", KINDS)
    incident = _READ[kind](t, t.fraction("minute", high=LARGEST_AMOUNT))
    t.done()
    return incident


def _share(t: Table, key: str, default: Fraction | None = None) -> Fraction | None:
    found = t.maybe_fraction(key, high=LARGEST_AMOUNT)
    return default if found is None else found


def _maybe(t: Table, key: str) -> str | None:
    return t.text(key) if t.has(key) else None


def _loss(t: Table, minute: Fraction) -> Loss:
    return Loss(
        minute,
        t.text("reference"),
        t.choice("cause", CAUSES),
        _share(t, "amount"),
        _share(t, "share_of_cash"),
        _maybe(t, "asset"),
        t.text("text", ""),
    )


def _recovery(t: Table, minute: Fraction) -> Recovery:
    of, reference = _maybe(t, "of"), _maybe(t, "reference")
    if of is not None and of != DEFAULTS:
        t.fail("of", "unknown name", nearest(of, [DEFAULTS]))
    if (of is None) == (reference is None):
        t.fail("reference", "say what it comes back for", 'reference = "...", or of = "defaults"')
    return Recovery(minute, reference, _share(t, "share"), _share(t, "amount"), t.text("text", ""))


def _reinstatement(t: Table, minute: Fraction) -> Reinstatement:
    role = t.choice("role", ROLES) if t.has("role") else None
    return Reinstatement(minute, _maybe(t, "account"), role, _share(t, "share"), _share(t, "up_to"), t.text("text", ""))


def _run(t: Table, minute: Fraction) -> Run:
    accounts, share = t.fraction("share_of_accounts", high=LARGEST_AMOUNT), _share(t, "share", Fraction(1))
    return Run(minute, accounts, share or Fraction(0), t.whole("seed", 0), t.text("text", ""))


def _stop_paying(t: Table, minute: Fraction) -> StopPaying:
    largest = t.whole("largest", low=1) if t.has("largest") else None
    return StopPaying(minute, _maybe(t, "member"), largest, t.text("text", ""))


def _wind_down(t: Table, minute: Fraction) -> WindDown:
    return WindDown(minute, t.text("text", ""))


def _claim(t: Table, minute: Fraction) -> Claim:
    return Claim(
        minute,
        t.text("claim"),
        t.text("claimant"),
        t.text("rank"),
        _share(t, "amount"),
        _share(t, "share"),
        _maybe(t, "asset"),
        t.text("text", ""),
    )


def _distribution(t: Table, minute: Fraction) -> Distribution:
    return Distribution(minute, t.flag("final", False), _maybe(t, "asset"), t.text("text", ""))


_READ: dict[str, Callable[[Table, Fraction], Incident]] = {
    "loss": _loss,
    "recovery": _recovery,
    "reinstatement": _reinstatement,
    "run": _run,
    "stop_paying": _stop_paying,
    "wind_down": _wind_down,
    "claim": _claim,
    "distribution": _distribution,
}

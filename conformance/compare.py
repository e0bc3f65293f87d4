"""Reading cases exactly and comparing results as the vectors' README says."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import isfinite
from pathlib import Path
from typing import Any

SCHEMA = "seawall-vectors/1"
Adapter = Callable[[dict[str, Any]], dict[str, Any]]


class RefusedError(Exception):
    """An operation was refused; the message is the case's error code."""


@dataclass(frozen=True, slots=True)
class CaseResult:
    """One case and how it went: passed, failed, unsupported."""

    id: str
    op: str
    status: str
    source: str
    inputs: Any
    expected: Any
    got: Any


def load_file(path: Path) -> list[Any]:
    """Cases of one file, as they stand. Numbers with a point are read as the exact decimal they print (``Fraction``)."""
    data = json.loads(path.read_text(encoding="utf-8"), parse_float=Fraction)
    if data["schema"] != SCHEMA:
        raise ValueError(f"schema is {data['schema']!r}, expected {SCHEMA!r}")
    if not isinstance(data["cases"], list):
        raise ValueError("cases are not a list")
    return data["cases"]


def run_case(case: Any, adapters: Mapping[str, Adapter]) -> CaseResult:
    """Run one case through its adapter. A case that is not whole fails alone; floats count as the decimal they print."""
    if not isinstance(case, dict):
        return _result({}, "failed", f"malformed case: expected a map (got {case!r})")
    try:
        case = exact(case)
        tolerance = case.get("tolerance") or {}
        allowed = (Fraction(tolerance.get("abs", 0)), Fraction(tolerance.get("rel", 0)))
    except (ValueError, TypeError, AttributeError) as error:
        return _result(case, "failed", f"malformed case: {error}")
    problem = _malformed(case, allowed)
    if problem:
        return _result(case, "failed", f"malformed case: {problem}")
    adapter = adapters.get(case["op"])
    if adapter is None:
        return _result(case, "unsupported", None)
    got: Any
    try:
        got = adapter(case["inputs"])
    except RefusedError as refused:
        got = {"error": str(refused)}
    except Exception as error:  # a crash is a failure of that case, not of the run
        return _result(case, "failed", f"{type(error).__name__}: {error}")
    expected = case["expected"]
    ok = all(key in got and same(expected[key], got[key], allowed) for key in expected)
    if "error" not in expected and "error" in got:
        ok = False
    return _result(case, "passed" if ok else "failed", got)


def _malformed(case: dict[str, Any], allowed: tuple[Fraction, Fraction]) -> str:
    """What keeps a case from being run; nothing when it is whole."""
    for key, kind in (("id", str), ("op", str), ("inputs", dict), ("expected", dict)):
        if not isinstance(case.get(key), kind):
            return f"{key!r} is missing or not a {'text' if kind is str else 'map'} (got {case.get(key)!r})"
    if not case["expected"]:
        return "'expected' is empty: nothing to compare"
    return "a tolerance below zero" if min(allowed) < 0 else ""


def exact(value: Any) -> Any:
    """Floats as the decimal they print, in maps and lists too.

    Raises:
        ValueError: a float that is not finite.
    """
    if isinstance(value, float):
        return Fraction(repr(value))
    if isinstance(value, dict):
        return {k: exact(v) for k, v in value.items()}
    if isinstance(value, list):
        return [exact(v) for v in value]
    return value


def same(expected: Any, got: Any, allowed: tuple[Fraction, Fraction]) -> bool:
    """Equal, numbers within ``max(abs, rel x |expected|)``; keys beyond the expected ones are free in maps."""
    if isinstance(expected, bool) or isinstance(got, bool) or expected is None or got is None:
        return expected is got
    if isinstance(expected, int | Fraction) and isinstance(got, int | Fraction):
        return abs(Fraction(got) - Fraction(expected)) <= max(allowed[0], allowed[1] * abs(Fraction(expected)))
    if isinstance(expected, list) and isinstance(got, list | tuple):
        return len(expected) == len(got) and all(same(e, g, allowed) for e, g in zip(expected, got, strict=True))
    if isinstance(expected, dict) and isinstance(got, dict):
        return set(expected) == set(got) and all(same(expected[k], got[k], allowed) for k in expected)
    return type(expected) is type(got) and bool(expected == got)


def _result(case: dict[str, Any], status: str, got: Any) -> CaseResult:
    return CaseResult(
        str(case.get("id", "?")),
        str(case.get("op", "?")),
        status,
        str(case.get("source", "")),
        plain(case.get("inputs")),
        plain(case.get("expected")),
        plain(got),
    )


def plain(value: Any) -> Any:
    """JSON-ready: fractions as numbers for people to read, as text where a float cannot hold them."""
    if isinstance(value, Fraction):
        try:
            return float(value)
        except OverflowError:
            return str(value)
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, float) and not isfinite(value):
        return str(value)
    return value if value is None or isinstance(value, str | int | float) else str(value)

"""How results of this package show and report themselves: filled by whoever can draw, since drawing lives above replay.

``import seawall`` fills it when a result is first asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

PRESENTERS: dict[type, Callable[[Any], str]] = {}
REPORTERS: dict[type, Callable[[Any, Path], Path]] = {}


def present(value: Any) -> str | None:
    """The markup of a value for a notebook, or None: its ``repr`` is shown then."""
    presenter = PRESENTERS.get(type(value))
    return None if presenter is None else presenter(value)


def report(value: Any, path: str | Path) -> Path:
    """Write the report of a value as one HTML file; returns its path.

    Raises:
        LookupError: nothing that can draw was imported.
    """
    reporter = REPORTERS.get(type(value))
    if reporter is None:
        raise LookupError(f"nobody draws a {type(value).__name__}: import seawall.report first")
    return reporter(value, Path(path))

"""How results of this package show and report themselves: filled by whoever can draw, since drawing lives above replay.

Nothing here is imported from above: the package that draws is loaded by name, when a result is first shown.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

PRESENTERS: dict[type, Callable[[Any], str]] = {}
REPORTERS: dict[type, Callable[[Any, Path], Path]] = {}
DRAWS = "seawall.report"  # fills both when it is imported


def present(value: Any) -> str | None:
    """The markup of a value for a notebook, or None: its ``repr`` is shown then."""
    import_module(DRAWS)
    presenter = PRESENTERS.get(type(value))
    return None if presenter is None else presenter(value)


def report(value: Any, path: str | Path) -> Path:
    """Write the report of a value as one HTML file; returns its path.

    Raises:
        LookupError: there is no report of such a value.
    """
    import_module(DRAWS)
    reporter = REPORTERS.get(type(value))
    if reporter is None:
        raise LookupError(f"there is no report of a {type(value).__name__}")
    return reporter(value, Path(path))

"""What a report of one run is made from: its record, and what lies beside it (policy, manifest, sensitivity)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from seawall.engine import Policy
from seawall.errors import InputError
from seawall.journal import Manifest, open_run
from seawall.scenario import Scenario
from seawall.tables import load_scenario, policy_from_canonical, policy_names, read_policy, scenario_names

if TYPE_CHECKING:
    import polars as pl


class Recorded(Protocol):
    """A run to be reported: ``seawall.replay.Record`` is one."""

    @property
    def summary(self) -> dict[str, Any]:
        """The result document."""
        ...

    @property
    def frames(self) -> Mapping[str, pl.DataFrame]:
        """timeline, layers, accounts, markets, deleveragings."""
        ...

    @property
    def path(self) -> Path | None:
        """The run directory, or None."""
        ...


@dataclass(frozen=True, slots=True)
class Material:
    """A record and what was found beside it; each may be missing.

    ``scenario`` is set only when the library has one of the event's name.
    """

    summary: dict[str, Any]
    frames: Mapping[str, pl.DataFrame]
    path: Path | None
    policy: Policy | None
    manifest: Manifest | None
    scenario: Scenario | None
    sensitivity: dict[str, Any] | None

    @property
    def unit(self) -> str:
        """The reporting unit."""
        return str(self.summary["unit"])

    def rows(self, frame: str) -> list[dict[str, Any]]:
        """A frame's rows as plain dicts; amounts are Decimal."""
        return self.frames[frame].to_dicts()

    def amounts(self, frame: str, column: str) -> list[Decimal]:
        """A column of amounts, exact; no value counts as zero."""
        return [Decimal(0) if v is None else Decimal(str(v)) for v in self.frames[frame][column].to_list()]


def gather(record: Recorded) -> Material:
    """A record with its policy, manifest, scenario and sensitivity.

    Without a run directory the policy is taken from the presets when its hash is the run's.

    Raises:
        InputError: the result lacks what reports need.
    """
    summary = record.summary
    lacks = [key for key in ("members", "socialised", "recovered", "halts", "wind_down") if key not in summary]
    if any("net" not in row for row in summary["layers"]) or "paid" not in record.frames["layers"].columns:
        lacks.append("layers")
    if lacks:
        raise InputError(
            "the result was written by an earlier version",
            where=str(record.path),
            field=lacks[0],
            expected="a run of this version: run it again",
        )
    policy, manifest, sensitivity = None, None, None
    if record.path is not None and (record.path / "run.json").is_file():
        directory = open_run(record.path)
        manifest = directory.manifest()
        policy = policy_from_canonical(directory.policy_text())
        sensitivity = _read(record.path / "sensitivity.json")
    elif summary["policy"]["name"] in policy_names():
        preset = read_policy(summary["policy"]["name"])
        policy = preset if preset.hash == summary["policy"]["hash"] else None
    scenario = load_scenario(summary["event"]) if summary["event"] in scenario_names() else None
    return Material(summary, record.frames, record.path, policy, manifest, scenario, sensitivity)


def _read(path: Path) -> dict[str, Any] | None:
    if not path.is_file():
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError("file is not JSON", where=str(path), value=str(error)) from None
    if not isinstance(found, dict):
        raise InputError("file is not a JSON object", where=str(path))
    return found

"""A run directory: everything that a run was made from and everything it did.

::

    run.json         what was run: policy and hash, inputs and their hashes, options, opening marks and state hash
    policy.json      canonical policy (one line; its SHA-256 is the policy hash)
    book/            the opening book
    log.jsonl        commands, events, transfers, hash chain
    ledger.parquet   ledger accounts by number, with opening and closing balance
    *.parquet        timeline, layers, accounts, markets, deleveragings: the frames of the result
    summary.json     the result, as printed by --json
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seawall.errors import InputError
from seawall.journal.log import LOG_NAME
from seawall.journal.snapshots import load_snapshot, save_snapshot
from seawall.margin import BookSnapshot

FORMAT = "seawall-run/2"  # 2: every event that moves money says why, completely


@dataclass(frozen=True, slots=True)
class Manifest:
    """``run.json``. ``inputs`` lists {name, sha256} of every file read; ``options`` what the run was asked."""

    event: str
    policy_name: str
    policy_hash: str
    opening_ns: int
    opening_marks: dict[str, int]
    opening_hash: str
    inputs: list[dict[str, Any]]
    options: dict[str, Any]
    version: str
    opening_indexes: dict[str, list[int]] = field(default_factory=dict)
    format: str = FORMAT


@dataclass(frozen=True, slots=True)
class RunDirectory:
    """Paths of one run."""

    path: Path

    @property
    def log(self) -> Path:
        """The log file."""
        return self.path / LOG_NAME

    def manifest(self) -> Manifest:
        """What was run."""
        data = self._json("run.json")
        if data.get("format") != FORMAT:
            raise InputError(
                "a run directory of another format: run it again with this version, or read it with the one that wrote it",
                where=str(self.path / "run.json"),
                field="format",
                value=data.get("format"),
                expected=FORMAT,
            )
        return Manifest(**data)

    def summary(self) -> dict[str, Any]:
        """The result document."""
        return self._json("summary.json")

    def policy_text(self) -> str:
        """The canonical policy."""
        return self._read("policy.json").rstrip("\n")

    def book(self) -> BookSnapshot:
        """The opening book."""
        return load_snapshot(self.path / "book")

    def write_json(self, name: str, data: Any) -> None:
        """Write one of the JSON files whole, through a temporary file: it is there complete or not at all."""
        part = self.path / f".{name}.part"
        part.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        part.replace(self.path / name)

    def _json(self, name: str) -> dict[str, Any]:
        try:
            data = json.loads(self._read(name))
        except ValueError as error:
            raise InputError("file is not JSON", where=str(self.path / name), value=str(error)) from None
        if not isinstance(data, dict):
            raise InputError("file is not a JSON object", where=str(self.path / name))
        return data

    def _read(self, name: str) -> str:
        try:
            return (self.path / name).read_text(encoding="utf-8")
        except FileNotFoundError:
            raise InputError("not a run directory: file is missing", where=str(self.path), field=name) from None


def create_run(path: Path, snapshot: BookSnapshot, manifest: Manifest, policy_text: str) -> RunDirectory:
    """Make a run directory with everything known before the first command.

    Raises:
        InputError: the path exists and is not an empty folder.
    """
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise InputError("output folder is not empty", where=str(path), expected="a new or empty folder")
    path.mkdir(parents=True, exist_ok=True)
    run = RunDirectory(path)
    save_snapshot(snapshot, path / "book")
    (path / "policy.json").write_text(policy_text + "\n", encoding="utf-8")
    run.write_json("run.json", {name: getattr(manifest, name) for name in Manifest.__slots__})
    return run


def open_run(path: Path) -> RunDirectory:
    """An existing run directory.

    Raises:
        InputError: it is none.
    """
    run = RunDirectory(path)
    run.manifest()
    return run

"""One small run with a report, made once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from seawall.replay import Record, open_record, replay
from seawall.report import write_report, write_tables


@dataclass(frozen=True)
class Made:
    record: Record
    folder: Path
    page: Path
    tables: Path


@pytest.fixture(scope="session")
def made(tmp_path_factory) -> Made:
    folder = tmp_path_factory.mktemp("report")
    replay("generate:accounts=2000,seed=7", "2025-10-10", "hyperliquid", out=folder / "run")
    record = open_record(folder / "run")
    page = write_report(record, folder / "report.html")
    write_tables(record, folder / "tables")
    return Made(record, folder, page, folder / "tables")

"""A small run and a small comparison with their reports, made once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.crashes import LINEAR, crash
from tests.replay.test_record import clearing_house, everybody_pays

from seawall.engine import Policy
from seawall.replay import Comparison, Record, compare, open_comparison, open_record, replay, sensitivity
from seawall.report import write_report, write_tables


@dataclass(frozen=True)
class Made:
    record: Record | Comparison
    folder: Path
    page: Path
    tables: Path


@pytest.fixture(scope="session")
def made(tmp_path_factory) -> Made:
    folder = tmp_path_factory.mktemp("report")
    replay("generate:accounts=2000,seed=7", "2025-10-10", "hyperliquid", out=folder / "run")
    sensitivity("generate:accounts=300,seed=7", "2025-10-10", seeds=4, workers=1).write(folder / "run")
    record = open_record(folder / "run")
    page = write_report(record, folder / "report.html")
    write_tables(record, folder / "tables")
    return Made(record, folder, page, folder / "tables")


@pytest.fixture(scope="session")
def compared(tmp_path_factory) -> Made:
    folder = tmp_path_factory.mktemp("compared")
    found = compare("generate:accounts=2000,seed=7", "2025-10-10", ["hyperliquid", "dydx-v4"], seeds=2, workers=1)
    found.write(folder / "comparison")
    record = open_comparison(folder / "comparison")
    page = write_report(record, folder / "report.html")
    write_tables(record, folder / "tables")
    return Made(record, folder, page, folder / "tables")


def _shared(tmp_path_factory, name: str, rules: Policy) -> Made:
    folder = tmp_path_factory.mktemp(name)
    replay("generate:accounts=800,seed=5", crash(LINEAR, low=0.3), rules, out=folder / "run")
    record = open_record(folder / "run")
    page = write_report(record, folder / "report.html")
    write_tables(record, folder / "tables")
    return Made(record, folder, page, folder / "tables")


@pytest.fixture(scope="session")
def members(tmp_path_factory) -> Made:
    """A clearing house with members who are called."""
    return _shared(tmp_path_factory, "members", clearing_house())


@pytest.fixture(scope="session")
def everybody(tmp_path_factory) -> Made:
    """Open positions, balances and withdrawals pay."""
    return _shared(tmp_path_factory, "everybody", everybody_pays())


@pytest.fixture(scope="session", params=["made", "compared", "members", "everybody"])
def either(request) -> Made:
    """The report of a run, of a comparison, and of runs in which others pay."""
    return request.getfixturevalue(request.param)

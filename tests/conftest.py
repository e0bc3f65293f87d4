"""Shared fixtures."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of market data and vectors beside the checkout; tests that need it skip without it."""
    path = Path(os.environ.get("SEAWALL_SHARED", ROOT.parent / "shared"))
    if not (path / "data").is_dir():
        pytest.skip(f"no shared data beside the checkout ({path.name}/data): set SEAWALL_SHARED to run this")
    return path

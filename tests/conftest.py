"""Shared fixtures."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis.internal.conjecture import providers

# What hypothesis draws depends on the constants in every module that is loaded, so on which tests ran before in the same
# process. Tests that count how often something is reached need the same draws in any company; a campaign keeps them.
if not os.environ.get("SEAWALL_CAMPAIGN"):
    assert callable(providers._get_local_constants)
    providers._get_local_constants = type(providers._get_local_constants())
# A busy machine is no defect of the code: examples have no time limit of their own.
settings.register_profile("seawall", deadline=None)
settings.load_profile("seawall")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of market data and vectors beside the checkout; tests that need it skip without it."""
    path = Path(os.environ.get("SEAWALL_SHARED", ROOT.parent / "shared"))
    if not (path / "data").is_dir():
        pytest.skip(f"no shared data beside the checkout ({path.name}/data): set SEAWALL_SHARED to run this")
    return path

"""Every transfer of a run is explained, from the log as it lies on the disk. Ids every-event-*.

Source: "anyone can check" (README): evaluating each printed program on its printed inputs gives the ledger transfers
of its record, all of them and no others.
"""

from __future__ import annotations

import pytest
from tests.explained import hold

from seawall.replay import replay

CASES = [
    ("the demo", "generate:accounts=100000,seed=7", "hyperliquid", {"filled": 10_000, "taken_over": 1_000, "deleveraged": 500}),
    ("fees for fills", "generate:accounts=3000,seed=7", "binance", {"filled": 100}),
    ("draws for fills", "generate:accounts=5000,seed=7", "dydx-v4", {"filled": 100, "drawn": 1}),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("name", "book", "policy", "least"), CASES, ids=[c[0] for c in CASES])
def test_every_event_of_a_run_is_explained_from_its_log(tmp_path, name, book, policy, least):
    replay(book, "2025-10-10", policy, out=tmp_path / "run")
    seen = hold(tmp_path / "run")
    for kind, count in least.items():
        assert seen[kind] >= count, (name, seen)


def test_every_event_of_a_coin_margined_run_is_explained(tmp_path, shared):
    folder = shared / "data" / "prices"
    replay(
        "generate:accounts=3000,seed=3",
        folder / "perp_coinm_1m_20251010.parquet",
        "binance",
        index=folder / "spot_1m_20251010.parquet",
        start="2025-10-10T20:30:00Z",
        end="2025-10-10T22:00:00Z",
        out=tmp_path / "run",
    )
    seen = hold(tmp_path / "run")
    assert seen["filled"] > 50, seen

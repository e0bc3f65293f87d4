"""The demo as a person runs it: a fresh process each time."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def timed(command: list[str], folder: Path, extra: dict[str, str] | None = None) -> float:
    """Wall seconds of one run."""
    started = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, capture_output=True, env={**os.environ, **(extra or {})})
    return time.perf_counter() - started


def table() -> list[str]:
    """Cold compile cache, warm, and ``--help``."""
    seawall = [sys.executable, "-c", "from seawall.cli import main; main()"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cache = {"NUMBA_CACHE_DIR": str(folder / "cache")}
        cold = timed([*seawall, "demo"], folder, cache)
        warm = sorted(timed([*seawall, "demo"], folder, cache) for _ in range(3))
        help_ = sorted(timed([*seawall, "--help"], folder) for _ in range(5))
    return [
        "The 10 October 2025 demo, 100,000 accounts, whole process:",
        "",
        "| run | seconds |",
        "|---|---|",
        f"| `seawall demo`, cold compile cache | {cold:.2f} |",
        f"| `seawall demo`, warm, median of 3 | {warm[1]:.2f} |",
        f"| `seawall --help`, median of 5 | {help_[2]:.2f} |",
    ]

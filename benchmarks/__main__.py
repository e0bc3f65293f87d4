"""Run the benchmarks and print one Markdown table; ``--write`` puts it into docs/performance.md."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks import calls, demo, margin_pass, ticks

PAGE = Path(__file__).resolve().parent.parent / "docs" / "performance.md"
START, END = "<!-- table: python -m benchmarks --write -->", "<!-- end of table -->"


def main() -> int:
    """Run what was asked, all by default."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("which", nargs="*", help="margin, ticks, calls, demo; all by default")
    parser.add_argument("--accounts", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    which = options.which or ["margin", "ticks", "calls", "demo"]
    lines = []
    if "margin" in which:
        lines += margin_pass.table(options.accounts, options.rounds)
    if "ticks" in which:
        lines += ["", *ticks.table(options.accounts, options.rounds)]
    if "calls" in which:
        lines += ["", *calls.table(options.rounds)]
    if "demo" in which:
        lines += ["", *demo.table()]
    text = "\n".join(lines).strip() + "\n"
    sys.stdout.write(text)
    if options.write:
        page = PAGE.read_text(encoding="utf-8")
        before, _, rest = page.partition(START)
        _, _, after = rest.partition(END)
        PAGE.write_text(f"{before}{START}\n\n{text}\n{END}{after}", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The runner: finds the adapter of each operation, runs every case, prints a table, and each failure whole."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from conformance.adapters import ADAPTERS
from conformance.compare import CaseResult, load_file, run_case


def main(arguments: list[str] | None = None) -> int:
    """Exit code: 0 nothing failed, 1 something failed, 2 a file cannot be read."""
    parser = argparse.ArgumentParser(prog="python -m conformance", description=__doc__)
    parser.add_argument("paths", nargs="+", type=Path, metavar="FILE_OR_DIR")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    options = parser.parse_args(arguments)
    results: list[CaseResult] = []
    for path in options.paths:
        files = sorted(path.rglob("*.json")) if path.is_dir() else [path]
        for file in files:
            try:
                cases = load_file(file)
            except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
                print(f"{file}: cannot be read: {error}", file=sys.stderr)
                return 2
            results.extend(run_case(case, ADAPTERS) for case in cases)
    document = summarise(results)
    if options.json:
        print(json.dumps(document, indent=2))
    else:
        show(results, document)
    return 1 if document["failed"] else 0


def summarise(results: list[CaseResult]) -> dict[str, Any]:
    """Counts in all, by group and by operation, and the failures."""
    document: dict[str, Any] = {"passed": 0, "failed": 0, "unsupported": 0, "groups": {}, "ops": {}, "failures": []}
    for result in results:
        document[result.status] += 1
        for table, key in (("groups", result.op.split(".")[0]), ("ops", result.op)):
            row = document[table].setdefault(key, {"passed": 0, "failed": 0, "unsupported": 0})
            row[result.status] += 1
        if result.status == "failed":
            document["failures"].append(
                {"id": result.id, "op": result.op, "expected": result.expected, "got": result.got}
            )
    return document


def show(results: list[CaseResult], document: dict[str, Any]) -> None:
    """A table per group, and each failure with everything needed to work it by hand."""
    print(f"{'group':<28}{'passed':>8}{'failed':>8}{'unsupported':>13}")
    for group, row in sorted(document["groups"].items()):
        print(f"{group:<28}{row['passed']:>8}{row['failed']:>8}{row['unsupported']:>13}")
    print(f"{'all':<28}{document['passed']:>8}{document['failed']:>8}{document['unsupported']:>13}")
    for result in results:
        if result.status == "failed":
            print(f"\nFAILED {result.id}  {result.op}\n  source    {result.source}")
            print(f"  inputs    {json.dumps(result.inputs)}")
            print(f"  expected  {json.dumps(result.expected)}\n  got       {json.dumps(result.got)}")


if __name__ == "__main__":
    sys.exit(main())

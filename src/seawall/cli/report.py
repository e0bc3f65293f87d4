"""``seawall report``: what a run or a comparison found, as one page that needs nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from seawall.cli import show
from seawall.cli.options import Json


def report(
    subject: Annotated[Path, typer.Argument(metavar="RUN", help="Run directory, or directory of a comparison.")],
    out: Annotated[Path | None, typer.Option(help="Page to write (default: RUN/report.html).")] = None,
    tables: Annotated[
        Path | None,
        typer.Option(
            help="Also write every table as CSV, JSON and Parquet, the pictures as SVG, and report.json here."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Write the report of a run or a comparison: one HTML file that works offline, on paper and on a phone.

    With --json the document that every figure of the page comes from is printed, and a page is written only with --out.
    """
    from seawall.replay import Comparison
    from seawall.report import open_subject, report_document, report_view, write_report, write_tables

    found = open_subject(subject)
    written: list[Path] = []
    with show.progress(as_json) as progress:
        tell = progress or (lambda done, whole, what: None)
        tell(0, 3, "drawing the report")
        view = report_view(found)
        if out is not None or not as_json:
            tell(1, 3, "writing the page")
            written.append(write_report(found, out if out is not None else subject / "report.html", view))
        if tables is not None:
            tell(2, 3, "writing the tables")
            write_tables(found, tables, view)
            written.append(tables)
    if as_json:
        typer.echo(json.dumps(report_document(found, view), indent=2, ensure_ascii=False))
    else:
        for path in written:
            typer.echo(f"wrote {path}")
    good = found.ok if isinstance(found, Comparison) else found.summary["conservation"]["ok"]
    if not good:
        raise typer.Exit(1)

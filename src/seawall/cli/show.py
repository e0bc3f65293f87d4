"""What a person sees in the terminal: no noise, right in 80 columns and without colour."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import typer

WIDTH, WIDEST = 80, 100


def wrap(text: str) -> str:
    """Text in lines that fit 80 columns."""
    return textwrap.fill(text, WIDTH)


def hang(name: str, text: str) -> str:
    """A named line whose text goes on under itself."""
    return textwrap.fill(text, WIDTH, initial_indent=f"{name:<12}", subsequent_indent=" " * 12)


@contextmanager
def progress(quiet: bool) -> Iterator[Callable[[int, int, str], None] | None]:
    """A progress bar on stderr when a person is looking."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        BarColumn(20),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting", total=None)
        # How much there is may not be known (0): the bar then only moves.
        yield lambda done, whole, what: bar.update(task, completed=done, total=whole or None, description=what)


def summary(s: dict[str, Any], commands: Collection[str] = ()) -> None:
    """The result of a run. ``commands``: those that may be proposed as next steps."""
    from rich.console import Console

    from seawall.cli.show_run import Marks, render

    console = Console(highlight=False, soft_wrap=True)
    for line in render(s, min(console.width, WIDEST), Marks.of(sys.stdout.encoding or "ascii"), commands):
        console.print(line)


def verified(v: dict[str, Any]) -> None:
    """The result of deriving a run again."""
    if v["recorded_hash"] == v["state_hash"]:
        told = "same state hash, and the result says what the log gives" if v["result_checked"] else "same state hash"
        if v["differences"]:
            told = "same state hash, but the result DIFFERS from the log"
        typer.echo(f"replayed    {v['records']:,} records again from {v['run']}:")
        typer.echo(f"            {told}")
    elif v["recorded_hash"] is None:
        typer.echo(f"replayed    {v['records']:,} records again from {v['run']}: each is what its command gives")
        typer.echo(
            "            the run was cut off before its result was written, so no hash is recorded to hold it against"
        )
        typer.echo(f"  derived   {v['state_hash']}")
    else:
        typer.echo(f"replayed    {v['records']:,} records again: the hash DIFFERS")
        typer.echo(f"  recorded  {v['recorded_hash']}")
        typer.echo(f"  derived   {v['state_hash']}")
    for d in v["differences"]:
        typer.echo(f"  {d['place']}: says {d['said']}, the log gives {d['derived']}")
    if not v["complete"]:
        typer.echo("note        the log ends inside its last record; it was derived again up to there")


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A plain table; the last column takes what is left of the line."""
    widths = [max(len(str(r[i])) for r in [head, *rows]) for i in range(len(head) - 1)]
    for row in [head, *rows]:
        typer.echo("  ".join([*(f"{c:<{w}}" for c, w in zip(row, widths, strict=False)), str(row[-1])]))


def book_report(report: dict[str, Any], full: bool) -> None:
    """What is wrong with a book, or what is in it."""
    problems = report["problems"]
    for problem in problems if full else problems[:1]:
        typer.echo(problem["text"], err=True)
    if problems and not full and len(problems) > 1:
        typer.echo(f"... and {len(problems) - 1} more; run with --check to see all", err=True)
    if not problems:
        for name, text in report["contents"].items():
            typer.echo(f"{name:<14}{text}")
        typer.echo("the book is sound")
    for note in report["notes"]:
        typer.echo(f"note          {note}")

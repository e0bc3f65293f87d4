"""What a person sees in the terminal: no noise, right in 80 columns and without colour."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import typer

WIDTH = 78


def money(text: str) -> str:
    """A decimal string with thousands separators and two decimals, for reading."""
    return f"{Decimal(text):,.2f}"


def short(text: str) -> str:
    """A decimal string in millions or thousands."""
    number = Decimal(text)
    for size, mark in ((10**9, "bn"), (10**6, "m"), (10**3, "k")):
        if abs(number) >= size:
            return f"{number / size:,.2f}{mark}"
    return f"{number:,.2f}"


@contextmanager
def progress(quiet: bool) -> Iterator[Callable[[int, int, str], None] | None]:
    """A progress bar on stderr when a person is looking."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        BarColumn(24),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting", total=None)
        yield lambda done, whole, what: bar.update(task, completed=done, total=whole, description=what)


def summary(s: dict[str, Any]) -> None:
    """The result of a run."""
    unit = s["unit"]
    if s["heading"]:
        typer.echo(f"{s['heading']} ({s['book']['source'].get('generator', '')})")
    typer.echo(_wrap(f"{s['event']} under {s['policy']['name']}: {s['title']}"))
    typer.echo("")
    typer.echo(_headline(s))
    typer.echo("")
    _waterfall(s)
    typer.echo("")
    rows = [
        ("accounts, positions", f"{s['accounts']:,}, {s['positions']:,} in {s['markets']} markets"),
        (
            "liquidated",
            f"{s['liquidated']['accounts']:,} accounts, {short(s['liquidated']['notional'])} {unit} closed in the market",
        ),
        (
            "taken over",
            f"{s['taken_over']['accounts']:,} accounts, {short(s['taken_over']['notional'])} {unit}, result {short(s['taken_over']['pnl'])}",
        ),
        ("losses beyond margin", f"{money(s['bad_debt'])} {unit}"),
        (
            "deleveraged",
            f"{s['deleveraged']['accounts']:,} accounts, {short(s['deleveraged']['notional'])} {unit}"
            f" ({short(s['deleveraged']['of_backstop_notional'])} of the backstop's)",
        ),
        (
            "  asked, given up",
            f"{money(s['deleveraged']['needed'])}, {money(s['deleveraged']['collected'])} against the mark",
        ),
        ("gains haircut", f"{money(s['haircut']['amount'])} {unit}"),
        (
            "nobody paid",
            f"{money(s['residual'])} {unit}"
            + (f", not final: {s['pending']}" if s["pending"] not in ("0", "0.0") else ""),
        ),
        ("prices refused", ", ".join(f"{n:,} {r}" for r, n in s["quarantined"].items()) or "none"),
        ("conservation", _conservation(s)),
    ]
    for name, text in rows:
        typer.echo(f"{name:<22}{text}")
    _hardest(s)
    if s.get("marks_compared"):
        c = s["marks_compared"]
        rows = [(f"only under {name}", f"{c[f'only_{name}']:,} accounts") for name in (c["under"], c["against"])]
        for name, text in [("liquidated by both", f"{c['both']:,} accounts"), *rows]:
            typer.echo(f"{name:<22}{text}")
    typer.echo("")
    typer.echo(_hang("marks", f"{s['mark_rule']}; {s['path_rule']}"))
    for note in s["notes"]:
        typer.echo(_hang("note", note))
    typer.echo(f"policy      {s['policy']['hash']}")
    typer.echo(f"state       {s['state_hash']}")
    if s.get("run"):
        typer.echo(f"files       {s['run']}  ({s['steps']} steps in {s['seconds']} s)")


def _headline(s: dict[str, Any]) -> str:
    unit = s["unit"]
    fell = f"{s['liquidated']['accounts']:,} of {s['accounts']:,} accounts were liquidated"
    paid = [
        f"{row['name']} {'gained' if net >= 0 else 'lost'} {short(str(abs(net)))} {unit}"
        for row in s["layers"]
        if (net := Decimal(row["after"]) - Decimal(row["before"])) != 0
    ]
    hit = (
        f"{s['deleveraged']['accounts']:,} winners were deleveraged"
        if s["deleveraged"]["accounts"]
        else "nobody was deleveraged"
    )
    left = (
        "nothing was left unpaid" if Decimal(s["residual"]) == 0 else f"{short(s['residual'])} {unit} was left unpaid"
    )
    return _wrap("; ".join([fell, *paid, hit, left]) + ".")


def _wrap(text: str) -> str:
    import textwrap

    return "\n".join(textwrap.wrap(text, WIDTH))


def _hang(name: str, text: str) -> str:
    """A named line whose text goes on under itself."""
    import textwrap

    return textwrap.fill(text, WIDTH, initial_indent=f"{name:<12}", subsequent_indent=" " * 12)


def _waterfall(s: dict[str, Any]) -> None:
    """One bar a layer: what was there before, and after."""
    rows = s["layers"]
    most = max([Decimal(r[k]) for r in rows for k in ("before", "after")] + [Decimal(1)])
    typer.echo(f"{'who pays, in order':<20}{'before':>12}{'used':>12}{'gained':>12}{'after':>12}")
    for row in rows:
        typer.echo(
            f"{row['name']:<20.20}{short(row['before']):>12}{short(row['used']):>12}{short(row['gained']):>12}{short(row['after']):>12}"
        )
        for name in ("before", "after"):
            size = int(Decimal(max(Decimal(0), Decimal(row[name]))) / most * 56)
            typer.echo(f"  {name:<8}{'#' * size}")
    typer.echo(f"{'deleveraging':<20}{'':>12}{short(s['deleveraged']['collected']):>12}")
    typer.echo(f"{'gains haircut':<20}{'':>12}{short(s['haircut']['amount']):>12}")
    typer.echo(f"{'residual':<20}{'':>12}{short(s['residual']):>12}")


def _hardest(s: dict[str, Any]) -> None:
    """Who was hit hardest, and why."""
    unit = s["unit"]
    if s["liquidated"]["largest"]:
        fell = ", ".join(f"{h['account']} ({short(h['notional'])})" for h in s["liquidated"]["largest"])
        typer.echo(f"{'largest to fall':<22}{fell}")
    for number, h in enumerate(s["deleveraged"]["largest"]):
        typer.echo(
            f"{'' if number else 'deleveraged most':<22}{h['account']}: {short(h['notional'])} {unit}, gave up {short(h['given_up'])}"
        )
        typer.echo(f"{'':<22}  rank {h['rank']} in {h['market']}; {h['because']}")


def _conservation(s: dict[str, Any]) -> str:
    if not s["conservation"]["ok"]:
        return "BROKEN: " + ", ".join(
            f"{a} off by {d['difference']}" for a, d in s["conservation"]["assets"].items() if d["difference"] != "0"
        )
    count = len(s["conservation"]["assets"])
    return f"holds to the unit in {count} asset{'s' if count != 1 else ''}, after every event"


def verified(v: dict[str, Any]) -> None:
    """The result of deriving a run again."""
    if v["ok"]:
        typer.echo(f"replayed    {v['records']:,} records again from {v['run']}: same state hash")
    else:
        typer.echo(f"replayed    {v['records']:,} records again: the hash DIFFERS")
        typer.echo(f"  recorded  {v['recorded_hash']}")
        typer.echo(f"  derived   {v['state_hash']}")
    if not v["complete"]:
        typer.echo("note        the run had stopped inside its last command; it was derived again up to there")


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

"""Commands and exit codes: 0 done, 1 done and the answer is bad, 2 bad input, 3 our fault."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from seawall import __version__
from seawall.cli import compare, show
from seawall.cli import policy as policies
from seawall.cli.explain import explain
from seawall.cli.members import members
from seawall.cli.options import (
    DEFAULT_BOOK,
    Book,
    From,
    Incidents,
    Index,
    Json,
    PathRule,
    Prices,
    SymbolMap,
    Symbols,
    Threads,
    To,
)
from seawall.cli.report import report
from seawall.errors import AnswerError, InputError, SeawallError

app = typer.Typer(
    help="The insurance fund of a derivatives venue: size it, run it, prove it.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
scenarios_app = typer.Typer(help="The library of dated events.", no_args_is_help=True)
app.command("compare")(compare.compare)
app.add_typer(policies.app, name="policy")
app.add_typer(scenarios_app, name="scenarios")
app.command()(explain)
app.command()(members)

RUNS = Path("runs")


def _version(value: bool) -> None:
    if value:
        typer.echo(f"seawall {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """The insurance fund of a derivatives venue: size it, run it, prove it."""


@app.command()
def demo(
    accounts: Annotated[int, typer.Option(help="Accounts in the generated book.")] = 100_000,
    seed: Annotated[int, typer.Option(help="Seed of the generated book.")] = 7,
    policy: Annotated[str, typer.Option(help="Preset name or TOML file.")] = "hyperliquid",
    out: Annotated[Path | None, typer.Option(help="Run directory (default: a new one under runs/).")] = None,
    incidents: Incidents = None,
    threads: Threads = 1,
    verify: Annotated[
        bool, typer.Option("--verify", help="Derive the run again from its directory and compare.")
    ] = False,
    report: Annotated[Path | None, typer.Option(help="Where the report goes (default: in the run directory).")] = None,
    other_books: Annotated[
        bool,
        typer.Option("--sensitivity/--no-sensitivity", help="Run 22 smaller books of the same kind for the report."),
    ] = True,
    as_json: Json = False,
) -> None:
    """A real crash through a venue: 10 October 2025 on a generated book, every unit accounted for, and a report."""
    book = f"generate:accounts={accounts},seed={seed}"
    summary = _replay("2025-10-10", book, policy, out=out, threads=threads, quiet=as_json, incidents=incidents)
    folder = Path(summary["run"])
    again = _verify(folder, threads, as_json) if verify else None
    if again is not None:
        summary["verified"] = again["ok"]
    if as_json:
        typer.echo(json.dumps(summary, indent=2, ensure_ascii=False))
    else:
        show.summary(summary, _commands())
        if again is not None:
            show.verified(again)
    if other_books and not summary["interrupted"]:
        _other_books(folder, book, "2025-10-10", policy, as_json, incidents=incidents)
    _report(folder, report if report is not None else folder / "report.html", as_json)
    if not (summary["conservation"]["ok"] and summary.get("verified", True)):
        raise typer.Exit(1)


@app.command()
def replay(
    event: Annotated[str | None, typer.Argument(help="Scenario name, or a run directory to derive again.")] = None,
    prices: Prices = None,
    book: Book = DEFAULT_BOOK,
    policy: Annotated[str, typer.Option(help="Preset name or TOML file.")] = "hyperliquid",
    index: Index = None,
    mapping: SymbolMap = None,
    start: From = None,
    end: To = None,
    symbols: Symbols = None,
    path: PathRule = "ohlc",
    marks: Annotated[str | None, typer.Option(help="last or banded (default: as the policy says).")] = None,
    both_marks: Annotated[
        bool,
        typer.Option("--compare-marks", help="Run again under the other mark rule and count who falls under one only."),
    ] = False,
    out: Annotated[Path | None, typer.Option(help="Run directory (default: a new one under runs/).")] = None,
    report: Annotated[Path | None, typer.Option(help="Also write the report of the run to this HTML file.")] = None,
    incidents: Incidents = None,
    other_books: Annotated[
        bool,
        typer.Option("--sensitivity", help="Also run 22 smaller books of the same kind (generated books only)."),
    ] = False,
    threads: Threads = 1,
    as_json: Json = False,
) -> None:
    """Run an event or a price file through a venue; or derive a run directory again and compare the hashes."""
    if event is not None and prices is None and (Path(event) / "run.json").is_file():
        verified = _verify(Path(event), threads, as_json)
        if as_json:
            typer.echo(json.dumps(verified, indent=2))
        else:
            show.verified(verified)
        if not verified["ok"]:
            raise typer.Exit(1)
        return
    if (event is None) == (prices is None):
        raise InputError(
            "name one event or one price file", field="event", expected="seawall replay EVENT, or --prices FILE"
        )
    if other_books and not book.startswith("generate"):
        raise InputError(
            "only a generated book has others of its kind", field="sensitivity", value=book, expected="generate:..."
        )
    source: Any = event if prices is None else str(prices)
    wanted = None if symbols is None else [s.strip() for s in symbols.split(",") if s.strip()]
    terms: dict[str, Any] = {
        "index": None if index is None else str(index),
        "mapping": None if mapping is None else str(mapping),
        "start": start,
        "end": end,
        "symbols": wanted,
        "path": path,
        "marks": marks,
        "incidents": incidents,
    }
    summary = _replay(source, book, policy, out=out, quiet=as_json, both_marks=both_marks, threads=threads, **terms)
    if as_json:
        typer.echo(json.dumps(summary, indent=2, ensure_ascii=False))
    else:
        show.summary(summary, _commands())
    if other_books and not summary["interrupted"]:
        _other_books(Path(summary["run"]), book, source, policy, as_json, **terms)
    if report is not None:
        _report(Path(summary["run"]), report, as_json)
    if not summary["conservation"]["ok"]:
        raise typer.Exit(1)


def _commands() -> set[str]:
    """Names of the commands that exist."""
    named = {c.name or getattr(c.callback, "__name__", "") for c in app.registered_commands}
    return named | {group.name or "" for group in app.registered_groups}


def _replay(
    source: Any, book: str, policy: str, *, out: Path | None, quiet: bool, both_marks: bool = False, **options: Any
) -> dict[str, Any]:
    from seawall.replay import compare_marks
    from seawall.replay import replay as run_replay
    from seawall.tables import read_policy

    rules = read_policy(policy)
    found: Any = book if book.startswith("generate") else _book(book)
    target = out if out is not None else _new_folder(f"{Path(str(source)).stem}-{rules.name}")
    with show.progress(quiet) as progress:
        run = run_replay(found, source, rules, out=target, progress=progress, **options)
        if both_marks and not run.summary["interrupted"]:
            run.add("marks_compared", compare_marks(run, found, source, rules, progress=progress, **options))
    return run.summary


def _other_books(folder: Path, book: str, source: Any, policy: str, quiet: bool, **terms: Any) -> None:
    """Run other books of the same kind and leave what they did beside the run, for its report."""
    from seawall.replay import sensitivity

    if not quiet:
        typer.echo("running 20 other seeds and two leverages, smaller books (Ctrl-C leaves them out)", err=True)
    try:
        with show.progress(quiet) as progress:
            sensitivity(book, source, policy, progress=progress, **terms).write(folder)
    except KeyboardInterrupt:
        typer.echo("left out the other books: interrupted before the first was finished", err=True)


def _report(folder: Path, page: Path, quiet: bool) -> None:
    """Write the report of a run."""
    from seawall.report import open_subject, write_report

    with show.progress(quiet) as progress:
        if progress is not None:
            progress(0, 1, "drawing the report")
        written = write_report(open_subject(folder), page)
    if not quiet:
        typer.echo(f"report      {written}")


def _book(text: str) -> Any:
    from seawall.tables import read_book

    return read_book(*_book_files(text))


def _book_files(text: str) -> list[Any]:
    """accounts, positions, markets and (optional) assets files: a folder of them, or their paths with commas between."""
    parts = [Path(p.strip()) for p in text.split(",") if p.strip()]
    if len(parts) in (3, 4):
        return parts
    folder = Path(text)
    if not folder.is_dir():
        raise InputError(
            "not a book",
            field="book",
            value=text,
            expected="a folder with accounts, positions and markets files, their paths with commas between, or generate:...",
        )
    files: list[Any] = []
    for name in ("accounts", "positions", "markets", "assets"):
        found = next((f for s in (".csv", ".parquet") if (f := folder / f"{name}{s}").is_file()), None)
        if found is None and name != "assets":
            raise InputError("file is missing", where=text, field=name, expected=f"{name}.csv or {name}.parquet")
        files.append(found)
    return files


def _new_folder(name: str) -> Path:
    """A run directory that does not exist yet: runs/NAME, runs/NAME-2, ..."""
    number = 1
    while True:
        path = RUNS / (name if number == 1 else f"{name}-{number}")
        if not path.exists():
            return path
        number += 1


def _verify(path: Path, threads: int, quiet: bool) -> dict[str, Any]:
    from seawall.replay import check_run

    with show.progress(quiet) as bar:
        told = None if bar is None else lambda done: bar(done, 0, f"{done:,} records derived again")
        checked = check_run(path, threads=threads, progress=told)
    found = checked.log
    return {
        "run": str(path),
        "event": found.manifest.event,
        "policy": {"name": found.manifest.policy_name, "hash": found.manifest.policy_hash},
        "records": found.records,
        "complete": found.complete,
        "state_hash": found.state_hash,
        "recorded_hash": found.recorded_hash,
        "result_checked": checked.checked,
        "differences": [{"place": p, "said": said, "derived": came} for p, said, came in checked.differences],
        "ok": checked.ok,
        "seconds": round(found.seconds, 3),
    }


@scenarios_app.command("list")
def scenarios_list(as_json: Json = False) -> None:
    """The events in the library, and the scripts of incidents that can be run beside them."""
    from seawall.cli.scenario_card import scenario_list, script_list
    from seawall.tables import incident_names, load_incidents, load_scenario, scenario_names

    rows = [load_scenario(n) for n in scenario_names()]
    scripts = [load_incidents(n) for n in incident_names()]
    if as_json:
        told = [{"name": s.name, "kind": s.kind, "title": s.title, "assets": list(s.assets)} for s in rows]
        told += [{"name": s.name, "kind": "incidents", "title": s.title, "assets": []} for s in scripts]
        typer.echo(json.dumps(told, indent=2))
    else:
        scenario_list(rows)
        typer.echo("\nScripts of incidents, run beside any event with --incidents NAME:\n")
        script_list(scripts)


@scenarios_app.command("show")
def scenarios_show(
    name: Annotated[str, typer.Argument(help="Name of an event or of a script of incidents, or a TOML file.")],
    toml: Annotated[bool, typer.Option("--toml", help="Print the file itself, to start one of your own.")] = False,
    as_json: Json = False,
) -> None:
    """One event: its prices, who is in it, its sources, and what a good outcome looks like."""
    from seawall.cli.scenario_card import scenario_card, scenario_document
    from seawall.tables import is_script, load_scenario
    from seawall.tables.scenarios import scenario_names, scenario_text

    if is_script(name):
        _script_show(name, toml, as_json)
        return
    scenario = load_scenario(name)
    if as_json:
        typer.echo(json.dumps(scenario_document(scenario), indent=2))
    elif toml:
        text = scenario_text(name) if name in scenario_names() else Path(name).read_text(encoding="utf-8")
        typer.echo(text, nl=False)
    else:
        scenario_card(scenario)


def _script_show(name: str, toml: bool, as_json: bool) -> None:
    from seawall.cli.scenario_card import script_card, script_document
    from seawall.tables import incident_names, load_incidents
    from seawall.tables.incidents import incident_text

    script = load_incidents(name)
    if as_json:
        typer.echo(json.dumps(script_document(script), indent=2))
    elif toml:
        text = incident_text(name) if name in incident_names() else Path(name).read_text(encoding="utf-8")
        typer.echo(text, nl=False)
    else:
        script_card(script)


@app.command("import")
def import_book(
    folder: Annotated[Path | None, typer.Argument(help="Folder with accounts, positions and markets files.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Say everything that is wrong, and where.")] = False,
    template: Annotated[
        Path | None, typer.Option(help="Write example files with every column into a new folder.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Check a book of your own, or write templates for one."""
    from seawall.tables import check_book, template_files

    if template is not None:
        template.mkdir(parents=True, exist_ok=True)
        for name, text in template_files().items():
            target = template / name
            if target.exists():
                raise InputError("file exists", where=str(target), expected="a folder without it")
            target.write_text(text, encoding="utf-8")
            typer.echo(f"wrote {target}")
        return
    if folder is None:
        raise InputError(
            "name a folder", field="folder", expected="seawall import FOLDER --check, or --template FOLDER"
        )
    report = check_book(*_book_files(str(folder)))
    if as_json:
        typer.echo(json.dumps(report.as_dict(), indent=2))
    else:
        show.book_report(report.as_dict(), check)
    if report.problems:
        raise typer.Exit(2)


app.command()(report)


def main() -> None:
    """Entry point. Errors of ours become one clear message and an exit code."""
    as_json = "--json" in sys.argv
    try:
        app(standalone_mode=True)
    except InputError as error:
        _fail(error, error.as_dict(), as_json, 2)
    except AnswerError as error:
        _fail(error, {"error": "AnswerError", "problem": str(error)}, as_json, 1)
    except SeawallError as error:
        _fail(error, {"error": type(error).__name__, "problem": str(error)}, as_json, error.exit_code)
    except KeyboardInterrupt:
        typer.echo("interrupted", err=True)
        sys.exit(1)


def _fail(error: Exception, document: dict[str, Any], as_json: bool, code: int) -> None:
    if as_json:
        typer.echo(json.dumps(document, indent=2))
    typer.echo(f"seawall: {error}", err=True)
    sys.exit(code)

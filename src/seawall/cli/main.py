"""Commands and exit codes: 0 done, 1 done and the answer is bad, 2 bad input, 3 our fault."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from seawall import __version__
from seawall.cli import compare, show
from seawall.cli.explain import explain
from seawall.cli.report import report
from seawall.errors import AnswerError, InputError, SeawallError

app = typer.Typer(
    help="The insurance fund of a derivatives venue: size it, run it, prove it.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
policy_app = typer.Typer(help="The rules of a venue as a file.", no_args_is_help=True)
scenarios_app = typer.Typer(help="The library of dated events.", no_args_is_help=True)
app.command("compare")(compare.compare)
app.add_typer(policy_app, name="policy")
app.add_typer(scenarios_app, name="scenarios")
app.command()(explain)

Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout; everything else on stderr.")]
PolicyName = Annotated[str, typer.Argument(help="Preset name or TOML file.")]
RUNS = Path("runs")
DEMO_BOOK = "generate:accounts=100000,seed=7"


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
    threads: Annotated[int, typer.Option(min=1, max=64, help="Threads; the result does not depend on it.")] = 1,
    verify: Annotated[
        bool, typer.Option("--verify", help="Derive the run again from its directory and compare.")
    ] = False,
    as_json: Json = False,
) -> None:
    """A real crash through a venue: 10 October 2025 on a generated book, every unit accounted for."""
    book = f"generate:accounts={accounts},seed={seed}"
    summary = _replay("2025-10-10", book, policy, out=out, threads=threads, quiet=as_json)
    again = _verify(Path(summary["run"]), threads, as_json) if verify else None
    if again is not None:
        summary["verified"] = again["ok"]
    if as_json:
        typer.echo(json.dumps(summary, indent=2, ensure_ascii=False))
    else:
        show.summary(summary, _commands())
        if again is not None:
            show.verified(again)
    if not (summary["conservation"]["ok"] and summary.get("verified", True)):
        raise typer.Exit(1)


@app.command()
def replay(
    event: Annotated[str | None, typer.Argument(help="Scenario name, or a run directory to derive again.")] = None,
    prices: Annotated[Path | None, typer.Option(help="Price file (CSV or Parquet) instead of a scenario.")] = None,
    book: Annotated[
        str,
        typer.Option(
            help="generate:accounts=N,seed=N; a folder with accounts, positions and markets files; or those files, commas between."
        ),
    ] = DEMO_BOOK,
    policy: Annotated[str, typer.Option(help="Preset name or TOML file.")] = "hyperliquid",
    index: Annotated[Path | None, typer.Option(help="Price file of index sources, for banded marks.")] = None,
    mapping: Annotated[Path | None, typer.Option("--map", help="Which symbol prices which market.")] = None,
    start: Annotated[str | None, typer.Option("--from", help="Start of the window, ISO time, UTC.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="End of the window, ISO time, UTC.")] = None,
    symbols: Annotated[str | None, typer.Option(help="Only these symbols, commas between.")] = None,
    path: Annotated[str, typer.Option(help="How a bar becomes marks: ohlc, high_first, low_first or close.")] = "ohlc",
    marks: Annotated[str | None, typer.Option(help="last or banded (default: as the policy says).")] = None,
    both_marks: Annotated[
        bool,
        typer.Option("--compare-marks", help="Run again under the other mark rule and count who falls under one only."),
    ] = False,
    out: Annotated[Path | None, typer.Option(help="Run directory (default: a new one under runs/).")] = None,
    threads: Annotated[int, typer.Option(min=1, max=64, help="Threads; the result does not depend on it.")] = 1,
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
    source: Any = event if prices is None else str(prices)
    wanted = None if symbols is None else [s.strip() for s in symbols.split(",") if s.strip()]
    summary = _replay(
        source,
        book,
        policy,
        index=index,
        mapping=mapping,
        start=start,
        end=end,
        symbols=wanted,
        path=path,
        marks=marks,
        out=out,
        threads=threads,
        quiet=as_json,
        both_marks=both_marks,
    )
    if as_json:
        typer.echo(json.dumps(summary, indent=2, ensure_ascii=False))
    else:
        show.summary(summary, _commands())
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
    for name in ("index", "mapping"):
        if options.get(name) is not None:
            options[name] = str(options[name])
    target = out if out is not None else _new_folder(f"{Path(str(source)).stem}-{rules.name}")
    with show.progress(quiet) as progress:
        run = run_replay(found, source, rules, out=target, progress=progress, **options)
        if both_marks and not run.summary["interrupted"]:
            run.add("marks_compared", compare_marks(run, found, source, rules, progress=progress, **options))
    return run.summary


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
    from seawall.journal import verify_run
    from seawall.tables import policy_from_canonical

    with show.progress(quiet) as bar:
        told = None if bar is None else lambda done: bar(done, 0, f"{done:,} records derived again")
        found = verify_run(path, policy_from_canonical, threads=threads, progress=told)
    return {
        "run": str(path),
        "event": found.manifest.event,
        "policy": {"name": found.manifest.policy_name, "hash": found.manifest.policy_hash},
        "records": found.records,
        "complete": found.complete,
        "state_hash": found.state_hash,
        "recorded_hash": found.recorded_hash,
        "ok": found.ok,
        "seconds": round(found.seconds, 3),
    }


@policy_app.command("list")
def policy_list(as_json: Json = False) -> None:
    """The presets."""
    from seawall.tables import policy_names, read_policy

    rows = [(p.name, p.hash, p.represents) for p in map(read_policy, policy_names())]
    if as_json:
        typer.echo(json.dumps([{"name": n, "hash": h, "represents": r} for n, h, r in rows], indent=2))
    else:
        show.table(("policy", "hash", "represents"), [(n, h[:12], r) for n, h, r in rows])


@policy_app.command("show")
def policy_show(name: PolicyName, as_json: Json = False) -> None:
    """A policy as it is written, or canonical (--json)."""
    from seawall.tables import policy_names, preset_text, read_policy

    policy = read_policy(name)
    if as_json:
        typer.echo(json.dumps({"hash": policy.hash, "policy": json.loads(policy.canonical())}, indent=2))
    elif name in policy_names():
        typer.echo(preset_text(name), nl=False)
    else:
        typer.echo(Path(name).read_text(encoding="utf-8"), nl=False)


@policy_app.command("check")
def policy_check(path: PolicyName, as_json: Json = False) -> None:
    """Is a policy file sound? Prints its hash and order of layers."""
    from seawall.tables import read_policy

    policy = read_policy(path)
    layers = [layer.name for layer in policy.layers]
    if as_json:
        typer.echo(json.dumps({"ok": True, "name": policy.name, "hash": policy.hash, "layers": layers}, indent=2))
    else:
        typer.echo(f"{policy.name}: sound")
        typer.echo(f"hash    {policy.hash}")
        typer.echo(f"layers  {' -> '.join([*layers, 'residual'])}")


@scenarios_app.command("list")
def scenarios_list(as_json: Json = False) -> None:
    """The events in the library."""
    from seawall.cli.scenario_card import scenario_list
    from seawall.tables import load_scenario, scenario_names

    rows = [load_scenario(n) for n in scenario_names()]
    if as_json:
        told = [{"name": s.name, "kind": s.kind, "title": s.title, "assets": list(s.assets)} for s in rows]
        typer.echo(json.dumps(told, indent=2))
    else:
        scenario_list(rows)


@scenarios_app.command("show")
def scenarios_show(
    name: Annotated[str, typer.Argument(help="Name of an event, or a TOML file.")],
    toml: Annotated[bool, typer.Option("--toml", help="Print the file itself, to start one of your own.")] = False,
    as_json: Json = False,
) -> None:
    """One event: its prices, who is in it, its sources, and what a good outcome looks like."""
    from seawall.cli.scenario_card import scenario_card, scenario_document
    from seawall.tables import load_scenario
    from seawall.tables.scenarios import scenario_names, scenario_text

    scenario = load_scenario(name)
    if as_json:
        typer.echo(json.dumps(scenario_document(scenario), indent=2))
    elif toml:
        text = scenario_text(name) if name in scenario_names() else Path(name).read_text(encoding="utf-8")
        typer.echo(text, nl=False)
    else:
        scenario_card(scenario)


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

"""``seawall compare``: one event under several policies, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seawall.cli import show
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
    To,
)
from seawall.errors import AnswerError, InputError

if TYPE_CHECKING:
    from seawall.replay import Comparison

COLUMNS = 4  # policies that fit beside each other in 80 columns
# What the wide table shows of each metric; None: an empty line.
ROWS = (
    "liquidated_accounts",
    "liquidated_notional",
    "taken_over_accounts",
    "taken_over_notional",
    "bad_debt",
    None,
    "used_",
    None,
    "deleveraged_accounts",
    "deleveraged_notional",
    "needed",
    "collected",
    "overshoot",
    "haircut_max_of_profit",
    "haircut_max_of_equity",
    "pain_top20",
    "auctions_held",
    "auctions_sold",
    "auction_cost",
    "fund_auctions_won",
    "residual",
    None,
    "house_gained",
    "house_gain",
    "winner_gained",
    "winner_gain",
    "fund_before",
    "fund_after",
    "declared",
    "declared_unpaid",
    "recovered",
    "withdrawn",
    "paid_out",
)
INCIDENT_ROWS = ROWS[-5:]  # only where the event has incidents
NARROW = (
    ("liquidated_accounts", "fell"),
    ("bad_debt", "bad debt"),
    ("deleveraged_accounts", "delev'd"),
    ("gave", "given up"),
    ("shared", "shared"),
    ("residual", "residual"),
    ("house_gain", "house"),
)
# What those paid who had no part in the losses: the column "shared".
SHARED = ("members_paid", "called", "charged", "cash_cut", "on_withdrawals")
LAYERS = {
    "account": "house account",
    "deleverage": "deleveraging",
    "own_contribution": "defaulter's own",
    "members": "contributions",
    "assessment": "cash calls",
    "open_interest": "open positions",
    "cash_haircut": "balances",
    "withdrawal_rate": "withdrawals",
}
IF_ANY = ("auctions_held", "auctions_sold", "auction_cost", "fund_auctions_won")  # shown where a policy has them
SPREAD = ("bad_debt", "deleveraged_notional", "collected", "residual", "house_gain")


def compare(
    event: Annotated[str | None, typer.Argument(help="Scenario name.")] = None,
    policies: Annotated[
        str | None, typer.Option(help="Preset names and TOML files, commas between (default: all presets).")
    ] = None,
    prices: Prices = None,
    book: Book = DEFAULT_BOOK,
    seeds: Annotated[
        int | None, typer.Option(min=1, help="Generated books in all, one per seed, for intervals.")
    ] = None,
    index: Index = None,
    mapping: SymbolMap = None,
    start: From = None,
    end: To = None,
    symbols: Symbols = None,
    path: PathRule = "ohlc",
    marks: Annotated[str | None, typer.Option(help="last or banded for all (default: as each policy says).")] = None,
    incidents: Incidents = None,
    workers: Annotated[
        int, typer.Option(min=1, max=64, help="Worker processes; the result does not depend on it.")
    ] = 2,
    out: Annotated[Path | None, typer.Option(help="New folder for comparison.json and every table.")] = None,
    report: Annotated[
        Path | None, typer.Option(help="Also write the report of the comparison to this HTML file.")
    ] = None,
    as_json: Json = False,
) -> None:
    """One event under several policies: the same book and prices, only the rules change."""
    from seawall.cli.main import _book
    from seawall.replay.compare import compare as run_compare
    from seawall.replay.compare import empty_folder

    if (event is None) == (prices is None):
        raise InputError(
            "name one event or one price file", field="event", expected="seawall compare EVENT, or --prices FILE"
        )
    if out is not None:
        empty_folder(out)
    try:
        with show.progress(as_json) as progress:
            found = run_compare(
                book if book.startswith("generate") else _book(book),
                event if prices is None else str(prices),
                None if policies is None else _listed(policies),
                seeds=seeds,
                index=None if index is None else str(index),
                mapping=None if mapping is None else str(mapping),
                start=start,
                end=end,
                symbols=None if symbols is None else _listed(symbols),
                path=path,
                marks=marks,
                incidents=incidents,
                workers=workers,
                progress=progress,
            )
    except KeyboardInterrupt:
        raise AnswerError("interrupted before the first run was finished: there is nothing to compare") from None
    where = None if out is None else found.write(out)
    if as_json:
        typer.echo(found.to_json())
    else:
        for line in lines(found, where):
            typer.echo(line)
    if report is not None:
        from seawall.report import write_report

        written = write_report(found, report)
        if not as_json:
            typer.echo(f"report  {written}")
    if any(f["ours"] for f in found.document["failed"]):
        raise typer.Exit(3)
    if not found.ok:
        raise typer.Exit(1)


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def lines(found: Comparison, where: Path | None) -> list[str]:
    """What is printed, line by line, at most 80 columns wide and without colour."""
    d, table = found.document, found.table
    out = []
    if d["heading"]:
        out.append(f"{d['heading']} ({d['book']['source'].get('generator', '')})")
    out += [show.wrap(f"{d['event']} under {len(d['policies'])} policies: {d['title']}"), ""]
    rows = table.to_dicts()
    out += _side_by_side(rows, d["unit"]) if len(rows) <= COLUMNS else _below(rows, d["unit"])
    if d.get("incidents"):
        out += ["", *_incidents(d)]
    if d["intervals"]:
        out += ["", *_spread(found)]
    book, path = d["book"], d["path"]
    out += ["", f"book        {book['accounts']:,} accounts, {book['positions']:,} positions, the same for all"]
    out += [f"            {book['hash']}", f"path        {path['steps']} steps, the same for all; marks: {d['marks']}"]
    out += [f"            {path['hash']}"]
    # A hash has 64 characters, so a name has 15 in 80 columns.
    wide = max(12, min(16, 1 + max(len(p["policy"]) for p in d["policies"])))
    out += [f"{p['policy']:<{wide}.{wide - 1}}{p['hash']}" for p in d["policies"]]
    out += [show.hang("FAILED", f"{_cell(f)}: {f['problem']}") for f in d["failed"]]
    if d["missing"]:
        out.append(show.hang("MISSING", "interrupted before: " + ", ".join(map(_cell, d["missing"]))))
    if where is not None:
        out.append(f"files       {where}  ({len(d['rows'])} runs in {d['seconds']} s)")
    return out


def _incidents(d: dict[str, Any]) -> list[str]:
    """Every incident with what came of it, policies of one outcome together; of the first book."""
    from seawall.replay.incident_words import by_policy

    out = [f"what happened beside the prices, amounts in {d['unit']}"]
    for what, outcomes in by_policy((r for r in d["incidents"] if r["seed"] == d["seeds"][0]), d["unit"]):
        out.append(show.wrap(what))
        out += [show.hang("", f"{names}: {told}") for names, told in outcomes]
    return out


def _cell(key: dict[str, Any]) -> str:
    seed = "" if key["seed"] is None else f" seed {key['seed']}"
    return f"{key['policy']}{seed}"


def _titles() -> dict[str, str]:
    from seawall.replay.outcome import INCIDENT_METRICS, METRICS

    return {m.name: m.title for m in (*METRICS, *INCIDENT_METRICS)}


def _value(value: Any) -> str:
    """A cell of the table: counts in full, amounts short, shares as percentages; "-" where there is none."""
    from seawall.replay import words

    if value is None:
        return "-"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{100 * value:.2f} %"
    if isinstance(value, Decimal):
        return words.short(value)
    return str(value)


def _side_by_side(rows: Sequence[dict[str, Any]], unit: str) -> list[str]:
    """Metrics as rows, policies as columns."""
    width = 14
    titles = _titles()
    out = [f"{'amounts in ' + unit:<24}" + "".join(f"{r['policy']:>{width}.{width - 1}}" for r in rows)]
    for name in ROWS:
        if name is None:
            out.append("")
            continue
        if name in INCIDENT_ROWS and name not in rows[0]:
            continue
        if name in IF_ANY and all(r.get(name) is None for r in rows):
            continue
        # The residual has its own line.
        names = [n for n in rows[0] if n.startswith(name) and n != "used_residual"] if name == "used_" else [name]
        for each in names:
            kind = each.removeprefix("used_")
            title = titles.get(each) or f"paid by {LAYERS.get(kind, kind.replace('_', ' '))}"
            out.append(f"{title:<24.24}" + "".join(f"{_value(r[each]):>{width}.{width - 1}}" for r in rows))
    return out


def _below(rows: Sequence[dict[str, Any]], unit: str) -> list[str]:
    """Policies as rows, the few columns that matter."""
    out = [f"{'amounts in ' + unit:<16.16}" + "".join(f"{title:>9}" for _, title in NARROW)]
    for r in rows:
        paid = [r[name] for name in SHARED if r[name] is not None]
        told = {**r, "gave": r["collected"] + r["haircut"], "shared": sum(paid, Decimal(0)) if paid else None}
        out.append(f"{r['policy']:<16.16}" + "".join(f"{_value(told[name]):>9}" for name, _ in NARROW))
    gave = "given up: by winners, deleveraging and haircut; shared: paid by members, open"
    return [*out, "", gave, "positions, balances and withdrawals", "all metrics: --json, or --out DIR"]


def _spread(found: Comparison) -> list[str]:
    """What the seeds give: minimum, quartiles, maximum of the metrics that matter."""
    titles = _titles()
    columns = ("min", "q1", "median", "q3", "max")
    rows = found.intervals.to_dicts()
    out = [f"{'over ' + str(len(found.document['seeds'])) + ' seeds':<24}" + "".join(f"{c:>11}" for c in columns)]
    for metric in SPREAD:
        out.append(titles[metric])
        for row in rows:
            if row["metric"] == metric:
                out.append(f"  {row['policy']:<22.22}" + "".join(f"{_value(row[c]):>11}" for c in columns))
    return out

"""``seawall members``: what each clearing member can lose at most, before anything happens."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from seawall.cli import show
from seawall.cli.options import Json

BOOK = "generate:accounts=20000,seed=7"


def members(
    event: Annotated[str, typer.Argument(help="Scenario name, for the opening marks.")] = "2025-10-10",
    policy: Annotated[str, typer.Option(help="Preset name or TOML file with a default fund.")] = "emir-ccp",
    book: Annotated[str, typer.Option(help="generate:accounts=N,seed=N, or a folder with the book's files.")] = BOOK,
    as_json: Json = False,
) -> None:
    """Each clearing member's worst-case bill: contribution, calls, and what one default and one window can cost."""
    from seawall.cli.main import _book
    from seawall.replay import member_bills
    from seawall.replay.words import short

    rows: list[dict[str, Any]] = member_bills(
        book if book.startswith("generate") else _book(book), event, policy
    ).to_dicts()
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    typer.echo("The most a member can lose, before anything happens")
    head = ("member", "accounts", "paid in", "one call", "one default", "one window", "share")
    table = [
        (
            row["member"],
            f"{row['accounts']:,}",
            *(f"{short(row[key])} {row['asset']}" for key in ("contribution", "call_once", "one_default", "window")),
            f"{row['share_of_fund']:.1%}",
        )
        for row in sorted(rows, key=lambda r: (r["asset"], -r["share_of_fund"], r["member"]))
    ]
    show.table(head, table)

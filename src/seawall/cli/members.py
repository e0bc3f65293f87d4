"""``seawall members``: each member's bill before anything happens, and how large the default fund must be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from seawall.cli import show
from seawall.cli.options import Json
from seawall.errors import InputError

BOOK = "generate:accounts=20000,seed=7"
SHOWN = 8


def members(
    event: Annotated[str, typer.Argument(help="Scenario name, for the opening marks.")] = "2025-10-10",
    policy: Annotated[str, typer.Option(help="Preset name or TOML file with a default fund.")] = "emir-ccp",
    book: Annotated[str, typer.Option(help="generate:accounts=N,seed=N, or a folder with the book's files.")] = BOOK,
    size: Annotated[bool, typer.Option("--size", help="Stress the book: how large must the fund be?")] = False,
    stresses: Annotated[
        str | None, typer.Option(help="With --size: scenarios instead of the policy's stresses, commas between.")
    ] = None,
    other: Annotated[str, typer.Option(help="With --stresses: move of coins that a scenario does not name.")] = "0",
    default_probability: Annotated[
        str | None, typer.Option(help="With --size: of one member; adds the chance that more fail than are covered.")
    ] = None,
    svg: Annotated[Path | None, typer.Option(help="With --size: write a picture, one file per settle asset.")] = None,
    stress: Annotated[
        Path | None,
        typer.Option(help="Size from a file instead: date, member, stress, loss_over_margin, perhaps group."),
    ] = None,
    days: Annotated[int, typer.Option(help="With --stress: the average is over so many last days.")] = 60,
    buffer: Annotated[str, typer.Option(help="With --stress: added to the average, as a part of it.")] = "0",
    prefunded: Annotated[str | None, typer.Option(help="With --stress: resources to hold the days against.")] = None,
    as_json: Json = False,
) -> None:
    """Each clearing member's worst-case bill: contribution, calls, and what one default and one window can cost.

    With --size or --stress: how large the default fund must be; exit code 1 when what is there is too little.
    """
    from seawall.cli.main import _book
    from seawall.replay import member_bills, members_sizing, sizing_from_history

    if stress is not None:
        numbers = {"buffer": _number(buffer, "--buffer"), "prefunded": prefunded and _number(prefunded, "--prefunded")}
        found = sizing_from_history(stress, days=days, **numbers)
        _answer(found, as_json, _history)
        _short(any(c["days_short"] for c in found["cover"]))
        return
    venue = book if book.startswith("generate") else _book(book)
    if size or stresses is not None or svg is not None:
        names = None if stresses is None else [name.strip() for name in stresses.split(",") if name.strip()]
        chance = None if default_probability is None else _number(default_probability, "--default-probability")
        sized = members_sizing(
            venue, event, policy, stresses=names, other=_number(other, "--other"), default_probability=chance
        )
        _answer(sized.document, as_json, _sizing)
        if svg is not None:
            _draw(sized.document["assets"], svg)
        _short(any(not (a["prefunded"]["covered"] and a["minimum"]["met"]) for a in sized.document["assets"]))
        return
    _answer(member_bills(venue, event, policy).to_dicts(), as_json, _bills)


def _number(text: str, option: str) -> Any:
    """An exact number from an option."""
    from fractions import Fraction

    try:
        return Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise InputError("not a number", field=option, value=text, expected='a decimal such as "0.05"') from None


def _draw(assets: list[dict[str, Any]], path: Path) -> None:
    """One picture per asset; with several the asset's name is part of the file's."""
    from seawall.views.sizing import cover_picture
    from seawall.views.svg import grounded

    for asset in assets:
        file = path if len(assets) == 1 else path.with_stem(f"{path.stem}-{asset['asset']}")
        try:
            file.write_text(grounded(cover_picture(asset)), encoding="utf-8")
        except OSError as error:
            raise InputError("picture cannot be written", where=str(file), value=error.strerror) from None
        typer.echo(f"wrote {file}", err=True)


def _short(is_short: bool) -> None:
    """Leave with the code for an answer that is bad."""
    if is_short:
        raise typer.Exit(1)


def _answer(found: Any, as_json: bool, tell: Any) -> None:
    if as_json:
        typer.echo(json.dumps(found, indent=2))
    else:
        tell(found)


def _bills(rows: list[dict[str, Any]]) -> None:
    from seawall.replay.words import short

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


def _sizing(found: dict[str, Any]) -> None:
    names = "; ".join(f"{_letter(n)} {name}" for n, name in enumerate(found["stresses"]))
    typer.echo(f"How large the default fund must be, by the rules of {found['policy']}")
    typer.echo(show.hang("stresses", names))
    for asset in found["assets"]:
        typer.echo("")
        _cover(asset, found["stresses"])
        _tests(asset)
        _largest(asset, found["stresses"])


def _cover(asset: dict[str, Any], stresses: list[str]) -> None:
    from seawall.replay.words import short

    typer.echo(f"{asset['asset']}: the largest of {asset['groups']} members, failing together in one stress")
    chance = asset["cover"][0]["more_default"] is not None
    more = ["more fail"] if chance else []
    rows = []
    before: dict[str, Any] = {"stress": "", "groups": []}
    for row in asset["cover"]:
        goes_on = row["stress"] == before["stress"]
        named = [g for g in row["groups"] if not goes_on or g not in before["groups"]]
        who = ", ".join(named[:2]) + (f" and {len(named) - 2} more" if len(named) > 2 else "")
        rows.append(
            (
                f"{row['defaults']}",
                short(row["amount"]),
                short(row["adds"]),
                "yes" if row["covered"] else "no",
                *([f"{row['more_default']:.2%}"] if chance else []),
                _letter(stresses.index(row["stress"])),
                f"and {who}" if goes_on and named else who,
            )
        )
        before = row
    show.table(("defaults", "owe", "adds", "covered", *more, "in", "who"), rows)


def _letter(number: int) -> str:
    return chr(ord("a") + number) if number < 26 else f"#{number + 1}"


def _tests(asset: dict[str, Any]) -> None:
    from seawall.replay.words import short

    test, near, unit = asset["prefunded"], asset["concentration"], asset["asset"]
    asked = asset["asked_by_policy"]
    typer.echo("")
    told = f"{short(asset['default_fund'])} {unit}" + (
        "" if asked is None else f"; by these stresses the policy's rule asks for {short(asked)}"
    )
    typer.echo(show.hang("fund", told))
    minimum = asset["minimum"]
    told = "met" if minimum["met"] else "NOT met"
    typer.echo(
        show.hang(
            "art. 42(3)", f"the largest, or the next two together: {short(minimum['amount'])}, {told} by the fund"
        )
    )
    own = ", ".join(f"{name} {short(amount)}" for name, amount in test["own_slices"].items())
    told = "covered" if test["covered"] else f"short by {short(test['gap'])}"
    text = f"the two largest: {short(test['requirement'])}; prefunded {short(test['prefunded'])}"
    typer.echo(show.hang("art. 43(2)", f"{text}{f' (with {own})' if own else ''}: {told}"))
    if near["early_warning"]:
        typer.echo(
            show.hang("warning", f"above 40 % of the fund in {near['stress']}: {', '.join(near['early_warning'])}")
        )
    if near["pair_trigger"]:
        typer.echo(show.hang("warning", f"the two largest together, {short(near['pair'])}, are above 90 % of the fund"))
    for group, amount in near["supplementary_margin"].items():
        typer.echo(show.hang("charge", f"{group}: {short(amount)} above 45 % of the fund, as supplementary margin"))
    typer.echo("")


def _largest(asset: dict[str, Any], stresses: list[str]) -> None:
    from seawall.replay.words import short

    letters = [_letter(n) for n in range(len(stresses))]
    rows = [
        (row["member"], short(row["contribution"]), *(short(row[s]) for s in stresses))
        for row in asset["members"][:SHOWN]
    ]
    show.table(("member", "paid in", *letters), rows)
    if len(asset["members"]) > SHOWN:
        typer.echo(f"and {len(asset['members']) - SHOWN} more members (--json has them all)")


def _history(found: dict[str, Any]) -> None:
    from seawall.replay.words import short

    typer.echo(f"{found['file']}: {found['days']} days, {found['first_day']} to {found['last_day']}")
    head = ["defaults", "peak", "on", "mean"]
    held = found["prefunded"] is not None
    rows = [
        [f"{c['defaults']}", short(c["peak"]), c["peak_day"], short(c["mean"])]
        + ([f"{c['days_short']}", short(c["most_short"])] if held else [])
        for c in found["cover"]
    ]
    show.table([*head, *(["days short", "most short"] if held else [])], rows)
    averages = list(found["averages"].items())
    told = ", ".join(f"{group} {short(mean)}" for group, mean in averages[:SHOWN])
    typer.echo(show.hang("averages", f"over {found['averaged_over']} days: {told}"))
    typer.echo(
        "the two largest averages"
        + ("" if found["buffer"] == "0" else f" and {found['buffer']} more")
        + ", for [members]:"
    )
    typer.echo(f'fund = "{found["fund"]}"')

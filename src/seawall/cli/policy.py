"""``seawall policy``: the presets, one policy as it is written, is it sound, and what differs between two."""

from __future__ import annotations

import json
import textwrap
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seawall.cli.options import Json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from seawall.engine import Policy
    from seawall.tables.policy_diff import Difference

app = typer.Typer(help="The rules of a venue as a file.", no_args_is_help=True)
WIDTH = 78


@app.command("list")
def policy_list(as_json: Json = False) -> None:
    """The presets."""
    from seawall.tables import policy_names, read_policy

    rows = [(p.name, p.hash, p.represents) for p in map(read_policy, policy_names())]
    if as_json:
        typer.echo(json.dumps([{"name": n, "hash": h, "represents": r} for n, h, r in rows], indent=2))
        return
    for name, hash_, represents in rows:
        text = f"{name:<12} {hash_[:8]}  {represents}"
        typer.echo(textwrap.fill(text, WIDTH, subsequent_indent=" " * 23))


@app.command("show")
def policy_show(name: Annotated[str, typer.Argument(help="Preset name or TOML file.")], as_json: Json = False) -> None:
    """A policy as it is written, or canonical (--json)."""
    from seawall.tables import policy_names, preset_text, read_policy

    policy = read_policy(name)
    if as_json:
        typer.echo(json.dumps({"hash": policy.hash, "policy": json.loads(policy.canonical())}, indent=2))
    elif name in policy_names():
        typer.echo(preset_text(name), nl=False)
    else:
        typer.echo(Path(name).read_text(encoding="utf-8"), nl=False)


@app.command("check")
def policy_check(path: Annotated[str, typer.Argument(help="Preset name or TOML file.")], as_json: Json = False) -> None:
    """Is a policy file sound? Prints its hash and order of layers, or what is wrong, where, and what would be right."""
    from seawall.tables import read_policy

    policy = read_policy(path)
    layers = [layer.name for layer in policy.layers]
    if as_json:
        typer.echo(json.dumps({"ok": True, "name": policy.name, "hash": policy.hash, "layers": layers}, indent=2))
    else:
        typer.echo(f"{policy.name}: sound")
        typer.echo(f"hash    {policy.hash}")
        typer.echo(
            textwrap.fill(
                " -> ".join([*layers, "residual"]), WIDTH, initial_indent="layers  ", subsequent_indent=" " * 8
            )
        )


@app.command("diff")
def policy_diff(
    a: Annotated[str, typer.Argument(help="Preset name or TOML file.")],
    b: Annotated[str, typer.Argument(help="Another.")],
    as_json: Json = False,
) -> None:
    """What differs between two policies: key, meaning, and what each says; "-": it says nothing, the default holds."""
    from seawall.tables import read_policy
    from seawall.tables.policy_diff import policy_diff as differences

    one, other = read_policy(a), read_policy(b)
    found = differences(one, other)
    if as_json:
        document = {
            "a": {"name": one.name, "hash": one.hash},
            "b": {"name": other.name, "hash": other.hash},
            "same": not found,
            "differences": [d._asdict() for d in found],
        }
        typer.echo(json.dumps(document, indent=2, ensure_ascii=False))
        return
    for line in lines(one, other, found):
        typer.echo(line)


def lines(one: Policy, other: Policy, found: Sequence[Difference]) -> list[str]:
    """The differences as a table in groups, at most 78 columns; long values wrap inside their column."""
    rules = [d for d in found if d.group]
    if not rules:
        return [f"{one.name} and {other.name} say the same"]
    key = min(26, max(len(d.key) for d in rules) + 1)
    column = (WIDTH - 4 - key) // 2
    out = [f"  {'':<{key}}{one.name:<{column}.{column - 1}}  {other.name:.{column}}"]
    for group, rows in groupby(rules, key=lambda d: d.group):
        out += ["", group]
        for d in rows:
            cells = [_name(d.key, key - 1), _cell(d.a or "-", column - 1), _cell(d.b or "-", column)]
            for number in range(max(map(len, cells))):
                x, y, z = (c[number] if number < len(c) else "" for c in cells)
                out.append(f"  {x:<{key}}{y:<{column}}  {z}".rstrip())
            out += [f"    {line}" for line in textwrap.wrap(f"({d.means})", WIDTH - 4)]
    return out


def _name(path: str, width: int) -> list[str]:
    """A key path that is too long is broken behind a dot, not inside a name."""
    if len(path) <= width:
        return [path]
    return [x.replace(". ", ".") for x in textwrap.wrap(path.replace(".", ". "), width, subsequent_indent="  ")]


def _cell(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width) or [""]

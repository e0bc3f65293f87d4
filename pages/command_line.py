"""``docs/reference/cli.md``: every command, argument, option, default and exit code, from the commands themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from seawall.cli.main import app

KINDS: dict[Any, str] = {int: "whole number", float: "number", Path: "path"}
HEAD = """# The command line

Made from the commands themselves by `make docs`; a test fails when it is stale. `seawall COMMAND --help` prints the same.

What holds for every command:

- `--json` prints one JSON document on stdout. Progress and remarks go to stderr. Bad input is a document too, with `error`,
  `where`, `row`, `field`, `value` and `expected`.
- Exit codes:

| code | meaning |
|---|---|
| 0 | done |
| 1 | done, and the answer is bad: units are missing, a hash differs, a policy could not run; or stopped by Ctrl-C before anything was finished |
| 2 | bad input: the message says which file, row and field, what stood there, and what was expected |
| 3 | our fault: please report it |

- Nothing is written when input is bad. A run or a comparison is written into a new or empty folder only.
- Output fits 80 columns, and means the same without colour.
- `seawall --version` prints the version, `seawall --help` the commands.
- A book is `generate:accounts=N,seed=N` (a generated one), a folder with `accounts`, `positions` and `markets` files, or the
  files with commas between: see [input files](input-files.md).

## Commands

"""


def command_line_markdown() -> str:
    """The page."""
    root = typer.main.get_command(app)
    commands = sorted(_commands(root, "seawall"))
    index = "".join(f"- [`{name}`](#{_anchor(name)}): {_first(command)}\n" for name, command in commands)
    return HEAD + index + "".join(f"\n{part}" for name, command in commands for part in _page(name, command))


def _commands(group: Any, name: str) -> Iterator[tuple[str, Any]]:
    for key, command in group.commands.items():
        if command.hidden:
            continue
        if hasattr(command, "commands"):
            yield from _commands(command, f"{name} {key}")
        else:
            yield f"{name} {key}", command


def _anchor(name: str) -> str:
    return name.replace(" ", "-")


def _first(command: Any) -> str:
    return _text(command.help).split("\n\n")[0]


def _text(text: str | None) -> str:
    """Help text with its paragraphs, each on one line."""
    return "\n\n".join(" ".join(part.split()) for part in re.split(r"\n\s*\n", (text or "").strip()))


def _page(name: str, command: Any) -> Iterator[str]:
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    options = [p for p in command.params if p.param_type_name == "option"]
    usage = " ".join([name, *map(_place, arguments), "[OPTIONS]"])
    yield f"## {name}\n\n{_text(command.help)}\n\n```\n{usage}\n```\n"
    if arguments:
        rows = "".join(f"| `{_name(p)}` | {_kind(p)} | {_need(p)} | {_cell(p.help)} |\n" for p in arguments)
        yield f"| argument | value | needed | meaning |\n|---|---|---|---|\n{rows}"
    rows = "".join(f"| `{', '.join(p.opts)}` | {_kind(p)} | {_default(p)} | {_cell(p.help)} |\n" for p in options)
    yield f"| option | value | default | meaning |\n|---|---|---|---|\n{rows}"


def _place(argument: Any) -> str:
    return _name(argument) if argument.required else f"[{_name(argument)}]"


def _name(argument: Any) -> str:
    return argument.metavar or argument.name.upper()


def _need(argument: Any) -> str:
    return "yes" if argument.required else "no"


def _kind(param: Any) -> str:
    if getattr(param, "is_flag", False):
        return "none"
    kind = KINDS.get(param.type_descriptor.annotation, "text")
    low, high = getattr(param, "min", None), getattr(param, "max", None)
    bounds = [b for b in (None if low is None else f"from {low}", None if high is None else f"to {high}") if b]
    return " ".join([kind, *bounds])


def _default(option: Any) -> str:
    if option.required:
        return "needed"
    value = option.default
    return "" if value is None or value is False else f"`{value}`"


def _cell(text: str | None) -> str:
    return _text(text).replace("|", "\\|")

"""``seawall explain``: why something happened to an account, and how to recompute it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from seawall.cli import show
from seawall.cli.options import Json


def explain(
    run: Annotated[Path, typer.Argument(help="Run directory.")],
    what: Annotated[
        str, typer.Argument(help="An account; an event RECORD.K; loss:N or intent:N for all that belongs to one.")
    ],
    as_json: Json = False,
) -> None:
    """Why me? What happened to an account or at an event, by which rule, and what would have avoided it."""
    from seawall.views import explain as explain_run

    with show.progress(as_json) as progress:
        found = explain_run(run, what, progress=progress)
    if as_json:
        typer.echo(json.dumps(found.as_dict(), indent=2, ensure_ascii=False))
    else:
        typer.echo(found.text(show.WIDTH))

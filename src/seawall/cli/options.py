"""Options that several commands share, so that they read and mean the same everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

DEFAULT_BOOK = "generate:accounts=100000,seed=7"

Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout; everything else on stderr.")]
Book = Annotated[
    str,
    typer.Option(
        help="generate:accounts=N,seed=N; a folder with accounts, positions and markets files; or those files, commas between."
    ),
]
Prices = Annotated[Path | None, typer.Option(help="Price file (CSV or Parquet) instead of a scenario.")]
Index = Annotated[Path | None, typer.Option(help="Price file of index sources, for banded marks.")]
SymbolMap = Annotated[Path | None, typer.Option("--map", help="Which symbol prices which market.")]
From = Annotated[str | None, typer.Option("--from", help="Start of the window, ISO time, UTC.")]
To = Annotated[str | None, typer.Option("--to", help="End of the window, ISO time, UTC.")]
Symbols = Annotated[str | None, typer.Option(help="Only these symbols, commas between.")]
PathRule = Annotated[str, typer.Option(help="How a bar becomes marks: ohlc, high_first, low_first or close.")]
Incidents = Annotated[
    str | None,
    typer.Option(
        help="What happens beside the prices: a script of the library or a TOML file (seawall scenarios list)."
    ),
]
Threads = Annotated[int, typer.Option(min=1, max=64, help="Threads; the result does not depend on it.")]

"""Any tabular input as a polars frame: CSV and Parquet paths, polars, pandas and Arrow frames, lists of dicts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seawall.errors import InputError
from seawall.tables.keys import nearest

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class Column:
    """One column of an input: the specification that readers, errors, templates and docs share."""

    name: str
    kind: str
    required: bool
    meaning: str
    example: str
    default: str = ""
    aliases: tuple[str, ...] = ()


def load_frame(source: Any, what: str) -> tuple[pl.DataFrame, str]:
    """A polars frame and what to call it in errors. CSV columns stay text, so that decimals are read exactly.

    Raises:
        InputError: the file is missing, empty, of an unknown kind, or cannot be parsed.
    """
    import polars as pl

    where = what
    if isinstance(source, str | Path):
        where = str(source)
        frame = _load_path(Path(source), where)
    elif isinstance(source, pl.DataFrame):
        frame = source
    elif isinstance(source, pl.LazyFrame):
        frame = source.collect()
    elif isinstance(source, list | tuple) and all(isinstance(r, Mapping) for r in source):
        frame = pl.DataFrame([dict(r) for r in source], infer_schema_length=None, strict=False)
    else:
        frame = _foreign(source, where)
    if frame.height == 0 or frame.width == 0:
        raise InputError("there are no rows", where=where, expected="at least one row")
    return frame, where


def _load_path(path: Path, where: str) -> pl.DataFrame:
    import polars as pl

    if not path.is_file():
        raise InputError("no such file", where=where)
    if path.stat().st_size == 0:
        raise InputError("file is empty", where=where)
    try:
        if path.suffix.lower() in (".csv", ".tsv", ".txt"):
            separator = "\t" if path.suffix.lower() == ".tsv" else ","
            return pl.read_csv(path, infer_schema=False, separator=separator)
        if path.suffix.lower() in (".parquet", ".pq"):
            return pl.read_parquet(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise InputError("file cannot be read", where=where, value=str(error).splitlines()[0]) from None
    raise InputError("unknown kind of file", where=where, value=path.suffix, expected=".csv or .parquet")


def _foreign(source: Any, where: str) -> pl.DataFrame:
    import polars as pl

    try:
        if type(source).__module__.startswith("pandas"):
            return pl.from_pandas(source)
        frame = pl.from_arrow(source)
    except (TypeError, ValueError, ImportError, pl.exceptions.PolarsError):
        raise InputError(
            "not a table",
            where=where,
            value=type(source).__name__,
            expected="a path, a polars, pandas or Arrow frame, or a list of dicts",
        ) from None
    return frame if isinstance(frame, pl.DataFrame) else frame.to_frame()


def select(frame: pl.DataFrame, columns: Iterable[Column], where: str) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """The specified columns under their own names (aliases renamed), and the names of those ignored.

    Raises:
        InputError: a required column is missing.
    """
    wanted = list(columns)
    rename, used = {}, set()
    for column in wanted:
        found = next((n for n in (column.name, *column.aliases) if n in frame.columns and n not in used), None)
        if found is None:
            if column.required:
                raise InputError(
                    "column is missing",
                    where=where,
                    field=column.name,
                    value=", ".join(frame.columns),
                    expected=f"a column {column.name!r} ({column.meaning})"
                    + (f"; did you mean {nearest(column.name, frame.columns)}?" if frame.columns else ""),
                )
            continue
        rename[found] = column.name
        used.add(found)
    ignored = tuple(n for n in frame.columns if n not in used)
    return frame.select(list(rename)).rename(rename), ignored


def file_hash(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()

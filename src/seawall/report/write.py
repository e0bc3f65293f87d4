"""Writing a report: the page, its tables as files, and the document every figure refers into."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

from markupsafe import Markup, escape

from seawall.errors import InputError
from seawall.replay import Comparison, Record, open_comparison, open_record
from seawall.views import Figure, Table, View, comparison_view, full_document, run_view
from seawall.views.comparison import compared_document
from seawall.views.document import html
from seawall.views.svg import picture_css

EMBED_LIMIT = 200_000


Subject = Record | Comparison


def open_subject(path: str | Path) -> Subject:
    """What a report can be made of: a run directory, or the directory of a comparison.

    Raises:
        InputError: it is neither.
    """
    where = Path(path)
    return open_comparison(where) if (where / "comparison.json").is_file() else open_record(where)


def report_view(subject: Subject) -> View:
    """The report before it is a page."""
    return comparison_view(subject) if isinstance(subject, Comparison) else run_view(subject)


def report_document(subject: Subject, view: View | None = None) -> dict[str, Any]:
    """The document of a report: summary or comparison at the top, ``derived``, ``tables``, and ``frames``.

    ``view``, here and below: the report of the subject where it was made already.
    """
    view = view or report_view(subject)
    if isinstance(subject, Comparison):
        return compared_document(view, subject)
    return full_document(view, subject)


def report_page(subject: Subject, view: View | None = None) -> str:
    """The report as one HTML page that needs nothing else."""
    return _page(view or report_view(subject), "comparison" if isinstance(subject, Comparison) else "run")


def write_report(subject: Subject, path: str | Path, view: View | None = None) -> Path:
    """Write the report of a run or comparison as one HTML file.

    The file appears whole or not at all.

    Raises:
        InputError: the folder does not exist.
    """
    target = Path(path)
    _write(target, report_page(subject, view).encode())
    return target


def write_tables(subject: Subject, folder: str | Path, view: View | None = None) -> list[Path]:
    """Write every table as CSV, JSON and Parquet, every figure as SVG, and ``report.json``; returns the paths.

    Raises:
        InputError: the folder is a file.
    """
    view, target = view or report_view(subject), Path(folder)
    if target.exists() and not target.is_dir():
        raise InputError("not a folder", where=str(target), expected="a folder, or a path that does not exist yet")
    target.mkdir(parents=True, exist_ok=True)
    found: dict[str, bytes] = {}
    for table in view.tables():
        found[f"{table.id}.csv"] = table.to_csv().encode()
        found[f"{table.id}.json"] = table.to_json().encode()
        found[f"{table.id}.parquet"] = table.to_parquet()
    for figure in view.figures():
        found[f"{figure.id}.svg"] = str(figure.svg()).encode()
    document = report_document(subject, view)
    found["report.json"] = (json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()
    for name, data in found.items():
        _write(target / name, data)
    return [target / name for name in found]


def _write(target: Path, data: bytes) -> None:
    if not target.parent.is_dir():
        raise InputError("folder does not exist", where=str(target.parent), expected="an existing folder")
    if target.is_dir():
        raise InputError("a folder is in the way", where=str(target), expected="a path for a file")
    part = target.with_name(f".{target.name}.part")
    part.write_bytes(data)
    part.replace(target)


def _page(view: View, kind: str) -> str:
    style = picture_css() + resource("page.css")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    template = _environment().from_string(resource("page.html"))
    text: str = template.render(
        view=view,
        kind=kind,
        html=html,
        style=Markup(style),
        style_hash=Markup(f"sha256-{digest}"),
        tables_of=_tables_of,
        downloads=_downloads,
    )
    return text


@cache
def _environment() -> Any:
    from jinja2 import Environment, StrictUndefined

    return Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


def resource(name: str) -> str:
    """A file of this package."""
    return files("seawall.report").joinpath(name).read_text(encoding="utf-8")


def _tables_of(block: Any) -> Iterator[Table]:
    """The tables whose downloads stand under a block."""
    if isinstance(block, Table):
        yield block
    elif isinstance(block, Figure) and block.table is not None:
        yield block.table


def _downloads(table: Table) -> Markup:
    """Links that hold a table as files; too large ones are named only."""
    links = []
    kinds = (("csv", "text/csv", table.to_csv().encode()), ("json", "application/json", table.to_json().encode()))
    for ending, mime, data in kinds:
        if len(data) <= EMBED_LIMIT:
            links.append(_link(table, ending, f"data:{mime};charset=utf-8,{quote(data)}"))
    packed = table.to_parquet()
    if len(packed) <= EMBED_LIMIT:
        links.append(
            _link(table, "parquet", "data:application/octet-stream;base64," + base64.b64encode(packed).decode())
        )
    if not links:
        return Markup('<p class="get">Too large to stand in this file: use --tables.</p>')
    return Markup(f'<p class="get">“{escape(table.title)}” as ') + Markup(" ").join(links) + Markup("</p>")


def _link(table: Table, ending: str, target: str) -> Markup:
    name = {"csv": "CSV", "json": "JSON", "parquet": "Parquet"}[ending]
    return Markup(f'<a download="{escape(table.id)}.{ending}" href="{escape(target)}">{name}</a>')

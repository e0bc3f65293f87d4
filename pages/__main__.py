"""Write every page that is made: ``python -m pages``, or ``python -m pages PAGE.md...`` for the output of some pages only."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from pages.blocks import ROOT, Session, blocks_of, renewed
from pages.command_line import command_line_markdown
from pages.pictures import pictures
from seawall.tables import columns_markdown, read_policy, scenarios_markdown
from seawall.views.ladder import policy_picture
from seawall.views.policy_pages import vocabulary_markdown, write_pages
from seawall.views.svg import grounded

DOCS = ROOT / "docs"
EXPLANATION = DOCS / "explanation.md"


def pages() -> list[Path]:
    """Every page with blocks."""
    return sorted([ROOT / "README.md", *DOCS.rglob("*.md")])


def drawn() -> dict[str, str]:
    """The pictures, from the python blocks of the explanation."""
    with tempfile.TemporaryDirectory() as folder:
        session = Session(Path(folder))
        for block in blocks_of(EXPLANATION.read_text(encoding="utf-8")):
            if block.kind in ("python", "toml") or "cat >" in block.body:
                session.run(block)
        return pictures(session.names)


def tables() -> dict[Path, str]:
    """Pages of reference that are made from the code (``write_pages`` makes those of the presets)."""
    made = {DOCS / "reference" / "cli.md": command_line_markdown()}
    for name, text, start in (
        ("input-files.md", columns_markdown(), "## accounts"),
        ("policy.md", "## Every key\n\n" + vocabulary_markdown(), "## Every key\n"),
        ("scenarios.md", scenarios_markdown(), scenarios_markdown().splitlines()[0]),
    ):
        path = DOCS / "reference" / name
        page = path.read_text(encoding="utf-8")
        made[path] = page[: page.index(start)] + text.strip() + "\n"
    every = policy_picture(read_policy(str(ROOT / "examples" / "every_layer.toml")))
    made[DOCS / "reference" / "every-layer.svg"] = grounded(every)
    return made


def main() -> None:
    """Write what has changed, and say what."""
    only = {Path(a).resolve() for a in sys.argv[1:]}
    if not only:
        for path, text in tables().items():
            _write(path, text)
        write_pages(DOCS / "policies")
    for path in pages():
        if not only or path in only:
            with tempfile.TemporaryDirectory() as folder:
                _write(path, renewed(path.read_text(encoding="utf-8"), Path(folder)))
    if not only or EXPLANATION in only:
        (DOCS / "pictures").mkdir(exist_ok=True)
        for name, text in drawn().items():
            _write(DOCS / "pictures" / f"{name}.svg", text)


def _write(path: Path, text: str) -> None:
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
        print(f"wrote {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()

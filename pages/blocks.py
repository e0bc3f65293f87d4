"""Code blocks of the pages: they run in order, and the output that a page shows is the output that came.

A ``bash`` or ``python`` block runs. A ``text`` block right after one is its output. All blocks of a page share one new
folder, and its python blocks share their names. Two remarks change that, each on the line before a block:

- ``<!-- exit 2 -->``: the command ends with this code instead of 0.
- ``<!-- shown from "A" to "B", from "C" -->``: only these lines of the output are shown: from the first that contains A up
  to, not including, the next that contains B. "..." stands for what is left out.

A ``toml`` block whose first line is ``# NAME.toml`` is written to that file. Blocks of any other kind are only read.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
FENCE = re.compile(
    r"^(?:<!-- (?P<remark>[^\n]*?) -->\n)?```(?P<kind>\w*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL
)
SHOWN = re.compile(r'(?:from "([^"]*)")?\s*(?:to "([^"]*)")?')
SECONDS = re.compile(r"\b\d+(\.\d+)? s\b")  # the only thing that differs between two runs
LEFT_OUT = "..."
SEAWALL = """#!/bin/sh
exec "{python}" -c "import sys; sys.argv[0] = 'seawall'; from seawall.cli import main; main()" "$@"
"""
# A page says "make demo"; in a folder without the Makefile this is what it does (a test holds it against the Makefile), but for
# the smaller books beside it: they change the report and not what is printed of the run, and take a minute.
MAKE = """#!/bin/sh
[ "$*" = demo ] && exec seawall demo --no-sensitivity
echo "only make demo runs here" >&2
exit 2
"""


class Block(NamedTuple):
    """A fenced block: ``start`` and ``end`` of its body in the page."""

    kind: str
    body: str
    remark: str
    start: int
    end: int
    before: str  # what stands between the block before and this one


class Ran(NamedTuple):
    """A block that ran: what it printed, and what the page shows of it (None: the page shows nothing)."""

    block: Block
    output: str
    shown: Block | None


def blocks_of(text: str) -> list[Block]:
    """The fenced blocks of a page, in order."""
    found, at = [], 0
    for match in FENCE.finditer(text):
        span = match.span("body")
        found.append(
            Block(match["kind"], match["body"], match["remark"] or "", *span, text[at : match.start()].strip())
        )
        at = match.end()
    return found


class Session:
    """One folder and one set of names for the blocks of a page."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.names: dict[str, Any] = {"__name__": "__page__"}
        tools = folder / ".bin"
        tools.mkdir()
        for name, text in (("seawall", SEAWALL.format(python=sys.executable)), ("make", MAKE)):
            tool = tools / name
            tool.write_text(text)
            tool.chmod(tool.stat().st_mode | stat.S_IXUSR)
        self.environment = {
            **os.environ,
            "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT / "src"),
            "PYTHONIOENCODING": "utf-8",
            "COLUMNS": "80",
            "NO_COLOR": "1",
            "HOME": str(folder),
        }

    def run(self, block: Block) -> str:
        """Run a block; what it printed on both streams.

        Raises:
            AssertionError: it ended with another code than the page says.
        """
        if block.kind == "toml":
            (self.folder / block.body.split("\n", 1)[0].removeprefix("# ")).write_text(block.body, encoding="utf-8")
            return ""
        if block.kind == "python":
            out = io.StringIO()
            with contextlib.chdir(self.folder), contextlib.redirect_stdout(out):
                exec(compile(block.body, "<page>", "exec"), self.names)
            return out.getvalue()
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block.body],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        wanted = re.search(r"exit (\d+)", block.remark)
        code = int(wanted[1]) if wanted else 0
        assert done.returncode == code, f"{block.body}ended with {done.returncode} instead of {code}:\n{done.stdout}"
        return done.stdout


def run_page(text: str, folder: Path) -> list[Ran]:
    """Run the blocks of a page in order in an empty folder."""
    session = Session(folder)
    found = blocks_of(text)
    ran = []
    for number, block in enumerate(found):
        after = found[number + 1] if number + 1 < len(found) else None
        if block.kind == "toml" and re.match(r"# \w+\.toml\n", block.body):
            session.run(block)
        if block.kind in ("bash", "python"):
            shown = after if after is not None and after.kind == "text" and not after.before else None
            ran.append(Ran(block, session.run(block), shown))
    return ran


def excerpt(output: str, remark: str) -> str:
    """The lines of an output that a remark asks for.

    Raises:
        AssertionError: the output has no line with the words of the remark.
    """
    lines = [line.rstrip() for line in output.rstrip("\n").split("\n")]
    if not remark.startswith("shown "):
        return "\n".join(lines) + "\n"
    kept: list[str] = []
    at = 0
    for part in remark.removeprefix("shown ").split(", "):
        match = SHOWN.fullmatch(part)
        assert match, f"not a remark: {remark}"
        start = at if match[1] is None else _line_with(lines, match[1], at)
        end = len(lines) if match[2] is None else _line_with(lines, match[2], start)
        kept += [LEFT_OUT] if start > at else []
        kept += lines[start:end]
        at = end
    # A blank line beside the dots says nothing.
    kept += [LEFT_OUT] if at < len(lines) else []
    text = "\n".join(kept) + "\n"
    return re.sub(r"\n\n(?=\.\.\.\n)", "\n", re.sub(r"(?<=\.\.\.\n)\n", "", text))


def _line_with(lines: list[str], words: str, start: int) -> int:
    for number in range(start, len(lines)):
        if words in lines[number]:
            return number
    raise AssertionError(f"no line with {words!r} from line {start + 1} on in:\n" + "\n".join(lines))


def same(shown: str, came: str) -> bool:
    """Is the output what the page shows, but for how long it took?"""
    return SECONDS.sub("0 s", shown) == SECONDS.sub("0 s", came)


def renewed(text: str, folder: Path) -> str:
    """The page with the output that its blocks have now; times alone are not renewed."""
    for ran in reversed(run_page(text, folder)):
        if ran.shown is None:
            continue
        came = excerpt(ran.output, ran.shown.remark)
        if not same(ran.shown.body, came):
            text = text[: ran.shown.start] + came + text[ran.shown.end :]
    return text

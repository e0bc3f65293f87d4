"""What linters miss: the habits of docs/style.md, checked on the files themselves."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SRC = ROOT / "src" / "seawall"
PURE = ("money", "ledger", "market", "margin", "liquidation", "members", "waterfall", "fund", "engine")


def tracked() -> list[Path]:
    """Files that git tracks, or every file outside build folders where there is no git."""
    try:
        out = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
        return [ROOT / name for name in out.decode().split("\0") if name and (ROOT / name).is_file()]
    except (OSError, subprocess.CalledProcessError):
        skip = {".venv", ".git", "build", "dist"}
        return [p for p in ROOT.rglob("*") if p.is_file() and not skip & set(p.relative_to(ROOT).parts)]


# Put together here, so that this file does not name what it looks for.
FOLDERS = "|".join(("home", "root", "Users", "work", "tmp"))
PLACES = re.compile(rf"(?<![\w.])/(?:{FOLDERS})/\w|" + "|".join(("index" + "-url", "find" + "-links", "file:" + "//")))
FILES = tracked()
TEXT = [p for p in FILES if p.suffix in {".py", ".toml", ".md", ".txt", ".in", ""} and p.name != "LICENSE"]
MODULES = sorted(SRC.rglob("*.py"))


def ident(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_tidy_no_large_or_foreign_files():
    for path in FILES:
        assert path.stat().st_size <= 300_000, f"{ident(path)} is large"
        assert path.suffix not in {".parquet", ".whl", ".so", ".zip", ".js"}, ident(path)
        assert path.name not in {"uv.lock", "pylock.toml"}, ident(path)


@pytest.mark.parametrize("path", TEXT, ids=ident)
def test_tidy_text(path):
    text = path.read_text(encoding="utf-8")
    assert text.endswith("\n") or not text, "no line feed at the end"
    for number, line in enumerate(text.splitlines(), 1):
        assert line == line.rstrip(), f"line {number} ends with blanks"
        assert "\t" not in line or path.name == "Makefile", f"line {number} has a tab"
    found = PLACES.search(text)
    assert not found, f"names a place of a machine or a package registry: {found}"


@pytest.mark.parametrize("path", MODULES, ids=ident)
def test_tidy_modules_are_short_and_functions_too(path):
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= 520, "module is too long"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno
            assert length <= 80, f"{node.name} has {length} lines"


@pytest.mark.parametrize("path", sorted(SRC.glob("*/__init__.py")), ids=ident)
def test_tidy_a_face_is_a_sentence_and_names(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    sentence = ast.get_docstring(tree) or ""
    assert sentence.endswith(".") or path.parent.name == "cli", f"no sentence: {sentence!r}"
    assert len(sentence.splitlines()) == 1
    for node in tree.body[1:]:
        assert isinstance(node, ast.ImportFrom | ast.Assign), f"a face defines nothing: line {node.lineno}"


@pytest.mark.parametrize("path", [p for p in MODULES if p.parent.name in PURE], ids=ident)
def test_tidy_no_float_becomes_money(path):
    """True division of numbers that are not fractions, float literals and clocks have no place under the engine."""
    if path.name in {"portfolio.py"}:
        return  # the one float below risk: a screen with a proven bound
    lines = path.read_text(encoding="utf-8").splitlines()
    for node in ast.walk(ast.parse("\n".join(lines))):
        line = lines[node.lineno - 1] if hasattr(node, "lineno") else ""
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            assert "# exact: Fraction" in line, f"line {node.lineno}: {line.strip()}"
        if isinstance(node, ast.Constant):
            assert not isinstance(node.value, float), f"line {node.lineno}: {line.strip()}"
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [a.name for a in node.names] + [getattr(node, "module", "") or ""]
            assert not {"time", "random", "datetime", "socket"} & set(names), f"line {node.lineno}: {line.strip()}"


def test_tidy_no_venue_in_code():
    names = ("hyperliquid", "binance", "dydx", "bitmex", "deribit", "drift", "vega")
    for path in MODULES:
        if path.parent.name == "cli":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Compare):
                for side in (node.left, *node.comparators):
                    value = side.value if isinstance(side, ast.Constant) else None
                    assert value not in names, f"{ident(path)} line {node.lineno} decides by a venue's name"


def test_tidy_public_names_have_docstrings_and_exist():
    import importlib

    for face in ("", *sorted(p.parent.name for p in SRC.glob("*/__init__.py"))):
        module = importlib.import_module(f"seawall.{face}".rstrip("."))
        for name in module.__all__:
            assert getattr(module, name, None) is not None, f"{module.__name__}.{name}"


def test_tidy_every_refusal_is_documented():
    text = (SRC / "engine" / "refusals.py").read_text(encoding="utf-8")
    body = text[text.index("class Refused") : text.index("class Rejection")]
    members = [line for line in body.splitlines() if ' = "' in line]
    assert len(members) >= 15
    assert all("  # " in line for line in members)


def test_tidy_version_is_in_the_changelog():
    import seawall

    assert f"## {seawall.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f'version = "{seawall.__version__}"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")

"""The documents say what is true: code blocks run, generated pages are fresh, names exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from seawall.cli.main import app
from seawall.tables import columns_markdown, policy_names, scenarios_markdown

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_docs_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), f"{target} does not exist"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_docs_python_blocks_run(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, file in re.findall(r"```toml\n# (\w+\.toml)\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
        (tmp_path / name).write_text(file, encoding="utf-8")
    for block in re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
        exec(compile(block, str(page), "exec"), {})


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_docs_commands_exist(page):
    known = {c.name or c.callback.__name__ for c in app.registered_commands} | {g.name for g in app.registered_groups}
    for command in re.findall(r"(?:^|`)seawall ([a-z]+)", page.read_text(encoding="utf-8"), re.MULTILINE):
        assert command in known, f"seawall {command} does not exist"


def test_docs_input_files_page_is_fresh():
    page = (ROOT / "docs" / "reference" / "input-files.md").read_text(encoding="utf-8")
    assert columns_markdown().strip() in page, "run columns_markdown() again"


def test_docs_scenarios_page_is_fresh():
    page = (ROOT / "docs" / "reference" / "scenarios.md").read_text(encoding="utf-8")
    assert page.endswith(scenarios_markdown()), "run scripts/pages again"


def test_docs_policy_page_names_every_preset():
    page = (ROOT / "docs" / "reference" / "policy.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in page for name in policy_names())

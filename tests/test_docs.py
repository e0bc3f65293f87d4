"""The documents say what is true: blocks run and show what came, made pages and pictures are fresh, names exist."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest
from pages.__main__ import EXPLANATION, drawn, tables
from pages.__main__ import pages as all_pages
from pages.blocks import FENCE, ROOT, blocks_of, excerpt, run_page, same

from seawall.cli.main import app
from seawall.tables import policy_names

PAGES = all_pages()
RUN = [p for p in PAGES if any(b.kind in ("bash", "python") for b in blocks_of(p.read_text(encoding="utf-8")))]
PICTURES = sorted((ROOT / "docs" / "pictures").glob("*.svg"))


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def anchors(page: Path) -> set[str]:
    """Anchors of a page's headings, as web pages make them."""
    found = set()
    for heading in re.findall(r"^#+ (.+)$", FENCE.sub("", page.read_text(encoding="utf-8")), re.MULTILINE):
        found.add(re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-"))
    return found


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_docs_links_lead_somewhere(page):
    for target, anchor in re.findall(r"\]\(([^)#:]*)(?:#([^)]+))?\)", page.read_text(encoding="utf-8")):
        there = page.parent / target if target else page
        assert there.exists(), f"{target} does not exist"
        assert not anchor or anchor in anchors(there), f"{target or page.name} has no heading #{anchor}"


def test_docs_the_map_names_every_page():
    linked = {
        (ROOT / "docs" / t).resolve()
        for t in re.findall(r"\]\(([^)#:]+)\)", (ROOT / "docs" / "index.md").read_text(encoding="utf-8"))
    }
    for page in PAGES:
        if page.name != "index.md":
            ways = {page, page.parent, page.parent / "index.md"}  # itself, its folder, the list in its folder
            assert ways & linked, f"docs/index.md does not lead to {name(page)}"


@pytest.mark.parametrize("page", RUN, ids=name)
def test_docs_blocks_run_and_show_what_came(page, tmp_path):
    for ran in run_page(page.read_text(encoding="utf-8"), tmp_path):
        if ran.shown is not None:
            came = excerpt(ran.output, ran.shown.remark)
            assert same(ran.shown.body, came), (
                f"{name(page)} is stale, run make docs\n--- shown\n{ran.shown.body}--- came\n{came}"
            )


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_docs_commands_exist(page):
    known = {c.name or c.callback.__name__ for c in app.registered_commands} | {g.name for g in app.registered_groups}
    for command in re.findall(r"(?:^|`)seawall ([a-z]+)", page.read_text(encoding="utf-8"), re.MULTILINE):
        assert command in known, f"seawall {command} does not exist"


@pytest.mark.parametrize(("path", "text"), tables().items(), ids=lambda v: v.name if isinstance(v, Path) else "")
def test_docs_made_pages_are_fresh(path, text):
    assert path.read_text(encoding="utf-8") == text, f"{name(path)} is stale, run make docs"


def test_docs_every_argument_and_option_says_what_it_means():
    page = (ROOT / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")
    rows = [r for r in page.splitlines() if r.startswith("| `")]
    assert len(rows) > 50
    assert not [r for r in rows if len(r.replace("\\|", "").split("|")[4].strip()) < 8]


def test_docs_pictures_are_fresh_and_used():
    page = EXPLANATION.read_text(encoding="utf-8")
    made = drawn()
    assert {p.stem for p in PICTURES} == set(made)
    for picture, text in made.items():
        path = ROOT / "docs" / "pictures" / f"{picture}.svg"
        assert path.read_text(encoding="utf-8") == text, f"{name(path)} is stale, run make docs"
        assert f"](pictures/{picture}.svg)" in page, f"{picture} is not shown"


@pytest.mark.parametrize("picture", PICTURES, ids=name)
def test_docs_pictures_have_a_ground_and_nothing_from_elsewhere(picture):
    text = picture.read_text(encoding="utf-8")
    root = ElementTree.fromstring(text)
    x, y, width, height = (float(v) for v in root.get("viewBox").split())
    ground = next(e for e in root.iter() if e.get("class") == "ground")
    box = tuple(float(ground.get(k)) for k in ("x", "y", "width", "height"))
    assert box == (x, y, width, height), "the ground does not fill the picture"
    assert ".ground{fill:var(--ground)}" in text and "prefers-color-scheme:dark" in text
    assert root.get("aria-label")
    assert not re.search(r"href|url\((?!#)|@import|<script", text), "something is loaded"


def test_docs_the_tutorial_tells_the_three_stories_that_its_table_shows():
    text = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
    head = re.search(r"^amounts in USDC +(\S+) +(\S+) +(\S+)$", text, re.MULTILINE)
    assert head and head.groups() == ("hyperliquid", "binance", "dydx-v4")
    rows = {m[1].strip(): m.groups()[1:] for m in re.finditer(r"^(.{24}) +(\S+) +(\S+) +(\S+)$", text, re.MULTILINE)}
    assert [n != "0" for n in rows["taken over accounts"]] == [True, False, False]
    assert [n != "0" for n in rows["deleveraged accounts"]] == [True, False, True]
    assert [n != "0" for n in rows["bad debt"]] == [False, False, True]
    assert rows["paid by house account"][2] not in ("0", "-")


def test_docs_make_demo_is_the_command_that_the_readme_shows():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(r"^demo:.*\n(\t@scripts/setup base\n)?\t@\.venv/bin/seawall demo$", makefile, re.MULTILINE)


def test_docs_scripts_can_be_run():
    for script in (ROOT / "scripts").iterdir():
        done = subprocess.run(["bash", "-n", script], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert script.stat().st_mode & 0o111, f"{script.name} is not executable"


def test_docs_policy_page_names_every_preset():
    page = (ROOT / "docs" / "reference" / "policy.md").read_text(encoding="utf-8")
    assert all(f"`{policy}`" in page for policy in policy_names())


# ---- the runner of blocks itself

PAGE = """Text.

```bash
echo one; echo two; echo three took 0.5 s
```

<!-- shown from "two" -->
```text
...
two
three took 9.9 s
```

<!-- exit 2 -->
```bash
exit 2
```

```python
left = 1
```

```python
print(left + 1)
```

```text
2
```
"""


def test_blocks_run_in_order_and_share_folder_and_names(tmp_path):
    ran = run_page(PAGE, tmp_path)
    assert [r.block.kind for r in ran] == ["bash", "bash", "python", "python"]
    for r in ran:
        assert r.shown is None or same(r.shown.body, excerpt(r.output, r.shown.remark)), r


@pytest.mark.parametrize(
    ("was", "instead", "says"),
    [
        ("exit 2\n```", "exit 3\n```", "ended with 3 instead of 2"),
        ('from "two"', 'from "four"', "no line with 'four'"),
        ("echo one;", "false;", "ended with 1 instead of 0"),
    ],
)
def test_blocks_that_fail_are_found(tmp_path, was, instead, says):
    assert was in PAGE
    with pytest.raises(AssertionError, match=says):
        for r in run_page(PAGE.replace(was, instead), tmp_path):
            if r.shown is not None:
                excerpt(r.output, r.shown.remark)


@pytest.mark.parametrize(("was", "instead"), [("echo two", "echo too; echo two again"), ("left + 1", "left + 2")])
def test_blocks_whose_output_differs_are_found(tmp_path, was, instead):
    assert was in PAGE
    ran = run_page(PAGE.replace(was, instead), tmp_path)
    assert not all(r.shown is None or same(r.shown.body, excerpt(r.output, r.shown.remark)) for r in ran)


@pytest.mark.parametrize(
    ("remark", "text"),
    [
        ("", "a\n\nb\nc\nd\n"),
        ('shown to "b"', "a\n...\n"),
        ('shown from "c"', "...\nc\nd\n"),
        ('shown from "b" to "c"', "...\nb\n...\n"),
        ('shown to "b", from "d"', "a\n...\nd\n"),
    ],
)
def test_blocks_excerpts_show_what_is_left_out(remark, text):
    assert excerpt("a\n\nb\nc\nd\n", remark) == text

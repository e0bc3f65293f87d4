"""A page per preset: what it stands for, its layers in order in words, its picture, its weaknesses, its file."""

from __future__ import annotations

from pathlib import Path

from seawall.engine import Policy
from seawall.tables import policy_names, read_policy
from seawall.tables.vocabulary import VOCABULARY
from seawall.views.document import Document, words
from seawall.views.ladder import policy_picture
from seawall.views.rules import rules_in_words
from seawall.views.svg import grounded

NOTE = "<!-- Written by scripts/pages from the preset; change that, not this. -->"


def policy_pages() -> dict[str, str]:
    """File name -> text of everything under ``docs/policies``: a page and a picture per preset, and the list."""
    found = {"index.md": _index()}
    for name in policy_names():
        policy = read_policy(name)
        found[f"{name}.md"] = policy_page(policy)
        found[f"{name}.svg"] = grounded(policy_picture(policy))
    return found


def write_pages(folder: Path) -> None:
    """Write them all; files there that are no page any more are removed."""
    folder.mkdir(parents=True, exist_ok=True)
    pages = policy_pages()
    for old in folder.iterdir():
        if old.suffix in (".md", ".svg") and old.name not in pages:
            old.unlink()
    for name, text in pages.items():
        (folder / name).write_text(text, encoding="utf-8")


def _index() -> str:
    rows = [(p, " → ".join([*(rule.name for rule in p.layers), "residual"])) for p in map(read_policy, policy_names())]
    lines = ["# Presets", "", NOTE, "", "| policy | who pays, in order | represents |", "|---|---|---|"]
    lines += [f"| [{p.name}]({p.name}.md) | {_backstop(p)}{order} | {p.represents} |" for p, order in rows]
    lines += ["", "`seawall policy diff A B` says what differs between two of them, key by key.", ""]
    return "\n".join(lines)


def _backstop(policy: Policy) -> str:
    rule = policy.liquidation.backstop
    return "" if rule is None else f"backstop ({rule.account}) → "


def policy_page(policy: Policy) -> str:
    """The page of one preset."""
    said = rules_in_words(policy, Document({}))
    layers = [name for name, _ in said if name.startswith("then ")]
    lines = [f"# {policy.name}", "", NOTE, "", f"{policy.represents}.", ""]
    lines += [f"Source: {policy.source}.", "", f"![Who pays under {policy.name}]({policy.name}.svg)", ""]
    lines += ["## Rules in words", ""]
    for name, parts in said:
        title = name.removeprefix("then ")
        number = f"{layers.index(name) + 1}. " if name in layers else "- "
        lines.append(f"{number}**{title[:1].upper() + title[1:]}.** {words(parts)}")
        if name not in layers or name == layers[-1]:
            lines.append("")
    lines += ["## What the file leaves out", "", policy.cannot_represent, ""]
    lines += ["## Known weaknesses of the venue’s own rule", "", policy.known_weaknesses, ""]
    lines += ["## The file", "", f"`seawall policy show {policy.name}` prints it; assumptions are marked in it.", ""]
    return "\n".join(lines)


def vocabulary_markdown() -> str:
    """The table of every key for ``docs/reference/policy.md``, by table of the file."""
    lines: list[str] = []
    table = None
    for key in VOCABULARY:
        if key.table != table:
            table = key.table
            lines += ["", f"### {_heading(table)}", "", "| key | may be | meaning |", "|---|---|---|"]
        lines.append(f"| `{key.name}` | {key.form} | {key.means} |")
    return "\n".join(lines).strip() + "\n"


ROWS = ("layers", "house", "halts", "margin.haircuts", "layers.limit_per_period", "halts.starts", "halts.ends")


def _heading(table: str) -> str:
    if not table:
        return "At the top"
    return f"`[[{table}]]`" if table in ROWS else f"`[{table}]`"

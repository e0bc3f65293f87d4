"""The policy pages: generated ones are fresh, examples read, the tutorial's commands print what it says. Ids policy-docs-*."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from tests.tables.test_policy_check import SOUND
from typer.testing import CliRunner

from seawall.cli.main import app
from seawall.liquidation import FeeKind, LimitKind, PaceKind
from seawall.tables import policy_from_mapping, policy_names, read_policy
from seawall.views.policy_pages import policy_pages, vocabulary_markdown
from seawall.waterfall import LayerKind, RankRule

DOCS = Path(__file__).resolve().parents[2] / "docs"
TUTORIAL = (DOCS / "tutorial-own-venue.md").read_text(encoding="utf-8")
REFERENCE = (DOCS / "reference" / "policy.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```toml\n(.*?)```", REFERENCE, re.DOTALL)


@pytest.mark.parametrize("name", sorted(policy_pages()))
def test_policy_docs_pages_are_fresh(name):
    assert (DOCS / "policies" / name).read_text(encoding="utf-8") == policy_pages()[name], "run scripts/pages"


def test_policy_docs_no_page_is_left_over():
    assert {p.name for p in (DOCS / "policies").iterdir()} == set(policy_pages())


def test_policy_docs_vocabulary_is_fresh():
    assert REFERENCE.endswith(vocabulary_markdown()), "run scripts/pages"


def example(text: str):
    """An example laid over a whole policy: its tables replace those of the policy, and the fund is there if it is used."""
    given = tomllib.loads(text)
    whole = {k: v for k, v in SOUND.items() if k not in ("layers", "house", "deleverage")}
    house = [SOUND["house"][0]] if 'account = "fund"' in text else []
    return policy_from_mapping({**whole, **given, "house": house + given.get("house", [])}, "policy.md")


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_policy_docs_examples_are_sound(number):
    assert example(EXAMPLES[number]).name == "sound"


def test_policy_docs_show_every_kind_of_layer():
    shown = {rule.kind for text in EXAMPLES for rule in example(text).layers}
    assert shown == set(LayerKind)


def test_policy_docs_every_kind_has_a_row_that_says_what_it_does():
    rows = set(re.findall(r"^\| `(\w+)` \| \w", REFERENCE[: REFERENCE.index("## Every key")], re.MULTILINE))
    assert rows == {kind.value for kinds in (LayerKind, RankRule, PaceKind, LimitKind, FeeKind) for kind in kinds}


def test_policy_docs_presets_are_said_to_use_what_they_use():
    uses: dict[str, set[str]] = {}
    for policy in map(read_policy, policy_names()):
        rules = [r for r in (policy.deleverage, *(layer.deleverage for layer in policy.layers)) if r is not None]
        for used in (*(rule.rank for rule in rules), *(layer.kind for layer in policy.layers)):
            uses.setdefault(used.value, set()).add(policy.name)
    for kind, last in re.findall(r"^\| `(\w+)` \|.*\| ([^|]+) \|$", REFERENCE, re.MULTILINE):
        said = set(re.findall(r"`([\w-]+)`", last)) & set(policy_names())
        assert said <= uses.get(kind, set()), (kind, said, uses.get(kind))
        assert last != "no preset" or kind not in uses, (kind, uses.get(kind))


def test_policy_docs_tutorial_commands_print_what_it_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (file,) = re.findall(r"```toml\n(.*?)```", TUTORIAL, re.DOTALL)
    Path("mine.toml").write_text(file, encoding="utf-8")
    runner = CliRunner()
    blocks = re.findall(r"```sh\n(.*?)```(?:\n\n```text\n(.*?)```)?", TUTORIAL, re.DOTALL)
    assert len(blocks) == 2
    for command, printed in blocks:
        done = runner.invoke(app, command.split()[1:])
        assert done.exit_code == 0, done.output
        for expected, line in zip(printed.splitlines(), done.stdout.splitlines() if printed else [], strict=True):
            assert re.fullmatch(re.escape(expected).replace(r"\.\.\.", ".+"), line), (expected, line)
    wrong = Path("wrong.toml")
    wrong.write_text(file.replace('account = "fund"', 'account = "found"'), encoding="utf-8")
    refused = runner.invoke(app, ["policy", "check", "wrong.toml"])
    (said,) = re.findall(r"gives\n`(.*?)`", TUTORIAL)
    assert said in str(refused.exception), refused.exception

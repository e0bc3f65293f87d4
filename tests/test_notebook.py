"""In a notebook a result shows itself: whole, small, and without loading anything. Ids nb-*."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

import seawall as sw

BOOK, EVENT = "generate:accounts=300,seed=7", "2025-10-10"
SMALL = 200_000  # characters; a notebook of ten such cells stays under two megabytes
VOID = {"br", "hr", "img", "input", "meta", "link", "col", "rect", "line", "path", "circle", "use", "wbr"}


class Tags(HTMLParser):
    """Which elements there are, and whether each is closed in its turn."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.open: list[str] = []
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen.append(tag)

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, f"</{tag}> closes {self.open[-3:]}"
        self.open.pop()


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    run = sw.replay(BOOK, EVENT, "hyperliquid", out=tmp_path_factory.mktemp("nb") / "run")
    comparison = sw.compare(BOOK, EVENT, ["hyperliquid", "dydx-v4"], workers=1)
    explanation = sw.explain(run, run.accounts["account"][0])
    return {"run": run, "comparison": comparison, "explanation": explanation}


@pytest.mark.parametrize("what", ["run", "comparison", "explanation"])
def test_nb_shows_itself_small_and_whole(shown, what):
    markup = shown[what]._repr_html_()
    assert 500 < len(markup) < SMALL, len(markup)
    tags = Tags(markup)
    assert tags.open == [], "not closed"
    assert not {"script", "iframe", "link", "img", "object"} & set(tags.seen)
    assert not re.search(r'(?:src|href)="(?!#|data:)|@import|url\((?!#|data:)', markup), "something is loaded"


def test_nb_says_what_the_result_says(shown):
    run = shown["run"]
    markup = run._repr_html_()
    assert "GENERATED BOOK" in markup
    assert (
        f'data-path="liquidated.accounts" data-kind="count" value="{run.summary["liquidated"]["accounts"]}"' in markup
    )
    for policy in ("hyperliquid", "dydx-v4"):
        assert policy in shown["comparison"]._repr_html_()
    assert run.accounts["account"][0] in shown["explanation"]._repr_html_()


def test_nb_reports_are_one_call(shown, tmp_path):
    for what in ("run", "comparison"):
        page = shown[what].report(tmp_path / f"{what}.html")
        assert page.read_text(encoding="utf-8").startswith("<!doctype html>"), what

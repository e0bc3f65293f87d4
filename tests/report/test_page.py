"""The page itself: ids page-*: one file, no script, nothing loaded, everything escaped; the command; notebooks."""

from __future__ import annotations

import copy
import json
import re
import subprocess
import sys
from dataclasses import replace

import pytest
from tests.report.pages import read

from seawall.errors import InputError
from seawall.replay import Comparison, Record, open_record
from seawall.report import report_page, write_report, write_tables


def test_page_is_one_file_that_asks_for_nothing(either):
    page = read(either.page.read_text(encoding="utf-8"))
    assert not {"script", "link", "iframe", "img", "object", "form"} & {e.tag for e in page.tags}
    for element in page.tags:
        assert not [k for k in element.attributes if k.startswith("on") or k == "style"], element
        for name in ("href", "src", "xlink:href"):
            assert element.attributes.get(name, "#")[:5] in ("#", "data:") or element.attributes[name].startswith(
                "#"
            ), element
    (policy,) = [e for e in page.tags if e.attributes.get("http-equiv") == "Content-Security-Policy"]
    assert policy.attributes["content"].startswith("default-src 'none'; style-src 'sha256-")


def test_page_has_every_section_in_order(made):
    page = read(made.page.read_text(encoding="utf-8"))
    order = [
        "timeline",
        "waterfall",
        "bearing",
        "backstop",
        "marks",
        "sensitivity",
        "policy",
        "conservation",
        "limits",
        "sources",
        "check",
    ]
    assert [e.attributes["id"] for e in page.tags if e.tag == "section"] == order
    assert [a["href"][1:] for a in page.links if a["href"].startswith("#")][1:] == order
    ids = [e.attributes["id"] for e in page.tags if "id" in e.attributes]
    assert len(ids) == len(set(ids)), "an id stands twice"


def test_page_says_generated_and_how_to_check(made):
    text = made.page.read_text(encoding="utf-8")
    summary = made.record.summary
    assert "GENERATED BOOK" in text and summary["state_hash"] in text and summary["policy"]["hash"] in text
    assert "--compare-marks" in text and "seawall replay run " in text
    assert "known weaknesses" in text and "cannot represent" in text


def test_page_is_the_same_twice(either):
    assert report_page(either.record) == either.page.read_text(encoding="utf-8")


def test_page_from_memory_needs_no_directory(made):
    text = report_page(replace(made.record, path=None))
    assert "Is every unit accounted for?" in text and "known weaknesses" in text


HOSTILE = "<script>alert(1)</script>\"'&"


def test_page_escapes_what_files_bring(made):
    summary = copy.deepcopy(made.record.summary)
    summary["title"] = summary["event"] = HOSTILE
    summary["notes"] = [HOSTILE]
    frames = dict(made.record.frames)
    import polars as pl

    frames["accounts"] = frames["accounts"].with_columns((pl.lit(HOSTILE) + pl.col("account")).alias("account"))
    text = report_page(Record(summary, frames, None))
    assert "<script" not in text
    assert "script" not in {e.tag for e in read(text).tags}


def test_page_of_a_run_without_any_step_or_loss(made):
    """A quiet run: nobody liquidated, nothing deleveraged, still a whole page."""
    summary = copy.deepcopy(made.record.summary)
    frames = {
        n: f.clear() if n in ("timeline", "accounts", "deleveragings") else f for n, f in made.record.frames.items()
    }
    none = {"accounts": 0, "top1": None, "top10": None, "top20": None, "gini": None}
    summary["concentration"] = dict.fromkeys(summary["concentration"], none)
    summary["deleveraged"] |= {"accounts": 0, "notional": "0", "needed": "0", "collected": "0", "largest": []}
    text = report_page(Record(summary, frames, None))
    assert "Nobody was deleveraged" in text and "The run has no step." in text


def test_page_broken_conservation_is_shouted(made):
    summary = copy.deepcopy(made.record.summary)
    summary["conservation"]["ok"] = False
    text = report_page(Record(summary, made.record.frames, None))
    assert text.index("CONSERVATION IS BROKEN") < text.index("<h1>")


def test_page_refuses_places_it_cannot_write(made, tmp_path):
    with pytest.raises(InputError, match="folder does not exist"):
        write_report(made.record, tmp_path / "no" / "x.html")
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(InputError, match="not a folder"):
        write_tables(made.record, tmp_path / "file")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file"], "a part was left behind"


def seawall(*arguments: str) -> subprocess.CompletedProcess[str]:
    code = "from seawall.cli import main; main()"
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)


def test_page_command_writes_page_tables_and_document(made, tmp_path):
    done = seawall(
        "report", str(made.record.path), "--out", str(tmp_path / "r.html"), "--tables", str(tmp_path / "t"), "--json"
    )
    assert done.returncode == 0, done
    document = json.loads(done.stdout)
    assert document["state_hash"] == made.record.summary["state_hash"]
    assert (tmp_path / "r.html").read_bytes() == made.page.read_bytes()
    assert json.loads((tmp_path / "t" / "report.json").read_text(encoding="utf-8")) == document


def test_page_command_reports_a_comparison(compared, tmp_path):
    done = seawall("report", str(compared.folder / "comparison"), "--out", str(tmp_path / "c.html"))
    assert done.returncode == 0 and done.stdout == f"wrote {tmp_path / 'c.html'}\n", done
    assert (tmp_path / "c.html").read_bytes() == compared.page.read_bytes()


def test_page_comparison_has_every_section(compared):
    page = read(compared.page.read_text(encoding="utf-8"))
    order = ["measures", "waterfalls", "fund", "intervals", "policies", "conservation", "limits", "sources", "check"]
    assert [e.attributes["id"] for e in page.tags if e.tag == "section"] == order


@pytest.mark.parametrize("count", [1, 7])
def test_page_comparison_of_one_and_of_many(compared, count):
    """One policy has nobody to be compared with; many lie downwards instead of beside each other."""
    document = copy.deepcopy(compared.record.document)
    names = [f"rules-{n}" for n in range(count)]
    (seed,) = {r["seed"] for r in document["rows"] if r["seed"] == document["seeds"][0]}
    for key in ("rows", "layers", "policies"):
        mine = [r for r in document[key] if r["policy"] == "hyperliquid" and r.get("seed", seed) == seed]
        document[key] = [{**r, "policy": name} for name in names for r in mine]
    document |= {"seeds": [seed], "intervals": []}
    page = read(report_page(Comparison(document, compared.record.timelines)))
    assert page.loose == []
    assert {"rules-0", names[-1]} <= {t.text for t in page.texts}


def test_page_shows_both_mark_rules_when_they_were_run(tmp_path):
    """--compare-marks is kept in the run directory, and the report says who falls under one rule only."""
    run = tmp_path / "run"
    done = seawall(
        *(
            "replay",
            "2025-10-10",
            "--book",
            "generate:accounts=400,seed=7",
            "--compare-marks",
            "--out",
            str(run),
            "--json",
        )
    )
    assert done.returncode == 0, done
    found = json.loads((run / "summary.json").read_text(encoding="utf-8"))["marks_compared"]
    assert found == json.loads(done.stdout)["marks_compared"]
    page = read(report_page(open_record(run)))
    shown = {e.attributes["data-path"]: e.attributes["value"] for e in page.figures if e.tag == "data"}
    for key in ("both", "only_banded", "only_last"):
        assert shown[f"marks_compared.{key}"] == str(found[key])


def test_page_command_refuses_what_is_no_run(tmp_path):
    done = seawall("report", str(tmp_path))
    assert done.returncode == 2 and "not a run directory" in done.stderr, done


def test_page_runs_show_themselves_in_notebooks(tmp_path):
    code = (
        "import seawall as sw; run = sw.replay('generate:accounts=300,seed=1', '2021-05-19');"
        "import sys; from pathlib import Path; print(run.report(Path(sys.argv[1]) / 'r.html').stat().st_size > 10**5); print(run._repr_html_())"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    first, _, text = done.stdout.partition("\n")
    assert first == "True" and text.count("<figure") == 2 and "GENERATED BOOK" in text
    style = re.search(r"<style>(.*?)</style>", text, re.S)
    assert style and "<script" not in text
    selectors = re.findall(r"([^{}@;]+)\{", re.sub(r"@media[^{]*\{", "", style[1]))
    assert selectors and all(re.match(r"\.(pic|seawall)\b", part.strip()) for s in selectors for part in s.split(","))

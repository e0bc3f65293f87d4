"""Every figure of a report equals its document: ids fig-*. The page is parsed by the standard library, not by ours."""

from __future__ import annotations

import base64
import csv
import io
import json
from decimal import Decimal
from urllib.parse import unquote_to_bytes

import polars as pl
import pytest
from tests.report.pages import parsed, read, shows, stated

from seawall.replay.words import headline


@pytest.fixture(scope="module")
def page(either):
    return read(either.page.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def document(either):
    return json.loads((either.tables / "report.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def report(made):
    """The document of the run."""
    return json.loads((made.tables / "report.json").read_text(encoding="utf-8"))


def test_fig_each_equals_the_document(page, document):
    assert len(page.figures) > 150
    for element in page.figures:
        path = element.attributes["data-path"]
        found = parsed(path, document)
        value = found if isinstance(found, str) else json.dumps(found)
        assert stated(element) == value, f"{path}: the page says {stated(element)}, the document {value}"


def test_fig_each_is_written_fairly(page):
    for element in page.figures:
        kind = element.attributes["data-kind"]
        assert shows(kind, stated(element), element.text), (element.attributes, element.text)


def test_fig_quoted_text_is_the_documents(page, document):
    assert len(page.texts) > 40
    for element in page.texts:
        assert element.text == str(parsed(element.attributes["data-path"], document)), element


def test_fig_no_number_stands_outside_figures(page):
    assert page.loose == [], "numbers without a path"


def test_fig_the_reading_can_fail(made, report):
    """The checks above see a changed digit, a changed value and a loose number."""
    text = made.page.read_text(encoding="utf-8").replace("<footer>", "<footer><p>about 7 of them</p>")
    assert [t for _, t in read(text).loose] == ["about 7 of them"]
    assert not shows("amount", "1365773.960862", "1.38m") and shows("amount", "1365773.960862", "1.37m")
    assert not shows("count", "558", "559") and not shows("share", "0.7352", "73.6\u202f%")
    assert not shows("clock", str(1760131200 * 10**9), "21:21")
    with pytest.raises(KeyError):
        parsed("deleveraged.nobody", report)


def test_fig_headline_is_the_terminals(made, report):
    assert report["headline"] == headline(made.record.summary)


def test_fig_summary_is_the_runs_own(made, report):
    for key, value in made.record.summary.items():
        assert report[key] == value, key
    assert [r["time_ns"] for r in report["frames"]["timeline"]] == made.record.frames["timeline"]["time_ns"].to_list()


def test_fig_the_timeline_says_what_the_frame_says(made, report):
    """Peaks and lows are found again from the frame."""
    frame = made.record.frames["timeline"]
    derived = report["derived"]
    low = frame["equity_backstop"].min()
    assert Decimal(derived["fund_backstop"]["low"]) == low
    step = derived["liquidations"]["interval_ns"]
    sums = (
        frame.select(
            (pl.col("time_ns") // step * step).alias("start"),
            pl.col("liquidated_notional").diff().fill_null(pl.col("liquidated_notional").first()).alias("added"),
        )
        .group_by("start")
        .agg(pl.col("added").sum())
        .sort(["added", "start"], descending=[True, False])
    )
    assert derived["liquidations"]["peak_time_ns"] == sums["start"][0]
    assert Decimal(derived["liquidations"]["peak"]) == sums["added"][0]
    market = derived["price"]["market"]
    marks = frame[f"mark_{market}"]
    assert derived["price"]["extreme"] in (marks.min(), marks.max())


def test_fig_unpaid_below_each_layer_ends_at_the_residual(report):
    rows = report["tables"]["waterfall"]["rows"]
    left = [Decimal(r["unpaid_below"]) for r in rows]
    assert left[0] <= Decimal(report["bad_debt"]) and left[-1] == Decimal(report["residual"])
    assert left == sorted(left, reverse=True)
    for row in rows:
        if row["before"] is not None:
            b, g, u, a = (Decimal(row[k]) for k in ("before", "gained", "used", "after"))
            assert b + g - u == a and a - b == Decimal(row["net"]), row


def test_fig_hardest_hit_are_the_hardest_hit(made, report):
    frame = made.record.frames["accounts"].sort(["deleveraged_notional", "account"], descending=[True, False])
    rows = report["tables"]["hardest"]["rows"]
    assert [r["account"] for r in rows] == frame["account"].to_list()[: len(rows)]
    events = made.record.frames["deleveragings"]
    for row in rows:
        mine = events.filter(pl.col("account") == row["account"])
        main = mine.sort("notional", descending=True).row(0, named=True)
        assert (row["market"], row["rank"]) == (main["market"], main["rank"]), row


def test_fig_downloads_hold_the_tables(either, page):
    """Each data: link is the same file that --tables writes."""
    links = [a for a in page.links if "download" in a]
    assert len(links) >= 15
    for link in links:
        head, _, body = link["href"].partition(",")
        data = base64.b64decode(body) if head.endswith(";base64") else unquote_to_bytes(body)
        assert data == (either.tables / link["download"]).read_bytes(), link["download"]


def test_fig_table_files_agree(either, document):
    names = sorted(p.stem for p in either.tables.glob("*.csv"))
    assert names == sorted(document["tables"]) and len(names) >= 5
    for name in names:
        rows = list(csv.DictReader(io.StringIO((either.tables / f"{name}.csv").read_text(encoding="utf-8"))))
        data = json.loads((either.tables / f"{name}.json").read_text(encoding="utf-8"))
        frame = pl.read_parquet(either.tables / f"{name}.parquet")
        assert len(rows) == len(data["rows"]) == frame.height, name
        for mine, theirs in zip(rows, data["rows"], strict=True):
            assert mine == {k: "" if v is None else str(v) for k, v in theirs.items()}, name


def test_fig_comparison_marks_the_best_and_the_worst(compared):
    """Verdicts on the page against the rows of the comparison: fewer winners deleveraged is better."""
    text = compared.page.read_text(encoding="utf-8")
    document = json.loads((compared.tables / "report.json").read_text(encoding="utf-8"))
    rows = document["tables"]["measures"]["rows"]
    (number,) = [n for n, r in enumerate(rows) if r["key"] == "deleveraged_accounts"]
    counts = {k: rows[number][k] for k in ("p0", "p1")}
    first = [r for r in document["rows"] if r["seed"] == document["seeds"][0]]
    assert list(counts.values()) == [r["deleveraged_accounts"] for r in first] and len(set(counts.values())) == 2
    for key, value in counts.items():
        cell = text.split(f'data-path="tables.measures.rows.{number}.{key}"')[1].split("</td>")[0]
        assert ("▲" in cell and "best" in cell) == (value == min(counts.values())), cell
        assert ("▼" in cell and "worst" in cell) == (value == max(counts.values())), cell


def test_fig_comparison_layers_are_whole(compared):
    document = json.loads((compared.tables / "report.json").read_text(encoding="utf-8"))
    assert len(document["tables"]["all-layers"]["rows"]) == len(document["layers"])
    assert {r["policy"] for r in document["tables"]["layers"]["rows"]} == {"hyperliquid", "dydx-v4"}
    assert len(document["frames"]["timelines"]) == compared.record.timelines.height


def test_fig_sensitivity_spread_is_of_values_that_occurred(report):
    rows = {r["key"]: r for r in report["tables"]["sensitivity"]["rows"]}
    seeds = [r for r in report["sensitivity"]["rows"] if r["case"] == "seed"]
    assert len(seeds) == 4
    for key in ("liquidated_accounts", "collected", "backstop_pnl"):
        values = sorted(Decimal(str(r[key])) for r in seeds)
        found = [Decimal(str(rows[key][k])) for k in ("min", "median", "max")]
        assert found == [values[0], values[1], values[-1]], key

"""Tables: ids tab-*. The four forms of a table say the same, and nothing is lost in any."""

from __future__ import annotations

import csv
import io
import json
from decimal import Decimal

import polars as pl
import pytest

from seawall.views.document import Document, Fig, find, html, join
from seawall.views.tables import Column, Table

TABLE = Table.of(
    "layers",
    "Who pays <first>",
    [
        Column("layer", "layer", "name"),
        Column("accounts", "accounts", "count"),
        Column("used", "used", "money", "USDC"),
        Column("price", "mark", "price"),
        Column("time_ns", "at", "clock"),
    ],
    [
        ["backstop", 12, Decimal("949004.123456"), 101213.8, 1760131200 * 10**9],
        ["=SUM(A1)", None, Decimal("-0.000001"), None, None],
    ],
    head="layer",
)


def test_tab_csv_is_exact_and_safe_to_open():
    rows = list(csv.DictReader(io.StringIO(TABLE.to_csv())))
    assert rows[0] == {
        "layer": "backstop",
        "accounts": "12",
        "used": "949004.123456",
        "price": "101213.8",
        "time_ns": "1760131200000000000",
    }
    assert rows[1]["layer"] == "'=SUM(A1)", "a spreadsheet would run it"
    assert rows[1]["used"] == "-0.000001", "a number below zero stays a number"
    assert rows[1]["accounts"] == ""


def test_tab_json_and_parquet_say_the_same():
    data = json.loads(TABLE.to_json())
    assert data["rows"][0]["used"] == "949004.123456" and data["rows"][1]["price"] is None
    frame = pl.read_parquet(io.BytesIO(TABLE.to_parquet()))
    assert frame.schema["used"] == pl.Decimal(38, 6)
    assert frame["used"].to_list() == [Decimal("949004.123456"), Decimal("-0.000001")]
    assert frame["time_ns"].to_list() == [1760131200 * 10**9, None]
    assert frame.columns == [c["key"] for c in data["columns"]]


def test_tab_without_rows_keeps_its_columns_and_types():
    empty = Table.of("none", "Nothing", TABLE.columns, [])
    assert empty.frame().schema == {
        "layer": pl.String,
        "accounts": pl.Int64,
        "used": pl.Decimal(38, 0),
        "price": pl.Float64,
        "time_ns": pl.Int64,
    }
    assert "none" in empty.html()


def test_tab_page_carries_path_and_value():
    page = TABLE.html()
    assert (
        '<data class="fig" data-path="tables.layers.rows.0.used" data-kind="money" value="949004.123456">949,004</data>'
        in page
    )
    assert "Who pays &lt;first&gt;" in page and "<first>" not in page
    assert '<th scope="row" class="id">' in page


def test_tab_rows_must_match_the_columns():
    with pytest.raises(ValueError, match="row 0"):
        Table("t", "T", TABLE.columns, ({"layer": "x"},))


def test_tab_paths_survive_dots_in_names():
    doc = Document({"a": {"BTC.X-PERP": [1, {"50%": 2}]}})
    path = join("a", "BTC.X-PERP", 1, "50%")
    assert find(doc.data, path) == 2 and doc.fig(path, "count").text == "2"
    with pytest.raises(KeyError, match="nothing at"):
        doc.fig("a.b", "count")


def test_tab_figures_escape_what_a_file_brought():
    hostile = Fig('x"><script>', '<script>alert("1")</script>', "text")
    assert "<script" not in html([hostile, "<script>"])

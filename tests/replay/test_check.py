"""A run somebody sent: the check finds a result that was altered. Ids check-*. Source: promise 5, anyone can check."""

from __future__ import annotations

import json
import shutil

import polars as pl
import pytest

import seawall as sw
from seawall.replay import check_run


@pytest.fixture(scope="module", params=["hyperliquid", "emir-ccp"])
def sent(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("sent") / "run"
    sw.replay("generate:accounts=1500,seed=7", "2025-10-10", request.param, out=folder)
    return folder


@pytest.fixture
def altered(sent, tmp_path):
    shutil.copytree(sent, tmp_path / "run")
    return tmp_path / "run"


def test_check_an_honest_run_agrees_in_everything(sent):
    found = check_run(sent)
    assert (found.ok, found.checked, found.differences) == (True, True, ())


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("residual", "5"),
        ("liquidated.accounts", 1),
        ("layers.0.used", "0.01"),
        ("conservation.assets.USDC.vault", "1"),
        ("backstop_pnl.total", "1"),
        ("bad_debt", "1"),
    ],
)
def test_check_names_the_figure_that_was_altered(altered, path, value):
    file = altered / "summary.json"
    document = json.loads(file.read_text(encoding="utf-8"))
    *way, last = path.split(".")
    at = document
    for key in way:
        at = at[int(key)] if isinstance(at, list) else at[key]
    if at is None or (isinstance(at, dict) and last not in at):
        pytest.skip(f"this policy's result has no {path}")
    at[last] = value
    file.write_text(json.dumps(document), encoding="utf-8")
    found = check_run(altered)
    assert found.log.ok, "the log is as it was"
    assert not found.ok
    assert [place for place, _, _ in found.differences] == [path], found.differences


@pytest.mark.parametrize("name", ["layers", "accounts"])
def test_check_names_the_frame_that_was_altered(altered, name):
    file = altered / f"{name}.parquet"
    frame = pl.read_parquet(file)
    frame.slice(0, frame.height - 1).write_parquet(file)
    found = check_run(altered)
    assert [place for place, _, _ in found.differences] == [f"{name}.parquet"], found.differences

"""Why was my winning position closed? Ids decision-cap-*. The venue is that of tests/engine/test_profitcap."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from tests.books import perp, snapshot
from tests.engine.test_profitcap import AGAINST_POOL, AMONG_MEMBERS, BTC, CASH, UNIT, S, rules
from tests.views.test_decision import write
from typer.testing import CliRunner

from seawall.cli.main import app
from seawall.engine import Marks, Resolve, open_state
from seawall.replay import check_run, open_record, replay
from seawall.tables import policy_from_mapping, read_policy
from seawall.tables.policy_file import policy_to_mapping
from seawall.views import explain


def told(folder, held, mark, **cash):
    book = snapshot(
        {name: amount * UNIT for name, amount in {**CASH, **cash}.items()},
        held,
        [perp()],
        roles={"pool": "backstop"},
        marks={BTC: 1_000},
    )
    commands = (Marks(S, {BTC: mark}), Resolve(3 * S))
    return write(folder / "run", open_state(book, rules(), {}), book, rules(), commands)[0]


@pytest.fixture
def run_of(tmp_path):
    return lambda held, mark, **cash: told(tmp_path, held, mark, **cash)


def test_decision_cap_a_winner_is_told_why_and_by_which_keys(run_of):
    (decision,) = explain(run_of(AGAINST_POOL, 1_090), "bob").decisions
    assert decision.kind == "deleveraged"
    assert "the profits of all longs in BTC-PERP were above their cap of what pool can pay" in decision.words
    assert "at the mark" in decision.words
    keys = dict(decision.keys)
    assert keys["profit_cap.account"] == "pool"
    assert (keys["profit_cap.cap"], keys["profit_cap.floor"]) == ("17/20", "77/100")
    assert (decision.queue.asked_lots, decision.queue.reached) == (4, 1)
    assert all(p.in_log for p in decision.postings)
    assert any("within the cap" in text for text in decision.avoided)


def test_decision_cap_the_event_itself_is_recomputed(run_of):
    path = run_of(AGAINST_POOL, 1_090)
    found = next(d for d in explain(path, "pool").decisions if d.kind == "profit_capped")
    assert "900.00 USDC of a pool of 1,000.00 USDC (90.0%)" in found.words
    results = {s.name: s.result for p in found.programs for s in p.steps}
    assert (results["needed"], results["most"], results["collected"]) == (333_333_334, 565_217_391, 360 * UNIT)


def test_decision_cap_says_why_nobody_was_closed(run_of):
    found = next(d for d in explain(run_of(AMONG_MEMBERS, 1_200), "pool").decisions if d.kind == "profit_capped")
    assert "at the cost of the others" in found.words


@pytest.fixture(scope="module")
def capped_run(tmp_path_factory):
    """A real path under caps of one percent, so that they bind."""
    rules = policy_to_mapping(read_policy("gmx-v2"))
    rules["profit_cap"] |= {"cap": "0.01", "floor": "0.008"}
    out = tmp_path_factory.mktemp("runs") / "run"
    return replay("generate:accounts=1500,seed=7", "2025-10-10", policy_from_mapping(rules), out=out)


def test_decision_cap_a_run_counts_it_and_the_log_agrees(capped_run):
    s = capped_run.summary
    cap, d = s["profit_cap"], s["deleveraged"]
    assert cap["times"] > 10 and cap["accounts"] == d["accounts"] > 10
    assert cap["notional"] == d["of_profit_cap_notional"] == d["notional"] != "0"
    assert (d["collected"], d["needed"], d["residual"], d["of_backstop_notional"]) == ("0", "0", "0", "0")
    assert s["conservation"]["ok"]
    (pool,) = s["layers"]
    assert sum(map(Decimal, pool["by_source"].values())) == Decimal(pool["after"]) - Decimal(pool["before"])
    assert Decimal(pool["by_source"]["deleveraging"]) == 0, "closed at the mark"
    frame = capped_run.deleveragings
    assert set(frame["cause"]) == {"profit_cap"} and set(frame["loss"]) == {0}
    assert frame["notional"].sum() == Decimal(d["notional"]) == capped_run.timeline["deleveraged_notional"][-1]
    found = check_run(capped_run.path)
    assert found.ok and found.checked, found.differences
    assert open_record(capped_run.path).summary["profit_cap"] == cap


def test_decision_cap_is_in_what_a_run_prints_and_in_its_json(capped_run):
    who = capped_run.summary["deleveraged"]["largest"][0]
    assert who["because"] == "profits of its side were above the cap of the pool"
    done = CliRunner().invoke(app, ["explain", str(capped_run.path), who["account"], "--json"])
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    assert any(d["kind"] == "deleveraged" and "above their cap" in d["words"] for d in document["decisions"])

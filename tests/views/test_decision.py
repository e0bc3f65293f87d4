"""Why me: explanations of a run. Ids decision-*.

What would have avoided a decision is held against the venue itself: the same commands again with that much more cash,
or the book at that mark, and one unit less must not be enough.
"""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from tests.books import perp, policy, snapshot
from tests.engine import test_portfolio

from seawall.engine import Deposit, Fill, Marks, Resolve, apply, open_state, state_hash
from seawall.engine.events import Deleveraged, LiquidationStarted
from seawall.errors import InputError
from seawall.journal import GENESIS, LogWriter, Manifest, create_run, find_events, state_before
from seawall.replay import replay
from seawall.tables import policy_from_canonical
from seawall.views import explain

UNIT = 10**6
S = 10**9


def write(folder, state, book, rules, commands, indexes=None):
    """A run directory made of these commands."""
    opening = state_hash(state)
    marks = {i.symbol: m for i, m in zip(book.instruments, state.marks, strict=True)}
    manifest = Manifest("hand", rules.name, rules.hash, 0, marks, opening, [], {}, "test", indexes or {})
    run = create_run(folder, book, manifest, rules.canonical())
    log = LogWriter(run.log, GENESIS(rules.hash, opening))
    events = []
    for command in commands:
        outcome = log.submit(state, command)
        assert outcome.rejection is None, outcome
        events.extend(outcome.events)
    log.close()
    return run.path, events


def crash(**cash):
    """At 850 ann is 500 short; the fund pays 100; dee (3 lots, high leverage) and bob (7 lots) stand against her."""
    held = {"ann": 1_000, "dee": 600, "bob": 5_000, "cyd": 9_000, "fund": 100, **cash}
    return snapshot(
        {name: amount if name in cash else amount * UNIT for name, amount in held.items()},
        [("ann", "BTC-PERP", 6, 1_000), ("dee", "BTC-PERP", -3, 1_000), ("bob", "BTC-PERP", -7, 1_001), ("cyd", "BTC-PERP", 4, 800)],
        [perp()],
        roles={"fund": "fund"},
        marks={"BTC-PERP": 1_000},
    )  # fmt: skip


COMMANDS = (Marks(S, {"BTC-PERP": 810}), Resolve(3 * S))


def outcome_with(**cash):
    """Who was liquidated and who was deleveraged when the venue runs again with other balances."""
    state = open_state(crash(**cash), policy(), {})
    events = [e for command in COMMANDS for e in apply(state, command).events]
    fallen = {e.account for e in events if isinstance(e, LiquidationStarted)}
    return fallen, {e.account for e in events if isinstance(e, Deleveraged)}


@pytest.fixture
def hand(tmp_path):
    book = crash()
    path, _ = write(tmp_path / "run", open_state(book, policy(), {}), book, policy(), COMMANDS)
    return path


@pytest.fixture(scope="module")
def event_run(tmp_path_factory):
    return replay("generate:accounts=8000,seed=7", "2025-10-10", out=tmp_path_factory.mktemp("runs") / "run").path


def exact(decision, kind):
    return next(a for a in decision.avoided_exact if a["kind"] == kind)


def test_decision_extra_collateral_is_the_least_that_avoids_a_liquidation(hand):
    decision = explain(hand, "ann").decisions[0]
    assert (decision.kind, decision.numbers.equity, decision.numbers.maintenance) == (
        "liquidation_started",
        "-140",
        "243",
    )
    extra = exact(decision, "collateral")["value"]
    assert extra == 383 * UNIT
    assert "ann" not in outcome_with(ann=1_000 * UNIT + extra)[0]
    assert "ann" in outcome_with(ann=1_000 * UNIT + extra - 1)[0]


def test_decision_the_mark_of_a_liquidation_is_exact(hand):
    # 1,000 + 6 (m - 1,000) >= 0.3 m: m >= 5,000 / 5.7 = 877.2, so 878 is the first whole mark.
    found = exact(explain(hand, "ann").decisions[0], "mark")
    assert (found["market"], found["value"]) == ("BTC-PERP", 878)


def test_decision_a_loss_says_what_the_layers_had(hand):
    (decision,) = explain(hand, f"{_first(hand, 'drawn')}").decisions
    assert decision.layers == ("none: it is the first that may pay for this loss",)
    assert [(p.source, p.target, p.amount, p.in_log) for p in decision.postings] == [("fund", "ann", "100", True)]


def test_decision_the_queue_and_what_would_have_kept_an_account_out(hand):
    (decision,) = explain(hand, _first(hand, "deleveraged")).decisions
    queue = decision.queue
    assert [(p.account, p.taken, p.lots) for p in queue.places] == [("dee", 3, 3), ("bob", 3, 7)]
    assert (queue.size, queue.reached, queue.asked_lots) == (2, 2, 6)
    # dee: profit 570 of 3,000 entered, 2,430 at the mark, equity 1,170: 0.19 x 2,430 / 1,170 = 0.3946...
    assert queue.places[0].score == 570 * UNIT * 10**9 // (3_000 * UNIT) * 2_430 // 1_170
    extra = exact(decision, "collateral")
    assert "not reached with it" in extra["checked"]
    with_it, without = (
        outcome_with(dee=600 * UNIT + extra["value"])[1],
        outcome_with(dee=600 * UNIT + extra["value"] - 1)[1],
    )
    assert with_it == {"bob"} and "dee" in without


def _first(path, kind):
    return find_events(path, lambda text: f'"{kind}"' in text, lambda e: e["kind"] == kind)[0].id


@pytest.mark.parametrize("number", range(3))
def test_decision_of_a_take_over_against_the_book_itself(event_run, number):
    # The book, not the arithmetic the explanation uses: cash set, mark ticked, and asked whether it is at risk.
    found = find_events(event_run, lambda t: '"taken_over"' in t, lambda e: e["kind"] == "taken_over")[number * 9]
    (decision,) = explain(event_run, found.id).decisions
    state = state_before(event_run, found.record, policy_from_canonical)
    account, asset = state.account_index[found.event["account"]], 0
    unit, cash = state.book.unit_of(account, asset), state.book.cash(account, asset)
    least, mark = exact(decision, "collateral")["value"], exact(decision, "mark")
    for extra, risk in ((least, False), (least - 1, True), (0, True)):
        state.book.set_cash(account, asset, cash + extra)
        assert state.book.unit_state(unit).at_risk is risk, (found, extra)
    market = state.market_index[mark["market"]]
    for value, risk in ((mark["value"], False), (mark["value"] - 1, True)):  # every account taken over here is long
        state.book.tick(market, state.instrument(market).unit_value(value), state.carries[market])
        assert state.book.unit_state(unit).at_risk is risk, (found, value)


def test_decision_ranks_are_those_of_the_log(event_run):
    found = find_events(event_run, lambda t: '"deleveraged"' in t, lambda e: e["kind"] == "deleveraged")
    for f in found[:: len(found) // 3]:
        (decision,) = explain(event_run, f.id).decisions
        (mine,) = (p for p in decision.queue.places if p.this)
        assert (mine.rank, mine.account, mine.score) == (f.event["rank"], f.event["account"], f.event["score"])
        assert mine.taken >= abs(f.event["lots"]) and decision.queue.reached >= mine.rank
        assert all(p.in_log for p in decision.postings) and decision.postings
        scores = [p.score for p in decision.queue.places]
        assert scores == sorted(scores, reverse=True)


def test_decision_text_fits_its_columns_and_json_holds_everything(event_run):
    fallen = find_events(event_run, lambda t: '"taken_over"' in t, lambda e: e["kind"] == "taken_over")[0].event[
        "account"
    ]
    for what in (fallen, "backstop", "intent:12", _first(event_run, "deleveraged")):
        found = explain(event_run, what)
        lines = found.text(78).splitlines()
        assert max(map(len, lines)) <= 78, what
        assert "\x1b" not in found.text()
        assert json.loads(json.dumps(found.as_dict()))["subject"] == what
        assert found.html().startswith('<section class="explanation">') and found.html().endswith("</section>")


def test_decision_an_account_that_nothing_happened_to_is_told_why(hand):
    found = explain(hand, "cyd")
    assert not found.decisions and not found.story
    # 9,000 + 4 (810 - 800) = 9,040 against 5 % of 3,240 = 162; no mark above zero would do.
    assert (found.untouched.equity, found.untouched.maintenance) == ("9,040", "162")
    assert "No mark" in found.text()


def test_decision_what_is_not_there_is_named_with_the_nearest(hand, event_run):
    for path, what, says in (
        (hand, "anne", "'ann'"),
        (event_run, "l00315", "'l00"),
        (hand, "2.99", "2.1 to 2."),
        (hand, "9.1", "1.1 to 2"),
        (hand, "loss:7", "no such loss"),
    ):
        with pytest.raises(InputError, match=says):
            explain(path, what)


def test_decision_a_run_that_was_not_written_has_nothing_to_read():
    with pytest.raises(InputError, match="not written"):
        explain(replay("generate:accounts=50,seed=1", "2021-05-19"), "l000001")


def test_decision_html_escapes_names(tmp_path):
    book = crash()
    book = replace(book, account_ids=tuple("<b>ann" if n == "ann" else n for n in book.account_ids))
    path, _ = write(tmp_path / "run", open_state(book, policy(), {}), book, policy(), COMMANDS)
    html = explain(path, "<b>ann").html()
    assert "<b>" not in html and "&lt;b&gt;ann" in html


def test_decision_accounts_judged_as_a_whole(tmp_path):
    rules = test_portfolio.portfolio()
    state = test_portfolio.venue(0, 10**7)
    book = snapshot_of(state)
    commands = (Marks(S, {"ETH-PERP": 890}), Resolve(2 * S))
    path, _ = write(tmp_path / "run", state, book, rules, commands, {"BTC": [10_000 * UNIT, 10**8]})
    decision = explain(path, "ann").decisions[0]
    # 0.1 BTC counts 900 and ETH lost 1,100: equity -200 against 5 % of 8,900 = 445.
    assert (decision.numbers.equity, decision.numbers.maintenance) == ("-200", "445")
    assert exact(decision, "collateral")["value"] == 645 * UNIT
    found = explain(path, "ann")
    assert "collateral was sold at the index price" in found.text() or len(found.story) > 1


def snapshot_of(state):
    """The book as it was given: without the house accounts that opening adds."""
    return snapshot(
        {"ann": {"USDC": 0, "BTC": 10**7}, "bob": {"USDC": 50_000 * UNIT}},
        [("ann", "ETH-PERP", 10, 1_000), ("bob", "ETH-PERP", -10, 1_000)],
        [perp("ETH-PERP")],
        assets=(test_portfolio.USDC, test_portfolio.BTC),
        marks={"ETH-PERP": 1_000},
    )


def test_decision_coin_margined_accounts(tmp_path, shared):
    folder = shared / "data" / "prices"
    path = replay(
        "generate:accounts=1000,seed=3",
        folder / "perp_coinm_1m_20251010.parquet",
        "binance",
        index=folder / "spot_1m_20251010.parquet",
        start="2025-10-10T20:30:00Z",
        end="2025-10-10T21:30:00Z",
        out=tmp_path / "run",
    ).path
    found = explain(path, _first(path, "liquidation_started"))
    (decision,) = found.decisions
    assert {a["kind"] for a in decision.avoided_exact} == {"collateral", "mark"}
    assert "contracts of 10 USD" in found.text()


def test_decision_deposits_and_fills_are_part_of_the_story(tmp_path):
    book = crash()
    state = open_state(book, policy(), {})
    commands = (Deposit(S, "ann", "USDC", 7 * UNIT), Marks(S, {"BTC-PERP": 870}), Fill(S, 1, "cyd", 2, 869))
    path, _ = write(tmp_path / "run", state, book, policy(), commands)
    words = [w for _, _, w in explain(path, "ann").story]
    assert words[0] == "deposit of 7.0000 USDC"
    assert words[1].startswith("liquidation began: equity 227.00 USDC was below")
    assert words[2].startswith("forced order 1 sold 2 BTC of BTC-PERP at 869, 2.0000 USDC worse than the mark")
    assert (
        explain(path, "cyd").story[0][2].startswith("bought 2 BTC of BTC-PERP at 869, the other side of forced order 1")
    )

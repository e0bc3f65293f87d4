"""The library at work: every scenario under every preset, and for each manipulation the good and the bad outcome.

Ids outcome-*. Source: the ``good_outcome`` and ``bad_outcome`` of the scenario's file. Prices and sizes are facts or
marked assumptions of the files; nothing here was chosen to make a test pass. Generated books of 2,000 accounts.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest

from seawall.engine import Policy
from seawall.market import Brackets
from seawall.replay import replay
from seawall.replay.actors import add_actors, owner_exposures
from seawall.replay.feed import MarkFeed
from seawall.replay.generator import MarketSeed, generate_book, make_instrument, parse_generate
from seawall.replay.paths import scenario_path
from seawall.scenario import Follows, IndexFeed, Scenario
from seawall.tables import load_scenario, policy_names, read_policy, scenario_names

BOOK = "generate:accounts=2000,seed=7"
PRESETS = ("binance", "dydx-v4", "hyperliquid")


@pytest.fixture(scope="module")
def rules() -> Policy:
    return read_policy("hyperliquid")


def seeds(scenario: Scenario) -> list[MarketSeed]:
    return [MarketSeed(f"{a}-PERP", a, "USD", False, scenario.trade_price(a, 0)) for a in scenario.assets]


def marks_of(scenario: Scenario, asset: str, policy: Policy, **changes: object):
    """Marks of one asset without anybody trading: [(minute, mark)], and what the feed counted."""
    path = scenario_path(scenario)
    instruments = [make_instrument(s) for s in seeds(scenario)]
    scale = next(i.mark_scale for i in instruments if i.base == asset)
    feed = MarkFeed(instruments, policy, replace(policy.marks, **changes))
    found = []
    for seen in path.stream():
        mark = feed.step(seen, {})[0].get(f"{asset}-PERP")
        if mark is not None:
            found.append(((seen.time_ns - path.start_ns) / 60e9, mark / 10**scale))
    return found, feed.counts


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("name", scenario_names())
def test_outcome_every_scenario_runs_under_every_preset(name, preset):
    summary = replay(BOOK, name, preset).summary
    scenario = load_scenario(name)
    assert summary["conservation"]["ok"], summary["conservation"]
    assert summary["steps"] > scenario.minutes * 60 / scenario.step_s - 65
    assert summary["accounts"] == 2000 + sum(a.wallets for a in scenario.actors)
    assert summary["liquidated"]["accounts"] > 0 or name == "2025-08-26-xpl"


def test_outcome_presets_are_all_there():
    assert set(PRESETS) <= set(policy_names())


# Mango: 483m contracts bought at 0.0382.

CONTRACTS = 483e6


def test_outcome_mango_bad_the_pushed_price_is_a_profit_of_420m(rules):
    """With the last trade, and with a band around spot prices that were pushed themselves."""
    scenario = load_scenario("2022-10-11-mango")
    for kind in ("last", "banded"):
        marks, _ = marks_of(scenario, "MNGO", rules, kind=kind)
        profit = (max(m for _, m in marks) - 0.0382) * CONTRACTS
        assert 415e6 < profit < 425e6, (kind, profit)


def test_outcome_mango_good_a_time_weighted_source_bounds_the_profit(rules):
    """Around an hour's average the mark never leaves the band, so the profit shown is that of the average; the run
    has less bad debt than with the last trade."""
    scenario = load_scenario("2022-10-11-mango").with_feeds("MNGO", [IndexFeed("hour", average_minutes=60.0)])
    averages, _ = marks_of(scenario, "MNGO", rules, kind="banded", band=Fraction(0))
    marks, counts = marks_of(scenario, "MNGO", rules, kind="banded")
    index = max(m for _, m in averages)
    highest = max(m for _, m in marks)
    assert highest <= index * 1.05
    assert (highest - 0.0382) * CONTRACTS < 105e6, highest
    assert counts.quarantined["outside_band"] > 300
    last = replay(BOOK, scenario, rules, marks="last").summary
    banded = replay(BOOK, scenario, rules, marks="banded").summary
    assert Decimal(banded["bad_debt"]) < Decimal(last["bad_debt"]) / 10
    assert banded["liquidated"]["accounts"] < last["liquidated"]["accounts"]


# LUNA: the source stops at 0.107 from minute 207 on, the market goes to 0.0066.

PINNED = 0.107


def luna(feed: IndexFeed) -> Scenario:
    return load_scenario("2022-05-12-luna-feed").with_feeds("LUNA", [feed])


def strict(rules: Policy, without_index: str) -> Policy:
    """The preset with a pinned check: two prints of one value while the witness moved by 2 %."""
    return replace(
        rules,
        oracle=replace(rules.oracle, pinned_after=2, pinned_move=Fraction(1, 50)),
        marks=replace(rules.marks, without_index=without_index),
    )


@pytest.mark.parametrize("preset", PRESETS)
def test_outcome_luna_bad_the_mark_is_the_pinned_price(preset):
    """No preset checks for pinned sources: the market ends at 0.0066, the mark at 0.107."""
    marks, counts = marks_of(load_scenario("2022-05-12-luna-feed"), "LUNA", read_policy(preset))
    assert marks[-1][1] == pytest.approx(PINNED)
    assert counts.from_index > 380


def test_outcome_luna_good_a_pinned_source_is_no_price(rules):
    """Without an index and with ``hold`` there is no mark at 0.107 and none after: nobody is liquidated or paid on it."""
    marks, counts = marks_of(luna(IndexFeed("feed", floor=PINNED)), "LUNA", strict(rules, "hold"), without_index="hold")
    assert not [m for _, m in marks if m == pytest.approx(PINNED, rel=1e-6)]
    assert marks[-1][0] < 215
    assert counts.quarantined["pinned"] > 380
    run = replay(BOOK, luna(IndexFeed("feed", floor=PINNED)).only(["LUNA"]), strict(rules, "hold"))
    start = load_scenario("2022-05-12-luna-feed").start_ns
    after = [r for r in run.timeline.iter_rows(named=True) if (r["time_ns"] - start) / 60e9 > 215]
    assert len(after) > 380
    for column in ("mark_LUNA-PERP", "liquidated_accounts", "liquidated_notional", "deleveraged_notional", "bad_debt"):
        assert len({r[column] for r in after}) == 1, column
    assert after[0]["mark_LUNA-PERP"] < PINNED * 0.999


def test_outcome_luna_good_without_the_source_the_market_itself_is_followed(rules):
    marks, _ = marks_of(luna(IndexFeed("feed", floor=PINNED)), "LUNA", strict(rules, "trade"), without_index="trade")
    assert marks[-1][1] == pytest.approx(0.00657, rel=1e-3)


@pytest.mark.parametrize(("without_index", "last"), [("trade", 0.00657), ("hold", None)])
def test_outcome_luna_good_a_silent_source_grows_stale(rules, without_index, last):
    """The feed was paused: who reads the time of the last update needs no pinned check."""
    paused = luna(IndexFeed("feed", outage=((207.0, 600.0),)))
    marks, _ = marks_of(paused, "LUNA", rules, without_index=without_index)
    assert not [m for minute, m in marks if minute > 210 and m == pytest.approx(PINNED, rel=1e-3)]
    assert marks[-1][1] == pytest.approx(last, rel=1e-3) if last else marks[-1][0] < 210


def test_outcome_luna_good_two_honest_sources_outvote_the_pinned_one(rules):
    scenario = load_scenario("2022-05-12-luna-feed")
    three = scenario.with_feeds("LUNA", [IndexFeed("feed", floor=PINNED), IndexFeed("one"), IndexFeed("two")])
    marks, counts = marks_of(three, "LUNA", rules)
    assert marks[-1][1] == pytest.approx(0.00657, rel=1e-3)
    assert counts.quarantined["deviates"] > 380


# YFI: 50m in a hundred wallets.


def test_outcome_yfi_good_exposure_by_owner_shows_what_wallets_hide():
    scenario = load_scenario("2023-11-18-yfi")
    book = generate_book(parse_generate(BOOK), seeds(scenario))
    full = add_actors(book, scenario.actors, book.marks)
    first = owner_exposures(full)[0]
    assert (first.market, first.owner, first.accounts) == ("YFI-PERP", "yfi-actor", 100)
    assert first.share > Fraction(3, 4), float(first.share)
    assert Fraction(first.largest, abs(first.lots)) < Fraction(11, 1000), "no wallet holds more than a hundredth of it"


def test_outcome_yfi_bad_wallets_pay_the_rate_of_small_positions():
    """Steps by size: 50m in one account needs more than twice the margin of a hundred accounts with half a million."""
    brackets: Brackets = next(
        make_instrument(s).brackets for s in seeds(load_scenario("2023-11-18-yfi")) if s.base == "YFI"
    )
    whole = 50_000_000 * 10**6
    one, many = brackets.requirement(whole), 100 * brackets.requirement(whole // 100)
    assert one > 2 * many, (float(one), float(many))


def test_outcome_yfi_bad_the_backstop_pays_for_the_wallets(rules):
    """Without the actor the same market costs the backstop almost nothing."""
    scenario = load_scenario("2023-11-18-yfi")
    attacked = Decimal(replay(BOOK, scenario, rules).summary["taken_over"]["pnl"])
    alone = Decimal(replay(BOOK, replace(scenario, actors=()), rules).summary["taken_over"]["pnl"])
    assert attacked < -1_000_000 < alone, (attacked, alone)


# JELLY: 4.1m short left to the backstop. A limit per market is missing from the policy; the limit on all it holds is not.


def capped(rules: Policy, most: int | None) -> Policy:
    backstop = replace(rules.liquidation.backstop, max_notional=None if most is None else most * 10**6)
    return replace(rules, liquidation=replace(rules.liquidation, backstop=backstop))


def test_outcome_jelly_bad_the_backstop_inherits_the_short_and_loses(rules):
    run = replay(BOOK, "2025-03-26-jelly", rules)
    assert "jelly-short" in run.liquidated
    assert Decimal(run.summary["taken_over"]["notional"]) > 3_000_000
    assert Decimal(run.summary["taken_over"]["pnl"]) < -50_000


def test_outcome_jelly_good_a_limit_on_what_it_holds_bounds_the_loss(rules):
    """With 100,000 of gross notional at most, the price may rise four times and the loss stays below that."""
    free, held = (
        Decimal(replay(BOOK, "2025-03-26-jelly", capped(rules, m)).summary["taken_over"]["pnl"])
        for m in (None, 100_000)
    )
    assert free < 0
    assert held > -100_000
    assert held > free


# XPL: no price outside.


def test_outcome_xpl_bad_last_trades_sweep_the_shorts_away(rules):
    run = replay(BOOK, "2025-08-26-xpl", rules, marks="last")
    assert sum(name.startswith("xpl-short") for name in run.liquidated) == 40
    assert Decimal(run.summary["bad_debt"]) > 0


def test_outcome_xpl_good_a_band_around_a_slow_average_liquidates_nobody(rules):
    run = replay(BOOK, "2025-08-26-xpl", rules, marks="banded")
    assert run.liquidated == frozenset()
    marks, counts = marks_of(load_scenario("2025-08-26-xpl"), "XPL", rules)
    assert max(m for _, m in marks) < 0.66
    assert counts.quarantined["outside_band"] > 300


def test_outcome_xpl_bad_an_index_of_its_own_trades_is_no_anchor(rules):
    """Self-referenced without an average: the band is around the sweep itself."""
    scenario = load_scenario("2025-08-26-xpl").with_feeds("XPL", [IndexFeed("own", Follows.TRADE)])
    marks, _ = marks_of(scenario, "XPL", rules)
    assert max(m for _, m in marks) == pytest.approx(1.8, rel=1e-3)


# POPCAT against 10 October: one set of parameters, two signs.


@pytest.mark.parametrize(("name", "sign", "least"), [("2025-11-12-popcat", -1, 4), ("2025-10-10", 1, 3)])
def test_outcome_popcat_backstop_loses_there_and_gains_on_10_october(name, sign, least):
    """First five of the twenty seeds of docs/reference/scenarios.md, 5,000 accounts each, the same preset."""
    results = [
        Decimal(replay(f"generate:accounts=5000,seed={seed}", name, "hyperliquid").summary["taken_over"]["pnl"])
        for seed in range(5)
    ]
    assert sum(r * sign > 0 for r in results) >= least, results


def test_outcome_popcat_the_wallets_are_among_the_fallen(rules):
    run = replay(BOOK, "2025-11-12-popcat", rules)
    assert sum(name.startswith("popcat-long") for name in run.liquidated) == 19

"""The record of a run: frames and document say the same to the unit, and a run directory gives them back.

Ids record-*. The slow twin applies every line of the log again and adds up plain fractions, event by event.
"""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tests.books import policy
from tests.crashes import COINS, LINEAR, crash

from seawall.engine import apply, open_state
from seawall.engine.events import (
    Deleveraged,
    DeleverageNeeded,
    Filled,
    GainsHaircut,
    LossCarried,
    LossRecognised,
    TakenOver,
)
from seawall.errors import InputError
from seawall.journal import LogReader, open_run
from seawall.replay import Record, open_record, replay
from seawall.replay.frames import ACCOUNTS, AMOUNT, DELEVERAGINGS, FRAMES, LAYERS, MARKETS, frame_column
from seawall.replay.words import headline
from seawall.tables import policy_from_canonical, policy_names


def only_haircut():
    """No deleveraging: gains are cut."""
    layers = [
        {"name": "insurance fund", "kind": "account", "account": "fund"},
        {"name": "gains haircut", "kind": "gains_haircut", "cap": "1/2"},
    ]
    house = [{"name": "fund", "role": "fund", "share_of_cash": "1/1000"}]
    return policy(layers=layers, deleverage=None, house=house)


def clearing_house():
    """Contributions, calls, gains and a tear-up, beside the venue's own two slices."""
    return policy(
        deleverage=None,
        house=[{"name": "fund", "role": "fund", "share_of_cash": "1/2000"}, {"name": "own", "role": "fund", "share_of_cash": "1/4000"}],
        members={"fund_share_of_cash": "1/2000", "contribution": "proportional", "minimum": "5", "assign": 12,
                 "call_per_default": "1/2", "call_per_window": "1", "window_s": 3600},
        layers=[
            {"name": "own contribution", "kind": "own_contribution"},
            {"name": "first slice", "kind": "account", "account": "fund"},
            {"name": "default fund", "kind": "members"},
            {"name": "second slice", "kind": "account", "account": "own", "beside": True},
            {"name": "cash calls", "kind": "assessment"},
            {"name": "gains haircut", "kind": "gains_haircut", "cap": "1/4"},
            {"name": "tear-up", "kind": "deleverage", "deleverage": {"rank": "pro_rata", "price": "mark"}},
        ],
    )  # fmt: skip


def everybody_pays(unit="1000"):
    """``unit``: what limits are counted in. A fund, then every open lot, every balance, and those who withdraw."""
    return policy(
        deleverage=None,
        house=[{"name": "fund", "role": "fund", "share_of_cash": "1/2000"}],
        liquidation={"deadline_s": 1, "pace": {"kind": "at_once"}, "limit": {"kind": "market"},
                     "fee": {"kind": "none"}, "defaults": "flat"},
        layers=[
            {"name": "insurance fund", "kind": "account", "account": "fund"},
            {"name": "open interest", "kind": "open_interest", "limit_per_event": f"{3 * Decimal(unit)}"},
            {"name": "balances", "kind": "cash_haircut", "cap": "1/1000", "limit_per_event": f"{2 * Decimal(unit)}"},
            {"name": "withdrawals", "kind": "withdrawal_rate"},
        ],
    )  # fmt: skip


CASES = {
    "scenario, backstop": lambda: ("generate:accounts=8000,seed=7", "2025-10-10", "hyperliquid"),
    "linear, fund fills only": lambda: ("generate:accounts=3000,seed=3", crash(LINEAR), "dydx-v4"),
    "coins, backstop over its limit": lambda: ("generate:accounts=3000,seed=3", crash(COINS), "hyperliquid"),
    "coins, fund takes over": lambda: ("generate:accounts=3000,seed=3", crash(COINS), "binance"),
    "coins, gains haircut": lambda: ("generate:accounts=2000,seed=5", crash(COINS), only_haircut()),
    "linear, gains haircut": lambda: ("generate:accounts=2000,seed=5", crash(LINEAR), only_haircut()),
    "mixed settle assets": lambda: ("generate:accounts=2000,seed=5", crash({**COINS, "SOLUSDC": 200.0}), "hyperliquid"),
    "linear, members and calls, gains haircut": lambda: (
        "generate:accounts=1500,seed=5",
        crash(LINEAR, low=0.3),
        clearing_house(),
    ),
    "linear, everybody pays": lambda: ("generate:accounts=600,seed=5", crash(LINEAR, low=0.3), everybody_pays()),
    "coins, everybody pays": lambda: ("generate:accounts=600,seed=5", crash(COINS, low=0.3), everybody_pays("0.001")),
    "nothing happens": lambda: ("generate:accounts=50,seed=5", crash(LINEAR, low=0.999), "hyperliquid"),
}


@pytest.fixture(scope="module", params=CASES, ids=str)
def run(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run") / "it"
    return replay(*CASES[request.param](), out=folder)


def test_record_000_the_cases_reach_what_they_are_named_for(run, request):
    s, name = run.summary, request.node.callspec.params["run"]
    assert (Decimal(s["haircut"]["amount"]) > 0) == ("haircut" in name), s["haircut"]
    none = any(word in name for word in ("nothing", "everybody")) or ("haircut" in name and "members" not in name)
    assert (s["deleveraged"]["accounts"] > 0) != none
    for word, found in (("members", s["members"]["contributions"]), ("calls", s["members"]["called"]),
                        ("everybody", s["socialised"]["charged"]), ("everybody", s["socialised"]["cash_cut"]),
                        ("everybody", s["socialised"]["on_withdrawals"])):  # fmt: skip
        assert (Decimal(found) > 0) == (word in name), (word, found)
    assert (s["liquidated"]["accounts"] > 0) == ("nothing" not in name)
    assert (s["unit"] == "USD") == ("coins" in name or "mixed" in name)
    if "over its limit" in name:
        assert Decimal(s["deleveraged"]["of_backstop_notional"]) > 0
    if "takes over" in name:
        assert Decimal(s["taken_over"]["notional"]) > 0


def total(frame: pl.DataFrame, column: str) -> Decimal:
    return sum(frame[column].to_list(), Decimal(0))


def test_record_001_accounts_markets_and_events_sum_to_the_totals(run):
    s, accounts, markets, events = run.summary, run.accounts, run.markets, run.deleveragings
    sums = {
        "given up by accounts": (total(accounts, "given_up"), s["deleveraged"]["collected"]),
        "given up in markets": (total(markets, "given_up"), s["deleveraged"]["collected"]),
        "given up by event": (total(events, "given_up"), s["deleveraged"]["collected"]),
        "haircuts": (total(accounts, "haircut"), s["haircut"]["amount"]),
        "losses": (total(accounts, "loss"), s["bad_debt"]),
        "layers": (total(run.layers, "paid"), s["losses"]["amount"]),
        "contributions": (total(accounts, "contribution_used"), s["members"]["contributions"]),
        "calls": (total(accounts, "called"), s["members"]["called"]),
        "charged": (total(accounts, "charged"), s["socialised"]["charged"]),
        "charged in markets": (total(markets, "charged"), s["socialised"]["charged"]),
        "balances cut": (total(accounts, "cash_cut"), s["socialised"]["cash_cut"]),
        "fees of accounts": (total(accounts, "fees"), s["liquidated"]["fees"]),
        "fees in markets": (total(markets, "fees"), s["liquidated"]["fees"]),
    }
    for frame, name in ((accounts, "accounts"), (markets, "markets")):
        sums[f"liquidated, {name}"] = (total(frame, "liquidated_notional"), s["liquidated"]["notional"])
        sums[f"taken over, {name}"] = (total(frame, "taken_over_notional"), s["taken_over"]["notional"])
        sums[f"deleveraged, {name}"] = (total(frame, "deleveraged_notional"), s["deleveraged"]["notional"])
    sums["deleveraged, events"] = (total(events, "notional"), s["deleveraged"]["notional"])
    for what, (got, expected) in sums.items():
        assert got == Decimal(expected), what
    assert accounts.filter(pl.col("liquidations") > 0).height == s["liquidated"]["accounts"]
    assert accounts.filter(pl.col("deleveragings") > 0).height == s["deleveraged"]["accounts"]
    assert accounts["deleveragings"].sum() == events.height
    assert markets["quarantined"].sum() == sum(s["quarantined"].values())


def test_record_002_layers_and_backstop_add_up(run):
    s, scale = run.summary, run.layers["used"].dtype.scale
    for row in run.layers.filter(pl.col("before").is_not_null()).iter_rows(named=True):
        assert row["before"] + row["gained"] - row["used"] == row["after"], row
        assert row["gained"] >= 0
    assert run.layers["layer"].to_list()[-1] == "residual"
    assert run.layers["used"].to_list()[-1] == Decimal(s["residual"])
    house = {row["name"]: row for row in s["layers"]}
    for name in set(run.layers["account"].drop_nulls()):
        rows = run.layers.filter(pl.col("account") == name)
        assert rows["before"][0] == Decimal(house[name]["before"])
        assert rows["after"][-1] == Decimal(house[name]["after"])
    if s["backstop_pnl"] is None:
        assert "backstop" not in run.layers["kind"].to_list()
        return
    parts = {name: Decimal(v) for name, v in s["backstop_pnl"].items()}
    whole = parts.pop("total")
    assert run.layers["kind"][0] == "backstop"
    assert (
        sum(parts.values())
        == whole
        == run.layers["after"][0] - run.layers["before"][0]
        == Decimal(s["taken_over"]["pnl"])
    )
    assert sum(parts[k] for k in ("take_over_value", "margin_received")) == total(run.accounts, "margin_lost")
    assert scale == run.accounts["loss"].dtype.scale


def test_record_003_size_classes_partition_the_book(run):
    s, rows = run.summary, run.summary["by_size_class"]
    assert sum(r["accounts"] for r in rows) == s["accounts"]
    assert sum(r["liquidated"] for r in rows) == s["liquidated"]["accounts"]
    assert sum(Decimal(r["loss"]) for r in rows) == Decimal(s["bad_debt"])
    assert sum(Decimal(r["given_up"]) for r in rows) == Decimal(s["deleveraged"]["collected"])
    for row in rows:
        mine = run.accounts.filter(pl.col("size_class") == row["size_class"])
        assert mine.filter(pl.col("deleveragings") > 0).height == row["deleveraged"], row
    floors = {"under 1k": 0, "1k to 10k": 10**3, "10k to 100k": 10**4, "100k to 1m": 10**5, "1m to 10m": 10**6}
    for name, equity in run.accounts.select("size_class", "equity_before").iter_rows():
        low = floors.get(name, 10**7)
        assert low <= equity < (low * 10 or 1000) or name == "over 10m" or equity < 1000, (name, equity)


def test_record_004_the_timeline_ends_where_the_document_stands(run):
    s, t = run.summary, run.timeline
    assert t.height == s["steps"]
    last = t.row(-1, named=True)
    for column, value in {
        "liquidated_accounts": s["liquidated"]["accounts"],
        "liquidated_notional": Decimal(s["liquidated"]["notional"]),
        "taken_over_notional": Decimal(s["taken_over"]["notional"]),
        "bad_debt": Decimal(s["bad_debt"]),
        "deleveraged_accounts": s["deleveraged"]["accounts"],
        "deleveraged_notional": Decimal(s["deleveraged"]["notional"]),
        "given_up": Decimal(s["deleveraged"]["collected"]),
        "haircut": Decimal(s["haircut"]["amount"]),
        "residual": Decimal(s["residual"]),
        "members_paid": Decimal(s["members"]["contributions"]) + Decimal(s["members"]["called"]),
        "socialised": sum(Decimal(s["socialised"][k]) for k in ("charged", "cash_cut", "on_withdrawals")),
    }.items():
        assert last[column] == value, column
    for house in s["layers"]:
        assert last[f"equity_{house['name']}"] == Decimal(house["after"])
    assert t["time_ns"].is_sorted()
    assert (t["notional_at_risk"] > 0).any() == (s["liquidated"]["accounts"] > 0)
    assert t["depth"].min() > 0
    for market in run.markets.iter_rows(named=True):
        marks = t[f"mark_{market['market']}"]
        assert market["low_mark"] <= marks.min()
        assert market["high_mark"] >= marks.max()
        assert market["last_mark"] == marks[-1]


def test_record_005_a_run_directory_gives_the_record_back(run):
    for record in (run.record(), open_record(run.path), open_record(str(run.path))):
        assert isinstance(record, Record)
        assert record.summary == run.summary
        assert list(record.frames) == list(FRAMES) == list(run.frames())
        for name, frame in run.frames().items():
            assert frame.equals(record.frames[name], null_equal=True), name
            assert frame.schema == record.frames[name].schema, name
    for columns, frame in (
        (ACCOUNTS, run.accounts),
        (MARKETS, run.markets),
        (LAYERS, run.layers),
        (DELEVERAGINGS, run.deleveragings),
    ):
        assert list(columns) == frame.columns


class Twin:
    """Adds up a log in fractions: applies each command again, values each event at that moment's marks."""

    def __init__(self, path: Path) -> None:
        directory = open_run(path)
        manifest, book = directory.manifest(), directory.book()
        rules = policy_from_canonical(directory.policy_text())
        index = {i.symbol: m for m, i in enumerate(book.instruments)}
        marks = {index[s]: m for s, m in manifest.opening_marks.items()}
        self.state = open_state(book, rules, marks, manifest.opening_ns)
        settles = {i.settle.name for i in book.instruments}
        self.scale = self.state.asset(self.state.asset_index[settles.pop()]).book_scale if len(settles) == 1 else None
        self.before = {a: self.equity(a) for a in range(len(self.state.snapshot.account_ids))}
        self.of: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        self.profit: dict[str, Fraction] = defaultdict(Fraction)  # the largest share of each, at one command
        self.owned: dict[str, Fraction] = defaultdict(Fraction)
        self.needed: dict[int, int] = {}
        self.records: list[tuple[int, str, int]] = []
        for record in LogReader(directory.log):
            held = {a: self.unrealised(a) for a in self.winners(record)}
            outcome = apply(self.state, record.command)
            self.take(record.number, outcome.events, held)

    def winners(self, record) -> list[str]:
        """Who must be looked at before the command: everybody, when winners are going to pay."""
        pays = '"deleveraged"' in record.body or '"gains_haircut"' in record.body
        return list(self.state.snapshot.account_ids) if pays else []

    def unrealised(self, name: str) -> dict[str, tuple[int, dict[str, int]]]:
        """asset -> (equity, market -> profit of the position)."""
        state, found = self.state, {}
        account = state.account_index[name]
        for asset, info in enumerate(state.snapshot.assets):
            profits = {}
            for market, instrument in enumerate(state.snapshot.instruments):
                lots, entry = state.book.position(account, market)
                if lots and state.settle_asset[market] == asset:
                    profits[instrument.symbol] = lots * state.worth(market) - entry
            found[info.name] = (state.book.cash(account, asset) + sum(profits.values()), profits)
        return found

    def value(self, asset: str, amount: int) -> int:
        """In reporting units: whole book units, or millionths of the quote, half to even."""
        if self.scale is not None:
            return amount
        state, number = self.state, self.state.asset_index[asset]
        for market, instrument in enumerate(state.snapshot.instruments):
            if instrument.inverse and state.settle_asset[market] == number:
                return round(Fraction(amount * 10**6) * instrument.lot / state.unit_values[market])
        return round(Fraction(amount * 10**6, 10 ** state.asset(number).book_scale))

    def equity(self, account: int) -> int:
        held = self.unrealised(self.state.account_name(account))
        return sum(self.value(asset, equity) for asset, (equity, _) in held.items())

    def take(self, number, events, held) -> None:
        cost: dict[tuple[str, str], int] = defaultdict(int)
        by_market: dict[tuple[str, str, str], int] = defaultdict(int)
        for e in events:
            if isinstance(e, Deleveraged):
                self.of[e.account]["given_up"] += self.value(e.asset, e.cost)
                self.of[e.account]["deleveraged_notional"] += self.value(e.asset, e.notional)
                self.records.append((number, e.account, e.rank))
                if e.loss:
                    self.needed[e.loss] = self.needed.get(e.loss, 0) - self.value(e.asset, e.cost)
                cost[e.account, e.asset] += e.cost
                by_market[e.account, e.asset, e.market] += e.cost
            elif isinstance(e, DeleverageNeeded):
                self.needed[e.loss] = self.value(e.asset, e.amount)
            elif isinstance(e, GainsHaircut):
                for name, cut in e.cuts:
                    cost[name, e.asset] += cut
                    self.of[name]["cut"] += cut
                    profit = sum(held[name][e.asset][1].values())
                    self.profit[name] = max(self.profit[name], Fraction(cut, profit))
            elif isinstance(e, LossRecognised):
                self.of[e.account]["loss"] += self.value(e.asset, e.amount)
            elif isinstance(e, LossCarried):
                self.of[e.account]["loss"] -= self.value(e.asset, e.amount)
            elif isinstance(e, TakenOver):
                self.of[e.account]["margin_lost"] += self.value(e.asset, e.margin)
            elif isinstance(e, Filled) and e.purpose == "close_out":
                self.of[e.account]["liquidated_notional"] += self.value(e.asset, e.notional)
                self.of[e.account]["fees"] += self.value(e.asset, e.fee)
        for (name, asset), amount in cost.items():
            if amount > 0:
                self.owned[name] = max(self.owned[name], Fraction(amount, held[name][asset][0]))
        for (name, asset, market), amount in by_market.items():
            if amount > 0:
                self.profit[name] = max(self.profit[name], Fraction(amount, held[name][asset][1][market]))


def test_record_006_the_log_added_up_again_gives_the_accounts(run):
    twin, unit = Twin(run.path), 10 ** run.accounts["loss"].dtype.scale
    for row in run.accounts.iter_rows(named=True):
        expected = twin.of[row["account"]]
        for column in ("given_up", "deleveraged_notional", "loss", "margin_lost", "liquidated_notional", "fees"):
            assert row[column] * unit == expected[column], (row["account"], column, row[column], expected[column])
        account = twin.state.account_index[row["account"]]
        assert row["equity_before"] * unit == twin.before[account], row
        assert row["equity_after"] * unit == twin.equity(account), row
        if twin.scale is not None:
            assert row["haircut"] * unit == expected["cut"], row
    assert {a for a, counts in twin.of.items() if any(counts.values())} <= set(run.accounts["account"])
    assert twin.records == list(run.deleveragings.select("record", "account", "rank").iter_rows())
    for unit_of, shares in (("profit", twin.profit), ("equity", twin.owned)):
        found, gave = run.summary["haircut"], [share for share in shares.values() if share]
        assert Decimal(found[f"max_of_{unit_of}"]) == round(max(gave, default=0) * 10**4) / Decimal(10**4), unit_of
        if not gave:
            assert found[f"gini_of_{unit_of}"] is None
        elif len(gave) <= 2_000:
            # Half the mean absolute difference over the mean, in floats: another way to say it.
            values = np.array([float(share) for share in gave])
            spread = np.abs(values[:, None] - values).mean() / (2 * values.mean())
            assert abs(float(found[f"gini_of_{unit_of}"]) - spread) < 1e-4, (unit_of, spread)
    left = sum(amount for amount in twin.needed.values() if amount > 0)
    assert Decimal(run.summary["deleveraged"]["residual"]) * unit == left


def test_record_007_concentration_is_that_of_the_accounts(run):
    accounts = run.accounts.with_columns((pl.col("given_up") + pl.col("haircut")).alias("pain"))
    accounts = accounts.with_columns(
        (pl.col("contribution_used") + pl.col("called")).alias("members"),
        (pl.col("charged") + pl.col("cash_cut") + pl.col("withdrawal_cut")).alias("socialised"),
    )
    for key, column in (("deleveraged", "pain"), ("deleveraged_notional", "deleveraged_notional"), ("losses", "loss"),
                        ("members", "members"), ("socialised", "socialised")):  # fmt: skip
        found, amounts = run.summary["concentration"][key], [Fraction(a) for a in accounts[column] if a > 0]
        assert found["accounts"] == len(amounts)
        if not amounts:
            assert found["top20"] is None
            continue
        for k in (1, 10, 20):
            share = sum(sorted(amounts)[-k:]) / sum(amounts)
            assert abs(Fraction(found[f"top{k}"]) - share) <= Fraction(1, 20_000), (key, k)
        # Gini as half the mean absolute difference over the mean, on floats: another way to say it.
        values, n = [float(a) for a in amounts], len(amounts)
        if n <= 1000:
            spread = sum(abs(a - b) for a in values for b in values) / (2 * n * sum(values))
            assert abs(float(found["gini"]) - spread) < 1e-4, key


def test_record_008_amounts_of_any_size_are_exact():
    values = [0, 1, -1, 2**63, -(2**63) - 1, 10**37 - 1, None]
    series = frame_column(6, "x", AMOUNT, values)
    assert series.dtype == pl.Decimal(38, 6)
    for got, whole in zip(series.to_list(), values, strict=True):
        assert got is whole is None or Fraction(got) == Fraction(whole, 10**6)


def test_record_009_an_empty_frame_has_its_columns():
    run = replay(*CASES["nothing happens"]())
    assert run.deleveragings.height == 0
    assert dict(run.deleveragings.schema)["given_up"] == pl.Decimal(38, 6)
    assert dict(run.deleveragings.schema)["record"] == pl.Int64
    assert run.path is None


def test_record_010_what_is_no_record_is_refused_with_its_place(tmp_path):
    with pytest.raises(InputError, match="not a run directory"):
        open_record(tmp_path)
    run = replay(*CASES["nothing happens"](), out=tmp_path / "r")
    (run.path / "accounts.parquet").unlink()
    with pytest.raises(InputError, match=r"accounts\.parquet"):
        open_record(run.path)
    (run.path / "accounts.parquet").write_bytes(b"no")
    with pytest.raises(InputError, match="cannot be read"):
        open_record(run.path)
    (run.path / "summary.json").unlink()
    with pytest.raises(InputError, match="stopped before its result"):
        open_record(run.path)


@pytest.mark.parametrize("name", policy_names())
def test_record_011_every_preset_pays_every_loss_once(name):
    run = replay("generate:accounts=1500,seed=3", crash(LINEAR, low=0.4), name)
    s, layers = run.summary, run.layers
    assert total(layers, "paid") == Decimal(s["losses"]["amount"]) == Decimal(s["bad_debt"]), layers
    assert layers["paid"][-1] == Decimal(s["residual"]), layers
    assert all(p >= 0 for p in layers["paid"]), layers
    for row in s["layers"]:
        assert sum(map(Decimal, row["by_source"].values())) == Decimal(row["net"]), row


def test_record_012_a_backstop_below_zero_is_pending_and_said():
    # It holds what it took over, nobody may be closed against it, and the market falls on.
    backstop = {"account": "backstop", "takes_below": "1", "takes_unfilled": True, "takes_bankrupt": True,
                "over_limit": "deleverage", "max_leverage": "1000000", "work_out_share": "1/100000"}  # fmt: skip
    rules = policy(backstop=backstop, layers=[], deleverage=None, house=[{"name": "backstop", "role": "backstop"}])
    run = replay("generate:accounts=2000,seed=5", crash(LINEAR, low=0.3), rules)
    after = Decimal(next(r["after"] for r in run.summary["layers"] if r["name"] == "backstop"))
    assert after < 0, run.summary["layers"]
    assert Decimal(run.summary["pending"]) >= -after, (run.summary["pending"], after)
    assert "below zero" in headline(run.summary) and "not settled yet" in headline(run.summary), headline(run.summary)

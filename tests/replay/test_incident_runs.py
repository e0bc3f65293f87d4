"""Incidents in a replay: each kind does what its command does, by rule, and the log gives it again. Ids incident-*.

What a row says is held against the ledger of the run, not against the events it was counted from.
"""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from tests.explained import hold

from seawall.engine import apply, state_hash
from seawall.errors import InputError
from seawall.journal import RunDirectory
from seawall.replay import Replay, check_run, replay
from seawall.replay.api import path_for
from seawall.replay.generator import MarketSeed, generate_book, parse_generate
from seawall.replay.incident_commands import drawn, members_cash, outstanding, withdrawable
from seawall.replay.incident_words import became, line
from seawall.replay.outcome import metrics
from seawall.scenario import Script
from seawall.scenario.incidents import (
    KINDS,
    Claim,
    Distribution,
    Loss,
    Recovery,
    Reinstatement,
    Run,
    StopPaying,
    WindDown,
)
from seawall.tables import load_incidents, preset_text, read_policy

ROOT = Path(__file__).resolve().parent.parent.parent
BOOK = "generate:accounts=600,seed=7"
F = Fraction


def every_layer(tmp_path, more: str = "") -> Path:
    """The example with every layer and a rule for the end."""
    text = (ROOT / "examples" / "every_layer.toml").read_text(encoding="utf-8")
    path = tmp_path / "policy.toml"
    path.write_text(text + more)
    return path


SCRIPT = (
    StopPaying(F(10), largest=2),
    Loss(F(20), "wallet", "custody", share_of_cash=F(1, 50)),
    Recovery(F(25), "wallet", share=F(1, 4)),
    Reinstatement(F(30), role="fund", up_to=F(1)),
    Run(F(35), F(1, 5), F(4, 5), seed=3),
    Recovery(F(45), share=F(1, 3)),
    Loss(F(46), "hack", "exploit", amount=F("12345.678901")),
    WindDown(F(60)),
    Claim(F(61), "stranger", "nobody", "members", amount=F(1000)),
    Claim(F(61), "double", "largest", "members", share=F(1)),
    Distribution(F(62)),
    Recovery(F(70), "hack", amount=F(10**5)),
    Distribution(F(71), final=True),
    Loss(F(72), "late", "oracle", amount=F(5)),
)


@pytest.mark.parametrize("name", ["every-layer", "emir-ccp", "paradex", "hyperliquid", "mango-v4"])
def test_incident_every_kind_under_several_rules(tmp_path, name):
    rules = every_layer(tmp_path) if name == "every-layer" else name
    run = replay(BOOK, "2025-10-10", rules, incidents=SCRIPT, out=tmp_path / "run")
    rows = run.summary["incidents"]
    assert [r["kind"] for r in rows] == [i.kind for i in SCRIPT]
    assert {r["kind"] for r in rows} == set(KINDS)
    assert run.summary["conservation"]["ok"], name
    checked = check_run(tmp_path / "run")
    assert checked.ok and checked.checked, checked.differences
    assert hold(tmp_path / "run"), name
    assert all(line(r, "USDC") for r in rows)
    ends = name in ("every-layer", "emir-ccp")
    for row in rows:
        _adds_up(row)
        if row["kind"] in ("wind_down", "claim", "distribution"):
            assert row["status"] == ("done" if ends else "refused"), (name, row)
        if row["kind"] == "stop_paying":
            assert row["status"] == ("done" if ends else "nothing_to_do"), (name, row)
    last = rows[-1]
    assert (last["status"], last["reasons"]) == (("refused", {"wound_down": 1}) if ends else ("done", {})), last
    assert [r["ruling"] for r in rows if r["kind"] == "claim"] == (["unknown", "duplicate"] if ends else [None, None])
    assert (run.summary["wind_down"] is not None) == ends
    _against_the_ledger(tmp_path / "run", rows)


def test_incident_in_a_step_with_an_auction_is_carried_out_when_the_bids_are_opened(tmp_path):
    """Opening the bids takes time: what is due in that step comes after it, not before."""
    out, rules = tmp_path / "run", read_policy("emir-ccp")
    rules = replace(rules, members=replace(rules.members, auction=replace(rules.members.auction, least=10**6)))
    replay(BOOK, "2025-10-10", rules, out=out)
    lines = [json.loads(text) for text in (out / "log.jsonl").read_text().splitlines()]
    held = [r["c"]["opens_ns"] for r in lines if r.get("c", {}).get("kind") == "auction"]
    assert held, "no auction in this book: the case is not tested"
    start = path_for("2025-10-10", BOOK, None, None, None, None, None, "ohlc").start_ns
    script = (Loss(F(held[0] - start, 60 * 10**9), "wallet", "custody", share_of_cash=F(1, 50)),)
    (row,) = replay(BOOK, "2025-10-10", rules, incidents=script).summary["incidents"]
    assert (row["status"], row["reasons"]) == ("done", {}), row
    assert row["time_ns"] > held[0], row


def test_incident_members_that_stop_paying_are_called_once_and_the_others_for_their_part(tmp_path):
    """emir-ccp with a default fund of 200 USDC: the calls come; the two largest do not pay, are in default, and what
    they were asked for is asked of the others."""
    rules = replace(read_policy("emir-ccp"), name="thin")
    rules = replace(
        rules, members=replace(rules.members, fund=200 * 10**6, fund_share_of_cash=None, size=None, minimum=0)
    )
    rules = replace(rules, house=tuple(replace(h, share_of_cash=None, opening="1") for h in rules.house))
    script = (StopPaying(F(1), largest=2), StopPaying(F(2), member="nobody of this house"))
    out = tmp_path / "run"
    run = replay(BOOK, "2025-10-10", rules, incidents=script, out=out)
    asked, unknown = run.summary["incidents"]
    assert (asked["status"], asked["commands"]) == ("done", 2), asked
    assert (unknown["status"], unknown["reasons"]) == ("refused", {"unknown_member": 1}), unknown
    told = [e for line in (out / "log.jsonl").read_text().splitlines() for e in json.loads(line).get("e", ())]
    unpaid = [e for e in told if e["kind"] == "call_unpaid"]
    failed = [e for e in told if e["kind"] == "member_defaulted" and e["reason"] == "call_unpaid"]
    assert {e["member"] for e in failed} <= {e["member"] for e in unpaid}, (unpaid, failed)
    assert {e["member"] for e in failed} == set(asked["members"]), (asked, failed)
    assert all(name in became(asked, "USDC") for name in asked["members"]), became(asked, "USDC")
    assert len(unpaid) == len(failed) == 2, [e["kind"] for e in told]
    late = [e for e in told if e["kind"] == "called" and e["member"] in {f["member"] for f in failed}]
    assert not late, late
    assert check_run(out).ok and hold(out)


def test_incident_what_leaves_the_venue_is_no_loss_of_its_owner(tmp_path):
    """After a run and a wind-down balances are nothing. Layers lost what they paid and what was written off, no more, and nobody lost what was
    withdrawn or paid out: before and after differ by what trading and losses did."""
    script = load_incidents("run-and-wind-down").incidents
    plain = replay(BOOK, "2025-10-10", "emir-ccp", incidents=script[:1])
    run = replay(BOOK, "2025-10-10", "emir-ccp", incidents=script, out=tmp_path / "run")
    assert run.summary["wind_down"] is not None
    unit = 10 ** run.accounts["equity_after"].dtype.scale
    out: dict[str, int] = {}
    for text in (tmp_path / "run" / "log.jsonl").read_text(encoding="utf-8").splitlines():
        for event in json.loads(text).get("e", ()):
            if event["kind"] == "moved" and event["code"] in ("deposit", "withdraw"):
                out[event["account"]] = out.get(event["account"], 0) - event["amount_minor"]
            if event["kind"] == "distributed":
                for name, amount in event["parts"]:
                    out[name] = out.get(name, 0) + amount
    assert any(out.values())
    for row in run.accounts.iter_rows(named=True):
        assert row["taken_out"] * unit == out.get(row["account"], 0), row
    lost: dict[str, Decimal | int] = {}
    for row in run.layers.iter_rows(named=True):
        if row["before"] is not None:
            assert row["before"] + row["gained"] - row["used"] == row["after"], row
            lost[row["account"]] = lost.get(row["account"], 0) + row["used"] - row["paid"]
    for house in run.summary["layers"]:
        gone = Decimal(house["by_source"]["written_off"]) + Decimal(house["by_source"]["paid_out"])
        assert lost[house["name"]] == -gone, (house, lost)
        assert Decimal(house["result"]) == Decimal(house["net"]) - Decimal(house["by_source"]["paid_out"]), house
        sources = {name: Decimal(v) for name, v in house["by_source"].items() if Decimal(v)}
        assert set(sources) <= {"draws", "paid_out", "written_off", "recovered", "reinstated"}, house
    gain, before = Decimal(metrics(run)["winner_gain"]), Decimal(metrics(plain)["winner_gain"])
    assert gain > 0 and gain > before / 2, (gain, before)


def _adds_up(row) -> None:
    money = {k: Decimal(row[k]) for k in ("lost", "unpaid", "back", "back_unpaid", "back_excess")}
    assert sum(map(Decimal, row["paid_by"].values())) + money["unpaid"] == money["lost"], row
    assert sum(map(Decimal, row["back_to"].values())) + money["back_unpaid"] + money["back_excess"] == money["back"], (
        row
    )
    assert row["accepted"] + row["refused"] == row["commands"] == sum(row["reasons"].values()) + row["accepted"], row
    if row["records"] is not None:
        first, last = row["records"]
        assert last - first + 1 == row["commands"], row


CODES = {"lost": ("loss",), "reinstated": ("reinstated",), "withdrawn": ("withdraw", "withdrawal_cut")}


def _against_the_ledger(folder: Path, rows) -> None:
    """Money of each incident, against the transfers of its own records."""
    moved: dict[int, dict[str, int]] = {}
    for text in (folder / "log.jsonl").read_text(encoding="utf-8").splitlines():
        record = json.loads(text)
        if "n" in record:
            sums = moved.setdefault(record["n"], {})
            for _, _, units, code in record.get("t", ()):
                sums[code] = sums.get(code, 0) + units
    for row in rows:
        if row["records"] is None or row["kind"] == "wind_down":
            continue
        mine = [moved.get(n, {}) for n in range(row["records"][0], row["records"][1] + 1)]
        for key, codes in CODES.items():
            units = sum(m.get(code, 0) for m in mine for code in codes)
            assert Decimal(row[key]) * 10**6 == units, (key, row, mine[:3])
        paid = sum(map(Decimal, row["paid_out"].values())) * 10**6
        assert paid == sum(m.get("distribution", 0) for m in mine), row
        assert Decimal(row["written_off"]) * 10**6 == sum(m.get("written_off", 0) for m in mine), row


def test_incident_without_a_script_nothing_changes(tmp_path):
    bare = replay(BOOK, "2025-10-10", "dydx-v4")
    empty = replay(BOOK, "2025-10-10", "dydx-v4", incidents=())
    assert "incidents" not in bare.summary and "incidents" not in empty.summary
    assert bare.summary["state_hash"] == empty.summary["state_hash"]


def test_incident_what_is_refused_changes_nothing():
    bare = replay(BOOK, "2025-10-10", "bybit")
    ended = replay(BOOK, "2025-10-10", "bybit", incidents=[WindDown(F(10)), Distribution(F(11), final=True)])
    assert [r["status"] for r in ended.summary["incidents"]] == ["refused", "refused"]
    assert [became(r, "USDC") for r in ended.summary["incidents"]] == [
        "refused: the policy has no rule for the end of the venue",
        "refused: the venue is not wound down",
    ]
    assert bare.summary["state_hash"] == ended.summary["state_hash"]


def test_incident_recovery_goes_back_by_layer(tmp_path):
    script = [Loss(F(5), "a", "custody", share_of_cash=F(1, 100)), Recovery(F(6), "a", share=F(1))]
    run = replay(BOOK, "2025-10-10", "emir-ccp", incidents=script)
    lost, back = run.summary["incidents"]
    assert lost["paid_by"] and Decimal(lost["unpaid"]), lost
    assert back["back_to"] == lost["paid_by"] and back["back_unpaid"] == lost["unpaid"], (lost, back)
    assert run.summary["losses"]["by_cause"]["custody"]["amount"] == lost["lost"]
    assert run.summary["bad_debt"] == run.summary["losses"]["by_cause"]["default"]["amount"] != lost["lost"]
    again = replay(BOOK, "2025-10-10", "emir-ccp", incidents=[*script, Recovery(F(7), "a", share=F(1, 2))])
    assert again.summary["incidents"][-1]["status"] == "nothing_to_do"


def test_incident_reinstatement_lifts_to_the_opening_and_no_further():
    script = [
        Loss(F(5), "a", "custody", share_of_cash=F(1, 100)),
        Reinstatement(F(6), role="fund", up_to=F(1)),
        Reinstatement(F(6), role="fund", up_to=F(1)),
        Reinstatement(F(7), account="own resources", share=F(1, 2)),
        Reinstatement(F(8), account="no-such", share=F(1)),
    ]
    rows = replay(BOOK, "2025-10-10", "emir-ccp", incidents=script).summary["incidents"]
    used = rows[0]["paid_by"]["own resources"]
    assert [r["status"] for r in rows] == ["done", "done", "nothing_to_do", "done", "nothing_to_do"], rows
    assert rows[1]["reinstated"] == used, "it had paid all it had"
    assert abs(Decimal(rows[3]["reinstated"]) * 2 - Decimal(used)) <= Decimal("0.000002"), rows[3]


def test_incident_a_gate_refuses_a_run(tmp_path):
    gate = (
        '\n[[halts]]\nkind = "withdrawals"\nstarts = [{ measure = "unpaid", is = "above", threshold = "0" }]\n'
        "length_s = 600\nlongest_s = 3600\nrest_s = 60\n"
    )
    script = [Loss(F(5), "a", "model", share_of_cash=F(1, 10)), Run(F(6), F(1, 4)), Run(F(6), F(1, 4), seed=1)]
    rows = replay(BOOK, "2025-10-10", every_layer(tmp_path, gate), incidents=script).summary["incidents"]
    if not Decimal(rows[0]["unpaid"]):
        pytest.fail(f"the case does not reach the gate: {rows[0]}")
    assert [r["status"] for r in rows] == ["done", "refused", "refused"], rows
    assert set(rows[1]["reasons"]) == {"halted"} and rows[1]["withdrawn"] == "0", rows[1]
    assert "a halt of the policy was on" in became(rows[1], "USDC")


def test_incident_withdrawals_bear_what_was_socialised(tmp_path):
    """As paradex puts losses on withdrawals, for a cause that it does not cover."""
    text = preset_text("paradex").replace('kind = "withdrawal_rate"', 'kind = "withdrawal_rate"\ncauses = ["model"]')
    path = tmp_path / "rate.toml"
    path.write_text(text)
    script = [Loss(F(5), "a", "model", share_of_cash=F(1, 10)), Run(F(6), F(1, 4))]
    lost, ran = replay(BOOK, "2025-10-10", path, incidents=script, out=tmp_path / "run").summary["incidents"]
    assert lost["paid_by"], lost
    share = Decimal(ran["cut"]) / Decimal(ran["withdrawn"])
    # A tenth of all cash is on withdrawals: everybody who leaves pays about that tenth.
    assert Decimal("0.09") < share < Decimal("0.11"), (share, ran)
    assert check_run(tmp_path / "run").ok


def test_incident_a_run_is_the_same_accounts_under_every_policy_and_another_with_another_seed():
    def who(policy: str, seed: int) -> list[str]:
        run = replay(BOOK, "2025-10-10", policy, incidents=[Run(F(1), F(1, 10), seed=seed)])
        return [run.state.account_name(a) for a in drawn(run.state, Run(F(1), F(1, 10), seed=seed))]

    first = who("bybit", 1)
    assert len(first) == 60 and len(set(first)) == 60
    assert who("vega", 1) == first != who("bybit", 2)


@pytest.mark.parametrize("policy", ["bybit", "drift-v2", "deribit"])
def test_incident_what_may_be_withdrawn_is_the_most_that_is_not_refused(policy):
    from seawall.engine import Withdraw

    run = replay(BOOK, "2025-10-10", policy, incidents=[Run(F(1), F(1, 10))])
    state, tried = run.state, 0
    for account in drawn(state, Run(F(0), F(1, 4), seed=9)):
        most = withdrawable(state, account, 0)
        name = state.account_name(account)
        if not most:
            continue
        before = state_hash(state) if tried < 3 else ""
        refused = apply(state, Withdraw(state.time_ns, name, "USDC", most + 1)).rejection
        assert refused is not None, (policy, name, most)
        assert before in ("", state_hash(state))
        assert apply(state, Withdraw(state.time_ns, name, "USDC", most)).rejection is None, (policy, name, most)
        tried += 1
    assert tried > 50, tried


def test_incident_amounts_are_shares_of_what_there_is():
    run = replay(BOOK, "2025-10-10", "bybit", incidents=[Loss(F(75), "a", "model", share_of_cash=F(1, 7))])
    (row,) = run.summary["incidents"]
    cash = sum(
        max(0, run.state.cash_minor(a, 0))
        for a, role in enumerate(run.state.snapshot.roles)
        if role in ("trader", "market_maker")
    )
    assert members_cash(run.state, 0) == cash
    assert Decimal(row["asked_for"]) * 10**6 == cash // 7 == Decimal(row["lost"]) * 10**6
    loss = run.state.references["a"]
    assert outstanding(run.state, loss) == {0: cash // 7}


def test_incident_a_loss_is_booked_in_the_coin_of_a_venue_that_holds_coins():
    """Inverse markets settle in their coin: an amount of dollars is so many coins at the mark, rounded down."""
    book, path, policy = _coins()
    engine = Replay(path.with_incidents([Loss(F(1), "a", "custody", amount=F(50_000))]), policy)
    run = engine.run(engine.open(lambda first: book))
    (row,) = run.summary["incidents"]
    state = run.state
    assert state.asset(0).name == "BTC"
    minor = Decimal(state.ledger.balance(state.ledger.find(f"deficit:{state.references['a']}", "BTC")))
    assert row["status"] == "done" and minor < 0, row
    mark = run.timeline["mark_BTC-PERP"][row_index(run, row)]
    assert abs(-minor / 10 ** state.asset(0).decimals * Decimal(mark) - 50_000) < Decimal("0.01"), (minor, mark)


def row_index(run, row) -> int:
    return run.timeline["time_ns"].to_list().index(row["time_ns"])


def _coins():
    path = path_for("2025-10-10", "generate:", None, None, None, None, ["BTC"], "ohlc")
    book = generate_book(
        parse_generate("generate:accounts=300,seed=2"), [MarketSeed("BTC-PERP", "BTC", "USD", True, 121_000.0)]
    )
    return book, path, read_policy("bybit")


def test_incident_after_the_end_the_run_goes_on_to_its_last_step(tmp_path):
    run = replay(BOOK, "2025-10-10", "emir-ccp", incidents=[WindDown(F(10))], out=tmp_path / "run")
    bare = replay(BOOK, "2025-10-10", "emir-ccp")
    assert run.summary["steps"] >= bare.summary["steps"] - 1
    assert run.timeline["time_ns"][-1] == bare.timeline["time_ns"][-1]
    (row,) = run.summary["incidents"]
    after = [json.loads(t) for t in (tmp_path / "run" / "log.jsonl").read_text().splitlines()[1:]]
    kinds = {r["c"]["kind"] for r in after if r.get("n", 0) > row["records"][0]}
    assert kinds == set(), kinds


def test_incident_a_window_that_is_too_short_is_refused(tmp_path):
    with pytest.raises(InputError) as caught:
        replay(BOOK, "2025-10-10", incidents=[WindDown(F(76))], out=tmp_path / "run")
    assert (caught.value.field, caught.value.expected) == ("incidents[0].minute", "0 to 75")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("minute", [F(0), F(75), F("74.99")])
def test_incident_at_either_end_of_the_window_is_carried_out(minute):
    run = replay(BOOK, "2025-10-10", "mango-v4", incidents=[Loss(minute, "a", "oracle", amount=F(1))])
    (row,) = run.summary["incidents"]
    assert row["status"] == "done" and row["lost"] == "1", row


def test_incident_an_interrupted_run_says_what_it_did_not_reach(tmp_path):
    path = path_for("2025-10-10", BOOK, None, None, None, None, ["BTC"], "ohlc")
    path = path.with_incidents([Loss(F(1), "a", "custody", amount=F(1000)), WindDown(F(70))])
    engine = Replay(path, read_policy("emir-ccp"))
    seen = [0]

    def stopped(done: int, whole: int, what: str) -> None:
        seen[0] = done
        if done >= 16:
            import signal

            signal.raise_signal(signal.SIGINT)

    book = engine.open(
        lambda first: generate_book(
            parse_generate(BOOK), [MarketSeed("BTC-PERP", "BTC", "USD", False, first["BTC-PERP"])]
        )
    )
    engine.progress = lambda done, whole, what: (
        stopped(done, whole, what) if "liquidation" in what and not seen[0] else None
    )
    run = engine.run(book, out=tmp_path / "run")
    assert run.summary["interrupted"] and run.summary["conservation"]["ok"]
    assert [r["status"] for r in run.summary["incidents"]] == ["done", "not_reached"], run.summary["incidents"]
    assert became(run.summary["incidents"][1], "USDC") == "not reached: the run was interrupted"
    assert check_run(tmp_path / "run").ok


def test_incident_a_changed_row_is_found(tmp_path):
    replay(BOOK, "2025-10-10", "emir-ccp", incidents="run-and-wind-down", out=tmp_path / "run")
    folder = RunDirectory(tmp_path / "run")
    document = folder.summary()
    for change in ("withdrawn", "ruling", "records"):
        changed = json.loads(json.dumps(document))
        row = next(r for r in changed["incidents"] if r["kind"] == ("claim" if change == "ruling" else "run"))
        row[change] = {"withdrawn": "1", "ruling": "stands", "records": [999_999, 999_999]}[change]
        folder.write_json("summary.json", changed)
        found = check_run(tmp_path / "run")
        assert not found.ok, change
        assert found.differences[0][0].startswith("incidents."), (change, found.differences)


def test_incident_a_script_by_name_by_file_and_as_a_value_is_the_same(tmp_path):
    script = load_incidents("custody-loss")
    path = tmp_path / "mine.toml"
    path.write_text(
        'name = "m"\ntitle = "m"\n[[incidents]]\nminute = 5\nkind = "loss"\ncause = "oracle"\nreference = "r"\namount = 9\n'
    )
    one = replay(BOOK, "2025-10-10", "bybit", incidents="custody-loss")
    two = replay(BOOK, "2025-10-10", "bybit", incidents=script)
    assert one.summary["incidents"] == two.summary["incidents"]
    three = replay(BOOK, "2025-10-10", "bybit", incidents=path)
    four = replay(BOOK, "2025-10-10", "bybit", incidents=Script("m", "m", (Loss(F(5), "r", "oracle", amount=F(9)),)))
    assert three.summary["incidents"] == four.summary["incidents"]
    assert three.summary["state_hash"] == four.summary["state_hash"]


def test_incident_a_venue_without_members_has_nobody_who_stops():
    row = replay(BOOK, "2025-10-10", "bybit", incidents=[StopPaying(F(1), largest=2)]).summary["incidents"][0]
    assert (row["status"], row["members"]) == ("nothing_to_do", []), row
    assert became(row, "USDC") == "the policy has no clearing members"

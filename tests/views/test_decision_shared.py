"""Explanations of every kind of event, under every policy of the random machine and every preset. Ids explained-*.

Source: ``seawall explain`` covers every draw, haircut, deleveraging, call and distribution: each explanation renders, and
its programs give the transfers that the log has, all of them and no others.
"""

from __future__ import annotations

import json
import random
from collections import Counter

import pytest
from tests.crashes import LINEAR, crash
from tests.engine import test_portfolio
from tests.venues import AUCTIONED, VENUES, book_of, drive
from tests.views.test_decision import UNIT, S, snapshot_of, write

from seawall.engine import Marks, Resolve, apply, open_state
from seawall.engine.events import EVENT_NAMES
from seawall.errors import InputError
from seawall.journal import Located, find_events, open_run, written_records
from seawall.replay import replay
from seawall.tables import policy_from_canonical, policy_names
from seawall.views import explain
from seawall.views.decision import explained
from seawall.views.decision_find import Found
from seawall.views.decision_words import _WORDS

ASKED = ("deposit", "withdraw", "reinstated")
EACH = 4  # of a kind under a policy
REACHED: Counter[str] = Counter()


def recorded(folder, name, seed=1):
    """A run directory of one venue; refused commands are left out."""
    rules, rng = VENUES[name], random.Random(f"{name} {seed}")
    book = book_of(rules, rng)
    state, commands = open_state(book, rules, {}, 0), []

    def do(command):
        outcome = apply(state, command)
        if outcome.rejection is None:
            commands.append(command)
        return outcome

    drive(state, rng, do)
    return write(folder, open_state(book, rules, {}, 0), book, rules, commands)[0]


def some_of(path, each):
    """The first events of every kind, and all events of the records they are in."""
    left: Counter[str] = Counter()
    records = set()
    for record in written_records(path):
        kinds = {e["kind"] for e in record.events}
        if any(left[k] < each for k in kinds):
            records.add(record.number)
            left.update(kinds)
    events = [
        Located(r.number, k, e) for r in written_records(path, records) for k, e in enumerate(r.events, 1)
    ]  # fmt: skip
    return records, events


def hold(path, each):
    """Explain whole records: text, words, programs, and every posting of theirs."""
    records, events = some_of(path, each)
    policy = policy_from_canonical(open_run(path).policy_text())
    found = explained(path, policy, "everything", Found(None, events, {}), lambda *_: None, everything=True)
    assert len(found.decisions) == len(events)
    assert max(map(len, found.text(80).splitlines())) <= 80
    assert found.html().endswith("</section>")
    json.dumps(found.as_dict())
    posted: Counter[tuple[int, int, str]] = Counter()
    for decision, event in zip(found.decisions, events, strict=True):
        kind = event.event["kind"]
        REACHED[kind] += 1
        assert kind in _WORDS, kind
        assert decision.words and "None" not in decision.words, (event, decision.words)
        assert bool(decision.programs) == bool(event.event.get("why")), event
        for p in decision.postings:
            assert p.in_log, (path, event, p)
            posted[event.record, p.units, p.code] += 1
    logged = Counter(
        (r.number, units, code)
        for r in written_records(path, records)
        for _, _, units, code in r.transfers
        if code not in ASKED
    )
    assert posted == logged, (path, posted - logged, logged - posted)
    return found


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("name", VENUES)
def test_explained_every_event_of_every_policy(tmp_path, name, seed):
    hold(recorded(tmp_path / "run", name, seed), EACH)


@pytest.mark.parametrize("name", policy_names())
def test_explained_every_kind_of_event_of_every_preset(tmp_path, name):
    path = replay("generate:accounts=400,seed=5", crash(LINEAR, low=0.5), name, out=tmp_path / "run").path
    hold(path, 1)


def test_explained_every_event_of_accounts_judged_as_a_whole(tmp_path):
    rules, state = test_portfolio.portfolio(), test_portfolio.venue(0, 10**7)
    commands = (Marks(S, {"ETH-PERP": 890}), Resolve(2 * S), Marks(3 * S, {"ETH-PERP": 891}), Resolve(4 * S))
    path, _ = write(tmp_path / "run", state, snapshot_of(state), rules, commands, {"BTC": [10_000 * UNIT, 10**8]})
    hold(path, EACH)


def test_explained_the_cases_reach_every_kind_of_event():
    rare = {"quarantined", "settled"}  # no money moves by them
    missing = set(EVENT_NAMES.values()) - set(REACHED) - rare
    assert not missing, (missing, "run the module as a whole")
    assert set(EVENT_NAMES.values()) == set(_WORDS), "an event without words"


@pytest.fixture(scope="module")
def everybody(tmp_path_factory):
    return recorded(tmp_path_factory.mktemp("oi") / "run", "open interest pays", 2)


@pytest.fixture(scope="module")
def clearing(tmp_path_factory):
    return recorded(tmp_path_factory.mktemp("ccp") / "run", "clearing house, and the end", 2)


def of_kind(path, kind):
    return find_events(path, lambda t: f'"{kind}"' in t, lambda e: e["kind"] == kind)


def test_explained_a_charge_names_each_of_those_it_fell_on(everybody):
    events = of_kind(everybody, "open_interest_charged")
    names = (*open_run(everybody).book().account_ids, "outside")
    told = {n: explain(everybody, n) for n in names}
    for f in events:
        parts = {}
        for name, found in told.items():
            words = [w for i, _, w in found.story if i == f.id and f"; of {name} " in w]
            if words:
                parts[name] = words[0].split(f"; of {name} ")[1]
        assert len(parts) == f.event["accounts"], (f, parts)
        lots = [int(text.split("(")[1].split(" of ")[0].replace(",", "")) for text in parts.values()]
        assert sum(lots) <= f.event["lots"], (f, parts)  # who pays less than a unit is not told
        decision = explain(everybody, f.id).decisions[0]
        split = decision.programs[-1]
        assert split.rule == "socialise.share" and sum(split.steps[0].result) == f.event["amount"], decision
        assert sum(split.inputs["lots"]) == f.event["lots"]


def test_explained_a_member_by_name_and_by_account(clearing):
    member = of_kind(clearing, "called")[0].event["member"]
    found = explain(clearing, member)
    assert found.subject == member and {"members_drawn", "called"} & set(found.counts), found.counts
    assert explain(clearing, f"contribution:{member}").counts == found.counts
    assert "call_round" in found.counts


def test_explained_layers_before_a_call_and_what_they_had(clearing):
    said = [w for f in of_kind(clearing, "called") for w in explain(clearing, f.id).decisions[0].layers]
    assert any(w.startswith("own: ") for w in said) and any(w.startswith("insurance fund: ") for w in said), said
    assert any("paid" in w or "had no money" in w for w in said), said


def test_explained_an_incident_and_a_halt_by_name(clearing):
    declared = next(f for f in of_kind(clearing, "loss_recognised") if f.event["cause"] != "default").event
    found = explain(clearing, declared["account"])
    assert found.counts["loss_recognised"] == 1
    assert "was declared" in found.text()
    began = of_kind(clearing, "halt_began")
    found = explain(clearing, "halt:withdrawals")
    assert found.counts["halt_began"] == len(began)
    assert "ends by itself" in found.text()
    with pytest.raises(InputError, match="no such halt"):
        explain(clearing, "halt:trading")


def test_shared_long_lists_are_cut_between_numbers_and_never_inside_one():
    from seawall.views.decision_show import _short

    parts = [1113678915, 1967004963, 645145368, 726445343, 110166, 250, 31]
    text = _short(f"split(44, {parts}) = {list(reversed(parts))}")
    assert text == (
        "split(44, [1113678915, 1967004963, 645145368, 726445343, 110166, ... 7 in all]) = "
        "[31, 250, 110166, 726445343, 645145368, ... 7 in all]"
    )
    assert _short("sum([1, 2, 3])") == "sum([1, 2, 3])"


def test_explained_an_auction_of_the_fund_by_its_number(tmp_path):
    path = recorded(tmp_path / "run", AUCTIONED.name, 3)
    won = next(f.event for f in of_kind(path, "fund_auction_closed") if (f.event["sells"], f.event["outcome"]) == ("debt", "won"))  # fmt: skip
    found = explain(path, f"auction:{won['auction']}")
    assert {"fund_auction_opened", "fund_bid", "residual_paid", "fund_auction_closed"} <= set(found.counts), (
        found.counts
    )
    text = found.text()
    assert f"auction {won['auction']} began: 12.5000 USDC of losses that nobody paid" in text, text
    assert f"{won['account']} won auction {won['auction']}: {won['shares']:,} shares for" in text.replace("\n", " "), (
        text
    )
    paid = of_kind(path, "residual_paid")[0].event
    assert "residual_paid" in explain(path, f"loss:{paid['loss']}").counts
    with pytest.raises(InputError, match="no such auction"):
        explain(path, "auction:999")

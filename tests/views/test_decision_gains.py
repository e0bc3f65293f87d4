"""How lifetime caps and the junior claim of profit are told. Ids words-*.

Source: "why did I get less?" and "why me?" (the trader's questions in the README), in the words of the rule.
"""

from __future__ import annotations

from tests.books import policy
from tests.engine.test_gains_caps import lose, venue
from tests.engine.test_junior_profit import END, UNIT, S, won

from seawall.engine import Marks, WindDown, apply, event_to_plain
from seawall.engine.events import BorneByWithdrawals, ProfitsCut, WithdrawalCut
from seawall.views.decision_keys import policy_keys
from seawall.views.decision_terms import Terms
from seawall.views.decision_words import sentence
from seawall.views.document import Document
from seawall.views.rules import rules_in_words


def told(state, event, me=None):
    return sentence(event_to_plain(event), Terms.of(state), me)


def test_words_of_a_cap_that_is_met_and_of_the_others():
    state = venue({"ann": 100, "bob": 60}, "30")
    apply(state, Marks(S, {"BTC-PERP": 999}))
    _, (capped, rest) = lose(state, 1, 50 * UNIT)
    assert told(state, capped, "ann") == (
        "owner ann met its lifetime cap of 30: of its gains in USDC 30.0000 USDC were cut, all that was left of it"
    )
    assert told(state, rest, "bob").startswith("gains in USDC were cut by 33.3333%, 20.0000 USDC in all; of bob")
    assert ("layers[0].cap_each", "30") in policy_keys(event_to_plain(capped), state.policy)
    assert ("layers[0].cap_per", "owner") in policy_keys(event_to_plain(capped), state.policy)


def test_words_of_a_withdrawal_of_profit_say_what_was_capital():
    house = won({"ann": 60, "bob": 20}, wind_down=END)
    house.lose(40 * UNIT)
    house.leave("ann")
    house.now += S
    house.do(WindDown(house.now))
    by = {type(e): e for e in house.events}
    assert "was put on withdrawals of profit" in told(house.state, by[BorneByWithdrawals])
    assert told(house.state, by[WithdrawalCut], "ann") == (
        "1,000.00 USDC of a withdrawal was capital and was paid in full; 60.0000 USDC was profit and was paid at 50.0000%: "
        "30.0000 USDC of it paid off socialised losses"
    )
    assert told(house.state, by[ProfitsCut], "bob") == (
        "the venue stopped, and 1 profit in USDC bore what withdrawals would have borne, pro rata: 10.0000 USDC in all; of bob "
        "10.0000 USDC"
    )
    for kind in (WithdrawalCut, ProfitsCut):
        assert ("layers[0].of", "profit") in policy_keys(event_to_plain(by[kind]), house.state.policy)


def test_words_of_the_rules():
    rules = policy(
        layers=[
            {"name": "gains", "kind": "gains_haircut", "cap_each": "2500"},
            {"name": "profits", "kind": "withdrawal_rate", "of": "profit"},
        ],
        deleverage=None,
    )
    said = {name: "".join(map(str, parts)) for name, parts in rules_in_words(rules, Document({}))}
    assert said["then gains"].endswith("and of one owner at most 2.50k over its lifetime."), said
    assert said["then profits"].endswith("paid at one rate below one until then, capital in full."), said

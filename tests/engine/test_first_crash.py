"""A crash worked by hand: two traders, one market, a fund of known size, a gap through bankruptcy.

Id: crash-001. Source: worked by hand below; the order of layers is the test policy's.

Market BTC-PERP: one lot is one coin, value in USDC at scale 6, maintenance 5 %.

* alice: 1,000 USDC, long 10 at 1,000 (notional 10,000).
* bob: 5,000 USDC, short 10 at 1,000.
* fund: 700 USDC.

The mark falls from 1,000 to 800 in one step.

* alice: equity = 1,000 + 10 x (800 - 1,000) = -1,000. She is bankrupt; her loss is 1,000.
* The fund pays all it has, 700. Her equity is then -300.
* Deleveraging: her bankruptcy price is 800 + 300/10 = 830. Bob is the only member on the other side, with a profit of
  2,000. He is closed at 830: he gives up 300 of his profit and keeps 1,700.

Postings (USDC):

1. insurance fund -> alice                 700
2. alice -> clearing:BTC-PERP            1,700   (10 x (1,000 - 830), her realised loss)
3. clearing:BTC-PERP -> bob              1,700   (his realised profit)

End: alice 1,000 + 700 - 1,700 = 0; bob 6,700; fund 0; clearing 0. Sum 6,700 = 1,000 + 5,000 + 700.
"""

from __future__ import annotations

from tests.books import perp, policy, snapshot

from seawall.engine import Marks, Resolve, apply, check_all, open_state, state_hash
from seawall.engine.events import Deleveraged, Drawn, LiquidationEnded, LossRecognised

UNIT = 10**6
SECOND = 10**9


def crash():
    book = snapshot(
        {"alice": 1_000 * UNIT, "bob": 5_000 * UNIT, "fund": 700 * UNIT},
        [("alice", "BTC-PERP", 10, 1_000), ("bob", "BTC-PERP", -10, 1_000)],
        [perp()],
        roles={"fund": "fund"},
        marks={"BTC-PERP": 1_000},
    )
    return open_state(book, policy(), {})


def test_crash_001_every_posting():
    state = crash()
    names = dict(enumerate((n, a.name) for n, a, _ in state.ledger.rows()))
    first = apply(state, Marks(SECOND, {"BTC-PERP": 800}))
    assert first.rejection is None
    assert first.transfers == (), f"a mark moved money: {first}"
    outcome = apply(state, Resolve(2 * SECOND))
    posted = [(names[s][0], names[t][0], amount) for s, t, amount, _ in outcome.transfers]
    assert posted == [
        ("fund", "alice", 700 * UNIT),
        ("alice", "clearing:BTC-PERP", 1_700 * UNIT),
        ("clearing:BTC-PERP", "bob", 1_700 * UNIT),
    ], outcome
    balances = {n: b for n, _, b in state.ledger.rows()}
    assert balances == {
        "external": -6_700 * UNIT,
        "clearing:BTC-PERP": 0,
        "alice": 0,
        "bob": 6_700 * UNIT,
        "fund": 0,
    }, balances
    assert state.book.position(0, 0) == (0, 0)
    assert state.book.position(1, 0) == (0, 0)
    check_all(state)


def test_crash_001_events_say_who_and_why():
    state = crash()
    apply(state, Marks(SECOND, {"BTC-PERP": 800}))
    events = apply(state, Resolve(2 * SECOND)).events
    loss = next(e for e in events if isinstance(e, LossRecognised))
    assert (loss.account, loss.amount, loss.cause) == ("alice", 1_000 * UNIT, "default")
    draw = next(e for e in events if isinstance(e, Drawn))
    assert (draw.layer, draw.source, draw.amount) == ("insurance fund", "fund", 700 * UNIT)
    closed = next(e for e in events if isinstance(e, Deleveraged))
    assert (closed.account, closed.counterparty, closed.lots, closed.cost) == ("bob", "alice", 10, 300 * UNIT), closed
    assert closed.rank == 1
    ended = next(e for e in events if isinstance(e, LiquidationEnded))
    assert (ended.account, ended.outcome, ended.equity) == ("alice", "deleveraged", 0)
    row = next(iter(state.deficits))
    assert (row.recognised, row.covered, row.pending) == (1_000 * UNIT, 1_000 * UNIT, 0)


def test_crash_001_is_the_same_every_time():
    hashes = set()
    for _ in range(2):
        state = crash()
        apply(state, Marks(SECOND, {"BTC-PERP": 800}))
        apply(state, Resolve(2 * SECOND))
        hashes.add(state_hash(state))
    assert len(hashes) == 1

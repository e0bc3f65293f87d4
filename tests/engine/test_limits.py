"""What limits of layers count, over assets and prices. Ids limits-*.

Source: docs/reference/policy.md: amounts of a policy are units of the quote currency; a coin counts at the mark of its
first inverse market. The venue: USDC and BTC, BTC-USD inverse with contracts of 100 USD at a mark of 1,000.
"""

from __future__ import annotations

import os
import subprocess
import sys
from fractions import Fraction

import pytest
from tests.books import perp, policy, snapshot

from seawall.engine import DeclareLoss, Marks, apply, check_all, open_state
from seawall.engine.events import Drawn
from seawall.market import Brackets, Instrument
from seawall.money import Asset

UNIT, COIN, SECOND = 10**6, 10**8, 10**9
USDC, BTC = Asset.of("USDC", 6, 6), Asset.of("BTC", 8, 8)
INVERSE = Instrument.of(
    "BTC-USD", BTC, base="BTC", quote="USD", lot=Fraction(100), mark_scale=0,
    brackets=Brackets.flat(Fraction(1, 10), Fraction(1, 20)), inverse=True,
)  # fmt: skip


def venue(**limits):
    layer = {"name": "fund", "kind": "account", "account": "fund", "causes": ["exploit"], **limits}
    rules = policy(layers=[layer], deleverage=None, house=[{"name": "fund", "role": "fund"}])
    cash = {"USDC": 10_000 * UNIT, "BTC": 10 * COIN}
    book = snapshot(
        {"ann": cash, "fund": cash}, [], [perp(settle=USDC), INVERSE], assets=(USDC, BTC), roles={"fund": "fund"},
        marks={"BTC-PERP": 1_000, "BTC-USD": 1_000},
    )  # fmt: skip
    marks = {i: 1_000 for i, _ in enumerate(book.instruments)}
    return open_state(book, rules, marks, 0)


def paid(state, at, asset, amount):
    """What the fund pays of a declared loss, minor units."""
    outcome = apply(state, DeclareLoss(at, f"theft {at}", asset, amount, "exploit"))
    assert outcome.rejection is None, outcome
    check_all(state)
    return sum(e.amount for e in outcome.events if isinstance(e, Drawn))


def test_limits_a_coin_counts_at_its_mark():
    assert paid(venue(limit_per_event="300"), 1, "BTC", COIN) == 3 * COIN // 10
    assert paid(venue(limit_per_event="300"), 1, "USDC", 1_000 * UNIT) == 300 * UNIT


def test_limits_keep_is_money_in_every_asset():
    assert paid(venue(keep="9000"), 1, "BTC", 5 * COIN) == COIN, "9 coins of 10 are worth 9,000"
    assert paid(venue(keep="9000"), 1, "USDC", 5_000 * UNIT) == 1_000 * UNIT


@pytest.mark.parametrize(
    "limit", [{"limit_per_period": [{"amount": "300", "window_s": 60}]}, {"limit_per_market": "300"}]
)
def test_limits_all_assets_count_together(limit):
    state = venue(**limit)
    assert paid(state, 1, "USDC", 200 * UNIT) == 200 * UNIT
    assert paid(state, 2, "BTC", COIN) == COIN // 10, "100 of 300 are left"
    assert paid(state, 3, "USDC", UNIT) == 0


def test_limits_a_draw_counts_at_its_price_then():
    """0.1 coin drawn at 1,000 used 100 of 300; at 500 the other 200 are 0.4 coin."""
    state = venue(limit_per_period=[{"amount": "300", "window_s": 60}])
    assert paid(state, SECOND, "BTC", COIN // 10) == COIN // 10
    apply(state, Marks(2 * SECOND, {"BTC-USD": 500}))
    assert paid(state, 3 * SECOND, "BTC", COIN) == 4 * COIN // 10
    assert paid(state, 61 * SECOND, "BTC", COIN) == 2 * COIN // 10, "the first draw has left the window"


def test_limits_a_share_of_the_peak_counts_its_own_asset():
    state = venue(limit_per_period=[{"share_of_peak": "3/10", "window_s": 60}])
    assert paid(state, SECOND, "USDC", 5_000 * UNIT) == 3_000 * UNIT
    assert paid(state, 2 * SECOND, "BTC", 5 * COIN) == 3 * COIN
    assert paid(state, 3 * SECOND, "BTC", COIN) == 0


def test_limits_odd_amounts_never_pass_the_limit():
    """A coin price that does not divide: what is drawn in many small losses is worth at most the limit."""
    state = venue(limit_per_market="1")
    apply(state, Marks(1, {"BTC-USD": 997}))
    drawn = sum(paid(state, at, "BTC", 7_777) for at in range(2, 60))
    assert drawn * 997 <= COIN < (drawn + 7_777) * 997, drawn


SEEDED = """
from tests.engine.test_limits import COIN, paid, venue
from seawall.engine import state_hash
state = venue(limit_per_owner="900", limit_per_account="800", limit_per_market="700")
paid(state, 1, "BTC", COIN)
print(state_hash(state))
"""


def test_limits_the_state_hash_is_the_same_in_every_process():
    """Python seeds its hashes of names anew in every process: nothing of that may reach the state hash."""
    found = {
        seed: subprocess.run(
            [sys.executable, "-c", SEEDED],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "2")
    }
    assert len(set(found.values())) == 1, found


def test_limits_over_all_and_per_market_count_a_loss_of_no_market_once():
    """300 a minute over all, 100 in five seconds per market: 80 and 80 fit; a loss that belongs to no market is one."""
    limit = [{"amount": "300", "window_s": 60}, {"amount": "100", "window_s": 5, "per": "market"}]
    state = venue(limit_per_period=limit)
    drawn = [paid(state, at * SECOND, "USDC", 80 * UNIT) // UNIT for at in (1, 2, 10, 20, 30)]
    assert drawn == [80, 20, 80, 80, 40], drawn

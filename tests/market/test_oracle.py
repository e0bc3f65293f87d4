"""From quotes to marks. Ids oracle-*; sources: the rules' own docstrings; prices of 10 October 2025 and August 2017."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.errors import InputError, ScaleError
from seawall.market import (
    Brackets,
    Instrument,
    MarkRule,
    OracleRule,
    Quarantine,
    Quote,
    SourceMemory,
    aggregate,
    decide_mark,
    funding_per_lot,
    scaled_price,
    weighted_median,
)
from seawall.money import Asset

S = 10**9
RULE = OracleRule(max_age_ns=60 * S, max_future_ns=5 * S, max_deviation=Fraction(1, 10), quorum=2)


def reasons(found):
    return {source: reason for source, _, reason in found.quarantined}


def test_oracle_uses_the_weighted_lower_median():
    assert weighted_median([(10, 1), (20, 1)]) == 10
    assert weighted_median([(10, 1), (20, 3)]) == 20
    assert weighted_median([(10, 2), (20, 1), (30, 1)]) == 10


@given(st.lists(st.tuples(st.integers(1, 1000), st.integers(1, 9)), min_size=1, max_size=9))
def test_oracle_median_splits_the_weight(prices):
    middle = weighted_median(prices)
    total = sum(w for _, w in prices)
    assert 2 * sum(w for p, w in prices if p <= middle) >= total
    assert 2 * sum(w for p, w in prices if p < middle) < total


@pytest.mark.parametrize(
    ("quote", "reason"),
    [
        (Quote("bad", 100, -61 * S), Quarantine.STALE),
        (Quote("bad", 100, 6 * S), Quarantine.FUTURE),
        (Quote("bad", 0, 0), Quarantine.ZERO),
        (Quote("bad", -5, 0), Quarantine.NEGATIVE),
        (Quote("bad", Quarantine.NOT_A_NUMBER, 0), Quarantine.NOT_A_NUMBER),
        (Quote("bad", 150, 0), Quarantine.DEVIATES),
    ],
)
def test_oracle_quarantines_with_a_reason_and_never_uses(quote, reason):
    found = aggregate([Quote("a", 100, 0), Quote("b", 101, 0), Quote("c", 102, 0), quote], 0, RULE)
    assert reasons(found) == {"bad": reason}
    assert found.price == 101
    assert "bad" not in found.used


def test_oracle_without_quorum_has_no_price():
    assert aggregate([Quote("a", 100, 0)], 0, RULE).price is None
    assert aggregate([], 0, RULE) == (None, (), ())


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1.5, 150),
        ("1.005", 100),
        ("1.015", 102),
        (float("nan"), Quarantine.NOT_A_NUMBER),
        (float("inf"), Quarantine.NOT_A_NUMBER),
        (1e308, Quarantine.NOT_A_NUMBER),
        (0.0, Quarantine.ZERO),
        (0.001, Quarantine.ZERO),
        (-1.0, Quarantine.NEGATIVE),
        ("x", Quarantine.NOT_A_NUMBER),
    ],
)
def test_oracle_scaled_price(value, expected):
    assert scaled_price(value, 2) == expected


def test_oracle_first_price_and_jumps_need_confirmation():
    memory = SourceMemory(OracleRule(60 * S, 0, Fraction(1, 10), max_jump=Fraction(1, 2), confirm=2))
    got = [memory.observe(p, t) for t, p in enumerate([100, 101, 102, 30, 103, 30, 31, 30])]
    u = Quarantine.UNCONFIRMED
    assert got == [u, u, 102, u, 103, u, u, 30]


def test_oracle_pinned_source():
    rule = OracleRule(60 * S, 0, Fraction(1, 10), pinned_after=3, pinned_move=Fraction(1, 100))
    memory = SourceMemory(rule)
    got = [memory.observe(100, t, others) for t, others in enumerate([100, 100, 100, 110])]
    assert got == [100, 100, 100, Quarantine.PINNED]


def test_oracle_aave_63_against_135_is_outside_the_band():
    decision = decide_mark(63, 0, 135, MarkRule("banded", band=Fraction(1, 20)))
    assert decision == (135, "index", Quarantine.OUTSIDE_BAND)
    assert decide_mark(63, 0, 135, MarkRule("last")) == (63, "trade", None)
    assert decide_mark(63, 0, 135, MarkRule("banded", fallback="hold")).mark is None


def test_oracle_band_is_inclusive_and_age_counts():
    rule = MarkRule("banded", band=Fraction(1, 20), max_age_ns=60 * S)
    assert decide_mark(105, 0, 100, rule).source == "trade"
    assert decide_mark(106, 0, 100, rule).source == "index"
    assert decide_mark(105, 61 * S, 100, rule) == (100, "index", Quarantine.STALE)
    assert decide_mark(105, 0, None, rule).source == "trade_without_index"
    assert decide_mark(105, 0, None, MarkRule("banded", without_index="hold")).mark is None


def test_oracle_catches_the_impossible_first_rows_of_2017(shared):
    from seawall.replay.paths import bars_path
    from seawall.tables import policy_names, read_policy, read_prices
    from seawall.tables.symbols import Feed

    table = read_prices(shared / "data/prices/binance_spot_1h_2017_2021.parquet")
    path = bars_path("t", table, [Feed("BTCUSDT", ("", "BTCUSDT"))], end_ns=1503014400 * S)
    memory = SourceMemory(read_policy(policy_names()[0]).oracle)
    used = []
    for seen in path.stream():
        for _, price in seen.trades:
            got = memory.observe(scaled_price(price, 2), seen.time_ns)
            if not isinstance(got, Quarantine):
                used.append(price)
    assert used
    assert max(used) < 5_000, "16,199.91 in the first bar was used"


@given(value=st.integers(1, 2**50), num=st.integers(-(10**6), 10**6), lots=st.lists(st.integers(-100, 100), max_size=6))
def test_funding_nets_to_exactly_zero(value, num, lots):
    lots = [*lots, -sum(lots)]
    per_lot = funding_per_lot(value, Fraction(num, 10**7))
    assert sum(n * per_lot for n in lots) == 0
    assert abs(per_lot - Fraction(value * num, 10**7)) <= Fraction(1, 2)


def test_instrument_inverse_value_by_hand():
    coin = Asset.of("BTC", 12, 12)
    flat = Brackets.flat(Fraction(1, 10), Fraction(1, 20))
    inverse = Instrument.of(
        "BTCUSD_PERP", coin, base="BTC", quote="USD", lot=Fraction(10), mark_scale=1, brackets=flat, inverse=True
    )
    assert inverse.unit_value(1_000_000) == 10**12 // 10_000  # 10 USD at 100,000
    assert inverse.sign == -1
    with pytest.raises(InputError, match="mark must be positive"):
        inverse.unit_value(0)
    with pytest.raises(ScaleError, match="whole number of book units"):
        Instrument.of(
            "X", Asset.of("USD", 2), base="X", quote="USD", lot=Fraction(1, 1000), mark_scale=2, brackets=flat
        )

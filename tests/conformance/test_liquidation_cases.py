"""Cases beyond the open ones: a second, naive reading of each rule of the vectors' README, held against the adapters.

Ids cases-*. The readings below are written from the README's text alone, in plain integers and fractions, and share no
code with the library.
"""

from __future__ import annotations

import json
from fractions import Fraction

import pytest
from conformance.adapters import ADAPTERS
from conformance.compare import run_case
from hypothesis import given, settings
from hypothesis import strategies as st


def answer(op, inputs):
    """What the adapter says, refusals as the README writes them."""
    result = run_case({"id": "case", "op": op, "inputs": inputs, "expected": {}}, ADAPTERS)
    assert result.status == "passed" or (isinstance(result.got, dict) and "error" in result.got), result
    return result.got


def check(op, inputs, expected):
    got = answer(op, inputs)
    assert got == expected, json.dumps({"op": op, "inputs": inputs, "expected": expected, "got": got}, indent=1)


def trunc(a, b):
    return a // b if a >= 0 else -(-a // b)


def ceil(a, b):
    return -(-a // b)


# --- dydx_v4 ------------------------------------------------------------------------------------------------------


class Naive:
    """Numbers of one account by the README's definitions."""

    def __init__(self, perpetuals, account):
        self.perpetuals, self.quote = perpetuals, int(account["usdc_quote_quantums"])
        self.positions = {m: int(x) for m, x in account["positions"].items() if int(x)}

    def n(self, m, x):
        p = self.perpetuals[m]
        e = p["oracle_price_exponent"] + p["atomic_resolution"] + 6
        v = int(p["oracle_price"]) * x
        return v * 10**e if e >= 0 else trunc(v, 10**-e)

    def imr(self, m, x):
        return ceil(self.n(m, abs(x)) * self.perpetuals[m]["initial_margin_ppm"], 10**6)

    def mmr(self, m, x):
        return ceil(self.imr(m, x) * self.perpetuals[m]["maintenance_fraction_ppm"], 10**6)

    @property
    def tnc(self):
        return self.quote + sum(self.n(m, x) for m, x in self.positions.items())

    @property
    def tmmr(self):
        return sum(self.mmr(m, x) for m, x in self.positions.items())

    @property
    def timr(self):
        return sum(self.imr(m, x) for m, x in self.positions.items())

    def slice_ok(self, m, d):
        p = self.positions.get(m, 0)
        return p != 0 and d != 0 and (p > 0) != (d > 0) and abs(d) <= abs(p)

    def bankruptcy(self, m, d):
        p = self.positions[m]
        part = abs(self.mmr(m, p + d) - self.mmr(m, p))
        return -(self.n(m, p + d) - self.n(m, p)) - (self.tnc * part) // self.tmmr

    def moved(self, m, d, q):
        left = {**self.positions, m: self.positions.get(m, 0) + d}
        return Naive(self.perpetuals, {"usdc_quote_quantums": self.quote + q, "positions": left})

    def plain(self):
        return {"usdc_quote_quantums": str(self.quote), "positions": {m: str(x) for m, x in self.positions.items()}}


def acceptable(old, new):
    if new.tnc >= new.timr:
        return True
    if new.tmmr > old.tmmr:
        return False
    if new.tmmr == 0 or old.tmmr == 0:
        return new.tmmr == 0 and old.tmmr == 0 and new.tnc > old.tnc
    left, right = new.tnc * old.tmmr, old.tnc * new.tmmr
    return left > right or (left == right and new.tmmr <= old.tmmr)


def naive_deleverage(a, b, m, d, oracle):
    held = b.positions.get(m, 0)
    if not a.slice_ok(m, d) or held == 0 or (held > 0) != (d > 0) or abs(held) < abs(d):
        return "invalid_size_delta"
    q = -a.n(m, d) if oracle else a.bankruptcy(m, d)
    c, e = a.moved(m, d, q), b.moved(m, -d, -q)
    return (c, e) if acceptable(a, c) and acceptable(b, e) else "invalid_state_transition"


@st.composite
def perpetual(draw):
    return {
        "initial_margin_ppm": draw(st.sampled_from([1, 33_333, 50_000, 200_000, 10**6])),
        "maintenance_fraction_ppm": draw(st.sampled_from([1, 333_333, 500_000, 10**6])),
        "atomic_resolution": draw(st.integers(-10, 0)),
        "oracle_price": str(draw(st.integers(1, 10**10))),
        "oracle_price_exponent": draw(st.integers(-8, 0)),
    }


SIZES = st.one_of(st.integers(-50, 50), st.integers(-(10**12), 10**12))


@st.composite
def dydx_case(draw, accounts=1):
    """Perpetuals, and accounts whose cash is near what their positions are worth, so that every branch is reached."""
    perpetuals = {"0": draw(perpetual()), "1": draw(perpetual())}
    first = draw(SIZES.filter(bool))
    out = []
    for i in range(accounts):
        size = first if i == 0 else draw(st.one_of(st.just(-first), SIZES))
        positions = {"0": str(size), "1": str(draw(st.one_of(st.just(0), SIZES)))}
        empty = Naive(perpetuals, {"usdc_quote_quantums": "0", "positions": positions})
        reach = max(1, 2 * empty.timr)
        near = draw(st.one_of(st.integers(-3, 3), st.integers(-reach, reach)))
        out.append({"usdc_quote_quantums": str(near - empty.tnc), "positions": positions})
    return perpetuals, out, first, draw(st.integers(1, 10))


def slice_of(position, part):
    """A slice of the position; parts above 8 give sizes that must be refused now and then."""
    size = max(1, abs(position) * min(part, 9) // 8)
    return -size if position > 0 else size


@settings(max_examples=150, deadline=None)
@given(case=dydx_case(), spread=st.integers(0, 3 * 10**6), adjust=st.integers(0, 3 * 10**6))
def test_cases_dydx_prices(case, spread, adjust):
    perpetuals, (account,), first, part = case
    naive = Naive(perpetuals, account)
    base = {"perpetuals": perpetuals, "account": account}
    check("dydx_v4.is_liquidatable", base, {"liquidatable": naive.tmmr > 0 and naive.tnc < naive.tmmr})
    for final in (False, True):
        check(
            "dydx_v4.can_deleverage",
            {**base, "perpetual_id": "0", "market_in_final_settlement": final},
            {"at_bankruptcy_price": naive.tnc < 0, "at_oracle_price": naive.tnc >= 0 and final},
        )
    d = slice_of(first, part)
    inputs = {**base, "perpetual_id": "0", "delta_base_quantums": str(d)}
    if naive.tmmr == 0:
        return  # the README divides by it
    ok = naive.slice_ok("0", d)
    refused = {"error": "invalid_size_delta"}
    check(
        "dydx_v4.bankruptcy_price",
        inputs,
        {"bankruptcy_quote_quantums": str(naive.bankruptcy("0", d))} if ok else refused,
    )
    rating = min(Fraction(1), max(Fraction(0), Fraction(adjust, 10**6) * (1 - Fraction(naive.tnc, naive.tmmr))))
    price = (naive.n("0", first) - rating * Fraction(spread, 10**6) * naive.mmr("0", first)) / first
    check(
        "dydx_v4.fillable_price",
        {**inputs, "bankruptcy_adjustment_ppm": adjust, "spread_to_maintenance_margin_ratio_ppm": spread},
        {"fillable_price_quote_per_base_quantum": [str(price.numerator), str(price.denominator)]} if ok else refused,
    )


@settings(max_examples=100, deadline=None)
@given(
    case=dydx_case(), subticks=st.integers(1, 10**8), power=st.integers(-12, 3), fee=st.integers(0, 10**5), buy=st.booleans()
)  # fmt: skip
def test_cases_dydx_fund_delta(case, subticks, power, fee, buy):
    perpetuals, (account,), first, part = case
    naive = Naive(perpetuals, account)
    fill = abs(slice_of(first, part))
    if naive.tmmr == 0:
        return
    q = subticks * fill * 10**power if power >= 0 else (subticks * fill) // 10**-power
    change, d = (-q, fill) if buy else (q, -fill)
    expected = {"error": "invalid_size_delta"}
    if naive.slice_ok("0", d):
        delta = change - naive.bankruptcy("0", d)
        delta = min(delta, q * fee // 10**6) if delta > 0 else delta
        expected = {"insurance_fund_delta_quote_quantums": str(delta)}
    inputs = {
        "perpetuals": perpetuals, "account": account, "perpetual_id": "0", "is_buy": buy, "fill_base_quantums": str(fill),
        "fill_price_subticks": str(subticks), "quantum_conversion_exponent": power, "max_liquidation_fee_ppm": fee,
    }  # fmt: skip
    check("dydx_v4.insurance_fund_delta", inputs, expected)
    check("dydx_v4.insurance_fund_delta", {**inputs, "fill_base_quantums": "0"}, {"error": "zero_fill"})


@settings(max_examples=200, deadline=None)
@given(case=dydx_case(accounts=2), oracle=st.booleans())
def test_cases_dydx_deleverage(case, oracle):
    perpetuals, (a, b), first, part = case
    one, two = Naive(perpetuals, a), Naive(perpetuals, b)
    if one.tmmr == 0:
        return
    d = slice_of(first, part)
    found = naive_deleverage(one, two, "0", d, oracle)
    expected = (
        {"error": found} if isinstance(found, str) else {"liquidated": found[0].plain(), "offsetting": found[1].plain()}
    )
    name = "oracle" if oracle else "bankruptcy"
    check(
        f"dydx_v4.deleverage_at_{name}_price",
        {
            "perpetuals": perpetuals,
            "perpetual_id": "0",
            "liquidated": a,
            "offsetting": b,
            "delta_base_quantums": str(d),
        },
        expected,
    )


@settings(max_examples=150, deadline=None)
@given(case=dydx_case(accounts=4), place=st.integers(0, 3))
def test_cases_dydx_offset_walks_in_order(case, place):
    perpetuals, accounts, first, part = case
    order = accounts[1:]
    order.insert(place, accounts[0])
    state = [Naive(perpetuals, a) for a in order]
    if state[place].tmmr == 0:
        return
    left, fills = slice_of(first, part), []
    for i, other in enumerate(state):
        held = other.positions.get("0", 0)
        if left == 0 or i == place or held == 0 or (held > 0) != (left > 0):
            continue
        size = held if abs(held) <= abs(left) else left
        if not state[place].slice_ok("0", size) or state[place].tmmr == 0:
            continue
        found = naive_deleverage(state[place], other, "0", size, False)
        if not isinstance(found, str):
            state[place], state[i] = found
            fills.append({"id": f"a{i}", "base_quantums": str(abs(size))})
            left -= size
    check(
        "dydx_v4.offset_position",
        {
            "perpetuals": perpetuals,
            "perpetual_id": "0",
            "accounts": [{"id": f"a{i}", **a} for i, a in enumerate(order)],
            "liquidated": f"a{place}",
            "delta_base_quantums": str(slice_of(first, part)),
        },
        {
            "accounts": [{"id": f"a{i}", **s.plain()} for i, s in enumerate(state)],
            "fills": fills,
            "remaining_base_quantums": str(left),
        },
    )


@pytest.mark.parametrize(
    ("price", "long", "tick", "power", "expected"),
    [
        (["197", "1"], False, 100, 1, "100"),  # 19.7 -> 19 -> 0 -> one tick
        (["2001", "10"], True, 10, 0, "210"),  # 200.1 -> 201 -> 210
        (["2001", "10"], False, 10, 0, "200"),
        (["-5", "3"], True, 7, 0, "7"),  # a price below zero: one tick
        (["0", "1"], False, 7, -3, "7"),
        ([str(2**70), "1"], True, 10, 0, "18446744073709551610"),  # the largest multiple of 10 below 2^64
        ([str(2**70), "1"], False, 1, 0, "18446744073709551615"),
        (["1", "1000"], True, 1, -3, "1"),  # exactly one step
        (["1001", "1000000"], True, 1, -3, "2"),
    ],
)
def test_cases_dydx_ticks(price, long, tick, power, expected):
    inputs = {
        "fillable_price_quote_per_base_quantum": price,
        "is_liquidating_long": long,
        "subticks_per_tick": str(tick),
        "quantum_conversion_exponent": power,
    }
    check("dydx_v4.fillable_price_to_subticks", inputs, {"subticks": expected})


def test_cases_dydx_block_limits():
    base = {
        "perpetual_id": "1",
        "already_liquidated_perpetual_ids": [],
        "max_notional_liquidated": "10",
        "max_insurance_lost": "5",
        "notional_liquidated_so_far": "12",
        "insurance_lost_so_far": "0",
    }
    # "maximum minus so-far, each": not cut off at zero
    check("dydx_v4.block_limits_remaining", base, {"notional_headroom": "-2", "insurance_headroom": "5"})
    again = {**base, "already_liquidated_perpetual_ids": ["0", "1"]}
    check("dydx_v4.block_limits_remaining", again, {"error": "already_liquidated_this_block"})


@pytest.mark.parametrize(
    ("size", "least", "portion", "expected"),
    [
        ("-3", "100", 10**6, ("15", "15")),  # the whole position is below the minimum; N is taken absolute
        ("3", "0", 333_333, ("0", "4")),  # 15 x 0.333333 = 4.99...
        ("3", "7", 333_333, ("7", "7")),
        ("0", "7", 10**6, ("0", "0")),
    ],
)
def test_cases_dydx_position_limits(size, least, portion, expected):
    perpetuals = {
        "0": {
            "initial_margin_ppm": 1, "maintenance_fraction_ppm": 1, "atomic_resolution": -6, "oracle_price": "5",
            "oracle_price_exponent": 0,
        }
    }  # fmt: skip
    inputs = {
        "perpetuals": perpetuals, "perpetual_id": "0", "position_base_quantums": size,
        "min_position_notional_liquidated": least, "max_position_portion_liquidated_ppm": portion,
    }  # fmt: skip
    check("dydx_v4.position_notional_limits", inputs, {"min_notional": expected[0], "max_notional": expected[1]})

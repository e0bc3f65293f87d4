"""Cases beyond the open ones: a second, naive reading of each rule of the vectors' README, held against the adapters.

Ids cases-*. The readings below are written from the README's text alone, in plain integers and fractions, and share no
code with the library.
"""

from __future__ import annotations

import json
from fractions import Fraction

import pytest
from conformance.adapters import ADAPTERS
from conformance.compare import RefusedError, load_file, run_case
from hypothesis import given, settings
from hypothesis import strategies as st


def answer(op, inputs):
    """What the adapter says, refusals as the README writes them."""
    try:
        return ADAPTERS[op](inputs)
    except RefusedError as refused:
        return {"error": str(refused)}


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


# --- drift_v2 -----------------------------------------------------------------------------------------------------

RATES = st.one_of(st.integers(0, 30_000), st.integers(0, 10**5))
PRICES = st.one_of(st.just(0), st.integers(1, 10**4), st.integers(10**5, 10**12))
RATIOS = st.integers(0, 2_000)


def naive_base(shortage, ratio, lf, fee, price, quote):
    r = 100 * ratio
    if price == 0 or r <= lf:
        return 2**64 - 1
    d = price * quote // 10**6 * (r - lf) // 10**6 - price * fee // 10**6
    return shortage * 10**9 // d if d > 0 else None


def naive_fee(shortage, base, ratio, lf, price, quote, most):
    r = 100 * ratio
    if price == 0 or quote == 0 or base == 0 or r <= lf:
        return 0
    worth = price * quote // 10**6
    if worth == 0:
        return None
    used = shortage * 10**9 // base * 10**6 // worth
    return min(most, max(0, r - lf - used) * 19 // 20)


@settings(max_examples=300, deadline=None)
@given(
    shortage=st.integers(0, 10**15),
    base=st.integers(0, 10**16),
    ratio=RATIOS,
    lf=RATES,
    fee=RATES,
    price=PRICES,
    quote=st.sampled_from([0, 1, 999_999, 10**6, 1_000_001]),
)
def test_cases_drift_sizes_and_fees(shortage, base, ratio, lf, fee, price, quote):
    common = {
        "margin_shortage": str(shortage), "margin_ratio": ratio, "liquidator_fee": lf, "oracle_price": str(price),
        "quote_oracle_price": str(quote),
    }  # fmt: skip
    expected = naive_base(shortage, ratio, lf, fee, price, quote)
    if expected is not None:
        inputs = {**common, "insurance_fee": fee}
        check("drift_v2.base_to_cover_margin_shortage", inputs, {"base_amount": str(expected)})
    rate = naive_fee(shortage, base, ratio, lf, price, quote, fee)
    if rate is not None:
        inputs = {**common, "base_amount": str(base), "max_insurance_fee": fee}
        check("drift_v2.perp_insurance_fee_rate", inputs, {"fee_rate": rate})


@settings(max_examples=300, deadline=None)
@given(
    base=st.integers(-(10**12), 10**12),
    price=st.integers(1, 10**11),
    near=st.integers(-(10**9), 10**9),
    quote=st.integers(-(10**12), 10**12),
    ratio=RATIOS,
    buffer=st.integers(0, 200),
    lf=RATES,
    fee=RATES,
    max_base=st.integers(0, 10**12),
    step=st.sampled_from([1, 7, 10**6, 10**9]),
)
def test_cases_drift_liquidate(base, price, near, quote, ratio, buffer, lf, fee, max_base, step):
    b, s = abs(base), (base > 0) - (base < 0)
    value = b * price // 10**9
    collateral = near - quote - s * value + value * (ratio + buffer) // 10**4
    equity = collateral + quote + s * value
    short = max(0, value * (ratio + buffer) // 10**4 - equity)
    f = naive_fee(short, b, ratio + buffer, lf, price, 10**6, fee)
    need = naive_base(short, ratio + buffer, lf, f, price, 10**6)
    if need is None:
        return
    take = min(b, max_base, ceil(need, step) * step)
    v = take * price // 10**9
    reward, insurance = v * lf // 10**6, v * f // 10**6
    check(
        "drift_v2.liquidate_perp",
        {
            "position_base": str(base), "position_quote": str(quote), "collateral": str(collateral),
            "oracle_price": str(price), "margin_ratio_maintenance": ratio, "buffer_ratio": buffer, "liquidator_fee": lf,
            "max_insurance_fee": fee, "max_base": str(max_base), "order_step_size": str(step),
        },
        {
            "user_base": str(base - s * take), "user_quote": str(quote + s * v - reward - insurance),
            "liquidator_base": str(s * take), "liquidator_quote": str(-s * v + reward),
            "insurance_fee_paid": str(insurance),
        },
    )  # fmt: skip


@given(total=st.integers(0, 10**30), vault=st.integers(1, 10**20), part=st.integers(0, 100), low=st.integers(0, 120))
def test_cases_drift_rebase_and_cancel(total, vault, part, low):
    n = total // 10 // vault
    exponent = 0
    while 10 ** (exponent + 1) <= n:
        exponent += 1
    check(
        "drift_v2.share_rebase",
        {"total_shares": str(total), "vault_balance": str(vault)},
        {"rebase_divisor": str(10**exponent), "exponent": exponent},
    )
    if not total:
        return
    requested = total * part // 100
    asked = vault * requested // total * low // 100
    value = vault * requested // total
    lost = 0 if value <= asked else requested - asked * (total - requested) // (vault - asked)
    inputs = {"total_shares": str(total), "vault_balance": str(vault), "requested_shares": str(requested)}
    check("drift_v2.shares_lost_on_cancel", {**inputs, "requested_value": str(asked)}, {"shares_lost": str(lost)})


class NaiveStake:
    """The state of stake_script, changed as its text says."""

    KEYS = (
        "vault total_shares user_shares shares_base staker_shares staker_base cost_basis request_shares request_value"
    )

    def __init__(self, start):
        self.period = start["unstaking_period"]
        for key in self.KEYS.split():
            value = start.get(key, 0)
            setattr(self, key, int(value))
        self.time = 0

    def rebase(self):
        if 0 < self.vault < self.total_shares:
            n = self.total_shares // 10 // self.vault
            e = len(str(n)) - 1 if n >= 10 else 0
            self.total_shares //= 10**e
            self.user_shares //= 10**e
            self.shares_base += e
        if self.vault > 0 and self.total_shares == 0:
            self.total_shares = self.vault
        divisor = 10 ** (self.shares_base - self.staker_base)
        self.staker_shares //= divisor
        self.request_shares //= divisor
        self.staker_base = self.shares_base

    def step(self, do):
        kept = dict(self.__dict__)
        found = self.try_step(do)
        if "error" in found:
            self.__dict__.update(kept)
            return found
        names = self.KEYS.split()
        bare = {"shares_base", "staker_base"}
        return {k: getattr(self, k) if k in bare else str(getattr(self, k)) for k in names} | found

    def try_step(self, do):
        if do["do"] == "vault_change":
            self.vault += int(do["delta"])
        if do["do"] == "stake":
            amount = int(do["amount"])
            if self.vault == 0 and self.total_shares:
                return {"error": "drained_fund"}
            self.rebase()
            n = amount if self.vault == 0 else amount * self.total_shares // self.vault
            self.cost_basis = amount if self.staker_shares == 0 else self.cost_basis + amount
            self.staker_shares += n
            self.total_shares += n
            self.user_shares += n
            self.vault += amount
        if do["do"] == "request":
            self.request_shares = int(do["shares"])
            self.rebase()
            worth = self.vault * self.request_shares // self.total_shares
            self.request_value = min(worth, max(0, self.vault - 1))
            self.time = do["t"]
        if do["do"] == "withdraw":
            if do["t"] - self.time < self.period:
                return {"error": "cooldown"}
            self.rebase()
            if self.request_shares == 0:
                return {"error": "no_request"}
            paid = min(self.vault * self.request_shares // self.total_shares, self.request_value)
            self.staker_shares -= self.request_shares
            self.total_shares -= self.request_shares
            self.user_shares -= self.request_shares
            self.cost_basis -= paid
            self.request_shares = self.request_value = 0
            self.time = do["t"]
            self.vault -= paid
            return {"paid": str(paid)}
        return {}


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_cases_drift_stake_script(data):
    vault = data.draw(st.sampled_from([0, 1, 10**6, 10**12]))
    mine, theirs, own = (data.draw(st.sampled_from([0, 3, 10**6, 10**13])) for _ in range(3))
    start = {
        "vault": str(vault), "total_shares": str(mine + theirs + own), "user_shares": str(mine + theirs),
        "shares_base": 2, "unstaking_period": 100, "staker_shares": str(mine), "staker_base": data.draw(st.integers(0, 2)),
        "cost_basis": str(mine),
    }  # fmt: skip
    naive, steps, expected, t = NaiveStake(start), [], [], 0
    for _ in range(data.draw(st.integers(1, 8))):
        t += data.draw(st.sampled_from([0, 50, 99, 100, 1000]))
        kind = data.draw(st.sampled_from(["stake", "request", "withdraw", "loss", "gain"]))
        if kind == "stake":
            step = {"do": "stake", "amount": str(data.draw(st.integers(1, 10**12)))}
        elif kind == "request":
            if naive.total_shares == 0:
                continue
            step = {"do": "request", "shares": str(naive.staker_shares * data.draw(st.integers(0, 4)) // 4), "t": t}
        elif kind == "withdraw":
            step = {"do": "withdraw", "t": t}
        else:
            part = data.draw(st.sampled_from([1, 500, 990, 1000]))
            delta = -(naive.vault * part // 1000) if kind == "loss" else naive.vault * part // 100 + part
            step = {"do": "vault_change", "delta": str(delta)}
        if naive.total_shares == 0 and naive.vault == 0 and step["do"] == "withdraw" and naive.request_shares:
            continue  # the text divides by zero
        steps.append(step)
        expected.append(naive.step(step))
    if steps:
        check("drift_v2.stake_script", {"start": start, "steps": steps}, {"after_step": expected})


# --- windows and step-downs: real numbers, given as decimals ------------------------------------------------------


@pytest.mark.parametrize(
    ("position", "used", "after"),
    [(150, 0, 50), (150, 60, 110), (30, 0, 0), (30, 100, 30), (30, 130, 30), (0, 0, 0)],
)
def test_cases_synthetix_window(position, used, after):
    inputs = {
        "maker_fee": Fraction("0.007"), "taker_fee": Fraction("0.003"), "skew_scale": 1000, "limit_multiplier": 1,
        "seconds_in_window": 10, "position_size": position, "capacity_used_in_window": used,
    }  # fmt: skip
    check_exact("synthetix_v3.liquidation_window", inputs, {"window_capacity": 100, "position_after": after})


def check_exact(op, inputs, expected):
    assert answer(op, inputs) == expected, (op, inputs)


def paradex(collateral, mark, step, fee="0.5", target="0.9"):
    return answer(
        "documents.paradex_liquidation_share",
        {
            "collateral": Fraction(collateral), "positions": [{"size": -2, "entry": 100, "mark": Fraction(mark)}],
            "maintenance_fraction": Fraction("0.05"), "liquidation_fee": Fraction(fee), "share_step": Fraction(step),
            "target_margin_ratio": Fraction(target),
        },
    )  # fmt: skip


def test_cases_paradex_shares():
    # mark 110: requirement 2 x 110 x 0.05 = 11, profit -20.
    whole = paradex(20, 110, "0.25")  # no value left: every ratio is null, everything is closed
    assert [r["margin_ratio"] for r in whole["table"]] == [None] * 3
    assert whole["chosen_share"] == 1
    # value 10; share 0.25: penalty 1.375, requirement 8.25, value 8.625, ratio 0.956; share 0.5: 5.5 / 7.25 = 0.758
    half = paradex(30, 110, "0.25")
    assert half["chosen_share"] == Fraction(1, 2)
    assert half["table"][1] == {
        "share": Fraction(1, 2), "new_mmr": Fraction(11, 2), "penalty": Fraction(11, 4),
        "new_account_value": Fraction(29, 4), "margin_ratio": Fraction(22, 29),
    }  # fmt: skip
    # a step that does not divide one: 0.3, 0.6, 0.9, and a step of one has no rows
    assert [r["share"] for r in paradex(30, 110, "0.3")["table"]] == [Fraction(3, 10), Fraction(6, 10), Fraction(9, 10)]
    assert paradex(30, 110, "1")["table"] == []
    # a ratio exactly at the target is not below it
    assert paradex(31, 110, "0.5", fee="0", target="0.5")["chosen_share"] == 1
    assert paradex(31, 110, "0.5", fee="0", target="0.51")["chosen_share"] == Fraction(1, 2)


OPEN = (
    *(f"dydx_v4.{n}" for n in ("fillable_price_to_subticks", "block_limits_remaining", "position_notional_limits",
        "deleverage_at_bankruptcy_price", "deleverage_at_oracle_price", "offset_position")),
    *(f"drift_v2.{n}" for n in ("base_to_cover_margin_shortage", "perp_insurance_fee_rate", "liquidate_perp",
        "share_rebase", "shares_lost_on_cancel", "stake_script")),
    "synthetix_v3.liquidation_window",
    "documents.paradex_liquidation_share",
)  # fmt: skip


@pytest.mark.parametrize("op", OPEN)
def test_cases_open_ones_pass(shared, op):
    files = sorted((shared / "vectors" / "venues").glob("*.json"))
    cases = [c for f in files for c in load_file(f) if c["op"] == op]
    assert cases, f"no open case of {op}"
    for case in cases:
        result = run_case(case, ADAPTERS)
        assert result.status == "passed", result

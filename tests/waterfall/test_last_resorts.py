"""Tiers, recoveries, haircuts, tear-up, indices, gate, auctions, triggers. Ids resort-*."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.errors import InputError
from seawall.waterfall import (
    AuctionTerms,
    BankruptPosition,
    DebtRule,
    DefaultLoss,
    DepositIndex,
    DrawdownTrigger,
    LifetimeCaps,
    LossIndex,
    Slice,
    SurplusRule,
    TokenHealth,
    allocate_tiers,
    bidding_tiers,
    cover_first,
    cut_equity,
    cut_gains,
    junior_profit,
    parts,
    pay_winners,
    resolve,
    return_recoveries,
    risk_aware_shares,
    successive_defaults,
    tear_up,
    withdraw,
    withdrawal_rate,
)
from seawall.waterfall import RiskCurve as Curve

AMOUNTS = st.lists(st.integers(0, 60), max_size=5)
LOSS = st.integers(0, 200)


@given(loss=LOSS, rows=st.lists(AMOUNTS, max_size=4), exact=st.booleans())
def test_resort_tiers_use_and_residual_are_the_loss_in_order(loss, rows, exact):
    kind = Fraction if exact else int
    tiers = [[(f"{t}.{i}", kind(a)) for i, a in enumerate(row)] for t, row in enumerate(rows)]
    found = allocate_tiers(kind(loss), tiers)
    assert sum(found.used.values()) + found.residual == loss
    left = loss
    for tier in tiers:
        whole = sum(a for _, a in tier)
        pays = sum(found.used[n] for n, _ in tier)
        assert pays == min(left, whole)  # no later tier pays while this one has money
        for name, amount in tier:
            share = Fraction(amount * pays, 1) / whole if whole else Fraction(0)
            assert 0 <= found.used[name] <= amount
            assert abs(found.used[name] - share) < 1
            assert not exact or found.used[name] == share
        left -= pays


@given(loss=LOSS, more=st.integers(0, 50), rows=st.lists(AMOUNTS, max_size=4))
def test_resort_tiers_are_monotone_in_loss(loss, more, rows):
    tiers = [[(f"{t}.{i}", Fraction(a)) for i, a in enumerate(row)] for t, row in enumerate(rows)]
    small, large = (allocate_tiers(Fraction(x), tiers).used for x in (loss, loss + more))
    assert all(small[k] <= large[k] for k in small)


def test_resort_bidders_are_junior_by_what_they_bid():
    """No bid, poor bid, competitive and winner. Source: Zeliade; BIS working paper 938."""
    given_ = {"A": 100, "B": 100, "C": 60, "D": 40}
    tiers = bidding_tiers(given_, {"A": -50, "B": -52, "C": -90}, tolerance=5)
    assert tiers == [[("D", 40)], [("C", 60)], [("A", 100), ("B", 100)]]
    assert allocate_tiers(130, tiers).used == {"D": 40, "C": 60, "A": 15, "B": 15}
    assert bidding_tiers(given_, {}, tolerance=0) == [list(given_.items())]
    with pytest.raises(InputError, match="without contribution"):
        bidding_tiers(given_, {"X": 1}, tolerance=0)


@given(
    sizes=st.lists(st.tuples(st.integers(0, 50), st.booleans()), min_size=1, max_size=3),
    losses=st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=4),
)
def test_resort_later_defaults_see_what_is_left(sizes, losses):
    slices = [Slice(f"s{i}", a, back) for i, (a, back) in enumerate(sizes)]
    found = successive_defaults(slices, [DefaultLoss(*row) for row in losses])
    left = [a for a, _ in sizes]
    for turn, ((loss, own), (draws, residual)) in enumerate(zip(losses, found.defaults, strict=True)):
        left = [a if turn and back else x for x, (a, back) in zip(left, sizes, strict=True)]
        assert sum(d.amount for d in draws) + residual == max(0, loss - own)
        assert [d.available for d in draws] == left
        left = [x - d.amount for x, d in zip(left, draws, strict=True)]
    assert list(found.left.values()) == left


@given(recovery=LOSS, rows=st.lists(AMOUNTS, max_size=4))
def test_resort_recoveries_go_back_last_used_first_and_never_beyond_what_was_paid(recovery, rows):
    paid = [(f"layer {k}", {str(i): a for i, a in enumerate(row)}) for k, row in enumerate(rows)]
    found = return_recoveries(recovery, paid)
    assert sum(sum(back.values()) for _, back in found.layers) + found.excess == recovery
    left = recovery
    for (_, given_), (_, back) in zip(paid, found.layers, strict=True):
        assert sum(back.values()) == min(left, sum(given_.values()))
        assert all(0 <= back[k] <= given_[k] for k in given_)
        left -= sum(back.values())


@given(shortfall=LOSS, gains=st.lists(st.integers(-50, 50), max_size=6))
def test_resort_gains_haircut_never_exceeds_the_gain(shortfall, gains):
    found = cut_gains(shortfall, gains)
    assert sum(found.cuts) + found.residual == shortfall
    for gain, cut, paid in zip(gains, found.cuts, found.paid, strict=True):
        assert 0 <= cut <= max(0, gain)
        assert paid + cut == gain
        assert abs(cut - found.rate * max(0, gain)) < 1
    exact = cut_gains(Fraction(shortfall), [Fraction(g) for g in gains])
    assert exact.cuts == [exact.rate * max(0, g) for g in gains]


def rounds(shortfall, gains, left):
    """The rule as written: share what is left pro rata to the whole gain, each limited to the room, and again."""
    cut = dict.fromkeys(gains, Fraction(0))
    rest = Fraction(shortfall)
    while rest > 0:
        room = {k: min(max(Fraction(0), g), left[k]) - cut[k] for k, g in gains.items()}
        some = {k: g for k, g in gains.items() if room[k] > 0}
        if not some:
            break
        share = {k: min(room[k], rest * g / sum(some.values())) for k, g in some.items()}
        for k, x in share.items():
            cut[k] += x
        rest -= sum(share.values())
    return cut, rest


DAY = st.tuples(st.integers(0, 90), st.dictionaries(st.sampled_from("ABCD"), st.integers(-9, 60), max_size=4))


@given(cap=st.integers(0, 60), days=st.lists(DAY, max_size=4))
def test_resort_lifetime_caps_equal_the_rounds_of_re_offering(cap, days):
    caps, left = LifetimeCaps.of(Fraction(cap)), {}
    whole = LifetimeCaps.of(cap)
    for shortfall, gains in days:
        for name in gains:
            left.setdefault(name, Fraction(cap))
        expected, rest = rounds(shortfall, {k: Fraction(g) for k, g in gains.items()}, left)
        cut, residual = caps.cut(Fraction(shortfall), {k: Fraction(g) for k, g in gains.items()})
        assert (cut, residual) == (expected, rest)
        for name, x in cut.items():
            left[name] -= x
        units, unshared = whole.cut(shortfall, gains)
        assert sum(units.values()) + unshared == shortfall
        assert all(0 <= x <= max(0, gains[k]) for k, x in units.items())
    assert caps.left == left
    assert all(x >= 0 for x in whole.left.values())


def test_resort_crisis_conserves_money_through_insurance():
    """Principal 1.0m, nothing left but 0.5m of insurance: a haircut of 50 %, not of 100 %.

    Source: Percolator's crisis module, corrected: what is drawn from insurance is money.
    """
    found = cut_equity(principal=1_000_000, realised=0, unvested=200_000, insurance=500_000, collateral=0)
    assert found == (200_000, 500_000, Fraction(1, 2))


@given(*[st.integers(0, 100)] * 5)
def test_resort_equity_after_the_cut_is_what_there_is(principal, realised, unvested, insurance, collateral):
    found = cut_equity(
        principal=principal, realised=realised, unvested=unvested, insurance=insurance, collateral=collateral
    )
    assert 0 <= found.equity_haircut <= 1
    equity = principal + realised
    owed = equity * (1 - found.equity_haircut) + unvested - found.unvested_burned
    has = collateral + found.insurance_drawn
    assert owed <= has or not equity
    if found.equity_haircut:  # everything before it is used up, and then owed is exactly what is there
        assert (found.unvested_burned, found.insurance_drawn, owed) == (unvested, insurance, has)


@given(st.integers(0, 300), st.integers(0, 100), st.integers(0, 100), st.lists(st.integers(-9, 60), max_size=5))
def test_resort_junior_profit_never_exceeds_the_residual(vault, capital, insurance, profits):
    found = junior_profit(vault, capital, insurance, profits)
    assert found.residual == max(0, vault - capital - insurance)
    assert sum(found.effective) <= found.residual or not any(p > 0 for p in profits)
    for p, paid in zip(profits, found.effective, strict=True):
        assert paid == (found.rate * max(0, p)).__floor__()


@given(unmatched=st.integers(0, 90), rows=st.lists(st.tuples(st.integers(0, 40), st.integers(1, 9)), max_size=5), mark=st.integers(1, 9), side=st.sampled_from([1, -1]))  # fmt: skip
def test_resort_tear_up_closes_lots_and_settles_the_mark(unmatched, rows, mark, side):
    lots, entry = [r[0] for r in rows], [r[1] for r in rows]
    found = tear_up(unmatched, lots, entry, mark, side)
    assert sum(found.torn) == min(unmatched, sum(lots)) == unmatched - found.unmatched
    for q, e, t, p, left in zip(lots, entry, found.torn, found.profit, found.open_after, strict=True):
        assert 0 <= t <= q
        assert t + left == q
        assert p == side * t * (mark - e)
    with pytest.raises(InputError, match="no such side"):
        tear_up(1, [1], [1], 1, 0)


@given(
    loss=st.integers(0, 10**9),
    longs=st.lists(st.integers(1, 10**6), min_size=1, max_size=5),
    shorts=st.lists(st.integers(1, 10**6), min_size=1, max_size=5),
)
def test_resort_a_loss_index_collects_the_loss_from_both_sides(loss, longs, shorts):
    """Rounded up once in the index and toward zero in each charge: together within a unit a holder and the step."""
    rule = LossIndex(10**9, 1000)
    delta = rule.delta(-loss, sum(longs), -sum(shorts))
    assert delta % 1000 == 0
    taken = [rule.charge(delta, 0, q) for q in longs] + [rule.charge(-delta, 0, -q) for q in shorts]
    assert all(t >= 0 for t in taken)
    slack = (sum(longs) + sum(shorts)) // 10**9 + 1
    assert loss - len(taken) <= sum(taken) <= loss + slack
    with pytest.raises(InputError, match="no open interest"):
        rule.delta(-1, 0, 0)


@given(loss=st.integers(0, 500), vault=st.integers(0, 99), pool=st.integers(0, 99), budget=st.one_of(st.none(), st.integers(0, 99)), used=st.integers(0, 99))  # fmt: skip
def test_resort_insurance_then_fee_pool_then_everyone(loss, vault, pool, budget, used):
    found = cover_first(loss, vault=vault, fee_pool=pool, budget=budget, used=used)
    assert sum(found) == loss
    assert 0 <= found.insurance <= max(0, vault - 1)
    assert budget is None or found.insurance <= max(0, budget - used)
    assert found.socialised == 0 or found.fee_pool == pool


@given(loss=st.integers(0, 10**7), shares=st.integers(0, 10**12), index=st.integers(1, 10**11))
def test_resort_a_deposit_cut_never_goes_below_zero_and_never_undercharges(loss, shares, index):
    rule = DepositIndex(10**13)
    after, unborne = rule.cut(loss, shares, index)
    before = rule.value(shares, index)
    assert 0 <= after <= index
    assert unborne == max(0, loss - before)
    assert before - rule.value(shares, after) >= loss - unborne


@given(
    st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), max_size=5), st.integers(0, 60), st.lists(st.integers(1, 9), min_size=1, max_size=5)
)  # fmt: skip
def test_resort_winners_get_exactly_what_was_collected(losers, pool, weights):
    due = sum(o for o, _ in losers)
    owed = parts(due, weights)  # gains of a cycle equal its losses
    found = pay_winners([o for o, _ in losers], [h for _, h in losers], pool, owed)
    assert sum(found.paid) == found.collected <= due
    assert found.from_pool <= pool
    for w, got in zip(owed[:-1], found.paid, strict=False):
        assert got <= w
    if found.collected == due:
        assert found.paid == owed


def test_resort_a_withdrawal_below_one_pays_early_and_late_alike():
    """Whoever withdraws first gets no more per unit than the last: no race for the door."""
    claims = [700, 300, 501]
    rate = withdrawal_rate(250, sum(claims))
    paid = [withdraw(c, rate) for c in claims]
    assert all(p.paid + p.withheld == c for p, c in zip(paid, claims, strict=True))
    assert sum(p.paid for p in paid) <= sum(claims) - 250
    assert sum(p.paid for p in paid) > sum(claims) - 250 - len(claims)
    assert withdrawal_rate(0, 0) == withdrawal_rate(0, 5) == 1
    assert withdrawal_rate(9, 5) == withdrawal_rate(1, 0) == 0
    with pytest.raises(InputError, match="rate outside"):
        withdraw(1, Fraction(2))


TERMS = AuctionTerms(Fraction(21, 20), bid_time=3, length=10)


def test_resort_a_debt_auction_recapitalises_with_ever_fewer_shares():
    """Source: Maker flop: fixed bid, decreasing lot by 5 %, restart raises the lot by half."""
    rule = DebtRule(TERMS, lot=500, first_shares=100, wait=5)
    assert [rule.released(10, t) for t in (14, 15)] == [False, True]
    assert rule.may_start(debt=900, queued=300, on_auction=100, surplus=0)
    assert not rule.may_start(debt=900, queued=300, on_auction=101, surplus=0)  # never the same debt twice
    assert not rule.may_start(debt=900, queued=0, on_auction=0, surplus=1)  # net first
    auction = rule.start(0)
    with pytest.raises(InputError, match="restarts"):
        auction.restart(rule, 9)
    auction = auction.restart(rule, 10)
    assert (auction.best, auction.ends) == (150, 20)
    with pytest.raises(InputError, match="improve enough"):
        auction.bid(TERMS, "a", 143, 11)
    auction = auction.bid(TERMS, "a", 142, 11)
    auction = auction.bid(TERMS, "b", 100, 13)
    assert (auction.leader, auction.fixed, auction.best) == ("b", 500, 100)
    with pytest.raises(InputError, match="not decided"):
        auction.winner(15)
    assert auction.winner(16) == ("b", 100)
    with pytest.raises(InputError, match="is over"):
        auction.bid(TERMS, "c", 10, 16)
    with pytest.raises(InputError, match="restarts"):
        auction.restart(rule, 30)


def test_resort_a_surplus_auction_sells_only_above_the_buffer():
    """Source: Maker flap: surplus >= debt + lot + buffer, no debt to net, rising bids by 5 %."""
    rule = SurplusRule(TERMS, lot=50, buffer=500, most_at_once=100)
    assert rule.may_start(debt=10, queued=10, on_auction=0, surplus=560)
    assert not rule.may_start(debt=10, queued=10, on_auction=0, surplus=559)
    assert not rule.may_start(debt=10, queued=9, on_auction=0, surplus=999)
    assert rule.may_start(debt=10, queued=0, on_auction=12, surplus=560)  # part of what is on auction was paid since
    assert not rule.may_start(debt=0, queued=0, on_auction=0, surplus=999, selling=51)
    auction = rule.start(0)
    auction = auction.bid(TERMS, "a", 20, 0)
    with pytest.raises(InputError, match="improve enough"):
        auction.bid(TERMS, "b", 20, 1)
    auction = auction.bid(TERMS, "b", 21, 2)
    assert auction.winner(5) == ("b", 21)
    assert rule.start(0).restart(rule, 10).ends == 20


def test_resort_health_is_linear_in_two_pieces_and_its_inverses_agree():
    for other in (-30, -3, 0, 3, 30):
        health = TokenHealth(Fraction(1, 2), Fraction(2), Fraction(other))
        for balance in range(-20, 21):
            taken = health.takeable(Fraction(balance))
            if health.of(Fraction(balance)) > 0:
                assert health.of(balance - taken) == 0
            missing = health.missing(Fraction(balance))
            if health.of(Fraction(balance)) < 0:
                assert health.of(balance + missing) == 0
    assert TokenHealth(Fraction(0), Fraction(2), Fraction(-3)).missing(Fraction(1)) is None


@given(
    balance=st.integers(-20, 40), profit=st.integers(-60, -1), other=st.integers(-40, 40), vault=st.integers(0, 30),
    limit=st.integers(0, 60), accepted=st.integers(0, 80), oi=st.integers(0, 5), price=st.integers(1, 3),
)  # fmt: skip
def test_resort_bankruptcy_accounts_for_all_profit(balance, profit, other, vault, limit, accepted, oi, price):
    health = TokenHealth(Fraction(price, 2), Fraction(2 * price), Fraction(other))
    case = BankruptPosition(
        health, *map(Fraction, (balance, profit, price, 2, vault, limit)), Fraction(1, 20), Fraction(oi)
    )
    found = resolve(case, Fraction(accepted))
    assert profit + found.settled + found.taken_over + found.socialised == found.profit_after <= 0
    assert min(found.settled, found.taken_over, found.socialised) >= 0
    assert found.settled + found.taken_over <= accepted
    assert found.insurance_tokens <= vault
    if found.socialised:  # only when the vault is emptied
        assert found.insurance_tokens == vault
    assert found.per_unit == (found.socialised / oi if oi else 0)


def test_resort_a_drawdown_needs_a_pool():
    with pytest.raises(InputError, match="never held anything"):
        zero = Fraction(0)
        DrawdownTrigger(Fraction(-3, 10)).check(pool=zero, pool_peak=zero, market_now=zero, market_peak=zero)


def test_resort_risk_aware_power_between_whole_numbers():
    """x^0.5 weighs 4 twice as much as 1; leverage counts once more."""
    found = risk_aware_shares([Fraction(1, 2)] * 2, [Fraction(1), Fraction(4)], Curve.POWER, Fraction(1, 2))
    assert [round(float(x), 12) for x in found] == [round(1 / 9, 12), round(8 / 9, 12)]
    assert sum(found) == 1

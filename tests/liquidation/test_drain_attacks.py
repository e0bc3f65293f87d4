"""Attacks on the fund that were tried on real venues, on the pure mechanisms. Ids drain-*.

Source of the catalogue: aeyakovenko/percolator-cli and percolator-prog issues, sherlock-audit GMX v2 findings (see the
reference on venues, section 3). "The attacker" is one owner of both sides of a trade.
"""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st
from tests.books import perp

from seawall.liquidation import (
    AccountView,
    BlockCap,
    BlockUse,
    ClosePrice,
    DisposalRule,
    FeeKind,
    LimitKind,
    LimitPrice,
    LiquidationFee,
    ShortageRule,
    close_shortage,
    limit_mark,
    offset_in_order,
    settle_fill,
)
from seawall.margin import Holding, MarginRule, requirement_of
from seawall.money import profile

UNIT = 10**6
RULE = MarginRule("asset", profile("toward_fund"))
FEE = LiquidationFee(FeeKind.IMPROVEMENT, Fraction(5, 1000))
MARK = 1_000


def close_long(lots, equity, price):
    """The long's fill at ``price`` against the attacker's own bid: (fee, draw), and the pair's gain in all."""
    value = perp().unit_value(MARK)
    gain = lots * (perp().unit_value(price) - value)
    found = settle_fill(
        gain=gain, equity=equity, part=1, total=1, notional=lots * perp().unit_value(price), fee=FEE, profile=RULE.profile
    )  # fmt: skip
    # long: loses its equity down to what the fill leaves; the other side gains what the fill gave up
    left = equity + gain - found.fee + found.draw
    return found, (left - equity) - gain


@given(lots=st.integers(1, 50), equity=st.integers(-(10**9), 10**9), price=st.integers(1, 2_000))
def test_drain_a_self_trading_pair_gains_exactly_the_draw(lots, equity, price):
    """Whatever price the pair chooses, it is even but for fee and draw: all it can win is what the fund pays."""
    found, gained = close_long(lots, equity, price)
    assert gained == found.draw - found.fee
    assert found.draw == max(0, -(equity + lots * (price - MARK) * UNIT))


@given(lots=st.integers(1, 50), equity=st.integers(0, 10**9))
def test_drain_a_bankruptcy_limit_leaves_a_pair_nothing(lots, equity):
    need = requirement_of(Holding(perp(), lots, 0, MARK), lots, RULE)
    price = limit_mark(
        perp(), LimitPrice(LimitKind.BANKRUPTCY), lots=-lots, position_lots=lots, unit_value=perp().unit_value(MARK),
        equity=equity, requirement=need, total_requirement=need,
    )  # fmt: skip
    assert close_long(lots, equity, price)[1] <= 0


BLOCKS = st.lists(
    st.lists(
        st.tuples(st.integers(0, 2), st.sampled_from("AB"), st.integers(1, 20), st.integers(-(10**9), 10**8), st.integers(1, 1_000)),
        max_size=6,
    ),
    max_size=4,
)  # fmt: skip


@given(blocks=BLOCKS, cap=st.integers(0, 10**10), vault=st.integers(0, 10**11))
def test_drain_pairs_delayed_liquidation_and_split_owners_stay_under_the_cap(blocks, cap, vault):
    """Per block and owner the fund loses at most the cap, whatever prices, however negative the equity was allowed to
    get, and into however many accounts the owner is split, when use is kept by owner. Kept by account it is the cap
    times the accounts: that is what the published rule gives.
    """
    rule = BlockCap(10**15, cap)
    for keyed_by_owner in (True, False):
        drawn, left = 0, vault
        for block in blocks:
            use = {}
            for account, market, lots, equity, price in block:
                key = "owner" if keyed_by_owner else account
                found, gained = close_long(lots, equity, price)
                now = use.get(key, BlockUse())
                # one owner with several accounts may be closed in one market more than once a block
                place = f"{account}/{market}"
                if found.draw > left or now.admit(rule, place, notional=lots, fund_loss=found.draw) is not None:
                    continue
                use[key] = now.after(place, notional=lots, fund_loss=found.draw)
                drawn, left = drawn + found.draw, left - found.draw
                assert gained <= found.draw
        accounts = 1 if keyed_by_owner else 3
        assert drawn <= min(vault, cap * accounts * len(blocks)), (blocks, cap)


@given(
    lots=st.integers(2, 60),
    others=st.lists(st.integers(1, 60), max_size=4),
    need=st.integers(1, 150),
    place=st.integers(0, 4),
)
def test_drain_shrinking_by_one_lot_saves_at_most_one_lot(lots, others, need, place):
    """GMX finding 210: a position reduced by one unit just before must not fall out of the walk."""
    place = min(place, len(others))

    def taken(mine):
        sizes = [*others[:place], mine, *others[place:]]
        closed = AccountView(-need * (MARK + 1) * UNIT, (Holding(perp(), need, 0, MARK),))
        shorts = [AccountView(s * (MARK * 2) * UNIT, (Holding(perp(), -s, 0, MARK),)) for s in sizes]
        found = offset_in_order([closed, *shorts], 0, "BTC-PERP", -need, ClosePrice.BANKRUPTCY, RULE)
        return dict(found.fills).get(place + 1, 0)

    assert taken(lots) - 1 <= taken(lots - 1) <= taken(lots)


@given(parts=st.lists(st.integers(1, 20), min_size=1, max_size=5), need=st.integers(1, 150), other=st.integers(1, 60))
def test_drain_splitting_one_owner_gives_the_same_in_the_walk(parts, need, other):
    """An owner's accounts side by side in the order give together what one account would."""

    def taken(sizes):
        closed = AccountView(-need * (MARK + 1) * UNIT, (Holding(perp(), need, 0, MARK),))
        shorts = [AccountView(s * (MARK * 2) * UNIT, (Holding(perp(), -s, 0, MARK),)) for s in [*sizes, other]]
        found = offset_in_order([closed, *shorts], 0, "BTC-PERP", -need, ClosePrice.BANKRUPTCY, RULE)
        return sum(size for i, size in found.fills if i <= len(sizes))

    assert taken(parts) == taken([sum(parts)])


def test_drain_one_who_may_not_accept_does_not_block_the_walk():
    closed = AccountView(-10 * (MARK + 1) * UNIT, (Holding(perp(), 10, 0, MARK),))
    poor = AccountView(10 * (MARK - 1) * UNIT, (Holding(perp(), -10, 0, MARK),))  # bankrupt itself
    dust = AccountView(2 * MARK * UNIT, (Holding(perp(), -1, 0, MARK),))
    rich = AccountView(20 * MARK * UNIT, (Holding(perp(), -10, 0, MARK),))
    found = offset_in_order([closed, poor, dust, rich], 0, "BTC-PERP", -10, ClosePrice.BANKRUPTCY, RULE)
    assert (found.fills, found.remaining) == (((2, 1), (3, 9)), 0)


@given(
    size=st.integers(1, 10**12),
    price=st.integers(1, 10**10),
    collateral=st.integers(-(10**12), 10**12),
    most=st.integers(0, 10**12),
)
def test_drain_a_phantom_fee_is_never_credited(size, price, collateral, most):
    """The fund's fee of a close-out is booked against the account's own quote: what is credited was taken."""
    rule = ShortageRule(50_000, 1_000, 10_000, 50_000)
    found = close_shortage(
        rule, base=size, quote=-size * price // 10**9, collateral=collateral, price=price, max_base=most
    )
    before = -size * price // 10**9
    assert found.fund_fee == before - found.quote - found.liquidator_quote
    value = size * price // 10**9
    if price >= 10**6 and value >= 10**6 and found.shortage * 10**6 >= value * (51_000 - 10_000):
        # each of the roundings on the way hides less than a millionth
        assert found.fund_fee_ppm <= 3, "no room, no fee"


@given(held=st.integers(-500, 500), depth=st.integers(1, 100), fraction=st.sampled_from(["1/10", "1/2", "1"]))
def test_drain_dust_never_keeps_a_disposal_open(held, depth, fraction):
    rule = DisposalRule(Fraction(fraction), full_below=0, depth_share=Fraction(1))
    steps = 0
    while held:
        lots = rule.lots(held, depth)
        assert lots and (lots > 0) != (held > 0) and abs(lots) <= abs(held)
        held += lots
        steps += 1
    assert steps <= 501

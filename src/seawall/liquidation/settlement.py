"""What a close-out fill owes the fund or draws from it, and whether an account may be deleveraged."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import NamedTuple, TypeVar

from seawall.liquidation.limits import bankruptcy_share
from seawall.liquidation.rules import FeeKind, LiquidationFee
from seawall.money import Rounding, RoundingProfile, muldiv

Number = TypeVar("Number", int, Fraction)


class FillSettlement(NamedTuple):
    """``fee`` (>= 0) goes from the account to the fund, ``draw`` (>= 0) from the loss layers to the account.

    ``share`` is the slice's part of the account's equity; ``why`` the rule and the inputs that give fee and draw from
    the fill's gain and notional.
    """

    fee: int
    draw: int
    share: int
    why: tuple[str, Mapping[str, int]] | None


NO_SETTLEMENT = FillSettlement(0, 0, 0, None)


def fund_delta(improvement: int, notional: int, fee: LiquidationFee, rounding: Rounding) -> int:
    """What a fill moves into the fund (negative: out of it).

    Args:
        improvement: what the fill brought above the slice's bankruptcy value.
        notional: quote amount of the fill, ``>= 0``.
        fee: IMPROVEMENT or CLEARANCE cap the income at ``rate x notional``, rounded as named.

    A negative improvement is drawn in full. Both fee kinds stop at the improvement, so a fee never causes a loss.
    Source: dYdX v4 GetLiquidationInsuranceFundDelta; Binance clearance fee.
    """
    if improvement <= 0:
        return improvement
    if fee.kind is FeeKind.NONE:
        return 0
    return min(improvement, muldiv(notional, fee.rate.numerator, fee.rate.denominator, rounding))


def settle_fill(
    *,
    gain: int,
    equity: int,
    part: Fraction | int,
    total: Fraction | int,
    notional: int,
    fee: LiquidationFee,
    profile: RoundingProfile,
) -> FillSettlement:
    """Fee or draw of one close-out fill.

    Args:
        gain: what the fill brought against the mark (negative: it was worse).
        equity: of the account before the fill, in the settle asset.
        part, total: maintenance requirement that the fill removes, and of the whole account.
        notional: quote amount of the fill; PENALTY: the requirement that it removes.
        fee, profile: the policy's.
    """
    share = bankruptcy_share(equity, part, total, profile.equity_share)
    delta = fund_delta(gain + share, notional, fee, profile.fee)
    ratio = Fraction(part) / Fraction(total) if total else Fraction(1)  # exact: Fraction
    inputs = {"equity": equity, "part": ratio.numerator, "total": ratio.denominator}
    rule = "fill.no_fee"
    if fee.kind is not FeeKind.NONE:
        rule = "fill.fee" if profile.fee is Rounding.CEIL else f"fill.fee_{profile.fee.value}"
        inputs |= {"num": fee.rate.numerator, "den": fee.rate.denominator}
    if fee.kind is FeeKind.PENALTY:
        inputs["notional"] = notional
    return FillSettlement(max(0, delta), max(0, -delta), share, (rule, inputs))


def fund_flow(side_long: bool, size: Number, bankruptcy_price: Number, fill_price: Number) -> Number:
    """What the fund gains when a position taken over at ``bankruptcy_price`` is closed at ``fill_price``.

    Source: per-contract insurance funds of futures venues (BitMEX; sat.is documentation).
    """
    difference = fill_price - bankruptcy_price
    return difference * size if side_long else -difference * size


class Eligibility(NamedTuple):
    """At which price an account may be deleveraged against its will."""

    at_bankruptcy_price: bool
    at_oracle_price: bool


def deleverage_eligibility(equity: int, *, final_settlement: bool) -> Eligibility:
    """Bankruptcy price if and only if equity is negative; oracle price only for solvent accounts in final settlement.

    Source: dYdX v4 CanDeleverageSubaccount.
    """
    return Eligibility(equity < 0, final_settlement and equity >= 0)

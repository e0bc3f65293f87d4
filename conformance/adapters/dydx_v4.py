"""dYdX v4: margin, bankruptcy and fillable price, fund flow, as configurations of our rules."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from conformance.compare import Adapter, RefusedError
from seawall.errors import InputError
from seawall.liquidation import (
    FeeKind,
    LimitKind,
    LimitPrice,
    LiquidationFee,
    deleverage_eligibility,
    fillable_price,
    fund_delta,
)
from seawall.margin import Holding, MarginRule, assess, bankruptcy_quote, check_slice
from seawall.market import Bracket, Brackets, Instrument, Kind
from seawall.money import Asset, muldiv, profile
from seawall.waterfall import LayerState, allocate

GROUP = "dydx_v4"
PPM = 10**6
QUOTE = Asset.of("USDC", 6, 6)


class Account:
    """An account of the case as holdings of ours, and the margin rule of its markets."""

    def __init__(self, inputs: dict[str, Any]) -> None:
        account = inputs["account"]
        self.cash = int(account["usdc_quote_quantums"])
        self.markets = [m for m, size in account["positions"].items() if int(size)]
        self.holdings = [holding(inputs["perpetuals"][m], m, int(account["positions"][m])) for m in self.markets]
        self.rule = rule()

    def index(self, market: str) -> int:
        if market not in self.markets:
            raise RefusedError("invalid_size_delta")
        return self.markets.index(market)


def rule() -> MarginRule:
    """Every market's brackets carry its own maintenance share; requirements round per position, initial first."""
    return MarginRule("asset", profile("quantum_chain"))


def holding(terms: dict[str, Any], market: str, size: int) -> Holding:
    """One lot is one base quantum; its value is oracle price x 10^(exponent + resolution + 6) quote quanta."""
    power = terms["oracle_price_exponent"] + terms["atomic_resolution"] + 6
    initial = Fraction(terms["initial_margin_ppm"], PPM)
    share = Fraction(terms["maintenance_fraction_ppm"], PPM)
    instrument = Instrument(
        symbol=market,
        kind=Kind.PERPETUAL,
        base=market,
        quote="USD",
        settle=QUOTE,
        inverse=False,
        mark_scale=0,
        tick=1,
        num=10 ** max(0, power),
        den=10 ** max(0, -power),
        lot=Fraction(1),
        # built as it stands: the rule of the operation does not bound the rates
        brackets=Brackets((Bracket(0, initial, initial * share),)),
    )
    return Holding(instrument, size, 0, int(terms["oracle_price"]))


def is_liquidatable(inputs: dict[str, Any]) -> dict[str, Any]:
    account = Account(inputs)
    return {"liquidatable": assess(account.holdings, account.cash, account.rule).at_risk}


def _bankruptcy(account: Account, market: str, delta: int) -> int:
    try:
        return bankruptcy_quote(account.holdings, account.cash, account.index(market), delta, account.rule)
    except InputError:
        raise RefusedError("invalid_size_delta") from None


def bankruptcy_price(inputs: dict[str, Any]) -> dict[str, Any]:
    account = Account(inputs)
    quote = _bankruptcy(account, inputs["perpetual_id"], int(inputs["delta_base_quantums"]))
    return {"bankruptcy_quote_quantums": str(quote)}


def fillable(inputs: dict[str, Any]) -> dict[str, Any]:
    account = Account(inputs)
    index = account.index(inputs["perpetual_id"])
    position = account.holdings[index]
    try:
        check_slice(position, int(inputs["delta_base_quantums"]))
    except InputError:
        raise RefusedError("invalid_size_delta") from None
    found = assess(account.holdings, account.cash, account.rule)
    limit = LimitPrice(
        LimitKind.FILLABLE,
        Fraction(inputs["bankruptcy_adjustment_ppm"], PPM),
        Fraction(inputs["spread_to_maintenance_margin_ratio_ppm"], PPM),
    )
    price = fillable_price(
        limit,
        value=found.values[index],
        lots=position.lots,
        requirement=found.requirements[index],
        equity=found.equity,
        maintenance=found.maintenance,
    )
    return {"fillable_price_quote_per_base_quantum": [str(price.numerator), str(price.denominator)]}


def insurance_fund_delta(inputs: dict[str, Any]) -> dict[str, Any]:
    size = int(inputs["fill_base_quantums"])
    if size == 0:
        raise RefusedError("zero_fill")
    account = Account(inputs)
    power = inputs["quantum_conversion_exponent"]
    amount = int(inputs["fill_price_subticks"]) * size
    quote = muldiv(amount, 10 ** max(0, power), 10 ** max(0, -power), profile("quantum_chain").fill_value)
    change, delta = (-quote, size) if inputs["is_buy"] else (quote, -size)
    improvement = change - _bankruptcy(account, inputs["perpetual_id"], delta)
    fee = LiquidationFee(FeeKind.IMPROVEMENT, Fraction(inputs["max_liquidation_fee_ppm"], PPM))
    return {
        "insurance_fund_delta_quote_quantums": str(fund_delta(improvement, quote, fee, profile("quantum_chain").fee))
    }


def insurance_draw_allowed(inputs: dict[str, Any]) -> dict[str, Any]:
    """A fund that pays all or nothing, as a layer: the draw is allowed when nothing is left over."""
    delta, balance = int(inputs["delta"]), int(inputs["fund_balance"])
    if delta >= 0:
        return {"allowed": True}
    layer = LayerState("fund", max(0, balance), partial=False)
    return {"allowed": allocate(-delta, [layer]).residual == 0}


def can_deleverage(inputs: dict[str, Any]) -> dict[str, Any]:
    account = Account(inputs)
    equity = assess(account.holdings, account.cash, account.rule).equity
    found = deleverage_eligibility(equity, final_settlement=inputs["market_in_final_settlement"])
    return {"at_bankruptcy_price": found.at_bankruptcy_price, "at_oracle_price": found.at_oracle_price}


OPS: dict[str, Adapter] = {
    "is_liquidatable": is_liquidatable,
    "bankruptcy_price": bankruptcy_price,
    "fillable_price": fillable,
    "insurance_fund_delta": insurance_fund_delta,
    "insurance_draw_allowed": insurance_draw_allowed,
    "can_deleverage": can_deleverage,
}

"""Reading a policy: a preset by name, a TOML file, or the canonical text of a run directory."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from fractions import Fraction
from pathlib import Path
from types import UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from seawall.engine import HouseAccount, Policy
from seawall.errors import InputError, PolicyError
from seawall.liquidation import (
    BackstopRule,
    FeeKind,
    LimitKind,
    LimitPrice,
    LiquidationFee,
    LiquidationRule,
    OverLimit,
    Pace,
    PaceKind,
    StepCaps,
)
from seawall.margin import HaircutSchedule, HaircutStep, MarginRule
from seawall.market import MarkRule, OracleRule
from seawall.members import ContributionRule, Fails, MembersRule
from seawall.money import PROFILES, profile
from seawall.tables.auctions import read_auctions
from seawall.tables.closing import read_market_amount, read_window
from seawall.tables.halts import read_halts, read_wind_down
from seawall.tables.keys import Table, nearest
from seawall.tables.layers import choice, maybe_seconds, money, read_deleverage, read_layers, read_profit_cap
from seawall.tables.members import read_groups
from seawall.tables.portfolio_auction import read_portfolio_auction
from seawall.tables.shipped import library_names, library_text
from seawall.tables.sizing import check_size, read_size, read_weights
from seawall.tables.soundness import check_sound
from seawall.waterfall import OTHER_TIER, LayerKind

ONE = Fraction(1)


def policy_names() -> list[str]:
    """Names of the presets, sorted."""
    return library_names("policies")


def preset_text(name: str) -> str:
    """The TOML of a preset, as shipped."""
    return library_text("policies", name)


def read_policy(source: str | Path | Policy) -> Policy:
    """A policy from a preset name or a TOML file.

    Raises:
        PolicyError: with the key path and the nearest valid name.
    """
    if isinstance(source, Policy):
        return source
    text = str(source)
    if text in policy_names():
        return policy_from_toml(preset_text(text), f"preset {text}")
    path = Path(source)
    if path.suffix == ".toml" or path.exists():
        try:
            return policy_from_toml(path.read_text(encoding="utf-8"), str(path))
        except OSError as error:
            raise PolicyError("policy file cannot be read", where=str(path), value=error.strerror) from None
        except UnicodeDecodeError:
            raise PolicyError("policy file is not UTF-8 text", where=str(path)) from None
    raise PolicyError(
        "no such policy", field="policy", value=text, expected=f"{nearest(text, policy_names())}, or a .toml file"
    )


def policy_from_toml(text: str, where: str) -> Policy:
    """Parse TOML text; ``where`` names it in errors."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PolicyError("not valid TOML", where=where, value=str(error)) from None
    return policy_from_mapping(data, where)


def policy_from_mapping(data: Mapping[str, Any], where: str = "policy") -> Policy:
    """Build a policy from the vocabulary of the file, checked as a whole."""
    top = Table(data, where)
    house = tuple(_house(t) for t in top.rows("house"))
    names = [h.name for h in house]
    for i, name in enumerate(names):
        if name in names[:i]:
            raise PolicyError("house account named twice", where=where, field=f"house[{i}].name", value=name)
    margin_table = top.must("margin")
    tiers = _tiers(top.table("tiers"))
    by_tier = sorted(set(tiers.values()) | {OTHER_TIER}) if tiers else []
    layers = read_layers(top.rows("layers"), names, by_tier, where)
    deleverage = read_deleverage(top.table("deleverage"))
    members = _members(top.table("members"))
    policy = Policy(
        name=top.text("name"),
        represents=top.text("represents", ""),
        source=top.text("source", ""),
        cannot_represent=top.text("cannot_represent", ""),
        known_weaknesses=top.text("known_weaknesses", ""),
        margin=_margin(margin_table),
        oracle=_oracle(top.must("oracle")),
        marks=_marks(top.must("marks")),
        liquidation=_liquidation(top.must("liquidation"), top.table("backstop"), house, by_tier),
        layers=layers,
        deleverage=deleverage,
        house=house,
        numeraire=margin_table.text("numeraire", "") or None,
        haircuts=_haircuts(margin_table.rows("haircuts")),
        tiers=tiers,
        members=members,
        halts=read_halts(top.rows("halts")),
        wind_down=read_wind_down(top.table("wind_down")),
        auctions=read_auctions(top.table("auctions"), names),
        profit_cap=read_profit_cap(top.table("profit_cap"), names, by_tier),
    )
    margin_table.done()
    top.done()
    if policy.margin.pool == "account" and policy.numeraire is None:
        margin_table.fail("numeraire", 'pool "account" needs a numeraire', 'an asset name such as "USDC"')
    _check_deleverage(policy, top)
    check_sound(policy, top)
    return policy


def _check_deleverage(policy: Policy, top: Table) -> None:
    for layer in policy.layers:
        if layer.kind is LayerKind.DELEVERAGE and policy.deleverage is None and layer.deleverage is None:
            top.fail("deleverage", "a layer deleverages but there is no [deleverage] table", "rank and price")


def _tiers(t: Table | None) -> dict[str, str]:
    """Tier by base coin, from ``tier = ["BTC", "ETH"]`` lists; every coin that is in no list is of tier "other"."""
    found: dict[str, str] = {}
    for tier in t.data if t is not None else ():
        assert t is not None
        for base in t.strings(tier):
            if base in found:
                t.fail(tier, f"{base} is in two tiers", f"{base} in one of {found[base]} and {tier}")
            found[base] = tier
    return found


def _members(t: Table | None) -> MembersRule | None:
    if t is None:
        return None
    rule = MembersRule(
        fund=money(t, "fund"),
        fund_share_of_cash=t.maybe_fraction("fund_share_of_cash", high=ONE),
        contribution=choice(t, "contribution", ContributionRule, ContributionRule.PROPORTIONAL),
        minimum=money(t, "minimum") or 0,
        assign=t.whole("assign", 0),
        call_per_default=t.fraction("call_per_default", Fraction(0)),
        call_per_window=t.fraction("call_per_window", Fraction(0)),
        window_ns=t.seconds("window_s", 0),
        reinstated_after_ns=maybe_seconds(t, "reinstated_after_s"),
        reinstated_inside_window=t.flag("reinstated_inside_window", False),
        fails=choice(t, "fails", Fails, Fails.NEVER),
        groups=read_groups(t),
        size=read_size(t.table("size")),
        **read_weights(t),
        auction=read_portfolio_auction(t.table("auction")),
    )
    check_size(rule, t)
    if rule.call_per_window < rule.call_per_default:
        t.fail("call_per_window", "less than may be called for one loss", f"at least {rule.call_per_default}")
    t.done()
    return rule


def _margin(t: Table) -> MarginRule:
    pool: Literal["asset", "account"] = "account" if t.choice("pool", ["asset", "account"]) == "account" else "asset"
    return MarginRule(
        pool,
        profile(t.choice("rounding", PROFILES, "toward_fund")),
        t.maybe_fraction("maintenance_of_initial", high=ONE),
    )


def _haircuts(rows: list[Table]) -> dict[str, HaircutSchedule] | None:
    if not rows:
        return None
    steps: dict[str, list[HaircutStep]] = {}
    for row in rows:
        steps.setdefault(row.text("asset"), []).append(
            HaircutStep(row.whole("floor", 0), row.fraction("haircut", high=ONE))
        )
        row.done()
    return {asset: HaircutSchedule.of(found) for asset, found in steps.items()}


def _oracle(t: Table) -> OracleRule:
    rule = OracleRule(
        max_age_ns=t.seconds("max_age_s"),
        max_future_ns=t.seconds("max_future_s", 0),
        max_deviation=t.fraction("max_deviation"),
        quorum=t.whole("quorum", 1, low=1),
        max_jump=t.maybe_fraction("max_jump"),
        confirm=t.whole("confirm", 1, low=1),
        pinned_after=t.whole("pinned_after", 0),
        pinned_move=t.fraction("pinned_move", Fraction(0)),
    )
    t.done()
    return rule


def _marks(t: Table) -> MarkRule:
    rule = MarkRule(
        kind=t.choice("kind", ["last", "banded"]),
        band=t.fraction("band", Fraction(1, 20), high=ONE),
        fallback=t.choice("fallback", ["index", "hold"], "index"),
        without_index=t.choice("without_index", ["trade", "hold"], "trade"),
        max_age_ns=t.seconds("max_age_s", 90),
    )
    t.done()
    return rule


def _liquidation(t: Table, backstop: Table | None, house: Sequence[HouseAccount], tiers: list[str]) -> LiquidationRule:
    pace, limit, fee = t.must("pace"), t.must("limit"), t.must("fee")
    above = pace.maybe_fraction("above")
    rule = LiquidationRule(
        pace=Pace(
            choice(pace, "kind", PaceKind),
            None if above is None else int(above * 10**6),
            pace.fraction("share", ONE, high=ONE),
            pace.seconds("cooldown_s", 0),
            pace.fraction("buffer", Fraction(0)),
            pace.fraction("target", ONE),
            pace.seconds("duration_s", 0),
        ),
        limit=LimitPrice(
            choice(limit, "kind", LimitKind),
            limit.fraction("adjustment", ONE),
            limit.fraction("spread", Fraction(0)),
            limit.seconds("grace_s", 0),
            limit.fraction("growth_per_s", Fraction(0)),
            limit.fraction("most", Fraction(0), high=ONE),
        ),
        fee=_fee(fee, [h.name for h in house]),
        deadline_ns=t.seconds("deadline_s"),
        backstop=None if backstop is None else _backstop(backstop, house, tiers),
        defaults_when_flat=t.choice("defaults", ["negative", "flat"], "negative") == "flat",
        caps=_caps(t.table("caps")),
        window=read_window(t.table("window"), tiers),
    )
    for table in (pace, limit, fee, t):
        table.done()
    if rule.pace.kind is PaceKind.RAMP and not rule.pace.duration_ns:
        pace.fail("duration_s", "a ramp needs a duration", "seconds such as 150")
    return rule


def _caps(t: Table | None) -> StepCaps | None:
    if t is None:
        return None
    most, loss = money(t, "max_notional"), money(t, "max_fund_loss")
    if most is None or loss is None:
        t.fail("max_notional", "caps need both amounts", 'max_notional = "100000" and max_fund_loss = "1000000"')
    t.done()
    return StepCaps(most, loss)


def _fee(t: Table, house: list[str]) -> LiquidationFee:
    kind = choice(t, "kind", FeeKind)
    account = t.text("account", "fund")
    if kind is not FeeKind.NONE and account not in house:
        t.fail("account", "fee goes to no house account", nearest(account, house) if house else "a [[house]] account")
    return LiquidationFee(kind, t.fraction("rate", Fraction(0), high=ONE), account)


def _backstop(t: Table, accounts: Sequence[HouseAccount], tiers: list[str]) -> BackstopRule:
    house = [h.name for h in accounts]
    account = t.text("account")
    if account not in house:
        t.fail("account", "no such house account", nearest(account, house) if house else "a [[house]] account")
    most = t.maybe_fraction("max_notional")
    rule = BackstopRule(
        account=account,
        takes_below=t.fraction("takes_below", Fraction(0), high=ONE),
        takes_unfilled=t.flag("takes_unfilled", False),
        takes_bankrupt=t.flag("takes_bankrupt", False),
        max_leverage=t.maybe_fraction("max_leverage"),
        max_notional=None if most is None else int(most * 10**6),
        over_limit=choice(t, "over_limit", OverLimit, OverLimit.REFUSE),
        work_out_share=t.fraction("work_out_share", Fraction(0), high=ONE),
        max_per_market=read_market_amount(t, "max_notional_per_market", tiers),
        surplus_to=t.text("surplus_to", ""),
        surplus_above=money(t, "surplus_above") or 0,
    )
    funds = [h.name for h in accounts if h.role == "fund" and h.name != account]
    if t.has("surplus_to") and rule.surplus_to not in funds:
        to = rule.surplus_to
        problem = "the backstop cannot pass its surplus to itself" if to == account else "no such house account"
        if to in house and to != account:
            problem = "the surplus goes to an account that pays: of role fund, not of role backstop"
        t.fail("surplus_to", problem, nearest(to, funds) if funds else "a [[house]] account of role fund")
    t.done()
    return rule


def _house(t: Table) -> HouseAccount:
    opening = t.maybe_fraction("opening")
    house = HouseAccount(
        t.text("name"),
        t.choice("role", ["fund", "backstop"]),
        None if opening is None else str(t.data["opening"]),
        t.maybe_fraction("share_of_cash", high=ONE),
    )
    t.done()
    return house


def policy_from_canonical(text: str) -> Policy:
    """The policy back from its canonical text, as stored in a run directory."""
    try:
        return decode(Policy, json.loads(text))
    except (ValueError, TypeError, KeyError) as error:
        raise InputError("not a canonical policy", where="policy.json", value=str(error)) from None


T = TypeVar("T")


def decode(kind: type[T], data: Any) -> T:
    """Plain JSON data back to a dataclass value, by its type hints: the inverse of ``engine.to_plain``."""
    value: T = _decode(kind, data)
    return value


def _decode(kind: Any, data: Any) -> Any:
    origin = get_origin(kind)
    if origin in (Union, UnionType):
        if data is None:
            return None
        return _decode(next(a for a in get_args(kind) if a is not type(None)), data)
    if origin is tuple:
        return tuple(_decode(get_args(kind)[0], item) for item in data)
    if origin is frozenset:
        return frozenset(_decode(get_args(kind)[0], item) for item in data)
    if origin is not None and issubclass(origin, Mapping) if isinstance(origin, type) else False:
        return {key: _decode(get_args(kind)[1], item) for key, item in data.items()}
    if is_dataclass(kind) and isinstance(kind, type):
        hints = get_type_hints(kind)
        known = {f.name: f for f in fields(kind)}
        missing = [n for n, f in known.items() if n not in data and f.default is MISSING]
        if missing or set(data) - set(known):
            raise ValueError(f"{kind.__name__}: missing {missing}, unknown {sorted(set(data) - set(known))}")
        return kind(**{name: _decode(hints[name], item) for name, item in data.items()})
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(data)
    if kind is Fraction:
        return Fraction(data)
    return data


Reader = Callable[[str], Policy]

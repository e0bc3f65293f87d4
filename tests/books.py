"""Small books for tests, written out in units a person can check."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from seawall.engine import Policy
from seawall.margin import BookSnapshot
from seawall.market import Bracket, Brackets, Instrument
from seawall.money import Asset
from seawall.tables import policy_from_mapping

USDC = Asset.of("USDC", 6, 6)
FLAT = Brackets.flat(Fraction(1, 10), Fraction(1, 20))


def perp(symbol: str = "BTC-PERP", brackets: Brackets = FLAT, settle: Asset = USDC) -> Instrument:
    """One lot is one coin, marks in whole dollars."""
    return Instrument.of(
        symbol, settle, base=symbol.split("-")[0], quote="USD", lot=Fraction(1), mark_scale=0, brackets=brackets
    )


def brackets(*steps: tuple[int, str, str], marginal: bool = True) -> Brackets:
    """(floor in book units, initial, maintenance) each."""
    return Brackets.of([Bracket(f, Fraction(i), Fraction(m)) for f, i, m in steps], marginal=marginal)


def snapshot(
    accounts: Mapping[str, int | Mapping[str, int]],
    positions: Sequence[tuple[str, str, int, int]],
    instruments: Sequence[Instrument],
    *,
    assets: Sequence[Asset] = (USDC,),
    roles: Mapping[str, str] | None = None,
    marks: Mapping[str, int] | None = None,
    parents: Mapping[str, str] | None = None,
) -> BookSnapshot:
    """Accounts with cash in minor units (of the first asset, or by asset), positions as (account, market, lots, entry mark)."""
    names = tuple(accounts)
    symbols = [i.symbol for i in instruments]
    cash = [
        (names.index(name), [a.name for a in assets].index(asset), minor)
        for name, held in accounts.items()
        for asset, minor in (held.items() if isinstance(held, Mapping) else [(assets[0].name, held)])
    ]
    rows = [
        (names.index(a), symbols.index(m), lots, instruments[symbols.index(m)], mark) for a, m, lots, mark in positions
    ]
    return BookSnapshot(
        assets=tuple(assets),
        instruments=tuple(instruments),
        account_ids=names,
        owners=names,
        members=tuple("" for _ in names),
        roles=tuple((roles or {}).get(n, "trader") for n in names),
        parents=np.array(
            [names.index((parents or {})[n]) if n in (parents or {}) else -1 for n in names], dtype=np.int32
        ),
        cash_account=np.array([c[0] for c in cash], dtype=np.int32),
        cash_asset=np.array([c[1] for c in cash], dtype=np.int32),
        cash_minor=tuple(c[2] for c in cash),
        pos_account=np.array([r[0] for r in rows], dtype=np.int32),
        pos_market=np.array([r[1] for r in rows], dtype=np.int32),
        pos_lots=np.array([r[2] for r in rows], dtype=np.int64),
        pos_entry=np.array([r[2] * r[3].sign * r[3].unit_value(r[4]) for r in rows], dtype=np.int64),
        marks={symbols.index(s): m for s, m in (marks or {}).items()},
    )


def policy(**changes: object) -> Policy:
    """A small policy: orders at bankruptcy, a fund, deleveraging by queue at bankruptcy, gains haircut."""
    data: dict[str, Any] = {
        "name": "test",
        "margin": {"pool": "asset", "rounding": "toward_fund"},
        "oracle": {"max_age_s": 60, "max_deviation": "1/10"},
        "marks": {"kind": "last"},
        "liquidation": {
            "deadline_s": 1,
            "pace": {"kind": "at_once"},
            "limit": {"kind": "bankruptcy"},
            "fee": {"kind": "none"},
        },
        "layers": [
            {"name": "insurance fund", "kind": "account", "account": "fund"},
            {"name": "deleveraging", "kind": "deleverage"},
            {"name": "gains haircut", "kind": "gains_haircut"},
        ],
        "deleverage": {"rank": "profit_leverage", "price": "bankruptcy"},
        "house": [{"name": "fund", "role": "fund"}],
    }
    for key, value in changes.items():
        if value is None:
            data.pop(key, None)
        else:
            data[key] = value
    # A policy names no house account that it does not use; so a test may change its layers and leave the rest.
    fee = data["liquidation"]["fee"]
    used = {row.get("account") for row in data["layers"]} | {data.get("backstop", {}).get("account")}
    used.add(data.get("profit_cap", {}).get("account"))
    used |= set() if fee["kind"] == "none" else {fee.get("account", "fund")}
    data["house"] = [row for row in data["house"] if row["name"] in used]
    return policy_from_mapping(data)

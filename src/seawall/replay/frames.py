"""The five frames of a run: timeline, layers, accounts, markets, deleveragings.

Amounts are exact decimals in the reporting unit (``pl.Decimal(38, scale)``), ratios and prices float64, times
``time_ns`` int64 UTC. A frame without rows has all its columns. What each column means: ``docs/reference/result.md``.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from seawall.replay.counts import AccountTally
from seawall.replay.layers import layer_rows
from seawall.replay.tally import Tally
from seawall.replay.timeline import Timeline
from seawall.replay.values import Equities

if TYPE_CHECKING:
    import polars as pl

FRAMES = ("timeline", "layers", "accounts", "markets", "deleveragings")
IF_ANY = ("bids",)  # written only by a run that has rows for it
TEXT, COUNT, AMOUNT, PRICE = "text", "count", "amount", "price"

LAYERS = {
    "layer": TEXT,
    "kind": TEXT,
    "account": TEXT,
    "before": AMOUNT,
    "used": AMOUNT,
    "gained": AMOUNT,
    "after": AMOUNT,
    "paid": AMOUNT,
    "paid_out": AMOUNT,
}
ACCOUNTS = {
    "account": TEXT,
    "owner": TEXT,
    "role": TEXT,
    "size_class": TEXT,
    "equity_before": AMOUNT,
    "equity_after": AMOUNT,
    "taken_out": AMOUNT,
    "first_time_ns": COUNT,
    "liquidations": COUNT,
    "liquidated_notional": AMOUNT,
    "fees": AMOUNT,
    "taken_over_notional": AMOUNT,
    "auctioned_notional": AMOUNT,
    "margin_lost": AMOUNT,
    "loss": AMOUNT,
    "deleveragings": COUNT,
    "deleveraged_notional": AMOUNT,
    "given_up": AMOUNT,
    "haircut": AMOUNT,
    "contribution_used": AMOUNT,
    "called": AMOUNT,
    "charged": AMOUNT,
    "cash_cut": AMOUNT,
    "withdrawal_cut": AMOUNT,
    "recovered": AMOUNT,
    "best_rank": COUNT,
    "outcome": TEXT,
}
MARKETS = {
    "market": TEXT,
    "base": TEXT,
    "settle": TEXT,
    "open_notional": AMOUNT,
    "first_mark": PRICE,
    "low_mark": PRICE,
    "high_mark": PRICE,
    "last_mark": PRICE,
    "liquidations": COUNT,
    "liquidated_notional": AMOUNT,
    "taken_over_notional": AMOUNT,
    "deleveraged_notional": AMOUNT,
    "given_up": AMOUNT,
    "fees": AMOUNT,
    "fill_gain": AMOUNT,
    "auctioned_notional": AMOUNT,
    "charged": AMOUNT,
    "quarantined": COUNT,
}
DELEVERAGINGS = {
    "record": COUNT,
    "time_ns": COUNT,
    "loss": COUNT,
    "market": TEXT,
    "account": TEXT,
    "counterparty": TEXT,
    "rank": COUNT,
    "score": COUNT,
    "notional": AMOUNT,
    "given_up": AMOUNT,
    "cause": TEXT,
}
BIDS = {
    "record": COUNT,
    "time_ns": COUNT,
    "account": TEXT,
    "notional": AMOUNT,
    "reserve": AMOUNT,
    "member": TEXT,
    "bid": AMOUNT,
    "outcome": TEXT,
    "tier": TEXT,
}


def build_frames(tally: Tally, timeline: Timeline, quarantined: dict[str, int]) -> dict[str, pl.DataFrame]:
    """All five frames at the end of a run, and ``bids`` where portfolios were auctioned.

    Args:
        tally, timeline: fed to the end; the state they look at is the closing one.
        quarantined: prices refused, by market.
    """
    found = {
        "timeline": _timeline(tally, timeline),
        **counted_frames(tally),
        "markets": _frame(tally, MARKETS, _markets(tally, timeline, quarantined)),
    }
    return {name: found[name] for name in (*FRAMES, *IF_ANY) if name in found}


def counted_frames(tally: Tally) -> dict[str, pl.DataFrame]:
    """The frames that follow from the log alone: layers, accounts, deleveragings, bids."""
    open_now = {tally.state.book.account_of(unit) for unit in tally.state.cases}
    closing = Equities(tally.state, tally.valuer)
    bids = tally.shares.bids.rows
    return {
        **({"bids": _frame(tally, BIDS, bids)} if bids else {}),
        "layers": _frame(tally, LAYERS, [tuple(row[name] for name in LAYERS) for row in layer_rows(tally)]),
        "accounts": _frame(tally, ACCOUNTS, [_account(tally, a, closing, open_now) for a in tally.accounts.values()]),
        "deleveragings": _frame(tally, DELEVERAGINGS, tally.deleveragings),
    }


def frame_column(scale: int, name: str, kind: str, values: Sequence[Any]) -> pl.Series:
    """One column of a frame. An amount, counted in ``10**-scale``, becomes an exact decimal; None stays null."""
    import polars as pl

    if kind == AMOUNT:
        # Whole numbers times one unit: exact up to 38 digits, and far faster than a Python decimal for each.
        one_unit = pl.Series([Decimal(1).scaleb(-scale)], dtype=pl.Decimal(38, scale))
        whole = pl.Series(name, values, dtype=pl.Int128).cast(pl.Decimal(38, 0))
        return (whole * one_unit).cast(pl.Decimal(38, scale))
    return pl.Series(name, values, dtype={TEXT: pl.String, COUNT: pl.Int64, PRICE: pl.Float64}[kind])


def _frame(tally: Tally, columns: dict[str, str], rows: Sequence[tuple[Any, ...]]) -> pl.DataFrame:
    import polars as pl

    turned = list(zip(*rows, strict=True)) if rows else [()] * len(columns)
    return pl.DataFrame(
        [
            frame_column(tally.valuer.scale, name, kind, values)
            for (name, kind), values in zip(columns.items(), turned, strict=True)
        ]
    )


def _timeline(tally: Tally, timeline: Timeline) -> pl.DataFrame:
    import polars as pl

    columns = [
        frame_column(tally.valuer.scale, "time_ns", COUNT, timeline.times),
        *(frame_column(tally.valuer.scale, name, COUNT, values) for name, values in timeline.counts.items()),
        *(frame_column(tally.valuer.scale, name, AMOUNT, values) for name, values in timeline.amounts.items()),
        frame_column(tally.valuer.scale, "depth", PRICE, timeline.depth),
        *(
            frame_column(tally.valuer.scale, f"equity_{name}", AMOUNT, values)
            for name, values in timeline.house.items()
        ),
    ]
    instruments = tally.state.snapshot.instruments
    for market, values in timeline.marks.items():
        columns.append(frame_column(tally.valuer.scale, f"mark_{instruments[market].symbol}", PRICE, values))
    return pl.DataFrame(columns)


def _account(tally: Tally, a: AccountTally, closing: Equities, open_now: set[int]) -> tuple[Any, ...]:
    state = tally.state
    number = state.account_index[a.name]
    return (
        a.name,
        state.snapshot.owners[number],
        state.snapshot.roles[number],
        tally.valuer.size_class(a.before),
        a.before,
        closing.of(number),
        tally.taken_out_of(number),
        a.first_ns,
        a.liquidations,
        a.liquidated_notional,
        a.fees,
        a.taken_notional,
        a.auctioned_notional,
        a.margin_lost,
        a.loss,
        a.deleveragings,
        a.deleveraged_notional,
        a.given_up,
        a.haircut,
        a.contribution_used,
        a.called,
        a.charged,
        a.cash_cut,
        a.withdrawal_cut,
        a.recovered,
        a.best_rank,
        "still_open" if number in open_now else a.outcome,
    )


def _markets(tally: Tally, timeline: Timeline, quarantined: dict[str, int]) -> list[tuple[Any, ...]]:
    rows = []
    for market, instrument in enumerate(tally.state.snapshot.instruments):
        m, seen = tally.markets[market], timeline.ranges[market]
        marks = (seen.first, seen.low, seen.high, seen.last)
        rows.append(
            (
                instrument.symbol,
                instrument.base,
                instrument.settle.name,
                timeline.open_notional[market],
                *(timeline.price(market, mark) if mark else None for mark in marks),
                len(m.fallen),
                m.liquidated_notional,
                m.taken_notional,
                m.deleveraged_notional,
                m.given_up,
                m.fees,
                m.fill_gain,
                m.auctioned_notional,
                m.charged,
                quarantined.get(instrument.symbol, 0),
            )
        )
    return rows

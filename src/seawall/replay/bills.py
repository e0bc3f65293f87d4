"""What each clearing member can lose at most, before anything happens."""

from __future__ import annotations

from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

from seawall.engine import Policy, State, open_state
from seawall.errors import InputError
from seawall.margin import BookSnapshot
from seawall.members import CallCaps, most_by_tier, worst_case_bills
from seawall.money import format_amount
from seawall.replay.api import book_for, path_for
from seawall.replay.driver import Replay
from seawall.tables.policies import read_policy

if TYPE_CHECKING:
    import polars as pl


def member_bills(book: BookSnapshot | str, prices: Any, policy: Policy | str | FilePath) -> pl.DataFrame:
    """Each member's worst-case bill under a policy, on a book at the opening of an event.

    Args:
        book: a book from ``read_book``, or ``"generate:..."``; prices: scenario or price file, for the opening marks.
        policy: one with a table ``[members]``.

    Returns:
        One row a member and settle asset: ``accounts``, ``contribution`` (all of it can be used), ``call_once`` (most
        that one default calls), ``one_default`` (both), ``window`` (contribution and all calls in one window, however
        many members fail), ``share_of_fund``, and ``first_in_line`` (most it pays of a loss as large as the default
        fund when it did not bid in the auction). Amounts as decimal text in the asset's unit, rounded down to it.

    Source: EMIR article 43(3), limited exposure; members must know it before the event (ESMA Q&A 886).

    Raises:
        InputError: the policy has no members.
    """
    return bills_of(open_with_members(book, prices, policy))


def open_with_members(book: BookSnapshot | str, prices: Any, policy: Policy | str | FilePath) -> State:
    """A venue opened at the first prices of an event.

    Raises:
        InputError: the policy has no members.
    """
    rules = read_policy(policy)
    if rules.members is None:
        raise InputError(
            "the policy has no default fund", field="policy", value=rules.name, expected="one with a table [members]"
        )
    path = path_for(prices, book, None, None, None, None, None, "ohlc")
    engine = Replay(path, rules)
    snapshot = engine.open(lambda first: book_for(book, path, first))
    return open_state(snapshot, engine.policy, engine.opening, engine.opening_ns)


def bills_of(state: State) -> pl.DataFrame:
    """The bills of an opened venue; see ``member_bills``."""
    import polars as pl

    terms = state.policy.members
    assert terms is not None
    caps = CallCaps(terms.call_per_default, terms.call_per_window, terms.window_ns)
    counts: dict[str, int] = {}
    for name in state.members.of_account.values():
        counts[name] = counts.get(name, 0) + 1
    rows: list[dict[str, Any]] = []
    for asset, paid_in in state.members.paid_in.items():
        scale, whole = state.asset(asset).book_scale, sum(paid_in.values())
        for name, bill in worst_case_bills(paid_in, caps).items():
            first = max(most_by_tier(whole, paid_in, name).values())
            amounts = {
                "contribution": bill.contribution,
                "call_once": bill.call_once,
                "one_default": bill.one_default,
                "window": bill.window,
                "first_in_line": first,
            }
            rows.append(
                {
                    "member": name,
                    "asset": state.asset(asset).name,
                    "accounts": counts.get(name, 0),
                    **{key: format_amount(amount, scale) for key, amount in amounts.items()},
                    "share_of_fund": round(bill.contribution / whole, 6) if whole else 0.0,
                }
            )
    return pl.DataFrame(rows)

"""The seeded books that several benchmarks run on."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from seawall.margin import BookSnapshot
from seawall.market import Bracket, Brackets, Instrument
from seawall.money import Asset

USDC = Asset.of("USDC", 6, 6)


def book_of(
    accounts: int, markets: int, held: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]
) -> BookSnapshot:
    """Accounts with a million each; ``held`` are the accounts, markets and signed lots of their positions."""
    steps = [
        Bracket(f * 10**9, Fraction(i, 100), Fraction(i, 200)) for f, i in ((0, 2), (50, 4), (250, 10), (1000, 20))
    ]
    made = tuple(
        Instrument.of(f"M{i}", USDC, base="X", quote="USD", lot=Fraction(1), mark_scale=0, brackets=Brackets.of(steps))
        for i in range(markets)
    )
    account, market, lots = held
    return BookSnapshot(
        assets=(USDC,),
        instruments=made,
        account_ids=tuple(map(str, range(accounts))),
        owners=("",) * accounts,
        members=("",) * accounts,
        roles=("trader",) * accounts,
        parents=np.full(accounts, -1, dtype=np.int32),
        cash_account=np.arange(accounts, dtype=np.int32),
        cash_asset=np.zeros(accounts, dtype=np.int32),
        cash_minor=(10**12,) * accounts,
        pos_account=account.astype(np.int32),
        pos_market=market.astype(np.int32),
        pos_lots=lots,
        pos_entry=lots * 10**9,
    )

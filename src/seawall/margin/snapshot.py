"""The opening book as immutable columns: what readers and generators make, and what a run starts from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seawall.market import Instrument
from seawall.money import Asset

ROLES = ("trader", "market_maker", "fund", "backstop", "outside")


@dataclass(frozen=True, slots=True)
class BookSnapshot:
    """Accounts x positions as columns. Row order is meaningful: it is the last tie-break everywhere.

    An isolated position stands as an account of its own (``parent`` is the index of the account it belongs to):
    it has its own cash, is judged alone, and what is left of it returns to the parent.

    Attributes:
        assets, instruments: the tables that the index columns point into.
        account_ids: unique names, length n.
        owners, members: length n; linked accounts share an owner.
        roles: length n, from ``ROLES``. At most one ``outside`` account, which takes the open other side.
        parents: int32 [n], -1 for none.
        cash_account, cash_asset: int32 [k] indexes; at most one row per pair.
        cash_minor: k integers, ledger minor units of the asset, any size.
        pos_account, pos_market: int32 [p] indexes; at most one row per pair.
        pos_lots: int64 [p], signed, non-zero.
        pos_entry: int64 [p], entry value in settle book units, signed like the position's value
            (linear: ``lots x value of a lot at the entry price``; inverse: the negative of that).
        marks: market index -> mark at the time of the snapshot (integer, market's mark scale), where known.
        kind: ``"user"`` or ``"generated"``; reports on a generated book are headed so.
        source: where it came from (paths and hashes, or generator parameters), as plain data.
    """

    assets: tuple[Asset, ...]
    instruments: tuple[Instrument, ...]
    account_ids: tuple[str, ...]
    owners: tuple[str, ...]
    members: tuple[str, ...]
    roles: tuple[str, ...]
    parents: NDArray[np.int32]
    cash_account: NDArray[np.int32]
    cash_asset: NDArray[np.int32]
    cash_minor: tuple[int, ...]
    pos_account: NDArray[np.int32]
    pos_market: NDArray[np.int32]
    pos_lots: NDArray[np.int64]
    pos_entry: NDArray[np.int64]
    marks: Mapping[int, int] = field(default_factory=dict)
    kind: str = "user"
    source: Mapping[str, Any] = field(default_factory=dict)

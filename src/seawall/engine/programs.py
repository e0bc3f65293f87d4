"""All rules that move money, by id. The language is in ``engine.program``, the rules in ``engine.programs_*``."""

from __future__ import annotations

from collections.abc import Mapping

from seawall.engine.program import Rule
from seawall.engine.programs_auctions import AUCTIONS
from seawall.engine.programs_closings import CLOSINGS
from seawall.engine.programs_ends import ENDS
from seawall.engine.programs_losses import LOSSES
from seawall.engine.programs_members import MEMBERS
from seawall.engine.programs_trades import TRADES

RULES: Mapping[str, Rule] = {**TRADES, **LOSSES, **CLOSINGS, **ENDS, **AUCTIONS, **MEMBERS}

# What the ledger calls the transfers of an event, and what its two sides are called, where it is not account and
# counterparty.
CODES: Mapping[str, str] = {
    "filled": "fill",
    "deleveraged": "deleverage",
    "taken_over": "take_over",
    "traded": "trade",
    "position_settled": "settle",
    "position_sold": "auction",
}
SIDES: Mapping[str, tuple[str, str]] = {"traded": ("buyer", "seller"), "taken_over": ("account", "backstop")}

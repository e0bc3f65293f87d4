"""The engine: commands in, events and transfers out, by a policy; every event says why and every unit is kept."""

from seawall.engine.apply import apply
from seawall.engine.commands import (
    Auction,
    Command,
    DeclareLoss,
    Deposit,
    Distribute,
    FileClaim,
    Fill,
    Funding,
    Marks,
    Recover,
    Reinstate,
    Resolve,
    Settle,
    Trade,
    WindDown,
    Withdraw,
    command_from_plain,
    command_to_plain,
)
from seawall.engine.events import Event, Outcome, Refused, Rejection, event_to_plain
from seawall.engine.invariants import check_all, check_markets, statements
from seawall.engine.opening import open_state
from seawall.engine.policy import HouseAccount, Policy, WindDownRule, to_plain
from seawall.engine.state import State, state_hash

__all__ = [
    "Auction",
    "Command",
    "DeclareLoss",
    "Deposit",
    "Distribute",
    "Event",
    "FileClaim",
    "Fill",
    "Funding",
    "HouseAccount",
    "Marks",
    "Outcome",
    "Policy",
    "Recover",
    "Refused",
    "Reinstate",
    "Rejection",
    "Resolve",
    "Settle",
    "State",
    "Trade",
    "WindDown",
    "WindDownRule",
    "Withdraw",
    "apply",
    "check_all",
    "check_markets",
    "command_from_plain",
    "command_to_plain",
    "event_to_plain",
    "open_state",
    "state_hash",
    "statements",
    "to_plain",
]

"""Markets: instruments in integers, margin brackets, funding, and the oracle that turns quotes into one mark."""

from seawall.market.brackets import Bracket, Brackets
from seawall.market.instruments import Instrument, Kind, Right

__all__ = ["Bracket", "Brackets", "Instrument", "Kind", "Right"]

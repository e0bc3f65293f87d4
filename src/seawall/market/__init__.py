"""Markets: instruments in integers, margin brackets, funding, and the oracle that turns quotes into one mark."""

from seawall.market.brackets import Bracket, Brackets
from seawall.market.funding import funding_per_lot
from seawall.market.instruments import Instrument, Kind, Right
from seawall.market.oracle import (
    Aggregate,
    MarkDecision,
    MarkRule,
    OracleRule,
    Quarantine,
    Quote,
    SourceMemory,
    aggregate,
    decide_mark,
    scaled_price,
    weighted_median,
    within,
)

__all__ = [
    "Aggregate",
    "Bracket",
    "Brackets",
    "Instrument",
    "Kind",
    "MarkDecision",
    "MarkRule",
    "OracleRule",
    "Quarantine",
    "Quote",
    "Right",
    "SourceMemory",
    "aggregate",
    "decide_mark",
    "funding_per_lot",
    "scaled_price",
    "weighted_median",
    "within",
]

"""The margin book: accounts x positions as columns, equity and requirements in exact integers, who is at risk."""

from seawall.margin.book import Book
from seawall.margin.bookrows import Holders
from seawall.margin.exact import (
    Assessment,
    Holding,
    assess,
    bankruptcy_mark,
    bankruptcy_quote,
    check_slice,
    liquidation_mark,
    requirement_of,
)
from seawall.margin.rates import MAX_CASH, MAX_LOTS, MAX_WORTH
from seawall.margin.rules import HaircutSchedule, HaircutStep, MarginRule
from seawall.margin.snapshot import ROLES, BookSnapshot
from seawall.margin.stress import Stress, loss_over_margin, stressed_marks
from seawall.margin.units import PositionState, UnitState

__all__ = [
    "MAX_CASH",
    "MAX_LOTS",
    "MAX_WORTH",
    "ROLES",
    "Assessment",
    "Book",
    "BookSnapshot",
    "HaircutSchedule",
    "HaircutStep",
    "Holders",
    "Holding",
    "MarginRule",
    "PositionState",
    "Stress",
    "UnitState",
    "assess",
    "bankruptcy_mark",
    "bankruptcy_quote",
    "check_slice",
    "liquidation_mark",
    "loss_over_margin",
    "requirement_of",
    "stressed_marks",
]

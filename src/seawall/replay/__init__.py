"""Past and imagined events through the engine: price paths, the book generator, the driver, and its result."""

from seawall.replay.api import compare_marks, replay
from seawall.replay.bills import member_bills
from seawall.replay.check import CheckedRun, check_run
from seawall.replay.compare import Comparison, compare, open_comparison
from seawall.replay.driver import Replay
from seawall.replay.generator import GeneratorOptions, MarketSeed, generate_book, parse_generate
from seawall.replay.record import Record, open_record
from seawall.replay.run import Run
from seawall.replay.sensitivity import Sensitivity, open_sensitivity, sensitivity
from seawall.replay.sizing import MembersSizing, members_sizing, sizing_from_history

__all__ = [
    "CheckedRun",
    "Comparison",
    "GeneratorOptions",
    "MarketSeed",
    "MembersSizing",
    "Record",
    "Replay",
    "Run",
    "Sensitivity",
    "check_run",
    "compare",
    "compare_marks",
    "generate_book",
    "member_bills",
    "members_sizing",
    "open_comparison",
    "open_record",
    "open_sensitivity",
    "parse_generate",
    "replay",
    "sensitivity",
    "sizing_from_history",
]

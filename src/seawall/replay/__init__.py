"""Past and imagined events through the engine: price paths, the book generator, the driver, and its result."""

from seawall.replay.api import compare_marks, replay
from seawall.replay.driver import Replay
from seawall.replay.generator import GeneratorOptions, MarketSeed, generate_book, parse_generate
from seawall.replay.record import Record, open_record
from seawall.replay.run import Run

__all__ = [
    "GeneratorOptions",
    "MarketSeed",
    "Record",
    "Replay",
    "Run",
    "compare_marks",
    "generate_book",
    "open_record",
    "parse_generate",
    "replay",
]

"""The journal: commands and events of a run as hashed lines, the opening book beside them, and replay to the same hash."""

from seawall.journal.log import GENESIS, LogReader, LogWriter, Record
from seawall.journal.rundir import Manifest, RunDirectory, create_run, open_run
from seawall.journal.verify import VerifiedRun, verify_run

__all__ = [
    "GENESIS",
    "LogReader",
    "LogWriter",
    "Manifest",
    "Record",
    "RunDirectory",
    "VerifiedRun",
    "create_run",
    "open_run",
    "verify_run",
]

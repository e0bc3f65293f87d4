"""The journal: commands and events of a run as hashed lines, the opening book beside them, and replay to the same hash."""

from seawall.journal.derive import Located, derive, events_of, find_events, records_of, state_before, written_records
from seawall.journal.log import GENESIS, LogReader, LogWriter, Record
from seawall.journal.rundir import Manifest, RunDirectory, create_run, open_run
from seawall.journal.verify import VerifiedRun, verify_run

__all__ = [
    "GENESIS",
    "Located",
    "LogReader",
    "LogWriter",
    "Manifest",
    "Record",
    "RunDirectory",
    "VerifiedRun",
    "create_run",
    "derive",
    "events_of",
    "find_events",
    "open_run",
    "records_of",
    "state_before",
    "verify_run",
    "written_records",
]

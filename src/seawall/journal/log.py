"""The append-only log: two lines a command, chained by SHA-256.

::

    {"n":1,"c":{...}}                                       the command, written before it is applied
    {"n":1,"e":[...],"t":[[from,to,units,code],...],"h":"…"}   what it did ("r" instead of "e" and "t": refused)

``h`` of record n is SHA-256 of: the previous ``h`` in hex, the command line, and the second line without its ``h``
(each UTF-8, joined by line feeds). The first previous ``h`` is ``GENESIS`` of the run: the SHA-256 of policy hash,
opening state hash. Integers may be of any size; readers must not use floating point for them. ``t`` names ledger
accounts by number (``ledger.parquet`` beside the log lists them) and counts ledger minor units.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

from seawall.engine import Command, Outcome, State, apply, command_from_plain, command_to_plain, event_to_plain
from seawall.errors import AnswerError, InputError

LOG_NAME = "log.jsonl"
_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


def GENESIS(policy_hash: str, opening_hash: str) -> str:  # noqa: N802 - a named constant of a run, not an action
    """The chain's start value for a run."""
    return hashlib.sha256(f"seawall-log/1\n{policy_hash}\n{opening_hash}\n".encode()).hexdigest()


class Record(NamedTuple):
    """One command of a log with what it did. ``body`` is None when the run stopped before the command finished."""

    number: int
    command: Command
    command_line: str
    body: str | None
    chain: str | None


def outcome_body(number: int, outcome: Outcome) -> str:
    """The second line of a record, without its hash."""
    if outcome.rejection is not None:
        refused = {"code": outcome.rejection.code.value, "detail": dict(outcome.rejection.detail)}
        return _encode({"n": number, "r": refused})
    return _encode({"n": number, "e": [event_to_plain(e) for e in outcome.events], "t": outcome.transfers})


def chain(previous: str, command_line: str, body: str) -> str:
    """The next link."""
    return hashlib.sha256(f"{previous}\n{command_line}\n{body}".encode()).hexdigest()


class LogWriter:
    """The single writer of a log: journals a command, applies it, journals what it did.

    Args:
        path: file to create; it must not exist.
        genesis: first link, see ``GENESIS``.
        durable: flush every command line to the file before it is applied. Replays leave it off and flush at the end.
    """

    def __init__(self, path: Path, genesis: str, *, durable: bool = False) -> None:
        self._file: IO[str] = path.open("x", encoding="utf-8", buffering=1 << 20, newline="\n")
        self.head = genesis
        self.number = 0
        self._durable = durable

    def submit(self, state: State, command: Command) -> Outcome:
        """Journal, apply, journal."""
        self.number += 1
        line = _encode({"n": self.number, "c": command_to_plain(command)})
        self._file.write(line + "\n")
        if self._durable:
            self._file.flush()
        outcome = apply(state, command)
        body = outcome_body(self.number, outcome)
        self.head = chain(self.head, line, body)
        self._file.write(f'{body[:-1]},"h":"{self.head}"}}\n')
        return outcome

    def close(self) -> None:
        """Flush and close."""
        self._file.close()


def whole_lines(path: Path) -> Iterator[str | None]:
    """The lines of a log that were written to their end, in order; then None if the last one was not.

    Cut anywhere, also inside a character: what is torn off is never decoded.

    Raises:
        InputError: a whole line is not UTF-8.
    """
    with path.open("rb") as file:
        for row, line in enumerate(file, 1):
            if not line.endswith(b"\n"):
                yield None
                return
            try:
                text = line[:-1].decode("utf-8")
            except UnicodeDecodeError as error:
                raise InputError("line is not UTF-8", where=str(path), row=row, value=error.reason) from None
            yield text


class LogReader:
    """Reads a log back, line pairs in order, checking numbers and JSON but not the chain (see ``verify_run``).

    ``torn`` is True once the end was reached and the writer had stopped inside a line or between the two of a record.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.torn = False

    def __iter__(self) -> Iterator[Record]:
        self.torn = False
        lines = whole_lines(self.path)
        for number, command_line in enumerate(lines, 1):
            if command_line is None:  # a command is journalled before it is applied: this one never was
                self.torn = True
                return
            first = self._parse(command_line, 2 * number - 1, number)
            command = command_from_plain(first["c"])
            body = next(lines, None)
            if body is None:  # the writer stopped inside this record: re-derive it
                self.torn = True
                yield Record(number, command, command_line, None, None)
                return
            self._parse(body, 2 * number, number)
            cut = body.rfind(',"h":"')
            if cut < 0:
                raise InputError("record has no hash", where=str(self.path), row=2 * number, field="h")
            yield Record(number, command, command_line, body[:cut] + "}", body[cut + 6 : -2])

    def _parse(self, line: str, row: int, number: int) -> dict[str, Any]:
        try:
            data = json.loads(line)
        except ValueError as error:
            raise InputError("line is not JSON", where=str(self.path), row=row, value=str(error)) from None
        if not isinstance(data, dict) or data.get("n") != number:
            raise AnswerError(f"{self.path}, line {row}: expected record {number}")
        if row % 2 and not isinstance(data.get("c"), dict):
            raise InputError("record has no command", where=str(self.path), row=row, field="c")
        return data

"""Every error Seawall raises on purpose, in one tree.

::

    SeawallError
    |-- InputError            bad input: says where, row, field, value, expected   (exit code 2)
    |   |-- PolicyError       a policy file: key path and nearest valid name
    |   `-- ScaleError        a number that does not fit the asset's or market's integer scale
    |-- AnswerError           the work was done and the answer is bad (failed replay, short fund)  (exit code 1)
    `-- FaultError            our own fault: an invariant does not hold              (exit code 3)
        |-- MoneyOverflow     an exact result does not fit where it must be stored
        `-- InvariantBroken   conservation, allocation or book-ledger agreement failed

A *refused command* is not an exception: it is a value (``engine.Rejection``), because it is journalled.
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "AnswerError",
    "FaultError",
    "InputError",
    "InvariantBroken",
    "MoneyOverflow",
    "PolicyError",
    "ScaleError",
    "SeawallError",
]


class SeawallError(Exception):
    """Base of the tree. ``exit_code`` is what the command line returns for it."""

    exit_code = 3


class InputError(SeawallError):
    """Input that cannot be used. Nothing was done with it.

    ``where`` is a file, frame or option; ``row`` counts data rows from 1 (a CSV header is not a row);
    ``field`` is the column or key; ``value`` is what stood there; ``expected`` says what would be right.
    """

    exit_code = 2

    def __init__(
        self,
        problem: str,
        *,
        where: str = "",
        row: int | None = None,
        field: str = "",
        value: Any = None,
        expected: str = "",
    ) -> None:
        self.problem = problem
        self.where = where
        self.row = row
        self.field = field
        self.value = value
        self.expected = expected
        super().__init__(self._text())

    def _text(self) -> str:
        place = self.where
        if self.row is not None:
            place += f"{', ' if place else ''}row {self.row}"
        if self.field:
            place += f"{', ' if place else ''}field {self.field!r}"
        text = f"{place}: {self.problem}" if place else self.problem
        if self.value is not None:
            text += f" (got {self.value!r})"
        if self.expected:
            text += f"; expected {self.expected}"
        return text

    def as_dict(self) -> dict[str, Any]:
        """The error as plain data, for ``--json``."""
        return {
            "error": type(self).__name__,
            "problem": self.problem,
            "where": self.where or None,
            "row": self.row,
            "field": self.field or None,
            "value": None if self.value is None else str(self.value),
            "expected": self.expected or None,
        }


class PolicyError(InputError):
    """A policy file that cannot be used; ``field`` is the key path, ``expected`` the nearest valid form."""


class ScaleError(InputError):
    """A number that is not whole at its scale, or does not fit the stated bound."""


class AnswerError(SeawallError):
    """The work was done and the answer is bad: a replay that differs, a statement that does not add up."""

    exit_code = 1


class FaultError(SeawallError):
    """Our fault. The message says what should have been true."""

    exit_code = 3


class MoneyOverflow(FaultError):
    """An exact integer result does not fit its place. Never wrapped, never rounded away."""


class InvariantBroken(FaultError):
    """A statement that must hold after every event does not hold."""
